"""SQL of the guard: samples of what was sent, signals of devices, and the pause itself. Reads over all workspaces."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime, timedelta

from hantar.campaigns import judge, model, store
from hantar.kit import db
from hantar.outbox import model as outbox

WISHES = ("stop", "manual", "complaint", "block")
"""Reasons of an opt-out that are a person's wish; `bounce` and `legal` are not."""
LOOK_BACK = timedelta(days=1)
"""How far a sweep looks back for opt-outs whose fact was lost."""

_CAMPAIGNS = """
  WITH running AS (
    SELECT c.workspace_id, c.id, c.counted_from, c.rules FROM campaigns c
    WHERE c.status IN ('triggered', 'processing') AND ($1::uuid[] IS NULL OR c.id = ANY($1))),
  tried AS (
    SELECT c.workspace_id, c.id, c.counted_from, c.rules, m.state, m.reason, t.at, d.rules_kind,
           d.driver = 'simulator' AS is_simulated,
           row_number() OVER (PARTITION BY c.workspace_id, c.id, d.driver = 'simulator' ORDER BY t.at DESC) AS nth
    FROM running c
    JOIN messages m ON (m.workspace_id, m.source_id) = (c.workspace_id, c.id)
      AND (m.state IN ('sent', 'delivered', 'read', 'unknown', 'failed') AND m.reason IS DISTINCT FROM 'missing_variable'
        OR m.state = 'suppressed' AND m.reason = 'not_on_whatsapp')
    CROSS JOIN LATERAL (SELECT coalesce(m.claimed_at, m.ended_at) AS at) t
    JOIN devices d ON (d.workspace_id, d.id) = (m.workspace_id, m.device_id)
    WHERE t.at > coalesce(c.counted_from, 'epoch')),
  counted AS (
    SELECT workspace_id, id, counted_from, rules, is_simulated, array_agg(DISTINCT rules_kind) AS kinds,
           count(*) AS tried, count(*) FILTER (WHERE state NOT IN ('failed', 'suppressed')) AS arrived,
           count(*) FILTER (WHERE reason = 'not_on_whatsapp') AS missing, min(at) AS since
    FROM tried WHERE nth <= $2 GROUP BY 1, 2, 3, 4, 5)
  SELECT * FROM counted c CROSS JOIN LATERAL (
    SELECT count(DISTINCT coalesce(s.person_id, s.id)) AS opted_out FROM suppressions s
    LEFT JOIN devices d ON (d.workspace_id, d.id) = (s.workspace_id, s.device_id)
    WHERE (s.workspace_id, s.campaign_id) = (c.workspace_id, c.id) AND s.at >= c.since AND s.released_at IS NULL
      AND s.reason = ANY($3) AND coalesce(d.driver = 'simulator', c.is_simulated) = c.is_simulated
      AND NOT EXISTS (SELECT 1 FROM messages o WHERE (o.workspace_id, o.source_id) = (c.workspace_id, c.id)
                      AND o.person_id = s.person_id AND o.claimed_at < c.since)) wishes
  WHERE c.missing > 0 OR wishes.opted_out > 0"""

_DEVICES = """
  SELECT d.workspace_id, d.id, d.rules_kind, x.sent, x.recent, x.since, x.recent_since, w.opted_out, w.blocked
  FROM devices d
  CROSS JOIN LATERAL (
    SELECT count(*) AS sent, min(sent_at) AS since, count(*) FILTER (WHERE nth <= $3) AS recent,
           min(sent_at) FILTER (WHERE nth <= $3) AS recent_since
    FROM (SELECT m.sent_at, row_number() OVER (ORDER BY m.claimed_at DESC) AS nth FROM messages m
          WHERE (m.workspace_id, m.device_id) = (d.workspace_id, d.id) AND m.claimed_at IS NOT NULL AND m.sent_at IS NOT NULL
            AND m.duty IS NULL
            AND m.sent_at > coalesce((SELECT max(e.at) FROM device_events e WHERE (e.workspace_id, e.device_id)
              = (d.workspace_id, d.id) AND e.reason = 'resumed'), 'epoch')
          ORDER BY m.claimed_at DESC LIMIT $2) newest) x
  CROSS JOIN LATERAL (
    SELECT count(DISTINCT coalesce(s.person_id, s.id)) AS opted_out,
           count(DISTINCT coalesce(s.person_id, s.id)) FILTER (WHERE s.reason IN ('block', 'complaint')
             AND s.at >= x.recent_since) AS blocked
    FROM suppressions s
    WHERE (s.workspace_id, s.device_id) = (d.workspace_id, d.id) AND s.at >= x.since AND s.released_at IS NULL
      AND s.reason = ANY($4)
      AND (EXISTS (SELECT 1 FROM messages o WHERE (o.workspace_id, o.person_id, o.device_id) = (d.workspace_id, s.person_id, d.id)
                   AND o.claimed_at IS NOT NULL AND o.sent_at >= x.since)
           OR NOT EXISTS (SELECT 1 FROM messages o WHERE (o.workspace_id, o.person_id, o.device_id)
                            = (d.workspace_id, s.person_id, d.id) AND o.claimed_at IS NOT NULL AND o.sent_at IS NOT NULL))) w
  WHERE NOT d.sending_paused AND w.opted_out > 0
    AND CASE WHEN $1::uuid[] IS NOT NULL THEN d.id = ANY($1) ELSE EXISTS (SELECT 1 FROM suppressions s
          WHERE (s.workspace_id, s.device_id) = (d.workspace_id, d.id) AND s.at > $5) END"""

