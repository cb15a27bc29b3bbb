"""The kinds of devices there are, and devices with a number id and a token: tried, added, replaced, asked again; walled off."""

import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast as as_type

import pytest
import structlog
from fastapi import FastAPI

from hantar.accounts.model import Caller
from hantar.devices import health, http, http_kinds, kinds, model, secrets, words
from hantar.devices.keeper import Keeper
from hantar.gateways import port
from hantar.gateways.credentials import NO_LIMIT, Credentials, Quality
from hantar.gateways.port import DeviceState as S
from hantar.kit import clock, cluster
from tests import cast
from tests.cast import Http
from tests.devices.clouds import NUMBER, TOKEN, Clouds, Service
from tests.devices.stage import Stage, WatchedDatabase

KEY = bytes(32)
GIVEN = {"driver": "cloud", "name": "Shop", "number_id": NUMBER, "token": TOKEN}


@pytest.fixture
def service() -> Service:
    made = Service()
    made.add()
    return made


@pytest.fixture
async def stage(
    database: WatchedDatabase, fake_clock: clock.FakeClock, bus: cluster.LocalBus, service: Service
) -> AsyncIterator[Stage]:
    """A keeper of simulated devices and of those with credentials."""
    made = Stage(database, fake_clock, bus)
    clouds = Clouds(service, secrets.of(database, KEY)("cloud"), fake_clock)
    drivers = {"simulator": made.driver, "cloud": as_type(port.Driver, clouds)}
    made.keeper = Keeper(database, drivers, fake_clock, random=lambda: 0.5)
    await clouds.start(made.keeper.take)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def app(database: WatchedDatabase, fake_clock: clock.FakeClock, bus: cluster.LocalBus, stage: Stage) -> FastAPI:
    parts = {
        Keeper: stage.keeper,
        kinds.Kinds: kinds.Kinds(database, stage.keeper, secrets.of(database, KEY)),
    }
    return cast.make_app(database, fake_clock, bus, routers=[http.router, http_kinds.router], parts=parts)


async def kept(database: WatchedDatabase, device_id: str) -> Credentials | None:
    """What is kept, opened."""
    data = await secrets.of(database, KEY)("cloud").load(device_id)
    return Credentials.of(data) if data else None


async def added(stage: Stage, http: Http, caller: Caller, **more: Any) -> dict[str, Any]:
    """A device that is online."""
    reply = await stage.wait(http(caller).post("/api/devices", json={**GIVEN, **more}))
    assert reply.status_code == 201, reply.text
    found: dict[str, Any] = reply.json()
    await stage.until(lambda device: device.state is S.ONLINE, found["id"])
    return found


# ---------------------------------------------------------------------- kinds


async def test_the_kinds_of_devices_say_what_they_can(http: Http, vera: Caller) -> None:
    items = {each["name"]: each for each in (await http(vera).get("/api/drivers")).json()["items"]}
    assert list(items) == ["simulator", "cloud"]
    assert (items["simulator"]["simulated"], items["simulator"]["is_default"], items["simulator"]["pairing_qr"]) == (True,) * 3
    assert (items["cloud"]["credentials"], items["cloud"]["templates"]) == (True, True)
    assert (items["cloud"]["pairing_qr"], items["cloud"]["is_default"], items["cloud"]["unofficial"]) == (False,) * 3


# ---------------------------------------------------------------------- trying


async def test_credentials_are_tried_and_nothing_is_kept(
    http: Http, bob: Caller, stage: Stage, service: Service, database: WatchedDatabase
) -> None:
    service.add(tier=2000)
    body = {"driver": "cloud", "number_id": NUMBER, "token": TOKEN}
    found = (await stage.wait(http(bob).post("/api/devices/check-credentials", json=body))).json()
    assert (found["phone"], found["name"], found["quality"], found["tier"]) == ("60123456789", "Kedai Kopi", "green", 2000)
    assert "take well" in found["quality_words"]
    assert TOKEN not in str(found)
    assert (await http(bob).get("/api/devices")).json()["items"] == []


