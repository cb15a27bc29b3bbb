"""A list of numbers to leave alone: read from CSV or plain lines, opted out some thousand at a time.

Each part is in force as soon as it is stored; a list that was broken off is simply sent again.
"""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from hantar.consent import model, optouts
from hantar.kit import db, errors, phone
from hantar.leads import service as leads, sheet
from hantar.outbox import queue, service as outbox

BODY_LIMIT = 20_000_000
MOST_ROWS = 200_000
PART = 5_000
"""Rows stored in one transaction: their persons are locked, so it must be short."""
MOST_PROBLEMS = 1_000
TOLD_EACH = 100
"""Up to so many people each opt-out is told as a fact of its own; a longer part is one fact without a person."""
COLUMNS = ("phone", "number", "mobile", "phone_number", "whatsapp", "msisdn", "tel", "telephone")
"""Names of the column with the number; without one, the first column is it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that names nobody (rows count from 1)."""

    row: int
    code: str
    message: str


@dataclass(slots=True)
class Report:
    """What a list brought. `total` = added + already + doubled + failed."""

    total: int = 0
    added: int = 0
    already: int = 0
    doubled: int = 0
    failed: int = 0
    problems: list[Problem] = field(default_factory=list)

    def fail(self, row: int, code: str, message: str) -> None:
        """One row that cannot be read."""
        self.failed += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(row, code, message))


async def take(database: db.Database, workspace_id: str, file: IO[bytes], asked: model.OptOut, country: str | None) -> Report:
    """Opt out everybody on the list; raises `Invalid` when the file is none or too long."""
    if country is None:
        async with database.transaction(workspace_id) as tx:
            country = await leads.default_country(tx, workspace_id)
    form = await asyncio.to_thread(_survey, file)
    rows = _rows(file, form)
    report = Report()
    seen: set[str] = set()
    while part := await asyncio.to_thread(_read, rows, country, report, seen):
        async with database.transaction(workspace_id) as tx:
            await _store(tx, workspace_id, part, asked, report)
    return report


def _survey(file: IO[bytes]) -> sheet.Format:
    form = sheet.detect(file)
    if sheet.check(file, form) > MOST_ROWS:
        raise errors.invalid_field("file", "too_many_rows", f"At most {MOST_ROWS:,} rows at once. Split the list.")
    return form


def _rows(file: IO[bytes], form: sheet.Format) -> Iterator[tuple[int, str | None, str]]:
    """Row number, the cell with the number (None: the row cannot be read) and why, without the header."""
    column = 0
    for position, record in enumerate(sheet.records(file, form)):
        if record.cells is None:
            yield record.row, None, record.message
            continue
        if position == 0:
            names = [cell.strip().strip("\ufeff").lower().replace(" ", "_") for cell in record.cells]
            named = next((names.index(each) for each in COLUMNS if each in names), None)
            if named is not None or not any(letter.isdecimal() for letter in "".join(names)):
                column = named or 0
                continue
        yield record.row, record.cells[column] if column < len(record.cells) else "", ""


def _read(
    rows: Iterator[tuple[int, str | None, str]], country: str | None, report: Report, seen: set[str]
) -> dict[str, tuple[str, ...]]:
    """The next identity keys with their time zones; empty at the end of the list."""
    found: dict[str, tuple[str, ...]] = {}
    while not found:
        part = list(itertools.islice(rows, PART))
        if not part:
            return found
        for row, cell, why in part:
            report.total += 1
            if cell is None:
                report.fail(row, "unreadable", why)
                continue
            try:
                key = phone.parse(cell, country).key
            except phone.InvalidPhone as error:
                report.fail(row, error.reason, error.errors[0].message)
                continue
            if key in seen:
                report.doubled += 1
            else:
                seen.add(key)
                found[key] = phone.zones_of(key)
    return found


async def _store(tx: db.Tx, workspace_id: str, numbers: dict[str, tuple[str, ...]], asked: model.OptOut, report: Report) -> None:
    added = await optouts.add_many(tx, workspace_id, numbers, asked)
    report.added += len(added.people)
    report.already += added.already
    report.doubled += len(numbers) - len(added.people) - added.already  # two numbers of one person
    outbox.tell_moves(tx, await queue.suppress_people(tx, workspace_id, added.people, await tx.now()))
    outbox.tell_moves(tx, await queue.end_confirmed(tx, workspace_id, added.people, await tx.now()))
    words = {"source": asked.source.value, "reason": asked.reason.value}
    if len(added.people) > TOLD_EACH:
        tx.tell("lead.opted_out", workspace_id, person_id=None, count=len(added.people), **words)
    else:
        for person_id in added.people:
            tx.tell("lead.opted_out", workspace_id, person_id=person_id, **words)
