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
from hantar.gateways.cloud import driver, service
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

    async def round(self) -> None:
        """One look at every lane, and every answer to what it sent."""
        await self.engine.tick()
        for _ in range(30_000):
            await self.engine.flush()
            if not self.engine.sender.flights:
                break
            await asyncio.sleep(0.001)
        await self.clock.advance(0.2)
        await self.engine.flush()

    async def close(self) -> None:
        await self.driver.close(timedelta())
        await self.cloud.stop()


@pytest.fixture
async def fleet(
    database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, alice: Any
) -> AsyncIterator[CloudFleet]:
    made = CloudFleet(database, fake_clock, bus, alice.workspace_id)
    await made.start()
    await made.add_numbers(DEVICES)
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


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_nothing_is_lost_or_doubled_and_every_unknown_is_settled(
    fleet: CloudFleet, hooks: hooks_service.Hooks, http: cast.Http
) -> None:
    await fleet.queue(MESSAGES)
    began, unknown, calls = time.process_time(), 0, 0
    for n in range(40 * MESSAGES // DEVICES):
        await fleet.round()
        states = await fleet.states() if n % 5 == 4 else {"queued": 1}
        if n % 5 == 4:
            unknown = max(unknown, states.get("unknown", 0))
        if not states.keys() & {"queued", "claimed"}:
            break
        if n % 20 == 19:
            calls += await call(fleet, hooks, http)
    calls += await call(fleet, hooks, http)
    rows, ledger = await fleet.rows(), fleet.cloud.ledger
    print(f"{len(rows)} messages, {unknown} unknown at once at most, {calls} calls, {time.process_time() - began:.1f} s of CPU")
    assert Counter(row["state"] for row in rows) == {"read": MESSAGES}
    assert max(Counter(each.ref for each in ledger).values()) == 1, "doubled"
    assert {each.ref: each.wire_id for each in ledger} == {row["id"]: row["wire_id"] for row in rows}, "lost, or another's"
    lost = sum(fleet.cloud._loses(row["id"]) for row in rows)
    assert lost >= MESSAGES * LOSSY / 2, "the run had too few lost replies to show anything"
    assert unknown > 0
