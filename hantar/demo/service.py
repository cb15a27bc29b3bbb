"""Builds the demo and takes it away. Everything in it is marked and uses the simulator alone."""

import asyncio

import structlog

from hantar.campaigns import service as campaign_service
from hantar.demo import fill, people, store
from hantar.devices import keeper, model as devices, service as device_service
from hantar.gateways import port
from hantar.jobs import service as jobs
from hantar.kit import clock, db, errors
from hantar.leads import service as lead_service

log = structlog.get_logger(__name__)

NAMES = ("Demo: Shop", "Demo: Support", "Demo: Sales")
LIMITS = devices.Limits(per_minute=600, per_hour=20_000, per_day=100_000)
"""Demo devices are fast (responsible-sending.md 13), so that a campaign of 120 takes about a minute."""
SECONDS_TO_LINK = 10.0


class DemoPresent(errors.Conflict):
    """The demo is there already. Remove it first to begin anew."""

    code = "demo_present"


class NotLinked(errors.Unavailable):
    """A simulated device of the demo did not come online in time."""


class Demo:
    """One per process."""

    def __init__(self, database: db.Database, clock_: clock.Clock, keeper_: keeper.Keeper) -> None:
        self._db, self._clock, self._keeper = database, clock_, keeper_
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, workspace_id: str, by: str, zone: str) -> str:
        """Begin building; returns the job that tells how far it is. Raises `DemoPresent`."""
        async with self._db.transaction(workspace_id) as tx:
            await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('demo ' || $1, 0))", workspace_id)
            if await is_present(tx):
                raise DemoPresent
            device_ids = [
                (
                    await device_service.create(
                        tx, workspace_id, device_service.New(name, "simulator", limits=LIMITS, is_demo=True)
                    )
                ).id
                for name in NAMES
            ]
            job = await jobs.create(tx, workspace_id, "demo", by=by, total=people.COUNT + len(NAMES))
            await jobs.start(tx, workspace_id, job.id)
        task = asyncio.create_task(self._build(workspace_id, job.id, device_ids, by, zone))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job.id

    async def fail_lost(self) -> None:
        """At the start: a demo that was being built when the process ended will not be finished; say so in its job."""
        async with self._db.system() as tx:
            lost = await tx.fetch("SELECT workspace_id, id FROM jobs WHERE kind = 'demo' AND status IN ('queued', 'running')")
        for row in lost:
            async with self._db.transaction(row["workspace_id"]) as tx:
                await jobs.finish(tx, row["workspace_id"], row["id"], error="The server stopped. Remove the demo and try again.")

    async def _build(self, workspace_id: str, job_id: str, device_ids: list[devices.DeviceId], by: str, zone: str) -> None:
        try:
            welcome, ruled = await self._fill(workspace_id, job_id, device_ids, by, zone)
            result = {"campaign_id": welcome, "rules_campaign_id": ruled, "device_ids": device_ids}
            async with self._db.transaction(workspace_id) as tx:
                await jobs.finish(tx, workspace_id, job_id, result=result)
        except Exception:
            log.exception("demo.failed", job=job_id)
            async with self._db.transaction(workspace_id) as tx:
                await jobs.finish(tx, workspace_id, job_id, error="The demo could not be built. Remove it and try again.")

    async def _link(self, workspace_id: str, device_id: devices.DeviceId, number: int) -> None:
        """Show a code and scan it, as a person would."""
        async with self._db.transaction(workspace_id) as tx:
            device = await device_service.want_connected(tx, device_id)
        driver = self._keeper.driver_of(device)
        await self._keeper.open(device)
        until = self._clock.monotonic() + SECONDS_TO_LINK
        while self._keeper.code(device_id, self._clock.now()) is None and self._clock.monotonic() < until:
            await self._keeper.changed(device_id, 1.0)
        scan = port.SimulatorAction("scan", phone=f"6011{10_000_000 + number}")
        await driver.simulate(keeper.ref(device), scan)  # type: ignore[attr-defined] # demo devices are simulated
        while self._clock.monotonic() < until:
            async with self._db.transaction(workspace_id) as tx:
                if (await device_service.find(tx, device_id)).state == "online":
                    return
            await self._keeper.changed(device_id, 0.5)
        raise NotLinked

    async def _fill(
        self, workspace_id: str, job_id: str, device_ids: list[devices.DeviceId], by: str, zone: str
    ) -> tuple[str, str]:
        """The welcomed while the devices are being linked; then the one who is not on WhatsApp, the others, the campaigns."""

        async def add(everyone: list[people.Person]) -> fill.Added:
            async with self._db.transaction(workspace_id) as tx:
                return await fill.add_people(tx, workspace_id, everyone, device_ids)

        linking = [self._link(workspace_id, device_id, n) for n, device_id in enumerate(device_ids)]
        added, _ = await asyncio.gather(add(people.welcomed()), asyncio.gather(*linking))
        day = people.awake(self._clock.now())
        number = await self._absent(workspace_id, device_ids[0])
        first = [] if number is None else [people.absent(number, day)]
        added += await add([*first, *people.ruled(day)])
        async with self._db.transaction(workspace_id) as tx:
            made = await fill.add_campaigns(tx, workspace_id, added, device_ids, by, zone)
            await jobs.progress(tx, workspace_id, job_id, done=people.COUNT + len(device_ids))
        return made

    async def _absent(self, workspace_id: str, device_id: str) -> str | None:
        """A number the simulated WhatsApp does not know, for somebody whom a message cannot reach."""
        async with self._db.transaction(workspace_id) as tx:
            device = await device_service.find(tx, device_id)
        found = await self._keeper.driver_of(device).check_numbers(keeper.ref(device), people.candidates())
        return next((each.phone for each in found if not each.exists), None)

    async def remove(self, workspace_id: str) -> dict[str, int]:
        """Take everything of the demo away; returns how many things of each kind went."""
        async with self._db.transaction(workspace_id) as tx:
            gone = {"campaigns": 0, "devices": 0, "leads": 0, "messages": 0}
            for row in await tx.fetch("SELECT id, status FROM campaigns WHERE is_demo"):
                if row["status"] in ("pending", "triggered", "processing", "paused"):
                    await campaign_service.cancel(tx, workspace_id, row["id"])
            made_up, contents = await store.people_to_forget(tx), await store.contents_of(tx)
            dropped = []
            gone["kept_leads"] = await lead_service.leave_demo_devices(tx)
            for row in await tx.fetch("SELECT id FROM devices WHERE is_demo"):
                device, losses = await device_service.delete(tx, row["id"])
                dropped.append(device)
                gone["devices"] += 1
                gone["leads"] += losses.leads
                gone["messages"] += losses.messages
            for row in await tx.fetch("SELECT id FROM campaigns WHERE is_demo"):
                gone["messages"] += await campaign_service.delete(tx, workspace_id, row["id"])
                gone["campaigns"] += 1
            gone["leads"] += await lead_service.delete_demo(tx)
            await store.forget_contents(tx, contents)
            gone["people"] = await store.forget_people(tx, made_up)
            await store.keep_people(tx)
        for device in dropped:
            await self._keeper.drop(device)
        return gone


async def is_present(tx: db.Tx) -> bool:
    """Whether the workspace holds demo data."""
    sql = """SELECT EXISTS (SELECT 1 FROM devices WHERE is_demo) OR EXISTS (SELECT 1 FROM campaigns WHERE is_demo)
             OR EXISTS (SELECT 1 FROM leads WHERE is_demo)"""
    found: bool = await tx.fetchval(sql)
    return found


async def campaigns_to_start(tx: db.Tx) -> tuple[str | None, str | None]:
    """*Welcome* and *Rules at work*, as far as they are there: of the demo's campaigns those whose niche says so."""
    sql = "SELECT niche, id FROM campaigns WHERE is_demo AND (niche, rules = '{}') IN (($1, true), ($2, false))"
    found = {row["niche"]: row["id"] for row in await tx.fetch(sql, people.WELCOME, people.RULES)}
    return found.get(people.WELCOME), found.get(people.RULES)
