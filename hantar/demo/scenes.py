"""What happens while *Rules at work* runs, and when. Pure: (messages, scenes played, now) → what comes next, driven by progress.

A lost answer, a STOP from somebody who shows no number, a "please stop", and at last a device that WhatsApp restricts. The
young device at its allowance and the zones that are closed need no scene: the rules see to them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hantar.gateways import port

LOCK_SECONDS = 180.0
"""How long WhatsApp "restricts" the demo's device: longer than the simulator's cool-down, so that both can be seen."""
SENT_BEFORE_STOP, SENT_BEFORE_PLEASE, SENT_BEFORE_LOCK = 2, 4, 8
"""So many messages are out before somebody answers, and before the last scene."""
STOP, PLEASE_STOP = "STOP", "Please stop writing to me"
LID = "2099{digits}"
"""An opaque id made of a message's id; it is nobody's number."""
OUT = frozenset({"sent", "delivered", "read"})


class Scene(StrEnum):
    """In the order in which they come."""

    LOST_ANSWER = "lost_answer"
    STOP = "stop"
    PLEASE_STOP = "please_stop"
    LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Line:
    """A message of the campaign as a scene sees it."""

    id: str
    device_id: str
    phone: str
    state: str
    waiting_for: str | None
    not_before: datetime
    wire_id: str | None


@dataclass(frozen=True, slots=True)
class Act:
    """Something to ask of the simulator, as a named scene."""

    scene: Scene
    device_id: str
    action: port.SimulatorAction


def next_act(lines: Sequence[Line], played: Collection[str], young: str, now: datetime) -> Act | None:
    """The next scene whose time has come, or None. `young`: the device whose allowance is nearly used."""
    sent = [each for each in lines if each.state in OUT and each.device_id != young]
    due = [each for each in lines if _is_due(each, now) and each.device_id != young]
    out = sum(each.state in OUT or each.state in ("unknown", "failed") for each in lines)
    if Scene.LOST_ANSWER not in played:
        return _lost_answer(due) if due else None
    if Scene.STOP not in played:
        return _stop(sent) if sent and out >= SENT_BEFORE_STOP else None
    if Scene.PLEASE_STOP not in played and due:
        return _please(due) if out >= SENT_BEFORE_PLEASE else None
    if Scene.LOCK not in played and ((_has_shown(lines, young, now) and out >= SENT_BEFORE_LOCK) or not due):
        return _lock([each for each in lines if each.state == "queued" and each.device_id != young])
    return None


def _has_shown(lines: Sequence[Line], young: str, now: datetime) -> bool:
    """The lost answer has ended as unconfirmed, and the young device has used its allowance or has nobody to write to."""
    is_full = any(each.device_id == young and each.waiting_for == "device_limit" for each in lines)
    is_idle = not any(each.device_id == young and _is_due(each, now) for each in lines)
    return any(each.state == "unknown" for each in lines) and (is_full or is_idle)


def is_over(played: Collection[str]) -> bool:
    """Whether the last scene has been played."""
    return Scene.LOCK in played


def _is_due(line: Line, now: datetime) -> bool:
    return line.state == "queued" and line.not_before <= now and line.waiting_for is None


def _lost_answer(due: Sequence[Line]) -> Act:
    """The answer to the next message but one, and every receipt of it, will be lost: it ends as unconfirmed."""
    first = due[0].device_id
    line = [each for each in due if each.device_id == first][:2][-1]
    return Act(Scene.LOST_ANSWER, line.device_id, port.SimulatorAction("lose_trace", phone=line.phone))


def _stop(sent: Sequence[Line]) -> Act:
    """Somebody who got it says STOP, and shows no number, now or later."""
    line = sent[0]
    lid = LID.format(digits=str(int(line.id[-12:], 16))[-11:])
    extra = {"identity": "never", **({"quoted": line.wire_id} if line.wire_id else {})}
    return Act(Scene.STOP, line.device_id, port.SimulatorAction("inbound", line.phone, STOP, opaque=lid, extra=extra))


def _please(due: Sequence[Line]) -> Act:
    """Somebody who has not had it yet asks, in words of their own, to be left alone; the last in the queue, so that it waits."""
    line = due[-1]
    return Act(Scene.PLEASE_STOP, line.device_id, port.SimulatorAction("inbound", line.phone, PLEASE_STOP))


def _lock(queued: Sequence[Line]) -> Act | None:
    """WhatsApp restricts the device with the most people waiting."""
    if not queued:
        return None
    devices = [each.device_id for each in queued]
    busiest = max(dict.fromkeys(devices), key=devices.count)
    return Act(Scene.LOCK, busiest, port.SimulatorAction("restrict", for_seconds=LOCK_SECONDS))
