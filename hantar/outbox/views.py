"""Questions about messages: counts, lists, one message. Reads only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hantar.kit import db
from hantar.outbox import lanes, model, tally


@dataclass(frozen=True, slots=True)
class Counts:
    """How many messages stand where; the six public words add up to the total."""

    total: int = 0
    pending: int = 0
    queued: int = 0
    sent: int = 0
    failed: int = 0
    skipped: int = 0
    unconfirmed: int = 0
    delivered: int = 0
    read: int = 0
    held: int = 0
    cancelled: int = 0
    suppressed: int = 0
    expired: int = 0

    @property
    def success_rate(self) -> float | None:
        """Sent of all that ended either way, in percent; None before anything ended."""
        ended = self.sent + self.failed
        return round(100 * self.sent / ended, 1) if ended else None


TALLY = """
  count(*) AS total,
  count(*) FILTER (WHERE state IN ('planned', 'held')) AS pending,
  count(*) FILTER (WHERE state IN ('queued', 'claimed')) AS queued,
  count(*) FILTER (WHERE state IN ('sent', 'delivered', 'read')) AS sent,
  count(*) FILTER (WHERE state = 'failed') AS failed,
  count(*) FILTER (WHERE state IN ('cancelled', 'suppressed', 'expired')) AS skipped,
  count(*) FILTER (WHERE state = 'unknown') AS unconfirmed,
  count(*) FILTER (WHERE state IN ('delivered', 'read')) AS delivered,
  count(*) FILTER (WHERE state = 'read') AS read,
  count(*) FILTER (WHERE state = 'held') AS held,
  count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
  count(*) FILTER (WHERE state = 'suppressed') AS suppressed,
  count(*) FILTER (WHERE state = 'expired') AS expired"""


def counts_of(row: db.Row) -> Counts:
    """Counts from a row of `TALLY`."""
    return Counts(**{name: row[name] for name in Counts.__dataclass_fields__})


async def counts(tx: db.Tx, workspace_id: str, source_ids: Sequence[str]) -> dict[str, Counts]:
    """The counts of each source; sources without messages are left out."""
    return {source: counts_from(states) for source, states in (await tally.states(tx, workspace_id, source_ids)).items()}


def counts_from(states: Mapping[str, int]) -> Counts:
    """Counts from how many messages stand in each state."""
    words = dict.fromkeys(("pending", "queued", "sent", "failed", "skipped", "unconfirmed"), 0)
    for state, n in states.items():
        words[model.STATUS[model.S(state)].value] += n
    of = {name: states.get(name, 0) for name in ("read", "held", "cancelled", "suppressed", "expired")}
    delivered = states.get("delivered", 0) + of["read"]
    return Counts(total=sum(words.values()), delivered=delivered, **words, **of)


async def sent_since(tx: db.Tx, workspace_id: str, source_id: str, since: datetime) -> tuple[int, datetime | None]:
    """How many messages of a source were sent since then, and when the first of them was; asked of each lane's newest."""
    sql = """SELECT coalesce(sum(x.n), 0)::bigint AS n, min(x.first) AS first FROM lanes l CROSS JOIN LATERAL (
               SELECT count(*) AS n, min(m.sent_at) AS first FROM messages m
               WHERE (m.workspace_id, m.device_id) = (l.workspace_id, l.device_id)
                 AND m.claimed_at >= $3::timestamptz - interval '1 hour' AND m.sent_at >= $3 AND m.source_id = $2) x
             WHERE l.workspace_id = $1"""
    row = await tx.fetchrow(sql, workspace_id, source_id, since)
    return (row["n"], row["first"]) if row else (0, None)


_SHUT = f"(({lanes.restricted('$1')} OR d.state = 'banned_until') AND NOT ({lanes.WARM}))"
_LAST_WAIT = """(SELECT e.until FROM message_events e WHERE (e.workspace_id, e.message_id) = (m.workspace_id, m.id)
      AND e.kind = 'wait' ORDER BY e.at DESC, e.id DESC LIMIT 1)"""

