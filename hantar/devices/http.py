"""The routes of devices: list, add, link, connect, stop, delete, look after, and play with simulated ones."""

import io
from typing import Annotated, Literal

import segno
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from hantar.accounts import access
from hantar.accounts.model import Role
from hantar.audit import service as audit
from hantar.devices import control, health, http_models as models, keeper, kinds, model, numbers, service
from hantar.gateways import port
from hantar.kit import errors, ids, paging, version
from hantar.settings import Settings

router = APIRouter(tags=["Devices"])
READ = access.need(Role.VIEWER, "devices:read")
WRITE = access.need(Role.OPERATOR, "devices:write")
CONTROL = access.need(Role.OPERATOR, "devices:control")
DELETE = access.need(Role.OWNER, "devices:write")
KEEPER = access.part(keeper.Keeper)
SETTINGS = access.part(Settings)

NO_STORE = {"Cache-Control": "no-store"}


def _control(at: access.At, kept: keeper.Keeper) -> control.Control:
    return control.Control(at.db, at.clock, kept, at.workspace_id)


async def shown(at: access.At, kept: keeper.Keeper, devices: list[model.Device]) -> list[models.DeviceOut]:
    """Devices with their figures."""
    async with at.tx() as tx:
        figures = await service.figures(tx, devices, at.caller.time_zone)
        bound = await service.bound(tx, devices)
        known = await numbers.of(tx, [each.id for each in devices])
        now = await tx.now()

    def one(device: model.Device) -> models.DeviceOut:
        caps = kept.caps_of(device.driver) or port.Capabilities()
        own = figures.get(device.id, model.Figures())
        return models.device_out(device, models.Around(own, bound[device.id], caps, known.get(device.id), now))

    return [one(each) for each in devices]


async def _one(at: access.At, kept: keeper.Keeper, device: model.Device) -> models.DeviceOut:
    return (await shown(at, kept, [device]))[0]


# ---------------------------------------------------------------------- the list


@router.get("/devices")
async def list_devices(
    page: paging.Paging,
    state: port.DeviceState | None = None,
    status: Literal["online", "offline"] | None = None,
    q: Annotated[str | None, Query(max_length=200, description="Part of a name or number.")] = None,
    niche: Annotated[str | None, Query(max_length=200, description="Devices that have leads of this niche.")] = None,
    at: access.At = READ,
    kept: keeper.Keeper = KEEPER,
) -> paging.PageOut[models.DeviceOut]:
    """Devices, the newest first."""
    asked = model.Filter(state, status, _clean("q", q), _clean("niche", niche), _before(page))
    async with at.tx() as tx:
        found = await service.page(tx, asked, page.limit + 1)
        total = await service.count(tx, model.Filter(state, status, asked.q, asked.niche)) if page.with_total else None
    devices, cursor = page.cut(found, lambda device: (device.id,))
    return paging.PageOut(items=await shown(at, kept, devices), next_cursor=cursor, total=total)


def _clean(name: str, text: str | None) -> str | None:
    if text and "\x00" in text:
        raise errors.invalid_field(name, "bad_character", "The text holds a character that cannot be stored.")
    return text or None


def _before(page: paging.Page) -> str | None:
    """The id after which a page begins; raises `BadCursor`."""
    place = page.after(1)
    if place is None:
        return None
    if not ids.is_id(str(place[0])):
        raise paging.BadCursor
    return str(place[0])


@router.post("/devices", status_code=201, responses={409: {"description": "`device_limit`"}})
async def add_device(
    body: models.DeviceIn,
    response: Response,
    at: access.At = WRITE,
    kept: keeper.Keeper = KEEPER,
    settings: Settings = SETTINGS,
) -> models.DeviceOut:
    """Add a device; link it with a QR code or a pairing code. One with credentials is checked at the service and connects."""
    driver = body.driver or settings.driver
    caps = kept.caps_of(driver)
    if caps is None:
        raise errors.invalid_field("driver", "unknown_driver", "There is no such kind of device here.")
    if caps.credentials:
        made = await kinds.of(at).add(at.workspace_id, body.new(driver), kinds.read(body.given()))
    else:
        async with at.tx() as tx:
            made = await service.create(tx, at.workspace_id, body.new(driver))
    response.headers["Location"] = f"/api/devices/{made.id}"
    return await _one(at, kept, made)


