"""The routes of files: upload, take a picture from an address, show, delete."""

import re
from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, File, Header, Request, Response, UploadFile
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import Message

from hantar.accounts import access
from hantar.accounts.model import Role
from hantar.kit import inputs
from hantar.media import model, service
from hantar.media.model import MediaId

router = APIRouter(tags=["Media"])
READ = access.need(Role.VIEWER, "campaigns:read")
WRITE = access.need(Role.OPERATOR, "campaigns:manage")
BODY_LIMIT = max(model.LARGEST.values()) + 100_000
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
_HARMLESS = "default-src 'none'; sandbox"
"""What a stored file may do when it is opened as a page of its own: nothing."""


class MediaOut(BaseModel):
    """A stored file; sizes in bytes. `kind` is the message_type of a message that carries it; `name` is shown with a document."""

    id: str
    url: str
    kind: model.MediaKind
    mime: str
    name: str | None
    size: int
    original_size: int
    width: int | None
    height: int | None


class Sized(APIRoute):
    """A route whose body ends at the installation's own limit: a longer one is not read on, so no large half file lies around."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, behind a counter of the bytes that arrive."""
        handle = super().get_route_handler()

        async def sized(request: Request) -> Response:
            limits = request.app.state.parts.get(model.Limits) or model.Limits()
            left = max(model.LARGEST_UPLOAD, limits.largest) + 100_000
            declared = request.headers.get("content-length", "")
            if declared.isdigit() and int(declared) > left:
                raise HTTPException(413)

            async def receive() -> Message:
                nonlocal left
                message = await request.receive()
                left -= len(message.get("body", b""))
                if left < 0:
                    raise HTTPException(413)
                return message

            return await handle(Request(request.scope, receive))

        return sized


uploads = APIRouter(tags=["Media"], route_class=Sized)


@uploads.post("/media", status_code=201, max_body_size=BODY_LIMIT)
async def upload_media(
    file: Annotated[UploadFile, File(description=f"{model.TYPES}. Its content decides what it is.")],
    response: Response,
    at: access.At = WRITE,
) -> MediaOut:
    """Store a file. A picture (up to 20 MB) is shrunk to 350 KB or less, upright and without its metadata.

    Others are stored as they are, up to the installation's limit (16 MB unless set otherwise) and WhatsApp's for their kind.
    """
    return _made(await service.store_upload(at, file.file, file.filename), response)


def media_out(made: model.Media) -> MediaOut:
    """A stored file in the words of the API."""
    return MediaOut(
        id=made.id,
        url=f"/api/media/{made.id}",
        kind=made.kind,
        mime=made.mime,
        name=made.name,
        size=made.size,
        original_size=made.original_size,
        width=made.width,
        height=made.height,
    )


def _made(made: model.Media, response: Response) -> MediaOut:
    shown = media_out(made)
    response.headers["Location"] = shown.url
    return shown


class LinkIn(inputs.In):
    """Where a picture is."""

    image_url: Annotated[str, Field(min_length=1, description="An address or a data URL; fetched once, now.")]


@router.post("/media/link", status_code=201, max_body_size=service.LINK_BODY_LIMIT)
async def store_linked_media(body: LinkIn, response: Response, at: access.At = WRITE) -> MediaOut:
    """Store the picture behind an address or in a data URL, as an uploaded one."""
    media_id = await service.store_link(at, body.image_url, "image_url")
    async with at.tx() as tx:
        return _made(await service.find(tx, media_id), response)


@router.get("/media/{media_id}", response_class=Response, responses={200: {"content": {"application/octet-stream": {}}}})
async def get_media(
    media_id: str,
    if_none_match: Annotated[str | None, Header()] = None,
    wanted: Annotated[str | None, Header(alias="Range")] = None,
    at: access.At = READ,
) -> Response:
    """The file itself, or one range of it. A document comes as a download; nothing in it can act as a page of this site."""
    async with at.tx() as tx:
        found = await service.find(tx, MediaId(media_id))
    tag = f'"{found.sha256.hex()[:32]}"'
    headers = {
        "ETag": tag,
        "Cache-Control": "private, max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": _HARMLESS,
        "Content-Disposition": _disposition(found),
        "Accept-Ranges": "bytes",
    }
    if if_none_match is not None and tag in if_none_match:
        return Response(status_code=304, headers=headers)
    span = _span(wanted, found.size)
    if span is None:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{found.size}"})
    first, last = span
    is_part = wanted is not None and (first, last) != (0, found.size - 1)
    if is_part:
        headers["Content-Range"] = f"bytes {first}-{last}/{found.size}"
    headers["Content-Length"] = str(last - first + 1)
    body = service.content(at, found, first, last)
    return StreamingResponse(body, 206 if is_part else 200, headers=headers, media_type=found.mime)


def _disposition(found: model.Media) -> str:
    """Pictures, films and sound are shown in place; a document is only ever saved (RFC 6266, RFC 8187)."""
    if found.kind is not model.MediaKind.DOCUMENT:
        return "inline"
    plain = re.sub(r'[^ -~]|["\\%]', "_", found.name or "document")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(found.name or 'document', safe='')}"


def _span(wanted: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte asked for (RFC 9110, 14.2); the whole file unless one range was given; None: there is nothing there."""
    match = _RANGE.fullmatch(wanted.strip()) if wanted else None
    if match is None or match.groups() == ("", ""):
        return 0, size - 1
    first, last = match.groups()
    if not first:
        return (max(0, size - int(last)), size - 1) if int(last) else None
    if int(first) >= size or (last and int(last) < int(first)):
        return None
    return int(first), min(int(last), size - 1) if last else size - 1


@router.delete("/media/{media_id}", status_code=204)
async def delete_media(media_id: str, at: access.At = WRITE) -> None:
    """Delete a file that no message uses."""
    async with at.tx() as tx:
        await service.delete(tx, MediaId(media_id))


router.routes.extend(uploads.routes)
