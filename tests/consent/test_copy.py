"""A restored database learns from the newest list who hears nothing more: every opt-out is in force again (I-09)."""

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from hantar.accounts.model import Caller, Role
from hantar.consent import copy, copy_store, model, optouts, service
from hantar.kit import clock, cluster, db, ids, keyed
from hantar.people import store as people
from hantar.persons import service as persons
from hantar.persons.model import PersonId
from tests import cast
from tests.conftest import KEY

PHONES = tuple(f"6012345{n:04d}" for n in range(40))
STOP = model.OptOut(model.OptOutReason.STOP, model.OptOutSource.KEYWORD, text="STOP 0123456789", keywords_version="1")
LEGAL = model.OptOut(model.OptOutReason.LEGAL, model.OptOutSource.API, note="a letter")
GIVEN = "I want news from Kedai Alice."


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "opt-outs.jsonl"


async def person(database: db.Database, caller: Caller, phone: str) -> PersonId:
    async with database.transaction(caller.workspace_id) as tx:
        return await persons.at_phone(tx, caller.workspace_id, phone)


async def say(database: db.Database, caller: Caller, phone: str, asked: model.OptOut = STOP) -> str:
    """Opt a number out; returns the opt-out's id."""
    async with database.transaction(caller.workspace_id) as tx:
        who = await persons.at_phone(tx, caller.workspace_id, phone)
        made = await service.opt_out(tx, caller.workspace_id, who, asked)
    assert made is not None
    return made


async def silent(database: db.Database, caller: Caller, phones: tuple[str, ...] = PHONES) -> set[str]:
    """Which of these numbers hear nothing more, by the very test that a claim makes."""
    found = set()
    for phone in phones:
        async with database.transaction(caller.workspace_id) as tx:
            who = await persons.at_phone(tx, caller.workspace_id, phone)
            if await service.is_opted_out(tx, caller.workspace_id, who):
                found.add(phone)
    return found


async def release(database: db.Database, caller: Caller, opt_out_id: str) -> None:
    async with database.transaction(caller.workspace_id) as tx:
        asked = optouts.Release("They asked.", caller.user_id, is_admin=True, evidence="A letter.")
        await optouts.release(tx, caller.workspace_id, opt_out_id, asked)


class Backups:
    """Copies of the test's database as they were: what a restore brings back."""

    def __init__(self, server: str, database: db.Database) -> None:
        self._server, self._database = server, database
        self._opened: list[tuple[str, db.Database]] = []

    async def take(self) -> db.Database:
        """The database as it is now, under another name."""
        await self._database.close()  # nobody may be connected; the next transaction connects again
        name = f"backup_{ids.new_id().replace('-', '')}"
        original = self._database.dsn.partition("?")[0].rsplit("/", 1)[1]
        connection = await asyncpg.connect(self._server)
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {original} STRATEGY FILE_COPY")
        await connection.close()
        dsn = self._database.dsn.replace(f"/{original}", f"/{name}", 1)
        made = db.Database(dsn, key=KEY, clock=self._database.clock, bus=cluster.LocalBus(), size=2)
        self._opened.append((name, made))
        return made

    async def forget(self) -> None:
        connection = await asyncpg.connect(self._server)
        for name, opened in self._opened:
            await opened.close()
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()


@pytest.fixture
async def backups(server: str, database: db.Database) -> AsyncIterator[Backups]:
    made = Backups(server, database)
    yield made
    await made.forget()


