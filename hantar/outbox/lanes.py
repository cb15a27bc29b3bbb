"""Whose turn it is: what waits in which lane, and the head of each lane that may send now. Set-based, for many at once.

A look says what waits and since when, and locks nothing; a claim asks for the lanes it believes are due, and this decides.
"""

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hantar.kit import db
from hantar.outbox import model

Pair = tuple[str, str]
"""A workspace and a kind of device (`devices.rules_kind`)."""
Asked = tuple[str, str, str | None]
"""A workspace, a device, and the source whose turn it is there (None: single messages, which go first)."""
MOST_SOURCES = 200
"""Sources of one lane that a look lists; with more, those behind are found when these are done (our own number)."""
WARM = """(m.kind IN ('direct', 'auto_reply') OR m.duty IS NOT NULL) AND EXISTS (SELECT 1 FROM chats c
  WHERE (c.workspace_id, c.device_id, c.person_id) = (m.workspace_id, m.device_id, m.person_id) AND c.last_in_at IS NOT NULL)"""
"""SQL: what a restricted device `d` may still send: answers to people who wrote to it."""
ANSWERS_FIRST = 1
"""Answers have this priority or a smaller one, so a restricted lane's broadcasts need not be looked through."""


def restricted(now: str) -> str:
    """SQL: whether device `d` with lane `l` may begin no conversation: the service said so by an event, or by a refusal since."""
    return f"(d.state = 'restricted' OR (l.chats_refused_until > {now} AND l.chats_refused_at >= d.state_since))"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which of our lanes a look is about: some shards, workspaces or devices; exactly one is given."""

    shards: Sequence[int] | None = None
    workspaces: Sequence[str] | None = None
    devices: Sequence[str] | None = None


_WAITING = f"""
  SELECT l.workspace_id, l.device_id, l.shard, greatest(l.next_at, l.rest_until) AS ready_at,
    q.source_id, q.priority, q.not_before
  FROM lanes l
  JOIN leases e ON e.shard = l.shard AND e.node = $1 AND e.expires_at > $2
  JOIN devices d ON (d.workspace_id, d.id) = (l.workspace_id, l.device_id)
    AND d.state IN ('online', 'restricted') AND NOT d.sending_paused
  CROSS JOIN LATERAL (
    (SELECT NULL::uuid AS source_id, m.priority, m.not_before FROM messages m
     WHERE (m.workspace_id, m.device_id) = (l.workspace_id, l.device_id) AND m.stage = 'queued' AND m.priority <= {ANSWERS_FIRST}
       AND (NOT {restricted("$2")} OR {WARM})
     ORDER BY m.not_before LIMIT 1)
    UNION ALL
    SELECT n.source_id, n.priority, n.not_before FROM (
      WITH RECURSIVE walk AS (  -- from source to source, one probe of the index each
        (SELECT m.source_id, m.priority, m.not_before FROM messages m
         WHERE (m.workspace_id, m.device_id) = (l.workspace_id, l.device_id) AND m.stage = 'queued'
         ORDER BY m.source_id, m.not_before, m.id LIMIT 1)
        UNION ALL
        SELECT n.source_id, n.priority, n.not_before FROM walk CROSS JOIN LATERAL (
          SELECT m.source_id, m.priority, m.not_before FROM messages m
          WHERE (m.workspace_id, m.device_id) = (l.workspace_id, l.device_id) AND m.stage = 'queued'
            AND m.source_id > walk.source_id
          ORDER BY m.source_id, m.not_before, m.id LIMIT 1) n)
      SELECT walk.* FROM walk LIMIT {MOST_SOURCES}) n
    LEFT JOIN sources s ON (s.workspace_id, s.id) = (l.workspace_id, n.source_id)
    WHERE n.priority > {ANSWERS_FIRST} AND coalesce(s.is_open, true) AND NOT {restricted("$2")}) q
  WHERE """


async def waiting(tx: db.Tx, node: str, now: datetime, scope: Scope) -> list[db.Row]:
    """What waits in our lanes whose device may send: each source's next row, and single messages as one (`source_id` None)."""
    if scope.devices is not None:
        return await tx.fetch(_WAITING + "l.device_id = ANY($3::uuid[])", node, now, list(scope.devices))
    if scope.workspaces is not None:
        return await tx.fetch(_WAITING + "l.workspace_id = ANY($3::uuid[])", node, now, list(scope.workspaces))
    return await tx.fetch(_WAITING + "l.shard = ANY($3::smallint[])", node, now, list(scope.shards or ()))


