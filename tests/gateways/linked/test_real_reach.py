"""Whether the servers can be reached: asked once for many, quickly, and with nothing said."""

import asyncio
import socket

import pytest

from hantar.gateways.linked import whatsmeow_reach
from hantar.gateways.linked.whatsmeow_reach import Reach
from hantar.kit.clock import FakeClock

REFUSED = "http://127.0.0.1:9"


async def test_many_ask_once(fake_clock: FakeClock) -> None:
    met: list[bytes] = []

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append(await reader.read())
        writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reach = Reach(fake_clock, f"socks5://127.0.0.1:{port}")
    assert await asyncio.gather(*(reach.is_there() for _ in range(300))) == [True] * 300
    server.close()
    await server.wait_closed()
    assert met == [b""]
    assert await reach.is_there()  # the answer is still good
    await fake_clock.advance(whatsmeow_reach.LASTS)
    assert not await reach.is_there()


async def test_nobody_there_is_said_at_once(fake_clock: FakeClock) -> None:
    async with asyncio.timeout(2):
        assert not await Reach(fake_clock, REFUSED).is_there()


async def test_who_goes_away_takes_no_answer_from_the_others(fake_clock: FakeClock) -> None:
    reach = Reach(fake_clock, REFUSED)
    first, second = asyncio.create_task(reach.is_there()), asyncio.create_task(reach.is_there())
    await asyncio.sleep(0)
    first.cancel()
    assert not await second


async def test_silence_counts_as_out_of_reach(fake_clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_where: object, **_more: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio, "open_connection", never)
    monkeypatch.setattr(whatsmeow_reach, "PATIENCE", 0.01)
    assert not await Reach(fake_clock, REFUSED).is_there()


async def test_one_way_that_swallows_everything_hides_no_other(fake_clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    connect = loop.sock_connect

    async def two_ways(*_where: object, **_more: object) -> list[object]:
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kind, ("127.0.0.2", port)), (*kind, ("127.0.0.1", port))]

    async def swallowed(sock: socket.socket, address: tuple[str, int]) -> None:
        await (asyncio.Event().wait() if address[0] == "127.0.0.2" else connect(sock, address))

    monkeypatch.setattr(loop, "getaddrinfo", two_ways)
    monkeypatch.setattr(loop, "sock_connect", swallowed)
    assert await Reach(fake_clock, f"http://two.example:{port}").is_there()
    server.close()


@pytest.mark.parametrize(
    ("proxy", "server"),
    [
        ("http://proxy.example.com:8080", ("proxy.example.com", 8080)),
        ("http://proxy.example.com", ("proxy.example.com", 80)),
        ("https://[::1]", ("::1", 443)),
        ("socks5://10.0.0.1", ("10.0.0.1", 1080)),
    ],
)
def test_the_proxy_is_asked_in_place_of_the_server(proxy: str, server: tuple[str, int]) -> None:
    assert whatsmeow_reach._server_of(proxy) == server


def test_no_address_is_no_proxy() -> None:
    with pytest.raises(ValueError, match="address"):
        whatsmeow_reach._server_of("proxy.example.com")
