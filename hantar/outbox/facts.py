"""What the rules ask of the database about many messages at once: one statement, so one snapshot, however many there are.

In the claim it runs after the persons are locked and never in the statement that locks them: an opt-out that committed while
the lock was awaited must be seen (reliability.md 2, 3).
"""

import types
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hantar.consent import service as consent
from hantar.kit import db, windows
from hantar.outbox import model
from hantar.outbox.pace import DAY, HOUR
from hantar.outbox.rules import WEEK, Facts, Used, is_window_open
from hantar.policy.model import WINDOWED

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
    is_template: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """A head the claim holds, with its lane and its person: what need not be looked up again."""

    head: model.Head
    lane: model.Lane
    person: model.Person


_PERSON = "x.workspace_id, x.person_id"
_HELD = db.one_by_one(consent.HELD.format(person=_PERSON))
_SAME_SIDE = f"(o.{SIMULATED}) = x.is_simulated"
_ABOUT = f"""a.has_alias, a.is_opted_out, n.consent_id, n.any_consent_id, {_HELD} AS is_held,
    h.campaign_times, h.sequence_times, h.refusals, h.refused_at, u.unanswered, u.last_campaign_at,
    c.last_in_at, c.is_new_chat, c.heard_at"""
_ABOUT_COLUMNS = 14
"""In the order in which `_facts` takes them."""
LIMITS = frozenset({"device_per_minute", "device_per_hour", "device_per_day"})
_PERSONAL = f"""
  CROSS JOIN LATERAL (  -- as consent.LIVE, with every alias looked up once
    SELECT count(*) > 0 AS has_alias, coalesce(bool_or(
        EXISTS (SELECT 1 FROM suppression_keys k WHERE (k.workspace_id, k.key) = (a.workspace_id, a.key) AND k.is_live OFFSET 0)
        OR EXISTS (SELECT 1 FROM global_suppressions g WHERE g.key = a.key AND g.released_at IS NULL OFFSET 0)), false)
        AS is_opted_out
    FROM person_aliases a WHERE (a.workspace_id, a.person_id) = ({_PERSON})) a
  CROSS JOIN LATERAL (
    SELECT (array_agg(c.id ORDER BY c.given_at DESC) FILTER (WHERE c.purpose = 'marketing'))[1] AS consent_id,
      (array_agg(c.id ORDER BY c.given_at DESC))[1] AS any_consent_id
    FROM consents c WHERE (c.workspace_id, c.person_id) = ({_PERSON}) AND c.withdrawn_at IS NULL
      AND (c.expires_at IS NULL OR c.expires_at > $1)) n
  CROSS JOIN LATERAL (
    SELECT coalesce(bool_and(c.device_id <> x.device_id), true) AS is_new_chat,
      max(c.last_in_at) FILTER (WHERE c.device_id = x.device_id) AS heard_at,
      max(c.last_in_at) FILTER (WHERE {_SAME_SIDE}) AS last_in_at
    FROM chats c
    LEFT JOIN devices o ON c.last_in_at IS NOT NULL AND (o.workspace_id, o.id) = (c.workspace_id, c.device_id)
    WHERE (c.workspace_id, c.person_id) = ({_PERSON})) c
  CROSS JOIN LATERAL (
    SELECT array_agg(y.at ORDER BY y.at DESC) FILTER (WHERE y.kind = 'campaign' AND y.has_left) AS campaign_times,
      array_agg(y.at ORDER BY y.at DESC) FILTER (WHERE y.kind = 'sequence' AND y.has_left) AS sequence_times,
      count(*) FILTER (WHERE y.is_refused) AS refusals, max(y.ended_at) FILTER (WHERE y.is_refused) AS refused_at
    FROM (SELECT m.kind, coalesce(m.sent_at, m.claimed_at + interval '{ANSWER_BY}') AS at, m.ended_at,
            m.state <> 'failed' OR m.sent_at IS NOT NULL AS has_left, m.state = 'failed' AND m.reason = 'capped' AS is_refused
          FROM messages m JOIN devices o ON (o.workspace_id, o.id) = (m.workspace_id, m.device_id)
          WHERE (m.workspace_id, m.person_id) = ({_PERSON}) AND m.claimed_at > $2 AND m.kind IN ('campaign', 'sequence')
            AND m.id IS DISTINCT FROM x.message_id AND {_SAME_SIDE}) y) h
  CROSS JOIN LATERAL (
    SELECT count(*) AS unanswered, max(m.claimed_at) AS last_campaign_at
    FROM messages m JOIN devices o ON (o.workspace_id, o.id) = (m.workspace_id, m.device_id)
    WHERE $3::boolean AND (m.workspace_id, m.person_id) = ({_PERSON}) AND m.claimed_at IS NOT NULL AND m.kind = 'campaign'
      AND (m.state <> 'failed' OR m.sent_at IS NOT NULL) AND m.id IS DISTINCT FROM x.message_id AND {_SAME_SIDE}
      AND m.claimed_at > coalesce(c.last_in_at, '-infinity')) u
  ORDER BY x.nth"""
