"""SQL of campaigns and plans. Taking work is one conditional UPDATE."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hantar.campaigns import model
from hantar.devices import restrictions
from hantar.kit import db
from hantar.media import model as media
from hantar.outbox import model as outbox

_SELECT = """SELECT c.*, t.text, t.media_id, t.template,
               f.kind AS file_kind, f.mime AS file_mime, f.name AS file_name, f.size AS file_size
             FROM campaigns c JOIN contents t ON (t.workspace_id, t.id) = (c.workspace_id, c.content_id)
             LEFT JOIN media f ON (f.workspace_id, f.id) = (t.workspace_id, t.media_id)"""


def approved(stored: Mapping[str, Any] | None) -> outbox.Approved | None:
    """A template as it was stored (JSON)."""
    return None if stored is None else outbox.Approved(stored["name"], stored["language"], tuple(stored["parameters"]))


def from_row(row: db.Row) -> model.Campaign:
    """A campaign from a row of `_SELECT`."""
    audience = model.Audience(
        None if row["niche_keys"] is None else tuple(row["niche_keys"]),
        model.TargetStatus(row["target_status"]),
        None if row["device_ids"] is None else tuple(row["device_ids"]),
    )
    draft = model.Draft(
        title=row["title"],
        niche=row["niche"],
        audience=audience,
        text=row["text"],
        media_id=row["media_id"],
        campaign_date=row["campaign_date"],
        time_schedule=row["time_schedule"],
        time_zone=row["time_zone"],
        min_delay_seconds=row["min_delay_seconds"],
        max_delay_seconds=row["max_delay_seconds"],
        when_offline=row["when_offline"],
        late_policy=row["late_policy"],
        rules=row["rules"],
        canary=row["canary"],
        template=approved(row["template"]),
    )
    return model.Campaign(
        id=row["id"],
        workspace_id=row["workspace_id"],
        draft=draft,
        content_id=row["content_id"],
        due_at=row["due_at"],
        status=model.CampaignStatus(row["status"]),
        paused_from=None if row["paused_from"] is None else model.CampaignStatus(row["paused_from"]),
        paused_at=row["paused_at"],
        status_reason=row["status_reason"],
        is_demo=row["is_demo"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        canary_passed_at=row["canary_passed_at"],
        plan_hash=row["plan_hash"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        pause_cause=None if row["pause_cause"] is None else model.PauseCause.read(row["pause_cause"]),
        resume_after=row["resume_after"],
        counted_from=row["counted_from"],
        attached=_attached(row),
    )


def _attached(row: db.Row) -> model.Attached | None:
    if row["file_kind"] is None:
        return None
    return model.Attached(media.MediaKind(row["file_kind"]), row["file_mime"], row["file_name"], row["file_size"])


def _columns(draft: model.Draft, content_id: str, due_at: datetime) -> dict[str, Any]:
    audience = draft.audience
    return {
        "title": draft.title,
        "niche": draft.niche,
        "niche_keys": None if audience.niche_keys is None else list(audience.niche_keys),
        "target_status": audience.target_status.value,
        "device_ids": None if audience.device_ids is None else list(audience.device_ids),
        "content_id": content_id,
        "campaign_date": draft.campaign_date,
        "time_schedule": draft.time_schedule,
        "time_zone": draft.time_zone,
        "due_at": due_at,
        "min_delay_seconds": draft.min_delay_seconds,
        "max_delay_seconds": draft.max_delay_seconds,
        "when_offline": draft.when_offline,
        "late_policy": draft.late_policy,
        "rules": dict(draft.rules),
        "canary": draft.canary,
    }


async def insert(
    tx: db.Tx, workspace_id: str, campaign_id: str, draft: model.Draft, content_id: str, due_at: datetime, **more: Any
) -> None:
    """Write a new campaign."""
    now = await tx.now()
    row = {"workspace_id": workspace_id, "id": campaign_id, **_columns(draft, content_id, due_at), **more}
    row |= {"created_at": now, "updated_at": now}
    marks = ", ".join(f"${n}" for n in range(1, len(row) + 1))
    await tx.execute(f"INSERT INTO campaigns ({', '.join(row)}) VALUES ({marks})", *row.values())


async def update(tx: db.Tx, workspace_id: str, campaign_id: str, draft: model.Draft, content_id: str, due_at: datetime) -> int:
    """Change a campaign that has not started; 0 when it has meanwhile."""
    row = {**_columns(draft, content_id, due_at), "updated_at": await tx.now(), "plan_hash": None}
    sets = ", ".join(f"{name} = ${n}" for n, name in enumerate(row, start=3))
    sql = f"""UPDATE campaigns SET {sets} WHERE (workspace_id, id) = ($1, $2)
              AND (status = 'pending' OR (status = 'paused' AND paused_from = 'pending'))"""
    return await tx.execute(sql, workspace_id, campaign_id, *row.values())


async def find(tx: db.Tx, workspace_id: str, campaign_id: str, *, lock: bool = False) -> model.Campaign:
    """One campaign; raises `CampaignNotFound`. With `lock` nobody else moves it until this transaction ends."""
    sql = f"{_SELECT} WHERE (c.workspace_id, c.id) = ($1, $2)" + (" FOR UPDATE OF c" if lock else "")
    row = await tx.fetchrow(sql, workspace_id, campaign_id)
    if row is None:
        raise model.CampaignNotFound
    return from_row(row)


async def listed(tx: db.Tx, where: db.Where, order: str, limit: int) -> list[model.Campaign]:
    """Campaigns that match, in an order of ours."""
    rows = await tx.fetch(f"{_SELECT} WHERE {where} ORDER BY {order} LIMIT {int(limit)}", *where.values)
    return [from_row(row) for row in rows]


async def count(tx: db.Tx, where: db.Where) -> int:
    """How many campaigns match."""
    found: int = await tx.fetchval(f"SELECT count(*) FROM campaigns c WHERE {where}", *where.values)
    return found


async def move(
    tx: db.Tx,
    workspace_id: str,
    campaign_id: str,
    allowed: Sequence[model.CampaignStatus],
    to: model.CampaignStatus,
    reason: str | None = None,
) -> bool:
    """Move a campaign if it stands in one of these states; False when it does not."""
    now = await tx.now()
    ends = to in (model.C.FINISHED, model.C.FAILED, model.C.CANCELLED)
    sql = """UPDATE campaigns SET status = $4, status_reason = $5, updated_at = $6, pause_cause = NULL, resume_after = NULL,
               paused_from = CASE WHEN $4 = 'paused' THEN status END,
               paused_at = CASE WHEN $4 = 'paused' THEN $6::timestamptz END,
               finished_at = CASE WHEN $7 THEN $6 ELSE finished_at END
             WHERE (workspace_id, id) = ($1, $2) AND status = ANY($3)"""
    return await tx.execute(sql, workspace_id, campaign_id, [s.value for s in allowed], to.value, reason, now, ends) == 1


SIGNAL = f"""CASE WHEN {restrictions.sql("d.state", "d.state_reason")}
    THEN concat_ws(' ', d.state, extract(epoch FROM d.hold_until))
  WHEN d.state = 'online' AND lane.chats_refused_until > {{now}} AND lane.chats_refused_at >= d.state_since
    THEN concat_ws(' ', 'chats', extract(epoch FROM lane.chats_refused_at)) END"""
"""SQL: what WhatsApp holds against a device `d` with its `lane` at an instant, by a word of its own or by refusing a new
conversation; NULL: nothing. The same restriction told again is the same text."""
RED = "SELECT n.device_id || ' quality' AS key, concat_ws(' ', 'red', extract(epoch FROM n.quality_since)) AS signal"
"""SQL: what tells that WhatsApp judges number `n` red, where it does; beside a restriction, so under a key of its own."""
_SIGNALS = f"""(SELECT coalesce(jsonb_object_agg(x.key, x.signal), '{{}}') FROM (
    SELECT d.id::text AS key, {SIGNAL.format(now="$3::timestamptz")} AS signal FROM devices d
    LEFT JOIN lanes lane ON (lane.workspace_id, lane.device_id) = (d.workspace_id, d.id)
    WHERE d.workspace_id = campaigns.workspace_id
    UNION ALL {RED} FROM cloud_numbers n WHERE n.workspace_id = campaigns.workspace_id AND n.quality = 'red') x
  WHERE x.signal IS NOT NULL)"""
"""SQL: what stands against the workspace's devices now; whoever starts or resumes a campaign has been told of it."""


