"""A stored picture, and what can be wrong with one that somebody gives us. No I/O."""

from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from hantar.kit import errors

MediaId = NewType("MediaId", str)

LARGEST_UPLOAD = 20_000_000
"""Bytes that may come in (api.md 4.3)."""
LARGEST_STORED = 350_000
"""Bytes of a stored picture (api.md 4.3)."""
MOST_PIXELS = 25_000_000
"""A small file can unfold to gigabytes (reliability F-20)."""
LONGEST_SIDE = 1600
"""Pixels; phones show no more, and WhatsApp itself shrinks to this."""

PROBLEMS = {
    "image_unreadable": "This picture cannot be read. Save it again as JPEG or PNG.",
    "unsupported_type": "Only JPEG, PNG, WebP and GIF pictures can be sent.",
    "too_large": "A picture may have at most 20 MB.",
    "too_many_pixels": "A picture may have at most 25 megapixels. Make it smaller first.",
    "image_unreachable": "The picture cannot be fetched from this address.",
    "private_address": "This address leads into a private network, where Hantar does not go.",
    "bad_url": "Give an address that begins with http:// or https://, or a data URL.",
}


class BadPicture(errors.Invalid):
    """This picture cannot be used."""

    def __init__(self, field: str, reason: str, message: str | None = None) -> None:
        super().__init__(errors=[errors.FieldError(field, reason, message or PROBLEMS[reason])])
        self.reason = reason


class MediaNotFound(errors.NotFound):
    """There is no such picture here."""


class InUse(errors.Conflict):
    """A message or campaign uses this picture, so it stays."""

    code = "in_use"


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
    """A stored picture without its bytes."""

    id: MediaId
    mime: str
    name: str | None
    size: int
    original_size: int
    width: int | None
    height: int | None
    sha256: bytes
    created_at: datetime