_READ = f"""
  SELECT {_ABOUT}, e.time_zone AS lead_zone, p.zones,
    p.checked_at, p.is_on_whatsapp, p.is_check_simulated, w.time_zone AS workspace_zone,
    l.used,
    x.linked_at, x.state = 'restricted' AS is_restricted, x.hold_until, x.is_simulated, x.rules_kind, x.device_id
  FROM (SELECT x.*, d.linked_at, d.state, d.hold_until, d.rules_kind, d.{SIMULATED} AS is_simulated
        FROM unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[]) WITH ORDINALITY
          AS x (workspace_id, person_id, device_id, lead_id, message_id, nth)
        JOIN devices d ON (d.workspace_id, d.id) = (x.workspace_id, x.device_id)) x
  JOIN persons p ON (p.workspace_id, p.id) = ({_PERSON})
  JOIN workspaces w ON w.id = x.workspace_id
  LEFT JOIN lanes l ON (l.workspace_id, l.device_id) = (x.workspace_id, x.device_id)
  LEFT JOIN leads e ON (e.workspace_id, e.id) = (x.workspace_id, x.lead_id) {_PERSONAL}"""
_READ_HELD = f"""
  SELECT {_ABOUT}
  FROM unnest({db.many(4, "uuid")}, {db.many(5, "uuid")}, {db.many(6, "uuid")}, {db.many(7, "uuid")}, $8::boolean[])
    WITH ORDINALITY AS x (workspace_id, person_id, device_id, message_id, is_simulated, nth) {_PERSONAL}"""


async def read(tx: db.Tx, subjects: Sequence[Subject], now: datetime, *, unanswered: bool = False) -> list[Facts]:
    """The facts of each subject, in their order; all persons and devices must exist. `unanswered`: count those too.

    Works for the engine over all workspaces, and in a request within its own.
    """
    if not subjects:
        return []
    names = ("workspace_id", "person_id", "device_id", "lead_id", "message_id")
    columns = ([getattr(each, name) for each in subjects] for name in names)
    rows = await tx.fetch(_READ, now, now - WEEK - HOUR, unanswered, *columns)
    tiers = await tiers_of(tx, [row["device_id"] for row in rows if row["rules_kind"] in WINDOWED])
    return [
        _facts(
            row[:_ABOUT_COLUMNS],
            types.SimpleNamespace(**row),
            model.Person(*(row[name] for name in model.Person._fields)),
            (row["lead_zone"], row["workspace_zone"]),
            now,
            _used(row["used"], now),
            each.is_template,
            tiers.get(each.device_id),
        )
        for each, row in zip(subjects, rows, strict=True)
    ]


async def read_held(tx: db.Tx, ready: Sequence[Ready], now: datetime, *, unanswered: bool) -> list[Facts]:
    """The same for heads whose lane and person are locked: only what hangs on the person is asked. The lane has room, so
    its limits are left out, except where a source has its own.
    """
    if not ready:
        return []
    heads = [each.head for each in ready]
    columns: tuple[list[str], ...] = (
        [head.workspace_id for head in heads],
        [head.person_id for head in heads],
        [head.device_id for head in heads],
        [head.id for head in heads],
    )
    simulated = [each.lane.is_simulated for each in ready]
    rows = await tx.fetch(_READ_HELD, now, now - WEEK - HOUR, unanswered, *map(db.joined, columns), simulated)
    tiers = await tiers_of(tx, [each.lane.device_id for each in ready if each.lane.rules_kind in WINDOWED])
    return [_held_facts(row, each, tiers, now) for row, each in zip(rows, ready, strict=True)]


