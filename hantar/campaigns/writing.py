"""Recipients into the outbox, a page of leads at a time: who the plan would leave out is left out here as well."""

from dataclasses import dataclass

from hantar.campaigns import audience, judging, model, store
from hantar.campaigns.rulebook import Rulebook
from hantar.kit import db
from hantar.outbox import backlog, model as outbox


@dataclass(frozen=True, slots=True)
class Page:
    """What one page of planning wrote: how far it looked, and how many messages each device was given."""

    last_lead: str | None
    seen: int
    counts: dict[str, int]
    planned: list[str]
    """Devices that got messages beyond their window."""


def _candidates(where: db.Where, campaign: model.Campaign, after: str | None, limit: int) -> str:
    """SQL of a page of leads with `early`; a person who has an earlier lead that counts is a duplicate, whatever its page."""
    draft = campaign.draft
    judging.match(where, campaign.workspace_id, draft.audience)
    if after is not None:
        where.add("l.id > {}::uuid", after)
    own = judging.why(where, draft.text)
    earlier = db.Where(*where.values)
    judging.match(earlier, campaign.workspace_id, draft.audience, "b")
    counts = f"{judging.why(earlier, draft.text, 'b')} IS NULL"
    where.values[:] = earlier.values
    return f"""
      SELECT g.*, CASE WHEN g.why IS NOT NULL THEN g.why WHEN EXISTS (
          SELECT 1 FROM leads b WHERE {earlier} AND b.person_id = g.person_id AND b.id < g.id
            AND {counts})
        THEN 'duplicate_of' END AS early
      FROM (SELECT {judging.WHOLE}, {own} AS why FROM leads l WHERE {where} ORDER BY l.id LIMIT {int(limit)}) g"""


async def write_page(
    tx: db.Tx,
    campaign: model.Campaign,
    book: Rulebook,
    after: str | None,
    given: dict[str, int],
    base: str,
    limit: int = model.PAGE,
    window: int = backlog.WINDOW,
) -> Page:
    """INSERT … SELECT one page of leads as queued messages; who is in already stays as they are (unique per person).

    Each device's first `window` messages are queued, the others are planned and follow in order (`outbox.backlog`).

    Who waits from the start, for the hour or for the first people, has it noted for "why?".

    `base` is the first 24 hexadecimal digits of the ids, so that they rise in the order of sending. `given` is how many each
    device has already: a message expires so long after *its own* planned time, wherever it stands in its device's queue. The
    first `canary` people are queued, the others planned until they may follow.
    """
    where, draft, now = db.Where(), campaign.draft, await tx.now()
    leads = _candidates(where, campaign, after, limit)
    found = await judging.openings(tx, book, draft.audience)
    among = "AND m.person_id IN (SELECT g.person_id FROM page g)"
    people = judging.judged(where, book, found, "SELECT * FROM page", among)
    v = where.value
    own = v((draft.min_delay_seconds + draft.max_delay_seconds) / 2)
    held_from = draft.canary - sum(given.values()) if draft.canary is not None and campaign.canary_passed_at is None else None
    is_held = f"p.turn > {v(held_from)}::int" if held_from is not None else "false"
    sql = f"""
      WITH page AS MATERIALIZED ({leads}),
      placed AS (
        SELECT x.*, row_number() OVER (ORDER BY x.id) AS turn, coalesce(g.count, 0)
          + row_number() OVER (PARTITION BY x.device_id ORDER BY x.id) - 1 AS place
        FROM ({people}) x LEFT JOIN unnest({v(list(given))}::uuid[], {v(list(given.values()))}::bigint[]) AS g (device_id, count)
          ON g.device_id = x.device_id
        WHERE x.reason IS NULL{await _in_plan(tx, where, campaign)}),
      written AS (
        INSERT INTO messages (workspace_id, id, kind, source_id, person_id, lead_id, device_id, content_id, name, phone, state,
                              waiting_for, priority, not_before, expires_at, created_at)
        SELECT p.workspace_id, ({v(base)}::text || lpad(to_hex(p.turn), 8, '0'))::uuid, 'campaign',
               {v(campaign.id)}::uuid, p.person_id, p.id, p.device_id, {v(campaign.content_id)}::uuid, p.name, p.phone,
               CASE WHEN {is_held} OR p.place >= {v(window)}::int THEN 'planned' ELSE 'queued' END,
               CASE WHEN {is_held} THEN 'canary' WHEN p.opens_at > {v(book.starts_at)}::timestamptz THEN 'quiet_hours' END,
               {v(outbox.PRIORITY[outbox.MessageKind.CAMPAIGN])}::smallint, p.opens_at,
               p.opens_at + make_interval(secs =>
                 p.expires_after + p.place * p.stretch * greatest({own}::float8, p.seconds_each)),
               {v(now)}::timestamptz
        FROM placed p ORDER BY p.id
        ON CONFLICT (workspace_id, source_id, step_id, person_id, twin) DO NOTHING
        RETURNING workspace_id, id, device_id, state, waiting_for, not_before),
      noted AS (
        INSERT INTO message_events (workspace_id, message_id, id, at, kind, cause, until)
        SELECT workspace_id, id, gen_random_uuid(), {v(now)}::timestamptz, 'wait', waiting_for,
               CASE WHEN waiting_for = 'quiet_hours' THEN not_before END
        FROM written WHERE waiting_for IS NOT NULL)
      SELECT (SELECT id FROM page ORDER BY id DESC LIMIT 1) AS last, (SELECT count(*) FROM page) AS seen, device_id, n, planned
      FROM (SELECT NULL::uuid AS device_id, 0::bigint AS n, false AS planned
            UNION ALL SELECT device_id, count(*), bool_or(state = 'planned' AND waiting_for IS DISTINCT FROM 'canary')
            FROM written GROUP BY device_id) AS each"""
    rows = await tx.fetch(sql, *where.values)
    counts = {row["device_id"]: row["n"] for row in rows if row["device_id"] is not None}
    return Page(rows[0]["last"], rows[0]["seen"], counts, [row["device_id"] for row in rows if row["planned"]])


async def _in_plan(tx: db.Tx, where: db.Where, campaign: model.Campaign) -> str:
    """SQL: only who is in the plan it was started by, if it was started by one."""
    if campaign.plan_hash is None:
        return ""
    draft = campaign.draft
    plan = await store.started_plan(tx, campaign.workspace_id, campaign.plan_hash, draft.text, draft.media_id)
    if plan is None:
        return ""
    kept = f"p.workspace_id = {where.value(campaign.workspace_id)}::uuid AND p.id = {where.value(plan['id'])}::uuid"
    return f" AND {audience.PAIR} IN (SELECT unnest(p.people) FROM plans p WHERE {kept})"