async def heads(
    tx: db.Tx, node: str, now: datetime, asked: Sequence[Asked], lead: timedelta = timedelta(0)
) -> list[tuple[model.Lane, model.Head]]:
    """The lanes of those asked for (workspace, device, source) that may send now, or within the lead, each with its first row
    that is due now; both locked.

    Lanes and rows another holder has are passed over, and so are those with nothing due. The device is locked against deletion
    too, since the claim writes rows that point at it and waits for nobody; the lease against being taken over, not against
    being renewed.
    """
    rows, until = [], now + lead
    if of_sources := [each for each in asked if each[2] is not None]:
        rows += await tx.fetch(_OF_SOURCES, node, now, until, *(db.joined(each[n] for each in of_sources) for n in range(3)))
    if single := [each for each in asked if each[2] is None]:
        rows += await tx.fetch(_SINGLE, node, now, until, *(db.joined(each[n] for each in single) for n in range(2)))
    return [(model.Lane(*row[:_LANE]), _head(row)) for row in rows]


_SAYS = f"""l.workspace_id, l.device_id, d.driver, e.token, d.min_delay_seconds, d.max_delay_seconds,
    d.per_minute, d.per_hour, d.per_day, l.used, d.rules_kind,
    {restricted("$2")} AS is_restricted, d.hold_until, d.linked_at, d.rules_kind IN ('simulator', 'demo') AS is_simulated,
    w.time_zone AS workspace_zone, greatest(l.next_at, l.rest_until) AS ready_at,
    m.id, m.person_id, m.expires_at, coalesce(s.min_delay_seconds, 0), coalesce(s.max_delay_seconds, 0), m.kind, m.source_id,
    m.is_manual, m.confirms_opted_out, m.duty, nullif(s.rules, '{{}}')::text AS rules,
    m.name, m.phone, m.text, m.wire_id, m.attempts, m.deferrals, c.text AS template, c.media_id,
    c.template::text AS approved,
    e2.name AS lead_name, e2.niches, e2.attributes::text AS attributes, e2.time_zone AS lead_zone,
    CASE WHEN m.phone = '' THEN (SELECT a.value FROM person_aliases a WHERE a.kind = 'lid'
      AND (a.workspace_id, a.person_id) = (m.workspace_id, m.person_id) LIMIT 1) END AS opaque"""
_MAY_SEND = """
  JOIN lanes l ON (l.workspace_id, l.device_id) = (x.workspace_id, x.device_id) AND l.next_at <= $3 AND l.rest_until <= $3
  JOIN leases e ON e.shard = l.shard AND e.node = $1 AND e.expires_at > $2
  JOIN devices d ON (d.workspace_id, d.id) = (x.workspace_id, x.device_id)
    AND d.state IN ('online', 'restricted') AND NOT d.sending_paused
  JOIN workspaces w ON w.id = x.workspace_id"""
_WITH = """
  JOIN contents c ON (c.workspace_id, c.id) = (m.workspace_id, m.content_id)
  LEFT JOIN leads e2 ON (e2.workspace_id, e2.id) = (m.workspace_id, m.lead_id)
  FOR UPDATE OF l SKIP LOCKED FOR KEY SHARE OF e FOR KEY SHARE OF d SKIP LOCKED"""
