"""Opt-outs by the API: list, check, add, import, release; in force at once, and never deleted."""

import io
import time
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from hantar.accounts import model as accounts
from hantar.accounts.model import Caller
from hantar.audit import service as audit
from hantar.consent import model, service as consent
from hantar.kit import clock, cluster, db
from hantar.kit.ids import new_id
from hantar.outbox import service as outbox
from hantar.people import blocklist, http_optouts
from hantar.persons import service as persons
from hantar.persons.model import PersonId
from tests import cast

ANN, BEN = "60123450001", "60123450002"
PROOF = {"reason": "She asked for it at the counter.", "evidence": "Signed form of 1 December"}


@pytest.fixture
def app(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus) -> FastAPI:
    return cast.make_app(database, fake_clock, bus, routers=[http_optouts.router])


@pytest.fixture
async def root(database: db.Database, alice: Caller) -> Caller:
    """Alice's colleague who administers the installation."""
    return await cast.add_person(database, alice.workspace_id, "Root", accounts.Role.OWNER, is_admin=True)


async def person(database: db.Database, caller: Caller, number: str = ANN) -> PersonId:
    async with database.transaction(caller.workspace_id) as tx:
        return await persons.at_phone(tx, caller.workspace_id, number)


async def is_out(database: db.Database, caller: Caller, number: str = ANN) -> bool:
    who = await person(database, caller, number)
    async with database.transaction(caller.workspace_id) as tx:
        return await consent.is_opted_out(tx, caller.workspace_id, who)


async def opted_out(database: db.Database, caller: Caller, reason: str = "stop", number: str = ANN) -> str:
    who = await person(database, caller, number)
    async with database.transaction(caller.workspace_id) as tx:
        asked = model.OptOut(model.OptOutReason(reason), model.OptOutSource.KEYWORD, text="STOP")
        made = await outbox.opt_out(tx, caller.workspace_id, who, asked)
    assert made is not None
    return made


async def add(client: httpx.AsyncClient, **body: Any) -> httpx.Response:
    return await client.post("/api/opt-outs", json=body)


async def test_an_opt_out_is_in_force_with_its_answer(http, alice, bob, database):
    reply = await add(http(bob), phone="+60 12-345 0001", note="Rang us")
    assert reply.status_code == 201, reply.text
    made = reply.json()
    assert (made["phone"], made["reason"], made["source"], made["note"]) == (ANN, "manual", "api", "Rang us")
    assert made["is_live"] is True
    assert made["is_global"] is False
    assert await is_out(database, alice)
    again = await add(http(bob), phone=ANN)
    assert again.status_code == 201
    assert again.json()["id"] == made["id"], "asking again changes nothing"


async def test_a_person_without_a_number_is_opted_out_by_id_and_shown_without_one(http, alice, database):
    async with database.transaction(alice.workspace_id) as tx:
        who = await persons.at_opaque(tx, alice.workspace_id, "998877665544@lid")
    reply = await add(http(alice), person_id=who, source="chat")
    assert reply.status_code == 201
    assert reply.json()["phone"] is None
    listed = await http(alice).get("/api/opt-outs")
    assert listed.json()["items"][0]["phone"] is None
    assert "998877665544" not in listed.text, "an opaque id is never shown"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, None),
        ({"phone": ANN, "person_id": new_id()}, None),
        ({"phone": "12"}, "invalid_phone"),
        ({"phone": "6E10"}, "invalid_phone"),
    ],
)
async def test_who_it_is_must_be_clear(http, alice, body, code):
    reply = await add(http(alice), **body)
    assert reply.status_code == 422
    if code:
        assert reply.json()["errors"][0]["code"] == code


async def test_a_person_we_do_not_have_is_not_found(http, alice):
    assert (await add(http(alice), person_id=new_id())).status_code == 404


async def test_viewers_look_and_do_not_touch(http, alice, vera, database):
    made = await opted_out(database, alice)
    assert (await http(vera).get("/api/opt-outs")).status_code == 200
    assert (await add(http(vera), phone=BEN)).status_code == 403
    assert (await http(vera).request("DELETE", f"/api/opt-outs/{made}", json=PROOF)).status_code == 403


