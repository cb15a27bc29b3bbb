"""Routes of opt-outs: list, check, add, import, release. In force at once everywhere; nothing is deleted."""

import uuid
from collections.abc import AsyncIterator, Iterable
from datetime import date, datetime
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Depends, File, Form, Query, Request, Response, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, model_validator

from hantar.accounts import access
from hantar.accounts.model import NotAllowed, Role
from hantar.audit import service as audit
from hantar.campaigns import schedule
from hantar.consent import model, optouts
from hantar.kit import db, errors, inputs, paging, phone, sheet
from hantar.leads import service as leads
from hantar.media import model as media_model, service as media
from hantar.outbox import service as outbox
from hantar.people import blocklist
from hantar.persons import service as persons
from hantar.persons.model import PersonId

router = APIRouter(tags=["Consent"])
READ = access.need(Role.VIEWER, "consent:read")
WRITE = access.need(Role.OPERATOR, "consent:write")
RELEASE = access.need(Role.OWNER, "consent:write")

Reason = Literal["stop", "complaint", "block", "manual", "bounce", "legal"]
Source = Literal["keyword", "chat", "import", "api", "platform"]
CSV_COLUMNS = ("phone", "name", "reason", "source", "text", "note", "device", "campaign", "created_at", "released_at")


class OptOutEntryOut(BaseModel):
    """An opt-out. `phone` is null for a person without a number (show “unknown number”), never an opaque id."""

    id: str
    person_id: str | None
    phone: str | None
    name: str
    reason: Reason
    source: Source
    text: str | None = Field(description="The person's own words, when there were any.")
    note: str | None
    device_id: str | None
    device_name: str | None
    campaign_id: str | None = Field(description="The campaign they had last got from that device.")
    campaign_title: str | None
    keywords_version: str | None
    is_live: bool
    is_global: bool = Field(description="Counts in every workspace of this installation.")
    created_at: datetime
    released_at: datetime | None
    release_reason: str | None
    release_media_id: str | None


class CheckedOut(BaseModel):
    """Whether a number hears nothing more, by any name of the person behind it."""

    opted_out: bool
    phone: str
    person_id: str | None
    reasons: list[Reason]
    is_global: bool


def opt_out_out(row: db.Row) -> OptOutEntryOut:
    """An opt-out in the words of the API."""
    fields = {name: row[name] for name in OptOutEntryOut.model_fields if name not in ("text", "is_live", "created_at")}
    return OptOutEntryOut(**fields, text=row["said"], is_live=row["released_at"] is None, created_at=row["at"])


# ---------------------------------------------------------------- the list
def asked(
    q: Annotated[str | None, Query(max_length=200, description="Part of a number or name.")] = None,
    reason: Reason | None = None,
    source: Source | None = None,
    live: Annotated[bool | None, Query(description="Only those that count, or only released ones.")] = None,
    start_date: Annotated[inputs.Day | None, Query(description="First day, inclusive.")] = None,
    end_date: Annotated[inputs.Day | None, Query(description="Last day, inclusive.")] = None,
    time_zone: Annotated[str | None, Query(max_length=60, description="Zone of the days; by default yours.")] = None,
    device_id: uuid.UUID | None = None,
    campaign_id: uuid.UUID | None = None,
    at: access.At = READ,
) -> optouts.Wanted:
    """The filters of the list."""
    if q and "\x00" in q:
        raise errors.invalid_field("q", "bad_character", "The text holds a character that cannot be stored.")
    schedule.check_order(start_date, end_date)
    zone = time_zone or at.caller.time_zone
    return optouts.Wanted(
        text=(q or "").strip() or None,
        reason=reason,
        source=source,
        is_live=live,
        since=_bounds(start_date, zone)[0],
        until=_bounds(end_date, zone)[1],
        device_id=str(device_id) if device_id else None,
        campaign_id=str(campaign_id) if campaign_id else None,
    )


def _bounds(day: date | None, zone: str) -> tuple[datetime | None, datetime | None]:
    return schedule.day_bounds(day, day, zone) if day else (None, None)


Asked = Annotated[optouts.Wanted, Depends(asked)]


