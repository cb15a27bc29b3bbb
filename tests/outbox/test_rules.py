"""What the rules say about one message, over everything they can be told."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from hantar.outbox import rules
from hantar.outbox.model import MessageKind
from hantar.outbox.rules import End, Facts, Gate, Go, Reason, Used, Wait
from hantar.policy import model as policy

NOON = datetime(2026, 12, 1, 4, 0, tzinfo=UTC)
"""12:00 in Kuala Lumpur."""
NIGHT = datetime(2026, 12, 1, 18, 0, tzinfo=UTC)
"""02:00 in Kuala Lumpur."""
LINKED, SIMULATED = policy.DEFAULTS["linked"], policy.DEFAULTS["simulator"]
GOOD = Facts(consent_id="C", any_consent_id="C", lead_zone="Asia/Kuala_Lumpur", days_linked=100)
"""A person who agreed, in a known place, written to by an old device."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
K = MessageKind
KINDS = tuple(MessageKind)


def say(kind: MessageKind, facts: Facts = GOOD, bound: policy.Rules = LINKED, now: datetime = NOON, **more: Any) -> rules.Ruling:
    return rules.judge(kind, facts, bound, now, **{"expires_at": now + 3 * DAY, **more})


def ago(*hours: float) -> tuple[datetime, ...]:
    return tuple(NOON - timedelta(hours=each) for each in hours)


# ---------------------------------------------------------------- one rule after the other


@pytest.mark.parametrize("kind", KINDS)
def test_a_person_who_agreed_is_written_to_at_noon(kind: MessageKind) -> None:
    assert say(kind) == Go("C")


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_leaves_too_late(kind: MessageKind) -> None:
    assert say(kind, expires_at=NOON) == End(Reason.EXPIRED)
    assert say(kind, expires_at=NOON, duty="optout_confirmation") == End(Reason.EXPIRED)
    assert say(kind, expires_at=NOON + timedelta(microseconds=1)) == Go("C")


@pytest.mark.parametrize("kind", KINDS)
def test_opted_out_is_final_for_every_kind_unless_a_person_confirms(kind: MessageKind) -> None:
    out = replace(GOOD, is_opted_out=True)
    assert say(kind, out) == End(Reason.OPTED_OUT)
    assert say(kind, out, SIMULATED) == End(Reason.OPTED_OUT)
    assert say(kind, out, is_manual=True) == End(Reason.OPTED_OUT), "a click alone confirms nothing"
    assert say(kind, out, confirms_opted_out=True) == Go("C")


@pytest.mark.parametrize("kind", KINDS)
def test_a_person_without_any_alias_is_never_written_to(kind: MessageKind) -> None:
    """Nobody could look their opt-out up."""
    assert say(kind, replace(GOOD, has_alias=False)) == Wait(None, Gate.PERSON_HOLD)
    assert say(kind, replace(GOOD, has_alias=False), SIMULATED, duty="optout_confirmation") == Wait(None, Gate.PERSON_HOLD)


@pytest.mark.parametrize("kind", [K.CAMPAIGN, K.SEQUENCE])
def test_marketing_needs_a_consent_to_marketing(kind: MessageKind) -> None:
    service_only = replace(GOOD, consent_id=None, any_consent_id="S", last_in_at=NOON - HOUR)
    assert say(kind, service_only) == End(Reason.NO_CONSENT)
    assert say(kind, service_only, replace(LINKED, consent_mode="mark")) == Go(None, is_marked=True)


@pytest.mark.parametrize("kind", [K.DIRECT, K.TEST])
def test_a_single_message_needs_any_consent_or_a_message_from_the_person(kind: MessageKind) -> None:
    nothing = replace(GOOD, consent_id=None, any_consent_id=None)
    assert say(kind, nothing) == End(Reason.NO_CONSENT)
    assert say(kind, nothing, is_manual=True) == End(Reason.NO_CONSENT)
    assert say(kind, replace(nothing, any_consent_id="S")) == Go("S")
    assert say(kind, replace(nothing, last_in_at=NOON - 23 * HOUR)) == Go(None)
    assert say(kind, replace(nothing, last_in_at=NOON - 24 * HOUR)) == End(Reason.NO_CONSENT)
    assert say(kind, nothing, SIMULATED) == Go(None, is_marked=True)


