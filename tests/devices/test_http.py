"""The routes of devices, as a browser or a program uses them."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from hantar.accounts.model import Caller
from hantar.devices import words
from hantar.gateways.port import DeviceState as S
from hantar.kit import db, ids, windows
from tests import cast
from tests.cast import Http
from tests.devices.stage import Stage


async def add(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    reply = await client.post("/api/devices", json={"name": "Shop", **more})
    assert reply.status_code == 201, reply.text
    body: dict[str, Any] = reply.json()
    return body


async def linked(stage: Stage, client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    """A device that is online."""
    made = await add(client, **more)
    await stage.wait(client.get(f"/api/devices/{made['id']}/qr"))
    await stage.does(made["id"], "scan")
    await stage.until(lambda device: device.state is S.ONLINE, made["id"])
    found: dict[str, Any] = (await client.get(f"/api/devices/{made['id']}")).json()
    return found


# ---------------------------------------------------------------------- the list


async def test_a_device_is_added_with_its_defaults(http: Http, bob: Caller, stage: Stage) -> None:
    made = await add(http(bob), phone="012-345 6789")
    assert (made["state"], made["status"], made["driver"]) == ("new", "offline", "simulator")
    assert made["phone"] == "60123456789"
    assert made["limits"] == {"per_minute": 20, "per_hour": 500, "per_day": 5000}
    assert (made["lead_count"], made["sent_today"], made["failed_today"], made["queue_size"]) == (0, 0, 0, 0)
    assert made["created_at"].endswith("Z")
    assert made["words"]
    assert (await http(bob).get(f"/api/devices/{made['id']}")).json() == made


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "x", "phone": "6.01E+10"}, "phone"),
        ({"name": "x", "driver": "telegram"}, "driver"),
        ({"name": "x", "limits": {"per_minute": 0}}, "limits.per_minute"),
        ({"name": "x", "min_delay_seconds": -1}, "min_delay_seconds"),
        ({"name": "x", "min_delay_seconds": 5, "max_delay_seconds": 2}, "max_delay_seconds"),
    ],
)
async def test_bad_devices_are_refused_on_their_field(
    http: Http, bob: Caller, stage: Stage, body: dict[str, Any], field: str
) -> None:
    reply = await http(bob).post("/api/devices", json=body)
    assert reply.status_code == 422, reply.text
    assert [each["field"] for each in reply.json()["errors"]] == [field]
    assert (await http(bob).get("/api/devices")).json()["items"] == []


async def test_the_account_has_a_limit_of_devices(http: Http, bob: Caller, stage: Stage, database: db.Database) -> None:
    async with database.door() as tx:
        await tx.execute("UPDATE workspaces SET device_limit = 2 WHERE id = $1", bob.workspace_id)
    replies = await asyncio.gather(*(http(bob).post("/api/devices", json={"name": f"n{n}"}) for n in range(4)))
    assert sorted(reply.status_code for reply in replies) == [201, 201, 409, 409]
    refused = next(reply.json() for reply in replies if reply.status_code == 409)
    assert (refused["code"], refused["limit"]) == ("device_limit", 2)


async def test_the_list_is_filtered_and_paged(http: Http, bob: Caller, stage: Stage) -> None:
    client = http(bob)
    for number in range(5):
        await add(client, name=f"Shop {number}", phone=f"6012345670{number}")
    first = (await client.get("/api/devices?limit=2&with_total=true")).json()
    assert [each["name"] for each in first["items"]] == ["Shop 4", "Shop 3"]
    assert first["total"] == 5
    second = (await client.get(f"/api/devices?limit=3&cursor={first['next_cursor']}")).json()
    assert [each["name"] for each in second["items"]] == ["Shop 2", "Shop 1", "Shop 0"]
    assert second["next_cursor"] is None
    assert len((await client.get("/api/devices?q=shop 3")).json()["items"]) == 1
    assert len((await client.get("/api/devices?q=%2B60123456702")).json()["items"]) == 1
    assert len((await client.get("/api/devices?q=%25")).json()["items"]) == 0
    assert len((await client.get("/api/devices?state=new&status=offline")).json()["items"]) == 5
    assert len((await client.get("/api/devices?status=online")).json()["items"]) == 0
    assert len((await client.get("/api/devices?niche=ITADRESS")).json()["items"]) == 0
    assert (await client.get("/api/devices?cursor=rubbish")).status_code == 400
    assert (await client.get("/api/devices?state=asleep")).status_code == 422


async def test_names_and_limits_change_and_what_is_left_out_stays(http: Http, bob: Caller, stage: Stage) -> None:
    client = http(bob)
    made = await add(client, phone="60123456789")
    url = f"/api/devices/{made['id']}"
    changed = (await client.put(url, json={"name": "Stall", "limits": {"per_minute": 7}})).json()
    assert changed["name"] == "Stall"
    assert changed["limits"] == {"per_minute": 7, "per_hour": 500, "per_day": 5000}
    assert changed["phone"] == "60123456789"
    assert (await client.patch(url, json={"phone": None})).json()["phone"] is None
    reply = await client.put(url, json={"min_delay_seconds": 9})
    assert reply.status_code == 422
    reply = await client.put(url, json={"min_delay_seconds": 9, "max_delay_seconds": 12})
    assert (reply.json()["min_delay_seconds"], reply.json()["max_delay_seconds"]) == (9, 12)


async def test_a_linked_number_is_not_edited_away(http: Http, bob: Caller, stage: Stage) -> None:
    client = http(bob)
    made = await linked(stage, client, phone="60123456789")
    url = f"/api/devices/{made['id']}"
    for phone in ("60198765432", None, ""):
        reply = await client.put(url, json={"phone": phone})
        assert (reply.status_code, reply.json()["code"]) == (409, "phone_differs")
    assert (await client.put(url, json={"phone": "+60 12-345 6789", "name": "A"})).json()["name"] == "A"


# ---------------------------------------------------------------------- linking


async def test_a_device_is_linked_by_its_picture(http: Http, bob: Caller, stage: Stage) -> None:
    client = http(bob)
    made = await add(client)
    url = f"/api/devices/{made['id']}/qr"
    reply = await stage.wait(client.get(url, headers={"Accept": "image/png"}))
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "image/png"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.content.startswith(b"\x89PNG")
    plain = (await stage.wait(client.get(f"/api/app/qr?device_id={made['id']}"))).json()
    bare = (await stage.wait(client.get(f"/app/qr?device_id={made['id']}"))).json()
    assert plain == bare
    assert plain["attempt"] == 1
    assert stage.told("device.qr")[0]["qr"] == plain["qr"]
    assert (await client.get(f"/api/devices/{made['id']}")).json()["state"] == "pairing"
    done = await stage.wait(client.post(f"/api/devices/{made['id']}/simulate", json={"action": "scan"}))
    assert done.json()["done"] == "scan"
    online = await stage.until(lambda device: device.state is S.ONLINE, made["id"])
    assert online.is_linked
    assert stage.told("device.paired") == [{"device_id": made["id"], "phone": online.phone, "jid": online.jid}]
    assert stage.told("device.status")[-1]["status"] == "online"
    again = await client.get(url)
    assert (again.status_code, again.json()["code"]) == (409, "already_linked")
    history = (await client.get(f"/api/devices/{made['id']}/events")).json()["items"]
    assert [each["state"] for each in history] == ["online", "connecting", "pairing"]


async def test_a_device_is_linked_by_a_typed_code(http: Http, bob: Caller, stage: Stage) -> None:
    client = http(bob)
    made = await add(client)
    url = f"/api/devices/{made['id']}"
    assert (await stage.wait(client.post(f"{url}/pair-code", json={"phone": "banana"}))).status_code == 422
    code = (await stage.wait(client.post(f"{url}/pair-code", json={"phone": "0123456789"}))).json()
    assert len(code["pair_code"]) == 8
    bad = await stage.wait(client.post(f"{url}/simulate", json={"action": "scan", "code": "XXXXXXXX"}))
    assert bad.status_code == 409
    body = {"action": "scan", "code": code["pair_code"]}
    assert (await stage.wait(client.post(f"{url}/simulate", json=body))).status_code == 200
    online = await stage.until(lambda device: device.state is S.ONLINE, made["id"])
    assert online.phone == "60123456789"
    again = await stage.wait(client.post(f"{url}/pair-code", json={"phone": "0123456789"}))
    assert again.json()["code"] == "already_linked"


async def test_codes_that_nobody_scans_run_out_and_can_be_shown_anew(http: Http, bob: Caller, stage: Stage) -> None:
    client = http(bob)
    made = await add(client)
    first = (await stage.wait(client.get(f"/api/devices/{made['id']}/qr"))).json()
    await stage.passes(61, 1)
    second = (await stage.wait(client.get(f"/api/devices/{made['id']}/qr"))).json()
    assert (first["attempt"], second["attempt"]) == (1, 2)
    found = await stage.until(lambda device: device.state is S.NEW, made["id"])
    assert "Show a new one" in words.of(found.state, found.state_reason)
    third = (await stage.wait(client.get(f"/api/devices/{made['id']}/qr"))).json()
    assert third["attempt"] == 1


async def test_without_an_answer_there_is_no_code_and_no_wait_without_end(http: Http, bob: Caller, stage: Stage) -> None:
    client = http(bob)
    made = await add(client)
    await stage.wait(stage.driver.close(timedelta(0)))
    reply = await stage.wait(client.get(f"/api/devices/{made['id']}/qr"))
    assert (reply.status_code, reply.json()["code"]) == (503, "qr_not_ready")
    assert reply.headers["retry-after"]


async def test_another_number_than_the_one_written_down_is_kept_and_said(http: Http, bob: Caller, stage: Stage) -> None:
    client = http(bob)
    made = await add(client, phone="60123456789")
    body = {"action": "scan", "phone": "60198765432"}
    await stage.wait(client.post(f"/api/devices/{made['id']}/simulate", json=body))
    online = await stage.until(lambda device: device.state is S.ONLINE, made["id"])
    assert online.phone == "60198765432"
    history = (await client.get(f"/api/devices/{made['id']}/events")).json()["items"]
    assert any("another number" in each["words"] for each in history)


async def test_logging_out_unlinks_at_the_service_and_keeps_the_number(http: Http, bob: Caller, stage: Stage) -> None:
    client = http(bob)
    made = await linked(stage, client)
    reply = await stage.wait(client.post(f"/api/devices/{made['id']}/logout"))
    out = reply.json()
    assert (out["state"], out["phone"], out["jid"]) == ("logged_out", made["phone"], made["jid"])
    assert [line["effect"] for line in stage.book.lines()][-1] == "unlinked"
    assert stage.told("device.logged_out") == [{"device_id": made["id"], "reason": "user", "by": "user"}]
    assert (await stage.wait(client.post(f"/api/devices/{made['id']}/logout"))).status_code == 200
    await stage.passes(10)
    assert (await stage.device(made["id"])).state is S.LOGGED_OUT
    reply = await stage.wait(client.get(f"/api/devices/{made['id']}/qr"))
    assert reply.status_code == 200
    await stage.does(made["id"], "scan")
    await stage.until(lambda device: device.state is S.ONLINE, made["id"])


# ---------------------------------------------------------------------- connecting


async def test_disconnecting_keeps_the_link_and_connecting_needs_no_code(http: Http, bob: Caller, stage: Stage) -> None:
    client = http(bob)
    made = await linked(stage, client)
    url = f"/api/devices/{made['id']}"
    assert (await client.post(f"{url}/disconnect")).json()["state"] == "stopped"
    await stage.passes(30, 1)
    assert (await stage.device(made["id"])).state is S.STOPPED
    reply = await client.post(f"{url}/connect")
    assert (reply.status_code, reply.json()) == (202, {"state": "connecting"})
    await stage.until(lambda device: device.state is S.ONLINE, made["id"])
    assert (await client.post(f"{url}/connect")).json() == {"state": "online"}


async def test_a_refresh_says_what_it_found(http: Http, bob: Caller, stage: Stage) -> None:
    client = http(bob)
    made = await linked(stage, client)
    url = f"/api/devices/{made['id']}"

    async def refreshed() -> str:
        reply = await stage.wait(client.post(f"{url}/refresh"))
        return str(reply.json().get("result") or reply.json()["code"])

    assert await refreshed() == "already_online"
    await client.post(f"{url}/disconnect")
    assert await refreshed() == "reconnected"
    await stage.does(made["id"], "offline")
    await stage.until(lambda device: device.state is S.OFFLINE, made["id"])
    assert await refreshed() == "unreachable"
    await stage.does(made["id"], "online")
    await stage.until(lambda device: device.state is S.ONLINE, made["id"])
    await stage.does(made["id"], "ban", for_seconds=3600)
    await stage.until(lambda device: device.state is S.BANNED_UNTIL, made["id"])
    assert await refreshed() == "banned_until"
    await stage.does(made["id"], "log_out")
    await stage.until(lambda device: device.state is S.LOGGED_OUT, made["id"])
    assert await refreshed() == "qr_required"


async def test_sending_is_paused_and_resumed_with_a_reason(http: Http, bob: Caller, stage: Stage) -> None:
    client = http(bob)
    made = await add(client)
    url = f"/api/devices/{made['id']}"
    assert (await client.post(f"{url}/pause", json={"reason": "holiday"})).json()["sending_paused"]
    assert not (await client.post(f"{url}/resume")).json()["sending_paused"]
    assert not (await client.post(f"{url}/resume")).json()["sending_paused"]
    history = (await client.get(f"{url}/events")).json()["items"]
    assert [each["words"] for each in history] == ["Sending goes on.", "Sending was paused. Reason: holiday"]


async def test_health_tells_what_is_left_and_what_is_wrong(http: Http, bob: Caller, stage: Stage, database: db.Database) -> None:
    client = http(bob)
    made = await linked(stage, client)
    url = f"/api/devices/{made['id']}/health"
    well = (await client.get(url)).json()
    assert well["allowance_left"] == {"minute": 20, "hour": 500, "day": 5000, "new_chats": 10_000}
    assert all(each["ok"] for each in well["checks"])
    async with database.transaction(bob.workspace_id) as tx:
        now = await tx.now()
        used = None
        for n in range(30):
            used = windows.added(used, now - timedelta(minutes=90 if n < 10 else 0), is_new_chat=False)
        sql = "INSERT INTO lanes (workspace_id, device_id, shard, used) VALUES ($1, $2, 0, $3)"
        await tx.execute(sql, bob.workspace_id, made["id"], used)
    await stage.does(made["id"], "restrict", for_seconds=3600)
    await stage.until(lambda device: device.state is S.RESTRICTED, made["id"])
    ill = (await client.get(url)).json()
    assert ill["allowance_left"] == {"minute": 0, "hour": 480, "day": 4970, "new_chats": 10_000}
    assert ill["restriction_until"]
    assert ill["restriction_mark"]
    assert "Nothing was moved" in ill["words"]
    assert [each["name"] for each in ill["checks"] if not each["ok"]] == ["Free of restrictions", "Below its limits"]


async def test_one_number_is_checked_and_many_are_not(http: Http, bob: Caller, stage: Stage) -> None:
    client = http(bob)
    made = await add(client)
    url = f"/api/devices/{made['id']}/check-number"
    away = await client.post(url, json={"phone": "60123456789"})
    assert (away.status_code, away.json()["code"]) == (409, "device_not_connected")
    made = await linked(stage, client)
    url = f"/api/devices/{made['id']}/check-number"
    found = (await stage.wait(client.post(url, json={"phone": "60123456789"}))).json()
    assert found == {"on_whatsapp": True, "jid": "60123456789@s.whatsapp.net"}
    codes = [(await stage.wait(client.post(url, json={"phone": "60123456789"}))).status_code for _ in range(20)]
    assert codes == [200] * 19 + [429]


# ---------------------------------------------------------------------- simulating


async def test_every_trouble_can_be_asked_for(http: Http, bob: Caller, stage: Stage) -> None:
    client = http(bob)
    made = await linked(stage, client)
    url = f"/api/devices/{made['id']}/simulate"

    async def does(action: str, state: S | None = None, **more: Any) -> None:
        reply = await stage.wait(client.post(url, json={"action": action, **more}))
        assert reply.status_code == 200, reply.text
        assert reply.json()["done"] == action
        if state is not None:
            await stage.until(lambda device: device.state is state, made["id"])

    await does("inbound", phone="60123456789", text="STOP")
    await does("inbound", phone="60123456789", text="Hi", opaque="99@lid")
    for action in ("rate_limit", "reject", "lose_ack"):
        await does(action)
    await does("offline", S.OFFLINE)
    await does("online", S.ONLINE)
    await does("restrict", S.RESTRICTED, for_seconds=600)
    await does("online", S.ONLINE)
    await does("ban", S.BANNED_UNTIL, for_seconds=600)
    await does("online", S.ONLINE)
    await does("replace", S.REPLACED)
    await does("online")
    await does("log_out", S.LOGGED_OUT)
    refused = await stage.wait(client.post(url, json={"action": "offline"}))
    assert (refused.status_code, refused.json()["detail"]) == (409, "The device is not linked.")
    assert (await client.post(url, json={"action": "explode"})).status_code == 422
    assert (await client.post(url, json={"action": "inbound", "phone": "x"})).status_code == 422


async def test_only_a_simulated_device_is_played_with(
    http: Http, bob: Caller, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await add(http(bob))
    monkeypatch.setattr(stage.driver, "caps", replace(stage.driver.caps, simulated=False))
    reply = await http(bob).post(f"/api/devices/{made['id']}/simulate", json={"action": "scan"})
    assert (reply.status_code, reply.json()["code"]) == (409, "not_a_simulator")


# ---------------------------------------------------------------------- deleting


async def fill(database: db.Database, caller: Caller, device_id: str, count: int = 3) -> None:
    """Leads with a message each: some waiting, some sent, some failed."""
    content = ids.new_id()
    async with database.transaction(caller.workspace_id) as tx:
        now = await tx.now()
        await tx.execute(
            "INSERT INTO contents (workspace_id, id, kind, text, created_at) VALUES ($1, $2, 'text', 'x', $3)",
            caller.workspace_id,
            content,
            now,
        )
        for number in range(count):
            person, lead, phone = ids.new_id(), ids.new_id(), f"6012{device_id[-3:]}{number:04d}"
            person_sql = "INSERT INTO persons (workspace_id, id, phone, created_at) VALUES ($1, $2, $3, $4)"
            await tx.execute(person_sql, caller.workspace_id, person, phone, now)
            await tx.execute(
                """INSERT INTO leads (workspace_id, id, person_id, device_id, name, phone, created_at, updated_at)
                   VALUES ($1, $2, $3, $4, 'Ann', $5, $6, $6)""",
                caller.workspace_id,
                lead,
                person,
                device_id,
                phone,
                now,
            )
            message = ids.new_id()
            await tx.execute(
                """INSERT INTO messages (workspace_id, id, kind, source_id, person_id, lead_id, device_id, content_id,
                     phone, state, priority, not_before, expires_at, created_at)
                   VALUES ($1, $2, 'campaign', $2, $3, $4, $5, $6, $7, 'queued', 5, $8, $8, $8)""",
                caller.workspace_id,
                message,
                person,
                lead,
                device_id,
                content,
                phone,
                now,
            )
            if number:
                await tx.execute("UPDATE messages SET state = 'claimed', claimed_at = $2 WHERE id = $1", message, now)
                state = "sent" if number == 1 else "failed"
                await tx.execute(
                    """UPDATE messages SET state = $2, ended_at = $3::timestamptz,
                         sent_at = CASE WHEN $2 = 'sent' THEN $3::timestamptz END WHERE id = $1""",
                    message,
                    state,
                    now,
                )


async def test_figures_count_leads_and_todays_messages(http: Http, bob: Caller, stage: Stage, database: db.Database) -> None:
    made = await add(http(bob))
    await fill(database, bob, made["id"])
    found = (await http(bob).get(f"/api/devices/{made['id']}")).json()
    assert (found["lead_count"], found["sent_today"], found["failed_today"], found["queue_size"]) == (3, 1, 1, 1)
    stage.time.jump(timedelta(hours=15))  # past midnight in Kuala Lumpur
    found = (await http(bob).get(f"/api/devices/{made['id']}")).json()
    assert (found["sent_today"], found["failed_today"], found["queue_size"]) == (0, 0, 1)


async def test_a_deleted_device_takes_everything_along_and_nothing_of_others(
    http: Http, alice: Caller, stage: Stage, database: db.Database
) -> None:
    client = http(alice)
    made, other = await linked(stage, client), await add(client, name="Other")
    await fill(database, alice, made["id"], 4)
    await fill(database, alice, other["id"], 2)
    preview = (await client.get(f"/api/devices/{made['id']}/deletion-preview")).json()
    assert preview == {"leads": 4, "messages": 4, "pending_messages": 1, "campaigns": 1}
    reply = await stage.wait(client.delete(f"/api/devices/{made['id']}"))
    assert reply.json() == {
        "device_id": made["id"],
        "device_name": "Shop",
        "deleted": {"leads": 4, "messages": 4},
    }
    assert (await client.get(f"/api/devices/{made['id']}")).status_code == 404
    async with database.system() as tx:
        counts = [await tx.fetchval(f"SELECT count(*) FROM {t}") for t in ("leads", "messages", "persons", "devices")]
    assert counts == [2, 2, 6, 1]
    assert [line["effect"] for line in stage.book.lines()][-2:] == ["unlinked", "forgotten"]
    await stage.passes(5)
    assert (made["id"] in stage.keeper._locks, made["id"] in stage.keeper._seqs) == (False, False)


# ---------------------------------------------------------------------- who may

ROUTES = [
    ("GET", "/api/devices/{id}", None),
    ("PUT", "/api/devices/{id}", {"name": "mine"}),
    ("PATCH", "/api/devices/{id}", {"name": "mine"}),
    ("GET", "/api/devices/{id}/deletion-preview", None),
    ("DELETE", "/api/devices/{id}", None),
    ("POST", "/api/devices/{id}/connect", None),
    ("GET", "/api/devices/{id}/qr", None),
    ("GET", "/api/app/qr?device_id={id}", None),
    ("GET", "/app/qr?device_id={id}", None),
    ("POST", "/api/devices/{id}/pair-code", {"phone": "60123456789"}),
    ("POST", "/api/devices/{id}/logout", None),
    ("POST", "/api/devices/{id}/refresh", None),
    ("POST", "/api/devices/{id}/disconnect", None),
    ("POST", "/api/devices/{id}/pause", None),
    ("POST", "/api/devices/{id}/resume", None),
    ("GET", "/api/devices/{id}/events", None),
    ("GET", "/api/devices/{id}/health", None),
    ("POST", "/api/devices/{id}/check-number", {"phone": "60123456789"}),
    ("POST", "/api/devices/{id}/simulate", {"action": "scan"}),
]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
async def test_mallory_finds_nothing(
    http: Http, bob: Caller, mallory: Caller, stage: Stage, method: str, path: str, body: dict[str, Any] | None
) -> None:
    made = await add(http(bob))
    before = await stage.device(made["id"])
    for wanted in (made["id"], ids.new_id(), "not-an-id"):
        reply = await stage.wait(http(mallory).request(method, path.replace("{id}", wanted), json=body))
        assert (reply.status_code, reply.json()["code"]) == (404, "not_found"), reply.text
    assert await stage.device(made["id"]) == before
    assert list(stage.book.lines()) == []


async def test_mallory_counts_and_lists_only_her_own(http: Http, bob: Caller, mallory: Caller, stage: Stage) -> None:
    await add(http(bob))
    page = (await http(mallory).get("/api/devices?with_total=true&q=Shop")).json()
    assert (page["items"], page["total"]) == ([], 0)


def allowed(method: str, path: str) -> set[str]:
    """The weakest who may, and everybody stronger."""
    if method == "DELETE" or path.endswith("preview"):
        return {"alice"}
    if method == "GET" and "qr" not in path:
        return {"alice", "bob", "vera"}
    return {"alice", "bob"}


@pytest.mark.parametrize(("method", "path", "body"), [*ROUTES, ("POST", "/api/devices", {"name": "x"})])
async def test_each_route_names_its_role(
    http: Http,
    alice: Caller,
    bob: Caller,
    vera: Caller,
    stage: Stage,
    method: str,
    path: str,
    body: dict[str, Any] | None,
) -> None:
    nowhere = path.replace("{id}", ids.new_id())
    people = {"alice": alice, "bob": bob, "vera": vera}
    for name, caller in people.items():
        reply = await stage.wait(http(caller).request(method, nowhere, json=body))
        if name in allowed(method, path):
            assert reply.status_code in (201, 404), reply.text
        else:
            assert (reply.status_code, reply.json()["code"]) == (403, "forbidden")
    assert (await http(None).request(method, nowhere, json=body)).status_code == 401


async def test_a_key_needs_its_scope(app: Any, http: Http, alice: Caller, stage: Stage, database: db.Database) -> None:
    key = await cast.add_key(database, alice, "devices:read")
    client = http(None)
    client.headers["Authorization"] = f"Bearer {key}"
    assert (await client.get("/api/devices")).status_code == 200
    refused = await client.post("/api/devices", json={"name": "x"})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
