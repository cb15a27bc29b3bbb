"""The built pages, the API's own pages, health."""

import pytest

from hantar.kit import db
from hantar.web import health
from tests import cast


@pytest.fixture
def built(tmp_path):
    (tmp_path / "assets").mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / "index.html").write_text("<p>the page</p>")
    (tmp_path / "docs" / "index.html").write_text("<p>the docs</p>")
    (tmp_path / "assets" / "main-abc123.js").write_text("1")
    (tmp_path.parent / "secret.txt").write_text("treasure")
    return tmp_path


@pytest.fixture
def app(database, fake_clock, bus, built):
    return cast.make_app(database, fake_clock, bus, static=built)


@pytest.mark.parametrize("path", ["/", "/login", "/register", "/campaigns/123", "/device/1/leads", "/a" * 3000])
async def test_every_address_of_the_ui_is_the_page_and_never_stale(http, path):
    reply = await http(None).get(path)
    assert (reply.status_code, reply.text) == (200, "<p>the page</p>")
    assert reply.headers["cache-control"] == "no-cache"
    assert "script-src 'self';" in reply.headers["content-security-policy"]
    assert reply.headers["x-content-type-options"] == "nosniff"


async def test_files_with_a_hash_in_their_name_are_kept_for_ever(http):
    reply = await http(None).get("/assets/main-abc123.js")
    assert "immutable" in reply.headers["cache-control"]
    again = await http(None).get("/assets/main-abc123.js", headers={"if-none-match": reply.headers["etag"]})
    assert again.status_code == 304
    assert (await http(None).get("/assets/gone.js")).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "/..%5csecret.txt", "/%00", "//etc/passwd.x"],
)
async def test_nothing_outside_the_folder_is_served(http, path):
    reply = await http(None).get(path)
    assert "treasure" not in reply.text
    assert reply.status_code in (200, 404)


@pytest.mark.parametrize("path", ["/api", "/api/nothing", "/health/nothing", "/send/nothing", "/send/message"])
async def test_addresses_of_the_api_are_never_the_page(http, path):
    reply = await http(None).get(path)
    assert reply.status_code in (404, 405)
    assert reply.headers["content-type"] == "application/problem+json"


async def test_the_pages_take_no_posts(http):
    assert (await http(None).post("/campaigns")).status_code == 405


async def test_without_a_built_ui_the_page_says_so(database, fake_clock, bus, tmp_path):
    for static in (None, tmp_path / "nothing"):
        async with cast.client(cast.make_app(database, fake_clock, bus, static=static), None) as client:
            for path in ("/", "/api/docs"):
                reply = await client.get(path)
                assert reply.status_code == 503
                assert "not built" in reply.text


async def test_the_docs_are_served_from_here(http):
    assert "the docs" in (await http(None).get("/api/docs")).text
    document = (await http(None).get("/api/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    assert {"Me", "Job", "JobPage", "Problem"} <= set(document["components"]["schemas"])
    me = document["paths"]["/api/me"]["get"]
    assert {"200", "401", "403", "429", "503"} <= set(me["responses"])
    assert "Needs role **viewer**" in me["description"]
    assert document["paths"]["/api/login"]["post"]["security"] == []
    text = str(document)
    assert "`weak_password`" in document["components"]["schemas"]["Problem"]["properties"]["code"]["description"]
    assert "HTTPValidationError" not in text
    assert "PageOut" not in text


async def test_every_operation_has_a_tag_and_a_summary(http):
    document = (await http(None).get("/api/openapi.json")).json()
    tags = {tag["name"] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert set(operation["tags"]) <= tags, f"{method} {path} has a tag without words"
            assert operation.get("summary"), f"{method} {path}"


async def test_a_healthy_server_is_ready(http):
    assert (await http(None).get("/health/live")).json() == {"status": "ok"}
    for path in ("/health", "/health/ready"):
        reply = await http(None).get(path)
        assert reply.status_code == 200
        assert reply.json() == {
            "status": "ok",
            "checks": {"database": "ok", "migrations": "ok", "redis": "not_used", "sender": "not_used"},
        }


async def test_a_dead_sender_or_database_is_not_ready(database, fake_clock, bus):
    parts = {health.Sender: health.Sender(lambda: False)}
    async with cast.client(cast.make_app(database, fake_clock, bus, parts=parts), None) as client:
        assert (await client.get("/health")).status_code == 503
    away = db.Database("postgresql://x@/x?host=/nonexistent", key=bytes(32), clock=fake_clock, bus=bus)
    async with cast.client(cast.make_app(away, fake_clock, bus), None) as client:
        reply = await client.get("/health/ready")
        assert (reply.status_code, reply.json()["checks"]["database"]) == (503, "failed")
        assert (await client.get("/health/live")).status_code == 200
        refused = await client.get("/api/me", headers={"authorization": "Bearer hk_x"})
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert refused.headers["retry-after"]
