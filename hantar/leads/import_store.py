"""The SQL of imports: a batch of drafts is copied into a temporary table and merged set-wise."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from hantar.kit import db, ids, phone
from hantar.leads import model
from hantar.leads.columns import Draft, RowProblem
from hantar.leads.import_model import Counts, Import, OnDuplicate, Options, ReportRow
from hantar.leads.model import ImportId
from hantar.persons.model import PersonId

COLUMNS = (
    "id, device_id, job_id, file_name, is_dry_run, status, created, updated, skipped, failed, consented, opted_out, error, "
    "created_at, finished_at, consent"
)
COUNTS = ("created", "updated", "skipped", "failed", "consented", "opted_out")


def _import(row: db.Row) -> Import:
    counts = Counts(*(row[name] for name in COUNTS))
    rest = (row["error"], row["created_at"], row["finished_at"], row["consent"])
    return Import(row["id"], row["device_id"], row["job_id"], row["file_name"], row["is_dry_run"], row["status"], counts, *rest)


# ---------------------------------------------------------------- imports
async def add(
    tx: db.Tx, workspace_id: str, import_id: ImportId, job_id: str | None, name: str, options: Options, by: str | None
) -> None:
    """A file that is about to be read."""
    sql = (
        "INSERT INTO imports (workspace_id, id, device_id, job_id, file_name, is_dry_run, options, consent, created_by, "
        "created_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)"
    )
    head = (workspace_id, import_id, options.device_id, job_id, name, options.is_dry_run)
    kept = options.as_json()
    await tx.execute(sql, *head, kept, kept["consent"], by, await tx.now())


async def get(tx: db.Tx, import_id: ImportId) -> Import | None:
    """One import."""
    row = await tx.fetchrow(f"SELECT {COLUMNS} FROM imports WHERE id = $1", import_id)
    return _import(row) if row else None


def _listed(device_id: str | None, is_dry_run: bool | None) -> db.Where:
    found = db.Where()
    if device_id:
        found.add("device_id = {}", device_id)
    if is_dry_run is not None:
        found.add("is_dry_run = {}", is_dry_run)
    return found


async def newest(tx: db.Tx, device_id: str | None, is_dry_run: bool | None, before: str | None, limit: int) -> list[Import]:
    """Imports, newest first."""
    found = _listed(device_id, is_dry_run)
    if before:
        found.add("id < {}", before)
    sql = f"SELECT {COLUMNS} FROM imports WHERE {found} ORDER BY id DESC LIMIT {found.value(limit)}"
    return [_import(row) for row in await tx.fetch(sql, *found.values)]


async def count(tx: db.Tx, device_id: str | None, is_dry_run: bool | None) -> int:
    """How many imports there were."""
    found = _listed(device_id, is_dry_run)
    return int(await tx.fetchval(f"SELECT count(*) FROM imports WHERE {found}", *found.values))


async def add_counts(tx: db.Tx, import_id: ImportId, more: Counts) -> Counts:
    """Count a batch; returns all so far."""
    row = await tx.fetchrow(
        "UPDATE imports SET created = created + $2, updated = updated + $3, skipped = skipped + $4, failed = failed + $5, "
        "total = total + $6, consented = consented + $7, opted_out = opted_out + $8 "
        f"WHERE id = $1 RETURNING {', '.join(COUNTS)}",
        *(import_id, more.created, more.updated, more.skipped, more.failed, more.total, more.consented, more.opted_out),
    )
    return Counts(*row) if row else more


async def end(tx: db.Tx, import_id: ImportId, status: str, error: str | None = None) -> bool:
    """An import ends; False when it had ended. Whom it met is forgotten."""
    await tx.execute("DELETE FROM import_lines WHERE import_id = $1", import_id)
    sql = "UPDATE imports SET status = $2, error = $3, finished_at = $4 WHERE id = $1 AND status = 'running'"
    return await tx.execute(sql, import_id, status, error, await tx.now()) == 1


async def place(tx: db.Tx, job_id: str) -> tuple[int, bool] | None:
    """The row after which a running job goes on, locked, and whether it shall stop; None when it runs no more."""
    sql = "SELECT cursor, cancel_asked FROM jobs WHERE id = $1 AND status = 'running' FOR UPDATE"
    row = await tx.fetchrow(sql, job_id)
    return (int(row["cursor"].get("row", 1)), row["cancel_asked"]) if row else None


async def left_over(tx: db.Tx, kind: str) -> list[db.Row]:
    """Open jobs of a kind in all workspaces (`Database.system()`), oldest first."""
    sql = (
        "SELECT workspace_id, id, status, spec, cursor, created_at, beat_at, cancel_asked FROM jobs "
        "WHERE kind = $1 AND status IN ('queued', 'running') ORDER BY id"
    )
    return await tx.fetch(sql, kind)


async def ended(tx: db.Tx, job_ids: Sequence[str]) -> list[db.Row]:
    """Those of the jobs that have ended, in all workspaces (`Database.system()`)."""
    sql = (
        "SELECT workspace_id, id, status, spec, error FROM jobs "
        "WHERE id = ANY($1::uuid[]) AND status NOT IN ('queued', 'running')"
    )
    return await tx.fetch(sql, list(job_ids))


async def jobs_among(tx: db.Tx, job_ids: Sequence[str]) -> set[str]:
    """Which of these are jobs, in all workspaces (`Database.system()`)."""
    return {row["id"] for row in await tx.fetch("SELECT id FROM jobs WHERE id = ANY($1::uuid[])", list(job_ids))}


# ---------------------------------------------------------------- a batch
async def stage(tx: db.Tx, drafts: Sequence[Draft]) -> None:
    """Copy drafts into a temporary table of this transaction."""
    # a growing table has stale statistics, and one sequential scan per batch would make a long import quadratic
    for method in ("seqscan", "hashjoin", "mergejoin"):
        await tx.execute(f"SET LOCAL enable_{method} = off")
    await tx.execute(
        "CREATE TEMPORARY TABLE stage (row int, new_id text, new_person text, person_key text, device text, name text, "
        "phone text, niches text[], niche_keys text[], triggers text[], trigger_keys text[], target_status text, "
        "note text, attributes text, time_zone text, zones text[], fingerprint bytea, "
        "person_id uuid, lead_id uuid, first_row int, outcome text, new_consent text, is_opted_out boolean"
        ") ON COMMIT DROP"
    )
    await tx.copy("stage", _STAGED, (_staged(draft, tx) for draft in drafts))
    await tx.execute("ANALYZE stage")


_STAGED = (
    *("row", "new_id", "new_person", "person_key", "device", "name", "phone", "niches", "niche_keys", "triggers"),
    *("trigger_keys", "target_status", "note", "attributes", "time_zone", "zones", "fingerprint"),
)


def _staged(draft: Draft, tx: db.Tx) -> tuple[Any, ...]:
    fields = draft.fields
    lists = (fields.niches, model.keys(fields.niches), fields.triggers, model.keys(fields.triggers))
    status = str(fields.target_status) if "target_status" in draft.given else None
    head = (draft.row, ids.new_id(), ids.new_id(), fields.person_key, draft.device_id, fields.name, fields.phone)
    return (
        *head,
        *lists,
        status,
        fields.additional_note,
        json.dumps(dict(fields.attributes), ensure_ascii=False),
        fields.time_zone,
        list(phone.zones_of(fields.person_key)),
        tx.fingerprint("phone", fields.person_key),
    )


async def find_doubles(tx: db.Tx, workspace_id: str, import_id: ImportId) -> None:
    """Mark rows whose person stood in an earlier row of the file."""
    marked = await tx.execute(
        "WITH met AS (INSERT INTO import_lines (workspace_id, import_id, device_id, person_key, row) "
        "SELECT $1, $2, device::uuid, person_key, row FROM stage ORDER BY row ON CONFLICT DO NOTHING RETURNING row) "
        "UPDATE stage SET first_row = 0 WHERE row NOT IN (SELECT row FROM met)",
        *(workspace_id, import_id),
    )
    if marked:
        await tx.execute(
            "UPDATE stage SET first_row = (SELECT met.row FROM import_lines AS met WHERE met.workspace_id = $1 "
            "AND met.import_id = $2 AND met.device_id = stage.device::uuid AND met.person_key = stage.person_key) "
            "WHERE first_row = 0",
            *(workspace_id, import_id),
        )


async def find_present(tx: db.Tx, workspace_id: str) -> None:
    """Mark rows whose person is known, and whose device has that person already."""
    # one index look-up a row, whatever the planner believes about a table that grows while it is read
    await tx.execute(f"UPDATE stage SET person_id = {_PERSON}", workspace_id)
    await tx.execute(
        "UPDATE stage SET lead_id = (SELECT id FROM leads WHERE leads.workspace_id = $1 "
        "AND leads.device_id = stage.device::uuid AND leads.person_id = stage.person_id) "
        "WHERE person_id IS NOT NULL AND first_row IS NULL",
        workspace_id,
    )


_PERSON = (
    "(SELECT a.person_id FROM person_aliases a WHERE a.workspace_id = $1 AND a.kind = 'phone' AND a.value = stage.person_key)"
)


_WANTED = {
    "name": "stage.name",
    "target_status": "coalesce(stage.target_status, leads.target_status)",
    "additional_note": "coalesce(stage.note, leads.additional_note)",
    "time_zone": "coalesce(stage.time_zone, leads.time_zone)",
    "attributes": "leads.attributes || stage.attributes::jsonb",
    **{
        f"{kind}{end}": f"CASE WHEN stage.{kind}s = '{{}}' THEN leads.{kind}{end} ELSE stage.{kind}{end} END"
        for kind in ("niche", "trigger")
        for end in ("s", "_keys")
    },
}
"""What an update makes of a lead: an empty cell keeps what is there."""


async def judge(tx: db.Tx, on_duplicate: OnDuplicate) -> None:
    """Give every row its outcome."""
    await tx.execute(
        "UPDATE stage SET outcome = CASE WHEN first_row IS NOT NULL THEN 'double' WHEN lead_id IS NULL THEN 'created' "
        "ELSE $1 END",
        {OnDuplicate.SKIP: "present", OnDuplicate.FAIL: "refused", OnDuplicate.UPDATE: "unchanged"}[on_duplicate],
    )
    if on_duplicate is OnDuplicate.UPDATE:
        differs = " OR ".join(f"leads.{column} IS DISTINCT FROM {wanted}" for column, wanted in _WANTED.items())
        await tx.execute(
            f"UPDATE stage SET outcome = 'updated' FROM leads WHERE leads.id = stage.lead_id AND outcome = 'unchanged' "
            f"AND ({differs})"
        )


async def insert_new(tx: db.Tx, workspace_id: str, import_id: ImportId, now: datetime) -> None:
    """Make persons and leads of new rows; where someone else was quicker the row counts as present.

    All imports insert in the order of the identity keys, so that two of them never wait for each other crosswise.
    """
    await tx.execute(
        "INSERT INTO persons (workspace_id, id, phone, zones, created_at) SELECT $1, new_person::uuid, person_key, zones, $2 "
        "FROM stage WHERE outcome = 'created' AND person_id IS NULL ORDER BY person_key ON CONFLICT DO NOTHING",
        *(workspace_id, now),
    )
    await tx.execute(
        "INSERT INTO person_aliases (workspace_id, kind, value, key, person_id, created_at) "
        "SELECT $1, 'phone', stage.person_key, stage.fingerprint, p.id, $2 FROM stage "
        "JOIN persons p ON p.workspace_id = $1 AND p.phone = stage.person_key "
        "WHERE outcome = 'created' AND stage.person_id IS NULL ORDER BY person_key ON CONFLICT DO NOTHING",
        *(workspace_id, now),
    )
    await tx.execute(f"UPDATE stage SET person_id = {_PERSON} WHERE outcome = 'created' AND person_id IS NULL", workspace_id)
    made = await tx.execute(
        "INSERT INTO leads (workspace_id, id, person_id, device_id, name, phone, niches, niche_keys, triggers, "
        "trigger_keys, target_status, additional_note, attributes, time_zone, source, import_id, created_at, updated_at) "
        "SELECT $1, new_id::uuid, person_id, device::uuid, name, phone, niches, niche_keys, triggers, trigger_keys, "
        "coalesce(target_status, 'prospect'), note, attributes::jsonb, time_zone, 'import', $2, $3, $3 FROM stage "
        "WHERE outcome = 'created' ORDER BY person_key ON CONFLICT (workspace_id, device_id, person_id) DO NOTHING",
        *(workspace_id, import_id, now),
    )
    if made != await tx.fetchval("SELECT count(*) FROM stage WHERE outcome = 'created'"):
        await tx.execute(
            "UPDATE stage SET outcome = 'present' WHERE outcome = 'created' "
            "AND NOT EXISTS (SELECT 1 FROM leads WHERE leads.id = stage.new_id::uuid)"
        )


async def update_present(tx: db.Tx, now: datetime) -> None:
    """Write rows that change a lead into it."""
    sets = ", ".join(f"{column} = {wanted}" for column, wanted in _WANTED.items())
    await tx.execute(
        f"UPDATE leads SET {sets}, updated_at = $1 FROM stage WHERE leads.id = stage.lead_id AND outcome = 'updated'", now
    )


async def tally(tx: db.Tx) -> Counts:
    """The staged rows by outcome."""
    rows = await tx.fetch("SELECT outcome, count(*), count(*) FILTER (WHERE is_opted_out) FROM stage GROUP BY outcome")
    found = {row[0]: row[1] for row in rows}
    skipped = found.get("double", 0) + found.get("present", 0) + found.get("unchanged", 0)
    counts = (found.get("created", 0), found.get("updated", 0), skipped, found.get("refused", 0))
    return Counts(*counts, opted_out=sum(row[2] for row in rows))


# ---------------------------------------------------------------- the report
async def report_staged(tx: db.Tx, workspace_id: str, import_id: ImportId) -> None:
    """A row of the report for every staged row that did not simply become a lead."""
    await tx.execute(
        'INSERT INTO import_rows (workspace_id, import_id, person_id, row, outcome, "column", code, message, cell) '
        "SELECT $1, $2, person_id, row, "
        "CASE outcome WHEN 'refused' THEN 'failed' WHEN 'updated' THEN 'updated' ELSE 'skipped' END, "
        "'phone', CASE outcome WHEN 'double' THEN 'same_person_in_file' WHEN 'updated' THEN 'updated' "
        "WHEN 'unchanged' THEN 'unchanged' ELSE 'duplicate_lead' END, "
        "CASE outcome WHEN 'double' THEN format('Same person as line %s.', first_row) "
        "WHEN 'updated' THEN 'The device has this person; the lead is updated.' "
        "WHEN 'unchanged' THEN 'The device has this person, and nothing is new.' "
        "ELSE 'The device already has this person.' END, phone FROM stage WHERE outcome <> 'created' ON CONFLICT DO NOTHING",
        *(workspace_id, import_id),
    )
    await tx.execute(
        'INSERT INTO import_rows (workspace_id, import_id, person_id, row, outcome, "column", code, message, cell) '
        "SELECT $1, $2, person_id, row, 'warning', 'phone', 'same_person', 'Another device has this person too.', phone "
        "FROM stage WHERE outcome = 'created' AND person_id IS NOT NULL AND EXISTS (SELECT 1 FROM leads "
        "WHERE leads.person_id = stage.person_id AND leads.device_id IS DISTINCT FROM stage.device::uuid) "
        "ON CONFLICT DO NOTHING",
        *(workspace_id, import_id),
    )


async def report_opted_out(tx: db.Tx, workspace_id: str, import_id: ImportId) -> None:
    """A row of the report for every staged row of somebody who is opted out."""
    await tx.execute(
        'INSERT INTO import_rows (workspace_id, import_id, person_id, row, outcome, "column", code, message, cell) '
        "SELECT $1, $2, person_id, row, 'warning', 'phone', 'opted_out', 'Opted out: will not be written to.', phone "
        "FROM stage WHERE is_opted_out ON CONFLICT DO NOTHING",
        *(workspace_id, import_id),
    )


async def report_failed(tx: db.Tx, workspace_id: str, import_id: ImportId, found: Sequence[RowProblem]) -> None:
    """Rows of the report for what could not be read."""
    if not found:
        return
    columns = [list(each) for each in zip(*((p.row, p.column, p.code, p.message, p.cell) for p in found), strict=True)]
    await tx.execute(
        'INSERT INTO import_rows (workspace_id, import_id, outcome, row, "column", code, message, cell) '
        "SELECT $1, $2, 'failed', bad.* FROM unnest($3::int[], $4::text[], $5::text[], $6::text[], $7::text[]) AS bad "
        "ON CONFLICT DO NOTHING",
        *(workspace_id, import_id, *columns),
    )


def _report_row(row: db.Row) -> ReportRow:
    return ReportRow(row["outcome"], RowProblem(row["row"], row["column"], row["code"], row["message"], row["cell"]))


async def report(
    tx: db.Tx, import_id: ImportId, outcome: str | None, code: str | None, after: Sequence[Any] | None, limit: int
) -> list[ReportRow]:
    """Rows of the report in the order of the file, after a row and code."""
    found = db.Where(import_id).add("import_id = $1")
    if outcome:
        found.add("outcome = {}", outcome)
    if code:
        found.add("code = {}", code)
    if after:
        found.add("row >= {} AND (row > {} OR code > {})", after[0], after[0], after[1])
    sql = f"SELECT * FROM import_rows WHERE {found} ORDER BY row, code LIMIT {found.value(limit)}"
    return [_report_row(row) for row in await tx.fetch(sql, *found.values)]


async def report_causes(tx: db.Tx, import_id: ImportId) -> list[tuple[str, str, int]]:
    """Outcomes and codes of the report with the number of their rows, most first."""
    sql = "SELECT outcome, code, count(*) FROM import_rows WHERE import_id = $1 GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
    return [(row[0], row[1], row[2]) for row in await tx.fetch(sql, import_id)]


def stream_failed(tx: db.Tx, import_id: ImportId) -> AsyncIterator[db.Row]:
    """All failed rows, by a server-side cursor."""
    sql = (
        'SELECT row, "column", code, message, cell FROM import_rows '
        "WHERE import_id = $1 AND outcome = 'failed' ORDER BY row, code"
    )
    return tx.stream(sql, import_id)


async def forget(tx: db.Tx, person: PersonId, numbers: Sequence[str], names: Sequence[str]) -> None:
    """Empty every cell of a report that shows one of these numbers or names, and whom a running import has met.

    A number that could not be read (without its country, say) counts when its digits end one of the numbers.
    """
    await tx.execute("UPDATE import_rows SET cell = NULL, person_id = NULL WHERE person_id = $1", person)
    await tx.execute(
        "UPDATE import_rows SET cell = NULL WHERE cell = ANY($1::text[]) OR (code = 'invalid_phone' "
        "AND length(ltrim(regexp_replace(cell, '\\D', '', 'g'), '0')) >= 7 AND EXISTS (SELECT 1 FROM unnest($2::text[]) AS known "
        "WHERE known LIKE '%' || ltrim(regexp_replace(cell, '\\D', '', 'g'), '0')))",
        *([*numbers, *names], list(numbers)),
    )
    await tx.execute("DELETE FROM import_lines WHERE person_key = ANY($1::text[])", list(numbers))