async def test_keys_need_the_scope(http, alice, database):
    key = await cast.add_key(database, alice, "consent:read")
    headers = {"authorization": f"Bearer {key}"}
    assert (await http(None).get("/api/opt-outs", headers=headers)).status_code == 200
    reply = await http(None).post("/api/opt-outs", json={"phone": ANN}, headers=headers)
    assert reply.json()["code"] == "scope_missing"


# ---------------------------------------------------------------- everywhere
async def test_only_an_administrator_opts_out_of_every_workspace(http, alice, root, mallory, database):
    assert (await add(http(alice), phone=ANN, reason="legal", scope="global")).status_code == 403
    assert (await add(http(root), phone=ANN, scope="global")).status_code == 422
    reply = await add(http(root), phone=ANN, reason="legal", scope="global")
    assert reply.status_code == 201
    assert reply.json()["is_global"] is True
    assert await is_out(database, mallory), "a person of another workspace is out too"
    seen = await http(mallory).get("/api/opt-outs")
    assert seen.json()["items"] == [], "and learns nothing about who said so"
    checked = (await http(mallory).get("/api/opt-outs/check", params={"phone": ANN})).json()
    assert (checked["opted_out"], checked["is_global"], checked["reasons"]) == (True, True, ["legal"])
    released = await http(root).request("DELETE", f"/api/opt-outs/{reply.json()['id']}", json=PROOF)
    assert released.status_code == 204
    assert not await is_out(database, mallory)


# ---------------------------------------------------------------- checking
async def test_check_knows_every_spelling_and_names_no_stranger(http, alice, database):
    await opted_out(database, alice, number="5511987654321")
    for spelling in ("5511987654321", "+55 11 98765-4321", "551187654321"):
        checked = (await http(alice).get("/api/opt-outs/check", params={"phone": spelling})).json()
        assert checked["opted_out"] is True
        assert checked["reasons"] == ["stop"]
    free = (await http(alice).get("/api/opt-outs/check", params={"phone": BEN})).json()
    assert free == {"opted_out": False, "phone": BEN, "person_id": None, "reasons": [], "is_global": False}


async def test_check_finds_an_opt_out_whose_person_is_gone(http, alice, database):
    """What erasing leaves: the keyed hash alone."""
    await opted_out(database, alice)
    async with database.transaction(alice.workspace_id) as tx:
        await tx.execute("UPDATE suppressions SET person_id = NULL, text = NULL")
        await tx.execute("DELETE FROM person_aliases")
        await tx.execute("DELETE FROM persons")
    checked = (await http(alice).get("/api/opt-outs/check", params={"phone": ANN})).json()
    assert checked["opted_out"] is True
    assert checked["person_id"] is None
    assert await is_out(database, alice), "the same number, added again, is bound at once"
    (shown,) = (await http(alice).get("/api/opt-outs")).json()["items"]
    assert (shown["phone"], shown["person_id"], shown["name"]) == (None, None, "")


# ---------------------------------------------------------------- the list
async def test_the_list_can_be_narrowed_and_paged(http, alice, database, fake_clock):
    await opted_out(database, alice, number=ANN)
    await fake_clock.advance(20 * 3600)  # the next morning in Kuala Lumpur
    await opted_out(database, alice, "manual", number=BEN)
    client = http(alice)

    async def found(**params: Any) -> list[str]:
        reply = await client.get("/api/opt-outs", params=params)
        assert reply.status_code == 200, reply.text
        return [each["phone"] for each in reply.json()["items"]]

    assert await found() == [BEN, ANN]
    assert await found(reason="stop") == [ANN]
    assert await found(q="0002") == [BEN]
    assert await found(q="+60 12345 0001") == [ANN]
    assert await found(q="%") == []
    assert await found(source="import") == []
    assert await found(end_date="2026-12-01") == [ANN]
    assert await found(start_date="2026-12-02", end_date="2026-12-02") == [BEN]
    assert await found(live="false") == []
    first = (await client.get("/api/opt-outs", params={"limit": 1, "with_total": True})).json()
    assert first["total"] == 2
    assert await found(limit=1, cursor=first["next_cursor"]) == [ANN]
    assert (await client.get("/api/opt-outs", params={"cursor": "nonsense"})).json()["code"] == "bad_request"
    assert (await client.get("/api/opt-outs", params={"start_date": "2026-12-02", "end_date": "2026-12-01"})).status_code == 422


