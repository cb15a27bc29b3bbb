"""PostgreSQL as our own child process, for those who bring none.

It listens on a Unix socket only, asks for a password even there, and ends when we end, however we end. This room
starts, watches and stops the server; what is in the database is not its business. Linux and macOS only.
"""

import asyncio
import atexit
import concurrent.futures
import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import asyncpg
import structlog

from hantar.kit import embedded_address as address, embedded_programs as programs, embedded_remains as remains
from hantar.kit.clock import Clock, SystemClock
from hantar.kit.embedded_programs import EmbeddedError as EmbeddedError

log = structlog.get_logger(__name__)

NOT_YET = (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)
"""A server that is coming up, or is just going down, may cut a connection at any point of its greeting."""
START_PATIENCE = 600.0
"""Seconds; replaying the log after a crash may take minutes."""
STOP_PATIENCE = 30.0
LOG_LIMIT = 5_000_000
"""Bytes of server log kept from earlier starts, twice."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 30.0
"""Seconds between attempts to bring a dead server back."""
DURABLE = ("fsync=on", "full_page_writes=on", "synchronous_commit=on")
WAL = "max_wal_size=2GB"
"""Between checkpoints a page is written whole but once; at 2 kB of WAL a message the standard 1 GB lasts five minutes at 1,700 a
second. More would make the start after a crash slow (our own number)."""
LEAST_BUFFERS, MOST_BUFFERS = 128, 1024
"""Megabytes of shared buffers: an eighth of the machine's memory, within these bounds."""
THROW_AWAY = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")

_PR_SET_PDEATHSIG = 1


