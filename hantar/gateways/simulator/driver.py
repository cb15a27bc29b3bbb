"""The simulator as a driver: the port's words on one side, a simulated world on the other. Nothing here reaches a real person."""

import asyncio
import hashlib
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog

from hantar.gateways import port
from hantar.gateways.simulator import chance, courier, lines
from hantar.gateways.simulator.refusals import Shipment
from hantar.kit.clock import Clock

log = structlog.get_logger(__name__)

SEND_TIMEOUT = timedelta(seconds=10)
"""The world answers within 0.2 s unless a fault keeps it silent."""
ANSWER_TIMEOUT = 8.0
"""Our own deadline lies before the caller's, who would cancel the question and hide the silence from us."""
ASK_TIMEOUT = 10.0
TIMEOUTS_UNTIL_SUSPECT = 2


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
        number_check=True,
        remote_logout=True,
        simulated=True,
        send_timeout=SEND_TIMEOUT,
    )


class SimulatorDriver:
    """A driver over a simulated world. `send` never raises."""

    name = "simulator"

    def __init__(self, line: lines.Line, clock: Clock, options: chance.Options | None = None) -> None:
        self.caps = capabilities(options or chance.Options())
        self._line, self._clock = line, clock
        self._courier: courier.Courier | None = None
        self._opened: dict[str, port.DeviceRef] = {}
        self._flying: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._is_flying = asyncio.Event()
        self._timeouts: dict[str, int] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self._is_closing = False
        self._last_seq = 0

    async def start(self, sink: port.EventSink) -> None:
        """Begin to listen; raises `LineDown` when the world cannot be started."""
        self._courier = courier.Courier(sink, self._line.take, self._clock)
        await self._line.start(self._hear, self._died, self._revived)
        self._sweeper = asyncio.create_task(self._sweep(), name="simulator deadlines")

    async def close(self, grace: timedelta) -> None:
        """Take no more; what is in flight gets the grace, then it counts as unconfirmed."""
        self._is_closing = True
        end = self._clock.monotonic() + grace.total_seconds()
        while self._flying and self._clock.monotonic() < end:
            await self._clock.sleep(0.02)
            self._drop_answered()
        for _, future in self._flying:
            if not future.done():
                future.set_exception(lines.LineCut())
        self._flying.clear()
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
            self._sweeper = None
        if self._courier is not None:
            await self._courier.close(max(0.0, end - self._clock.monotonic()))
        await self._line.close()

    # ------------------------------------------------------------------ events

    def _hear(self, event: port.Event) -> None:
        self._last_seq = event.seq
        if isinstance(event, port.LoggedOut):
            self._opened.pop(event.device_id, None)
        if self._courier is not None:
            self._courier.bring(event)

    def _report(self, event: port.Event) -> None:
        """An event of our own making."""
        if self._courier is not None:
            self._courier.bring(event, numbered=False)

    def _died(self) -> None:
        """The world's process is gone: every line is closed until it is back."""
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

    async def forget_people(self, names: Sequence[str]) -> None:
        """Drop every trace of these numbers and ids; raises `PairingRefused` when the world is away."""
        await self._ask("forget_people", list(names))

    async def is_linked(self, device: port.DeviceRef) -> bool:
        """Whether the world knows a link of this device."""
        return bool(await self._ask("is_linked", device))

    async def check_numbers(self, device: port.DeviceRef, phones: list[str]) -> list[port.NumberStatus]:
        """Whether these numbers are on WhatsApp; `NotPaired` when the device has no open line."""
        found: list[port.NumberStatus] = await self._ask("check", device, phones)
        return found

    async def simulate(self, device: port.DeviceRef, action: port.SimulatorAction) -> dict[str, str]:
        """Make something happen in the world; `PairingRefused` says why it cannot."""
        if action.action in ("scan", "online"):
            self._opened[device.device_id] = device
        done: dict[str, str] = await self._ask("simulate", device, action)
        return done

    # ------------------------------------------------------------------ sending

    async def send(self, device: port.DeviceRef, to: port.Address, content: port.Content, *, ref: str) -> port.Verdict:
        """Send one message; whatever was not foreseen may have left, so it is unconfirmed."""
        if self._is_closing:
            return port.DeviceLost(None, "The simulator is closing.")
        try:
            future = self._line.ask("send", _shipment(device, to, content, ref))
        except lines.LineDown:
            return port.DeviceLost(self._clock.now() + timedelta(seconds=1), "The simulator is starting again.")
        except Exception:
            log.exception("simulator.send_failed", device=device.device_id)
            return port.Unconfirmed("The question may have left.")
        return await self._landed(device, future)

    async def _landed(self, device: port.DeviceRef, future: "asyncio.Future[Any]") -> port.Verdict:
        self._flying.append((self._clock.monotonic() + ANSWER_TIMEOUT, future))
        self._is_flying.set()
        try:
            verdict: port.Verdict = await future
        except lines.LineCut:
            return port.Unconfirmed("The simulator ended before it answered.")
        except TimeoutError:
            self._note_timeout(device.device_id)
            return port.Unconfirmed("No answer in time.")
        except Exception:
            log.exception("simulator.send_failed", device=device.device_id)
            return port.Unconfirmed("The answer could not be read.")
        self._timeouts.pop(device.device_id, None)
        return verdict

    def _note_timeout(self, device_id: str) -> None:
        """Two in a row: the client is silent, whatever its flags say."""
        count = self._timeouts[device_id] = self._timeouts.get(device_id, 0) + 1
        if count >= TIMEOUTS_UNTIL_SUSPECT:
            self._timeouts.pop(device_id)
            at = self._clock.now()
            event_id = f"{device_id}:silent:{at.timestamp()}"
            self._report(port.Silent(device_id=device_id, event_id=event_id, at=at, seq=self._last_seq))

    def _drop_answered(self) -> None:
        while self._flying and self._flying[0][1].done():
            self._flying.popleft()

    async def _sweep(self) -> None:
        """All sends have the same deadline, so the oldest is always first."""
        while True:
            await self._is_flying.wait()
            await self._clock.sleep(0.25)
            now = self._clock.monotonic()
            while self._flying and (self._flying[0][1].done() or self._flying[0][0] <= now):
                _, future = self._flying.popleft()
                if not future.done():
                    future.set_exception(TimeoutError())
            if not self._flying:
                self._is_flying.clear()


def _look(future: "asyncio.Future[Any]") -> None:
    """An outcome nobody waits for: refusals and a cut line are told by events."""
    if not future.cancelled():
        future.exception()


def _shipment(device: port.DeviceRef, to: port.Address, content: port.Content, ref: str) -> Shipment:
    """What the world may know of a message: a hash instead of the body."""
    digest = hashlib.blake2b(content.text.encode(), digest_size=16)
    if content.media is not None:
        digest.update(b"\x00" + content.media.data)
    is_empty = not content.text and content.media is None
    return Shipment(
        device_id=device.device_id,
        token=device.token,
        phone=to.phone,
        opaque=to.opaque,
        ref=ref,
        body="" if is_empty else digest.hexdigest(),
        mime=content.media.mime if content.media else None,
        size=len(content.media.data) if content.media else 0,
    )
