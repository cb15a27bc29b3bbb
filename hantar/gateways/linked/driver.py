"""Linked devices as a driver: seats for devices in session hosts, what their events mean, and what certainly did not leave.

When a host dies, every send in flight is unconfirmed, every device offline until its host is back, and nothing is sent again.
The state of a line comes from events and replies alone.
"""

import asyncio
import contextlib
import functools
import os
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog

from hantar.gateways import keeping, plain, port
from hantar.gateways.linked import fetching, files, frames, hosts, letter, limits, seats, watch
from hantar.gateways.linked.seats import Seat
from hantar.kit.clock import Clock

log = structlog.get_logger(__name__)

SEND_WITHIN = 45.0
"""Seconds for an answer to a send. The library itself waits up to 75 (gateways.md 3.2); what comes later settles it after all."""
ASK_WITHIN = 30.0
CHECK_WITHIN = 25.0
CAPABILITIES = port.Capabilities(
    pairing_qr=True,
    pairing_code=True,
    inbound=True,
    history=True,
    media=True,
    files=frozenset(letter.MOST),
    typing=True,
    mark_read=True,
    number_check=True,
    remote_logout=True,
    unofficial=True,
    send_timeout=timedelta(seconds=SEND_WITHIN + hosts.SLACK + 3.0),
)
LOOK_EVERY = 0.25
"""Seconds between looks at deadlines, rests and heartbeats."""
BREATH = 0.02
STALLED = 8
"""A look that comes so many times later than it should found us standing still, and is no evidence against a host."""
AWAY = timedelta(seconds=2)
"""What is sent while a host starts again waits so long."""
_AWAY_WORDS = "The session host of this device is starting again; try in a moment."


class Flight(NamedTuple):
    """A message on its way, and who waits for its verdict."""

    seat: Seat
    to: port.Address
    content: port.Content
    ref: str
    began_at: datetime
    verdict: "asyncio.Future[port.Verdict]"


