"""Our objects as plain values that JSON can hold, and back: what a driver and its child processes tell each other."""

import dataclasses
import types
import typing
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from hantar.gateways import media, port

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
        port.MediaRef,
        port.DeviceRef,
        port.NumberStatus,
        port.SimulatorAction,
        port.TemplateStatus,
        port.Content,
        port.Template,
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


def learn(kind: type[Any]) -> None:
    """Let a driver's own kind travel too."""
    name = kind.__name__
    KINDS[name] = kind
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


for _kind in tuple(KINDS.values()):
    learn(_kind)

ERRORS: dict[str, type[Exception]] = {
    each.__name__: each for each in (port.NotPaired, port.PairingRefused, media.MediaGone, media.MediaTooLarge)
}
"""What a question may be refused with."""
