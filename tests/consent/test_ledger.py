"""The ledger of consents: rows are added and withdrawn, never rewritten; an opt-out stands whatever is written."""

import asyncio
import csv
import io
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI

from hantar.accounts.model import Caller
from hantar.consent import http as consent_http, ledger, model, service
from hantar.kit import clock, cluster, db
from hantar.kit.ids import new_id
from hantar.persons import service as persons
from hantar.persons.model import Alias, AliasKind, PersonId
from tests import cast

GIVEN_AT = datetime(2026, 11, 20, 8, tzinfo=UTC)
WORDS = {"wording": "Yes, tell me about courses.", "source": "paper", "given_at": "2026-11-20T08:00:00Z"}
PHONE = "60123456789"
Person = Callable[..., Awaitable[PersonId]]


@pytest.fixture
def app(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus) -> FastAPI:
    return cast.make_app(database, fake_clock, bus, routers=[consent_http.router])


@pytest.fixture
def person(database: db.Database, alice: Caller) -> Person:
    """`await person()`: a person of Alice's."""

    async def make(number: str = PHONE) -> PersonId:
        async with database.transaction(alice.workspace_id) as tx:
            return await persons.at_phone(tx, alice.workspace_id, number)

    return make


async def give(database: db.Database, caller: Caller, person_id: str, **fields: Any) -> str:
    given = model.Given(
        **{"purpose": "marketing", "wording": "Yes.", "source": "paper", "given_at": GIVEN_AT} | fields  # type: ignore[arg-type]
    )
    async with database.transaction(caller.workspace_id) as tx:
        return (await service.give(tx, caller.workspace_id, [person_id], given))[0]


STOP = model.OptOut(model.OptOutReason.STOP, model.OptOutSource.KEYWORD, text="STOP")


async def stop(tx: db.Tx, caller: Caller, person_id: PersonId) -> None:
    assert await service.opt_out(tx, caller.workspace_id, person_id, STOP)


async def standing(database: db.Database, caller: Caller, person_id: str) -> model.Standing:
    async with database.transaction(caller.workspace_id) as tx:
        return (await service.standings(tx, [person_id]))[person_id]


# ---------------------------------------------------------------- adding and listing
async def test_a_consent_is_added_for_a_number_or_a_person(http: cast.Http, bob: Caller) -> None:
    first = (await http(bob).post("/api/consents", json=WORDS | {"phone": "+52 55 1234 5678"})).json()
    assert (first["phone"], first["state"], first["opted_out"]) == ("525512345678", "live", False)
    assert (first["actor_id"], first["business_name"], first["purpose"]) == (bob.user_id, "Alice's", "marketing")
    more = {"person_id": first["person_id"], "purpose": "service", "business_name": "Shop", "wording_version": "2"}
    second = (await http(bob).post("/api/consents", json=WORDS | more)).json()
    assert (second["business_name"], second["wording_version"], second["purpose"]) == ("Shop", "2", "service")
    listed = (await http(bob).get("/api/consents", params={"phone": "+52 1 55 1234 5678"})).json()["items"]
    assert [each["id"] for each in listed] == [second["id"], first["id"]]


async def test_the_list_is_narrowed_and_paged(
    http: cast.Http, alice: Caller, database: db.Database, person: Person, fake_clock: clock.FakeClock
) -> None:
    one, two = await person(), await person("60129999999")
    ends = fake_clock.now() + timedelta(hours=1)
    first = await give(database, alice, one, expires_at=ends)
    second = await give(database, alice, two)
    third = await give(database, alice, two, purpose="service", source="inbound")
    async with database.transaction(alice.workspace_id) as tx:
        await stop(tx, alice, two)

    async def listed(**query: str) -> list[str]:
        reply = await http(alice).get("/api/consents", params={"with_total": "true", **query})
        assert reply.status_code == 200, reply.text
        assert reply.json()["total"] == len(reply.json()["items"])
        return [each["id"] for each in reply.json()["items"]]

    assert await listed() == [third, second, first]
    assert await listed(purpose="service") == await listed(source="inbound") == [third]
    assert await listed(person_id=two) == [third, second]
    assert await listed(phone=PHONE) == [first]
    assert await listed(phone=PHONE, person_id=two) == await listed(phone="60121111111") == []
    assert await listed(state="withdrawn") == [second]
    assert await listed(state="live") == [third, first]
    await fake_clock.advance(3600)
    assert (await listed(state="live"), await listed(state="expired")) == ([third], [first])
    assert await listed(import_id=new_id()) == []
    seen, cursor = [], ""
    while cursor is not None:
        reply = (await http(alice).get(f"/api/consents?limit=1{cursor and f'&cursor={cursor}'}")).json()
        seen += [each["id"] for each in reply["items"]]
        cursor = reply["next_cursor"]
    assert seen == [third, second, first]


