"""What each verdict does to its message and its lane: over every line of the verdict maps (gateways.md 3.6, 4.1), F-09."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given, strategies as st

from hantar.dispatch import verdicts
from hantar.gateways import port
from hantar.outbox import model, retries, words

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
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
S, R = model.MessageState, port.Reason
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
HELD = (port.Scope.MESSAGE, port.Scope.CHAT)
"""Scopes that hold the message alone."""
chances = st.floats(0, 1, exclude_max=True)
waits = st.timedeltas(timedelta(), timedelta(days=2))


def rejected(*reasons: port.Reason) -> list[tuple[port.Verdict, model.MessageState, bool]]:
    return [(port.Rejected(each), S.FAILED, False) for each in reasons]


MAP: list[tuple[port.Verdict, model.MessageState, bool]] = [
    # 3.6, a linked device: verdict, state, does the device rest
    (port.Accepted("W", NOW), S.SENT, False),
    (port.DeviceLost(None, "websocket not connected"), S.QUEUED, False),
    (port.DeviceLost(NOW + HOUR, "banned"), S.QUEUED, True),
    (port.Deferred(24 * HOUR, port.Scope.NEW_CHATS), S.QUEUED, False),
    (port.Deferred(MINUTE, port.Scope.MESSAGE), S.QUEUED, False),
    (port.Unconfirmed("timed out waiting for message send response"), S.UNKNOWN, False),
    # 4.1, the Cloud API
    (port.Deferred(6 * SECOND, port.Scope.CHAT), S.QUEUED, False),
    (port.Deferred(SECOND, port.Scope.DEVICE), S.QUEUED, True),
    (port.Deferred(5 * MINUTE, port.Scope.ACCOUNT), S.QUEUED, True),
    *rejected(*R),
]


@pytest.mark.parametrize(("verdict", "state", "rests"), MAP, ids=str)
def test_each_line_of_the_maps_has_its_move(verdict: port.Verdict, state: model.MessageState, rests: bool) -> None:
    made = verdicts.outcome(MESSAGE, verdict, NOW, 0.5)
    assert made.state is state
    assert made.state in model.MOVES[S.CLAIMED]
    assert (made.rest_until is not None and made.rest_until > NOW) is rests
    assert made.spends_attempt is isinstance(verdict, port.Accepted | port.Rejected | port.Unconfirmed)
    assert (made.event is not None) is (state is S.QUEUED), "what came back is kept for why"
    assert made.reason == (verdict.reason.value if isinstance(verdict, port.Rejected) else None)


def test_every_kind_of_verdict_and_every_scope_is_in_the_map() -> None:
    assert {type(verdict) for verdict, *_ in MAP} == set(get_args(port.Verdict))
    assert {verdict.scope for verdict, *_ in MAP if isinstance(verdict, port.Deferred)} == set(port.Scope)
    assert {verdict.reason for verdict, *_ in MAP if isinstance(verdict, port.Rejected)} == set(R)


def test_something_that_is_no_verdict_is_no_move() -> None:
    with pytest.raises(AssertionError):
        verdicts.outcome(MESSAGE, "sent", NOW, 0.5)  # type: ignore[arg-type]


@pytest.mark.parametrize("scope", HELD)
def test_a_message_is_put_off_three_times_and_then_it_has_failed(scope: port.Scope) -> None:
    again = []
    for times in range(verdicts.RETRIES):
        made = verdicts.outcome(replace(MESSAGE, deferrals=times), port.Deferred(30 * SECOND, scope, "Busy."), NOW, 0.0)
        assert made.state is S.QUEUED
        assert made.retry_at is not None
        again.append(made.retry_at - NOW)
    assert again == [30 * SECOND, 60 * SECOND, 120 * SECOND]
    last = verdicts.outcome(replace(MESSAGE, deferrals=verdicts.RETRIES), port.Deferred(SECOND, scope, "Busy."), NOW, 0.0)
    assert (last.state, last.reason) == (S.FAILED, "not_taken")
    assert last.error is not None
    assert "Busy." in last.error
    assert last.spends_attempt


def test_what_was_put_off_too_often_has_words_and_may_be_retried_by_a_person() -> None:
    assert verdicts.NOT_TAKEN in retries.RETRYABLE
    assert verdicts.NOT_TAKEN in words.REASONS


@given(waits, st.sampled_from(list(port.Scope)), st.integers(0, verdicts.RETRIES - 1), st.integers(0, 10_000), chances)
def test_a_deferral_never_goes_early_and_grows(
    after: timedelta, scope: port.Scope, times: int, repeats: int, chance: float
) -> None:
    made = verdicts.outcome(replace(MESSAGE, deferrals=times), port.Deferred(after, scope), NOW, chance, repeats)
    assert made.retry_at is not None
    held = made.no_chats_until or made.rest_until or made.retry_at
    assert held >= NOW + after
    assert held <= NOW + max(after, verdicts.LONGEST) * 1.25
    assert (made.rest_until is not None) is (scope in verdicts.DEVICE_WIDE)
    assert (made.no_chats_until is not None) is (scope is port.Scope.NEW_CHATS), "answers must not rest for it"
    assert made.counts_deferral is (scope in HELD)


@given(waits, chances, chances)
def test_the_jitter_goes_upwards_only(after: timedelta, one: float, other: float) -> None:
    deferred = port.Deferred(after, port.Scope.DEVICE)
    least = verdicts.outcome(MESSAGE, deferred, NOW, 0.0).rest_until
    for chance in (one, other):
        found = verdicts.outcome(MESSAGE, deferred, NOW, chance).rest_until
        assert found is not None
        assert least is not None
        assert found >= least


def rests(backoff: verdicts.Backoff, *answers: port.Verdict, device: str = "d") -> list[float]:
    """For how many seconds the device rests after each of these answers; 0 where it does not."""
    found = []
    for verdict in answers:
        made = backoff.outcome(replace(MESSAGE, device_id=device), verdict, NOW, 0.0)
        found.append((made.rest_until - NOW).total_seconds() if made.rest_until else 0.0)
    return found


SLOW = port.Deferred(10 * SECOND, port.Scope.DEVICE)


def test_a_device_that_is_asked_to_slow_down_rests_longer_each_time_and_its_rows_stay() -> None:
    backoff = verdicts.Backoff()
    assert rests(backoff, *[SLOW] * 5) == [10, 20, 40, 80, 160]
    assert rests(backoff, *[SLOW] * 9)[-1] == 3600
    assert backoff.outcome(MESSAGE, SLOW, NOW, 0.0).state is S.QUEUED


@pytest.mark.parametrize("verdict", [verdict for verdict, *_ in MAP], ids=str)
@given(chances)
def test_with_nothing_to_back_off_from_the_outcome_is_the_verdicts_own(verdict: port.Verdict, chance: float) -> None:
    assert verdicts.Backoff().outcome(MESSAGE, verdict, NOW, chance) == verdicts.outcome(MESSAGE, verdict, NOW, chance)


def test_an_accepted_message_ends_the_back_off_of_its_own_device_alone() -> None:
    backoff = verdicts.Backoff()
    assert rests(backoff, SLOW, SLOW) == [10, 20]
    assert rests(backoff, SLOW, port.Accepted("W", NOW), SLOW, device="e") == [10, 0, 10]
    assert rests(backoff, SLOW) == [40]


def test_a_message_s_own_deferral_rests_no_device() -> None:
    backoff = verdicts.Backoff()
    assert rests(backoff, *[port.Deferred(10 * SECOND)] * 3, SLOW) == [0, 0, 0, 10]


def test_mutant_a_deferral_that_is_always_tried_again_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = verdicts._deferred
    monkeypatch.setattr(verdicts, "_deferred", lambda message, *more: whole(replace(message, deferrals=0), *more))
    with pytest.raises(AssertionError):
        test_a_message_is_put_off_three_times_and_then_it_has_failed(port.Scope.MESSAGE)
