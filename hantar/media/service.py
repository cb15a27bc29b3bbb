"""What one can do with files: take them from an upload, pictures also from a data URL or an address, keep them, hand them out.

Reading, fetching and judging happen before any transaction; a file is stored whole or not at all.
"""

import asyncio
import base64
import binascii
import hashlib
import re
from collections.abc import AsyncIterator
from typing import BinaryIO

from hantar.accounts import access
from hantar.kit import db, egress, ids
from hantar.media import model, sniff, store, workshop
from hantar.media.model import Media, MediaId, Picture

LONGEST_DATA_URL = model.LARGEST_UPLOAD * 4 // 3 + 200
LINK_BODY_LIMIT = LONGEST_DATA_URL + 100_000
"""Bytes of a JSON body that may hold a data URL; routes with an `image_url` name it as their `max_body_size`."""
OWN = re.compile(r"/api/media/([0-9a-f-]{36})", re.IGNORECASE)
_SECONDS = 20.0
_OF_EGRESS = {"private_address": "private_address", "too_large": "too_large", "bad_url": "bad_url"}


# ---------------------------------------------------------------- pictures, not yet stored
async def from_upload(data: bytes, name: str | None = None, field: str = "file") -> Picture:
    """A picture from an uploaded file; raises `BadPicture` on `field`."""
    return await workshop.shrink(data, field, _clean_name(name))


async def from_data_url(url: str, field: str = "image_url") -> Picture:
    """A picture from `data:image/…;base64,…`; raises `BadPicture` on `field`. Its type is judged by content."""
    if len(url) > LONGEST_DATA_URL:  # before anything is decoded
        raise model.BadPicture(field, "too_large")
    head, comma, body = url.partition(",")
    declared = head[5:].partition(";")[0].strip().lower()
    if declared and (not declared.startswith("image/") or "svg" in declared):
        raise model.BadPicture(field, "unsupported_type")
    if not comma or not head.lower().endswith(";base64"):
        raise model.BadPicture(field, "image_unreadable")
    try:
        data = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise model.BadPicture(field, "image_unreadable") from error
    return await workshop.shrink(data, field)


async def from_url(client: egress.Egress, url: str, field: str = "image_url") -> Picture:
    """A picture fetched once from a public address; raises `BadPicture` on `field`."""
    try:
        found = await client.fetch(url, limit=model.LARGEST_UPLOAD, seconds=_SECONDS)
    except egress.EgressError as error:
        reason = _OF_EGRESS.get(error.code, "image_unreachable")
        raise model.BadPicture(field, reason, error.message if reason == "image_unreachable" else None) from error
    return await workshop.shrink(found.body, field)


async def from_link(client: egress.Egress, link: str, field: str = "image_url") -> Picture:
    """A picture from a data URL or an address."""
    if link.strip()[:5].lower() == "data:":
        return await from_data_url(link.strip(), field)
    return await from_url(client, link.strip(), field)


def _clean_name(name: str | None) -> str | None:
    printable = "".join(letter for letter in name or "" if letter.isprintable())
    return printable.rpartition("/")[2].rpartition("\\")[2][:200] or None


# ---------------------------------------------------------------- stored ones
async def keep(tx: db.Tx, workspace_id: str, picture: Picture, by: str | None = None) -> Media:
    """Store a picture in the caller's transaction."""
    return await store.add(tx, workspace_id, picture, by)


async def store_upload(at: access.At, file: BinaryIO, name: str | None = None, field: str = "file") -> Media:
    """Take an uploaded file of any kind and store it; raises `BadFile` on `field`. Large ones are read and written in pieces."""
    try:
        found = await asyncio.to_thread(sniff.judge, file)
    except sniff.Refused as error:
        raise model.BadFile(field, error.reason) from error
    if found.kind is model.MediaKind.IMAGE:
        data = await asyncio.to_thread(file.read, model.LARGEST_UPLOAD + 1)
        return await _store(at, await from_upload(data, name, field))
    size, digest = await asyncio.to_thread(_measure, file)
    most = (at.part(model.Limits) or model.Limits()).of(found.kind)
    if size > most:
        words = f"This file has {size / 1e6:,.1f} MB; the most for {_PLURAL[found.kind]} is {most / 1e6:,.0f} MB here."
        raise model.BadFile(field, "too_large", words)
    return await _keep_file(at, file, model.Incoming(found, model.named(name, found), size, digest))


_PLURAL = {model.MediaKind.VIDEO: "videos", model.MediaKind.AUDIO: "audio", model.MediaKind.DOCUMENT: "documents"}


def _measure(file: BinaryIO) -> tuple[int, bytes]:
    """Size and SHA-256 of a file, which is left at its beginning."""
    digest, size = hashlib.sha256(), 0
    while piece := file.read(model.PIECE):
        digest.update(piece)
        size += len(piece)
    file.seek(0)
    return size, digest.digest()


async def _keep_file(at: access.At, file: BinaryIO, new: model.Incoming) -> Media:
    async with at.tx() as tx:
        known = await store.same(tx, at.workspace_id, new.sha256, new.name)
        if known is not None:
            return known
        first = await asyncio.to_thread(file.read, model.PIECE)
        made = await store.begin(tx, at.workspace_id, new, first, at.caller.user_id)
        number = 0
        while piece := await asyncio.to_thread(file.read, model.PIECE):
            number += 1
            await store.add_piece(tx, at.workspace_id, made.id, number, piece)
        return made


async def store_link(at: access.At, link: str, field: str = "image_url") -> MediaId:
    """Take a data URL or an address, store the picture, and return its id. Our own address means what is stored there."""
    if own := OWN.fullmatch(link.strip()):
        return await _own(at, MediaId(own[1]), field)
    return (await _store(at, await from_link(_client(at), link, field))).id


def is_own(link: str) -> bool:
    """Whether this is our own address of a picture, which `store_link` only looks up."""
    return OWN.fullmatch(link.strip()) is not None


async def _own(at: access.At, media_id: MediaId, field: str) -> MediaId:
    async with at.tx() as tx:
        if not ids.is_id(media_id) or await store.get(tx, media_id) is None:
            raise model.BadPicture(field, "image_unreachable")
    return media_id


def _client(at: access.At) -> egress.Egress:
    return at.part(egress.Egress) or egress.Egress()


async def _store(at: access.At, picture: Picture) -> Media:
    async with at.tx() as tx:
        return await keep(tx, at.workspace_id, picture, at.caller.user_id)


async def find(tx: db.Tx, media_id: MediaId) -> Media:
    """A file without its bytes; raises `MediaNotFound`."""
    found = await store.get(tx, media_id)
    if found is None:
        raise model.MediaNotFound
    return found


async def content(at: access.At, found: Media, first: int, last: int) -> AsyncIterator[bytes]:
    """The bytes from `first` to `last` (both counted) of a file, piece by piece, each in a transaction of its own.

    Raises `MediaNotFound` when the file is deleted meanwhile: whoever reads it sees that it is cut short.
    """
    for number in range(first // model.PIECE, last // model.PIECE + 1):
        async with at.tx() as tx:
            piece = await store.piece(tx, found.id, number)
        if piece is None:
            raise model.MediaNotFound
        begin = number * model.PIECE
        yield piece[max(first - begin, 0) : last - begin + 1]


async def delete(tx: db.Tx, media_id: MediaId) -> None:
    """Take a file away; raises `MediaNotFound`, or `InUse`."""
    if not await store.delete(tx, media_id):
        raise model.MediaNotFound
