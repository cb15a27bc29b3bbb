"""Unknown outcomes are settled exactly: by our own ref that comes back with a wire id, by nothing else, and once."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from hantar.dispatch import intake
from hantar.gateways import port
from hantar.kit import clock, db, ids
from hantar.outbox import receipts, retries
from hantar.policy import model as policy
from tests.fleet import Fleet

SENT, DELIVERED, READ = port.ReceiptKind.SENT, port.ReceiptKind.DELIVERED, port.ReceiptKind.READ
WIRE = "wamid.HBgLNjAxMjM0NTY3ODkVAgARGBI5"


async def stands(fleet: Fleet, state: str, wire_id: str | None = None, phone: str = "60123770001") -> tuple[str, str]:
    """A message of a service that chooses the wire ids, in this state; returns device and message."""
    device = fleet.devices[0] if fleet.devices else (await fleet.add_devices(1))[0]
    (message,) = await fleet.enqueue(device, [phone])
    for each in ("claimed",) if state == "claimed" else ("claimed", state):
        sql = "UPDATE messages SET state = $2, claimed_at = $3, wire_id = $4 WHERE id = $1"
        await fleet.sql(sql, message, each, fleet.clock.now(), wire_id)
    return device, message


def receipt(fleet: Fleet, device: str, ref: str | None, wire: str = WIRE, kind: port.ReceiptKind = SENT) -> port.Receipt:
    at = fleet.clock.now()
    return port.Receipt(device_id=device, event_id=f"{wire}:{kind}", at=at, wire_ids=(wire,), kind=kind, ref=ref)


def failed(fleet: Fleet, device: str, ref: str, reason: port.Reason, wire: str = WIRE) -> port.MessageFailed:
    at = fleet.clock.now()
    return port.MessageFailed(device_id=device, event_id=f"{wire}:failed", at=at, wire_id=wire, reason=reason, ref=ref)


async def take(fleet: Fleet, *events: port.Event) -> None:
    """Bring events and have them written."""
    bringing = asyncio.create_task(fleet.intake.take_many(events))
    await asyncio.sleep(0)
    await fleet.intake.flush()
    await bringing


async def row(fleet: Fleet, message: str) -> Mapping[str, Any]:
    (found,) = await fleet.sql("SELECT * FROM messages WHERE id = $1", message)
    return found


@pytest.mark.parametrize("state", ["unknown", "claimed"])
async def test_a_status_with_our_ref_settles_its_message_and_no_other(fleet: Fleet, state: str) -> None:
    device, message = await stands(fleet, state)
    _, other = await stands(fleet, state, phone="60123770002")
    await take(fleet, receipt(fleet, device, message))
    assert ((await row(fleet, message))["state"], (await row(fleet, message))["wire_id"]) == ("sent", WIRE)
    assert ((await row(fleet, other))["state"], (await row(fleet, other))["wire_id"]) == (state, None)
    await take(fleet, receipt(fleet, device, None, kind=READ), receipt(fleet, device, None, kind=DELIVERED))
    assert (await row(fleet, message))["state"] == "read", "from now on its wire id finds it"


async def test_shuffled_and_repeated_statuses_end_in_one_state(fleet: Fleet) -> None:
    device, message = await stands(fleet, "unknown")
    ladder = [receipt(fleet, device, message, kind=kind) for kind in (READ, SENT, DELIVERED, SENT, READ)]
    await take(fleet, *ladder[:2])
    await take(fleet, *ladder[2:])
    assert (await row(fleet, message))["state"] == "read"
    assert fleet.intake.doubles == 0


async def test_a_late_refusal_settles_by_ref_and_is_heeded(fleet: Fleet) -> None:
    """131050 by webhook: the person is opted out before the message is recorded as failed."""
    device, message = await stands(fleet, "unknown")
    await take(fleet, failed(fleet, device, message, port.Reason.OPTED_OUT))
    settled = await row(fleet, message)
    assert (settled["state"], settled["reason"], settled["wire_id"]) == ("failed", "opted_out", WIRE)
    (opted,) = await fleet.sql("SELECT person_id FROM suppressions")
    assert opted["person_id"] == settled["person_id"]


async def test_without_a_status_it_stays_unknown(fleet: Fleet) -> None:
    device, message = await stands(fleet, "unknown")
    await fleet.clock.advance(timedelta(hours=25).total_seconds())
    await take(fleet, receipt(fleet, device, None, "wamid.another"), receipt(fleet, device, ids.new_id(), "wamid.third"))
    assert (await row(fleet, message))["state"] == "unknown"


async def test_a_second_wire_id_for_one_ref_is_an_alarm_and_changes_nothing(fleet: Fleet) -> None:
    device, message = await stands(fleet, "unknown")
    await take(fleet, receipt(fleet, device, message))
    with capture_logs() as logs:
        await take(fleet, receipt(fleet, device, message, "wamid.second", READ))
    assert await _is_first(fleet, message)
    assert [each["message"] for each in logs if each["event"] == "intake.two_wire_ids"] == [message]
    assert fleet.intake.doubles == 1


async def test_two_wire_ids_at_once_are_an_alarm_too(fleet: Fleet) -> None:
    device, message = await stands(fleet, "claimed")
    await take(fleet, receipt(fleet, device, message), receipt(fleet, device, message, "wamid.second", READ))
    assert await _is_first(fleet, message)
    assert fleet.intake.doubles == 1


async def _is_first(fleet: Fleet, message: str) -> bool:
    settled = await row(fleet, message)
    return (settled["state"], settled["wire_id"]) == ("sent", WIRE)


async def test_mutant_a_second_wire_id_overwrites_the_first(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks whether the message bears a wire id already."""
    by_ref = receipts.by_ref

    async def blind(tx: db.Tx, refs: Mapping[receipts.Key, str], places: receipts.Places | None = None) -> receipts.Settled:
        await tx.execute("UPDATE messages SET wire_id = NULL WHERE id = ANY($1::uuid[])", list(refs.values()))
        return await by_ref(tx, refs, places)

    device, message = await stands(fleet, "unknown")
    await take(fleet, receipt(fleet, device, message))
    monkeypatch.setattr(receipts, "by_ref", blind)
    await take(fleet, receipt(fleet, device, message, "wamid.second", READ))
    assert not await _is_first(fleet, message), "the mutant lives"