_SIGNALS = f"""
  SELECT c.workspace_id, c.id AS campaign_id, c.rules, d.id AS device_id, d.name, d.rules_kind, told.*
  FROM devices d
  LEFT JOIN lanes lane ON (lane.workspace_id, lane.device_id) = (d.workspace_id, d.id)
  CROSS JOIN LATERAL (SELECT d.state <> 'online' AS is_word) said
  CROSS JOIN LATERAL (
    SELECT d.id::text AS key, {store.SIGNAL.format(now="$2::timestamptz")} AS signal,
           CASE WHEN is_word THEN d.state ELSE 'restricted' END AS state,
           CASE WHEN is_word THEN d.state_reason ELSE 'reach_out_lock' END AS state_reason,
           CASE WHEN is_word THEN d.state_since ELSE lane.chats_refused_at END AS since,
           CASE WHEN is_word THEN d.hold_until ELSE lane.chats_refused_until END AS until
    UNION ALL {store.RED}, 'red', NULL, n.quality_since, NULL
    FROM cloud_numbers n WHERE (n.workspace_id, n.device_id) = (d.workspace_id, d.id) AND n.quality = 'red') told
  JOIN campaigns c ON c.workspace_id = d.workspace_id AND (c.status IN ('triggered', 'processing')
    OR (c.status = 'paused' AND c.paused_from <> 'pending'))
  WHERE told.signal IS NOT NULL AND ($1::uuid[] IS NULL OR d.id = ANY($1))
    AND c.signals_seen ->> told.key IS DISTINCT FROM told.signal
    AND (EXISTS (SELECT 1 FROM messages m WHERE (m.workspace_id, m.device_id, m.source_id) = (d.workspace_id, d.id, c.id)
                 AND m.stage = 'queued')
      OR EXISTS (SELECT 1 FROM {outbox.LATEST.format(device="d.workspace_id, d.id")} m
                 WHERE m.source_id = c.id AND m.state = 'claimed')
      OR EXISTS (SELECT 1 FROM messages m WHERE (m.workspace_id, m.device_id, m.source_id) = (d.workspace_id, d.id, c.id)
                 AND m.stage IN ('planned', 'held')))
  ORDER BY told.state <> 'red'"""
"""A restriction comes after a red number, so that its words are the ones that stay."""


async def campaign_samples(tx: db.Tx, campaign_ids: Collection[str] | None) -> list[judge.CampaignSample]:
    """Running campaigns (of these; None: all) with at least one hit; simulated and real devices are counted apart.

    A person who opted out counts while their message is one of the sample; so does one whom we know by an opaque id alone.
    """
    rows = await tx.fetch(_CAMPAIGNS, _ids(campaign_ids), judge.LAST, list(WISHES))
    return [
        judge.CampaignSample(
            workspace_id=row["workspace_id"],
            campaign_id=row["id"],
            kinds=tuple(row["kinds"]),
            rules=row["rules"],
            counted_from=row["counted_from"],
            since=row["since"],
            tried=row["tried"],
            arrived=row["arrived"],
            missing=row["missing"],
            opted_out=row["opted_out"],
        )
        for row in rows
    ]


def _ids(given: Collection[str] | None) -> list[str] | None:
    return None if given is None else list(given)


async def device_samples(tx: db.Tx, device_ids: Collection[str] | None, now: datetime) -> list[judge.DeviceSample]:
    """Sending devices (of these; None: all with an opt-out since `LOOK_BACK`) with at least one hit since their last resume."""
    rows = await tx.fetch(_DEVICES, _ids(device_ids), judge.LAST, judge.LAST_BLOCKS, list(WISHES), now - LOOK_BACK)
    return [
        judge.DeviceSample(
            workspace_id=row["workspace_id"],
            device_id=row["id"],
            kind=row["rules_kind"],
            sent=row["sent"],
            opted_out=row["opted_out"],
            recent=row["recent"],
            blocked=row["blocked"],
        )
        for row in rows
    ]


