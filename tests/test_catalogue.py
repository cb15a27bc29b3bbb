"""The wall between workspaces, read from the database's own catalogue (reliability section 10, I-07, I-08).

A new table fails here until it has `workspace_id`, forced row security, the wall, and keys that include the workspace.
"""

import asyncpg
import pytest

OUTSIDE = {
    "alembic_version": "which step the schema is at",
    "installation": "one row for the whole installation; sign-in's role only",
    "users": "people may be in several workspaces; sign-in's role only",
    "workspaces": "the workspaces themselves; walled by id",
    "leases": "shards of the dispatcher; no user's data",
    "message_moves": "a constant table",
    "global_suppressions": "opt-outs for the whole installation: keyed hashes and nothing else",
    "installation_policy": "numbers the operator set for all workspaces",
    "policy_limits": "a constant table",
    "cloud_hooks": "what came in for nobody knows whom yet: raw, for the engine alone, gone when it is worked off",
}
UNIQUE_EVERYWHERE = {
    "sign_ins_token": "looked up before the workspace is known",
    "api_keys_hash": "looked up before the workspace is known",
    "devices_id": "an id given by a gateway finds its workspace",
    "cloud_numbers_number": "a webhook names nothing but the number's id",
}

COLUMNS = """SELECT c.relname AS table, c.relrowsecurity, c.relforcerowsecurity, a.attnotnull AS has_workspace,
    pg_get_userbyid(c.relowner) AS owner
  FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'workspace_id' AND NOT a.attisdropped
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1"""
POLICIES = """SELECT tablename AS table, policyname, roles::text[] AS roles, cmd, permissive, qual, with_check
  FROM pg_policies WHERE schemaname = 'public'"""
KEYS = """SELECT t.relname AS table, i.relname AS index, x.indisprimary, array_agg(a.attname::text ORDER BY k.place) AS columns
  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
  CROSS JOIN unnest(x.indkey::int[]) WITH ORDINALITY k(number, place)
  LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number
  WHERE x.indisunique AND t.relnamespace = 'public'::regnamespace GROUP BY 1, 2, 3"""
FOREIGN_KEYS = """SELECT t.relname AS table, r.relname AS target, f.conname AS name,
    array_agg(a.attname::text || '>' || b.attname::text) AS pairs
  FROM pg_constraint f JOIN pg_class t ON t.oid = f.conrelid JOIN pg_class r ON r.oid = f.confrelid
  CROSS JOIN unnest(f.conkey, f.confkey) AS k(mine, theirs)
  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.mine
  JOIN pg_attribute b ON b.attrelid = r.oid AND b.attnum = k.theirs
  WHERE f.contype = 'f' AND t.relnamespace = 'public'::regnamespace GROUP BY 1, 2, 3"""


async def faults(connection: asyncpg.Connection) -> list[str]:
    """What is wrong with the wall, one sentence each."""
    tables = {row["table"]: row for row in await connection.fetch(COLUMNS)}
    walled = {name for name in tables if name not in OUTSIDE}
    found = []
    for name in sorted(walled):
        row = tables[name]
        if not row["has_workspace"]:
            found.append(f"{name}: no workspace_id NOT NULL")
        if not (row["relrowsecurity"] and row["relforcerowsecurity"]):
            found.append(f"{name}: row security is not forced")
    found += await _policy_faults(connection, walled)
    found += await _key_faults(connection, walled)
    found += [f"{name}: owned by {row['owner']}" for name, row in tables.items() if row["owner"].startswith("hantar_")]
    return found


def _is_wall(text: str | None, column: str) -> bool:
    bare = (text or "").replace(" ", "").replace("\n", "").lower()
    return bare == f"({column}=(selectcurrent_workspace()ascurrent_workspace))"


async def _policy_faults(connection: asyncpg.Connection, walled: set[str]) -> list[str]:
    found, with_wall = [], set()
    for row in await connection.fetch(POLICIES):
        if not {"hantar_app", "public"} & set(row["roles"]) or row["permissive"] == "RESTRICTIVE":
            continue  # a restrictive policy only narrows what the wall lets through
        column = "id" if row["table"] == "workspaces" else "workspace_id"
        if _is_wall(row["qual"], column) and _is_wall(row["with_check"], column) and row["cmd"] == "ALL":
            with_wall.add(row["table"])
        else:
            found.append(f"{row['table']}: policy {row['policyname']} lets the app past the wall")
    return found + [f"{name}: no wall" for name in sorted((walled | {"workspaces"}) - with_wall)]


async def _key_faults(connection: asyncpg.Connection, walled: set[str]) -> list[str]:
    found, with_key = [], set()
    for row in await connection.fetch(KEYS):
        if row["table"] not in walled:
            continue
        if row["indisprimary"] and row["columns"][0] == "workspace_id":
            with_key.add(row["table"])
        if "workspace_id" not in row["columns"] and row["index"] not in UNIQUE_EVERYWHERE:
            found.append(f"{row['table']}: unique key {row['index']} leaves out the workspace")
    found += [f"{name}: primary key does not begin with workspace_id" for name in sorted(walled - with_key)]
    for row in await connection.fetch(FOREIGN_KEYS):
        inside = row["table"] in walled and row["target"] in walled
        if inside and "workspace_id>workspace_id" not in row["pairs"]:
            found.append(f"{row['table']}: foreign key {row['name']} could reach another workspace")
    return found