async def test_a_name_of_a_lead_finds_its_opt_out(http, alice, database):
    await opted_out(database, alice)
    async with database.transaction(alice.workspace_id) as tx:
        who = await persons.at_phone(tx, alice.workspace_id, ANN)
        sql = """INSERT INTO leads (workspace_id, id, person_id, name, phone, created_at, updated_at)
                 VALUES ($1, $2, $3, 'Aisyah Rahman', $4, $5, $5)"""
        await tx.execute(sql, alice.workspace_id, new_id(), who, ANN, await tx.now())
    items = (await http(alice).get("/api/opt-outs", params={"q": "aisyah"})).json()["items"]
    assert [each["name"] for each in items] == ["Aisyah Rahman"]


async def test_the_file_holds_them_all_harmlessly_and_is_written_down(http, alice, database):
    await opted_out(database, alice)
    await add(http(alice), phone=BEN, note="=1+1")
    reply = await http(alice).get("/api/opt-outs", params={"format": "csv"})
    assert reply.headers["content-type"].startswith("text/csv")
    lines = reply.text.splitlines()
    assert lines[0].startswith("phone,name,reason,source")
    assert len(lines) == 3
    assert "'=1+1" in reply.text
    async with database.transaction(alice.workspace_id) as tx:
        assert await tx.fetchval("SELECT count(*) FROM audit WHERE action = 'opt_outs.exported'") == 1


# ---------------------------------------------------------------- releasing
async def test_a_release_needs_proof_and_stays_in_the_history(http, alice, bob, database):
    made = await opted_out(database, alice)
    assert (await http(bob).request("DELETE", f"/api/opt-outs/{made}", json=PROOF)).status_code == 403
    bare = await http(alice).request("DELETE", f"/api/opt-outs/{made}", json={"reason": "She asked."})
    assert bare.status_code == 422
    reply = await http(alice).request("DELETE", f"/api/opt-outs/{made}", json=PROOF)
    assert (reply.status_code, reply.content) == (204, b"")
    assert not await is_out(database, alice)
    (shown,) = (await http(alice).get("/api/opt-outs")).json()["items"]
    assert (shown["is_live"], shown["release_reason"]) == (False, PROOF["reason"])
    async with database.transaction(alice.workspace_id) as tx:
        given = await tx.fetchrow("SELECT * FROM consents WHERE withdrawn_at IS NULL")
        entry = await tx.fetchrow("SELECT * FROM audit WHERE action = 'opt_out.released'")
        assert await audit.first_broken(tx, alice.workspace_id) is None
    assert (given["purpose"], given["wording"], given["actor_id"]) == ("marketing", PROOF["evidence"], alice.user_id)
    assert (entry["object_id"], entry["reason"]) == (made, PROOF["reason"])
    again = await http(alice).request("DELETE", f"/api/opt-outs/{made}", json=PROOF)
    assert again.json()["code"] == "already_released"


@pytest.mark.parametrize("reason", sorted(model.ADMIN_ONLY))
async def test_some_reasons_only_an_administrator_releases(http, alice, root, database, reason):
    made = await opted_out(database, alice, reason)
    refused = await http(alice).request("DELETE", f"/api/opt-outs/{made}", json=PROOF)
    assert refused.status_code == 403
    assert await is_out(database, alice)
    assert (await http(root).request("DELETE", f"/api/opt-outs/{made}", json=PROOF)).status_code == 204
    assert not await is_out(database, alice)


async def test_releasing_one_leaves_the_others(http, alice, database):
    made = await opted_out(database, alice)
    await opted_out(database, alice, "manual")
    await http(alice).request("DELETE", f"/api/opt-outs/{made}", json=PROOF)
    assert await is_out(database, alice)


async def test_proof_must_be_a_file_of_ours(http, alice, database):
    made = await opted_out(database, alice)
    body = {"reason": "She asked.", "evidence_media_id": new_id()}
    reply = await http(alice).request("DELETE", f"/api/opt-outs/{made}", json=body)
    assert reply.json()["errors"][0]["field"] == "evidence_media_id"
    assert await is_out(database, alice)


# ---------------------------------------------------------------- block lists
def upload(text: str | bytes, **form: str) -> dict[str, Any]:
    data = text.encode() if isinstance(text, str) else text
    return {"files": {"file": ("block.csv", io.BytesIO(data))}, "data": form}


