"""Settings as texts of the environment: each reader takes one apart or raises `ValueError` with what it must be."""

import os
import re
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit


class Credentials(NamedTuple):
    """Name and password of the first administrator."""

    name: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials(name={self.name!r}, password=…)"


def text(value: str) -> str:
    """As it stands."""
    return value


def boolean(value: str) -> bool:
    """Yes or no, in any of the usual words."""
    word = value.lower()
    if word not in ("1", "true", "yes", "on", "0", "false", "no", "off"):
        raise ValueError("must be true or false")
    return word in ("1", "true", "yes", "on")


def integer(value: str) -> int:
    """A whole number of at most 18 digits."""
    if not re.fullmatch(r"-?\d{1,18}", value):
        raise ValueError("must be a whole number")
    return int(value)


def whole(least: int, most: int) -> Callable[[str], int]:
    """A whole number within bounds; beyond them nothing sensible happens."""

    def parse(value: str) -> int:
        if not least <= integer(value) <= most:
            raise ValueError(f"must be a whole number from {least:,} to {most:,}")
        return int(value)

    return parse


def port(value: str) -> int:
    """A port; 0 is any free one."""
    if not (value.isascii() and value.isdigit() and int(value) <= 65535):
        raise ValueError("must be a port from 0 to 65535 (0: any free one)")
    return int(value)


def one_of(*words: str) -> Callable[[str], str]:
    """One of these words, in any case."""

    def parse(value: str) -> str:
        if value.lower() not in words:
            raise ValueError("must be " + " or ".join(words))
        return value.lower()

    return parse


def path(value: str) -> Path:
    """An absolute path; `~` is the user's home."""
    return Path(os.path.abspath(os.path.expanduser(value)))


def database_url(value: str) -> str:
    """A PostgreSQL address, whatever its scheme names as the driver."""
    scheme, separator, rest = value.partition("://")
    if not separator or scheme.partition("+")[0] not in ("postgres", "postgresql"):
        raise ValueError("must be a PostgreSQL address such as postgresql://user:password@host/name")
    return f"postgresql://{rest}"


def public_url(value: str) -> str:
    """An address of the web without query or fragment."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an address such as https://hantar.example.com")
    return value.rstrip("/")


def time_zone(value: str) -> str:
    """An IANA time zone."""
    try:
        return zoneinfo.ZoneInfo(value).key
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise ValueError("must be the name of a time zone such as Asia/Kuala_Lumpur") from None


def credentials(value: str) -> Credentials:
    """`name:password`."""
    name, _, password = value.partition(":")
    if not name.strip() or not password:
        raise ValueError("must be name:password")
    return Credentials(name.strip(), password)


def service_url(value: str) -> str:
    """The address of a service that is given secrets: over TLS, or on this machine."""
    address = public_url(value)
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError("must begin with https://")
    return address


def version(value: str) -> str:
    """A version such as v25.0."""
    if not re.fullmatch(r"v\d{1,3}\.\d{1,2}", value):
        raise ValueError("must be a version such as v25.0")
    return value
