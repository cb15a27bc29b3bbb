"""Workers as people meet them: how each gets on, stopping and starting one or all, figures of the workspace."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from hantar.accounts.model import Caller
from hantar.kit import ids
from tests import cast
from tests.fleet import Fleet

PHONES = [f"6012345{n:04d}" for n in range(40)]


async def workers(http: cast.Http, caller: Caller, **params: str) -> dict[str, Any]:
    reply = await http(caller).get("/api/workers/status", params=params)
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = reply.json()
    return body


def by_name(body: Mapping[str, Any], name: str) -> Any:
    return {each["device_name"]: each[name] for each in body["workers"]}


async def end(fleet: Fleet, message_ids: list[str], state: str, reason: str | None = None) -> None:
    """Let queued messages end now, half a second after they were claimed."""
    at = fleet.clock.now()
    claimed = "UPDATE messages SET state = 'claimed', claimed_at = $2 WHERE id = ANY($1::uuid[])"
    await fleet.sql(claimed, message_ids, at - timedelta(seconds=0.5))
    sql = """UPDATE messages SET state = $2::text, reason = $3, ended_at = $4::timestamptz,
               sent_at = CASE WHEN $2 = 'sent' THEN $4::timestamptz END
             WHERE id = ANY($1::uuid[])"""
    await fleet.sql(sql, message_ids, state, reason, at)


async def test_each_worker_says_how_it_stands(http: cast.Http, vera: Caller, fleet: Fleet) -> None:
    devices = await fleet.add_devices(7)
    for device, columns in (
        (1, {"state": "offline"}),
        (2, {"state": "offline"}),
        (3, {"sending_paused": True, "pause_reason": "person"}),
        (4, {"state": "logged_out", "is_linked": False}),
        (5, {"sending_paused": True, "pause_reason": "errors"}),
    ):
        await fleet.set_device(devices[device], **columns)
    for number in (0, 2, 3, 4):
        await fleet.enqueue(devices[number], PHONES[number * 2 : number * 2 + 2])
    seen = await workers(http, vera)
    assert by_name(seen, "worker_status") == {
        "Device 1": "active",
        "Device 2": "idle",
        "Device 3": "error",
        "Device 4": "stopped",
        "Device 5": "error",
        "Device 6": "error",
        "Device 7": "idle",
    }
    assert list(by_name(seen, "waiting_for").values()) == ["pacing", None, *["device_offline"] * 3, None, None]
    summary = seen["summary"]
    assert summary == {"total": 7, "active": 1, "idle": 2, "error": 3, "stopped": 1, "queued": 8, "processed": 0, "failed": 0}


async def test_figures_of_today(http: cast.Http, vera: Caller, fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    made = await fleet.enqueue(device, PHONES[:6])
    await end(fleet, made[:3], "sent")
    await end(fleet, made[3:4], "failed", "undeliverable")
    await fleet.sql("UPDATE messages SET state = 'claimed', claimed_at = $2 WHERE id = $1", made[4], fleet.clock.now())
    await fleet.clock.advance(60)
    (row,) = (await workers(http, vera))["workers"]
    assert (row["queue_size"], row["processed_count"], row["failed_count"], row["success_rate"]) == (2, 3, 1, 75.0)
    ended = fleet.clock.now() - timedelta(seconds=60)
    assert row["last_activity"] == ended.strftime("%Y-%m-%dT%H:%M:%SZ")
    reply = await http(vera).get(f"/api/workers/device/{device}")
    one = reply.json()
    assert (one["worker_exists"], one["status"], one["queue_size"], one["processed_count"]) == (True, "active", 2, 3)
    await fleet.clock.advance(20 * 3600)  # another day in Kuala Lumpur
    (row,) = (await workers(http, vera))["workers"]
    assert (row["processed_count"], row["failed_count"], row["queue_size"]) == (0, 0, 2)


async def test_what_it_is_at_and_when_it_goes_on(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    campaign = await fleet.launch(title="Spring")
    now = fleet.clock.now()
    await fleet.sql("UPDATE lanes SET next_at = $1", now + timedelta(seconds=17))
    (row,) = (await workers(http, bob))["workers"]
    assert row["current_campaign"] == {"id": campaign, "title": "Spring"}
    assert (row["current_sequence"], row["waiting_for"]) == (None, "pacing")
    assert row["next_send_at"] == (now + timedelta(seconds=17)).strftime("%Y-%m-%dT%H:%M:%SZ")
    await fleet.sql("UPDATE lanes SET rest_until = $1", now + timedelta(seconds=90))
    (row,) = (await workers(http, bob))["workers"]
    assert (row["waiting_for"], row["next_send_at"]) == (
        "device_limit",
        (now + timedelta(seconds=90)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    await http(bob).post(f"/api/campaigns/{campaign}/pause")
    (row,) = (await workers(http, bob))["workers"]
    assert (row["worker_status"], row["waiting_for"], row["next_send_at"]) == ("idle", "campaign_paused", None)


async def test_a_message_for_later_waits_for_its_hour(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    later = fleet.clock.now() + timedelta(hours=3)
    await fleet.enqueue(device, PHONES[:1], not_before=later, waiting_for="quiet_hours")
    (row,) = (await workers(http, bob))["workers"]
    assert (row["waiting_for"], row["next_send_at"]) == ("quiet_hours", later.strftime("%Y-%m-%dT%H:%M:%SZ"))
    await fleet.enqueue(device, PHONES[1:2])
    (row,) = (await workers(http, bob))["workers"]
    assert (row["waiting_for"], row["queue_size"]) == ("pacing", 2)


async def test_for_one_campaign_alone(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    first, second, _ = await fleet.add_devices(3)
    await fleet.add_leads(first, PHONES[:3])
    campaign = await fleet.launch()
    await end(fleet, [row["id"] for row in (await fleet.rows(campaign))[:2]], "sent")
    await fleet.enqueue(second, PHONES[10:14], kind="direct")
    for params in ({"type": "campaign"}, {"type": "campaign", "id": campaign}, {"id": campaign}):
        seen = await workers(http, bob, **params)
        assert by_name(seen, "processed_count") == {"Device 1": 2}
        assert seen["summary"]["queued"] == 1
    assert (await workers(http, bob, type="sequence"))["workers"] == []
    assert (await workers(http, bob, id=ids.new_id()))["summary"]["total"] == 0


async def test_stopping_all_asks_first_and_holds_everything(http: cast.Http, alice: Caller, bob: Caller, fleet: Fleet) -> None:
    first, second, third = await fleet.add_devices(3)
    await fleet.enqueue(first, PHONES[:3])
    await fleet.enqueue(second, PHONES[3:5])
    await fleet.set_device(third, sending_paused=True, pause_reason="opt_outs")
    assert (await http(bob).post("/api/workers/stop-all")).status_code == 403
    seen = await http(alice).post("/api/workers/stop-all", json={"dry_run": True})
    assert seen.json() == {"stopped_count": 2, "held_messages": 5}
    assert (await http(alice).post("/api/workers/stop-all?dry_run=true")).json() == seen.json()
    assert (await workers(http, bob))["summary"]["stopped"] == 1
    done = await http(alice).post("/api/workers/stop-all", json={"reason": "A complaint."})
    assert (done.status_code, done.json()) == (200, {"stopped_count": 2, "held_messages": 5})
    assert (await workers(http, bob))["summary"]["stopped"] == 3
    await fleet.run(5)
    assert (fleet.reached(), (await fleet.states())["queued"]) == ([], 5)
    assert (await http(alice).post("/api/workers/stop-all")).json() == {"stopped_count": 0, "held_messages": 0}

    back = (await http(alice).post("/api/workers/resume-all", json={"dry_run": True})).json()
    assert back == {"resumed_count": 2, "not_resumed": [{"device_id": third, "reason": "opt_outs"}]}
    assert (await http(alice).post("/api/workers/resume-all", json={"reason": "Settled."})).json() == back
    await fleet.run(5)
    assert len(fleet.reached()) == 5
    entries = (await http(alice).get("/api/audit")).json()["items"]
    told = [(each["action"], each["reason"], each["after"]) for each in entries]
    assert told == [
        ("device.all_resumed", "Settled.", {"devices": 2}),
        ("device.all_paused", "A complaint.", {"devices": 2}),
    ]
    events = (await http(alice).get(f"/api/devices/{first}/events")).json()["items"]
    assert [each["words"] for each in events][:2] == [
        "Sending goes on, on all devices. Reason: Settled.",
        "Sending was paused on all devices. Reason: A complaint.",
    ]


async def test_stopping_all_stops_nobody_else(
    http: cast.Http, mallory: Caller, alice: Caller, vera: Caller, fleet: Fleet
) -> None:
    await fleet.add_devices(2)
    assert (await http(mallory).post("/api/workers/stop-all")).json() == {"stopped_count": 0, "held_messages": 0}
    assert (await http(mallory).post("/api/workers/resume-all")).json()["resumed_count"] == 0
    assert (await workers(http, vera))["summary"]["stopped"] == 0
    assert (await workers(http, mallory))["workers"] == []


async def test_a_lately_restricted_device_is_not_resumed_with_the_others(http: cast.Http, alice: Caller, fleet: Fleet) -> None:
    first, _ = await fleet.add_devices(2)
    sql = """INSERT INTO device_events (workspace_id, id, device_id, at, state, reason, words)
             VALUES ($1, gen_random_uuid(), $2, $3, 'restricted', 'reach_out_lock', 'x')"""
    await fleet.sql(sql, fleet.workspace, first, fleet.clock.now())
    await http(alice).post("/api/workers/stop-all")
    back = (await http(alice).post("/api/workers/resume-all")).json()
    assert back == {"resumed_count": 1, "not_resumed": [{"device_id": first, "reason": "restriction"}]}
    refused = await http(alice).post(f"/api/workers/device/{first}/start")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "reason")
    started = await http(alice).post(f"/api/workers/device/{first}/start", json={"reason": "New list."})
    assert (started.status_code, started.json()["status"]) == (200, "idle")


async def test_one_worker_is_stopped_and_started(http: cast.Http, bob: Caller, vera: Caller, alice: Caller, fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.enqueue(device, PHONES[:1])
    for word in ("stop", "start", "restart"):
        assert (await http(vera).post(f"/api/workers/device/{device}/{word}")).status_code == 403
    for _ in range(2):
        stopped = await http(bob).post(f"/api/workers/device/{device}/stop", json={"reason": "Lunch."})
        assert (stopped.status_code, stopped.json()["status"]) == (200, "stopped")
    await fleet.run(3)
    assert fleet.reached() == []
    started = await http(bob).post(f"/api/workers/device/{device}/start")
    assert (started.status_code, started.json()["status"]) == (200, "active")
    await fleet.run(3)
    assert fleet.reached() == PHONES[:1]
    actions = [each["action"] for each in (await http(alice).get("/api/audit")).json()["items"]]
    assert actions == ["device.resumed", "device.paused"]


async def test_a_restart_opens_the_line_anew(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    reply = await http(bob).post(f"/api/workers/device/{device}/restart")
    assert (reply.status_code, reply.json()["device_state"]) == (200, "connecting")
    (row,) = await fleet.sql("SELECT wanted, is_linked FROM devices")
    assert (row["wanted"], row["is_linked"]) == ("connected", True)
    await fleet.set_device(device, is_linked=False, state="logged_out")
    refused = await http(bob).post(f"/api/workers/device/{device}/restart")
    assert (refused.status_code, refused.json()["code"]) == (409, "device_not_linked")


async def test_workers_in_error_are_brought_back(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    aside, offline, gone, banned, stopped = await fleet.add_devices(5)
    await fleet.enqueue(offline, PHONES[:1])
    await fleet.set_device(aside, sending_paused=True, pause_reason="errors")
    await fleet.set_device(offline, state="offline")
    await fleet.set_device(gone, state="logged_out", is_linked=False, wanted="stopped")
    await fleet.set_device(banned, state="banned_until", hold_until=fleet.clock.now() + timedelta(days=1))
    await fleet.set_device(stopped, sending_paused=True, pause_reason="person")
    done = await http(bob).post("/api/workers/resume-failed")
    assert done.status_code == 200
    assert done.json()["resumed_count"] == 2
    left = {each["device_id"]: each["reason"] for each in done.json()["not_resumed"]}
    assert left == {gone: "needs_scan", banned: "banned_until"}
    rows = {row["id"]: row for row in await fleet.sql("SELECT id, sending_paused, wanted FROM devices")}
    assert [rows[each]["sending_paused"] for each in (aside, stopped)] == [False, True]
    assert rows[offline]["wanted"] == "connected"


async def test_figures_of_the_workspace(http: cast.Http, vera: Caller, fleet: Fleet) -> None:
    first, second = await fleet.add_devices(2)
    await fleet.set_device(second, state="offline")
    await fleet.add_leads(first, PHONES[:9])
    campaign = await fleet.launch(title="Spring")
    rows = [row["id"] for row in await fleet.rows(campaign)]
    await end(fleet, rows[:3], "sent")
    await end(fleet, rows[3:4], "failed", "undeliverable")
    await end(fleet, rows[4:5], "unknown")
    await fleet.sql("UPDATE messages SET state = 'expired', ended_at = $2 WHERE id = $1", rows[5], fleet.clock.now())
    await fleet.sql("UPDATE messages SET state = 'held' WHERE id = $1", rows[6])
    await fleet.clock.advance(30)
    seen = (await http(vera).get("/api/broadcast/stats")).json()
    six = ("pending", "queued", "sent", "failed", "skipped", "unconfirmed")
    assert [seen[word] for word in six] == [1, 2, 3, 1, 1, 1]
    assert (seen["rate_per_minute"], seen["average_ms"], seen["oldest_pending_seconds"]) == (3, 500.0, 30.0)
    assert (seen["active_devices"], seen["total_devices"], seen["running_broadcasts"]) == (1, 2, 1)
    assert seen["workers"] == {"active": 1, "idle": 1, "error": 0, "stopped": 0}
    await fleet.clock.advance(60)
    seen = (await http(vera).get("/api/broadcast/stats")).json()
    assert (seen["rate_per_minute"], seen["average_ms"]) == (0, None)


async def test_live_counters_of_a_campaign_that_the_engine_sends(http: cast.Http, vera: Caller, fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:4])
    client = http(vera)
    assert (await client.get("/api/broadcast/stats")).json()["broadcasts"] == []
    campaign = await fleet.launch(min_delay_seconds=1, max_delay_seconds=1)
    await fleet.run(12)
    (found,) = (await client.get("/api/broadcast/stats")).json()["broadcasts"]
    assert (found["campaign_id"], found["sent"], found["failed"], found["rate_per_minute"]) == (campaign, 4, 0, 4)
    assert found["ended_at"] is not None
    await fleet.clock.advance(301)
    assert (await client.get("/api/broadcast/stats")).json()["broadcasts"] == []


async def test_nothing_at_all(http: cast.Http, mallory: Caller) -> None:
    seen = (await http(mallory).get("/api/broadcast/stats")).json()
    assert (seen["average_ms"], seen["oldest_pending_seconds"], seen["total_devices"], seen["broadcasts"]) == (None, None, 0, [])


@pytest.mark.parametrize("word", ["", "/stop", "/start", "/restart"])
async def test_another_workspace_s_worker_is_not_found(http: cast.Http, mallory: Caller, fleet: Fleet, word: str) -> None:
    (device,) = await fleet.add_devices(1)
    reply = await http(mallory).request("POST" if word else "GET", f"/api/workers/device/{device}{word}")
    assert reply.status_code == 404
    (row,) = await fleet.sql("SELECT sending_paused, state FROM devices")
    assert (row["sending_paused"], row["state"]) == (False, "online")
