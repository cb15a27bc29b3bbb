"""The list of opt-outs and erasures as a file: keyed hashes and no number, to be kept apart and newer than the backups.

A restored database is as old as its backup. Merged with the newest list before anything is sent, it knows every opt-out
again (responsible-sending.md 5). Merging only adds: what is in force on either side is in force afterwards.

A line is one JSON value: a head with a check of the key, the entries, and an end with their number and a seal
(HMAC-SHA256 of all lines before it under the installation's key), so that half a file is not taken for a whole one.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from hantar.audit import service as audit
from hantar.consent import copy_store
from hantar.kit import db, errors, keyed

KIND = "hantar opt-outs"
VERSION = 1
PAGE = 500
"""Entries merged in one transaction."""
COMMAND = audit.Actor(None, "command line")

Entry = dict[str, Any]


class NoList(errors.Invalid):
    """This file is no list of opt-outs."""

    code = "no_list"


class BrokenList(errors.Invalid):
    """This list is damaged or not complete. Use another copy of it."""

    code = "broken_list"


class OtherKey(errors.Conflict):
    """This list was made under another key, so its entries name nobody here. Use the list, or the key, that belongs here."""

    code = "other_key"


class WouldForget(errors.Conflict):
    """The file at this place knows opt-outs which this database does not. Merge it first, or choose another name."""

    code = "would_forget"


@dataclass(slots=True)
class Merged:
    """What a merge did: entries that were missing, opt-outs that are in force again, and what has no workspace here."""

    added: int = 0
    raised: int = 0
    erasures: int = 0
    homeless: int = 0
    workspaces: set[str] = field(default_factory=set)


# ---------------------------------------------------------------- the file
def _line(value: Entry) -> bytes:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), default=_text).encode() + b"\n"


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else bytes(value).hex()


def _seal(key: bytes) -> "hmac.HMAC":
    return hmac.new(key, KIND.encode(), hashlib.sha256)


def _parsed(line: bytes) -> Entry:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise BrokenList from error
    if not isinstance(found, dict):
        raise BrokenList
    return found


def _checked_head(line: bytes, key: bytes) -> None:
    try:
        head = json.loads(line)
    except ValueError as error:
        raise NoList from error
    if not isinstance(head, dict) or head.get("list") != KIND:
        raise NoList
    if head.get("version") != VERSION:
        raise NoList("This list was written by a newer Hantar. Merge it with that version.")
    if head.get("key") != keyed.check(key).hex():
        raise OtherKey


def verify(path: Path, key: bytes) -> int:
    """How many entries a list has; raises `NoList`, `OtherKey` or `BrokenList`, so that nothing is merged from a bad file."""
    seal, entries, end = _seal(key), 0, None
    with path.open("rb") as file:
        head = file.readline()
        _checked_head(head, key)
        seal.update(head)
        for line in file:
            if end is not None:
                raise BrokenList
            value = _parsed(line)
            if value.get("is") == "end":
                end = value
            else:
                seal.update(line)
                entries += 1
    if end is None or end.get("entries") != entries or not hmac.compare_digest(str(end.get("seal")), seal.hexdigest()):
        raise BrokenList
    return entries


def entries(path: Path) -> Iterator[Entry]:
    """The entries of a list that was verified."""
    with path.open("rb") as file:
        file.readline()
        for line in file:
            value = _parsed(line)
            if value.get("is") != "end":
                yield value


def _id_of(entry: Entry) -> tuple[Any, ...]:
    return entry["is"], entry.get("workspace"), entry["id"], entry.get("key")


# ---------------------------------------------------------------- export
def _known(path: Path, key: bytes) -> set[tuple[Any, ...]]:
    """What a list that stands at this place already knows."""
    if not path.exists():
        return set()
    verify(path, key)
    return {_id_of(each) for each in entries(path)}


async def export(database: db.Database, path: Path) -> int:
    """Write the list; returns how many entries it has. The file appears whole or not at all, readable by us alone.

    Raises `WouldForget` when a list is there already that knows more: a restored database must not replace a newer list.
    """
    known = _known(path, database.key)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        count = await _write(database, draft, known)
        if known:
            raise WouldForget
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return count


class _Draft:
    """The file while it is written: lines, their number and the seal over them."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._file = open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")  # noqa: SIM115 `_write` closes it
        self._seal, self.entries = _seal(key), 0

    def put(self, value: Entry) -> None:
        line = _line(value)
        self._file.write(line)
        self._seal.update(line)
        self.entries += "is" in value

    def end(self) -> None:
        """Write the end, and all of it to the disk."""
        self._file.write(_line({"is": "end", "entries": self.entries, "seal": self._seal.hexdigest()}))
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


async def _write(database: db.Database, path: Path, known: set[tuple[Any, ...]]) -> int:
    """Write all entries into a draft, striking them from `known`."""
    draft = _Draft(path, database.key)
    try:
        async with database.system() as tx:
            now, workspaces = await tx.now(), await copy_store.workspaces(tx)
        draft.put({"list": KIND, "version": VERSION, "made_at": now, "key": keyed.check(database.key).hex()})
        for workspace_id in [*workspaces, None]:
            await _copy(database, workspace_id, draft, known)
        draft.end()
    finally:
        draft.close()
    return draft.entries


async def _copy(database: db.Database, workspace_id: str | None, draft: _Draft, known: set[tuple[Any, ...]]) -> None:
    """The entries of one workspace, or (None) those for the whole installation."""
    before = draft.entries
    async with database.transaction(workspace_id) as tx:
        async for entry in copy_store.entries(tx, workspace_id):
            draft.put(entry)
            known.discard(_id_of(json.loads(_line(entry))))
        count = draft.entries - before
        if workspace_id is not None and count:
            thing = audit.Thing("opt_out")
            await audit.record(tx, workspace_id, COMMAND, "opt_out.exported", thing, after={"entries": count})


# ---------------------------------------------------------------- merge
async def merge(database: db.Database, path: Path) -> Merged:
    """Add to this database what the list knows and it does not; never takes anything away. Doing it twice changes nothing more.

    Erasures are carried out at the next start (`people.erasure`). Raises `NoList`, `OtherKey`, `BrokenList`.
    """
    verify(path, database.key)
    async with database.system() as tx:
        here = set(await copy_store.workspaces(tx))
    done = Merged()
    for workspace_id, group in groupby(entries(path), lambda entry: entry.get("workspace")):
        while batch := list(islice(group, PAGE)):
            if workspace_id is not None and workspace_id not in here:
                done.homeless += len(batch)
                continue
            async with database.transaction(workspace_id) as tx:
                await _merge(tx, workspace_id, batch, done)
    return done


async def _merge(tx: db.Tx, workspace_id: str | None, batch: list[Entry], done: Merged) -> None:
    if workspace_id is None:
        added, raised = await copy_store.merge_global(tx, batch)
        done.added, done.raised = done.added + added, done.raised + raised
        return
    added, raised = await copy_store.merge_opt_outs(tx, workspace_id, [each for each in batch if each["is"] == "opt_out"])
    erased = await copy_store.merge_erasures(tx, workspace_id, [each for each in batch if each["is"] == "erasure"])
    done.added, done.raised, done.erasures = done.added + added, done.raised + raised, done.erasures + erased
    if added or raised or erased:
        done.workspaces.add(workspace_id)
        after = {"added": added, "in_force_again": raised, "erasures": erased}
        await audit.record(tx, workspace_id, COMMAND, "opt_out.merged", audit.Thing("opt_out"), after=after)
