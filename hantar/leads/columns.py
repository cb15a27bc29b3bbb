"""Which column of a file is which field of a lead, and a row of cells as fields or as a list of what is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hantar.kit import cells as guards, errors, phone
from hantar.leads import model, sheet

HEADER = ("name", "phone", "niche", "target_status", "additional_note", "device_id", "trigger")
"""The columns of an export, in this order (api.md section 7)."""
FIELDS = (*HEADER, "time_zone")
ATTRIBUTE = "attributes."
_ALSO = {
    "name": ("fullname", "full_name", "contact", "contact_name", "customer_name", "nama"),
    "phone": ("phone_number", "mobile", "mobile_number", "number", "whatsapp", "whatsapp_number", "tel", "telephone"),
    "niche": ("niches",),
    "target_status": ("target",),
    "additional_note": ("note", "notes", "journey"),
    "device_id": ("device", "deviceid"),
    "trigger": ("triggers",),
    "time_zone": ("timezone",),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """The file's columns by position: their names as written, and what each becomes (None: nothing)."""

    names: tuple[str, ...]
    targets: tuple[str | None, ...]

    def named(self, target: str) -> str:
        """The file's own name of a field's column."""
        return self.names[self.targets.index(target)] if target in self.targets else target


def guess(header: Sequence[str]) -> tuple[str | None, ...]:
    """What each column is by its name; a field is given once, and an exact name wins over a likely one."""
    plain = [model.clean(name).casefold().replace(" ", "_").replace("-", "_") for name in header]
    found: list[str | None] = [None] * len(plain)
    for fields in ({each: (each,) for each in FIELDS}, {"target_status": ("status",)}, _ALSO):
        for field, names in fields.items():
            place = next((i for i, name in enumerate(plain) if name in names and found[i] is None), None)
            if place is not None and field not in found:
                found[place] = field
    return tuple(found)


def plan(header: Sequence[str], mapping: Mapping[str, str | None] | None) -> Plan:
    """Decide on every column; raises `Invalid` for a mapping that cannot be, or when name or phone is missing."""
    names = tuple(model.clean(guards.unguard(name)) for name in header)
    targets = list(guess(names))
    if mapping is not None:
        targets = _mapped(names, targets, {model.clean(k).casefold(): v for k, v in mapping.items()})
    for field in ("name", "phone"):
        if field not in targets:
            message = f"No column holds the {field}. Name one of the columns “{field}”, or say which it is."
            raise errors.invalid_field("mapping" if mapping else "file", "missing_column", message)
    return Plan(names, tuple(targets))


def _mapped(names: Sequence[str], guessed: Sequence[str | None], mapping: Mapping[str, str | None]) -> list[str | None]:
    if unknown := [name for name in mapping if name not in {each.casefold() for each in names}]:
        raise errors.invalid_field("mapping", "unknown_column", f"The file has no column “{unknown[0][:100]}”.")
    for target in filter(None, mapping.values()):
        if target not in FIELDS and not (target.startswith(ATTRIBUTE) and model.is_attribute(target.removeprefix(ATTRIBUTE))):
            message = f"“{target[:100]}” is no field of a lead. Extra fields are written as {ATTRIBUTE}city."
            raise errors.invalid_field("mapping", "unknown_field", message)
    taken = set(filter(None, mapping.values()))
    found = [
        mapping[name.casefold()] or None if name.casefold() in mapping else None if was in taken else was
        for name, was in zip(names, guessed, strict=True)
    ]
    doubled = next((each for each in found if each is not None and found.count(each) > 1), None)
    if doubled:
        raise errors.invalid_field("mapping", "doubled_field", f"Two columns are mapped to {doubled}.")
    return found


# ---------------------------------------------------------------- rows
@dataclass(frozen=True, slots=True)
class RowProblem:
    """What is wrong (or worth knowing) about one row; `cell` is what stands there, shortened."""

    row: int
    column: str | None
    code: str
    message: str
    cell: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A row that can be stored; `given` names the fields that were not empty."""

    row: int
    fields: model.Fields
    device_id: str
    given: frozenset[str]


def read(record: sheet.Record, plan: Plan, device_id: str, country: str | None) -> tuple[Draft | None, list[RowProblem]]:
    """A row as a lead to be, or what is wrong with it."""
    if record.cells is None:
        return None, [RowProblem(record.row, None, record.code, record.message)]
    if any("\x00" in cell for cell in record.cells):
        return None, [RowProblem(record.row, None, "nul_byte", "This row holds a NUL character; the file may be damaged.")]
    if any(cell.strip() for cell in record.cells[len(plan.names) :]):
        message = f"This row has {len(record.cells)} cells, the header {len(plan.names)}. Quote cells that hold separators."
        return None, [RowProblem(record.row, None, "ragged", message)]
    found = {
        target: text
        for target, cell in zip(plan.targets, record.cells, strict=False)
        if target and (text := model.clean(guards.unguard(cell)))
    }
    return _draft(record.row, found, plan, device_id, country)


def _draft(
    row: int, found: Mapping[str, str], plan: Plan, device_id: str, country: str | None
) -> tuple[Draft | None, list[RowProblem]]:
    problems: list[errors.FieldError] = []
    fields = model.Fields(
        found.get("name", ""),
        found.get("phone", ""),
        model.entries(found.get("niche")),
        _status(found.get("target_status"), problems),
        found.get("additional_note"),
        model.entries(found.get("trigger")),
        {name.removeprefix(ATTRIBUTE): text for name, text in found.items() if name.startswith(ATTRIBUTE)},
        found.get("time_zone"),
    )
    problems += model.problems(fields)
    try:
        fields = replace(fields, phone=phone.parse(fields.phone, country).digits)
    except phone.InvalidPhone as error:
        problems += error.errors
    if problems:
        return None, [_problem(row, plan, each, found) for each in problems]
    return Draft(row, fields, found.get("device_id", device_id), frozenset(found)), []


def _status(text: str | None, problems: list[errors.FieldError]) -> model.TargetStatus:
    if text is None:
        return model.TargetStatus.PROSPECT
    try:
        return model.TargetStatus(text.casefold())
    except ValueError:
        problems.append(errors.FieldError("target_status", "not_one_of", "The status is prospect or customer."))
        return model.TargetStatus.PROSPECT


def _problem(row: int, plan: Plan, error: errors.FieldError, found: Mapping[str, str]) -> RowProblem:
    return RowProblem(row, plan.named(error.field), error.code, error.message, (found.get(error.field) or "")[:200] or None)
