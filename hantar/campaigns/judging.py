"""Who of many people may be written to, and why the others not: one question to the database.

The plan asks it about everybody, the planner about one page after another; both get the same answer, in the order of
`words.REASONS`. What `outbox.rules.judge` says of one message at its time, this says of many people before.
"""

from collections.abc import Sequence

from hantar.campaigns import model
from hantar.campaigns.rulebook import SIMULATED, Opening, Rulebook
from hantar.consent import quiet, service as consent
from hantar.kit import db
from hantar.outbox import facts, render
from hantar.outbox.pace import HOUR
from hantar.outbox.rules import ANSWER_WINDOW, WEEK
from hantar.policy import model as policy

LEAD = "l.id, l.person_id, l.device_id, l.time_zone"
"""SQL: what judging needs of a lead."""
WHOLE = f"{LEAD}, l.name, l.phone, l.niches, l.attributes"
"""SQL: what a text needs as well."""


def match(where: db.Where, workspace_id: str, audience: model.Audience, lead: str = "l") -> None:
    """The conditions by which leads belong to an audience."""
    where.add(f"{lead}.workspace_id = {{}}", workspace_id)
    if audience.niche_keys is not None:
        where.add(f"{lead}.niche_keys && {{}}::text[]", list(audience.niche_keys))
    if audience.target_status is not model.TargetStatus.ALL:
        where.add(f"{lead}.target_status = {{}}", audience.target_status.value)
    if audience.device_ids is not None:
        where.add(f"{lead}.device_id = ANY({{}}::uuid[])", list(audience.device_ids))


def why(where: db.Where, text: str, lead: str = "l") -> str:
    """SQL for the reason to leave a lead out by itself: no device, or nothing in a field that the text needs."""
    columns = {"name": f"{lead}.name", "phone": f"{lead}.phone", "niche": f"array_to_string({lead}.niches, ', ')"}
    missing = []
    for need in render.required(text):
        # spelled like that, as `render.values_of` prefers it; looking through them all costs ten times as much
        attribute = f"""coalesce({lead}.attributes ->> {{name}}::text,
          (SELECT value FROM jsonb_each_text({lead}.attributes) WHERE lower(key) = {{name}}::text LIMIT 1))"""
        found = columns.get(need) or attribute.format(name=where.value(need))
        missing.append(f"coalesce(btrim({found}), '') = ''")
    lacks = f"WHEN {' OR '.join(missing)} THEN 'missing_variable' " if missing else ""
    return f"CASE WHEN {lead}.device_id IS NULL THEN 'no_device' {lacks}END"


def candidates(where: db.Where, workspace_id: str, audience: model.Audience, text: str, columns: str = LEAD) -> str:
    """SQL of all matched leads with `early`: the reason that lies in the lead itself or in another lead of the same person."""
    match(where, workspace_id, audience)
    own = why(where, text)
    return f"""
      SELECT m.*, CASE WHEN m.why IS NOT NULL THEN m.why
          WHEN row_number() OVER (PARTITION BY m.person_id, m.why IS NULL ORDER BY m.id) > 1 THEN 'duplicate_of' END AS early
      FROM (SELECT {columns}, {own} AS why FROM leads l WHERE {where} OFFSET 0) m"""


def _kind(book: Rulebook, where: db.Where) -> str:
    return f"{where.value(book.as_kind)}::text" if book.as_kind else "d.rules_kind"


async def openings(tx: db.Tx, book: Rulebook, audience: model.Audience) -> tuple[Opening, ...]:
    """When people may be written to, for each kind of device and each set of zones there is; few, however many people.

    A lead's own zone stands alone where it names a place; else it is every zone of the number.
    """
    if not book.needs_zones:
        return ()
    where = db.Where()
    match(where, book.workspace_id, audience)
    own = await tx.fetch(
        f"SELECT DISTINCT time_zone FROM leads l WHERE {where} AND time_zone IS NOT NULL ORDER BY 1", *where.values
    )
    sets = await tx.fetch("SELECT DISTINCT zones FROM persons WHERE workspace_id = $1 ORDER BY 1", book.workspace_id)
    entered = [(row["time_zone"],) for row in own if quiet.is_zone(row["time_zone"])]
    places = dict.fromkeys([*entered, *(tuple(row["zones"]) for row in sets)])
    return tuple(book.opening(kind, each) for kind in book.kinds for each in places)


def classes(found: Sequence[Opening]) -> dict[tuple[str, ...], int]:
    """A number for each distinct set of zones; people of one class have their turns at the same hours."""
    return {zones: n for n, zones in enumerate(dict.fromkeys(((), *(each.zones for each in found))))}


