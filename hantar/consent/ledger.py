"""The ledger of consents: find, add, and the file that proves one person's. Rows are added and withdrawn, never rewritten."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from hantar.consent import model, service
from hantar.kit import db, phone
from hantar.persons import service as persons
from hantar.persons.model import Alias, AliasKind, PersonId

State = Literal["live", "withdrawn", "expired"]
LIST = """SELECT c.*, p.phone, coalesce(l.name, '') AS name, i.file_name AS import_name,
    CASE WHEN c.withdrawn_at IS NOT NULL THEN 'withdrawn' WHEN c.expires_at <= {now} THEN 'expired' ELSE 'live' END AS state
  FROM consents c JOIN persons p ON (p.workspace_id, p.id) = (c.workspace_id, c.person_id)
  LEFT JOIN imports i ON (i.workspace_id, i.id) = (c.workspace_id, c.import_id)
  LEFT JOIN LATERAL (SELECT name FROM leads l WHERE (l.workspace_id, l.person_id) = (c.workspace_id, c.person_id)
                     ORDER BY l.id DESC LIMIT 1) l ON true"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which consents a list asks for."""

    person_id: str | None = None
    purpose: str | None = None
    source: str | None = None
    import_id: str | None = None
    state: State | None = None


def _where(wanted: Wanted, now: datetime) -> db.Where:
    where = db.Where(now)
    columns = {"person_id": wanted.person_id, "import_id": wanted.import_id, "purpose": wanted.purpose, "source": wanted.source}
    for column, value in columns.items():
        if value:
            where.add(f"c.{column} = {{}}", value)
    match wanted.state:
        case "withdrawn":
            where.add("c.withdrawn_at IS NOT NULL")
        case "expired":
            where.add("c.withdrawn_at IS NULL AND c.expires_at <= $1")
        case "live":
            where.add("c.withdrawn_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > $1)")
    return where


async def page(tx: db.Tx, wanted: Wanted, before: str | None, limit: int) -> list[db.Row]:
    """Consents, the newest first; `before`: written before this id."""
    where = _where(wanted, await tx.now())
    if before:
        where.add("c.id < {}::uuid", before)
    await tx.execute("SET LOCAL statement_timeout = '3s'")  # F-26: a search may be dear, never endless
    sql = f"{LIST.format(now='$1::timestamptz')} WHERE {where} ORDER BY c.id DESC LIMIT {int(limit)}"
    return await tx.fetch(sql, *where.values)


async def count(tx: db.Tx, wanted: Wanted) -> int:
    """How many consents a list has."""
    where = _where(wanted, await tx.now())
    return int(await tx.fetchval(f"SELECT count(*) FROM consents c WHERE $1::timestamptz IS NOT NULL AND {where}", *where.values))


# ---------------------------------------------------------------- adding
async def add(tx: db.Tx, workspace_id: str, person_id: PersonId, given: model.Given) -> db.Row:
    """Record one consent; returns it as `page` does. Raises `Invalid` for its times or a proof that is not ours."""
    (made,) = await service.give(tx, workspace_id, [person_id], await service.checked(tx, given))
    row = await tx.fetchrow(f"{LIST.format(now='$1::timestamptz')} WHERE c.id = $2", await tx.now(), made)
    if row is None:
        raise model.ConsentNotFound
    return row


async def person_at(tx: db.Tx, workspace_id: str, number: str, *, make: bool) -> PersonId | None:
    """The person behind a number as people write it; None (or, with `make`, a new person) when we know none.

    Raises `InvalidPhone`.
    """
    country = await tx.fetchval("SELECT default_country FROM workspaces WHERE id = $1", workspace_id)
    key = phone.parse(number, country).key
    if make:
        return await persons.at_phone(tx, workspace_id, key)
    return await persons.at_alias(tx, Alias(AliasKind.PHONE, key))


# ---------------------------------------------------------------- proof
CONSENT_FIELDS = (
    *("id", "purpose", "channel", "wording", "wording_version", "business_name", "source", "import_id", "import_name"),
    *("inbound_id", "actor_id", "given_at", "expires_at", "withdrawn_at", "created_at"),
)
OPT_OUT_FIELDS = (
    *("id", "reason", "source", "text", "note", "inbound_id", "keywords_version", "device_id", "campaign_id", "actor_id", "at"),
    *("released_at", "released_by", "release_reason"),
)
MEDIA_FIELDS = ("id", "name", "mime", "size", "sha256", "created_at")


