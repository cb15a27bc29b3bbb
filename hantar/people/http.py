"""Routes of a person: find, look, why not, merge, copy of everything, erase."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from hantar.accounts import access
from hantar.accounts.model import Role
from hantar.audit import service as audit
from hantar.inbox import service as inbox
from hantar.kit import errors, inputs
from hantar.people import erasure, http_models, model, service, store, why
from hantar.persons import service as persons

router = APIRouter(tags=["Persons"])

READ = access.need(Role.VIEWER, "consent:read")
WRITE = access.need(Role.OPERATOR, "consent:write")
OWN = access.need(Role.OWNER, "consent:write")
Reason = Annotated[str, Field(min_length=3, max_length=500)]


class MergeIn(inputs.In):
    """The other person who is the same one."""

    other_id: uuid.UUID


class EraseIn(inputs.In):
    """Why this person is erased; name nobody here, it is kept."""

    reason: Reason


@router.get("/persons", summary="Find a person by number or name")
async def find_persons(
    q: Annotated[str, Query(min_length=2, max_length=100)], at: access.At = READ
) -> http_models.FoundPersonsOut:
    """At most twenty persons whose number or lead's name holds these words; those without a number are found by name alone."""
    async with at.tx() as tx:
        rows = await store.search(tx, q)
    found = [http_models.FoundPersonOut.model_validate(dict(row)) for row in rows]
    return http_models.FoundPersonsOut(items=found)


@router.get("/persons/{person_id}", summary="A person as a whole")
async def get_person(person_id: uuid.UUID, at: access.At = READ) -> http_models.PersonOut:
    """Every name, consent, opt-outs, holds, caps, leads and devices in touch."""
    async with at.tx() as tx:
        return http_models.person_out(await service.view(tx, at.workspace_id, str(person_id)))


@router.get("/persons/{person_id}/why-not", summary="Why a person would not get a campaign")
async def why_not(
    person_id: uuid.UUID,
    campaign: Annotated[uuid.UUID | None, Query(description="A campaign; without one, any campaign.")] = None,
    at: access.At = READ,
) -> http_models.WhyNotOut:
    """Every reason that stands in the way now, for each device that would send; empty when there is none."""
    async with at.tx() as tx:
        found = await why.not_now(tx, at.workspace_id, str(person_id), str(campaign) if campaign else None)
    return http_models.WhyNotOut(reasons=[http_models.reason_out(each) for each in found])


@router.post("/persons/{person_id}/merge", summary="Two entries are one person")
async def merge_persons(person_id: uuid.UUID, body: MergeIn, request: Request, at: access.At = WRITE) -> http_models.PersonOut:
    """The stricter side wins: every opt-out and hold counts for the one that stays, and so does every message sent."""
    keep, gone = str(person_id), str(body.other_id)
    if keep == gone:
        raise errors.invalid_field("other_id", "same_person", "This is the same entry. Choose the other one.")
    async with at.tx() as tx:
        for each in (keep, gone):
            await persons.find(tx, each)
        await inbox.merge(tx, at.workspace_id, keep, gone)
        found = await service.view(tx, at.workspace_id, keep)
        await audit.record(
            tx, at.workspace_id, audit.by(at, request), "person.merged", audit.Thing("person", keep), after={"gone": gone}
        )
        return http_models.person_out(found)


@router.get("/persons/{person_id}/export", summary="A copy of everything stored about a person", response_class=Response)
async def export_person(person_id: uuid.UUID, request: Request, at: access.At = OWN) -> Response:
    """A JSON file to hand to the person. Taking it is written into the audit trail."""
    async with at.tx() as tx:
        found = await service.copy(tx, at.workspace_id, str(person_id))
        thing = audit.Thing("person", str(person_id))
        await audit.record(tx, at.workspace_id, audit.by(at, request), "person.exported", thing)
    name = f"person-{person_id}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(service.as_json(found), media_type="application/json", headers=headers)


@router.delete("/persons/{person_id}", status_code=202, summary="Erase a person")
async def erase_person(person_id: uuid.UUID, body: EraseIn, request: Request, at: access.At = OWN) -> http_models.ErasureOut:
    """Identity and words go, for good; figures stay without them, and an opt-out stays in force by its keyed hash."""
    async with at.tx() as tx:
        job_id = await erasure.ask(tx, at.workspace_id, str(person_id), at.caller.user_id)
        thing = audit.Thing("person", str(person_id))
        await audit.record(tx, at.workspace_id, audit.by(at, request), "person.erased", thing, reason=body.reason)
    return http_models.ErasureOut(job_id=job_id, stays=list(model.STAYS))
