"""What a file is, by its content alone: the name and the declared type prove nothing. Anything that is not known is refused.

Reads a file in small steps, so it runs in a thread; it keeps no more than a few hundred kilobytes of it.
"""

import codecs
import os
import re
from typing import BinaryIO

from hantar.media import boxes, office
from hantar.media.model import Found, MediaKind

_MARKUP = re.compile(rb"<(!doctype|html|head|body|script|svg|iframe|\?xml|\?php|math)\b|^\s*<|^#!|^%!|^\{\\rtf", re.IGNORECASE)
"""Text that a browser or a shell would run; what stands in the first kilobyte counts, as it does for them."""
_MP3_RATES = (44100, 48000, 32000)
_MP3_BITS = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Layer III bit rates in kilobit a second, MPEG 1 and MPEG 2 (ISO/IEC 11172-3, 13818-3)."""


class Refused(Exception):
    """The file cannot be used; `reason` is a code of media/model.py."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def judge(file: BinaryIO) -> Found:
    """What the file is; raises `Refused`. The file is left at its beginning."""
    try:
        return _judge(file)
    except (boxes.Damaged, office.Damaged) as error:
        raise Refused("file_unreadable") from error
    except boxes.OtherCodec as error:
        raise Refused("unsupported_codec") from error
    except office.Macros as error:
        raise Refused("has_macros") from error
    except office.Other as error:
        raise Refused("unsupported_type") from error
    finally:
        file.seek(0)


def _judge(file: BinaryIO) -> Found:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(1024)
    if is_picture(head):
        return Found(MediaKind.IMAGE, "image/jpeg", (".jpg",))
    if head.startswith(b"%PDF-"):
        return _pdf(file, size)
    if head.startswith(b"PK\x03\x04"):
        return office.judge_zip(file, size)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return office.judge_compound(file, size)
    if boxes.is_family(head):
        return boxes.judge(file, size)
    return _sound(file, head, size) or _text(file, head)


def is_picture(head: bytes) -> bool:
    """Whether it begins as a picture that the decoder knows."""
    return head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")) or (
        head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    )


def _pdf(file: BinaryIO, size: int) -> Found:
    file.seek(max(0, size - 2048))
    if b"%%EOF" not in file.read():
        raise Refused("file_unreadable")
    return Found(MediaKind.DOCUMENT, "application/pdf", (".pdf",))


# ---------------------------------------------------------------- sound
def _sound(file: BinaryIO, head: bytes, size: int) -> Found | None:
    if head.startswith(b"OggS"):
        return _ogg(file, head)
    start = _after_tag(head)
    for at in (start, *range(start + 1, start + 4096)) if start else (0,):
        if found := _frames(file, at, size):
            return found
    if start:
        raise Refused("file_unreadable")
    return None


def _ogg(file: BinaryIO, head: bytes) -> Found:
    """A page with the header of Opus (RFC 7845), then another page (RFC 3533); other sounds in OGG are not taken by WhatsApp."""
    if len(head) < 27:
        raise Refused("file_unreadable")
    body = 27 + head[26]
    if not head[body:].startswith(b"OpusHead"):
        raise Refused("unsupported_type")
    following = body + sum(head[27:body])
    file.seek(following)
    if file.read(4) != b"OggS":
        raise Refused("file_unreadable")
    return Found(MediaKind.AUDIO, "audio/ogg; codecs=opus", (".ogg", ".opus", ".oga"))


def _after_tag(head: bytes) -> int:
    """Where the sound begins behind an ID3v2 tag; 0 without one."""
    if not head.startswith(b"ID3") or len(head) < 10:
        return 0
    length = 0
    for byte in head[6:10]:
        length = length << 7 | byte & 0x7F
    return 10 + length


def _frames(file: BinaryIO, at: int, size: int) -> Found | None:
    """MP3 or AAC, if two frames follow each other here (or one fills the file)."""
    first = _frame(file, at)
    if first is None:
        return None
    found, length = first
    second = _frame(file, at + length)
    ends_here = at + length == size
    return found if ends_here or (second is not None and second[0] == found) else None


_MP3 = Found(MediaKind.AUDIO, "audio/mpeg", (".mp3",))
_AAC = Found(MediaKind.AUDIO, "audio/aac", (".aac",))


def _frame(file: BinaryIO, at: int) -> tuple[Found, int] | None:
    """The kind and length of the frame that begins here."""
    file.seek(at)
    head = file.read(7)
    if len(head) < 7 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0:  # ADTS: twelve ones, layer 0
        length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
        return (_AAC, length) if length > 7 else None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bits, rate = head[2] >> 4, head[2] >> 2 & 3
    if head[1] & 0xE0 != 0xE0 or version == 1 or layer != 1 or bits in (0, 15) or rate == 3:
        return None
    is_first = version == 3
    per_second = _MP3_RATES[rate] // (1 if is_first else 2 if version == 2 else 4)
    kilobits = _MP3_BITS[1 if is_first else 2][bits]
    return _MP3, (144 if is_first else 72) * kilobits * 1000 // per_second + (head[2] >> 1 & 1)


# ---------------------------------------------------------------- text
def _text(file: BinaryIO, head: bytes) -> Found:
    """Plain text in UTF-8 that nothing would run; the whole file is read, in pieces."""
    if not head or _MARKUP.search(head.removeprefix(codecs.BOM_UTF8)):
        raise Refused("unsupported_type")
    reader = codecs.getincrementaldecoder("utf-8")()
    file.seek(0)
    try:
        while piece := file.read(256 * 1024):
            if re.search(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]", piece):
                raise Refused("unsupported_type")
            reader.decode(piece)
        reader.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise Refused("unsupported_type") from error
    return Found(MediaKind.DOCUMENT, "text/plain", (".txt", ".csv"))
