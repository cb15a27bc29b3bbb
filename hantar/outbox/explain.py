"""Why did, or does, this message stand where it stands? Pure: what is known of it → steps in plain words, and one sentence.

The order is the order in which the claim asks (`outbox.rules`); a rule that stopped the message is the last one told.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from hantar.consent import quiet
from hantar.kit import db
from hantar.outbox import rules, words
from hantar.outbox.history import OPEN, History
from hantar.outbox.model import MessageKind


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was asked or happened: `rule` and `outcome` are stable codes, `words` say it to a person."""

    at: datetime
    rule: str
    outcome: str
    words: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Why:
    """The story of a message, oldest first, and its end or present state in a sentence or two."""

    steps: list[Step]
    summary: str


def why(known: History) -> Why:
    """The whole story."""
    told = [*_origin(known), *_asked(known), *_returns(known), *_ways(known), *_end(known)]
    return Why(sorted(told, key=lambda step: step.at), _summary(known))


# ---------------------------------------------------------------- how it came about
def _origin(known: History) -> Iterator[Step]:
    row, about = known.message, known.about
    at, kind = row["created_at"], MessageKind(row["kind"])
    if kind is MessageKind.CAMPAIGN and about["title"] is not None:
        yield Step(
            at, "campaign", "planned", f"It belongs to the campaign “{about['title']}”, due {words.instant(about['due_at'])}."
        )
    else:
        yield Step(at, "request", "accepted", _asked_for(row, kind))
    yield Step(at, "device", "chosen", _device(known, kind))


def _asked_for(row: db.Row, kind: MessageKind) -> str:
    if row["duty"]:
        return "It is the one confirmation the person gets; it goes within minutes or not at all."
    match kind:
        case MessageKind.DIRECT | MessageKind.TEST:
            what = "a test" if kind is MessageKind.TEST else "a single message"
            return f"It is {what}, sent by {'a signed-in member' if row['is_manual'] else 'a program'}."
        case MessageKind.AUTO_REPLY:
            return "It is an automatic reply to the person's own message."
        case MessageKind.SEQUENCE:
            return "It is a step of a sequence."
        case MessageKind.CAMPAIGN:
            return "It belonged to a campaign that is no longer there."


def _device(known: History, kind: MessageKind) -> str:
    name, lead = known.about["device_name"], known.about["lead_device"]
    if kind in rules.MARKETING and lead is not None:
        same = lead == known.message["device_id"]
        return f"“{name}” sends it: the person {'is' if same else 'was'} a lead of this device."
    if kind is MessageKind.AUTO_REPLY or known.message["duty"]:
        return f"“{name}” sends it: the person wrote to this device."
    return f"“{name}” sends it, as the sender chose." if kind not in rules.MARKETING else f"“{name}” was to send it."


# ---------------------------------------------------------------- what the rules were asked
def _asked(known: History) -> Iterator[Step]:
    """Each rule that binds this kind, up to the one that stopped it."""
    if known.message["state"] in ("planned", "held", "cancelled", "expired"):
        return  # no rule decided this; its waits are told beside
    yield _policy(known)
    if known.message["duty"]:
        return
    for ask in (_opt_out, _consent, _number, _hold, _cap, _window, _quiet):
        step = ask(known)
        if step is None:
            continue
        yield step
        if step.outcome == "stop":
            return


def _policy(known: History) -> Step:
    kind = known.about["rules_kind"]
    by = f"version {known.version} of this workspace" if known.version else "as they come, never changed here"
    text = f"The rules for {words.KINDS.get(kind, kind)} applied: {by}."
    if known.about["own"]:
        text += " Its campaign has stricter numbers of its own, and those count."
    return Step(known.moment, "policy", kind, text)


def _stopped(known: History, reason: rules.Reason) -> bool:
    """Whether this rule ended the message, or would end it now."""
    ended = known.message["state"] in ("suppressed", "expired") and known.message["reason"] == reason
    return ended or (isinstance(known.ruling, rules.End) and known.ruling.reason is reason)


