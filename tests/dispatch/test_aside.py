"""A device that fails three times in a row, by its own fault or its gateway's, is set aside; its messages wait and never move."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from hantar.dispatch import aside
from hantar.gateways import port
from hantar.kit import db, ids
from hantar.outbox import model
from tests.fleet import Fleet

PHONES = [f"6012345{n:04d}" for n in range(12)]
S = model.MessageState


async def device_row(fleet: Fleet, device: str) -> Any:
    return (await fleet.sql("SELECT * FROM devices WHERE id = $1", device))[0]


async def audited(fleet: Fleet, device: str) -> list[Any]:
    return await fleet.sql("SELECT * FROM audit WHERE object_id = $1 AND action = 'device.paused'", device)


def outcome(fleet: Fleet, device: str, row: str, state: S, reason: str | None = None, token: int = 1) -> model.Outcome:
    return model.Outcome(fleet.workspace, model.MessageId(row), device, token, state, fleet.clock.now(), reason=reason)


async def claimed(fleet: Fleet, device: str, count: int, token: int = 1) -> list[str]:
    """Messages that are being sent, under this token."""
    made = await fleet.enqueue(device, PHONES[:count])
    await fleet.sql("UPDATE messages SET state = 'claimed', token = $2 WHERE id = ANY($1::uuid[])", made, token)
    return made


async def counted(fleet: Fleet, outcomes: Sequence[model.Outcome], service: aside.Aside | None = None) -> None:
    async with fleet.db.system() as tx:
        await (service or aside.Aside(fleet.db, fleet.bus, fleet.clock)).count(tx, outcomes)


E, A, R, D = S.UNKNOWN, S.SENT, S.FAILED, S.QUEUED


@pytest.mark.parametrize(
    ("answers", "is_aside"),
    [
        ([(E, None)] * 3, True),
        ([(R, "account_refused"), (E, None), (R, "unsupported")], True),
        ([(R, "not_taken")] * 3, True),
        ([(E, None), (E, None), (A, None), (E, None), (E, None)], False),
        ([(E, None), (R, "not_on_whatsapp"), (E, None), (D, None), (R, "opted_out"), (E, None)], True),
        ([(R, reason.value) for reason in port.Reason if reason.value not in ("account_refused", "unsupported")], False),
        ([(D, None)] * 9, False),
        ([(R, "missing_variable")] * 3, False),
    ],
)
@pytest.mark.parametrize("together", [1, 2, 20])
async def test_what_counts(fleet: Fleet, answers: list[tuple[S, str | None]], is_aside: bool, together: int) -> None:
    """In one batch or in many, on one server or on another each time."""
    [device] = await fleet.add_devices(1)
    rows = await claimed(fleet, device, len(answers)) if len(answers) <= len(PHONES) else []
    outcomes = [outcome(fleet, device, row, *answer) for row, answer in zip(rows, answers, strict=True)]
    for first in range(0, len(outcomes), together):
        await counted(fleet, outcomes[first : first + together])
    assert (await device_row(fleet, device))["sending_paused"] is is_aside


@pytest.mark.parametrize("bug", ["is_error", "reset"])
async def test_mutants_are_found(fleet: Fleet, monkeypatch: pytest.MonkeyPatch, bug: str) -> None:
    """Nothing is an error, or an accepted message begins nothing anew: the test above must see it."""
    whole = aside.tally
    if bug == "is_error":
        monkeypatch.setattr(aside, "is_error", lambda _outcome: False)
    else:
        monkeypatch.setattr(aside, "tally", lambda outcomes: whole([each for each in outcomes if each.state is not S.SENT]))
    answers, is_aside = {
        "is_error": ([(E, None)] * 3, True),
        "reset": ([(E, None), (E, None), (A, None), (E, None)], False),
    }[bug]
    with pytest.raises(AssertionError):
        await test_what_counts(fleet, answers, is_aside, 1)


async def test_a_batch_that_is_written_again_counts_once_and_a_stale_answer_never(fleet: Fleet) -> None:
    [device] = await fleet.add_devices(1)
    rows = await claimed(fleet, device, 2)
    both = [outcome(fleet, device, row, E) for row in rows]
    await counted(fleet, both)
    await fleet.sql("UPDATE messages SET state = 'unknown' WHERE id = ANY($1::uuid[])", rows)  # as the recorder does
    await counted(fleet, both)
    await counted(fleet, [outcome(fleet, device, row, E, token=7) for row in rows])
    assert (await device_row(fleet, device))["errors_in_a_row"] == 2


async def test_a_device_a_person_paused_is_set_aside_too_and_a_rule_s_own_pause_stays(fleet: Fleet) -> None:
    by_person, by_rule = await fleet.add_devices(2)
    await fleet.set_device(by_person, sending_paused=True, pause_reason="person")
    await fleet.set_device(by_rule, sending_paused=True, pause_reason="blocks")
    for device in (by_person, by_rule):
        await counted(fleet, [outcome(fleet, device, row, E) for row in await claimed(fleet, device, 3)])
    assert (await device_row(fleet, by_person))["pause_reason"] == "errors"
    assert (await device_row(fleet, by_rule))["pause_reason"] == "blocks"


async def test_while_all_goes_well_it_asks_nothing(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    [device] = await fleet.add_devices(1)
    service = aside.Aside(fleet.db, fleet.bus, fleet.clock)
    asked: list[str] = []
    whole = db.Tx.fetch

    async def fetch(tx: db.Tx, sql: str, *values: Any) -> list[db.Row]:
        asked.append(sql)
        return await whole(tx, sql, *values)

    monkeypatch.setattr(db.Tx, "fetch", fetch)
    fine = [outcome(fleet, device, ids.new_id(), A) for _ in range(5)]
    for _ in range(20):
        await counted(fleet, fine, service)
    assert len(asked) == 1, "once to know who failed before"


async def test_errors_seen_by_another_server_are_forgiven_by_a_message_accepted_here(fleet: Fleet) -> None:
    [device] = await fleet.add_devices(1)
    here = aside.Aside(fleet.db, fleet.bus, fleet.clock)
    await counted(fleet, [], here)
    await counted(fleet, [outcome(fleet, device, row, E) for row in await claimed(fleet, device, 2)])
    await fleet.clock.advance(aside.REFRESH)
    await counted(fleet, [outcome(fleet, device, ids.new_id(), A)], here)
    assert (await device_row(fleet, device))["errors_in_a_row"] == 0


async def test_the_writer_hears_the_fact_and_ends_when_told(fleet: Fleet) -> None:
    [device] = await fleet.add_devices(1)
    service, stop = aside.Aside(fleet.db, fleet.bus, fleet.clock), asyncio.Event()
    running = asyncio.create_task(service.run(stop))
    await fleet.clock.advance(1)
    await counted(fleet, [outcome(fleet, device, row, E) for row in await claimed(fleet, device, 3)], service)
    for _ in range(200):
        await fleet.clock.advance(0.1)
        if await audited(fleet, device):
            break
    assert len(await audited(fleet, device)) == 1
    stop.set()
    await asyncio.wait_for(running, 5)
