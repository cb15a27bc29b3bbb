"""What needs both the rows and the gateway: linking, connecting, logging out, deleting, checking a number, simulating.

The wish is committed first; then the driver is asked. Its events tell what came of it.
"""

from dataclasses import dataclass
from enum import StrEnum

from hantar.devices import model, service
from hantar.devices.keeper import Keeper, ref
from hantar.gateways import port
from hantar.gateways.port import DeviceState as S
from hantar.kit import clock, db, errors, quota

QR_WAIT = 15.0
"""Seconds a request for a code may wait (api.md 4.2)."""
REFRESH_WAIT = 10.0
NUMBER_CHECKS = quota.per_minutes(20, 60, "check-number")
"""Asking WhatsApp about many numbers is what spammers do; a person needs a few (our own number)."""


class Refreshed(StrEnum):
    """What a refresh found."""

    RECONNECTED = "reconnected"
    ALREADY_ONLINE = "already_online"
    QR_REQUIRED = "qr_required"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Control:
    """Acts for one caller in one workspace."""

    db: db.Database
    clock: clock.Clock
    keeper: Keeper
    workspace_id: str

    async def _find(self, device_id: str) -> model.Device:
        async with self.db.transaction(self.workspace_id) as tx:
            return await service.find(tx, device_id)

    async def connect(self, device_id: str) -> model.Device:
        """Wish the device connected and open its line; an unlinked one shows a code."""
        async with self.db.transaction(self.workspace_id) as tx:
            device = await service.want_connected(tx, device_id)
        if device.state not in model.HAS_LINE | {S.PAIRING, S.SUSPECT}:
            await self.keeper.open(device)
        return device

    async def disconnect(self, device_id: str) -> model.Device:
        """Close the line; the link stays."""
        async with self.db.transaction(self.workspace_id) as tx:
            device = await service.want_stopped(tx, device_id)
        await self.keeper.close_line(device)
        return device

    async def logout(self, device_id: str) -> model.Device:
        """Leave the phone's linked devices; raises `GatewayAway` when that cannot be done now."""
        device = await self._find(device_id)
        try:
            await self.keeper.driver_of(device).logout(ref(device))
        except port.PairingRefused as error:
            raise model.GatewayAway from error
        async with self.db.transaction(self.workspace_id) as tx:
            device = await service.logged_out(tx, device_id)
        await self.keeper.close_line(device)
        return device

    async def delete(self, device_id: str) -> tuple[model.Device, model.Losses]:
        """Delete the device in one transaction, then unlink it at the service."""
        async with self.db.transaction(self.workspace_id) as tx:
            device, lost = await service.delete(tx, device_id)
        await self.keeper.drop(device)
        return device, lost

    async def qr(self, device_id: str) -> port.QrCode:
        """The code to scan; begins pairing if needed. Raises `AlreadyLinked`, `QrNotReady`."""
        device = await self._find(device_id)
        if device.is_linked:
            raise model.AlreadyLinked
        caps = self.keeper.driver_of(device).caps
        if not caps.pairing_qr:
            raise model.NotSupported("Devices of this kind are not linked by a QR code.")
        await self.connect(device_id)
        return await self._code(device_id, QR_WAIT)

    async def _code(self, device_id: str, seconds: float) -> port.QrCode:
        end = self.clock.monotonic() + seconds
        while (code := self.keeper.code(device_id, self.clock.now())) is None:
            left = end - self.clock.monotonic()
            if left <= 0 or not await self.keeper.changed(device_id, left):
                raise model.QrNotReady
            if (await self._find(device_id)).is_linked:
                raise model.AlreadyLinked
        return code

    async def pair_code(self, device_id: str, number: str) -> port.PairCode:
        """Eight characters to type on the phone with this number."""
        async with self.db.transaction(self.workspace_id) as tx:
            digits = await service.number(tx, self.workspace_id, number)
            device = await service.find(tx, device_id)
            if device.is_linked:
                raise model.AlreadyLinked
            device = await service.want_connected(tx, device_id)
        driver = self.keeper.driver_of(device)
        if not driver.caps.pairing_code:
            raise model.NotSupported("Devices of this kind are not linked by a code.")
        try:
            return await driver.pair_code(ref(device), digits)
        except port.PairingRefused as error:
            raise model.PairingRefused(str(error)) from error

    async def refresh(self, device_id: str) -> tuple[Refreshed, model.Device]:
        """Connect again by the stored link, if there is one; raises `BannedUntil`."""
        device = await self._find(device_id)
        if not device.is_linked:
            return Refreshed.QR_REQUIRED, device
        if device.state in model.HAS_LINE:
            return Refreshed.ALREADY_ONLINE, device
        device = await self.connect(device_id)
        end = self.clock.monotonic() + REFRESH_WAIT
        while device.is_linked and device.state not in model.HAS_LINE:
            left = end - self.clock.monotonic()
            if left <= 0 or not await self.keeper.changed(device_id, left):
                break
            device = await self._find(device_id)
            if device.state is S.OFFLINE:
                break
        if not device.is_linked:
            return Refreshed.QR_REQUIRED, device
        return (Refreshed.RECONNECTED if device.state in model.HAS_LINE else Refreshed.UNREACHABLE), device

    async def check_number(self, device_id: str, number: str) -> port.NumberStatus:
        """Whether one number is on WhatsApp."""
        async with self.db.transaction(self.workspace_id) as tx:
            device = await service.find(tx, device_id)
            digits = await service.number(tx, self.workspace_id, number)
        driver = self.keeper.driver_of(device)
        if not driver.caps.number_check:
            raise model.NotSupported("Devices of this kind cannot check numbers.")
        if device.state not in model.HAS_LINE:
            raise model.NotConnected
        self.keeper.quota.take(NUMBER_CHECKS, self.workspace_id)
        try:
            [found] = await driver.check_numbers(ref(device), [digits])
        except port.NotPaired as error:
            raise model.NotConnected from error
        except port.PairingRefused as error:
            raise model.GatewayAway from error
        return found

    async def simulate(self, device_id: str, wish: port.SimulatorAction) -> dict[str, str]:
        """Make something happen in the simulated world; raises `NotASimulator`."""
        device = await self._find(device_id)
        driver = self.keeper.driver_of(device)
        if not driver.caps.simulated or not isinstance(driver, port.Simulated):
            raise model.NotASimulator
        if wish.action == "scan" and wish.code is None and not device.is_linked:
            await self.qr(device_id)  # whoever scans looks at a code
        try:
            return await driver.simulate(ref(device), wish)
        except port.PairingRefused as error:
            raise errors.Conflict(str(error)) from error