@pytest.fixture
async def connection(dsn):
    opened = await asyncpg.connect(dsn)
    yield opened
    await opened.close()


async def test_every_table_stands_behind_the_wall(connection):
    assert await faults(connection) == []


async def test_the_lists_of_exceptions_hold_nothing_that_is_gone(connection):
    assert set(OUTSIDE) <= {row["table"] for row in await connection.fetch(COLUMNS)}
    assert set(UNIQUE_EVERYWHERE) <= {row["index"] for row in await connection.fetch(KEYS)}


async def test_roles_own_nothing_and_cannot_step_over_the_wall(connection):
    rows = await connection.fetch("SELECT * FROM pg_roles WHERE rolname LIKE 'hantar\\_%'")
    assert {row["rolname"] for row in rows} == {"hantar_app", "hantar_engine", "hantar_door"}
    for row in rows:
        for power in ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolcanlogin", "rolreplication"):
            assert row[power] is False, f"{row['rolname']} has {power}"
    for table in ("users", "installation"):
        assert not await connection.fetchval("SELECT has_table_privilege('hantar_app', $1, 'SELECT')", table)
        assert not await connection.fetchval("SELECT has_table_privilege('hantar_app', $1, 'UPDATE')", table)


MUTANTS = {
    "no row security": "ALTER TABLE leads DISABLE ROW LEVEL SECURITY",
    "not forced": "ALTER TABLE leads NO FORCE ROW LEVEL SECURITY",
    "no wall": "DROP POLICY wall ON leads",
    "a second, open policy": "CREATE POLICY hole ON leads TO hantar_app USING (true)",
    "an open policy for all": "CREATE POLICY hole ON leads USING (true)",
    "a wall without check": (
        "DROP POLICY wall ON leads; CREATE POLICY wall ON leads TO hantar_app "
        "USING (workspace_id = (SELECT current_workspace())) WITH CHECK (true)"
    ),
    "a bare new table": "CREATE TABLE news (id uuid PRIMARY KEY)",
    "a key without workspace": ("CREATE TABLE news (workspace_id uuid NOT NULL, id uuid PRIMARY KEY); SELECT raise_wall('news')"),
    "a unique key without workspace": "CREATE UNIQUE INDEX leads_phone ON leads (phone)",
    "a nullable workspace": (
        "CREATE TABLE news (workspace_id uuid, id uuid, UNIQUE (workspace_id, id)); SELECT raise_wall('news')"
    ),
    "a foreign key into any workspace": (
        "CREATE TABLE news (workspace_id uuid, id uuid, device_id uuid REFERENCES devices (id), PRIMARY KEY (workspace_id, id));"
        "SELECT raise_wall('news')"
    ),
    "a table of the app's own": "ALTER TABLE leads OWNER TO hantar_app",
}


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS.keys())
async def test_a_hole_in_the_wall_is_seen(connection, mutant):
    await connection.execute("SET client_min_messages = error")
    await connection.execute("GRANT CREATE ON SCHEMA public TO hantar_app")
    await connection.execute(mutant)
    assert await faults(connection) != []


async def test_a_good_new_table_is_fine(connection):
    await connection.execute(
        "CREATE TABLE news (workspace_id uuid REFERENCES workspaces, id uuid, PRIMARY KEY (workspace_id, id));"
        "SELECT raise_wall('news')"
    )
    assert await faults(connection) == []


async def test_a_transaction_sees_its_own_workspace_alone(database, alice, mallory):
    async with database.transaction(alice.workspace_id) as tx:
        await tx.execute(
            "INSERT INTO persons (workspace_id, id, phone, created_at) VALUES ($1, $1, '60123456789', $2)",
            alice.workspace_id,
            await tx.now(),
        )
    for workspace, seen in ((alice.workspace_id, 1), (mallory.workspace_id, 0), (None, 0)):
        async with database.transaction(workspace) as tx:
            assert await tx.fetchval("SELECT count(*) FROM persons") == seen
            assert await tx.execute("UPDATE persons SET phone = '1'") == seen
    async with database.transaction(mallory.workspace_id) as tx:
        assert await tx.fetchval("SELECT count(*) FROM workspaces") == 1


async def test_a_row_cannot_be_put_into_another_workspace(database, alice, mallory):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.transaction(mallory.workspace_id) as tx:
            await tx.execute(
                "INSERT INTO persons (workspace_id, id, phone, created_at) VALUES ($1, $1, '1', $2)",
                alice.workspace_id,
                await tx.now(),
            )


async def test_a_workspace_does_not_stick_to_a_connection(database, alice):
    for _ in range(10):
        async with database.transaction(alice.workspace_id) as tx:
            assert await tx.fetchval("SELECT current_workspace()") == alice.workspace_id
        async with database.transaction(None) as tx:
            assert await tx.fetchval("SELECT current_workspace()") is None