@pytest.mark.parametrize("query", ["phone=nonsense", "person_id=x", "state=maybe", "import_id=1", "cursor=WzFd", "purpose=fun"])
async def test_a_list_that_cannot_be_is_refused(http: cast.Http, alice: Caller, query: str) -> None:
    assert (await http(alice).get(f"/api/consents?{query}")).status_code in (400, 422)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "phone"),
        ({"phone": PHONE, "person_id": new_id()}, "phone"),
        ({"phone": "12"}, "phone"),
        ({"phone": PHONE, "wording": "  "}, "wording"),
        ({"phone": PHONE, "given_at": "2026-12-01T02:05:01Z"}, "given_at"),
        ({"phone": PHONE, "given_at": "2026-11-20T08:00:00"}, "given_at"),
        ({"phone": PHONE, "expires_at": "2026-11-19T00:00:00Z"}, "expires_at"),
        ({"phone": PHONE, "proof_media_id": new_id()}, "proof_media_id"),
        ({"phone": PHONE, "channel": "sms"}, "channel"),
    ],
)
async def test_a_consent_that_cannot_be_is_refused_and_makes_nobody(
    http: cast.Http, alice: Caller, database: db.Database, given: dict[str, Any], field: str
) -> None:
    reply = await http(alice).post("/api/consents", json=WORDS | given)
    assert reply.status_code == 422, reply.text
    assert reply.json()["errors"][0]["field"] == field
    async with database.transaction(alice.workspace_id) as tx:
        assert await tx.fetchval("SELECT count(*) FROM persons") == 0


async def test_nobody_consents_for_whom_we_do_not_know_or_erased(
    http: cast.Http, alice: Caller, database: db.Database, person: Person
) -> None:
    gone = await person()
    async with database.transaction(alice.workspace_id) as tx:
        await tx.execute("UPDATE persons SET erased_at = created_at, phone = NULL")
    for each in (gone, new_id()):
        assert (await http(alice).post("/api/consents", json=WORDS | {"person_id": each})).status_code == 404


@pytest.mark.parametrize(
    "change", ["wording = 'Everything.'", "given_at = now()", "actor_id = NULL", "expires_at = NULL", "source = 'api'"]
)
async def test_the_database_refuses_to_rewrite_a_consent(
    alice: Caller, database: db.Database, person: Person, change: str
) -> None:
    await give(database, alice, await person())
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.transaction(alice.workspace_id) as tx:
            await tx.execute(f"UPDATE consents SET {change}")


# ---------------------------------------------------------------- opt-outs stand
async def test_an_older_consent_was_withdrawn_by_the_stop_and_a_fresh_one_lifts_nothing(
    http: cast.Http, alice: Caller, database: db.Database, person: Person, fake_clock: clock.FakeClock
) -> None:
    one = await person()
    async with database.transaction(alice.workspace_id) as tx:
        await stop(tx, alice, one)
    stopped_at = fake_clock.now()
    await fake_clock.advance(60)
    old = (await http(alice).post("/api/consents", json=WORDS | {"phone": PHONE})).json()
    assert (old["state"], old["opted_out"]) == ("withdrawn", True)
    assert datetime.fromisoformat(old["withdrawn_at"]) == stopped_at
    assert await standing(database, alice, one) == model.Standing(model.ConsentWord.WITHDRAWN, is_opted_out=True)
    service_row = (await http(alice).post("/api/consents", json=WORDS | {"phone": PHONE, "purpose": "service"})).json()
    assert service_row["state"] == "live", "a stop withdraws marketing"
    fresh = (await http(alice).post("/api/consents", json=WORDS | {"phone": PHONE, "given_at": None})).json()
    assert (fresh["state"], fresh["opted_out"]) == ("live", True)
    assert await standing(database, alice, one) == model.Standing(model.ConsentWord.GRANTED, is_opted_out=True)


