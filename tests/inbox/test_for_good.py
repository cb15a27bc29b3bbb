"""I-10: an opt-out outlives everything that happens to the person's names, leads and devices; the ledger is the judge.

A machine does whatever people and programs can do, in any order. Its oracle knows names (numbers and opaque ids), which of
them the service has told to be one person, and who said stop; and nothing of our tables.
"""

import asyncio
import io
import itertools
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from hantar.accounts.model import Role
from hantar.consent import model as consents, optouts, service as consent
from hantar.gateways import port
from hantar.inbox import identity, service
from hantar.kit import clock, cluster, db, errors
from hantar.leads import import_model, importing, service as leads, sheet, store as lead_store
from hantar.leads.model import DeviceId, Fields
from hantar.outbox import service as outbox
from hantar.people import blocklist
from hantar.persons import service as persons
from tests import cast
from tests.conftest import KEY, _named
from tests.fleet import Fleet

PHONES = ("60123450001", "60123450002", "60123450003")
LIDS = ("701@lid", "702@lid", "703@lid")
"""The third person's opaque id is never linked by the service."""
WHO = st.integers(0, 2)
DEVICE = st.integers(0, 1)
BY = st.sampled_from(["number", "opaque id", "both"])

_databases = itertools.count(1)


class Oracle:
    """Who may be written to, by name: opt-outs bind every name of a person, and names only ever join."""

    def __init__(self) -> None:
        self._of: dict[str, set[str]] = {name: {name} for name in (*PHONES, *LIDS)}
        self._out: dict[str, set[str]] = {name: set() for name in (*PHONES, *LIDS)}

    def join(self, one: str, other: str) -> None:
        """Two names are one person's."""
        names = self._of[one] | self._of[other]
        out = self._out[one] | self._out[other]
        for each in names:
            self._of[each], self._out[each] = names, out

    def stop(self, name: str, reason: str = "stop") -> None:
        """This person wants no more."""
        for each in self._of[name]:
            self._out[each] = self._out[each] | {reason}

    def release(self, name: str, reason: str = "stop") -> None:
        """This reason is gone."""
        for each in self._of[name]:
            self._out[each] = self._out[each] - {reason}

    def is_out(self, name: str) -> bool:
        """Whether nothing may reach this name."""
        return bool(self._out[name])


