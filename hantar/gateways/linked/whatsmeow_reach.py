"""Whether WhatsApp's servers can be reached at all, asked before the library is.

Each connect of the library leaves an open session file and 0.2 MB behind, also one that fails (measured of 0.5.2), and one into a
network that swallows everything hangs for 60 s. So without a network the library is not asked: an outage of a day, with all
devices trying again and again, must cost nothing.
"""

import asyncio
import contextlib
from urllib.parse import urlsplit

from hantar.kit.clock import Clock

SERVER = ("web.whatsapp.com", 443)
"""Where the library connects to (whatsmeow)."""
PATIENCE = 2.0
"""Seconds until a server that does not answer counts as out of reach: long enough for one packet that was lost."""
NEXT = 0.25
"""Seconds until the server's next address is tried beside the first (RFC 8305): one way, IPv6 say, may swallow everything."""
LASTS = 1.0
"""Seconds an answer is good for all devices of the process: hundreds that come back at once ask once."""


class Reach:
    """Asks for all devices of a process."""

    def __init__(self, clock: Clock, proxy: str | None) -> None:
        self._clock = clock
        self._server = _server_of(proxy) if proxy else SERVER
        self._asking: asyncio.Task[bool] | None = None
        self._until = 0.0

    async def is_there(self) -> bool:
        """Whether a connection to the server (or the proxy before it) comes about; nothing is said over it."""
        if self._asking is None or (self._asking.done() and self._clock.monotonic() >= self._until):
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def _ask(self) -> bool:
        is_there = False
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                _, writer = await asyncio.open_connection(*self._server, happy_eyeballs_delay=NEXT)
                writer.close()
                is_there = True
        self._until = self._clock.monotonic() + LASTS
        return is_there


def _server_of(proxy: str) -> tuple[str, int]:
    """Host and port of an address such as http://proxy.example.com:8080 or socks5://…; raises `ValueError`."""
    parts = urlsplit(proxy)
    if not parts.hostname:
        raise ValueError("the proxy must be an address such as http://proxy.example.com:8080")
    usual = {"https": 443, "socks5": 1080}.get(parts.scheme, 80)
    return parts.hostname, parts.port or usual
