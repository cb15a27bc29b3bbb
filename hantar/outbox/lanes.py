"""Whose turn it is: lanes that may send now, the head of each, and the slot a claim reserves. Set-based; none names a device.

A device's limits are its own columns, tightened by the policy: the numbers of each workspace and kind come as arrays, and how
long they hold a lane back is worked out anew each time, so that a raised limit counts at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hantar.kit import db
from hantar.outbox import model
from hantar.policy.model import Rules

Pair = tuple[str, str]
"""A workspace and a kind of device (`devices.rules_kind`)."""
WARM = """(m.kind IN ('direct', 'auto_reply') OR m.duty IS NOT NULL) AND EXISTS (SELECT 1 FROM chats c
  WHERE (c.workspace_id, c.device_id, c.person_id) = (m.workspace_id, m.device_id, m.person_id) AND c.last_in_at IS NOT NULL)"""
"""SQL: what a restricted device `d` may still send: answers to people who wrote to it."""
ANSWERS_FIRST = 1
"""Answers have this priority or a smaller one, so a restricted lane's broadcasts need not be looked through."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """The limits of each workspace and kind, as columns for one statement."""

    workspace_ids: list[str]
    kinds: list[str]
    per_minute: list[int]
    per_hour: list[int]
    per_day: list[int]

    @classmethod
    def of(cls, rules: Mapping[Pair, Rules]) -> "Numbers":
        """Columns of these rules."""
        pairs, each = list(rules), list(rules.values())
        return cls(
            [workspace for workspace, _ in pairs],
            [kind for _, kind in pairs],
            [one.device_per_minute for one in each],
            [one.device_per_hour for one in each],
            [one.device_per_day for one in each],
        )

    @property
    def columns(self) -> tuple[list[str], list[str], list[int], list[int], list[int]]:
        """The values for `JOINED`, in order."""
        return self.workspace_ids, self.kinds, self.per_minute, self.per_hour, self.per_day


def joined(first: int) -> str:
    """SQL that joins the numbers `r` to device `d`; `first` is the number of the first of five values.

    With a LEFT before it the device's own columns stand alone where none were given (LEAST passes NULL over).
    """
    marks = ", ".join(f"${first + n}::{kind}[]" for n, kind in enumerate(("uuid", "text", "int", "int", "int")))
    return f"""JOIN unnest({marks}) AS r (workspace_id, kind, per_minute, per_hour, per_day)
        ON (r.workspace_id, r.kind) = (d.workspace_id, d.rules_kind)"""


def limit_rest(minute: str, hour: str, day: str) -> str:
    """SQL: until when the limits of today hold lane `l` back."""
    return f"""greatest(
      CASE WHEN l.minute_count >= {minute} THEN l.minute_at + interval '1 minute' ELSE 'epoch' END,
      CASE WHEN l.hour_count >= {hour} THEN l.hour_at + interval '1 hour' ELSE 'epoch' END,
      CASE WHEN l.day_count >= {day} THEN l.day_at + interval '1 day' ELSE 'epoch' END)"""


_LIMITS = ("least(d.per_minute, r.per_minute)", "least(d.per_hour, r.per_hour)", "least(d.per_day, r.per_day)")


def restricted(now: str) -> str:
    """SQL: whether device `d` with lane `l` may begin no conversation: the service said so by an event, or by a refusal since."""
    return f"(d.state = 'restricted' OR (l.chats_refused_until > {now} AND l.chats_refused_at >= d.state_since))"


async def plan_once(tx: db.Tx) -> None:
    """For this transaction: keep the statements' plans. They serve any number of lanes, and planning costs more than running."""
    await tx.execute("SELECT set_config('plan_cache_mode', 'force_generic_plan', true)")


