"""Chance without a stream: every draw is a hash of what it is about, so the answer does not depend on who runs first."""

import functools
import hashlib
import struct
from dataclasses import dataclass

from hantar.gateways import port

_EIGHT = struct.Struct(">8Q")
_WHOLE = float(1 << 64)

Draws = tuple[float, float, float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class Options:
    """How this world behaves; rates are shares of one, times are seconds."""

    caller_ids: bool = True
    """We choose the wire id, and a repeated one has one effect. Off: the service chooses, and a repeat is a second effect."""
    latency: tuple[float, float] = (0.02, 0.12)
    connect: tuple[float, float] = (0.05, 0.6)
    linking: tuple[float, float] = (0.5, 1.5)
    """Between the scan and the link."""
    receipts: float = 1.0
    """Multiplies the time until receipts come."""
    not_on_whatsapp: float = 0.015
    hides_read: float = 0.12
    is_off: float = 0.03
    blocks: float = 0.005
    never_reads: float = 0.08
    lost_ack: float = 0.0
    replies: float = 0.0
    oddities: float = 0.02
    """Share of messages whose receipts come early, twice, out of order, or for an id nobody knows."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What a simulated person is like, for ever."""

    exists: bool
    hides_read: bool
    is_off: bool
    blocks: bool


def draws(*words: object) -> Draws:
    """Eight numbers in [0, 1) that depend on the words alone."""
    digest = hashlib.blake2b("\x1f".join(map(str, words)).encode(), digest_size=64).digest()
    values = _EIGHT.unpack(digest)
    return tuple([value / _WHOLE for value in values])


def between(bounds: tuple[float, float], draw: float) -> float:
    """A value within the bounds."""
    return bounds[0] + (bounds[1] - bounds[0]) * draw


@functools.lru_cache(maxsize=50_000)
def traits(seed: int, who: str, options: Options) -> Traits:
    """What the person behind this number is like."""
    draw = draws(seed, "person", who)
    return Traits(
        exists=draw[0] >= options.not_on_whatsapp,
        hides_read=draw[1] < options.hides_read,
        is_off=draw[2] < options.is_off,
        blocks=draw[3] < options.blocks,
    )


def outcome(draw: Draws, person: Traits, options: Options, answer_delay: float) -> list[tuple[float, port.ReceiptKind, bool]]:
    """Which receipts a message gets: seconds after acceptance, kind, and whether the id is the right one."""
    if person.blocks:
        return []
    delivered = answer_delay + options.receipts * (0.3 + 2.7 * draw[0] ** 2)
    if draw[1] < 0.04:  # a slow phone
        delivered += options.receipts * (5 + 90 * draw[2])
    if person.is_off:
        delivered += options.receipts * (3600 + 5 * 3600 * draw[2])
    found = [(delivered, port.ReceiptKind.DELIVERED, True)]
    is_read = not person.hides_read and draw[3] >= options.never_reads
    if is_read:
        later = 60 + 540 * draw[5] if draw[4] < 0.08 else 1 + 19 * draw[4] ** 1.5
        found.append((delivered + options.receipts * later, port.ReceiptKind.READ, True))
    return _odd(found, draw, options)


def _odd(
    found: list[tuple[float, port.ReceiptKind, bool]], draw: Draws, options: Options
) -> list[tuple[float, port.ReceiptKind, bool]]:
    """Real services are untidy: early, repeated, missing and stray receipts."""
    if draw[6] >= options.oddities:
        return found
    delivered = found[0]
    which = int(draw[7] * 4)
    if which == 0:  # before the answer to our own send
        return [(0.0, delivered[1], True), *found[1:]]
    if which == 1:
        return [*found, (found[-1][0] + options.receipts * 0.5, delivered[1], True)]
    if which == 2 and len(found) == 2:  # read at once, without delivered
        return found[1:]
    return [*found, (delivered[0], delivered[1], False)]
