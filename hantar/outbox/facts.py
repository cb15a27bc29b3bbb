"""What the rules ask of the database about many messages at once: one statement, so one snapshot, however many there are.

In the claim it runs after the persons are locked and never in the statement that locks them: an opt-out that committed while
the lock was awaited must be seen (reliability.md 2, 3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hantar.consent import service as consent
from hantar.kit import db
from hantar.outbox.pace import DAY, HOUR, MINUTE
from hantar.outbox.rules import WEEK, Facts, Used

ANSWER_BY = "90 seconds"
"""A message that may have left did so at most this long after its claim: a linked device's library waits 75 s for an answer."""
MOST_REFUSALS = 8
"""Refusals that count for how long a person is closed: only those of 7 days are read, and 2^7 days are more than that."""
SIMULATED = "rules_kind IN ('simulator', 'demo')"
"""SQL: whether a device reaches nobody; simulated traffic never counts for a real device's caps."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One message to ask about: to whom, from which device. `message_id` is not counted against itself; None: none yet."""

    workspace_id: str
    person_id: str
    device_id: str
    lead_id: str | None = None
    message_id: str | None = None


_PERSON = "x.workspace_id, x.person_id"
_CONSENT = f"""SELECT c.id FROM consents c WHERE (c.workspace_id, c.person_id) = ({_PERSON}) AND c.withdrawn_at IS NULL
    AND (c.expires_at IS NULL OR c.expires_at > $6)"""
_READ = f"""
  SELECT EXISTS (SELECT 1 FROM person_aliases a WHERE (a.workspace_id, a.person_id) = ({_PERSON})) AS has_alias,
    ({consent.LIVE.format(person=_PERSON)}) AS is_opted_out,
    ({_CONSENT} AND c.purpose = 'marketing' ORDER BY c.given_at DESC LIMIT 1) AS consent_id,
    ({_CONSENT} ORDER BY c.given_at DESC LIMIT 1) AS any_consent_id,
    {consent.HELD.format(person=_PERSON)} AS is_held,
    h.campaign_times, h.sequence_times, h.refusals, h.refused_at, u.unanswered, u.last_campaign_at,
    (SELECT max(i.last_in_at) FROM chats i JOIN devices o ON (o.workspace_id, o.id) = (i.workspace_id, i.device_id)
     WHERE (i.workspace_id, i.person_id) = ({_PERSON}) AND (o.{SIMULATED}) = (d.{SIMULATED})) AS last_in_at,
    e.time_zone AS lead_zone, p.zones AS person_zones, w.time_zone AS workspace_zone,
    c.first_out_at IS NULL AND c.first_in_at IS NULL AS is_new_chat, c.last_in_at IS NOT NULL AS is_warm,
    l.chats_at, l.chats_count, l.minute_at, l.minute_count, l.hour_at, l.hour_count, l.day_at, l.day_count,
    d.linked_at, d.state = 'restricted' AS is_restricted, d.hold_until AS restricted_until
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[]) WITH ORDINALITY
    AS x (workspace_id, person_id, device_id, lead_id, message_id, nth)
  JOIN persons p ON (p.workspace_id, p.id) = ({_PERSON})
  JOIN devices d ON (d.workspace_id, d.id) = (x.workspace_id, x.device_id)
  JOIN workspaces w ON w.id = x.workspace_id
  LEFT JOIN lanes l ON (l.workspace_id, l.device_id) = (x.workspace_id, x.device_id)
  LEFT JOIN leads e ON (e.workspace_id, e.id) = (x.workspace_id, x.lead_id)
  LEFT JOIN chats c ON (c.workspace_id, c.device_id, c.person_id) = (x.workspace_id, x.device_id, x.person_id)
  CROSS JOIN LATERAL (
    SELECT array_agg(y.at ORDER BY y.at DESC) FILTER (WHERE y.kind = 'campaign' AND y.has_left) AS campaign_times,
      array_agg(y.at ORDER BY y.at DESC) FILTER (WHERE y.kind = 'sequence' AND y.has_left) AS sequence_times,
      count(*) FILTER (WHERE y.is_refused) AS refusals, max(y.ended_at) FILTER (WHERE y.is_refused) AS refused_at
    FROM (SELECT m.kind, coalesce(m.sent_at, m.claimed_at + interval '{ANSWER_BY}') AS at, m.ended_at,
            m.state <> 'failed' OR m.sent_at IS NOT NULL AS has_left, m.state = 'failed' AND m.reason = 'capped' AS is_refused
          FROM messages m JOIN devices o ON (o.workspace_id, o.id) = (m.workspace_id, m.device_id)
          WHERE (m.workspace_id, m.person_id) = ({_PERSON}) AND m.claimed_at > $7 AND m.kind IN ('campaign', 'sequence')
            AND m.id IS DISTINCT FROM x.message_id AND (o.{SIMULATED}) = (d.{SIMULATED})) y) h
  CROSS JOIN LATERAL (
    SELECT count(*) AS unanswered, max(m.claimed_at) AS last_campaign_at
    FROM messages m JOIN devices o ON (o.workspace_id, o.id) = (m.workspace_id, m.device_id)
    WHERE $8::boolean AND (m.workspace_id, m.person_id) = ({_PERSON}) AND m.claimed_at IS NOT NULL AND m.kind = 'campaign'
      AND (m.state <> 'failed' OR m.sent_at IS NOT NULL)
      AND m.id IS DISTINCT FROM x.message_id AND (o.{SIMULATED}) = (d.{SIMULATED})
      AND m.claimed_at > coalesce((
        SELECT max(i.last_in_at) FROM chats i JOIN devices v ON (v.workspace_id, v.id) = (i.workspace_id, i.device_id)
        WHERE (i.workspace_id, i.person_id) = ({_PERSON}) AND (v.{SIMULATED}) = (d.{SIMULATED})), '-infinity')) u
  ORDER BY x.nth"""


