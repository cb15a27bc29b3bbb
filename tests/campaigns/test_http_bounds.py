"""Days, instants and words at the edge of what routes of campaigns, messages and reports take."""

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError

from hantar.accounts.model import Caller
from hantar.campaigns import http as campaigns_http, http_models, model
from hantar.kit import clock, cluster, db
from hantar.media import http as media_http
from hantar.outbox import http as outbox_http
from hantar.reports import http as reports_http, http_days
from tests import cast
from tests.fleet import Fleet

PHONES = [f"6012345{n:04d}" for n in range(40)]
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
BODY = {"title": "Spring", "niche": "FIT", "target_status": "all", "message": "Hello {{ name }}"}


@pytest.fixture
def app(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus) -> FastAPI:
    routers = [campaigns_http.router, outbox_http.router, reports_http.router, http_days.router, media_http.router]
    return cast.make_app(database, fake_clock, bus, routers=routers)


@pytest.mark.parametrize(
    ("path", "field", "code"),
    [
        ("campaigns?date=9999-12-31", "date", "too_large"),
        ("campaigns?date=0001-01-01&time_zone=Asia/Kuala_Lumpur", "date", "too_small"),
        ("campaigns?start_date=2026-12-02&end_date=2026-12-01", "end_date", "before_start"),
        ("campaigns/summary?end_date=9999-12-31", "end_date", "too_large"),
        ("campaigns/summary?start_date=2026-12-02&end_date=2026-12-01", "end_date", "before_start"),
        ("dashboard?end_date=9999-12-31", "end_date", "too_large"),
        ("dashboard?start_date=2026-12-02&end_date=2026-12-01", "end_date", "before_start"),
        ("dashboard?start_date=2025-01-01&end_date=2026-01-02", "end_date", "range_too_long"),
        ("dashboard?start_date=2020-01-01", "end_date", "range_too_long"),
    ],
)
async def test_days_nobody_means_are_refused_on_their_field(
    http: cast.Http, alice: Caller, path: str, field: str, code: str
) -> None:
    reply = await http(alice).get(f"/api/{path}")
    assert reply.status_code == 422, reply.text
    assert [(error["field"], error["code"]) for error in reply.json()["errors"]] == [(field, code)]


@pytest.mark.parametrize(
    ("path", "days"),
    [
        ("campaigns?start_date=2000-01-01&end_date=2199-12-31", None),
        ("campaigns/summary?start_date=2000-01-01&end_date=2199-12-31", None),
        ("dashboard?start_date=2025-01-01&end_date=2026-01-01", 366),
        ("dashboard?end_date=2000-01-03", 7),
        ("dashboard?start_date=2027-01-03", 1),
        ("dashboard", 7),
    ],
)
async def test_days_at_the_edge_are_answered(http: cast.Http, alice: Caller, path: str, days: int | None) -> None:
    reply = await http(alice).get(f"/api/{path}")
    assert reply.status_code == 200, reply.text
    assert days is None or len(reply.json()["daily"]) == days


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"send_at": "9999-12-31T00:00:00Z"}, "send_at", "too_far"),
        ({"send_at": "2028-01-01T00:00:00Z"}, "send_at", "too_far"),
        ({"expires_at": "2026-12-01T01:59:59Z"}, "expires_at", "before_start"),
        ({"expires_at": "0001-01-01T00:00:00+14:00"}, "expires_at", "before_start"),
        ({"send_at": "2026-12-03T00:00:00Z", "expires_at": "2026-12-02T00:00:00Z"}, "expires_at", "before_start"),
        ({"expires_at": "9999-12-31T23:59:59-12:00"}, "expires_at", "too_far"),
    ],
)
async def test_a_single_message_for_a_time_nobody_means_is_refused(
    http: cast.Http, bob: Caller, fleet: Fleet, changes: dict[str, Any], field: str, code: str
) -> None:
    (device,) = await fleet.add_devices(1)
    asked = {"device_id": device, "phone": "60129998888", "message": "Hi", **changes}
    reply = await http(bob).post("/api/send/message", json=asked)
    assert reply.status_code == 422, reply.text
    assert [(error["field"], error["code"]) for error in reply.json()["errors"]] == [(field, code)]
    assert await fleet.rows() == []