@router.get(
    "/opt-outs",
    response_model=paging.PageOut[OptOutEntryOut],
    responses={200: {"content": {"text/csv": {}}}},
    summary="Opt-outs, the newest first",
)
async def list_opt_outs(
    wanted: Asked, page: paging.Paging, request: Request, format: Literal["json", "csv"] = "json", at: access.At = READ
) -> paging.PageOut[OptOutEntryOut] | Response:
    """Released ones too, as history; `format=csv` for all of them as a file (written into the audit trail)."""
    if format == "csv":
        await audit.exported(at, request, "opt_outs", reason=wanted.reason, source=wanted.source, q=wanted.text)
        return StreamingResponse(_csv(at, wanted), media_type="text/csv", headers=sheet.headers("opt-outs.csv"))
    before = page.before()
    async with at.tx() as tx:
        rows = await optouts.page(tx, wanted, before, page.limit + 1)
        total = await optouts.count(tx, wanted) if page.with_total else None
    kept, cursor = page.cut(rows, lambda row: (row["id"],))
    return paging.PageOut(items=[opt_out_out(row) for row in kept], next_cursor=cursor, total=total)


async def _csv(at: access.At, wanted: optouts.Wanted) -> AsyncIterator[str]:
    """All of them in pages, so that memory stays flat."""
    before: str | None = None
    header: tuple[str, ...] = CSV_COLUMNS
    while True:
        async with at.tx() as tx:
            rows = await optouts.page(tx, wanted, before, 1000)
        for line in sheet.lines(header, _cells(rows)):
            yield line
        if len(rows) < 1000:
            return
        header, before = (), rows[-1]["id"]


def _cells(rows: Iterable[db.Row]) -> Iterable[tuple[object, ...]]:
    for row in rows:
        who = (row["phone"], row["name"], row["reason"], row["source"], row["said"], row["note"])
        yield (*who, row["device_name"], row["campaign_title"], row["at"], row["released_at"])


@router.get("/opt-outs/check", summary="Whether a number has opted out")
async def check_opt_out(
    number: Annotated[str, Query(alias="phone", min_length=1, max_length=40)], at: access.At = READ
) -> CheckedOut:
    """Asked by keyed hash, so an opt-out is found even when the person was erased."""
    async with at.tx() as tx:
        read = await _number(tx, at.workspace_id, number)
        found = await optouts.check(tx, read.key)
    reasons = [cast(Reason, each) for each in found.reasons]
    return CheckedOut(
        opted_out=found.is_opted_out, phone=str(read), person_id=found.person_id, reasons=reasons, is_global=found.is_global
    )


async def _number(tx: db.Tx, workspace_id: str, number: str) -> phone.Phone:
    return phone.parse(number, await leads.default_country(tx, workspace_id))