async def imported(client: httpx.AsyncClient, text: str, **form: str) -> dict[str, Any]:
    reply = await client.post("/api/opt-outs/import", **upload(text, **form))
    assert reply.status_code == 200, reply.text
    return reply.json()


async def test_a_block_list_reports_every_row(http, alice, database):
    text = "Name,Phone\nAnn,+60123450001\nAnn again,60123450001\nNobody,12\nMangled,6.01E+10\nBen,012-345 0002\n"
    found = await imported(http(alice), text, note="From the old system")
    assert (found["total"], found["added"], found["doubled"], found["failed"], found["already"]) == (5, 2, 1, 2, 0)
    assert [(each["row"], each["code"]) for each in found["errors"]] == [(4, "invalid_number"), (5, "scientific_notation")]
    assert await is_out(database, alice, ANN)
    assert await is_out(database, alice, BEN)
    again = await imported(http(alice), text)
    assert (again["added"], again["already"]) == (0, 2)
    items = (await http(alice).get("/api/opt-outs")).json()["items"]
    assert {(each["source"], each["reason"], each["note"]) for each in items} == {("import", "manual", "From the old system")}


@pytest.mark.parametrize(
    "text", ["60123450001\n60123450002", "\ufeffphone\n60123450001\n60123450002\n", "60123450001;Ann\n60123450002;Ben"]
)
async def test_plain_lists_are_understood(http, alice, text):
    assert (await imported(http(alice), text))["added"] == 2


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04rest"])
async def test_what_is_no_list_is_refused(http, alice, data):
    assert (await http(alice).post("/api/opt-outs/import", **upload(data))).status_code == 422


async def test_a_list_ends_what_waits(http, alice, database):
    device = new_id()
    async with database.transaction(alice.workspace_id) as tx:
        now = await tx.now()
        sql = """INSERT INTO devices (workspace_id, id, name, driver, is_linked, state, state_since, created_at, updated_at)
                 VALUES ($1, $2, 'A', 'simulator', true, 'offline', $3, $3, $3)"""
        await tx.execute(sql, alice.workspace_id, device, now)
        row = await outbox.send(tx, alice.workspace_id, outbox.Direct(device, ANN, "Hello"), alice.user_id)
    await imported(http(alice), ANN)
    async with database.transaction(alice.workspace_id) as tx:
        assert await tx.fetchval("SELECT state FROM messages WHERE id = $1", row["id"]) == "suppressed"


@pytest.mark.slow
async def test_many_rows_take_seconds(http, alice, database):
    """At this pace a hundred thousand take less than 90 s, on a busy machine too."""
    rows = 20_000
    numbers = "\n".join(f"+6012{n:07d}" for n in range(3_000_000, 3_000_000 + rows))
    began = time.monotonic()
    found = await imported(http(alice), numbers)
    took = time.monotonic() - began
    print(f"{rows} rows in {took:.1f} s")
    assert (found["added"], found["failed"]) == (rows, 0)
    assert took < 90 * rows / 100_000
    async with database.transaction(alice.workspace_id) as tx:
        assert await tx.fetchval("SELECT count(*) FROM suppression_keys WHERE is_live") == rows


async def test_too_long_a_list_is_refused_before_anything_is_stored(http, alice, database, monkeypatch):
    monkeypatch.setattr(blocklist, "MOST_ROWS", 3)
    reply = await http(alice).post("/api/opt-outs/import", **upload("\n".join(f"+6012345000{n}" for n in range(6))))
    assert reply.json()["errors"][0]["code"] == "too_many_rows"
    async with database.transaction(alice.workspace_id) as tx:
        assert await tx.fetchval("SELECT count(*) FROM suppressions") == 0


async def test_listeners_hear_of_it(http, alice, bus):
    facts: list[cluster.Fact] = []
    bus.subscribe("*", facts.append)
    await add(http(alice), phone=ANN)
    told = [fact for fact in facts if fact.name == "lead.opted_out"]
    assert [(fact.workspace_id, fact.data["reason"], fact.data["source"]) for fact in told] == [
        (alice.workspace_id, "manual", "api")
    ]
    assert all(ANN not in str(fact.data) for fact in facts), "facts name persons by id alone"
