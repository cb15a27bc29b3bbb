"""Tells the house which messages moved, keeps why some came back, and ends what came back to a campaign that was cancelled."""

from collections.abc import Sequence
from datetime import datetime

from hantar.kit import db
from hantar.outbox import model, rulings, service as outbox, store


async def tell_and_end_stopped(tx: db.Tx, rows: list[db.Row]) -> None:
    """Tell the moves; what came back to the queue of a campaign that was cancelled meanwhile is cancelled too."""
    outbox.tell_moves(tx, rows)
    back = [row["id"] for row in rows if row["state"] == model.S.QUEUED]
    if back:
        outbox.tell_moves(tx, await store.end_stopped(tx, back, await tx.now()))


async def note_returns(tx: db.Tx, outcomes: Sequence[model.Outcome], rows: Sequence[db.Row]) -> None:
    """Keep why messages came back to the queue: deferred, or the device was lost."""
    back = {row["id"] for row in rows if row["ours"] and row["state"] == model.S.QUEUED}
    returned = [each for each in outcomes if each.event is not None and each.id in back]
    if returned:
        await rulings.note(tx, [_event(each) for each in returned], await tx.now())


def _event(outcome: model.Outcome) -> tuple[str, str, str, str, datetime | None, str | None]:
    until = outcome.rest_until or outcome.no_chats_until or outcome.retry_at
    return outcome.workspace_id, outcome.id, outcome.event or "", outcome.cause or "", until, outcome.error


async def note_rescues(tx: db.Tx, rows: Sequence[db.Row]) -> None:
    """Keep that these messages were being sent when their server stopped."""
    events = [(row["workspace_id"], row["id"], "rescued", "server_stopped", None, row["state"]) for row in rows]
    if events:
        await rulings.note(tx, events, await tx.now())
