"""Everything that is known of one message, for "why?": how it came about, what the rules saw, what happened since. Reads only.

What is told of a claim is worked out again from rows that stand; numbers of the installation are today's, since only a
workspace's own have versions.
"""

from dataclasses import dataclass
from datetime import datetime

from hantar.kit import db
from hantar.outbox import facts, rules, views
from hantar.outbox.model import MessageKind
from hantar.policy import service as policy
from hantar.policy.model import Rules

OPEN = frozenset({"planned", "held", "queued"})


@dataclass(frozen=True, slots=True)
class History:
    """One message and all that explains it. `moment` is when the rules decided, or now for what has not left."""

    message: db.Row
    about: db.Row
    events: list[db.Row]
    opt_outs: list[db.Row]
    holds: list[db.Row]
    moment: datetime
    now: datetime
    bound: Rules
    version: int
    ruling: rules.Ruling | None
    """What the rules say now of a message that has not left."""


_ABOUT = f"""
  SELECT d.name AS device_name, d.rules_kind, d.driver, l.time_zone AS lead_zone, l.device_id AS lead_device,
    p.zones AS person_zones, p.erased_at, w.time_zone AS workspace_zone, coalesce(s.rules, '{{}}') AS own,
    g.title, g.due_at, k.purpose, k.wording, k.source, k.business_name, k.given_at, k.withdrawn_at, k.id AS consent_id,
    h.campaign_day, h.campaign_week, h.sequence_day, greatest(i.at, c.at) AS last_in_at
  FROM messages m
  JOIN devices d ON (d.workspace_id, d.id) = (m.workspace_id, m.device_id)
  JOIN persons p ON (p.workspace_id, p.id) = (m.workspace_id, m.person_id)
  JOIN workspaces w ON w.id = m.workspace_id
  LEFT JOIN leads l ON (l.workspace_id, l.id) = (m.workspace_id, m.lead_id)
  LEFT JOIN sources s ON (s.workspace_id, s.id) = (m.workspace_id, m.source_id)
  LEFT JOIN campaigns g ON (g.workspace_id, g.id) = (m.workspace_id, m.source_id)
  LEFT JOIN LATERAL (
    SELECT n.* FROM consents n
    WHERE (n.workspace_id, n.person_id) = (m.workspace_id, m.person_id) AND CASE
      WHEN m.claimed_at IS NOT NULL THEN n.id = m.consent_id
      ELSE (n.withdrawn_at IS NULL OR n.withdrawn_at > $3) AND (n.expires_at IS NULL OR n.expires_at > $3)
        AND n.created_at <= $3 AND (n.purpose = 'marketing' OR m.kind NOT IN ('campaign', 'sequence')) END
    ORDER BY n.purpose = 'marketing' DESC, n.given_at DESC LIMIT 1) k ON true
  CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE y.kind = 'campaign' AND y.at > $3 - interval '1 day') AS campaign_day,
      count(*) FILTER (WHERE y.kind = 'campaign' AND y.at > $3 - interval '7 days') AS campaign_week,
      count(*) FILTER (WHERE y.kind = 'sequence' AND y.at > $3 - interval '1 day') AS sequence_day
    FROM (SELECT o.kind, coalesce(o.sent_at, o.claimed_at + interval '{facts.ANSWER_BY}') AS at
          FROM messages o JOIN devices v ON (v.workspace_id, v.id) = (o.workspace_id, o.device_id)
          WHERE (o.workspace_id, o.person_id) = (m.workspace_id, m.person_id) AND o.id <> m.id
            AND o.claimed_at < $3 AND o.claimed_at > $3 - interval '7 days 1 hour' AND o.kind IN ('campaign', 'sequence')
            AND (o.state <> 'failed' OR o.sent_at IS NOT NULL) AND (v.{facts.SIMULATED}) = (d.{facts.SIMULATED})) y) h
  CROSS JOIN LATERAL (
    SELECT max(n.at) AS at FROM inbound_messages n JOIN devices v ON (v.workspace_id, v.id) = (n.workspace_id, n.device_id)
    WHERE (n.workspace_id, n.person_id) = (m.workspace_id, m.person_id) AND n.at <= $3
      AND (v.{facts.SIMULATED}) = (d.{facts.SIMULATED})) i
  CROSS JOIN LATERAL (
    SELECT max(n.last_in_at) AS at FROM chats n JOIN devices v ON (v.workspace_id, v.id) = (n.workspace_id, n.device_id)
    WHERE (n.workspace_id, n.person_id) = (m.workspace_id, m.person_id) AND n.last_in_at <= $3
      AND (v.{facts.SIMULATED}) = (d.{facts.SIMULATED})) c
  WHERE (m.workspace_id, m.id) = ($1, $2)"""
