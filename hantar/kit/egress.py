"""The one HTTP client for addresses that a user typed. It reaches public networks alone, reads little and not for long.

A name is resolved once; every address it has is judged; the connection goes to a judged address, with Host and TLS name kept.
The text of an address is never judged: `127.1`, `0x7f000001` and `2130706433` all reach this machine.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import httpx

from hantar.kit import errors

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

LONGEST_URL = 2048
MOST_REDIRECTS = 3
MOST_ADDRESSES = 3
PORTS = frozenset({80, 443})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

_Net4, _Net6 = ipaddress.IPv4Network, ipaddress.IPv6Network
_DENIED_4 = tuple(
    map(
        _Net4,
        (
            # the registry of special addresses (IANA), multicast, reserved; the last is a cloud's door to its machines
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
            *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32"),
        ),
    )
)
_PUBLIC_6 = _Net6("2000::/3")
_DENIED_6 = tuple(map(_Net6, ("2001::/23", "2001:db8::/32", "3fff::/20")))
_MAPPED, _NAT64 = _Net6("::ffff:0:0/96"), _Net6("64:ff9b::/96")
_SIX_TO_FOUR, _TEREDO = _Net6("2002::/16"), _Net6("2001::/32")
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})


class EgressError(errors.AppError):
    """This address cannot be fetched."""

    code = "unreachable"


class BadUrl(EgressError):
    """Give a complete address that begins with http:// or https://, without a password and on the usual port."""

    code = "bad_url"


class PrivateAddress(EgressError):
    """This address leads into a private network, where Hantar does not go."""

    code = "private_address"


class Unreachable(EgressError):
    """There was no answer from this address."""


class RefusedThere(EgressError):
    """The server at this address did not hand out the file."""


class TooLarge(EgressError):
    """The file at this address is too large."""

    code = "too_large"


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address gave: its final address, content type (lower case, without parameters) and bytes."""

    url: str
    content_type: str
    body: bytes


def is_public(address: Address) -> bool:
    """Whether the address, and every address wrapped in it, belongs to the public Internet.

    `ipaddress.is_global` is no help: in Python 3.11 and 3.12 it is true of `64:ff9b::7f00:1`, `2002:7f00:1::`, `::127.0.0.1`,
    `fec0::1` and multicast.
    """
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in net for net in _DENIED_4)
    number = int(address)
    if address in _MAPPED or address in _NAT64:
        return is_public(ipaddress.IPv4Address(number & 0xFFFFFFFF))
    if address in _SIX_TO_FOUR:
        return is_public(ipaddress.IPv4Address(number >> 80 & 0xFFFFFFFF))
    if address in _TEREDO:  # both the server and the (inverted) client stand in it
        server, client = number >> 64 & 0xFFFFFFFF, ~number & 0xFFFFFFFF
        return is_public(ipaddress.IPv4Address(server)) and is_public(ipaddress.IPv4Address(client))
    if number >> 32 & 0xFFFFFFFF in _ISATAP and not is_public(ipaddress.IPv4Address(number & 0xFFFFFFFF)):
        return False
    return address in _PUBLIC_6 and not any(address in net for net in _DENIED_6)


async def resolve(host: str, port: int) -> Sequence[str]:
    """Every address of a host, by the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]


class Egress:
    """Fetches files for users. `allow_private` (a setting) opens private networks and other ports."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        resolve: Resolve = resolve,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._allow_private, self._resolve, self._transport = allow_private, resolve, transport
        self._client: httpx.AsyncClient | None = None

    async def fetch(self, url: str, *, limit: int, seconds: float = 15.0) -> Fetched:
        """GET an address, at most `limit` bytes in at most so many seconds; raises an `EgressError`."""
        try:
            async with asyncio.timeout(seconds):
                for _ in range(MOST_REDIRECTS + 1):
                    found = await self._hop(self._checked(url), limit)
                    if isinstance(found, Fetched):
                        return found
                    url = found
        except TimeoutError as error:
            raise Unreachable("The server at this address took too long.") from error
        raise RefusedThere("This address is passed on too many times.")

    async def close(self) -> None:
        """Close idle connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _checked(self, url: str) -> httpx.URL:
        """The address in parts, read by the same parser that will be used to connect."""
        if len(url) > LONGEST_URL or any(letter <= " " or letter in "\\\x7f" for letter in url):
            raise BadUrl
        try:
            parts = httpx.URL(url)
            host = parts.raw_host.decode("ascii")
        except (httpx.InvalidURL, UnicodeError, ValueError) as error:
            raise BadUrl from error
        if parts.scheme not in ("http", "https") or not host or parts.userinfo:
            raise BadUrl
        if parts.port is not None and parts.port not in PORTS and not self._allow_private:
            raise BadUrl
        return parts

    async def _addresses(self, url: httpx.URL) -> list[Address]:
        """The judged addresses of a host; raises `PrivateAddress` when even one of them is not public."""
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            texts = await self._resolve(url.raw_host.decode("ascii").strip("[]"), port)
            found = [ipaddress.ip_address(text.partition("%")[0]) for text in dict.fromkeys(texts)]
        except (OSError, UnicodeError, ValueError) as error:
            raise Unreachable("There is no such host.") from error
        if not found:
            raise Unreachable("There is no such host.")
        if any(each.is_multicast or each.is_unspecified for each in found):
            raise PrivateAddress
        if not self._allow_private and not all(is_public(each) for each in found):
            raise PrivateAddress
        return found[:MOST_ADDRESSES]

    async def _hop(self, url: httpx.URL, limit: int) -> "Fetched | str":
        """One request: the file, or the address it is passed on to."""
        last: Exception | None = None
        for address in await self._addresses(url):
            try:
                return await self._get(url, address, limit)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                last = error
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise Unreachable from error
        raise Unreachable from last

    async def _get(self, url: httpx.URL, address: Address, limit: int) -> "Fetched | str":
        client = self._open()
        headers = {"Host": url.netloc.decode("ascii"), "Accept": "*/*", "Accept-Encoding": "identity"}
        request = client.build_request("GET", url.copy_with(host=str(address)), headers=headers)
        request.extensions["sni_hostname"] = url.raw_host.decode("ascii").strip("[]")
        response = await client.send(request, stream=True)
        try:
            if response.status_code in _REDIRECTS and "location" in response.headers:
                return _joined(url, response.headers["location"])
            if response.status_code != 200:
                raise RefusedThere(f"The server at this address answered {response.status_code}.")
            return Fetched(str(url), _content_type(response), await _body(response, limit))
        finally:
            await response.aclose()

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                transport=self._transport,
                trust_env=False,
                follow_redirects=False,
                timeout=httpx.Timeout(10.0, connect=5.0),
                headers={"User-Agent": "Hantar"},
                # a kept connection would outlive the judgement of its address
                limits=httpx.Limits(max_connections=20, max_keepalive_connections=0),
            )
        return self._client


def _joined(url: httpx.URL, location: str) -> str:
    try:
        return str(url.join(location))
    except (httpx.InvalidURL, ValueError) as error:
        raise RefusedThere from error


def _content_type(response: httpx.Response) -> str:
    return str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()


async def _body(response: httpx.Response, limit: int) -> bytes:
    """The bytes as sent. A compressed body is refused: a few bytes of it could become gigabytes."""
    if response.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise RefusedThere("The server at this address compresses what was asked for plainly.")
    announced = response.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > limit:
        raise TooLarge
    parts, size = [], 0
    async for part in response.aiter_raw(65_536):
        size += len(part)
        if size > limit:
            raise TooLarge
        parts.append(part)
    return b"".join(parts)
