"""The first start: what the installation checks about itself, and the answers the administrator gives once."""

import shutil

from fastapi import APIRouter, Request

from hantar.accounts import access, http_models, identity, model, service, store
from hantar.accounts.model import Registration, Role
from hantar.kit import errors
from hantar.kit.db import Database
from hantar.settings import Settings

router = APIRouter(tags=["Set-up"])

ROOM_NEEDED = 1_000_000_000
"""Free bytes below which the storage check warns: a million messages take a few hundred megabytes."""


async def _checks(db: Database, settings: Settings) -> list[http_models.CheckOut]:
    async with db.door() as tx:
        version, is_durable = await store.server_facts(tx)
    zone_is_known = settings.time_zone in service.known_time_zones()
    return [
        _check("database", version >= 150000 and is_durable, "Use PostgreSQL 15 or newer with fsync on."),
        _check("time_zone", zone_is_known, "Set TZ to the name of a time zone such as Asia/Kuala_Lumpur."),
        _check("storage", _has_room(settings), f"Make room or give write access: {settings.data_dir}"),
    ]


def _check(name: str, ok: bool, hint: str) -> http_models.CheckOut:
    return http_models.CheckOut(name=name, ok=ok, hint=None if ok else hint)


def _has_room(settings: Settings) -> bool:
    try:
        return shutil.disk_usage(settings.data_dir).free >= ROOM_NEEDED
    except OSError:
        return False


async def _setup(
    caller: model.Caller | None, db: Database, accounts: service.Accounts, settings: Settings
) -> http_models.SetupOut:
    async with db.door() as tx:
        installation = await store.installation(tx)
    registration = accounts.registration_of(installation)
    is_admin = caller is not None and caller.is_admin
    return http_models.SetupOut(
        first_start=installation.setup_done_at is None,
        registration_open=registration is Registration.OPEN,
        registration=registration if is_admin else None,
        checks=await _checks(db, settings) if is_admin else [],
    )


@router.get("/setup", summary="How far the first start is")
async def get_setup(
    request: Request,
    accounts: service.Accounts = access.part(service.Accounts),
    settings: Settings = access.part(Settings),
) -> http_models.SetupOut:
    """Without a sign-in it tells only whether this is a first start and whether one may register."""
    try:
        caller = await identity.identify(request)
    except model.Unauthenticated:
        caller = None
    return await _setup(caller, request.app.state.db, accounts, settings)


@router.post("/setup", summary="Finish the first start")
async def post_setup(
    body: http_models.SetupIn,
    at: access.At = access.need(Role.OWNER, None, admin=True),
    accounts: service.Accounts = access.part(service.Accounts),
    settings: Settings = access.part(Settings),
) -> http_models.SetupOut:
    """Name, zone and country of the first workspace, who may register, and the words about WhatsApp's terms."""
    if not body.accept_terms:
        raise errors.invalid_field("accept_terms", "required", "Read the words about WhatsApp's terms and accept them.")
    changes = {"full_name": body.full_name, "time_zone": body.time_zone}
    if body.email:
        changes["email"] = body.email
    async with at.db.door() as tx:
        await service.finish_setup(tx, at.caller, body.registration, body.default_country, **changes)
    return await _setup(at.caller, at.db, accounts, settings)
