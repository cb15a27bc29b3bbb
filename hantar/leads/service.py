"""What one can do with leads. Callers open the transaction; imports and exports have rooms of their own beside this."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hantar.kit import db, errors, ids, phone
from hantar.leads import bulk_store, import_store, model, store
from hantar.leads.model import DeviceId, Lead, LeadId
from hantar.persons import service as persons
from hantar.persons.model import PersonId

MOST_AT_ONCE = 100_000
"""Leads that one bulk call may change: about ten seconds' work in one transaction."""


@dataclass(frozen=True, slots=True)
class Created:
    """A new lead; `is_elsewhere` when another device has the same person."""

    lead: Lead
    is_elsewhere: bool


async def find(tx: db.Tx, lead_id: LeadId, *, lock: bool = False) -> Lead:
    """One lead; raises `LeadNotFound`."""
    found = await store.get(tx, lead_id, lock=lock)
    if found is None:
        raise model.LeadNotFound
    return found


async def page(tx: db.Tx, asked: model.Filter, sort: str, after: Sequence[str] | None, limit: int) -> list[Lead]:
    """Leads in order; raises `Invalid` for an unknown sort."""
    if sort not in model.SORTS:
        raise errors.invalid_field("sort", "not_one_of", f"Sort by one of {', '.join(model.SORTS)}.")
    await _limit_time(tx)
    return await store.page(tx, asked, sort, after, limit)


async def count(tx: db.Tx, asked: model.Filter) -> int:
    """How many leads a filter means."""
    await _limit_time(tx)
    return await store.count(tx, asked)


async def facets(tx: db.Tx, device_id: DeviceId | None = None) -> model.Facets:
    """What the leads are made of, for the chips above the list."""
    return await store.facets(tx, device_id)


async def _limit_time(tx: db.Tx) -> None:
    await tx.execute("SET LOCAL statement_timeout = '3s'")  # F-26: a search may be dear, never endless


async def create(
    tx: db.Tx,
    workspace_id: str,
    given: model.Fields,
    device_id: DeviceId,
    *,
    country: str | None = None,
    source: str = "form",
    is_demo: bool = False,
) -> Created:
    """Store a new lead of a device; raises `Invalid` with every field at fault, or `DuplicateLead`.

    `country` (ISO 3166 alpha-2) reads local numbers; by default the workspace's.
    """
    fields = await _checked(tx, workspace_id, given, device_id, country)
    now = await tx.now()
    person = await persons.at_phone(tx, workspace_id, fields.person_key)
    new = Lead(LeadId(ids.new_id()), person, device_id, fields, source, None, is_demo, now, now)
    if not await store.insert(tx, workspace_id, new):
        raise await _duplicate(tx, new)
    return Created(new, await store.is_elsewhere(tx, device_id, person))


async def update(tx: db.Tx, workspace_id: str, lead_id: LeadId, changes: model.Changes) -> Lead:
    """Change some fields; raises like `create`. A new number is a new person; an old person's messages stay theirs."""
    was = await find(tx, lead_id, lock=True)
    device_id = was.device_id if isinstance(changes.device_id, model.Unset) else changes.device_id
    wanted = changes.applied_to(was.fields)
    fields = await _checked(tx, workspace_id, wanted, device_id, None, was=was)
    now = await tx.now()
    person = was.person_id
    if fields.person_key != was.fields.person_key:
        person = await persons.at_phone(tx, workspace_id, fields.person_key)
    changed = replace(was, fields=fields, device_id=device_id, person_id=person, updated_at=now)
    if (device_id, person) != (was.device_id, was.person_id) and await store.lead_of(tx, device_id, person):
        raise await _duplicate(tx, changed)
    await store.update(tx, changed, now)
    return changed


async def _duplicate(tx: db.Tx, lead: Lead) -> model.DuplicateLead:
    existing = await store.lead_of(tx, lead.device_id, lead.person_id)
    return model.DuplicateLead(existing or lead.id)


async def _checked(
    tx: db.Tx,
    workspace_id: str,
    given: model.Fields,
    device_id: DeviceId | None,
    country: str | None,
    *,
    was: Lead | None = None,
) -> model.Fields:
    """The fields with the number read; raises `Invalid` with every problem at once."""
    found = model.problems(given)
    fields = given
    if was is None or given.phone != was.fields.phone:
        country = country or await store.default_country(tx, workspace_id)
        try:
            fields = replace(given, phone=phone.parse(given.phone, country).digits)
        except phone.InvalidPhone as error:
            found += error.errors
    is_new_place = device_id is not None and (was is None or device_id != was.device_id)
    if is_new_place and not await has_device(tx, device_id):
        found.append(errors.FieldError("device_id", "unknown_device", "There is no such device here."))
    if found:
        raise errors.Invalid(errors=found)
    return fields


async def has_device(tx: db.Tx, device_id: str | None) -> bool:
    """Whether this is a device of the workspace; False for what is no id at all."""
    return ids.is_id(device_id) and bool(await store.devices_known(tx, [str(device_id)]))


async def delete(tx: db.Tx, lead_id: LeadId) -> None:
    """Take a lead away; its messages and its person stay. Raises `LeadNotFound`."""
    if not await store.delete(tx, lead_id):
        raise model.LeadNotFound


# ---------------------------------------------------------------- many at once
@dataclass(frozen=True, slots=True)
class Bulk:
    """One change to many leads: `entries` for niches and triggers, `changes` for update, `device_id` for a move."""

    action: model.BulkAction
    asked: model.Filter
    entries: tuple[str, ...] = ()
    changes: model.Changes = field(default_factory=model.Changes)
    device_id: DeviceId | None = None


