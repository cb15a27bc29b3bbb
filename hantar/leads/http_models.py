"""Bodies and replies of the routes of leads (api.md section 3); lists of niches and triggers come as text and as arrays."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints, WrapValidator

from hantar.consent import http as consent_http
from hantar.consent.model import ConsentWord, Standing
from hantar.kit import errors, inputs
from hantar.leads import model

Text = Annotated[str, StringConstraints(max_length=20_000)]
Entries = Annotated[Text | list[Text], Field(description='A comma list ("EXSTART,ITADRESS") or an array.')]
Attribute = Text | int | float | bool


def _words(value: Any, _: Any) -> consent_http.WordsIn | bool | None:
    """Read here, so that what is wrong is named `consent.given_at` and not after one of the three forms."""
    return value if value is None or isinstance(value, bool) else consent_http.WordsIn.model_validate(value)


Consent = Annotated[
    consent_http.WordsIn | bool | None,
    WrapValidator(_words),
    Field(
        description="What this person agreed to: the words (with source and date), or `true` with `consent_wording`. "
        "It adds a row to the ledger of consents; nothing and `false` take none away."
    ),
]
ConsentWording = Annotated[
    Annotated[str, StringConstraints(max_length=4000)] | None,
    Field(description="With `consent: true`: what the person agreed to."),
]


class WithConsent(inputs.In):
    """A body that may say what the person agreed to."""

    consent: Consent = None
    consent_wording: ConsentWording = None

    def words(self) -> consent_http.WordsIn | None:
        """What was agreed to, from either form; raises `Invalid` for `true` without words."""
        if isinstance(self.consent, consent_http.WordsIn):
            return self.consent
        if not self.consent:
            return None
        if not model.clean(self.consent_wording):
            raise errors.invalid_field("consent_wording", "required", "Say what the person agreed to.")
        return consent_http.WordsIn(wording=self.consent_wording or "")


class LeadIn(WithConsent):
    """A new lead."""

    name: Text
    phone: Annotated[Text, Field(description="With country code; a local number when the workspace has a country.")]
    device_id: Text
    niche: Entries | None = None
    target_status: model.TargetStatus | None = None
    additional_note: Text | None = None
    trigger: Entries | None = None
    attributes: dict[str, Attribute | None] | None = None
    time_zone: Text | None = None

    def fields(self) -> model.Fields:
        """What is stored, cleaned and still to be checked."""
        attributes = {name: as_text(value) for name, value in (self.attributes or {}).items() if value is not None}
        return model.Fields(
            model.clean(self.name),
            self.phone,
            model.entries(self.niche),
            self.target_status or model.TargetStatus.PROSPECT,
            model.clean(self.additional_note) or None,
            model.entries(self.trigger),
            attributes,
            self.time_zone or None,
        )


class LeadChangesIn(WithConsent):
    """Fields of a lead to change; what is left out stays, null takes away."""

    name: Text | None = None
    phone: Text | None = None
    device_id: Text | None = None
    niche: Entries | None = None
    target_status: model.TargetStatus | None = None
    additional_note: Text | None = None
    trigger: Entries | None = None
    attributes: dict[str, Attribute | None] | None = None
    time_zone: Text | None = None

    def changes(self) -> model.Changes:
        """The fields that were sent. Null stands for nothing where nothing is possible, else for "stay"."""
        sent = self.model_fields_set
        found: dict[str, Any] = {}
        if "name" in sent and self.name is not None:
            found["name"] = model.clean(self.name)
        for name in ("phone", "device_id", "target_status"):
            if name in sent and getattr(self, name) is not None:
                found[name] = getattr(self, name)
        for name, entries in (("niches", self.niche), ("triggers", self.trigger)):
            if name.removesuffix("s") in sent:
                found[name] = model.entries(entries)
        if "additional_note" in sent:
            found["additional_note"] = model.clean(self.additional_note) or None
        if "time_zone" in sent:
            found["time_zone"] = self.time_zone or None
        if self.attributes:
            found["attributes"] = {n: None if v is None else as_text(v) for n, v in self.attributes.items()}
        return model.Changes(**found)


def as_text(value: Attribute) -> str:
    """An extra field's value as it is stored and put into messages."""
    return str(value).lower() if isinstance(value, bool) else model.clean(str(value))


