"""What changes after the claim stands in no index, so that an answer and a receipt are HOT updates (docs/decisions/0011)."""

import asyncpg

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
