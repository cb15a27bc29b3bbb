"""How a world in its own process is spoken to: one JSON array per line."""

import json
from collections.abc import Iterator
from typing import Any

from hantar.gateways import port
from hantar.gateways.plain import ERRORS as ERRORS, plain_to as plain_to, to_plain as to_plain
from hantar.gateways.simulator import refusals
from hantar.gateways.simulator.phone import instant

_write = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
Frame = list[Any]
"""[word, value, value, …]; messages, answers and receipts stand in one long row each, which costs a fifth of a row of rows."""


class Letters:
    """What one turn of a loop has to say, in its order: one line of JSON, one frame for each run of things of one kind."""

    def __init__(self) -> None:
        self._frames: list[Frame] = []
        self._open: Frame = [""]

    def __bool__(self) -> bool:
        return bool(self._frames)

    def say(self, *frame: Any) -> None:
        """A frame of its own."""
        self._open = list(frame)
        self._frames.append(self._open)

    def join(self, word: str, values: tuple[Any, ...]) -> None:
        """More of the same: these values behind those of the last such frame, when it is the last."""
        if self._open[0] != word:
            self.say(word)
        self._open.extend(values)

    def line(self) -> bytes:
        """The line, and a fresh start."""
        frames, self._frames, self._open = self._frames, [], [""]
        return _write(frames).encode() + b"\n"


class Ear:
    """Puts what a socket brings together into lines again."""

    def __init__(self) -> None:
        self._waiting = b""

    def frames(self, data: bytes) -> list[Frame]:
        """The frames of every line that has ended by now."""
        *lines, self._waiting = (self._waiting + data).split(b"\n")
        return [frame for line in lines for frame in json.loads(line)]


def shipments(frame: Frame) -> Iterator[tuple[int, refusals.Shipment]]:
    """The messages of a frame, each behind its number."""
    width = 1 + len(refusals.Shipment._fields)
    for at in range(1, len(frame), width):
        yield frame[at], refusals.Shipment._make(frame[at + 1 : at + width])


def accepted(frame: Frame) -> Iterator[tuple[int, port.Accepted]]:
    """Number and answer of messages that were accepted."""
    for at in range(1, len(frame), 3):
        yield frame[at], port.Accepted(frame[at + 1], instant(frame[at + 2]))


RECEIPT_KINDS = {kind.value: kind for kind in port.ReceiptKind}
"""Word → kind."""


def receipt_of(seq: int, device_id: str, wire: str, kind: str, stamp: float) -> port.Receipt:
    """A receipt as an event."""
    event_id, at = f"{wire}:{kind}", instant(stamp)
    return port.Receipt(device_id=device_id, event_id=event_id, at=at, seq=seq, wire_ids=(wire,), kind=RECEIPT_KINDS[kind])


def receipts(frame: Frame) -> list[port.Event]:
    """The receipts of a frame."""
    return [receipt_of(*frame[at : at + 5]) for at in range(1, len(frame), 5)]
