"""Every setting: its names, type, default and one line of why. Only `app.py` and `cli.py` read it.

A setting stands here once something uses it, never before. Values come from the environment alone, never from a file.
"""

import ipaddress
import os
import re
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from hantar.kit import values
from hantar.kit.values import Credentials as Credentials

DRIVERS = ("simulator", "linked", "cloud")
REGISTRATIONS = ("open", "invite", "closed")
SAMPLE_PASSWORDS = frozenset(
    {"admin", "changeme", "changeme123", "pass", "password", "password123", "secret", "user", "123456", "hantar"}
)
"""Passwords printed in compose files and tutorials; the first thing a stranger tries."""
NAMES_OF_TOOLS = frozenset({"HANTAR_SKIP_UI", "HANTAR_CHROMIUM", "HANTAR_DEV_SERVER"})
"""Read by the build, the page's development server and the browser tests, so no misspelt settings."""

_TEMPLATE = re.compile(r"\$\{\{|^\s*\{\{.*\}\}\s*$|^\s*\$\{\w+\}\s*$")


class SettingsError(ValueError):
    """Some settings cannot be used; `problems` has one sentence each, without values of secrets."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


def home(environ: Mapping[str, str]) -> Path:
    """The user's home, also when HOME is empty or missing."""
    if environ.get("HOME"):
        return Path(environ["HOME"])
    if sys.platform == "win32":
        return Path(environ.get("USERPROFILE") or "C:\\")
    import pwd  # this module does not exist on Windows

    return Path(pwd.getpwuid(os.getuid()).pw_dir)


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """The platform's folder for a user's data; as root the system's state folder, which other accounts can reach."""
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home(environ) / "AppData" / "Local") / "Hantar"
    if os.geteuid() == 0:
        return Path("/var/lib/hantar")
    if sys.platform == "darwin":
        return home(environ) / "Library" / "Application Support" / "Hantar"
    return Path(environ.get("XDG_DATA_HOME") or home(environ) / ".local" / "share") / "hantar"


def _env(*names: str, parse: Callable[[str], Any], default: str, why: str) -> dict[str, Any]:
    """What the table says about one setting; `default` in the words of the documentation."""
    return {"names": names, "parse": parse, "default": default, "why": why}


