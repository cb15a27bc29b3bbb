"""The pure rules of pacing and of verdicts, over everything that can come."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from hantar.dispatch import pacing, verdicts
from hantar.gateways import port
from hantar.kit import windows
from hantar.outbox import model, pace
from hantar.policy import model as policy

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
TIMEOUT = timedelta(seconds=10)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LANE = model.Lane("w", "d", "simulator", 1, 0, 0, 20, 500, 5000)
HEAD = model.Head("w", model.MessageId("m"), "p", "d", NOW + timedelta(hours=1), 10, 30)
MESSAGE = model.Claimed(
    workspace_id="w",
    id=model.MessageId("m"),
    kind=model.MessageKind.CAMPAIGN,
    source_id=model.SourceId("c"),
    device_id="d",
    driver="simulator",
    token=1,
    wire_id="W",
    phone="60123456789",
    media_id=None,
    text="Hi",
    attempts=0,
    gap=10.0,
)
seconds = st.floats(0, 3600)
chances = st.floats(0, 1, exclude_max=True)


@given(seconds, seconds, seconds, seconds, chances)
def test_a_gap_is_never_below_any_minimum(low: float, span: float, own: float, own_span: float, chance: float) -> None:
    lane = replace(LANE, min_delay=own, max_delay=own + own_span)
    head = replace(HEAD, min_delay=low, max_delay=low + span)
    gap = pacing.gap(lane, head, chance)
    assert gap >= max(low, own)
    assert gap <= max(low + span, own + own_span)


@given(chances)
def test_a_claim_reserves_the_timeout_and_the_gap(chance: float) -> None:
    slot = pacing.reserve(LANE, HEAD, NOW, TIMEOUT, chance)
    assert slot.rest >= TIMEOUT.total_seconds() + HEAD.min_delay
    assert slot.rest == TIMEOUT.total_seconds() + slot.gap


@given(seconds, chances)
def test_the_policys_gap_is_a_floor(floor: float, chance: float) -> None:
    slot = pacing.reserve(LANE, HEAD, NOW, TIMEOUT, chance, floor)
    assert slot.gap == max(floor, pacing.gap(LANE, HEAD, chance))


@given(seconds, seconds, chances)
def test_a_point_between_is_reckoned_as_ever(low: float, high: float, chance: float) -> None:
    found = pace.between(low, high, chance)
    assert found == low + (max(high, low) - low) * chance
    assert isinstance(pace.between(3, 3, chance), float)


@given(st.floats(-60, 60), st.booleans(), chances)
def test_a_claim_counts_from_when_its_lanes_pause_is_over(ahead: float, is_new_chat: bool, chance: float) -> None:
    lane = replace(LANE, ready_at=NOW + timedelta(seconds=ahead), used=windows.added(None, NOW, True))
    slot, leaves_at = pacing.reserve(lane, HEAD, NOW, TIMEOUT, chance, 0.0, is_new_chat), max(NOW, lane.ready_at)
    assert slot.rest == (leaves_at - NOW + TIMEOUT).total_seconds() + slot.gap
    assert slot.used == windows.added(lane.used, leaves_at, is_new_chat)


limits = st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 8))


@given(limits, limits, st.lists(st.floats(0, 90), max_size=10))
def test_the_stricter_of_the_lanes_and_the_policys_limits_holds(
    own: tuple[int, int, int], common: tuple[int, int, int], steps: list[float]
) -> None:
    blob, now = None, NOW
    for step in steps:
        now += timedelta(seconds=step)
        blob = windows.added(blob, now, False)
    lane = replace(LANE, per_minute=own[0], per_hour=own[1], per_day=own[2], used=blob)
    names = ("device_per_minute", "device_per_hour", "device_per_day")
    rules = policy.overridden(policy.DEFAULTS["simulator"], dict(zip(names, common, strict=True)))
    least = [min(pair) for pair in zip(own, common, strict=True)]
    assert pacing.full_until(lane, rules, now) == windows.free_at(blob, now, *least)


def test_a_claim_counts_against_every_limit() -> None:
    first = pacing.reserve(LANE, HEAD, NOW, TIMEOUT, 0.0)
    assert windows.counts(first.used, NOW) == (1, 1, 1, 0)
    second = pacing.reserve(replace(LANE, used=first.used), HEAD, NOW + timedelta(seconds=59), TIMEOUT, 0.0, is_new_chat=True)
    assert windows.counts(second.used, NOW + timedelta(seconds=59)) == (2, 2, 2, 1)


S = model.MessageState


@pytest.mark.parametrize(
    ("verdict", "state", "spends"),
    [
        (port.Accepted("W", NOW), S.SENT, True),
        (port.Rejected(port.Reason.NOT_ON_WHATSAPP), S.FAILED, True),
        (port.Unconfirmed(), S.UNKNOWN, True),
        (port.Deferred(timedelta(seconds=60)), S.QUEUED, False),
        (port.DeviceLost(), S.QUEUED, False),
    ],
)
def test_each_verdict_has_its_move(verdict: port.Verdict, state: model.MessageState, spends: bool) -> None:
    outcome = verdicts.outcome(MESSAGE, verdict, NOW, 0.5)
    assert (outcome.state, outcome.spends_attempt) == (state, spends)
    assert outcome.state in model.MOVES[S.CLAIMED]


@pytest.mark.parametrize("scope", list(port.Scope))
@given(chances)
def test_a_deferral_waits_at_least_as_long_as_asked(scope: port.Scope, chance: float) -> None:
    outcome = verdicts.outcome(MESSAGE, port.Deferred(timedelta(seconds=90), scope), NOW, chance)
    assert outcome.retry_at is not None
    assert outcome.retry_at >= NOW + timedelta(seconds=90)
    assert (outcome.rest_until is not None) is (scope in (port.Scope.DEVICE, port.Scope.ACCOUNT))
    assert (outcome.no_chats_until is not None) is (scope is port.Scope.NEW_CHATS), "answers must not rest for it"
