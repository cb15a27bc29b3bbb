"""The routes of leads: list, facets, one lead, and changes to many."""

from dataclasses import replace
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Depends, Query, Response

from hantar.accounts import access
from hantar.accounts.model import Role
from hantar.consent import http as consent_http, service as consents
from hantar.consent.model import ConsentWord, Standing
from hantar.kit import db, errors, ids, paging, version
from hantar.leads import http_models as models, model, service
from hantar.leads.model import DeviceId, ImportId, LeadId

router = APIRouter(tags=["Leads"])
READ = access.need(Role.VIEWER, "leads:read")
WRITE = access.need(Role.OPERATOR, "leads:write")


class DeviceNotFound(errors.NotFound):
    """There is no such device here."""


def asked_within(
    target_status: model.TargetStatus | None = None,
    niche: Annotated[str | None, Query(max_length=200, description="A whole entry; case does not matter.")] = None,
    trigger: Annotated[str | None, Query(max_length=200, description="A name, `has` or `none`.")] = None,
    q: Annotated[str | None, Query(max_length=10_000, description="Part of a name, number or niche.")] = None,
    import_id: Annotated[str | None, Query(description="Leads that this import made.")] = None,
    consent: Annotated[ConsentWord | None, Query(description="Consent to marketing on record.")] = None,
    opted_out: Annotated[bool | None, Query(description="Only people who have said stop, or only others.")] = None,
) -> model.Filter:
    """The filters of a list of one device's leads."""
    found = checked_filter(None, target_status, niche, trigger, q, import_id)
    return replace(found, consent=consent, opted_out=opted_out)


Within = Annotated[model.Filter, Depends(asked_within)]


def asked(
    within: Within,
    device_id: Annotated[str | None, Query(description="Leads of this device.")] = None,
    device: Annotated[str | None, Query(include_in_schema=False)] = None,
) -> model.Filter:
    """The filters of a list of leads."""
    found = checked_filter(device_id or device, None, None, None, None, None)
    return replace(within, device_id=found.device_id)


def checked_filter(
    device_id: str | None,
    target_status: model.TargetStatus | None,
    niche: str | None,
    trigger: str | None,
    q: str | None,
    import_id: str | None,
) -> model.Filter:
    """A filter of what was asked; raises `Invalid` for ids that are none and characters no lead can hold."""
    for name, value in (("device_id", device_id), ("import_id", import_id)):
        if value and not ids.is_id(value):
            raise errors.invalid_field(name, "invalid_id", "This is not an id.")
    for name, text in (("niche", niche), ("trigger", trigger), ("q", q)):
        if text and "\x00" in text:
            raise errors.invalid_field(name, "bad_character", "The text holds a character that cannot be stored.")
    device, made_by = cast(DeviceId | None, device_id or None), cast(ImportId | None, import_id or None)
    return model.Filter(device, target_status, niche or None, trigger or None, q or None, made_by)


Asked = Annotated[model.Filter, Depends(asked)]
Sort = Annotated[str, Query(description="created_at or name; with - the other way round.")]


@router.get("/leads")
async def list_leads(
    asked: Asked, page: paging.Paging, sort: Sort = "-created_at", at: access.At = READ
) -> paging.PageOut[models.LeadOut]:
    """Leads by device, status, niche, trigger, import or text; newest first."""
    after = page.after(1 if sort.endswith("created_at") else 2)
    if after is not None and not (ids.is_id(str(after[-1])) and all(isinstance(each, str) for each in after)):
        raise paging.BadCursor
    async with at.tx() as tx:
        found = await service.page(tx, asked, sort, after, page.limit + 1)
        total = await service.count(tx, asked) if page.with_total else None
        standings = await consents.standings(tx, [lead.person_id for lead in found])

    def place(lead: model.Lead) -> tuple[str, ...]:
        return (lead.id,) if sort.endswith("created_at") else (lead.fields.name, lead.id)

    kept, cursor = page.cut(found, place)
    items = [models.LeadOut(**models.lead_out(lead, standings[lead.person_id])) for lead in kept]
    return paging.PageOut(items=items, next_cursor=cursor, total=total)


@router.get("/devices/{device_id}/leads")
async def list_leads_of_device(
    device_id: str, within: Within, page: paging.Paging, sort: Sort = "-created_at", at: access.At = READ
) -> paging.PageOut[models.LeadOut]:
    """The leads of one device."""
    await must_have_device(at, device_id)
    return await list_leads(replace(within, device_id=DeviceId(device_id)), page, sort, at)


async def must_have_device(at: access.At, device_id: str) -> None:
    """Raise `DeviceNotFound` unless the device is the caller's."""
    async with at.tx() as tx:
        if not await service.has_device(tx, device_id):
            raise DeviceNotFound