class Rules(NamedTuple):
    """Variables that set numbers of responsible sending: how each is read, and what is wrong with several together.

    Handed in by whoever starts the program (`policy/environment.py`), because the rules live above this file.
    """

    variables: Mapping[str, Callable[[str], Any]] = {}
    problems: Callable[[Mapping[str, Any]], list[str]] = lambda _values: []
    aliases: Mapping[str, str] = {}
    """Other names of some variables."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one process, read once at its start."""

    database_url: str = field(
        default="",
        repr=False,
        metadata=_env(
            "DB_URI",
            "DATABASE_URL",
            parse=values.database_url,
            default="empty: Hantar starts its own PostgreSQL",
            why="To use a PostgreSQL server (15 or newer) that you run yourself.",
        ),
    )
    data_dir: Path = field(
        default=Path("/var/lib/hantar"),
        metadata=_env(
            "HANTAR_DATA_DIR",
            parse=values.path,
            default="as root /var/lib/hantar, else the user's data folder",
            why="Where everything that must survive is kept: the database, its password, files being imported.",
        ),
    )
    pg_bin: Path | None = field(
        default=None,
        metadata=_env(
            "HANTAR_PG_BIN",
            parse=values.path,
            default="empty: the packaged PostgreSQL, else the system's",
            why="To run our own database with other PostgreSQL programs than the packaged ones.",
        ),
    )
    host: str = field(
        default="127.0.0.1",
        metadata=_env(
            "HANTAR_HOST",
            parse=values.text,
            default="127.0.0.1",
            why="The address to listen on; 0.0.0.0 lets other machines in.",
        ),
    )
    port: int = field(
        default=3000,
        metadata=_env("APP_PORT", "PORT", parse=values.port, default="3000", why="The port to listen on; 0 takes a free one."),
    )
    public_url: str = field(
        default="",
        metadata=_env(
            "HANTAR_PUBLIC_URL",
            parse=values.public_url,
            default="empty: taken from the request",
            why="The address people use from outside, for links and cookies behind a proxy.",
        ),
    )
    registration: str = field(
        default="open",
        metadata=_env(
            "HANTAR_REGISTRATION",
            parse=values.one_of(*REGISTRATIONS),
            default="open",
            why="Who may make an account: open (anyone who reaches the page), invite, closed.",
        ),
    )
    allow_private_urls: bool = field(
        default=False,
        metadata=_env(
            "HANTAR_ALLOW_PRIVATE_URLS",
            parse=values.boolean,
            default="false",
            why="Lets addresses that users type (images) lead into private networks.",
        ),
    )
    driver: str = field(
        default="simulator",
        metadata=_env(
            "HANTAR_DRIVER",
            parse=values.one_of(*DRIVERS),
            default="simulator",
            why="The driver of a new device when its maker names none.",
        ),
    )
    time_zone: str = field(
        default="Asia/Kuala_Lumpur",
        metadata=_env(
            "TZ", parse=values.time_zone, default="Asia/Kuala_Lumpur", why="The time zone of new accounts (an IANA name)."
        ),
    )
    basic_auth: Credentials | None = field(
        default=None,
        repr=False,
        metadata=_env(
            "APP_BASIC_AUTH",
            parse=values.credentials,
            default="empty: a password is made and printed once",
            why="name:password of the first administrator, read only while there is none.",
        ),
    )
    simulator_seed: int = field(
        default=1,
        metadata=_env(
            "HANTAR_SIMULATOR_SEED",
            parse=values.integer,
            default="1",
            why="The same seed makes the simulated network behave the same again.",
        ),
    )
    media_max_mb: int = field(
        default=16,
        metadata=_env(
            "HANTAR_MEDIA_MAX_MB",
            parse=values.whole(1, 100),
            default="16",
            why="How many megabytes an uploaded video, document or sound may have; WhatsApp's own limits stay.",
        ),
    )
    broadcast_cleanup_minutes: int = field(
        default=5,
        metadata=_env(
            "BROADCAST_POOL_CLEANUP_MINUTES",
            parse=values.whole(0, 1440),
            default="5",
            why="For how many minutes a finished broadcast keeps its live counters in memory.",
        ),
    )
    broadcast_max_workers: int = field(
        default=3000,
        metadata=_env(
            "BROADCAST_MAX_WORKERS_PER_POOL",
            parse=values.whole(1, 1_000_000),
            default="3000",
            why="How many devices of one server send at once in one broadcast.",
        ),
    )
    broadcast_max_pools: int = field(
        default=10,
        metadata=_env(
            "BROADCAST_MAX_POOLS_PER_USER",
            parse=values.whole(1, 100_000),
            default="10",
            why="How many broadcasts of one workspace run at once; the next waits.",
        ),
    )
    broadcast_window: int = field(
        default=1000,
        metadata=_env(
            "BROADCAST_WORKER_QUEUE_SIZE",
            parse=values.whole(1, 1_000_000),
            default="1000",
            why="How many messages of one broadcast stand in a device's queue at a time; the rest wait as pending.",
        ),
    )
    broadcast_check_seconds: int = field(
        default=10,
        metadata=_env(
            "BROADCAST_COMPLETION_CHECK_SECONDS",
            parse=values.whole(1, 3600),
            default="10",
            why="How many seconds pass between two looks whether a broadcast has ended, besides events.",
        ),
    )
    broadcast_log_seconds: int = field(
        default=30,
        metadata=_env(
            "BROADCAST_PROGRESS_LOG_SECONDS",
            parse=values.whole(1, 86_400),
            default="30",
            why="How many seconds pass between two lines about progress in the log, while anything is sent.",
        ),
    )
    cloud_base_url: str = field(
        default="https://graph.facebook.com",
        metadata=_env(
            "HANTAR_CLOUD_BASE_URL",
            parse=values.service_url,
            default="https://graph.facebook.com",
            why="Where the Cloud API is; another address for a partner's door to it, or for trials.",
        ),
    )
    cloud_version: str = field(
        default="v25.0",
        metadata=_env(
            "HANTAR_CLOUD_VERSION",
            parse=values.version,
            default="v25.0",
            why="The version of the Cloud API that Hantar asks for.",
        ),
    )
    cloud_app_secret: str = field(
        default="",
        repr=False,
        metadata=_env(
            "HANTAR_CLOUD_APP_SECRET",
            parse=values.text,
            default="empty: calls from the Cloud API are refused",
            why="The secret of your Meta app, by which the Cloud API signs what it reports to /hooks/cloud.",
        ),
    )
    cloud_verify_token: str = field(
        default="",
        repr=False,
        metadata=_env(
            "HANTAR_CLOUD_VERIFY_TOKEN",
            parse=values.text,
            default="empty: the address cannot be set up",
            why="A word of your own that Meta asks for once, when you enter /hooks/cloud as the address of the webhook.",
        ),
    )
    debug: bool = field(
        default=False,
        metadata=_env(
            "APP_DEBUG", parse=values.boolean, default="false", why="More log lines, still without texts and full numbers."
        ),
    )
    rules: Mapping[str, Any] = field(default_factory=dict)
    """Numbers of responsible sending for all real devices, by rule (docs/settings.md, last part)."""
    warnings: tuple[str, ...] = ()

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, rules: Rules | None = None) -> "Settings":
        """Read the environment (the process's own by default); raises `SettingsError` with every problem at once."""
        environ = os.environ if environ is None else environ
        rules = rules or Rules()
        warnings, problems = _unknown(environ, rules.variables), list[str]()
        values: dict[str, Any] = {"data_dir": default_data_dir(environ)}
        for setting in table():
            metadata = setting.metadata
            _read(setting.name, metadata["names"], metadata["parse"], environ, values, warnings, problems)
        numbers: dict[str, Any] = {}
        for name, parse in rules.variables.items():
            names = (name, rules.aliases[name]) if name in rules.aliases else (name,)
            _read(name.removeprefix("HANTAR_").lower(), names, parse, environ, numbers, warnings, problems)
        problems += rules.problems(numbers)
        values["rules"] = numbers
        if not problems:
            problems += _together(cls(**values))
        if problems:
            raise SettingsError(problems)
        return cls(**values, warnings=tuple(warnings))


