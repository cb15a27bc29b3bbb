"""May this message leave now? Pure: (kind, facts, rules, now) → go, end or wait.

The claim, the plan and every "why?" ask this one function, so that they cannot disagree. The order is the order in which a
person would want to know (responsible-sending.md 3-8): opted out, no consent, on hold, cap, quiet hours, the device's
allowances. A cap ends a message; an open hold never lapses into sending.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from hantar.consent import quiet
from hantar.kit import windows
from hantar.outbox.model import MessageKind
from hantar.outbox.pace import DAY
from hantar.policy import model as policy

WEEK = timedelta(days=7)
ANSWER_WINDOW = timedelta(hours=24)
"""After a person's own message an answer needs no other consent and no window (responsible-sending.md 4, 7)."""
LOOK_AGAIN = timedelta(minutes=15)
"""How long a wait without a known end lasts until somebody looks again (our own number); opening the gate pulls it back."""
CHECK_KEPT = timedelta(days=30)
"""How long it is remembered whether a number is on WhatsApp (responsible-sending.md 13, `number_check`)."""
CHECK_AGAIN = timedelta(hours=1)
"""After a question without an answer the next one comes so much later; what is sent meanwhile goes without (our own number)."""
MARKETING = frozenset({MessageKind.CAMPAIGN, MessageKind.SEQUENCE})
"""Kinds to which every rule applies."""
SEQUENCE, AUTO_REPLY = MessageKind.SEQUENCE, MessageKind.AUTO_REPLY
ANSWERS = frozenset({MessageKind.DIRECT, MessageKind.AUTO_REPLY})
"""Kinds a restricted device may still send, to people who wrote to it."""


class Reason(StrEnum):
    """Why a rule ended a message; a stable code."""

    OPTED_OUT = "opted_out"
    NO_CONSENT = "no_consent"
    CAP = "cap"
    QUIET_HOURS = "quiet_hours"
    EXPIRED = "expired"
    NOT_ON_WHATSAPP = "not_on_whatsapp"
    WINDOW_CLOSED = "window_closed"


WORDS: Mapping[Reason, str] = {
    Reason.OPTED_OUT: "This person has opted out.",
    Reason.NO_CONSENT: "There is no consent on record for this person.",
    Reason.CAP: "This person has had as many messages as the rules allow in this time.",
    Reason.QUIET_HOURS: "It is outside the hours in which this person may be written to.",
    Reason.EXPIRED: "It was too late to send this message.",
    Reason.NOT_ON_WHATSAPP: "This number is not on WhatsApp, as was found when it was looked up.",
    Reason.WINDOW_CLOSED: "More than 24 hours have passed since this person last wrote to this number, so only an approved "
    "template may be sent.",
}
"""The end of a message in plain words, stored as its error."""


class Gate(StrEnum):
    """What a queued message waits for because of a rule; a stable code."""

    QUIET_HOURS = "quiet_hours"
    DEVICE_LIMIT = "device_limit"
    PERSON_HOLD = "person_hold"
    DEVICE_RESTRICTED = "device_restricted"
    NUMBER_CHECK = "number_check"


@dataclass(frozen=True, slots=True)
class Used:
    """How much of one of the device's allowances is used: the rule's name, the count, and when counting begins anew."""

    rule: str
    count: int
    until: datetime