def _buffers() -> str:
    """How much of the machine's memory PostgreSQL keeps pages in."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    except (ValueError, OSError, AttributeError):  # a system that does not say
        memory = 0
    return f"shared_buffers={min(MOST_BUFFERS, max(LEAST_BUFFERS, memory // 8))}MB"


class AlreadyRunning(EmbeddedError):
    """Another Hantar uses this data folder."""


class Embedded:
    """One PostgreSQL server in one data folder.

    `durable=False` trades safety for speed and is for test servers that are thrown away.
    """

    def __init__(self, data_dir: Path, *, pg_bin: Path | None = None, durable: bool = True) -> None:
        self._home = Path(os.path.realpath(data_dir))
        self._pg_bin, self._durable = pg_bin, durable
        self._area = self._home / "postgres"
        self._pgdata = self._area / "data"
        self._lock: IO[str] | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._socket_dir: Path | None = None
        self._account: programs.Account | None = None
        self._log_start = 0
        self._owner = os.getpid()

    @property
    def pid(self) -> int | None:
        """The process id of the server, or None when it was not started."""
        return self._child.pid if self._child else None

    @property
    def dsn(self) -> str:
        """The address of the running server, with its password."""
        if self._socket_dir is None:
            raise EmbeddedError("PostgreSQL was not started.")
        return address.dsn(self._socket_dir, address.password(self._home))

    def start(self) -> str:
        """Start the server, making the database first where there is none; returns its address. Main thread only."""
        try:
            self._take_lock()
            self._spawn(self._prepare())
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        atexit.register(self.stop)
        return self.dsn

    def poll(self) -> int | None:
        """None while the server runs, else its exit code."""
        return self._child.poll() if self._child else 0

    def restart(self) -> str:
        """Start again after the server died; returns its address. Main thread only."""
        self._end_child()
        self._spawn(self._prepare())
        self._wait_until_ready()
        return self.dsn

    def stop(self) -> None:
        """Stop the server and give the data folder back. Harmless when repeated, or when nothing was started."""
        atexit.unregister(self.stop)
        if os.getpid() != self._owner:
            return  # a forked child of ours; the server is not its own
        self._end_child()
        address.forget_socket_dir(self._socket_dir)
        self._socket_dir = None
        if self._lock:
            self._lock.close()
            self._lock = None

    async def watch(self, stop: asyncio.Event, clock: Clock | None = None) -> None:
        """Bring the server back whenever it dies, with growing pauses, until `stop` is set. Main thread only."""
        clock = clock or SystemClock()
        pause = FIRST_PAUSE
        while not await clock.wait(stop, FIRST_PAUSE):
            if self.poll() is None:
                continue
            log.error("database.died", code=self.poll())
            try:
                self._spawn(await asyncio.to_thread(self._prepare))
                await asyncio.to_thread(self._wait_until_ready)
            except EmbeddedError as error:
                log.error("database.restart_failed", reason=str(error), again_in_s=pause)
                await clock.wait(stop, pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                log.warning("database.restarted", pid=self.pid)
                pause = FIRST_PAUSE

    # ------------------------------------------------------------ the folder

    def _take_lock(self) -> None:
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            handle = open(self._home / "lock", "a+", encoding="ascii")  # noqa: SIM115 held as long as the server runs
        except OSError as error:
            raise EmbeddedError(f"The data folder {self._home} cannot be used: {error.strerror}.") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.seek(0)
            holder = handle.read().strip()
            handle.close()
            raise AlreadyRunning(
                f"Hantar already runs with the data folder {self._home} (process {holder or 'unknown'}). "
                "Stop it first, or choose another folder with HANTAR_DATA_DIR."
            ) from None
        handle.seek(0)
        handle.truncate()
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        self._lock = handle

    def _prepare_area(self) -> programs.Account:
        """Make the folder in which the server's account may write."""
        account = programs.account_for(self._pgdata)
        self._area.mkdir(mode=0o700, exist_ok=True)
        if account.switch:
            if not programs.can_reach(account, self._home):
                self._home.chmod(0o711)  # what is secret in it is 0600
            os.chown(self._area, account.uid, account.gid)
            if not programs.can_reach(account, self._area):
                raise programs.unreachable(account, self._home)
        elif self._pgdata.exists() and self._pgdata.stat().st_uid != account.uid:
            raise EmbeddedError(f"The database in {self._pgdata} belongs to another account; start Hantar as that one.")
        return account

    def _make_database(self, found: programs.Programs, account: programs.Account) -> None:
        """Run initdb beside the final place, so that an interrupted run leaves nothing half-made."""
        draft = self._area / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        password_file = self._area / "password.draft"
        password_file.unlink(missing_ok=True)
        address.write_private(password_file, address.password(self._home), account)
        locale = ["--locale-provider=builtin", "--locale=C.UTF-8"] if found.major >= 17 else ["--locale=C.UTF-8"]
        command = [str(found.folder / "initdb"), "-D", str(draft), f"--username={address.USER}", f"--pwfile={password_file}"]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", *locale]
        command += [] if self._durable else ["--no-sync"]
        try:
            done = subprocess.run(  # type: ignore[call-overload]
                command,
                cwd="/",
                env=programs.CLEAN_ENVIRONMENT,
                capture_output=True,
                text=True,
                check=False,
                **account.as_options(),
            )
        finally:
            password_file.unlink(missing_ok=True)
        if done.returncode != 0:
            raise EmbeddedError(f"PostgreSQL's initdb failed:\n{_tail(done.stdout + done.stderr)}")
        draft.rename(self._pgdata)

    # ------------------------------------------------------------ the process

    def _prepare(self) -> list[str]:
        """Everything before the server's start, which may take seconds; returns the command line."""
        account = self._account = self._prepare_area()
        forgotten = None if self._socket_dir else address.socket_dir_in(self._pgdata)
        remains.clear(self._pgdata)
        address.forget_socket_dir(forgotten)
        version_file = self._pgdata / "PG_VERSION"
        major = int(version_file.read_text().strip()) if version_file.exists() else None
        found = programs.within_reach(programs.find(self._pg_bin, major), account, self._home / "programs")
        if major is None:
            self._make_database(found, account)
        self._socket_dir = address.make_socket_dir(self._socket_dir or self._area / "run", account)
        return self._command(found, self._socket_dir)

    def _spawn(self, command: list[str]) -> None:
        """Start the process, without waiting until it answers."""
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("PostgreSQL ends with the thread that starts it, so the main thread must.")
        assert self._account is not None  # noqa: S101 narrows the type
        with self._open_log() as output:
            self._child = subprocess.Popen(  # type: ignore[call-overload]
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=programs.CLEAN_ENVIRONMENT,
                start_new_session=True,
                preexec_fn=_end_with_parent(),
                **self._account.as_options(),
            )

    def _command(self, found: programs.Programs, socket_dir: Path) -> list[str]:
        """The command line; what stands here wins over postgresql.conf."""
        settings = [
            "listen_addresses=",
            f"unix_socket_directories={socket_dir}",
            f"port={address.PORT}",
            "logging_collector=off",
            "log_destination=stderr",
            "log_checkpoints=off",
            "timezone=UTC",
            "log_timezone=UTC",
            "jit=off",
            *((*DURABLE, WAL, _buffers()) if self._durable else THROW_AWAY),
        ]
        options = [word for setting in settings for word in ("-c", setting)]
        return [str(found.folder / "postgres"), "-D", str(self._pgdata), *options]

    def _open_log(self) -> IO[bytes]:
        path = self._home / "postgres.log"
        if path.exists() and path.stat().st_size > LOG_LIMIT:
            path.replace(path.with_suffix(".log.1"))
        output = open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))  # noqa: SIM115 closed by the caller
        self._log_start = output.tell()
        return output

    def _log_tail(self) -> str:
        with open(self._home / "postgres.log", "rb") as handle:
            handle.seek(self._log_start)
            return _tail(handle.read().decode(errors="replace"))

    def _wait_until_ready(self) -> None:
        """Return when the server takes connections; in a thread, since our caller may be inside an event loop."""
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            try:
                pool.submit(asyncio.run, self._answer()).result()
            except BaseException:
                self._end_child()
                raise

    async def _answer(self) -> None:
        child, deadline = self._child, time.monotonic() + START_PATIENCE
        assert child is not None  # noqa: S101 narrows the type
        while time.monotonic() < deadline:
            if child.poll() is not None:
                raise EmbeddedError(f"PostgreSQL did not start:\n{self._log_tail()}")
            with contextlib.suppress(*NOT_YET):
                await self._greet()
                return
            await asyncio.sleep(0.02)
        raise EmbeddedError(f"PostgreSQL did not answer within {START_PATIENCE:.0f} s:\n{self._log_tail()}")

    async def _greet(self) -> None:
        """Connect once; the first time, create our database."""
        try:
            connection = await asyncpg.connect(self.dsn, timeout=10)
        except asyncpg.InvalidCatalogNameError:
            connection = await asyncpg.connect(self.dsn, timeout=10, database="postgres")
            await connection.execute(f'CREATE DATABASE "{address.DATABASE}"')
        except asyncpg.InvalidPasswordError:
            raise EmbeddedError(
                f"PostgreSQL does not take the password in {address.password_file(self._home)}. Put the right file back."
            ) from None
        await connection.close()

    def _end_child(self) -> None:
        """Fast shutdown, then an immediate one, then the end; reaps the process."""
        child = self._child
        if child is None:
            return
        for number, patience in ((signal.SIGINT, STOP_PATIENCE), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            if child.poll() is None:
                child.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(patience)
                break
        self._child = None


def _tail(text: str, lines: int = 12) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-lines:]) or "  (it said nothing)"


def _end_with_parent() -> Callable[[], None] | None:
    """What the child does before it becomes PostgreSQL: ask the kernel for SIGINT when we die (Linux only)."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def prepare() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return prepare