def _held_facts(row: db.Row, each: Ready, tiers: Mapping[str, int], now: datetime) -> Facts:
    lane, head = each.lane, each.head
    used = _used(lane.used, now) if not LIMITS.isdisjoint(head.rules) else ()
    zones = head.says["lead_zone"], lane.workspace_zone
    return _facts(row, lane, each.person, zones, now, used, head.says["approved"] is not None, tiers.get(lane.device_id))


async def tiers_of(tx: db.Tx, device_ids: Collection[str]) -> dict[str, int]:
    """How many conversations a day the account of each of these devices lets it begin, as far as the service has said.

    An account's numbers share its tier: each has its part, so that all together never begin more.
    """
    if not device_ids:
        return {}
    sql = """SELECT n.device_id, n.tier / (SELECT count(*) FROM cloud_numbers o
                 WHERE o.workspace_id = n.workspace_id
                   AND coalesce(o.business_id, o.number_id) = coalesce(n.business_id, n.number_id)) AS tier
             FROM cloud_numbers n WHERE n.device_id = ANY($1::uuid[]) AND n.tier IS NOT NULL"""
    return {row["device_id"]: row["tier"] for row in await tx.fetch(sql, list(device_ids))}


def _facts(
    about: Iterable[Any],
    lane: Any,
    person: model.Person,
    zones: tuple[str | None, str],
    now: datetime,
    used: tuple[Used, ...],
    is_template: bool,
    tier: int | None,
) -> Facts:
    """Facts from what was asked about the person, the lane (or a row with its names), and the lead's and workspace's zones."""
    has_alias, is_opted_out, consent_id, any_consent_id, is_held, campaigns, sequences, *more = about
    refusals, refused_at, unanswered, last_campaign_at, last_in_at, is_new_chat, heard_at = more
    is_windowed = lane.rules_kind in WINDOWED
    if is_windowed:
        is_new_chat = not is_window_open(heard_at, now)
    return Facts(  # in the order of its fields: by their names it would cost three times as much, for each message
        is_opted_out,
        has_alias,
        consent_id,
        any_consent_id,
        is_held,
        tuple(campaigns) if campaigns else (),
        tuple(sequences) if sequences else (),
        unanswered,
        last_campaign_at,
        None if refused_at is None else _closed_until(refusals, refused_at),
        last_in_at,
        zones[0],
        tuple(person.zones),
        zones[1],
        is_new_chat,
        heard_at,
        is_windowed,
        tier,
        is_template,
        windows.chats(lane.used, now),
        None,
        lane.used,
        max(0.0, (now - lane.linked_at) / DAY) if lane.linked_at is not None else 0.0,
        used,
        lane.is_restricted,
        lane.hold_until if lane.is_restricted else None,
        person.checked_at if person.is_check_simulated == lane.is_simulated else None,
        person.is_on_whatsapp,
    )


def _used(blob: bytes | None, now: datetime) -> tuple[Used, ...]:
    """What is used of each limit, and when the next bit of it is free."""
    if blob is None:
        return ()
    counts = windows.counts(blob, now)
    full = 2**31
    free = (
        ("device_per_minute", counts.minute, (counts.minute, full, full)),
        ("device_per_hour", counts.hour, (full, counts.hour, full)),
        ("device_per_day", counts.day, (full, full, counts.day)),
    )
    found = [(rule, count, windows.free_at(blob, now, *limits)) for rule, count, limits in free if count]
    return tuple(Used(rule, count, until) for rule, count, until in found if until is not None)


def _closed_until(refusals: int, refused_at: datetime) -> datetime:
    """The service's own marketing cap closes a person for 24 h, doubling each time (responsible-sending.md 2)."""
    return refused_at + DAY * (1 << (min(refusals, MOST_REFUSALS) - 1))
