"""Single messages: send, cancel, settle an unconfirmed one. Accepted is not sent: the dispatcher takes it from here."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from hantar.audit import service as audit
from hantar.consent import holds, model as consents, quiet, service as consent
from hantar.kit import db, errors, ids
from hantar.leads import model as leads_model, service as leads
from hantar.outbox import facts, model, queue, rules, rulings, views
from hantar.persons.model import PersonId
from hantar.policy import model as policy_model, service as policy
from hantar.templates import service as templates

S = model.MessageState


_PUBLIC = {state.value: status.value for state, status in model.STATUS.items()}
"""State → public word, as plain texts: every move is told."""


def tell_moves(tx: db.Tx, rows: Iterable[db.Row]) -> None:
    """A `message.status` fact for each moved row, published once the transaction is committed."""
    if not tx.is_heard("message.status"):
        return
    for row in rows:
        state, kind, source_id = row["state"], row["kind"], row["source_id"]
        tx.tell(
            "message.status",
            row["workspace_id"],
            message_id=row["id"],
            device_id=row["device_id"],
            campaign_id=source_id if kind == "campaign" else None,
            sequence_id=source_id if kind == "sequence" else None,
            status=_PUBLIC[state],
            state=state,
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
    is_manual: bool = False
    """A signed-in person sends it, not a program: an open hold does not stop it."""
    confirms_opted_out: bool = False
    """That person knows of an opt-out and answers all the same; only together with `is_manual`."""
    template: model.Approved | None = None
    """An approved template: `text` is then not looked at, and a file is what the template begins with."""


async def send(tx: db.Tx, workspace_id: str, asked: Direct, by: str | None) -> db.Row:
    """Queue one message with priority over campaigns, at the device's own pace; returns it as `views.message` does.

    Raises `OptedOut`, `NoConsent`, `NotOnWhatsApp`, `WindowClosed` or `QuietHours` when the rules forbid it for good; what has to
    wait is queued and waits. The claim asks the same rules again. Raises `TemplateMissing`, `TemplatePaused` for a template that
    may not be sent.
    """
    if asked.client_ref is not None:
        existing = await tx.fetchval(
            "SELECT id FROM messages WHERE workspace_id = $1 AND client_ref = $2", workspace_id, asked.client_ref
        )
        if existing:
            raise model.DuplicateClientRef(message_id=existing)
    kind_of_device = await _check_device(tx, workspace_id, asked.device_id)
    text = asked.text
    if asked.template is not None:
        text = await templates.text_of(tx, asked.device_id, asked.template, await _file_kind(tx, workspace_id, asked.media_id))
    known = await leads.person_at(tx, workspace_id, asked.phone, leads_model.DeviceId(asked.device_id))
    now = await tx.now()
    start = max(now, asked.send_at or now)
    expires_at = asked.expires_at or start + model.EXPIRES_AFTER
    is_template = asked.template is not None
    subject = facts.Subject(workspace_id, known.person_id, asked.device_id, known.lead_id, is_template=is_template)
    ruling, found = await _ruling(tx, subject, kind_of_device, asked, start, expires_at)
    wait = ruling if isinstance(ruling, rules.Wait) and ruling.waiting_for in _STORED and start == now else None
    if asked.is_manual and asked.kind is model.MessageKind.DIRECT and start == now:
        await answered(tx, workspace_id, known.person_id, by)
    message_id = ids.new_id()
    content_id = await queue.add_content(tx, workspace_id, text, asked.media_id, asked.template)
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
        "not_before": (wait.until or start + rules.LOOK_AGAIN) if wait else start,
        "waiting_for": wait.waiting_for.value if wait else None,
        "expires_at": expires_at,
        "text": None if asked.kind is model.MessageKind.TEST else text,
        "client_ref": asked.client_ref,
        "is_manual": asked.is_manual,
        "confirms_opted_out": asked.confirms_opted_out and found.is_opted_out,
        "created_by": by,
        "created_at": now,
    }
    await queue.insert_one(tx, row)
    if wait:
        await rulings.note(tx, [(workspace_id, message_id, "wait", wait.waiting_for.value, wait.until, None)], now)
    tx.tell("outbox.queued", workspace_id)
    return await views.message(tx, workspace_id, message_id)


_STORED = frozenset({rules.Gate.QUIET_HOURS, rules.Gate.PERSON_HOLD})
"""Waits for the person, written down at once; a device's own waits belong to its lane and change with it."""


async def _ruling(
    tx: db.Tx, subject: facts.Subject, kind_of_device: str, asked: Direct, start: datetime, expires_at: datetime
) -> tuple[rules.Ruling, rules.Facts]:
    """What the rules say of this message at its time, with the facts of now; raises when they forbid it."""
    (found,) = await facts.read(tx, [subject], await tx.now())
    applied = (await policy.of(tx, subject.workspace_id, kind_of_device)).rules
    confirms = asked.is_manual and asked.confirms_opted_out
    ruling = rules.judge(
        asked.kind,
        found,
        applied,
        start,
        expires_at=expires_at,
        is_manual=asked.is_manual,
        confirms_opted_out=confirms,
    )
    if isinstance(ruling, rules.End):
        raise _refusal(ruling.reason, subject, asked, found, applied, start)
    return ruling, found


