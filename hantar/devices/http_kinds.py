"""The routes of the kinds of devices: which there are, and the credentials of those that have some."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from hantar.accounts import access
from hantar.accounts.model import Role
from hantar.audit import service as audit
from hantar.devices import http, http_models, keeper, kinds, kinds_models as models, service, words
from hantar.gateways import port
from hantar.gateways.credentials import NO_LIMIT
from hantar.settings import Settings

router = APIRouter(tags=["Devices"])
READ = access.need(Role.VIEWER, "devices:read")
WRITE = access.need(Role.OPERATOR, "devices:write")
CONTROL = access.need(Role.OPERATOR, "devices:control")
KEEPER = access.part(keeper.Keeper)
SETTINGS = access.part(Settings)


class DriverOut(BaseModel):
    """A kind of device that this installation offers, and what it can do."""

    name: str
    is_default: bool = Field(description="What a new device is when nobody says.")
    unofficial: bool = Field(description="Bulk use is against WhatsApp's terms.")
    simulated: bool = Field(description="Nothing reaches a real person.")
    credentials: bool = Field(description="Set up by a number id and a token.")
    pairing_qr: bool
    pairing_code: bool
    media: bool
    templates: bool
    number_check: bool


class DriversOut(BaseModel):
    """All kinds of devices."""

    items: list[DriverOut]


class CredentialsToCheckIn(models.CredentialsIn):
    """Credentials to try for a kind of device."""

    driver: Annotated[str, Field(max_length=40)]


class CheckedNumberOut(BaseModel):
    """What the service says about a number."""

    phone: str
    name: str = Field(description="The name people see.")
    quality: str
    quality_words: str
    tier: int | None = Field(description="People it may begin to write to within 24 hours; null: not known, or no limit.")
    has_no_limit: bool


@router.get("/drivers")
async def list_drivers(_at: access.At = READ, kept: keeper.Keeper = KEEPER, settings: Settings = SETTINGS) -> DriversOut:
    """The kinds of devices that can be added here."""
    return DriversOut(items=[_driver(name, caps, settings.driver) for name, caps in kept.kinds().items()])


def _driver(name: str, caps: port.Capabilities, default: str) -> DriverOut:
    can = {each: getattr(caps, each) for each in DriverOut.model_fields if each not in ("name", "is_default")}
    return DriverOut(name=name, is_default=name == default, **can)


@router.post("/devices/check-credentials", responses={503: {"description": "`service_away`"}})
async def check_credentials(body: CredentialsToCheckIn, at: access.At = WRITE) -> CheckedNumberOut:
    """Try a number id and a token at the service; nothing is kept and nobody is written to."""
    found = await kinds.of(at).check(at.workspace_id, body.driver, kinds.read(body.given()))
    return CheckedNumberOut(
        phone=found.phone,
        name=found.name,
        quality=found.quality.value,
        quality_words=words.QUALITIES[found.quality],
        tier=None if found.tier == NO_LIMIT else found.tier,
        has_no_limit=found.tier == NO_LIMIT,
    )


@router.put("/devices/{device_id}/credentials", responses={409: {"description": "`phone_differs`, `not_supported`"}})
async def put_credentials(
    device_id: str, body: models.CredentialsIn, request: Request, at: access.At = WRITE, kept: keeper.Keeper = KEEPER
) -> http_models.DeviceOut:
    """Replace the token of a device (and its ids, where given); the service is asked first. The line opens with the new one."""
    async with at.tx() as tx:
        device = await service.find(tx, device_id)
    changed = await kinds.of(at).replace(device, body.given(), audit.by(at, request))
    return (await http.shown(at, kept, [changed]))[0]


@router.post("/devices/{device_id}/check-credentials", responses={409: {"description": "`no_credentials`, `credentials_ended`"}})
async def check_device(device_id: str, at: access.At = CONTROL) -> models.NumberOut:
    """Ask the service again about a device's number: its name, quality and tier."""
    async with at.tx() as tx:
        device = await service.find(tx, device_id)
    return models.number_out(await kinds.of(at).check_again(device))