async def bulk(tx: db.Tx, wanted: Bulk, *, is_dry_run: bool = False) -> model.BulkResult:
    """Change many leads; raises `Invalid` when it asks for too much. A dry run changes nothing."""
    matched = await store.count(tx, wanted.asked)
    if matched > MOST_AT_ONCE:
        message = f"At most {MOST_AT_ONCE:,} leads at once; this means {matched:,}. Narrow the filter."
        raise errors.invalid_field("filter", "too_many", message)
    await _check_bulk(tx, wanted)
    if is_dry_run:
        attempt = tx.connection.transaction()
        await attempt.start()
        try:
            return await _result(tx, wanted, matched)
        finally:
            await attempt.rollback()
    return await _result(tx, wanted, matched)


async def _check_bulk(tx: db.Tx, wanted: Bulk) -> None:
    """Raise `Invalid` for a change that no lead could take."""
    action, entries = wanted.action, wanted.entries
    if action is model.BulkAction.MOVE_DEVICE and not await has_device(tx, wanted.device_id):
        raise errors.invalid_field("set.device_id", "unknown_device", "There is no such device here.")
    if action is model.BulkAction.UPDATE:
        sample = wanted.changes.applied_to(model.Fields("x", "0"))
        if found := model.problems(sample):
            raise errors.Invalid(errors=[replace(each, field=f"set.{each.field}") for each in found])
    column = COLUMNS.get(action)
    if column is None:
        return
    if not entries:
        raise errors.invalid_field(f"set.{column}", "required", f"Name at least one {column}.")
    if found := model.problems(model.Fields("x", "0", niches=entries)):
        raise errors.Invalid(errors=[replace(each, field=f"set.{column}") for each in found])
    if action in (model.BulkAction.ADD_NICHES, model.BulkAction.ADD_TRIGGERS):
        longest = await bulk_store.longest_after_adding(tx, wanted.asked, column, entries)
        if longest > model.MOST_ENTRIES:
            message = f"A lead would have {longest} of them; {model.MOST_ENTRIES} is the most."
            raise errors.invalid_field(f"set.{column}", "too_many", message)


COLUMNS = {
    model.BulkAction.ADD_NICHES: "niche",
    model.BulkAction.REMOVE_NICHES: "niche",
    model.BulkAction.ADD_TRIGGERS: "trigger",
    model.BulkAction.REMOVE_TRIGGERS: "trigger",
}


async def _result(tx: db.Tx, wanted: Bulk, matched: int) -> model.BulkResult:
    now, action = await tx.now(), wanted.action
    match action:
        case model.BulkAction.DELETE:
            changed = await bulk_store.delete(tx, wanted.asked)
        case model.BulkAction.ADD_NICHES | model.BulkAction.ADD_TRIGGERS:
            changed = await bulk_store.add(tx, wanted.asked, COLUMNS[action], wanted.entries, now)
        case model.BulkAction.REMOVE_NICHES | model.BulkAction.REMOVE_TRIGGERS:
            changed = await bulk_store.remove(tx, wanted.asked, COLUMNS[action], wanted.entries, now)
        case model.BulkAction.UPDATE:
            changed = await bulk_store.update(tx, wanted.asked, wanted.changes, now)
        case model.BulkAction.MOVE_DEVICE:
            return await _moved(tx, wanted, matched)
    return model.BulkResult(matched, changed, matched - changed)


async def _moved(tx: db.Tx, wanted: Bulk, matched: int) -> model.BulkResult:
    assert wanted.device_id is not None  # noqa: S101 checked before
    changed = await bulk_store.move(tx, wanted.asked, wanted.device_id, await tx.now())
    left = await bulk_store.not_at(tx, wanted.asked, wanted.device_id, 100)
    message = "That device already has this person."
    return model.BulkResult(matched, changed, matched - changed, tuple((i, "duplicate_lead", message) for i in left))


@dataclass(frozen=True, slots=True)
class Known:
    """A number read and the person behind it; with the lead of that device, if it has one."""

    person_id: PersonId
    phone: str
    lead_id: LeadId | None


async def person_at(tx: db.Tx, workspace_id: str, number: str, device_id: DeviceId) -> Known:
    """Who a single message to this number goes to; a person we did not know is made. Raises `InvalidPhone`."""
    read = phone.parse(number, await store.default_country(tx, workspace_id))
    person_id = await persons.at_phone(tx, workspace_id, read.key)
    return Known(person_id, str(read), await store.lead_of(tx, device_id, person_id))


async def default_country(tx: db.Tx, workspace_id: str) -> str | None:
    """The workspace's country for local numbers (ISO 3166 alpha-2)."""
    return await store.default_country(tx, workspace_id)


async def erase_person(tx: db.Tx, workspace_id: str, person_id: PersonId) -> None:
    """Delete a person's leads, and take their numbers and names out of every import's report; the lines stay.

    Called before the person loses their aliases, while the person is locked. Doing it twice changes nothing more.
    """
    numbers, names = await store.words_of(tx, person_id)
    await import_store.forget(tx, person_id, numbers, names)
    await tx.execute("DELETE FROM leads WHERE person_id = $1", person_id)


async def leave_demo_devices(tx: db.Tx) -> int:
    """Before the demo's devices go: leads a person made on them stay, without a device; returns how many."""
    sql = """UPDATE leads l SET device_id = NULL FROM devices d WHERE d.is_demo AND d.id = l.device_id AND NOT l.is_demo
             AND NOT EXISTS (SELECT 1 FROM leads o WHERE o.device_id IS NULL AND o.person_id = l.person_id)"""
    return await tx.execute(sql)


async def delete_demo(tx: db.Tx) -> int:
    """Delete what is left of the demo's leads, wherever it was moved to; returns how many."""
    return await tx.execute("DELETE FROM leads WHERE is_demo")