"""The campaign's title and time are the one thing read from a floor above; they are words here and decide nothing."""


async def read(tx: db.Tx, workspace_id: str, message_id: str) -> History:
    """All of it, in a handful of statements; raises `MessageNotFound`."""
    message = await views.message(tx, workspace_id, message_id)
    now = await tx.now()
    moment = _moment(message, now)
    about = await tx.fetchrow(_ABOUT, workspace_id, message_id, moment)
    assert about is not None  # noqa: S101 its keys hold it
    applied = await policy.as_of(tx, about["rules_kind"], moment, message["policy_version"] if _was_claimed(message) else None)
    bound = rules.tightened(applied.rules, about["own"], 0.0)
    person = (workspace_id, message["person_id"])
    return History(
        message,
        about,
        await _events(tx, workspace_id, message_id),
        await _opt_outs(tx, *person),
        await _holds(tx, *person),
        moment,
        now,
        bound,
        applied.version,
        await _ruling(tx, message, bound, _asked_at(message, now)) if message["state"] == "queued" else None,
    )


def _was_claimed(message: db.Row) -> bool:
    return message["claimed_at"] is not None


def _moment(message: db.Row, now: datetime) -> datetime:
    if message["state"] in OPEN:
        return now
    found: datetime = message["claimed_at"] or message["ended_at"] or message["created_at"]
    return found


def _asked_at(message: db.Row, now: datetime) -> datetime:
    """Now, or the time a message is planned for that waits for nothing else."""
    return now if message["waiting_for"] else max(now, message["not_before"])


async def _events(tx: db.Tx, workspace_id: str, message_id: str) -> list[db.Row]:
    sql = """SELECT at, kind, cause, until, detail FROM message_events
             WHERE (workspace_id, message_id) = ($1, $2) ORDER BY at, id"""
    return await tx.fetch(sql, workspace_id, message_id)


async def _opt_outs(tx: db.Tx, workspace_id: str, person_id: str) -> list[db.Row]:
    """Every opt-out that stands or stood for this person, the oldest first."""
    sql = """SELECT s.reason, s.at, s.released_at, false AS is_global FROM suppressions s
             WHERE s.workspace_id = $1 AND (s.person_id = $2 OR s.id IN (
               SELECT k.suppression_id FROM suppression_keys k
               JOIN person_aliases a ON (a.workspace_id, a.key) = (k.workspace_id, k.key)
               WHERE (a.workspace_id, a.person_id) = ($1, $2)))
             UNION
             SELECT g.reason, g.at, g.released_at, true FROM global_suppressions g JOIN person_aliases a ON a.key = g.key
             WHERE (a.workspace_id, a.person_id) = ($1, $2) ORDER BY at"""
    return await tx.fetch(sql, workspace_id, person_id)


async def _holds(tx: db.Tx, workspace_id: str, person_id: str) -> list[db.Row]:
    sql = "SELECT kind, at, ended_at, outcome FROM holds WHERE (workspace_id, person_id) = ($1, $2) ORDER BY at"
    return await tx.fetch(sql, workspace_id, person_id)


async def _ruling(tx: db.Tx, message: db.Row, bound: Rules, at: datetime) -> rules.Ruling:
    """What the claim would be told at that instant, by the facts of now."""
    subject = facts.Subject(
        message["workspace_id"],
        message["person_id"],
        message["device_id"],
        message["lead_id"],
        message["id"],
        is_template=message["content_kind"] == "template",
    )
    (found,) = await facts.read(tx, [subject], await tx.now(), unanswered=bound.unanswered_max is not None)
    return rules.judge(
        MessageKind(message["kind"]),
        found,
        bound,
        at,
        expires_at=message["expires_at"],
        is_manual=message["is_manual"],
        confirms_opted_out=message["confirms_opted_out"],
        duty=message["duty"],
    )
