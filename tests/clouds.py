"""A fleet whose devices are numbers of our own Cloud API: the real driver over real HTTP, webhooks kept and worked off."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from hantar.devices import secrets
from hantar.gateways import port
from hantar.gateways.cloud import driver as cloud_driver, service
from hantar.gateways.credentials import Credentials
from hantar.hooks import model as hooks_model, service as hook_service
from hantar.kit import ids, upstream
from hantar.outbox import model as outbox, queue
from hantar.templates import service as templates
from tests.conftest import KEY
from tests.fleet import Eager, Fleet
from tests.gateways.cloud import fake

BUSINESS = "9001"


@dataclass
class CloudFleet:
    """A fleet beside whose simulated devices stand numbers of the Cloud API."""

    fleet: Fleet
    cloud: fake.FakeCloud
    driver: cloud_driver.CloudDriver = field(init=False)
    hooks: hook_service.Hooks = field(init=False)

    async def start(self) -> None:
        """Bring the service up; the engine reaches both worlds."""
        base = await self.cloud.start()
        self.cloud.now = lambda: int(self.fleet.clock.now().timestamp())  # type: ignore[method-assign] # one clock for both
        self.keeps = secrets.of(self.fleet.db, KEY)("cloud")
        self.driver = cloud_driver.CloudDriver(service.Service(upstream.Upstream(base), "v25.0"), self.keeps, self.fleet.clock)
        await self.driver.start(self.sink)
        keys = hooks_model.Keys(self.cloud.secret, "token")
        self.hooks = hook_service.Hooks(self.fleet.db, self.driver, keys, self.fleet.clock)
        drivers = {"simulator": self.fleet.driver, "cloud": self.driver}
        engine = Eager(self.fleet.db, drivers, self.fleet.bus, self.fleet.clock, node=ids.new_id(), random=lambda: 0.5)
        self.fleet.engine = engine
        await self.fleet.start()

    async def sink(self, event: port.Event) -> None:
        """Where events go in the program, without the keeper: devices of tests are online as they are."""
        if isinstance(event, port.TemplateStatus):
            await templates.take(self.fleet.db, event)
        else:
            await self.fleet._sink(event)

    async def resume(self) -> None:
        """Three lost replies in a row set a device aside; a person lets it go on."""
        sql = "UPDATE devices SET sending_paused = false, pause_reason = NULL, errors_in_a_row = 0 WHERE sending_paused"
        await self.fleet.sql(sql)

    async def close(self) -> None:
        """Leave nothing running."""
        await self.driver.close(timedelta())
        await self.fleet.close()
        await self.cloud.stop()

    async def add(self, business_id: str = BUSINESS) -> str:
        """A number with its credentials, online."""
        (device,) = await self.fleet.add_devices(1)
        number = self.cloud.add(str(1000 + len(self.cloud.numbers)), f"token-{device}", business_id=business_id)
        await self.fleet.set_device(device, driver="cloud")
        sql = (
            "INSERT INTO cloud_numbers (workspace_id, device_id, number_id, business_id, checked_at) VALUES ($1, $2, $3, $4, $5)"
        )
        about = self.fleet.workspace, device, number.number_id, business_id, self.fleet.clock.now()
        await self.fleet.sql(sql, *about)
        await self.keeps.save(device, Credentials(number.number_id, number.token, business_id).packed())
        await self.driver.open(port.DeviceRef(device, 0, number.phone))
        async with asyncio.timeout(10):
            while device not in self.driver._standing.lines:
                await asyncio.sleep(0.001)
        return device

    async def rules(self, **changes: object) -> None:
        """Numbers of the workspace for Cloud numbers that hold nothing up, and these."""
        fast = {"device_per_minute": 6000, "device_gap": 0, "consent_mode": "mark", "quiet_start": 0, "quiet_end": 1440}
        sql = """INSERT INTO policies (workspace_id, version, values, reason, at)
                 SELECT $1, 1 + count(*), $2, 'For the test.', $3 FROM policies WHERE workspace_id = $1"""
        await self.fleet.sql(sql, self.fleet.workspace, {"cloud": {**fast, **changes}}, self.fleet.clock.now())

    async def hears(self, device: str, phone: str) -> None:
        """A person wrote to a number just now: its window is open."""
        sql = """INSERT INTO chats (workspace_id, device_id, person_id, first_in_at, last_in_at) VALUES ($1, $2, $3, $4, $4)
                 ON CONFLICT (workspace_id, device_id, person_id) DO UPDATE SET last_in_at = $4"""
        await self.fleet.sql(sql, self.fleet.workspace, device, await self.fleet.person(phone), self.fleet.clock.now())

    async def enqueue(self, device: str, phones: list[str], *, source: str | None = None) -> list[str]:
        """Queue one message of a campaign by the template `plain` to each number; returns their ids."""
        made = await self.fleet.enqueue(device, phones, source=source)
        async with self.fleet.db.transaction(self.fleet.workspace) as tx:
            content = await queue.add_content(tx, self.fleet.workspace, "Hello", None, outbox.Approved("plain", "en"))
            await tx.execute("UPDATE messages SET content_id = $1 WHERE id = ANY($2::uuid[])", content, made)
        if not any(each["name"] == "plain" for each in self.cloud.templates.get(BUSINESS, [])):
            self.template("plain", "Hello")
        return made

    async def run(self, seconds: float, step: float = 0.1) -> None:
        """Let time pass with the engine at work; each answer of the service is waited for."""
        fleet = self.fleet
        for n in range(round(seconds / step)):
            if n % 5 == 0:
                await fleet.engine.leases.beat()
            await fleet.engine.tick()
            async with asyncio.timeout(20):
                while fleet.engine.sender.flights:
                    await asyncio.sleep(0.001)
            await fleet.clock.advance(step)
            await fleet.engine.flush()
            await fleet.intake.flush()

    async def calls(self, *, doubled: float = 0.0) -> None:
        """Everything the service reports, shuffled, a share of it twice, kept and worked off."""
        for body in self.cloud.calls_of(doubled=doubled):
            await self.hooks.keep(body)
        async with asyncio.timeout(60):
            working = asyncio.create_task(self._work())
            while not working.done():
                await self.fleet.intake.flush()
                await asyncio.sleep(0.001)
        await working

    async def _work(self) -> None:
        while await self.hooks.work():
            pass

    def template(self, name: str = "offer", body: str = "Hello {{1}}, 10 % off until {{2}}.", **more: object) -> None:
        """An approved template of the account."""
        parts = [{"type": "BODY", "text": body}]
        if header := more.pop("header", None):
            parts.append({"type": "HEADER", "format": str(header)})
        made = {"id": name, "name": name, "language": "en", "status": "APPROVED", "category": "MARKETING", "components": parts}
        self.cloud.templates.setdefault(BUSINESS, []).append({**made, **more})
