"""Plays the scenes of *Rules at work* while it runs, through the simulator's own actions, driven by the campaign's progress."""

import asyncio

import structlog

from hantar.demo import scenes
from hantar.devices import keeper, service as devices
from hantar.gateways import port
from hantar.jobs import service as jobs
from hantar.kit import clock, cluster, db

log = structlog.get_logger(__name__)

JOB = "demo.rules"
"""The job that tells how far it is, and remembers which scenes were played."""
LOOK_EVERY = 3.0
"""Seconds between looks while the campaign runs, should a fact be lost."""
REST = 0.5
"""Seconds between two scenes at least: one thing after the other can be followed."""
IDLE = 3600.0
OVER = """SELECT j.workspace_id, j.id FROM jobs j LEFT JOIN campaigns c
            ON c.workspace_id = j.workspace_id AND c.id::text = j.spec ->> 'campaign_id'
          WHERE j.kind = $1 AND j.status = 'running'
            AND (c.id IS NULL OR c.status IN ('finished', 'failed', 'cancelled'))"""
"""SQL: plays that somebody ended before their last scene."""


class Director:
    """One service per process. It does nothing while no *Rules at work* runs, and nothing outside of the simulator."""

    def __init__(self, database: db.Database, bus: cluster.Bus, clock_: clock.Clock, keeper_: keeper.Keeper) -> None:
        self._db, self._clock, self._keeper = database, clock_, keeper_
        self._woken = asyncio.Event()
        self._running: set[str] = set()
        bus.subscribe("campaign.status", lambda _fact: self._woken.set())
        bus.subscribe("message.status", self._hear)

    def _hear(self, fact: cluster.Fact) -> None:
        if fact.data.get("campaign_id") in self._running:
            self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Play what is due until told to stop."""
        stopped = asyncio.create_task(stop.wait())
        stopped.add_done_callback(lambda _task: self._woken.set())
        while not stop.is_set():
            self._woken.clear()
            try:
                await self.look()
            except db.DatabaseAway:
                log.warning("director.database_away")
            await self._clock.wait(stop, REST)
            await self._clock.wait(self._woken, LOOK_EVERY if self._running else IDLE)
        stopped.cancel()

    async def look(self) -> None:
        """One scene for each *Rules at work* that runs, if its time has come."""
        async with self._db.system() as tx:
            sql = """SELECT workspace_id, id FROM campaigns
                     WHERE is_demo AND rules <> '{}' AND status IN ('triggered', 'processing')"""
            running = [(row["workspace_id"], row["id"]) for row in await tx.fetch(sql)]
            over = await tx.fetch(OVER, JOB)
        self._running = {campaign_id for _, campaign_id in running}
        for row in over:
            async with self._db.transaction(row["workspace_id"]) as tx:
                await jobs.finish(tx, row["workspace_id"], row["id"], cancelled=True)
        for workspace_id, campaign_id in running:
            await self._play(workspace_id, campaign_id)

    async def _play(self, workspace_id: str, campaign_id: str) -> None:
        """Note the scene as played, then play it: after a crash one may be missing, and none comes twice."""
        async with self._db.transaction(workspace_id) as tx:
            script = await self._script(tx, workspace_id, campaign_id)
            if script is None:
                return
            job_id, played = script
            act = scenes.next_act(await _lines(tx, campaign_id), played, await _young(tx), await tx.now())
            if act is None:
                return
            played = [*played, act.scene.value]
            cursor = {"campaign_id": campaign_id, "played": played}
            await jobs.progress(tx, workspace_id, job_id, done=len(played), cursor=cursor)
            if scenes.is_over(played):
                await jobs.finish(tx, workspace_id, job_id, result=cursor)
            device = await devices.find(tx, act.device_id)
        driver = self._keeper.driver_of(device)
        if not device.is_demo or not isinstance(driver, port.Simulated):
            return
        try:
            await driver.simulate(keeper.ref(device), act.action)
            log.info("director.played", scene=act.scene.value, device=device.id)
        except port.PairingRefused as error:
            log.warning("director.not_played", scene=act.scene.value, why=str(error))

    @staticmethod
    async def _script(tx: db.Tx, workspace_id: str, campaign_id: str) -> tuple[str, list[str]] | None:
        """The campaign's job and the scenes played so far; a new job at the start; None when the play is over."""
        running = "SELECT status IN ('triggered', 'processing') FROM campaigns WHERE id = $1 FOR UPDATE"
        if not await tx.fetchval(running, campaign_id):
            return None  # removed or stopped meanwhile
        row = await tx.fetchrow(
            "SELECT id, status, cursor FROM jobs WHERE kind = $1 AND spec ->> 'campaign_id' = $2", JOB, campaign_id
        )
        if row is None:
            job = await jobs.create(tx, workspace_id, JOB, total=len(scenes.Scene), campaign_id=campaign_id)
            await jobs.start(tx, workspace_id, job.id)
            return job.id, []
        if row["status"] != "running":
            return None
        return row["id"], list(row["cursor"].get("played", ()))


async def _young(tx: db.Tx) -> str:
    """The demo's device that was linked last."""
    return str(await tx.fetchval("SELECT id FROM devices WHERE is_demo ORDER BY linked_at DESC NULLS LAST, id DESC LIMIT 1"))


async def _lines(tx: db.Tx, campaign_id: str) -> list[scenes.Line]:
    sql = """SELECT id, device_id, phone, state, waiting_for, not_before, wire_id FROM messages
             WHERE source_id = $1 ORDER BY id"""
    return [scenes.Line(**dict(row)) for row in await tx.fetch(sql, campaign_id)]
