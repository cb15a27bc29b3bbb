"""The routes of consents: the ledger, a new row, and the file that proves what one person agreed to."""

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints

from hantar.accounts import access
from hantar.accounts.model import Role
from hantar.audit import service as audit
from hantar.consent import ledger, model, service
from hantar.kit import db, errors, ids, inputs, paging, sheet
from hantar.persons import service as persons
from hantar.persons.model import PersonId, PersonNotFound

router = APIRouter(tags=["Consent"])
READ = access.need(Role.OPERATOR, "consent:read")
WRITE = access.need(Role.OPERATOR, "consent:write")

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _within(at: datetime) -> datetime:
    if not EARLIEST <= at < LATEST:
        raise ValueError("Choose a time between 2000 and 2199.")
    return at


Instant = Annotated[AwareDatetime, AfterValidator(_within)]
"""An instant that people may mean; every zone has an hour for it."""
Wording = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=4000),
    Field(description="What the person agreed to, in the words they saw or heard."),
]
Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class WordsIn(inputs.In):
    """What was agreed to, how and when. `given_at` may not lie in the future; left out, it is now."""

    wording: Wording
    wording_version: Short | None = None
    business_name: Annotated[Short, Field(description="Whom the words name; by default the workspace's name.")] | None = None
    source: model.ConsentSource | None = Field(default=None, description="How it was given: `web_form`, `paper`, `api` …")
    given_at: Instant | None = None
    expires_at: Instant | None = None
    proof_media_id: uuid.UUID | None = Field(default=None, description="A file that shows it, such as a photographed form.")

    async def given(self, tx: db.Tx, at: access.At, *, otherwise: model.ConsentSource, **more: Any) -> model.Given:
        """The consent to record for whoever calls; `otherwise` is the source when none is named."""
        name = self.business_name or await tx.fetchval("SELECT name FROM workspaces WHERE id = $1", at.workspace_id)
        return model.Given(
            wording=self.wording,
            source=self.source or otherwise,
            given_at=self.given_at or await tx.now(),
            wording_version=self.wording_version or None,
            business_name=name or "",
            proof_media_id=str(self.proof_media_id) if self.proof_media_id else None,
            actor_id=at.caller.user_id,
            expires_at=self.expires_at,
            **{"purpose": "marketing"} | more,
        )


class ConsentIn(WordsIn):
    """A consent of one person, named by `phone` or by `person_id`. It is added; nothing is overwritten."""

    phone: Annotated[str, Field(max_length=64)] | None = None
    person_id: uuid.UUID | None = None
    purpose: model.Purpose = "marketing"
    channel: Literal["whatsapp"] = "whatsapp"


class ConsentOut(BaseModel):
    """A row of the ledger. `state`: live, withdrawn (by an opt-out), or expired. `phone` is null for an opaque id alone."""

    id: str
    person_id: str
    phone: str | None
    name: str
    purpose: model.Purpose
    channel: str
    wording: str
    wording_version: str | None
    business_name: str
    source: model.ConsentSource
    proof_media_id: str | None
    import_id: str | None
    import_name: str | None
    inbound_id: str | None
    actor_id: str | None
    given_at: datetime
    expires_at: datetime | None
    withdrawn_at: datetime | None
    created_at: datetime
    state: ledger.State


class ConsentMadeOut(ConsentOut):
    """A new row. When `opted_out` is true it is kept as history, and the person is still not written to."""

    opted_out: bool


def consent_out(row: db.Row) -> ConsentOut:
    """A consent in the words of the API."""
    return ConsentOut(**{name: row[name] for name in ConsentOut.model_fields})


