"""Which device sits in which session host, what its events made of its line, and who is to be opened next."""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from hantar.gateways import plain, port
from hantar.gateways.linked import client, hosts, limits, settle, spool, watch
from hantar.kit.clock import Clock

log = structlog.get_logger(__name__)

ENDED = (port.LoggedOut, port.StreamReplaced, port.ClientOutdated, port.TemporaryBan, port.Refused, port.PairFailed)
"""Events after which a client is closed, and stays so until somebody opens it."""
LATELY = timedelta(days=1)
"""What was written on the phone within so long before its history came may still be waited for by receipts."""
Report = Callable[..., None]
"""Tell an event of our own: seat, kind, a word for its id, its fields."""


@dataclass(slots=True)
class Seat:
    """A device: where it sits and what its client's events said."""

    ref: port.DeviceRef
    slot: int
    line: watch.Line = field(default_factory=watch.Line)
    token: int = 0
    lost_until: datetime | None = None

    @property
    def device_id(self) -> str:
        """Our id of it."""
        return self.ref.device_id

    @property
    def is_up(self) -> bool:
        """Its line is open, so it may send."""
        return self.line.phase is watch.Phase.UP


class Seats:
    """All devices and all hosts of the driver."""

    def __init__(self, setup: hosts.Setup, clock: Clock, report: Report) -> None:
        self._setup, self._clock, self._report = setup, clock, report
        self.has_room = asyncio.Event()
        """Somebody may be opened who could not before."""
        self._sink: port.EventSink | None = None
        self.hosts: dict[int, hosts.Host] = {}
        self._seats: dict[str, Seat] = {}
        self._loads: dict[int, int] = {}
        self._queues: dict[int, dict[str, None]] = {}
        self._minded: dict[str, None] = {}  # devices whose phase ends by itself
        self._up: dict[int, asyncio.Event] = {}
        self._numbers = itertools.count(1)
        self._dropping: set[asyncio.Future[None]] = set()
        self._room, self._is_full = limits.Room(None, setup.most), False
        self.unsettled = settle.Unsettled()

    def begin(self, sink: port.EventSink) -> None:
        """Events go there from now on; what earlier hosts heard and nobody took is told first."""
        self._sink = sink
        self._room = limits.room(self._setup.machine(), self._setup.most)
        if self._room.devices is not None and self._room.devices < self._setup.most:
            log.warning("linked.little_room", devices=self._room.devices, in_host=self._room.in_host)
        folder = spool.path(self._setup.folder, 0).parent
        for left in sorted(folder.glob("*.jsonl")):
            if left.stem.isdigit() and spool.is_left(left):
                self._host(int(left.stem))

    def end(self) -> None:
        """No host is started any more."""
        self._sink = None
        self.hosts.clear()

    def next_number(self) -> int:
        """The number of the next event, over all hosts."""
        return next(self._numbers)

    # ------------------------------------------------------------------ who sits where

    def find(self, device_id: str) -> Seat | None:
        """The device's seat, if it has one."""
        return self._seats.get(device_id)

    def take(self, device: port.DeviceRef) -> Seat:
        """The device's seat; a new device gets one in the first host with room."""
        seat = self._seats.get(device.device_id)
        if seat is None:
            slot = watch.place(self._loads, self._room.in_host)
            seat = self._seats[device.device_id] = Seat(device, slot)
            self._loads[slot] = self._loads.get(slot, 0) + 1
        elif device.phone is not None and device.phone != seat.ref.phone:
            seat.ref = replace(seat.ref, phone=device.phone)
        self._host(seat.slot)
        return seat

    def turns_away(self, device: port.DeviceRef) -> bool:
        """Whether the machine has no room to open one more device; then it is told so, and stays away."""
        most, seat = self._room.devices, self._seats.get(device.device_id)
        if most is None or (seat is not None and seat.line.phase not in watch.SHUT) or len(self._seats) < most:
            return False
        is_full = sum(each.line.phase not in watch.SHUT for each in self._seats.values()) >= most
        if is_full and not self._is_full:
            log.warning("linked.no_room", devices=most, said=limits.WORDS)
        self._is_full = is_full
        if is_full:
            at, number = self._clock.now(), self.next_number()
            named = {"device_id": device.device_id, "event_id": f"{device.device_id}:no_room:{number}", "at": at, "seq": number}
            self._tell(port.Disconnected(**named, why="no_room", will_retry=True))  # type: ignore[arg-type]
        return is_full

    def _tell(self, event: port.Event) -> None:
        """Tell an event of a device that has no host; when it is lost, whoever asked asks again."""
        if self._sink is not None:
            task = asyncio.ensure_future(self._sink(event))
            self._dropping.add(task)
            task.add_done_callback(self._dropping.discard)
            task.add_done_callback(_look)

    def forget(self, device_id: str) -> None:
        """The device is no more."""
        seat = self._seats.pop(device_id, None)
        if seat is not None:
            self._loads[seat.slot] -= 1
            self._queues.get(seat.slot, {}).pop(device_id, None)
        self._minded.pop(device_id, None)
        self.unsettled.forget(device_id)

    def _host(self, slot: int) -> hosts.Host:
        host = self.hosts.get(slot)
        if host is None:
            if self._sink is None:
                raise hosts.HostDown("The driver was not started.")
            host = self.hosts[slot] = hosts.Host(slot, self._setup, self, self._sink, self._clock)
            self._up[slot] = asyncio.Event()
            self._queues[slot] = {}
            host.start()
        return host

    def host_of(self, seat: Seat) -> hosts.Host:
        """The host of a device."""
        return self._host(seat.slot)

    def of(self, slot: int) -> list[Seat]:
        """The devices of a host."""
        return [each for each in self._seats.values() if each.slot == slot]

    async def until_up(self, seat: Seat, seconds: float) -> None:
        """Wait for the device's host to be up, so long at most."""
        await self._clock.wait(self._up[seat.slot], seconds)

    # ------------------------------------------------------------------ who is opened next

    def queue(self, seat: Seat) -> None:
        """It is to be opened when there is room."""
        self._minded.pop(seat.device_id, None)
        self._queues[seat.slot][seat.device_id] = None

    def shut(self, seat: Seat) -> None:
        """It is closed."""
        seat.line = watch.closed(seat.line)
        self._queues[seat.slot].pop(seat.device_id, None)
        self._minded.pop(seat.device_id, None)

    def mind(self, seat: Seat) -> None:
        """Its phase may end by itself."""
        if seat.line.phase in (watch.Phase.OPENING, watch.Phase.PAIRING, watch.Phase.HELD):
            self._minded[seat.device_id] = None
        else:
            self._minded.pop(seat.device_id, None)

    def to_open(self, now: float) -> Iterator[Seat]:
        """Devices to be opened now, each put into that phase: a bounded number at once, suspects last and alone."""
        opening = [seat for each in self._minded if (seat := self._seats[each]).line.phase is watch.Phase.OPENING]
        in_all = len(opening)
        for slot, queue in self._queues.items():
            if not queue or not self.hosts[slot].is_ready:
                continue
            here = [each for each in opening if each.slot == slot]
            room = watch.room(len(here), in_all, any(each.line.is_suspect for each in here))
            for seat in self._next(queue, room, is_alone=not here):
                del queue[seat.device_id]
                seat.line = watch.opening(seat.line, now)
                self.mind(seat)
                in_all += 1
                yield seat

    def _next(self, queue: Iterable[str], room: int, is_alone: bool) -> list[Seat]:
        waiting = [self._seats[each] for each in queue if each in self._seats]
        trusted = [each for each in waiting if not each.line.is_suspect]
        if trusted:
            return trusted[:room]
        return waiting[:1] if is_alone and room > 0 else []

    def due(self, now: float) -> list[tuple[Seat, watch.Act]]:
        """What the watchdog wants done by now."""
        found = []
        for seat in [self._seats[each] for each in self._minded]:
            seat.line, act = watch.due(seat.line, now)
            if act is not None:
                self.mind(seat)
                found.append((seat, act))
        return found

    # ------------------------------------------------------------------ what hosts tell

    def is_up(self, host: hosts.Host) -> None:
        """A host is there: its devices are opened, those that were up before too."""
        host.beat_at = self._clock.monotonic()
        self.has_room.set()
        self._up[host.slot].set()

    def died(self, host: hosts.Host) -> None:
        """A host is gone: every line in it is closed until it is back."""
        self._up[host.slot].clear()
        queue = self._queues[host.slot]
        for seat in self.of(host.slot):
            before, seat.line = seat.line, watch.crashed(seat.line)
            self.mind(seat)
            if seat.line.phase is watch.Phase.ASIDE and before.phase is not watch.Phase.ASIDE:
                log.error("device.quarantined", device=seat.device_id, crashes=seat.line.crashes)
                self._report(seat, port.Refused, "quarantined", why="quarantined")
            elif seat.line.phase is watch.Phase.QUEUED:
                queue[seat.device_id] = None
                self._report(seat, port.Disconnected, "host", why="gateway_restart", will_retry=True)

    def heard(self, host: hosts.Host, events: list[port.Event]) -> Sequence[Sequence[port.Event]]:
        """What goes to the sink for each event of a host: the event under our number, and what it settles before it."""
        return [[replace(each, seq=self.next_number()) for each in self._understand(event)] for event in events]

    def _understand(self, event: port.Event) -> list[port.Event]:
        if isinstance(event, client.HeardReceipt):
            return [self._settle(event)]
        if isinstance(event, port.Receipt) and event.ref is not None:
            for wire in event.wire_ids:
                self.unsettled.settled(event.device_id, event.ref, wire)
        elif isinstance(event, port.MessageSentElsewhere):
            self.unsettled.know(event.device_id, [event.wire_id])
        elif isinstance(event, port.HistoryBatch):
            elsewhere = (each for each in event.messages if isinstance(each, port.MessageSentElsewhere))
            self.unsettled.know(event.device_id, [each.wire_id for each in elsewhere if each.at > event.at - LATELY])
        elif isinstance(event, port.MessageReceived) and event.quoted_wire_id and not event.in_group:
            return [*self._settle_by_reply(event, event.quoted_wire_id), event]
        elif (seat := self._seats.get(event.device_id)) is not None:
            if isinstance(event, port.Connected) and seat.line.phase is watch.Phase.HELD:
                return [_rests(event)]  # its client is being closed
            self._move(seat, event)
        return [event]

    def _settle(self, heard: client.HeardReceipt) -> port.Receipt:
        """A plain receipt, with our ref when its unknown wire id can be but one message."""
        base = {each.name: getattr(heard, each.name) for each in fields(port.Receipt)}
        if heard.could_be_ours and heard.ref is None and len(heard.wire_ids) == 1:
            base["ref"] = self.unsettled.adopt(heard.device_id, heard.chat, heard.wire_ids[0], heard.at)
        return port.Receipt(**base)

    def _settle_by_reply(self, event: port.MessageReceived, wire: str) -> list[port.Event]:
        """Who quotes a message has it on the phone."""
        ref = self.unsettled.adopt(event.device_id, event.sender, wire, event.at)
        if ref is None:
            return []
        event_id, kind = f"{wire}:quoted", port.ReceiptKind.DELIVERED
        return [
            port.Receipt(device_id=event.device_id, event_id=event_id, at=event.at, wire_ids=(wire,), kind=kind, ref=ref),
        ]

    def _move(self, seat: Seat, event: port.Event) -> None:
        """What an event makes of the device's line."""
        now, line = self._clock.monotonic(), seat.line
        match event:
            case port.Connected():
                seat.line, seat.lost_until = watch.connected(line, now), None
            case port.Disconnected(why="asked"):  # by us; it may be on its way again already
                if line.phase in (watch.Phase.UP, watch.Phase.DOWN, watch.Phase.PAIRING):
                    seat.line = watch.closed(line)
            case port.Disconnected():
                seat.line, act = watch.dropped(line, now, event.will_retry)
                if act is not None:
                    log.warning("device.flapping", device=seat.device_id, holds=seat.line.holds)
                    self._close_quietly(seat)
            case port.QrCode() | port.PairCode():
                seat.line = watch.coded(line, now, (event.expires_at - self._clock.now()).total_seconds())
            case port.PairSucceeded():
                seat.line = watch.paired(line, now)
            case _ if isinstance(event, ENDED):
                seat.line = watch.closed(line)
                seat.lost_until = event.until if isinstance(event, port.TemporaryBan) else None
                self._queues[seat.slot].pop(seat.device_id, None)
                self._close_quietly(seat)
                if isinstance(event, port.LoggedOut):
                    self._drop_kept(seat.device_id)
            case _:
                return
        self.mind(seat)
        if line.phase is watch.Phase.OPENING is not seat.line.phase:
            self.has_room.set()

    def _close_quietly(self, seat: Seat) -> None:
        """Close its client; nobody asked for it, so nobody is told."""
        try:
            answer: asyncio.Future[Any] = self.host_of(seat).ask(30.0, "restart", plain.to_plain(seat.ref), False)
        except hosts.HostDown:
            return
        answer.add_done_callback(_look)

    def _drop_kept(self, device_id: str) -> None:
        """A link that is gone needs no copy."""
        if self._setup.keeps is not None:
            task = asyncio.ensure_future(self._setup.keeps.drop(device_id))
            self._dropping.add(task)
            task.add_done_callback(self._dropping.discard)
            task.add_done_callback(_look)


def _rests(event: port.Event) -> port.Disconnected:
    """Told in the place of an event of a client that is left alone for a while."""
    event_id = f"{event.event_id}:rests"
    return port.Disconnected(device_id=event.device_id, event_id=event_id, at=event.at, why="flapping", will_retry=True)


def _look(future: "asyncio.Future[Any]") -> None:
    """An outcome nobody waits for."""
    if not future.cancelled() and (error := future.exception()) is not None:
        log.info("device.not_done", why=type(error).__name__)
