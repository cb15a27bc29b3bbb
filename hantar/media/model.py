"""A stored file, its kinds and their sizes, and what can be wrong with one that somebody gives us. No I/O."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from hantar.kit import errors

MediaId = NewType("MediaId", str)


class MediaKind(StrEnum):
    """How WhatsApp shows a file; also the `message_type` of a message that carries it."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    DOCUMENT = "document"


LARGEST = {
    MediaKind.IMAGE: 5_000_000,
    MediaKind.VIDEO: 16_000_000,
    MediaKind.AUDIO: 16_000_000,
    MediaKind.DOCUMENT: 100_000_000,
}
"""Bytes WhatsApp takes of each kind (Cloud API, "Supported media types": 5, 16, 16 and 100 MB; we count a MB as a million)."""
LARGEST_UPLOAD = 20_000_000
"""Bytes of a picture that may come in, before it is shrunk (api.md 4.3)."""
LARGEST_STORED = 350_000
"""Bytes of a stored picture (api.md 4.3)."""
MOST_PIXELS = 25_000_000
"""A small file can unfold to gigabytes (reliability F-20)."""
LONGEST_SIDE = 1600
"""Pixels; phones show no more, and WhatsApp itself shrinks to this."""
LONGEST_CAPTION = 1024
"""Characters under a picture, video or document (Cloud API, "Media messages"); audio has no caption."""
PIECE = 512 * 1024
"""Bytes that are read and written at once; a picture is one piece, a file of 16 MB is 31."""

TYPES = (
    "JPEG, PNG, WebP and GIF pictures, MP4 and 3GP videos, OGG/Opus, MP3, AAC and M4A audio, PDF, Word, Excel, PowerPoint, text"
)
PROBLEMS = {
    "image_unreadable": "This picture cannot be read. Save it again as JPEG or PNG.",
    "file_unreadable": "This file is damaged or incomplete. Save or export it again.",
    "unsupported_type": f"This kind of file cannot be sent. What can: {TYPES} (in UTF-8).",
    "unsupported_codec": "WhatsApp plays only H.264 video with AAC sound. Convert the video first.",
    "has_macros": "A document with macros cannot be sent. Save it without them, or as PDF.",
    "too_large": "A picture may have at most 20 MB.",
    "too_many_pixels": "A picture may have at most 25 megapixels. Make it smaller first.",
    "image_unreachable": "The picture cannot be fetched from this address.",
    "private_address": "This address leads into a private network, where Hantar does not go.",
    "bad_url": "Give an address that begins with http:// or https://, or a data URL.",
}


class BadFile(errors.Invalid):
    """This file cannot be used."""

    def __init__(self, field: str, reason: str, message: str | None = None) -> None:
        super().__init__(errors=[errors.FieldError(field, reason, message or PROBLEMS[reason])])
        self.reason = reason


class BadPicture(BadFile):
    """This picture cannot be used."""


class MediaNotFound(errors.NotFound):
    """There is no such file here."""


class InUse(errors.Conflict):
    """A message or campaign uses this file, so it stays."""

    code = "in_use"


@dataclass(frozen=True, slots=True)
class Limits:
    """What this installation takes beside pictures: bytes of one file (`HANTAR_MEDIA_MAX_MB`)."""

    largest: int = 16_000_000

    def of(self, kind: MediaKind) -> int:
        """Bytes of a file of this kind: ours, or WhatsApp's if that is less."""
        return min(self.largest, LARGEST[kind])


@dataclass(frozen=True, slots=True)
class Found:
    """What a file is by its content, and the ends its name may have (the first one is given to a name without any of them)."""

    kind: MediaKind
    mime: str
    ends: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A checked file that is about to be stored; size in bytes."""

    found: Found
    name: str
    size: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it will be stored: JPEG of at most 350 KB, upright, without any of its old metadata."""

    mime: str
    bytes: bytes
    width: int
    height: int
    original_size: int
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Media:
    """A stored file without its bytes."""

    id: MediaId
    kind: MediaKind
    mime: str
    name: str | None
    size: int
    original_size: int
    width: int | None
    height: int | None
    sha256: bytes
    created_at: datetime


def caption_problem(kind: MediaKind, text: str, field: str) -> errors.FieldError | None:
    """Why this text cannot go under a file of this kind, on the field that holds it; None when it can."""
    if kind is MediaKind.AUDIO and text.strip():
        words = "WhatsApp shows no text with audio. Take the text away, or send it as a message of its own."
        return errors.FieldError(field, "no_caption", words)
    if len(text) > LONGEST_CAPTION:
        words = f"The text under a file may have at most {LONGEST_CAPTION:,} characters; this one has {len(text):,}."
        return errors.FieldError(field, "caption_too_long", words)
    return None


def named(name: str | None, found: Found) -> str:
    """A name to show at the other end: the last part of the given one, printable, with an end that fits what the file is."""
    printable = "".join(letter for letter in name or "" if letter.isprintable())  # no control, no direction marks
    stem = printable.rpartition("/")[2].rpartition("\\")[2].strip(" .")[:150]
    if stem.lower().endswith(found.ends):
        return stem
    return f"{stem or found.kind.value}{found.ends[0]}"
