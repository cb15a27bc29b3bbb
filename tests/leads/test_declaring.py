"""Consent declared for many people at once: with a file, for an import afterwards, for the leads at hand."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from hantar.accounts.model import Caller
from hantar.kit import clock, cluster, db
from hantar.leads import declare_store, declaring, import_model, merging, service as leads
from hantar.leads.importer import Importer
from hantar.persons.model import PersonId
from tests import cast
from tests.leads.conftest import AddDevice, AddLead, OptOut

WORDS = {"wording": "Yes, tell me about courses.", "source": "web_form", "given_at": "2026-11-20T08:00:00Z"}
DECLARED = WORDS | {"declared": True}
FILE = b"name,phone\nAnn,60121111111\nBen,60121111112\nBen again,+60 12-111 1112\nCem,60121111113\nBad,12\n"


async def send_file(
    http: cast.Http, caller: Caller, device: str, data: bytes = FILE, consent: Mapping[str, Any] | None = DECLARED, **form: str
) -> dict[str, Any]:
    given = form | ({"consent": json.dumps(consent)} if consent is not None else {})
    reply = await http(caller).post(f"/api/devices/{device}/leads/import", files={"file": ("a.csv", data)}, data=given)
    assert reply.status_code in (200, 202), reply.text
    found: dict[str, Any] = reply.json()
    return found


async def rows_of(database: db.Database, caller: Caller, import_id: str | None = None) -> list[db.Row]:
    """The ledger, by number."""
    sql = """SELECT p.phone, c.* FROM consents c JOIN persons p ON p.id = c.person_id
             WHERE $1::uuid IS NULL OR c.import_id = $1 ORDER BY p.phone, c.id"""
    async with database.transaction(caller.workspace_id) as tx:
        return await tx.fetch(sql, import_id)


def phones(rows: Sequence[db.Row]) -> list[str]:
    return [row["phone"] for row in rows]


async def causes(http: cast.Http, caller: Caller, import_id: str) -> dict[str, int]:
    found = (await http(caller).get(f"/api/imports/{import_id}")).json()["causes"]
    return {each["code"]: each["count"] for each in found}


# ---------------------------------------------------------------- with a file
@pytest.mark.parametrize("on_duplicate", ["skip", "update", "fail"])
async def test_each_person_of_a_file_gets_one_row(
    http: cast.Http, alice: Caller, add_device: AddDevice, add_lead: AddLead, database: db.Database, on_duplicate: str
) -> None:
    device = await add_device(alice)
    await add_lead(alice, device, phone="60121111111")  # present or updated
    await add_lead(alice, device, name="Cem", phone="60121111113")  # present or unchanged
    made = await send_file(http, alice, device, on_duplicate=on_duplicate)
    written = await rows_of(database, alice, made["import_id"])
    accepted = ["60121111112"] if on_duplicate == "fail" else ["60121111111", "60121111112", "60121111113"]
    assert phones(written) == accepted, "a row that was refused is not accepted, so nothing is written for it"
    assert made["consented"] == len(accepted)
    for row in written:
        assert (row["wording"], row["source"], row["purpose"]) == (WORDS["wording"], "web_form", "marketing")
        assert (row["actor_id"], row["business_name"]) == (alice.user_id, "Alice's")
    shown = (await http(alice).get(f"/api/imports/{made['import_id']}")).json()
    assert (shown["consented"], shown["consent"]["wording"]) == (len(accepted), WORDS["wording"])
    assert (shown["consent"]["actor_id"], shown["consent"]["given_at"]) == (alice.user_id, WORDS["given_at"])
    granted = (await http(alice).get("/api/leads?consent=granted&with_total=true")).json()
    assert granted["total"] == len(accepted)


async def test_a_person_on_two_devices_of_a_file_gets_one_row(
    http: cast.Http, alice: Caller, add_device: AddDevice, database: db.Database
) -> None:
    one, two = await add_device(alice), await add_device(alice, "Two")
    data = f"name,phone,device_id\nAnn,60121111111,{one}\nAnn,60121111111,{two}\n".encode()
    made = await send_file(http, alice, one, data)
    assert (made["created"], made["consented"], len(await rows_of(database, alice))) == (2, 1, 1)


async def test_the_report_names_the_line_of_a_doubled_person_in_every_spelling(
    http: cast.Http, alice: Caller, add_device: AddDevice
) -> None:
    data = b"name,phone\nAnn,+52 55 1234 5678\nBen,+55 11 98765 4321\nAnn,+52 1 55 1234 5678\nBen,+55 11 8765 4321\n"
    made = await send_file(http, alice, await add_device(alice), data)
    assert (made["created"], made["skipped"], made["consented"]) == (2, 2, 2)
    reply = await http(alice).get(f"/api/imports/{made['import_id']}/rows?code=same_person_in_file")
    said = [(row["row"], row["message"], row["cell"]) for row in reply.json()["items"]]
    assert said == [(4, "Same person as line 2.", "5215512345678"), (5, "Same person as line 3.", "551187654321")]


async def test_who_said_stop_gets_a_row_as_history_and_stays_opted_out(
    http: cast.Http, alice: Caller, add_device: AddDevice, add_lead: AddLead, opt_out: OptOut, database: db.Database
) -> None:
    device = await add_device(alice)
    gone = await add_lead(alice, device, phone="60121111112")
    await opt_out(alice, gone["person_id"])
    await http(alice).delete(f"/api/leads/{gone['id']}")
    made = await send_file(http, alice, device)
    assert (made["created"], made["consented"], made["opted_out"]) == (3, 3, 1)
    reply = await http(alice).get(f"/api/imports/{made['import_id']}/rows?code=opted_out")
    (said,) = reply.json()["items"]
    assert (said["row"], said["outcome"], said["message"]) == (3, "warning", "Opted out: will not be written to.")
    (history,) = [row for row in await rows_of(database, alice) if row["phone"] == "60121111112"]
    assert history["withdrawn_at"] == await _now(database, alice), "the stop came later than the words"
    (lead,) = (await http(alice).get("/api/leads?opted_out=true")).json()["items"]
    assert (lead["phone"], lead["consent"], lead["opted_out"]) == ("60121111112", "withdrawn", True)
    shown = (await http(alice).get("/api/imports")).json()["items"][0]
    assert (shown["opted_out_lines"], shown["opted_out"], shown["replied"]) == (1, 1, 0)


async def test_a_list_brings_nobody_back_who_was_erased(
    http: cast.Http, alice: Caller, add_device: AddDevice, add_lead: AddLead, opt_out: OptOut, database: db.Database
) -> None:
    """Only the keyed hash is left of them; the line says so in a dry run and in earnest."""
    device = await add_device(alice)
    gone = await add_lead(alice, device, phone="60121111112")
    await opt_out(alice, gone["person_id"])
    async with database.transaction(alice.workspace_id) as tx:
        await leads.erase_person(tx, alice.workspace_id, PersonId(gone["person_id"]))
        await tx.execute("DELETE FROM person_aliases")
        await tx.execute("UPDATE persons SET phone = NULL")
    for dry_run in ("true", "false"):
        made = await send_file(http, alice, device, dry_run=dry_run)
        assert (made["opted_out"], made["consented"]) == (1, 3)
    (lead,) = (await http(alice).get("/api/leads?opted_out=true")).json()["items"]
    assert (lead["phone"], lead["person_id"] != gone["person_id"]) == ("60121111112", True)


async def _now(database: db.Database, caller: Caller) -> Any:
    async with database.transaction(caller.workspace_id) as tx:
        return await tx.now()


async def test_a_dry_run_counts_and_writes_nothing(
    http: cast.Http, alice: Caller, add_device: AddDevice, database: db.Database
) -> None:
    device = await add_device(alice)
    made = await send_file(http, alice, device, consent=WORDS, dry_run="true")
    assert (made["created"], made["consented"]) == (3, 3)
    assert await rows_of(database, alice) == []
    reply = await http(alice).post(f"/api/imports/{made['import_id']}/consent", json=DECLARED)
    assert (reply.status_code, reply.json()["code"]) == (409, "nothing_imported")


@pytest.mark.parametrize(
    ("consent", "field", "code"),
    [
        (WORDS, "consent.declared", "not_declared"),
        (DECLARED | {"declared": False}, "consent.declared", "not_declared"),
        (DECLARED | {"wording": ""}, "consent.wording", "required"),
        (DECLARED | {"given_at": "2027-01-01T00:00:00Z"}, "consent.given_at", "in_future"),
        (DECLARED | {"given_at": "yesterday"}, "consent.given_at", "invalid_date"),
    ],
)
async def test_a_declaration_that_cannot_be_stops_the_file(
    http: cast.Http, alice: Caller, add_device: AddDevice, consent: dict[str, Any], field: str, code: str
) -> None:
    device = await add_device(alice)
    form = {"consent": json.dumps(consent)}
    reply = await http(alice).post(f"/api/devices/{device}/leads/import", files={"file": ("a.csv", FILE)}, data=form)
    assert reply.status_code == 422, reply.text
    (found,) = reply.json()["errors"]
    assert found["field"] == field
    assert found["code"] == code or code == "invalid_date"
    assert (await http(alice).get("/api/imports?with_total=true")).json()["total"] == 0


async def test_consent_that_is_no_json_is_refused(http: cast.Http, alice: Caller, add_device: AddDevice) -> None:
    device = await add_device(alice)
    for text in ("yes", "[]", "5"):
        files = {"file": ("a.csv", FILE)}
        reply = await http(alice).post(f"/api/devices/{device}/leads/import", files=files, data={"consent": text})
        assert reply.status_code in (400, 422), text


async def test_declarations_stand_in_the_audit_trail_without_words_of_people(
    http: cast.Http, alice: Caller, add_device: AddDevice, database: db.Database
) -> None:
    made = await send_file(http, alice, await add_device(alice))
    await http(alice).post("/api/consents/declare", json=DECLARED | {"filter": {"q": "ann"}, "include_consented": True})
    async with database.transaction(alice.workspace_id) as tx:
        entries = await tx.fetch("SELECT * FROM audit ORDER BY seq")
    assert [(row["action"], row["object_kind"], row["object_id"]) for row in entries] == [
        ("consent.declared", "import", made["import_id"]),
        ("consent.declared", "lead", None),
    ]
    assert entries[0]["after"]["rows"] == 5
    assert (entries[1]["after"]["filter"], entries[1]["after"]["people"]) == ({"q": "given"}, 1)
    assert {row["actor_id"] for row in entries} == {alice.user_id}


# ---------------------------------------------------------------- for an import afterwards
async def test_an_import_is_declared_for_later_with_people_it_found_there(
    http: cast.Http, alice: Caller, add_device: AddDevice, add_lead: AddLead, opt_out: OptOut, database: db.Database
) -> None:
    device = await add_device(alice)
    present = await add_lead(alice, device, phone="60121111111")
    other = await add_lead(alice, device, phone="60129999999")
    await opt_out(alice, present["person_id"])
    made = await send_file(http, alice, device, consent=None)
    assert (made["consented"], await rows_of(database, alice)) == (0, [])
    path = f"/api/imports/{made['import_id']}/consent"
    looked = (await http(alice).post(path, json=WORDS | {"dry_run": True})).json()
    assert looked == {"matched": 3, "written": 3, "already": 0, "opted_out": 1, "dry_run": True}
    assert await rows_of(database, alice) == []
    said = (await http(alice).post(path, json=DECLARED)).json()
    assert said == looked | {"dry_run": False}
    written = await rows_of(database, alice, made["import_id"])
    assert phones(written) == ["60121111111", "60121111112", "60121111113"]
    assert other["person_id"] not in {row["person_id"] for row in written}
    again = (await http(alice).post(path, json=DECLARED | {"wording": "Other words."})).json()
    assert (again["written"], again["already"]) == (0, 3)
    shown = (await http(alice).get(f"/api/imports/{made['import_id']}")).json()
    assert (shown["consented"], shown["consent"]["wording"]) == (3, WORDS["wording"])


async def test_a_file_still_being_read_cannot_be_declared_for(
    http: cast.Http, alice: Caller, add_device: AddDevice, database: db.Database
) -> None:
    made = await send_file(http, alice, await add_device(alice), consent=None)
    async with database.transaction(alice.workspace_id) as tx:
        await tx.execute("UPDATE imports SET status = 'running'")
    reply = await http(alice).post(f"/api/imports/{made['import_id']}/consent", json=DECLARED)
    assert (reply.status_code, reply.json()["code"]) == (409, "import_running")


# ---------------------------------------------------------------- for the leads at hand
async def test_leads_at_hand_get_what_they_lack(
    http: cast.Http, alice: Caller, add_device: AddDevice, add_lead: AddLead, database: db.Database
) -> None:
    one, two = await add_device(alice), await add_device(alice, "Two")
    await add_lead(alice, one, phone="60121111111", consent=WORDS)
    await add_lead(alice, one, phone="60121111112")
    await add_lead(alice, two, phone="60121111112")  # the same person
    third = await add_lead(alice, one, phone="60121111113", niche="B")
    post = http(alice).post
    said = (await post("/api/consents/declare", json=DECLARED | {"filter": {"niche": "B"}})).json()
    assert said == {"matched": 1, "written": 1, "already": 0, "opted_out": 0, "dry_run": False}
    said = (await post("/api/consents/declare", json=DECLARED | {"filter": {}, "dry_run": True})).json()
    assert (said["matched"], said["written"], said["already"]) == (3, 1, 2)
    said = (await post("/api/consents/declare", json=DECLARED | {"filter": {"consent": "none"}})).json()
    assert (said["matched"], said["written"]) == (1, 1)
    said = (await post("/api/consents/declare", json=DECLARED | {"ids": [third["id"]], "include_consented": True})).json()
    assert (said["matched"], said["written"]) == (1, 1)
    assert phones(await rows_of(database, alice)) == ["60121111111", "60121111112", "60121111113", "60121111113"]
    assert {row["source"] for row in await rows_of(database, alice)} == {"web_form"}


@pytest.mark.parametrize("body", [DECLARED, DECLARED | {"ids": [], "filter": {}}, WORDS | {"filter": {}}])
async def test_a_declaration_says_for_whom_and_is_declared(http: cast.Http, alice: Caller, body: dict[str, Any]) -> None:
    assert (await http(alice).post("/api/consents/declare", json=body)).status_code == 422


async def test_roles_and_walls_of_declaring(
    http: cast.Http,
    alice: Caller,
    bob: Caller,
    vera: Caller,
    mallory: Caller,
    add_device: AddDevice,
    add_lead: AddLead,
    database: db.Database,
) -> None:
    device = await add_device(alice)
    lead = await add_lead(alice, device)
    made = await send_file(http, alice, device, consent=None)
    paths = {"/api/consents/declare": DECLARED | {"ids": [lead["id"]]}, f"/api/imports/{made['import_id']}/consent": DECLARED}
    for path, body in paths.items():
        assert (await http(vera).post(path, json=body)).status_code == 403
        reply = await http(mallory).post(path, json=body)
        assert reply.status_code == 404 or reply.json()["matched"] == 0
    assert await rows_of(database, alice) == []
    for path, body in paths.items():
        assert (await http(bob).post(path, json=body)).status_code == 200
    assert {row["actor_id"] for row in await rows_of(database, alice)} == {bob.user_id}


# ---------------------------------------------------------------- many
@pytest.fixture
def declarer(database: db.Database, bus: cluster.LocalBus) -> declaring.Declarer:
    return declaring.Declarer(database, bus)


@pytest.fixture
async def twelve(
    http: cast.Http, alice: Caller, add_device: AddDevice, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, dict[str, Any]]:
    """An import of twelve people, and pages of five."""
    monkeypatch.setattr(declaring, "PAGE", 5)
    device = await add_device(alice)
    data = b"name,phone\n" + b"".join(b"N%d,601211111%02d\n" % (n, n) for n in range(12))
    return device, await send_file(http, alice, device, data, consent=None)


async def test_many_are_declared_for_under_a_job(
    http: cast.Http, alice: Caller, twelve: tuple[str, dict[str, Any]], declarer: declaring.Declarer, database: db.Database
) -> None:
    reply = await http(alice).post(f"/api/imports/{twelve[1]['import_id']}/consent", json=DECLARED)
    assert (reply.status_code, reply.json()["total"]) == (202, 12)
    assert reply.headers["location"] == f"/api/jobs/{reply.json()['id']}"
    assert await declarer.work(asyncio.Event()) == 1
    ended = (await http(alice).get(reply.headers["location"])).json()
    assert (ended["status"], ended["done"]) == ("done", 12)
    assert ended["result"] == {"matched": 12, "written": 12, "already": 0, "opted_out": 0}
    assert len(set(phones(await rows_of(database, alice, twelve[1]["import_id"])))) == 12
    assert (await http(alice).get("/api/imports")).json()["items"][0]["consented"] == 12
    assert await declarer.work(asyncio.Event()) == 0


async def test_a_filter_survives_in_its_job(
    http: cast.Http, alice: Caller, twelve: tuple[str, dict[str, Any]], declarer: declaring.Declarer, database: db.Database
) -> None:
    ends = {"expires_at": "2027-01-01T00:00:00Z", "business_name": "Other"}
    body = DECLARED | ends | {"filter": {"device_id": twelve[0], "target_status": "prospect", "consent": "none"}}
    assert (await http(alice).post("/api/consents/declare", json=body)).status_code == 202
    await declarer.work(asyncio.Event())
    written = await rows_of(database, alice)
    assert len(written) == 12, "who has consent by now drops out of the filter, and nobody is passed over"
    assert {(row["expires_at"].isoformat(), row["business_name"]) for row in written} == {("2027-01-01T00:00:00+00:00", "Other")}


class _Killed(BaseException):
    """What a test raises where the process would die."""


@pytest.mark.parametrize("pages", [0, 1, 2])
async def test_a_killed_declaration_goes_on_and_writes_nobody_twice(
    http: cast.Http,
    alice: Caller,
    twelve: tuple[str, dict[str, Any]],
    database: db.Database,
    bus: cluster.LocalBus,
    fake_clock: clock.FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    pages: int,
) -> None:
    body = DECLARED | {"filter": {}, "include_consented": True}
    job = (await http(alice).post("/api/consents/declare", json=body)).json()["id"]
    left = pages
    give = declaring.consents.give

    async def dying(*given: Any) -> Any:
        nonlocal left
        made = await give(*given)
        if left == 0:
            raise _Killed
        left -= 1
        return made

    monkeypatch.setattr(declaring.consents, "give", dying)
    with pytest.raises(_Killed):
        await declaring.Declarer(database, bus).work(asyncio.Event())
    monkeypatch.setattr(declaring.consents, "give", give)
    assert len(await rows_of(database, alice)) == pages * 5
    again = declaring.Declarer(database, bus)
    assert await again.work(asyncio.Event()) == 0, "its worker may still live"
    await fake_clock.advance(declaring.LOST_AFTER.total_seconds() + 1)
    assert await again.work(asyncio.Event()) == 1
    written = phones(await rows_of(database, alice))
    assert (len(written), len(set(written))) == (12, 12)
    assert (await http(alice).get(f"/api/jobs/{job}")).json()["result"]["written"] == 12


async def test_a_cancelled_declaration_keeps_what_it_wrote(
    http: cast.Http, alice: Caller, twelve: tuple[str, dict[str, Any]], declarer: declaring.Declarer, bus: cluster.LocalBus
) -> None:
    job = (await http(alice).post("/api/consents/declare", json=DECLARED | {"filter": {}})).json()["id"]
    people = declare_store.people

    async def cancelled(tx: db.Tx, *given: Any, **more: Any) -> declare_store.People:
        if more["after"] is None:
            await tx.execute("UPDATE jobs SET cancel_asked = true WHERE id = $1", job)
        return await people(tx, *given, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(declare_store, "people", cancelled)
        await declarer.work(asyncio.Event())
    ended = (await http(alice).get(f"/api/jobs/{job}")).json()
    assert (ended["status"], ended["result"]["written"]) == ("cancelled", 5)


async def test_the_service_wakes_by_a_hint_and_stops(
    http: cast.Http, alice: Caller, twelve: tuple[str, dict[str, Any]], declarer: declaring.Declarer, bus: cluster.LocalBus
) -> None:
    stop, done = asyncio.Event(), asyncio.Event()
    bus.subscribe("job.progress", lambda fact: done.set() if fact.data["status"] == "done" else None)
    running = asyncio.ensure_future(declarer.run(stop))
    await http(alice).post("/api/consents/declare", json=DECLARED | {"filter": {}})
    await asyncio.wait_for(done.wait(), 30)
    stop.set()
    await asyncio.wait_for(running, 5)


# ---------------------------------------------------------------- imports that die
@pytest.mark.slow
@pytest.mark.parametrize("batches", [0, 1, 2])
async def test_an_import_killed_while_it_consents_writes_each_person_once(
    http: cast.Http,
    alice: Caller,
    add_device: AddDevice,
    importer: Importer,
    database: db.Database,
    fake_clock: clock.FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    batches: int,
) -> None:
    monkeypatch.setattr(import_model, "BATCH", 500)
    numbers = [*range(1_100), *range(50)]
    data = b"name,phone\n" + b"".join(b"N%d,6012%07d\n" % (n, n) for n in numbers)
    made = await send_file(http, alice, await add_device(alice), data)
    left, give = batches, declaring.consents.give

    async def dying(*given: Any) -> Any:
        nonlocal left
        wrote = await give(*given)
        if left == 0:
            raise _Killed
        left -= 1
        return wrote

    monkeypatch.setattr(declaring.consents, "give", dying)
    with pytest.raises(_Killed):
        await importer.work(asyncio.Event())
    monkeypatch.setattr(declaring.consents, "give", give)
    importer._mine.clear()  # another process takes over
    await fake_clock.advance(16)
    assert await importer.work(asyncio.Event()) == 1
    written = phones(await rows_of(database, alice, made["import_id"]))
    assert (len(written), len(set(written))) == (1_100, 1_100)
    ended = (await http(alice).get(f"/api/jobs/{made['id']}")).json()
    assert (ended["status"], ended["result"]["consented"]) == ("done", 1_100)
    assert await causes(http, alice, made["import_id"]) == {"same_person_in_file": 50}


# ---------------------------------------------------------------- reports about people who are gone
async def test_erasing_takes_a_person_out_of_every_report(
    http: cast.Http, alice: Caller, add_device: AddDevice, add_lead: AddLead, database: db.Database
) -> None:
    one, two = await add_device(alice), await add_device(alice, "Two")
    gone = await add_lead(alice, one, name="Gone", phone="+52 55 1234 5678")
    await add_lead(alice, one, name="Stays", phone="60121111112")
    data = (
        b"name,phone\nGone,+52 1 55 1234 5678\nStays,60121111112\nGone,+52 55 1234 5678\n"
        b"x,055 1234 5678\nx,77777\n" + b"Gone" * 60 + b",60121111119\n"
    )
    made = await send_file(http, alice, two, data, default_country="MY")
    await send_file(http, alice, one, data, default_country="MY")
    before = await _cells(database, alice)
    async with database.transaction(alice.workspace_id) as tx:
        await leads.erase_person(tx, alice.workspace_id, PersonId(gone["person_id"]))
    after = await _cells(database, alice)
    assert [each[:-1] for each in before] == [each[:-1] for each in after], "the lines stay, and what they say"
    left = {cell for *_, cell in after}
    assert not [cell for cell in left if cell and ("55123" in cell or "55 123" in cell)], left
    assert {"60121111112", "77777"} <= left
    assert any(cell and "5512345678" in cell for *_, cell in before), "or this proves nothing"
    assert [row["name"] for row in (await http(alice).get("/api/leads")).json()["items"]] == ["Stays", "Stays"]
    async with database.transaction(alice.workspace_id) as tx:
        await leads.erase_person(tx, alice.workspace_id, PersonId(gone["person_id"]))
        assert await tx.fetchval("SELECT count(*) FROM persons") == 2, "the person itself is not ours to erase"
    assert await _cells(database, alice) == after
    said = (await http(alice).post(f"/api/imports/{made['import_id']}/consent", json=DECLARED)).json()
    assert (said["matched"], said["already"]) == (1, 1)


async def _cells(database: db.Database, caller: Caller) -> list[tuple[Any, ...]]:
    async with database.transaction(caller.workspace_id) as tx:
        rows = await tx.fetch("SELECT import_id, row, outcome, code, cell FROM import_rows ORDER BY 1, 2, 4")
    return [tuple(row) for row in rows]


async def test_a_merged_person_answers_for_both_lines_of_an_import(
    http: cast.Http, alice: Caller, add_device: AddDevice, add_lead: AddLead, database: db.Database
) -> None:
    device = await add_device(alice)
    kept, gone = [await add_lead(alice, device, phone=f"6012111111{n}") for n in (1, 2)]
    made = await send_file(http, alice, device, consent=None)
    async with database.transaction(alice.workspace_id) as tx:
        pairs = await merging.doubles(tx, kept["person_id"], gone["person_id"])
        await merging.move_person(tx, kept["person_id"], gone["person_id"], pairs)
        await tx.execute("DELETE FROM person_aliases WHERE person_id = $1", gone["person_id"])
        await tx.execute("DELETE FROM persons WHERE id = $1", gone["person_id"])
    said = (await http(alice).post(f"/api/imports/{made['import_id']}/consent", json=DECLARED)).json()
    assert (said["matched"], said["written"]) == (2, 2)
    assert phones(await rows_of(database, alice)) == ["60121111111", "60121111113"]
