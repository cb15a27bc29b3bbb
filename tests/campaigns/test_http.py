"""Routes of campaigns, messages and reports as people meet them: what they answer, and what bad input gets."""

from typing import Any

import pytest
from fastapi import FastAPI

from hantar.accounts.model import Caller
from hantar.campaigns import http as campaigns_http
from hantar.kit import clock, cluster, db
from hantar.media import http as media_http
from hantar.outbox import http as outbox_http
from hantar.reports import http as reports_http, http_days
from tests import cast
from tests.fleet import Fleet

PHONES = [f"6012345{n:04d}" for n in range(40)]
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture
def app(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus) -> FastAPI:
    routers = [campaigns_http.router, outbox_http.router, reports_http.router, http_days.router, media_http.router]
    return cast.make_app(database, fake_clock, bus, routers=routers)


def body(**changes: Any) -> dict[str, Any]:
    made = {"title": "Spring", "niche": "FIT", "target_status": "all", "message": "Hello {{ name }}"}
    return {**made, **changes}


async def test_a_campaign_from_plan_to_report(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    first, second = await fleet.add_devices(2)
    await fleet.add_leads(first, PHONES[:4])
    await fleet.add_leads(second, PHONES[4:6])
    client = http(bob)
    plan = (await client.post("/api/campaigns/plan", json=body())).json()
    assert (plan["matched"], plan["will_send"], plan["excluded"]) == (6, 6, 0)
    assert [(d["name"], d["count"]) for d in plan["devices"]] == [("Device 1", 4), ("Device 2", 2)]
    people = (await client.get(f"/api/plans/{plan['plan_id']}/recipients", params={"limit": 4})).json()
    rest = (await client.get(f"/api/plans/{plan['plan_id']}/recipients", params={"cursor": people["next_cursor"]})).json()
    assert [p["phone"] for p in people["items"] + rest["items"]] == PHONES[:6]
    assert people["items"][0]["text"] == "Hello Lead 0000"

    made = await client.post("/api/campaigns", json=body(hold=True, min_delay_seconds=1, max_delay_seconds=1))
    assert made.status_code == 201
    campaign = made.json()
    assert (campaign["status"], campaign["is_editable"]) == ("paused", True)
    plan = (await client.post(f"/api/campaigns/{campaign['id']}/plan")).json()
    started = await client.post(f"/api/campaigns/{campaign['id']}/trigger", json={"plan_hash": plan["plan_hash"]})
    assert started.status_code == 202
    await fleet.planner.look()
    await fleet.run(12)
    found = (await client.get(f"/api/campaigns/{campaign['id']}")).json()
    assert (found["status"], found["counts"]["sent"], found["success_rate"]) == ("finished", 6, 100.0)
    six = ("pending", "queued", "sent", "failed", "skipped", "unconfirmed")
    assert sum(found["counts"][word] for word in six) == found["counts"]["total"] == 6

    report = (await client.get(f"/api/campaigns/{campaign['id']}/device-report")).json()
    assert (report["should_send"], report["done_send"], report["remaining_send"]) == (6, 6, 0)
    assert [d["success_leads"] for d in report["devices"]] == [4, 2]
    leads = (await client.get(f"/api/campaigns/{campaign['id']}/device/{first}/leads", params={"status": "success"})).json()
    assert len(leads["items"]) == 4
    csv = (await client.get(f"/api/campaigns/{campaign['id']}/device/{first}/leads", params={"format": "csv"})).text
    assert csv.splitlines()[0].startswith("name,phone,device_name,status")
    assert len(csv.splitlines()) == 5
    summary = (await client.get("/api/campaigns/summary")).json()
    assert (summary["campaigns"]["finished"], summary["messages"]["sent"]) == (1, 6)
    board = (await client.get("/api/dashboard")).json()
    assert (board["campaigns"]["done_send"], board["devices"]["active"], board["daily"][-1]["sent"]) == (6, 2, 6)


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"title": "   "}, "title", "required"),
        ({"title": "x" * 201}, "title", None),
        ({"niche": " , "}, "niche", "required"),
        ({"target_status": "everyone"}, "target_status", None),
        ({"message": None}, "message", "required"),
        ({"message": "x" * 4097}, "message", None),
        ({"message": "{{ nick }}"}, "message", "unknown_variable"),
        ({"message": "{{ 7*7 }}"}, "message", "bad_variable"),
        ({"message": "{{ name"}, "message", "unclosed_variable"),
        ({"min_delay_seconds": 30, "max_delay_seconds": 10}, "max_delay_seconds", "max_below_min"),
        ({"min_delay_seconds": -1}, "min_delay_seconds", None),
        ({"min_delay_seconds": "NaN"}, "min_delay_seconds", None),
        ({"campaign_date": "2026-11-30", "time_schedule": "10:00"}, "campaign_date", "past_date"),
        ({"campaign_date": "30/11/2026"}, "campaign_date", None),
        ({"time_schedule": "25:00"}, "time_schedule", None),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "unknown_time_zone"),
        ({"device_ids": []}, "device_ids", "required"),
        ({"device_ids": ["01890000-0000-7000-8000-000000000000"]}, "device_ids", "unknown_device"),
        ({"media_id": "01890000-0000-7000-8000-000000000000"}, "media_id", "unknown_media"),
        ({"image_url": "/api/media/01890000-0000-7000-8000-000000000000"}, "image_url", None),
        ({"time_schedule": "10:00Z"}, "time_schedule", "invalid_time"),
        ({"campaign_date": "9999-12-31", "time_schedule": "23:00", "time_zone": "America/New_York"}, "campaign_date", None),
        ({"campaign_date": "2028-12-10"}, "campaign_date", "too_far"),
    ],
)
async def test_bad_input_gets_a_word_on_its_field_and_stores_nothing(
    http: cast.Http, alice: Caller, changes: dict[str, Any], field: str, code: str | None
) -> None:
    client = http(alice)
    for path in ("/api/campaigns", "/api/campaigns/plan"):
        reply = await client.post(path, json=body(**changes))
        assert reply.status_code == 422, reply.text
        problem = reply.json()
        assert problem["code"] == "validation"
        assert field in [error["field"] for error in problem["errors"]], problem
        if code:
            assert code in [error["code"] for error in problem["errors"]]
    assert (await client.get("/api/campaigns")).json()["items"] == []


