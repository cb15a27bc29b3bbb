"""How a world in its own process is spoken to: one JSON array per line, and our objects as plain values and back."""

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from hantar.gateways import port
from hantar.gateways.simulator import refusals
from hantar.gateways.simulator.phone import instant

KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        port.Accepted,
        port.Deferred,
        port.Rejected,
        port.DeviceLost,
        port.Unconfirmed,
        port.QrCode,
        port.PairCode,
        port.PairSucceeded,
        port.PairFailed,
        port.Connected,
        port.Disconnected,
        port.LoggedOut,
        port.StreamReplaced,
        port.ClientOutdated,
        port.TemporaryBan,
        port.Refused,
        port.ReachOutLocked,
        port.Silent,
        port.MessageReceived,
        port.MessageSentElsewhere,
        port.Receipt,
        port.MessageFailed,
        port.IdentityLinked,
        port.OptOut,
        port.HistoryBatch,
        port.Address,
        port.DeviceRef,
        port.NumberStatus,
        port.SimulatorAction,
    )
}
"""Everything that travels. A value is written as [kind, field, field, …] in the order of its fields."""

_Fields = list[tuple[str, Callable[[Any], Any]]]


def _as_is(value: Any) -> Any:
    return value


def _seconds(value: Any) -> timedelta:
    return timedelta(seconds=value)


def _many(values: Any) -> tuple[Any, ...]:
    return tuple(plain_to(value) for value in values)


def _reader(hint: Any) -> Callable[[Any], Any]:
    """How a field of this type is read back."""
    options = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    for option in options:
        if option is datetime:
            return _optional(datetime.fromisoformat)
        if option is timedelta:
            return _seconds
        if typing.get_origin(option) is tuple:
            return _many
        if isinstance(option, type) and issubclass(option, StrEnum):
            return option
        if option in KINDS.values():
            return plain_to
    return _as_is


def _optional(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def _fields(kind: type[Any]) -> _Fields:
    hints = typing.get_type_hints(kind)
    return [(each.name, _reader(hints[each.name])) for each in dataclasses.fields(kind)]


FIELDS: dict[str, _Fields] = {}
NAMES: dict[type[Any], tuple[str, tuple[str, ...]]] = {}


def _learn() -> None:
    for name, kind in KINDS.items():
        FIELDS[name] = _fields(kind)
        NAMES[kind] = (name, tuple(field for field, _ in FIELDS[name]))


def to_plain(value: Any) -> Any:
    """Our object as something JSON can hold."""
    known = NAMES.get(type(value))
    if known is not None:
        return [known[0], *[to_plain(getattr(value, name)) for name in known[1]]]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, list | tuple):
        return [to_plain(each) for each in value]
    return value


def plain_to(value: Any) -> Any:
    """The object again; anything that is none of our kinds stays as it is."""
    if isinstance(value, list):
        if value and isinstance(value[0], str) and value[0] in FIELDS:
            fields = FIELDS[value[0]]
            made = {name: read(given) for (name, read), given in zip(fields, value[1:], strict=True)}
            return KINDS[value[0]](**made)
        return [plain_to(each) for each in value]
    return value


_learn()

ERRORS: dict[str, type[Exception]] = {"NotPaired": port.NotPaired, "PairingRefused": port.PairingRefused}
"""What a question may be refused with."""


# ---------------------------------------------------------------------- lines

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
