"""Where the guarded client goes and where it does not; no test touches a network."""

import asyncio
import contextlib
import ipaddress
import json
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest

from hantar.kit import egress

PRIVATE = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.1", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200"),
    *("169.254.169.254", "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1"),
    *("192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1"),
    *("239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
    str(ipaddress.IPv4Address(0)),
    *("::", "::1", "::127.0.0.1", "::10.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
    *("::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1"),
    *("2002:7f00:1::", "2002:a00:1::1", "2002:c0a8:1::", "2002:a9fe:a9fe::", "2001:0:7f00:1::1"),
    *("2001:0:808:808:0:0:80ff:fffe", "2001:0:808:808:0:0:f5ff:fffe", "2001:10::1", "2001:20::1", "2001:2::1", "2001:db8::1"),
    *("3fff::1", "fc00::1", "fd00:ec2::254", "fdff::1", "fe80::1", "febf::1", "fec0::1", "feff::1", "ff02::1", "ff0e::1"),
    *("2606:4700::5efe:7f00:1", "2606:4700::200:5efe:a00:1", "5f00::1", "4000::1", "8000::1"),
]
PUBLIC = [
    *("8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.1", "192.0.1.1", "223.255.255.255"),
    *("2606:4700::1111", "2a00:1450::1", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"),
]


@pytest.mark.parametrize("text", PRIVATE)
def test_an_address_of_a_private_network_is_not_public(text: str) -> None:
    assert not egress.is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is(text: str) -> None:
    assert egress.is_public(ipaddress.ip_address(text))


async def _streamed(content: bytes) -> AsyncIterator[bytes]:
    yield content


class World:
    """Names, their addresses, and what stands there. Writes down who was called."""

    def __init__(self, names: dict[str, list[Sequence[str]]] | None = None, pages: dict[str, httpx.Response] | None = None):
        self.names, self.pages = names or {}, pages or {}
        self.asked: list[str] = []
        self.called: list[tuple[str, str, str | None]] = []

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self.names.get(host)
        if answers is None:
            return [str(ipaddress.ip_address(host))]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.called.append((request.url.host, request.headers["host"], request.extensions.get("sni_hostname")))
        found = self.pages.get(request.headers["host"] + request.url.path, httpx.Response(200, content=b"file"))
        return httpx.Response(found.status_code, headers=found.headers, content=_streamed(found.content))

    def client(self, **more: bool) -> egress.Egress:
        return egress.Egress(resolve=self.resolve, transport=httpx.MockTransport(self.answer), **more)


async def test_a_file_is_fetched_from_the_judged_address_with_its_name_kept() -> None:
    world = World({"example.com": [["93.184.215.14"]]})
    found = await world.client().fetch("https://example.com/a.png?x=1", limit=100)
    assert (found.body, found.url) == (b"file", "https://example.com/a.png?x=1")
    assert world.called == [("93.184.215.14", "example.com", "example.com")]


@pytest.mark.parametrize("address", PRIVATE)
async def test_a_name_that_leads_inside_is_refused(address: str) -> None:
    for answers in ([address], ["8.8.8.8", address]):
        world = World({"evil.example": [answers]})
        with pytest.raises(egress.PrivateAddress):
            await world.client().fetch("http://evil.example/", limit=100)
        assert world.called == []


async def test_a_name_is_resolved_once_so_rebinding_gains_nothing() -> None:
    world = World({"rebind.example": [["8.8.8.8"], ["127.0.0.1"]]})
    await world.client().fetch("http://rebind.example/", limit=100)
    assert world.asked == ["rebind.example"]
    assert world.called[0][0] == "8.8.8.8"


@pytest.mark.parametrize(
    "target",
    ["http://inside.example/", "//inside.example/x", "http://127.0.0.1/", "http://[::1]/", "http://[::ffff:10.0.0.1]/"],
)
async def test_a_redirect_is_judged_again(target: str) -> None:
    world = World(
        {"ok.example": [["8.8.8.8"]], "inside.example": [["10.0.0.1"]]},
        {"ok.example/": httpx.Response(302, headers={"location": target})},
    )
    with pytest.raises(egress.PrivateAddress):
        await world.client().fetch("http://ok.example/", limit=100)
    assert len(world.called) == 1


@pytest.mark.parametrize("target", ["file:///etc/passwd", "gopher://x/", "ftp://x/", "http://x:22/", "javascript:1"])
async def test_a_redirect_to_something_else_is_refused(target: str) -> None:
    world = World({"ok.example": [["8.8.8.8"]]}, {"ok.example/": httpx.Response(302, headers={"location": target})})
    with pytest.raises(egress.EgressError):
        await world.client().fetch("http://ok.example/", limit=100)
    assert len(world.called) == 1


async def test_redirects_are_followed_three_times() -> None:
    pages = {f"ok.example/{n}": httpx.Response(302, headers={"location": f"/{n + 1}"}) for n in range(9)}
    world = World({"ok.example": [["8.8.8.8"]]}, pages)
    assert (await world.client().fetch("http://ok.example/6", limit=100)).url == "http://ok.example/9"
    with pytest.raises(egress.RefusedThere):
        await world.client().fetch("http://ok.example/0", limit=100)


@pytest.mark.parametrize(
    "url",
    [
        *("", "x", "/etc/passwd", "file:///etc/passwd", "ftp://example.com/", "gopher://example.com/", "data:text/plain,x"),
        *("http://", "http:///x", "https://user:pw@example.com/", "http://user@example.com/", "http://example.com:22/"),
        *("http://example.com:8080/", "http://example.com:99999/", "http://exa mple.com/", "http://example.com/\r\nX: y"),
        *("http://example.com\\@127.0.0.1/", "http://example.com/\x00", "javascript:alert(1)", "//example.com/"),
        *("http://[::1/", "http://\ud800/", "http://" + "a" * 3000),
    ],
)
async def test_an_address_that_is_none_is_refused(url: str) -> None:
    world = World({"example.com": [["8.8.8.8"]]})
    with pytest.raises(egress.BadUrl):
        await world.client().fetch(url, limit=100)
    assert world.called == []


@pytest.mark.parametrize("host", ["127.1", "0x7f000001", "2130706433", "0", "localhost", "127.0.0.1."])
async def test_what_a_name_says_is_never_judged_only_where_it_leads(host: str) -> None:
    with pytest.raises(egress.EgressError) as refused:
        await egress.Egress(transport=httpx.MockTransport(lambda r: httpx.Response(200))).fetch(f"http://{host}/", limit=9)
    assert isinstance(refused.value, egress.PrivateAddress | egress.Unreachable)


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (httpx.Response(404), egress.RefusedThere),
        (httpx.Response(204), egress.RefusedThere),
        (httpx.Response(200, content=b"x" * 101), egress.TooLarge),
        (httpx.Response(200, headers={"content-length": "9" * 30}, content=b"x"), egress.TooLarge),
        (httpx.Response(200, headers={"content-encoding": "gzip"}, content=b"x"), egress.EgressError),
    ],
)
async def test_an_answer_that_is_no_plain_small_file_is_refused(response: httpx.Response, kind: type[egress.EgressError]) -> None:
    world = World({"example.com": [["8.8.8.8"]]}, {"example.com/": response})
    with pytest.raises(kind):
        await world.client().fetch("http://example.com/", limit=100)


