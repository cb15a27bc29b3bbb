"""What a driver may offer beside the port: devices set up by a number id and a token instead of a pairing.

The device's `Keeps` holds `Credentials.packed()`; the driver reads it when the device is opened.
"""

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

NO_LIMIT = 1_000_000_000
"""A tier without a limit: more people than there are in any day, so that a smaller number always binds."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a number of the Cloud API needs; the token is a secret and shows up in no text."""

    number_id: str
    token: str = field(repr=False)
    business_id: str | None = None

    def packed(self) -> bytes:
        """As it is kept."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def of(cls, data: bytes) -> "Credentials":
        """What was kept; raises `ValueError` for anything else."""
        found = json.loads(data)
        if not isinstance(found, dict) or not found.get("number_id") or not found.get("token"):
            raise ValueError("no number id and token")
        return cls(str(found["number_id"]), str(found["token"]), found.get("business_id"))


class Quality(StrEnum):
    """How people take what a number sends, as the service judges it."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CheckedNumber:
    """What the service says about a number: digits without a plus, the name people see, how it is taken.

    `tier`: unique people it may begin to write to within moving 24 hours (`NO_LIMIT`: any), None when the service does not say.
    """

    phone: str
    name: str
    quality: Quality = Quality.UNKNOWN
    tier: int | None = None


class CredentialsRefused(Exception):
    """The service did not take them. `field`: which of the three is wrong, as far as one can tell; the message says why."""

    def __init__(self, message: str, field: str = "token") -> None:
        super().__init__(message)
        self.field = field


class ServiceAway(Exception):
    """The service gave no answer that one can use; the credentials may be right."""


@runtime_checkable
class HasCredentials(Protocol):
    """A driver whose devices are set up by credentials."""

    async def check(self, given: Credentials) -> CheckedNumber:
        """Ask the service about the number, with this token; sends nothing and keeps nothing.

        Raises `CredentialsRefused`, `ServiceAway`.
        """
        ...
