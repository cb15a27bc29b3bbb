"""Opt-outs as a list: find, check a number, add whole block lists, release. Nothing is ever deleted here.

Whether somebody is opted out is told by keyed hashes alone (`service.LIVE`); these rows are the history beside them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hantar.accounts.model import NotAllowed
from hantar.consent import model, service
from hantar.kit import db, ids, phone
from hantar.persons import service as persons
from hantar.persons.model import Alias, AliasKind, PersonId

LIST = """SELECT s.*, p.phone, d.name AS device_name, c.title AS campaign_title, coalesce(s.text, i.text) AS said,
    coalesce(l.name, i.push_name, '') AS name,
    EXISTS (SELECT 1 FROM global_suppressions g WHERE g.id = s.id) AS is_global
  FROM suppressions s
  LEFT JOIN persons p ON (p.workspace_id, p.id) = (s.workspace_id, s.person_id)
  LEFT JOIN devices d ON (d.workspace_id, d.id) = (s.workspace_id, s.device_id)
  LEFT JOIN campaigns c ON (c.workspace_id, c.id) = (s.workspace_id, s.campaign_id)
  LEFT JOIN inbound_messages i ON (i.workspace_id, i.id) = (s.workspace_id, s.inbound_id)
  LEFT JOIN LATERAL (SELECT name FROM leads l WHERE (l.workspace_id, l.person_id) = (s.workspace_id, s.person_id)
                     ORDER BY l.id DESC LIMIT 1) l ON true"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which opt-outs a list asks for; `since` inclusive, `until` exclusive."""

    text: str | None = None
    reason: str | None = None
    source: str | None = None
    is_live: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    device_id: str | None = None
    campaign_id: str | None = None


def _where(wanted: Wanted) -> db.Where:
    where = db.Where()
    columns = {
        "s.reason": wanted.reason,
        "s.source": wanted.source,
        "s.device_id": wanted.device_id,
        "s.campaign_id": wanted.campaign_id,
    }
    for column, value in columns.items():
        if value:
            where.add(f"{column} = {{}}", value)
    if wanted.is_live is not None:
        where.add("s.released_at IS NULL" if wanted.is_live else "s.released_at IS NOT NULL")
    if wanted.since:
        where.add("s.at >= {}", wanted.since)
    if wanted.until:
        where.add("s.at < {}", wanted.until)
    if wanted.text:
        _add_text(where, wanted.text)
    return where


def _add_text(where: db.Where, text: str) -> None:
    """Part of a number, or of the name of a lead."""
    digits = "".join(each for each in text if each.isdecimal())
    if len(digits) >= 3 and not any(each.isalpha() for each in text):
        where.add("p.phone LIKE {}", db.like(phone.canonical(digits)))
    else:
        of = "(l.workspace_id, l.person_id) = (s.workspace_id, s.person_id)"
        where.add(f"EXISTS (SELECT 1 FROM leads l WHERE {of} AND l.search LIKE lower({{}}))", db.like(text))


async def page(tx: db.Tx, wanted: Wanted, before: str | None, limit: int) -> list[db.Row]:
    """Opt-outs, the newest first; `before`: older than this id."""
    where = _where(wanted)
    if before:
        where.add("s.id < {}::uuid", before)
    await tx.execute("SET LOCAL statement_timeout = '3s'")  # F-26: a search may be dear, never endless
    return await tx.fetch(f"{LIST} WHERE {where} ORDER BY s.id DESC LIMIT {int(limit)}", *where.values)


async def count(tx: db.Tx, wanted: Wanted) -> int:
    """How many opt-outs a list has."""
    where = _where(wanted)
    joined = "suppressions s LEFT JOIN persons p ON (p.workspace_id, p.id) = (s.workspace_id, s.person_id)"
    return int(await tx.fetchval(f"SELECT count(*) FROM {joined} WHERE {where}", *where.values))


async def find(tx: db.Tx, opt_out_id: str) -> db.Row:
    """One opt-out as `page` gives it; raises `OptOutNotFound`."""
    row = await tx.fetchrow(f"{LIST} WHERE s.id = $1", opt_out_id)
    if row is None:
        raise model.OptOutNotFound
    return row


async def standing(tx: db.Tx, person_id: PersonId, reason: model.OptOutReason) -> db.Row:
    """The opt-out of this person that stands for this reason; raises `OptOutNotFound`."""
    sql = f"{LIST} WHERE s.person_id = $1 AND s.reason = $2 AND s.released_at IS NULL ORDER BY s.id DESC LIMIT 1"
    row = await tx.fetchrow(sql, person_id, reason.value)
    if row is None:
        raise model.OptOutNotFound
    return row


