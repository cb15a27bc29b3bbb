"""CSV that a spreadsheet may open: streamed, and with cells that it could run made harmless (OWASP: CSV injection)."""

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from hantar.kit import cells


def text(value: Any) -> str:
    """A value as a cell: instants in UTC, nothing for None, words for booleans."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, datetime) else cells.guard(str(value))


def lines(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The file, line by line, header first; no columns: a further part of a file."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in itertools.chain([columns] if columns else [], rows):
        writer.writerow([text(cell) for cell in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def headers(name: str) -> dict[str, str]:
    """Headers that make a browser save it under this name."""
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}", "Cache-Control": "no-store"}