# ---------------------------------------------------------------- after a restore
async def test_everything_is_in_force_again(
    database: db.Database, alice: Caller, mallory: Caller, backups: Backups, file: Path, fake_clock: clock.FakeClock
) -> None:
    for phone in PHONES[:10]:
        await say(database, alice, phone)
    for phone in PHONES[10:35]:
        await person(database, alice, phone)
    old = await backups.take()
    fake_clock.jump(timedelta(hours=3))
    for phone in PHONES[10:30]:
        await say(database, alice, phone)
    for phone in PHONES[30:36]:  # the last is a person whom the backup does not know
        await say(database, alice, phone, LEGAL)
    await say(database, mallory, PHONES[39])
    before = await silent(database, alice), await silent(database, mallory)
    assert before[0] == set(PHONES[:36])

    written = await copy.export(database, file)
    assert await silent(old, alice, PHONES[:35]) == set(PHONES[:10]), (
        "the backup knows the new ones already, so this shows nothing"
    )
    done = await copy.merge(old, file)

    assert (await silent(old, alice), await silent(old, mallory)) == before
    assert done.added == written - 10
    assert (done.raised, done.homeless) == (0, 0)
    assert done.workspaces == {alice.workspace_id, mallory.workspace_id}
    async with old.transaction(alice.workspace_id) as tx:
        named = await tx.fetchval("SELECT count(person_id) FROM suppressions")
        assert named == 35, "the list and the person belong together again where the person is known"
        entry = await tx.fetchrow("SELECT actor, action, after FROM audit ORDER BY seq DESC LIMIT 1")
    assert entry is not None
    assert (entry["actor"], entry["action"]) == ("command line", "opt_out.merged")
    assert entry["after"] == {"added": 26, "in_force_again": 0, "erasures": 0}


async def test_merging_twice_changes_nothing_more(database: db.Database, alice: Caller, backups: Backups, file: Path) -> None:
    old = await backups.take()
    for phone in PHONES[:5]:
        await say(database, alice, phone)
    await copy.export(database, file)
    assert (await copy.merge(old, file)).added == 5
    again = await copy.merge(old, file)
    assert (again.added, again.raised, again.erasures, again.workspaces) == (0, 0, 0, set())


async def test_more_than_a_page(
    database: db.Database, alice: Caller, backups: Backups, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy, "PAGE", 7)
    old = await backups.take()
    for phone in PHONES:
        await say(database, alice, phone)
    await copy.export(database, file)
    assert (await copy.merge(old, file)).added == len(PHONES)
    assert await silent(old, alice) == set(PHONES)


async def test_nothing_is_taken_away(database: db.Database, alice: Caller, backups: Backups, file: Path) -> None:
    await say(database, alice, PHONES[0])
    await copy.export(database, file)
    await say(database, alice, PHONES[1])
    await say(database, alice, PHONES[0], LEGAL)
    await copy.merge(database, file)
    assert await silent(database, alice) == {PHONES[0], PHONES[1]}


async def test_the_stricter_side_wins(database: db.Database, alice: Caller, backups: Backups, file: Path) -> None:
    """Released on one side alone stays in force; released on both stays released."""
    here, there, both = [await say(database, alice, phone) for phone in PHONES[:3]]
    await release(database, alice, both)
    other = await backups.take()
    await release(database, alice, there)
    await copy.export(database, file)
    await release(other, alice, here)
    assert await silent(other, alice) == {PHONES[1]}
    done = await copy.merge(other, file)
    assert await silent(other, alice) == {PHONES[0], PHONES[1]}
    assert (done.added, done.raised) == (0, 1)
    async with other.transaction(alice.workspace_id) as tx:
        row = await tx.fetchrow("SELECT released_at, released_by, note FROM suppressions WHERE id = $1", here)
        consents = await tx.fetchval("SELECT count(*) FROM consents WHERE purpose = 'marketing' AND withdrawn_at IS NULL")
    assert row is not None
    assert (row["released_at"], row["released_by"]) == (None, None)
    assert "In force again" in row["note"]
    assert consents == 1, "the consent that released it is withdrawn with it; that of the third person stands"


