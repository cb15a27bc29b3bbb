"""The rig of the Cloud API: our own fake service over real HTTP on this machine, its webhooks signed, checked and taken."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from hantar.gateways import keeping, outcomes, port
from hantar.gateways.cloud import driver, service, webhooks
from hantar.gateways.credentials import Credentials
from hantar.kit import clock, upstream
from tests.contract import rigs
from tests.gateways.cloud import fake

VERSION = "v25.0"
FILES = {
    "image": ("image/png", b"\x89PNG\r\n\x1a\n" * 20_000),
    "video": ("video/mp4", b"\x00\x00\x00\x18ftypisom" * 20_000),
    "audio": ("audio/ogg; codecs=opus", b"OggS" * 100),
    "document": ("application/pdf", b"%PDF-1.7 " * 100),
}
"""What people send: type and bytes by kind."""


class CloudRig(rigs.Rig):
    """A started driver, the service it talks to, and devices by the ids of their numbers."""

    driver: driver.CloudDriver
    cloud: fake.FakeCloud

    def __init__(self, made: driver.CloudDriver, cloud: fake.FakeCloud, keeps: keeping.Keeps, time: clock.Clock) -> None:
        super().__init__(made, time)  # type: ignore[arg-type] # the port's driver is all it uses
        self.cloud, self.keeps = cloud, keeps
        self.many = Together(self)
        self.places: dict[str, list[str]] = {}

    def holds(self, device_id: str, given: Credentials) -> port.DeviceRef:
        """A device with these credentials, not yet opened."""
        self.keeps._kept[device_id] = given.packed()  # type: ignore[attr-defined] # what a person typed in
        self.places.setdefault(given.number_id, []).append(device_id)
        self.places.setdefault(given.business_id or "", []).append(device_id)
        return port.DeviceRef(device_id, 0, "60111111111")

    async def linked(self, name: str = "device-1") -> port.DeviceRef:
        """A device with credentials that the service takes, online."""
        number_id = str(1000 + len(self.cloud.numbers))
        number = self.cloud.add(number_id, f"token-of-{name}")
        device = self.holds(name, Credentials(number_id, number.token, number.business_id))
        await self.pairs(device)
        return device

    async def pairs(self, device: port.DeviceRef) -> None:
        """Give it its credentials again, as a person does, and wait until it is online."""
        number, lines = self.number_of(device), len(self.seen(port.Connected, device.device_id))
        given = Credentials(number.number_id, number.token, number.business_id)
        await self.keeps.save(device.device_id, given.packed())
        await self.driver.open(device)
        await self.until(lambda: len(self.seen(port.Connected, device.device_id)) > lines)

    def number_of(self, device: port.DeviceRef) -> fake.Number:
        """The number behind a device."""
        return next(self.cloud.numbers[each] for each, ids in self.places.items() if device.device_id in ids and each != "9001")

    async def take(self, body: bytes, signature: str) -> None:
        """One webhook call, as the program takes it: again until it is taken."""
        assert webhooks.is_signed(body, signature, self.cloud.secret)
        payload = json.loads(body)
        places = {name: self.places[name] for name in webhooks.names_in(payload) if name in self.places}
        for _ in range(10):
            try:
                await self.driver.take_hook(payload, places)
            except ConnectionError:
                await asyncio.sleep(0.01)
            else:
                return

    async def does(self, device: port.DeviceRef, action: str, **more: Any) -> dict[str, str]:
        """Make something happen at the service."""
        cloud, number = self.cloud, self.number_of(device)
        extra = more.get("extra", {})
        match action:
            case "rate_limit":
                cloud.fails("code", 130429, times=-1, number_id=number.number_id)
            case "reject":
                cloud.fails("code", 131026, number_id=number.number_id, to=more["phone"])
            case "reject_late":
                cloud.fails("late", 131026, number_id=number.number_id)
            case "lose_ack":
                cloud.fails("half", times=-1, number_id=number.number_id, effect=True)
            case "silent":
                cloud.fails("silent", times=-1, number_id=number.number_id, effect=True)
            case "inbound":
                self._inbound(number, extra.get("quoted", ""), **more)
            case "sent_elsewhere":
                echo = {
                    "from": number.phone,
                    "to": more["phone"],
                    "id": "wamid.ECHO",
                    "timestamp": str(cloud.now()),
                    "type": "text",
                }
                cloud.said(number.number_id, "smb_message_echoes", message_echoes=[echo | {"text": {"body": "From the app"}}])
            case "ban":
                cloud.said_of_account(
                    number.business_id, "account_update", event="DISABLED_UPDATE", ban_info={"waba_ban_state": "DISABLE"}
                )
            case _:
                raise AssertionError(f"the Cloud API has no {action}")
        return {}

    def _inbound(self, number: fake.Number, quoted: str, **more: Any) -> None:
        opaque, phone = more.get("opaque"), more["phone"]
        if kind := more.get("extra", {}).get("media"):
            self.cloud.sends_file(number.number_id, phone, kind, *FILES[kind])
            return
        if opaque is None:
            self.cloud.writes(number.number_id, phone=phone, text=more["text"], quoted=quoted)
            return
        self.cloud.writes(number.number_id, opaque=opaque, text=more["text"])
        # later a delivery names both, which says who it was
        self.cloud.people[phone] = fake.Person(opaque=opaque)
        self.cloud.status(number, fake.Sent(number.number_id, phone, "", "wamid.EARLIER", {}), "delivered")

    async def close(self) -> None:
        """Close the driver and the service."""
        await super().close()
        await self.cloud.stop()


class Together(rigs.Many):
    """A sink that takes batches of several webhook calls side by side, as the program's does."""

    async def take_many(self, events: Sequence[port.Event]) -> None:
        """Takes outcomes."""
        assert events
        assert all(isinstance(each, outcomes.KINDS) for each in events)
        await self._rig.time.sleep(0.01)
        self._rig._take(events)
        self.batches.append(list(events))


async def start(**options: Any) -> CloudRig:
    """The driver and the service beside us, in real time."""
    cloud = fake.FakeCloud(people={rigs.person(lambda who: not who.exists): fake.Person(exists=False)}, **options)
    base = await cloud.start()
    keeps, time = keeping.Nowhere(), clock.SystemClock()
    rig = CloudRig(driver.CloudDriver(service.Service(upstream.Upstream(base), VERSION), keeps, time), cloud, keeps, time)
    cloud.deliver = rig.take
    await rig.driver.start(rig.many)
    return rig
