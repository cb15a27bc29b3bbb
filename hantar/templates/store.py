"""SQL of templates."""

from collections.abc import Sequence
from datetime import datetime

from hantar.gateways.cloud.templates import Listed
from hantar.kit import db
from hantar.templates import model

_COLUMNS = ", ".join(model.Template.__dataclass_fields__)


def _template(row: db.Row) -> model.Template:
    return model.Template(**dict(row))


async def find(tx: db.Tx, device_id: str, name: str, language: str) -> model.Template | None:
    """One template as it was last read."""
    sql = f"SELECT {_COLUMNS} FROM templates WHERE (device_id, name, language) = ($1, $2, $3)"
    row = await tx.fetchrow(sql, device_id, name, language)
    return _template(row) if row else None


async def listed(tx: db.Tx, device_id: str, after: Sequence[str] | None, limit: int) -> list[model.Template]:
    """A device's templates by name and language, those behind `after` (name, language)."""
    sql = f"""SELECT {_COLUMNS} FROM templates WHERE device_id = $1 AND ($2::text IS NULL OR (name, language) > ($2, $3))
              ORDER BY name, language LIMIT $4"""
    name, language = after or (None, None)
    return [_template(row) for row in await tx.fetch(sql, device_id, name, language, limit)]


async def statuses(tx: db.Tx, device_id: str) -> dict[tuple[str, str], str]:
    """How each of a device's templates stands, by name and language."""
    rows = await tx.fetch("SELECT name, language, status FROM templates WHERE device_id = $1 FOR UPDATE", device_id)
    return {(row["name"], row["language"]): row["status"] for row in rows}


async def replace(tx: db.Tx, workspace_id: str, device_id: str, found: Sequence[Listed], now: datetime) -> None:
    """A device has these templates and no others."""
    names, languages = [each.name for each in found], [each.language for each in found]
    gone = """DELETE FROM templates WHERE (workspace_id, device_id) = ($1, $2)
              AND (name, language) NOT IN (SELECT * FROM unnest($3::text[], $4::text[]))"""
    await tx.execute(gone, workspace_id, device_id, names, languages)
    sql = """INSERT INTO templates AS t (workspace_id, device_id, name, language, category, status, body, places, header, quality,
               why, cannot, changed_at, synced_at)
             SELECT $1, $2, x.*, $12, $12 FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[],
               $9::text[], $10::text[], $11::text[], $13::text[]) AS x (name, language, category, status, body, places, header,
               quality, why, cannot)
             ON CONFLICT (workspace_id, device_id, name, language) DO UPDATE SET category = EXCLUDED.category,
               status = EXCLUDED.status, body = EXCLUDED.body, places = EXCLUDED.places, header = EXCLUDED.header,
               quality = EXCLUDED.quality, why = EXCLUDED.why, cannot = EXCLUDED.cannot, synced_at = EXCLUDED.synced_at,
               changed_at = CASE WHEN t.status = EXCLUDED.status THEN t.changed_at ELSE EXCLUDED.changed_at END"""
    await tx.execute(
        sql,
        workspace_id,
        device_id,
        names,
        languages,
        [each.category.lower() for each in found],
        [model.status_of(each.status) for each in found],
        [each.body for each in found],
        [each.places for each in found],
        [each.header for each in found],
        [each.quality.lower() for each in found],
        [each.why for each in found],
        now,
        [each.cannot for each in found],
    )


async def note(tx: db.Tx, workspace_id: str, device_id: str, told: model.Told, now: datetime) -> str | None:
    """Write down what the service told about one template; returns its status when that is news. Older news changes nothing."""
    sql = """WITH was AS (SELECT status FROM templates WHERE (workspace_id, device_id, name, language) = ($1, $2, $3, $4))
             INSERT INTO templates AS t
               (workspace_id, device_id, name, language, status, category, why, cannot, changed_at, synced_at)
             VALUES ($1, $2, $3, $4, coalesce(nullif($5, ''), 'pending'), $6, $7, $8, $9, $10)
             ON CONFLICT (workspace_id, device_id, name, language) DO UPDATE SET status = coalesce(nullif($5, ''), t.status),
               category = coalesce(nullif($6, ''), t.category), why = $7,
               changed_at = CASE WHEN $5 IN ('', t.status) THEN t.changed_at ELSE $9 END
             WHERE t.changed_at <= $9
             RETURNING status, cannot, (SELECT status FROM was) AS before"""
    about = told.name, told.language, told.status, told.category, told.why, model.UNREAD, told.at, now
    row = await tx.fetchrow(sql, workspace_id, device_id, *about)
    if row is not None and row["cannot"] == model.UNREAD:
        await read_again(tx, device_id, None)
    return row["status"] if row is not None and row["status"] != row["before"] else None


async def take_unread(tx: db.Tx, now: datetime, before: datetime, limit: int) -> list[tuple[str, str]]:
    """Numbers that are online and whose templates were not read since then: ours to read (workspace, device)."""
    sql = """UPDATE cloud_numbers n SET templates_read_at = $1 FROM (
               SELECT c.device_id FROM cloud_numbers c JOIN devices d ON (d.workspace_id, d.id) = (c.workspace_id, c.device_id)
               WHERE d.state = 'online' AND (c.templates_read_at IS NULL OR c.templates_read_at < $2)
               ORDER BY c.templates_read_at NULLS FIRST, c.device_id LIMIT $3 FOR UPDATE OF c SKIP LOCKED) x
             WHERE n.device_id = x.device_id RETURNING n.workspace_id, n.device_id"""
    return [(row["workspace_id"], row["device_id"]) for row in await tx.fetch(sql, now, before, limit)]


async def read_again(tx: db.Tx, device_id: str, read_at: datetime | None) -> None:
    """As if a number's templates had been read then; None: never."""
    await tx.execute("UPDATE cloud_numbers SET templates_read_at = $2 WHERE device_id = $1", device_id, read_at)


async def workspace_of(tx: db.Tx, device_id: str) -> str | None:
    """Whose device it is."""
    found: str | None = await tx.fetchval("SELECT workspace_id FROM devices WHERE id = $1", device_id)
    return found