@pytest.mark.parametrize(
    "image_url",
    ["data:image/svg+xml;base64,PHN2Zy8+", "data:image/png;base64,@@@", "http://127.0.0.1/x.png", "ftp://example.com/x.png"],
)
async def test_a_bad_picture_is_refused_when_a_campaign_is_made(http: cast.Http, alice: Caller, image_url: str) -> None:
    reply = await http(alice).post("/api/campaigns", json=body(image_url=image_url))
    assert reply.status_code == 422, reply.text
    assert [error["field"] for error in reply.json()["errors"]] == ["image_url"]
    assert (await http(alice).get("/api/campaigns")).json()["items"] == []


async def test_a_plan_fetches_and_stores_no_picture(http: cast.Http, vera: Caller, fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:2])
    for address in (PIXEL, "http://127.0.0.1/never-fetched.png"):
        plan = await http(vera).post("/api/campaigns/plan", json=body(message=None, image_url=address))
        assert (plan.status_code, plan.json()["will_send"]) == (200, 2), plan.text
    async with fleet.db.system() as tx:
        assert await tx.fetchval("SELECT count(*) FROM media") == 0


async def test_a_picture_by_data_url_is_stored_with_the_campaign(http: cast.Http, alice: Caller) -> None:
    made = (await http(alice).post("/api/campaigns", json=body(image_url=PIXEL, hold=True))).json()
    picture = await http(alice).get(made["image_url"])
    assert picture.status_code == 200
    assert picture.headers["content-type"].startswith("image/")
    assert len(picture.content) <= 350_000


