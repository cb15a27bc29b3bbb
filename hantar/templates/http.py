"""Routes of templates: those of a device, and reading them anew."""

import uuid

from fastapi import APIRouter
from pydantic import BaseModel

from hantar.accounts import access
from hantar.accounts.model import Role
from hantar.devices import keeper, service as devices
from hantar.kit import paging
from hantar.templates import http_models, service

router = APIRouter(tags=["Devices"])
KEEPER = access.part(keeper.Keeper)


@router.get("/devices/{device_id}/templates", summary="Templates of a Cloud API number")
async def list_templates(
    device_id: uuid.UUID,
    page: paging.Paging,
    kept: keeper.Keeper = KEEPER,
    at: access.At = access.need(Role.VIEWER, "devices:read"),
) -> paging.PageOut[http_models.TemplateOut]:
    """By name and language, as they were last read; 409 `not_supported` for devices of other kinds."""
    async with at.tx() as tx:
        device = await devices.find(tx, str(device_id))
        service.check(kept, device)
        after = page.after(2)
        found = await service.listed(tx, device.id, after and [str(each) for each in after], page.limit + 1)
    kept_, cursor = page.cut(found, lambda each: (each.name, each.language))
    return paging.PageOut(items=[http_models.template_out(each) for each in kept_], next_cursor=cursor)


class SyncedOut(BaseModel):
    """How many templates the service lists for this number."""

    count: int


@router.post("/devices/{device_id}/templates/sync", summary="Read the templates of a Cloud API number anew")
async def sync_templates(
    device_id: uuid.UUID, kept: keeper.Keeper = KEEPER, at: access.At = access.need(Role.OPERATOR, "devices:write")
) -> SyncedOut:
    """Asks the service now; 409 `not_supported` for devices of other kinds, 503 `gateway_away` when it gives no answer."""
    return SyncedOut(count=await service.sync(at.db, kept, at.workspace_id, str(device_id)))
