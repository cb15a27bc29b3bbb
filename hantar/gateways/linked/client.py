"""What a session host asks of a library that speaks to WhatsApp as a linked device: one `Library` per process, one `Client` per
device. The host (`linked/host.py`) owns spool, deadlines and protocol; a library owns the connection and the session files.

A host is started with the name of a module (`--library hantar.gateways.linked.whatsmeow`). It must hold
`def library(given: Given) -> Library`. Only that module imports the real thing, and only in the child.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from hantar.gateways import port

_SAFE_NAME = re.compile(r"[0-9A-Za-z-]{1,64}")

Tell = Callable[[port.Event], None]
"""Takes what happened. It may be called from any thread, is quick, never raises, and returns when the event is in the spool.

What may be told: every event of the port, with an `event_id` that is the same when the same thing is told again, `at` in UTC
and `seq` left at 0. Receipts are told as `HeardReceipt`. A client does not tell that it was closed, logged out or forgotten
on request: the host does that, when the call has returned.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardReceipt(port.Receipt):
    """A receipt with what only the library knows: whose chat it is in. The driver uses it to settle what is unconfirmed, and
    passes on a plain receipt."""

    chat: port.Address = field(default_factory=port.Address)
    could_be_ours: bool = True
    """False when these ids do not look like ids that this library makes: somebody else sent the message."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a library is built with."""

    folder: Path
    """For session files; it exists, is ours alone (0700), on a local disk. Shared by all hosts, each device is in one of them."""
    most: int
    """Clients at most in this process: a library sizes its threads by it before the first starts."""
    options: Mapping[str, Any]
    """What the installation hands on to the library."""


class Client(Protocol):
    """One device. The host calls one of open, close, logout, forget at a time; sends and the rest come whenever they like."""

    async def open(self) -> None:
        """Connect by the session file, or begin pairing when there is none; returns soon, the outcome is told as events.

        While it runs already it changes nothing. What ends without another try is told as
        `Disconnected(will_retry=False)`: the first connect too. Raises whatever kept it from starting.
        """
        ...

    async def close(self) -> None:
        """End the connection; the session stays, and `open` works again. Does nothing when it is not open."""
        ...

    async def logout(self) -> None:
        """Unlink at WhatsApp, connecting for it if need be, and remove the session file; raises `port.PairingRefused` when
        WhatsApp cannot be told now (then nothing is removed)."""
        ...

    async def forget(self) -> None:
        """Close, and remove every file of the device. WhatsApp is told nothing."""
        ...

    async def pair_code(self, phone: str) -> port.PairCode:
        """Eight characters for the phone with this number (digits, country code first), opening if need be; raises
        `port.PairingRefused`, also when the device is linked already."""
        ...

    async def send(self, to: port.Address, content: port.Content, *, ref: str) -> port.Verdict:
        """Send one message; doubt is `Unconfirmed`, and so is whatever it raises. Address and content have passed
        `letter.refusal`. `ref`: our key, for libraries that can carry it. It is not cancelled at the host's deadline: an answer
        that comes later settles the message after all."""
        ...

    async def check_numbers(self, phones: Sequence[str]) -> list[port.NumberStatus]:
        """Whether these are on WhatsApp, in their order; raises `port.NotPaired` when the line is not open."""
        ...

    async def mark_read(self, chat: port.Address, wire_ids: Sequence[str]) -> None:
        """Show the person that these were read."""
        ...

    async def typing(self, chat: port.Address, on: bool) -> None:
        """Show or end "typing…"."""
        ...

    async def fetch(self, ref: port.MediaRef, most: int) -> bytes:
        """A file that somebody sent, of `most` bytes at most; raises `media.MediaGone`, `media.MediaTooLarge`, `port.NotPaired`
        when the line is not open, `port.PairingRefused` when WhatsApp does not hand it out now. The host asks for one at a time.
        It is not cancelled at the host's deadline: what comes later is thrown away."""
        ...

    async def snapshot(self) -> bytes | None:
        """The session as one consistent copy, if it changed since the last copy that was `kept`; None otherwise or when there
        is none. The host asks after pairing, every few minutes and at the end, and has it sealed and stored."""
        ...

    def kept(self) -> None:
        """The last snapshot is stored for good."""
        ...


class Library(Protocol):
    """All clients of one process."""

    async def start(self) -> None:
        """Import and check what is needed; raises with a plain sentence when it cannot be used here."""
        ...

    def client(self, device: port.DeviceRef, tell: Tell) -> Client:
        """The client of a device, not yet open; called once for each device until it is forgotten."""
        ...

    def has_session(self, device_id: str) -> bool:
        """Whether a session file of a linked device is there; no client is needed for the answer."""
        ...

    def restore(self, device_id: str, session: bytes) -> None:
        """Put back a snapshot; called before `open`, and only when there is no session file."""
        ...

    async def close(self) -> None:
        """All clients are closed; let go of the rest."""
        ...


def session_file(folder: Path, device_id: str) -> Path:
    """Where the session of a device lives while it is in use; raises `ValueError` for an id that is no file name."""
    if not _SAFE_NAME.fullmatch(device_id):
        raise ValueError("not the id of a device")
    return folder / f"{device_id}.db"
