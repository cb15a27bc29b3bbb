"""Tells the house which messages moved, and ends what came back to a campaign that was cancelled."""

from hantar.kit import db
from hantar.outbox import model, store
from hantar.outbox import service as outbox


async def tell_and_end_stopped(tx: db.Tx, rows: list[db.Row]) -> None:
    """Tell the moves; what came back to the queue of a campaign that was cancelled meanwhile is cancelled too."""
    outbox.tell_moves(tx, rows)
    back = [row["id"] for row in rows if row["state"] == model.S.QUEUED]
    if back:
        outbox.tell_moves(tx, await store.end_stopped(tx, back, await tx.now()))
