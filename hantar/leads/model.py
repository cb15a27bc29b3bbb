"""What a lead is: its fields, their limits, and how niches and triggers are read and matched. No I/O."""

import re
import unicodedata
import zoneinfo
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any, Final, NewType, TypeVar

from hantar.consent.model import ConsentWord
from hantar.kit import errors, phone
from hantar.persons.model import PersonId

LeadId = NewType("LeadId", str)
ImportId = NewType("ImportId", str)
DeviceId = NewType("DeviceId", str)

LONGEST_NAME = 200
LONGEST_ENTRY = 100
MOST_ENTRIES = 50
LONGEST_NOTE = 4000
MOST_ATTRIBUTES = 50
LONGEST_ATTRIBUTE = 1000
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

T = TypeVar("T")


class TargetStatus(StrEnum):
    """Whom we write to: someone who may buy, or someone who did."""

    PROSPECT = "prospect"
    CUSTOMER = "customer"


class Unset(Enum):
    """Tells "left out" from null."""

    UNSET = 0


UNSET: Final = Unset.UNSET


class LeadNotFound(errors.NotFound):
    """There is no such lead here."""


class DuplicateLead(errors.Conflict):
    """This person is already a lead of this device."""

    code = "duplicate_lead"

    def __init__(self, existing: LeadId) -> None:
        super().__init__(existing_id=existing)
        self.existing = existing


def clean(text: str | None) -> str:
    """Text as it is stored: composed (NFC) and trimmed; None is empty."""
    return unicodedata.normalize("NFC", text).strip() if text else ""


def entries(given: str | Iterable[str] | None) -> tuple[str, ...]:
    """The entries of a comma list: trimmed, empty ones dropped, doubled ones (whatever their case) kept once."""
    text = given if isinstance(given, str) or given is None else ",".join(given)
    found: dict[str, str] = {}
    for part in (text or "").split(","):
        if entry := clean(part):
            found.setdefault(key(entry), entry)
    return tuple(found.values())


def key(entry: str) -> str:
    """The form by which entries are compared: `ITADRESS`, `itadress` and `Itadress ` are one niche."""
    return unicodedata.normalize("NFC", clean(entry).casefold())


def keys(of: Iterable[str]) -> tuple[str, ...]:
    """The keys of entries, in the same order."""
    return tuple(key(entry) for entry in of)


def matches(listed: str | Iterable[str], wanted: str) -> bool:
    """Whether a comma list holds the wanted entry as a whole: ITADRESS is in "EXSTART,ITADRESS", FIT not in OUTFIT."""
    return key(wanted) in keys(entries(listed))


@dataclass(frozen=True, slots=True)
class Fields:
    """What people may write into a lead, already clean; `problems` says what is wrong with it."""

    name: str
    phone: str
    niches: tuple[str, ...] = ()
    target_status: TargetStatus = TargetStatus.PROSPECT
    additional_note: str | None = None
    triggers: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    time_zone: str | None = None

    @property
    def person_key(self) -> str:
        """The identity of the person behind the number."""
        return phone.canonical(self.phone)


@dataclass(frozen=True, slots=True)
class Lead:
    """A person as one device knows them."""

    id: LeadId
    person_id: PersonId
    device_id: DeviceId | None
    fields: Fields
    source: str
    import_id: ImportId | None
    is_demo: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Changes:
    """Some fields of a lead; what is left out stays as it is."""

    name: str | Unset = UNSET
    phone: str | Unset = UNSET
    device_id: DeviceId | Unset = UNSET
    niches: tuple[str, ...] | Unset = UNSET
    target_status: TargetStatus | Unset = UNSET
    additional_note: str | Unset | None = UNSET
    triggers: tuple[str, ...] | Unset = UNSET
    attributes: Mapping[str, Any] | Unset = UNSET
    time_zone: str | Unset | None = UNSET

    def applied_to(self, fields: Fields) -> Fields:
        """The fields with these changes; attributes given as null are taken away, others merged."""
        attributes = dict(fields.attributes)
        for name, value in ({} if self.attributes is UNSET else self.attributes).items():
            attributes.pop(name, None)
            if value is not None:
                attributes[name] = str(value)
        return replace(
            fields,
            name=_or(self.name, fields.name),
            phone=_or(self.phone, fields.phone),
            niches=_or(self.niches, fields.niches),
            target_status=_or(self.target_status, fields.target_status),
            additional_note=_or(self.additional_note, fields.additional_note) or None,
            triggers=_or(self.triggers, fields.triggers),
            attributes=attributes,
            time_zone=_or(self.time_zone, fields.time_zone) or None,
        )


