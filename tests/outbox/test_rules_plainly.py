"""The rules once more, as plainly as they can be said: what saves time in `outbox.rules` must never change a ruling."""

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from hantar.consent import quiet
from hantar.outbox import rules
from hantar.outbox.model import MessageKind
from hantar.outbox.rules import End, Facts, Gate, Go, Reason, Wait
from hantar.policy import model as policy
from tests.outbox.test_rules import DAY, KINDS, LINKED, NOON, SIMULATED, facts_at, instants, numbers, sent_as

AGES = {3: 20, 7: 50, 14: 100, 21: 200, sys.maxsize: 250}
"""Conversations a day by the last day on which so many may begin; the first day is day 1."""


def most_chats(bound: policy.Rules, days: float) -> int:
    if bound.device_new_chats is not None:
        return bound.device_new_chats
    return AGES[min(last for last in AGES if int(days) + 1 <= last)]


def is_capped(kind: MessageKind, known: Facts, bound: policy.Rules, now: datetime) -> bool:
    if kind not in (MessageKind.CAMPAIGN, MessageKind.SEQUENCE):
        return False
    if known.closed_until is not None and now < known.closed_until:
        return True
    if kind is MessageKind.SEQUENCE:
        return len([at for at in known.sequence_times if at > now - DAY]) >= bound.sequence_cap_day
    rests = bound.unanswered_max is not None and known.unanswered >= bound.unanswered_max
    if rests and known.last_campaign_at is not None:
        rests = now - known.last_campaign_at < timedelta(days=bound.unanswered_rest)
    within_day = len([at for at in known.campaign_times if at > now - DAY])
    within_week = len([at for at in known.campaign_times if at > now - 7 * DAY])
    return rests or within_day >= bound.person_cap_day or within_week >= bound.person_cap_week


def hour(kind: MessageKind, known: Facts, bound: policy.Rules, now: datetime, is_answer: bool) -> rules.Ruling | None:
    window = quiet.Window(bound.quiet_start, bound.quiet_end, bound.quiet_days)
    if kind is MessageKind.AUTO_REPLY or is_answer or window == quiet.Window(0, 1440):
        return None
    zones = quiet.zones_for(known.lead_zone, known.person_zones, known.workspace_zone, bound.quiet_unknown_zone)
    if zones is not None and quiet.is_open(now, zones, window):
        return None
    if zones is not None and bound.quiet_overflow == "drop":
        return End(Reason.QUIET_HOURS)
    return Wait(None if zones is None else quiet.next_open(now, zones, window), Gate.QUIET_HOURS)


def device(kind: MessageKind, known: Facts, bound: policy.Rules, now: datetime) -> rules.Ruling | None:
    may_answer = kind in (MessageKind.DIRECT, MessageKind.AUTO_REPLY) and known.heard_at is not None
    if known.is_restricted and not may_answer:
        return Wait(known.restricted_until, Gate.DEVICE_RESTRICTED)
    full = [used.until for used in known.used if used.until > now and used.count >= getattr(bound, used.rule)]
    if full:
        return Wait(max(full), Gate.DEVICE_LIMIT)
    most = min(most_chats(bound, known.days_linked), sys.maxsize if known.tier is None else known.tier)
    if known.is_new_chat and kind is not MessageKind.AUTO_REPLY and known.new_chats_used >= most:
        return Wait(known.chats_end(now), Gate.DEVICE_LIMIT)
    return None


def plainly(
    kind: MessageKind, known: Facts, bound: policy.Rules, now: datetime, *, is_manual: bool, confirms_opted_out: bool, check: bool
) -> rules.Ruling:
    """What becomes of a message that has not expired and is no duty."""
    if not known.has_alias:
        return Wait(None, Gate.PERSON_HOLD)
    if known.is_opted_out and not confirms_opted_out:
        return End(Reason.OPTED_OUT)
    is_marketing = kind in (MessageKind.CAMPAIGN, MessageKind.SEQUENCE)
    is_answer = not is_marketing and known.last_in_at is not None and now - known.last_in_at < DAY
    consent = known.consent_id if is_marketing else known.consent_id or known.any_consent_id
    going = Go(known.any_consent_id if kind is MessageKind.AUTO_REPLY else consent)
    if kind is not MessageKind.AUTO_REPLY and consent is None and not is_answer:
        if bound.consent_mode != "mark":
            return End(Reason.NO_CONSENT)
        going = Go(None, is_marked=True)
    found = rules.is_there(known, bound, now)
    if found is False:
        return End(Reason.NOT_ON_WHATSAPP)
    if known.is_held and not is_manual and not confirms_opted_out:
        return Wait(None, Gate.PERSON_HOLD)
    if is_capped(kind, known, bound, now):
        return End(Reason.CAP)
    is_shut = known.is_windowed and not known.is_template
    if is_shut and (known.heard_at is None or now - known.heard_at >= DAY):
        return End(Reason.WINDOW_CLOSED)
    late = hour(kind, known, bound, now, is_answer) or device(kind, known, bound, now)
    if late is None and check and found is None and known.is_new_chat:
        return Wait(None, Gate.NUMBER_CHECK)
    return late or going


