"""Chance without a stream: every draw is a hash of what it is about, so the answer does not depend on who runs first."""

import struct
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from hantar.gateways import port

_EIGHT, _EIGHTH = struct.Struct(">8Q"), struct.Struct(">56xQ")
_WHOLE = float(1 << 64)
_DELIVERED, _READ = port.ReceiptKind.DELIVERED, port.ReceiptKind.READ

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


class Traits(NamedTuple):
    """What a simulated person is like, for ever."""

    exists: bool
    hides_read: bool
    is_off: bool
    blocks: bool


def draws(*words: object) -> Draws:
    """Eight numbers in [0, 1) that depend on the words alone."""
    return _drawn("\x1f".join(map(str, words)))


def message_lot(seed: int, device_id: str, to: str, ref: str, attempt: int) -> bytes:
    """What chance holds for one attempt at a message: `draws_of` and `delay_of` read it. Most messages need the delay alone."""
    return blake2b(f"{seed}\x1f{device_id}\x1f{to}\x1f{ref}\x1f{attempt}".encode()).digest()


def _drawn(words: str) -> Draws:
    return draws_of(blake2b(words.encode()).digest())


def draws_of(lot: bytes) -> Draws:
    """The eight numbers of a lot, 64 bytes."""
    a, b, c, d, e, f, g, h = _EIGHT.unpack(lot)
    return a / _WHOLE, b / _WHOLE, c / _WHOLE, d / _WHOLE, e / _WHOLE, f / _WHOLE, g / _WHOLE, h / _WHOLE


def delay_of(lot: bytes, options: Options) -> float:
    """Seconds until the answer to this attempt: by the last of the eight numbers, and without the others."""
    drawn: int = _EIGHTH.unpack(lot)[0]
    return between(options.latency, drawn / _WHOLE)


def between(bounds: tuple[float, float], draw: float) -> float:
    """A value within the bounds."""
    return bounds[0] + (bounds[1] - bounds[0]) * draw


def traits(seed: int, who: str, options: Options) -> Traits:
    """What the person behind this number is like."""
    draw = _drawn(f"{seed}\x1fperson\x1f{who}")
    return Traits(
        exists=draw[0] >= options.not_on_whatsapp,
        hides_read=draw[1] < options.hides_read,
        is_off=draw[2] < options.is_off,
        blocks=draw[3] < options.blocks,
    )


def everybody(options: Options) -> Traits | None:
    """What all people are like, where chance has no say in it; None where they differ."""
    shares = options.not_on_whatsapp, options.hides_read, options.is_off, options.blocks
    if any(0 < share < 1 for share in shares):
        return None
    absent, hides_read, is_off, blocks = (share >= 1 for share in shares)
    return Traits(not absent, hides_read, is_off, blocks)


def outcome(draw: Draws, person: Traits, options: Options, answer_delay: float) -> list[tuple[float, port.ReceiptKind, bool]]:
    """Which receipts a message gets: seconds after acceptance, kind, and whether the id is the right one."""
    if person.blocks:
        return []
    delivered = answer_delay + options.receipts * (0.3 + 2.7 * draw[0] ** 2)
    if draw[1] < 0.04:  # a slow phone
        delivered += options.receipts * (5 + 90 * draw[2])
    if person.is_off:
        delivered += options.receipts * (3600 + 5 * 3600 * draw[2])
    found = [(delivered, _DELIVERED, True)]
    is_read = not person.hides_read and draw[3] >= options.never_reads
    if is_read:
        later = 60 + 540 * draw[5] if draw[4] < 0.08 else 1 + 19 * draw[4] ** 1.5
        found.append((delivered + options.receipts * later, _READ, True))
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
