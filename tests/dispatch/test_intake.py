"""Receipts by the batch: one move for what came of one message, found by whose id it bears, and a bad one stops nobody."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from hantar.dispatch import claims, intake
from hantar.gateways import port
from hantar.kit import db, ids
from hantar.outbox import receipts
from tests.fleet import Fleet

READ, DELIVERED = port.ReceiptKind.READ, port.ReceiptKind.DELIVERED


def receipt(fleet: Fleet, device: str, wire: str, kind: port.ReceiptKind = DELIVERED, after: float = 0.0) -> port.Receipt:
    at = fleet.clock.now() + timedelta(seconds=after)
    return port.Receipt(device_id=device, event_id=f"{wire}:{kind}", at=at, wire_ids=(wire,), kind=kind)


async def sent(fleet: Fleet, count: int, wires: list[str] | None = None) -> tuple[str, list[str]]:
    """Messages of one device that were sent under their own ids, or under these; returns device and wire ids."""
    (device,) = await fleet.add_devices(1)
    made = await fleet.enqueue(device, [f"6012377{n:04d}" for n in range(count)])
    names = wires or [claims.wire_id_of(each) for each in made]
    for each, wire in zip(made, names, strict=True):
        await fleet.sql("UPDATE messages SET state = 'claimed', wire_id = $2, claimed_at = now() WHERE id = $1", each, wire)
        await fleet.sql("UPDATE messages SET state = 'sent', sent_at = now() WHERE id = $1", each)
    return device, names


async def take(taking: intake.Intake, *events: port.Event) -> None:
    """Bring events and have them written."""
    bringing = asyncio.create_task(taking.take_many(events))
    await asyncio.sleep(0)
    await taking.flush()
    await bringing


@pytest.mark.parametrize("wires", [None, ["3EB0F1", "A" * 32, "0123456789AB7DEF0123456789ABCDEF"]])
async def test_receipts_find_their_messages_by_our_id_and_by_any_other(fleet: Fleet, wires: list[str] | None) -> None:
    """Also by an id of the service's that looks like one of ours."""
    device, names = await sent(fleet, 3, wires)
    await take(fleet.intake, *(receipt(fleet, device, wire) for wire in names))
    assert await fleet.states() == {"delivered": 3}


async def test_an_id_under_which_the_message_did_not_go_out_moves_nothing(fleet: Fleet) -> None:
    """By its row's id, by another device, by a device that is not there: neither is evidence."""
    device, _ = await sent(fleet, 1, ["3EB0F1"])
    (other,) = await fleet.add_devices(1)
    (row,) = await fleet.rows()
    strays = [(device, claims.wire_id_of(row["id"])), (other, "3EB0F1"), (ids.new_id(), "3EB0F1"), (device, "3EB0F2")]
    await take(fleet.intake, *(receipt(fleet, *stray) for stray in strays))
    assert await fleet.states() == {"sent": 1}


async def test_delivered_and_read_in_one_batch_are_one_move_with_both_times(fleet: Fleet) -> None:
    device, (wire,) = await sent(fleet, 1)
    told: list[Any] = []
    fleet.bus.subscribe("message.status", told.append)
    read, delivered = receipt(fleet, device, wire, READ, 5.0), receipt(fleet, device, wire, DELIVERED, 2.0)
    await take(fleet.intake, read, delivered, read)
    (row,) = await fleet.rows()
    assert row["state"] == "read"
    assert (row["read_at"] - row["delivered_at"]).total_seconds() == 3.0
    assert [fact.data["state"] for fact in told] == ["read"]
    await take(fleet.intake, delivered)
    assert len(told) == 1, "late and repeated ones change nothing"


async def test_a_receipt_for_a_message_that_never_left_is_an_alarm(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    (message,) = await fleet.enqueue(device, ["60123770000"], wire_id="3EB0F1")
    await fleet.sql("UPDATE messages SET state = 'cancelled' WHERE id = $1", message)
    with capture_logs() as logs:
        await take(fleet.intake, receipt(fleet, device, "3EB0F1"))
    assert [each["message"] for each in logs if each["event"] == "intake.contradiction"] == [message]
    assert await fleet.states() == {"cancelled": 1}


@pytest.mark.parametrize("where", [0, 17, 39])
async def test_one_that_cannot_be_stored_is_dropped_and_stops_nobody(fleet: Fleet, where: int) -> None:
    device, names = await sent(fleet, 40)
    events = [receipt(fleet, device, wire) for wire in names]
    events.insert(where, receipt(fleet, "no device, at all", names[0], READ))
    with capture_logs() as logs:
        await take(fleet.intake, *events)
    assert await fleet.states() == {"delivered": 40}
    (alarm,) = [each for each in logs if each["event"] == "intake.dropped"]
    assert (alarm["kind"], alarm["log_level"]) == ("Receipt", "error")


async def test_what_fails_for_no_reason_of_its_own_is_brought_again_a_few_times(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours: the others go in at once, this one is tried again, and given up before it becomes a loop."""
    device, names = await sent(fleet, 8)
    raise_states = receipts.raise_states

    async def broken(tx: db.Tx, found: Any, arrived: Any) -> list[db.Row]:
        if any(each[1] == names[3] for each in arrived):
            raise RuntimeError("a fault of ours")
        return await raise_states(tx, found, arrived)

    monkeypatch.setattr(receipts, "raise_states", broken)
    events = [receipt(fleet, device, wire) for wire in names]
    for _ in range(intake.TRIES - 1):
        with pytest.raises(RuntimeError):
            await take(fleet.intake, *events)
        assert await fleet.states() == {"delivered": 7, "sent": 1}
    with capture_logs() as logs:
        await take(fleet.intake, *events)
    assert [each["tries"] for each in logs if each["event"] == "intake.dropped"] == [intake.TRIES]


async def test_a_database_that_is_away_takes_nothing_and_halves_nothing(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    device, names = await sent(fleet, 4)
    asked = []

    async def away(tx: db.Tx, keys: Any, places: Any = None) -> Any:
        asked.append(len(list(keys)))
        raise db.DatabaseAway

    events = [receipt(fleet, device, wire) for wire in names]
    with monkeypatch.context() as patched:
        patched.setattr(receipts, "locked", away)
        with pytest.raises(db.DatabaseAway):
            await take(fleet.intake, *events)
    assert asked == [4]
    await take(fleet.intake, *events)
    assert await fleet.states() == {"delivered": 4}


async def test_the_process_goes_on_after_a_fault(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """`run` ends when it is told to, and for no other reason."""
    device, names = await sent(fleet, 2)
    stop = asyncio.Event()
    running = asyncio.create_task(fleet.intake.run(stop))
    bad = asyncio.create_task(fleet.intake.take(receipt(fleet, "no device", names[0])))
    good = asyncio.create_task(fleet.intake.take(receipt(fleet, device, names[1])))
    for each in (bad, good):
        for _ in range(2000):
            await fleet.clock.advance(0.02)
            if each.done():
                break
            await asyncio.sleep(0.001)
        await asyncio.wait_for(each, 5)
    assert not running.done()
    assert await fleet.states() == {"delivered": 1, "sent": 1}
    stop.set()
    await asyncio.wait_for(running, 5)
