"""Who a campaign reaches, from which device, and who is left out and why.

One question to the database, asked by the plan and by the planner.
"""

from dataclasses import dataclass

from hantar.campaigns import model
from hantar.kit import db
from hantar.outbox import model as outbox
from hantar.outbox import render

EXCLUSIONS = ("no_device", "missing_variable", "duplicate_of")


def _match(where: db.Where, workspace_id: str, audience: model.Audience) -> None:
    where.add("l.workspace_id = {}", workspace_id)
    if audience.niche_keys is not None:
        where.add("l.niche_keys && {}::text[]", list(audience.niche_keys))
    if audience.target_status is not model.TargetStatus.ALL:
        where.add("l.target_status = {}", audience.target_status.value)
    if audience.device_ids is not None:
        where.add("l.device_id = ANY({}::uuid[])", list(audience.device_ids))


def _why(needs: str) -> str:
    """SQL for the reason to leave a lead out by itself; `needs` is the number of the array of required fields."""
    return f"""CASE WHEN l.device_id IS NULL THEN 'no_device'
      WHEN EXISTS (SELECT 1 FROM unnest({needs}::text[]) AS need WHERE coalesce(btrim(CASE need WHEN 'name' THEN l.name
        WHEN 'phone' THEN l.phone WHEN 'niche' THEN array_to_string(l.niches, ', ')
        ELSE (SELECT value FROM jsonb_each_text(l.attributes) WHERE lower(key) = need LIMIT 1) END), '') = '')
      THEN 'missing_variable' END"""


def _decided(where: db.Where, workspace_id: str, audience: model.Audience, text: str) -> str:
    """A query of all matched leads with `reason` (NULL: gets it) and `position` within the device, in the order of sending."""
    _match(where, workspace_id, audience)
    why = _why(where.value(render.required(text)))
    return f"""
      SELECT j.*, row_number() OVER (PARTITION BY j.device_id, j.reason IS NULL ORDER BY j.id) - 1 AS position FROM (
        SELECT m.*, CASE WHEN m.why IS NOT NULL THEN m.why
            WHEN row_number() OVER (PARTITION BY m.person_id, m.why IS NULL ORDER BY m.id) > 1 THEN 'duplicate_of' END AS reason
        FROM (SELECT l.id, l.person_id, l.device_id, l.name, l.phone, l.niches, l.attributes, {why} AS why
              FROM leads l WHERE {where}) m) j"""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """How many are left out for one reason, with one of them as an example."""

    reason: str
    count: int
    lead_id: str | None = None
    name: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class DeviceShare:
    """How many people one device writes to, with what pacing needs to know of it."""

    device_id: str
    name: str
    state: str
    count: int
    min_delay: float
    max_delay: float
    per_minute: int
    per_hour: int
    per_day: int
    kind: str = "simulator"
    new_people: int = 0


@dataclass(frozen=True, slots=True)
class Shares:
    """The plan in numbers, and a hash that changes when a person, a device or the text does."""

    matched: int
    will_send: int
    excluded_by_reason: dict[str, int]
    devices: tuple[DeviceShare, ...]
    hash: str
    exclusions: tuple[Exclusion, ...] = ()
    without_consent: int = 0


async def shares(tx: db.Tx, workspace_id: str, audience: model.Audience, text: str, media_id: str | None) -> Shares:
    """Count who gets it, per device, and who is left out, by reason."""
    where = db.Where()
    decided = _decided(where, workspace_id, audience, text)
    sql = f"""
      SELECT x.device_id, x.reason, count(*) AS n,
             sum(hashtextextended(x.person_id::text || x.device_id::text, 0)::numeric) AS sum,
             d.name, d.state, d.min_delay_seconds, d.max_delay_seconds, d.per_minute, d.per_hour, d.per_day
      FROM ({decided}) x LEFT JOIN devices d ON d.workspace_id = {where.value(workspace_id)}::uuid AND d.id = x.device_id
      GROUP BY x.device_id, x.reason, d.name, d.state, d.min_delay_seconds, d.max_delay_seconds, d.per_minute, d.per_hour,
               d.per_day
      ORDER BY d.name, x.device_id"""
    rows = await tx.fetch(sql, *where.values)
    excluded = {reason: sum(row["n"] for row in rows if row["reason"] == reason) for reason in EXCLUSIONS}
    sending = [row for row in rows if row["reason"] is None]
    digest = await tx.fetchval(
        "SELECT md5($1)", repr((text, media_id, [(row["device_id"], row["n"], str(row["sum"])) for row in sending]))
    )
    return Shares(
        matched=sum(row["n"] for row in rows),
        will_send=sum(row["n"] for row in sending),
        excluded_by_reason={reason: count for reason, count in excluded.items() if count},
        devices=tuple(_share(row) for row in sending),
        hash=digest,
        exclusions=tuple(Exclusion(reason, count) for reason, count in excluded.items() if count),
    )