async def test_an_opt_out_of_the_whole_installation_shows_too(alice: Caller, database: db.Database, person: Person) -> None:
    one = await person()
    async with database.transaction(alice.workspace_id) as tx:
        (key,) = await persons.keys(tx, one)
        sql = "INSERT INTO global_suppressions (key, id, reason, at) VALUES ($1, $2, 'legal', $3)"
        await tx.execute(sql, key, new_id(), await tx.now())
    assert (await standing(database, alice, one)).is_opted_out


async def test_a_hold_shows(alice: Caller, database: db.Database, person: Person) -> None:
    one = await person()
    async with database.transaction(alice.workspace_id) as tx:
        await service.hold(tx, alice.workspace_id, one, "intent")
    assert await standing(database, alice, one) == model.Standing(is_on_hold=True)


async def _race(database: db.Database, caller: Caller, person_id: PersonId) -> datetime | None:
    """A consent is written while a stop of the same person is not yet committed; when the consent was withdrawn."""
    async with database.transaction(caller.workspace_id) as tx:
        await stop(tx, caller, person_id)
        writing = asyncio.ensure_future(give(database, caller, person_id))
        async with asyncio.timeout(10):
            async with database.system() as watching:
                while not await watching.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                    await asyncio.sleep(0)
        assert not writing.done()
    made = await writing
    async with database.transaction(caller.workspace_id) as tx:
        withdrawn: datetime | None = await tx.fetchval("SELECT withdrawn_at FROM consents WHERE id = $1", made)
        return withdrawn


async def test_a_stop_under_way_withdraws_what_is_written_meanwhile(
    alice: Caller, database: db.Database, person: Person, fake_clock: clock.FakeClock
) -> None:
    assert await _race(database, alice, await person()) == fake_clock.now()


