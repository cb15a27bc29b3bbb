"""Files of every kind by their routes: taken in, handed out whole and in ranges, kept apart, taken away."""

import hashlib
import itertools

import httpx
import pytest
from fastapi import FastAPI

from hantar.accounts.model import Caller
from hantar.kit import clock, cluster, db
from hantar.kit.ids import new_id
from hantar.media import http as media_http, model
from tests import cast
from tests.media import samples

FILM = samples.mp4(size=2 * model.PIECE + 12_345)
"""Three pieces long."""


@pytest.fixture
def app(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus) -> FastAPI:
    parts: dict[type, object] = {model.Limits: model.Limits(5_000_000)}
    return cast.make_app(database, fake_clock, bus, routers=[media_http.router], parts=parts)


async def upload(http: cast.Http, caller: Caller | None, data: bytes, name: str) -> httpx.Response:
    return await http(caller).post("/api/media", files={"file": (name, data, "text/html")})


async def test_a_file_is_stored_under_its_true_type_and_comes_back_as_it_was(http: cast.Http, alice: Caller) -> None:
    client = http(alice)
    for given, (data, kind, mime, name) in samples.GOOD.items():
        made = await upload(http, alice, data, given or "document.exe")
        assert made.status_code == 201, made.text
        body = made.json()
        expected = name if given else "document.exe.pdf"
        assert (body["kind"], body["mime"], body["name"], body["size"]) == (kind, mime, expected, len(data))
        shown = await client.get(body["url"])
        assert shown.content == data
        assert shown.headers["content-type"].startswith(mime)
        assert shown.headers["x-content-type-options"] == "nosniff"
        assert shown.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert shown.headers["cache-control"].startswith("private")
        assert shown.headers["content-disposition"].startswith("attachment; " if kind == "document" else "inline")


async def test_a_bad_file_is_refused_and_leaves_nothing(http: cast.Http, alice: Caller, database: db.Database) -> None:
    for what, data, reason in samples.BAD:
        reply = await upload(http, alice, data, "prices.pdf")
        assert reply.status_code == 422, what
        assert [(each["field"], each["code"]) for each in reply.json()["errors"]] == [("file", reason)], what
    async with database.transaction(alice.workspace_id) as tx:
        assert await tx.fetchval("SELECT count(*) FROM media") == 0


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("évil.pdf", "filename=\"_vil.pdf\"; filename*=UTF-8''%C3%A9vil.pdf"),
        ('a"; filename="b.exe', "filename=\"a_; filename=_b.exe\"; filename*=UTF-8''a%22%3B%20filename%3D%22b.exe"),
        (None, "filename=\"document\"; filename*=UTF-8''document"),
    ],
)
async def test_no_name_breaks_out_of_its_header(
    http: cast.Http, alice: Caller, database: db.Database, name: str | None, shown: str
) -> None:
    made = (await upload(http, alice, samples.pdf(), "a.pdf")).json()
    async with database.transaction(alice.workspace_id) as tx:
        await tx.execute("UPDATE media SET name = $1", name)  # such a name is never stored; the header holds all the same
    found = (await http(alice).get(made["url"])).headers["content-disposition"]
    assert found == f"attachment; {shown}"


async def test_a_large_file_lies_in_pieces_and_is_read_in_ranges(http: cast.Http, alice: Caller, database: db.Database) -> None:
    made = (await upload(http, alice, FILM, "film.mp4")).json()
    async with database.transaction(alice.workspace_id) as tx:
        rows = await tx.fetch("SELECT number, length(bytes) AS length FROM media_pieces ORDER BY number")
        assert await tx.fetchval("SELECT length(bytes) FROM media") == model.PIECE
    assert [row["number"] for row in rows] == [1, 2]
    assert sum(row["length"] for row in rows) == len(FILM) - model.PIECE
    client, size = http(alice), len(FILM)
    places = [0, 1, model.PIECE - 1, model.PIECE, model.PIECE + 1, 2 * model.PIECE, size - 1]
    for first, last in itertools.combinations_with_replacement(places, 2):
        part = await client.get(made["url"], headers={"Range": f"bytes={first}-{last}"})
        is_whole = (first, last) == (0, size - 1)
        assert part.status_code == (200 if is_whole else 206)
        assert hashlib.sha256(part.content).digest() == hashlib.sha256(FILM[first : last + 1]).digest()
        assert is_whole or part.headers["content-range"] == f"bytes {first}-{last}/{size}"
        assert part.headers["content-length"] == str(last - first + 1)


