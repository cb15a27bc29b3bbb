"""The audit trail: whoever does what is written down, in order, and nobody can take it back (I-23)."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator

import asyncpg
import pytest
from fastapi import APIRouter, FastAPI, Request

from hantar.accounts import access
from hantar.accounts.model import Caller, Role
from hantar.audit import http as audit_http, service
from hantar.kit import clock, cluster, db
from hantar.kit.ids import new_id
from tests import cast
from tests.cast import Http

ROLES = ("hantar_app", "hantar_engine", "hantar_door")
CHANGES = ("UPDATE audit SET reason = 'never happened'", "DELETE FROM audit", "TRUNCATE audit")

acting = APIRouter()


@acting.post("/act/{thing_id}", tags=["Audit"])
async def act(thing_id: str, request: Request, at: access.At = access.need(Role.VIEWER, "devices:read")) -> None:
    """Does something worth an entry, the way other rooms do."""
    async with at.tx() as tx:
        thing = service.Thing("device", thing_id)
        await service.record(tx, at.workspace_id, service.by(at, request), "device.resumed", thing, reason="all is well")


@acting.get("/take", tags=["Audit"])
async def take(request: Request, q: str | None = None, at: access.At = access.need(Role.VIEWER, "devices:read")) -> None:
    """Exports something."""
    await service.exported(at, request, "messages", "an id", q=q, limit=5, device_id=None)


@pytest.fixture
def app(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus) -> FastAPI:
    return cast.make_app(database, fake_clock, bus, routers=[audit_http.router, acting])


@pytest.fixture
async def owner(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that owns every table, as the operator of the server may have."""
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


async def write(database: db.Database, caller: Caller, action: str = "policy.changed", count: int = 1, **more: object) -> None:
    for _ in range(count):
        async with database.transaction(caller.workspace_id) as tx:
            actor = service.Actor(caller.user_id, "Someone")
            await service.record(tx, caller.workspace_id, actor, action, service.Thing(action.split(".")[0]), **more)  # type: ignore[arg-type]


async def broken(database: db.Database, caller: Caller) -> int | None:
    async with database.transaction(caller.workspace_id) as tx:
        return await service.first_broken(tx, caller.workspace_id)


# ---------------------------------------------------------------- writing
async def test_an_entry_says_who_what_why_and_from_where(http: Http, alice: Caller, bob: Caller) -> None:
    device = new_id()
    assert (await http(bob).post(f"/api/act/{device}", headers={"x-request-id": "req-7"})).status_code == 200
    (entry,) = (await http(alice).get("/api/audit")).json()["items"]
    assert entry == {
        "seq": 1,
        "at": "2026-12-01T02:00:00Z",
        "actor_id": bob.user_id,
        "actor": "Bob",
        "action": "device.resumed",
        "object_kind": "device",
        "object_id": device,
        "reason": "all is well",
        "before": None,
        "after": None,
        "address": "127.0.0.1",
        "request_id": "req-7",
    }


async def test_a_key_is_named_with_whose_it_is(http: Http, database: db.Database, alice: Caller) -> None:
    key = await cast.add_key(database, alice, "devices:read")
    reply = await http(None).post("/api/act/x", headers={"authorization": f"Bearer {key}"})
    assert reply.status_code == 200, reply.text
    (entry,) = (await http(alice).get("/api/audit")).json()["items"]
    assert entry["actor"] == f"API key test ({key[:8]}…) of Alice"
    assert entry["actor_id"] == alice.user_id
    assert key not in str(entry)


async def test_an_export_is_an_entry_without_the_words_of_people(http: Http, alice: Caller, vera: Caller) -> None:
    await http(vera).get("/api/take", params={"q": "60123456789"})
    reply = await http(alice).get("/api/audit")
    (entry,) = reply.json()["items"]
    assert (entry["action"], entry["actor"], entry["object_id"]) == ("messages.exported", "Vera", "an id")
    assert entry["after"] == {"q": "given", "limit": 5}
    assert "60123456789" not in reply.text


