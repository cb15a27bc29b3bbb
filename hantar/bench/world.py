"""Fills a database with a fleet and its queues, by INSERT … SELECT as the owner: devices, lanes, people, consents, opt-outs.

Ids are made from numbers, so that a gateway finds the number of a message in its id: see `number_in`.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import asyncpg

MESSAGE, DEVICE = 12, 7
"""The kinds of id that are read again; the first two digits of an id are its kind."""
OPTED_OUT_EVERY = 200
"""One person in so many opted out while their message waited: the claim has to find out and end it."""
CONSENT_EVERY = 2


@dataclass(frozen=True, slots=True)
class Size:
    """How large a world is. `least` and `most`: seconds between two messages of a device, each device has its own in between."""

    devices: int
    queued: int
    """Messages that wait, for as many people, dealt out over the devices one by one."""
    least: float = 0.0
    most: float = 0.0
    history: int = 0
    """Messages that were delivered weeks ago, by these devices."""
    leads_only: bool = False
    """People and leads without messages: an audience for a planner."""
    workspaces: int = 4


def number_in(identifier: str) -> int:
    """The number an id was made from; the id may come without dashes and in capitals."""
    return int(identifier[2:8], 16)


def is_opted_out(number: int) -> bool:
    """Whether the message of this number is for somebody who opted out."""
    return number % OPTED_OUT_EVERY == 0


BASE = """
CREATE OR REPLACE FUNCTION made(kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT (lpad(to_hex(kind), 2, '0') || lpad(to_hex(n), 6, '0') || '-0000-7000-8000-' || substr(md5(n::text), 1, 12))::uuid $$
--;;
INSERT INTO workspaces (id, name, time_zone, device_limit, created_at)
SELECT made(1, w), 'Workspace ' || w, 'Asia/Kuala_Lumpur', {devices}, now() FROM generate_series(1, {workspaces}) w
--;;
INSERT INTO policies (workspace_id, version, values, reason, at)
SELECT id, 1, '{"simulator": {"device_per_minute": 6000, "device_per_hour": 200000, "device_per_day": 2000000,
  "device_new_chats": 1000000}}', 'A measurement among simulated people.', now() FROM workspaces
--;;
INSERT INTO devices (workspace_id, id, name, phone, driver, wanted, is_linked, state, state_since, linked_at, per_minute,
  per_hour, per_day, min_delay_seconds, max_delay_seconds, created_at, updated_at)
SELECT made(1, 1 + n % {workspaces}), made(7, n), 'Device ' || n, '6011' || (10000000 + n), 'simulator', 'connected', true,
  'online', now(), now() - interval '100 days', 6000, 200000, 2000000, gap, gap, now(), now()
FROM (SELECT n, {least} + ({most} - {least}) * ((n::bigint * 7919) % 10007) / 10007.0 AS gap
      FROM generate_series(1, {devices}) n) d
--;;
INSERT INTO lanes (workspace_id, device_id, shard)
SELECT workspace_id, id, ('x' || right(id::text, 12))::bit(48)::bigint % 64 FROM devices
--;;
INSERT INTO contents (workspace_id, id, kind, text, created_at)
SELECT id, made(8, 1), 'text',
  'Hello {{ name }}, our shop in {{ city | default: "town" }} opens on Friday. Reply STOP to hear no more.', now()
FROM workspaces
--;;
INSERT INTO sources (workspace_id, id, kind, min_delay_seconds, max_delay_seconds)
SELECT w.id, made(9, c), 'campaign', 0, 0 FROM workspaces w, generate_series(1, 8) c
"""
PEOPLE = """
INSERT INTO persons (workspace_id, id, phone, zones, created_at, checked_at, is_on_whatsapp, is_check_simulated)
SELECT made(1, 1 + (1 + (n - 1) % {devices}) % {workspaces}), made(2, n), '60' || (100000000 + n), '{Asia/Kuala_Lumpur}',
  now() - interval '90 days', now() - interval '1 day', true, true
FROM generate_series({first}, {last}) n
--;;
INSERT INTO person_aliases (workspace_id, kind, value, key, person_id, created_at)
SELECT workspace_id, 'phone', phone, sha256(('phone:' || phone)::bytea), id, created_at
FROM persons WHERE id >= made(2, {first})
--;;
INSERT INTO consents (workspace_id, id, person_id, purpose, wording, source, given_at, created_at)
SELECT made(1, 1 + (1 + (n - 1) % {devices}) % {workspaces}), made(5, n), made(2, n), 'marketing', 'Yes, write to me.',
  'web_form', now() - interval '60 days', now()
FROM generate_series({first}, {last}, {consent_every}) n
--;;
INSERT INTO leads (workspace_id, id, person_id, device_id, name, phone, niches, niche_keys, attributes, created_at, updated_at)
SELECT workspace_id, made(10, n), made(2, n), made(7, 1 + (n - 1) % {devices}), 'Lead ' || n, phone, '{FIT}', '{fit}',
  '{"city": "Ipoh"}', now(), now()
FROM generate_series({first}, {last}) n JOIN persons p ON p.id = made(2, n)
  AND p.workspace_id = made(1, 1 + (1 + (n - 1) % {devices}) % {workspaces})
"""
OPTED_OUT = """
INSERT INTO suppressions (workspace_id, id, person_id, reason, source, at)
SELECT p.workspace_id, made(3, n), p.id, 'stop', 'keyword', now() - interval '1 minute'
FROM generate_series({opted_out_every}, {last}, {opted_out_every}) n JOIN persons p ON p.id = made(2, n)
  AND p.workspace_id = made(1, 1 + (1 + (n - 1) % {devices}) % {workspaces}) WHERE n >= {first}
