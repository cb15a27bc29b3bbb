"""Who a campaign reaches, from which device, and who is left out and why: one question to the database.

The plan asks it about everybody, the planner about one page after another; both get the same answer, in the order of
`words.REASONS`. What `outbox.rules.judge` says of one message at its time, this says of many people before.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hantar.campaigns import model, words
from hantar.campaigns.rulebook import SIMULATED, Opening, Rulebook
from hantar.consent import quiet
from hantar.consent import service as consent
from hantar.kit import db
from hantar.outbox import facts, render
from hantar.outbox.pace import HOUR
from hantar.outbox.rules import WEEK

EXCLUSIONS = tuple(words.REASONS)
LEAD = "l.id, l.person_id, l.device_id, l.time_zone"
"""SQL: what judging needs of a lead."""
WHOLE = f"{LEAD}, l.name, l.phone, l.niches, l.attributes"
"""SQL: what a text needs as well."""
ROOM = "SET LOCAL work_mem = '64MB'"
"""A hundred thousand people are sorted in memory; without it the disk takes most of the time (measured)."""
PAIR = "uuid_hash_extended(x.person_id, uuid_hash_extended(x.device_id, 0))"
"""SQL: a person and the device that writes to them, as one number."""


def match(where: db.Where, workspace_id: str, audience: model.Audience, lead: str = "l") -> None:
    """The conditions by which leads belong to an audience."""
    where.add(f"{lead}.workspace_id = {{}}", workspace_id)
    if audience.niche_keys is not None:
        where.add(f"{lead}.niche_keys && {{}}::text[]", list(audience.niche_keys))
    if audience.target_status is not model.TargetStatus.ALL:
        where.add(f"{lead}.target_status = {{}}", audience.target_status.value)
    if audience.device_ids is not None:
        where.add(f"{lead}.device_id = ANY({{}}::uuid[])", list(audience.device_ids))


def why(needs: str, lead: str = "l") -> str:
    """SQL for the reason to leave a lead out by itself; `needs` is the number of the array of required fields."""
    return f"""CASE WHEN {lead}.device_id IS NULL THEN 'no_device'
      WHEN EXISTS (SELECT 1 FROM unnest({needs}::text[]) AS need WHERE coalesce(btrim(CASE need WHEN 'name' THEN {lead}.name
        WHEN 'phone' THEN {lead}.phone WHEN 'niche' THEN array_to_string({lead}.niches, ', ')
        ELSE (SELECT value FROM jsonb_each_text({lead}.attributes) WHERE lower(key) = need LIMIT 1) END), '') = '')
      THEN 'missing_variable' END"""


def candidates(where: db.Where, workspace_id: str, audience: model.Audience, text: str, columns: str = LEAD) -> str:
    """SQL of all matched leads with `early`: the reason that lies in the lead itself or in another lead of the same person."""
    match(where, workspace_id, audience)
    own = why(where.value(render.required(text)))
    return f"""
      SELECT m.*, CASE WHEN m.why IS NOT NULL THEN m.why
          WHEN row_number() OVER (PARTITION BY m.person_id, m.why IS NULL ORDER BY m.id) > 1 THEN 'duplicate_of' END AS early
      FROM (SELECT {columns}, {own} AS why FROM leads l WHERE {where} OFFSET 0) m"""


def _kind(book: Rulebook, where: db.Where) -> str:
    return f"{where.value(book.as_kind)}::text" if book.as_kind else "d.rules_kind"


async def openings(tx: db.Tx, book: Rulebook, audience: model.Audience) -> tuple[Opening, ...]:
    """When people may be written to, for each kind of device and each set of zones there is; few, however many people.

    The key of a set is the lead's own zone where it names a place, else the zones of the number.
    """
    if not book.needs_zones:
        return ()
    where = db.Where()
    match(where, book.workspace_id, audience)
    own = await tx.fetch(
        f"SELECT DISTINCT time_zone FROM leads l WHERE {where} AND time_zone IS NOT NULL ORDER BY 1", *where.values
    )
    numbers = """SELECT DISTINCT array_to_string(zones, ',') AS zones
                 FROM (SELECT DISTINCT zones FROM persons WHERE workspace_id = $1) p ORDER BY 1"""
    sets = await tx.fetch(numbers, book.workspace_id)
    keys = [row["time_zone"] for row in own if quiet.is_zone(row["time_zone"])] + [f",{row['zones']}" for row in sets]
    return tuple(book.opening(kind, key) for kind in book.kinds for key in keys)


def classes(found: Sequence[Opening]) -> dict[tuple[str, ...], int]:
    """A number for each distinct set of zones; people of one class have their turns at the same hours."""
    return {zones: n for n, zones in enumerate(dict.fromkeys(((), *(each.zones for each in found))))}


def judged(where: db.Where, book: Rulebook, found: Sequence[Opening], candidates: str, among: str = "") -> str:
    """SQL of candidates with `reason` (NULL: gets it), `kind`, `class` of zones, `opens_at`, `is_new`, `has_consent`.

    `among` may narrow the messages `m` that count to those of the candidates, where these are few.
    """
    v, person = where.value, "f.workspace_id, f.person_id"
    history = _history(where, book, among)
    when = f"coalesce(z.opens_at, {v(book.starts_at)}::timestamptz)"
    is_new = "true" if book.as_kind else "coalesce(c.first_out_at, c.first_in_at) IS NULL"
    return f"""
      SELECT f.*, k.kind, coalesce(z.class, 0) AS class, {when} AS opens_at, coalesce(z.stretch, 1) AS stretch,
        {is_new} AS is_new, s.has_consent, k.expires_after, greatest((d.min_delay_seconds + d.max_delay_seconds) / 2, k.gap,
          60.0 / least(d.per_minute, k.per_minute), 3600.0 / least(d.per_hour, k.per_hour),
          86400.0 / least(d.per_day, k.per_day))::float8 AS seconds_each, CASE WHEN f.early IS NOT NULL THEN f.early
          WHEN {consent.LIVE.format(person=person)} THEN 'opted_out'
          WHEN k.is_strict AND NOT s.has_consent THEN 'no_consent'
          WHEN {consent.HELD.format(person=person)}
            OR NOT EXISTS (SELECT 1 FROM person_aliases a WHERE (a.workspace_id, a.person_id) = ({person})) THEN 'on_hold'
          WHEN {_capped(when)} THEN 'cap'
          WHEN z.is_out THEN 'quiet_hours' END AS reason
      FROM (SELECT {v(book.workspace_id)}::uuid AS workspace_id, e.* FROM ({candidates}) e) f
      LEFT JOIN devices d ON (d.workspace_id, d.id) = (f.workspace_id, f.device_id)
      LEFT JOIN {_numbers(where, book)} ON k.kind = {_kind(book, where)}
      CROSS JOIN LATERAL (SELECT {consent.CONSENTED.format(person=person, now=f"{v(book.starts_at)}::timestamptz")}
        AS has_consent) s
      LEFT JOIN chats c ON (c.workspace_id, c.device_id, c.person_id) = (f.workspace_id, f.device_id, f.person_id)
      LEFT JOIN ({history}) h ON h.person_id = f.person_id AND h.is_simulated = (k.kind = ANY({v(list(SIMULATED))}::text[]))
      {_zones(where, found, person)} OFFSET 0"""


def _numbers(where: db.Where, book: Rulebook) -> str:
    """SQL: what the rules of each kind of device say, as `k`."""
    kinds = [(kind, book.rules(kind)) for kind in book.kinds]
    ints = ("person_cap_day", "person_cap_week", "device_per_minute", "device_per_hour", "device_per_day", "expires_after")
    v = where.value
    columns = ", ".join(f"{v([getattr(rules, name) for _, rules in kinds])}::int[]" for name in ints)
    return f"""unnest({v([kind for kind, _ in kinds])}::text[], {v([r.consent_mode == "strict" for _, r in kinds])}::boolean[],
        {v([r.device_gap for _, r in kinds])}::float8[], {columns})
      AS k (kind, is_strict, gap, cap_day, cap_week, per_minute, per_hour, per_day, expires_after)"""


def _zones(where: db.Where, found: Sequence[Opening], person: str) -> str:
    """SQL: joins when each person may be written to; without any opening that is always."""
    if not found:
        return "CROSS JOIN (SELECT 0 AS class, NULL::timestamptz AS opens_at, false AS is_out, 1.0::float8 AS stretch) z"
    numbers = classes(found)
    names = ("kind", "key", "opens_at", "is_out", "stretch")
    columns = [[getattr(each, name) for each in found] for name in names]
    values = [where.value(each) for each in (*columns, [numbers[each.zones] for each in found])]
    own = f"f.time_zone = ANY({values[1]}::text[])"
    return f"""JOIN persons p ON (p.workspace_id, p.id) = ({person})
      LEFT JOIN unnest({values[0]}::text[], {values[1]}::text[], {values[2]}::timestamptz[], {values[3]}::boolean[],
        {values[4]}::float8[], {values[5]}::int[]) AS z ({", ".join(names)}, class)
        ON z.kind = k.kind AND z.key = CASE WHEN {own} THEN f.time_zone ELSE ',' || array_to_string(p.zones, ',') END"""


def _history(where: db.Where, book: Rulebook, among: str) -> str:
    """SQL: what campaigns sent of late to people who may be at a cap, by side: simulated traffic counts for no real device."""
    v = where.value
    least = min((min(rules.person_cap_day, rules.person_cap_week) for rules in map(book.rules, book.kinds)), default=1)
    recent = f"""m.workspace_id = {v(book.workspace_id)}::uuid AND m.claimed_at > {v(book.starts_at - WEEK - HOUR)}::timestamptz
        AND m.kind IN ('campaign', 'sequence') {among}"""
    return f"""
      SELECT m.person_id, o.{facts.SIMULATED} AS is_simulated,
        array_agg(coalesce(m.sent_at, m.claimed_at + interval '{facts.ANSWER_BY}'))
          FILTER (WHERE m.kind = 'campaign' AND (m.state <> 'failed' OR m.sent_at IS NOT NULL)) AS times,
        max(m.ended_at) FILTER (WHERE m.state = 'failed' AND m.reason = 'capped')
          + interval '1 day' * power(2, count(*) FILTER (WHERE m.state = 'failed' AND m.reason = 'capped') - 1) AS closed_until
      FROM messages m JOIN devices o ON (o.workspace_id, o.id) = (m.workspace_id, m.device_id)
      WHERE {recent} AND m.person_id IN (
        SELECT m.person_id FROM messages m WHERE {recent} GROUP BY m.person_id
        HAVING count(*) >= {v(least)}::int OR count(*) FILTER (WHERE m.state = 'failed') > 0)
      GROUP BY m.person_id, is_simulated"""


def _capped(when: str) -> str:
    """SQL: whether somebody has had as many campaign messages as they may by then, or the service closed them to marketing."""
    return f"""k.cap_day <= 0 OR k.cap_week <= 0 OR (h.person_id IS NOT NULL AND (coalesce(h.closed_until > {when}, false)
      OR (SELECT count(*) FILTER (WHERE t > {when} - interval '1 day') >= k.cap_day OR count(*) >= k.cap_week
          FROM unnest(h.times) AS t WHERE t > {when} - interval '7 days')))"""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """How many are left out for one reason, with one of them as an example."""

    reason: str
    count: int
    lead_id: str | None = None
    name: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """So many people of one device who may be written to in the same hours, all new to it or all known."""

    device_id: str
    kind: str
    zones: tuple[str, ...]
    is_new: bool
    count: int
    opens_at: datetime
    stretch: float


@dataclass(frozen=True, slots=True)
class Shares:
    """The plan in numbers, and a hash that changes when a person, a device or the text does."""

    matched: int
    will_send: int
    exclusions: tuple[Exclusion, ...]
    parts: tuple[Part, ...]
    hash: str
    without_consent: int
    """Of those who get it, people with no consent on record."""
    pairs: tuple[int, ...] = field(repr=False)
    """`PAIR` of everybody who gets it."""

    @property
    def excluded_by_reason(self) -> dict[str, int]:
        """How many are left out for each reason."""
        return {each.reason: each.count for each in self.exclusions}


async def shares(tx: db.Tx, book: Rulebook, audience: model.Audience, text: str, media_id: str | None) -> Shares:
    """Count who gets it, per device, and who is left out, by reason."""
    await tx.execute(ROOM)
    where = db.Where()
    everyone = candidates(where, book.workspace_id, audience, text)
    found = await openings(tx, book, audience)
    by_class = {number: zones for zones, number in classes(found).items()}
    sql = f"""SELECT x.device_id, x.kind, x.class, x.is_new, x.reason, count(*) AS n, min(x.opens_at) AS opens_at,
                max(x.stretch) AS stretch, count(*) FILTER (WHERE NOT x.has_consent) AS unknown,
                min(x.id::text) FILTER (WHERE x.reason IS NOT NULL) AS example,
                array_agg({PAIR}) FILTER (WHERE x.reason IS NULL) AS pairs
              FROM ({judged(where, book, found, everyone)}) x
              GROUP BY x.device_id, x.kind, x.class, x.is_new, x.reason ORDER BY x.device_id, x.class, x.is_new"""
    rows = await tx.fetch(sql, *where.values)
    sending = [row for row in rows if row["reason"] is None]
    return Shares(
        matched=sum(row["n"] for row in rows),
        will_send=sum(row["n"] for row in sending),
        exclusions=await _exclusions(tx, book.workspace_id, [row for row in rows if row["reason"] is not None]),
        parts=tuple(
            Part(row["device_id"], row["kind"], by_class[row["class"]], row["is_new"], row["n"], row["opens_at"], row["stretch"])
            for row in sending
        ),
        hash=_hash(sending, text, media_id),
        without_consent=sum(row["unknown"] for row in sending),
        pairs=tuple(pair for row in sending for pair in row["pairs"]),
    )


def _hash(sending: Sequence[db.Row], text: str, media_id: str | None) -> str:
    sums: dict[str, tuple[int, int]] = {}
    for row in sending:
        count, total = sums.get(row["device_id"], (0, 0))
        sums[row["device_id"]] = (count + row["n"], total + sum(row["pairs"]))
    whole = repr((text, media_id, sorted(sums.items())))
    return hashlib.sha256(whole.encode()).hexdigest()[:32]


async def _exclusions(tx: db.Tx, workspace_id: str, rows: Sequence[db.Row]) -> tuple[Exclusion, ...]:
    counts = {reason: sum(row["n"] for row in rows if row["reason"] == reason) for reason in EXCLUSIONS}
    examples = {reason: min(row["example"] for row in rows if row["reason"] == reason) for reason, n in counts.items() if n}
    sql = "SELECT id, name, phone FROM leads WHERE workspace_id = $1 AND id = ANY($2::uuid[])"
    leads = {row["id"]: row for row in await tx.fetch(sql, workspace_id, list(examples.values()))} if examples else {}
    return tuple(
        Exclusion(reason, counts[reason], lead_id, leads[lead_id]["name"], leads[lead_id]["phone"])
        for reason, lead_id in examples.items()
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
    tx: db.Tx,
    book: Rulebook,
    audience: model.Audience,
    text: str,
    asked: Asked,
    limit: int | None,
    splitting: Sequence[str] = (),
) -> list[tuple[db.Row, tuple[str, ...]]]:
    """Recipients in the order of their leads, each with its zones (empty: at any hour).

    `place` is where somebody stands in the part of their device, from 0; `splitting` are the devices whose new people stand
    apart from the known ones.
    """
    await tx.execute(ROOM)
    inner = db.Where()
    everyone = candidates(inner, book.workspace_id, audience, text, WHOLE)
    found = await openings(tx, book, audience)
    by_class = {number: zones for zones, number in classes(found).items()}
    people = judged(inner, book, found, everyone)
    outer = db.Where(*inner.values)
    for condition, value in _conditions(asked):
        outer.add(condition, *value)
    apart = f"x.is_new AND x.device_id = ANY({outer.value(list(splitting))}::uuid[])"
    page = f"LIMIT {int(limit)}" if limit else ""
    sql = f"""SELECT x.*, p.zones AS person_zones, d.name AS device_name FROM (
                SELECT x.*, row_number() OVER (PARTITION BY x.device_id, x.class, {apart}, x.reason IS NULL ORDER BY x.id) - 1
                  AS place FROM ({people}) x) x
              JOIN persons p ON (p.workspace_id, p.id) = (x.workspace_id, x.person_id)
              LEFT JOIN devices d ON (d.workspace_id, d.id) = (x.workspace_id, x.device_id)
              WHERE {outer} ORDER BY x.id {page}"""
    return [(row, by_class[row["class"]]) for row in await tx.fetch(sql, *outer.values)]


def _conditions(asked: Asked) -> list[tuple[str, tuple[object, ...]]]:
    found: list[tuple[str, tuple[object, ...]]] = []
    if asked.included is not None:
        found.append(("x.reason IS NULL" if asked.included else "x.reason IS NOT NULL", ()))
    if asked.reason:
        found.append(("x.reason = {}", (asked.reason,)))
    if asked.device_id:
        found.append(("x.device_id = {}::uuid", (asked.device_id,)))
    if asked.text:
        found.append(("(x.name ILIKE {} OR x.phone LIKE {})", (db.like(asked.text), db.like(asked.text))))
    if asked.after:
        found.append(("x.id > {}::uuid", (asked.after,)))
    return found
