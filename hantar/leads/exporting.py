"""Leads as CSV, row by row from a server-side cursor; what it writes, import reads back without change."""

import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from hantar.kit import cells, db
from hantar.leads import columns, import_store, model, store
from hantar.leads.model import ImportId

CHUNK = 64_000
SAMPLE = (
    ("Aisyah Rahman", "60123456789", "EXSTART,ITADRESS", "prospect", "Met at the fair", "", ""),
    ("José García", "+52 55 1234 5678", "EXSTART", "customer", "", "", "welcome"),
    ("Priya 🌸", "919876543210", "", "", "Asks for a call", "", ""),
)
"""Rows of the file that shows how a file should look."""


def line(row: Sequence[str | None]) -> str:
    """One row of a file (RFC 4180), safe to open in a spreadsheet."""
    target = io.StringIO()
    csv.writer(target).writerow([cells.guard(cell or "") for cell in row])
    return target.getvalue()


def lead_cells(row: db.Row) -> tuple[str | None, ...]:
    """A lead's cells in the order of the header; the number as digits."""
    lists = (",".join(row["niches"]), ",".join(row["triggers"]))
    return (row["name"], row["phone"], lists[0], row["target_status"], row["additional_note"], row["device_id"], lists[1])


async def leads(tx: db.Tx, asked: model.Filter) -> AsyncIterator[str]:
    """The file of all leads of a filter, in pieces."""
    async for piece in _pieces(columns.HEADER, store.stream(tx, asked, await tx.now()), lead_cells):
        yield piece


async def failed_rows(tx: db.Tx, import_id: ImportId) -> AsyncIterator[str]:
    """The file of an import's failed rows, in pieces."""

    def values(row: db.Row) -> tuple[Any, ...]:
        return (str(row["row"]), row["column"], row["code"], row["message"], row["cell"])

    header = ("row", "column", "code", "message", "cell")
    async for piece in _pieces(header, import_store.stream_failed(tx, import_id), values):
        yield piece


def sample() -> str:
    """The sample file."""
    return "".join(line(row) for row in (columns.HEADER, *SAMPLE))


async def _pieces(
    header: Sequence[str], rows: AsyncIterator[db.Row], values: Callable[[db.Row], Sequence[str | None]]
) -> AsyncIterator[str]:
    parts = [line(header)]
    length = 0
    async for row in rows:
        parts.append(line(values(row)))
        length += len(parts[-1])
        if length > CHUNK:
            yield "".join(parts)
            parts, length = [], 0
    yield "".join(parts)