async def proof(tx: db.Tx, workspace_id: str, person_id: PersonId) -> dict[str, Any]:
    """All that shows what one person agreed to and refused: plain values, each entry with its SHA-256.

    A hash covers the entry without its `sha256`, as JSON with sorted keys and no spaces, in UTF-8; the file's own covers the
    entries' hashes in order. Raises `PersonNotFound`.
    """
    person = await persons.find(tx, person_id)
    now = await tx.now()
    consents = await tx.fetch(
        f"{LIST.format(now='$1::timestamptz')} WHERE c.person_id = $2 ORDER BY c.given_at, c.id", now, person_id
    )
    opt_outs = await _opt_outs(tx, person_id)
    files = await _files(tx, [row["proof_media_id"] for row in consents] + [row["release_media_id"] for row in opt_outs])
    entries = [
        *(_entry("consent", row, CONSENT_FIELDS, files.get(row["proof_media_id"])) for row in consents),
        *(_entry("opt_out", row, OPT_OUT_FIELDS, files.get(row["release_media_id"])) for row in opt_outs),
    ]
    entries.sort(key=lambda each: (str(each.get("given_at") or each.get("at")), each["id"]))
    everywhere = """SELECT DISTINCT g.id, g.reason, g.at, g.released_at FROM global_suppressions g
                    JOIN person_aliases a ON a.key = g.key WHERE a.person_id = $1 ORDER BY g.at"""
    return {
        "made_at": _plain(now),
        "workspace": await tx.fetchval("SELECT name FROM workspaces WHERE id = $1", workspace_id),
        "person": {"id": person.id, "phone": person.phone, "known_since": _plain(person.created_at)},
        "opted_out": await service.is_opted_out(tx, workspace_id, person.id),
        "entries": entries,
        "for_the_whole_installation": [{n: _plain(v) for n, v in row.items()} for row in await tx.fetch(everywhere, person_id)],
        "sha256": hashlib.sha256("".join(each["sha256"] for each in entries).encode()).hexdigest(),
    }


async def _opt_outs(tx: db.Tx, person_id: PersonId) -> list[db.Row]:
    """Every opt-out that stands or stood for one of this person's aliases, with the words they wrote."""
    sql = """SELECT s.*, coalesce(s.text, i.text) AS said FROM suppressions s
             LEFT JOIN inbound_messages i ON (i.workspace_id, i.id) = (s.workspace_id, s.inbound_id)
             WHERE s.person_id = $1 OR s.id IN (SELECT k.suppression_id FROM suppression_keys k
               JOIN person_aliases a ON (a.workspace_id, a.key) = (k.workspace_id, k.key) WHERE a.person_id = $1)
             ORDER BY s.at, s.id"""
    return await tx.fetch(sql, person_id)


async def _files(tx: db.Tx, media_ids: Sequence[str | None]) -> dict[str | None, dict[str, Any]]:
    sql = f"SELECT {', '.join(MEDIA_FIELDS)} FROM media WHERE id = ANY($1::uuid[])"
    rows = await tx.fetch(sql, [each for each in media_ids if each])
    return {row["id"]: {name: _plain(row[name]) for name in MEDIA_FIELDS} for row in rows}


def _entry(kind: str, row: db.Row, fields: Sequence[str], file: dict[str, Any] | None) -> dict[str, Any]:
    found = {"kind": kind, **{name: _plain(row[name]) for name in fields}, "evidence": file}
    if kind == "opt_out":
        found["text"] = row["said"]
    return found | {"sha256": digest(found)}


def digest(entry: dict[str, Any]) -> str:
    """The SHA-256 of an entry's words, whoever works it out again."""
    kept = {name: value for name, value in entry.items() if name != "sha256"}
    text = json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """A value as JSON holds it: instants in UTC with Z, bytes as hexadecimal digits."""
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


def as_json(found: dict[str, Any]) -> str:
    """A proof as a file that people can read too."""
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"


CSV_HEADER = (
    *("kind", "at", "what", "words", "source", "business_name", "ends_at", "ended_at", "end_reason"),
    *("actor_id", "evidence", "evidence_sha256", "id", "sha256"),
)


def proof_rows(found: dict[str, Any]) -> Iterator[Sequence[Any]]:
    """The entries of a proof as rows under `CSV_HEADER`, in the order of time."""
    for each in found["entries"]:
        file = each["evidence"] or {}
        tail = (each["actor_id"], file.get("name") or file.get("id"), file.get("sha256"), each["id"], each["sha256"])
        if each["kind"] == "consent":
            middle = (each["source"], each["business_name"], each["expires_at"], each["withdrawn_at"], None)
            yield ("consent", each["given_at"], each["purpose"], each["wording"], *middle, *tail)
        else:
            middle = (each["source"], None, None, each["released_at"], each["release_reason"])
            yield ("opt_out", each["at"], each["reason"], each["text"] or each["note"], *middle, *tail)