class Machine(RuleBasedStateMachine):
    """One workspace with two devices and three people."""

    server = ""
    reached = 0
    kept_away = 0

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.oracle = Oracle()
        self.seen = self.number = 0
        self.name = f"machine_{next(_databases)}"

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run to the end, then look at what left meanwhile."""
        return self.loop.run(work)

    @initialize()
    def begin(self) -> None:
        self.do(self._begin())

    async def _begin(self) -> None:
        connection = await asyncpg.connect(self.server)
        await connection.execute(f"CREATE DATABASE {self.name} TEMPLATE template_hantar STRATEGY FILE_COPY")
        await connection.close()
        self.clock, self.bus = clock.FakeClock(), cluster.LocalBus()
        self.db = db.Database(_named(self.server, self.name), key=KEY, clock=self.clock, bus=self.bus, size=3)
        self.workspace = await cast.add_workspace(self.db, "Machine")
        self.alice = await cast.add_person(self.db, self.workspace, "Alice", Role.OWNER)
        self.fleet = Fleet(self.db, self.clock, self.bus, self.workspace)
        await self.fleet.start()
        await self.fleet.add_devices(2, linked_at=self.clock.now() - timedelta(days=60))
        await self._lead(0, 0)

    def teardown(self) -> None:
        if hasattr(self, "fleet"):
            self.do(self._end())
        self.loop.close()

    async def _end(self) -> None:
        await self.fleet.close()
        await self.db.close()
        connection = await asyncpg.connect(self.server)
        await connection.execute(f"DROP DATABASE {self.name} WITH (FORCE)")
        await connection.close()

    # ------------------------------------------------------------ leads
    async def _lead(self, who: int, device: int) -> None:
        fields = Fields(f"Person {who}", PHONES[who], niches=("FIT",))
        try:
            async with self.db.transaction(self.workspace) as tx:
                await leads.create(tx, self.workspace, fields, DeviceId(self.fleet.devices[device]))
        except errors.Conflict:
            pass  # the device has this person

    @rule(who=WHO, device=DEVICE)
    def add_lead(self, who: int, device: int) -> None:
        self.do(self._lead(who, device))

    @rule(device=DEVICE)
    def import_all(self, device: int) -> None:
        self.do(self._import(device))

    async def _import(self, device: int) -> None:
        rows = "".join(f"Person {n},+{phone},FIT\n" for n, phone in enumerate(PHONES))
        file = io.BytesIO(f"name,phone,niche\n{rows}".encode())
        wished = import_model.Options(
            DeviceId(self.fleet.devices[device]), sheet.Format("", ""), None, import_model.OnDuplicate.UPDATE, "MY", False
        )
        found = importing.survey(file, wished, None, None)
        async with self.db.transaction(self.workspace) as tx:
            await importing.run_small(tx, self.workspace, file, found.options, "all.csv", None)

    @rule(who=WHO)
    def delete_leads(self, who: int) -> None:
        self.do(self._delete(who))

    async def _delete(self, who: int) -> None:
        async with self.db.transaction(self.workspace) as tx:
            for row in await tx.fetch("SELECT id FROM leads WHERE phone = $1", PHONES[who]):
                await leads.delete(tx, row["id"])

    # ------------------------------------------------------------ sending
    @rule()
    def campaign(self) -> None:
        self.do(self._campaign())

    async def _campaign(self) -> None:
        self.number += 1
        async with self.db.system() as tx:
            has_leads = await tx.fetchval("SELECT EXISTS (SELECT 1 FROM leads)")
        if has_leads:
            await self.fleet.launch(title=f"Campaign {self.number}", min_delay_seconds=0, max_delay_seconds=0)
        await self.fleet.run(2, step=0.5)

    @rule(who=WHO, device=DEVICE, is_manual=st.booleans())
    def direct(self, who: int, device: int, is_manual: bool) -> None:
        self.do(self._direct(who, device, is_manual))

    async def _direct(self, who: int, device: int, is_manual: bool) -> None:
        asked = outbox.Direct(self.fleet.devices[device], PHONES[who], "Hello", is_manual=is_manual)
        refused = None
        try:
            async with self.db.transaction(self.workspace) as tx:
                await outbox.send(tx, self.workspace, asked, None)
        except errors.Conflict as error:
            refused = error.code
        assert (refused == "opted_out") == self.oracle.is_out(PHONES[who])
        await self.fleet.run(1, step=0.5)

    # ------------------------------------------------------------ what people say
    def _says(self, who: int, device: int, by: str, text: str) -> None:
        self.number += 1
        lid, phone = (LIDS[who] if by != "number" else None), (PHONES[who] if by != "opaque id" else None)
        wire = f"IN-{self.number}"
        event = port.MessageReceived(
            device_id=self.fleet.devices[device],
            event_id=wire,
            at=self.clock.now(),
            sender=port.Address(phone, lid),
            wire_id=wire,
            text=text,
        )
        if by == "both":
            self.oracle.join(PHONES[who], LIDS[who])
        self.do(self._hear(event))

    async def _hear(self, event: port.Event) -> None:
        await self.fleet.receiver.take(event)
        await self.clock.advance(1)

    @rule(who=WHO, device=DEVICE, by=BY, word=st.sampled_from(["STOP", "berhenti!", "退订"]))
    def says_stop(self, who: int, device: int, by: str, word: str) -> None:
        self._says(who, device, by, word)
        self.oracle.stop(LIDS[who] if by == "opaque id" else PHONES[who])
        self.do(self.fleet.run(1, step=0.5))

    @rule(who=WHO, device=DEVICE, by=BY)
    def says_start(self, who: int, device: int, by: str) -> None:
        self._says(who, device, by, "start")
        self.oracle.release(LIDS[who] if by == "opaque id" else PHONES[who])
        self.do(self.fleet.run(1, step=0.5))

    @rule(who=WHO, device=DEVICE, by=BY)
    def says_something(self, who: int, device: int, by: str) -> None:
        self._says(who, device, by, "Thanks")

    @rule(who=st.integers(0, 1))
    def identity_is_told(self, who: int) -> None:
        event = port.IdentityLinked(
            device_id=self.fleet.devices[0], event_id=f"id:{who}", at=self.clock.now(), phone=PHONES[who], opaque=LIDS[who]
        )
        self.oracle.join(PHONES[who], LIDS[who])
        self.do(self._hear(event))

    @rule(who=WHO, device=DEVICE)
    def complains(self, who: int, device: int) -> None:
        self.number += 1
        event = port.OptOut(
            device_id=self.fleet.devices[device],
            event_id=f"complaint-{self.number}",
            at=self.clock.now(),
            who=port.Address(PHONES[who]),
            way="complaint",
        )
        self.oracle.stop(PHONES[who], "complaint")
        self.do(self._hear(event))

    # ------------------------------------------------------------ what the workspace does
    @rule(who=WHO)
    def owner_opts_out(self, who: int) -> None:
        self.oracle.stop(PHONES[who], "manual")
        self.do(self._opt_out(who))

    async def _opt_out(self, who: int) -> None:
        async with self.db.transaction(self.workspace) as tx:
            person = await persons.at_phone(tx, self.workspace, PHONES[who])
            asked = consents.OptOut(consents.OptOutReason.MANUAL, consents.OptOutSource.API)
            await outbox.opt_out(tx, self.workspace, person, asked)

    @rule(who=WHO)
    def block_list(self, who: int) -> None:
        self.oracle.stop(PHONES[who], "manual")
        asked = consents.OptOut(consents.OptOutReason.MANUAL, consents.OptOutSource.IMPORT)
        self.do(blocklist.take(self.db, self.workspace, io.BytesIO(PHONES[who].encode()), asked, "MY"))

    @rule(who=WHO, reason=st.sampled_from(["stop", "manual", "complaint"]), is_admin=st.booleans())
    def release(self, who: int, reason: str, is_admin: bool) -> None:
        if self.do(self._release(who, reason, is_admin)):
            self.oracle.release(PHONES[who], reason)

    async def _release(self, who: int, reason: str, is_admin: bool) -> bool:
        asked = optouts.Release("They asked.", self.alice.user_id, is_admin, evidence="A letter")
        async with self.db.transaction(self.workspace) as tx:
            person = await persons.at_phone(tx, self.workspace, PHONES[who])
            sql = "SELECT id FROM suppressions WHERE person_id = $1 AND reason = $2 AND released_at IS NULL"
            rows = await tx.fetch(sql, person, reason)
            if reason == "complaint" and not is_admin:
                for row in rows:
                    with pytest.raises(errors.Forbidden):
                        await optouts.release(tx, self.workspace, row["id"], asked)
                return False
            for row in rows:
                await optouts.release(tx, self.workspace, row["id"], asked)
        return True

    @rule(one=WHO, other=WHO)
    def merge(self, one: int, other: int) -> None:
        if one != other:
            self.oracle.join(PHONES[one], PHONES[other])
            self.do(self._merge(one, other))

    async def _merge(self, one: int, other: int) -> None:
        async with self.db.transaction(self.workspace) as tx:
            kept, gone = [await persons.at_phone(tx, self.workspace, PHONES[n]) for n in (one, other)]
            if kept != gone:
                await service.merge(tx, self.workspace, kept, gone)

    # ------------------------------------------------------------ the judge
    @invariant()
    def nobody_who_is_out_is_reached(self) -> None:
        if not hasattr(self, "fleet"):
            return
        lines = list(self.fleet.book.lines())
        duties = self.do(self._duties())
        for line in lines[self.seen :]:
            if line["effect"] != "sent":
                continue
            if duties.get(line["wire"]) is None:
                assert not self.oracle.is_out(line["to"]), f"{line['to']} has opted out and was written to"
                Machine.reached += 1
        self.seen = len(lines)
        Machine.kept_away += sum(self.oracle.is_out(phone) for phone in PHONES)

    async def _duties(self) -> dict[str, str | None]:
        async with self.db.system() as tx:
            rows = await tx.fetch("SELECT wire_id, duty, source_id FROM messages WHERE wire_id IS NOT NULL")
        stops = [row["source_id"] for row in rows if row["duty"] == "optout_confirmation"]
        assert len(stops) == len(set(stops)), "an opt-out was confirmed twice"
        return {row["wire_id"]: row["duty"] for row in rows}

    @invariant()
    def the_tables_say_so_too(self) -> None:
        if hasattr(self, "fleet"):
            self.do(self._compare())

    async def _compare(self) -> None:
        async with self.db.transaction(self.workspace) as tx:
            for phone in PHONES:
                assert (await optouts.check(tx, phone)).is_opted_out == self.oracle.is_out(phone), phone


def run(server: str, examples: int, steps: int) -> None:
    Machine.server, Machine.reached, Machine.kept_away = server, 0, 0
    how = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        database=None,
        report_multiple_bugs=False,  # a mutant is found once
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Machine, settings=how)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_opt_out_outlives_everything(server: str) -> None:
    run(server, 25, 20)
    assert Machine.reached > 20, "nobody was written to, so the test proves nothing"
    assert Machine.kept_away > 100, "nobody opted out, so the test proves nothing"


def _deleting_clears(patch: pytest.MonkeyPatch) -> None:
    """Deleting a lead clears the person's opt-outs."""
    delete = lead_store.delete

    async def forgetful(tx: db.Tx, lead_id: Any) -> bool:
        person = await tx.fetchval("SELECT person_id FROM leads WHERE id = $1", lead_id)
        keys = await persons.keys(tx, person)
        await tx.execute("UPDATE suppression_keys SET is_live = false WHERE key = ANY($1::bytea[])", keys)
        await tx.execute("UPDATE suppressions SET released_at = now() WHERE person_id = $1", person)
        return await delete(tx, lead_id)

    patch.setattr(lead_store, "delete", forgetful)


