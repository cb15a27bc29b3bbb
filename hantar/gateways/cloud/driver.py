"""The Cloud API as a driver: plain HTTP to the official service, outcomes by webhook. Nothing is repeated by itself.

A number needs no line: `open` asks the service whether it knows the number and takes the token, and says so by events.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from hantar.gateways import courier, keeping, media, outcomes, port
from hantar.gateways.cloud import bodies, codes, files, numbers, service, standing, templates, webhooks
from hantar.gateways.credentials import CheckedNumber, Credentials, CredentialsRefused, ServiceAway
from hantar.kit import errors, phone, upstream
from hantar.kit.clock import Clock

log = structlog.get_logger(__name__)

CAPS = port.Capabilities(
    credentials=True,
    echoes_ref=True,
    inbound=True,
    media=True,
    files=frozenset({"image", "video", "audio", "document"}),
    templates=True,
    send_timeout=timedelta(seconds=2 * upstream.CONNECT + service.UPLOAD + service.ANSWER),
)
PEOPLE = 50_000
"""Pairs of a number and an id that were told already, so that each delivery does not tell them again."""


class CloudDriver:
    """A driver over the Cloud API. `send` never raises."""

    name = "cloud"

    def __init__(self, calls: service.Service, keeps: keeping.Keeps, clock: Clock) -> None:
        self.caps = CAPS
        self._calls, self._keeps, self._clock = calls, keeps, clock
        self._standing = standing.Standing()
        self._files = files.Files(calls, clock)
        self._sink: port.EventSink | None = None
        self._courier: courier.Courier | None = None
        self._opening: dict[str, asyncio.Task[None]] = {}
        self._looks: set[asyncio.Task[None]] = set()
        self._flying: set[asyncio.Timeout] = set()
        self._landed = asyncio.Event()
        self._told: dict[str, None] = {}
        self._seq = 0
        self._is_closing = False

    async def start(self, sink: port.EventSink) -> None:
        """Begin to report; nothing is connected before `open`."""
        self._sink = sink
        self._courier = courier.Courier(sink, lambda _seq: None, self._clock)

    async def close(self, grace: timedelta) -> None:
        """Take no more; what is in flight gets the grace, then it counts as unconfirmed."""
        self._is_closing = True
        end = self._clock.monotonic() + grace.total_seconds()
        for task in (*self._opening.values(), *self._looks):
            task.cancel()
        while self._flying and self._clock.monotonic() < end:
            self._landed.clear()
            await self._clock.wait(self._landed, end - self._clock.monotonic())
        now = asyncio.get_running_loop().time()
        for scope in self._flying:
            scope.reschedule(now)
        while self._flying:
            self._landed.clear()
            await self._landed.wait()
        if self._courier is not None:
            await self._courier.close(max(0.0, end - self._clock.monotonic()))
        await self._files.close()
        await self._calls.close()

    # ------------------------------------------------------------------ lines

    def _named(self, device_id: str, what: str) -> dict[str, Any]:
        """The fields of an event of our own making."""
        self._seq += 1
        at = self._clock.now()
        return {
            "device_id": device_id,
            "event_id": f"{device_id}:{what}:{at.timestamp()}:{self._seq}",
            "at": at,
            "seq": self._seq,
        }

    def _report(self, event: port.Event) -> None:
        if self._courier is not None:
            self._courier.bring([event], numbered=False)

    async def open(self, device: port.DeviceRef) -> None:
        """Ask the service about the number; the outcome comes as events."""
        self._stop_opening(device.device_id)
        task = asyncio.create_task(self._open(device), name="cloud open")
        self._opening[device.device_id] = task
        task.add_done_callback(lambda done: self._opened(device.device_id, done))

    def _opened(self, device_id: str, task: "asyncio.Task[None]") -> None:
        if self._opening.get(device_id) is task:
            del self._opening[device_id]

    def _stop_opening(self, device_id: str) -> None:
        if (task := self._opening.pop(device_id, None)) is not None:
            task.cancel()

    async def _open(self, device: port.DeviceRef) -> None:
        given = await self._given(device.device_id)
        if given is None:
            return
        try:
            found = await numbers.ask(self._calls, given)
        except numbers.Lost as error:
            self._standing.close(device.device_id)
            log.warning("cloud.refused", device=device.device_id, why=error.why)
            self._report(port.Refused(**self._named(device.device_id, "refused"), why=error.why))
        except ServiceAway as error:
            log.info("cloud.away", device=device.device_id, why=str(error))
            self._report_away(device.device_id, "no_network")
        else:
            self._standing.open(device.device_id, given)
            self._report_open(device, found)

    async def _given(self, device_id: str) -> Credentials | None:
        """The credentials; None after it has been reported what is wrong with them."""
        try:
            data = await self._keeps.load(device_id)
            if data is not None:
                return Credentials.of(data)
        except errors.Unavailable:
            self._report_away(device_id, "gateway_restart")
            return None
        except (ValueError, keeping.Unreadable):
            log.warning("cloud.credentials_unreadable", device=device_id)
        self._report(port.Refused(**self._named(device_id, "refused"), why="no_credentials"))
        return None

    def _report_away(self, device_id: str, why: str) -> None:
        self._report(port.Disconnected(**self._named(device_id, "away"), why=why, will_retry=True))

    def _report_open(self, device: port.DeviceRef, found: CheckedNumber) -> None:
        if device.phone is None or phone.canonical(device.phone) != phone.canonical(found.phone):
            jid = f"{found.phone}@s.whatsapp.net"
            self._report(port.PairSucceeded(**self._named(device.device_id, "paired"), phone=found.phone, jid=jid))
        self._report(port.Connected(**self._named(device.device_id, "connected")))
        self._report_quality(device.device_id, found)

    def _report_quality(self, device_id: str, found: CheckedNumber) -> None:
        self._report(port.NumberQuality(**self._named(device_id, "quality"), quality=found.quality, tier=found.tier))

    async def disconnect(self, device: port.DeviceRef) -> None:
        """Send nothing for this number any more; its credentials stay."""
        self._stop_opening(device.device_id)
        self._standing.close(device.device_id)
        self._report(port.Disconnected(**self._named(device.device_id, "closed"), why="asked", will_retry=False))

    async def logout(self, device: port.DeviceRef) -> None:
        """Drop the credentials here; the service knows no such thing, a token is taken back in the business account."""
        self._stop_opening(device.device_id)
        self._standing.close(device.device_id)
        await self._keeps.drop(device.device_id)
        self._report(port.LoggedOut(**self._named(device.device_id, "out"), why="user"))

    async def forget(self, device: port.DeviceRef) -> None:
        """Drop everything kept about the device."""
        self._stop_opening(device.device_id)
        self._standing.forget(device.device_id)
        await self._keeps.drop(device.device_id)

    async def is_linked(self, device: port.DeviceRef) -> bool:
        """Whether it has credentials."""
        return await self._keeps.load(device.device_id) is not None

    async def pair_code(self, device: port.DeviceRef, phone: str) -> port.PairCode:
        """There is no pairing: always `PairingRefused`."""
        raise port.PairingRefused("A number of the Cloud API is set up by its id and a token.")

    async def check_numbers(self, device: port.DeviceRef, phones: list[str]) -> list[port.NumberStatus]:
        """The service does not say who is on WhatsApp: always `PairingRefused`."""
        raise port.PairingRefused("The Cloud API does not say who is on WhatsApp.")

    # ------------------------------------------------------------------ questions

    async def check(self, given: Credentials) -> CheckedNumber:
        """Ask the service about the number, with this token; raises `CredentialsRefused`, `ServiceAway`."""
        try:
            found = await numbers.ask(self._calls, given)
        except numbers.Lost as error:
            raise CredentialsRefused(error.words, error.field) from error
        if given.business_id:
            await numbers.ask_business(self._calls, given)
        return found

    async def templates(self, device: port.DeviceRef) -> list[templates.Listed]:
        """All templates of the device's business account, as they stand at the service now.

        Raises `CredentialsRefused` (also when the device has no business account's id), `ServiceAway`.
        """
        data = await self._keeps.load(device.device_id)
        given = Credentials.of(data) if data is not None else None
        if given is None or not given.business_id:
            raise CredentialsRefused("Give this device the id of its business account first.", "business_id")
        return await numbers.ask_templates(self._calls, given)

    async def fetch_media(self, device: port.DeviceRef, ref: port.MediaRef) -> AsyncIterator[bytes]:
        """A file that somebody sent; raises `MediaGone`, `NotPaired`, or `PairingRefused` when the service is away."""
        line = self._standing.lines.get(device.device_id)
        if line is None:
            raise port.NotPaired("The line is closed.")
        if not (ref.ref.isascii() and ref.ref.isdigit()):
            raise media.MediaGone("This is no word of this driver for a file.")
        try:
            reply = await self._calls.file(ref.ref, line.given.number_id, line.given.token)
            url = reply.data.get("url") if isinstance(reply, service.Taken) else None
            if isinstance(url, str):
                async for part in self._calls.bytes_at(url, line.given.token):
                    yield part
                return
        except upstream.Missing as error:
            raise media.MediaGone(str(error)) from error
        except (upstream.NotSent, upstream.NoAnswer) as error:
            raise port.PairingRefused(f"The service cannot be reached ({error}).") from error
        if isinstance(reply, service.Refusal) and reply.code in (service.GONE, codes.INVALID):
            raise media.MediaGone
        raise port.PairingRefused("The service does not hand out files just now.")

    # ------------------------------------------------------------------ sending

    async def send(self, device: port.DeviceRef, to: port.Address, content: port.Content, *, ref: str) -> port.Verdict:
        """Send one message; whatever was not foreseen may have left, so it is unconfirmed."""
        if self._is_closing:
            return port.DeviceLost(None, "The server is closing.")
        refused = self._standing.refusal(device, self._clock.now()) or bodies.refusal(to, content)
        if refused is not None:
            return refused
        flight = _Flight()
        try:
            async with asyncio.timeout(None) as scope:
                self._flying.add(scope)
                try:
                    return await self._fly(self._standing.lines[device.device_id], to, content, ref, flight)
                finally:
                    self._flying.discard(scope)
                    self._landed.set()
        except TimeoutError:
            return flight.doubt("The server closed before the service answered.")
        except Exception:
            log.exception("cloud.send_failed", device=device.device_id)
            return flight.doubt("Something went wrong while sending; it may have arrived.")

    async def _fly(
        self, line: standing.Line, to: port.Address, content: port.Content, ref: str, flight: "_Flight"
    ) -> port.Verdict:
        brought = None
        if content.media is not None:
            found = await self._bring(line, to, content.media)
            if not isinstance(found, files.Brought):
                return found
            brought = found
        body = bodies.message(to, content, ref, brought.media_id if brought else None)
        flight.has_left = True
        try:
            reply = await self._calls.send(line.given.number_id, line.given.token, body)
        except upstream.NotSent as error:
            return port.Deferred(codes.AWAY, port.Scope.DEVICE, f"The service cannot be reached ({error}).")
        except upstream.NoAnswer as error:
            return port.Unconfirmed(f"The answer is lost ({error}); the message may have gone out.")
        verdict = self._ruled(line, to, reply)
        if brought is not None and not brought.is_fresh and _is_about_content(verdict):
            self._files.drop(brought.key)
            return port.Deferred(files.AGAIN, port.Scope.MESSAGE, "The service may no longer have the file; it is brought again.")
        return verdict

    async def _bring(self, line: standing.Line, to: port.Address, file: port.MediaBytes) -> files.Brought | port.Verdict:
        try:
            found = await self._files.bring(line, file)
        except (upstream.NotSent, upstream.NoAnswer) as error:
            return files.unbrought(error)
        if isinstance(found, files.Brought):
            return found
        verdict = self._ruled(line, to, found)
        return verdict if not isinstance(verdict, port.Unconfirmed | port.Accepted) else files.unbrought()

    def _ruled(self, line: standing.Line, to: port.Address, reply: service.Reply) -> port.Verdict:
        """The verdict of a reply, with everything else it means said where it belongs."""
        ruling = self._standing.ruling(line, to.phone or to.opaque or "", reply, self._clock.now())
        self._say(line, ruling)
        if isinstance(ruling.verdict, port.Rejected) and ruling.verdict.reason is port.Reason.OPTED_OUT:
            self._report(port.OptOut(**self._named(line.device_id, "stop"), who=to, way="stop"))
        return ruling.verdict

    def _say(self, line: standing.Line, ruling: standing.Ruling) -> None:
        """Report the numbers that were lost; look how people take one that must rest."""
        for each in ruling.lost:
            log.warning("cloud.lost", device=each.device_id, why=each.lost)
            self._report(port.Refused(**self._named(each.device_id, "refused"), why=each.lost))
        if ruling.rests and not self._is_closing:
            task = asyncio.create_task(self._look(line), name="cloud quality")
            self._looks.add(task)
            task.add_done_callback(self._looks.discard)

    async def _look(self, line: standing.Line) -> None:
        try:
            found = await numbers.ask(self._calls, line.given)
        except (numbers.Lost, ServiceAway):
            log.warning("cloud.rests", device=line.device_id, until=str(line.rest_until), quality="unknown")
            return
        log.warning("cloud.rests", device=line.device_id, until=str(line.rest_until), quality=found.quality.value)
        self._report_quality(line.device_id, found)

    # ------------------------------------------------------------------ webhooks

    async def take_hook(self, payload: Mapping[str, Any], places: webhooks.Places) -> int:
        """Bring one webhook call's events to the sink; returns how many, all of them committed.

        Raises what kept the sink from taking one: bring the same call again, whole. `places`: see `webhooks.events_of`.
        """
        if self._sink is None:
            raise errors.Unavailable("The server is starting.")
        now = self._clock.now()
        self._heed(payload, places, now)
        events = [self._numbered(each) for each in webhooks.events_of(payload, places, now) if self._is_news(each)]
        try:
            await self._hand(self._sink, events)
        except BaseException:
            for each in events:
                self._told.pop(f"{each.device_id}:{each.event_id}", None)  # it comes again
            raise
        return len(events)

    async def _hand(self, sink: port.EventSink, events: list[port.Event]) -> None:
        """Outcomes together where the sink takes them so, all else one by one."""
        late = [each for each in events if isinstance(each, outcomes.KINDS)]
        offered: object = sink
        if late and isinstance(offered, outcomes.TakesMany):
            await offered.take_many(late)
            one_by_one = [each for each in events if not isinstance(each, outcomes.KINDS)]
        else:
            one_by_one = events
        for each in one_by_one:
            await sink(each)

    def _numbered(self, event: port.Event) -> port.Event:
        self._seq += 1
        return replace(event, seq=self._seq)

    def _is_news(self, event: port.Event) -> bool:
        """That a number and an id are one person is said with every delivery, and heard once."""
        if not isinstance(event, port.IdentityLinked):
            return True
        key = f"{event.device_id}:{event.event_id}"
        if key in self._told:
            return False
        self._told[key] = None
        while len(self._told) > PEOPLE:
            del self._told[next(iter(self._told))]
        return True

    def _heed(self, payload: Mapping[str, Any], places: webhooks.Places, now: datetime) -> None:
        """What late refusals, and the service's word about an account, mean for what we send from now on."""
        for number_id, code in webhooks.failures_in(payload):
            for line in self._lines(number_id, places):
                match codes.meaning(code):
                    case codes.Lose() as lose:
                        self._say(line, standing.Ruling(port.DeviceLost(), self._standing.lose(line, lose)))
                    case codes.Rest():
                        self._say(line, standing.Ruling(port.DeviceLost(), rests=self._standing.rest(line, now)))
                    case _:
                        pass
        for business_id in webhooks.banned_in(payload):
            for line in self._lines(business_id, places):
                line.lost = line.lost or "banned"  # the event says it to everybody else

    def _lines(self, name: str, places: webhooks.Places) -> list[standing.Line]:
        return [line for each in places.get(name, ()) if (line := self._standing.lines.get(each)) is not None]


class _Flight:
    """Whether anything of a message may have left."""

    has_left = False

    def doubt(self, why: str) -> port.Verdict:
        """What to say when it did not end as it should."""
        return port.Unconfirmed(why) if self.has_left else port.Deferred(files.AGAIN, port.Scope.MESSAGE, "It was not sent yet.")


def _is_about_content(verdict: port.Verdict) -> bool:
    return isinstance(verdict, port.Rejected) and verdict.reason is port.Reason.INVALID_CONTENT
