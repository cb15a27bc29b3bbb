"""A person as a whole over HTTP: look, find, why not, merge, copy."""

import json
from datetime import timedelta

import pytest

from hantar import app as house
from hantar.consent import model as consents, service as consent
from hantar.outbox import service as outbox
from hantar.persons import service as persons
from hantar.persons.model import Alias, AliasKind
from tests import cast, fleet

NUMBER, OTHER, LID = "60123987654", "60123987655", "98765432109876@lid"


@pytest.fixture
def app(database, fake_clock, bus):
    return cast.make_app(database, fake_clock, bus, routers=house.ROUTERS)


@pytest.fixture
async def world(database, fake_clock, bus, alice):
    made = fleet.Fleet(database, fake_clock, bus, alice.workspace_id)
    await made.start()
    yield made
    await made.close()


async def person_of(http, alice, device, number=NUMBER, name="Siti") -> str:
    made = await http(alice).post("/api/leads", json={"name": name, "phone": number, "device_id": device, "niche": "FIT"})
    assert made.status_code == 201, made.text
    return str(made.json()["person_id"])


async def codes(http, who, person_id, **params) -> dict[str, str | None]:
    reply = await http(who).get(f"/api/persons/{person_id}/why-not", params=params)
    assert reply.status_code == 200, reply.text
    return {each["code"]: each["until"] for each in reply.json()["reasons"]}


async def test_everything_about_a_person_in_one_answer(database, http, alice, world):
    (device,) = await world.add_devices(1)
    person_id = await person_of(http, alice, device)
    async with database.transaction(alice.workspace_id) as tx:
        await persons.add_alias(tx, alice.workspace_id, person_id, Alias(AliasKind.LID, LID))
        await consent.give(tx, alice.workspace_id, [person_id], consents.Given("marketing", "Yes", "paper", await tx.now()))
        await consent.hold(tx, alice.workspace_id, person_id, "intent")
    found = (await http(alice).get(f"/api/persons/{person_id}")).json()
    assert (found["phone"], found["name"], found["consent"], found["opted_out"], found["on_hold"]) == (
        NUMBER,
        "Siti",
        "granted",
        False,
        True,
    )
    assert {"kind": "lid", "value": None} in found["aliases"], "an opaque id is never shown as a number"
    assert LID not in json.dumps(found)
    assert found["caps"] == [{"kind": "simulator", "day": 0, "day_limit": 50, "week": 0, "week_limit": 200}]
    asked = consents.OptOut(consents.OptOutReason.STOP, consents.OptOutSource.CHAT, text="stop please")
    async with database.transaction(alice.workspace_id) as tx:
        await outbox.opt_out(tx, alice.workspace_id, person_id, asked)
    found = (await http(alice).get(f"/api/persons/{person_id}")).json()
    assert (found["opted_out"], found["consent"]) == (True, "withdrawn")
    assert [(each["reason"], each["is_live"], each["text"]) for each in found["opt_outs"]] == [("stop", True, "stop please")]


async def test_found_by_number_and_by_name(http, alice, mallory, world):
    (device,) = await world.add_devices(1)
    person_id = await person_of(http, alice, device)
    for q in ("987654", "+60 12-398 7654", "sit"):
        items = (await http(alice).get("/api/persons", params={"q": q})).json()["items"]
        assert [each["id"] for each in items] == [person_id], q
    assert (await http(alice).get("/api/persons", params={"q": "%"})).status_code == 422
    assert (await http(alice).get("/api/persons", params={"q": "%%"})).json()["items"] == []
    assert (await http(mallory).get("/api/persons", params={"q": "987654"})).json()["items"] == []