async def test_a_name_without_address_is_unreachable() -> None:
    with pytest.raises(egress.Unreachable):
        await World({"nowhere.example": [[]]}).client().fetch("http://nowhere.example/", limit=9)


# ---------------------------------------------------------------- a real server on this machine
@pytest.fixture
async def here() -> AsyncIterator[str]:
    """A server that answers in strange ways."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).split(b" ")[1]
        headers = {}
        while (line := await reader.readline()).strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        if path == b"/echo":
            body = json.dumps(headers).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: Image/PNG; x=y\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        elif path == b"/endless":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                for _ in range(1000):
                    writer.write(b"x" * 10_000)
                    await writer.drain()
        elif path == b"/slow":
            await reader.read()  # until the client gives up
        writer.transport.abort() if path == b"/endless" else writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    for _ in range(20):
        await asyncio.sleep(0.01)


async def test_a_setting_lets_it_into_private_networks(here: str) -> None:
    client = egress.Egress(allow_private=True)
    found = await client.fetch(f"{here}/echo", limit=10_000)
    assert found.content_type == "image/png"
    assert json.loads(found.body)["host"] == here.removeprefix("http://")
    with pytest.raises(egress.TooLarge):
        await client.fetch(f"{here}/endless", limit=50_000)
    with pytest.raises(egress.Unreachable):
        await client.fetch(f"{here}/slow", limit=9, seconds=0.2)
    with pytest.raises(egress.Unreachable):
        await client.fetch(f"{here}/nothing", limit=9)
    await client.close()


async def test_proxies_of_the_environment_are_not_used(here: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    client = egress.Egress(allow_private=True)
    assert (await client.fetch(f"{here}/echo", limit=10_000)).body
    await client.close()


async def test_without_the_setting_this_machine_hears_nothing(here: str) -> None:
    with pytest.raises(egress.EgressError):
        await egress.Egress().fetch(here, limit=9)
    port = here.rpartition(":")[2]
    with pytest.raises(egress.BadUrl):
        await egress.Egress().fetch(f"http://localhost:{port}/", limit=9)
