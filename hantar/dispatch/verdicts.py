"""What a verdict means for the message and its lane. Pure: (message, verdict, now, random) → outcome.

Only what was certainly not taken goes again by itself, later each time. A message is tried again at most `RETRIES` times; a
device that is asked to slow down again and again rests longer each time, and its messages stay.
"""

from datetime import datetime, timedelta
from typing import Any, assert_never

from hantar.gateways import port
from hantar.outbox import model, pace

NOT_TAKEN = "not_taken"
"""Reason of a message that the service put off so often that it is not tried again by itself; a person may retry it."""
RETRIES = 3
"""Times that a message which was put off goes again by itself (reliability.md F-09: a reset before write, at most 3)."""
BASE = timedelta(seconds=5)
"""Shortest first wait of what is tried again; doubled each time (our own number)."""
LONGEST = timedelta(hours=1)
"""What doubling leads to at most; a service that asks for more gets it (our own number)."""
DEVICE_WIDE = frozenset({port.Scope.DEVICE, port.Scope.ACCOUNT})
"""Deferrals that hold the whole device."""
S = model.MessageState
_SENT = S.SENT


def outcome(message: model.Claimed, verdict: port.Verdict, now: datetime, random: float, repeats: int = 0) -> model.Outcome:
    """Turn a verdict into the move to record. Doubt becomes `unknown`, never `failed` and never a repeat.

    `repeats`: how often in a row the device was asked to slow down before. `random` is in [0, 1).
    """
    match verdict:
        case port.Accepted(wire_id=wire_id):
            return _made(message, S.SENT, now, wire_id=wire_id)
        case port.Rejected(reason=reason, why=why):
            return _made(message, S.FAILED, now, reason=reason.value, error=why or None)
        case port.Unconfirmed(why=why):
            return _made(message, S.UNKNOWN, now, error=why or "No answer came; the message may have arrived.")
        case port.Deferred():
            return _deferred(message, verdict, now, random, repeats)
        case port.DeviceLost(until=until, why=why):
            words = why or None
            return _made(
                message, S.QUEUED, now, rest_until=until, event="lost", cause="device", error=words, spends_attempt=False
            )
        case _:
            assert_never(verdict)


def _made(message: model.Claimed, state: model.MessageState, at: datetime, **more: Any) -> model.Outcome:
    return model.Outcome(message.workspace_id, message.id, message.device_id, message.token, state, at, **more)


def _deferred(message: model.Claimed, verdict: port.Deferred, now: datetime, random: float, repeats: int) -> model.Outcome:
    """Certainly not taken. Whom the deferral names waits: the message, its device, or the device's new conversations."""
    scope = verdict.scope
    back: dict[str, Any] = {"event": "deferred", "cause": scope.value, "error": verdict.why or None, "spends_attempt": False}
    match scope:
        case port.Scope.MESSAGE | port.Scope.CHAT:
            if message.deferrals >= RETRIES:
                return _made(message, S.FAILED, now, reason=NOT_TAKEN, error=_gave_up(verdict.why))
            again = now + _wait(verdict.after, message.deferrals, random)
            return _made(message, S.QUEUED, now, retry_at=again, counts_deferral=True, **back)
        case port.Scope.DEVICE | port.Scope.ACCOUNT:
            rests = now + _wait(verdict.after, repeats, random)
            return _made(message, S.QUEUED, now, retry_at=rests, rest_until=rests, **back)
        case port.Scope.NEW_CHATS:
            shut = now + verdict.after * _jitter(random)
            return _made(message, S.QUEUED, now, retry_at=min(shut, now + LONGEST), no_chats_until=shut, **back)
        case _:
            assert_never(scope)


def _wait(asked: timedelta, times: int, random: float) -> timedelta:
    """At least what was asked for, doubled for each time before, up to `LONGEST`."""
    doubled: timedelta = max(asked, BASE) * (1 << min(times, 10))
    return max(asked, min(doubled, LONGEST)) * _jitter(random)


def _jitter(random: float) -> float:
    """Upwards only, so that nothing goes early and lanes do not march in step."""
    return pace.between(1.0, 1.25, random)


def _gave_up(why: str) -> str:
    words = f"It was not taken, and tried again {RETRIES} times."
    return f"{words} The last time: {why}" if why else words


class Backoff:
    """How often in a row each device was asked to slow down. In memory: after a restart it is asked once more."""

    def __init__(self) -> None:
        self._times: dict[str, int] = {}

    def outcome(self, message: model.Claimed, verdict: port.Verdict, now: datetime, random: float) -> model.Outcome:
        """The outcome, with the device's rest growing while the service goes on asking; an accepted message ends that."""
        if type(verdict) is port.Accepted:  # nearly all are
            if self._times:
                self._times.pop(message.device_id, None)
            return model.Outcome(message.workspace_id, message.id, message.device_id, message.token, _SENT, now, verdict.wire_id)
        repeats = self._times.get(message.device_id, 0)
        if isinstance(verdict, port.Deferred) and verdict.scope in DEVICE_WIDE:
            self._times[message.device_id] = repeats + 1
        return outcome(message, verdict, now, random, repeats)
