"""I-23: whatever left can be traced to consent, the version of the rules, and whoever asked for it, by the ledger's own lines."""

import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from hantar.accounts.model import Caller
from hantar.campaigns import service as campaigns
from hantar.kit import clock, cluster, db
from hantar.outbox import model, rules, service, store
from hantar.persons import service as persons
from hantar.policy import service as policy
from tests.fleet import Fleet
from tests.outbox import people

LINES = 1000
DEVICES, EACH, SINGLE = 32, 24, 12

Row = Mapping[str, Any]


@pytest.fixture
async def fleet(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, alice: Caller) -> AsyncIterator[Fleet]:
    """An engine with a simulated world under a fake clock."""
    made = Fleet(database, fake_clock, bus, alice.workspace_id)
    await made.start()
    yield made
    await made.close()


async def send_much(fleet: Fleet, alice: Caller, bob: Caller, each: int = EACH, devices: int = DEVICES) -> None:
    """Campaigns of Alice's and single messages of Bob's; some people agreed, some wrote, some are marked; the rules change."""
    mine = await fleet.add_devices(devices)
    phones = {device: [f"6012{n + 200}{k:04d}" for k in range(each)] for n, device in enumerate(mine)}
    for device, numbers in phones.items():
        await fleet.add_leads(device, numbers)
    async with fleet.db.transaction(fleet.workspace) as tx:
        wanted = fleet.draft(min_delay_seconds=0, max_delay_seconds=0)
        agreed = [number for numbers in phones.values() for number in numbers[::3]]
        for number in agreed:
            who = await persons.at_phone(tx, fleet.workspace, number)
            await people.give(tx, fleet.workspace, who)
        await campaigns.create(tx, fleet.workspace, wanted, by=alice.user_id)
    await fleet.planner.look()
    for device in mine:
        strangers = [f"6017{number[4:]}" for number in phones[device][:SINGLE]]
        async with fleet.db.transaction(fleet.workspace) as tx:
            for number in strangers:
                asked = service.Direct(device, number, "Hello", is_manual=True)
                await service.send(tx, fleet.workspace, asked, bob.user_id)
    await fleet.run(3)
    await fleet.set_rules(person_cap_day=20)
    await fleet.run(6)


async def untraced(fleet: Fleet, count: int, seed: int = 1) -> list[str]:
    """What cannot be told of so many lines of the ledger, drawn at random; one sentence each."""
    sent = [line for line in fleet.book.lines() if line["effect"] == "sent"]
    assert len(sent) >= count, f"only {len(sent)} lines"
    rows = {row["wire_id"]: row for row in await fleet.rows()}
    async with fleet.db.transaction(fleet.workspace) as tx:
        asked_by = {row["id"]: row["created_by"] for row in await tx.fetch("SELECT id, created_by FROM campaigns")}
        members = {row["user_id"] for row in await tx.fetch("SELECT user_id FROM members")}
        versions = await tx.fetch("SELECT version, at, values FROM policies ORDER BY version")
        consents = {row["id"]: row for row in await tx.fetch("SELECT * FROM consents")}
    found = []
    for line in random.Random(seed).sample(sent, count):
        row = rows.get(line["ref"])
        if row is None:
            found.append(f"{line['ref']}: no message")
            continue
        found += [f"{row['id']}: {what}" for what in (_rules(row, versions), _consent(row, consents, versions)) if what]
        actor = row["created_by"] or asked_by.get(row["source_id"])
        if actor not in members:
            found.append(f"{row['id']}: asked for by {actor}")
    return found


def _rules(row: Row, versions: list[db.Row]) -> str | None:
    """The version the message left by is the one that was in force then."""
    in_force = max((each["version"] for each in versions if each["at"] <= row["claimed_at"]), default=0)
    return None if row["policy_version"] == in_force else f"left by version {row['policy_version']}, not {in_force}"