@pytest.mark.parametrize("pasted", [f" Bearer {TOKEN}\n", f'"{TOKEN}"', f"{TOKEN}\r\n"])
async def test_what_paste_brings_along_is_left_out(http: Http, bob: Caller, stage: Stage, service: Service, pasted: str) -> None:
    body = {"driver": "cloud", "number_id": f"\u200b{NUMBER[:5]} {NUMBER[5:]}\n", "token": pasted, "business_id": " "}
    reply = await stage.wait(http(bob).post("/api/devices/check-credentials", json=body))
    assert reply.status_code == 200, reply.text
    assert service.asked == [Credentials(NUMBER, TOKEN)]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"number_id": "required", "token": "required"}),
        ({"number_id": "abc", "token": "two words of it"}, {"number_id": "bad_format", "token": "bad_format"}),
        ({"number_id": NUMBER, "token": TOKEN, "business_id": "?"}, {"business_id": "bad_format"}),
        ({"number_id": "999999999", "token": TOKEN}, {"number_id": "refused_by_service"}),
        ({"number_id": NUMBER, "token": "another-token"}, {"token": "refused_by_service"}),
    ],
)
async def test_what_is_wrong_lands_on_its_field_and_no_device_is_made(
    http: Http, bob: Caller, stage: Stage, body: dict[str, str], errors: dict[str, str]
) -> None:
    for path in ("/api/devices/check-credentials", "/api/devices"):
        reply = await stage.wait(http(bob).post(path, json={"driver": "cloud", "name": "Shop", **body}))
        assert reply.status_code == 422, reply.text
        assert {each["field"]: each["code"] for each in reply.json()["errors"]} == errors
        assert body.get("token", "no token") not in reply.text
    assert (await http(bob).get("/api/devices")).json()["items"] == []


async def test_a_service_that_is_away_is_no_wrong_token(http: Http, bob: Caller, stage: Stage, service: Service) -> None:
    service.is_away = True
    for path in ("/api/devices/check-credentials", "/api/devices"):
        reply = await stage.wait(http(bob).post(path, json=GIVEN))
        assert (reply.status_code, reply.json()["code"]) == (503, "service_away")
    assert (await http(bob).get("/api/devices")).json()["items"] == []


async def test_guessing_tokens_comes_to_an_end(http: Http, bob: Caller, stage: Stage, service: Service) -> None:
    body = {"driver": "cloud", "number_id": NUMBER, "token": "guess-by-guess"}
    codes = [(await stage.wait(http(bob).post("/api/devices/check-credentials", json=body))).status_code for _ in range(21)]
    assert (set(codes[:20]), codes[20], len(service.asked)) == ({422}, 429, 20)


async def test_other_kinds_have_no_credentials(http: Http, bob: Caller, stage: Stage) -> None:
    for name in ("simulator", "telegram"):
        body = {"driver": name, "number_id": NUMBER, "token": TOKEN}
        reply = await http(bob).post("/api/devices/check-credentials", json=body)
        assert (reply.status_code, reply.json()["code"]) == (409, "not_supported")
    made = (await http(bob).post("/api/devices", json={"name": "Phone", "driver": "simulator"})).json()
    for method, path in (("PUT", "credentials"), ("POST", "check-credentials")):
        reply = await http(bob).request(method, f"/api/devices/{made['id']}/{path}", json={"token": TOKEN})
        assert (reply.status_code, reply.json()["code"]) == (409, "not_supported")
    assert (made["uses_credentials"], made["number"]) == (False, None)


# ---------------------------------------------------------------------- adding


