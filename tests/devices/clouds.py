"""A service with numbers that have tokens, and a driver that reaches it as a driver of such a kind must."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from hantar.gateways import port
from hantar.gateways.credentials import CheckedNumber, Credentials, CredentialsRefused, Quality, ServiceAway
from hantar.gateways.keeping import Keeps
from hantar.kit import clock, ids

TOKEN = "EAAGm0PX4ZCpsBAtoken"
NUMBER = "106540352242922"
CAPS = port.Capabilities(credentials=True, echoes_ref=True, inbound=True, media=True, templates=True)


@dataclass
class Service:
    """What the service knows: by number id its facts, and the tokens that are good for it."""

    numbers: dict[str, CheckedNumber] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    is_away: bool = False
    asked: list[Credentials] = field(default_factory=list)

    def add(self, number_id: str = NUMBER, phone: str = "60123456789", token: str = TOKEN, **facts: object) -> None:
        """A number of a business."""
        self.numbers[number_id] = CheckedNumber(phone, "Kedai Kopi", **{"quality": Quality.GREEN, **facts})  # type: ignore[arg-type]
        self.tokens[number_id] = token


class Clouds:
    """The driver's part that devices with credentials need; whether it can send is the contract's business, not this one's."""

    name = "cloud"
    caps = CAPS

    def __init__(self, service: Service, keeps: Keeps, time: clock.FakeClock) -> None:
        self.service, self._keeps, self._clock = service, keeps, time
        self._sink: port.EventSink | None = None

    async def start(self, sink: port.EventSink) -> None:
        """Begin."""
        self._sink = sink

    async def close(self, grace: timedelta) -> None:
        """End."""

    async def check(self, given: Credentials) -> CheckedNumber:
        """What the service says."""
        self.service.asked.append(given)
        if self.service.is_away:
            raise ServiceAway("no route to the service")
        if given.number_id not in self.service.numbers:
            raise CredentialsRefused("The service knows no number with this id.", "number_id")
        if self.service.tokens[given.number_id] != given.token:
            raise CredentialsRefused("The service does not accept this token.")
        return self.service.numbers[given.number_id]

    async def open(self, device: port.DeviceRef) -> None:
        """Connected if what is kept is good, else refused."""
        data = await self._keeps.load(device.device_id)
        assert self._sink is not None
        given = Credentials.of(data) if data else None
        is_good = given is not None and self.service.tokens.get(given.number_id) == given.token
        named = {"device_id": device.device_id, "event_id": ids.new_id(), "at": self._clock.now()}
        why = "token" if given else "no_credentials"
        event = port.Connected(**named) if is_good else port.Refused(**named, why=why)  # type: ignore[arg-type]
        asyncio.ensure_future(self._sink(event))  # noqa: RUF006 as events come: later, and never awaited by who opens

    async def disconnect(self, device: port.DeviceRef) -> None:
        """Nothing is open."""

    async def logout(self, device: port.DeviceRef) -> None:
        """Drop the token."""
        await self._keeps.drop(device.device_id)

    async def forget(self, device: port.DeviceRef) -> None:
        """Drop the token."""
        await self._keeps.drop(device.device_id)

    async def is_linked(self, device: port.DeviceRef) -> bool:
        """Whether there is a token."""
        return await self._keeps.load(device.device_id) is not None