_OF_SOURCES = f"""
  SELECT {_SAYS}
  FROM unnest({db.many(4, "uuid")}, {db.many(5, "uuid")}, {db.many(6, "uuid")}) AS x (workspace_id, device_id, source_id)
  {_MAY_SEND}
  LEFT JOIN sources s ON (s.workspace_id, s.id) = (x.workspace_id, x.source_id)
  CROSS JOIN LATERAL (
    SELECT m.* FROM messages m
    WHERE (m.workspace_id, m.device_id, m.source_id) = (x.workspace_id, x.device_id, x.source_id) AND m.stage = 'queued'
      AND m.priority > {ANSWERS_FIRST} AND m.not_before <= $2 AND NOT {restricted("$2")} AND coalesce(s.is_open, true)
    ORDER BY m.not_before, m.id LIMIT 1 FOR UPDATE SKIP LOCKED) m
  {_WITH}"""
_SINGLE = f"""
  SELECT {_SAYS}
  FROM unnest({db.many(4, "uuid")}, {db.many(5, "uuid")}) AS x (workspace_id, device_id)
  {_MAY_SEND}
  CROSS JOIN LATERAL (
    SELECT m.* FROM messages m
    WHERE (m.workspace_id, m.device_id) = (x.workspace_id, x.device_id) AND m.stage = 'queued'
      AND m.priority <= {ANSWERS_FIRST} AND m.not_before <= $2 AND (NOT {restricted("$2")} OR {WARM})
    ORDER BY m.priority, m.not_before, m.id LIMIT 1 FOR UPDATE SKIP LOCKED) m
  LEFT JOIN sources s ON (s.workspace_id, s.id) = (m.workspace_id, m.source_id)
  {_WITH}"""
_LANE = len(model.Lane.__dataclass_fields__)
_HEAD = _LANE + 10


@functools.lru_cache(maxsize=10_000)
def _rules(text: str) -> Mapping[str, Any]:
    """A source's own numbers; the same few texts come again and again."""
    rules: Mapping[str, Any] = json.loads(text)
    return rules


_KINDS = {kind.value: kind for kind in model.MessageKind}


def _head(row: db.Row) -> model.Head:
    message, person, *rest = row[_LANE:_HEAD]  # in the order of the fields, up to `rules`
    head = model.Head(row[0], message, person, row[1], *rest)
    head.kind, head.says = _KINDS[head.kind], row
    if (own := row["rules"]) is not None:
        head.rules = _rules(own)
    return head


_LOCK = f"""
  SELECT p.workspace_id, p.id, p.zones, p.checked_at, p.is_on_whatsapp, p.is_check_simulated FROM persons p
  JOIN (SELECT DISTINCT * FROM unnest({db.many(1, "uuid")}, {db.many(2, "uuid")})) AS x (workspace_id, id)
    ON (p.workspace_id, p.id) = (x.workspace_id, x.id) FOR UPDATE OF p SKIP LOCKED"""


async def lock_persons(tx: db.Tx, heads: Sequence[model.Head]) -> dict[tuple[str, str], model.Person]:
    """Lock each person once and read what is stored of them; whoever is locked elsewhere is left for the next tick."""
    who = db.joined([head.workspace_id for head in heads]), db.joined([head.person_id for head in heads])
    return {(row[0], row[1]): model.Person(*row[2:]) for row in await tx.fetch(_LOCK, *who)}


async def note_full(tx: db.Tx, full: Sequence[tuple[model.Lane, datetime]]) -> None:
    """Keep until when these lanes' limits hold them back, for those who look."""
    sql = """UPDATE lanes l SET full_until = x.until FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[])
               AS x (workspace_id, device_id, until)
             WHERE (l.workspace_id, l.device_id) = (x.workspace_id, x.device_id)"""
    lanes = [lane for lane, _ in full]
    await tx.execute(sql, [each.workspace_id for each in lanes], [each.device_id for each in lanes], [at for _, at in full])
