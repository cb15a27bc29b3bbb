"""The simulator as a driver: the port's words on one side, a simulated world on the other. Nothing here reaches a real person."""

import asyncio
import base64
import itertools
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from hashlib import blake2b, sha256
from typing import Any

import structlog

from hantar.gateways import courier, media, port
from hantar.gateways.simulator import chance, lines
from hantar.gateways.simulator.refusals import Shipment
from hantar.kit.clock import Clock

log = structlog.get_logger(__name__)

SEND_TIMEOUT = timedelta(seconds=10)
"""The world answers within 0.2 s unless a fault keeps it silent."""
ANSWER_TIMEOUT = 8.0
"""Our own deadline lies before the caller's, who would cancel the question and hide the silence from us."""
ASK_TIMEOUT = 10.0
TIMEOUTS_UNTIL_SUSPECT = 2
PIECE = 16_384
"""Bytes of a fetched file that are handed over at once."""


def capabilities(options: chance.Options) -> port.Capabilities:
    """What the simulator can do under these options."""
    return port.Capabilities(
        pairing_qr=True,
        pairing_code=True,
        caller_message_id=options.caller_ids,
        deduplicates=options.caller_ids,
        inbound=True,
        history=True,
        media=True,
        files=frozenset({"image", "video", "audio", "document"}),
        number_check=True,
        remote_logout=True,
        simulated=True,
        send_timeout=SEND_TIMEOUT,
    )


Flight = tuple["asyncio.Future[port.Verdict]", str, float]
"""A message on its way: who waits for the verdict, whose it is, and when we stop waiting (monotonic seconds)."""