# ---------------------------------------------------------------- one number
@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a number hears nothing more, here or everywhere, and why."""

    is_opted_out: bool
    person_id: str | None
    reasons: tuple[str, ...]
    is_global: bool


async def check(tx: db.Tx, key: str) -> Standing:
    """How a number stands (its identity key), by every alias of the person behind it; also when that person was erased."""
    person_id = await persons.at_alias(tx, Alias(AliasKind.PHONE, key))
    hashes = [tx.fingerprint(AliasKind.PHONE.value, key)]
    if person_id is not None:
        hashes += await persons.keys(tx, person_id)
    here = """SELECT DISTINCT s.reason FROM suppression_keys k
              JOIN suppressions s ON (s.workspace_id, s.id) = (k.workspace_id, k.suppression_id)
              WHERE k.key = ANY($1::bytea[]) AND k.is_live ORDER BY 1"""
    everywhere = "SELECT DISTINCT reason FROM global_suppressions WHERE key = ANY($1::bytea[]) AND released_at IS NULL ORDER BY 1"
    own = [row["reason"] for row in await tx.fetch(here, hashes)]
    others = [row["reason"] for row in await tx.fetch(everywhere, hashes)]
    return Standing(bool(own or others), person_id, tuple(sorted({*own, *others})), bool(others))


# ---------------------------------------------------------------- the whole installation
async def go_global(tx: db.Tx, opt_out_id: str, reason: model.OptOutReason, person_id: PersonId) -> None:
    """Let an opt-out count in every workspace: keyed hashes alone, under the same id."""
    sql = """INSERT INTO global_suppressions (key, id, reason, at) SELECT k, $2, $3, $4 FROM unnest($1::bytea[]) AS k
             ON CONFLICT DO NOTHING"""
    await tx.execute(sql, await persons.keys(tx, person_id), opt_out_id, reason.value, await tx.now())


# ---------------------------------------------------------------- releasing
@dataclass(frozen=True, slots=True)
class Release:
    """Who gives somebody back, why, and the proof of their fresh consent: a file, words, or both."""

    reason: str
    by: str | None
    is_admin: bool
    evidence: str | None = None
    evidence_media_id: str | None = None


async def release(tx: db.Tx, workspace_id: str, opt_out_id: str, asked: Release) -> db.Row:
    """End one opt-out; the row stays as history and the proof becomes a consent. Returns it as it was.

    Raises `OptOutNotFound`, `AlreadyReleased`, and `NotAllowed` for reasons that only an administrator may release.
    """
    row = await find(tx, opt_out_id)
    if model.OptOutReason(row["reason"]) in model.ADMIN_ONLY and not asked.is_admin:
        raise NotAllowed("Only an administrator can release this one.")
    await persons.lock(tx, [row["person_id"]] if row["person_id"] else [])
    sql = """UPDATE suppressions SET released_at = $2, released_by = $3, release_reason = $4, release_media_id = $5
             WHERE id = $1 AND released_at IS NULL"""
    now = await tx.now()
    if await tx.execute(sql, opt_out_id, now, asked.by, asked.reason, asked.evidence_media_id) != 1:
        raise model.AlreadyReleased
    await service.end_keys(tx, [opt_out_id])
    if row["is_global"]:
        await tx.execute("UPDATE global_suppressions SET released_at = $2 WHERE id = $1 AND released_at IS NULL", opt_out_id, now)
    if row["person_id"]:
        given = await _fresh(tx, workspace_id, asked, now)
        await service.give(tx, workspace_id, [row["person_id"]], given)
        if not await service.is_opted_out(tx, workspace_id, row["person_id"]):
            tx.tell("lead.opted_in", workspace_id, person_id=row["person_id"])
    return row


async def _fresh(tx: db.Tx, workspace_id: str, asked: Release, now: datetime) -> model.Given:
    name = await tx.fetchval("SELECT name FROM workspaces WHERE id = $1", workspace_id)
    return model.Given(
        purpose="marketing",
        wording=asked.evidence or "Fresh consent, as the file that was put with it shows.",
        source="paper",
        given_at=now,
        business_name=name or "",
        proof_media_id=asked.evidence_media_id,
        actor_id=asked.by,
    )


@dataclass(frozen=True, slots=True)
class Released:
    """An opt-out that a person ended by their own word, and since when it had stood."""

    id: str
    at: datetime


CLOCKS_APART = timedelta(minutes=1)
"""How far the service's clock may stand behind ours when it is asked which of two came first (our own number)."""


