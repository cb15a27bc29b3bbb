"""What a run asks of the engine's process, and what that process says: one JSON object each way."""

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Spec:
    """One run. Seconds everywhere."""

    dsn: str
    postmaster: int
    """Process id of the PostgreSQL server, whose processor time is read from /proc."""
    messages: int
    ramp: float = 3.0
    """Time given to the start: lanes come into turn, statements are prepared, pages come into memory."""
    seconds: float = 20.0
    """The longest measure after the ramp; it ends sooner when nothing is left."""
    latency: tuple[float, float] = (0.04, 0.06)
    receipts: bool = False
    """Whether the gateway sends receipts, and the intake works on them beside the engine."""
    drains: bool = False
    """End when every message is accounted for, and count from the first send."""
    until_first: bool = False
    """End with the first send."""

    def written(self) -> str:
        """As a line for the command."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, line: str) -> "Spec":
        """From such a line."""
        values: dict[str, Any] = json.loads(line)
        return cls(**{**values, "latency": tuple(values["latency"])})
