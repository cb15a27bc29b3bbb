"""People of a fleet with a past: opted out, agreed, held, written to before. Rows as the engine writes them."""

from datetime import datetime, timedelta
from typing import Any

from hantar.consent import model as consents, service as consent
from hantar.kit import ids
from hantar.persons import service as persons
from tests.fleet import Fleet

REAL: dict[str, Any] = {"driver": "linked", "per_minute": 20, "per_hour": 500, "per_day": 5000}
"""Columns of a device that reaches people, as `Fleet.add_devices` takes them."""
STOP = "Hello {{ name }}. Reply STOP to opt out."


async def person_of(fleet: Fleet, phone: str) -> str:
    """The person behind a number."""
    async with fleet.db.transaction(fleet.workspace) as tx:
        return await persons.at_phone(tx, fleet.workspace, phone)


async def opt_out(fleet: Fleet, phone: str) -> None:
    """They asked to hear nothing more."""
    person = await person_of(fleet, phone)
    async with fleet.db.transaction(fleet.workspace) as tx:
        asked = consents.OptOut(consents.OptOutReason.STOP, consents.OptOutSource.KEYWORD)
        await consent.opt_out(tx, fleet.workspace, person, asked)


async def agree(fleet: Fleet, *phones: str, expires_at: datetime | None = None) -> None:
    """They agreed to marketing."""
    people = [await person_of(fleet, phone) for phone in phones]
    async with fleet.db.transaction(fleet.workspace) as tx:
        given = consents.Given("marketing", "I want news", "web_form", await tx.now(), expires_at=expires_at)
        await consent.give(tx, fleet.workspace, people, given)


async def hold(fleet: Fleet, phone: str) -> None:
    """They wrote something a person must look at."""
    person = await person_of(fleet, phone)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await consent.hold(tx, fleet.workspace, person, "intent")


async def wrote_to(fleet: Fleet, device: str, phone: str, at: datetime, **columns: Any) -> None:
    """A campaign message went to them at an instant; `state` and `reason` may say that it failed."""
    person = await person_of(fleet, phone)
    state = columns.pop("state", "sent")
    async with fleet.db.transaction(fleet.workspace) as tx:
        content, message = ids.new_id(), ids.new_id()
        await tx.execute("INSERT INTO contents VALUES ($1, $2, 'text', 'x', NULL, $3)", fleet.workspace, content, at)
        row = {
            "workspace_id": fleet.workspace,
            "id": message,
            "kind": "campaign",
            "source_id": ids.new_id(),
            "person_id": person,
            "device_id": device,
            "content_id": content,
            "phone": phone,
            "state": "queued",
            "priority": 5,
            "not_before": at,
            "expires_at": at + timedelta(days=3),
            "created_at": at,
            **columns,
        }
        marks = ", ".join(f"${n}" for n in range(1, len(row) + 1))
        await tx.execute(f"INSERT INTO messages ({', '.join(row)}) VALUES ({marks})", *row.values())
        await tx.execute("UPDATE messages SET state = 'claimed', claimed_at = $2 WHERE id = $1", message, at)
        sent_at = at if state == "sent" else None
        await tx.execute("UPDATE messages SET state = $2, sent_at = $3, ended_at = $4 WHERE id = $1", message, state, sent_at, at)


async def met(fleet: Fleet, device: str, phone: str, *, wrote_at: datetime | None = None) -> None:
    """The device and the person know each other; they wrote at `wrote_at`."""
    person = await person_of(fleet, phone)
    async with fleet.db.transaction(fleet.workspace) as tx:
        sql = """INSERT INTO chats (workspace_id, device_id, person_id, first_out_at, last_out_at, first_in_at, last_in_at)
                 VALUES ($1, $2, $3, $4, $4, $5, $5)"""
        await tx.execute(sql, fleet.workspace, device, person, None if wrote_at else await tx.now(), wrote_at)


async def set_policy(fleet: Fleet, **kinds: dict[str, Any]) -> None:
    """The workspace's own numbers, as the engine keeps them, by kind of device."""
    async with fleet.db.transaction(fleet.workspace) as tx:
        newest = await tx.fetchval("SELECT coalesce(max(version), 0) FROM policies")
        sql = "INSERT INTO policies (workspace_id, version, values, reason, at) VALUES ($1, $2, $3, 'test', $4)"
        await tx.execute(sql, fleet.workspace, newest + 1, kinds, await tx.now())