@router.get("/consents", summary="The ledger of consents")
async def list_consents(
    page: paging.Paging,
    phone: Annotated[str | None, Query(max_length=64, description="A whole number, as people write it.")] = None,
    person_id: uuid.UUID | None = None,
    purpose: model.Purpose | None = None,
    source: model.ConsentSource | None = None,
    import_id: uuid.UUID | None = None,
    state: ledger.State | None = None,
    at: access.At = READ,
) -> paging.PageOut[ConsentOut]:
    """Newest first. Rows are never changed: a withdrawal is an opt-out, a new consent is a new row."""
    before = page.after(1)
    if before is not None and not ids.is_id(str(before[0])):
        raise paging.BadCursor
    async with at.tx() as tx:
        person = str(person_id) if person_id else None
        if phone:
            found = await ledger.person_at(tx, at.workspace_id, phone, make=False)
            if found is None or person not in (None, found):
                return paging.PageOut(items=[], total=0 if page.with_total else None)
            person = found
        wanted = ledger.Wanted(person, purpose, source, str(import_id) if import_id else None, state)
        rows = await ledger.page(tx, wanted, str(before[0]) if before else None, page.limit + 1)
        total = await ledger.count(tx, wanted) if page.with_total else None
    kept, cursor = page.cut(rows, lambda row: (row["id"],))
    return paging.PageOut(items=[consent_out(row) for row in kept], next_cursor=cursor, total=total)


@router.post("/consents", status_code=201, summary="Record a consent")
async def add_consent(body: ConsentIn, at: access.At = WRITE) -> ConsentMadeOut:
    """Adds a row. It lifts no opt-out: who said stop stays so until they say start or an owner releases them."""
    if (body.phone is None) == (body.person_id is None):
        raise errors.invalid_field("phone", "required", "Give either phone or person_id.")
    async with at.tx() as tx:
        person = await _person(tx, at, body)
        given = await body.given(tx, at, otherwise=default_source(at), purpose=body.purpose, channel=body.channel)
        row = await ledger.add(tx, at.workspace_id, person, given)
        is_out = await service.is_opted_out(tx, at.workspace_id, person)
    return ConsentMadeOut(**consent_out(row).model_dump(), opted_out=is_out)


def default_source(at: access.At) -> model.ConsentSource:
    """How a consent came in when the caller does not say: by a program, or by a form."""
    return "api" if at.caller.key_id else "web_form"


async def _person(tx: db.Tx, at: access.At, body: ConsentIn) -> PersonId:
    if body.phone is not None:
        found = await ledger.person_at(tx, at.workspace_id, body.phone, make=True)
        assert found is not None  # noqa: S101 made when there was none
        return found
    person = await persons.find(tx, str(body.person_id))
    if person.erased_at is not None:
        raise PersonNotFound
    return person.id


@router.get(
    "/consents/export",
    summary="Proof of one person's consent",
    response_class=Response,
    responses={200: {"content": {"application/json": {}, "text/csv": {}}, "description": "A file"}},
)
async def export_consents(
    request: Request,
    phone: Annotated[str | None, Query(max_length=64)] = None,
    person_id: uuid.UUID | None = None,
    format: Literal["json", "csv"] = "json",
    at: access.At = READ,
) -> Response:
    """Every consent of one person with its wording and evidence, every opt-out and its release, each with its SHA-256."""
    if (phone is None) == (person_id is None):
        raise errors.invalid_field("phone", "required", "Give either phone or person_id.")
    async with at.tx() as tx:
        found = await ledger.person_at(tx, at.workspace_id, phone, make=False) if phone else PersonId(str(person_id))
        if found is None:
            raise PersonNotFound
        proof = await ledger.proof(tx, at.workspace_id, found)
    await audit.exported(at, request, "consent", found, format=format)
    name = f"consent-{found[:8]}.{format}"
    if format == "csv":
        text = "".join(sheet.lines(ledger.CSV_HEADER, ledger.proof_rows(proof)))
        return Response(text, media_type="text/csv; charset=utf-8", headers=sheet.headers(name))
    return Response(ledger.as_json(proof), media_type="application/json", headers=sheet.headers(name))