async def test_many_writers_at_once_make_one_chain(dsn: str, fake_clock: clock.FakeClock, alice: Caller, mallory: Caller) -> None:
    wide = db.Database(dsn, key=bytes(32), clock=fake_clock, size=16)
    await asyncio.gather(*(write(wide, who, count=8) for who in (alice, mallory) * 12))
    async with wide.transaction(alice.workspace_id) as tx:
        numbers = [row["seq"] for row in await tx.fetch("SELECT seq FROM audit ORDER BY seq")]
    assert numbers == list(range(1, 97))
    assert await broken(wide, alice) is None
    assert await broken(wide, mallory) is None
    await wide.close()


async def test_what_is_rolled_back_leaves_no_gap(database: db.Database, alice: Caller) -> None:
    async def fail() -> None:
        async with database.transaction(alice.workspace_id) as tx:
            await service.record(tx, alice.workspace_id, service.RULES, "device.paused", service.Thing("device"))
            raise RuntimeError("the change itself failed")

    await write(database, alice)
    with pytest.raises(RuntimeError):
        await fail()
    await write(database, alice)
    assert await broken(database, alice) is None


# ---------------------------------------------------------------- append-only
async def changed_by(connection: asyncpg.Connection, role: str | None) -> list[str]:
    """The changes that went through for a role (None: the owner of the tables); each is tried and taken back."""
    through = []
    for sql in CHANGES:
        attempt = connection.transaction()
        await attempt.start()
        try:
            if role:
                await connection.execute(f"SET LOCAL ROLE {role}")
                await connection.execute("SELECT set_config('hantar.workspace', (SELECT id::text FROM kept LIMIT 1), true)")
            await connection.execute(sql)
            through.append(sql.split()[0])
        except asyncpg.InsufficientPrivilegeError:
            pass
        finally:
            await attempt.rollback()
    return through


@pytest.fixture
async def entries(database: db.Database, alice: Caller, owner: asyncpg.Connection) -> None:
    """Three entries of Alice's, and her workspace where every role may look it up."""
    await write(database, alice, count=3)
    await owner.execute("CREATE TEMP TABLE kept AS SELECT id FROM workspaces")
    await owner.execute(f"GRANT SELECT ON kept TO {', '.join(ROLES)}")


@pytest.mark.parametrize("role", [*ROLES, None])
@pytest.mark.usefixtures("entries")
async def test_nobody_changes_or_removes_an_entry(owner: asyncpg.Connection, role: str | None) -> None:
    assert await changed_by(owner, role) == []


@pytest.mark.usefixtures("entries")
async def test_mutant_a_right_alone_does_not_help_and_a_right_without_the_trigger_does(owner: asyncpg.Connection) -> None:
    """I-23 mutant: with UPDATE granted and the trigger gone the same changes go through, so the test above can fail."""
    await owner.execute("GRANT UPDATE, DELETE, TRUNCATE ON audit TO hantar_app")
    assert await changed_by(owner, "hantar_app") == []  # the trigger stands behind the missing right
    await owner.execute("DROP TRIGGER append_only ON audit")
    assert await changed_by(owner, "hantar_app") == ["UPDATE", "DELETE"]
    assert await changed_by(owner, None) == ["UPDATE", "DELETE"]
    await owner.execute("DROP TRIGGER append_only_whole ON audit")
    assert await changed_by(owner, None) == ["UPDATE", "DELETE", "TRUNCATE"]


async def test_nobody_writes_into_another_workspace(database: db.Database, alice: Caller, mallory: Caller) -> None:
    await write(database, alice)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.transaction(mallory.workspace_id) as tx:
            await service.record(tx, alice.workspace_id, service.RULES, "policy.changed", service.Thing("policy"))
    assert await broken(database, alice) is None