async def due_lanes(
    tx: db.Tx, node: str, now: datetime, resting: Sequence[str], numbers: Numbers, limit: int
) -> list[model.Lane]:
    """Lanes of ours that may send now and have something due, locked; `resting` are devices whose own floor is not reached.

    The device is locked against deletion too, since the claim writes rows that point at it and waits for nobody.
    """
    minute, hour, day = _LIMITS
    sql = f"""
      SELECT {_OF_LANES}, e.token, d.driver, d.rules_kind, d.min_delay_seconds AS min_delay, d.max_delay_seconds AS max_delay,
             {minute} AS per_minute, {hour} AS per_hour, {day} AS per_day, {restricted("$2")} AS is_restricted,
             d.hold_until, d.linked_at, d.rules_kind IN ('simulator', 'demo') AS is_simulated, w.time_zone AS workspace_zone
      FROM lanes l
      JOIN leases e ON e.shard = l.shard AND e.node = $1 AND e.expires_at > $2
      JOIN devices d ON (d.workspace_id, d.id) = (l.workspace_id, l.device_id)
      JOIN workspaces w ON w.id = l.workspace_id
      LEFT {joined(5)}
      CROSS JOIN LATERAL (
        SELECT 1 FROM messages m LEFT JOIN sources s ON (s.workspace_id, s.id) = (m.workspace_id, m.source_id)
        WHERE (m.workspace_id, m.device_id) = (l.workspace_id, l.device_id) AND m.state = 'queued'
          AND m.not_before <= $2 AND coalesce(s.is_open, true)
          AND m.priority <= CASE WHEN {restricted("$2")} THEN {ANSWERS_FIRST} ELSE 32767 END
          AND (NOT {restricted("$2")} OR {WARM})
        ORDER BY m.priority, m.not_before, m.id LIMIT 1) front
      WHERE l.next_at <= $2 AND l.rest_until <= $2 AND {limit_rest(minute, hour, day)} <= $2
        AND d.state IN ('online', 'restricted') AND NOT d.sending_paused AND NOT l.device_id = ANY($3)
      ORDER BY l.next_at LIMIT $4
      FOR UPDATE OF l SKIP LOCKED FOR SHARE OF e FOR KEY SHARE OF d SKIP LOCKED"""
    rows = await tx.fetch(sql, node, now, list(resting), limit, *numbers.columns)
    return [model.Lane(*map(row.__getitem__, _LANE)) for row in rows]


async def heads(tx: db.Tx, lanes: Sequence[model.Lane], now: datetime) -> list[model.Head]:
    """The first due row of each lane, locked, with what it says; rows another holder has are passed over."""
    sql = f"""
      SELECT m.*, c.text AS template, c.media_id, e.name AS lead_name, e.niches, e.attributes, e.time_zone AS lead_zone,
        CASE WHEN m.phone = '' THEN (SELECT a.value FROM person_aliases a WHERE a.kind = 'lid'
          AND (a.workspace_id, a.person_id) = (m.workspace_id, m.person_id) LIMIT 1) END AS opaque
      FROM unnest({db.many(1, "uuid")}, {db.many(2, "uuid")}, $4::boolean[]) AS x (workspace_id, device_id, is_restricted)
      CROSS JOIN LATERAL (
        SELECT m.workspace_id, m.id, m.person_id, m.device_id, m.expires_at, m.kind, m.source_id, m.lead_id, m.is_manual,
               m.confirms_opted_out, m.duty, m.content_id, m.name, m.phone, m.text, m.wire_id, m.attempts, s.rules,
               coalesce(s.min_delay_seconds, 0) AS min_delay, coalesce(s.max_delay_seconds, 0) AS max_delay
        FROM messages m LEFT JOIN sources s ON (s.workspace_id, s.id) = (m.workspace_id, m.source_id)
        WHERE (m.workspace_id, m.device_id) = (x.workspace_id, x.device_id) AND m.state = 'queued'
          AND m.not_before <= $3 AND coalesce(s.is_open, true)
          AND m.priority <= CASE WHEN x.is_restricted THEN {ANSWERS_FIRST} ELSE 32767 END AND (NOT x.is_restricted OR {WARM})
        ORDER BY m.priority, m.not_before, m.id LIMIT 1 FOR UPDATE OF m SKIP LOCKED) m
      JOIN contents c ON (c.workspace_id, c.id) = (m.workspace_id, m.content_id)
      LEFT JOIN leads e ON (e.workspace_id, e.id) = (m.workspace_id, m.lead_id)"""
    where = db.joined([lane.workspace_id for lane in lanes]), db.joined([lane.device_id for lane in lanes])
    rows = await tx.fetch(sql, *where, now, [lane.is_restricted for lane in lanes])
    return [_head(row) for row in rows]