async def unpause(tx: db.Tx, workspace_id: str, campaign_id: str, due_at: datetime | None) -> bool:
    """Put a paused campaign back where it was, due at another time if one is given.

    What the rules paused it for is settled with that: only what is sent from now on counts.
    """
    sql = f"""UPDATE campaigns SET status = paused_from, paused_from = NULL, paused_at = NULL,
               status_reason = NULL, updated_at = $3, due_at = coalesce($4, due_at),
               counted_from = CASE WHEN pause_cause IS NULL THEN counted_from ELSE $3 END,
               pause_cause = NULL, resume_after = NULL, signals_seen = {_SIGNALS}
             WHERE (workspace_id, id) = ($1, $2) AND status = 'paused'"""
    return await tx.execute(sql, workspace_id, campaign_id, await tx.now(), due_at) == 1


async def start_now(tx: db.Tx, workspace_id: str, campaign_id: str, plan_hash: str | None = None) -> bool:
    """Make a campaign that has not started due at once, for the people of a plan if one is named; False when it has."""
    sql = f"""UPDATE campaigns SET status = 'pending', paused_from = NULL, paused_at = NULL, plan_hash = $4,
               status_reason = NULL, due_at = $3, updated_at = $3, signals_seen = {_SIGNALS}
             WHERE (workspace_id, id) = ($1, $2) AND (status = 'pending' OR (status = 'paused' AND paused_from = 'pending'))"""
    return await tx.execute(sql, workspace_id, campaign_id, await tx.now(), plan_hash) == 1