# ---------------------------------------------------------------- the chain
TAMPERINGS = {
    "a reason": ("UPDATE audit SET reason = 'another' WHERE seq = 3", 3),
    "the actor": ("UPDATE audit SET actor = 'Bob' WHERE seq = 1", 1),
    "a value": ("""UPDATE audit SET after = '{"person_cap_day": 2}' WHERE seq = 4""", 4),
    "the time": ("UPDATE audit SET at = at + interval '1 microsecond' WHERE seq = 2", 2),
    "an entry in the middle is gone": ("DELETE FROM audit WHERE seq = 3", 4),
    "the first entry is gone": ("DELETE FROM audit WHERE seq = 1", 2),
    "the last entries are gone": ("DELETE FROM audit WHERE seq > 3", 4),
    "all entries are gone": ("DELETE FROM audit", 1),
    "one entry is made good with its own hash": ("UPDATE audit a SET reason = 'n', hash = audit_hash(a) WHERE seq = 3", 3),
}


@pytest.mark.parametrize("what", TAMPERINGS)
async def test_who_gets_round_the_triggers_is_found(
    database: db.Database, owner: asyncpg.Connection, http: Http, alice: Caller, what: str
) -> None:
    sql, first = TAMPERINGS[what]
    for value in range(5):
        await write(database, alice, reason="as it was", after={"person_cap_day": value})
    assert await broken(database, alice) is None
    await owner.execute("ALTER TABLE audit DISABLE TRIGGER USER")
    await owner.execute(sql)
    await owner.execute("ALTER TABLE audit ENABLE TRIGGER USER")
    assert await broken(database, alice) == first
    reply = (await http(alice).get("/api/audit/verify")).json()
    assert (reply["ok"], reply["first_broken"]) == (False, first)


async def test_a_hash_made_good_breaks_the_next_link(database: db.Database, owner: asyncpg.Connection, alice: Caller) -> None:
    """Whoever changes an entry and its hash would have to change every later one and the head as well."""
    await write(database, alice, count=5)
    await owner.execute("ALTER TABLE audit DISABLE TRIGGER USER")
    await owner.execute("UPDATE audit SET reason = 'another' WHERE seq = 3")
    await owner.execute("UPDATE audit a SET hash = audit_hash(a) WHERE seq = 3")
    assert await broken(database, alice) == 4
    await owner.execute("UPDATE audit SET reason = 'another' WHERE seq = 5")
    await owner.execute("UPDATE audit a SET hash = audit_hash(a) WHERE seq = 5")
    assert await broken(database, alice) == 4


async def test_a_head_that_does_not_fit_is_found(database: db.Database, alice: Caller) -> None:
    await write(database, alice, count=3)
    async with database.transaction(alice.workspace_id) as tx:
        await tx.execute("UPDATE audit_heads SET hash = ''")
    assert await broken(database, alice) == 4


async def test_the_head_shows_what_the_chain_alone_cannot(
    database: db.Database, owner: asyncpg.Connection, http: Http, alice: Caller
) -> None:
    """Who owns the server can cut the end off and mend the head: the chain holds, but not the hash somebody kept elsewhere."""
    await write(database, alice, count=3)
    kept = (await http(alice).get("/api/audit/verify")).json()["head"]
    await owner.execute("ALTER TABLE audit DISABLE TRIGGER USER")
    await owner.execute("DELETE FROM audit WHERE seq = 3")
    await owner.execute("UPDATE audit_heads SET (seq, hash) = (SELECT seq, hash FROM audit WHERE seq = 2)")
    proof = (await http(alice).get("/api/audit/verify")).json()
    assert proof["ok"] is True
    assert proof["head"] != kept


# ---------------------------------------------------------------- reading
@pytest.fixture
async def week(database: db.Database, fake_clock: clock.FakeClock, alice: Caller, bob: Caller) -> None:
    """Entries of a week: each day the rules change, on the third day Bob resumes a device."""
    for day in range(7):
        await write(database, alice, after={"day": day})
        if day == 2:
            await write(database, bob, "device.resumed")
        await fake_clock.advance(86_400)
    async with database.door() as tx:
        await tx.execute("UPDATE sign_ins SET expires_at = expires_at + interval '30 days'")


