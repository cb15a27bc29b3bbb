"""A whole simulated WhatsApp in one object: devices, people, receipts, faults. It decides at once and never waits by itself.

Whoever owns it calls `fire()` when something is due. The same seed, clock and calls give the same world, in any order of calls.
"""

import heapq
import itertools
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from hantar.gateways import port
from hantar.gateways.simulator import chance, ledger, phone, refusals
from hantar.gateways.simulator.phone import instant

REMEMBERED = 200_000
"""How many wire ids are remembered for recognising a repeat: more than any engine can have in doubt."""
WINDOW = 4096
"""Events told and not yet taken; the world holds its breath beyond that."""
LATEST = 8 * 3600.0
"""Seconds after which no receipt of a message comes any more, at the pace of `Options.receipts` = 1."""


Planned = tuple[float, int, float, Callable[..., None], tuple[Any, ...]]
Answer = Callable[[port.Verdict], None]
Told = Callable[[port.Event], None]


class World:
    """The simulated service. Calls return at once; answers and events come through the functions given."""

    def __init__(
        self,
        *,
        seed: int,
        clock: Any,
        book: ledger.Ledger,
        tell: Told,
        options: chance.Options | None = None,
        after: int = 0,
    ) -> None:
        self.seed, self.clock, self.book, self.options = seed, clock, book, options or chance.Options()
        self._tell = tell
        self.phones: dict[str, phone.Phone] = {}
        self._due: list[Planned] = []
        self._answers: list[Planned] = []
        self._order = itertools.count()
        self._effects: OrderedDict[str, port.Accepted] = OrderedDict()
        self._tries: OrderedDict[str, int] = OrderedDict()
        self._seq = max(after, int(self.wall() * 1000) * 1000)  # rises over restarts too
        self._stamp = self._taken = self._saved = 0.0
        self._untaken: deque[tuple[int, float]] = deque()
        self._restore()

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
        heapq.heappush(self._due, (due, next(self._order), stamp, action, values))

    def fire(self) -> float | None:
        """Do what is due; returns the seconds until the next thing, None when nothing is planned."""
        now = self.clock.monotonic()
        while self._answers and self._answers[0][0] <= now:
            _, _, _, action, values = heapq.heappop(self._answers)
            action(*values)
        while self._due and self._due[0][0] <= now and len(self._untaken) < WINDOW:
            _, _, self._stamp, action, values = heapq.heappop(self._due)
            action(*values)
        is_full = len(self._untaken) >= WINDOW
        heads = [queue[0][0] - now for queue in (self._answers, [] if is_full else self._due) if queue]
        return max(0.0, min(heads)) if heads else None

    def tell(self, event: port.Event) -> None:
        """Report an event; it gets the next number and stays ours until it is taken."""
        self._seq += 1
        self._untaken.append((self._seq, self._stamp))
        self._tell(replace(event, seq=self._seq))

    def take(self, seq: int) -> None:
        """The listener has taken every event up to this number."""
        while self._untaken and self._untaken[0][0] <= seq:
            _, self._taken = self._untaken.popleft()

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
        effect: str,
        verdict: port.Verdict,
        fault: str | None = None,
        taken: port.Accepted | None = None,
    ) -> None:
        self.book.append(
            {
                "mono": self.clock.monotonic(),
                "at": (taken.at if taken and effect == "sent" else self.clock.now()).isoformat(),
                "token": shipment.token,
                "device": shipment.device_id,
                "to": shipment.to,
                "ref": shipment.ref,
                "wire": taken.wire_id if taken else None,
                "body": shipment.body,
                "effect": effect,
                "verdict": type(verdict).__name__.lower(),
                "fault": fault,
            }
        )

    def _restore(self) -> None:
        """Take up where the ledger ends: links, troubles, known ids, receipts that nobody has taken yet."""
        marked = self.book.marked()
        for line in self.book.lines():
            device_id = line.get("device")
            if not device_id:
                continue
            if line["effect"] == "forgotten":
                self.phones.pop(device_id, None)
                continue
            phone.restore(self.at(device_id), line)
            if line["effect"] == "sent":
                self._restore_effect(line, marked)
            elif line["effect"] == "inbound":
                self._restore_inbound(line, marked)
            elif line["effect"] in ("refused", "none"):
                self._count_try(line["ref"])

    def _restore_effect(self, line: ledger.Line, marked: float) -> None:
        at = datetime.fromisoformat(line["at"])
        accepted = port.Accepted(line["wire"], at)
        self._count_try(line["ref"])
        self._remember(line["ref"], accepted)
        if at.timestamp() + LATEST * max(1.0, self.options.receipts) < marked:
            return
        draw = self._draws(line["device"], line["to"], line["ref"], self._tries[line["ref"]])
        self._plan_receipts(line["device"], line["to"], accepted, draw, line["fault"], marked)

    def _restore_inbound(self, line: ledger.Line, marked: float) -> None:
        more = line["more"]
        if more["due"] >= marked:
            self.push(more["due"], self.arrive, line["device"], more)
        if more.get("linked_due", 0.0) >= marked:
            self.push(more["linked_due"], self.link_identity, line["device"], more)

    def forget_people(self, names: set[str]) -> None:
        """Drop every trace of these numbers and ids; what was on its way from or to them never arrives."""
        self.book.redact(names)
        for device in self.phones.values():
            device.warm -= names
        kept = [each for each in self._due if not _names(each) & names]
        self._due[:] = kept
        heapq.heapify(self._due)

    # ------------------------------------------------------------------ sending

    def at(self, device_id: str) -> phone.Phone:
        """The device; made known when it is new."""
        found = self.phones.get(device_id)
        if found is None:
            found = self.phones[device_id] = phone.Phone(device_id)
        return found

    def send(self, shipment: refusals.Shipment, answer: Answer) -> None:
        """Decide about a message; `answer` is called with the verdict, now or later, or never by a silent device."""
        device = self.at(shipment.device_id)
        if shipment.token < device.token:
            verdict: port.Verdict = port.DeviceLost(None, "Another node holds this device.")
            self._record(shipment, "forbidden", verdict, "stale_token")
            answer(verdict)
            return
        device.token = shipment.token
        known = self._effects.get(shipment.ref) if self.options.caller_ids else None
        if known is not None:
            self._record(shipment, "repeat", known)
            self._answer(0.0, answer, known)
            return
        draw = self._draws(shipment.device_id, shipment.to, shipment.ref, self._count_try(shipment.ref))
        delay = chance.between(self.options.latency, draw[7])
        if device.trouble.silent_until > self.wall():
            self._record(shipment, "none", port.Unconfirmed(), "silent")
            return
        refusal = refusals.judge(self.options, self.seed, device, shipment, self.wall())
        if refusal is not None:
            self._record(shipment, "refused", refusal[0], refusal[1])
            self._answer(delay, answer, refusal[0])
            return
        self._accept(device, shipment, draw, delay, answer)

    def _answer(self, delay: float, answer: Answer, verdict: port.Verdict) -> None:
        if delay <= 0:
            answer(verdict)
        else:
            due = self.clock.monotonic() + delay
            heapq.heappush(self._answers, (due, next(self._order), 0.0, answer, (verdict,)))

    def _accept(self, device: phone.Phone, shipment: refusals.Shipment, draw: chance.Draws, delay: float, answer: Answer) -> None:
        """The effect: from here on the person has the message, whatever we answer."""
        wire = shipment.ref if self.options.caller_ids else f"SIM{int(draw[5] * 2**53):014X}"
        accepted = port.Accepted(wire, self.clock.now())
        is_untraced = device.take_fault("lose_trace", shipment.to, self.wall())
        is_lost = is_untraced or draw[6] < self.options.lost_ack or device.take_fault("lose_ack", shipment.to, self.wall())
        verdict: port.Verdict = port.Unconfirmed("The answer was lost.") if is_lost else accepted
        has_receipts = not is_lost or (draw[4] < 0.5 and not is_untraced)
        fault = None if not is_lost else "lose_ack" if has_receipts else "lose_ack_silent"
        if device.take_fault("reject_late", shipment.to, self.wall()):
            fault = "reject_late"
        self._record(shipment, "sent", verdict, fault, accepted)
        self._remember(shipment.ref, accepted)
        self._plan_receipts(shipment.device_id, shipment.to, accepted, draw, fault, 0.0)
        self._answer(delay, answer, verdict)

    def _remember(self, ref: str, accepted: port.Accepted) -> None:
        self._effects[ref] = accepted
        if len(self._effects) > REMEMBERED:
            self._effects.popitem(last=False)

    def _count_try(self, ref: str) -> int:
        """Which attempt at this message this is, from 1."""
        count = self._tries.get(ref, 0) + 1
        self._tries[ref] = count
        if len(self._tries) > REMEMBERED:
            self._tries.popitem(last=False)
        return count

    def _draws(self, device_id: str, to: str, ref: str, attempt: int) -> chance.Draws:
        return chance.draws(self.seed, device_id, to, ref, attempt)

    def traits(self, who: str) -> chance.Traits:
        """What the person behind this number is like."""
        return chance.traits(self.seed, who, self.options)

    # ------------------------------------------------------------------ what comes back

    def _plan_receipts(
        self,
        device_id: str,
        to: str,
        accepted: port.Accepted,
        draw: chance.Draws,
        fault: str | None,
        marked: float,
    ) -> None:
        delay = chance.between(self.options.latency, draw[7])
        sent = accepted.at.timestamp()
        if fault == "reject_late":
            if sent + delay + 1.0 >= marked:
                self.push(sent + delay + 1.0, self._refuse_late, device_id, accepted.wire_id)
            return
        if fault != "lose_ack_silent":
            for after, kind, is_right in chance.outcome(draw, self.traits(to), self.options, delay):
                wire = accepted.wire_id if is_right else f"STRAY-{accepted.wire_id}"
                if sent + after >= marked:
                    self.push(sent + after, self._receipt, device_id, wire, kind, sent + after)
        if draw[2] < self.options.replies:
            due = sent + delay + self.options.receipts * (3 + 30 * draw[1])
            if due >= marked:
                self.push(due, self._reply, device_id, to, accepted.wire_id, draw[0])

    def _receipt(self, device_id: str, wire: str, kind: port.ReceiptKind, stamp: float) -> None:
        device = self.phones.get(device_id)
        if device is None or not device.is_linked:
            return  # nobody is there to hear it
        event_id, at = f"{wire}:{kind.value}", instant(stamp)
        self.tell(port.Receipt(device_id=device_id, event_id=event_id, at=at, wire_ids=(wire,), kind=kind))

    def _refuse_late(self, device_id: str, wire: str) -> None:
        event_id, reason = f"{wire}:failed", port.Reason.UNDELIVERABLE
        at = self.clock.now()
        self.tell(port.MessageFailed(device_id=device_id, event_id=event_id, at=at, wire_id=wire, reason=reason))

    def _reply(self, device_id: str, to: str, quoted: str, draw: float) -> None:
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


def _names(planned: Planned) -> set[str]:
    """Whose numbers and ids a planned thing holds."""
    found: set[str] = set()
    for value in planned[4]:
        found |= {each for each in (value.values() if isinstance(value, dict) else [value]) if isinstance(each, str)}
    return found