def _refusal(
    reason: rules.Reason,
    subject: facts.Subject,
    asked: Direct,
    found: rules.Facts,
    applied: policy_model.Rules,
    start: datetime,
) -> errors.Conflict:
    """Why a single message is not taken, and what can be done."""
    words = rules.WORDS[reason]
    match reason:
        case rules.Reason.OPTED_OUT:
            if asked.is_manual:
                words += " To answer them knowingly, send it again with confirm_opted_out."
            return consents.OptedOut(words, person_id=subject.person_id)
        case rules.Reason.NO_CONSENT:
            words += " Record their consent, or wait until they write."
            return consents.NoConsent(words, person_id=subject.person_id)
        case rules.Reason.QUIET_HOURS:
            window = quiet.Window(applied.quiet_start, applied.quiet_end, applied.quiet_days)
            opens = quiet.next_open(start, found.zones(applied) or (), window)
            return model.QuietHours(words, next_at=_instant(opens), person_id=subject.person_id)
        case rules.Reason.WINDOW_CLOSED:
            return model.WindowClosed(words, person_id=subject.person_id)
        case rules.Reason.NOT_ON_WHATSAPP:
            return model.NotOnWhatsApp(words, person_id=subject.person_id)
        case _:
            return errors.Conflict(words)


def _instant(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None


async def _check_device(tx: db.Tx, workspace_id: str, device_id: str) -> str:
    """Refuse a device that is not here or has no line; returns its kind, as the rules know it."""
    sql = "SELECT is_linked, rules_kind FROM devices WHERE (workspace_id, id) = ($1, $2::uuid)"
    row = await tx.fetchrow(sql, workspace_id, device_id)
    if row is None:
        raise errors.invalid_field("device_id", "unknown_device", "This device is not in your workspace.")
    if not row["is_linked"]:
        raise model.DeviceNotLinked(device_id=device_id)
    return str(row["rules_kind"])


async def _file_kind(tx: db.Tx, workspace_id: str, media_id: str | None) -> str:
    """The kind of a file; empty without one."""
    return await tx.fetchval("SELECT kind FROM media WHERE (workspace_id, id) = ($1, $2::uuid)", workspace_id, media_id) or ""


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


async def resolve(
    tx: db.Tx, workspace_id: str, message_id: str, outcome: str, *, by: audit.Actor, reason: str | None = None
) -> db.Row:
    """A person settles an unconfirmed message, and that is written down; `send_again` keeps its wire id and may be a double.

    Raises `NotUnconfirmed`; for `send_again` also `SourceEnded`, `TooLate`, `PersonErased` or `TwinStands`.
    """
    row = await views.message(tx, workspace_id, message_id)
    if outcome == "send_again":
        await _check_resend(tx, workspace_id, row)
    now = await tx.now()
    if await queue.settle(tx, workspace_id, message_id, OUTCOMES[outcome], now) != 1:
        raise model.NotUnconfirmed
    if outcome == "send_again":
        await rulings.note(tx, [(workspace_id, message_id, "resend", "by_hand", None, reason)], now)
        tx.tell("outbox.queued", workspace_id)
    moved = await _moved(tx, workspace_id, message_id)
    action = "message.resent" if outcome == "send_again" else "message.settled"
    after = {"outcome": outcome, "state": moved["state"]}
    thing = audit.Thing("message", message_id)
    await audit.record(tx, workspace_id, by, action, thing, reason=reason, before={"state": row["state"]}, after=after)
    return moved


async def _check_resend(tx: db.Tx, workspace_id: str, row: db.Row) -> None:
    if await queue.is_ended(tx, workspace_id, row["source_id"]):
        raise model.SourceEnded
    if row["duty"] is not None and row["expires_at"] <= await tx.now():
        raise model.TooLate
    if await tx.fetchval("SELECT erased_at FROM persons WHERE (workspace_id, id) = ($1, $2)", workspace_id, row["person_id"]):
        raise model.PersonErased
    if await queue.twin_stands(tx, workspace_id, row["id"]):
        raise model.TwinStands


async def opt_out(tx: db.Tx, workspace_id: str, person_id: PersonId, asked: consents.OptOut) -> str | None:
    """Record an opt-out and end at once what is queued to this person; returns its id, None when it stood already."""
    made = await consent.opt_out(tx, workspace_id, person_id, asked)
    tell_moves(tx, await queue.suppress_person(tx, workspace_id, person_id, await tx.now()))
    if made is not None:
        tell_moves(tx, await queue.end_confirmed(tx, workspace_id, [person_id], await tx.now()))
    return made


async def answered(tx: db.Tx, workspace_id: str, person_id: PersonId, by: str | None, *, until: datetime | None = None) -> None:
    """Somebody answers this person: what waited for an answer (to words from before `until`) waits no more."""
    if await holds.answered(tx, workspace_id, person_id, by, until=until):
        await free(tx, workspace_id, person_id)


async def free(tx: db.Tx, workspace_id: str, person_id: PersonId) -> None:
    """A hold on this person has ended: what waited goes on, unless another hold is open."""
    if not await holds.is_held(tx, person_id):
        await queue.pull_person(tx, workspace_id, person_id, await tx.now())
        tx.tell("outbox.queued", workspace_id)


async def _moved(tx: db.Tx, workspace_id: str, message_id: str) -> db.Row:
    row = await views.message(tx, workspace_id, message_id)
    tell_moves(tx, [row])
    return row