async def test_a_campaign_that_has_started_is_not_edited(http: cast.Http, alice: Caller, fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    campaign = await fleet.launch()
    reply = await http(alice).put(f"/api/campaigns/{campaign}", json={"title": "Other"})
    assert (reply.status_code, reply.json()["code"]) == (409, "campaign_not_editable")
    reply = await http(alice).delete(f"/api/campaigns/{campaign}")
    assert (reply.status_code, reply.json()["code"]) == (409, "cancel_first")
    assert (await http(alice).post(f"/api/campaigns/{campaign}/cancel")).json()["status"] == "cancelled"
    assert (await http(alice).delete(f"/api/campaigns/{campaign}")).json() == {"deleted_messages": 3}


async def test_editing_keeps_what_is_left_out_and_cloning_copies_all(http: cast.Http, alice: Caller) -> None:
    client = http(alice)
    given = body(min_delay_seconds=3, max_delay_seconds=7, campaign_date="2026-12-02", time_schedule="09:30", when_offline="skip")
    made = (await client.post("/api/campaigns", json=given)).json()
    assert made["scheduled_at"] == "2026-12-02T01:30:00Z"
    changed = (await client.patch(f"/api/campaigns/{made['id']}", json={"title": "Summer"})).json()
    kept = ("niche", "message", "campaign_date", "time_schedule", "min_delay_seconds", "when_offline", "scheduled_at")
    assert changed["title"] == "Summer"
    assert [changed[name] for name in kept] == [made[name] for name in kept]
    copy = (await client.post(f"/api/campaigns/{made['id']}/clone")).json()
    assert (copy["title"], copy["status"], copy["campaign_date"]) == ("Summer (Copy)", "paused", None)
    dated = (
        await client.post(f"/api/campaigns/{made['id']}/clone", json={"campaign_date": "2026-12-03", "time_schedule": "08:00"})
    ).json()
    assert (dated["status"], dated["scheduled_at"]) == ("pending", "2026-12-03T00:00:00Z")


async def test_pausing_twice_and_resuming_twice_change_nothing(http: cast.Http, alice: Caller, fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    campaign = await fleet.launch()
    client = http(alice)
    for word, status in (("pause", "paused"), ("pause", "paused"), ("resume", "processing"), ("resume", "processing")):
        reply = await client.post(f"/api/campaigns/{campaign}/{word}")
        assert (reply.status_code, reply.json()["status"]) == (200, status)


async def test_a_viewer_looks_and_does_not_touch(http: cast.Http, vera: Caller, alice: Caller) -> None:
    made = (await http(alice).post("/api/campaigns", json=body(hold=True))).json()
    viewer = http(vera)
    assert (await viewer.get(f"/api/campaigns/{made['id']}")).status_code == 200
    assert (await viewer.post("/api/campaigns", json=body())).status_code == 403
    for word in ("pause", "resume", "cancel", "trigger", "clone"):
        assert (await viewer.post(f"/api/campaigns/{made['id']}/{word}")).status_code == 403


async def test_a_single_message_overtakes_a_campaign(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:5])
    await fleet.launch(min_delay_seconds=5, max_delay_seconds=5)
    await fleet.run(3)
    asked = {"device_id": device, "phone": "+60 12-999 8888", "message": "Hi there", "client_ref": "order-1"}
    reply = await http(bob).post("/api/send/message", json=asked)
    assert (reply.status_code, reply.json()["status"]) == (202, "queued")
    assert reply.headers["location"] == f"/api/messages/{reply.json()['message_id']}"
    again = await http(bob).post("/api/send/message", json=asked)
    assert (again.status_code, again.json()["code"]) == (409, "duplicate_client_ref")
    await fleet.run(8)
    sent = [line["to"] for line in fleet.book.lines() if line["effect"] == "sent"]
    assert sent[:2] == [PHONES[0], "60129998888"]
    found = (await http(bob).get(f"/api/messages/{reply.json()['message_id']}")).json()
    assert (found["status"], found["text"], found["kind"]) == ("sent", "Hi there", "direct")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"phone": "12"}, 422, "invalid_phone"),
        ({"phone": "6.01E+10"}, 422, "invalid_phone"),
        ({"message": ""}, 422, None),
        ({"device_id": "01890000-0000-7000-8000-000000000000"}, 422, "unknown_device"),
    ],
)
async def test_a_bad_single_message_is_refused(
    http: cast.Http, bob: Caller, fleet: Fleet, changes: dict[str, Any], status: int, code: str | None
) -> None:
    (device,) = await fleet.add_devices(1)
    reply = await http(bob).post(
        "/api/send/message", json={"device_id": device, "phone": "60129998888", "message": "Hi", **changes}
    )
    assert reply.status_code == status, reply.text
    if code:
        assert code in [error["code"] for error in reply.json()["errors"]]
    assert await fleet.rows() == []


