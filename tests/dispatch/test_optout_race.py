"""I-09: a STOP that lands while messages are being claimed. Two connections, truly at once, and the mutants that get it wrong."""

import asyncio
import os
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from hantar.consent import model as consents, service as consent
from hantar.kit import db
from hantar.outbox import facts, lanes, model, queue, rules, service as outbox
from hantar.persons.model import PersonId
from tests.fleet import Fleet

PERSONS = int(os.environ.get("HANTAR_TEST_PERSONS", "400"))
DEVICES = 40
STOP = consents.OptOut(consents.OptOutReason.STOP, consents.OptOutSource.KEYWORD)
PAUSE = 0.02
"""Seconds that the statement that locks persons takes longer: what commits meanwhile is not in its snapshot."""


@dataclass
class Race:
    """What happened, on this process's real clock (to order commits) and on the fake one (to compare with the ledger)."""

    claimed: dict[str, float] = field(default_factory=dict)
    """Person → when the claim had done everything but commit."""
    stopped: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Person → when the commit of the STOP had returned (real, fake)."""

    @property
    def broken(self) -> list[str]:
        """Persons whose claim committed although their STOP had committed before.

        A claim and a STOP of one person hold the same lock, so the commit of the claim comes first or there is no claim.
        """
        return [who for who, at in self.claimed.items() if who in self.stopped and self.stopped[who][0] < at]


def slow_lock(patch: pytest.MonkeyPatch) -> None:
    """A failpoint in the good and in the bad order alike: the locking statement stands still after its snapshot is taken."""
    fetch = db.Tx.fetch

    async def slowly(self: db.Tx, sql: str, *values: Any) -> Any:
        if "FOR UPDATE OF p SKIP LOCKED" in sql:
            sql = sql.replace("FROM persons p", f"FROM (SELECT pg_sleep({PAUSE}) OFFSET 0) pause CROSS JOIN persons p", 1)
        return await fetch(self, sql, *values)

    patch.setattr(db.Tx, "fetch", slowly)


async def race(fleet: Fleet, patch: pytest.MonkeyPatch, seed: int, persons: int = PERSONS) -> Race:
    """Everyone gets a message, about ten to a device at one a second; everyone says STOP within five seconds of theirs."""
    hand, seen = random.Random(seed), Race()
    fleet.driver.caps = replace(fleet.driver.caps, send_timeout=timedelta(seconds=2))
    fleet.engine = fleet.new_engine()
    await fleet.clock.advance(4)  # the leases of the first one lapse
    take = type(fleet.engine.claimer).take

    async def watched(self: Any, *words: Any, **more: Any) -> Any:
        taken = await take(self, *words, **more)
        for each in taken.to_send:
            seen.claimed.setdefault(who[each.phone], time.perf_counter())
        return taken

    patch.setattr(type(fleet.engine.claimer), "take", watched)
    slow_lock(patch)
    devices = await fleet.add_devices(DEVICES)
    source = await fleet.add_source(gap=1.0)
    phones = [f"60127{n:06d}" for n in range(persons)]
    for number, device in enumerate(devices):
        await fleet.enqueue(device, phones[number::DEVICES], source=source)
    who = {phone: await fleet.person(phone) for phone in phones}
    start = fleet.clock.monotonic()
    due = sorted((max(0.0, 1.3 * (n // DEVICES) + hand.uniform(-5, 5)), who[phone]) for n, phone in enumerate(phones))
    await fleet.engine.leases.beat()

    async def stop(person: str) -> None:
        await asyncio.sleep(hand.uniform(0, 2 * PAUSE))
        async with fleet.db.transaction(fleet.workspace) as tx:
            await outbox.opt_out(tx, fleet.workspace, PersonId(person), STOP)
        seen.stopped[person] = time.perf_counter(), fleet.clock.monotonic()

    while due:
        until = fleet.clock.monotonic() - start + 0.25
        now_due = [person for at, person in due if at < until]
        due = [(at, person) for at, person in due if at >= until]
        await asyncio.gather(fleet.engine.tick(), *(stop(person) for person in now_due))
        await fleet.clock.advance(0.25)
        await fleet.engine.flush()
        await fleet.engine.leases.beat()
    await fleet.run(20)
    return seen


def too_late(fleet: Fleet, seen: Race, people: Mapping[str, str]) -> list[str]:
    """Effects later than the commit of the STOP and the time a send may take."""
    timeout = fleet.driver.caps.send_timeout.total_seconds()
    sent = [line for line in fleet.book.lines() if line["effect"] == "sent"]
    return [
        line["to"]
        for line in sent
        if (person := people[line["to"]]) in seen.stopped and float(line["mono"]) > seen.stopped[person][1] + timeout
    ]


async def people_of(fleet: Fleet) -> dict[str, str]:
    return {row["phone"]: row["person_id"] for row in await fleet.sql("SELECT DISTINCT phone, person_id FROM messages")}


async def test_no_claim_begins_after_the_stop(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """I-09."""
    seen = await race(fleet, monkeypatch, seed=1)
    assert seen.broken == []
    assert too_late(fleet, seen, await people_of(fleet)) == []
    states = await fleet.states()
    assert len(seen.stopped) == PERSONS
    assert states.get("suppressed", 0) > PERSONS // 10, "the STOPs came too late to prove anything"
    assert len(seen.claimed) > PERSONS // 10, "and these too early"
    assert "queued" not in states


async def test_mutant_check_at_enqueue_only(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """I-09 mutant: whoever is queued goes; neither the STOP nor the claim looks at what is queued."""
    judge = rules.judge

    def trusting(kind: Any, known: rules.Facts, *more: Any, **named: Any) -> rules.Ruling:
        return judge(kind, known, *more, **{**named, "confirms_opted_out": True})

    async def nothing(*words: Any) -> list[Any]:
        return []

    monkeypatch.setattr(rules, "judge", trusting)
    monkeypatch.setattr(queue, "suppress_person", nothing)
    seen = await race(fleet, monkeypatch, seed=1, persons=120)
    assert seen.broken, "the mutant lives"
    assert too_late(fleet, seen, await people_of(fleet))


async def test_mutant_facts_of_the_statement_that_locks(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """I-09 mutant: lock and look in one statement, so by one snapshot, which is older than the lock."""
    known: dict[str, bool] = {}
    about = consent.LIVE.format(person="p.workspace_id, p.id")

    async def lock_and_look(tx: db.Tx, heads: Any) -> dict[tuple[str, str], model.Person]:
        sql = f"""SELECT p.workspace_id, p.id, p.zones, ({about}) AS is_out FROM persons p
                  WHERE p.id = ANY($1::uuid[]) FOR UPDATE OF p SKIP LOCKED"""
        rows = await tx.fetch(sql, [head.person_id for head in heads])
        known.update({row["id"]: row["is_out"] for row in rows})
        return {(row["workspace_id"], row["id"]): model.Person(row["zones"]) for row in rows}

    read = facts.read_held

    async def of_that_snapshot(tx: db.Tx, ready: Any, now: datetime, **more: Any) -> list[rules.Facts]:
        found = await read(tx, ready, now, **more)
        names = rules.Facts.__dataclass_fields__
        return [
            rules.Facts(**{name: getattr(each, name) for name in names} | {"is_opted_out": known[one.head.person_id]})
            for each, one in zip(found, ready, strict=True)
        ]

    async def not_yet(*words: Any) -> list[Any]:
        return []

    monkeypatch.setattr(lanes, "lock_persons", lock_and_look)
    monkeypatch.setattr(facts, "read_held", of_that_snapshot)
    monkeypatch.setattr(queue, "suppress_person", not_yet)
    seen = await race(fleet, monkeypatch, seed=1)
    assert seen.broken, "the mutant lives"


async def test_the_claim_alone_holds_without_the_sweep_of_the_queue(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same race with the good claim, where the opt-out does not end what is queued: the claim itself must see it."""

    async def not_yet(*words: Any) -> list[Any]:
        return []

    monkeypatch.setattr(queue, "suppress_person", not_yet)
    seen = await race(fleet, monkeypatch, seed=2, persons=200)
    assert seen.broken == []
    assert too_late(fleet, seen, await people_of(fleet)) == []
    assert (await fleet.states()).get("suppressed", 0) > 10
