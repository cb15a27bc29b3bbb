"""STOP while a campaign runs: nothing to that person leaves after the commit, by the ledger; the rest of the campaign goes on."""

import random
from typing import Any

import pytest

from hantar.consent import service as consent
from hantar.outbox import queue
from tests.fleet import Fleet

PHONES = [f"601234{n:05d}" for n in range(40)]


async def run(fleet: Fleet, seed: int) -> tuple[int, int, int]:
    """Forty people, half of whom stop at some time; returns late messages, confirmations, and messages of the campaign."""
    hand = random.Random(seed)
    devices = await fleet.add_devices(2)
    for number, device in enumerate(devices):
        await fleet.add_leads(device, PHONES[number * 20 : number * 20 + 20])
    await fleet.launch(min_delay_seconds=1, max_delay_seconds=2)
    stopping = hand.sample(PHONES, 20)
    stopped_at: dict[str, float] = {}
    while stopping:
        await fleet.run(hand.uniform(0.2, 1.5))
        phone = stopping.pop()
        await fleet.engine.tick()  # perhaps something is on its way just now
        in_flight = await fleet_claimed(fleet)
        await fleet.says(hand.choice(devices), hand.choice(["STOP", "berhenti", "baja"]), phone)
        stopped_at[phone] = fleet.clock.monotonic() + (10 if phone in in_flight else 0)
    await fleet.run(60)
    duties = {row["wire_id"] for row in await fleet.rows() if row["duty"]}
    sent = [line for line in fleet.book.lines() if line["effect"] == "sent"]
    campaign = [line for line in sent if line["ref"] not in duties]
    late = [line for line in campaign if line["mono"] > stopped_at.get(line["to"], float("inf"))]
    return len(late), len(sent) - len(campaign), len(campaign)


async def fleet_claimed(fleet: Fleet) -> set[str]:
    """Numbers to which bytes may be leaving at this moment."""
    return {row["phone"] for row in await fleet.rows() if row["state"] == "claimed"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
async def test_nothing_leaves_after_the_word(fleet: Fleet, seed: int) -> None:
    late, confirmations, sent = await run(fleet, seed)
    assert late == 0
    assert confirmations == 20
    assert 20 <= sent < 40, "some were quicker than the campaign, and nobody else was kept from it"
    assert (await fleet.verdict()).is_clean


@pytest.mark.slow
async def test_mutant_a_stop_that_only_writes_history_is_late(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The opt-out is recorded, and neither its keyed hashes nor the queue hear of it."""

    async def nothing(*_values: Any) -> list[Any]:
        return []

    monkeypatch.setattr(consent, "add_keys", nothing)
    monkeypatch.setattr(queue, "suppress_person", nothing)
    late, _, _ = await run(fleet, 0)
    assert late > 0, "the mutant lives"