def _number(known: History) -> Step | None:
    if not _stopped(known, rules.Reason.NOT_ON_WHATSAPP):
        return None
    return Step(known.moment, "number_check", "stop", "The number was looked up, and it is not on WhatsApp. Check the number.")


def _window(known: History) -> Step | None:
    """The service's own window, where it closed the way."""
    if not _stopped(known, rules.Reason.WINDOW_CLOSED):
        return None
    said = words.REASONS["window_closed"]
    return Step(known.moment, "window", "stop", f"{rules.WORDS[rules.Reason.WINDOW_CLOSED]} {said.advice}")


def _waits(known: History, gate: rules.Gate) -> rules.Wait | None:
    return known.ruling if isinstance(known.ruling, rules.Wait) and known.ruling.waiting_for is gate else None


def _opt_out(known: History) -> Step:
    at = known.moment
    live = [row for row in known.opt_outs if row["at"] <= at and (row["released_at"] is None or row["released_at"] > at)]
    if _stopped(known, rules.Reason.OPTED_OUT):
        return Step(at, "opt_out", "stop", _opted_out(live))
    if known.message["confirms_opted_out"]:
        said = "The person has opted out. A signed-in member answered knowingly; that is in the audit trail."
        return Step(at, "opt_out", "confirmed", said)
    past = [row for row in known.opt_outs if row["released_at"] is not None and row["released_at"] <= at]
    if past:
        day = words.day(max(row["released_at"] for row in past))
        return Step(at, "opt_out", "pass", f"The person had opted out before; that was lifted on {day}.")
    return Step(at, "opt_out", "pass", "The person had not opted out.")


def _opted_out(live: list[db.Row]) -> str:
    if not live:
        return words.REASONS["opted_out"].whole
    first = live[0]
    where = ", for the whole installation" if first["is_global"] else ""
    text = f"The person opted out on {words.day(first['at'])}: {words.OPT_OUTS.get(first['reason'], first['reason'])}{where}."
    return f"{text} {words.REASONS['opted_out'].advice}"


def _consent(known: History) -> Step | None:
    at, row, kind = known.moment, known.about, MessageKind(known.message["kind"])
    if kind is MessageKind.AUTO_REPLY:
        return None
    if _stopped(known, rules.Reason.NO_CONSENT):
        return Step(at, "consent", "stop", words.REASONS["no_consent"].whole)
    if row["consent_id"] is not None:
        return Step(at, "consent", "pass", _agreed(row, at))
    if row["erased_at"] is not None:
        return Step(at, "consent", "erased", "What was on record went when the person was erased.")
    last = row["last_in_at"]
    if kind not in rules.MARKETING and last is not None and at - last < rules.ANSWER_WINDOW:
        said = f"It answers the person's own message of {words.instant(last)}; an answer needs no other consent."
        return Step(at, "consent", "answer", said)
    said = "There was no consent on record. The rules of this device note that and let it go."
    return Step(at, "consent", "marked", said)


def _agreed(row: db.Row, at: datetime) -> str:
    to_whom = f" to {row['business_name']}" if row["business_name"] else ""
    what = "marketing" if row["purpose"] == "marketing" else "service messages"
    how = words.SOURCES.get(row["source"], row["source"])
    text = f"The person agreed to {what}{to_whom} on {words.day(row['given_at'])}, {how}: “{row['wording']}”"
    if row["withdrawn_at"] is not None and row["withdrawn_at"] > at:
        text += f" They withdrew it later, on {words.day(row['withdrawn_at'])}."
    return text