def _head(row: db.Row) -> model.Head:
    return model.Head(
        workspace_id=row["workspace_id"],
        id=row["id"],
        person_id=row["person_id"],
        device_id=row["device_id"],
        expires_at=row["expires_at"],
        min_delay=row["min_delay"],
        max_delay=row["max_delay"],
        kind=model.MessageKind(row["kind"]),
        source_id=row["source_id"],
        lead_id=row["lead_id"],
        is_manual=row["is_manual"],
        confirms_opted_out=row["confirms_opted_out"],
        duty=row["duty"],
        rules=row["rules"] or {},
        says=row,
    )


_LANE = tuple(model.Lane.__dataclass_fields__)
_OF_LANES = ", ".join(
    f"l.{name}"
    for name in (
        "workspace_id",
        "device_id",
        *(f"{each}_{n}" for each in ("minute", "hour", "day", "chats") for n in ("at", "count")),
    )
)


async def lock_persons(tx: db.Tx, heads: Sequence[model.Head]) -> dict[tuple[str, str], list[str]]:
    """Lock each person once and read their time zones; whoever is locked elsewhere is left for the next tick."""
    sql = f"""SELECT p.workspace_id, p.id, p.zones FROM persons p
              JOIN (SELECT DISTINCT * FROM unnest({db.many(1, "uuid")}, {db.many(2, "uuid")})) AS x (workspace_id, id)
                ON (p.workspace_id, p.id) = (x.workspace_id, x.id) FOR UPDATE OF p SKIP LOCKED"""
    who = db.joined([head.workspace_id for head in heads]), db.joined([head.person_id for head in heads])
    return {(row["workspace_id"], row["id"]): row["zones"] for row in await tx.fetch(sql, *who)}


async def step_back(tx: db.Tx, lanes: Sequence[model.Lane], now: datetime) -> None:
    """Lanes that claimed nothing stand behind the others that are due, so that many such heads hold nobody up."""
    sql = """UPDATE lanes l SET next_at = $3 FROM unnest($1::uuid[], $2::uuid[]) AS x (workspace_id, device_id)
             WHERE (l.workspace_id, l.device_id) = (x.workspace_id, x.device_id) AND l.next_at < $3"""
    await tx.execute(sql, [lane.workspace_id for lane in lanes], [lane.device_id for lane in lanes], now)


async def next_due(tx: db.Tx, node: str, now: datetime, numbers: Numbers) -> datetime | None:
    """When the next lane of ours has something to send; None when nothing waits."""
    sql = f"""
      SELECT min(greatest(l.next_at, l.rest_until, {limit_rest(*_LIMITS)}, q.not_before)) FROM lanes l
      JOIN leases e ON e.shard = l.shard AND e.node = $1
      JOIN devices d ON (d.workspace_id, d.id) = (l.workspace_id, l.device_id)
        AND d.state IN ('online', 'restricted') AND NOT d.sending_paused
      LEFT {joined(3)}
      CROSS JOIN LATERAL (
        SELECT m.not_before FROM messages m LEFT JOIN sources s ON (s.workspace_id, s.id) = (m.workspace_id, m.source_id)
        WHERE (m.workspace_id, m.device_id) = (l.workspace_id, l.device_id) AND m.state = 'queued' AND coalesce(s.is_open, true)
          AND m.priority <= CASE WHEN {restricted("$2")} THEN {ANSWERS_FIRST} ELSE 32767 END
          AND (NOT {restricted("$2")} OR {WARM})
        ORDER BY m.not_before LIMIT 1) q"""
    found: datetime | None = await tx.fetchval(sql, node, now, *numbers.columns)
    return found