async def pass_canary(tx: db.Tx, workspace_id: str, campaign_id: str, now: datetime) -> None:
    """Remember that the first people went well, or well enough for somebody."""
    sql = "UPDATE campaigns SET canary_passed_at = $3, updated_at = $3 WHERE (workspace_id, id) = ($1, $2)"
    await tx.execute(sql, workspace_id, campaign_id, now)


@dataclass(frozen=True, slots=True)
class Due:
    """A campaign that is due, and the instant before which its start counts as missed."""

    workspace_id: str
    id: str
    late_before: datetime


async def due(tx: db.Tx, now: datetime) -> list[db.Row]:
    """Campaigns that are due, over all workspaces, with their own rules and the kinds of devices they may use."""
    sql = """SELECT c.workspace_id, c.id, c.rules, ARRAY(SELECT DISTINCT d.rules_kind FROM devices d
               WHERE d.workspace_id = c.workspace_id AND (c.device_ids IS NULL OR d.id = ANY(c.device_ids))) AS kinds
             FROM campaigns c WHERE c.status = 'pending' AND c.due_at <= $1 ORDER BY c.due_at LIMIT 100"""
    return await tx.fetch(sql, now)


async def take_due(tx: db.Tx, now: datetime, found: Sequence[Due]) -> list[db.Row]:
    """Start what is due, each campaign by exactly one server. One that is too late waits for an answer, or is skipped."""
    sql = """
      UPDATE campaigns c SET updated_at = $1,
        status = CASE WHEN c.due_at > x.late_before OR c.late_policy = 'run' THEN 'triggered'
                      WHEN c.late_policy = 'ask' THEN 'paused' ELSE 'failed' END,
        paused_from = CASE WHEN c.due_at <= x.late_before AND c.late_policy = 'ask' THEN 'pending' END,
        status_reason = CASE WHEN c.due_at > x.late_before OR c.late_policy = 'run' THEN NULL
                             WHEN c.late_policy = 'ask' THEN 'waits_for_answer' ELSE 'too_late' END,
        started_at = CASE WHEN c.due_at > x.late_before OR c.late_policy = 'run' THEN $1 END,
        finished_at = CASE WHEN c.due_at <= x.late_before AND c.late_policy = 'skip' THEN $1::timestamptz END
      FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[]) AS x (workspace_id, id, late_before)
      WHERE (c.workspace_id, c.id) = (x.workspace_id, x.id) AND (c.workspace_id, c.id) IN (
        SELECT workspace_id, id FROM campaigns WHERE status = 'pending' AND due_at <= $1 AND id = ANY($3) ORDER BY due_at
        FOR UPDATE SKIP LOCKED)
        AND c.status = 'pending'
      RETURNING c.workspace_id, c.id, c.status, c.status_reason"""
    columns = [[each.workspace_id for each in found], [each.id for each in found], [each.late_before for each in found]]
    return await tx.fetch(sql, now, *columns) if found else []