def _or(given: T | Unset, otherwise: T) -> T:
    return otherwise if isinstance(given, Unset) else given


# ---------------------------------------------------------------- rules
def problems(fields: Fields) -> list[errors.FieldError]:
    """What is wrong with the fields (the number is judged by `kit.phone`); empty when they can be stored."""
    found = [
        *_text_problem("name", fields.name, LONGEST_NAME, is_required=True),
        *_text_problem("additional_note", fields.additional_note or "", LONGEST_NOTE),
        *_list_problem("niche", fields.niches),
        *_list_problem("trigger", fields.triggers),
        *_attribute_problems(fields.attributes),
    ]
    if fields.time_zone and not is_time_zone(fields.time_zone):
        found.append(errors.FieldError("time_zone", "unknown_time_zone", "Give a zone such as Asia/Kuala_Lumpur."))
    return found


def _text_problem(name: str, text: str, longest: int, *, is_required: bool = False) -> list[errors.FieldError]:
    if is_required and not text:
        return [errors.FieldError(name, "required", f"Give a {name}.")]
    if len(text) > longest:
        return [errors.FieldError(name, "too_long", f"At most {longest:,} characters.")]
    if _UNSTORABLE.search(text):
        return [errors.FieldError(name, "bad_character", "This holds a character that cannot be stored.")]
    return []


def _list_problem(name: str, listed: Sequence[str]) -> list[errors.FieldError]:
    if len(listed) > MOST_ENTRIES:
        return [errors.FieldError(name, "too_many", f"At most {MOST_ENTRIES} entries.")]
    for entry in listed:
        if found := _text_problem(name, entry, LONGEST_ENTRY):
            return found
    return []


def _attribute_problems(attributes: Mapping[str, str]) -> list[errors.FieldError]:
    if len(attributes) > MOST_ATTRIBUTES:
        return [errors.FieldError("attributes", "too_many", f"At most {MOST_ATTRIBUTES} extra fields.")]
    found: list[errors.FieldError] = []
    for name, value in attributes.items():
        if not is_attribute(name):
            message = "Names of extra fields begin with a letter and hold letters, digits and _ (at most 40)."
            found.append(errors.FieldError("attributes", "bad_name", message))
        found += _text_problem(f"attributes.{name[:40]}", value, LONGEST_ATTRIBUTE)
    return found


def is_attribute(name: str) -> bool:
    """Whether a lead may have an extra field of this name; templates use it as a variable."""
    return _KEY.fullmatch(name) is not None and name not in RESERVED


RESERVED = frozenset({"name", "phone", "niche"})
"""Variables that every lead has already (api.md 1.1)."""


def is_time_zone(name: str) -> bool:
    """Whether this is the name of an IANA time zone."""
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return False
    return True


# ---------------------------------------------------------------- questions
@dataclass(frozen=True, slots=True)
class Filter:
    """Which leads are meant; every given part must hold. `trigger` is a name, `has` or `none`."""

    device_id: DeviceId | None = None
    target_status: TargetStatus | None = None
    niche: str | None = None
    trigger: str | None = None
    q: str | None = None
    import_id: ImportId | None = None
    ids: tuple[LeadId, ...] | None = None
    consent: ConsentWord | None = None
    opted_out: bool | None = None


SORTS = ("created_at", "-created_at", "name", "-name")


@dataclass(frozen=True, slots=True)
class Named:
    """A niche or trigger and how many leads have it."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Facets:
    """What the leads are made of."""

    total: int
    target_status: Mapping[str, int]
    niches: tuple[Named, ...]
    triggers: tuple[Named, ...]


class BulkAction(StrEnum):
    """What can be done to many leads at once."""

    UPDATE = "update"
    DELETE = "delete"
    ADD_NICHES = "add_niches"
    REMOVE_NICHES = "remove_niches"
    ADD_TRIGGERS = "add_triggers"
    REMOVE_TRIGGERS = "remove_triggers"
    MOVE_DEVICE = "move_device"


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What became of many leads; `errors` names those that could not be changed, at most the first hundred."""

    matched: int
    changed: int
    unchanged: int
    errors: tuple[tuple[LeadId, str, str], ...] = ()
