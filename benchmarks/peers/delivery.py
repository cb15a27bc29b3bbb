"""The real work, as a careful team would write it in a task's handler: rules asked in one query, the outcome recorded in one.

That is less than Hantar does for a message: nothing is reserved before the send, so a crash between the two statements sends
again; no gap between two messages of a device is kept; windows, holds and age of a device are not looked at.
"""

import asyncio
from collections import defaultdict
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

import asyncpg

from benchmarks.peers.job import Job, Ledger

WORKSPACE = "01000000-0000-7000-8000-000000000001"
CONNECTIONS = 20
"""To PostgreSQL, for each worker process: more do not help two cores."""
PLANNED_ONCE = {"plan_cache_mode": "force_generic_plan"}
"""Each connection plans each statement once, not six times."""

FACTS = """
SELECT m.device_id, m.phone, m.text, clock_timestamp() AS now, m.expires_at < now() AS is_late,
  d.state = 'online' AND NOT d.sending_paused AS is_online,
  EXISTS (SELECT FROM suppressions s WHERE (s.workspace_id, s.person_id) = (m.workspace_id, m.person_id))
    OR EXISTS (SELECT FROM global_suppressions g WHERE g.key = p.key) AS opted_out,
  EXISTS (SELECT FROM consents c WHERE (c.workspace_id, c.person_id) = (m.workspace_id, m.person_id)
    AND c.purpose = 'marketing' AND c.withdrawn_at IS NULL) AS agreed,
  CASE WHEN l.minute_start > now() - interval '1 minute' THEN l.minute_count ELSE 0 END < d.per_minute
    AND CASE WHEN l.hour_start > now() - interval '1 hour' THEN l.hour_count ELSE 0 END < d.per_hour
    AND CASE WHEN l.day_start > now() - interval '1 day' THEN l.day_count ELSE 0 END < d.per_day AS has_room,
  (SELECT count(*) FROM messages o WHERE (o.workspace_id, o.person_id) = (m.workspace_id, m.person_id)
    AND o.sent_at > now() - interval '7 days') < 6 AS within_cap
FROM messages m
JOIN persons p ON (p.workspace_id, p.id) = (m.workspace_id, m.person_id)
JOIN devices d ON (d.workspace_id, d.id) = (m.workspace_id, m.device_id)
JOIN lanes l ON (l.workspace_id, l.device_id) = (m.workspace_id, m.device_id)
WHERE m.workspace_id = $1 AND m.id = $2 AND m.state = 'queued'
"""

RECORD = """
WITH done AS (
  UPDATE messages SET state = $3, reason = $4, claimed_at = $5, ended_at = clock_timestamp(),
    sent_at = CASE WHEN $3 = 'sent' THEN clock_timestamp() END
  WHERE workspace_id = $1 AND id = $2 AND state = 'queued' RETURNING workspace_id, device_id, state)
UPDATE lanes l SET
  minute_start = CASE WHEN l.minute_start > now() - interval '1 minute' THEN l.minute_start ELSE now() END,
  minute_count = CASE WHEN l.minute_start > now() - interval '1 minute' THEN l.minute_count ELSE 0 END + 1,
  hour_start = CASE WHEN l.hour_start > now() - interval '1 hour' THEN l.hour_start ELSE now() END,
  hour_count = CASE WHEN l.hour_start > now() - interval '1 hour' THEN l.hour_count ELSE 0 END + 1,
  day_start = CASE WHEN l.day_start > now() - interval '1 day' THEN l.day_start ELSE now() END,
  day_count = CASE WHEN l.day_start > now() - interval '1 day' THEN l.day_count ELSE 0 END + 1
FROM done WHERE (l.workspace_id, l.device_id) = (done.workspace_id, done.device_id) AND done.state = 'sent'
"""


def message_id(number: int) -> str:
    """As `world.sql` makes it."""
    return f"0c000000-0000-7000-8000-{number:012x}"


def refusal(facts: Any) -> tuple[str, str] | None:
    """The state and the reason of a message that may not go; None when it may."""
    if facts["opted_out"]:
        return "suppressed", "opted_out"
    if not facts["agreed"]:
        return "suppressed", "no_consent"
    if facts["is_late"]:
        return "expired", "late"
    if not facts["within_cap"]:
        return "suppressed", "person_cap"
    if not (facts["is_online"] and facts["has_room"]):
        raise RuntimeError("no device of this comparison is offline or at its limit")
    return None


class Delivery:
    """The real work for peers whose handlers are coroutines.

    With `locks`, one message at a time for each device by a lock within this process: the cheapest there is, and enough,
    since all messages of a device are in one worker's queue. Peers that bring their own lock leave it out.
    """

    def __init__(self, job: Job, ledger: Ledger, *, locks: bool = True) -> None:
        self._job, self._ledger, self._has_locks = job, ledger, locks
        self._locks: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._pool: Any = None

    async def open(self) -> None:
        """Connect."""
        self._pool = await asyncpg.create_pool(
            self._job.dsn, min_size=CONNECTIONS, max_size=CONNECTIONS, server_settings=PLANNED_ONCE
        )

    async def close(self) -> None:
        """Let the connections go."""
        await self._pool.close()

    async def deliver(self, number: int) -> None:
        """Ask the rules, send, record."""
        lock: AbstractAsyncContextManager[Any] = nullcontext()
        if self._has_locks:
            lock = self._locks[self._job.device_of(number)]
        async with lock:
            key = WORKSPACE, message_id(number)
            facts = await self._pool.fetchrow(FACTS, *key)
            if facts is not None:  # else it was sent already
                refused = refusal(facts)
                if refused is None:
                    await asyncio.sleep(self._job.latency)
                await self._pool.execute(RECORD, *key, *(refused or ("sent", None)), facts["now"])
        self._ledger.done(number)
