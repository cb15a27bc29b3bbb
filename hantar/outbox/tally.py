"""How many messages of a campaign or sequence stand in each state, however many there are: tallies plus what moved since.

Every statement that moves messages appends what it changed to `tally_moves` (triggers of the schema), so nobody waits for a
counter; `fold` adds old moves to `tallies`. Both are read in one statement, so the sum is exact whether or not anybody folds.
Measured in docs/decisions/0007-counters.md.
"""

from collections.abc import Sequence

from hantar.kit import db

AT_ONCE = 50_000
"""Moves folded in one transaction: well under a second of work."""
_ONE_FOLDS = 0x7A11_1E5
"""The advisory lock of whoever folds; a second one has nothing to do."""


async def states(tx: db.Tx, workspace_id: str, source_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """The count of each state of each source, without those that are zero; sources without messages are left out."""
    sql = """SELECT source_id, state, sum(n)::bigint AS n FROM (
               SELECT source_id, state, n FROM tallies WHERE workspace_id = $1 AND source_id = ANY($2::uuid[])
               UNION ALL SELECT source_id, state, n FROM tally_moves WHERE workspace_id = $1 AND source_id = ANY($2::uuid[])) x
             GROUP BY source_id, state HAVING sum(n) <> 0"""
    found: dict[str, dict[str, int]] = {}
    for row in await tx.fetch(sql, workspace_id, list(source_ids)):
        found.setdefault(row["source_id"], {})[row["state"]] = row["n"]
    return found


async def fold(tx: db.Tx, limit: int = AT_ONCE) -> int:
    """Add moves of all workspaces to the tallies; returns how many moves that was (0 also while somebody else folds)."""
    if not await tx.fetchval("SELECT pg_try_advisory_xact_lock($1)", _ONE_FOLDS):
        return 0
    sql = """
      WITH gone AS (
        DELETE FROM tally_moves m USING (SELECT workspace_id, source_id, id FROM tally_moves LIMIT $1) x
        WHERE (m.workspace_id, m.source_id, m.id) = (x.workspace_id, x.source_id, x.id)
        RETURNING m.workspace_id, m.source_id, m.state, m.n),
      summed AS (SELECT workspace_id, source_id, state, sum(n) AS n, count(*) AS moves FROM gone GROUP BY 1, 2, 3),
      added AS (
        INSERT INTO tallies AS t (workspace_id, source_id, state, n)
        SELECT workspace_id, source_id, state, n FROM summed WHERE n <> 0 ORDER BY 1, 2, 3
        ON CONFLICT (workspace_id, source_id, state) DO UPDATE SET n = t.n + excluded.n)
      SELECT coalesce(sum(moves), 0)::bigint FROM summed"""
    folded: int = await tx.fetchval(sql, limit)
    return folded


async def forget(tx: db.Tx, workspace_id: str, source_id: str) -> None:
    """Forget a source whose messages are gone."""
    for table in ("tallies", "tally_moves"):
        await tx.execute(f"DELETE FROM {table} WHERE (workspace_id, source_id) = ($1, $2)", workspace_id, source_id)
