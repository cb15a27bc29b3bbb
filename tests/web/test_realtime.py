"""The WebSocket: who may open it, whose events it carries, how it ends (api.md 5, F-28, F-31)."""

import asyncio

import pytest

from hantar.kit.cluster import Fact
from hantar.web import feed, realtime
from tests import cast
from tests.web.sockets import Closed, Refused, connect


def device_status(caller, **data):
    return Fact("device.status", caller.workspace_id, {"device_id": "d1", "status": "online", **data})


async def test_events_of_the_own_workspace_arrive_and_no_others(app, bus, alice, mallory):
    async with connect(app, alice) as hers, connect(app, mallory) as theirs:
        bus.publish(device_status(alice))
        frame = await hers.frame()
        assert frame == {
            "id": frame["id"],
            "event": "device.status",
            "at": "2026-12-01T02:00:00Z",
            "data": {"device_id": "d1", "status": "online"},
        }
        assert await theirs.nothing()


async def test_facts_that_are_not_for_browsers_stay_inside(app, bus, alice):
    async with connect(app, alice) as socket:
        bus.publish(Fact("outbox.queued", alice.workspace_id, {}))
        bus.publish(Fact("device.status", None, {}))
        assert await socket.nothing()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"origin": "http://hantar.test"}, 401),
        ({"origin": "https://evil.example"}, 403),
        ({"authorization": "Bearer hk_unknown"}, 401),
        ({"cookie": "hantar=guess", "origin": "http://hantar.test"}, 401),
    ],
)
async def test_strangers_are_refused_before_the_upgrade(app, headers, status):
    with pytest.raises(Refused) as refused:
        async with connect(app, **headers):
            pass
    assert refused.value.status == status


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://hantar.test.evil.example", ""])
async def test_a_cookie_from_a_foreign_page_opens_nothing(app, alice, origin):
    with pytest.raises(Refused) as refused:
        async with connect(app, alice, origin=origin):
            pass
    assert refused.value.status == 403


async def test_a_key_hears_what_its_scopes_allow(app, bus, database, alice):
    key = await cast.add_key(database, alice, "campaigns:read")
    async with connect(app, authorization=f"Bearer {key}") as socket:
        bus.publish(device_status(alice))
        bus.publish(Fact("campaign.status", alice.workspace_id, {"campaign_id": "c", "status": "finished"}))
        assert (await socket.frame())["event"] == "campaign.status"


async def test_a_qr_code_is_for_whoever_follows_the_device(app, bus, alice, bob):
    async with connect(app, alice) as hers, connect(app, bob) as his:
        await hers.say({"subscribe": ["device:d1"]})
        bus.publish(Fact("device.qr", alice.workspace_id, {"device_id": "d1", "qr": "2@x"}))
        bus.publish(Fact("device.qr", alice.workspace_id, {"device_id": "d2", "qr": "2@y"}))
        number = (await hers.frame())["id"]
        assert await hers.nothing()
        assert await his.nothing()
        await hers.say({"unsubscribe": ["device:d1"]})
        bus.publish(Fact("device.qr", alice.workspace_id, {"device_id": "d1", "qr": "2@z"}))
        assert await hers.nothing()
    async with connect(app, bob, query=f"last_id={number - 1}") as his:
        assert await his.nothing()


async def test_progress_is_told_once_a_second_and_the_last_word_is_not_lost(app, bus, alice, fake_clock):
    async with connect(app, alice) as socket:
        for sent in range(10):
            bus.publish(Fact("campaign.progress", alice.workspace_id, {"campaign_id": "a", "sent": sent}))
        bus.publish(Fact("campaign.progress", alice.workspace_id, {"campaign_id": "b", "sent": 0}))
        assert [(await socket.frame())["data"]["sent"] for _ in range(2)] == [0, 0]
        assert await socket.nothing()
        await fake_clock.advance(0.9)
        assert await socket.nothing()
        await fake_clock.advance(0.1)
        assert (await socket.frame())["data"] == {"campaign_id": "a", "sent": 9}
        assert await socket.nothing()


async def test_who_comes_back_gets_what_was_missed(app, bus, alice):
    async with connect(app, alice) as socket:
        bus.publish(device_status(alice, step=1))
        last = (await socket.frame())["id"]
    bus.publish(device_status(alice, step=2))
    bus.publish(device_status(alice, step=3))
    async with connect(app, alice, query=f"last_id={last}") as socket:
        assert [(await socket.frame())["data"]["step"] for _ in range(2)] == [2, 3]
        assert await socket.nothing()