def _hold(known: History) -> Step:
    at, row = known.moment, known.message
    wait = _waits(known, rules.Gate.PERSON_HOLD)
    if wait:
        return Step(known.now, "hold", "wait", words.WAITS["person_hold"].whole)
    is_held = any(each["at"] <= at and (each["ended_at"] is None or each["ended_at"] > at) for each in known.holds)
    if is_held and (row["is_manual"] or row["confirms_opted_out"]):
        return Step(at, "hold", "exempt", "The person was on hold. A signed-in member may write all the same.")
    past = [each for each in known.holds if each["ended_at"] is not None and each["ended_at"] <= at]
    if past:
        return Step(at, "hold", "pass", f"A hold on the person ended on {words.day(max(each['ended_at'] for each in past))}.")
    return Step(at, "hold", "pass", "The person was not on hold.")


def _cap(known: History) -> Step | None:
    at, row, bound, kind = known.moment, known.about, known.bound, MessageKind(known.message["kind"])
    if kind not in rules.MARKETING:
        return None
    if kind is MessageKind.SEQUENCE:
        counted = f"{row['sequence_day']} of {bound.sequence_cap_day} sequence messages within 24 hours"
        is_full = row["sequence_day"] >= bound.sequence_cap_day
    else:
        counted = f"{row['campaign_day']} of {bound.person_cap_day} campaign messages within 24 hours"
        counted += f" and {row['campaign_week']} of {bound.person_cap_week} within 7 days"
        is_full = row["campaign_day"] >= bound.person_cap_day or row["campaign_week"] >= bound.person_cap_week
    if not _stopped(known, rules.Reason.CAP):
        return Step(at, "cap", "pass", f"The person had had {counted}.")
    if is_full:
        return Step(at, "cap", "stop", f"The person had had {counted}. {words.REASONS['cap'].advice}")
    said = f"The person had had {counted}, but was to be left alone: no answer for long, or WhatsApp's own cap."
    return Step(at, "cap", "stop", said)


def _quiet(known: History) -> Step | None:
    at, bound, kind, last = known.moment, known.bound, MessageKind(known.message["kind"]), known.about["last_in_at"]
    if kind is MessageKind.AUTO_REPLY:
        return None
    window = quiet.Window(bound.quiet_start, bound.quiet_end, bound.quiet_days)
    wait = _waits(known, rules.Gate.QUIET_HOURS)
    if kind not in rules.MARKETING and last is not None and at - last < rules.ANSWER_WINDOW:
        return Step(
            at, "quiet_hours", "exempt", "It answers the person's own message of the last 24 hours, so it may go at any hour."
        )
    if window == rules.ALWAYS:
        return Step(at, "quiet_hours", "pass", "Any hour is allowed by these rules.")
    zones = _zones(known)
    if zones is None:
        return Step(known.now if wait else at, "quiet_hours", "wait", words.NOWHERE)
    said = f"{_hours(window)} by every clock where the person may be: {_clocks(zones, at)}."
    if _stopped(known, rules.Reason.QUIET_HOURS):
        return Step(at, "quiet_hours", "stop", f"{said} {words.REASONS['quiet_hours'].advice}")
    if wait:
        return Step(known.now, "quiet_hours", "wait", f"{said} {words.WAITS['quiet_hours'].advice}", wait.until)
    return Step(at, "quiet_hours", "pass", said)


def _zones(known: History) -> tuple[str, ...] | None:
    about = known.about
    return quiet.zones_for(about["lead_zone"], about["person_zones"], about["workspace_zone"], known.bound.quiet_unknown_zone)


def _hours(window: quiet.Window) -> str:
    names = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
    text = f"Allowed from {words.clock(window.start)} to {words.clock(window.end)}"
    return text + (f", not on {', '.join(names[day - 1] for day in window.days)}," if window.days else "")


def _clocks(zones: tuple[str, ...], at: datetime) -> str:
    return ", ".join(f"{name} {at.astimezone(ZoneInfo(name)):%H:%M}" for name in zones)