async def test_a_single_message_for_later_is_taken(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    times = {"send_at": "2027-12-01T00:00:00Z", "expires_at": "2027-12-02T00:00:00Z"}
    reply = await http(bob).post(
        "/api/send/message", json={"device_id": device, "phone": "60129998888", "message": "Hi", **times}
    )
    assert (reply.status_code, reply.json()["status"]) == (202, "pending"), reply.text


async def test_a_picture_of_another_workspace_or_of_none_is_refused(
    http: cast.Http, bob: Caller, mallory: Caller, fleet: Fleet
) -> None:
    (device,) = await fleet.add_devices(1)
    theirs = (await http(mallory).post("/api/media/link", json={"image_url": PIXEL})).json()["id"]
    own = (await http(bob).post("/api/media/link", json={"image_url": PIXEL})).json()["id"]
    asked = {"device_id": device, "phone": "60129998888"}
    for media_id in (theirs, "01890000-0000-7000-8000-000000000000"):
        reply = await http(bob).post("/api/send/image", json={**asked, "media_id": media_id})
        assert reply.status_code == 422, reply.text
        assert [(error["field"], error["code"]) for error in reply.json()["errors"]] == [("media_id", "unknown_media")]
    assert await fleet.rows() == []
    assert (await http(bob).post("/api/send/image", json={**asked, "media_id": own})).status_code == 202


async def test_a_title_of_spaces_is_refused_when_changed_or_cloned(http: cast.Http, alice: Caller) -> None:
    client = http(alice)
    made = (await client.post("/api/campaigns", json={**BODY, "title": "  Spring  ", "hold": True})).json()
    assert made["title"] == "Spring"
    for reply in (
        await client.put(f"/api/campaigns/{made['id']}", json={"title": "   "}),
        await client.post(f"/api/campaigns/{made['id']}/clone", json={"title": "   "}),
    ):
        assert reply.status_code == 422, reply.text
        assert [(error["field"], error["code"]) for error in reply.json()["errors"]] == [("title", "required")]


def test_a_stored_campaign_that_fits_no_body_is_a_field_error() -> None:
    audience = model.Audience(None, model.TargetStatus.ALL, None)
    draft = model.Draft(" ", "all", audience, "Hi", None, None, None, "UTC", 1, 1, "wait", "ask")
    with pytest.raises(RequestValidationError) as caught:
        http_models.as_body(draft)
    assert [error["loc"] for error in caught.value.errors()] == [("body", "title")]


async def test_the_report_s_word_for_sent_works_for_all_messages(http: cast.Http, alice: Caller, fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    campaign = await fleet.launch(min_delay_seconds=600, max_delay_seconds=600)
    await fleet.run(5)
    counts = {}
    for word in ("success", "sent", "pending", "queued", "pending,queued"):
        reply = await http(alice).get(f"/api/campaigns/{campaign}/messages", params={"status": word})
        counts[word] = len(reply.json()["items"])
    assert counts == {"success": 1, "sent": 1, "pending": 0, "queued": 2, "pending,queued": 2}


async def test_a_plan_s_file_comes_in_pages_and_says_the_same(
    http: cast.Http, alice: Caller, mallory: Caller, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await fleet.add_devices(2)
    await fleet.add_leads(first, PHONES[:5])
    await fleet.add_leads(second, PHONES[5:8])
    await fleet.add_leads(first, PHONES[8:12])
    client = http(alice)
    plan = (await client.post("/api/campaigns/plan", json=BODY)).json()
    people = (await client.get(f"/api/plans/{plan['plan_id']}/recipients", params={"limit": 200})).json()["items"]
    path = f"/api/plans/{plan['plan_id']}/recipients?format=csv"
    whole = (await client.get(path)).text
    limits: list[int | None] = []
    ask = campaigns_http.plan.recipients

    async def watched(*given: Any) -> Any:
        limits.append(given[-1])
        return await ask(*given)

    monkeypatch.setattr(campaigns_http.plan, "recipients", watched)
    for size, pages in ((4, [4] * 4), (5, [5] * 3)):
        limits.clear()
        monkeypatch.setattr(campaigns_http, "CSV_PAGE", size)
        assert (await client.get(path)).text == whole
        assert limits == pages
    rows = [line.split(",") for line in whole.splitlines()[1:]]
    assert [(row[1], row[3]) for row in rows] == [(p["phone"], p["earliest_at"].replace("Z", "+00:00")) for p in people]
    assert (await http(mallory).get(path)).status_code == 404
