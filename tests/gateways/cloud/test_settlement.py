"""The whole way on a real database: engine, driver, HTTP, lost replies, webhooks twice and in disorder, until nothing is unknown.

The service's ledger is the judge. `CLOUD_MESSAGES=10000` in the environment makes it the long run of docs/drivers.md.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from hantar.dispatch import intake
from hantar.gateways import keeping, outcomes, port
from hantar.gateways.cloud import bodies, driver, service
from hantar.gateways.credentials import Credentials
from hantar.hooks import model as hooks_model, service as hooks_service
from hantar.kit import clock, cluster, db, ids, upstream
from tests import cast
from tests.fleet import Eager, Fleet
from tests.gateways.cloud import fake

MESSAGES = int(os.environ.get("CLOUD_MESSAGES", "240"))
DEVICES = max(20, MESSAGES // 100)
LOSSY, DOUBLED = 0.05, 0.3
FAST = {"device_gap": 0.0, "device_per_minute": 6000, "device_per_hour": 200_000, "device_per_day": 2_000_000}


@dataclass
class Sink:
    """Outcomes go to the intake; nothing else is asked about here."""

    intake: intake.Intake

    async def __call__(self, event: port.Event) -> None:
        assert not isinstance(event, outcomes.KINDS)

    async def take_many(self, events: Any) -> None:
        await self.intake.take_many(events)


@dataclass
class CloudFleet(Fleet):
    """A fleet of Cloud numbers on the fake service."""

    def __post_init__(self) -> None:
        self.cloud = fake.FakeCloud(lossy=LOSSY)
        self.keeps = keeping.Nowhere()
        super().__post_init__()

    def new_engine(self, *names: str) -> Eager:
        return Eager(self.db, {"cloud": self.driver}, self.bus, self.clock, node=ids.new_id(), random=lambda: 0.5)

    async def start(self) -> None:
        calls = service.Service(upstream.Upstream(await self.cloud.start()), "v25.0")
        self.driver = driver.CloudDriver(calls, self.keeps, self.clock)  # type: ignore[assignment]
        self.engine = self.new_engine()
        await self.driver.start(Sink(self.intake))
        await self.engine.leases.beat()
        sql = "INSERT INTO policies (workspace_id, version, values, reason, at) VALUES ($1, 1, $2, 'For the test.', $3)"
        await self.sql(sql, self.workspace, {"cloud": FAST}, self.clock.now())

    async def _link(self, device_id: str, phone: str) -> None:
        number = self.cloud.add(str(1000 + len(self.cloud.numbers)), f"token-{device_id}", phone)
        sql = """INSERT INTO cloud_numbers (workspace_id, device_id, number_id, business_id, tier, checked_at)
                 VALUES ($1, $2, $3, $4, $5, $6)"""
        await self.sql(sql, self.workspace, device_id, number.number_id, number.business_id, 10**9, self.clock.now())
        await self.keeps.save(device_id, Credentials(number.number_id, number.token).packed())
        await self.driver.open(port.DeviceRef(device_id, 0, phone))

    async def add_numbers(self, count: int) -> None:
        """Numbers that the service knows, online."""
        await self.add_devices(count, driver="cloud", min_delay_seconds=0, max_delay_seconds=0)
        lines = self.driver._standing.lines  # type: ignore[attr-defined]
        for _ in range(5_000):
            if len(lines) == count:
                return
            await asyncio.sleep(0.001)
        raise TimeoutError("not every number was opened")

    async def queue(self, count: int) -> None:
        """Messages to as many people, who have all just written to their device, evenly over the devices."""
        share = -(-count // len(self.devices))
        phones = [f"6013{n:07d}" for n in range(count)]
        for n, device_id in enumerate(self.devices):
            mine = phones[n * share : (n + 1) * share]
            await self.enqueue(device_id, mine, kind="direct")
            sql = """INSERT INTO chats (workspace_id, device_id, person_id, first_in_at, last_in_at)
                     SELECT workspace_id, device_id, person_id, $2, $2 FROM messages WHERE device_id = $1"""
            await self.sql(sql, device_id, self.clock.now())

    async def resume(self) -> None:
        """Three lost replies in a row set a device aside; a person lets it go on."""
        await self.sql("UPDATE devices SET sending_paused = false, pause_reason = NULL, errors_in_a_row = 0 WHERE sending_paused")

    async def round(self, step: float) -> None:
        """One look at every lane, every answer to what it sent, and so many seconds."""
        await self.engine.leases.beat()
        await self.engine.tick()
        for _ in range(30_000):
            await self.engine.flush()
            if not self.engine.sender.flights:
                break
            await asyncio.sleep(0.001)
        await self.clock.advance(step)
        await self.engine.flush()

    async def close(self) -> None:
        await self.driver.close(timedelta())
        await self.cloud.stop()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with no time for us loses no reply that the service did not lose."""
    monkeypatch.setattr(service, "ANSWER", 600.0)
    monkeypatch.setattr(upstream, "CONNECT", 600.0)


