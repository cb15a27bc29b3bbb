"""PostgreSQL: pools, transactions that know their workspace, and values that come back as we use them.

`Database.transaction(workspace)` runs as `hantar_app`, which owns nothing and sees one workspace (row-level security).
`Database.system()` runs as `hantar_engine`, which has policies of its own on the few tables the engine needs.
`Database.door()` runs as `hantar_door`: the tables of accounts, before anyone knows who is calling.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import structlog

from hantar.kit import cluster, errors, keyed
from hantar.kit.clock import Clock, SystemClock

log = structlog.get_logger(__name__)

APP_ROLE = "hantar_app"
ENGINE_ROLE = "hantar_engine"
DOOR_ROLE = "hantar_door"

Row = asyncpg.Record


class DatabaseAway(errors.Unavailable):
    """The database does not answer just now. Nothing was lost; try again in a moment."""


AWAY = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    TimeoutError,
)


CUT = (
    ConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)
"""What a statement meets when its connection is cut under it; asyncpg also finds itself in the middle of an operation then."""


STUCK = (
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.PostgresSystemError,
    asyncpg.QueryCanceledError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""What a server says that cannot work just now: its disk or memory is full (F-11), a time limit, a standby."""


class Contended(DatabaseAway):
    """Two writers met; this one gave way. Try again."""


class Tx:
    """One transaction. Stores and services use it; only the edge opens and commits it."""

    def __init__(self, connection: Any, clock: Clock, key: bytes, is_heard: Callable[[str], bool] = lambda _name: True) -> None:
        self.connection = connection
        self._clock = clock
        self._key = key
        self._now: datetime | None = None
        self.facts: list[cluster.Fact] = []
        self.is_heard = is_heard
        """Whether anybody listens to facts of this name: else none need be made."""

    @property
    def given_now(self) -> datetime | None:
        """The instant to hand to a statement that asks the database's clock itself where it is None."""
        return self._now if self._clock.is_real else self._clock.now()

    async def now(self) -> datetime:
        """The instant by the database's clock (by the fake clock in tests); the same within one transaction."""
        if self._now is None:
            self._now = await self.fetchval("SELECT clock_timestamp()") if self._clock.is_real else self._clock.now()
        assert self._now is not None  # noqa: S101 narrows the type
        return self._now

    def brought(self, now: datetime) -> None:
        """A statement brought the database's instant along, so that `now` need not ask for it."""
        if self._clock.is_real and self._now is None:
            self._now = now

    def fingerprint(self, kind: str, value: str) -> bytes:
        """The keyed hash of one alias of a person (`keyed.fingerprint`), under this installation's key."""
        return keyed.fingerprint(self._key, kind, value)

    def tell(self, name: str, workspace_id: str | None, **data: Any) -> None:
        """A fact to publish once this transaction is committed."""
        self.facts.append(cluster.Fact(name, workspace_id, data))

    async def fetch(self, sql: str, *values: Any) -> list[Row]:
        """All rows."""
        rows: list[Row] = await self.connection.fetch(sql, *values)
        return rows

    async def fetchrow(self, sql: str, *values: Any) -> Row | None:
        """The first row, or None."""
        row: Row | None = await self.connection.fetchrow(sql, *values)
        return row

    async def fetchval(self, sql: str, *values: Any) -> Any:
        """The first value of the first row, or None."""
        return await self.connection.fetchval(sql, *values)

    async def execute(self, sql: str, *values: Any) -> int:
        """Run a statement; returns the number of rows it touched (0 where the command counts none)."""
        tag: str = await self.connection.execute(sql, *values)
        last = tag.rsplit(" ", 1)[-1]
        return int(last) if last.isdigit() else 0

    async def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each row."""
        await self.connection.executemany(sql, rows)

    async def copy(self, table: str, columns: Sequence[str], records: Iterable[Sequence[Any]]) -> None:
        """COPY records into a table without row security (a temporary one)."""
        await self.connection.copy_records_to_table(table, records=records, columns=list(columns))

    def stream(self, sql: str, *values: Any, prefetch: int = 1000) -> AsyncIterator[Row]:
        """Rows one after the other with flat memory."""
        cursor: AsyncIterator[Row] = self.connection.cursor(sql, *values, prefetch=prefetch).__aiter__()
        return cursor


class Where:
    """Collects optional conditions and their values; `{}` in a condition stands for its value's number."""

    def __init__(self, *values: Any) -> None:
        self.values: list[Any] = list(values)
        self._conditions: list[str] = []

    def add(self, condition: str, *values: Any) -> "Where":
        """Add a condition such as `status = {}`."""
        numbers = []
        for value in values:
            self.values.append(value)
            numbers.append(f"${len(self.values)}")
        self._conditions.append(condition.format(*numbers))
        return self

    def value(self, value: Any) -> str:
        """Bind a value used outside the conditions; returns its number (`$7`)."""
        self.values.append(value)
        return f"${len(self.values)}"

    def __str__(self) -> str:
        return " AND ".join(self._conditions) or "true"


