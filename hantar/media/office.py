"""Word, Excel and PowerPoint by content: the newer ones are ZIP files, the older ones compound files. Only directories are read.

Sources: ECMA-376 part 2 (packages), the ZIP application note 6.3, [MS-CFB] (compound files).
"""

import struct
import zlib
from typing import BinaryIO

from hantar.media.model import Found, MediaKind

LARGEST_DIRECTORY = 2_000_000
"""Bytes of a ZIP's directory, or of a compound file's: tens of thousands of entries."""
LARGEST_TYPES = 1_000_000
"""Bytes of `[Content_Types].xml` when it is unfolded."""
_OPEN = "application/vnd.openxmlformats-officedocument."
NEWER = {
    b"wordprocessingml.document.main+xml": Found(MediaKind.DOCUMENT, f"{_OPEN}wordprocessingml.document", (".docx",)),
    b"spreadsheetml.sheet.main+xml": Found(MediaKind.DOCUMENT, f"{_OPEN}spreadsheetml.sheet", (".xlsx",)),
    b"presentationml.presentation.main+xml": Found(MediaKind.DOCUMENT, f"{_OPEN}presentationml.presentation", (".pptx",)),
}
OLDER = {
    "WordDocument": Found(MediaKind.DOCUMENT, "application/msword", (".doc",)),
    "Workbook": Found(MediaKind.DOCUMENT, "application/vnd.ms-excel", (".xls",)),
    "Book": Found(MediaKind.DOCUMENT, "application/vnd.ms-excel", (".xls",)),
    "PowerPoint Document": Found(MediaKind.DOCUMENT, "application/vnd.ms-powerpoint", (".ppt",)),
}
_MACROS = frozenset({"Macros", "_VBA_PROJECT_CUR", "VBA", "_VBA_PROJECT"})
_NO_SECTOR = 0xFFFFFFFA
"""Sector numbers from here on are marks (end of chain, free), not places."""


class Damaged(Exception):
    """The file is not what it begins as."""


class Other(Exception):
    """A whole file of this form, but no document we send."""


class Macros(Exception):
    """The document has macros."""


def judge_zip(file: BinaryIO, size: int) -> Found:
    """A newer document; raises `Damaged`, `Other` or `Macros`."""
    places = _zip_places(file, size)
    if "[Content_Types].xml" not in places:
        raise Other
    types = _zip_read(file, places["[Content_Types].xml"])
    if b"macroEnabled" in types or any(name.lower().endswith("vbaproject.bin") for name in places):
        raise Macros
    for mark, found in NEWER.items():
        if mark in types:
            return found
    raise Other


def _zip_places(file: BinaryIO, size: int) -> dict[str, tuple[int, int, int]]:
    """Name → method, packed size, place of its local header. Bounded by `LARGEST_DIRECTORY`."""
    tail_at = max(0, size - 65_557)
    file.seek(tail_at)
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) - end < 22:
        raise Damaged
    length, start = struct.unpack("<II", tail[end + 12 : end + 20])
    if length > LARGEST_DIRECTORY or start + length > tail_at + end:
        raise Damaged
    file.seek(start)
    listing = file.read(length)
    places, at = {}, 0
    while at + 46 <= len(listing):
        if listing[at : at + 4] != b"PK\x01\x02":
            raise Damaged
        (method,) = struct.unpack("<H", listing[at + 10 : at + 12])
        (packed,) = struct.unpack("<I", listing[at + 20 : at + 24])
        name, extra, comment = struct.unpack("<HHH", listing[at + 28 : at + 34])
        (place,) = struct.unpack("<I", listing[at + 42 : at + 46])
        places[listing[at + 46 : at + 46 + name].decode("utf-8", "replace")] = (method, packed, place)
        at += 46 + name + extra + comment
    return places


def _zip_read(file: BinaryIO, place: tuple[int, int, int]) -> bytes:
    method, packed, start = place
    file.seek(start)
    head = file.read(30)
    if len(head) < 30 or head[:4] != b"PK\x03\x04" or packed > LARGEST_TYPES or method not in (0, 8):
        raise Damaged
    name, extra = struct.unpack("<HH", head[26:30])
    file.seek(start + 30 + name + extra)
    body = file.read(packed)
    if method == 0:
        return body
    try:
        return zlib.decompressobj(-15).decompress(body, LARGEST_TYPES)
    except zlib.error as error:
        raise Damaged from error


def judge_compound(file: BinaryIO, size: int) -> Found:
    """An older document; raises `Damaged`, `Other` or `Macros`. Installers (.msi) and mails are compound files too."""
    names = _compound_names(file, size)
    if names & _MACROS:
        raise Macros
    for name, found in OLDER.items():
        if name in names:
            return found
    raise Other


def _compound_names(file: BinaryIO, size: int) -> set[str]:
    file.seek(0)
    head = file.read(512)
    if len(head) < 512:
        raise Damaged
    (shift,) = struct.unpack("<H", head[0x1E:0x20])
    if shift not in (9, 12):
        raise Damaged
    sector = 1 << shift
    tables = _compound_tables(file, head, sector)
    (at,) = struct.unpack("<I", head[0x30:0x34])
    names: set[str] = set()
    seen: set[int] = set()
    while at < _NO_SECTOR:
        if at in seen or (at + 1) * sector >= size or len(seen) * sector > LARGEST_DIRECTORY:
            raise Damaged
        seen.add(at)
        file.seek((at + 1) * sector)
        listing = file.read(sector)
        for entry in (listing[place : place + 128] for place in range(0, len(listing) - 127, 128)):
            length = min(struct.unpack("<H", entry[64:66])[0], 64)
            if length >= 2 and entry[66] in (1, 2, 5):
                names.add(entry[: length - 2].decode("utf-16-le", "replace"))
        at = _compound_next(file, tables, at, sector)
    return names


def _compound_tables(file: BinaryIO, head: bytes, sector: int) -> list[int]:
    """The sectors that hold the table of chains: 109 in the header, the others in a chain of their own."""
    tables = [number for number in struct.unpack("<109I", head[0x4C:0x200]) if number < _NO_SECTOR]
    (at,) = struct.unpack("<I", head[0x44:0x48])
    seen: set[int] = set()
    while at < _NO_SECTOR and at not in seen and len(seen) < 2000:
        seen.add(at)
        file.seek((at + 1) * sector)
        block = file.read(sector)
        if len(block) < sector:
            raise Damaged
        *more, at = struct.unpack(f"<{sector // 4}I", block)
        tables += [number for number in more if number < _NO_SECTOR]
    return tables


def _compound_next(file: BinaryIO, tables: list[int], at: int, sector: int) -> int:
    number, place = divmod(at, sector // 4)
    if number >= len(tables):
        raise Damaged
    file.seek((tables[number] + 1) * sector + place * 4)
    found = file.read(4)
    if len(found) < 4:
        raise Damaged
    following: int = struct.unpack("<I", found)[0]
    return following
