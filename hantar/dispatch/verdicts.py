"""What a verdict means for the message and its lane. Pure: (message, verdict, now, random) → outcome."""

from datetime import datetime, timedelta
from typing import assert_never

from hantar.gateways import port
from hantar.outbox import model, pace

NOT_TAKEN = "not_taken"
"""Reason of a message that the service put off so often that it is not tried again by itself; a person may retry it."""
MAX_DEFERRED = timedelta(hours=1)
"""Longest wait after one deferral that names no scope beyond the message (our own number)."""


def outcome(message: model.Claimed, verdict: port.Verdict, now: datetime, random: float) -> model.Outcome:
    """Turn a verdict into the move to record. Doubt becomes `unknown`, never `failed` and never a repeat."""
    S = model.MessageState

    def made(state: model.MessageState, at: datetime = now, **more: object) -> model.Outcome:
        return model.Outcome(message.workspace_id, message.id, message.device_id, message.token, state, at, **more)  # type: ignore[arg-type]

    match verdict:
        case port.Accepted(wire_id=wire_id):
            return made(S.SENT, wire_id=wire_id)
        case port.Rejected(reason=reason, why=why):
            return made(S.FAILED, reason=reason.value, error=why or None)
        case port.Unconfirmed(why=why):
            return made(S.UNKNOWN, error=why or "No answer came; the message may have arrived.")
        case port.Deferred(after=after, scope=scope, why=why):
            wait = after * pace.between(1.0, 1.25, random)  # jitter only upwards, so that lanes do not march in step
            whole_device = scope in (port.Scope.DEVICE, port.Scope.ACCOUNT)
            return made(
                S.QUEUED,
                retry_at=now + (wait if whole_device else min(wait, MAX_DEFERRED)),
                rest_until=now + wait if whole_device else None,
                no_chats_until=now + wait if scope is port.Scope.NEW_CHATS else None,
                event="deferred",
                cause=scope.value,
                error=why or None,
                spends_attempt=False,
            )
        case port.DeviceLost(until=until, why=why):
            words = why or None
            return made(S.QUEUED, rest_until=until, event="lost", cause="device", error=words, spends_attempt=False)
        case _:
            assert_never(verdict)