async def test_why_not_names_every_reason_and_when_it_passes(database, http, alice, world, fake_clock):
    (device,) = await world.add_devices(1)
    person_id = await person_of(http, alice, device)
    assert await codes(http, alice, person_id) == {}, "nothing stands in the way of a first message on a simulated device"
    strict = {"consent_mode": "strict", "quiet_start": "20:00", "quiet_end": "20:30", "person_cap_day": 1}
    reply = await http(alice).put("/api/policy", json={"kind": "simulator", "values": strict, "reason": "stricter for this test"})
    assert reply.status_code == 200, reply.text
    found = await codes(http, alice, person_id)
    assert set(found) == {"no_consent", "quiet_hours"}
    assert found["quiet_hours"] == "2026-12-01T12:00:00Z", "20:00 in Kuala Lumpur"
    async with database.transaction(alice.workspace_id) as tx:
        await consent.give(tx, alice.workspace_id, [person_id], consents.Given("marketing", "Yes", "paper", await tx.now()))
        await consent.hold(tx, alice.workspace_id, person_id, "conversation")
        manual = consents.OptOut(consents.OptOutReason.MANUAL, consents.OptOutSource.API)
        await outbox.opt_out(tx, alice.workspace_id, person_id, manual)
    assert set(await codes(http, alice, person_id)) == {"opted_out", "no_consent", "on_hold", "quiet_hours"}


async def test_why_not_for_a_campaign(http, alice, world):
    (device,) = await world.add_devices(1)
    person_id = await person_of(http, alice, device)
    campaign = await world.launch()
    assert set(await codes(http, alice, person_id, campaign=campaign)) == {"already_in"}
    other = await world.launch(
        niche="SHOES", audience=world.draft().audience.__class__(("shoes",), world.draft().audience.target_status, None)
    )
    assert set(await codes(http, alice, person_id, campaign=other)) == {"not_matched"}
    assert (await http(alice).get(f"/api/persons/{person_id}/why-not", params={"campaign": person_id})).status_code == 404


async def test_two_entries_become_one_by_the_stricter_side(database, http, alice, bob, vera, world):
    (device,) = await world.add_devices(1)
    keep, gone = await person_of(http, alice, device), await person_of(http, alice, device, OTHER, "Siti again")
    async with database.transaction(alice.workspace_id) as tx:
        stop = consents.OptOut(consents.OptOutReason.STOP, consents.OptOutSource.KEYWORD)
        await outbox.opt_out(tx, alice.workspace_id, gone, stop)
    assert (await http(vera).post(f"/api/persons/{keep}/merge", json={"other_id": gone})).status_code == 403
    assert (await http(bob).post(f"/api/persons/{keep}/merge", json={"other_id": keep})).status_code == 422
    merged = await http(bob).post(f"/api/persons/{keep}/merge", json={"other_id": gone})
    assert merged.status_code == 200, merged.text
    assert merged.json()["opted_out"] is True
    assert {each["value"] for each in merged.json()["aliases"]} == {NUMBER, OTHER}
    assert (await http(bob).get(f"/api/persons/{gone}")).status_code == 404
    entries = (await http(alice).get("/api/audit", params={"action": "person.merged"})).json()["items"]
    assert [(each["object_id"], each["after"]) for each in entries] == [(keep, {"gone": gone})]


async def test_a_copy_of_everything_for_the_person(database, http, alice, bob, world):
    (device,) = await world.add_devices(1)
    person_id = await person_of(http, alice, device)
    await http(alice).post("/api/send/message", json={"device_id": device, "phone": NUMBER, "message": "Your parcel is here"})
    await world.run(20)
    assert (await http(bob).get(f"/api/persons/{person_id}/export")).status_code == 403
    reply = await http(alice).get(f"/api/persons/{person_id}/export")
    assert reply.headers["content-disposition"] == f'attachment; filename="person-{person_id}.json"'
    found = reply.json()
    assert [each["text"] for each in found["messages_to_the_person"]] == ["Your parcel is here"]
    assert [each["name"] for each in found["leads"]] == ["Siti"]
    entries = (await http(alice).get("/api/audit", params={"action": "person.exported"})).json()["items"]
    assert [each["object_id"] for each in entries] == [person_id]


async def test_strangers_find_nobody(http, alice, mallory, world, fake_clock):
    (device,) = await world.add_devices(1)
    person_id = await person_of(http, alice, device)
    await fake_clock.advance(timedelta(minutes=1).total_seconds())
    for path in (f"/api/persons/{person_id}", f"/api/persons/{person_id}/why-not", f"/api/persons/{person_id}/export"):
        assert (await http(mallory).get(path)).status_code == 404, path
    assert (
        await http(mallory).post(
            f"/api/persons/{person_id}/merge", json={"other_id": person_id[:-1] + ("1" if person_id.endswith("0") else "0")}
        )
    ).status_code == 404
