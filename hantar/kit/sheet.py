"""CSV that a spreadsheet may open: streamed, and with cells that it could run made harmless (OWASP: CSV injection)."""

import csv
import io
import itertools
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

STARTERS = ("=", "+", "-", "@", "\t", "\r", "\n")


def guarded(cell: str) -> str:
    """The cell with a leading apostrophe when its first visible character could start a formula."""
    plain = unicodedata.normalize("NFKC", cell)
    risky = plain.startswith(STARTERS) or plain.lstrip().startswith(STARTERS)
    return f"'{cell}" if risky else cell


def text(value: Any) -> str:
    """A value as a cell: instants in UTC, nothing for None, words for booleans."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, datetime) else guarded(str(value))


def lines(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The file, line by line, header first."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in itertools.chain([columns], rows):
        writer.writerow([text(cell) for cell in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def headers(name: str) -> dict[str, str]:
    """Headers that make a browser save it under this name."""
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}", "Cache-Control": "no-store"}