RANGES = [
    ("bytes=10-", 206, 10, None),
    ("bytes=-10", 206, -10, 10),
    ("bytes=-99999999", 200, 0, None),
    ("bytes=0-99999999", 200, 0, None),
    ("bytes=99999999-", 416, 0, 0),
    ("bytes=5-4", 416, 0, 0),
    ("bytes=-0", 416, 0, 0),
    ("bytes=-", 200, 0, None),
    ("bytes=0-1,5-6", 200, 0, None),
    ("pages=1-2", 200, 0, None),
]
"""What is asked for, and the answer: status, first byte, how many (None: to the end)."""


async def test_odd_ranges(http: cast.Http, alice: Caller) -> None:
    data = samples.mp3()
    made = (await upload(http, alice, data, "a.mp3")).json()
    for wanted, status, first, length in RANGES:
        part = await http(alice).get(made["url"], headers={"Range": wanted})
        assert part.status_code == status, wanted
        assert part.content == (b"" if length == 0 else data[first:]), wanted


async def test_the_installations_limit_holds_and_is_said(http: cast.Http, alice: Caller, database: db.Database) -> None:
    refused = await upload(http, alice, samples.pdf(size=5_000_000), "large.pdf")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["code"] == "too_large"
    assert "5 MB" in refused.json()["errors"][0]["message"]
    async with database.transaction(alice.workspace_id) as tx:
        assert await tx.fetchval("SELECT (SELECT count(*) FROM media) + (SELECT count(*) FROM media_pieces)") == 0


async def test_a_body_beyond_all_limits_is_not_read_to_its_end(http: cast.Http, alice: Caller) -> None:
    sent = 0

    async def endless():  # type: ignore[no-untyped-def]
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-1.7\n'
        while sent < 60_000_000:
            sent += 500_000
            yield bytes(500_000)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    reply = await http(alice).post("/api/media", content=endless(), headers=headers)
    assert reply.status_code == 413
    assert sent < 22_000_000
    declared = await http(alice).post("/api/media", content=b"", headers={**headers, "Content-Length": "21000000"})
    assert declared.status_code == 413


async def test_the_same_file_is_stored_once_for_each_name(http: cast.Http, alice: Caller) -> None:
    first, second = (await upload(http, alice, FILM, "a.mp4")).json(), (await upload(http, alice, FILM, "a.mp4")).json()
    assert first["id"] == second["id"]
    assert (await upload(http, alice, FILM, "b.mp4")).json()["id"] != first["id"], "people see the name"


async def test_a_deleted_file_takes_its_pieces_along(http: cast.Http, alice: Caller, database: db.Database) -> None:
    used, free = (await upload(http, alice, FILM, "a.mp4")).json(), (await upload(http, alice, FILM, "b.mp4")).json()
    async with database.transaction(alice.workspace_id) as tx:
        sql = "INSERT INTO contents (workspace_id, id, kind, media_id, created_at) VALUES ($1, $2, 'video', $3, $4)"
        await tx.execute(sql, alice.workspace_id, new_id(), used["id"], await tx.now())
    refused = await http(alice).delete(used["url"])
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    assert (await http(alice).delete(free["url"])).status_code == 204
    assert (await http(alice).get(free["url"])).status_code == 404
    async with database.transaction(alice.workspace_id) as tx:
        assert {row["media_id"] for row in await tx.fetch("SELECT media_id FROM media_pieces")} == {used["id"]}


async def test_mallory_gets_no_piece(
    http: cast.Http, alice: Caller, mallory: Caller, vera: Caller, database: db.Database
) -> None:
    made = (await upload(http, alice, FILM, "a.mp4")).json()
    for headers in ({}, {"Range": "bytes=0-9"}, {"Range": f"bytes={model.PIECE}-"}, {"If-None-Match": "*"}):
        assert (await http(mallory).get(made["url"], headers=headers)).status_code == 404
    assert (await http(mallory).delete(made["url"])).status_code == 404
    assert (await upload(http, mallory, FILM, "a.mp4")).json()["id"] != made["id"]
    assert (await upload(http, vera, FILM, "a.mp4")).status_code == 403
    assert (await upload(http, None, FILM, "a.mp4")).status_code == 401
    async with database.transaction(mallory.workspace_id) as tx:
        assert await tx.fetchval("SELECT count(*) FROM media_pieces WHERE media_id = $1", made["id"]) == 0
    assert (await http(alice).get(made["url"])).content == FILM