@pytest.fixture
async def fleet(
    database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, alice: Any
) -> AsyncIterator[CloudFleet]:
    made = CloudFleet(database, fake_clock, bus, alice.workspace_id)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def hooks(fleet: CloudFleet) -> hooks_service.Hooks:
    return hooks_service.of(fleet.db, {"cloud": fleet.driver}, hooks_model.Keys(fleet.cloud.secret, "word"), fleet.clock)


@pytest.fixture
def app(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, hooks: hooks_service.Hooks) -> Any:
    return cast.make_app(database, fake_clock, bus, parts={hooks_service.Hooks: hooks})


async def call(fleet: CloudFleet, hooks: hooks_service.Hooks, http: cast.Http) -> int:
    """Everything the service has to say, twice in part and in disorder, through the public route, and worked off."""
    calls = fleet.cloud.calls_of(doubled=DOUBLED)
    for body in calls:
        reply = await http(None).post("/hooks/cloud", content=body, headers={"X-Hub-Signature-256": fleet.cloud.sign(body)})
        assert reply.status_code == 200
    while True:
        working = asyncio.ensure_future(hooks.work())
        while not working.done():
            await fleet.intake.flush()
            await asyncio.sleep(0.001)
        if not await working:
            return len(calls)


async def play(fleet: CloudFleet, hooks: hooks_service.Hooks, http: cast.Http, count: int, *, step: float = 0.2) -> int:
    """Send so many messages and hear what became of them; returns how many were unknown at once at most."""
    await fleet.queue(count)
    unknown = 0
    for n in range(10 * count // len(fleet.devices)):
        await fleet.round(step)
        if n % 20 == 19:
            await call(fleet, hooks, http)
        if n % 5 == 4:
            states = await fleet.states()
            unknown = max(unknown, states.get("unknown", 0))
            if not states.keys() & {"queued", "claimed"}:
                break
            await fleet.resume()
    await call(fleet, hooks, http)
    return unknown


async def judge(fleet: CloudFleet, count: int) -> None:
    """Hold the messages against the ledger."""
    rows, ledger = await fleet.rows(), fleet.cloud.ledger
    assert max(Counter(each.ref for each in ledger).values()) == 1, "doubled"
    assert Counter(row["state"] for row in rows) == {"read": count}
    assert {each.ref: each.wire_id for each in ledger} == {row["id"]: row["wire_id"] for row in rows}, "lost, or another's"
    lost = sum(fleet.cloud._loses(row["id"]) for row in rows)
    assert lost >= count * fleet.cloud.lossy / 4, "the run had too few lost replies to show anything"


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_nothing_is_lost_or_doubled_and_every_unknown_is_settled(
    fleet: CloudFleet, hooks: hooks_service.Hooks, http: cast.Http
) -> None:
    await fleet.add_numbers(DEVICES)
    began = time.process_time()
    unknown = await play(fleet, hooks, http, MESSAGES)
    lost = sum(fleet.cloud._loses(each.ref) for each in fleet.cloud.ledger)
    spent = time.process_time() - began
    print(f"{MESSAGES} messages, {lost} replies lost, at most {unknown} unknown at once, {spent:.1f} s of processor time here")
    await judge(fleet, MESSAGES)
    assert unknown > 0


@pytest.mark.slow
@pytest.mark.parametrize("mutant", ["a lost reply counts as not sent", "messages go without our ref"])
async def test_the_judge_sees_a_driver_that_guesses(
    fleet: CloudFleet, hooks: hooks_service.Hooks, http: cast.Http, monkeypatch: pytest.MonkeyPatch, mutant: str
) -> None:
    if mutant == "a lost reply counts as not sent":
        monkeypatch.setattr(upstream, "NoAnswer", upstream.NotSent)
    else:
        monkeypatch.setattr(bodies, "LONGEST_REF", 0)
    fleet.cloud.lossy = 0.3
    await fleet.add_numbers(4)
    await play(fleet, hooks, http, 16, step=10.0)
    with pytest.raises(AssertionError, match=r"doubled|unknown"):
        await judge(fleet, 16)
