"""One pairing, from the first code to its end. The library says nothing when its codes have run out, so the deadline is ours."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from hantar.gateways import port
from hantar.gateways.linked.whatsmeow_events import Translator
from hantar.kit.clock import Clock

FIRST, EACH = timedelta(seconds=60), timedelta(seconds=20)
"""How long the first code is good, and each after it (whatsmeow)."""
ALL = timedelta(seconds=160)
"""How long all six together are."""
GRACE = timedelta(seconds=20)
"""After the last code: somebody may just have scanned it."""


class Pairing:
    """Shows codes and ends in time: `give_up` is called once, when nobody linked the device."""

    def __init__(
        self, translator: Translator, clock: Clock, tell: Callable[[port.Event], None], give_up: Callable[[], None]
    ) -> None:
        self._translator, self._clock, self._tell, self._give_up = translator, clock, tell, give_up
        self._count = 0
        self._deadline: asyncio.Task[None] | None = None
        self.has_code = asyncio.Event()
        self.ends_at: datetime | None = None

    def show(self, code: str) -> None:
        """A code to scan, the next one."""
        self._count += 1
        now = self._clock.now()
        if self._deadline is None:
            self.ends_at = now + ALL
            self._deadline = asyncio.create_task(self._end_in_time())
        good_for = FIRST if self._count == 1 else EACH
        self._tell(self._translator.own(port.QrCode, code=code, expires_at=now + good_for, attempt=self._count))
        self.has_code.set()

    def end(self) -> None:
        """It is over, one way or the other; who waits for a code waits no longer."""
        self.has_code.set()
        if self._deadline is not None:
            self._deadline.cancel()

    async def _end_in_time(self) -> None:
        await self._clock.sleep((ALL + GRACE).total_seconds())
        self._tell(self._translator.own(port.PairFailed, why="expired"))
        self._give_up()