@dataclass(slots=True)
class Facts:
    """What the database knows about one message's person and device at one instant (`outbox.facts`)."""

    is_opted_out: bool = False
    has_alias: bool = True
    """Without an alias no opt-out can be looked up, so such a person is never written to."""
    consent_id: str | None = None
    """The newest live consent to marketing."""
    any_consent_id: str | None = None
    """The newest live consent of any purpose."""
    is_held: bool = False
    campaign_times: tuple[datetime, ...] = ()
    """When other campaign messages (may have) left to this person, newest first, within 7 days."""
    sequence_times: tuple[datetime, ...] = ()
    """When other sequence messages (may have) left to this person, newest first, within 24 hours."""
    unanswered: int = 0
    """Campaign messages since the person's last message; counted only where `unanswered_max` is set."""
    last_campaign_at: datetime | None = None
    """The newest of these; None when there is none."""
    closed_until: datetime | None = None
    """The service's own cap on marketing to this person (131049) holds until then."""
    last_in_at: datetime | None = None
    """When this person last wrote to a device of the same side, simulated or real."""
    lead_zone: str | None = None
    person_zones: tuple[str, ...] = ()
    workspace_zone: str = "UTC"
    is_new_chat: bool = False
    """This device and this person never exchanged a message; where the service has a window: it is closed, so that the message
    begins a conversation as the service counts them."""
    heard_at: datetime | None = None
    """When this person last wrote to this very device."""
    is_windowed: bool = False
    """The device's service takes free text only as an answer, for 24 hours (`policy.model.WINDOWED`)."""
    tier: int | None = None
    """Conversations a day that the device's account lets it begin, its part of the account's tier; None: not known."""
    is_template: bool = False
    """The message is an approved template, which may begin a conversation."""
    new_chats_used: int = 0
    new_chats_until: datetime | None = None
    """When one more may begin; None: see `sent_lately`."""
    sent_lately: bytes | None = None
    """What the device sent (`kit.windows`)."""
    days_linked: float = 0.0
    used: tuple[Used, ...] = ()
    """The device's limits per minute, hour and day."""
    is_restricted: bool = False
    restricted_until: datetime | None = None
    checked_at: datetime | None = None
    """When it was last looked up, through a device of the same side, whether this person's number is on WhatsApp."""
    is_on_whatsapp: bool | None = None
    """What was found; None: there was no answer."""

    @property
    def is_warm(self) -> bool:
        """Whether this person ever wrote to this device."""
        return self.heard_at is not None

    def chats_end(self, now: datetime) -> datetime | None:
        """When one more conversation may begin than are counted now."""
        return self.new_chats_until or windows.chats_free_at(self.sent_lately, now, self.new_chats_used)

    def zones(self, rules: policy.Rules) -> tuple[str, ...] | None:
        """The clocks by which this person is timed; None when they are unknown and the rules hold such messages."""
        return quiet.zones_for(self.lead_zone, self.person_zones, self.workspace_zone, rules.quiet_unknown_zone)


@dataclass(slots=True, unsafe_hash=True)
class Go:
    """It may leave now. `is_marked`: without a consent on record, which the rules only note.

    Made for each message that goes and changed by nobody; a frozen one takes twice as long to make.
    """

    consent_id: str | None = None
    is_marked: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """It never leaves."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now. `until`: the earliest instant worth another look; None: somebody or something must change first."""

    until: datetime | None
    waiting_for: Gate


Ruling = Go | End | Wait


def tightened(rules: policy.Rules, by: Mapping[str, Any], days_linked: float) -> policy.Rules:
    """The rules under a source's own, stricter numbers. New conversations by age are resolved first, so none loosens them.

    The same few rules and numbers come again and again: what was found is kept.
    """
    if not by:
        return rules
    most = policy.new_chats(rules, days_linked)
    key = id(rules), most, repr(by)
    kept = _TIGHTENED.get(key)
    if kept is not None:
        return kept[1]
    known = {name: value for name, value in by.items() if name in policy.NAMES}
    found = policy.tightened(replace(rules, device_new_chats=most), known) if known else rules
    if len(_TIGHTENED) >= MOST_TIGHTENED:
        _TIGHTENED.clear()
    _TIGHTENED[key] = rules, found  # with the rules themselves, so that their id stays theirs
    return found


_TIGHTENED: dict[tuple[int, int, str], tuple[policy.Rules, policy.Rules]] = {}
MOST_TIGHTENED = 10_000
"""Rules under a source's numbers that are kept, some 500 bytes each (our own number)."""


def judge(
    kind: MessageKind,
    facts: Facts,
    rules: policy.Rules,
    now: datetime,
    *,
    expires_at: datetime,
    is_manual: bool = False,
    confirms_opted_out: bool = False,
    duty: str | None = None,
    is_checkable: bool = False,
) -> Ruling:
    """What becomes of a message that is due now.

    `is_manual`: sent by a signed-in person. `confirms_opted_out`: that person answers knowing of the opt-out. `duty`: the one
    confirmation of an opt-out or opt-in, which nothing stops but its expiry. `is_checkable`: its device can look its number up.
    """
    if expires_at <= now:
        return End(Reason.EXPIRED)
    if not facts.has_alias:
        return Wait(None, Gate.PERSON_HOLD)
    if duty is not None:
        return Go()
    if facts.is_opted_out and not confirms_opted_out:
        return End(Reason.OPTED_OUT)
    is_marketing = kind in MARKETING
    consent = _consent(kind, facts, rules, now)
    if type(consent) is End:
        return consent
    found = is_there(facts, rules, now)
    if found is False:
        return End(Reason.NOT_ON_WHATSAPP)
    if facts.is_held and not (is_manual or confirms_opted_out):
        return Wait(None, Gate.PERSON_HOLD)
    if is_marketing and _is_capped(kind, facts, rules, now):
        return End(Reason.CAP)
    if facts.is_windowed and not facts.is_template and not is_window_open(facts.heard_at, now):
        return End(Reason.WINDOW_CLOSED)
    late = _quiet(kind, facts, rules, now) or _device(kind, facts, rules, now)
    if late is None and is_checkable and found is None and facts.is_new_chat:
        return Wait(None, Gate.NUMBER_CHECK)  # nothing else is in the way, so the question is not asked in vain
    return late or consent


