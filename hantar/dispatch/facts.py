"""Tells the house which messages moved."""

from collections.abc import Iterable

from hantar.kit import db
from hantar.outbox import model, store


def tell_moves(tx: db.Tx, rows: Iterable[db.Row]) -> None:
    """A `message.status` fact for each moved row, published once the transaction is committed."""
    for row in rows:
        state = model.MessageState(row["state"])
        tx.tell(
            "message.status",
            row["workspace_id"],
            message_id=row["id"],
            device_id=row["device_id"],
            campaign_id=row["source_id"] if row["kind"] == "campaign" else None,
            sequence_id=row["source_id"] if row["kind"] == "sequence" else None,
            status=model.STATUS[state].value,
            state=state.value,
            reason=row["reason"],
        )


async def tell_and_end_stopped(tx: db.Tx, rows: list[db.Row]) -> None:
    """Tell the moves; what came back to the queue of a campaign that was cancelled meanwhile is cancelled too."""
    tell_moves(tx, rows)
    back = [row["id"] for row in rows if row["state"] == model.S.QUEUED]
    if back:
        tell_moves(tx, await store.end_stopped(tx, back, await tx.now()))
