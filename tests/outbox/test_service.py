"""Single messages: what a person may settle, and what a cancelled campaign forbids."""

import asyncio

import pytest

from hantar.audit import service as audit
from hantar.campaigns import service as campaigns
from hantar.dispatch import intake
from hantar.gateways import port
from hantar.kit import ids
from hantar.outbox import model, receipts, service
from tests.fleet import Fleet

BY = audit.Actor(None, "Alice")


async def test_a_cancelled_campaigns_message_is_not_sent_again(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, ["60123450001"])
    campaign = await fleet.launch()
    (row,) = await fleet.rows()
    async with fleet.db.system() as tx:
        await tx.execute("UPDATE messages SET state = 'claimed'")
        await tx.execute("UPDATE messages SET state = 'unknown'")
    async with fleet.db.transaction(fleet.workspace) as tx:
        await campaigns.cancel(tx, fleet.workspace, campaign)
        with pytest.raises(model.SourceEnded):
            await service.resolve(tx, fleet.workspace, row["id"], "send_again", by=BY)
        settled = await service.resolve(tx, fleet.workspace, row["id"], "arrived", by=BY)
    assert settled["state"] == "sent"


async def test_a_receipt_that_could_not_be_stored_is_not_taken_for_stored(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever brought it hears of the failure and brings it again."""

    async def broken(*words: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(receipts, "raise_states", broken)
    taking = intake.Intake(fleet.db, fleet.clock)
    event = port.Receipt(device_id=ids.new_id(), event_id="e", at=fleet.clock.now(), wire_ids=("W",), kind=port.ReceiptKind.READ)
    brought = asyncio.create_task(taking.take(event))
    await asyncio.sleep(0)
    await taking.flush()
    with pytest.raises(RuntimeError):
        await brought
