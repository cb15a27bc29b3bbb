"""The SQL of leads and persons. Row security keeps every statement within the caller's workspace."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from hantar.consent import service as consent
from hantar.consent.model import ConsentWord
from hantar.kit import db
from hantar.leads import model
from hantar.leads.model import DeviceId, Fields, Filter, Lead, LeadId
from hantar.persons.model import PersonId

COLUMNS = (
    "id, person_id, device_id, name, phone, niches, triggers, target_status, additional_note, attributes, time_zone, "
    "source, import_id, is_demo, created_at, updated_at"
)
ORDERS = {"created_at": ("id", "uuid"), "name": ("name", "text")}
"""What a list may be sorted by: the column and its type. Ids are made in the order of time, so they stand for it."""


def lead(row: db.Row) -> Lead:
    """A row of `COLUMNS` as a lead."""
    fields = Fields(
        row["name"],
        row["phone"],
        tuple(row["niches"]),
        model.TargetStatus(row["target_status"]),
        row["additional_note"],
        tuple(row["triggers"]),
        row["attributes"],
        row["time_zone"],
    )
    rest = (row["source"], row["import_id"], row["is_demo"], row["created_at"], row["updated_at"])
    return Lead(row["id"], row["person_id"], row["device_id"], fields, *rest)


def where(asked: Filter, now: datetime) -> db.Where:
    """The conditions of a filter; `now` decides which consents have run out."""
    found = db.Where()
    if asked.device_id:
        found.add("device_id = {}", asked.device_id)
    if asked.target_status:
        found.add("target_status = {}", asked.target_status)
    if asked.niche:
        found.add("niche_keys @> ARRAY[{}]", model.key(asked.niche))
    if asked.trigger in ("has", "none"):
        found.add("trigger_keys <> '{{}}'" if asked.trigger == "has" else "trigger_keys = '{{}}'")
    elif asked.trigger:
        found.add("trigger_keys @> ARRAY[{}]", model.key(asked.trigger))
    if asked.import_id:
        found.add("import_id = {}", asked.import_id)
    if asked.ids is not None:
        found.add("id = ANY({}::uuid[])", list(asked.ids))
    if asked.consent:
        _add_consent(found, asked.consent, now)
    if asked.opted_out is not None:
        found.add(f"leads.person_id {'' if asked.opted_out else 'NOT '}IN ({consent.SUPPRESSED})")
    if asked.q and (text := model.clean(asked.q)):
        digits = "".join(each for each in text if each.isdecimal())
        is_number = len(digits) >= 3 and not any(each.isalpha() for each in text)
        found.add("search LIKE lower({})", db.like(digits if is_number else text))
    return found


def _add_consent(found: db.Where, word: ConsentWord, now: datetime) -> None:
    # without the workspace, which row security adds: only then the planner can hash instead of looking up one by one
    of = "SELECT 1 FROM consents c WHERE c.person_id = leads.person_id"
    live, ever = f"EXISTS ({of} AND {consent.GRANTED.format(now='{}')})", f"EXISTS ({of} AND c.purpose = 'marketing')"
    if word is ConsentWord.GRANTED:
        found.add(live, now)
    elif word is ConsentWord.NONE:
        found.add(f"NOT {ever}")
    else:
        found.add(f"{ever} AND NOT {live}", now)


# ---------------------------------------------------------------- reading
NEAR = 20_000
"""Leads looked at one by one for a page by consent, before all of them are matched at once (about a second for a million)."""


async def page(tx: db.Tx, asked: Filter, sort: str, after: Sequence[Any] | None, limit: int) -> list[Lead]:
    """Leads in order, after the values of a cursor (sort value and id, or the id alone)."""
    column, kind = ORDERS[sort.lstrip("-")]
    sign, word = ("<", "DESC") if sort.startswith("-") else (">", "ASC")
    if asked.consent and column == "id":
        return await _page_by_consent(tx, asked, sign, word, after[0] if after else None, limit)
    found = where(asked, await tx.now())
    if after is not None and column == "id":
        found.add(f"id {sign} {{}}", after[0])
    elif after is not None:  # the first half lets the index find the place; a row comparison is not leakproof
        found.add(f"{column} {sign}= {{}}::{kind} AND ({column} {sign} {{}}::{kind} OR id {sign} {{}})", *_thrice(after))
    order = f"id {word}" if column == "id" else f"{column} {word}, id {word}"
    sql = f"SELECT {COLUMNS} FROM leads WHERE {found} ORDER BY {order} LIMIT {found.value(limit)}"
    return [lead(row) for row in await tx.fetch(sql, *found.values)]


async def _page_by_consent(tx: db.Tx, asked: Filter, sign: str, word: str, after: str | None, limit: int) -> list[Lead]:
    """A page by consent: from the leads next in order when they fill it, else from all of them.

    Left alone, the planner walks along the order even when the first match is a million leads away.
    """
    now = await tx.now()
    near = where(replace(asked, consent=None), now)
    if after:
        near.add(f"id {sign} {{}}", after)
    found = db.Where(*near.values)
    _add_consent(found, asked.consent or ConsentWord.NONE, now)
    for matched in (
        f"SELECT id FROM (SELECT * FROM leads WHERE {near} ORDER BY id {word} LIMIT {NEAR}) leads WHERE {found}",
        f"SELECT id FROM (SELECT id FROM leads WHERE {near} AND {found} OFFSET 0) leads",
    ):
        ids = f"{matched} ORDER BY id {word} LIMIT {int(limit)}"
        rows = await tx.fetch(f"SELECT {COLUMNS} FROM leads WHERE id IN ({ids}) ORDER BY id {word}", *found.values)
        if len(rows) == limit:
            break
    return [lead(row) for row in rows]


def _thrice(after: Sequence[Any]) -> tuple[Any, Any, Any]:
    return after[0], after[0], after[1]


async def count(tx: db.Tx, asked: Filter) -> int:
    """How many leads a filter means."""
    found = where(asked, await tx.now())
    return int(await tx.fetchval(f"SELECT count(*) FROM leads WHERE {found}", *found.values))


def stream(tx: db.Tx, asked: Filter, now: datetime) -> AsyncIterator[db.Row]:
    """All leads of a filter in the order they were made, by a server-side cursor."""
    found = where(asked, now)
    return tx.stream(f"SELECT {COLUMNS} FROM leads WHERE {found} ORDER BY id", *found.values)


async def get(tx: db.Tx, lead_id: LeadId, *, lock: bool = False) -> Lead | None:
    """One lead; locked until the transaction ends when it is to be changed."""
    row = await tx.fetchrow(f"SELECT {COLUMNS} FROM leads WHERE id = $1{' FOR UPDATE' if lock else ''}", lead_id)
    return lead(row) if row else None


async def lead_of(tx: db.Tx, device_id: DeviceId | None, person: PersonId) -> LeadId | None:
    """The lead that a device has of a person."""
    sql = "SELECT id FROM leads WHERE person_id = $2 AND device_id IS NOT DISTINCT FROM $1::uuid"
    found: LeadId | None = await tx.fetchval(sql, device_id, person)
    return found


async def words_of(tx: db.Tx, person: PersonId) -> tuple[list[str], list[str]]:
    """Every spelling of a person's numbers, and every name their leads have."""
    sql = """SELECT value, NULL AS name FROM person_aliases WHERE person_id = $1 AND kind = 'phone'
             UNION SELECT phone, name FROM leads WHERE person_id = $1"""
    rows = await tx.fetch(sql, person)
    return sorted({row["value"] for row in rows}), sorted({row["name"] for row in rows if row["name"]})


