"""The routes of rules: every number with its origin, changing them with a reason, what applies to one device."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from hantar.accounts import access
from hantar.accounts.model import Role
from hantar.audit import service as audit
from hantar.kit import errors, paging, version
from hantar.policy import catalogue, http_models as models, service

router = APIRouter(tags=["Rules"])
READ = access.need(Role.VIEWER, "consent:read")
WRITE = access.need(Role.OPERATOR, "settings:write")
ADMIN = access.need(Role.VIEWER, None, admin=True)

IfMatch = Annotated[str | None, Header(max_length=500, description="An `ETag`: change only this version.")]


def _by(at: access.At, request: Request) -> service.By:
    return service.By(audit.by(at, request), at.caller.role, at.caller.scopes is None)


async def _shown(at: access.At, by: service.By, response: Response) -> models.PolicyOut:
    async with at.tx() as tx:
        sheets = await service.sheets(tx, at.workspace_id)
    may_lock = at.caller.is_admin and by.is_person
    shown = models.policy_out(sheets, by, may_lock=may_lock)
    response.headers["ETag"] = f'"{shown.version}"'
    return shown


@router.get("/policy", summary="Every rule with its origin")
async def get_policy(request: Request, response: Response, at: access.At = READ) -> models.PolicyOut:
    """For each kind of device and each rule: what applies, where it comes from, who may loosen it. `ETag` names the version."""
    return await _shown(at, _by(at, request), response)


@router.put(
    "/policy",
    summary="Change rules",
    responses={
        403: {"description": "`may_not_loosen`"},
        409: {"description": "`policy_locked`"},
        412: {"description": "`changed_meanwhile`"},
    },
)
async def put_policy(
    body: models.PolicyIn, request: Request, response: Response, if_match: IfMatch = None, at: access.At = WRITE
) -> models.PolicyOut:
    """A new version, with a reason. Anybody who may edit may tighten; `who_may_loosen` says who may loosen. It counts at once."""
    by = _by(at, request)
    seen = body.version if if_match is None else _version(if_match)
    reason = _required("reason", body.reason)
    declaration = (body.declaration or "").strip() or None
    async with at.tx() as tx:
        wish = service.Wish(body.kind, body.values, reason, declaration, seen)
        await service.change(tx, at.workspace_id, by, wish)
    return await _shown(at, by, response)


def _version(tag: str) -> int | None:
    """The version an `If-Match` names; None for any. Raises `ChangedMeanwhile` for what was never one of ours."""
    if tag.strip() == "*":
        return None
    number = tag.strip().removeprefix("W/").strip('"')
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise version.ChangedMeanwhile
    return int(number)


def _required(field: str, text: str) -> str:
    if not text.strip():
        raise errors.invalid_field(field, "required", "Say why.")
    return text.strip()


@router.get("/policy/versions", summary="Every change of the rules")
async def list_versions(page: paging.Paging, at: access.At = READ) -> paging.PageOut[models.VersionOut]:
    """Who changed what, when and why; the newest first."""
    place = page.after(1)
    if place is not None and (isinstance(place[0], bool) or not isinstance(place[0], int) or abs(place[0]) >= 2**31):
        raise paging.BadCursor
    async with at.tx() as tx:
        rows = await service.history(tx, place[0] if place else None, page.limit + 1)
        total = await service.count(tx) if page.with_total else None
    kept, cursor = page.cut(rows, lambda row: (row["version"],))
    items = [
        models.VersionOut(
            version=row["version"],
            at=row["at"],
            by=row["actor"],
            actor_id=row["actor_id"],
            reason=row["reason"],
            declaration=row["declaration"],
            changes=[
                models.ChangeOut(kind=kind, name=name, label=_label(name), before=move["before"], after=move["after"])
                for kind, moves in row["changed"].items()
                for name, move in moves.items()
            ],
        )
        for row in kept
    ]
    return paging.PageOut(items=items, next_cursor=cursor, total=total)


def _label(name: str) -> str:
    term = catalogue.BY_NAME.get(name)
    return term.label if term else name


@router.get("/policy/effective", summary="What applies to one device")
async def get_effective(
    device_id: Annotated[str, Query(max_length=100)],
    campaign_id: Annotated[str | None, Query(max_length=100, description="Also what this campaign narrows.")] = None,
    at: access.At = READ,
) -> models.EffectiveOut:
    """Each number and what narrowed it: the rules, the device's own limits, the campaign's."""
    async with at.tx() as tx:
        here = await service.at_device(tx, at.workspace_id, device_id, campaign_id)
    return models.effective_out(device_id, campaign_id, here)


@router.put("/policy/lock", summary="Set or lock a number for the whole installation")
async def put_lock(body: models.LockIn, request: Request, response: Response, at: access.At = ADMIN) -> models.PolicyOut:
    """The administrator's number for every workspace; locked, they may only tighten it. Null without a lock takes it back."""
    by = _by(at, request)
    reason = _required("reason", body.reason)
    async with at.db.door() as door:  # commits after the entry: a change that nobody can find is worse than the reverse
        change = await service.lock(door, by, body.kind, body.name, body.value, is_locked=body.is_locked, reason=reason)
        key = f"{change.kind}.{change.name}"
        after = {key: change.after, "is_locked": body.is_locked}
        action = "policy.locked" if body.is_locked else "policy.default_changed"
        async with at.tx() as tx:
            thing, before = audit.Thing("policy", key), {key: change.before}
            await audit.record(tx, at.workspace_id, by.actor, action, thing, reason=reason, before=before, after=after)
    return await _shown(at, by, response)