@router.get("/devices/{device_id}")
async def get_device(
    device_id: str, versions: version.Marked, at: access.At = READ, kept: keeper.Keeper = KEEPER
) -> models.DeviceOut:
    """One device; its `ETag` names this version (a new state is a new version too)."""
    async with at.tx() as tx:
        device = await service.find(tx, device_id)
    versions.mark(device)
    return await _one(at, kept, device)


@router.put("/devices/{device_id}", responses={409: {"description": "`phone_differs`"}})
async def put_device(
    device_id: str,
    body: models.DeviceChangesIn,
    versions: version.Checked,
    at: access.At = WRITE,
    kept: keeper.Keeper = KEEPER,
) -> models.DeviceOut:
    """Change name, number or limits; fields left out keep their value. With `If-Match`, only the version it names (else 412)."""
    async with at.tx() as tx:
        before = await service.find(tx, device_id, lock=True)
        versions.check(before)
        device = await service.edit(tx, device_id, body.edit())
    versions.mark(device)
    return await _one(at, kept, device)


@router.get("/devices/{device_id}/deletion-preview")
async def preview_deletion(device_id: str, at: access.At = DELETE) -> models.DeletionPreviewOut:
    """What deleting the device would take along."""
    async with at.tx() as tx:
        lost = await service.losses(tx, device_id)
    return models.DeletionPreviewOut(
        leads=lost.leads, messages=lost.messages, pending_messages=lost.pending_messages, campaigns=lost.campaigns
    )


@router.delete("/devices/{device_id}")
async def delete_device(device_id: str, at: access.At = DELETE, kept: keeper.Keeper = KEEPER) -> models.DeviceDeletedOut:
    """Delete a device with its leads and messages, and leave the phone's linked devices."""
    device, lost = await _control(at, kept).delete(device_id)
    gone = models.DeletedOut(leads=lost.leads, messages=lost.messages)
    return models.DeviceDeletedOut(device_id=device.id, device_name=device.name, deleted=gone)


# ---------------------------------------------------------------------- linking


@router.post("/devices/{device_id}/connect", status_code=202)
async def connect(device_id: str, at: access.At = CONTROL, kept: keeper.Keeper = KEEPER) -> models.StateOut:
    """Connect a linked device, or begin linking one. Asking again changes nothing."""
    return models.StateOut(state=(await _control(at, kept).connect(device_id)).state)


QR_RESPONSES: dict[int | str, dict[str, object]] = {
    200: {"model": models.QrOut, "content": {"image/png": {}}},
    409: {"description": "`already_linked`"},
    503: {"description": "`qr_not_ready`"},
}


@router.get("/devices/{device_id}/qr", responses=QR_RESPONSES)
async def get_qr(device_id: str, request: Request, at: access.At = CONTROL, kept: keeper.Keeper = KEEPER) -> Response:
    """The code to scan, as a picture or as JSON; begins linking if needed and waits up to 15 s."""
    code = await _control(at, kept).qr(device_id)
    if "image/png" in request.headers.get("accept", ""):
        return Response(_png(code.code), media_type="image/png", headers=NO_STORE)
    body = models.QrOut(qr=code.code, expires_at=code.expires_at, attempt=code.attempt)
    return JSONResponse(body.model_dump(mode="json"), headers=NO_STORE)


@router.get("/app/qr", responses=QR_RESPONSES)
async def get_app_qr(device_id: str, request: Request, at: access.At = CONTROL, kept: keeper.Keeper = KEEPER) -> Response:
    """The same as `/devices/{id}/qr`."""
    return await get_qr(device_id, request, at, kept)


def _png(code: str) -> bytes:
    picture = io.BytesIO()
    segno.make(code, error="m").save(picture, kind="png", scale=8, border=4)
    return picture.getvalue()


@router.post("/devices/{device_id}/pair-code")
async def make_pair_code(
    device_id: str, body: models.PhoneIn, response: Response, at: access.At = CONTROL, kept: keeper.Keeper = KEEPER
) -> models.PairCodeOut:
    """Eight characters to type on the phone with this number."""
    code = await _control(at, kept).pair_code(device_id, body.phone)
    response.headers.update(NO_STORE)
    return models.PairCodeOut(pair_code=code.code, expires_at=code.expires_at)