async def test_an_unlinked_device_cannot_send(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.set_device(device, is_linked=False, state="new")
    reply = await http(bob).post("/api/send/message", json={"device_id": device, "phone": "60129998888", "message": "Hi"})
    assert (reply.status_code, reply.json()["code"]) == (409, "device_not_linked")


async def test_a_person_settles_an_unconfirmed_message(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:2])
    await fleet.launch()
    async with fleet.db.system() as tx:
        await tx.execute("UPDATE messages SET state = 'claimed'")
        await tx.execute("UPDATE messages SET state = 'unknown'")
    first, second = [row["id"] for row in await fleet.rows()]
    client = http(bob)
    arrived = await client.post(f"/api/messages/{first}/resolve", json={"outcome": "arrived", "reason": "she answered"})
    assert (arrived.json()["status"], arrived.json()["state"]) == ("sent", "sent")
    again = await client.post(f"/api/messages/{second}/resolve", json={"outcome": "send_again", "reason": "he asked"})
    assert again.json()["status"] == "queued"
    twice = await client.post(f"/api/messages/{first}/resolve", json={"outcome": "arrived", "reason": "x"})
    assert (twice.status_code, twice.json()["code"]) == (409, "not_unconfirmed")


async def test_running_campaigns_come_first_and_pages_are_stable(http: cast.Http, alice: Caller, fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:1])
    client = http(alice)
    running = await fleet.launch(title="Running")
    for number in range(5):
        await client.post("/api/campaigns", json=body(title=f"Held {number}", hold=True))
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": 2, "with_total": True} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/api/campaigns", params=query)).json()
        seen += [each["title"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["Running", "Held 4", "Held 3", "Held 2", "Held 1", "Held 0"]
    assert page["total"] == 6
    assert (await client.get("/api/campaigns", params={"cursor": "nonsense"})).status_code == 400
    assert running in [
        each["id"] for each in (await client.get("/api/campaigns", params={"status": "processing"})).json()["items"]
    ]


async def test_mallory_sees_nothing_of_it(http: cast.Http, alice: Caller, mallory: Caller, fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:2])
    campaign = await fleet.launch()
    (message, _) = [row["id"] for row in await fleet.rows()]
    plan = (await http(alice).post("/api/campaigns/plan", json=body())).json()
    stranger = http(mallory)
    for path in (
        f"/api/campaigns/{campaign}",
        f"/api/campaigns/{campaign}/device-report",
        f"/api/campaigns/{campaign}/messages",
        f"/api/campaigns/{campaign}/device/{device}/leads",
        f"/api/messages/{message}",
        f"/api/plans/{plan['plan_id']}/recipients",
    ):
        assert (await stranger.get(path)).status_code == 404, path
    assert (await stranger.get("/api/campaigns")).json()["items"] == []
    assert (await stranger.get("/api/messages")).json()["items"] == []
    assert (await stranger.get("/api/dashboard")).json()["devices"]["total"] == 0
    theirs = await stranger.post("/api/campaigns/plan", json=body())
    assert theirs.json()["matched"] == 0
