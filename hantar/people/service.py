"""A person as a whole: what is known, what was sent, and why they would or would not get a message now."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hantar.consent import service as consent
from hantar.kit import db
from hantar.people import store
from hantar.persons import service as persons
from hantar.persons.model import AliasKind, Person, PersonId
from hantar.policy import service as policy

MOST = 5000
"""Messages in a person's copy; more are counted, not listed."""


@dataclass(frozen=True, slots=True)
class Caps:
    """Campaign messages to a person so far, and how many there may be, on one side: simulated or real devices."""

    kind: str
    day: int
    day_limit: int
    week: int
    week_limit: int


@dataclass(frozen=True, slots=True)
class View:
    """Everything about a person that a page shows."""

    person: Person
    name: str
    is_opted_out: bool
    consent: str
    """`granted`, `withdrawn` or `none`: consent to marketing."""
    leads: list[db.Row]
    opt_outs: list[db.Row]
    global_opt_outs: list[db.Row]
    consents: list[db.Row]
    holds: list[db.Row]
    chats: list[db.Row]
    caps: list[Caps]


async def view(tx: db.Tx, workspace_id: str, person_id: str) -> View:
    """One person; raises `PersonNotFound`."""
    person = await persons.find(tx, person_id)
    leads = await store.leads(tx, person_id)
    consents = await store.consents(tx, person_id)
    now = await tx.now()
    return View(
        person=person,
        name=leads[0]["name"] if leads else await _push_name(tx, person_id),
        is_opted_out=await consent.is_opted_out(tx, workspace_id, person.id),
        consent=consent_word(consents, now),
        leads=leads,
        opt_outs=await store.opt_outs(tx, person_id),
        global_opt_outs=await store.global_opt_outs(tx, person_id),
        consents=consents,
        holds=await store.holds(tx, person_id),
        chats=await store.chats(tx, person_id),
        caps=await _caps(tx, workspace_id, person.id, {row["rules_kind"] for row in leads if row["rules_kind"]}, now),
    )


def consent_word(rows: list[db.Row], now: datetime) -> str:
    """Whether there is a live consent to marketing, one that was withdrawn or has run out, or none."""
    marketing = [row for row in rows if row["purpose"] == "marketing"]
    if any(row["withdrawn_at"] is None and (row["expires_at"] is None or row["expires_at"] > now) for row in marketing):
        return "granted"
    return "withdrawn" if marketing else "none"


async def _push_name(tx: db.Tx, person_id: str) -> str:
    rows = await store.inbound(tx, person_id, 1)
    return rows[0]["push_name"] if rows else ""


async def _caps(tx: db.Tx, workspace_id: str, person_id: PersonId, kinds: set[str], now: datetime) -> list[Caps]:
    found = []
    for kind in sorted(kinds):
        day, week = await store.campaign_counts(tx, person_id, now, simulated=kind in ("simulator", "demo"))
        rules = (await policy.of(tx, workspace_id, kind)).rules
        found.append(Caps(kind, day, rules.person_cap_day, week, rules.person_cap_week))
    return found


async def copy(tx: db.Tx, workspace_id: str, person_id: str) -> dict[str, Any]:
    """Everything stored about a person, for the person: plain values, JSON-ready. Raises `PersonNotFound`."""
    found = await view(tx, workspace_id, person_id)
    sent, said = await store.messages(tx, person_id, MOST), await store.inbound(tx, person_id, MOST)
    aliases = [
        {"kind": each.kind.value if each.kind is not AliasKind.LID else "opaque id given by WhatsApp", "value": each.value}
        for each in found.person.aliases
    ]
    lead_fields = ("name", "phone", "niches", "triggers", "target_status", "additional_note", "attributes", "time_zone", "source")
    message_fields = (
        "kind",
        "campaign_title",
        "device_name",
        "name",
        "phone",
        "text",
        "state",
        "reason",
        "sent_at",
        "delivered_at",
    )
    consent_fields = ("purpose", "channel", "wording", "wording_version", "business_name", "source", "given_at", "expires_at")
    return {
        "made_at": await tx.now(),
        "person": {"id": found.person.id, "known_since": found.person.created_at, "time_zones": list(found.person.zones)},
        "names_of_the_person": aliases,
        "leads": [_picked(row, (*lead_fields, "device_name", "created_at")) for row in found.leads],
        "consents": [_picked(row, (*consent_fields, "withdrawn_at", "created_at")) for row in found.consents],
        "opt_outs": [
            _picked(row, ("reason", "source", "text", "note", "at", "released_at", "release_reason")) for row in found.opt_outs
        ],
        "holds": [_picked(row, ("kind", "said", "at", "ended_at", "outcome", "reason")) for row in found.holds],
        "messages_to_the_person": [_picked(row, (*message_fields, "read_at", "created_at")) for row in sent],
        "messages_from_the_person": [{**_picked(row, ("at", "device_name", "text", "push_name")), **_file(row)} for row in said],
    }


def _file(row: db.Row) -> dict[str, Any]:
    """A file in it by kind and name; how it would be fetched is nobody's data."""
    file = row["media"]
    return {"file": {name: file[name] for name in ("kind", "name", "size")}} if file else {}


def _picked(row: db.Row, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def as_json(value: dict[str, Any]) -> str:
    """A person's copy as a readable file; instants in UTC."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=lambda each: each.isoformat())
