"""Where our own PostgreSQL is found and with which password. Knows files and paths; starts nothing."""

import contextlib
import os
import re
import secrets
import shutil
import tempfile
from pathlib import Path

from hantar.kit.embedded_programs import Account

USER = DATABASE = "hantar"
PORT = 5432
"""Only a part of the socket's name; nothing listens on TCP."""
LONGEST_SOCKET_PATH = 100
"""Bytes; the system's limit is 107 on Linux and 103 on macOS."""
PLAIN_PATH = re.compile(r"[A-Za-z0-9._/-]+")
"""In an address a comma separates servers, and each client reads quotes in its own way."""
SHORT_PLACE, SHORT_PREFIX = Path("/tmp"), "hantar-"  # noqa: S108 a private folder is made there


def address_of_running(data_dir: Path) -> str | None:
    """The address of the server that another process of ours runs with this data folder, or None."""
    home = Path(os.path.realpath(data_dir))
    socket_dir = socket_dir_in(home / "postgres" / "data")
    with contextlib.suppress(OSError):
        if socket_dir and (socket_dir / f".s.PGSQL.{PORT}").exists():
            return dsn(socket_dir, password_file(home).read_text(encoding="ascii").strip())
    return None


def dsn(socket_dir: Path, password: str) -> str:
    """The address in the form every client of ours reads."""
    return f"postgresql://{USER}:{password}@/{DATABASE}?host={socket_dir}"


def password_file(home: Path) -> Path:
    """Where the database's password lies."""
    return home / "database-password"


def password(home: Path) -> str:
    """The database's password; made when it is first asked for."""
    path = password_file(home)
    if not path.exists():
        draft = path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        write_private(draft, secrets.token_urlsafe(32))
        draft.rename(path)
    return path.read_text(encoding="ascii").strip()


def write_private(path: Path, text: str, account: Account | None = None) -> None:
    """A new file that its owner alone can read; on the disk when this returns."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(handle, "w", encoding="ascii") as output:
        if account and account.switch:
            os.fchown(handle, account.uid, account.gid)
        output.write(text + "\n")
        output.flush()
        os.fsync(handle)


def make_socket_dir(wanted: Path, account: Account) -> Path:
    """A private folder for the socket; a short one elsewhere when the wanted path is too long or strange."""
    folder = wanted
    is_long = len(os.fsencode(folder)) + len(f"/.s.PGSQL.{PORT}") > LONGEST_SOCKET_PATH
    if is_long or not PLAIN_PATH.fullmatch(str(folder)):
        folder = Path(tempfile.mkdtemp(prefix=SHORT_PREFIX, dir=SHORT_PLACE))
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
        (folder / name).unlink(missing_ok=True)  # of a server that was killed
    if account.switch:
        os.chown(folder, account.uid, account.gid)
    return folder


def forget_socket_dir(folder: Path | None) -> None:
    """Remove a short folder of ours; the one beside the database stays."""
    if folder and folder.parent == SHORT_PLACE and folder.name.startswith(SHORT_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


def socket_dir_in(pgdata: Path) -> Path | None:
    """Where the server that runs, or was killed, has its socket: the fifth line of its lock file."""
    try:
        return Path((pgdata / "postmaster.pid").read_text().splitlines()[4])
    except (OSError, IndexError):
        return None
