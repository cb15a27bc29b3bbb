"""Transactions: a cut connection is told as "the database is away", whatever the driver was in the middle of."""

import asyncio

import asyncpg
import pytest

from hantar.kit import db


@pytest.mark.parametrize("is_known", [True, False], ids=["the driver knows", "the driver finds out"])
async def test_a_connection_cut_in_a_transaction_is_away_and_the_next_one_works(dsn: str, is_known: bool) -> None:
    database = db.Database(dsn, key=bytes(32), size=1)
    other = await asyncpg.connect(dsn)
    try:
        with pytest.raises(db.DatabaseAway):
            await _be_cut(database, other, 0.1 if is_known else 0)
        async with database.system() as tx:
            assert await tx.fetchval("SELECT 1") == 1
    finally:
        await other.close()
        await database.close()


async def _be_cut(database: db.Database, other: "asyncpg.Connection[asyncpg.Record]", pause: float) -> None:
    async with database.system() as tx:
        await other.execute("SELECT pg_terminate_backend($1)", await tx.fetchval("SELECT pg_backend_pid()"))
        await asyncio.sleep(pause)
        await tx.execute("SELECT pg_sleep(5)")