def _consent(row: Row, consents: Mapping[str, db.Row], versions: list[db.Row]) -> str | None:
    """A consent of this very person, live at that time; or the rules of that version only mark a missing one."""
    held = [each for each in consents.values() if each["person_id"] == row["person_id"] and each["given_at"] <= row["claimed_at"]]
    if row["consent_id"] is None:
        values = next((each["values"] for each in versions if each["version"] == row["policy_version"]), {})
        is_marked = values.get("simulator", {}).get("consent_mode", "mark") == "mark"
        return None if is_marked and not held else "no consent named although there is one, or the rules want one"
    return None if row["consent_id"] in {each["id"] for each in held} else "the consent is not this person's"


@pytest.mark.slow
async def test_a_thousand_lines_of_the_ledger_are_all_traced(fleet: Fleet, alice: Caller, bob: Caller) -> None:
    await send_much(fleet, alice, bob)
    assert await untraced(fleet, LINES) == []
    rows = await fleet.rows()
    assert {row["policy_version"] for row in rows if row["wire_id"]} >= {1, 2}, "the rules changed on the way"
    assert {row["consent_id"] is None for row in rows} == {True, False}
    assert {row["kind"] for row in rows} == {"campaign", "direct"}


def _forget_version(patch: pytest.MonkeyPatch) -> None:
    """The claim does not keep by which version of the rules it judged."""
    _change_claims(patch, policy_version=0)


def _forget_consent(patch: pytest.MonkeyPatch) -> None:
    """The claim does not keep the consent."""
    _change_claims(patch, consent_id=None)


def _change_claims(patch: pytest.MonkeyPatch, **changes: Any) -> None:
    claim = store.claim

    async def careless(tx: db.Tx, taken: list[model.Claim], now: Any) -> set[str]:
        return await claim(tx, [replace(each, **changes) for each in taken], now)

    patch.setattr(store, "claim", careless)


def _first_version(patch: pytest.MonkeyPatch) -> None:
    """The rules are read once and kept, so a change is not seen."""
    kept: dict[Any, Any] = {}
    read = policy.Remembered.effective

    async def once(known: policy.Remembered, tx: db.Tx, *asked: Any) -> Any:
        kept.update({key: value for key, value in (await read(known, tx, *asked)).items() if key not in kept})
        return kept

    patch.setattr(policy.Remembered, "effective", once)


def _nobody(patch: pytest.MonkeyPatch) -> None:
    """Single messages are stored without whoever asked."""
    send = service.send

    async def anonymous(tx: db.Tx, workspace_id: str, asked: service.Direct, by: str | None) -> db.Row:
        return await send(tx, workspace_id, asked, None)

    patch.setattr(service, "send", anonymous)


def _anyone_s_consent(patch: pytest.MonkeyPatch) -> None:
    """The judge answers with somebody else's consent."""
    judge = rules.judge
    last: list[str] = []

    def mixed(kind: Any, facts: rules.Facts, *words: Any, **more: Any) -> rules.Ruling:
        ruling = judge(kind, facts, *words, **more)
        if isinstance(ruling, rules.Go):
            if ruling.consent_id is not None:
                last.append(ruling.consent_id)
            return replace(ruling, consent_id=last[-1] if last else None)
        return ruling

    patch.setattr(rules, "judge", mixed)


@pytest.mark.parametrize("mutate", [_forget_version, _forget_consent, _first_version, _nobody, _anyone_s_consent])
async def test_mutants_cannot_be_traced(
    fleet: Fleet, alice: Caller, bob: Caller, monkeypatch: pytest.MonkeyPatch, mutate: Any
) -> None:
    mutate(monkeypatch)
    await send_much(fleet, alice, bob, each=26, devices=3)
    assert await untraced(fleet, 80) != [], "the mutant lives"


async def test_few_lines_without_a_mutant(fleet: Fleet, alice: Caller, bob: Caller) -> None:
    """What the mutants are measured against."""
    await send_much(fleet, alice, bob, each=26, devices=3)
    assert await untraced(fleet, 80) == []
