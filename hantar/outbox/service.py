"""Single messages: send, cancel, settle an unconfirmed one. Accepted is not sent: the dispatcher takes it from here."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from hantar.consent import model as consents
from hantar.consent import service as consent
from hantar.kit import db, errors, ids
from hantar.leads import model as leads_model
from hantar.leads import service as leads
from hantar.outbox import model, queue, views
from hantar.persons.model import PersonId

S = model.MessageState


def tell_moves(tx: db.Tx, rows: Iterable[db.Row]) -> None:
    """A `message.status` fact for each moved row, published once the transaction is committed."""
    for row in rows:
        state = S(row["state"])
        tx.tell(
            "message.status",
            row["workspace_id"],
            message_id=row["id"],
            device_id=row["device_id"],
            campaign_id=row["source_id"] if row["kind"] == "campaign" else None,
            sequence_id=row["source_id"] if row["kind"] == "sequence" else None,
            status=model.STATUS[state].value,
            state=state.value,
            reason=row["reason"],
        )


@dataclass(frozen=True, slots=True)
class Direct:
    """A single message as asked for."""

    device_id: str
    phone: str
    text: str
    media_id: str | None = None
    kind: model.MessageKind = model.MessageKind.DIRECT
    send_at: datetime | None = None
    expires_at: datetime | None = None
    client_ref: str | None = None


async def send(tx: db.Tx, workspace_id: str, asked: Direct, by: str | None) -> db.Row:
    """Queue one message with priority over campaigns, at the device's own pace; returns it as `views.message` does."""
    if asked.client_ref is not None:
        existing = await tx.fetchval(
            "SELECT id FROM messages WHERE workspace_id = $1 AND client_ref = $2", workspace_id, asked.client_ref
        )
        if existing:
            raise model.DuplicateClientRef(message_id=existing)
    await _check_device(tx, workspace_id, asked.device_id)
    known = await leads.person_at(tx, workspace_id, asked.phone, leads_model.DeviceId(asked.device_id))
    now = await tx.now()
    start = max(now, asked.send_at or now)
    message_id = ids.new_id()
    content_id = await queue.add_content(tx, workspace_id, asked.text, asked.media_id)
    await queue.open_lanes(tx, workspace_id, [asked.device_id])
    row = {
        "workspace_id": workspace_id,
        "id": message_id,
        "kind": asked.kind.value,
        "source_id": message_id,
        "person_id": known.person_id,
        "lead_id": known.lead_id,
        "device_id": asked.device_id,
        "content_id": content_id,
        "name": await _name(tx, workspace_id, known.lead_id),
        "phone": known.phone,
        "state": S.QUEUED.value,
        "priority": model.PRIORITY[asked.kind],
        "not_before": start,
        "expires_at": asked.expires_at or start + model.EXPIRES_AFTER,
        "text": None if asked.kind is model.MessageKind.TEST else asked.text,
        "client_ref": asked.client_ref,
        "created_by": by,
        "created_at": now,
    }
    await queue.insert_one(tx, row)
    tx.tell("outbox.queued", workspace_id)
    return await views.message(tx, workspace_id, message_id)


async def _check_device(tx: db.Tx, workspace_id: str, device_id: str) -> None:
    row = await tx.fetchrow("SELECT is_linked FROM devices WHERE (workspace_id, id) = ($1, $2::uuid)", workspace_id, device_id)
    if row is None:
        raise errors.invalid_field("device_id", "unknown_device", "This device is not in your workspace.")
    if not row["is_linked"]:
        raise model.DeviceNotLinked(device_id=device_id)


async def _name(tx: db.Tx, workspace_id: str, lead_id: str | None) -> str:
    if lead_id is None:
        return ""
    return await tx.fetchval("SELECT name FROM leads WHERE (workspace_id, id) = ($1, $2)", workspace_id, lead_id) or ""


async def cancel(tx: db.Tx, workspace_id: str, message_id: str) -> db.Row:
    """Cancel a message that has not left; raises `AlreadyLeft`."""
    before = await views.message(tx, workspace_id, message_id)
    if await queue.cancel_one(tx, workspace_id, message_id, await tx.now()) != 1 and before["state"] != S.CANCELLED:
        raise model.AlreadyLeft
    return await _moved(tx, workspace_id, message_id)


OUTCOMES = {"arrived": S.SENT, "not_arrived": S.FAILED, "send_again": S.QUEUED}


async def resolve(tx: db.Tx, workspace_id: str, message_id: str, outcome: str) -> db.Row:
    """A person settles an unconfirmed message; `send_again` keeps its wire id and may be a double."""
    row = await views.message(tx, workspace_id, message_id)
    if outcome == "send_again" and await queue.is_ended(tx, workspace_id, row["source_id"]):
        raise model.SourceEnded
    if await queue.settle(tx, workspace_id, message_id, OUTCOMES[outcome], await tx.now()) != 1:
        raise model.NotUnconfirmed
    if outcome == "send_again":
        tx.tell("outbox.queued", workspace_id)
    return await _moved(tx, workspace_id, message_id)


async def opt_out(tx: db.Tx, workspace_id: str, person_id: PersonId, asked: consents.OptOut) -> str | None:
    """Record an opt-out and end at once what is queued to this person; returns its id, None when it stood already."""
    made = await consent.opt_out(tx, workspace_id, person_id, asked)
    tell_moves(tx, await queue.suppress_person(tx, workspace_id, person_id, await tx.now()))
    return made


async def _moved(tx: db.Tx, workspace_id: str, message_id: str) -> db.Row:
    row = await views.message(tx, workspace_id, message_id)
    tell_moves(tx, [row])
    return row