async def is_elsewhere(tx: db.Tx, device_id: DeviceId | None, person: PersonId) -> bool:
    """Whether the person is a lead of another device too."""
    sql = "SELECT EXISTS (SELECT 1 FROM leads WHERE person_id = $2 AND device_id IS DISTINCT FROM $1::uuid)"
    return bool(await tx.fetchval(sql, device_id, person))


async def devices_known(tx: db.Tx, device_ids: Sequence[str]) -> set[DeviceId]:
    """Which of these are devices of this workspace."""
    rows = await tx.fetch("SELECT id FROM devices WHERE id = ANY($1::uuid[])", list(device_ids))
    return {row["id"] for row in rows}


async def default_country(tx: db.Tx, workspace_id: str) -> str | None:
    """The workspace's country for local numbers."""
    found: str | None = await tx.fetchval("SELECT default_country FROM workspaces WHERE id = $1", workspace_id)
    return found


async def facets(tx: db.Tx, device_id: DeviceId | None) -> model.Facets:
    """Totals by status, niche and trigger; an entry is shown as it is spelt first in the alphabet."""
    scope = db.Where() if device_id is None else db.Where().add("device_id = {}", device_id)
    totals = await tx.fetch(f"SELECT target_status, count(*) FROM leads WHERE {scope} GROUP BY target_status", *scope.values)
    by_status: dict[str, int] = dict.fromkeys(model.TargetStatus, 0) | {row[0]: row[1] for row in totals}
    niches, triggers = await _named(tx, scope, "niches", "niche_keys"), await _named(tx, scope, "triggers", "trigger_keys")
    return model.Facets(sum(by_status.values()), by_status, niches, triggers)