async def test_a_name_learned_later_counts(database: db.Database, alice: Caller, backups: Backups, file: Path) -> None:
    """The person wrote by an opaque id that the backup had not seen: whoever turns up under it hears nothing."""
    old = await backups.take()
    async with database.transaction(alice.workspace_id) as tx:
        who = await persons.at_opaque(tx, alice.workspace_id, "12345678901234@lid")
        await service.opt_out(tx, alice.workspace_id, who, STOP)
    await copy.export(database, file)
    await copy.merge(old, file)
    async with old.transaction(alice.workspace_id) as tx:
        who = await persons.at_opaque(tx, alice.workspace_id, "12345678901234@lid")
        assert await service.is_opted_out(tx, alice.workspace_id, who)


async def test_opt_outs_for_everybody(database: db.Database, alice: Caller, backups: Backups, file: Path) -> None:
    old = await backups.take()
    key = keyed.fingerprint(KEY, "phone", PHONES[0])
    released = keyed.fingerprint(KEY, "phone", PHONES[1])
    async with database.transaction(None) as tx:
        sql = "INSERT INTO global_suppressions (key, id, reason, at, released_at) VALUES ($1, $2, 'legal', now(), $3)"
        await tx.execute(sql, key, ids.new_id(), None)
        await tx.execute(sql, released, ids.new_id(), await tx.now())
    await copy.export(database, file)
    assert (await copy.merge(old, file)).added == 2
    assert await silent(old, alice) == {PHONES[0]}
    async with old.transaction(None) as tx:
        await tx.execute("UPDATE global_suppressions SET released_at = now()")
    assert await silent(old, alice) == set()
    assert (await copy.merge(old, file)).raised == 1
    assert await silent(old, alice) == {PHONES[0]}


async def test_erasures_come_along(
    database: db.Database, alice: Caller, backups: Backups, file: Path, fake_clock: clock.FakeClock
) -> None:
    who = await person(database, alice, PHONES[0])
    old = await backups.take()
    fake_clock.jump(timedelta(hours=3))
    async with database.transaction(alice.workspace_id) as tx:
        await people.note_erasure(tx, alice.workspace_id, ids.new_id(), await persons.keys(tx, who), None, await tx.now())
    await copy.export(database, file)
    assert (await copy.merge(old, file)).erasures == 1
    async with old.transaction(alice.workspace_id) as tx:
        assert [row["id"] for row in await people.to_erase_again(tx)] == [who]


async def test_a_workspace_that_is_not_here(database: db.Database, alice: Caller, backups: Backups, file: Path) -> None:
    old = await backups.take()
    late = await cast.add_person(database, await cast.add_workspace(database, "Late"), "Late", Role.OWNER)
    await say(database, late, PHONES[0])
    await say(database, alice, PHONES[1])
    await copy.export(database, file)
    done = await copy.merge(old, file)
    assert (done.homeless, done.added) == (1, 1)
    assert await silent(old, alice) == {PHONES[1]}


async def test_a_consent_does_not_come_back(database: db.Database, alice: Caller, backups: Backups, file: Path) -> None:
    """The backup holds a consent from before the STOP."""
    who = await person(database, alice, PHONES[0])
    async with database.transaction(alice.workspace_id) as tx:
        given = model.Given("marketing", GIVEN, "paper", await tx.now())
        await service.give(tx, alice.workspace_id, [who], given)
    old = await backups.take()
    await say(database, alice, PHONES[0])
    await copy.export(database, file)
    await copy.merge(old, file)
    async with old.transaction(alice.workspace_id) as tx:
        assert await tx.fetchval("SELECT count(*) FROM consents WHERE withdrawn_at IS NULL") == 0


