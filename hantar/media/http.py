"""The routes of pictures: upload, take from an address, show, delete."""

from typing import Annotated

from fastapi import APIRouter, File, Header, Response, UploadFile
from pydantic import BaseModel, Field

from hantar.accounts import access
from hantar.accounts.model import Role
from hantar.kit import inputs
from hantar.media import model, service
from hantar.media.model import MediaId

router = APIRouter(tags=["Media"])
READ = access.need(Role.VIEWER, "campaigns:read")
WRITE = access.need(Role.OPERATOR, "campaigns:manage")
BODY_LIMIT = model.LARGEST_UPLOAD + 100_000


class MediaOut(BaseModel):
    """A stored picture; sizes in bytes."""

    id: str
    url: str
    mime: str
    size: int
    original_size: int
    width: int | None
    height: int | None


@router.post("/media", status_code=201, max_body_size=BODY_LIMIT)
async def upload_media(
    file: Annotated[UploadFile, File(description="JPEG, PNG, WebP or GIF of up to 20 MB.")],
    response: Response,
    at: access.At = WRITE,
) -> MediaOut:
    """Store a picture, shrunk to 350 KB or less, upright and without its metadata."""
    if file.size is not None and file.size > model.LARGEST_UPLOAD:
        raise model.BadPicture("file", "too_large")
    return _made(await service.store_upload(at, await file.read(), file.filename), response)


def _made(made: model.Media, response: Response) -> MediaOut:
    url = f"/api/media/{made.id}"
    response.headers["Location"] = url
    return MediaOut(
        id=made.id,
        url=url,
        mime=made.mime,
        size=made.size,
        original_size=made.original_size,
        width=made.width,
        height=made.height,
    )


class LinkIn(inputs.In):
    """Where a picture is."""

    image_url: Annotated[str, Field(min_length=1, description="An address or a data URL; fetched once, now.")]


@router.post("/media/link", status_code=201, max_body_size=service.LINK_BODY_LIMIT)
async def store_linked_media(body: LinkIn, response: Response, at: access.At = WRITE) -> MediaOut:
    """Store the picture behind an address or in a data URL, as an uploaded one."""
    media_id = await service.store_link(at, body.image_url, "image_url")
    async with at.tx() as tx:
        return _made(await service.find(tx, media_id), response)


@router.get("/media/{media_id}", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
async def get_media(media_id: str, if_none_match: Annotated[str | None, Header()] = None, at: access.At = READ) -> Response:
    """The picture itself."""
    async with at.tx() as tx:
        found = await service.find(tx, MediaId(media_id))
        tag = f'"{found.sha256.hex()[:32]}"'
        headers = {
            "ETag": tag,
            "Cache-Control": "private, max-age=31536000, immutable",
            "X-Content-Type-Options": "nosniff",
            "Content-Disposition": "inline",
        }
        if if_none_match is not None and tag in if_none_match:
            return Response(status_code=304, headers=headers)
        return Response(await service.content(tx, found.id), media_type=found.mime, headers=headers)


@router.delete("/media/{media_id}", status_code=204)
async def delete_media(media_id: str, at: access.At = WRITE) -> None:
    """Delete a picture that no message uses."""
    async with at.tx() as tx:
        await service.delete(tx, MediaId(media_id))