WAITS_FOR = f"""CASE WHEN m.state = 'planned' THEN m.waiting_for WHEN m.state <> 'queued' THEN NULL
    WHEN NOT coalesce(s.is_open, true) THEN 'campaign_paused'
    WHEN m.waiting_for IS NOT NULL AND m.not_before > $1 THEN m.waiting_for
    WHEN {_SHUT} THEN 'device_restricted'
    WHEN d.state NOT IN ('online', 'restricted') OR d.sending_paused THEN 'device_offline'
    WHEN l.rest_until > $1 OR l.full_until > $1 THEN 'device_limit'
    ELSE 'pacing' END"""
"""SQL: what stands in front of a queued message; $1 is now."""
WAITS_UNTIL = f"""CASE WHEN m.state <> 'queued' OR NOT coalesce(s.is_open, true) THEN NULL
    WHEN m.waiting_for IS NOT NULL AND m.not_before > $1 THEN CASE WHEN {_LAST_WAIT} IS NOT NULL THEN m.not_before END
    WHEN {_SHUT} THEN CASE WHEN l.chats_refused_until > $1 AND d.state <> 'banned_until'
      THEN greatest(l.chats_refused_until, d.hold_until) ELSE d.hold_until END
    WHEN d.state NOT IN ('online', 'restricted') OR d.sending_paused THEN NULL
    WHEN l.rest_until > $1 OR l.full_until > $1 THEN greatest(l.rest_until, l.full_until) END"""
"""SQL: until when, where that is known."""

_LIST = f"""
  SELECT m.*, m.sent_at AS sent, c.kind AS content_kind, d.name AS device_name,
    {WAITS_FOR} AS waits_for, {WAITS_UNTIL} AS waits_until
  FROM messages m
  JOIN contents c ON (c.workspace_id, c.id) = (m.workspace_id, m.content_id)
  JOIN devices d ON (d.workspace_id, d.id) = (m.workspace_id, m.device_id)
  LEFT JOIN lanes l ON (l.workspace_id, l.device_id) = (m.workspace_id, m.device_id)
  LEFT JOIN sources s ON (s.workspace_id, s.id) = (m.workspace_id, m.source_id)"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages a list asks for."""

    source_id: str | None = None
    device_id: str | None = None
    lead_id: str | None = None
    status: str | None = None
    kind: str | None = None
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: str | None = None
    after: str | None = None


def _where(where: db.Where, workspace_id: str, wanted: Wanted) -> db.Where:
    where.add("m.workspace_id = {}", workspace_id)
    for column, value in (("m.source_id", wanted.source_id), ("m.device_id", wanted.device_id), ("m.lead_id", wanted.lead_id)):
        if value:
            where.add(f"{column} = {{}}", value)
    if wanted.status and wanted.status != "all":
        where.add("m.state = ANY({}::text[])", [state for word in wanted.status.split(",") for state in model.states_of(word)])
    if wanted.kind:
        where.add("m.kind = {}", wanted.kind)
    if wanted.text:
        where.add("(m.name ILIKE {} OR m.phone LIKE {})", db.like(wanted.text), db.like(wanted.text))
    if wanted.since:
        where.add("m.created_at >= {}", wanted.since)
    if wanted.until:
        where.add("m.created_at < {}", wanted.until)
    return where


async def messages(tx: db.Tx, workspace_id: str, wanted: Wanted, limit: int) -> list[db.Row]:
    """Messages, newest first (`before`: older than this id), or oldest first when `after` is given."""
    where = _where(db.Where(await tx.now()), workspace_id, wanted)
    order = "DESC"
    if wanted.after is not None:
        where.add("m.id > {}::uuid", wanted.after)
        order = "ASC"
    elif wanted.before:
        where.add("m.id < {}::uuid", wanted.before)
    return await tx.fetch(f"{_LIST} WHERE {where} ORDER BY m.id {order} LIMIT {int(limit)}", *where.values)


async def message(tx: db.Tx, workspace_id: str, message_id: str) -> db.Row:
    """One message; raises `MessageNotFound`."""
    where = db.Where(await tx.now())
    where.add("(m.workspace_id, m.id) = ({}, {})", workspace_id, message_id)
    row = await tx.fetchrow(f"{_LIST} WHERE {where}", *where.values)
    if row is None:
        raise model.MessageNotFound
    return row


async def total(tx: db.Tx, workspace_id: str, wanted: Wanted) -> int:
    """How many messages a list has in all."""
    where = _where(db.Where(), workspace_id, wanted)
    sql = f"SELECT count(*) FROM messages m WHERE {where}"
    found: int = await tx.fetchval(sql, *where.values)
    return found
