"""Declares consent for the people of an import or of a filter: a few at once, more under a job that goes on after a crash."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

import structlog

from hantar.consent import service as consents
from hantar.consent.model import ConsentWord, Given
from hantar.jobs import service as jobs
from hantar.jobs.model import Job
from hantar.kit import cluster, db
from hantar.leads import declare_store, import_model as imports, import_store, importing
from hantar.leads.model import Filter, ImportId, TargetStatus

log = structlog.get_logger(__name__)

JOB = "leads.declare_consent"
PAGE = 5_000
"""People written in one transaction, and the most that a request waits for."""
LOST_AFTER = timedelta(seconds=15)
"""A running declaration without a sign of life for so long has lost its worker; each page takes about a second."""
SWEEP = 5.0


@dataclass(frozen=True, slots=True)
class Declaration:
    """Who agreed to what. `given.import_id` is set when `of` is an import; `only_missing` passes over who has consent."""

    of: ImportId | Filter
    given: Given
    only_missing: bool = True

    def as_json(self) -> dict[str, Any]:
        """This declaration as a job keeps it."""
        of = {"filter": asdict(self.of)} if isinstance(self.of, Filter) else {"import_id": self.of}
        return of | {"given": imports.given_json(self.given), "only_missing": self.only_missing}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Declaration":
        """The declaration that `as_json` wrote."""
        of: ImportId | Filter
        of = _filter(kept["filter"]) if "filter" in kept else ImportId(kept["import_id"])
        return cls(of, imports.given_from(kept["given"]), kept["only_missing"])


def _filter(kept: Mapping[str, Any]) -> Filter:
    status, word, ids = kept["target_status"], kept["consent"], kept["ids"]
    return Filter(
        **{
            **kept,
            "target_status": TargetStatus(status) if status else None,
            "consent": ConsentWord(word) if word else None,
            "ids": None if ids is None else tuple(ids),
        }
    )


@dataclass(frozen=True, slots=True)
class Declared:
    """What a declaration brought: people it was for, consents written, people who had one, and people opted out.

    Those opted out get a row as history and are still not written to; they are among the others.
    """

    matched: int = 0
    written: int = 0
    already: int = 0
    opted_out: int = 0

    def __add__(self, other: "Declared") -> "Declared":
        return Declared(
            self.matched + other.matched,
            self.written + other.written,
            self.already + other.already,
            self.opted_out + other.opted_out,
        )


async def preview(tx: db.Tx, asked: Declaration) -> Declared:
    """What it would bring. Raises `ImportNotFound`, `ImportRunning`, `NothingImported`."""
    await _check(tx, asked)
    found = await declare_store.people(tx, asked.of, only_missing=asked.only_missing)
    return replace(_said(found), opted_out=await declare_store.count(tx, asked.of, opted_out=True))


async def declare(tx: db.Tx, workspace_id: str, asked: Declaration, by: str | None) -> Declared | Job:
    """Declare it within this transaction, or make a job when it is for more than `PAGE` people. Raises like `preview`."""
    await _check(tx, asked)
    total = await declare_store.count(tx, asked.of)
    if total <= PAGE:
        return (await _page(tx, workspace_id, asked, None))[0]
    # a text that finds so many people names none of them, so the job may keep it
    return await jobs.create(tx, workspace_id, JOB, by=by, total=total, **asked.as_json())


async def _check(tx: db.Tx, asked: Declaration) -> None:
    if isinstance(asked.of, Filter):
        return
    found = await importing.find(tx, asked.of)
    if found.status == "running":
        raise imports.ImportRunning
    if found.is_dry_run:
        raise imports.NothingImported


def _said(found: declare_store.People) -> Declared:
    return Declared(found.seen, found.needing, found.seen - found.needing)


async def _page(tx: db.Tx, workspace_id: str, asked: Declaration, after: str | None) -> tuple[Declared, str | None]:
    """Write the next people; None instead of a person when these were the last. The first page counts who is opted out."""
    opted_out = 0 if after else await declare_store.count(tx, asked.of, opted_out=True)
    if not isinstance(asked.of, Filter):
        await declare_store.lock_import(tx, asked.of)
    found = await declare_store.people(tx, asked.of, only_missing=asked.only_missing, after=after, page=PAGE)
    await consents.give(tx, workspace_id, found.needy, asked.given)
    if not isinstance(asked.of, Filter):
        await declare_store.note(tx, asked.of, found.needing, imports.given_json(asked.given))
    return replace(_said(found), opted_out=opted_out), found.last if found.seen == PAGE else None


async def since(tx: db.Tx, import_ids: Sequence[str]) -> dict[str, imports.Since]:
    """What became of the people of each of these imports."""
    found = await declare_store.since(tx, import_ids)
    return {each: imports.Since(*found.get(each, (0, 0))) for each in import_ids}


class Declarer:
    """Works off large declarations page by page; each page and its place are one transaction."""

    def __init__(self, database: db.Database, bus: cluster.LocalBus) -> None:
        self._db = database
        self._woken = bus.waker("job.progress")

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; the page in hand is finished first."""
        stopped = asyncio.create_task(stop.wait())
        stopped.add_done_callback(lambda _task: self._woken.set())
        while not stop.is_set():
            self._woken.clear()
            with contextlib.suppress(db.DatabaseAway):
                await self.work(stop)
            if not stop.is_set():
                await self._db.clock.wait(self._woken, SWEEP)
        stopped.cancel()

    async def work(self, stop: asyncio.Event) -> int:
        """Do every declaration that waits; returns how many."""
        async with self._db.system() as tx:
            rows, now = await import_store.left_over(tx, JOB), await tx.now()
        done = 0
        for row in rows:
            is_lost = row["status"] == "running" and row["beat_at"] < now - LOST_AFTER
            if not stop.is_set() and (row["status"] == "queued" or is_lost):
                done += await self._take(row, stop)
        return done

    async def _take(self, row: db.Row, stop: asyncio.Event) -> bool:
        workspace_id, job_id = row["workspace_id"], row["id"]
        if row["status"] == "queued":
            async with self._db.transaction(workspace_id) as tx:
                if not await jobs.start(tx, workspace_id, job_id):
                    return False
        asked = Declaration.from_json(row["spec"])
        log.info("leads.declaration_taken", job=job_id, resumed=row["status"] == "running")
        try:
            while not stop.is_set() and await self._next(workspace_id, job_id, asked):
                pass
        except imports.ImportNotFound:
            await self._fail(workspace_id, job_id, "The import was deleted. What was written stays.")
        except db.DatabaseAway:
            raise
        except Exception:  # the next one must go on, whatever this one holds
            log.exception("leads.declaration_failed", job=job_id)
            await self._fail(workspace_id, job_id, "Something went wrong on the server. What was written stays.")
        return True

    async def _next(self, workspace_id: str, job_id: str, asked: Declaration) -> bool:
        """One page and where to go on, together; False at the end, when it shall stop, or when another worker has it."""
        async with self._db.transaction(workspace_id) as tx:
            place = await declare_store.place(tx, job_id)
            if place is None:
                return False
            cursor, is_cancelled = place
            so_far = Declared(**cursor.get("so_far", {}))
            if is_cancelled:
                await jobs.finish(tx, workspace_id, job_id, result=asdict(so_far), cancelled=True)
                return False
            await _check(tx, asked)
            said, after = await _page(tx, workspace_id, asked, cursor.get("after"))
            so_far += said
            await jobs.progress(tx, workspace_id, job_id, done=so_far.matched, cursor={"after": after, "so_far": asdict(so_far)})
            if after is None:
                await jobs.finish(tx, workspace_id, job_id, result=asdict(so_far))
            return after is not None

    async def _fail(self, workspace_id: str, job_id: str, words: str) -> None:
        async with self._db.transaction(workspace_id) as tx:
            await jobs.finish(tx, workspace_id, job_id, error=words)