@pytest.mark.usefixtures("week")
@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({}, [8, 7, 6, 5, 4, 3, 2, 1]),
        ({"action": "policy"}, [8, 7, 6, 5, 3, 2, 1]),
        ({"action": "device.resumed"}, [4]),
        ({"action": "dev"}, []),
        ({"object": "device"}, [4]),
        ({"object": "device:nothing"}, []),
        ({"actor": "some"}, [8, 7, 6, 5, 4, 3, 2, 1]),
        ({"actor": "%"}, []),
        ({"start_date": "2026-12-03", "end_date": "2026-12-04"}, [5, 4, 3]),
        ({"start_date": "2026-12-02", "end_date": "2026-12-02", "time_zone": "America/Los_Angeles"}, [4, 3]),
    ],
)
async def test_filters(http: Http, alice: Caller, asked: dict[str, str], numbers: list[int]) -> None:
    reply = await http(alice).get("/api/audit", params={**asked, "with_total": "true"})
    assert [each["seq"] for each in reply.json()["items"]] == numbers
    assert reply.json()["total"] == len(numbers)


@pytest.mark.usefixtures("week")
async def test_pages_filters_by_id_and_bad_questions(http: Http, alice: Caller, bob: Caller) -> None:
    client = http(alice)
    mine = (await client.get("/api/audit", params={"actor": bob.user_id})).json()["items"]
    assert [each["seq"] for each in mine] == [4]
    seen, cursor = [], None
    while True:
        page = (await client.get("/api/audit", params={"limit": 3, **({"cursor": cursor} if cursor else {})})).json()
        seen += [each["seq"] for each in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == [8, 7, 6, 5, 4, 3, 2, 1]
    for bad in ({"start_date": "2026-12-05", "end_date": "2026-12-01"}, {"time_zone": "Mars/Base"}, {"cursor": "WyJ4Il0"}):
        assert (await client.get("/api/audit", params=bad)).status_code in (400, 422)


@pytest.mark.usefixtures("week")
async def test_the_file_holds_all_and_is_an_entry_itself(http: Http, alice: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_http, "CSV_PAGE", 3)
    reply = await http(alice).get("/api/audit", params={"format": "csv", "action": "policy"})
    rows = list(csv.DictReader(io.StringIO(reply.text)))
    assert [row["seq"] for row in rows] == ["8", "7", "6", "5", "3", "2", "1"]
    assert rows[0]["after"] == '{"day": 6}'
    newest = (await http(alice).get("/api/audit", params={"limit": 1})).json()["items"][0]
    assert (newest["action"], newest["after"]) == ("audit.exported", {"action": "policy"})


async def test_a_cell_that_a_spreadsheet_could_run_is_made_harmless(http: Http, database: db.Database, alice: Caller) -> None:
    await write(database, alice, reason="=HYPERLINK(1)")
    assert ",'=HYPERLINK(1)," in (await http(alice).get("/api/audit", params={"format": "csv"})).text


# ---------------------------------------------------------------- who may
async def test_only_an_owner_reads_it(http: Http, database: db.Database, alice: Caller, bob: Caller, vera: Caller) -> None:
    for who, status in ((alice, 200), (bob, 403), (vera, 403), (None, 401)):
        for path in ("/api/audit", "/api/audit/verify", "/api/audit?format=csv"):
            assert (await http(who).get(path)).status_code == status, (who, path)
    for scope, status in (("settings:write", 200), ("messages:send", 403)):
        key = await cast.add_key(database, alice, scope)
        reply = await http(None).get("/api/audit", headers={"authorization": f"Bearer {key}"})
        assert reply.status_code == status


async def test_mallory_sees_her_own_only(http: Http, database: db.Database, alice: Caller, mallory: Caller) -> None:
    await write(database, alice, count=3, reason="Kanarienvogel")
    await write(database, mallory)
    for path in ("/api/audit?with_total=true", "/api/audit?format=csv", f"/api/audit?actor={alice.user_id}"):
        reply = await http(mallory).get(path)
        assert "Kanarienvogel" not in reply.text
        assert alice.user_id not in reply.text
    assert (await http(mallory).get("/api/audit/verify")).json()["entries"] == 2
    proof = (await http(alice).get("/api/audit/verify")).json()
    assert (proof["ok"], proof["first_broken"], proof["entries"]) == (True, None, 3)
