"""Fetches what people sent: the library gets the file from WhatsApp's servers, opens it by its key and checks its digests.

It has the whole file in memory, several times over, and cannot be stopped; so files are fetched one at a time (`fetching.py`).
"""

import base64
import binascii
import json
import logging
from typing import Any, NamedTuple

from hantar.gateways import media, port
from hantar.gateways.linked import verdicts
from hantar.gateways.linked.loading import Neonize

log = logging.getLogger("hantar.linked")

_KINDS = {"image": "imageMessage", "video": "videoMessage", "audio": "audioMessage", "document": "documentMessage"}
"""As what each kind was encrypted. A sticker is an image to WhatsApp, a round film a film."""


class _Place(NamedTuple):
    """Where a file lies, and the key to it, as `whatsmeow_words.file_in` wrote it down."""

    kind: str
    path: str
    key: bytes
    sealed_digest: bytes
    digest: bytes
    size: int


async def fetch(library: Neonize, api: Any, ref: port.MediaRef, most: int) -> bytes:
    """The file's bytes; see `client.Client.fetch`."""
    place = _read(ref.ref)
    if place.size > most:
        raise media.MediaTooLarge("The file is larger than Hantar takes.")
    try:
        data = await api.download_any(_message(library, place))
    except library.error as error:
        raised = verdicts.of_fetch(str(error))
        log.warning("a file was not fetched: %s", verdicts.without_address(str(error)))
        raise raised from None
    if not isinstance(data, bytes):
        raise port.PairingRefused("WhatsApp gave no file.")
    return data


def _read(ref: str) -> _Place:
    """What the reference says; raises `MediaGone` when it is none of ours, or leads elsewhere than to WhatsApp's servers."""
    try:
        kind, path, *sealed, size = json.loads(base64.urlsafe_b64decode(ref))
        key, sealed_digest, digest = map(base64.urlsafe_b64decode, sealed)
    except (ValueError, TypeError, binascii.Error):
        raise media.MediaGone("This is no word of this driver for a file.") from None
    is_whole = isinstance(kind, str) and kind in _KINDS and type(size) is int and size >= 0
    if not (is_whole and _is_path(path)):
        raise media.MediaGone("This file cannot be fetched.")
    return _Place(kind, path, key, sealed_digest, digest, size)


def _is_path(path: Any) -> bool:
    """The library writes it right behind the name of a server: what begins otherwise would make another server of it."""
    return isinstance(path, str) and path.startswith("/") and path.isascii() and path.isprintable() and " " not in path


def _message(library: Neonize, place: _Place) -> Any:
    """A message with this file and nothing else. Without an address in it, so the library asks the servers it is told to use."""
    made = library.e2e.Message()
    file = getattr(made, _KINDS[place.kind])
    file.directPath, file.mediaKey, file.fileLength = place.path, place.key, place.size
    file.fileEncSHA256, file.fileSHA256 = place.sealed_digest, place.digest
    return made
