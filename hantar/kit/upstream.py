"""HTTP to one service that the operator configured: its address is trusted, its answers bounded, and nothing is sent twice.

For addresses that users type there is `kit/egress.py`. Here the one thing that matters is whether a question may have arrived:
`NotSent` says certainly not, everything else that goes wrong is `NoAnswer`.
"""

import asyncio
import importlib.util
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

if importlib.util.find_spec("sniffio") is None:
    # httpcore tries this import several times for each request, and each failure searches the whole path again: a quarter of
    # what a message costs (2.9 ms of processor time with this, 3.9 without, our fake's share included)
    sys.modules["sniffio"] = None  # type: ignore[assignment] # the import system's own way to say: not there

LONGEST_ANSWER = 8_000_000
"""Bytes of an answer that are read; the longest we ask for is a page of templates."""
CONNECT = 5.0
"""Seconds to connect, and to wait for a free connection."""
CONNECTIONS = 200
"""At once; a number that may send 80 messages a second needs some 20."""


class NotSent(Exception):
    """The question certainly did not arrive; the message says why."""


class NoAnswer(Exception):
    """The question may have arrived, and its answer is lost; the message says how."""


class Missing(Exception):
    """The service does not hand out this file."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said: HTTP status and body."""

    status: int
    body: bytes

    def plain(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class File:
    """A file in a form."""

    name: str
    mime: str
    data: bytes


class Upstream:
    """Connections to one service, kept between questions. `base` without a slash at its end.

    `houses`: domains whose hosts may be asked for files under the same token.
    """

    def __init__(self, base: str, *, houses: Sequence[str] = (), transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._base, self._transport = base, transport
        self._houses = tuple(f".{each}" for each in houses)
        self._client: httpx.AsyncClient | None = None

    async def get(self, path: str, token: str, query: Mapping[str, str], *, seconds: float) -> Answer:
        """Ask for something; raises `NotSent`, `NoAnswer`."""
        return await self._ask("GET", path, token, seconds, params=dict(query))

    async def post(self, path: str, token: str, body: Mapping[str, Any], *, seconds: float) -> Answer:
        """Send JSON; raises `NotSent`, `NoAnswer`."""
        return await self._ask("POST", path, token, seconds, json=body)

    async def form(self, path: str, token: str, fields: Mapping[str, str], file: File, *, seconds: float) -> Answer:
        """Send a form with a file in it; raises `NotSent`, `NoAnswer`."""
        files = {"file": (file.name, file.data, file.mime)}
        return await self._ask("POST", path, token, seconds, data=dict(fields), files=files)

    async def read(self, url: str, token: str, *, seconds: float) -> AsyncIterator[bytes]:
        """A file that the service named by a whole address, in pieces; raises `NotSent`, `NoAnswer`, `Missing`."""
        if not self._is_ours(url):
            raise Missing("The service named an address that is not its own.")
        client, timeout = self._open(), httpx.Timeout(seconds, connect=CONNECT, pool=CONNECT)
        try:
            async with client.stream("GET", url, headers={"Authorization": f"Bearer {token}"}, timeout=timeout) as response:
                if response.status_code >= 500:
                    raise NoAnswer(f"HTTP {response.status_code}")
                if response.status_code != 200:
                    raise Missing(f"The service answered {response.status_code}.")
                async for part in response.aiter_bytes(65_536):
                    yield part
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            raise NotSent(_name(error)) from error
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError) as error:
            raise NoAnswer(_name(error)) from error

    def _is_ours(self, url: str) -> bool:
        """Whether an address may be given the token: the service's own host, or over TLS one of its house."""
        try:
            asked, own = httpx.URL(url), httpx.URL(self._base)
        except httpx.InvalidURL:
            return False
        if (asked.scheme, asked.netloc) == (own.scheme, own.netloc):
            return True
        return asked.scheme == "https" and not asked.userinfo and f".{asked.host}".endswith(self._houses)

    async def close(self) -> None:
        """Close all connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _ask(self, method: str, path: str, token: str, seconds: float, **what: Any) -> Answer:
        try:
            async with asyncio.timeout(seconds):
                return await self._exchange(method, path, token, seconds, what)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            raise NotSent(_name(error)) from error
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, TimeoutError, OSError) as error:
            raise NoAnswer(_name(error)) from error

    async def _exchange(self, method: str, path: str, token: str, seconds: float, what: dict[str, Any]) -> Answer:
        client = self._open()
        timeout = httpx.Timeout(seconds, connect=CONNECT, pool=CONNECT)
        headers = {"Authorization": f"Bearer {token}"}
        request = client.build_request(method, f"{self._base}/{path}", headers=headers, timeout=timeout, **what)
        response = await client.send(request, stream=True)
        try:
            parts, size = [], 0
            async for part in response.aiter_bytes():
                size += len(part)
                if size > LONGEST_ANSWER:
                    return Answer(response.status_code, b"")
                parts.append(part)
            return Answer(response.status_code, b"".join(parts))
        finally:
            await response.aclose()

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                transport=self._transport,
                trust_env=False,
                follow_redirects=False,
                headers={"User-Agent": "Hantar", "Accept": "application/json"},
                limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
            )
        return self._client


def _name(error: Exception) -> str:
    """The kind of failure; its own words may hold the address with what was asked."""
    return type(error).__name__
