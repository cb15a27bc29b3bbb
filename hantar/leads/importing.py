"""Turns a file into leads: small ones within the request, others batch by batch under a job that can go on after a crash."""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import IO

from hantar.consent import service as consents
from hantar.jobs import service as jobs
from hantar.kit import db, errors, ids
from hantar.leads import columns, declare_store, import_model as model, import_store, sheet, store
from hantar.leads.import_model import Counts, Options, Result
from hantar.leads.model import ImportId

JOB = "leads.import"


@dataclass(frozen=True, slots=True)
class Survey:
    """What is known of a file before it is read row by row."""

    options: Options
    rows: int
    is_small: bool


def survey(file: IO[bytes], options: Options, encoding: str | None, delimiter: str | None) -> Survey:
    """Look at the whole file without keeping it: format, columns, about how many rows. Raises `Invalid`."""
    form = sheet.detect(file, encoding, delimiter)
    rows = sheet.check(file, form)
    found = replace(options, format=form)
    records = sheet.records(file, form)
    _plan(records, found)
    count = sum(1 for _ in itertools.islice(records, model.BATCH + 1))
    return Survey(found, max(rows, count), count <= model.BATCH)


def _plan(records: Iterator[sheet.Record], options: Options) -> columns.Plan:
    header = next(records, None)
    if header is None:
        raise errors.invalid_field("file", "empty", "This file is empty.")
    if header.cells is None:
        raise errors.invalid_field("file", header.code, f"The first row must name the columns. {header.message}")
    if any("\x00" in cell for cell in header.cells):
        raise errors.invalid_field("file", "nul_byte", "The first row holds NUL characters; the file may be damaged.")
    return columns.plan(header.cells, options.mapping)


class Rows:
    """The rows of a file as drafts and problems, in batches; each batch is read outside the event loop."""

    def __init__(self, file: IO[bytes], options: Options, *, after: int = 1) -> None:
        self._options = options
        self._records = sheet.records(file, options.format)
        self._plan = _plan(self._records, options)
        self._after = after

    async def batch(self) -> "Batch | None":
        """The next rows; None at the end of the file."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> "Batch | None":
        drafts: list[columns.Draft] = []
        problems: list[columns.RowProblem] = []
        failed, last, count = 0, 0, 0
        for record in self._records:
            if record.row <= self._after:
                continue
            draft, found = columns.read(record, self._plan, self._options.device_id, self._options.country)
            last, count = record.row, count + 1
            problems += found
            if draft is not None:
                drafts.append(draft)
            else:
                failed += 1
            if count == model.BATCH:
                break
        return Batch(drafts, problems, failed, last) if count else None


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a file: what can be stored, what is wrong, and the last row among them."""

    drafts: Sequence[columns.Draft]
    problems: Sequence[columns.RowProblem]
    failed: int
    last: int


async def begin(
    tx: db.Tx, workspace_id: str, options: Options, file_name: str, *, job_id: str | None = None, by: str | None = None
) -> ImportId:
    """Note that a file is about to be read."""
    made = ImportId(ids.new_id())
    await import_store.add(tx, workspace_id, made, job_id, file_name, options, by)
    return made


async def merge(tx: db.Tx, workspace_id: str, import_id: ImportId, options: Options, batch: Batch) -> Counts:
    """Store a batch, or in a dry run only judge it; returns the counts of the whole import so far."""
    drafts, foreign = await _own_devices(tx, batch.drafts)
    await import_store.stage(tx, drafts)
    await import_store.find_doubles(tx, workspace_id, import_id)
    await import_store.find_present(tx, workspace_id)
    await import_store.judge(tx, options.on_duplicate)
    if not options.is_dry_run:
        now = await tx.now()
        await import_store.insert_new(tx, workspace_id, import_id, now)
        await import_store.update_present(tx, now)
    await declare_store.mark_opted_out(tx, workspace_id)
    consented = await _declare(tx, workspace_id, import_id, options) if options.consent else 0
    counts = await import_store.tally(tx) + Counts(failed=batch.failed + len(foreign), consented=consented)
    await import_store.report_staged(tx, workspace_id, import_id)
    await import_store.report_opted_out(tx, workspace_id, import_id)
    await import_store.report_failed(tx, workspace_id, import_id, [*batch.problems, *foreign])
    await tx.execute("DROP TABLE stage")
    return await import_store.add_counts(tx, import_id, counts)