def table() -> tuple[Field[Any], ...]:
    """Every setting; `metadata` has its `names`, `default` in words, and `why`."""
    return tuple(each for each in fields(Settings) if each.metadata)


def _read(
    key: str,
    names: Sequence[str],
    parse: Callable[[str], Any],
    environ: Mapping[str, str],
    values: dict[str, Any],
    warnings: list[str],
    problems: list[str],
) -> None:
    """Take the first of the setting's names that holds something."""
    for name in names:
        text = environ.get(name, "").strip()
        if _TEMPLATE.search(text):
            warnings.append(f"{name} holds the text of a template that nobody filled in; it counts as empty.")
        elif text:
            try:
                values[key] = parse(text)
            except ValueError as error:
                # TZ belongs to the whole system and has forms we cannot use, so it never stops us
                (warnings if name == "TZ" else problems).append(f"{name} {error}.")
            return


def _unknown(environ: Mapping[str, str], rules: Collection[str]) -> list[str]:
    known = {name for setting in table() for name in setting.metadata["names"]} | NAMES_OF_TOOLS | set(rules)
    strange = sorted(name for name in environ if name.startswith("HANTAR_") and name not in known)
    return [f"{name} is no setting of Hantar; it is ignored." for name in strange]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the host."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _together(settings: Settings) -> list[str]:
    """Problems of settings that are fine one by one."""
    outside = urlsplit(settings.public_url).hostname
    is_private = is_loopback(settings.host) and (outside is None or is_loopback(outside))
    if settings.basic_auth and settings.basic_auth.password.lower() in SAMPLE_PASSWORDS and not is_private:
        return ["APP_BASIC_AUTH holds a published sample password; outside of this machine choose one of your own."]
    return []
