"""Files at the service: each is brought once and then sent by its id, until the id is too old."""

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta

from hantar.gateways import port
from hantar.gateways.cloud import codes, service
from hantar.gateways.cloud.standing import Line
from hantar.kit import upstream
from hantar.kit.clock import Clock

KEPT = timedelta(days=7)
"""How long an id is used. The service keeps files for 30 days (its documentation); a file that is used brings itself again."""
MOST = 5_000
"""Ids that are remembered."""
AGAIN = timedelta(seconds=30)
"""Wait after a file did not arrive, which concerns this message alone."""

Key = tuple[str, str, str]
"""Number id, digest of the file, its type."""


@dataclass(frozen=True, slots=True)
class Brought:
    """A file at the service. `is_fresh`: brought for this very message."""

    key: Key
    media_id: str
    is_fresh: bool


class Files:
    """The ids of what was brought. Whoever needs a file that is being brought waits for it: a campaign shows all the same one."""

    def __init__(self, calls: service.Service, clock: Clock) -> None:
        self._calls, self._clock = calls, clock
        self._ids: OrderedDict[Key, tuple[str, float]] = OrderedDict()
        self._uploads: dict[Key, asyncio.Task[Brought | service.Reply]] = {}

    async def bring(self, line: Line, media: port.MediaBytes) -> Brought | service.Reply:
        """The file's id, or what kept it from getting one. Raises `NotSent`, `NoAnswer`; of the message nothing has left."""
        digest = (media.sha256 or hashlib.sha256(media.data).digest()).hex()
        key = line.given.number_id, digest, media.mime
        if (known := self._known(key)) is not None:
            return Brought(key, known, is_fresh=False)
        task = self._uploads.get(key)
        if task is None:
            task = self._uploads[key] = asyncio.create_task(self._upload(key, line, media), name="cloud upload")
            task.add_done_callback(lambda done: self._ended(key, done))
        return await asyncio.shield(task)  # whoever gives up leaves it to the others

    def _ended(self, key: Key, task: "asyncio.Task[Brought | service.Reply]") -> None:
        del self._uploads[key]
        if not task.cancelled():
            task.exception()  # everybody who waited has it; nobody may be left

    async def close(self) -> None:
        """End what is being brought."""
        tasks = list(self._uploads.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _upload(self, key: Key, line: Line, media: port.MediaBytes) -> Brought | service.Reply:
        reply = await self._calls.upload(line.given.number_id, line.given.token, media)
        if not isinstance(reply, service.Taken):
            return reply
        media_id = reply.data.get("id")
        if not isinstance(media_id, str | int) or not media_id:
            return service.Odd(200)
        self._ids[key] = str(media_id), self._clock.monotonic() + KEPT.total_seconds()
        while len(self._ids) > MOST:
            self._ids.popitem(last=False)
        return Brought(key, str(media_id), is_fresh=True)

    def _known(self, key: Key) -> str | None:
        found = self._ids.get(key)
        if found is None:
            return None
        if found[1] <= self._clock.monotonic():
            del self._ids[key]
            return None
        self._ids.move_to_end(key)
        return found[0]

    def drop(self, key: Key) -> None:
        """This id is no good any more."""
        self._ids.pop(key, None)


def unbrought(error: Exception | None = None) -> port.Deferred:
    """A file that may or may not have arrived: the message has not left, so it goes again."""
    if isinstance(error, upstream.NotSent):
        return port.Deferred(codes.AWAY, port.Scope.DEVICE, f"The service cannot be reached ({error}).")
    return port.Deferred(AGAIN, port.Scope.MESSAGE, "The file did not arrive.")
