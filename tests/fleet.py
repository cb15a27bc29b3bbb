"""A small fleet for tests: linked simulated devices, leads, campaigns, and an engine that a fake clock drives."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hantar.campaigns import model as campaigns, planner, progress, service as campaign_service
from hantar.dispatch import claims, engine, intake
from hantar.gateways import port
from hantar.gateways.simulator import chance, driver, ledger, lines
from hantar.inbox import receiver
from hantar.kit import clock, cluster, db, ids
from hantar.outbox import queue
from hantar.persons import service as persons
from tests import checker

CALM = chance.Options(
    not_on_whatsapp=0, hides_read=0, is_off=0, blocks=0, never_reads=0, oddities=0, latency=(0.02, 0.08), connect=(0.01, 0.02)
)
"""A world where everything works, for tests about something else."""


class Eager(engine.Engine):
    """An engine that looks at every lane in each tick: tests put rows straight into the database, without a fact."""

    async def tick(self) -> None:
        self.wake()
        await super().tick()


@dataclass
class Fleet:
    """One engine on one database, under one fake clock. Its rules are the simulator's, without limits of the device."""

    db: db.Database
    clock: clock.FakeClock
    bus: cluster.LocalBus
    workspace: str
    options: chance.Options = CALM
    devices: list[str] = field(default_factory=list)
    lead: float = engine.LEAD
    takes_history: bool = False
    """Every link brings old messages of strangers; tests count people, so they ask for them."""

    def __post_init__(self) -> None:
        self.book = ledger.MemoryLedger()
        self.line = lines.InProcess(self.clock, self.book, options=self.options)
        self.driver = driver.SimulatorDriver(self.line, self.clock, self.options)
        self.random = 0.5
        self.intake = intake.Intake(self.db, self.clock)
        self.receiver = receiver.Receiver(self.db)
        self.hearing = 0
        self.engine = self.new_engine()
        self.planner = planner.Planner(self.db, self.bus, self.clock, page=50)
        self.watcher = progress.Watcher(self.db, self.bus, self.clock)

    def new_engine(self, *names: str) -> Eager:
        """Another engine on the same database, as after a restart; it reaches the world under these drivers' names."""
        drivers = dict.fromkeys(names or ("simulator",), self.driver)
        return Eager(self.db, drivers, self.bus, self.clock, node=ids.new_id(), random=lambda: self.random, lead=self.lead)

    async def start(self) -> None:
        """Bring the world up and take the leases."""
        await self.driver.start(self._sink)
        await self.engine.leases.beat()
        await self.set_rules()

    async def set_rules(self, **changes: Any) -> None:
        """Another version of the workspace's policy for simulated devices: these numbers, and limits that hold nothing up."""
        fast = {"device_per_minute": 6000, "device_per_hour": 200_000, "device_per_day": 2_000_000, "number_check": False}
        sql = """INSERT INTO policies (workspace_id, version, values, reason, at)
                 SELECT $1, 1 + count(*), $2, 'For the test.', $3 FROM policies WHERE workspace_id = $1"""
        async with self.db.transaction(self.workspace) as tx:
            await tx.execute(sql, self.workspace, {"simulator": {**fast, **changes}}, await tx.now())

    async def _sink(self, event: port.Event) -> None:
        if isinstance(event, port.Receipt | port.MessageFailed):
            await self.intake.take(event)
        elif isinstance(event, receiver.EVENTS) and (self.takes_history or not isinstance(event, port.HistoryBatch)):
            self.hearing += 1
            try:
                await self.receiver.take(event)
            finally:
                self.hearing -= 1

    async def heard(self) -> None:
        """Wait until everything that came in is stored; the database works in real time."""
        await self.clock.settle()
        for _ in range(10_000):
            if not self.hearing:
                return
            await asyncio.sleep(0.001)
        raise TimeoutError("what came in was not stored")

    async def says(
        self, device_id: str, text: str, phone: str | None = None, *, lid: str | None = None, **extra: str
    ) -> dict[str, str]:
        """Somebody writes to a device; with `lid` their number is hidden (`identity="never"`: for good)."""
        wish = port.SimulatorAction("inbound", phone=phone, text=text, opaque=lid, extra=extra)
        return await self.does(device_id, wish)

    async def does(self, device_id: str, wish: port.SimulatorAction) -> dict[str, str]:
        """Play the simulated world, and wait until what comes of it is stored."""
        done = await self.driver.simulate(port.DeviceRef(device_id), wish)
        await self.heard()
        return done

    async def close(self) -> None:
        """Leave nothing running."""
        await self.driver.close(timedelta())

    async def add_devices(self, count: int, **columns: Any) -> list[str]:
        """Linked devices that are online."""
        made = [ids.new_id() for _ in range(count)]
        async with self.db.transaction(self.workspace) as tx:
            for number, device_id in enumerate(made):
                row = {
                    "workspace_id": self.workspace,
                    "id": device_id,
                    "name": f"Device {number + 1}",
                    "driver": "simulator",
                    "wanted": "connected",
                    "is_linked": True,
                    "state": "online",
                    "state_since": await tx.now(),
                    "created_at": await tx.now(),
                    "updated_at": await tx.now(),
                    "per_minute": 6000,
                    "per_hour": 200000,
                    "per_day": 2000000,
                    **columns,
                }
                marks = ", ".join(f"${n}" for n in range(1, len(row) + 1))
                await tx.execute(f"INSERT INTO devices ({', '.join(row)}) VALUES ({marks})", *row.values())
        for number, device_id in enumerate(made):
            await self._link(device_id, f"6012000{len(self.devices) + number:04d}")
        self.devices += made
        return made

    async def _link(self, device_id: str, phone: str) -> None:
        ref = port.DeviceRef(device_id, 0, phone)
        await self.driver.open(ref)
        await self.clock.advance(1)
        await self.driver.simulate(ref, port.SimulatorAction("scan", phone=phone))
        await self.clock.advance(5)

    async def set_device(self, device_id: str, **columns: Any) -> None:
        """Change a device's row."""
        sets = ", ".join(f"{name} = ${n}" for n, name in enumerate(columns, start=2))
        async with self.db.transaction(self.workspace) as tx:
            await tx.execute(f"UPDATE devices SET {sets} WHERE id = $1", device_id, *columns.values())

    async def add_leads(self, device_id: str | None, phones: list[str], **columns: Any) -> list[str]:
        """Leads of a device; one person per number."""
        made = []
        async with self.db.transaction(self.workspace) as tx:
            for phone in phones:
                person = await persons.at_phone(tx, self.workspace, phone)
                row = {
                    "workspace_id": self.workspace,
                    "id": ids.new_id(),
                    "person_id": person,
                    "device_id": device_id,
                    "name": f"Lead {phone[-4:]}",
                    "phone": phone,
                    "niches": ["FIT"],
                    "niche_keys": ["fit"],
                    "created_at": await tx.now(),
                    "updated_at": await tx.now(),
                    **columns,
                }
                marks = ", ".join(f"${n}" for n in range(1, len(row) + 1))
                await tx.execute(f"INSERT INTO leads ({', '.join(row)}) VALUES ({marks})", *row.values())
                made.append(row["id"])
        return made

    async def enqueue(self, device_id: str, phones: list[str], *, source: str | None = None, **columns: Any) -> list[str]:
        """Queue one message to each number straight away, as a campaign's unless `kind` says otherwise; returns their ids."""
        made = [ids.new_id() for _ in phones]
        async with self.db.transaction(self.workspace) as tx:
            now = await tx.now()
            content = await queue.add_content(tx, self.workspace, "Hello", None)
            await queue.open_lanes(tx, self.workspace, [device_id])
            for message_id, phone in zip(made, phones, strict=True):
                row = {
                    "workspace_id": self.workspace,
                    "id": message_id,
                    "kind": "campaign",
                    "source_id": source or message_id,
                    "step_id": message_id,
                    "person_id": await persons.at_phone(tx, self.workspace, phone),
                    "device_id": device_id,
                    "content_id": content,
                    "phone": phone,
                    "state": "queued",
                    "priority": 5,
                    "not_before": now,
                    "expires_at": now + timedelta(days=3),
                    "created_at": now,
                    **columns,
                }
                await queue.insert_one(tx, row)
        return made

    async def add_source(self, kind: str = "campaign", *, gap: float = 0.0, rules: Mapping[str, Any] | None = None) -> str:
        """The gate of a campaign or sequence, open, with this pause and its own stricter numbers."""
        made = ids.new_id()
        async with self.db.transaction(self.workspace) as tx:
            await queue.put_source(tx, self.workspace, made, kind, (gap, gap), skip_offline=False, is_open=True)
            await tx.execute("UPDATE sources SET rules = $2 WHERE id = $1", made, dict(rules or {}))
        return made

    async def person(self, phone: str) -> str:
        """The person behind a number."""
        async with self.db.transaction(self.workspace) as tx:
            return str(await persons.at_phone(tx, self.workspace, phone))

    async def sql(self, query: str, *values: Any) -> list[Mapping[str, Any]]:
        """Ask or tell the workspace's own rows."""
        async with self.db.transaction(self.workspace) as tx:
            return [dict(row) for row in await tx.fetch(query, *values)]

    def reached(self, since: float = 0.0) -> list[str]:
        """Whom the ledger says was reached, in order, by numbers; `since` in monotonic seconds."""
        return [line["to"] for line in self.book.lines() if line["effect"] == "sent" and float(line["mono"]) >= since]

    def draft(self, **changes: Any) -> campaigns.Draft:
        """A campaign to everyone in FIT, now."""
        fields: dict[str, Any] = {
            "title": "Spring",
            "niche": "FIT",
            "audience": campaigns.Audience(("fit",), campaigns.TargetStatus.ALL, None),
            "text": "Hello {{ name }}",
            "media_id": None,
            "campaign_date": None,
            "time_schedule": None,
            "time_zone": "Asia/Kuala_Lumpur",
            "min_delay_seconds": 10.0,
            "max_delay_seconds": 30.0,
            "when_offline": "wait",
            "late_policy": "ask",
        }
        return campaigns.Draft(**{**fields, **changes})

    async def launch(self, **changes: Any) -> str:
        """Create a campaign for now and write its recipients."""
        async with self.db.transaction(self.workspace) as tx:
            made = await campaign_service.create(tx, self.workspace, self.draft(**changes))
        await self.planner.look()
        return made.campaign.id

    async def run(self, seconds: float, step: float = 0.1) -> None:
        """Let time pass with the engine at work: claim, answer, record, receipts."""
        for _ in range(round(seconds / step)):
            await self.engine.tick()
            await self.clock.advance(step)
            await self.engine.flush()
            await self.intake.flush()
            await self.heard()
            if int(self.clock.monotonic() / step) % 10 == 0:
                await self.engine.leases.beat()
        await self.watcher.look()

    async def claim(self, *, undo: bool = False, most: int = 1000) -> tuple[claims.Taken, int]:
        """One claim of what is due, of which nothing is sent; also how many lanes were asked. `undo`: nor kept."""
        sending = self.engine
        sending.wake()
        await sending.looks.look()
        turns = sending.lanes.due(self.clock.monotonic(), most)
        async with self.db.system() as tx:
            within = tx.connection.transaction()
            await within.start()
            taken = await sending.claimer.take(
                tx, sending._node, [(t.lane.workspace_id, t.lane.device_id, t.queue.source_id) for t in turns]
            )
            await (within.rollback() if undo else within.commit())
        for turn in turns:
            sending.lanes.free(turn.lane, self.clock.monotonic(), self.clock.monotonic())
        return taken, len(turns)

    async def rows(self, campaign_id: str | None = None) -> list[Mapping[str, Any]]:
        """All messages (of a campaign), in the order of sending."""
        async with self.db.system() as tx:
            found = await tx.fetch("SELECT * FROM messages WHERE $1::uuid IS NULL OR source_id = $1 ORDER BY id", campaign_id)
        return [dict(row) for row in found]

    async def states(self, campaign_id: str | None = None) -> dict[str, int]:
        """How many messages stand in each state."""
        counts: dict[str, int] = {}
        for row in await self.rows(campaign_id):
            counts[row["state"]] = counts.get(row["state"], 0) + 1
        return counts

    async def verdict(self, gaps: float = 0.0) -> checker.Verdict:
        """What the ledger says of the run."""
        return checker.check(list(self.book.lines()), await self.rows(), gaps)