--;;
INSERT INTO suppression_keys (workspace_id, key, suppression_id)
SELECT s.workspace_id, a.key, s.id FROM suppressions s
JOIN person_aliases a ON (a.workspace_id, a.person_id) = (s.workspace_id, s.person_id) WHERE s.id >= made(3, {first})
"""
QUEUED = """
INSERT INTO messages (workspace_id, id, kind, source_id, person_id, lead_id, device_id, content_id, name, phone, state, priority,
  not_before, expires_at, created_at)
SELECT made(1, 1 + d % {workspaces}), made(12, n), 'campaign', made(9, 1 + (n / {devices}) % 8), made(2, n), made(10, n),
  made(7, d), made(8, 1), 'Lead ' || n, '60' || (100000000 + n), 'queued', 5, now() - interval '1 hour',
  now() + interval '3 days', now()
FROM (SELECT n, 1 + (n - 1) % {devices} AS d FROM generate_series({first}, {last}) n) each
"""
HISTORY = """
INSERT INTO messages (workspace_id, id, kind, source_id, person_id, device_id, content_id, phone, state, priority, not_before,
  expires_at, text, claimed_at, sent_at, delivered_at, ended_at, wire_id, created_at)
SELECT made(1, 1 + d % {workspaces}), made(11, n), 'campaign', made(13, 1 + n / {people}), made(2, p), made(7, d), made(8, 1),
  '60' || (100000000 + p), 'delivered', 5, at, at, 'Hello', at, at, at, at, upper(md5(n::text)), at
FROM (SELECT n, p, 1 + (p - 1) % {devices} AS d, now() - make_interval(hours => 200 + (n % 2000)::int) AS at
      FROM (SELECT n, 1 + (n * 7919::bigint) % {people} AS p FROM generate_series({first}, {last}::bigint) n) y) x
"""
TALLIES = """
INSERT INTO tallies (workspace_id, source_id, state, n)
SELECT workspace_id, source_id, state, count(*) FROM messages WHERE kind = 'campaign' GROUP BY 1, 2, 3
ON CONFLICT (workspace_id, source_id, state) DO UPDATE SET n = excluded.n
"""
"""What the sleeping triggers would have counted."""
PAGE = 200_000
"""Rows a statement writes at most, so that filling can be followed and needs no memory."""

FILLED = "devices, lanes, contents, sources, persons, person_aliases, consents, leads, suppressions, suppression_keys, messages"

Say = Callable[[str], None]


async def fill(dsn: str, size: Size, say: Say = lambda _words: None) -> None:
    """Make this world in a migrated, empty database; triggers and foreign keys sleep meanwhile."""
    owner = await asyncpg.connect(dsn, timeout=60)
    try:
        await owner.execute("SET session_replication_role = replica")
        await owner.execute("SET synchronous_commit = off")
        await owner.execute("SET maintenance_work_mem = '256MB'")
        await _run(owner, BASE, size)
        people = PEOPLE + ("" if size.leads_only else f"--;;{OPTED_OUT}--;;{QUEUED}")
        await _run_paged(owner, people, size, size.queued, say, "messages that wait")
        await _run_paged(owner, HISTORY, size, size.history, say, "messages of the past")
        await owner.execute(TALLIES)
        await owner.execute("RESET session_replication_role")
        await owner.execute(f"VACUUM ANALYZE {FILLED}")
        await owner.execute("CHECKPOINT")
    finally:
        await owner.close()


async def add_history(dsn: str, size: Size, say: Say = lambda _words: None) -> None:
    """Put the past of `size` behind a world that was made without it."""
    owner = await asyncpg.connect(dsn, timeout=60)
    try:
        await owner.execute("SET session_replication_role = replica")
        await owner.execute("SET synchronous_commit = off")
        await _run_paged(owner, HISTORY, size, size.history, say, "messages of the past")
        await owner.execute(TALLIES)
        await owner.execute("VACUUM ANALYZE messages, tallies")
        await owner.execute("CHECKPOINT")
    finally:
        await owner.close()


async def spread(dsn: str, after: float) -> None:
    """Every lane's first turn: `after` seconds from now, and from there at random within its own gap, so none march in step."""
    owner = await asyncpg.connect(dsn, timeout=60)
    try:
        await owner.execute(
            """UPDATE lanes l SET next_at = now() + make_interval(secs => $1 + d.min_delay_seconds * random())
               FROM devices d WHERE (d.workspace_id, d.id) = (l.workspace_id, l.device_id)""",
            after,
        )
        await owner.execute("VACUUM ANALYZE lanes")
    finally:
        await owner.close()


async def _run_paged(owner: asyncpg.Connection, script: str, size: Size, rows: int, say: Say, what: str) -> None:
    for first in range(1, rows + 1, PAGE):
        last = min(rows, first + PAGE - 1)
        await _run(owner, script, size, first=first, last=last)
        if rows > PAGE:
            say(f"{last:,} of {rows:,} {what}")


async def _run(owner: asyncpg.Connection, script: str, size: Size, **numbers: int) -> None:
    known = (
        asdict(size)
        | numbers
        | {"opted_out_every": OPTED_OUT_EVERY, "consent_every": CONSENT_EVERY, "people": max(1, size.queued)}
    )
    for name, number in known.items():
        script = script.replace(f"{{{name}}}", str(number))
    for statement in script.split("--;;"):
        await owner.execute(statement)
