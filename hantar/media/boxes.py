"""What is in an MP4 or 3GP file, read from its boxes (ISO/IEC 14496-12). Nothing is decoded; hostile sizes lead nowhere."""

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from hantar.media.model import Found, MediaKind

MOST_BOXES = 20_000
"""Boxes looked at in one file; a real one has a few hundred, a fragmented one some thousand."""
_FAMILY = (b"isom", b"iso", b"mp4", b"avc1", b"M4V ", b"M4A ", b"M4B ", b"3gp", b"3g2", b"MSNV", b"dash", b"f4v ")
_WITHIN = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}
VIDEO_CODECS = frozenset({b"avc1", b"avc3"})
AUDIO_CODECS = frozenset({b"mp4a"})
"""H.264 and AAC, all that WhatsApp plays (Cloud API, "Supported media types")."""


class Damaged(Exception):
    """The boxes do not fit into each other, or the index is missing."""


class OtherCodec(Exception):
    """A video or sound that WhatsApp does not play."""


class Box(NamedTuple):
    """One box: its type, and where its body begins and ends."""

    kind: bytes
    start: int
    end: int


class Tracks(NamedTuple):
    """Kind of each track (`vide`, `soun`, …) and the first sample's codec of each."""

    handlers: list[bytes]
    codecs: list[bytes]


def is_family(head: bytes) -> bool:
    """Whether a file begins as MP4 and its relatives do; QuickTime and pictures (HEIC, AVIF) do not count."""
    return head[4:8] == b"ftyp" and head[8:12].startswith(_FAMILY)


def judge(file: BinaryIO, size: int) -> Found:
    """Video or audio, with its type; raises `Damaged` or `OtherCodec`."""
    file.seek(8)
    brand = file.read(4)
    tracks = _tracks(file, size)
    kinds = set(tracks.handlers)
    if b"vide" in kinds:
        codecs = set(tracks.codecs)
        if not codecs & VIDEO_CODECS or codecs - VIDEO_CODECS - AUDIO_CODECS:
            raise OtherCodec
        if brand.startswith((b"3gp", b"3g2")):
            return Found(MediaKind.VIDEO, "video/3gpp", (".3gp",))
        return Found(MediaKind.VIDEO, "video/mp4", (".mp4", ".m4v"))
    if b"soun" not in kinds:
        raise Damaged
    if set(tracks.codecs) - AUDIO_CODECS:
        raise OtherCodec
    return Found(MediaKind.AUDIO, "audio/mp4", (".m4a", ".mp4"))


def _tracks(file: BinaryIO, size: int) -> Tracks:
    tracks = Tracks([], [])
    budget = iter(range(MOST_BOXES))
    has_index = False
    waiting = [(0, size)]
    while waiting:
        start, end = waiting.pop()
        for box in _boxes(file, start, end, budget):
            has_index = has_index or box.kind == b"moov"
            if box.kind in _WITHIN:
                waiting.append((box.start, box.end))
            elif box.kind == b"hdlr":
                tracks.handlers.append(_word(file, box, 8))
            elif box.kind == b"stsd":
                tracks.codecs.append(_word(file, box, 12))
    if not has_index:
        raise Damaged
    kept = [kind for kind in tracks.handlers if kind in (b"vide", b"soun")]
    known = [codec for codec in tracks.codecs if codec not in (b"tmcd", b"text", b"tx3g", b"rtp ", b"mp4s")]
    return Tracks(kept, known)


def _boxes(file: BinaryIO, start: int, end: int, budget: Iterator[int]) -> Iterator[Box]:
    """The boxes between two places, in their order."""
    while start < end:
        if next(budget, None) is None:
            raise Damaged
        file.seek(start)
        head = file.read(16)
        if len(head) < 8 or end - start < 8:
            raise Damaged
        length, kind = struct.unpack(">I4s", head[:8])
        body = start + 8
        if length == 1 and len(head) == 16:
            (length,) = struct.unpack(">Q", head[8:])
            body = start + 16
        elif length == 0:
            length = end - start
        if start + length > end or start + length < body:
            raise Damaged
        yield Box(kind, body, start + length)
        start += length


def _word(file: BinaryIO, box: Box, offset: int) -> bytes:
    """Four letters at a place of a box; raises `Damaged` when it is too short."""
    if box.end - box.start < offset + 4:
        raise Damaged
    file.seek(box.start + offset)
    return file.read(4)
