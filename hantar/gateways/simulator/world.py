"""A whole simulated WhatsApp in one object: devices, people, receipts, faults. It decides at once and never waits by itself.

Whoever owns it calls `fire()` when something is due. The same seed, clock and calls give the same world, in any order of calls.
"""

import heapq
import itertools
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from hantar.gateways import port
from hantar.gateways.simulator import chance, ledger, memory, parcels, phone, refusals
from hantar.gateways.simulator.phone import instant
from hantar.gateways.simulator.wire import receipt_of

REMEMBERED = 200_000
"""How many wire ids are remembered for recognising a repeat: more than any engine can have in doubt."""
WINDOW = 4096
"""Events told and not yet taken; the world holds its breath beyond that."""


Planned = memory.Planned
Answer = Callable[[port.Verdict], None]
Message = tuple[refusals.Shipment, Answer, float]
"""A message, whom to tell its verdict, and the monotonic second at which it came."""
Moment = tuple[datetime, str, float, float]
"""An instant: itself, as text, seconds since 1970, and by how much the monotonic clock is ahead of these."""
SAID = {kind: kind.__name__.lower() for kind in (port.Accepted, port.Deferred, port.Rejected, port.DeviceLost, port.Unconfirmed)}
"""Verdict → its word in the ledger."""
Told = Callable[[port.Event], None]
ToldReceipt = Callable[[int, str, str, str, float], None]
"""Number, device, wire id, kind, seconds since 1970: a receipt without the trouble of an event."""