def judged(where: db.Where, book: Rulebook, found: Sequence[Opening], candidates: str, among: str = "") -> str:
    """SQL of candidates with `reason` (NULL: gets it), `kind`, `class` of zones, `opens_at`, `is_new`, `has_consent`.

    `among` may narrow the messages `m` that count to those of the candidates, where these are few: then everything else is
    looked up for each of them too, since reading whole tables into hashes for every page costs more the more people there are.
    """
    v, person = where.value, "f.workspace_id, f.person_id"
    history = _history(where, book, among)
    when = f"coalesce(z.opens_at, {v(book.starts_at)}::timestamptz)"
    closed = f"coalesce(c.last_in_at <= {when} - interval '{int(ANSWER_WINDOW.total_seconds())} seconds', true)"
    met = "coalesce(c.first_out_at, c.first_in_at) IS NULL"
    is_new = "true" if book.as_kind else f"CASE WHEN k.is_windowed THEN {closed} ELSE {met} END"
    shut = "false" if book.is_template else f"k.is_windowed AND {closed}"
    has_consent, held = (
        consent.CONSENTED.format(person=person, now=f"{v(book.starts_at)}::timestamptz"),
        consent.HELD.format(person=person),
    )
    is_opted_out, aliases = consent.LIVE.format(person=person), ""
    has_alias = f"EXISTS (SELECT 1 FROM person_aliases a WHERE (a.workspace_id, a.person_id) = ({person}))"
    if among:
        has_consent, held = db.one_by_one(has_consent), db.one_by_one(held)
        is_opted_out, has_alias, aliases = "a.is_opted_out", "a.has_alias", _ALIASES.format(person=person)
    return f"""
      SELECT f.*, k.kind, coalesce(z.class, 0) AS class, {when} AS opens_at, coalesce(z.stretch, 1) AS stretch,
        {is_new} AS is_new, s.has_consent, k.expires_after, greatest((d.min_delay_seconds + d.max_delay_seconds) / 2, k.gap,
          60.0 / least(d.per_minute, k.per_minute), 3600.0 / least(d.per_hour, k.per_hour),
          86400.0 / least(d.per_day, k.per_day))::float8 AS seconds_each, CASE WHEN f.early IS NOT NULL THEN f.early
          WHEN {is_opted_out} THEN 'opted_out'
          WHEN k.is_strict AND NOT s.has_consent THEN 'no_consent'
          WHEN {held} OR NOT {has_alias} THEN 'on_hold'
          WHEN {_capped(when, [book.rules(kind) for kind in book.kinds])} THEN 'cap'
          WHEN {shut} THEN 'window_closed'
          WHEN z.is_out THEN 'quiet_hours' END AS reason
      FROM (SELECT {v(book.workspace_id)}::uuid AS workspace_id, e.* FROM ({candidates}) e) f
      LEFT JOIN devices d ON (d.workspace_id, d.id) = (f.workspace_id, f.device_id)
      LEFT JOIN {_numbers(where, book)} ON k.kind = {_kind(book, where)}
      CROSS JOIN LATERAL (SELECT {has_consent} AS has_consent) s{aliases}
      LEFT JOIN chats c ON (c.workspace_id, c.device_id, c.person_id) = (f.workspace_id, f.device_id, f.person_id)
      LEFT JOIN ({history}) h ON h.person_id = f.person_id AND h.is_simulated = (k.kind = ANY({v(list(SIMULATED))}::text[]))
      {_zones(where, found, person)} OFFSET 0"""


_ALIASES = """
      CROSS JOIN LATERAL (  -- as consent.LIVE, with every alias looked up once
        SELECT count(*) > 0 AS has_alias, coalesce(bool_or(
            EXISTS (SELECT 1 FROM suppression_keys k
                    WHERE (k.workspace_id, k.key) = (a.workspace_id, a.key) AND k.is_live OFFSET 0)
            OR EXISTS (SELECT 1 FROM global_suppressions g WHERE g.key = a.key AND g.released_at IS NULL OFFSET 0)), false)
          AS is_opted_out
        FROM person_aliases a WHERE (a.workspace_id, a.person_id) = ({person})) a"""