async def release_stops(tx: db.Tx, person_id: PersonId, said_at: datetime) -> list[Released]:
    """End every STOP of this person, by any of their names, that is older than their word of `said_at`; no other reason.

    A START that comes late does not undo a STOP that was written after it. The caller has locked the person.
    """
    sql = """UPDATE suppressions s SET released_at = $2, release_reason = 'The person wrote that they want messages again.'
             WHERE s.reason = 'stop' AND s.released_at IS NULL
               AND (s.person_id = $1 OR s.id IN (SELECT k.suppression_id FROM suppression_keys k JOIN person_aliases a
                      ON (a.workspace_id, a.key) = (k.workspace_id, k.key) WHERE a.person_id = $1 AND k.is_live))
               AND coalesce((SELECT i.at FROM inbound_messages i WHERE i.id = s.inbound_id), s.at - $4::interval) <= $3
             RETURNING s.id, s.at"""
    rows = await tx.fetch(sql, person_id, await tx.now(), said_at, CLOCKS_APART)
    await service.end_keys(tx, [row["id"] for row in rows])
    return [Released(row["id"], row["at"]) for row in rows]


async def withdrawn_since(tx: db.Tx, person_id: PersonId, since: datetime) -> db.Row | None:
    """The newest consent to marketing that was withdrawn from `since` on and would still run; None when there was none."""
    sql = """SELECT * FROM consents WHERE person_id = $1 AND purpose = 'marketing' AND withdrawn_at >= $2
             AND (expires_at IS NULL OR expires_at > $3) ORDER BY given_at DESC, id DESC LIMIT 1"""
    return await tx.fetchrow(sql, person_id, since, await tx.now())


# ---------------------------------------------------------------- block lists
@dataclass(frozen=True, slots=True)
class Added:
    """What a block list brought: who is newly opted out, and how many were so for this reason already."""

    people: tuple[PersonId, ...]
    already: int


async def add_many(tx: db.Tx, workspace_id: str, numbers: Mapping[str, Sequence[str]], asked: model.OptOut) -> Added:
    """Opt out the people behind these identity keys (each with its time zones), a few statements for all of them."""
    people = await _people(tx, workspace_id, numbers)
    await persons.lock(tx, people)
    sql = """SELECT DISTINCT person_id FROM suppressions WHERE person_id = ANY($1::uuid[]) AND reason = $2
             AND released_at IS NULL"""
    stood = {row["person_id"] for row in await tx.fetch(sql, people, asked.reason.value)}
    fresh = [each for each in people if each not in stood]
    await _insert(tx, workspace_id, fresh, asked)
    await service.withdraw_all(tx, fresh, await tx.now())
    return Added(tuple(fresh), len(stood))


async def _people(tx: db.Tx, workspace_id: str, numbers: Mapping[str, Sequence[str]]) -> list[PersonId]:
    """The persons behind identity keys; those we did not know are made."""
    now, keys = await tx.now(), list(numbers)
    known = "SELECT value FROM person_aliases WHERE kind = 'phone' AND value = ANY($1::text[])"
    there = {row["value"] for row in await tx.fetch(known, keys)}
    new = [key for key in keys if key not in there]
    made = """INSERT INTO persons (workspace_id, id, phone, zones, created_at)
              SELECT $1, i, k, coalesce(string_to_array(nullif(z, ''), ','), '{}'), $5
              FROM unnest($2::uuid[], $3::text[], $4::text[]) AS x (i, k, z) ON CONFLICT (workspace_id, phone) DO NOTHING"""
    await tx.execute(made, workspace_id, [ids.new_id() for _ in new], new, [",".join(numbers[key]) for key in new], now)
    named = """INSERT INTO person_aliases (workspace_id, kind, value, key, person_id, created_at)
               SELECT $1, 'phone', p.phone, x.h, p.id, $4 FROM unnest($2::text[], $3::bytea[]) AS x (k, h)
               JOIN persons p ON p.phone = x.k ON CONFLICT DO NOTHING"""
    await tx.execute(named, workspace_id, new, [tx.fingerprint(AliasKind.PHONE.value, key) for key in new], now)
    found = "SELECT DISTINCT person_id FROM person_aliases WHERE kind = 'phone' AND value = ANY($1::text[]) ORDER BY 1"
    return [row["person_id"] for row in await tx.fetch(found, keys)]


async def _insert(tx: db.Tx, workspace_id: str, people: Sequence[PersonId], asked: model.OptOut) -> None:
    rows = """INSERT INTO suppressions (workspace_id, id, person_id, reason, source, note, actor_id, at)
              SELECT $1, i, p, $4, $5, $6, $7, $8 FROM unnest($2::uuid[], $3::uuid[]) AS x (i, p)"""
    made = [ids.new_id() for _ in people]
    words = (asked.reason.value, asked.source.value, asked.note, asked.actor_id)
    await tx.execute(rows, workspace_id, made, list(people), *words, await tx.now())
    hashed = """INSERT INTO suppression_keys (workspace_id, key, suppression_id)
                SELECT $1, a.key, x.i FROM unnest($2::uuid[], $3::uuid[]) AS x (i, p)
                JOIN person_aliases a ON a.person_id = x.p ON CONFLICT DO NOTHING"""
    await tx.execute(hashed, workspace_id, made, list(people))