def like(text: str) -> str:
    """A LIKE pattern that finds the text anywhere, with `%`, `_` and `\\` taken literally."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def joined(values: Iterable[object]) -> str:
    """Ids or numbers as one text for `many`; where a statement takes many hundreds, arrays cost several times as much."""
    return ",".join(["NULL" if value is None else str(value) for value in values])


def one_by_one(exists: str) -> str:
    """SQL: the same EXISTS, asked by index for each row: `OFFSET 0` keeps PostgreSQL from hashing a whole table for a few."""
    return f"{exists.removesuffix(')')} OFFSET 0)"


def many(number: int, kind: str) -> str:
    """SQL: the array behind a value made by `joined`: `unnest({db.many(1, "uuid")})`."""
    return f"string_to_array(${number}, ',', 'NULL')::{kind}[]"


async def _prepare(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=lambda v: json.dumps(v, ensure_ascii=False), decoder=json.loads
    )
    await connection.set_type_codec("uuid", schema="pg_catalog", encoder=str, decoder=str)


NO_SETTINGS: Mapping[str, str] = {}
HOT = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_sort": "off",
}
"""For statements that serve many rows by their keys, many times a second: planning them costs more than running them, and no
plan but one along the indexes is right, however old the statistics are (measured: seconds against milliseconds)."""


FIRST_PLANS, LONGEST_PLANS = 1.0, 60.0
"""Seconds after which a hot connection plans anew: soon at first, then twice as long each time. A plan that was made while a
table was empty may read it whole when it is full; measured: 157 instead of 22 microseconds a message."""


class HotConnection(asyncpg.Connection):
    """A connection that keeps its plans, and throws them away now and then, since tables grow."""

    __slots__ = ("_fresh_for", "_fresh_until")

    def __init__(self, *values: Any, **more: Any) -> None:
        super().__init__(*values, **more)
        self._fresh_for = FIRST_PLANS
        self._fresh_until = asyncio.get_running_loop().time() + FIRST_PLANS

    def get_reset_query(self) -> str:
        """Nothing: no statement of ours leaves anything behind on it, and to ask costs as much as a small claim's statement."""
        return ""

    async def plan_anew(self) -> None:
        """Throw the plans away when it is time."""
        now = asyncio.get_running_loop().time()
        if now >= self._fresh_until:
            await self.execute("DISCARD PLANS")
            self._fresh_for = min(LONGEST_PLANS, 2 * self._fresh_for)
            self._fresh_until = now + self._fresh_for


