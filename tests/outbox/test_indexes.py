"""What changes after the claim stands in no index, so that an answer and a receipt are HOT updates (docs/decisions/0011)."""

import itertools
import re

import asyncpg
import pytest

from hantar.outbox import facts
from tests.fleet import Fleet

CHANGES = frozenset(
    {"state", "reason", "error", "attempts", "deferrals", "token", "text", "sent_at", "delivered_at", "read_at", "ended_at"}
)
"""Columns that an answer or a receipt writes. `wire_id` changes only where a service makes ids of its own."""
INDEXED = """SELECT DISTINCT a.attname::text AS name FROM pg_depend d
  JOIN pg_index i ON i.indexrelid = d.objid AND i.indrelid = d.refobjid
  JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
  WHERE d.classid = 'pg_class'::regclass AND d.refobjid = 'messages'::regclass AND d.refobjsubid > 0"""


async def changing(fleet: Fleet) -> set[str]:
    """Columns among these that some index of messages holds, or asks for in its condition."""
    return {row["name"] for row in await fleet.sql(INDEXED)} & CHANGES


async def test_no_index_holds_what_an_answer_writes(fleet: Fleet, dsn: str) -> None:
    """And the look sees one that does."""
    assert await changing(fleet) == set()
    assert len(await fleet.sql(INDEXED)) > 8
    owner = await asyncpg.connect(dsn)
    await owner.execute("CREATE INDEX slow ON messages (workspace_id) WHERE state = 'claimed'")
    await owner.close()
    assert await changing(fleet) == {"state"}


async def test_what_is_out_has_one_stage(fleet: Fleet) -> None:
    """From the claim to the reading; what ended otherwise has an instant of its own."""
    device = (await fleet.add_devices(1))[0]
    await fleet.add_leads(device, ["60123450001", "60123450002"])
    await fleet.launch()
    assert {row["stage"] for row in await fleet.sql("SELECT stage FROM messages")} == {"queued"}
    await fleet.run(40)
    await fleet.sql("UPDATE messages SET state = 'failed' WHERE id = (SELECT id FROM messages WHERE state = 'sent' LIMIT 1)")
    rows = await fleet.sql("SELECT state, stage, closed_at IS NULL AS is_open FROM messages ORDER BY state")
    out = {"claimed", "sent", "delivered", "read"}
    assert all((row["stage"] == "out") == (row["state"] in out) and row["is_open"] == (row["state"] in out) for row in rows)


@pytest.mark.parametrize("is_mutant", [False, True])
async def test_facts_are_read_along_a_persons_own_rows(fleet: Fleet, dsn: str, is_mutant: bool) -> None:
    """Also when the plan is made while nothing has left yet, and is kept. And of those only what left lately, however
    many there are. Mutant: an index of attempts alone, by device: the plan walks those of a whole workspace.
    """
    device = (await fleet.add_devices(1))[0]
    await fleet.add_leads(device, [f"601234{n:05d}" for n in range(300)])
    await fleet.launch()
    owner = await asyncpg.connect(dsn)
    if is_mutant:
        await owner.execute("CREATE INDEX walked ON messages (workspace_id, device_id, claimed_at) WHERE claimed_at IS NOT NULL")
        await owner.execute("DROP INDEX messages_attempted")
    await owner.execute("ANALYZE")
    await owner.close()
    async with fleet.db.hot() as tx:
        row = await tx.fetchrow("SELECT workspace_id, person_id, device_id, id FROM messages LIMIT 1")
        assert row is not None
        now = await tx.now()
        plan = await tx.fetch("EXPLAIN " + facts._READ_HELD, now, now, False, *row, [True])
    lines = [line for (line,) in plan]
    conditions = {
        found[1]: after for line, after in itertools.pairwise(lines) if (found := re.search(r" using (\w+) on", line)) is not None
    }
    own = [
        name for name in ("messages_person", "chats_pkey", "holds_open") if "person_id = x.person_id" in conditions.get(name, "")
    ]
    assert (len(own) == 3) is not is_mutant, "\n".join(lines)
    assert ("claimed_at > " in conditions.get("messages_person", "")) is not is_mutant
    assert not any("Seq Scan" in line for line in lines)
