"""Frames on the private socket between the driver and a session host: JSON, and the bytes of a file behind it as they are.

A frame is eight bytes (two lengths, most significant byte first), the JSON array `[word, value, …]`, the file.
"""

import json
import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from hantar.gateways import plain, port
from hantar.gateways.linked import files
from hantar.gateways.linked.client import HeardReceipt

_HEAD = struct.Struct(">II")
MOST_JSON = 32 << 20
"""Bytes: a piece of history is the largest thing said, a few MB; more is a broken line."""
MOST_BYTES = 128 << 20
"""Bytes: documents go up to 100 MB on WhatsApp."""

plain.learn(HeardReceipt)

_write = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class BrokenLine(Exception):
    """What came is no frame; nothing after it can be understood."""


class Frame(NamedTuple):
    """What was said: a word with its values, and a file or nothing."""

    values: list[Any]
    data: bytes = b""

    @property
    def word(self) -> str:
        """What kind of frame it is."""
        return str(self.values[0])


def pack(*values: Any, data: bytes = b"") -> bytes:
    """A frame as it travels. Values are plain (`plain.to_plain`)."""
    text = _write(values).encode()
    return _HEAD.pack(len(text), len(data)) + text + data


class Reader:
    """Puts what a socket brings together into frames again."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def frames(self, data: bytes) -> Iterator[Frame]:
        """The frames that are whole by now; raises `BrokenLine`."""
        self._waiting += data
        at, waiting = 0, self._waiting
        while len(waiting) - at >= _HEAD.size:
            text, more = _HEAD.unpack_from(waiting, at)
            if text > MOST_JSON or more > MOST_BYTES:
                raise BrokenLine("a frame larger than any we make")
            begin = at + _HEAD.size
            if len(waiting) < begin + text + more:
                break
            try:
                values = json.loads(waiting[begin : begin + text])
            except ValueError:
                raise BrokenLine("a frame that is no JSON") from None
            at = begin + text + more
            yield Frame(values, bytes(waiting[begin + text : at]))
        del waiting[:at]


def content_out(content: port.Content) -> tuple[list[Any], str | None]:
    """A message's content as plain values, and the name of its file, which travels apart (`linked/files.py`)."""
    media = content.media
    name = None if media is None else files.digest(media)
    about = None if media is None else [media.mime, media.name, name]
    return [plain.to_plain(replace(content, media=None)), about], name


def file_of(values: list[Any]) -> str | None:
    """The name of the file in such values."""
    return None if values[1] is None else str(values[1][2])


def content_in(values: list[Any], data: bytes) -> port.Content:
    """The content again."""
    content: port.Content = plain.plain_to(values[0])
    if values[1] is None:
        return content
    mime, called, name = values[1]
    return replace(content, media=port.MediaBytes(mime, data, called, bytes.fromhex(name)))