async def test_who_was_away_too_long_reads_again(app, bus, alice):
    async with connect(app, alice) as socket:
        bus.publish(device_status(alice))
        last = (await socket.frame())["id"]
    for _ in range(feed.KEPT_FRAMES + 1):
        bus.publish(device_status(alice))
    for query in (f"last_id={last}", "last_id=1", f"last_id={last * 2}", "last_id=" + "9" * 20):
        async with connect(app, alice, query=query) as socket:
            assert (await socket.frame())["event"] == "resync"
            assert await socket.nothing()


async def test_a_number_beyond_all_numbers_is_none(app, alice):
    async with connect(app, alice, query="last_id=" + "9" * 5_000) as socket:
        assert await socket.nothing()


async def test_numbers_go_on_rising_after_a_restart(app, bus, alice, database, fake_clock):
    async with connect(app, alice) as socket:
        bus.publish(device_status(alice))
        last = (await socket.frame())["id"]
    await fake_clock.advance(1)
    again = cast.make_app(database, fake_clock, bus)
    async with connect(again, alice, query=f"last_id={last}") as socket:
        assert (await socket.frame())["event"] == "resync"
        bus.publish(device_status(alice))
        assert (await socket.frame())["id"] > last


async def test_a_listener_who_is_too_slow_reads_again(alice, bus, fake_clock):
    hub = feed.Feed(bus, fake_clock)
    listener = hub.join(alice, None)
    for _ in range(feed.WAITING_FRAMES + 1):
        bus.publish(device_status(alice))
    assert listener.queue.qsize() == 1
    assert '"resync"' in listener.queue.get_nowait()


async def test_signing_out_closes_the_sockets_of_that_sign_in(app, http, alice, bob):
    async with connect(app, alice) as hers, connect(app, bob) as his:
        await http(alice).post("/api/logout")
        with pytest.raises(Closed) as closed:
            await hers.frame()
        assert closed.value.code == realtime.SIGNED_OUT
        assert await his.nothing()


async def test_a_revoked_key_closes_its_sockets(app, http, database, alice):
    made = (await http(alice).post("/api/api-keys", json={"name": "x", "scopes": ["devices:read"]})).json()
    async with connect(app, authorization=f"Bearer {made['key']}") as socket:
        await http(alice).delete(f"/api/api-keys/{made['id']}")
        with pytest.raises(Closed):
            await socket.frame()


async def test_a_sign_in_that_ended_elsewhere_is_noticed_at_the_next_ping(app, database, alice, fake_clock):
    async with connect(app, alice) as socket:
        await fake_clock.advance(realtime.PING_SECONDS)
        assert (await socket.frame())["event"] == "ping"
        async with database.door() as tx:
            await tx.execute("DELETE FROM sign_ins")
        await fake_clock.advance(realtime.PING_SECONDS)
        with pytest.raises(Closed):
            await socket.frame()


async def test_a_client_may_ping(app, alice):
    async with connect(app, alice) as socket:
        await socket.say({"ping": 1})
        assert (await socket.frame())["event"] == "pong"


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("nonsense", realtime.BAD_FRAME),
        ("[" * 50_000, realtime.BAD_FRAME),
        ([1], realtime.BAD_FRAME),
        ({"subscribe": "device:1"}, realtime.BAD_FRAME),
        ({"subscribe": [f"device:{n}" for n in range(201)]}, realtime.BAD_FRAME),
        ("x" * 65_537, realtime.TOO_LARGE),
    ],
)
async def test_what_cannot_be_understood_ends_the_connection(app, alice, frame, code):
    async with connect(app, alice) as socket:
        await socket.say(frame)
        with pytest.raises(Closed) as closed:
            await socket.frame()
        assert closed.value.code == code


async def test_a_flood_ends_the_connection(app, alice):
    async with connect(app, alice) as socket:
        for _ in range(realtime.MOST_FRAMES + 1):
            await socket.say({})
        with pytest.raises(Closed) as closed:
            await socket.frame()
        assert closed.value.code == realtime.FLOOD


async def test_one_person_opens_so_many_sockets_and_no_more(app, alice, bob):
    async with connect(app, bob):
        opened = [connect(app, alice) for _ in range(realtime.MOST_SOCKETS)]
        for each in opened:
            await each.__aenter__()
        with pytest.raises(Refused) as refused:
            async with connect(app, alice):
                pass
        assert refused.value.status == 429
        await asyncio.gather(*(each.__aexit__(None, None, None) for each in opened))
        async with connect(app, alice):
            pass


async def test_a_server_that_stops_closes_every_socket(app, alice):
    stop = asyncio.Event()
    running = asyncio.create_task(app.state.parts[realtime.Realtime].run(stop))
    async with connect(app, alice) as socket:
        stop.set()
        with pytest.raises(Closed) as closed:
            await socket.frame()
        assert closed.value.code == realtime.GOING_AWAY
    await running