@router.get("/leads/facets")
async def facets(device_id: str | None = None, at: access.At = READ) -> models.FacetsOut:
    """How many leads there are, by status, niche and trigger."""
    wanted = checked_filter(device_id, None, None, None, None, None)
    async with at.tx() as tx:
        return models.facets_out(await service.facets(tx, wanted.device_id))


@router.post("/leads", status_code=201, responses={409: {"description": "`duplicate_lead` with `existing_id`"}})
async def create_lead(body: models.LeadIn, response: Response, at: access.At = WRITE) -> models.LeadMadeOut:
    """Add a lead to a device, with what the person agreed to. Somebody who said stop stays opted out."""
    words = body.words()
    async with at.tx() as tx:
        made = await service.create(tx, at.workspace_id, body.fields(), DeviceId(body.device_id))
        standing = await _consented(tx, at, made.lead, words)
    response.headers["Location"] = f"/api/leads/{made.lead.id}"
    warnings: list[Literal["same_person", "opted_out"]] = ["same_person"] if made.is_elsewhere else []
    warnings += ["opted_out"] if standing.is_opted_out else []
    return models.LeadMadeOut(**models.lead_out(made.lead, standing), warnings=warnings)


async def _consented(tx: db.Tx, at: access.At, lead: model.Lead, words: consent_http.WordsIn | None) -> Standing:
    """Record what the lead's person agreed to, if anything was given; how that person stands then."""
    if words is not None:
        given = await words.given(tx, at, otherwise=consent_http.default_source(at))
        await consents.give(tx, at.workspace_id, [lead.person_id], await consents.checked(tx, given, "consent."))
    return (await consents.standings(tx, [lead.person_id]))[lead.person_id]


@router.post("/leads/bulk")
async def change_leads(body: models.BulkIn, at: access.At = WRITE) -> models.BulkOut:
    """Change, move or delete many leads: those of `ids`, or all that a filter means. Messages stay."""
    wanted = _bulk(body)
    async with at.tx() as tx:
        result = await service.bulk(tx, wanted, is_dry_run=body.dry_run)
    failed = [models.BulkErrorOut(id=lead, code=code, message=message) for lead, code, message in result.errors]
    return models.BulkOut(matched=result.matched, changed=result.changed, unchanged=result.unchanged, errors=failed)


def filter_of(given: models.FilterIn) -> model.Filter:
    """The filter in a body; raises `Invalid` like the list."""
    found = checked_filter(given.device_id, given.target_status, given.niche, given.trigger, given.q, given.import_id)
    return replace(found, consent=given.consent, opted_out=given.opted_out)


def _bulk(body: models.BulkIn) -> service.Bulk:
    if (body.ids is None) == (body.filter is None):
        raise errors.invalid_field("ids", "required", "Give either ids or a filter.")
    asked = model.Filter(ids=tuple(LeadId(each) for each in body.ids or () if ids.is_id(each)))
    if body.filter is not None:
        asked = filter_of(body.filter)
    column = service.COLUMNS.get(body.action)
    entries = model.entries(getattr(body.set, column)) if column else ()
    device = cast(DeviceId | None, body.set.device_id)
    return service.Bulk(body.action, asked, entries, body.set.changes(), device)


@router.get("/leads/{lead_id}")
async def get_lead(lead_id: str, versions: version.Marked, at: access.At = READ) -> models.LeadOut:
    """One lead; its `ETag` names this version."""
    async with at.tx() as tx:
        found = await service.find(tx, LeadId(lead_id))
        standing = await _consented(tx, at, found, None)
    versions.mark(found)
    return models.LeadOut(**models.lead_out(found, standing))


async def _change(lead_id: str, body: models.LeadChangesIn, versions: version.Versions, at: access.At) -> models.LeadOut:
    words = body.words()
    async with at.tx() as tx:
        versions.check(await service.find(tx, LeadId(lead_id), lock=True))
        changed = await service.update(tx, at.workspace_id, LeadId(lead_id), body.changes())
        standing = await _consented(tx, at, changed, words)
    versions.mark(changed)
    return models.LeadOut(**models.lead_out(changed, standing))


@router.put("/leads/{lead_id}")
async def put_lead(lead_id: str, body: models.LeadChangesIn, versions: version.Checked, at: access.At = WRITE) -> models.LeadOut:
    """Change a lead; fields left out keep their value. With `If-Match`, only the version it names (else 412)."""
    return await _change(lead_id, body, versions, at)


@router.patch("/leads/{lead_id}")
async def patch_lead(
    lead_id: str, body: models.LeadChangesIn, versions: version.Checked, at: access.At = WRITE
) -> models.LeadOut:
    """The same as PUT."""
    return await _change(lead_id, body, versions, at)


@router.delete("/leads/{lead_id}", status_code=204)
async def delete_lead(lead_id: str, at: access.At = WRITE) -> None:
    """Delete a lead; its messages stay in the reports."""
    async with at.tx() as tx:
        await service.delete(tx, LeadId(lead_id))
