"""Devices that fail again and again are set aside: a rule pauses sending, a person resumes it (responsible-sending.md 9)."""

from collections.abc import Sequence

from hantar.audit import service as audit
from hantar.devices import model, service, store, words
from hantar.kit import db

CAUSE = "errors"
"""The cause of the pause (`words.pause`)."""


async def failing(tx: db.Tx) -> set[str]:
    """Devices whose last message failed by their own fault, in all workspaces."""
    return set(await store.failing(tx))


async def count(tx: db.Tx, counted: Sequence[model.Failing]) -> list[str]:
    """Count errors in a row; pauses devices with `model.ERRORS_IN_A_ROW` of them at once, tells it, and returns their ids.

    The audit is written later (`record`), in a transaction of its own: its writers wait for each other, and the dispatcher
    waits for nobody.
    """
    set_aside = await store.count_errors(tx, counted, await tx.now())
    said = {each.device_id: each.said for each in counted}
    for device_id in set_aside:
        device = await service.find(tx, device_id)
        last = said.get(device_id)
        await store.note(tx, device, f"{words.pause(CAUSE)}{f' The last time: {last}' if last else ''}", reason="paused")
        service.tell_status(tx, device)
        tx.tell("device.set_aside", device.workspace_id, device_id=device.id)
    return set_aside


async def unrecorded(tx: db.Tx) -> list[tuple[str, str]]:
    """Workspace and id of devices that were set aside and of which the audit does not know yet."""
    return [(row["workspace_id"], row["id"]) for row in await store.unrecorded(tx)]


async def record(tx: db.Tx, workspace_id: str, device_id: str) -> bool:
    """Write it down, once; the count begins anew. False when that was done already, or the device is gone."""
    if not await store.recorded(tx, device_id):
        return False
    sides = {"paused": False}, {"paused": True, "cause": CAUSE, "errors": model.ERRORS_IN_A_ROW}
    thing = audit.Thing("device", device_id)
    await audit.record(tx, workspace_id, audit.RULES, "device.paused", thing, reason=CAUSE, before=sides[0], after=sides[1])
    return True
