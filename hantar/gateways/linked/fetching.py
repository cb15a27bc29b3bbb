"""Files that people sent, on their way from a session host to the driver: the host keeps one at a time, the driver asks for it
piece by piece. So neither holds more than it must, and a large file keeps no heartbeat waiting.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from hantar.gateways import media, port
from hantar.gateways.linked import files
from hantar.kit.clock import Clock

MOST = 100 << 20
"""Bytes of a file at most: as large as the documents that we send (`letter.MOST`). The library holds it several times over."""
PIECE = 256 << 10
"""Bytes that go over the socket at once: about a millisecond's work."""
FETCH_WITHIN = 120.0
"""Seconds for a host to have a file, its turn waited for: 100 MB at 1 MB a second."""
PIECE_WITHIN = 20.0
"""Seconds for one piece, which the host has at hand."""
KEPT = 30.0
"""Seconds a host keeps a file of which nobody asks for another piece."""
MOST_HANGING = 3
"""Fetches that were given up and still hang in the library, at most, before others must wait for them."""


async def pieces(ask: Callable[..., Awaitable[Any]], tell: Callable[..., Any], ref: port.MediaRef) -> AsyncGenerator[bytes, None]:
    """The file's pieces. `ask` puts a question to the host of the device, `tell` tells it something; raises what `ask` raises."""
    if ref.size > MOST:
        raise media.MediaTooLarge("The file is larger than Hantar takes.")
    token, at, size = secrets.token_hex(8), 0, 1  # a host that was started anew knows no token of the one before
    try:
        size = await ask("fetch", token, ref, seconds=FETCH_WITHIN)
        while at < size:
            piece = await ask("piece", token, at, seconds=PIECE_WITHIN)
            at += len(piece)
            yield piece
    except files.Lacking:
        raise port.PairingRefused("The file was given up half-way; ask for it again.") from None
    finally:
        if at < size:
            tell("fetched", token)


class Counter:
    """Where a host keeps the file that its parent is fetching. Others wait until it is taken, dropped or forgotten."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turn = asyncio.Lock()
        self._wanted: set[str] = set()
        self._token, self._data = "", b""
        self._is_asked = asyncio.Event()
        self._hanging: set[asyncio.Future[bytes]] = set()
        self._minding: asyncio.Task[None] | None = None

    async def take(self, token: str, fetch: Callable[[], Awaitable[bytes]]) -> int:
        """Fetch a file when it is its turn, and keep it under this name; its size in bytes. Raises what the fetch raises, and
        `MediaTooLarge`. Given up, it leaves the fetch running: no library can stop one."""
        self._wanted.add(token)
        try:
            await self._turn.acquire()
            data = await self._fetched(fetch) if token in self._wanted else b""
            if token not in self._wanted or not data:
                self._turn.release()
                return 0
        finally:
            self._wanted.discard(token)
        self._token, self._data = token, data
        self._minding = asyncio.create_task(self._mind(token))
        return len(data)

    async def _fetched(self, fetch: Callable[[], Awaitable[bytes]]) -> bytes:
        """What the fetch brings. It has the turn; however it fails, the turn is given on."""
        work = asyncio.ensure_future(fetch())
        try:
            data = await asyncio.shield(work)
            if len(data) > MOST:
                raise media.MediaTooLarge("The file is larger than Hantar takes.")
        except BaseException:
            if work.done():
                self._turn.release()
            else:
                self._leave(work)
            raise
        return data

    def _leave(self, work: "asyncio.Future[bytes]") -> None:
        """Wait no longer for a fetch. It holds up others only when too many hang."""
        holds_up = len(self._hanging) >= MOST_HANGING
        self._hanging.add(work)

        def ended(_work: "asyncio.Future[bytes]") -> None:
            self._hanging.discard(work)
            if not work.cancelled():
                work.exception()
            if holds_up:
                self._turn.release()

        work.add_done_callback(ended)
        if not holds_up:
            self._turn.release()

    def piece(self, token: str, at: int) -> bytes:
        """The piece that begins there; with the last one the file goes. Raises `files.Lacking` when it is here no longer."""
        if not token or token != self._token:
            raise files.Lacking
        self._is_asked.set()
        found = self._data[at : at + PIECE]
        if at + PIECE >= len(self._data):
            self.drop(token)
        return found

    def drop(self, token: str) -> None:
        """Nobody wants this file any more, fetched or not."""
        self._wanted.discard(token)
        if token and token == self._token:
            self._token, self._data = "", b""
            self._is_asked.set()
            self._turn.release()

    async def _mind(self, token: str) -> None:
        """Drop the file when nobody has asked for it for a while."""
        while token == self._token:
            self._is_asked.clear()
            if not await self._clock.wait(self._is_asked, KEPT):
                self.drop(token)
