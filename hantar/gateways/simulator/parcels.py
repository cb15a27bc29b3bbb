"""Files that simulated people send: small, always the same for the same message, and gone after a while."""

import base64
import random
import struct
import zlib
from typing import NamedTuple

from hantar.gateways import port

KEPT = 14 * 86_400.0
"""Seconds after which the service has a file no longer (Cloud API, "Media": 14 days for a resend)."""
SIZES: dict[port.FileKind, int] = {"image": 3_000, "video": 40_000, "audio": 8_000, "document": 20_000}
"""Bytes, about; enough for more than one piece."""
_LOOKS: dict[port.FileKind, tuple[str, str]] = {
    "image": ("image/png", ""),
    "video": ("video/mp4", ""),
    "audio": ("audio/ogg; codecs=opus", ""),
    "document": ("application/pdf", "Order form.pdf"),
}


class Parcel(NamedTuple):
    """What a reference stands for: the message, the kind, and until when it can be fetched (seconds since 1970)."""

    wire: str
    kind: port.FileKind
    until: float


def ref_of(wire: str, kind: port.FileKind, until: float) -> port.MediaRef:
    """What a message says of its file."""
    mime, name = _LOOKS[kind]
    size = len(data(Parcel(wire, kind, until)))
    return port.MediaRef(kind, mime, name, size, f"{kind} {until!r} {wire}")


def read(ref: str) -> Parcel | None:
    """The parcel behind a reference; None when it is none of ours."""
    kind, _, rest = ref.partition(" ")
    until, _, wire = rest.partition(" ")
    try:
        return Parcel(wire, kind, float(until)) if kind in SIZES else None
    except ValueError:
        return None


def data(parcel: Parcel) -> bytes:
    """The file itself: its beginning is of its kind, the rest is noise drawn from the message's id."""
    noise = random.Random(parcel.wire).randbytes(SIZES[parcel.kind])
    match parcel.kind:
        case "image":
            return _picture(noise)
        case "video":
            return b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42" + struct.pack(">I4s", len(noise) + 8, b"mdat") + noise
        case "audio":
            return b"OggS\x00\x02" + bytes(20) + b"\x01\x13OpusHead\x01\x01" + bytes(9) + noise
        case "document":
            return b"%PDF-1.7\n%" + base64.b64encode(noise) + b"\n%%EOF\n"


def _picture(noise: bytes) -> bytes:
    """A square of noise as PNG."""
    side = int((len(noise) / 3) ** 0.5)
    rows = b"".join(b"\x00" + noise[each * side * 3 : (each + 1) * side * 3] for each in range(side))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
