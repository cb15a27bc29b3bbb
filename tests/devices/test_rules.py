"""What rules and restrictions do to a device and what its page says: limits, health, pauses, rest, and who ends them."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from hantar.accounts.model import Caller
from hantar.audit import service as audit
from hantar.devices import http as devices_http, service, store
from hantar.devices.keeper import Keeper
from hantar.gateways import port
from hantar.gateways.port import DeviceState as S
from hantar.kit import clock, cluster, db, ids, windows
from hantar.persons import service as persons
from hantar.policy import http as policy_http
from tests import cast
from tests.cast import Http
from tests.devices.stage import Stage, WatchedDatabase


@pytest.fixture
def app(database: WatchedDatabase, fake_clock: clock.FakeClock, bus: cluster.LocalBus, stage: Stage) -> FastAPI:
    """The application with the routes of devices and of rules."""
    routers = [devices_http.router, policy_http.router]
    return cast.make_app(database, fake_clock, bus, routers=routers, parts={Keeper: stage.keeper})


async def add(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    reply = await client.post("/api/devices", json={"name": "Shop", **more})
    assert reply.status_code == 201, reply.text
    body: dict[str, Any] = reply.json()
    return body


async def linked(stage: Stage, client: httpx.AsyncClient, phone: str | None = None) -> str:
    """A device that is online; returns its id."""
    made = str((await add(client))["id"])
    await scan(stage, client, made, phone)
    return made


async def scan(stage: Stage, client: httpx.AsyncClient, device: str, phone: str | None = None) -> None:
    """Link a device to a phone."""
    await stage.wait(client.get(f"/api/devices/{device}/qr"))
    await stage.does(device, "scan", **({"phone": phone} if phone else {}))
    await stage.until(lambda each: each.state is S.ONLINE, device)


async def loosen(client: httpx.AsyncClient, kind: str = "simulator", **values: Any) -> None:
    reply = await client.put("/api/policy", json={"kind": kind, "values": values, "reason": "x"})
    assert reply.status_code == 200, reply.text


async def get(client: httpx.AsyncClient, device: str, more: str = "") -> dict[str, Any]:
    reply = await client.get(f"/api/devices/{device}{more}")
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = reply.json()
    return body


async def later(stage: Stage, seconds: float, step: float) -> None:
    """Let days pass, with everybody still signed in at their end."""
    async with stage.db.door() as tx:
        await tx.execute("UPDATE sign_ins SET expires_at = expires_at + $1::interval", timedelta(seconds=seconds))
    await stage.passes(seconds, step)


# ---------------------------------------------------------------------- limits


async def test_limits_above_the_rules_are_refused_with_the_rule_and_who_may_change_it(
    http: Http, alice: Caller, bob: Caller, stage: Stage
) -> None:
    limits = {"per_minute": 600, "per_hour": 500, "per_day": 5001}
    refused = await http(bob).post("/api/devices", json={"name": "x", "limits": limits})
    assert refused.status_code == 422
    assert [(each["field"], each["code"]) for each in refused.json()["errors"]] == [
        ("limits.per_minute", "above_policy"),
        ("limits.per_day", "above_policy"),
    ]
    assert "owner" in refused.json()["errors"][0]["message"]
    assert refused.json()["rules"] == ["device_per_minute", "device_per_day"]
    assert refused.json()["who_may_loosen"] == "owner"
    made = await add(http(bob))
    url = f"/api/devices/{made['id']}"
    assert (await http(bob).put(url, json={"limits": {"per_minute": 21}})).status_code == 422
    await loosen(http(alice), device_per_minute=600, device_per_day=100_000)
    changed = await http(bob).put(url, json={"limits": limits})
    assert changed.status_code == 200, changed.text
    assert changed.json()["limits"] == changed.json()["own_limits"] == limits


async def test_the_page_shows_the_tightest_number_and_where_it_comes_from(
    http: Http, alice: Caller, bob: Caller, stage: Stage
) -> None:
    made = (await add(http(bob), limits={"per_hour": 100}))["id"]
    await loosen(http(alice), device_per_minute=12)
    shown = await get(http(bob), made)
    assert shown["limits"] == {"per_minute": 12, "per_hour": 100, "per_day": 5000}
    assert shown["limit_origins"] == {"per_minute": "workspace", "per_hour": "device", "per_day": "default"}
    assert shown["own_limits"] == {"per_minute": 20, "per_hour": 100, "per_day": 5000}
    assert shown["rules_kind"] == "simulator"
    listed = (await http(bob).get("/api/devices")).json()["items"]
    assert [each["limits"] for each in listed] == [shown["limits"]]
    same = await http(bob).put(f"/api/devices/{made}", json={"limits": {"per_minute": 20, "per_hour": 90}})
    assert same.status_code == 200, "what a device has already is no news"
    assert same.json()["limits"]["per_hour"] == 90


async def test_what_is_left_goes_by_the_tightest_number(http: Http, alice: Caller, stage: Stage, database: db.Database) -> None:
    device = await linked(stage, http(alice))
    await loosen(http(alice), device_per_minute=12, device_new_chats=7)
    async with database.transaction(alice.workspace_id) as tx:
        now, used = await tx.now(), None
        for n in range(7):
            used = windows.added(used, now - timedelta(minutes=2 if n < 2 else 0), is_new_chat=True)
        sql = "INSERT INTO lanes (workspace_id, device_id, shard, used) VALUES ($1, $2, 0, $3)"
        await tx.execute(sql, alice.workspace_id, device, used)
    health = await get(http(alice), device, "/health")
    assert health["allowance_left"] == {"minute": 7, "hour": 493, "day": 4993, "new_chats": 0}
    assert health["new_chats_allowance"] == 7
    assert [each["name"] for each in health["checks"] if not each["ok"]] == ["May begin conversations"]
    await later(stage, 90_000, 3600)  # the day slides by whole hours
    assert (await get(http(alice), device, "/health"))["allowance_left"]["new_chats"] == 7


# ---------------------------------------------------------------------- age


@pytest.mark.parametrize(("days", "day", "most"), [(0, 1, 20), (2, 3, 20), (3, 4, 50), (8, 9, 100), (15, 16, 200), (30, 31, 250)])
async def test_a_number_s_age_sets_how_many_conversations_it_may_begin(
    http: Http, alice: Caller, stage: Stage, database: db.Database, days: int, day: int, most: int
) -> None:
    device = await linked(stage, http(alice))
    async with database.transaction(alice.workspace_id) as tx:
        # as old as it would be, and of the kind whose rules go by age
        sql = "UPDATE devices SET driver = 'linked', linked_at = $2 WHERE id = $1"
        await tx.execute(sql, device, await tx.now() - timedelta(days=days, hours=1))
    health = await get(http(alice), device, "/health")
    assert (health["days_linked"], health["new_chats_allowance"]) == (day, most)


async def test_the_age_counts_from_the_first_linking_of_this_number(http: Http, alice: Caller, stage: Stage) -> None:
    client = http(alice)
    assert (await get(client, (await add(client))["id"], "/health"))["days_linked"] == 0
    device = await linked(stage, client, "60123456789")
    first = (await get(client, device))["linked_at"]
    assert first
    await later(stage, 3 * 86_400, 3600)
    await stage.wait(client.post(f"/api/devices/{device}/logout"))
    await scan(stage, client, device, "60123456789")
    assert (await get(client, device))["linked_at"] == first, "the same number is not younger for being linked again"
    assert (await get(client, device, "/health"))["days_linked"] == 4
    await stage.wait(client.post(f"/api/devices/{device}/logout"))
    await scan(stage, client, device, "60198765432")
    assert (await get(client, device))["linked_at"] > first
    assert (await get(client, device, "/health"))["days_linked"] == 1


async def test_demo_devices_are_as_free_as_the_demo_needs(http: Http, alice: Caller, stage: Stage, database: db.Database) -> None:
    device = await linked(stage, http(alice))
    async with database.transaction(alice.workspace_id) as tx:
        await tx.execute("UPDATE devices SET is_demo = true WHERE id = $1", device)
    health = await get(http(alice), device, "/health")
    assert health["new_chats_allowance"] == 10_000


# ---------------------------------------------------------------------- conversations without an answer


async def test_conversations_that_nobody_answered_are_counted(
    http: Http, alice: Caller, mallory: Caller, stage: Stage, database: db.Database
) -> None:
    device = await linked(stage, http(alice))
    other = (await add(http(alice)))["id"]
    async with database.transaction(alice.workspace_id) as tx:
        now = await tx.now()
        rows = [
            (device, 1, None),  # counts
            (device, 29, None),  # counts
            (device, 31, None),  # too long ago
            (device, 5, 4),  # answered
            (device, None, 3),  # wrote first
            (other, 1, None),  # another device's
        ]
        for number, (which, began, answered) in enumerate(rows):
            person = await persons.at_phone(tx, alice.workspace_id, f"6012345670{number}")
            sql = "INSERT INTO chats (workspace_id, device_id, person_id, first_out_at, first_in_at) VALUES ($1, $2, $3, $4, $5)"
            days = [now - timedelta(days=each) if each is not None else None for each in (began, answered)]
            await tx.execute(sql, alice.workspace_id, which, person, *days)
    assert (await get(http(alice), device, "/health"))["unanswered"] == 2


# ---------------------------------------------------------------------- restrictions


async def test_a_restriction_says_what_holds_until_when_and_leaves_its_mark_for_30_days(
    http: Http, alice: Caller, stage: Stage
) -> None:
    client = http(alice)
    device = await linked(stage, client)
    await stage.does(device, "restrict", for_seconds=3600)
    await stage.until(lambda each: each.state is S.RESTRICTED, device)
    health = await get(client, device, "/health")
    assert health["words"].startswith("WhatsApp lets this number start no new chats until 1 December 2026, 03:0")
    assert "People who wrote to you can be answered. Nothing was moved." in health["words"]
    at, mark = (datetime.fromisoformat(health[name]) for name in ("restriction_at", "restriction_mark"))
    assert mark == at + timedelta(days=30)
    assert health["restriction_until"]
    assert health["needs_reason"]
    await later(stage, 3600, 60)
    await stage.until(lambda each: each.state is S.ONLINE, device)
    await client.post(f"/api/devices/{device}/pause")
    ended = await get(client, device, "/health")
    assert (ended["restriction_until"], ended["restriction_at"]) == (None, health["restriction_at"])
    assert ended["restriction_words"] == health["words"]
    await later(stage, 30 * 86_400, 6 * 3600)
    gone = await get(client, device, "/health")
    assert (gone["restriction_mark"], gone["restriction_words"], gone["needs_reason"]) == (None, None, False)


async def test_a_pause_while_restricted_is_no_new_restriction(http: Http, alice: Caller, stage: Stage) -> None:
    client = http(alice)
    device = await linked(stage, client)
    await stage.does(device, "restrict", for_seconds=86_400)
    await stage.until(lambda each: each.state is S.RESTRICTED, device)
    before = (await get(client, device, "/health"))["restriction_mark"]
    await stage.passes(600, 60)
    await client.post(f"/api/devices/{device}/pause")
    await client.post(f"/api/devices/{device}/resume", json={"reason": "x"})
    assert (await get(client, device, "/health"))["restriction_mark"] == before


async def test_after_a_restriction_resuming_takes_a_reason(http: Http, alice: Caller, stage: Stage) -> None:
    client = http(alice)
    device = await linked(stage, client)
    await stage.does(device, "restrict", for_seconds=60)
    await stage.until(lambda each: each.state is S.RESTRICTED, device)
    await stage.until(lambda each: each.state is S.ONLINE, device, 300)
    await client.post(f"/api/devices/{device}/pause")
    for body in (None, {"reason": "  "}):
        refused = await client.post(f"/api/devices/{device}/resume", json=body)
        assert refused.status_code == 422
        assert [(each["field"], each["code"]) for each in refused.json()["errors"]] == [("reason", "required")]
    resumed = await client.post(f"/api/devices/{device}/resume", json={"reason": "We asked these people first."})
    assert not resumed.json()["sending_paused"]


async def test_a_lock_that_nobody_knows_the_end_of_waits_for_a_person_at_last(http: Http, alice: Caller, stage: Stage) -> None:
    """24 h, doubling, then a person, whose resume is one more look and no more."""
    client = http(alice)
    device = await linked(stage, client)
    await stage.does(device, "restrict")
    for hours in (24, 48, 96):
        locked = await stage.until(lambda each: each.state is S.RESTRICTED and each.hold_until is not None, device)
        assert locked.hold_until is not None
        assert locked.hold_until - locked.state_since == timedelta(hours=hours)
        await later(stage, hours * 3600 + 30, 3600)
    locked = await stage.until(lambda each: each.state_reason == "reach_out_lock_person", device)
    assert locked.hold_until is None
    await later(stage, 10 * 86_400, 6 * 3600)
    assert (await stage.device(device)).state is S.RESTRICTED
    shown = await get(client, device)
    assert "does not try by itself any more" in shown["words"]
    assert "Resume with a reason" in shown["advice"]
    assert (await client.post(f"/api/devices/{device}/resume")).status_code == 422
    assert (await client.post(f"/api/devices/{device}/resume", json={"reason": "We stopped."})).status_code == 200
    tried = [each["state"] for each in stage.told("device.status")]
    await stage.passes(5)
    assert [each["state"] for each in stage.told("device.status")][len(tried) :] == ["online", "restricted"], "one look"
    assert (await stage.device(device)).hold_until is None
    await client.post(f"/api/devices/{device}/resume", json={"reason": "We hear it was lifted."})
    await stage.does(device, "online")
    await stage.until(lambda each: each.state is S.ONLINE, device, 60)


# ---------------------------------------------------------------------- pauses


async def pause_by_rule(
    database: db.Database, caller: Caller, device: str, cause: str = "blocks", rest: timedelta | None = None
) -> None:
    async with database.transaction(caller.workspace_id) as tx:
        until = await tx.now() + rest if rest else None
        await service.pause(tx, device, cause, until, said="2 of the last 100 people blocked this number.")


async def test_a_rule_pauses_and_a_person_resumes_with_a_reason_on_record(
    http: Http, alice: Caller, bob: Caller, stage: Stage, database: db.Database
) -> None:
    client = http(bob)
    device = await linked(stage, client)
    await pause_by_rule(database, bob, device)
    shown = await get(client, device)
    assert (shown["sending_paused"], shown["pause_reason"], shown["resume_after"]) == (True, "blocks", None)
    assert shown["pause_words"] == "People blocked this number or complained, so sending was paused."
    health = await get(client, device, "/health")
    assert health["needs_reason"]
    assert [each["advice"] for each in health["checks"] if each["name"] == "Sending"] == [
        f"{shown['pause_words']} A person resumes it, with a reason."
    ]
    history = (await client.get(f"/api/devices/{device}/events")).json()["items"]
    assert history[0]["words"] == "2 of the last 100 people blocked this number."
    assert (await client.post(f"/api/devices/{device}/resume")).status_code == 422
    resumed = await client.post(f"/api/devices/{device}/resume", json={"reason": " The list was wrong. "})
    assert (resumed.json()["sending_paused"], resumed.json()["pause_reason"]) == (False, None)
    async with database.transaction(alice.workspace_id) as tx:
        rows = await tx.fetch("SELECT * FROM audit ORDER BY seq")
        assert await audit.first_broken(tx, alice.workspace_id) is None
    assert [(row["action"], row["actor"], row["object_id"], row["reason"]) for row in rows] == [
        ("device.paused", "rules", device, "blocks"),
        ("device.resumed", "Bob", device, "The list was wrong."),
    ]
    assert rows[1]["before"] == {"paused": True, "cause": "blocks", "state": "online"}


async def test_before_its_rest_is_over_nobody_resumes_it(http: Http, alice: Caller, stage: Stage, database: db.Database) -> None:
    client = http(alice)
    device = await linked(stage, client)
    await pause_by_rule(database, alice, device, "restriction", timedelta(hours=24))
    early = await client.post(f"/api/devices/{device}/resume", json={"reason": "Now!"})
    assert (early.status_code, early.json()["code"]) == (409, "cooling_down")
    shown = await get(client, device)
    assert early.json()["resume_after"] == shown["resume_after"]
    await pause_by_rule(database, alice, device, "blocks", timedelta(hours=1))
    assert (await get(client, device))["resume_after"] == shown["resume_after"], "the longest rest counts"
    assert (await get(client, device))["pause_reason"] == "restriction"
    await later(stage, 24 * 3600, 3600)
    assert (await client.post(f"/api/devices/{device}/resume", json={"reason": "Now."})).status_code == 200


async def test_what_a_person_paused_needs_no_reason_until_a_rule_pauses_it_too(
    http: Http, alice: Caller, stage: Stage, database: db.Database
) -> None:
    client = http(alice)
    device = await linked(stage, client)
    url = f"/api/devices/{device}"
    assert (await client.post(f"{url}/pause", json={"reason": "Holiday."})).json()["pause_reason"] == "person"
    assert (await client.post(f"{url}/resume")).status_code == 200
    await client.post(f"{url}/pause")
    await pause_by_rule(database, alice, device, "opt_outs")
    assert (await get(client, device))["pause_reason"] == "opt_outs"
    assert (await client.post(f"{url}/pause")).json()["pause_reason"] == "opt_outs", "a person's pause lifts no rule's"
    assert (await client.post(f"{url}/resume")).status_code == 422


async def test_a_rule_that_fires_twice_is_one_pause(http: Http, alice: Caller, stage: Stage, database: db.Database) -> None:
    device = await linked(stage, http(alice))
    for _ in range(2):
        await pause_by_rule(database, alice, device)
    async with database.transaction(alice.workspace_id) as tx:
        assert await tx.fetchval("SELECT count(*) FROM audit") == 1
        assert await tx.fetchval("SELECT count(*) FROM device_events WHERE reason = 'paused'") == 1


# ---------------------------------------------------------------------- after a temporary ban


async def attempts(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Fills with the times at which a line was opened, by the fake clock."""
    opened: list[float] = []
    real = stage.driver.open

    async def counting(ref: port.DeviceRef) -> None:
        opened.append(stage.time.monotonic())
        await real(ref)

    monkeypatch.setattr(stage.driver, "open", counting)
    return opened