class LinkedDriver:
    """A driver over session hosts. `send` never raises."""

    name = "linked"
    caps = CAPABILITIES

    def __init__(self, setup: hosts.Setup, clock: Clock) -> None:
        self._setup, self._clock = setup, clock
        self._sink: port.EventSink | None = None
        self._seats = seats.Seats(setup, clock, self._report)
        self._watcher: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_closing = False
        self._killed_at = float("-inf")

    async def start(self, sink: port.EventSink) -> None:
        """Make the folders, and start hosts for what earlier ones heard and nobody took. Other hosts start with their first
        device."""
        folder = self._setup.folder
        for each in (folder, folder / "sessions", folder / "spool"):
            each.mkdir(parents=True, exist_ok=True)
            os.chmod(each, 0o700)
        self._sink = sink
        self._seats.begin(sink)
        self._watcher = asyncio.create_task(self._watch(), name="linked devices' watchdog")

    async def close(self, grace: timedelta) -> None:
        """Take no more; what is in flight gets the grace, then it counts as unconfirmed. Sessions are stored."""
        self._is_closing = True
        end = self._clock.monotonic() + grace.total_seconds()
        while any(each.in_flight for each in self._seats.hosts.values()) and self._clock.monotonic() < end:
            await self._clock.sleep(0.02)
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
            self._watcher = None
        for host in self._seats.hosts.values():
            host.give_up()
        left = max(0.5, end - self._clock.monotonic())
        await asyncio.gather(*(each.courier.close(left) for each in self._seats.hosts.values()))
        await asyncio.gather(*(each.close(left) for each in self._seats.hosts.values()))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._seats.end()

    def pid_of(self, device_id: str) -> int | None:
        """The process that has this device, while it lives; for whoever looks at the machine."""
        seat = self._seats.find(device_id)
        return None if seat is None else self._seats.host_of(seat).pid

    # ------------------------------------------------------------------ events of our own

    def _report(self, seat: Seat, kind: type[port.Event], what: str, **more: Any) -> None:
        """Tell something that we found out ourselves."""
        at, number = self._clock.now(), self._seats.next_number()
        event_id = f"{seat.device_id}:{what}:{at.timestamp()}:{number}"
        event = kind(device_id=seat.device_id, event_id=event_id, at=at, seq=number, **more)
        self._seats.host_of(seat).report(event)

    # ------------------------------------------------------------------ the watchdog

    async def _watch(self) -> None:
        looked_at = self._clock.monotonic()
        while True:
            self._seats.has_room.clear()
            if await self._clock.wait(self._seats.has_room, LOOK_EVERY):
                await self._clock.sleep(BREATH)  # events come in crowds; look once for many
            now = self._clock.monotonic()
            stood_still, looked_at = now - looked_at > STALLED * LOOK_EVERY, now
            if stood_still:  # so what was said meanwhile is read first
                for host in self._seats.hosts.values():
                    host.beat_at = now
                continue
            for host in list(self._seats.hosts.values()):
                host.sweep(now)
                self._listen_for(host, now)
            for seat, act in self._seats.due(now):
                self._act(seat, act)
            self._pump()

    def _listen_for(self, host: hosts.Host, now: float) -> None:
        """A host without heartbeats is in doubt, then killed."""
        if not host.is_ready:
            return
        heard = watch.beat(now - host.beat_at, self._setup.beat)
        if heard is watch.Beat.DEAD:
            if now - self._killed_at >= watch.DEAD * self._setup.beat:  # when all are silent the machine is, so one at a time
                self._killed_at = now
                log.error("host.silent", slot=host.slot)
                host.kill()
        elif heard is watch.Beat.MISSED and not host.is_missed:
            host.is_missed = True
            for seat in self._seats.of(host.slot):
                if seat.line.phase is watch.Phase.UP:
                    self._report(seat, port.Silent, "silent")

    def _act(self, seat: Seat, act: watch.Act) -> None:
        """Do what the watchdog wants of one device."""
        if act is watch.Act.DOUBT:
            self._report(seat, port.Silent, "silent")
            return
        if act is watch.Act.OPEN:
            self._seats.queue(seat)
            return
        log.warning("device.watchdog", device=seat.device_id, act=act.value, holds=seat.line.holds)
        self._ask_quietly(seat, "restart", False)
        if act is watch.Act.EXPIRE:
            self._report(seat, port.PairFailed, "expired", why="expired")
            return
        why = "flapping" if act is watch.Act.REST and seat.line.up_since else "no_answer"
        self._report(seat, port.Disconnected, why, why=why, will_retry=True)
        if act is watch.Act.RESTART:
            self._seats.queue(seat)

    # ------------------------------------------------------------------ opening

    def _pump(self) -> None:
        """Open what waits, as far as there is room."""
        for seat in self._seats.to_open(self._clock.monotonic()):
            self._start(self._open_one(seat))

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open_one(self, seat: Seat) -> None:
        """Tell the host to open one device, with the kept session when it has none of its own."""
        try:
            host, device = self._seats.host_of(seat), plain.to_plain(seat.ref)
            session = b""
            if self._setup.keeps is not None and not await host.ask(ASK_WITHIN, "has_session", device):
                session = await self._setup.keeps.load(seat.device_id) or b""
            await host.ask(ASK_WITHIN, "open", device, data=session)
        except (hosts.HostDown, hosts.HostCut):
            return  # its death is heard, and it opens all anew
        except Exception as error:
            log.warning("device.not_opened", device=seat.device_id, why=type(error).__name__)
            if seat.line.phase is watch.Phase.OPENING:
                seat.line = watch.failed(seat.line, self._clock.monotonic())
                self._seats.mind(seat)
                self._report(seat, port.Disconnected, "not_opened", why="not_opened", will_retry=True)

    async def open(self, device: port.DeviceRef) -> None:
        """Connect, or begin pairing; the outcome comes as events. One that rests or waits its turn goes on doing so."""
        if self._is_closing or self._seats.turns_away(device):
            return
        seat = self._seats.take(device)
        seat.line = watch.wanted(seat.line)
        if seat.line.phase is watch.Phase.QUEUED:
            self._seats.queue(seat)
            self._pump()
        elif seat.is_up:
            self._report(seat, port.Connected, "connected")

    async def disconnect(self, device: port.DeviceRef) -> None:
        """Close the line; the link stays."""
        seat = self._seats.find(device.device_id)
        if seat is None or seat.line.phase is watch.Phase.CLOSED:
            return
        was_known = seat.line.phase not in (watch.Phase.QUEUED, watch.Phase.HELD, watch.Phase.ASIDE)
        self._seats.shut(seat)
        if not (was_known and self._ask_quietly(seat, "close")):
            self._report(seat, port.Disconnected, "closed", why="asked", will_retry=False)

    # ------------------------------------------------------------------ questions

    def _ask_quietly(self, seat: Seat, question: str, *values: Any, seconds: float = ASK_WITHIN) -> bool:
        """Ask where the outcome comes as an event, or not at all; False when the host is away."""
        try:
            answer = self._seats.host_of(seat).ask(seconds, question, plain.to_plain(seat.ref), *values)
        except hosts.HostDown:
            return False
        answer.add_done_callback(_look)
        return True

    async def _ask(self, device: port.DeviceRef, question: str, *values: Any, seconds: float = ASK_WITHIN) -> Any:
        """Ask and wait, through a start of the host if need be; `PairingRefused` when it is away or does not answer."""
        try:
            seat = self._seats.take(device)
            await self._seats.until_up(seat, seconds)
            return await self._seats.host_of(seat).ask(seconds, question, plain.to_plain(seat.ref), *map(plain.to_plain, values))
        except (hosts.HostDown, hosts.HostCut):
            raise port.PairingRefused(_AWAY_WORDS) from None
        except hosts.Late:
            raise port.PairingRefused("WhatsApp did not answer in time; try again in a moment.") from None
        except hosts.Failed as error:
            log.warning("device.question_failed", device=device.device_id, question=question, why=str(error))
            raise port.PairingRefused("That did not work just now; try again in a moment.") from None

    async def pair_code(self, device: port.DeviceRef, phone: str) -> port.PairCode:
        """Eight characters for the phone with this number; `PairingRefused` says why not."""
        if self._seats.turns_away(device):
            raise port.PairingRefused(limits.WORDS)
        code: port.PairCode = await self._ask(device, "pair_code", phone)
        return code

    async def logout(self, device: port.DeviceRef) -> None:
        """Destroy the link; raises `PairingRefused` when WhatsApp cannot be told now."""
        await self._ask(device, "logout")
        await self._drop_kept(device.device_id)
        if (seat := self._seats.find(device.device_id)) is not None:
            self._seats.shut(seat)

    async def forget(self, device: port.DeviceRef) -> None:
        """Drop everything kept about the device."""
        await self._ask(device, "forget")
        await self._drop_kept(device.device_id)
        self._seats.forget(device.device_id)

    async def _drop_kept(self, device_id: str) -> None:
        if self._setup.keeps is not None:
            await self._setup.keeps.drop(device_id)

    async def is_linked(self, device: port.DeviceRef) -> bool:
        """Whether there is a session of this device, in use or kept."""
        if await self._ask(device, "has_session"):
            return True
        try:
            return self._setup.keeps is not None and await self._setup.keeps.load(device.device_id) is not None
        except keeping.Unreadable:
            return True  # there is one, and it may be readable again

    async def check_numbers(self, device: port.DeviceRef, phones: list[str]) -> list[port.NumberStatus]:
        """Whether these numbers are on WhatsApp; `NotPaired` when the device has no open line."""
        seat = self._seats.find(device.device_id)
        if seat is None or not seat.is_up:
            raise port.NotPaired("The device is not connected.")
        found: list[port.NumberStatus] = await self._ask(device, "check", phones, seconds=CHECK_WITHIN)
        return found

    async def mark_read(self, device: port.DeviceRef, chat: port.Address, wire_ids: Sequence[str]) -> None:
        """Show the person that these were read; `NotPaired` when the device has no open line."""
        await self._ask(device, "mark_read", chat, list(wire_ids))

    async def typing(self, device: port.DeviceRef, chat: port.Address, on: bool) -> None:
        """Show or end "typing…"; `NotPaired` when the device has no open line."""
        await self._ask(device, "typing", chat, on)

    async def fetch_media(self, device: port.DeviceRef, ref: port.MediaRef) -> AsyncIterator[bytes]:
        """A file that somebody sent; raises `MediaGone`, `NotPaired`, or `PairingRefused` when it does not come now."""
        seat = self._seats.find(device.device_id)
        if seat is None or not seat.is_up:
            raise port.NotPaired("The device is not connected.")
        ask, tell = functools.partial(self._ask, device), functools.partial(self._ask_quietly, seat)
        async with contextlib.aclosing(fetching.pieces(ask, tell, ref)) as found:
            async for piece in found:
                yield piece

    # ------------------------------------------------------------------ sending

    def send(
        self, device: port.DeviceRef, to: port.Address, content: port.Content, *, ref: str
    ) -> "asyncio.Future[port.Verdict]":
        """Send one message; whatever was not foreseen may have left, so it is unconfirmed."""
        verdict: asyncio.Future[port.Verdict] = asyncio.get_running_loop().create_future()
        seat = self._seats.find(device.device_id)
        refused = self._refusal(seat, device.token) or letter.refusal(to, content)
        if refused is not None or seat is None:
            verdict.set_result(refused or port.DeviceLost(None, "The device is not connected."))
            return verdict
        seat.token = device.token
        self._hand_over(Flight(seat, to, content, ref, self._clock.now(), verdict))
        return verdict

    def _hand_over(self, flight: "Flight") -> None:
        """Give a message to its host, with its file when the host has not been brought it before."""
        seat, media = flight.seat, flight.content.media
        try:
            host, (values, name) = self._seats.host_of(seat), frames.content_out(flight.content)
            is_new = media is not None and name is not None and name not in host.files
            data = media.data if media is not None and is_new else b""
            to = plain.to_plain(flight.to)
            asked = host.ask(SEND_WITHIN, "send", seat.device_id, to, flight.ref, values, data=data)
            if name is not None:
                host.files.add(name)
        except hosts.HostDown:
            flight.verdict.set_result(port.DeviceLost(self._clock.now() + AWAY, _AWAY_WORDS))
        except Exception:
            log.exception("device.send_failed", device=seat.device_id)
            flight.verdict.set_result(port.Unconfirmed("The question may have left."))
        else:
            self._seats.unsettled.fly(seat.device_id, flight.ref, flight.to)
            asked.add_done_callback(functools.partial(self._land, flight))

    def _refusal(self, seat: Seat | None, token: int) -> port.DeviceLost | None:
        """Why nothing leaves by this device now."""
        if self._is_closing:
            return port.DeviceLost(None, "The program is stopping.")
        if seat is not None and token < seat.token:
            return port.DeviceLost(None, "Another node holds this device.")
        if seat is None or not seat.is_up:
            return port.DeviceLost(None if seat is None else seat.lost_until, "The device is not connected.")
        return None

    def _land(self, flight: "Flight", asked: "asyncio.Future[Any]") -> None:
        """What became of a message."""
        seat, verdict, media = flight.seat, flight.verdict, flight.content.media
        if isinstance(asked.exception(), files.Lacking) and media is not None and not verdict.done():
            self._seats.host_of(seat).files.discard(files.digest(media))  # nothing was sent
            self._hand_over(flight)
            return
        said = _verdict(asked)
        self._seats.unsettled.land(seat.device_id, flight.ref)
        if isinstance(said, port.Unconfirmed):
            self._seats.unsettled.wait(seat.device_id, flight.ref, flight.to, flight.began_at)
            if not isinstance(asked.exception(), hosts.HostCut):
                seat.line, act = watch.timed_out(seat.line)
                if act is not None:
                    self._act(seat, act)
        else:
            seat.line = watch.answered(seat.line)
            if isinstance(said, port.Accepted):
                self._seats.unsettled.know(seat.device_id, [said.wire_id])
        if not verdict.done():  # the caller may have given up
            verdict.set_result(said)


def _verdict(asked: "asyncio.Future[Any]") -> port.Verdict:
    """The verdict in an answer; doubt is unconfirmed."""
    error = asked.exception()
    if error is not None:
        return port.Unconfirmed(str(error) or type(error).__name__)
    said = asked.result()
    if isinstance(said, port.Accepted | port.Deferred | port.Rejected | port.DeviceLost | port.Unconfirmed):
        return said
    return port.Unconfirmed("The library gave no verdict.")


def _look(future: "asyncio.Future[Any]") -> None:
    """An outcome nobody waits for: events tell it."""
    if not future.cancelled():
        future.exception()