# ---------------------------------------------------------------- what happened since
def _returns(known: History) -> Iterator[Step]:
    """Each wait, and each attempt that did not end the message."""
    for row in known.events:
        kind, cause, until = row["kind"], row["cause"], row["until"]
        if kind == "wait":
            yield Step(row["at"], cause, "wait", f"It was made to wait. {words.WAITS[cause].words}", until)
        elif kind == "resend":
            yield Step(row["at"], "resend", "by_hand", _resent(row))
        else:
            key = (kind, row["detail"] if kind == "rescued" else cause)
            yield Step(row["at"], "attempt", kind, words.RETURNS.get(key, "It came back to the queue."), until)


def _resent(row: db.Row) -> str:
    if row["cause"] == "failed":
        return f"It had failed: {_lower(words.of_reason(row['detail']).words)} A member sent it again."
    return "A member sent it again, knowing that it may have arrived before."


def _ways(known: History) -> Iterator[Step]:
    row = known.message
    if row["claimed_at"] is not None:
        yield Step(row["claimed_at"], "attempt", "taken", f"“{known.about['device_name']}” took it to send.")
    for name, said in (
        ("sent", "WhatsApp accepted it."),
        ("delivered", "It reached the person's phone."),
        ("read", "The person opened it."),
    ):
        if row[f"{name}_at"] is not None:
            yield Step(row[f"{name}_at"], "receipt", name, said)


def _end(known: History) -> Iterator[Step]:
    row = known.message
    state = row["state"]
    if state == "queued" and row["waits_for"] is not None:
        text = f"{_waiting(known)} If it cannot go by {words.instant(row['expires_at'])}, it ends as too late."
        yield Step(known.now, row["waits_for"], "waiting", text, row["waits_until"])
    elif state == "held":
        yield Step(known.now, "hold_reason", "waiting", _held(row))
    elif state in ("failed", "cancelled", "suppressed", "expired", "unknown"):
        yield Step(row["ended_at"] or known.moment, "end", row["reason"] or state, _ended(known))


def _waiting(known: History) -> str:
    row = known.message
    if row["waits_for"] == "pacing" and row["not_before"] > known.now:
        return f"It is planned for {words.instant(row['not_before'])}."
    if isinstance(known.ruling, rules.End) and row["waits_for"] == "pacing":
        return f"It will not go: {_lower(words.of_reason(known.ruling.reason).words)}"
    if row["waits_for"] == "quiet_hours" and row["waits_until"] is None and _zones(known) is None:
        return words.NOWHERE
    said = words.WAITS[row["waits_for"]]
    until = f" Until {words.instant(row['waits_until'])}." if row["waits_until"] is not None else ""
    return f"{said.words}{until} {said.advice}".strip()


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _held(row: db.Row) -> str:
    said = words.HELD.get(row["hold_reason"] or "")
    return said.whole if said else "It is held until a person releases it."


def _ended(known: History) -> str:
    row = known.message
    match row["state"]:
        case "unknown":
            return "The answer was lost: it may have arrived, so it is not sent again by itself. Ask the person, then settle it."
        case "expired" if row["error"]:
            return f"{row['error']} {words.REASONS['expired'].advice}"
        case "cancelled" if known.about["erased_at"] is not None:
            return "The person was erased before it left."
        case _:
            return words.of_reason(row["reason"]).whole


def _summary(known: History) -> str:
    row = known.message
    state = row["state"]
    if state == "queued":
        return _waiting(known)
    if state in OPEN:
        return _held(row) if state == "held" else "It is planned and has not been queued yet."
    match state:
        case "claimed":
            return "It is being sent now."
        case "sent":
            return f"Sent on {words.instant(row['sent_at'])}. WhatsApp accepted it; no receipt from the phone yet."
        case "delivered":
            return f"Delivered on {words.instant(row['delivered_at'])}."
        case "read":
            return f"Read on {words.instant(row['read_at'])}."
        case "unknown":
            return _ended(known)
        case "failed":
            return f"Not sent. {_ended(known)}"
        case "expired":
            return f"Too late. {_ended(known)}" if row["error"] else _ended(known)
        case "cancelled":
            return f"Cancelled. {_ended(known)}"
        case _:
            return f"Left out. {_ended(known)}"
