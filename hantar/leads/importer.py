"""The service that reads large files in the background, one after the other, and goes on with those a crash left behind."""

import asyncio
import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import asyncpg
import structlog

from hantar.jobs import service as jobs
from hantar.kit import cluster, db, errors, ids
from hantar.leads import import_model as model, import_store, importing
from hantar.leads.import_model import Options
from hantar.leads.model import ImportId

log = structlog.get_logger(__name__)

LOST_AFTER = timedelta(seconds=15)
"""A running import without a sign of life for so long has lost its worker; each batch takes about a second."""
SWEEP = 5.0
AGAIN = (db.DatabaseAway, *db.AWAY, asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
"""What passes by itself: the batch was rolled back and is read again."""
GONE = "The uploaded file is gone. Import it again; rows already stored count as present."


class FileUnreadable(errors.Unavailable):
    """The server cannot read the uploaded file. Import it again; rows already stored count as present."""


class StorageFull(errors.Unavailable):
    """The server's disk is full, so this file cannot be kept."""

    code = "storage_full"


class Importer:
    """Takes imports that wait, reads their spooled files from `folder`, and deletes those when done."""

    def __init__(self, database: db.Database, folder: Path, bus: cluster.LocalBus) -> None:
        self._db, self.folder = database, folder
        self._woken = bus.waker("job.progress")
        self._mine: set[str] = set()
        self._undeleted: set[str] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; the batch in hand is finished first."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_swept = False
        while not stop.is_set():
            self._woken.clear()
            with contextlib.suppress(db.DatabaseAway):
                if not is_swept:
                    await self._drop_orphans()
                    is_swept = True
                await self.work(stop)
            if not stop.is_set():
                await self._rest(stop)

    async def _rest(self, stop: asyncio.Event) -> None:
        """Until a hint, the sweep or the stop."""
        stopping = asyncio.ensure_future(stop.wait())
        waiting = asyncio.ensure_future(self._db.clock.wait(self._woken, SWEEP))
        await asyncio.wait({stopping, waiting}, return_when=asyncio.FIRST_COMPLETED)
        for each in (stopping, waiting):
            each.cancel()

    async def work(self, stop: asyncio.Event) -> int:
        """Read every import that waits; returns how many."""
        count = 0
        async with self._db.system() as tx:
            rows, now = await import_store.left_over(tx, importing.JOB), await tx.now()
        for row in rows:
            is_lost = row["status"] == "running" and (row["id"] in self._mine or row["beat_at"] < now - LOST_AFTER)
            if not stop.is_set() and (row["status"] == "queued" or is_lost):
                count += await self._take(row, stop)
        await self._close_ended({row["id"] for row in rows})
        return count

    async def _take(self, row: db.Row, stop: asyncio.Event) -> bool:
        workspace_id, job_id = row["workspace_id"], row["id"]
        if row["status"] == "queued":
            async with self._db.transaction(workspace_id) as tx:
                if not await jobs.start(tx, workspace_id, job_id):
                    return False
        self._mine.add(job_id)
        log.info("leads.import_taken", job=job_id, after=row["cursor"].get("row", 1), resumed=row["status"] == "running")
        try:
            await self._read(workspace_id, job_id, row["spec"], row["cursor"].get("row", 1), stop)
        except model.TakenOver:
            log.warning("leads.import_taken_over", job=job_id)
        except FileNotFoundError:
            await self._end(workspace_id, job_id, ImportId(row["spec"]["import_id"]), error=GONE)
        except AGAIN as error:
            log.warning("leads.import_waits", job=job_id, kind=type(error).__name__)
            raise db.DatabaseAway from error
        except Exception as error:  # whatever a file may hold, the next one must be read
            log.exception("leads.import_failed", job=job_id)
            await self._end(workspace_id, job_id, ImportId(row["spec"]["import_id"]), error=_words(error))
        return True

    async def _read(self, workspace_id: str, job_id: str, spec: dict[str, Any], after: int, stop: asyncio.Event) -> None:
        import_id, options = ImportId(spec["import_id"]), Options.from_json(spec["options"])
        with _readable():
            file = self.path(job_id).open("rb")
        with file:
            with _readable():
                rows = importing.Rows(file, options, after=after)
            while batch := await _batch(rows):
                if stop.is_set():
                    return
                async with self._db.transaction(workspace_id) as tx:
                    goes_on = await importing.merge_next(tx, workspace_id, job_id, import_id, options, batch, after)
                if not goes_on:
                    return await self._end(workspace_id, job_id, import_id, cancelled=True)
                after = batch.last
        await self._end(workspace_id, job_id, import_id)

    async def _end(self, workspace_id: str, job_id: str, import_id: ImportId, **how: Any) -> None:
        async with self._db.transaction(workspace_id) as tx:
            await importing.finish(tx, workspace_id, job_id, import_id, **how)
        self._mine.discard(job_id)
        await self.drop(job_id)

    async def _close_ended(self, open_jobs: set[str]) -> None:
        """Close imports whose job ended without us (cancelled while it waited), and delete their files."""
        kept = await asyncio.to_thread(lambda: {path.stem for path in self.folder.glob("*.csv")})
        async with self._db.system() as tx:
            rows = await import_store.ended(tx, sorted(filter(ids.is_id, kept - open_jobs)))
        for row in rows:
            async with self._db.transaction(row["workspace_id"]) as tx:
                status = "cancelled" if row["status"] == "cancelled" else "failed"
                await import_store.end(tx, ImportId(row["spec"]["import_id"]), status, row["error"])
            await self.drop(row["id"])

    async def _drop_orphans(self) -> None:
        """Delete files whose request died before its job was committed; only at start, when no request is under way."""
        kept = await asyncio.to_thread(lambda: {path.stem for path in self.folder.glob("*.csv")})
        async with self._db.system() as tx:
            known = await import_store.jobs_among(tx, sorted(filter(ids.is_id, kept)))
        for job_id in kept - known:
            await self.drop(job_id)

    # ------------------------------------------------------------ for requests
    def path(self, job_id: str) -> Path:
        """Where the file of a job is kept."""
        return self.folder / f"{job_id}.csv"

    async def keep(self, file: IO[bytes], job_id: str) -> None:
        """Copy an upload to where it survives a crash; the folder's file system must have the room."""
        await asyncio.to_thread(_copy, file, self.path(job_id))

    async def drop(self, job_id: str) -> None:
        """Delete a kept file that no job needs; one that cannot be deleted stays, and the log says so once."""
        try:
            await asyncio.to_thread(self.path(job_id).unlink, missing_ok=True)
        except OSError as error:
            if job_id not in self._undeleted:
                log.warning("leads.import_file_stays", job=job_id, why=str(error))
            self._undeleted.add(job_id)


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    """An unreadable file as such: the errors of a database that is away have the same types, and pass by themselves."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise FileUnreadable from error


async def _batch(rows: importing.Rows) -> importing.Batch | None:
    with _readable():
        return await rows.batch()


def _copy(file: IO[bytes], target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.seek(0)
    try:
        with target.open("xb") as copy:
            shutil.copyfileobj(file, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())
    except OSError as error:
        target.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull from error
        raise


def _words(error: Exception) -> str:
    if isinstance(error, errors.AppError):
        return error.message
    if isinstance(error, asyncpg.ForeignKeyViolationError):
        return "The device was deleted while the file was read."
    return "Something went wrong on the server. What was stored stays; the log knows more."
