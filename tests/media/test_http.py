"""Pictures as Alice sends them, hostile ones, and what Mallory gets."""

import base64
import io
import struct
import zlib
from collections.abc import Callable, Sequence

import httpx
import pytest
from fastapi import FastAPI
from PIL import Image

from hantar.accounts import access
from hantar.accounts.model import Caller
from hantar.kit import clock, cluster, db, egress
from hantar.kit.ids import new_id
from hantar.media import http as media_http, model, service
from tests import cast

pytestmark = pytest.mark.slow  # each picture is decoded in a process of its own


def picture(
    kind: str = "JPEG", size: tuple[int, int] = (40, 20), mode: str = "RGB", color: object = "red", **more: object
) -> bytes:
    target = io.BytesIO()
    Image.new(mode, size, color).save(target, kind, **more)  # type: ignore[arg-type]
    return target.getvalue()


def noise(kind: str, width: int, height: int, **more: object) -> bytes:
    target = io.BytesIO()
    Image.effect_noise((width, height), 90).convert("RGB").save(target, kind, **more)
    return target.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that unfolds to width times height pixels; made in the test, since packing it takes a second."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = zlib.compress(b"\x00" * (width // 8 + 1) * height, 9)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
POLYGLOT = b"GIF89a/*<html><script>alert(1)</script>*/=1;"
PAGES: dict[str, tuple[int, bytes]] = {}


async def _resolve(host: str, port: int) -> Sequence[str]:
    return {"pictures.example": ["8.8.8.8"], "inside.example": ["10.0.0.1"]}.get(host, ["127.0.0.1"])


def _answer(request: httpx.Request) -> httpx.Response:
    status, body = PAGES.get(request.url.path, (404, b""))

    async def streamed():  # type: ignore[no-untyped-def]
        yield body

    return httpx.Response(status, content=streamed(), headers={"content-type": "text/html"})


@pytest.fixture
def client() -> egress.Egress:
    return egress.Egress(resolve=_resolve, transport=httpx.MockTransport(_answer))


@pytest.fixture
def app(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, client: egress.Egress) -> FastAPI:
    return cast.make_app(database, fake_clock, bus, routers=[media_http.router], parts={egress.Egress: client})