_TURNS = """
  WITH running AS (
    SELECT workspace_id, id, status, status_reason, started_at, row_number() OVER (PARTITION BY workspace_id
      ORDER BY status <> 'processing', planner_cursor IS NULL, started_at, id) AS turn
    FROM campaigns WHERE status IN ('triggered', 'processing'))"""
"""SQL: the campaigns of each workspace that run or would: those that run, those being written, then the others in order."""


async def being_planned(tx: db.Tx, pools: int) -> list[tuple[str, str]]:
    """Campaigns whose recipients are still being written, by any server: of each workspace so many run at once."""
    sql = f"""{_TURNS} SELECT workspace_id, id FROM running WHERE status = 'triggered' AND turn <= $1
              ORDER BY started_at, id LIMIT 100"""
    return [(row["workspace_id"], row["id"]) for row in await tx.fetch(sql, pools)]


async def has_turn(tx: db.Tx, workspace_id: str, campaign_id: str, pools: int) -> bool:
    """Whether a campaign is among the first so many of its workspace that run or would."""
    sql = f"{_TURNS} SELECT EXISTS (SELECT 1 FROM running WHERE (workspace_id, id) = ($1, $2) AND turn <= $3)"
    return bool(await tx.fetchval(sql, workspace_id, campaign_id, pools))


async def note_turns(tx: db.Tx, pools: int, now: datetime) -> list[db.Row]:
    """Say of each campaign that it waits for its turn, or no longer does; returns those of which that is news."""
    sql = f"""{_TURNS}
      UPDATE campaigns c SET status_reason = CASE WHEN r.turn > $1 THEN $2 END, updated_at = $3 FROM running r
      WHERE (c.workspace_id, c.id) = (r.workspace_id, r.id) AND c.status = 'triggered'
        AND (r.turn > $1) <> (r.status_reason IS NOT DISTINCT FROM $2)
      RETURNING c.workspace_id, c.id, c.status, c.status_reason"""
    return await tx.fetch(sql, pools, model.WAITS_FOR_TURN, now)


async def begin_again(tx: db.Tx, workspace_id: str, campaign_id: str) -> None:
    """An ended campaign has something to send again: it waits for its turn like one that is due, and writes to nobody new."""
    sql = """UPDATE campaigns SET status = 'triggered', status_reason = NULL, finished_at = NULL, updated_at = $3, retried_at = $3
             WHERE (workspace_id, id) = ($1, $2) AND status IN ('finished', 'failed')"""
    await tx.execute(sql, workspace_id, campaign_id, await tx.now())


async def begins_again(tx: db.Tx, workspace_id: str, campaign_id: str) -> bool:
    """Whether a campaign that had ended waits for its turn, or is paused while it does."""
    sql = """SELECT retried_at IS NOT NULL AND coalesce(paused_from, status) = 'triggered' FROM campaigns
             WHERE (workspace_id, id) = ($1, $2)"""
    return bool(await tx.fetchval(sql, workspace_id, campaign_id))


async def next_due(tx: db.Tx) -> datetime | None:
    """When the next campaign is due."""
    found: datetime | None = await tx.fetchval("SELECT min(due_at) FROM campaigns WHERE status = 'pending'")
    return found


async def cursor(tx: db.Tx, workspace_id: str, campaign_id: str) -> tuple[str | None, dict[str, int]]:
    """The last lead that planning has looked at, and how many messages each device has been given so far."""
    sql = "SELECT planner_cursor, planner_counts FROM campaigns WHERE (workspace_id, id) = ($1, $2)"
    row = await tx.fetchrow(sql, workspace_id, campaign_id)
    return (row["planner_cursor"], row["planner_counts"]) if row else (None, {})


async def save_cursor(tx: db.Tx, workspace_id: str, campaign_id: str, lead_id: str, counts: dict[str, int]) -> None:
    """Remember how far planning got, in the transaction that wrote the page."""
    sql = "UPDATE campaigns SET planner_cursor = $3, planner_counts = $4 WHERE (workspace_id, id) = ($1, $2)"
    await tx.execute(sql, workspace_id, campaign_id, lead_id, counts)


