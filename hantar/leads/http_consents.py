"""The routes that declare consent for many people at once: everybody of an import, or the leads at hand."""

from typing import Any, cast

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from hantar.accounts import access
from hantar.accounts.model import Role
from hantar.audit import service as audit
from hantar.consent import http as consent_http, service as consents
from hantar.consent.model import ConsentSource, Given
from hantar.jobs import http as jobs_http
from hantar.jobs.model import Job
from hantar.kit import errors, ids
from hantar.leads import declaring, http as leads_http, http_models as models, model
from hantar.leads.model import ImportId, LeadId

router = APIRouter(tags=["Consent"])
WRITE = access.need(Role.OPERATOR, "consent:write")


class DeclarationIn(consent_http.WordsIn):
    """What all these people agreed to, with the declaration of whoever calls that they did."""

    declared: bool = Field(default=False, description="Must be true: “these people agreed to hear from us”.")
    dry_run: bool = False

    def check(self) -> None:
        """Raise `Invalid` for what nobody stands behind; a dry run asks for nothing."""
        if not (self.declared or self.dry_run):
            raise errors.invalid_field("declared", "not_declared", NOT_DECLARED)


NOT_DECLARED = "Declare that these people agreed to hear from you, or leave consent out."


class DeclareIn(DeclarationIn):
    """A declaration for the leads of these ids, or of a filter."""

    ids: list[models.Text] | None = Field(default=None, max_length=10_000)
    filter: models.FilterIn | None = None
    include_consented: bool = Field(default=False, description="Also for people who have a live consent to marketing.")


class DeclaredOut(BaseModel):
    """People it was for, consents written, people who had one, and people opted out, who are still not written to."""

    matched: int
    written: int
    already: int
    opted_out: int
    dry_run: bool


RESPONSES: dict[int | str, dict[str, Any]] = {
    202: {"model": jobs_http.JobOut, "description": "More than 5,000 people: a job with the same result"}
}


@router.post("/consents/declare", responses=RESPONSES, summary="Declare consent for the leads at hand")
async def declare_for_leads(body: DeclareIn, request: Request, at: access.At = WRITE) -> DeclaredOut:
    """One row for each person of these leads who has no live consent yet. Audited; nothing is overwritten."""
    if (body.ids is None) == (body.filter is None):
        raise errors.invalid_field("ids", "required", "Give either ids or a filter.")
    of = model.Filter(ids=tuple(LeadId(each) for each in body.ids or () if ids.is_id(each)))
    if body.filter is not None:
        of = leads_http.filter_of(body.filter)
    asked = {"filter": body.filter.model_dump(exclude_none=True)} if body.filter else {"leads": len(of.ids or ())}
    return await _declare(at, request, body, of, only_missing=not body.include_consented, asked=asked)


@router.post("/imports/{import_id}/consent", responses=RESPONSES, summary="Declare consent for an import")
async def declare_for_import(import_id: str, body: DeclarationIn, request: Request, at: access.At = WRITE) -> DeclaredOut:
    """One row for each person of its lines who has none of this import yet; doing it twice adds nothing. Audited."""
    return await _declare(at, request, body, ImportId(import_id), only_missing=True, asked={})


async def _declare(
    at: access.At,
    request: Request,
    body: DeclarationIn,
    of: ImportId | model.Filter,
    *,
    only_missing: bool,
    asked: dict[str, Any],
) -> DeclaredOut:
    body.check()
    thing = audit.Thing("lead") if isinstance(of, model.Filter) else audit.Thing("import", of)
    source: ConsentSource = "web_form" if isinstance(of, model.Filter) else "import"
    async with at.tx() as tx:
        given = await consents.checked(tx, await body.given(tx, at, otherwise=source, import_id=thing.id))
        wanted = declaring.Declaration(of, given, only_missing)
        if body.dry_run:
            return _out(await declaring.preview(tx, wanted), dry_run=True)
        found = await declaring.declare(tx, at.workspace_id, wanted, at.caller.user_id)
        brought = {"job_id": found.id, "people": found.total} if isinstance(found, Job) else {"people": found.written}
        after = audit_words(given) | brought | _unnamed(asked)
        await audit.record(tx, at.workspace_id, audit.by(at, request), "consent.declared", thing, after=after)
        now = await tx.now()
    if isinstance(found, Job):
        reply = JSONResponse(jobs_http.out(found, now).model_dump(mode="json"), 202, {"Location": f"/api/jobs/{found.id}"})
        return cast(DeclaredOut, cast(Response, reply))  # a response of its own
    return _out(found, dry_run=False)


def _out(found: declaring.Declared, *, dry_run: bool) -> DeclaredOut:
    return DeclaredOut(
        matched=found.matched, written=found.written, already=found.already, opted_out=found.opted_out, dry_run=dry_run
    )


def _unnamed(asked: dict[str, Any]) -> dict[str, Any]:
    """What was asked for without words that may name somebody."""
    narrowed = asked.get("filter")
    if narrowed is None:
        return asked
    return {"filter": audit.unnamed(narrowed)}


def audit_words(given: Given) -> dict[str, Any]:
    """A declared consent as the audit trail keeps it."""
    ends = given.expires_at.isoformat() if given.expires_at else None
    return {
        "source": given.source,
        "wording_version": given.wording_version,
        "given_at": given.given_at.isoformat(),
        "expires_at": ends,
    }
