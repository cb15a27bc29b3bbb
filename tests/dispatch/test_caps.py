"""I-12: caps over campaigns, sequences, devices and servers. Two engines on one database want the same people at once."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from hantar.dispatch.engine import Engine
from hantar.kit import db
from hantar.outbox import facts, lanes, model, queue, rules
from tests.fleet import Fleet

PERSONS = 60
DAY = 86_400.0
NUMBERS = {"person_cap_day": 2, "person_cap_week": 2, "sequence_cap_day": 3}


async def two_nodes(fleet: Fleet) -> tuple[list[str], Engine]:
    """Eight devices, four with each of two servers."""
    other = fleet.new_engine()
    async with fleet.db.system() as tx:
        await tx.execute("UPDATE leases SET node = $1, token = token + 1 WHERE shard % 2 = 0", other.leases.node)
    mine: dict[int, list[str]] = {0: [], 1: []}
    while min(map(len, mine.values())) < 4:
        (device,) = await fleet.add_devices(1)
        mine[queue.shard_of(device) % 2].append(device)
        await beat(fleet, other)
    return [each for pair in zip(mine[0], mine[1], strict=False) for each in pair][:8], other


async def beat(fleet: Fleet, other: Engine) -> None:
    for engine in (fleet.engine, other):
        async with fleet.db.system() as tx:  # each keeps its own half, however long the test took to get here
            await tx.execute("UPDATE leases SET expires_at = $2 WHERE node = $1", engine.leases.node, await tx.now() + HOUR)


HOUR = timedelta(hours=1)


Pause = Callable[[], Awaitable[Any]]


def between_look_and_claim(patch: pytest.MonkeyPatch, pause: Pause) -> None:
    """A failpoint in the good and in the bad order alike: time passes between the look and the claim."""
    read = facts.read_held

    async def slowly(*words: Any, **more: Any) -> Any:
        found = await read(*words, **more)
        await pause()
        return found

    patch.setattr(facts, "read_held", slowly)


async def a_moment() -> None:
    await asyncio.sleep(0.01)


def until_both_have_looked(most: float = 0.15) -> Pause:
    """Each server waits until the other has looked too, or for so many seconds."""
    both = asyncio.Barrier(2)

    async def meet() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most):
                await both.wait()

    return meet


async def run(fleet: Fleet, other: Engine, seconds: float) -> None:
    for _ in range(round(seconds / 0.2)):
        await beat(fleet, other)
        await asyncio.gather(fleet.engine.tick(), other.tick())
        await fleet.clock.advance(0.2)
        await asyncio.gather(fleet.engine.flush(), other.flush())
        await fleet.intake.flush()
        if not await fleet.sql("SELECT 1 FROM messages WHERE state IN ('queued', 'claimed') LIMIT 1"):
            return


async def crowd(fleet: Fleet, patch: pytest.MonkeyPatch, persons: int = PERSONS, pause: Pause = a_moment) -> None:
    """Three campaigns and a sequence of five steps to the same people; two campaigns more after 3 days and after 7."""
    await fleet.set_rules(**NUMBERS)
    devices, other = await two_nodes(fleet)
    between_look_and_claim(patch, pause)
    phones = [f"60128{n:06d}" for n in range(persons)]

    async def campaign(pair: list[str]) -> None:
        source = await fleet.add_source()
        await fleet.enqueue(pair[0], phones[::2], source=source)
        await fleet.enqueue(pair[1], phones[1::2], source=source)

    await campaign(devices[0:2])
    await run(fleet, other, 60)
    for pair in (devices[3:1:-1], devices[4:6]):  # everyone has one; two servers want to send each their second
        await campaign(pair)
    drip = await fleet.add_source("sequence")
    for number in range(5):
        pair = devices[6:8] if number % 2 else devices[7:5:-1]
        await fleet.enqueue(pair[0], phones[::2], source=drip, kind="sequence", priority=4)
        await fleet.enqueue(pair[1], phones[1::2], source=drip, kind="sequence", priority=4)
    await run(fleet, other, 120)
    for days in (3, 4):
        await fleet.clock.advance(days * DAY)
        await campaign(devices[0:2])
        await campaign(devices[3:1:-1])
        await run(fleet, other, 60)


async def beyond(fleet: Fleet, kind: str, most: int, window: float) -> list[str]:
    """Numbers that the ledger shows to have had more of this kind than `most` within some window of so many seconds."""
    kinds = {row["wire_id"]: row["kind"] for row in await fleet.rows() if row["wire_id"]}
    times: dict[str, list[float]] = defaultdict(list)
    for line in fleet.book.lines():
        if line["effect"] == "sent" and kinds[line["ref"]] == kind:
            times[line["to"]].append(float(line["mono"]))
    return [to for to, at in times.items() if any(b - a < window for a, b in zip(sorted(at), sorted(at)[most:], strict=False))]


async def test_no_window_ever_holds_more(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """I-12."""
    await crowd(fleet, monkeypatch)
    assert await beyond(fleet, "campaign", 2, 7 * DAY) == []
    assert await beyond(fleet, "sequence", 3, DAY) == []
    rows = await fleet.rows()
    states = {kind: [row["state"] for row in rows if row["kind"] == kind] for kind in ("campaign", "sequence")}
    went = {kind: sum(state not in ("suppressed", "queued") for state in found) for kind, found in states.items()}
    assert went == {"campaign": 4 * PERSONS, "sequence": 3 * PERSONS}, "as many as the caps allow, and no fewer"
    assert {row["reason"] for row in rows if row["state"] == "suppressed"} == {"cap"}
    verdict = await fleet.verdict()
    assert verdict.is_clean, str(verdict)


async def test_mutant_without_the_persons_lock_breaks_the_cap(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """I-12 mutant: read, then write, and nobody is held meanwhile."""

    async def look_only(tx: db.Tx, heads: list[model.Head]) -> dict[tuple[str, str], model.Person]:
        sql = "SELECT workspace_id, id, zones FROM persons WHERE id = ANY($1::uuid[])"
        rows = await tx.fetch(sql, [head.person_id for head in heads])
        return {(row["workspace_id"], row["id"]): model.Person(row["zones"]) for row in rows}

    monkeypatch.setattr(lanes, "lock_persons", look_only)
    await crowd(fleet, monkeypatch, persons=24, pause=until_both_have_looked())
    assert await beyond(fleet, "campaign", 2, 7 * DAY) or await beyond(fleet, "sequence", 3, DAY), "the mutant lives"


async def test_mutant_without_the_count_breaks_the_cap(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """I-12 mutant: the caps are never asked."""
    monkeypatch.setattr(rules, "_is_capped", lambda *words: False)
    await crowd(fleet, monkeypatch, persons=6)
    assert await beyond(fleet, "campaign", 2, 7 * DAY)
    assert await beyond(fleet, "sequence", 3, DAY)