async def finish_done(tx: db.Tx, now: datetime) -> list[db.Row]:
    """End every processing campaign none of whose messages can still leave."""
    sql = """
      WITH running AS MATERIALIZED (SELECT workspace_id, id FROM campaigns WHERE status = 'processing'),
      counted AS (
        SELECT r.workspace_id, r.id,
          coalesce(sum(x.n) FILTER (WHERE x.state IN ('planned', 'held', 'queued', 'claimed')), 0) AS open,
          coalesce(sum(x.n) FILTER (WHERE x.state IN ('sent', 'delivered', 'read', 'unknown')), 0) AS sent
        FROM running r LEFT JOIN LATERAL (
          SELECT state, n FROM tallies t WHERE (t.workspace_id, t.source_id) = (r.workspace_id, r.id)
          UNION ALL SELECT state, n FROM tally_moves t WHERE (t.workspace_id, t.source_id) = (r.workspace_id, r.id)) x ON true
        GROUP BY 1, 2)
      UPDATE campaigns c SET finished_at = $1, updated_at = $1, status = CASE WHEN k.sent > 0 THEN 'finished' ELSE 'failed' END,
        status_reason = CASE WHEN k.sent > 0 THEN NULL ELSE 'nothing_sent' END
      FROM counted k WHERE (c.workspace_id, c.id) = (k.workspace_id, k.id) AND c.status = 'processing' AND k.open = 0
      RETURNING c.workspace_id, c.id, c.status, c.status_reason"""
    return await tx.fetch(sql, now)


async def delete(tx: db.Tx, workspace_id: str, campaign_id: str) -> None:
    """Delete a campaign; its messages must be gone."""
    await tx.execute("DELETE FROM campaigns WHERE (workspace_id, id) = ($1, $2)", workspace_id, campaign_id)


async def insert_plan(
    tx: db.Tx,
    workspace_id: str,
    plan_id: str,
    campaign_id: str | None,
    spec: dict[str, Any],
    digest: str,
    people: Sequence[int] | None,
) -> None:
    """Keep what a plan was asked about and who is in it, so that it can be paged and, by its hash, started.

    The same people planned again replace the older entry's list: one is enough.
    """
    if people is not None:
        older = """UPDATE plans SET people = NULL WHERE workspace_id = $1 AND hash = $2 AND people IS NOT NULL
                   AND campaign_id IS NOT DISTINCT FROM $3"""
        await tx.execute(older, workspace_id, digest, campaign_id)
    sql = """INSERT INTO plans (workspace_id, id, campaign_id, spec, hash, people, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)"""
    await tx.execute(sql, workspace_id, plan_id, campaign_id, spec, digest, people, await tx.now())


async def started_plan(tx: db.Tx, workspace_id: str, digest: str, text: str, media_id: str | None) -> db.Row | None:
    """The newest plan with this hash for this very content, with its people (`audience.PAIR`); None when there is none."""
    sql = """SELECT id, people FROM plans WHERE workspace_id = $1 AND hash = $2 AND people IS NOT NULL
               AND spec ->> 'text' = $3 AND spec ->> 'media_id' IS NOT DISTINCT FROM $4
             ORDER BY created_at DESC, id DESC LIMIT 1"""
    return await tx.fetchrow(sql, workspace_id, digest, text, media_id)


async def find_plan(tx: db.Tx, workspace_id: str, plan_id: str) -> db.Row:
    """One plan; raises `PlanNotFound`."""
    row = await tx.fetchrow("SELECT * FROM plans WHERE (workspace_id, id) = ($1, $2)", workspace_id, plan_id)
    if row is None:
        raise model.PlanNotFound
    return row


async def forget_plans(tx: db.Tx, workspace_id: str, before: datetime) -> None:
    """Plans nobody will page any more, but those by which a campaign is still being written."""
    sql = """DELETE FROM plans p WHERE p.workspace_id = $1 AND p.created_at < $2 AND NOT EXISTS (
               SELECT 1 FROM campaigns c WHERE (c.workspace_id, c.plan_hash) = (p.workspace_id, p.hash)
                 AND c.status IN ('pending', 'triggered', 'paused'))"""
    await tx.execute(sql, workspace_id, before)