edges = st.fixed_dictionaries(
    {
        "quiet_start": st.sampled_from([0, 0, 480]),
        "quiet_end": st.sampled_from([1440, 1440, 1439, 1260]),
        "quiet_days": st.sampled_from([[], [], [1, 2, 3], [4, 5, 6, 7]]),
        "person_cap_day": st.integers(0, 4),
        "person_cap_week": st.integers(0, 6),
        "sequence_cap_day": st.integers(0, 4),
        "consent_mode": st.just("mark"),
    }
)
"""Numbers that a few messages reach, and windows that are nearly always open."""
cleared = {"is_opted_out": False, "has_alias": True, "is_held": False, "is_restricted": False}


@given(st.data(), instants, numbers, sent_as, st.booleans(), st.sampled_from([LINKED, SIMULATED]), edges)
def test_a_ruling_is_the_one_the_plain_rules_give(
    data: st.DataObject,
    now: datetime,
    own: dict[str, Any],
    how: dict[str, Any],
    check: bool,
    base: policy.Rules,
    edge: dict[str, Any],
) -> None:
    known, bound = data.draw(facts_at(now)), policy.overridden(base, own)
    near = policy.overridden(bound, edge)
    for mended in ({}, cleared, {"is_windowed": False, "closed_until": None}, {"campaign_times": (), "sequence_times": ()}):
        known = replace(known, **mended)
        for applied in (bound, near):
            for each in KINDS:
                found = rules.judge(each, known, applied, now, expires_at=now + DAY, is_checkable=check, **how)
                assert found == plainly(each, known, applied, now, check=check, **how)


@given(st.floats(0, 60), st.sampled_from([None, 0, 7, 10_000]))
@example(2.999999, None)
@example(3.0, None)
@example(20.999999, None)
@example(21.0, None)
def test_conversations_by_age_are_those_of_the_table(days: float, own: int | None) -> None:
    bound = policy.overridden(LINKED, {"device_new_chats": own})
    assert policy.new_chats(bound, days) == most_chats(bound, days)


@given(numbers, numbers, st.sampled_from([0.5, 5.0, 100.0]), st.sampled_from([LINKED, SIMULATED]))
def test_a_sources_numbers_give_the_same_rules_the_second_time(
    own: dict[str, Any], by: dict[str, Any], days: float, base: policy.Rules
) -> None:
    bound = policy.overridden(base, own)
    resolved = policy.overridden(bound, {"device_new_chats": most_chats(bound, days)})
    expected = policy.tightened(resolved, by) if by else bound
    assert rules.tightened(bound, by, days) == expected
    assert rules.tightened(bound, {**by}, days) is rules.tightened(bound, by, days)
    assert rules.tightened(bound, {**by, "no such rule": {"a": [1]}}, days) == expected


def test_rules_that_are_gone_leave_nothing_to_those_that_come() -> None:
    """What is kept is known by the rules' place in memory, so they must stay there."""
    for cap in range(200):
        bound = policy.overridden(LINKED, {"person_cap_day": cap})
        assert rules.tightened(bound, {"person_cap_week": 1}, 30.0).person_cap_day == cap
        del bound


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST_TIGHTENED", 3)
    rules._TIGHTENED.clear()
    for cap in range(20):
        assert rules.tightened(LINKED, {"person_cap_week": cap}, 30.0).person_cap_week == min(cap, 7)
        assert len(rules._TIGHTENED) <= 3


def test_a_going_message_can_be_told_from_every_other_ruling() -> None:
    kinds: list[rules.Ruling] = [
        Go(),
        Go("C"),
        Go(None, True),
        End(Reason.CAP),
        Wait(None, Gate.NUMBER_CHECK),
        Wait(NOON, Gate.PERSON_HOLD),
    ]
    assert len({*kinds}) == len(kinds)


@pytest.mark.parametrize(
    ("window", "closed"),
    [
        ({"quiet_start": 1, "quiet_end": 1440}, datetime(2026, 12, 1, 0, 0, 30, tzinfo=UTC)),
        ({"quiet_start": 0, "quiet_end": 1439}, datetime(2026, 12, 1, 23, 59, 30, tzinfo=UTC)),
        ({"quiet_start": 0, "quiet_end": 1440, "quiet_days": [2]}, datetime(2026, 12, 1, 12, tzinfo=UTC)),
    ],
)
def test_only_a_window_that_is_always_open_needs_no_clock(window: dict[str, Any], closed: datetime) -> None:
    known = Facts(consent_id="C", lead_zone="UTC", days_linked=99)
    nearly, always = policy.overridden(LINKED, window), policy.overridden(LINKED, {"quiet_start": 0, "quiet_end": 1440})
    ruling = rules.judge(MessageKind.CAMPAIGN, known, nearly, closed, expires_at=closed + DAY)
    assert isinstance(ruling, Wait)
    assert ruling.waiting_for is Gate.QUIET_HOURS
    assert rules.judge(MessageKind.CAMPAIGN, known, always, closed, expires_at=closed + DAY) == Go("C")
