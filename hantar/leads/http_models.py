"""Bodies and replies of the routes of leads (api.md section 3); lists of niches and triggers come as text and as arrays."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from hantar.kit import inputs
from hantar.leads import model

Text = Annotated[str, StringConstraints(max_length=20_000)]
Entries = Annotated[Text | list[Text], Field(description='A comma list ("EXSTART,ITADRESS") or an array.')]
Attribute = Text | int | float | bool


class LeadIn(inputs.In):
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


class LeadChangesIn(inputs.In):
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
    """A lead."""

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
    created_at: datetime
    updated_at: datetime


class LeadMadeOut(LeadOut):
    """A new lead and what is worth knowing about it."""

    warnings: list[Literal["same_person"]] = Field(
        description="`same_person`: another device has this person too; a campaign writes to a person once."
    )


def lead_out(lead: model.Lead) -> dict[str, Any]:
    """A lead in the words of the API."""
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
