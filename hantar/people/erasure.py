"""Erases a person: identity and words go, counts stay, the keyed hash keeps an opt-out in force (I-24).

The order outlives a crash: cancel what waits, let the drivers forget, blank the rows, and only then is the job done. While
the names still stand in the database, every step can be repeated.
"""

import asyncio
from collections.abc import Mapping

import structlog

from hantar.gateways import forget, port
from hantar.jobs import service as jobs
from hantar.kit import cluster, db, ids
from hantar.leads import service as leads
from hantar.outbox import queue, service as outbox
from hantar.people import model, store
from hantar.persons import service as persons
from hantar.persons.model import PersonId

log = structlog.get_logger(__name__)

SWEEP = 30.0
"""Seconds between looks for erasures that a stop left behind."""


async def ask(tx: db.Tx, workspace_id: str, person_id: str, by: str | None) -> str:
    """Queue an erasure; what waits to go to this person ends at once. Returns the job's id; raises `AlreadyErased`."""
    person = await persons.find(tx, person_id)
    if person.erased_at is not None:
        raise model.AlreadyErased
    await persons.lock(tx, [person_id])
    outbox.tell_moves(tx, await store.cancel_open(tx, person_id, await tx.now()))
    job = await jobs.create(tx, workspace_id, model.JOB, by=by, total=1, person_id=person_id, asked_by=by)
    tx.tell("person.erase", workspace_id)
    return job.id


class Eraser:
    """Works off erasures, also those that a stop left behind or that a restore brought back."""

    def __init__(self, database: db.Database, drivers: Mapping[str, port.Driver], bus: cluster.LocalBus) -> None:
        self._db, self._drivers = database, drivers
        self._woken = bus.waker("person.erase")

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop."""
        stopped = asyncio.create_task(stop.wait())
        stopped.add_done_callback(lambda _task: self._woken.set())
        is_replayed = False
        while not stop.is_set():
            self._woken.clear()
            try:
                is_replayed = is_replayed or await self.replay()
                await self.work()
            except db.DatabaseAway:
                log.warning("eraser.database_away")
            await self._db.clock.wait(self._woken, SWEEP)
        stopped.cancel()

    async def replay(self) -> bool:
        """After a restore: ask again for the erasures that the backup did not know yet."""
        async with self._db.door() as tx:
            workspaces = [row["id"] for row in await tx.fetch("SELECT id FROM workspaces")]
        for workspace_id in workspaces:
            async with self._db.transaction(workspace_id) as tx:
                for row in await store.to_erase_again(tx):
                    log.info("eraser.again", person=row["id"])
                    await ask(tx, workspace_id, row["id"], None)
        return True

    async def work(self) -> int:
        """Do every erasure that waits; returns how many."""
        sql = """SELECT workspace_id, id FROM jobs WHERE kind = $1 AND status IN ('queued', 'running') ORDER BY id"""
        async with self._db.system() as tx:
            waiting = await tx.fetch(sql, model.JOB)
        done = 0
        for row in waiting:
            try:
                await self._erase(row["workspace_id"], row["id"])
                done += 1
            except port.PairingRefused:
                log.warning("eraser.gateway_away", job=row["id"])  # it is tried again
        return done

    async def _erase(self, workspace_id: str, job_id: str) -> None:
        is_done = False
        while not is_done:  # whoever is merged into another entry meanwhile is erased there
            async with self._db.transaction(workspace_id) as tx:
                await jobs.start(tx, workspace_id, job_id)
                spec = await jobs.spec(tx, workspace_id, job_id)
                person_id = PersonId(spec["person_id"])
                numbers, device_ids = await store.spellings(tx, person_id), await store.device_ids(tx)
            await self._forget(numbers, device_ids)
            async with self._db.transaction(workspace_id) as tx:
                is_done = await erase(tx, workspace_id, person_id, spec.get("asked_by"))
                is_done = is_done or (await jobs.spec(tx, workspace_id, job_id)).get("person_id") == person_id
        await self._forget(numbers, device_ids)  # what arrived between the two
        async with self._db.transaction(workspace_id) as tx:
            await jobs.finish(tx, workspace_id, job_id, result={"person_id": person_id, "stays": list(model.STAYS)})

    async def _forget(self, numbers: set[str], device_ids: set[str]) -> None:
        """Only this workspace's devices forget them: another workspace may know the same number."""
        for driver in self._drivers.values():
            if isinstance(driver, forget.Forgets) and numbers:
                await driver.forget_people(sorted(numbers), sorted(device_ids))


async def erase(tx: db.Tx, workspace_id: str, person_id: PersonId, by: str | None) -> bool:
    """Blank a person over all rooms, in one transaction; False when there is no such entry (any more).

    Doing it twice changes nothing more.
    """
    await persons.lock(tx, [person_id])
    keys = await persons.keys(tx, person_id)
    if not keys:
        return await store.is_there(tx, person_id)
    now = await tx.now()
    words = await store.spellings(tx, person_id) | await store.names(tx, person_id)
    await store.note_erasure(tx, workspace_id, ids.new_id(), keys, by, now)
    gone = await queue.erase_person(tx, workspace_id, person_id)
    outbox.tell_moves(tx, gone.cancelled)
    await leads.erase_person(tx, workspace_id, person_id)
    await store.blank(tx, workspace_id, person_id, now)
    await store.drop_media(tx, list(gone.media_ids))
    await store.forget_replies(tx, words)
    tx.tell("person.erased", workspace_id, person_id=person_id)
    return True