async def test_mutant_a_merge_that_trusts_the_newest_release_is_seen(
    database: db.Database, alice: Caller, backups: Backups, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutant: what was released on one side is not put in force again."""

    async def nothing(*_: object) -> int:
        return 0

    monkeypatch.setattr(copy_store, "_raise", nothing)
    with pytest.raises(AssertionError):
        await test_the_stricter_side_wins(database, alice, backups, file)


# ---------------------------------------------------------------- the file
async def test_the_file_names_nobody(database: db.Database, alice: Caller, file: Path) -> None:
    await say(database, alice, PHONES[0])
    await say(database, alice, PHONES[1], LEGAL)
    await copy.export(database, file)
    text = file.read_text()
    assert not any(phone in text for phone in PHONES)
    assert "0123456789" not in text.replace(keyed.check(KEY).hex(), "")
    assert "letter" not in text
    assert KEY.hex() not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == [file.name], "no draft is left"


async def test_another_key_is_refused(database: db.Database, alice: Caller, backups: Backups, file: Path) -> None:
    old = await backups.take()
    await say(database, alice, PHONES[0])
    await copy.export(database, file)
    old.key = bytes([1]) * 32
    with pytest.raises(copy.OtherKey):
        await copy.merge(old, file)
    old.key = KEY
    assert await silent(old, alice) == set()


@pytest.mark.parametrize("damage", ["cut", "half a line", "left out", "changed", "added"])
async def test_a_damaged_list_is_refused_whole(database: db.Database, alice: Caller, file: Path, damage: str) -> None:
    for phone in PHONES[:4]:
        await say(database, alice, phone)
    await copy.export(database, file)
    lines = file.read_bytes().splitlines(keepends=True)
    damaged = {
        "cut": lines[:-1],
        "half a line": [*lines[:-1], lines[-1][:-9]],
        "left out": [*lines[:2], *lines[3:]],
        "changed": [*lines[:2], lines[2].replace(b"stop", b"bounce"), *lines[3:]],
        "added": [*lines, lines[1]],
    }
    file.write_bytes(b"".join(damaged[damage]))
    with pytest.raises(copy.BrokenList):
        await copy.merge(database, file)


@pytest.mark.parametrize("text", ["", "name,phone\nA,60123\n", "{}\n", "[1]\n", '{"list": "hantar opt-outs", "version": 2}\n'])
async def test_another_file_is_refused(database: db.Database, file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(copy.NoList):
        await copy.merge(database, file)
    with pytest.raises(copy.NoList):
        await copy.export(database, file)
    assert file.read_text() == text


async def test_a_restored_database_does_not_replace_a_newer_list(
    database: db.Database, alice: Caller, backups: Backups, file: Path
) -> None:
    await say(database, alice, PHONES[0])
    old = await backups.take()
    await copy.export(database, file)
    await say(database, alice, PHONES[1])
    await copy.export(database, file)
    newest = file.read_bytes()
    with pytest.raises(copy.WouldForget):
        await copy.export(old, file)
    assert file.read_bytes() == newest
    await copy.merge(old, file)
    assert await copy.export(old, file) == 2


# ---------------------------------------------------------------- the commands
async def command(database: db.Database, home: Path, *said: str) -> tuple[int, str]:
    settings = {"DATABASE_URL": database.dsn, "HANTAR_DATA_DIR": str(home), "PATH": os.environ["PATH"]}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hantar", "opt-outs", *said),
        env=settings,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, output.decode()


@pytest.mark.slow
async def test_the_commands(database: db.Database, alice: Caller, tmp_path: Path, file: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / keyed.FILE).write_text(KEY.hex())
    await say(database, alice, PHONES[0])
    status, said = await command(database, tmp_path, "export", str(file))
    assert (status, said.strip()) == (0, f"1 entries written to {file}."), said
    status, said = await command(database, tmp_path, "merge", str(file))
    assert (status, said.startswith("0 opt-outs added, 0 in force again, 0 erasures")) == (0, True), said
    (tmp_path / keyed.FILE).write_text((bytes([1]) * 32).hex())
    status, said = await command(database, tmp_path, "merge", str(file))
    assert (status, "Put the right key file back" in said) == (1, True), said
    status, said = await command(database, tmp_path, "merge", str(tmp_path / "nothing"))
    assert status == 2