def test_an_answer_of_ours_to_a_person_needs_no_consent() -> None:
    assert say(K.AUTO_REPLY, replace(GOOD, consent_id=None, any_consent_id=None)) == Go(None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_hold_stops_automation_and_not_a_person(kind: MessageKind) -> None:
    held = replace(GOOD, is_held=True)
    assert say(kind, held) == Wait(None, Gate.PERSON_HOLD)
    assert say(kind, held, SIMULATED) == Wait(None, Gate.PERSON_HOLD)
    assert say(kind, held, is_manual=True) == Go("C")
    assert say(kind, held, confirms_opted_out=True) == Go("C")


@pytest.mark.parametrize(
    ("hours", "is_capped"),
    [
        ((), False),
        ((1,), False),
        ((1, 23.9), True),
        ((1, 24), False),
        ((25, 26, 27, 28, 29, 30), False),
        ((25, 26, 27, 28, 29, 30, 31), True),
        ((25, 26, 27, 28, 29, 30, 7 * 24), False),
    ],
)
def test_two_campaign_messages_a_day_and_seven_a_week(hours: tuple[float, ...], is_capped: bool) -> None:
    known = replace(GOOD, campaign_times=ago(*hours))
    assert say(K.CAMPAIGN, known) == (End(Reason.CAP) if is_capped else Go("C"))
    assert say(K.SEQUENCE, known) == Go("C"), "a daily drip must not stall"
    assert say(K.DIRECT, known) == say(K.AUTO_REPLY, known) == say(K.TEST, known) == Go("C")


def test_three_sequence_messages_a_day() -> None:
    assert say(K.SEQUENCE, replace(GOOD, sequence_times=ago(1, 2))) == Go("C")
    assert say(K.SEQUENCE, replace(GOOD, sequence_times=ago(1, 2, 23))) == End(Reason.CAP)
    assert say(K.SEQUENCE, replace(GOOD, sequence_times=ago(1, 2, 24))) == Go("C")
    assert say(K.CAMPAIGN, replace(GOOD, sequence_times=ago(1, 2, 3))) == Go("C")


def test_silence_is_respected_for_a_while() -> None:
    resting = replace(LINKED, unanswered_max=3, unanswered_rest=30)
    silent = replace(GOOD, unanswered=3, last_campaign_at=NOON - 29 * DAY)
    assert say(K.CAMPAIGN, silent) == Go("C"), "off unless somebody sets it"
    assert say(K.CAMPAIGN, silent, resting) == End(Reason.CAP)
    assert say(K.CAMPAIGN, replace(silent, unanswered=2), resting) == Go("C")
    assert say(K.CAMPAIGN, replace(silent, last_campaign_at=NOON - 30 * DAY), resting) == Go("C")
    assert say(K.SEQUENCE, silent, resting) == say(K.DIRECT, silent, resting) == Go("C")


def test_the_services_own_cap_closes_a_person_to_marketing() -> None:
    closed = replace(GOOD, closed_until=NOON + HOUR)
    assert say(K.CAMPAIGN, closed) == say(K.SEQUENCE, closed) == End(Reason.CAP)
    assert say(K.DIRECT, closed) == Go("C")
    assert say(K.CAMPAIGN, replace(GOOD, closed_until=NOON)) == Go("C")


# ---------------------------------------------------------------- the hour


@pytest.mark.parametrize("kind", [K.CAMPAIGN, K.SEQUENCE, K.DIRECT, K.TEST])
def test_at_night_it_waits_for_the_morning_there(kind: MessageKind) -> None:
    eight = datetime(2026, 12, 2, 0, 0, tzinfo=UTC)
    assert say(kind, now=NIGHT) == Wait(eight, Gate.QUIET_HOURS)
    assert say(kind, bound=replace(LINKED, quiet_overflow="drop"), now=NIGHT) == End(Reason.QUIET_HOURS)
    assert say(kind, bound=SIMULATED, now=NIGHT) == Go("C")


@pytest.mark.parametrize("kind", KINDS)
def test_only_an_answer_may_come_at_night(kind: MessageKind) -> None:
    wrote = replace(GOOD, last_in_at=NIGHT - HOUR)
    is_answer = kind not in rules.MARKETING
    assert isinstance(say(kind, wrote, now=NIGHT), Go) is is_answer
    assert isinstance(say(kind, GOOD, now=NIGHT), Go) is (kind is K.AUTO_REPLY)


def test_an_unknown_place_is_held_or_timed_by_the_workspace() -> None:
    lost = replace(GOOD, lead_zone=None, person_zones=(), workspace_zone="Asia/Kuala_Lumpur")
    assert say(K.CAMPAIGN, lost) == Wait(None, Gate.QUIET_HOURS)
    send = replace(LINKED, quiet_unknown_zone="send")
    assert say(K.CAMPAIGN, lost, send) == Go("C")
    assert isinstance(say(K.CAMPAIGN, lost, send, NIGHT), Wait)
    assert say(K.CAMPAIGN, lost, replace(LINKED, quiet_start=0, quiet_end=1440)) == Go("C"), "any hour is right everywhere"


def test_what_was_entered_for_the_lead_wins_over_the_number() -> None:
    both = replace(GOOD, lead_zone="Asia/Kuala_Lumpur", person_zones=("America/New_York",))
    assert say(K.CAMPAIGN, both) == Go("C")
    assert isinstance(say(K.CAMPAIGN, replace(both, lead_zone=None)), Wait)


def test_zones_without_a_common_hour_wait_for_a_person() -> None:
    apart = replace(GOOD, lead_zone=None, person_zones=("Pacific/Auckland", "America/New_York", "Europe/London"))
    narrow = replace(LINKED, quiet_start=600, quiet_end=660)
    assert say(K.CAMPAIGN, apart, narrow) == Wait(None, Gate.QUIET_HOURS)


# ---------------------------------------------------------------- the device


@pytest.mark.parametrize(("days", "most"), [(0, 20), (2.9, 20), (3, 50), (6.9, 50), (7, 100), (14, 200), (20.9, 200), (21, 250)])
def test_new_conversations_by_age(days: float, most: int) -> None:
    until = NOON + 5 * HOUR
    young = replace(GOOD, is_new_chat=True, days_linked=days, new_chats_used=most - 1, new_chats_until=until)
    assert say(K.CAMPAIGN, young) == Go("C")
    full = replace(young, new_chats_used=most)
    for kind in (K.CAMPAIGN, K.SEQUENCE, K.DIRECT, K.TEST):
        assert say(kind, full) == Wait(until, Gate.DEVICE_LIMIT)
        assert say(kind, replace(full, is_new_chat=False)) == Go("C")
    assert say(K.AUTO_REPLY, full) == Go("C")


def test_numbers_of_a_source_hold_back_by_the_devices_windows() -> None:
    used = replace(GOOD, used=(Used("device_per_minute", 5, NOON + HOUR / 60), Used("device_per_hour", 70, NOON + HOUR)))
    assert say(K.CAMPAIGN, used) == Go("C")
    assert say(K.CAMPAIGN, used, replace(LINKED, device_per_hour=70)) == Wait(NOON + HOUR, Gate.DEVICE_LIMIT)
    both = replace(LINKED, device_per_hour=70, device_per_minute=5)
    assert say(K.CAMPAIGN, used, both) == Wait(NOON + HOUR, Gate.DEVICE_LIMIT)


@pytest.mark.parametrize("kind", KINDS)
def test_a_restricted_device_only_answers_who_wrote_to_it(kind: MessageKind) -> None:
    until = NOON + 10 * HOUR
    locked = replace(GOOD, is_restricted=True, restricted_until=until)
    assert say(kind, locked) == Wait(until, Gate.DEVICE_RESTRICTED)
    warm = say(kind, replace(locked, heard_at=NOON - 9 * DAY))
    assert warm == (Go("C") if kind in (K.DIRECT, K.AUTO_REPLY) else Wait(until, Gate.DEVICE_RESTRICTED))


# ---------------------------------------------------------------- the service's own window

CLOUD = policy.DEFAULTS["cloud"]
CLOSED = replace(GOOD, is_windowed=True, is_new_chat=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_manual", [False, True])
def test_free_text_leaves_within_24_hours_of_the_persons_last_message_to_this_number(kind: MessageKind, is_manual: bool) -> None:
    second = timedelta(seconds=1)
    for heard_at, expected in (
        (None, End(Reason.WINDOW_CLOSED)),
        (NOON - DAY, End(Reason.WINDOW_CLOSED)),
        (NOON - DAY + second, Go("C")),
        (NOON, Go("C")),
    ):
        assert say(kind, replace(CLOSED, heard_at=heard_at), CLOUD, is_manual=is_manual) == expected
        assert say(kind, replace(CLOSED, heard_at=heard_at, is_template=True), CLOUD, is_manual=is_manual) == Go("C")
        assert say(kind, replace(CLOSED, heard_at=heard_at, is_windowed=False), CLOUD) == Go("C"), "other services have none"


def test_what_they_wrote_to_another_number_opens_no_window_here() -> None:
    assert say(K.DIRECT, replace(CLOSED, last_in_at=NOON - HOUR), CLOUD) == End(Reason.WINDOW_CLOSED)


def test_a_template_begins_a_conversation_and_counts_against_the_tier() -> None:
    until = NOON + 2 * HOUR
    full = replace(CLOSED, is_template=True, new_chats_used=250, new_chats_until=until)
    assert say(K.CAMPAIGN, full, CLOUD) == Wait(until, Gate.DEVICE_LIMIT)
    assert say(K.CAMPAIGN, full, replace(CLOUD, device_new_chats=2000)) == Go("C")
    known = replace(full, tier=2000)
    assert say(K.CAMPAIGN, known, CLOUD) == Wait(until, Gate.DEVICE_LIMIT), "the rules bind below the tier"
    assert say(K.CAMPAIGN, known, replace(CLOUD, device_new_chats=100_000)) == Go("C")
    assert say(K.CAMPAIGN, replace(known, tier=250), replace(CLOUD, device_new_chats=100_000)) == Wait(until, Gate.DEVICE_LIMIT)
    answer = replace(full, is_new_chat=False, heard_at=NOON - HOUR)
    assert say(K.CAMPAIGN, answer, CLOUD) == Go("C"), "inside the window nothing counts"


# ---------------------------------------------------------------- order, duty, the simulator

WORST = Facts(
    is_opted_out=True,
    is_held=True,
    campaign_times=ago(1, 2, 3),
    lead_zone="America/New_York",
    is_new_chat=True,
    new_chats_used=999,
    new_chats_until=NOON + HOUR,
)


def test_the_first_rule_that_stops_it_is_named() -> None:
    """Opted out, no consent, hold, cap, quiet hours, new chats (each fact mended in turn)."""
    names = []
    mends: list[Mapping[str, Any]] = [
        {"is_opted_out": False},
        {"consent_id": "C"},
        {"is_held": False},
        {"campaign_times": ()},
        {"lead_zone": "Asia/Kuala_Lumpur"},
        {"is_new_chat": False},
    ]
    facts = WORST
    for mend in mends:
        ruling = say(K.CAMPAIGN, facts)
        assert not isinstance(ruling, Go)
        names.append(str(ruling.reason if isinstance(ruling, End) else ruling.waiting_for))
        facts = replace(facts, **mend)
    assert names == ["opted_out", "no_consent", "person_hold", "cap", "quiet_hours", "device_limit"]
    assert say(K.CAMPAIGN, facts) == Go("C")


@pytest.mark.parametrize("kind", KINDS)
def test_the_one_confirmation_passes_every_rule(kind: MessageKind) -> None:
    assert say(kind, WORST, duty="optout_confirmation", now=NIGHT) == Go()


def test_simulated_numbers_hold_nobody_up() -> None:
    """A first-time user: nobody agreed to anything, unknown places, the middle of a Sunday night, a device of today."""
    sunday = datetime(2026, 12, 6, 3, 0, tzinfo=UTC)
    stranger = Facts(is_new_chat=True, workspace_zone="Asia/Kuala_Lumpur", campaign_times=(sunday - HOUR,) * 10)
    for kind in KINDS:
        for name in ("simulator", "demo"):
            assert isinstance(say(kind, stranger, policy.DEFAULTS[name], sunday), Go)


def test_a_sources_number_cannot_raise_the_allowance_of_a_young_device() -> None:
    """By age is None in the policy; a campaign that writes 4,000 must not lift the 20 of the first days."""
    assert policy.new_chats(rules.tightened(LINKED, {"device_new_chats": 4000}, 0.5), 0.5) == 20
    assert policy.new_chats(rules.tightened(LINKED, {"device_new_chats": 5}, 0.5), 0.5) == 5
    assert rules.tightened(LINKED, {}, 0.5) == LINKED
    assert rules.tightened(LINKED, {"no such rule": 1}, 0.5) == LINKED


# ---------------------------------------------------------------- over everything

instants = st.integers(0, 730 * 86_400).map(lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
zones = st.sampled_from(["Asia/Kuala_Lumpur", "America/New_York", "Europe/London", "Pacific/Auckland", "Asia/Kathmandu"])
hours_back = st.lists(st.floats(0, 170), max_size=9)


@st.composite
def facts_at(draw: st.DrawFn, now: datetime) -> Facts:
    """Anything the database may say."""

    def back(hours: float) -> datetime:
        return now - timedelta(hours=hours)

    return Facts(
        is_opted_out=draw(st.booleans()),
        has_alias=draw(st.booleans()),
        consent_id=draw(st.sampled_from([None, "C"])),
        any_consent_id=draw(st.sampled_from([None, "S"])),
        is_held=draw(st.booleans()),
        campaign_times=tuple(back(each) for each in sorted(draw(hours_back))),
        sequence_times=tuple(back(each) for each in sorted(draw(hours_back))),
        unanswered=draw(st.integers(0, 9)),
        last_campaign_at=draw(st.none() | st.floats(0, 2000).map(back)),
        closed_until=draw(st.none() | st.floats(-50, 50).map(back)),
        last_in_at=draw(st.none() | st.floats(0, 50).map(back)),
        lead_zone=draw(st.none() | zones),
        person_zones=tuple(draw(st.lists(zones, max_size=3))),
        workspace_zone=draw(zones),
        is_new_chat=draw(st.booleans()),
        heard_at=draw(st.none() | st.floats(0, 50).map(back)),
        is_windowed=draw(st.booleans()),
        is_template=draw(st.booleans()),
        tier=draw(st.none() | st.integers(0, 300)),
        new_chats_used=draw(st.integers(0, 300)),
        new_chats_until=draw(st.none() | st.just(now + HOUR)),
        days_linked=draw(st.floats(0, 40)),
        used=(Used("device_per_minute", draw(st.integers(0, 30)), now + HOUR),),
        is_restricted=draw(st.booleans()),
    )


numbers = st.fixed_dictionaries(
    {},
    optional={
        "consent_mode": st.sampled_from(["strict", "mark"]),
        "quiet_start": st.integers(0, 1440),
        "quiet_end": st.integers(0, 1440),
        "quiet_days": st.lists(st.integers(1, 7), max_size=3, unique=True),
        "quiet_overflow": st.sampled_from(["next_window", "drop"]),
        "quiet_unknown_zone": st.sampled_from(["hold", "send"]),
        "person_cap_day": st.integers(0, 60),
        "person_cap_week": st.integers(0, 250),
        "sequence_cap_day": st.integers(0, 60),
        "unanswered_max": st.none() | st.integers(1, 9),
        "unanswered_rest": st.integers(1, 90),
        "device_per_minute": st.integers(1, 40),
        "device_new_chats": st.none() | st.integers(0, 10_000),
    },
)
sent_as = st.fixed_dictionaries({"is_manual": st.booleans(), "confirms_opted_out": st.booleans()})


@given(st.data(), st.sampled_from(KINDS), instants, numbers, numbers, sent_as)
def test_stricter_rules_never_send_more(
    data: st.DataObject, kind: MessageKind, now: datetime, own: dict[str, Any], by: dict[str, Any], how: dict[str, Any]
) -> None:
    facts = data.draw(facts_at(now))
    base = policy.overridden(data.draw(st.sampled_from([LINKED, SIMULATED])), own)
    loose = rules.judge(kind, facts, base, now, expires_at=now + DAY, **how)
    tight = rules.judge(kind, facts, rules.tightened(base, by, facts.days_linked), now, expires_at=now + DAY, **how)
    assert isinstance(loose, Go) or not isinstance(tight, Go)


WORSE: list[Mapping[str, Any]] = [
    {"is_opted_out": True},
    {"has_alias": False},
    {"consent_id": None, "any_consent_id": None},
    {"is_held": True},
    {"is_restricted": True},
    {"new_chats_used": 10_000},
    {"last_in_at": None},
]


@given(st.data(), st.sampled_from(KINDS), instants, numbers, sent_as, st.sampled_from(WORSE))
def test_worse_facts_never_send_more(
    data: st.DataObject, kind: MessageKind, now: datetime, own: dict[str, Any], how: dict[str, Any], worse: Mapping[str, Any]
) -> None:
    facts, bound = data.draw(facts_at(now)), policy.overridden(LINKED, own)
    before = rules.judge(kind, facts, bound, now, expires_at=now + DAY, **how)
    after = rules.judge(kind, replace(facts, **worse), bound, now, expires_at=now + DAY, **how)
    assert isinstance(before, Go) or not isinstance(after, Go)


@given(st.data(), st.sampled_from(KINDS), instants, numbers, sent_as)
def test_a_wait_ends_later_than_now_and_where_it_says(
    data: st.DataObject, kind: MessageKind, now: datetime, own: dict[str, Any], how: dict[str, Any]
) -> None:
    """And whoever looks again at the end of a wait for the hour finds it open."""
    facts, bound = data.draw(facts_at(now)), policy.overridden(LINKED, own)
    ruling = rules.judge(kind, facts, bound, now, expires_at=now + DAY, **how)
    if isinstance(ruling, Wait) and ruling.until is not None:
        assert ruling.until > now
        if ruling.waiting_for is Gate.QUIET_HOURS:
            again = rules.judge(kind, facts, bound, ruling.until, expires_at=now + 30 * DAY, **how)
            assert not (isinstance(again, Wait) and again.waiting_for is Gate.QUIET_HOURS)


# ---------------------------------------------------------------- is the number there?

NEW = replace(GOOD, is_new_chat=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_is_looked_up_before_its_first_message_where_that_can_be_done(kind: MessageKind) -> None:
    assert say(kind, NEW, is_checkable=True) == Wait(None, Gate.NUMBER_CHECK)
    assert say(kind, NEW) == Go("C"), "this device cannot look it up"
    assert say(kind, GOOD, is_checkable=True) == Go("C"), "not the first message"
    assert say(kind, NEW, replace(LINKED, number_check=False), is_checkable=True) == Go("C")
    assert say(kind, replace(NEW, last_in_at=NOON - 400 * DAY), is_checkable=True) == Go("C"), "who wrote is there"
    assert say(kind, NEW, is_checkable=True, duty="optout_confirmation") == Go()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("age", "is_kept"), [(timedelta(), True), (30 * DAY - HOUR, True), (30 * DAY, False), (90 * DAY, False)])
def test_what_was_found_is_kept_for_thirty_days(kind: MessageKind, age: timedelta, is_kept: bool) -> None:
    there = replace(NEW, checked_at=NOON - age, is_on_whatsapp=True)
    absent = replace(there, is_on_whatsapp=False)
    again = Wait(None, Gate.NUMBER_CHECK)
    assert say(kind, there, is_checkable=True) == (Go("C") if is_kept else again)
    assert say(kind, absent, is_checkable=True) == (End(Reason.NOT_ON_WHATSAPP) if is_kept else again)
    assert say(kind, absent, replace(LINKED, number_check=False), is_checkable=True) == Go("C")
    assert say(kind, replace(absent, last_in_at=NOON - 400 * DAY), is_checkable=True) == Go("C"), "they wrote since"


@pytest.mark.parametrize(("age", "goes"), [(timedelta(), True), (timedelta(minutes=59), True), (HOUR, False)])
def test_a_question_without_an_answer_stops_nobody(age: timedelta, goes: bool) -> None:
    unanswered = replace(NEW, checked_at=NOON - age, is_on_whatsapp=None)
    assert isinstance(say(K.CAMPAIGN, unanswered, is_checkable=True), Go) is goes
    assert say(K.CAMPAIGN, unanswered) == Go("C")


def test_nobody_is_looked_up_in_vain() -> None:
    """While anything else is in the way the service is not asked."""
    for other in (
        replace(NEW, is_opted_out=True),
        replace(NEW, is_held=True),
        replace(NEW, campaign_times=ago(1, 2, 3)),
        replace(NEW, is_restricted=True),
        replace(NEW, new_chats_used=250),
    ):
        ruling = say(K.CAMPAIGN, other, is_checkable=True)
        assert not isinstance(ruling, Go)
        assert getattr(ruling, "waiting_for", None) is not Gate.NUMBER_CHECK
    assert say(K.CAMPAIGN, NEW, now=NIGHT, is_checkable=True) == say(K.CAMPAIGN, NEW, now=NIGHT)