@router.post("/devices/{device_id}/logout")
async def logout(device_id: str, at: access.At = CONTROL, kept: keeper.Keeper = KEEPER) -> models.DeviceOut:
    """Leave the phone's linked devices; number, name and leads stay, so it can be linked again."""
    return await _one(at, kept, await _control(at, kept).logout(device_id))


@router.post("/devices/{device_id}/refresh", responses={409: {"description": "`banned_until`"}})
async def refresh(device_id: str, at: access.At = CONTROL, kept: keeper.Keeper = KEEPER) -> models.RefreshedOut:
    """Connect again by the stored link; says when the link is gone and a code is needed."""
    result, device = await _control(at, kept).refresh(device_id)
    return models.RefreshedOut(result=result.value, device=await _one(at, kept, device))


@router.post("/devices/{device_id}/disconnect")
async def disconnect(device_id: str, at: access.At = CONTROL, kept: keeper.Keeper = KEEPER) -> models.DeviceOut:
    """Close the line; the link stays."""
    return await _one(at, kept, await _control(at, kept).disconnect(device_id))


@router.post("/devices/{device_id}/pause")
async def pause(
    device_id: str, request: Request, body: models.ReasonIn | None = None, at: access.At = CONTROL, kept: keeper.Keeper = KEEPER
) -> models.DeviceOut:
    """Stop sending from this device; what is queued waits."""
    async with at.tx() as tx:
        device = await service.pause_by_hand(tx, device_id, audit.by(at, request), _reason(body))
    return await _one(at, kept, device)


@router.post("/devices/{device_id}/resume", responses={409: {"description": "`cooling_down`"}})
async def resume(
    device_id: str, request: Request, body: models.ReasonIn | None = None, at: access.At = CONTROL, kept: keeper.Keeper = KEEPER
) -> models.DeviceOut:
    """Send from this device again. After a rule paused it or WhatsApp restricted it, that takes a reason, and rest."""
    async with at.tx() as tx:
        device = await service.resume(tx, device_id, audit.by(at, request), _reason(body))
    kept.wake()
    return await _one(at, kept, device)


def _reason(body: models.ReasonIn | None) -> str | None:
    return ((body.reason if body else None) or "").strip() or None


# ---------------------------------------------------------------------- looking after


@router.get("/devices/{device_id}/events")
async def list_events(device_id: str, page: paging.Paging, at: access.At = READ) -> paging.PageOut[models.DeviceEventOut]:
    """The device's history, the newest first."""
    async with at.tx() as tx:
        rows = await service.history(tx, device_id, _before(page), page.limit + 1)
    kept, cursor = page.cut(rows, lambda row: (row["id"],))
    items = [models.DeviceEventOut(at=row["at"], state=row["state"], reason=row["reason"], words=row["words"]) for row in kept]
    return paging.PageOut(items=items, next_cursor=cursor)


@router.get("/devices/{device_id}/health")
async def get_health(device_id: str, at: access.At = READ, kept: keeper.Keeper = KEEPER) -> models.DeviceHealthOut:
    """How the device is, in words and figures."""
    async with at.tx() as tx:
        return models.health_out(await health.of(tx, device_id, kept.kinds()))


@router.post("/devices/{device_id}/check-number")
async def check_number(
    device_id: str, body: models.PhoneIn, at: access.At = CONTROL, kept: keeper.Keeper = KEEPER
) -> models.NumberCheckOut:
    """Whether one number is on WhatsApp; a few times an hour."""
    found = await _control(at, kept).check_number(device_id, body.phone)
    return models.NumberCheckOut(on_whatsapp=found.exists, jid=found.jid)


@router.post("/devices/{device_id}/simulate", responses={409: {"description": "`not_a_simulator`"}})
async def simulate(
    device_id: str, body: models.SimulateIn, at: access.At = CONTROL, kept: keeper.Keeper = KEEPER
) -> models.SimulatedOut:
    """Play the phone, the person or WhatsApp for a simulated device."""
    async with at.tx() as tx:
        phone = await service.number(tx, at.workspace_id, body.phone) if body.phone else None
    wish = port.SimulatorAction(body.action, phone, body.text, body.code, body.opaque, body.for_seconds, body.extra())
    done = await _control(at, kept).simulate(device_id, wish)
    return models.SimulatedOut(done=body.action, phone=done.get("phone") or done.get("from"), wire_id=done.get("wire_id"))