async def test_after_a_ban_the_line_is_tried_once_in_15_minutes_at_most(
    http: Http, alice: Caller, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = http(alice)
    device = await linked(stage, client)
    await stage.does(device, "ban", for_seconds=60)
    await stage.until(lambda each: each.state is S.BANNED_UNTIL, device)
    banned = stage.time.monotonic()
    await stage.does(device, "offline")  # and then nobody answers for hours
    opened = await attempts(stage, monkeypatch)
    for _ in range(3 * 60):
        await stage.passes(60, 2)
        await stage.wait(client.post(f"/api/devices/{device}/refresh"))
    gaps = [later - sooner for sooner, later in zip([banned, *opened], opened, strict=False)]
    assert 10 <= len(opened) <= 12, "and tried it is"
    assert min(gaps) >= 900 - 2  # a try is noted, then made; the fake clock may move a step of two seconds between
    early = await client.post(f"/api/devices/{device}/connect")
    assert (early.status_code, early.json()["code"]) == (409, "banned_until")
    assert early.json()["next_at"]
    await stage.does(device, "online")
    back = await stage.until(lambda each: each.state is S.ONLINE, device, 1000)
    assert back.probe_at is None


async def test_a_restart_of_the_program_does_not_try_sooner(
    http: Http, alice: Caller, stage: Stage, database: db.Database
) -> None:
    device = await linked(stage, http(alice))
    await stage.does(device, "ban", for_seconds=60)
    await stage.until(lambda each: each.state is S.BANNED_UNTIL, device)
    async with database.system() as tx:
        now = await tx.now()
        await store.start_anew(tx, now)
        for minutes, due in ((1, []), (14, []), (15, [device])):
            found = await store.wanting(tx, now + timedelta(minutes=minutes, seconds=1), (), 10)
            assert [each.id for each in found] == due, minutes


async def test_nobody_is_resumed_across_the_wall(http: Http, alice: Caller, mallory: Caller, stage: Stage) -> None:
    device = await linked(stage, http(alice))
    for path in ("pause", "resume"):
        assert (await http(mallory).post(f"/api/devices/{device}/{path}", json={"reason": "x"})).status_code == 404
    assert not (await get(http(alice), device))["sending_paused"]
    assert ids.is_id(device)