async def upload(http: cast.Http, caller: Caller, data: bytes, name: str = "a.jpg") -> httpx.Response:
    return await http(caller).post("/api/media", files={"file": (name, data, "image/svg+xml")})


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
async def test_a_picture_is_stored_and_shown(http: cast.Http, alice: Caller, kind: str) -> None:
    data = picture(kind)
    made = await upload(http, alice, data, "../../etc/p\x07asswd.png")
    assert made.status_code == 201, made.text
    body = made.json()
    assert (body["mime"], body["width"], body["height"], body["original_size"]) == ("image/jpeg", 40, 20, len(data))
    shown = await http(alice).get(body["url"])
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["cache-control"].startswith("private")
    assert len(shown.content) == body["size"]
    with Image.open(io.BytesIO(shown.content)) as opened:
        assert (opened.format, opened.size) == ("JPEG", (40, 20))
        red, green, blue = opened.convert("RGB").getpixel((20, 10))  # type: ignore[misc]
        assert red > 200 > green + blue
    again = await http(alice).get(body["url"], headers={"If-None-Match": shown.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_a_large_photo_shrinks_to_its_limit(http: cast.Http, alice: Caller) -> None:
    made = (await upload(http, alice, noise("JPEG", 4000, 3000, quality=95))).json()
    assert made["size"] <= 350_000
    assert (made["width"], made["height"]) == (1600, 1200) or made["width"] < 1600


async def test_a_photo_is_turned_upright_and_forgets_where_it_was_taken(http: cast.Http, alice: Caller) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010E] = "secret place"
    made = (await upload(http, alice, picture(exif=exif))).json()
    assert (made["width"], made["height"]) == (20, 40)
    shown = await http(alice).get(made["url"])
    assert b"secret" not in shown.content
    with Image.open(io.BytesIO(shown.content)) as opened:
        assert not opened.getexif()


@pytest.mark.parametrize(
    ("mode", "color"), [("RGBA", (0, 0, 0, 0)), ("LA", (0, 0)), ("P", 0), ("L", 255), ("1", 1), ("I;16", 65535)]
)
async def test_every_kind_of_png_becomes_three_colours_on_white(http: cast.Http, alice: Caller, mode: str, color: object) -> None:
    more = {"transparency": 0} if mode == "P" else {}
    made = await upload(http, alice, picture("PNG", mode=mode, color=color, **more))
    assert made.status_code == 201, made.text
    with Image.open(io.BytesIO((await http(alice).get(made.json()["url"])).content)) as opened:
        assert (opened.mode, opened.getpixel((5, 5))) == ("RGB", (255, 255, 255))


async def test_an_animation_shows_its_first_picture(http: cast.Http, alice: Caller) -> None:
    target = io.BytesIO()
    frames = [Image.new("RGB", (30, 30), color) for color in ("blue", "red", "red")]
    frames[0].save(target, "GIF", save_all=True, append_images=frames[1:])
    made = (await upload(http, alice, target.getvalue())).json()
    with Image.open(io.BytesIO((await http(alice).get(made["url"])).content)) as opened:
        assert opened.getpixel((5, 5))[2] > 200  # type: ignore[index]


HOSTILE = [
    (b"", "unsupported_type"),
    (b"hello\x00", "unsupported_type"),
    (b"\xff\xfehello", "unsupported_type"),
    (SVG, "unsupported_type"),
    (b"<!doctype html><script>", "unsupported_type"),
    (b"%PDF-1.7", "file_unreadable"),
    (b"PK\x03\x04", "file_unreadable"),
    (picture("BMP"), "unsupported_type"),
    (picture("TIFF"), "unsupported_type"),
    (POLYGLOT, "image_unreadable"),
    (b"\xff\xd8\xff" + SVG, "image_unreadable"),
    (picture()[:-200], "image_unreadable"),
    (picture("PNG")[:40], "image_unreadable"),
    pytest.param(lambda: bomb(12_000, 12_000), "too_many_pixels", id="a bomb"),
    pytest.param(lambda: bomb(60_000, 60_000), "too_many_pixels", id="a large bomb"),
    pytest.param(lambda: bomb(5_001, 5_000), "too_many_pixels", id="one row of pixels too many"),
]


@pytest.mark.parametrize(("data", "code"), HOSTILE)
async def test_what_is_no_fair_picture_is_refused(
    http: cast.Http, alice: Caller, database: db.Database, data: bytes | Callable[[], bytes], code: str
) -> None:
    reply = await upload(http, alice, data if isinstance(data, bytes) else data())
    assert reply.status_code == 422, reply.text
    assert [(each["field"], each["code"]) for each in reply.json()["errors"]] == [("file", code)]
    async with database.transaction(alice.workspace_id) as tx:
        assert await tx.fetchval("SELECT count(*) FROM media") == 0


async def test_a_bomb_at_the_limit_is_only_large(http: cast.Http, alice: Caller) -> None:
    data = bomb(5_000, 5_000)
    assert len(data) < 20_000
    assert (await upload(http, alice, data)).status_code == 201


async def test_code_behind_a_picture_does_not_survive(http: cast.Http, alice: Caller) -> None:
    made = (await upload(http, alice, picture() + b"<script>alert(1)</script>")).json()
    assert b"script" not in (await http(alice).get(made["url"])).content


async def test_too_many_bytes_are_refused(http: cast.Http, alice: Caller) -> None:
    assert (await upload(http, alice, b"\xff\xd8\xff" + b"x" * 20_000_001)).json()["errors"][0]["code"] == "too_large"
    assert (await upload(http, alice, b"x" * 16_000_001)).json()["errors"][0]["code"] == "too_large"
    assert (await upload(http, alice, b"x" * 21_000_000)).status_code == 413


async def test_the_same_picture_is_stored_once(http: cast.Http, alice: Caller) -> None:
    first, second = (await upload(http, alice, picture())).json(), (await upload(http, alice, picture())).json()
    assert first["id"] == second["id"]


# ---------------------------------------------------------------- links
@pytest.fixture
def at(alice: Caller, database: db.Database, fake_clock: clock.FakeClock, client: egress.Egress) -> access.At:
    return access.At(alice, database, fake_clock, {egress.Egress: client})


def data_url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


async def test_a_data_url_and_an_address_are_stored(http: cast.Http, alice: Caller, at: access.At) -> None:
    PAGES["/a.png"] = (200, picture("PNG", color="blue"))
    for link in (data_url(picture("PNG")), "https://pictures.example/a.png"):
        made = await service.store_link(at, link)
        assert (await http(alice).get(f"/api/media/{made}")).status_code == 200
        assert await service.store_link(at, f"/api/media/{made}") == made, "what a reply showed may be sent back"


@pytest.mark.parametrize(
    ("link", "code"),
    [
        (data_url(SVG, "image/svg+xml"), "unsupported_type"),
        (data_url(SVG), "unsupported_type"),
        (data_url(b"<html>", "text/html"), "unsupported_type"),
        pytest.param(lambda: data_url(bomb(12_000, 12_000)), "too_many_pixels", id="a bomb"),
        ("data:image/png;base64,!!!!", "image_unreadable"),
        ("data:image/png;base64,AAA", "image_unreadable"),
        ("data:image/png;base64,iVBO RRRR", "image_unreadable"),
        ("data:image/png;base64,é", "image_unreadable"),
        ("data:image/png,plain", "image_unreadable"),
        ("data:image/png;base64", "image_unreadable"),
        ("data:", "image_unreadable"),
        pytest.param(lambda: "data:image/png;base64," + "A" * 27_000_000, "too_large", id="27 MB"),
        ("nonsense", "bad_url"),
        ("/api/media/018f0000-0000-7000-8000-000000000000", "image_unreachable"),
        ("ftp://pictures.example/a.png", "bad_url"),
        ("https://user:pw@pictures.example/a.png", "bad_url"),
        ("http://pictures.example:8080/a.png", "bad_url"),
        ("http://127.0.0.1/a.png", "private_address"),
        ("http://inside.example/a.png", "private_address"),
        ("http://169.254.169.254/latest/meta-data/", "private_address"),
        ("https://pictures.example/nothing.png", "image_unreachable"),
        ("https://pictures.example/page.html", "unsupported_type"),
    ],
)
async def test_a_bad_link_is_refused_on_its_field(at: access.At, link: str | Callable[[], str], code: str) -> None:
    PAGES["/page.html"] = (200, b"<html>")
    with pytest.raises(model.BadPicture) as refused:
        await service.store_link(at, link if isinstance(link, str) else link(), "image_url")
    assert [(each.field, each.code) for each in refused.value.errors] == [("image_url", code)]


async def test_a_link_is_stored_by_its_route(http: cast.Http, alice: Caller, mallory: Caller, vera: Caller) -> None:
    PAGES["/b.png"] = (200, picture("PNG", color="green"))
    made = await http(alice).post("/api/media/link", json={"image_url": "https://pictures.example/b.png"})
    assert made.status_code == 201, made.text
    assert (made.json()["mime"], made.headers["location"]) == ("image/jpeg", made.json()["url"])
    large = data_url(noise("PNG", 1000, 700))
    assert len(large) > 1_000_000
    assert (await http(alice).post("/api/media/link", json={"image_url": large})).status_code == 201
    refused = await http(alice).post("/api/media/link", json={"image_url": "http://127.0.0.1/"})
    assert [(each["field"], each["code"]) for each in refused.json()["errors"]] == [("image_url", "private_address")]
    hers = await http(mallory).post("/api/media/link", json={"image_url": made.json()["url"]})
    assert hers.json()["errors"][0]["code"] == "image_unreachable"
    assert (await http(vera).post("/api/media/link", json={"image_url": large})).status_code == 403


# ---------------------------------------------------------------- walls
async def test_a_picture_in_use_stays(http: cast.Http, alice: Caller, database: db.Database) -> None:
    made = (await upload(http, alice, picture())).json()
    async with database.transaction(alice.workspace_id) as tx:
        sql = "INSERT INTO contents (workspace_id, id, kind, media_id, created_at) VALUES ($1, $2, 'image', $3, $4)"
        await tx.execute(sql, alice.workspace_id, new_id(), made["id"], await tx.now())
    refused = await http(alice).delete(made["url"])
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    other = (await upload(http, alice, picture(color="blue"))).json()
    assert (await http(alice).delete(other["url"])).status_code == 204
    assert (await http(alice).get(other["url"])).status_code == 404


async def test_mallory_sees_no_picture(http: cast.Http, alice: Caller, mallory: Caller, vera: Caller) -> None:
    made = (await upload(http, alice, picture())).json()
    assert (await http(mallory).get(made["url"])).status_code == 404
    assert (await http(mallory).delete(made["url"])).status_code == 404
    assert (await upload(http, mallory, picture())).json()["id"] != made["id"]
    assert (await http(vera).get(made["url"])).status_code == 200
    assert (await upload(http, vera, picture())).status_code == 403
    assert (await http(None).get(made["url"])).status_code == 401
    assert (await http(alice).get("/api/media/nonsense")).status_code == 404
