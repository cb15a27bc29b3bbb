"""Files on their way to a session host: each goes over the socket once, however many people get it."""

import hashlib
from collections import OrderedDict

from hantar.gateways import port

MOST_KEPT = 128 << 20
"""Bytes of files that a host keeps at hand; the last one in any case. A campaign shows everybody the same one."""


class Lacking(Exception):
    """The host has this file no longer. Asked to send it, it sent nothing: bring it again."""


def digest(media: port.MediaBytes) -> str:
    """The name of a file: by its content, whatever it is called."""
    return (media.sha256 or hashlib.sha256(media.data).digest()).hex()


class Shelf:
    """The files that a host has at hand, those used last."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most, self._size = most, 0
        self._files: OrderedDict[str, bytes] = OrderedDict()

    def put(self, name: str, data: bytes) -> None:
        """Keep a file; those that were not used for longest give way."""
        self._size += len(data) - len(self._files.pop(name, b""))
        self._files[name] = data
        while self._size > self._most and len(self._files) > 1:
            self._size -= len(self._files.popitem(last=False)[1])

    def get(self, name: str) -> bytes:
        """The file; raises `Lacking`."""
        data = self._files.get(name)
        if data is None:
            raise Lacking
        self._files.move_to_end(name)
        return data