def _links_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    """Whose opaque id it is, is not remembered."""

    async def forgotten(tx: db.Tx, workspace_id: str, key: str, _opaque: str) -> Any:
        return await persons.at_phone(tx, workspace_id, key)

    patch.setattr(identity, "link", forgotten)


def _start_releases_all(patch: pytest.MonkeyPatch) -> None:
    """START releases every reason."""

    async def all_of_them(tx: db.Tx, person_id: Any, _said_at: Any) -> list[optouts.Released]:
        sql = """UPDATE suppressions SET released_at = at WHERE person_id = $1 AND released_at IS NULL RETURNING id, at"""
        rows = await tx.fetch(sql, person_id)
        await consent.end_keys(tx, [row["id"] for row in rows])
        return [optouts.Released(row["id"], row["at"]) for row in rows]

    patch.setattr(optouts, "release_stops", all_of_them)


def _merge_loses(patch: pytest.MonkeyPatch) -> None:
    """Of two who are merged, the opt-outs of the second are ended."""
    merge = identity.merge

    async def loses(tx: db.Tx, workspace_id: str, keep: str, drop: str) -> None:
        rows = await tx.fetch("UPDATE suppressions SET released_at = at WHERE person_id = $1 RETURNING id", drop)
        await consent.end_keys(tx, [row["id"] for row in rows])
        await merge(tx, workspace_id, keep, drop)

    patch.setattr(identity, "merge", loses)
    patch.setattr(service, "merge", loses)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("mutate", [_deleting_clears, _links_are_forgotten, _start_releases_all, _merge_loses])
def test_mutants_are_found(server: str, monkeypatch: pytest.MonkeyPatch, mutate: Callable[[pytest.MonkeyPatch], None]) -> None:
    """I-10 mutants."""
    mutate(monkeypatch)
    with pytest.raises(AssertionError):
        run(server, 25, 20)
