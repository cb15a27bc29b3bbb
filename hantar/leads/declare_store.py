"""The SQL of consent declared for many people at once: those of an import's batch, those of an import, those of a filter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hantar.consent import service as consents
from hantar.kit import db
from hantar.leads import store
from hantar.leads.model import Filter, ImportId

ACCEPTED = "outcome IN ('created', 'updated', 'unchanged', 'present')"
"""SQL: staged rows whose person is a lead of the device now."""


# ---------------------------------------------------------------- a batch of an import
async def mark_opted_out(tx: db.Tx, workspace_id: str) -> None:
    """Mark staged rows of people who are opted out, also those we know by a keyed hash alone."""
    if not await tx.fetchval(
        "SELECT EXISTS (SELECT 1 FROM suppression_keys WHERE is_live) "
        "OR EXISTS (SELECT 1 FROM global_suppressions WHERE released_at IS NULL)"
    ):
        return
    known = consents.LIVE.format(person="$1::uuid, stage.person_id")
    await tx.execute(
        f"UPDATE stage SET is_opted_out = true WHERE {ACCEPTED} AND ("
        "EXISTS (SELECT 1 FROM suppression_keys k WHERE k.workspace_id = $1 AND k.key = stage.fingerprint AND k.is_live) "
        "OR EXISTS (SELECT 1 FROM global_suppressions g WHERE g.key = stage.fingerprint AND g.released_at IS NULL) "
        f"OR (stage.person_id IS NOT NULL AND ({known})))",
        workspace_id,
    )


async def count_staged(tx: db.Tx) -> int:
    """How many people of the staged rows a declaration is for."""
    return int(await tx.fetchval(f"SELECT count(DISTINCT person_key) FROM stage WHERE {ACCEPTED}"))


async def staged_people(tx: db.Tx, workspace_id: str, import_id: ImportId) -> list[str]:
    """People of the staged rows who have no consent of this import yet."""
    # one index look-up a row, as in `import_store.find_present`
    rows = await tx.fetch(
        f"SELECT DISTINCT person_id FROM stage WHERE {ACCEPTED} AND person_id IS NOT NULL AND (SELECT id FROM consents c "
        "WHERE (c.workspace_id, c.import_id, c.person_id) = ($1, $2, stage.person_id) LIMIT 1) IS NULL ORDER BY 1",
        *(workspace_id, import_id),
    )
    return [row["person_id"] for row in rows]


# ---------------------------------------------------------------- everybody of an import, or of a filter
@dataclass(frozen=True, slots=True)
class People:
    """Some people a declaration is for: how many, and how many still need it.

    Of a page also who needs it, and the last of them all by id.
    """

    seen: int
    needing: int
    needy: tuple[str, ...]
    last: str | None


def _of_import(import_id: ImportId, after: str | None, first: str) -> tuple[str, list[Any]]:
    """People of an import: of its leads, and of lines whose person the device had already."""
    where = db.Where(import_id)
    if after:
        where.add("person_id > {}::uuid", after)
    of_leads = f"SELECT DISTINCT person_id FROM leads WHERE import_id = $1 AND {where} {first}"
    known = "person_id IS NOT NULL AND outcome <> 'failed'"
    of_lines = f"SELECT DISTINCT person_id FROM import_rows WHERE import_id = $1 AND {known} AND {where} {first}"
    return f"({of_leads}) UNION ({of_lines}) {first}", where.values


def _of_filter(asked: Filter, after: str | None, first: str, now: datetime) -> tuple[str, list[Any]]:
    where = store.where(asked, now)
    if after:
        where.add("leads.person_id > {}::uuid", after)
    return f"SELECT DISTINCT person_id FROM leads WHERE {where} {first}", where.values


def _of(of: ImportId | Filter, now: datetime, after: str | None = None, page: int | None = None) -> tuple[str, list[Any]]:
    """A query of the people meant, each once, and its values; with `page` the first of them after a person."""
    first = f"ORDER BY 1 LIMIT {int(page)}" if page else ""
    return _of_import(of, after, first) if isinstance(of, str) else _of_filter(of, after, first, now)


async def count(tx: db.Tx, of: ImportId | Filter, *, opted_out: bool = False) -> int:
    """How many people a declaration is for, or how many of them are opted out."""
    sql, values = _of(of, await tx.now())
    only = f"WHERE person_id IN ({consents.SUPPRESSED})" if opted_out else ""
    return int(await tx.fetchval(f"SELECT count(*) FROM ({sql}) people {only}", *values))


async def people(
    tx: db.Tx, of: ImportId | Filter, *, only_missing: bool, after: str | None = None, page: int | None = None
) -> People:
    """The people a declaration is for; with `page` so many of them, after a person, in the order of their ids.

    Needy is who has no consent of this import; of a filter, who has no live consent to marketing, or everybody when
    `only_missing` is off.
    """
    now = await tx.now()
    sql, values = _of(of, now, after, page)
    bound = db.Where(*values)
    has = "EXISTS (SELECT 1 FROM consents c WHERE c.person_id = asked.person_id AND {})"
    if isinstance(of, str):
        has = has.format("c.import_id = $1")
    else:
        has = has.format(consents.GRANTED.format(now=bound.value(now))) if only_missing else "false"
    needy = "array_agg(person_id ORDER BY person_id) FILTER (WHERE NOT has)" if page else "NULL::uuid[]"
    row = await tx.fetchrow(
        f"WITH asked AS MATERIALIZED ({sql}) "
        f"SELECT count(*) AS seen, count(*) FILTER (WHERE NOT has) AS needing, {needy} AS needy, "
        f"(SELECT person_id FROM asked ORDER BY 1 DESC LIMIT 1) AS last FROM (SELECT person_id, {has} AS has FROM asked) found",
        *bound.values,
    )
    assert row is not None  # noqa: S101 an aggregate gives one row
    return People(row["seen"], row["needing"], tuple(row["needy"] or ()), row["last"])


async def lock_import(tx: db.Tx, import_id: ImportId) -> None:
    """Hold an import: two declarations for it go one after the other."""
    await tx.execute("SELECT 1 FROM imports WHERE id = $1 FOR UPDATE", import_id)


async def note(tx: db.Tx, import_id: ImportId, written: int, declared: dict[str, Any]) -> None:
    """Count consents written for an import; what was declared first stays."""
    sql = "UPDATE imports SET consented = consented + $2, consent = coalesce(consent, $3) WHERE id = $1"
    await tx.execute(sql, import_id, written, declared)


async def place(tx: db.Tx, job_id: str) -> tuple[dict[str, Any], bool] | None:
    """Where a running job goes on, locked, and whether it shall stop; None when it runs no more."""
    row = await tx.fetchrow("SELECT cursor, cancel_asked FROM jobs WHERE id = $1 AND status = 'running' FOR UPDATE", job_id)
    return (row["cursor"], row["cancel_asked"]) if row else None


async def since(tx: db.Tx, import_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """By import: how many of its leads' people are opted out now, and how many have written to us."""
    sql = f"""SELECT l.import_id, count(DISTINCT l.person_id) FILTER (WHERE w.what = 'out') AS opted_out,
                count(DISTINCT l.person_id) FILTER (WHERE w.what = 'in') AS replied
              FROM (SELECT person_id, 'out' AS what FROM ({consents.SUPPRESSED}) s
                    UNION ALL SELECT person_id, 'in' FROM chats WHERE last_in_at IS NOT NULL) w
              JOIN leads l ON l.person_id = w.person_id WHERE l.import_id = ANY($1::uuid[]) GROUP BY 1"""
    return {row["import_id"]: (row["opted_out"], row["replied"]) for row in await tx.fetch(sql, list(import_ids))}