async def _declare(tx: db.Tx, workspace_id: str, import_id: ImportId, options: Options) -> int:
    """Write what was declared for the file's people of this batch, in a dry run only count them; returns how many."""
    if options.is_dry_run or options.consent is None:
        return await declare_store.count_staged(tx)
    people = await declare_store.staged_people(tx, workspace_id, import_id)
    await consents.give(tx, workspace_id, people, replace(options.consent, import_id=import_id))
    return len(people)


async def _own_devices(tx: db.Tx, drafts: Sequence[columns.Draft]) -> tuple[list[columns.Draft], list[columns.RowProblem]]:
    """Drafts for devices of this workspace; the others are wrong rows."""
    named = {draft.device_id for draft in drafts}
    known = await store.devices_known(tx, [each for each in named if ids.is_id(each)])
    own = {each for each in named if each.lower() in known}
    message = "There is no such device here."
    foreign = [
        columns.RowProblem(draft.row, "device_id", "unknown_device", message, draft.device_id[:200])
        for draft in drafts
        if draft.device_id not in own
    ]
    return [draft for draft in drafts if draft.device_id in own], foreign


async def result(tx: db.Tx, import_id: ImportId) -> Result:
    """What an import has brought so far, with its first errors."""
    found = await find(tx, import_id)
    rows = await import_store.report(tx, import_id, "failed", None, None, model.MOST_ERRORS)
    return Result(import_id, found.counts, tuple(row.problem for row in rows))


async def find(tx: db.Tx, import_id: ImportId) -> model.Import:
    """One import; raises `ImportNotFound`."""
    found = await import_store.get(tx, import_id)
    if found is None:
        raise model.ImportNotFound
    return found


async def run_small(tx: db.Tx, workspace_id: str, file: IO[bytes], options: Options, file_name: str, by: str | None) -> Result:
    """Read a small file within this transaction."""
    import_id = await begin(tx, workspace_id, options, file_name, by=by)
    rows = Rows(file, options)
    while batch := await rows.batch():
        await merge(tx, workspace_id, import_id, options, batch)
    await import_store.end(tx, import_id, "done")
    return await result(tx, import_id)


async def merge_next(
    tx: db.Tx, workspace_id: str, job_id: str, import_id: ImportId, options: Options, batch: Batch, after: int
) -> bool:
    """Store a batch of a job and where to go on, together; False when it shall stop.

    Raises `TakenOver` when the job stands elsewhere than this worker believes.
    """
    place = await import_store.place(tx, job_id)
    if place is None or place[0] != after:
        raise model.TakenOver
    if place[1]:
        return False
    counts = await merge(tx, workspace_id, import_id, options, batch)
    await jobs.progress(tx, workspace_id, job_id, done=counts.total, cursor={"row": batch.last})
    return True


async def finish(
    tx: db.Tx, workspace_id: str, job_id: str, import_id: ImportId, *, error: str | None = None, cancelled: bool = False
) -> None:
    """End a job and its import; what was stored stays."""
    status = "cancelled" if cancelled else "failed" if error else "done"
    await import_store.end(tx, import_id, status, error)
    found = await import_store.get(tx, import_id)
    shown = (await result(tx, import_id)).as_json() if found else None
    if found:
        await jobs.progress(
            tx, workspace_id, job_id, done=found.counts.total, total=None if error or cancelled else found.counts.total
        )
    await jobs.finish(tx, workspace_id, job_id, result=shown, error=error, cancelled=cancelled)