def answers(facts: Facts, now: datetime) -> bool:
    """Whether a message now answers the person's own, less than 24 hours old."""
    return facts.last_in_at is not None and now - facts.last_in_at < ANSWER_WINDOW


def is_window_open(heard_at: datetime | None, now: datetime) -> bool:
    """Whether a person wrote to a number within the 24 hours in which its service takes free text (gateways.md 4.3)."""
    return heard_at is not None and now - heard_at < ANSWER_WINDOW


def is_there(facts: Facts, rules: policy.Rules, now: datetime) -> bool | None:
    """Whether the person is on WhatsApp, or counts as if; None: to be looked up. Whoever wrote to us is there."""
    if not rules.number_check or facts.last_in_at is not None:
        return True
    if facts.checked_at is None:
        return None
    age = now - facts.checked_at
    if facts.is_on_whatsapp is None:
        return True if age < CHECK_AGAIN else None
    return facts.is_on_whatsapp if age < CHECK_KEPT else None


def _consent(kind: MessageKind, facts: Facts, rules: policy.Rules, now: datetime) -> Go | End:
    if kind in MARKETING:
        if facts.consent_id is not None:
            return Go(facts.consent_id)
    elif kind is AUTO_REPLY:
        return Go(facts.any_consent_id)
    else:
        found = facts.consent_id or facts.any_consent_id
        if found is not None or answers(facts, now):
            return Go(found)
    return Go(None, True) if rules.consent_mode == "mark" else End(Reason.NO_CONSENT)


def _is_capped(kind: MessageKind, facts: Facts, rules: policy.Rules, now: datetime) -> bool:
    """Whether this person has had enough marketing; other kinds have no cap."""
    if facts.closed_until is not None and facts.closed_until > now:
        return True
    if kind is SEQUENCE:
        cap = rules.sequence_cap_day
        return len(facts.sequence_times) >= cap and _since(facts.sequence_times, now - DAY) >= cap
    times, day, week = facts.campaign_times, rules.person_cap_day, rules.person_cap_week
    if len(times) >= day and _since(times, now - DAY) >= day:
        return True
    if len(times) >= week and _since(times, now - WEEK) >= week:
        return True
    return rules.unanswered_max is not None and _rests(facts, rules, now)


def _since(times: tuple[datetime, ...], since: datetime) -> int:
    return sum([at > since for at in times])


def _rests(facts: Facts, rules: policy.Rules, now: datetime) -> bool:
    """After `unanswered_max` messages without an answer, none for `unanswered_rest` days; then one, and the rest again."""
    if rules.unanswered_max is None or facts.unanswered < rules.unanswered_max:
        return False
    rest = timedelta(days=rules.unanswered_rest)
    return facts.last_campaign_at is None or now - facts.last_campaign_at < rest


def _quiet(kind: MessageKind, facts: Facts, rules: policy.Rules, now: datetime) -> Wait | End | None:
    if rules.quiet_start == 0 and rules.quiet_end == 1440 and rules.quiet_days == ():
        return None  # `ALWAYS`, by its values
    if kind is AUTO_REPLY or (kind not in MARKETING and answers(facts, now)):
        return None
    zones = facts.zones(rules)
    if zones is None:
        return Wait(None, Gate.QUIET_HOURS)
    if quiet.is_open_by_minute(now, zones, rules.quiet_start, rules.quiet_end, rules.quiet_days):
        return None
    if rules.quiet_overflow == "drop":
        return End(Reason.QUIET_HOURS)
    window = quiet.Window(rules.quiet_start, rules.quiet_end, rules.quiet_days)
    return Wait(quiet.next_open(now, zones, window), Gate.QUIET_HOURS)


ALWAYS = quiet.Window(0, 1440)
"""A window that is open everywhere, so it does not matter where the person is."""


def _device(kind: MessageKind, facts: Facts, rules: policy.Rules, now: datetime) -> Wait | None:
    if facts.is_restricted and not (kind in ANSWERS and facts.heard_at is not None):
        return Wait(facts.restricted_until, Gate.DEVICE_RESTRICTED)
    if facts.used:
        full = [each.until for each in facts.used if each.until > now and each.count >= getattr(rules, each.rule)]
        if full:
            return Wait(max(full), Gate.DEVICE_LIMIT)
    if facts.is_new_chat and kind is not AUTO_REPLY:
        most = policy.new_chats(rules, facts.days_linked)
        if facts.new_chats_used >= (most if facts.tier is None or most <= facts.tier else facts.tier):
            return Wait(facts.chats_end(now), Gate.DEVICE_LIMIT)
    return None