async def test_a_number_is_added_connects_and_shows_no_token(
    http: Http, bob: Caller, vera: Caller, stage: Stage, service: Service, database: WatchedDatabase
) -> None:
    service.add(tier=NO_LIMIT, quality=Quality.YELLOW)
    made = await added(stage, http, bob, business_id="102290129340398")
    assert (made["state"], made["is_linked"], made["phone"]) == ("connecting", True, "60123456789")
    found = await http(vera).get(f"/api/devices/{made['id']}")
    body = found.json()
    assert (body["state"], body["uses_credentials"], body["unofficial"]) == ("online", True, False)
    number = body["number"]
    assert (number["number_id"], number["business_id"], number["name"]) == (NUMBER, "102290129340398", "Kedai Kopi")
    assert (number["quality"], number["tier"], number["has_no_limit"]) == ("yellow", None, True)
    assert "blocked" in number["quality_words"]
    assert body["limits"]["per_minute"] >= 60
    assert await kept(database, made["id"]) == Credentials(NUMBER, TOKEN, "102290129340398")
    pages = [await http(vera).get(f"/api/devices{more}") for more in ("", f"/{made['id']}/health", f"/{made['id']}/events")]
    assert not [page for page in [found, *pages] if TOKEN in page.text]
    assert stage.told("device.paired")[0]["phone"] == "60123456789"
    assert TOKEN not in str(stage.facts)


async def test_the_token_lies_nowhere_open_and_stands_in_no_log(
    http: Http, bob: Caller, stage: Stage, database: WatchedDatabase, seen: list[str]
) -> None:
    made = await added(stage, http, bob)
    reply = await stage.wait(http(bob).put(f"/api/devices/{made['id']}/credentials", json={"token": TOKEN}))
    assert reply.status_code == 200
    async with database.door() as tx:
        tables = await tx.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found = []
    async with database.system() as tx:
        for name in [row["tablename"] for row in tables]:
            if await tx.fetchval("SELECT has_table_privilege($1, 'SELECT')", name):
                sql = f"SELECT count(*) FROM {name} t WHERE t::text LIKE $1 OR t::text LIKE $2"
                if await tx.fetchval(sql, f"%{TOKEN}%", f"%{TOKEN.encode().hex()}%"):
                    found.append(name)
    assert found == []
    assert seen
    assert not [line for line in seen if TOKEN in line]
    assert TOKEN not in repr(Credentials(NUMBER, TOKEN))