class World:
    """The simulated service. Calls return at once; answers and events come through the functions given."""

    def __init__(
        self,
        *,
        seed: int,
        clock: Any,
        book: ledger.Ledger,
        tell: Told,
        tell_receipt: ToldReceipt | None = None,
        options: chance.Options | None = None,
        after: int = 0,
    ) -> None:
        self.seed, self.clock, self.book, self.options = seed, clock, book, options or chance.Options()
        self.everybody = chance.everybody(self.options)
        """What all people are like, unless chance makes them differ."""
        self._tell, self._tell_receipt = tell, tell_receipt or self._as_event
        self.phones: dict[str, phone.Phone] = {}
        self.due: list[Planned] = []
        self._answers: list[tuple[float, int, Answer, port.Verdict]] = []
        """When by the monotonic clock, a number that keeps the order, whom to tell what."""
        self._order = itertools.count()
        self.effects: OrderedDict[str, tuple[str, float]] = OrderedDict()
        """Ref → wire id, and when it was accepted (seconds since 1970)."""
        self.tries: OrderedDict[str, int] = OrderedDict()
        """Ref → attempts so far, where another one can follow."""
        self.lasting: tuple[memory.Act, ...] = (self.receipt, self.refuse_late, self.reply, self.arrive, self.link_identity)
        """What is still to come after a restart."""
        self._seq = max(after, int(self.wall() * 1000) * 1000)  # rises over restarts too
        self._current: Planned | None = None
        self._taken = self._saved = 0.0
        self._untaken: deque[tuple[int, Planned | None]] = deque()
        memory.restore(self, book)

    # ------------------------------------------------------------------ time

    def wall(self) -> float:
        """Seconds since 1970."""
        instant: datetime = self.clock.now()
        return instant.timestamp()

    def later(self, seconds: float, action: Callable[..., None], *values: Any) -> None:
        """Do this after so many seconds."""
        self.push(self.wall() + seconds, action, *values)

    def push(self, stamp: float, action: Callable[..., None], *values: Any) -> None:
        """Do this at an instant (seconds since 1970); what is overdue keeps its order."""
        due = self.clock.monotonic() + stamp - self.wall()
        heapq.heappush(self.due, (due, next(self._order), stamp, action, values))

    def fire(self) -> float | None:
        """Do what is due; returns the seconds until the next thing, None when nothing is planned."""
        now = self.clock.monotonic()
        answers, due, untaken = self._answers, self.due, self._untaken
        while answers and answers[0][0] <= now:
            _, _, answer, verdict = heapq.heappop(answers)
            answer(verdict)
        while due and due[0][0] <= now and len(untaken) < WINDOW:
            self._current = heapq.heappop(due)
            self._current[3](*self._current[4])
        self._current = None
        heads = [answers[0][0]] if answers else []
        if due and len(untaken) < WINDOW:
            heads.append(due[0][0])
        return max(0.0, min(heads) - now) if heads else None

    def turn(self) -> int:
        """A number above all before it, which keeps things of one instant in order."""
        return next(self._order)

    def do(self, action: Callable[..., None], *values: Any) -> None:
        """Do this at once; what it tells is told again after a restart when nobody took it."""
        self._current = 0.0, -1, self.wall(), action, values
        action(*values)
        self._current = None

    def _number(self) -> int:
        """The next event's number; the event stays ours until it is taken."""
        self._seq += 1
        self._untaken.append((self._seq, self._current))
        return self._seq

    def tell(self, event: port.Event) -> None:
        """Report an event; it gets the next number."""
        self._tell(replace(event, seq=self._number()))

    def _as_event(self, seq: int, device_id: str, wire: str, kind: str, stamp: float) -> None:
        self._tell(receipt_of(seq, device_id, wire, kind, stamp))

    def take(self, seq: int) -> None:
        """The listener has taken every event up to this number."""
        while self._untaken and self._untaken[0][0] <= seq:
            _, planned = self._untaken.popleft()
            if planned is not None and planned[1] >= 0:
                self._taken = planned[2]

    def untaken(self) -> Iterator[Planned]:
        """What was told by its time and not taken yet."""
        return (planned for _, planned in self._untaken if planned is not None)

    def save(self) -> None:
        """Write down how far events were taken, so that a restart repeats only the rest."""
        if self._taken > self._saved:
            self.book.mark(self._taken)
            self._saved = self._taken

    # ------------------------------------------------------------------ the ledger

    def write(self, device_id: str, effect: str, *, fault: str | None = None, **more: Any) -> None:
        """Record something that happened to a device."""
        line: ledger.Line = {"mono": self.clock.monotonic(), "at": self.clock.now().isoformat(), "device": device_id}
        line |= {"effect": effect, "fault": fault}
        if more:
            line["more"] = {key: _plain(value) for key, value in more.items()}
        self.book.append(line)

    def _record(
        self,
        shipment: refusals.Shipment,
        came_at: float,
        moment: Moment,
        effect: str,
        verdict: port.Verdict,
        fault: str | None = None,
        wire: str | None = None,
    ) -> None:
        device_id, token, number, opaque, ref, body, _, _ = shipment
        to, said = number or opaque or "", SAID[type(verdict)]
        self.book.note(ledger.Effect(came_at, moment[1], token, device_id, to, ref, wire, body, effect, said, fault))

    def compact(self) -> None:
        """Put the ledger aside and keep what is needed of it."""
        self.book.put_aside()
        self.book.keep(memory.state(self))

    def forget_people(self, names: set[str], device_ids: set[str]) -> None:
        """Drop every trace of these numbers and ids at these devices; what was on its way from or to them never arrives.

        A device that was forgotten is nobody's any more, so what is left of it on record goes as well.
        """
        for device_id in device_ids & self.phones.keys():
            self.phones[device_id].warm -= names
        self.due[:] = [each for each in self.due if not memory.concerns(each[4], names, device_ids)]
        heapq.heapify(self.due)
        told = [(seq, each if each and not memory.concerns(each[4], names, device_ids) else None) for seq, each in self._untaken]
        self._untaken = deque(told)
        self.book.redact(names, lambda device_id: device_id in device_ids or device_id not in self.phones)
        self.book.amend(lambda state: memory.without(state, names, device_ids))

    # ------------------------------------------------------------------ sending

    def at(self, device_id: str) -> phone.Phone:
        """The device; made known when it is new."""
        found = self.phones.get(device_id)
        if found is None:
            found = self.phones[device_id] = phone.Phone(device_id)
        return found

    def send(self, shipment: refusals.Shipment, answer: Answer) -> None:
        """Decide about a message; `answer` is called with the verdict, now or later, or never by a silent device."""
        self.send_together(((shipment, answer, self.clock.monotonic()),))

    def send_together(self, messages: Iterable[Message]) -> None:
        """Decide about messages that came together, as about one; what they have in common is asked once."""
        now: datetime = self.clock.now()
        wall = now.timestamp()
        moment = now, now.isoformat(), wall, self.clock.monotonic() - wall
        for shipment, answer, came_at in messages:
            self._decide(shipment, answer, came_at, moment)

    def _decide(self, shipment: refusals.Shipment, answer: Answer, came_at: float, moment: Moment) -> None:
        device_id, token, number, opaque, ref, _, _, _ = shipment
        to, now, wall = number or opaque or "", moment[0], moment[2]
        device = self.phones.get(device_id) or self.at(device_id)
        if token < device.token:
            verdict: port.Verdict = port.DeviceLost(None, "Another node holds this device.")
            self._record(shipment, came_at, moment, "forbidden", verdict, "stale_token")
            answer(verdict)
            return
        device.token = token
        known = self.effects.get(ref) if self.options.caller_ids else None
        if known is not None:
            accepted = port.Accepted(known[0], instant(known[1]))
            self._record(shipment, came_at, moment, "repeat", accepted)
            answer(accepted)
            return
        attempt, person = self.next_try(ref), self.traits(to)
        if device.trouble.silent_until > wall:
            self.spend_try(ref, attempt)
            self._record(shipment, came_at, moment, "none", port.Unconfirmed(), "silent")
            return
        lot = chance.message_lot(self.seed, device_id, to, ref, attempt)
        due = came_at + chance.delay_of(lot, self.options)
        refusal = refusals.judge(device, shipment, person, wall)
        if refusal is not None:
            self.spend_try(ref, attempt)
            self._record(shipment, came_at, moment, "refused", refusal[0], refusal[1])
            self._answer(due, came_at, answer, refusal[0])
            return
        wire = ref if self.options.caller_ids else f"SIM{int(chance.draws_of(lot)[5] * 2**53):014X}"
        self.remember(ref, wire, wall, attempt)
        verdict, fault = port.Accepted(wire, now), None
        if self.options.lost_ack > 0 or device.meets_faults:
            verdict, fault = self._fate(device, to, verdict, wall, lot)
        self._record(shipment, came_at, moment, "sent", verdict, fault, wire)
        self.plan_receipts(device_id, to, wire, wall, lot, person, fault, moment[3], 0.0)
        self._answer(due, came_at, answer, verdict)

    def _answer(self, due: float, came_at: float, answer: Answer, verdict: port.Verdict) -> None:
        if due <= came_at:
            answer(verdict)
        else:
            heapq.heappush(self._answers, (due, next(self._order), answer, verdict))

    def _fate(
        self, device: phone.Phone, to: str, accepted: port.Accepted, wall: float, lot: bytes
    ) -> tuple[port.Verdict, str | None]:
        """The person has the message, whatever we answer: what that is, and which fault a restart must know of."""
        draw = chance.draws_of(lot)
        is_untraced = device.take_fault("lose_trace", to, wall)
        is_lost = is_untraced or draw[6] < self.options.lost_ack or device.take_fault("lose_ack", to, wall)
        has_receipts = not is_lost or (draw[4] < 0.5 and not is_untraced)
        fault = None if not is_lost else "lose_ack" if has_receipts else "lose_ack_silent"
        if device.take_fault("reject_late", to, wall):
            fault = "reject_late"
        return port.Unconfirmed("The answer was lost.") if is_lost else accepted, fault

    def remember(self, ref: str, wire: str, stamp: float, attempt: int) -> None:
        """This message had its effect at that instant (seconds since 1970), at this attempt."""
        self.effects[ref] = wire, stamp
        if len(self.effects) > REMEMBERED:
            self.effects.popitem(last=False)
        if self.options.caller_ids:
            self.tries.pop(ref, None)  # there is no other attempt
        else:
            self.spend_try(ref, attempt)

    def next_try(self, ref: str) -> int:
        """Which attempt at this message the next one is, from 1."""
        return self.tries.get(ref, 0) + 1

    def spend_try(self, ref: str, attempt: int) -> None:
        """This attempt is over, and another may follow."""
        self.tries[ref] = attempt
        if len(self.tries) > REMEMBERED:
            self.tries.popitem(last=False)

    def traits(self, who: str) -> chance.Traits:
        """What the person behind this number is like."""
        return self.everybody or chance.traits(self.seed, who, self.options)

    # ------------------------------------------------------------------ what comes back

    def plan_receipts(
        self,
        device_id: str,
        to: str,
        wire: str,
        sent: float,
        lot: bytes,
        person: chance.Traits,
        fault: str | None,
        ahead: float,
        marked: float,
    ) -> None:
        """What will be heard of a message accepted at `sent`; what was due before `marked` has been taken (both since 1970).

        `ahead`: by how much the monotonic clock is ahead of the other.
        """
        if fault is None and person.blocks and self.options.replies <= 0:
            return
        draw = chance.draws_of(lot)
        delay = chance.between(self.options.latency, draw[7])
        if fault == "reject_late":
            if sent + delay + 1.0 >= marked:
                self.push(sent + delay + 1.0, self.refuse_late, device_id, wire)
            return
        if fault != "lose_ack_silent":
            for after, kind, is_right in chance.outcome(draw, person, self.options, delay):
                stamp = sent + after
                if stamp >= marked:
                    values = device_id, wire if is_right else f"STRAY-{wire}", kind
                    heapq.heappush(self.due, (ahead + stamp, next(self._order), stamp, self.receipt, values))
        if draw[2] < self.options.replies:
            due = sent + delay + self.options.receipts * (3 + 30 * draw[1])
            if due >= marked:
                self.push(due, self.reply, device_id, to, wire, draw[0])
            else:
                self.at(device_id).warm.add(to)

    def receipt(self, device_id: str, wire: str, kind: str) -> None:
        """A message got so far."""
        device = self.phones.get(device_id)
        if device is not None and device.is_linked and self._current is not None:  # else nobody is there to hear it
            self._tell_receipt(self._number(), device_id, wire, kind, self._current[2])

    def refuse_late(self, device_id: str, wire: str) -> None:
        """A message that was accepted goes nowhere after all."""
        event_id, reason = f"{wire}:failed", port.Reason.UNDELIVERABLE
        at = self.clock.now()
        self.tell(port.MessageFailed(device_id=device_id, event_id=event_id, at=at, wire_id=wire, reason=reason))

    def reply(self, device_id: str, to: str, quoted: str, draw: float) -> None:
        """Somebody answers a message."""
        text = REPLIES[int(draw * len(REPLIES))]
        self.at(device_id).warm.add(to)
        self.arrive(device_id, {"from": to, "wire": f"IN-{quoted}", "text": text, "quoted": quoted, "name": ""})

    def arrive(self, device_id: str, more: dict[str, Any]) -> None:
        """A message from a person, as an event; who is known by an opaque id alone stays so."""
        opaque = more.get("opaque")
        sender = port.Address(None if opaque else more["from"], opaque)
        self.tell(
            port.MessageReceived(
                device_id=device_id,
                event_id=more["wire"],
                at=self.clock.now(),
                sender=sender,
                wire_id=more["wire"],
                text=more["text"],
                push_name=more.get("name") or "",
                quoted_wire_id=more.get("quoted"),
                in_group=bool(more.get("group")),
                media=parcels.ref_of(more["wire"], more["media"], more["until"]) if more.get("media") else None,
            )
        )

    def link_identity(self, device_id: str, more: dict[str, Any]) -> None:
        """Only now the service says whose opaque id that was."""
        self.tell(
            port.IdentityLinked(
                device_id=device_id,
                event_id=f"id:{more['opaque']}",
                at=self.clock.now(),
                phone=more["from"],
                opaque=more["opaque"],
            )
        )

    def check_number(self, digits: str) -> port.NumberStatus:
        """Whether a number is on WhatsApp."""
        exists = self.traits(digits).exists
        return port.NumberStatus(digits, exists, f"{digits}@s.whatsapp.net" if exists else None)


REPLIES = ("Hi! Tell me more", "Thanks", "How much is it?", "👍", "Not now, maybe next week", "Boleh, terima kasih", "STOP")
"""What simulated people answer."""


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | dict | list | None) else str(value)