async def test_mutant_that_does_not_look_again_leaves_a_live_consent(
    alice: Caller, database: db.Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def blind(*_: object) -> None: ...

    monkeypatch.setattr(service, "_withdraw_older", blind)
    assert await _race(database, alice, await person()) is None, "the mutant lives"


# ---------------------------------------------------------------- proof
async def _history(http: cast.Http, caller: Caller, database: db.Database, fake_clock: clock.FakeClock) -> PersonId:
    """Agreed on paper, said stop, was released with evidence, agreed anew; also known by an opaque id."""
    media = new_id()
    async with database.transaction(caller.workspace_id) as tx:
        await tx.execute(
            "INSERT INTO media (workspace_id, id, mime, name, size, original_size, sha256, bytes, created_at) "
            "VALUES ($1, $2, 'image/png', 'form.png', 3, 3, 'abc', 'abc', $3)",
            *(caller.workspace_id, media, await tx.now()),
        )
    made = await http(caller).post("/api/consents", json=WORDS | {"phone": PHONE, "proof_media_id": media})
    assert made.status_code == 201, made.text
    one = PersonId(made.json()["person_id"])
    await fake_clock.advance(60)
    async with database.transaction(caller.workspace_id) as tx:
        await persons.add_alias(tx, caller.workspace_id, one, Alias(AliasKind.LID, "987654321@lid"))
        await stop(tx, caller, one)
    await fake_clock.advance(60)
    async with database.transaction(caller.workspace_id) as tx:
        sql = "UPDATE suppressions SET released_at = $1, released_by = $2, release_reason = 'Wrote again', release_media_id = $3"
        await tx.execute(sql, await tx.now(), caller.user_id, media)
        await tx.execute("UPDATE suppression_keys SET is_live = false")
    again = {"phone": PHONE, "given_at": None, "wording": "=1+1 Yes, again."}
    assert (await http(caller).post("/api/consents", json=WORDS | again)).json()["state"] == "live"
    return one


async def test_the_proof_of_one_person_holds_every_row_and_its_hash(
    http: cast.Http, alice: Caller, database: db.Database, fake_clock: clock.FakeClock
) -> None:
    one = await _history(http, alice, database, fake_clock)
    reply = await http(alice).get("/api/consents/export", params={"phone": "+60 12-345 6789"})
    assert reply.status_code == 200
    assert "attachment" in reply.headers["content-disposition"]
    proof = json.loads(reply.content)
    assert (proof["person"]["id"], proof["person"]["phone"], proof["opted_out"]) == (one, PHONE, False)
    assert [each["kind"] for each in proof["entries"]] == ["consent", "opt_out", "consent"]
    first, out, last = proof["entries"]
    assert (first["wording"], first["withdrawn_at"], first["evidence"]["sha256"]) == (
        WORDS["wording"],
        "2026-12-01T02:01:00Z",
        b"abc".hex(),
    )
    assert (out["text"], out["release_reason"], out["released_at"]) == ("STOP", "Wrote again", "2026-12-01T02:02:00Z")
    assert (out["released_by"], out["evidence"]["name"]) == (alice.user_id, "form.png")
    assert last["withdrawn_at"] is None
    assert [ledger.digest(each) for each in proof["entries"]] == [each["sha256"] for each in proof["entries"]]
    assert ledger.digest(first | {"wording": "Something else."}) != first["sha256"]
    assert "987654321" not in reply.text, "an opaque id is never shown as a number"


async def test_the_proof_comes_as_a_table_too(
    http: cast.Http, alice: Caller, database: db.Database, fake_clock: clock.FakeClock
) -> None:
    one = await _history(http, alice, database, fake_clock)
    reply = await http(alice).get("/api/consents/export", params={"person_id": one, "format": "csv"})
    rows = list(csv.DictReader(io.StringIO(reply.text)))
    assert [(row["kind"], row["what"]) for row in rows] == [
        ("consent", "marketing"),
        ("opt_out", "stop"),
        ("consent", "marketing"),
    ]
    assert rows[1]["words"] == "STOP"
    assert rows[2]["words"] == "'=1+1 Yes, again.", "a spreadsheet does not run it"
    assert all(len(row["sha256"]) == 64 for row in rows)
    async with database.transaction(alice.workspace_id) as tx:
        (entry,) = await tx.fetch("SELECT * FROM audit")
    assert (entry["action"], entry["object_id"], entry["actor_id"]) == ("consent.exported", one, alice.user_id)
    assert PHONE not in str(dict(entry))


async def test_a_proof_of_nobody_is_not_found(http: cast.Http, alice: Caller) -> None:
    for query in ({"phone": PHONE}, {"person_id": new_id()}):
        assert (await http(alice).get("/api/consents/export", params=query)).status_code == 404
    assert (await http(alice).get("/api/consents/export")).status_code == 422


# ---------------------------------------------------------------- who may
async def test_viewers_and_other_workspaces_see_and_write_nothing(
    http: cast.Http, alice: Caller, bob: Caller, vera: Caller, mallory: Caller, database: db.Database, person: Person
) -> None:
    one = await person()
    await give(database, alice, one)
    export = {"person_id": one}
    for path, query in (("/api/consents", {}), ("/api/consents/export", export)):
        assert (await http(vera).get(path, params=query)).status_code == 403
        assert (await http(bob).get(path, params=query)).status_code == 200
    assert (await http(vera).post("/api/consents", json=WORDS | {"phone": PHONE})).status_code == 403
    assert (await http(mallory).get("/api/consents?with_total=true")).json() == {"items": [], "next_cursor": None, "total": 0}
    assert (await http(mallory).get("/api/consents", params=export)).json()["items"] == []
    assert (await http(mallory).get("/api/consents/export", params=export)).status_code == 404
    assert (await http(mallory).get("/api/consents/export", params={"phone": PHONE})).status_code == 404
    assert (await http(mallory).post("/api/consents", json=WORDS | {"person_id": one})).status_code == 404
    hers = (await http(mallory).post("/api/consents", json=WORDS | {"phone": PHONE})).json()
    assert hers["person_id"] != one, "the same number is another person in another workspace"


@pytest.mark.parametrize(
    ("scope", "statuses"), [("consent:read", (200, 403)), ("consent:write", (403, 201)), ("leads:write", (403, 403))]
)
async def test_keys_need_their_scope(
    http: cast.Http, alice: Caller, database: db.Database, scope: str, statuses: tuple[int, int]
) -> None:
    key = {"Authorization": f"Bearer {await cast.add_key(database, alice, scope)}"}
    read = await http(None).get("/api/consents", headers=key)
    written = await http(None).post("/api/consents", headers=key, json={"phone": PHONE, "wording": "Yes."})
    assert (read.status_code, written.status_code) == statuses
    if written.status_code == 201:
        assert written.json()["source"] == "api"
