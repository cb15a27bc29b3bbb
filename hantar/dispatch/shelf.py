"""Files at hand for sending: a campaign shows everybody the same one, so it is read once, however many messages ask for it."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from hantar.gateways import port

MOST = 64_000_000
"""Bytes of files kept at hand (our own number): some 180 pictures, or four files of 16 MB. A larger one is kept alone."""
LoadMedia = Callable[[str, str], Awaitable[port.MediaBytes]]
_Key = tuple[str, str]


class Shelf:
    """The files used last, by workspace and id; what is being read is read once for all who wait for it."""

    def __init__(self, load: LoadMedia, most: int = MOST) -> None:
        self._load, self._most = load, most
        self._held: OrderedDict[_Key, port.MediaBytes] = OrderedDict()
        self._size = 0
        self._coming: dict[_Key, asyncio.Future[port.MediaBytes]] = {}

    async def get(self, workspace_id: str, media_id: str) -> port.MediaBytes:
        """The file; raises what reading it raises, and the next to ask reads it again."""
        key = workspace_id, media_id
        found = self._held.get(key)
        if found is not None:
            self._held.move_to_end(key)
            return found
        coming = self._coming.get(key)
        if coming is None:
            coming = self._coming[key] = asyncio.ensure_future(self._load(workspace_id, media_id))
            coming.add_done_callback(lambda done: self._came(key, done))
        return await asyncio.shield(coming)  # one message that is given up does not take the file from the others

    def _came(self, key: _Key, done: "asyncio.Future[port.MediaBytes]") -> None:
        del self._coming[key]
        if done.cancelled() or done.exception() is not None:
            return
        self._held[key] = done.result()
        self._size += len(done.result().data)
        while self._size > self._most and len(self._held) > 1:
            _, dropped = self._held.popitem(last=False)
            self._size -= len(dropped.data)