@pytest.fixture
def seen(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """Everything that is logged, as text."""
    lines: list[str] = []
    before = structlog.get_config()["processors"]

    def keep(_logger: Any, _name: str, event: Any) -> Any:
        lines.append(str(event))
        return event

    before.insert(0, keep)
    caplog.set_level(logging.DEBUG)
    lines.append("began")
    yield lines
    before.remove(keep)
    lines += caplog.messages


async def test_a_number_is_added_once_whoever_asks(
    http: Http, bob: Caller, mallory: Caller, stage: Stage, service: Service
) -> None:
    await added(stage, http, bob)
    for caller in (bob, mallory):
        before = len((await http(caller).get("/api/devices")).json()["items"])
        reply = await stage.wait(http(caller).post("/api/devices", json=GIVEN))
        assert reply.status_code == 422
        assert [(each["field"], each["code"]) for each in reply.json()["errors"]] == [("number_id", "number_taken")]
        assert len((await http(caller).get("/api/devices")).json()["items"]) == before


async def test_there_is_no_code_to_scan(http: Http, bob: Caller, stage: Stage) -> None:
    made = await added(stage, http, bob)
    await stage.wait(http(bob).post(f"/api/devices/{made['id']}/logout"))
    found = (await http(bob).get(f"/api/devices/{made['id']}")).json()
    assert (found["state"], found["is_linked"]) == ("logged_out", False)
    assert "token" in found["advice"]
    assert "QR" not in found["words"] + found["advice"]
    checks = (await http(bob).get(f"/api/devices/{made['id']}/health")).json()["checks"]
    assert "QR" not in str(checks)
    reply = await http(bob).get(f"/api/devices/{made['id']}/qr")
    assert (reply.status_code, reply.json()["code"]) == (409, "not_supported")


# ---------------------------------------------------------------------- replacing


async def test_an_ended_token_is_said_in_words_and_a_new_one_brings_the_device_back(
    http: Http, bob: Caller, stage: Stage, service: Service, database: WatchedDatabase
) -> None:
    made = await added(stage, http, bob)
    service.tokens[NUMBER] = "a-new-token"
    await stage.keeper.take(port.Refused(device_id=made["id"], event_id="1", at=stage.time.now(), why="token"))
    refused = (await http(bob).get(f"/api/devices/{made['id']}")).json()
    assert refused["state"] == "refused"
    assert "token" in refused["words"]
    assert "replace the token" in refused["advice"]
    body = (await http(bob).get(f"/api/devices/{made['id']}/health")).json()
    assert (body["restriction_at"], body["needs_reason"]) == (None, False)  # nobody restricted it
    again = await stage.wait(http(bob).post(f"/api/devices/{made['id']}/check-credentials"))
    assert (again.status_code, again.json()["code"]) == (409, "credentials_ended")
    url = f"/api/devices/{made['id']}/credentials"
    wrong = await stage.wait(http(bob).put(url, json={"token": "not-this-one"}))
    assert [each["field"] for each in wrong.json()["errors"]] == ["token"]
    assert await kept(database, made["id"]) == Credentials(NUMBER, TOKEN)
    assert (await stage.wait(http(bob).put(url, json={"token": "a-new-token"}))).status_code == 200
    await stage.until(lambda device: device.state is S.ONLINE, made["id"])
    assert await kept(database, made["id"]) == Credentials(NUMBER, "a-new-token")
    async with database.transaction(bob.workspace_id) as tx:
        entry = await tx.fetchrow("SELECT * FROM audit WHERE action = 'device.credentials_changed'")
    assert entry is not None
    assert entry["actor_id"] == bob.user_id
    assert "a-new-token" not in str(dict(entry))


async def test_a_token_of_another_number_is_refused(http: Http, bob: Caller, stage: Stage, service: Service) -> None:
    made = await added(stage, http, bob)
    service.add("200000000000001", phone="60199999999", token="its-own-token")
    body = {"number_id": "200000000000001", "token": "its-own-token"}
    reply = await stage.wait(http(bob).put(f"/api/devices/{made['id']}/credentials", json=body))
    assert (reply.status_code, reply.json()["code"]) == (409, "phone_differs")
    assert (await http(bob).get(f"/api/devices/{made['id']}")).json()["number"]["number_id"] == NUMBER


@pytest.mark.parametrize("state", [S.STOPPED, S.RESTRICTED, S.BANNED_UNTIL])
async def test_a_new_token_lifts_nothing(
    http: Http, bob: Caller, stage: Stage, service: Service, database: WatchedDatabase, state: S
) -> None:
    made = await added(stage, http, bob)
    async with database.system() as tx:
        sql = "UPDATE devices SET state = $2, wanted = 'stopped', hold_until = now() + interval '9 years' WHERE id = $1"
        await tx.execute(sql, made["id"], state.value)
    reply = await stage.wait(http(bob).put(f"/api/devices/{made['id']}/credentials", json={"token": TOKEN}))
    assert reply.status_code == 200
    await stage.passes(5)
    assert (await stage.device(made["id"])).state is state


async def test_the_service_is_asked_again(http: Http, bob: Caller, vera: Caller, stage: Stage, service: Service) -> None:
    made = await added(stage, http, bob)
    service.add(quality=Quality.RED, tier=250)
    url = f"/api/devices/{made['id']}/check-credentials"
    assert (await http(vera).post(url)).status_code == 403
    found = (await stage.wait(http(bob).post(url))).json()
    assert (found["quality"], found["tier"], found["has_no_limit"]) == ("red", 250, False)
    assert (await http(bob).get(f"/api/devices/{made['id']}")).json()["number"] == found


async def test_a_device_whose_token_is_gone_says_so(http: Http, bob: Caller, stage: Stage, database: WatchedDatabase) -> None:
    made = await added(stage, http, bob)
    url = f"/api/devices/{made['id']}/check-credentials"
    async with database.system() as tx:
        await tx.execute("UPDATE device_secrets SET sealed = 'x'")
    reply = await stage.wait(http(bob).post(url))
    assert (reply.status_code, reply.json()["code"]) == (409, "no_credentials")
    await secrets.of(database, KEY)("cloud").drop(made["id"])
    reply = await stage.wait(http(bob).post(url))
    assert (reply.status_code, reply.json()["code"]) == (409, "no_credentials")


# ---------------------------------------------------------------------- whose it is


async def test_nobody_else_reaches_a_number(
    http: Http, bob: Caller, vera: Caller, mallory: Caller, stage: Stage, service: Service, database: WatchedDatabase
) -> None:
    made = await added(stage, http, bob)
    asked = len(service.asked)
    for method, path in (("PUT", "credentials"), ("POST", "check-credentials")):
        for caller, status in ((mallory, 404), (vera, 403)):
            reply = await http(caller).request(method, f"/api/devices/{made['id']}/{path}", json={"token": "mallorys-own"})
            assert reply.status_code == status
            assert NUMBER not in reply.text
    assert (await http(vera).post("/api/devices/check-credentials", json=GIVEN)).status_code == 403
    assert len(service.asked) == asked
    assert await kept(database, made["id"]) == Credentials(NUMBER, TOKEN)
    async with database.transaction(mallory.workspace_id) as tx:
        assert await tx.fetchval("SELECT count(*) FROM cloud_numbers") == 0


async def test_a_deleted_number_keeps_no_token_and_can_be_added_again(
    http: Http, alice: Caller, stage: Stage, database: WatchedDatabase
) -> None:
    made = await added(stage, http, alice)
    assert (await stage.wait(http(alice).delete(f"/api/devices/{made['id']}"))).status_code == 200
    async with database.system() as tx:
        assert await tx.fetchval("SELECT count(*) FROM device_secrets") == 0
        assert await tx.fetchval("SELECT count(*) FROM cloud_numbers") == 0
    await added(stage, http, alice)


# ---------------------------------------------------------------------- clocks and words


async def test_the_clock_of_an_idle_link_runs_while_the_line_is_closed(
    http: Http, bob: Caller, stage: Stage, database: WatchedDatabase
) -> None:
    made = (await http(bob).post("/api/devices", json={"name": "Phone", "driver": "simulator"})).json()
    device = await stage.device(made["id"])
    now = stage.time.now()
    closed = {"is_linked": True, "state": S.STOPPED, "last_seen_at": now}
    unofficial = port.Capabilities(unofficial=True)
    change: Any = lambda **more: model.Device(**{**{name: getattr(device, name) for name in device.__slots__}, **closed, **more})  # noqa: E731
    assert health.link_ends_at(change(), unofficial) == now + health.IDLE_LINK
    assert health.link_ends_at(change(last_seen_at=None, linked_at=now), unofficial) == now + health.IDLE_LINK
    assert health.link_ends_at(change(state=S.ONLINE), unofficial) is None
    assert health.link_ends_at(change(is_linked=False), unofficial) is None
    assert health.link_ends_at(change(), port.Capabilities()) is None
    assert (await http(bob).get(f"/api/devices/{made['id']}/health")).json()["link_ends_at"] is None


@pytest.mark.parametrize("reason", ["token", "no_credentials", "payment", "policy", "locked", "number_gone", "not_registered"])
def test_each_refusal_says_what_to_do(reason: str) -> None:
    assert words.of(S.REFUSED, reason) != words.of(S.REFUSED, None)
    assert words.advice(S.REFUSED, reason, by_token=True) != words.advice(S.REFUSED)


@pytest.mark.parametrize("state", list(S))
def test_a_number_without_a_phone_hears_of_no_code_and_no_phone(state: S) -> None:
    said = words.of(state, None, by_token=True) + words.advice(state, None, by_token=True)
    if state not in (S.PAIRING, S.REPLACED):  # states that such a device never has
        assert "QR" not in said
        assert "scan" not in said.lower()
        assert "the phone" not in said