def _share(row: db.Row) -> DeviceShare:
    return DeviceShare(
        row["device_id"],
        row["name"],
        row["state"],
        row["n"],
        row["min_delay_seconds"],
        row["max_delay_seconds"],
        row["per_minute"],
        row["per_hour"],
        row["per_day"],
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """Which recipients of a plan a page asks for."""

    included: bool | None = None
    reason: str | None = None
    device_id: str | None = None
    text: str | None = None
    after: str | None = None


async def recipients(
    tx: db.Tx, workspace_id: str, audience: model.Audience, text: str, asked: Asked, limit: int | None
) -> list[db.Row]:
    """Recipients in the order of their leads, each with `reason` and `position`."""
    inner = db.Where()
    decided = _decided(inner, workspace_id, audience, text)
    outer = db.Where(*inner.values)
    if asked.included is not None:
        outer.add("x.reason IS NULL" if asked.included else "x.reason IS NOT NULL")
    if asked.reason:
        outer.add("x.reason = {}", asked.reason)
    if asked.device_id:
        outer.add("x.device_id = {}::uuid", asked.device_id)
    if asked.text:
        outer.add("(x.name ILIKE {} OR x.phone LIKE {})", db.like(asked.text), db.like(asked.text))
    if asked.after:
        outer.add("x.id > {}::uuid", asked.after)
    page = f"LIMIT {int(limit)}" if limit else ""
    sql = f"""SELECT x.*, d.name AS device_name, d.min_delay_seconds, d.max_delay_seconds, d.per_minute, d.per_hour, d.per_day
              FROM ({decided}) x LEFT JOIN devices d ON d.workspace_id = {outer.value(workspace_id)}::uuid AND d.id = x.device_id
              WHERE {outer} ORDER BY x.id {page}"""
    return await tx.fetch(sql, *outer.values)


@dataclass(frozen=True, slots=True)
class Page:
    """What one page of planning wrote: how far it looked, and how many messages each device was given."""

    last_lead: str | None
    seen: int
    counts: dict[str, int]


async def write_page(
    tx: db.Tx, campaign: model.Campaign, after: str | None, given: dict[str, int], base: str, limit: int = model.PAGE
) -> Page:
    """INSERT … SELECT one page of leads as queued messages; who is in already stays as they are (unique per person).

    `base` is the first 24 hexadecimal digits of the ids, so that they rise in the order of sending. `given` is how many each
    device has already: a message expires so long after *its own* planned time, wherever it stands in its device's queue.
    """
    where, draft, now = db.Where(), campaign.draft, await tx.now()
    _match(where, campaign.workspace_id, draft.audience)
    if after is not None:
        where.add("l.id > {}::uuid", after)
    why = _why(where.value(render.required(draft.text)))
    v = where.value
    own = v((draft.min_delay_seconds + draft.max_delay_seconds) / 2)
    mean = f"greatest({own}::float8, (d.min_delay_seconds + d.max_delay_seconds) / 2)"
    start = f"greatest({v(campaign.due_at)}::timestamptz, {v(now)}::timestamptz)"
    sql = f"""
      WITH page AS MATERIALIZED (
        SELECT l.*, {why} AS why, row_number() OVER (ORDER BY l.id) AS nth FROM leads l
        WHERE {where} ORDER BY l.id LIMIT {int(limit)}),
      placed AS (
        SELECT p.*, coalesce(g.count, 0) + row_number() OVER (PARTITION BY p.device_id ORDER BY p.id) - 1 AS place
        FROM page p LEFT JOIN unnest({v(list(given))}::uuid[], {v(list(given.values()))}::bigint[]) AS g (device_id, count)
          ON g.device_id = p.device_id
        WHERE p.why IS NULL),
      written AS (
        INSERT INTO messages (workspace_id, id, kind, source_id, person_id, lead_id, device_id, content_id, name, phone, state,
                              priority, not_before, expires_at, created_at)
        SELECT p.workspace_id, ({v(base)}::text || lpad(to_hex(p.nth), 8, '0'))::uuid, 'campaign',
               {v(campaign.id)}::uuid, p.person_id, p.id, p.device_id, {v(campaign.content_id)}::uuid, p.name, p.phone, 'queued',
               {v(outbox.PRIORITY[outbox.MessageKind.CAMPAIGN])}::smallint, {v(campaign.due_at)}::timestamptz,
               {start} + {v(outbox.EXPIRES_AFTER)}::interval + make_interval(secs => greatest(p.place * {mean},
                 p.place / d.per_minute * 60, p.place / d.per_hour * 3600, p.place / d.per_day * 86400)),
               {v(now)}::timestamptz
        FROM placed p JOIN devices d ON (d.workspace_id, d.id) = (p.workspace_id, p.device_id) ORDER BY p.id
        ON CONFLICT (workspace_id, source_id, step_id, person_id, twin) DO NOTHING RETURNING device_id)
      SELECT (SELECT id FROM page ORDER BY id DESC LIMIT 1) AS last, (SELECT count(*) FROM page) AS seen, device_id, n
      FROM (SELECT NULL::uuid AS device_id, 0::bigint AS n
            UNION ALL SELECT device_id, count(*) FROM written GROUP BY device_id) AS each"""
    rows = await tx.fetch(sql, *where.values)
    counts = {row["device_id"]: row["n"] for row in rows if row["device_id"] is not None}
    return Page(rows[0]["last"], rows[0]["seen"], counts)