# ---------------------------------------------------------------- adding
class OptOutIn(inputs.In):
    """Whom to leave alone: a number or a person, one of the two."""

    phone: str | None = Field(default=None, max_length=40)
    person_id: uuid.UUID | None = None
    reason: Literal["manual", "complaint", "legal"] = "manual"
    note: str | None = Field(default=None, max_length=500)
    source: Literal["api", "chat"] = Field(default="api", description="`chat`: by the button in a chat.")
    scope: Literal["workspace", "global"] = Field(
        default="workspace", description="`global`: in every workspace of this installation; administrators alone."
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> "OptOutIn":
        if (self.phone is None) == (self.person_id is None):
            raise ValueError("Give phone or person_id, one of the two.")
        return self


@router.post("/opt-outs", status_code=201, summary="Opt a person out, at once and everywhere")
async def add_opt_out(body: OptOutIn, request: Request, at: access.At = WRITE) -> OptOutEntryOut:
    """On every device, campaign and sequence; what is queued to this person ends. Asking again changes nothing."""
    if body.scope == "global" and (not at.caller.is_admin or body.reason == "manual"):
        if not at.caller.is_admin:
            raise NotAllowed("Only an administrator can opt somebody out of every workspace.")
        raise errors.invalid_field("reason", "not_one_of", "For every workspace the reason is complaint or legal.")
    actor = audit.by(at, request)
    reason = model.OptOutReason(body.reason)
    async with at.tx() as tx:
        person_id = await _person(tx, at.workspace_id, body)
        asked = model.OptOut(reason, model.OptOutSource(body.source), note=body.note, actor_id=at.caller.user_id)
        made = await outbox.opt_out(tx, at.workspace_id, person_id, asked)
        row = await optouts.standing(tx, person_id, reason)
        if body.scope == "global" and not row["is_global"]:
            await optouts.go_global(tx, row["id"], reason, person_id)
            row = await optouts.find(tx, row["id"])
        if made or body.scope == "global":
            thing = audit.Thing("opt_out", row["id"])
            await audit.record(
                tx, at.workspace_id, actor, "opt_out.added", thing, after={"reason": body.reason, "scope": body.scope}
            )
    return opt_out_out(row)


async def _person(tx: db.Tx, workspace_id: str, body: OptOutIn) -> PersonId:
    if body.person_id is not None:
        return (await persons.find(tx, str(body.person_id))).id
    return await persons.at_phone(tx, workspace_id, (await _number(tx, workspace_id, body.phone or "")).key)


class BlockListRowOut(BaseModel):
    """A row that names nobody (rows count from 1)."""

    row: int
    code: str
    message: str


class BlockListOut(BaseModel):
    """What a block list brought. `total` = added + already + doubled + failed."""

    total: int
    added: int
    already: int = Field(description="Opted out for this reason before.")
    doubled: int = Field(description="Rows of a person who stands in the list more than once.")
    failed: int
    errors: list[BlockListRowOut] = Field(description="The first thousand rows that failed.")


@router.post("/opt-outs/import", max_body_size=blocklist.BODY_LIMIT, summary="Opt out everybody on a list")
async def import_opt_outs(
    file: Annotated[UploadFile, File(description="CSV with a column `phone`, or one number to a line; 200,000 rows at most.")],
    request: Request,
    reason: Annotated[Literal["manual", "stop", "complaint", "legal"], Form()] = "manual",
    note: Annotated[str | None, Form(max_length=500)] = None,
    default_country: Annotated[str | None, Form(description="Two letters; by default the workspace's.")] = None,
    at: access.At = WRITE,
) -> BlockListOut:
    """In force row by row; rows that cannot be read are reported and stop nothing. Safe to repeat."""
    if default_country and not phone.is_country(default_country):
        raise errors.invalid_field("default_country", "unknown_country", "Give a country's two letters, such as MY.")
    actor = audit.by(at, request)
    asked = model.OptOut(model.OptOutReason(reason), model.OptOutSource.IMPORT, note=note or None, actor_id=at.caller.user_id)
    found = await blocklist.take(at.db, at.workspace_id, file.file, asked, default_country)
    counts = {"total": found.total, "added": found.added, "already": found.already, "failed": found.failed}
    async with at.tx() as tx:
        thing = audit.Thing("opt_out")
        await audit.record(tx, at.workspace_id, actor, "opt_outs.imported", thing, after={"reason": reason, **counts})
    rows = [BlockListRowOut(row=each.row, code=each.code, message=each.message) for each in found.problems]
    return BlockListOut(**counts, doubled=found.doubled, errors=rows)


# ---------------------------------------------------------------- releasing
class ReleaseIn(inputs.In):
    """Why somebody may be written to again, and the proof that they asked for it: a file, words, or both."""

    reason: str = Field(min_length=3, max_length=500)
    evidence_media_id: uuid.UUID | None = None
    evidence: str | None = Field(default=None, min_length=3, max_length=1000)

    @model_validator(mode="after")
    def _has_proof(self) -> "ReleaseIn":
        if self.evidence_media_id is None and self.evidence is None:
            raise ValueError("Give evidence_media_id or evidence: the proof of fresh consent.")
        return self


@router.delete("/opt-outs/{opt_out_id}", status_code=204, summary="Release an opt-out")
async def release_opt_out(opt_out_id: uuid.UUID, body: ReleaseIn, request: Request, at: access.At = RELEASE) -> None:
    """It stays as history, and the proof becomes a new consent. A complaint, a block, a legal one: administrators alone."""
    media_id = str(body.evidence_media_id) if body.evidence_media_id else None
    asked = optouts.Release(body.reason, at.caller.user_id, at.caller.is_admin, body.evidence, media_id)
    actor = audit.by(at, request)
    async with at.tx() as tx:
        await optouts.find(tx, str(opt_out_id))
        if media_id:
            await _check_proof(tx, media_id)
        row = await optouts.release(tx, at.workspace_id, str(opt_out_id), asked)
        await audit.record(
            tx,
            at.workspace_id,
            actor,
            "opt_out.released",
            audit.Thing("opt_out", row["id"]),
            reason=body.reason,
            before={"reason": row["reason"], "source": row["source"], "is_global": row["is_global"]},
            after={"evidence_media_id": media_id, "has_words": body.evidence is not None},
        )


async def _check_proof(tx: db.Tx, media_id: str) -> None:
    try:
        await media.find(tx, media_model.MediaId(media_id))
    except media_model.MediaNotFound:
        raise errors.invalid_field("evidence_media_id", "unknown_media", "This file is not in your workspace.") from None