async def read(tx: db.Tx, subjects: Sequence[Subject], now: datetime, *, unanswered: bool = False) -> list[Facts]:
    """The facts of each subject, in their order; all persons and devices must exist. `unanswered`: count those too.

    Works for the engine over all workspaces, and in a request within its own.
    """
    if not subjects:
        return []
    columns = ([getattr(each, name) for each in subjects] for name in _COLUMNS)
    rows = await tx.fetch(_READ, *columns, now, now - WEEK - HOUR, unanswered)
    return [_facts(row, now) for row in rows]


_COLUMNS = ("workspace_id", "person_id", "device_id", "lead_id", "message_id")
_AS_READ = (
    *("is_opted_out", "has_alias", "consent_id", "any_consent_id", "is_held", "unanswered", "last_campaign_at", "last_in_at"),
    *("lead_zone", "workspace_zone", "is_new_chat", "is_warm", "is_restricted"),
)


def _facts(row: db.Row, now: datetime) -> Facts:
    same = {name: row[name] for name in _AS_READ}
    windows = (("device_per_minute", "minute", MINUTE), ("device_per_hour", "hour", HOUR), ("device_per_day", "day", DAY))
    begun = [(rule, row[f"{name}_at"], row[f"{name}_count"], length) for rule, name, length in windows]
    chats_until = row["chats_at"] + DAY if row["chats_at"] is not None else None
    is_counting = chats_until is not None and chats_until > now
    return Facts(
        **same,
        campaign_times=tuple(row["campaign_times"] or ()),
        sequence_times=tuple(row["sequence_times"] or ()),
        closed_until=_closed_until(row["refusals"], row["refused_at"]),
        person_zones=tuple(row["person_zones"]),
        new_chats_used=row["chats_count"] if is_counting else 0,
        new_chats_until=chats_until if is_counting else None,
        days_linked=max(0.0, (now - row["linked_at"]) / DAY) if row["linked_at"] is not None else 0.0,
        used=tuple(Used(rule, count, at + length) for rule, at, count, length in begun if at is not None and at + length > now),
        restricted_until=row["restricted_until"] if row["is_restricted"] else None,
    )


def _closed_until(refusals: int, refused_at: datetime | None) -> datetime | None:
    """The service's own marketing cap closes a person for 24 h, doubling each time (responsible-sending.md 2)."""
    return None if refused_at is None else refused_at + DAY * 2 ** (min(refusals, MOST_REFUSALS) - 1)
