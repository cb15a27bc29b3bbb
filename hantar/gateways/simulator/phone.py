"""One simulated device as the service knows it: its link, its line, the pairing under way and the trouble it is in."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hantar.gateways.simulator import chance

FOREVER = 253_402_300_000.0
"""Until told otherwise: the last second of the calendar."""
FIRST_CODE_SECONDS, NEXT_CODE_SECONDS, CODES = 60.0, 20.0, 6
PAIR_CODE_SECONDS = 160.0
ALPHABET = "ABCDEFGHJKLMNPQRSTVWXYZ123456789"
"""Letters and digits that are not mistaken for one another."""


@dataclass(slots=True)
class Pairing:
    """One pairing under way; a late timer of an earlier one finds another number and does nothing."""

    number: int
    attempt: int = 0
    code: str = ""
    code_ends: float = 0.0
    typed: str | None = None
    typed_for: str | None = None
    typed_ends: float = 0.0


@dataclass(slots=True)
class Trouble:
    """Faults put upon a device on request; instants are seconds since 1970."""

    offline_until: float = 0.0
    silent_until: float = 0.0
    banned_until: float = 0.0
    ban_code: int = 101
    is_refused: bool = False
    is_replaced: bool = False
    is_outdated: bool = False
    restricted_until: float = 0.0
    slow_until: float = 0.0
    slow_gap: float = 5.0
    last_try: float = 0.0
    once: list[tuple[str, str | None]] = field(default_factory=list)
    """(fault, phone or None) that the next fitting message meets."""
    during: dict[str, float] = field(default_factory=dict)
    """Fault → until when every message meets it."""


@dataclass(slots=True)
class Phone:
    """A device in the world."""

    device_id: str
    wanted: str | None = None
    """The number it is meant to have."""
    phone: str | None = None
    jid: str | None = None
    token: int = 0
    is_open: bool = False
    is_connected: bool = False
    opened: int = 0
    """Counts openings; a late timer of an earlier one does nothing."""
    pairings: int = 0
    links: int = 0
    pairing: Pairing | None = None
    received: int = 0
    has_history: bool = False
    warm: set[str] = field(default_factory=set)
    """Who has written to this device: they may be answered while new chats are locked."""
    trouble: Trouble = field(default_factory=Trouble)

    @property
    def is_linked(self) -> bool:
        """Whether the service knows this device."""
        return self.phone is not None

    @property
    def meets_faults(self) -> bool:
        """Whether some message of this device may meet a fault on request."""
        return bool(self.trouble.once or self.trouble.during)

    def take_fault(self, fault: str, to: str, now: float) -> bool:
        """Whether this message meets the fault; a fault for one message is used up."""
        if self.trouble.during.get(fault, 0.0) > now:
            return True
        for each in self.trouble.once:
            if each[0] == fault and each[1] in (None, to):
                self.trouble.once.remove(each)
                return True
        return False


def restore(phone: Phone, line: dict[str, Any]) -> None:
    """Take over what a line of the ledger says about the device."""
    effect, more = line["effect"], line.get("more") or {}
    phone.token = max(phone.token, line.get("token") or 0)
    if effect == "linked":
        phone.phone, phone.jid, phone.has_history = more["phone"], more["jid"], True
        phone.links += 1
    elif effect == "unlinked":
        phone.phone = phone.jid = None
        phone.has_history = False
    elif effect == "inbound":
        phone.warm |= {each for each in (more["from"], more.get("opaque")) if each}
        phone.received += 1
    elif effect == "fault":
        _restore_trouble(phone.trouble, line["fault"], float(more.get("until") or 0.0))


def _restore_trouble(trouble: Trouble, fault: str, until: float) -> None:
    if fault == "offline":
        trouble.offline_until = until
    elif fault == "online":
        trouble.offline_until = trouble.silent_until = trouble.restricted_until = trouble.banned_until = 0.0
        trouble.is_refused = trouble.is_replaced = trouble.is_outdated = False
    elif fault == "restrict":
        trouble.restricted_until = until
    elif fault == "ban":
        trouble.banned_until = until
        trouble.is_refused = until >= FOREVER
    elif fault == "rate_limit":
        trouble.slow_until = until
    elif fault == "outdate":
        trouble.is_outdated = True


def qr_text(seed: int, phone: Phone, pairing: Pairing) -> str:
    """What the QR picture holds: four comma-separated parts, as the real one."""
    draw = chance.draws(seed, "qr", phone.device_id, pairing.number, pairing.attempt)
    parts = [f"{int(value * (1 << 53)):014x}" for value in draw]
    return f"2@SIM{parts[0]}{parts[1]},{parts[2]}{parts[3]},{parts[4]}{parts[5]},{parts[6]}"


def pair_text(seed: int, phone: Phone, pairing: Pairing, digits: str) -> str:
    """Eight characters to type on the phone."""
    draw = chance.draws(seed, "pair", phone.device_id, pairing.number, digits)
    return "".join(ALPHABET[int(value * len(ALPHABET))] for value in draw)


def own_number(seed: int, device_id: str) -> str:
    """The number of the phone that scans when nobody says which: Malaysian mobile, in a range used for nobody."""
    draw = chance.draws(seed, "own", device_id)
    return f"6011{int(draw[0] * 10**8):08d}"


def instant(seconds: float) -> datetime:
    """An aware instant from seconds since 1970."""
    return datetime.fromtimestamp(min(seconds, FOREVER), UTC)