class SimulatorDriver:
    """A driver over a simulated world. `send` never raises."""

    name = "simulator"

    def __init__(self, line: lines.Line, clock: Clock, options: chance.Options | None = None) -> None:
        self.caps = capabilities(options or chance.Options())
        self._line, self._clock = line, clock
        self._courier: courier.Courier | None = None
        self._opened: dict[str, port.DeviceRef] = {}
        self._flying: dict[int, Flight] = {}
        self._number = 0
        self._is_flying = asyncio.Event()
        self._timeouts: dict[str, int] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self._is_closing = False
        self._last_seq = 0

    async def start(self, sink: port.EventSink) -> None:
        """Begin to listen; raises `LineDown` when the world cannot be started."""
        self._courier = courier.Courier(sink, self._line.take, self._clock)
        await self._line.start(lines.Ears(self._hear, self._answered, self._died, self._revived))
        self._sweeper = asyncio.create_task(self._sweep(), name="simulator deadlines")

    async def close(self, grace: timedelta) -> None:
        """Take no more; what is in flight gets the grace, then it counts as unconfirmed."""
        self._is_closing = True
        end = self._clock.monotonic() + grace.total_seconds()
        while self._flying and self._clock.monotonic() < end:
            await self._clock.sleep(0.02)
        self._give_up("The simulator ended before it answered.")
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
            self._sweeper = None
        if self._courier is not None:
            await self._courier.close(max(0.0, end - self._clock.monotonic()))
        await self._line.close()

    # ------------------------------------------------------------------ events

    def _hear(self, events: list[port.Event]) -> None:
        self._last_seq = events[-1].seq
        for event in events:
            if type(event) is port.LoggedOut:
                self._opened.pop(event.device_id, None)
        if self._courier is not None:
            self._courier.bring(events)

    def _report(self, event: port.Event) -> None:
        """An event of our own making."""
        if self._courier is not None:
            self._courier.bring([event], numbered=False)

    def _died(self) -> None:
        """The world's process is gone: every line is closed until it is back."""
        self._give_up("The simulator ended before it answered.")
        if self._courier is not None:
            self._courier.forget()
        at = self._clock.now()
        for device_id in self._opened:
            event_id = f"{device_id}:host:{at.timestamp()}"
            self._report(
                port.Disconnected(
                    device_id=device_id,
                    event_id=event_id,
                    at=at,
                    seq=self._last_seq,
                    why="gateway_restart",
                    will_retry=True,
                )
            )

    def _revived(self) -> None:
        for device in list(self._opened.values()):
            self._ask_quietly("open", device)

    # ------------------------------------------------------------------ questions

    async def _ask(self, question: str, *values: Any) -> Any:
        """Ask and wait; `PairingRefused` when the world is away."""
        try:
            future = self._line.ask(question, *values)
            done = asyncio.Event()
            future.add_done_callback(lambda _: done.set())
            await self._clock.wait(done, ASK_TIMEOUT)
            if future.done():
                return future.result()
            future.cancel()
        except (lines.LineDown, lines.LineCut):
            pass
        raise port.PairingRefused("The simulator is starting again; try in a moment.")

    def _ask_quietly(self, question: str, *values: Any) -> None:
        """Ask where the outcome comes as an event, or not at all."""
        try:
            self._line.ask(question, *values).add_done_callback(_look)
        except lines.LineDown:
            log.info("simulator.away", question=question)

    async def open(self, device: port.DeviceRef) -> None:
        """Connect, or begin pairing; the outcome comes as events."""
        self._opened[device.device_id] = device
        self._ask_quietly("open", device)

    async def pair_code(self, device: port.DeviceRef, phone: str) -> port.PairCode:
        """Eight characters for the phone with this number; `PairingRefused` says why not."""
        self._opened[device.device_id] = device
        code: port.PairCode = await self._ask("pair_code", device, phone)
        return code

    async def disconnect(self, device: port.DeviceRef) -> None:
        """Close the line; the link stays."""
        self._opened.pop(device.device_id, None)
        self._ask_quietly("disconnect", device)

    async def logout(self, device: port.DeviceRef) -> None:
        """Destroy the link; raises `PairingRefused` when the world is away."""
        self._opened.pop(device.device_id, None)
        await self._ask("logout", device)

    async def forget(self, device: port.DeviceRef) -> None:
        """Drop everything kept about the device."""
        self._opened.pop(device.device_id, None)
        self._timeouts.pop(device.device_id, None)
        await self._ask("forget", device)

    async def forget_people(self, names: Sequence[str], device_ids: Sequence[str]) -> None:
        """Drop every trace of these numbers and ids at these devices; raises `PairingRefused` when the world is away."""
        await self._ask("forget_people", list(names), list(device_ids))

    async def is_linked(self, device: port.DeviceRef) -> bool:
        """Whether the world knows a link of this device."""
        return bool(await self._ask("is_linked", device))

    async def check_numbers(self, device: port.DeviceRef, phones: list[str]) -> list[port.NumberStatus]:
        """Whether these numbers are on WhatsApp; `NotPaired` when the device has no open line."""
        found: list[port.NumberStatus] = await self._ask("check", device, phones)
        return found

    async def fetch_media(self, device: port.DeviceRef, ref: port.MediaRef) -> AsyncIterator[bytes]:
        """A file that a simulated person sent; raises `MediaGone`, `NotPaired`, or `PairingRefused` when the world is away."""
        found = await self._ask("media", device, ref)
        if found is None:
            raise media.MediaGone
        data = base64.b64decode(found)
        for start in range(0, len(data), PIECE):
            yield data[start : start + PIECE]

    async def simulate(self, device: port.DeviceRef, action: port.SimulatorAction) -> dict[str, str]:
        """Make something happen in the world; `PairingRefused` says why it cannot."""
        if action.action in ("scan", "online"):
            self._opened[device.device_id] = device
        done: dict[str, str] = await self._ask("simulate", device, action)
        return done

    # ------------------------------------------------------------------ sending

    def send(
        self, device: port.DeviceRef, to: port.Address, content: port.Content, *, ref: str
    ) -> "asyncio.Future[port.Verdict]":
        """Send one message; whatever was not foreseen may have left, so it is unconfirmed."""
        verdict: asyncio.Future[port.Verdict] = asyncio.get_running_loop().create_future()
        if self._is_closing:
            verdict.set_result(port.DeviceLost(None, "The simulator is closing."))
            return verdict
        self._number = number = self._number + 1
        if not self._flying:
            self._is_flying.set()
        self._flying[number] = verdict, device.device_id, self._clock.monotonic() + ANSWER_TIMEOUT
        try:
            self._line.send(number, _shipment(device, to, content, ref))
        except lines.LineDown:
            why = "The simulator is starting again."
            self._land(number, port.DeviceLost(self._clock.now() + timedelta(seconds=1), why))
        except Exception:
            log.exception("simulator.send_failed", device=device.device_id)
            self._land(number, port.Unconfirmed("The question may have left."))
        return verdict

    def _answered(self, number: int, verdict: port.Verdict) -> None:
        """The world has said what became of a message."""
        device_id = self._land(number, verdict)
        if device_id is not None and self._timeouts:
            self._timeouts.pop(device_id, None)

    def _land(self, number: int, verdict: port.Verdict) -> str | None:
        """Settle a message once; returns whose it was."""
        flight = self._flying.pop(number, None)
        if flight is None:
            return None
        if not flight[0].done():  # the caller may have given up
            flight[0].set_result(verdict)
        return flight[1]

    def _give_up(self, why: str) -> None:
        """Nobody will answer what is in flight."""
        for number in list(self._flying):
            self._land(number, port.Unconfirmed(why))

    def _note_timeout(self, device_id: str) -> None:
        """Two in a row: the client is silent, whatever its flags say."""
        count = self._timeouts[device_id] = self._timeouts.get(device_id, 0) + 1
        if count >= TIMEOUTS_UNTIL_SUSPECT:
            self._timeouts.pop(device_id)
            at = self._clock.now()
            event_id = f"{device_id}:silent:{at.timestamp()}"
            self._report(port.Silent(device_id=device_id, event_id=event_id, at=at, seq=self._last_seq))

    def _overdue(self) -> list[tuple[int, Flight]]:
        """All sends have the same deadline, so the oldest is always first."""
        now = self._clock.monotonic()
        return list(itertools.takewhile(lambda each: each[1][2] <= now, self._flying.items()))

    async def _sweep(self) -> None:
        while True:
            await self._is_flying.wait()
            await self._clock.sleep(0.25)
            for number, (_, device_id, _) in self._overdue():
                self._land(number, port.Unconfirmed("No answer in time."))
                self._note_timeout(device_id)
            if not self._flying:
                self._is_flying.clear()


def _look(future: "asyncio.Future[Any]") -> None:
    """An outcome nobody waits for: refusals and a cut line are told by events."""
    if not future.cancelled():
        future.exception()


def _shipment(device: port.DeviceRef, to: port.Address, content: port.Content, ref: str) -> Shipment:
    """What the world may know of a message: a hash instead of the body, none where nothing could be shown (audio has no text)."""
    text, file = content.text, content.media
    digest = blake2b(text.encode(), digest_size=16)
    if file is None:
        return Shipment(device.device_id, device.token, to.phone, to.opaque, ref, digest.hexdigest() if text else "")
    digest.update(b"\x00" + (file.sha256 or sha256(file.data).digest()))
    body = "" if file.kind == "audio" and text else digest.hexdigest()
    return Shipment(device.device_id, device.token, to.phone, to.opaque, ref, body, file.mime, len(file.data))