def _numbers(where: db.Where, book: Rulebook) -> str:
    """SQL: what the rules of each kind of device say, as `k`."""
    kinds = [(kind, book.rules(kind)) for kind in book.kinds]
    ints = (
        *("person_cap_day", "person_cap_week", "device_per_minute", "device_per_hour", "device_per_day", "expires_after"),
        *("unanswered_max", "unanswered_rest"),
    )
    v = where.value
    columns = ", ".join(f"{v([getattr(rules, name) for _, rules in kinds])}::int[]" for name in ints)
    is_windowed = [kind in policy.WINDOWED for kind, _ in kinds]
    return f"""unnest({v([kind for kind, _ in kinds])}::text[], {v([r.consent_mode == "strict" for _, r in kinds])}::boolean[],
        {v(is_windowed)}::boolean[],
        {v([r.device_gap for _, r in kinds])}::float8[], {columns})
      AS k (kind, is_strict, is_windowed, gap, cap_day, cap_week, per_minute, per_hour, per_day, expires_after, unanswered_max,
        unanswered_rest)"""


def _zones(where: db.Where, found: Sequence[Opening], person: str) -> str:
    """SQL: joins when each person may be written to; without any opening that is always."""
    if not found:
        return "CROSS JOIN (SELECT 0 AS class, NULL::timestamptz AS opens_at, false AS is_out, 1.0::float8 AS stretch) z"
    numbers, v = classes(found), where.value
    entered = [each.places[0] for each in found if len(each.places) == 1]
    columns = [
        f"{v([each.kind for each in found])}::text[]",
        f"{v([','.join(each.places) for each in found])}::text[]",
        f"{v([each.opens_at for each in found])}::timestamptz[]",
        f"{v([each.is_out for each in found])}::boolean[]",
        f"{v([each.stretch for each in found])}::float8[]",
        f"{v([numbers[each.zones] for each in found])}::int[]",
    ]
    own = f"f.time_zone = ANY({v(entered)}::text[])"
    return f"""JOIN persons p ON (p.workspace_id, p.id) = ({person})
      LEFT JOIN (SELECT kind, string_to_array(places, ',') AS places, opens_at, is_out, stretch, class
                 FROM unnest({", ".join(columns)}) AS y (kind, places, opens_at, is_out, stretch, class)) z
        ON z.kind = k.kind AND z.places = CASE WHEN {own} THEN ARRAY[f.time_zone] ELSE p.zones END"""


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
          + interval '1 day' * power(2, least({facts.MOST_REFUSALS},
            count(*) FILTER (WHERE m.state = 'failed' AND m.reason = 'capped')) - 1) AS closed_until
      FROM messages m JOIN devices o ON (o.workspace_id, o.id) = (m.workspace_id, m.device_id)
      WHERE {recent} AND m.person_id IN (
        SELECT m.person_id FROM messages m WHERE {recent} GROUP BY m.person_id
        HAVING count(*) >= {v(least)}::int OR count(*) FILTER (WHERE m.state = 'failed') > 0)
      GROUP BY m.person_id, is_simulated"""


def _capped(when: str, rules_of_kinds: Sequence[policy.Rules]) -> str:
    """SQL: whether somebody has had as many campaign messages as they may by then, or the service closed them to marketing."""
    capped = f"""k.cap_day <= 0 OR k.cap_week <= 0 OR (h.person_id IS NOT NULL AND (coalesce(h.closed_until > {when}, false)
      OR (SELECT count(*) FILTER (WHERE t > {when} - interval '1 day') >= k.cap_day OR count(*) >= k.cap_week
          FROM unnest(h.times) AS t WHERE t > {when} - interval '7 days')))"""
    return f"{capped} OR {_resting(when)}" if any(rules.unanswered_max is not None for rules in rules_of_kinds) else capped


def _resting(when: str) -> str:
    """SQL: whether somebody answered none of so many campaign messages and is left alone for a while (`unanswered_rest`)."""
    same_side = f"o.{facts.SIMULATED} = (k.kind = ANY(ARRAY['simulator', 'demo']))"
    wrote = f"""SELECT max(i.last_in_at) FROM chats i JOIN devices o ON (o.workspace_id, o.id) = (i.workspace_id, i.device_id)
        WHERE (i.workspace_id, i.person_id) = (f.workspace_id, f.person_id) AND {same_side}"""
    return f"""(k.unanswered_max IS NOT NULL AND (
      SELECT count(*) >= k.unanswered_max
        AND coalesce(max(m.claimed_at) > {when} - make_interval(days => k.unanswered_rest), true)
      FROM messages m JOIN devices o ON (o.workspace_id, o.id) = (m.workspace_id, m.device_id)
      WHERE (m.workspace_id, m.person_id) = (f.workspace_id, f.person_id) AND m.kind = 'campaign' AND m.claimed_at IS NOT NULL
        AND (m.state <> 'failed' OR m.sent_at IS NOT NULL) AND {same_side}
        AND m.claimed_at > coalesce(({wrote}), '-infinity')))"""
