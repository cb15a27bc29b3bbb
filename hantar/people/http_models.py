"""What the API says of a person."""

from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel

from hantar.kit import db
from hantar.people import model, service
from hantar.persons.model import Alias, AliasKind

T = TypeVar("T", bound=BaseModel)


class AliasOut(BaseModel):
    """A name the service knows this person by; an opaque id is never shown as a number, so its value is null."""

    kind: AliasKind
    value: str | None


class PersonLeadOut(BaseModel):
    """A lead of this person."""

    id: str
    name: str
    phone: str
    device_id: str | None
    device_name: str | None
    time_zone: str | None


class PersonOptOutEntryOut(BaseModel):
    """An opt-out that stands or stood."""

    id: str
    reason: str
    source: str
    text: str | None
    note: str | None
    at: datetime
    is_live: bool
    is_global: bool
    released_at: datetime | None
    release_reason: str | None


class PersonConsentOut(BaseModel):
    """A row of the consent ledger."""

    id: str
    purpose: str
    wording: str
    business_name: str
    source: str
    given_at: datetime
    expires_at: datetime | None
    withdrawn_at: datetime | None


class PersonHoldOut(BaseModel):
    """A hold, with the words that led to it."""

    id: str
    kind: str
    text: str | None
    at: datetime
    ended_at: datetime | None
    outcome: str | None


class PersonChatOut(BaseModel):
    """With which device this person has been in touch, and who wrote last."""

    device_id: str
    device_name: str
    first_out_at: datetime | None
    last_out_at: datetime | None
    first_in_at: datetime | None
    last_in_at: datetime | None


class CapOut(BaseModel):
    """Campaign messages so far, of how many, on devices of one kind."""

    kind: str
    day: int
    day_limit: int
    week: int
    week_limit: int


class PersonOut(BaseModel):
    """A person as a whole. `phone` is null when only an opaque id is known, or after erasure."""

    id: str
    name: str
    phone: str | None
    time_zones: list[str]
    consent: str
    opted_out: bool
    on_hold: bool
    erased_at: datetime | None
    created_at: datetime
    aliases: list[AliasOut]
    leads: list[PersonLeadOut]
    opt_outs: list[PersonOptOutEntryOut]
    consents: list[PersonConsentOut]
    holds: list[PersonHoldOut]
    chats: list[PersonChatOut]
    caps: list[CapOut]


class FoundPersonOut(BaseModel):
    """A person in a list."""

    id: str
    name: str
    phone: str | None
    erased_at: datetime | None


class FoundPersonsOut(BaseModel):
    """Persons that match, at most twenty."""

    items: list[FoundPersonOut]


class ReasonOut(BaseModel):
    """One reason; `until` when it passes by itself."""

    code: str
    words: str
    until: datetime | None


class WhyNotOut(BaseModel):
    """Why this person would not get the campaign, or its next message; empty: nothing stands in the way."""

    reasons: list[ReasonOut]


class ErasureOut(BaseModel):
    """The job that erases, and what will be left."""

    job_id: str
    stays: list[str]


def person_out(found: service.View) -> PersonOut:
    """A person in the words of the API."""
    person = found.person
    fields = {
        "time_zones": list(person.zones),
        "aliases": [_alias(each) for each in person.aliases],
        "leads": [_picked(PersonLeadOut, row) for row in found.leads],
        "opt_outs": [*(_opt_out(row) for row in found.opt_outs), *(_global(row) for row in found.global_opt_outs)],
        "consents": [_picked(PersonConsentOut, row) for row in found.consents],
        "holds": [_hold(row) for row in found.holds],
        "chats": [_picked(PersonChatOut, row) for row in found.chats],
        "caps": [
            CapOut(kind=each.kind, day=each.day, day_limit=each.day_limit, week=each.week, week_limit=each.week_limit)
            for each in found.caps
        ],
    }
    return PersonOut.model_validate(
        {
            "id": person.id,
            "name": found.name,
            "phone": found.leads[0]["phone"] if found.leads and person.phone else person.phone,
            "consent": found.consent,
            "opted_out": found.is_opted_out,
            "on_hold": any(row["ended_at"] is None for row in found.holds),
            "erased_at": person.erased_at,
            "created_at": person.created_at,
            **fields,
        }
    )


def _alias(alias: Alias) -> AliasOut:
    return AliasOut(kind=alias.kind, value=None if alias.kind is AliasKind.LID else alias.value)


def _picked(kind: type[T], row: db.Row) -> T:
    return kind.model_validate({name: row[name] for name in kind.model_fields})


def _opt_out(row: db.Row) -> PersonOptOutEntryOut:
    fields = {name: row[name] for name in PersonOptOutEntryOut.model_fields if name not in ("is_global", "text")}
    return PersonOptOutEntryOut.model_validate({**fields, "is_global": False, "text": row["text"] or row["said"]})


def _global(row: db.Row) -> PersonOptOutEntryOut:
    return PersonOptOutEntryOut(
        id=row["id"],
        reason=row["reason"],
        source="platform",
        text=None,
        note=None,
        at=row["at"],
        is_live=True,
        is_global=True,
        released_at=None,
        release_reason=None,
    )


def _hold(row: db.Row) -> PersonHoldOut:
    fields = {name: row[name] for name in PersonHoldOut.model_fields if name != "text"}
    return PersonHoldOut.model_validate({**fields, "text": row["said"]})


def reason_out(reason: model.Reason) -> ReasonOut:
    """A reason in the words of the API."""
    return ReasonOut(code=reason.code, words=reason.words, until=reason.until)
