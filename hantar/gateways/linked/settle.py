"""Unconfirmed messages of devices whose wire ids are not ours to choose: settled by evidence, and only when it is unambiguous.

The library chooses the wire id, so a message whose answer was lost is known by nothing but its chat. A receipt, or a reply that
quotes it, brings a wire id that nobody knows. It is taken for ours when it comes after the attempt, exactly one unconfirmed
message waits in that chat of that device, none is on its way there (a receipt may come before the answer), and no message
written on the phone explains it (gateways.md 3.7). A chat known by its number alone may be one known by its opaque id alone:
that is doubt too. What was told before this process began is not known here: whoever stores the evidence looks first whether the
wire id belongs to another message.
"""

from array import array
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from hantar.gateways import port

KNOWN = 256
"""The last wire ids remembered for each device, eight bytes each: thousands of devices are in one program. An older one is found
by whoever stores the evidence."""
WAITING = 500
"""Unconfirmed messages remembered for each device; more than these are a person's to settle anyway."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that may have gone out."""

    ref: str
    to: port.Address
    began_at: datetime


@dataclass(slots=True)
class _Device:
    waiting: "OrderedDict[str, Waiting]" = field(default_factory=OrderedDict)
    flying: dict[str, port.Address] = field(default_factory=dict)
    known: "array[int]" = field(default_factory=lambda: array("q"))
    oldest: int = 0

    def know(self, wire_id: str) -> None:
        """This id is explained; the oldest one gives way."""
        if len(self.known) < KNOWN:
            self.known.append(hash(wire_id))
        else:
            self.known[self.oldest] = hash(wire_id)
            self.oldest = (self.oldest + 1) % KNOWN


class Unsettled:
    """What may have gone out, and the wire ids that belong to something else."""

    def __init__(self) -> None:
        self._devices: dict[str, _Device] = {}

    def _at(self, device_id: str) -> _Device:
        return self._devices.setdefault(device_id, _Device())

    def fly(self, device_id: str, ref: str, to: port.Address) -> None:
        """This message is on its way."""
        self._at(device_id).flying[ref] = to

    def land(self, device_id: str, ref: str) -> None:
        """It is no more; what is in doubt `wait`s then."""
        self._at(device_id).flying.pop(ref, None)

    def wait(self, device_id: str, ref: str, to: port.Address, began_at: datetime) -> None:
        """This message may have gone out."""
        waiting = self._at(device_id).waiting
        waiting[ref] = Waiting(ref, to, began_at)
        if len(waiting) > WAITING:
            waiting.popitem(last=False)

    def know(self, device_id: str, wire_ids: Iterable[str]) -> None:
        """These ids are explained: accepted with an answer, written on the phone, or settled."""
        device = self._at(device_id)
        for each in wire_ids:
            device.know(each)

    def settled(self, device_id: str, ref: str, wire_id: str) -> None:
        """A late answer gave the message's wire id."""
        self._at(device_id).waiting.pop(ref, None)
        self.know(device_id, [wire_id])

    def adopt(self, device_id: str, chat: port.Address, wire_id: str, at: datetime) -> str | None:
        """The ref of the one message that this unknown wire id must be, or None; then the id is known."""
        device = self._devices.get(device_id)
        if device is None or not device.waiting or hash(wire_id) in device.known:
            return None
        here = [each for each in device.waiting.values() if _may_be(each.to, chat)]
        if len(here) != 1 or not _is_same_chat(here[0].to, chat) or here[0].began_at > at:
            return None
        if any(_may_be(to, chat) for to in device.flying.values()):
            return None
        self.settled(device_id, here[0].ref, wire_id)
        return here[0].ref

    def forget(self, device_id: str) -> None:
        """The device is gone."""
        self._devices.pop(device_id, None)


def _may_be(one: port.Address, other: port.Address) -> bool:
    """Whether nothing says that these are two chats."""
    if one.phone is not None and other.phone is not None:
        return one.phone == other.phone
    return one.opaque is None or other.opaque is None or one.opaque == other.opaque


def _is_same_chat(one: port.Address, other: port.Address) -> bool:
    if one.phone is not None and other.phone is not None:
        return one.phone == other.phone
    return one.opaque is not None and one.opaque == other.opaque