class LeadOut(BaseModel):
    """A lead. Consent, opt-out and hold are the person's: every lead of one person shows the same."""

    id: str
    person_id: str
    device_id: str | None
    name: str
    phone: str
    niche: str
    niches: list[str]
    target_status: model.TargetStatus
    additional_note: str | None
    trigger: str
    triggers: list[str]
    attributes: dict[str, str]
    time_zone: str | None
    source: str
    import_id: str | None
    consent: ConsentWord = Field(description="Consent to marketing on record; `withdrawn` also when it has run out.")
    opted_out: bool = Field(description="Nothing is sent to this person, whatever the consent.")
    on_hold: bool = Field(description="Nothing is sent by itself until somebody decides.")
    created_at: datetime
    updated_at: datetime


class LeadMadeOut(LeadOut):
    """A new lead and what is worth knowing about it."""

    warnings: list[Literal["same_person", "opted_out"]] = Field(
        description="`same_person`: another device has this person too; a campaign writes to a person once. "
        "`opted_out`: this person has said stop and is not written to."
    )


def lead_out(lead: model.Lead, standing: Standing) -> dict[str, Any]:
    """A lead in the words of the API, with how its person stands."""
    fields = lead.fields
    return {
        "id": lead.id,
        "person_id": lead.person_id,
        "device_id": lead.device_id,
        "name": fields.name,
        "phone": fields.phone,
        "niche": ",".join(fields.niches),
        "niches": list(fields.niches),
        "target_status": fields.target_status,
        "additional_note": fields.additional_note,
        "trigger": ",".join(fields.triggers),
        "triggers": list(fields.triggers),
        "attributes": dict(fields.attributes),
        "time_zone": fields.time_zone,
        "source": lead.source,
        "import_id": lead.import_id,
        "consent": standing.consent,
        "opted_out": standing.is_opted_out,
        "on_hold": standing.is_on_hold,
        "created_at": lead.created_at,
        "updated_at": lead.updated_at,
    }


class NamedOut(BaseModel):
    """A niche or trigger and how many leads have it."""

    name: str
    count: int


class FacetsOut(BaseModel):
    """What the leads are made of."""

    total: int
    target_status: dict[str, int]
    niches: list[NamedOut]
    triggers: list[NamedOut]


def facets_out(found: model.Facets) -> FacetsOut:
    """Facets in the words of the API."""

    def named(items: tuple[model.Named, ...]) -> list[NamedOut]:
        return [NamedOut(name=item.name, count=item.count) for item in items]

    totals: Mapping[str, int] = found.target_status
    return FacetsOut(total=found.total, target_status=dict(totals), niches=named(found.niches), triggers=named(found.triggers))


class FilterIn(inputs.In):
    """Which leads are meant, as in the list."""

    device_id: Text | None = None
    target_status: model.TargetStatus | None = None
    niche: Text | None = None
    trigger: Text | None = None
    q: Text | None = None
    import_id: Text | None = None
    consent: ConsentWord | None = None
    opted_out: bool | None = None


class BulkSetIn(inputs.In):
    """What to set: `niche` or `trigger` for adding and removing, `device_id` for a move, any field for update."""

    device_id: Text | None = None
    niche: Entries | None = None
    trigger: Entries | None = None
    target_status: model.TargetStatus | None = None
    additional_note: Text | None = None
    attributes: dict[str, Attribute | None] | None = None
    time_zone: Text | None = None

    def changes(self) -> model.Changes:
        """The fields for an update; empty ones keep what is there."""
        attributes = {n: as_text(v) for n, v in (self.attributes or {}).items() if v not in (None, "")}
        return model.Changes(
            niches=model.entries(self.niche) or model.UNSET,
            target_status=self.target_status or model.UNSET,
            additional_note=model.clean(self.additional_note) or model.UNSET,
            triggers=model.entries(self.trigger) or model.UNSET,
            attributes=attributes or model.UNSET,
            time_zone=self.time_zone or model.UNSET,
        )


class BulkIn(inputs.In):
    """One change to the leads of these ids, or of a filter."""

    action: model.BulkAction
    ids: list[Text] | None = Field(default=None, max_length=10_000)
    filter: FilterIn | None = None
    set: BulkSetIn = BulkSetIn()
    dry_run: bool = False


class BulkErrorOut(BaseModel):
    """A lead that could not be changed."""

    id: str
    code: str
    message: str


class BulkOut(BaseModel):
    """What became of the leads, or in a dry run: what would."""

    matched: int
    changed: int
    unchanged: int
    errors: list[BulkErrorOut]
