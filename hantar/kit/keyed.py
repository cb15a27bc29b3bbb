"""The installation's secret key, and keyed hashes made with it.

A phone number can be guessed back from a plain hash; from an HMAC only by who has the key. The key lives in a file of its
own beside the data: keep a copy apart from the backups, for without it no opt-out can be recognised again.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

FILE = "keys/fingerprint.key"
LENGTH = 32
"""Bytes of the key: the block a SHA-256 HMAC is at its full strength with (RFC 2104)."""
CHECK = "hantar: is this the key that the opt-outs were stored with?"


class KeyUnreadable(ValueError):
    """The key file is there and cannot be used."""


def load(data_dir: Path) -> bytes | None:
    """The key kept in a data folder; None when there is none yet. Raises `KeyUnreadable`."""
    path = data_dir / FILE
    try:
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise KeyUnreadable(f"{path} cannot be read ({error.__class__.__name__}).") from error
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != LENGTH:
        raise KeyUnreadable(f"{path} does not hold a key of {LENGTH} bytes.")
    return key


def make(data_dir: Path) -> bytes:
    """A new key, written for our account alone before it is used; the one that another start has just made, if it was quicker."""
    path = data_dir / FILE
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(f".{secrets.token_hex(8)}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(LENGTH) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    _settle(path.parent)
    key = load(data_dir)
    if key is None:
        raise KeyUnreadable(f"{path} was made and is gone again.")
    return key


def _settle(folder: Path) -> None:
    """Put a folder's names on the disk: a key that is lost with the power loses every opt-out stored under it."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def fingerprint(key: bytes, kind: str, value: str) -> bytes:
    """HMAC-SHA256 of one alias: `kind` is phone, lid, jid or chat; a phone's value is its identity key (kit/phone.canonical)."""
    return hmac.new(key, f"{kind}:{value}".encode(), hashlib.sha256).digest()


def check(key: bytes) -> bytes:
    """What the database keeps to recognise the key, without learning it."""
    return fingerprint(key, "check", CHECK)
