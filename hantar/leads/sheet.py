"""Reads CSV files as spreadsheets write them: encoding, separator, rows one by one with flat memory.

A broken row is reported and reading goes on with the next line; nothing is guessed about an unknown encoding.
"""

import codecs
import csv
import io
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from hantar.kit import errors

ENCODINGS = {"utf-8": "utf-8-sig", "utf-16": "utf-16", "cp1252": "cp1252", "latin-1": "latin-1"}
"""Encodings a person may choose, and their codecs."""
DELIMITERS = (",", ";", "\t")
LONGEST_CELL = 131_072
LONGEST_LINE = 1_000_000
LONGEST_RECORD = 2_000_000
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_SHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_HEAD = 65_536


@dataclass(frozen=True, slots=True)
class Format:
    """How a file is to be read."""

    encoding: str
    delimiter: str


@dataclass(frozen=True, slots=True)
class Record:
    """One row as the spreadsheet numbers it (the header is row 1); `cells` is None when it cannot be read."""

    row: int
    cells: list[str] | None
    code: str = ""
    message: str = ""


class _TooLong(Exception):
    """A line or record is longer than any row of leads can be."""


def detect(file: IO[bytes], encoding: str | None = None, delimiter: str | None = None) -> Format:
    """Find out how the file is to be read, from its head; raises `Invalid` when that would be a guess."""
    file.seek(0)
    head = file.read(_HEAD)
    if head.startswith(_SHEETS):
        raise errors.invalid_field("file", "not_csv", "This is a workbook. Save it as CSV in your spreadsheet first.")
    if not head.strip(b"\x00\r\n\t ,;\xef\xbb\xbf"):
        raise errors.invalid_field("file", "empty", "This file is empty.")
    encoding = _encoding(head, encoding)
    if delimiter is not None and delimiter not in DELIMITERS:
        raise errors.invalid_field("delimiter", "not_one_of", "The separator is a comma, a semicolon or a tab.")
    return Format(encoding, delimiter or _delimiter(_decoded(head, encoding)))


def _encoding(head: bytes, wished: str | None) -> str:
    if wished:
        if wished.lower() not in ENCODINGS:
            raise errors.invalid_field("encoding", "not_one_of", f"Choose one of {', '.join(ENCODINGS)}.")
        return wished.lower()
    found = next((name for mark, name in _BOMS if head.startswith(mark)), "utf-8")
    _decoded(head, found)
    return found


def _decoded(head: bytes, encoding: str) -> str:
    try:
        return codecs.getincrementaldecoder(ENCODINGS[encoding])().decode(head, final=False)
    except UnicodeError as error:
        raise _unreadable(encoding) from error


def _unreadable(encoding: str) -> errors.Invalid:
    others = ", ".join(name for name in ENCODINGS if name != encoding)
    message = f"This file is not written in {encoding}. Choose its encoding ({others}), or save it again as UTF-8."
    return errors.invalid_field("encoding", "unknown_encoding", message)


def _delimiter(head: str) -> str:
    first = head.lstrip("\ufeff\r\n").partition("\n")[0]
    if (chosen := first.strip().lower().removeprefix("sep=")) in DELIMITERS and first.lower().startswith("sep="):
        return chosen
    in_quotes, counts = False, dict.fromkeys(DELIMITERS, 0)
    for letter in first:
        in_quotes ^= letter == '"'
        if not in_quotes and letter in counts:
            counts[letter] += 1
    return max(DELIMITERS, key=lambda each: counts[each])


def check(file: IO[bytes], form: Format) -> int:
    """Read the whole file once; returns about how many rows it has (lines less the header), raises `Invalid` at the
    first byte that the encoding does not have."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(ENCODINGS[form.encoding])()
    lines, tail = 0, ""
    try:
        while block := file.read(1 << 20):
            text = decoder.decode(block)
            lines, tail = lines + (text.count("\n") or text.count("\r")), text[-1:] or tail
        decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise _unreadable(form.encoding) from error
    return max(0, lines + (tail not in ("\n", "\r")) - 1)


def records(file: IO[bytes], form: Format) -> Iterator[Record]:
    """The rows of the file, the header first; empty lines are counted but not given."""
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=ENCODINGS[form.encoding], newline="")
    try:
        yield from _records(text, form.delimiter)
    finally:
        if not file.closed:  # the caller's file outlives the reading, unless it was closed half-way
            text.detach()


def _records(text: io.TextIOBase, delimiter: str) -> Iterator[Record]:
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    row = 0
    while True:
        lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _TooLong) as error:
            row += 1
            lines.give_back()
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            yield Record(row, None, *_cause(error))
            continue
        row += 1
        if row == 1 and len(cells) <= 2 and cells and cells[0].lower().startswith("sep="):
            continue
        if any(cells):
            yield Record(row, cells)


def _cause(error: Exception) -> tuple[str, str]:
    if "field larger" in str(error):
        return "cell_too_long", f"A cell has more than {LONGEST_CELL:,} characters, or its quotes are never closed."
    if "end of data" in str(error):
        return "open_quote", "The quotes that this row opens are never closed."
    if isinstance(error, _TooLong):
        return "row_too_long", "This row is too long to be one lead, or its quotes are never closed."
    return "bad_quotes", "Quotes stand in the wrong place. Double them within a quoted cell."


class _Lines:
    """The lines of a text, of which those after a broken row's first can be given back."""

    def __init__(self, text: io.TextIOBase) -> None:
        self._text = text
        self._back: deque[str] = deque()
        self._taken: list[str] = []
        self._length = 0

    def begin(self) -> None:
        """A record begins here."""
        self._taken, self._length = [], 0

    def give_back(self) -> None:
        """Read the record's lines again, but for its first."""
        self._back.extendleft(reversed(self._taken[1:]))

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else self._text.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        self._taken.append(line)
        self._length += len(line)
        if len(line) >= LONGEST_LINE and not line.endswith(("\n", "\r")):
            while (rest := self._text.readline(LONGEST_LINE)) and not rest.endswith(("\n", "\r")):
                pass
            self._taken = self._taken[:1]
            raise _TooLong
        if self._length > LONGEST_RECORD:
            raise _TooLong
        return line
