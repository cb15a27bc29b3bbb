"""Templates: read from the service, changed by its news, sent in messages and campaigns, and what happens when they stop."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from hantar.campaigns import guard, service as campaigns
from hantar.devices import keeper
from hantar.gateways import port
from hantar.kit import ids
from hantar.outbox import queue
from hantar.templates import model, reader, service
from tests import cast
from tests.clouds import BUSINESS, CloudFleet

ANN, BEN, CHE, DAN = (f"6012377000{n}" for n in range(4))
DAY = timedelta(days=1).total_seconds()


async def synced(stage: CloudFleet, http: cast.Http, caller: Any, device: str) -> list[dict[str, Any]]:
    reply = await http(caller).post(f"/api/devices/{device}/templates/sync")
    assert reply.status_code == 200, reply.text
    listed = (await http(caller).get(f"/api/devices/{device}/templates")).json()
    assert len(listed["items"]) == reply.json()["count"]
    return list(listed["items"])


def news(stage: CloudFleet, device: str, status: str, *, after: float = 1.0, name: str = "offer") -> port.TemplateStatus:
    at = stage.fleet.clock.now() + timedelta(seconds=after)
    return port.TemplateStatus(device_id=device, event_id=ids.new_id(), at=at, name=name, language="en", status=status, why="Why")


async def status_of(stage: CloudFleet, name: str = "offer") -> str | None:
    rows = await stage.fleet.sql("SELECT status FROM templates WHERE name = $1", name)
    return rows[0]["status"] if rows else None


# ---------------------------------------------------------------------- reading them
async def test_templates_are_read_from_the_service_and_listed(stage: CloudFleet, http: cast.Http, bob: Any, vera: Any) -> None:
    device = await stage.add()
    stage.template()
    stage.template("named", "Hello {{first_name}}", parameter_format="NAMED")
    stage.template("welcome", "Welcome!", status="PAUSED", category="UTILITY", header="IMAGE")
    items = {each["name"]: each for each in await synced(stage, http, bob, device)}
    offer, named, welcome = items["offer"], items["named"], items["welcome"]
    assert (offer["places"], offer["status"], offer["is_sendable"], offer["category"]) == (2, "approved", True, "marketing")
    assert (named["is_sendable"], named["cannot"]) == (False, "Its places have names instead of numbers.")
    assert (welcome["header"], welcome["status"], welcome["is_sendable"]) == ("image", "paused", False)
    first = (await http(vera).get(f"/api/devices/{device}/templates", params={"limit": 1})).json()
    rest = (await http(vera).get(f"/api/devices/{device}/templates", params={"cursor": first["next_cursor"]})).json()
    assert [each["name"] for each in (*first["items"], *rest["items"])] == ["named", "offer", "welcome"]
    stage.cloud.templates[BUSINESS].pop(0)
    assert [each["name"] for each in await synced(stage, http, bob, device)] == ["named", "welcome"]


async def test_other_kinds_have_none_and_a_refused_token_is_said_so(stage: CloudFleet, http: cast.Http, alice: Any) -> None:
    (simulated,) = await stage.fleet.add_devices(1)
    for method in ("GET", "POST"):
        path = f"/api/devices/{simulated}/templates" + ("/sync" if method == "POST" else "")
        reply = await http(alice).request(method, path)
        assert (reply.status_code, reply.json()["code"]) == (409, "not_supported")
    device = await stage.add()
    stage.cloud.numbers["1000"].token = "another"
    reply = await http(alice).post(f"/api/devices/{device}/templates/sync")
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (422, "refused_by_service")


async def test_nobody_reads_anothers_templates(stage: CloudFleet, http: cast.Http, bob: Any, vera: Any, mallory: Any) -> None:
    device = await stage.add()
    stage.template()
    await synced(stage, http, bob, device)
    assert (await http(mallory).get(f"/api/devices/{device}/templates")).status_code == 404
    assert (await http(mallory).post(f"/api/devices/{device}/templates/sync")).status_code == 404
    assert (await http(vera).post(f"/api/devices/{device}/templates/sync")).status_code == 403
    async with stage.fleet.db.transaction(mallory.workspace_id) as tx:
        assert await tx.fetchval("SELECT count(*) FROM templates") == 0


@pytest.mark.parametrize(
    ("told", "kept"),
    [("PAUSED", "paused"), ("DISABLED", "disabled"), ("REINSTATED", "approved"), ("FLAGGED", "approved"), ("", "approved")],
)
async def test_news_of_the_service_change_a_template(stage: CloudFleet, http: cast.Http, bob: Any, told: str, kept: str) -> None:
    device = await stage.add()
    stage.template()
    await synced(stage, http, bob, device)
    heard: list[Any] = []
    stage.fleet.bus.subscribe("template.status", heard.append)
    await service.take(stage.fleet.db, news(stage, device, told))
    await service.take(stage.fleet.db, news(stage, device, told))
    assert await status_of(stage) == kept
    assert len(heard) == (kept != "approved"), "told once, and only when it is news"
    await service.take(stage.fleet.db, news(stage, device, "REJECTED", after=-5))
    assert await status_of(stage) == kept, "late news changes nothing"


async def test_news_come_through_a_webhook_to_every_number_of_the_account(stage: CloudFleet, http: cast.Http, bob: Any) -> None:
    first, second = await stage.add(), await stage.add()
    stage.template()
    for device in (first, second):
        await synced(stage, http, bob, device)
    await stage.fleet.sql("UPDATE templates SET changed_at = 'epoch'")
    event = {"event": "PAUSED", "message_template_name": "offer", "message_template_language": "en", "reason": "NONE"}
    stage.cloud.said_of_account(BUSINESS, "message_template_status_update", **event)
    await stage.calls()
    assert [row["status"] for row in await stage.fleet.sql("SELECT status FROM templates")] == ["paused", "paused"]


def test_places_are_filled_once_and_as_they_stand() -> None:
    assert model.filled("{{1}} and {{ 2 }}, {{1}}; {{3}}", ["{{2}}", "b"]) == "{{2}} and b, {{2}}; {{3}}"


# ---------------------------------------------------------------------- single messages
def direct(device: str, phone: str = ANN, *parameters: str, **more: Any) -> dict[str, Any]:
    return {
        "device_id": device,
        "phone": phone,
        "template": {"name": "offer", "language": "en", "parameters": parameters},
        **more,
    }


async def test_a_template_reaches_a_person_outside_the_window_where_free_text_does_not(
    stage: CloudFleet, http: cast.Http, bob: Any
) -> None:
    device = await stage.add()
    stage.template()
    await synced(stage, http, bob, device)
    plain = {"device_id": device, "phone": ANN, "message": "Hello"}
    refused = await http(bob).post("/api/send/message", json=plain)
    assert (refused.status_code, refused.json()["code"]) == (409, "window_closed")
    reply = await http(bob).post("/api/send/message", json=direct(device, ANN, "Ann", "Friday"))
    assert reply.status_code == 202, reply.text
    message = reply.json()["message"]
    assert (message["message_type"], message["text"]) == ("template", "Hello Ann, 10 % off until Friday.")
    await stage.run(1)
    (sent,) = stage.cloud.ledger
    words = sent.body["template"]["components"][0]["parameters"]
    assert (sent.ref, sent.body["template"]["name"], [each["text"] for each in words]) == (
        message["id"],
        "offer",
        ["Ann", "Friday"],
    )
    await stage.hears(device, ANN)
    assert (await http(bob).post("/api/send/message", json=plain)).status_code == 202
    await stage.run(1)
    assert [each.body["type"] for each in stage.cloud.ledger] == ["template", "text"]


async def test_a_template_that_may_not_be_sent_is_refused_with_its_reason(stage: CloudFleet, http: cast.Http, bob: Any) -> None:
    device = await stage.add()
    send = http(bob)
    assert (await send.post("/api/send/message", json=direct(device))).json()["code"] == "template_missing"
    stage.template()
    await synced(stage, http, bob, device)
    wrong = (await send.post("/api/send/message", json=direct(device, ANN, "Ann"))).json()
    assert [each["field"] for each in wrong["errors"]] == ["template.parameters"]
    for bad in (["a\nb", "c"], ["", "c"], ["{{ name }}", "c"]):
        assert (await send.post("/api/send/message", json=direct(device, ANN, *bad))).status_code == 422
    both = direct(device, ANN, "a", "b", message="Hello")
    assert (await send.post("/api/send/message", json=both)).status_code == 422
    assert (await send.post("/api/send/message", json={"device_id": device, "phone": ANN})).status_code == 422
    await service.take(stage.fleet.db, news(stage, device, "PAUSED"))
    paused = (await send.post("/api/send/message", json=direct(device, ANN, "a", "b"))).json()
    assert paused["code"] == "template_paused"
    (simulated,) = await stage.fleet.add_devices(1)
    assert (await send.post("/api/send/message", json=direct(simulated, ANN, "a", "b"))).json()["code"] == "template_missing"


async def test_the_window_closes_while_a_message_waits(stage: CloudFleet, http: cast.Http, bob: Any) -> None:
    """The claim asks again: what was in time when it was taken is not any more."""
    device = await stage.add()
    await stage.hears(device, ANN)
    at = stage.fleet.clock.now()
    later = (at + timedelta(hours=25)).isoformat()
    body = {"device_id": device, "phone": ANN, "message": "Hello"}
    assert (await http(bob).post("/api/send/message", json=body | {"send_at": later})).json()["code"] == "window_closed"
    (message,) = await stage.fleet.enqueue(device, [ANN], kind="direct", priority=0)
    await stage.fleet.clock.advance(DAY)
    await stage.fleet.engine.leases.beat()
    await stage.run(1)
    (row,) = await stage.fleet.sql("SELECT state, reason FROM messages WHERE id = $1", message)
    assert (row["state"], row["reason"], stage.cloud.ledger) == ("suppressed", "window_closed", [])


async def test_the_tier_counts_everybody_outside_the_window_again(stage: CloudFleet) -> None:
    """Unlike elsewhere, a person who was written to before counts again: the service asks who began."""
    await stage.rules(device_new_chats=2, person_cap_day=9)
    device = await stage.add()
    made = await stage.enqueue(device, [ANN, ANN, ANN], source=await stage.fleet.add_source())
    await stage.run(3)
    rows = await stage.fleet.sql("SELECT state, waiting_for FROM messages WHERE id = ANY($1::uuid[]) ORDER BY id", made)
    assert [row["waiting_for"] for row in rows] == [None, None, "device_limit"]
    assert len(stage.cloud.ledger) == 2


async def test_numbers_of_one_account_share_its_tier(stage: CloudFleet, http: cast.Http, bob: Any) -> None:
    """Five people a day for two numbers: two each, and the plan says so before."""
    await stage.rules(device_new_chats=1000)
    first, second = await stage.add(), await stage.add()
    await stage.add("9002")
    stage.template()
    await synced(stage, http, bob, first)
    await stage.fleet.sql("UPDATE cloud_numbers SET tier = 5")
    await stage.fleet.add_leads(first, [ANN, BEN, CHE, DAN])
    planned = (await http(bob).post("/api/campaigns/plan", json=campaign(first))).json()
    assert "has heard nothing lately from 4 people of this campaign and begins at most 2 new conversations a day" in str(
        planned["warnings"]
    )
    for n, device in enumerate((first, second)):
        await stage.enqueue(device, [f"6012399{n}{m:04d}" for m in range(4)])
    await stage.run(3)
    sent = [each.number_id for each in stage.cloud.ledger]
    assert (sent.count("1000"), sent.count("1001")) == (2, 2)


# ---------------------------------------------------------------------- campaigns
def campaign(device: str, *parameters: str, **more: Any) -> dict[str, Any]:
    template = {"name": "offer", "language": "en", "parameters": parameters or ("{{ name }}", "Friday")}
    body = {"title": "Offer", "niche": "FIT", "target_status": "all", "template": template, "device_ids": [device]}
    return body | {"min_delay_seconds": 0, "max_delay_seconds": 0} | more


async def ready(stage: CloudFleet, http: cast.Http, bob: Any, *phones: str) -> str:
    device = await stage.add()
    stage.template()
    await synced(stage, http, bob, device)
    await stage.fleet.add_leads(device, list(phones))
    return device


async def test_a_campaign_sends_a_template_with_fields_of_leads(stage: CloudFleet, http: cast.Http, bob: Any) -> None:
    device = await ready(stage, http, bob, ANN, BEN)
    made = await http(bob).post("/api/campaigns", json=campaign(device))
    assert made.status_code == 201, made.text
    body = made.json()
    assert (body["message_type"], body["template"]["parameters"]) == ("template", ["{{ name }}", "Friday"])
    await stage.fleet.planner.look()
    await stage.run(2)
    words = {each.to: [p["text"] for p in each.body["template"]["components"][0]["parameters"]] for each in stage.cloud.ledger}
    assert words == {ANN: ["Lead 0000", "Friday"], BEN: ["Lead 0001", "Friday"]}
    texts = await stage.fleet.sql("SELECT text FROM messages ORDER BY id")
    assert [row["text"] for row in texts] == [f"Hello Lead 000{n}, 10 % off until Friday." for n in range(2)]
    copied = (await http(bob).post(f"/api/campaigns/{body['id']}/clone")).json()
    assert copied["template"] == body["template"]
    changed = await http(bob).put(f"/api/campaigns/{copied['id']}", json={"template": {**body["template"], "parameters": ["a"]}})
    assert changed.json()["errors"][0]["field"] == "template.parameters"
    told = await http(bob).put(f"/api/campaigns/{copied['id']}", json={"message": "Hello"})
    assert (told.json()["template"], told.json()["message"]) == (None, "Hello")


async def test_the_plan_leaves_out_whom_free_text_may_not_reach(stage: CloudFleet, http: cast.Http, bob: Any) -> None:
    device = await ready(stage, http, bob, ANN, BEN, CHE)
    await stage.hears(device, BEN)
    free = {**campaign(device), "template": None, "message": "Hello, reply STOP to end"}
    planned = (await http(bob).post("/api/campaigns/plan", json=free)).json()
    assert (planned["will_send"], planned["excluded_by_reason"]) == (1, {"window_closed": 2})
    people = (await http(bob).get(f"/api/plans/{planned['plan_id']}/recipients")).json()["items"]
    assert {each["phone"]: each["reason"] for each in people} == {ANN: "window_closed", BEN: None, CHE: "window_closed"}
    templated = (await http(bob).post("/api/campaigns/plan", json=campaign(device))).json()
    assert (templated["will_send"], templated["excluded_by_reason"]) == (3, {})
    shown = (await http(bob).get(f"/api/plans/{templated['plan_id']}/recipients")).json()["items"]
    assert shown[0]["text"] == "Hello Lead 0000, 10 % off until Friday."


async def test_only_numbers_that_have_the_template_may_send_it(stage: CloudFleet, http: cast.Http, bob: Any) -> None:
    device = await ready(stage, http, bob, ANN)
    (simulated,) = await stage.fleet.add_devices(1)
    mixed = await http(bob).post("/api/campaigns", json=campaign(device, device_ids=[device, simulated]))
    assert mixed.json()["errors"][0]["code"] == "no_templates"
    other = await stage.add()
    missing = await http(bob).post("/api/campaigns", json=campaign(device, device_ids=[device, other]))
    assert missing.json()["code"] == "template_missing"
    both = await http(bob).post("/api/campaigns", json=campaign(device, message="Hello"))
    assert both.json()["errors"][0]["code"] == "template_has_text"
    unknown = await http(bob).post("/api/campaigns", json=campaign(device, "{{ shoe_size }}", "x"))
    assert (unknown.json()["errors"][0]["field"], unknown.json()["errors"][0]["code"]) == (
        "template.parameters",
        "unknown_variable",
    )


async def running(stage: CloudFleet, http: cast.Http, bob: Any) -> tuple[str, str, guard.Guard]:
    """A campaign to four people that has begun, its number, and who watches it."""
    await stage.rules(device_gap=1)
    device = await ready(stage, http, bob, ANN, BEN, CHE, DAN)
    watch = guard.Guard(stage.fleet.db, stage.fleet.bus, stage.fleet.clock)
    made = (await http(bob).post("/api/campaigns", json=campaign(device))).json()
    await stage.fleet.planner.look()
    return device, made["id"], watch


async def stands(stage: CloudFleet, campaign_id: str) -> tuple[str, str | None, str]:
    async with stage.fleet.db.transaction(stage.fleet.workspace) as tx:
        found = await campaigns.find(tx, stage.fleet.workspace, campaign_id)
    return found.status.value, found.status_reason, found.pause_cause.words if found.pause_cause else ""


async def test_a_template_that_the_service_pauses_holds_the_campaign_in_plain_words(
    stage: CloudFleet, http: cast.Http, bob: Any
) -> None:
    device, campaign_id, watch = await running(stage, http, bob)
    await stage.run(0.5)
    await watch.look()
    assert (await stands(stage, campaign_id))[0] == "processing"
    await service.take(stage.fleet.db, news(stage, device, "PAUSED"))
    await watch.look()
    status, reason, words = await stands(stage, campaign_id)
    assert (status, reason) == ("paused", "template")
    assert words.startswith("WhatsApp has paused the template “offer” of Device 1. Nothing more leaves.")
    before = len(stage.cloud.ledger)
    await stage.run(5)
    assert len(stage.cloud.ledger) == before < 4
    await service.take(stage.fleet.db, news(stage, device, "REINSTATED", after=60))
    resumed = await http(bob).post(f"/api/campaigns/{campaign_id}/resume", json={"reason": "It is approved again."})
    assert resumed.status_code == 200, resumed.text
    await watch.look(everything=True)
    await stage.run(5)
    assert len(stage.cloud.ledger) == 4


async def test_a_refusal_says_that_the_template_is_paused_before_any_news(stage: CloudFleet, http: cast.Http, bob: Any) -> None:
    _, campaign_id, watch = await running(stage, http, bob)
    stage.cloud.templates[BUSINESS][0]["status"] = "PAUSED"
    await stage.run(0.3)
    await watch.look()
    assert (await stands(stage, campaign_id))[:2] == ("paused", "template")
    rows = await stage.fleet.sql("SELECT state, reason FROM messages WHERE state = 'failed'")
    assert {row["reason"] for row in rows} == {"template_paused"}
    assert await status_of(stage) == "paused"


async def test_one_message_whose_words_do_not_fit_stops_nobody_and_three_in_a_row_do(
    stage: CloudFleet, http: cast.Http, bob: Any
) -> None:
    _, campaign_id, watch = await running(stage, http, bob)
    stage.cloud.fails("code", 132005)
    await stage.run(0.5)
    await watch.look()
    assert (await stands(stage, campaign_id))[0] == "processing"
    stage.cloud.templates[BUSINESS].clear()
    await stage.run(2.3)
    await watch.look()
    assert (await stands(stage, campaign_id))[:2] == ("paused", "template")


# ---------------------------------------------------------------------- read by itself, and forgotten
async def test_templates_of_a_new_number_are_read_by_themselves_and_once_a_day(stage: CloudFleet) -> None:
    fleet = stage.fleet
    kept = keeper.Keeper(fleet.db, {"cloud": stage.driver}, fleet.clock)
    reads = reader.Reader(fleet.db, kept, fleet.bus, fleet.clock)
    device = await stage.add()
    stage.template()
    assert [await reads.look(), await reads.look()] == [1, 0]
    assert await status_of(stage) == "approved"
    stage.template("second", "Hi {{1}}")
    await service.take(fleet.db, news(stage, device, "APPROVED", name="second"))
    (row,) = await fleet.sql("SELECT cannot FROM templates WHERE name = 'second'")
    assert row["cannot"] == model.UNREAD
    assert await reads.look() == 1, "news of one that nobody has read yet"
    (row,) = await fleet.sql("SELECT cannot, places FROM templates WHERE name = 'second'")
    assert (row["cannot"], row["places"]) == ("", 1)
    await fleet.clock.advance(DAY + 1)
    number = stage.cloud.numbers["1000"]
    good, number.token = number.token, "another"
    assert [await reads.look(), await reads.look()] == [1, 0], "one that fails waits a while"
    await fleet.clock.advance(reader.AGAIN.total_seconds() + 1)
    number.token = good
    assert [await reads.look(), await reads.look()] == [1, 0]


async def test_the_reader_ends_when_told(stage: CloudFleet) -> None:
    fleet, stop = stage.fleet, asyncio.Event()
    kept = keeper.Keeper(fleet.db, {"cloud": stage.driver}, fleet.clock)
    running = asyncio.create_task(reader.Reader(fleet.db, kept, fleet.bus, fleet.clock).run(stop))
    stop.set()
    await asyncio.wait_for(running, 10)


async def test_erasing_a_person_takes_the_words_out_of_the_template_too(stage: CloudFleet, http: cast.Http, bob: Any) -> None:
    device = await stage.add()
    stage.template()
    await synced(stage, http, bob, device)
    await http(bob).post("/api/send/message", json=direct(device, ANN, "Ann Secret", "Friday"))
    person = await stage.fleet.person(ANN)
    async with stage.fleet.db.transaction(stage.fleet.workspace) as tx:
        await queue.erase_person(tx, stage.fleet.workspace, person)
        rows = await tx.fetch("SELECT to_jsonb(c)::text AS c, to_jsonb(m)::text AS m FROM messages m, contents c")
    assert "Secret" not in str([dict(row) for row in rows])