class Pool:
    """Connections under one role, opened when first needed and again after the database came back."""

    def __init__(
        self,
        dsn: str,
        role: str,
        size: int,
        make_tx: Callable[[Any], Tx],
        publish: Callable[[cluster.Fact], None],
        settings: Mapping[str, str] = NO_SETTINGS,
    ) -> None:
        self._dsn, self._role, self._size, self._settings = dsn, role, size, settings
        self._make_tx, self._publish = make_tx, publish
        self._pool: Any = None
        self._opening = asyncio.Lock()

    async def open(self) -> Any:
        """The pool; raises `DatabaseAway` when the server does not answer."""
        if self._pool is None:
            async with self._opening:
                if self._pool is None:
                    self._pool = await self._connect()
        return self._pool

    async def _connect(self) -> Any:
        settings = {"role": self._role, "timezone": "UTC", "application_name": f"hantar {self._role}"}
        settings |= {"idle_in_transaction_session_timeout": "60s", "synchronous_commit": "on", **self._settings}
        try:
            return await asyncpg.create_pool(
                self._dsn,
                min_size=0,
                max_size=self._size,
                init=_prepare,
                server_settings=settings,
                timeout=10,
                connection_class=HotConnection if self._settings else asyncpg.Connection,
            )
        except AWAY as error:
            raise DatabaseAway from error

    @contextlib.asynccontextmanager
    async def transaction(self, workspace_id: str | None, *, is_single: bool = False) -> AsyncIterator[Tx]:
        """A transaction; commits at the end of the block, then publishes the facts told in it.

        `is_single`: for one statement, which is a transaction of its own; saves two round trips.
        """
        pool = await self.open()
        try:
            connection = await pool.acquire(timeout=10)
        except (*AWAY, *CUT) as error:
            raise DatabaseAway from error
        try:
            tx = self._make_tx(connection)
            if self._settings:
                await connection.plan_anew()
            async with contextlib.nullcontext() if is_single else connection.transaction():
                if workspace_id is not None:
                    await connection.execute("SELECT set_config('hantar.workspace', $1, true)", workspace_id)
                yield tx
        except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError) as error:
            raise Contended from error
        except STUCK as error:
            raise DatabaseAway from error
        except CUT as error:
            with contextlib.suppress(*CUT):  # the pool may have given it up first
                connection.terminate()
            raise DatabaseAway from error
        finally:
            with contextlib.suppress(*AWAY, *CUT):
                await pool.release(connection, timeout=5)
        for fact in tx.facts:
            self._publish(fact)

    async def close(self) -> None:
        """Close all connections; one that hangs is cut after five seconds."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            try:
                async with asyncio.timeout(5):
                    await pool.close()
            except TimeoutError:
                pool.terminate()


class Database:
    """The pools of this process, one for each role. `key` is the installation's key for keyed hashes."""

    def __init__(
        self, dsn: str, *, key: bytes, clock: Clock | None = None, bus: cluster.Bus | None = None, size: int = 10
    ) -> None:
        self.dsn = dsn
        self.key = key
        self.clock: Clock = clock or SystemClock()
        self.bus: cluster.Bus = bus or cluster.LocalBus()
        self._app, self._engine, self._door = (
            Pool(dsn, role, size, self._tx, self.bus.publish) for role in (APP_ROLE, ENGINE_ROLE, DOOR_ROLE)
        )
        self._hot = Pool(dsn, ENGINE_ROLE, size, self._tx, self.bus.publish, HOT)

    def _tx(self, connection: Any) -> Tx:
        return Tx(connection, self.clock, self.key, self.bus.is_heard)

    def transaction(self, workspace_id: str | None) -> contextlib.AbstractAsyncContextManager[Tx]:
        """A transaction in one workspace (None: the tables that belong to no workspace)."""
        return self._app.transaction(workspace_id)

    def system(self) -> contextlib.AbstractAsyncContextManager[Tx]:
        """A transaction over all workspaces with the engine's narrow rights."""
        return self._engine.transaction(None)

    def hot(self) -> contextlib.AbstractAsyncContextManager[Tx]:
        """As `system`, for the few statements of the engine that run many times a second over many rows each."""
        return self._hot.transaction(None)

    def hot_single(self) -> contextlib.AbstractAsyncContextManager[Tx]:
        """As `hot`, for exactly one statement: it is committed when it has run."""
        return self._hot.transaction(None, is_single=True)

    def door(self) -> contextlib.AbstractAsyncContextManager[Tx]:
        """A transaction on the tables of accounts, to find out who is calling."""
        return self._door.transaction(None)

    async def check(self) -> None:
        """Refuse a server on which a committed row may vanish (reliability: `fsync`, `synchronous_commit`)."""
        async with self.system() as tx:
            if await tx.fetchval("SHOW fsync") != "on" and self.clock.is_real:
                raise errors.Unavailable(
                    "The database runs with fsync=off: committed messages could be lost, so Hantar does not start."
                )

    async def close(self) -> None:
        """Close all pools."""
        for pool in (self._app, self._engine, self._door, self._hot):
            await pool.close()