async def _named(tx: db.Tx, scope: db.Where, names: str, keys: str) -> tuple[model.Named, ...]:
    # lists are grouped before they are taken apart: there are few different ones among many leads
    sql = (
        f"SELECT min(entry) AS name, sum(each)::bigint AS count FROM (SELECT {names}, {keys}, count(*) AS each FROM leads "
        f"WHERE {scope} AND {keys} <> '{{}}' GROUP BY 1, 2) AS lists, unnest({names}, {keys}) AS listed(entry, key) "
        "GROUP BY key ORDER BY 2 DESC, 1 LIMIT 1000"
    )
    return tuple(model.Named(row["name"], row["count"]) for row in await tx.fetch(sql, *scope.values))


# ---------------------------------------------------------------- writing
async def insert(tx: db.Tx, workspace_id: str, new: Lead) -> bool:
    """Store a lead; False when the device has this person already."""
    sql = (
        "INSERT INTO leads (workspace_id, id, person_id, device_id, name, phone, niches, niche_keys, triggers, trigger_keys, "
        "target_status, additional_note, attributes, time_zone, source, import_id, is_demo, created_at, updated_at) "
        "VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$18) "
        "ON CONFLICT (workspace_id, device_id, person_id) DO NOTHING"
    )
    values = (*_values(new), new.source, new.import_id, new.is_demo, new.created_at)
    return await tx.execute(sql, workspace_id, new.id, new.person_id, new.device_id, *values) == 1


async def update(tx: db.Tx, changed: Lead, now: datetime) -> None:
    """Write all fields of a lead."""
    sql = (
        "UPDATE leads SET person_id=$2, device_id=$3, name=$4, phone=$5, niches=$6, niche_keys=$7, triggers=$8, "
        "trigger_keys=$9, target_status=$10, additional_note=$11, attributes=$12, time_zone=$13, updated_at=$14 WHERE id=$1"
    )
    await tx.execute(sql, changed.id, changed.person_id, changed.device_id, *_values(changed), now)


def _values(lead: Lead) -> tuple[Any, ...]:
    fields = lead.fields
    lists = (list(fields.niches), list(model.keys(fields.niches)), list(fields.triggers), list(model.keys(fields.triggers)))
    rest = (fields.target_status, fields.additional_note, dict(fields.attributes), fields.time_zone)
    return (fields.name, fields.phone, *lists, *rest)


async def delete(tx: db.Tx, lead_id: LeadId) -> bool:
    """Take a lead away; its messages stay. False when there is none."""
    return await tx.execute("DELETE FROM leads WHERE id = $1", lead_id) == 1