async def test_mutant_settled_without_a_look_at_the_ref(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever waits at that device takes the id: it settles the wrong one."""
    by_ref = receipts.by_ref

    async def blind(tx: db.Tx, refs: Mapping[receipts.Key, str], places: receipts.Places | None = None) -> receipts.Settled:
        waits = "SELECT id FROM messages WHERE device_id = $1 AND state = 'unknown' AND wire_id IS NULL ORDER BY id DESC LIMIT 1"
        return await by_ref(tx, {key: await tx.fetchval(waits, key[0]) for key in refs}, places)

    device, message = await stands(fleet, "unknown")
    await stands(fleet, "unknown", phone="60123770002")
    monkeypatch.setattr(receipts, "by_ref", blind)
    await take(fleet, receipt(fleet, device, message))
    assert not await _is_first(fleet, message), "the mutant lives"


async def test_anothers_ref_a_foreign_device_and_nonsense_settle_nothing(fleet: Fleet, mallory: Any) -> None:
    """Mallory's number cannot settle Alice's message, though it knows its ref."""
    device, message = await stands(fleet, "unknown")
    (own,) = await fleet.add_devices(1)
    theirs = Fleet(fleet.db, fleet.clock, fleet.bus, mallory.workspace_id)
    await theirs.driver.start(theirs._sink)
    (foreign,) = await theirs.add_devices(1)
    strays = [(own, message), (foreign, message), (device, "no id"), (device, ""), (ids.new_id(), message)]
    await take(fleet, *(receipt(fleet, where, ref, f"wamid.{n}") for n, (where, ref) in enumerate(strays)))
    settled = await row(fleet, message)
    assert (settled["state"], settled["wire_id"]) == ("unknown", None)
    await theirs.close()


async def test_an_answer_that_comes_after_its_status_changes_nothing(fleet: Fleet) -> None:
    """The webhook overtakes the reply: the message is settled once, and no attempt is counted twice."""
    device, message = await stands(fleet, "claimed")
    await take(fleet, receipt(fleet, device, message, kind=DELIVERED))
    assert (await row(fleet, message))["state"] == "delivered"


async def test_a_status_for_a_message_that_never_left_is_an_alarm(fleet: Fleet) -> None:
    device, message = await stands(fleet, "claimed")
    await fleet.sql("UPDATE messages SET state = 'queued' WHERE id = $1", message)
    await fleet.sql("UPDATE messages SET state = 'cancelled' WHERE id = $1", message)
    with capture_logs() as logs:
        await take(fleet, receipt(fleet, device, message))
    assert [each["message"] for each in logs if each["event"] == "intake.contradiction"] == [message]
    assert (await row(fleet, message))["wire_id"] is None


async def test_a_message_that_failed_and_goes_again_may_have_another_wire_id(fleet: Fleet) -> None:
    """The service's id of the earlier attempt goes with the retry, and a late word about that attempt is no alarm."""
    campaign = await fleet.add_source()
    (device,) = await fleet.add_devices(1)
    (message,) = await fleet.enqueue(device, ["60123770001"], source=campaign)
    await fleet.sql("UPDATE messages SET state = 'claimed', claimed_at = now() WHERE id = $1", message)
    await take(fleet, failed(fleet, device, message, port.Reason.UNDELIVERABLE))
    async with fleet.db.transaction(fleet.workspace) as tx:
        again = await retries.retry(tx, fleet.workspace, campaign, dict.fromkeys(policy.KINDS, 3600.0))
    assert (again.count, (await row(fleet, message))["wire_id"]) == (1, None)
    await fleet.sql("UPDATE messages SET state = 'queued' WHERE id = $1", message)
    await fleet.sql("UPDATE messages SET state = 'claimed', claimed_at = now() WHERE id = $1", message)
    await take(fleet, receipt(fleet, device, message, "wamid.second"), failed(fleet, device, message, port.Reason.UNDELIVERABLE))
    settled = await row(fleet, message)
    assert (settled["state"], settled["wire_id"], fleet.intake.doubles) == ("sent", "wamid.second", 0)


async def test_the_cap_of_the_service_closes_the_person_to_marketing(fleet: Fleet) -> None:
    """131049 by webhook: nothing more of a campaign for 24 hours, from no device."""
    device, message = await stands(fleet, "unknown")
    await take(fleet, failed(fleet, device, message, port.Reason.CAPPED))
    (second,) = await fleet.enqueue(device, ["60123770001"], source=await fleet.add_source())
    await fleet.run(2.0)
    assert ((await row(fleet, second))["state"], (await row(fleet, second))["reason"]) == ("suppressed", "cap")


def test_a_ref_is_one_messages(fake_clock: clock.FakeClock) -> None:
    plain = port.Receipt(device_id="d", event_id="e", at=fake_clock.now(), wire_ids=("a", "b"), kind=SENT, ref="r")
    assert intake._refs([plain]) == {}