async def signals(tx: db.Tx, device_ids: Collection[str] | None, now: datetime) -> list[db.Row]:
    """Restrictions and red numbers that are news to a campaign, running or paused, which still has messages on that device.

    A refused conversation counts like the service's own word: its word can be missing while it refuses.
    """
    return await tx.fetch(_SIGNALS, _ids(device_ids), now)


async def touched(tx: db.Tx, person_ids: Collection[str]) -> tuple[set[str], set[str]]:
    """Campaigns and devices that these people's opt-outs name."""
    rows = await tx.fetch("SELECT campaign_id, device_id FROM suppressions WHERE person_id = ANY($1::uuid[])", list(person_ids))
    campaigns = {row["campaign_id"] for row in rows if row["campaign_id"] is not None}
    return campaigns, {row["device_id"] for row in rows if row["device_id"] is not None}


async def canaries(tx: db.Tx) -> list[db.Row]:
    """Running campaigns that hold people back and whose first people all have their message: since when, by which kinds."""
    sql = """SELECT c.workspace_id, c.id, c.rules, x.kinds, x.since FROM campaigns c CROSS JOIN LATERAL (
               SELECT array_agg(DISTINCT d.rules_kind) AS kinds, max(coalesce(m.ended_at, m.claimed_at)) AS since,
                      bool_or(m.state = 'planned' AND m.waiting_for = 'canary') AS holds, bool_or(m.state IN ('held', 'queued',
                        'claimed') OR (m.state = 'planned' AND m.waiting_for IS DISTINCT FROM 'canary')) AS is_busy
               FROM messages m JOIN devices d ON (d.workspace_id, d.id) = (m.workspace_id, m.device_id)
               WHERE (m.workspace_id, m.source_id) = (c.workspace_id, c.id)) x
             WHERE c.status = 'processing' AND c.canary IS NOT NULL AND c.canary_passed_at IS NULL
               AND x.holds AND NOT x.is_busy AND x.since IS NOT NULL"""
    return await tx.fetch(sql)


async def brought_by(tx: db.Tx, workspace_id: str, campaign_id: str, since: datetime) -> list[judge.ImportShare]:
    """Which imports brought the numbers of a campaign that are not on WhatsApp, the worst first."""
    sql = """SELECT l.import_id, i.file_name, count(*) AS n FROM messages m
             LEFT JOIN leads l ON (l.workspace_id, l.id) = (m.workspace_id, m.lead_id)
             LEFT JOIN imports i ON (i.workspace_id, i.id) = (l.workspace_id, l.import_id)
             WHERE (m.workspace_id, m.source_id) = ($1, $2) AND m.state IN ('failed', 'suppressed')
               AND m.reason = 'not_on_whatsapp' AND coalesce(m.claimed_at, m.ended_at) >= $3
             GROUP BY l.import_id, i.file_name ORDER BY n DESC, l.import_id"""
    rows = await tx.fetch(sql, workspace_id, campaign_id, since)
    return [judge.ImportShare(row["import_id"], row["file_name"], row["n"]) for row in rows]


async def note_cause(
    tx: db.Tx,
    workspace_id: str,
    campaign_id: str,
    cause: model.PauseCause,
    resume_after: datetime | None,
    told: tuple[str, str] | None,
) -> bool:
    """Write why a campaign stands paused; False when what was told (a key and its signal) was known already."""
    sql = """UPDATE campaigns SET pause_cause = $3, status_reason = $4, resume_after = greatest(resume_after, $5::timestamptz),
               signals_seen = CASE WHEN $6::text IS NULL THEN signals_seen
                                   ELSE signals_seen || jsonb_build_object($7::text, $6::text) END, updated_at = $8
             WHERE (workspace_id, id) = ($1, $2) AND status = 'paused'
               AND ($6::text IS NULL OR signals_seen ->> $7::text IS DISTINCT FROM $6::text)"""
    stored = {**asdict(cause), "code": cause.code.value, "import_ids": list(cause.import_ids)}
    key, signal = told or (None, None)
    place = (cause.code.value, resume_after, signal, key)
    return await tx.execute(sql, workspace_id, campaign_id, stored, *place, await tx.now()) == 1


async def knows(tx: db.Tx, workspace_id: str, campaign_id: str, key: str, signal: str) -> bool:
    """Whether whoever runs this campaign has been told of this signal; ask with the campaign locked."""
    sql = "SELECT signals_seen ->> $3 = $4 FROM campaigns WHERE (workspace_id, id) = ($1, $2)"
    return bool(await tx.fetchval(sql, workspace_id, campaign_id, key, signal))
