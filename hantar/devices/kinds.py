"""The kinds of devices there are here, and those that are set up by a number id and a token instead of a pairing.

The service is asked before anything is stored: what does not work there is never kept. The token goes into the device's sealed
keep and nowhere else.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from hantar.accounts import access
from hantar.audit import service as audit
from hantar.devices import model, numbers, service
from hantar.devices.keeper import Keeper
from hantar.gateways import port
from hantar.gateways.credentials import CheckedNumber, Credentials, CredentialsRefused, HasCredentials, ServiceAway
from hantar.gateways.keeping import Keeps, Unreadable
from hantar.gateways.port import DeviceState as S
from hantar.kit import db, errors, phone, quota

log = structlog.get_logger(__name__)

CHECKS = quota.per_minutes(20, 10, "check-credentials")
"""A person tries a few tokens; whoever tries many is guessing (our own number)."""

_ID = re.compile(r"[0-9]{4,32}")
_TOKEN = re.compile(r"[\x21-\x7e]{8,1000}")
_UNMOVED = model.HELD | {S.STOPPED, S.ONLINE}
"""A new token lifts no ban and no restriction, opens no line that a person closed, and moves nothing that works."""


class NoCredentials(errors.Conflict):
    """This device has no number id and token yet. Give it both first."""

    code = "no_credentials"


class CredentialsEnded(errors.Conflict):
    """WhatsApp's service does not accept this device's token any more."""

    code = "credentials_ended"


class GivesNoAnswer(errors.Unavailable):
    """WhatsApp's service gave no usable answer, so nothing was changed. Try again in a moment."""

    code = "service_away"


@dataclass(frozen=True, slots=True)
class Given:
    """What a person typed or pasted; None where they left a field out."""

    number_id: str | None
    token: str | None
    business_id: str | None = None


def read(given: Given, known: numbers.Number | None = None) -> Credentials:
    """What was pasted, without what paste brings along; ids left out stay as known. Raises `Invalid` naming each wrong field."""
    number_id = _squeezed(given.number_id) or (known.number_id if known else "")
    business_id = _squeezed(given.business_id) or (known.business_id if known else None)
    token = re.sub(r"(?i)^bearer\s+", "", (given.token or "").strip()).strip("\"'")
    wrong = []
    if not _ID.fullmatch(number_id):
        wrong.append(_field("number_id", number_id, "Give the number's id: digits only, not the phone number itself."))
    if not _TOKEN.fullmatch(token):
        wrong.append(_field("token", token, "Give the access token whole, as one piece without spaces."))
    if business_id and not _ID.fullmatch(business_id):
        wrong.append(_field("business_id", business_id, "The id of the business account is digits only. It may be left empty."))
    if wrong:
        raise errors.Invalid(errors=wrong)
    return Credentials(number_id, token, business_id or None)


def _squeezed(text: str | None) -> str:
    return re.sub(r"[\s\u200b-\u200f\ufeff-]", "", text or "")


def _field(name: str, value: str, message: str) -> errors.FieldError:
    return errors.FieldError(name, "bad_format" if value else "required", message)


@dataclass(frozen=True, slots=True)
class Kinds:
    """Acts on devices with credentials. `keeps`: where each kind of driver's secrets are, by its name."""

    db: db.Database
    keeper: Keeper
    keeps: Callable[[str], Keeps]

    async def check(self, workspace_id: str, driver: str, given: Credentials) -> CheckedNumber:
        """Ask the service; raises `Invalid` on the wrong field, `GivesNoAnswer`, `NotSupported` for other kinds of devices."""
        asked: object = self.keeper.driver_named(driver)
        if not isinstance(asked, HasCredentials):
            raise model.NotSupported("Devices of this kind have no number id and token.")
        self.keeper.quota.take(CHECKS, workspace_id)
        try:
            return await asked.check(given)
        except CredentialsRefused as error:
            raise errors.invalid_field(error.field, "refused_by_service", str(error)) from error
        except ServiceAway as error:
            log.info("credentials.not_checked", driver=driver, why=str(error))
            raise GivesNoAnswer from error

    async def add(self, workspace_id: str, new: service.New, given: Credentials) -> model.Device:
        """Add a device whose credentials the service takes, and open its line."""
        keeps = self._keeps(new.driver)
        found = await self.check(workspace_id, new.driver, given)
        async with self.db.transaction(workspace_id) as tx:
            made = await service.create(tx, workspace_id, new)
            await numbers.keep(tx, made, given, found)
        await keeps.save(made.id, given.packed())
        return await self._opened(made, found)

    async def replace(self, device: model.Device, given: Given, by: audit.Actor) -> model.Device:
        """Other credentials for the same number; raises `PhoneDiffers` for those of another one."""
        keeps = self._keeps(device.driver)
        async with self.db.transaction(device.workspace_id) as tx:
            known = (await numbers.of(tx, [device.id])).get(device.id)
        read_ = read(given, known)
        found = await self.check(device.workspace_id, device.driver, read_)
        if device.is_linked and phone.canonical(found.phone) != phone.canonical(device.phone or ""):
            raise model.PhoneDiffers("These credentials belong to another number. Add that number as a device of its own.")
        async with self.db.transaction(device.workspace_id) as tx:
            await numbers.keep(tx, device, read_, found)
            sides = [{"number_id": known.number_id} if known else None, {"number_id": read_.number_id}]
            thing = audit.Thing("device", device.id)
            await audit.record(tx, device.workspace_id, by, "device.credentials_changed", thing, before=sides[0], after=sides[1])
        await keeps.save(device.id, read_.packed())
        return await self._opened(device, found)

    async def check_again(self, device: model.Device) -> numbers.Number:
        """What the service says about the number now, by the credentials it has; raises `NoCredentials`, `CredentialsEnded`."""
        try:
            data = await self._keeps(device.driver).load(device.id)
        except Unreadable as error:
            log.warning("credentials.unreadable", device=device.id)
            raise NoCredentials("What is kept about this device does not open any more. Give it its token again.") from error
        if data is None:
            raise NoCredentials
        given = Credentials.of(data)
        try:
            found = await self.check(device.workspace_id, device.driver, given)
        except errors.Invalid as error:
            raise CredentialsEnded(error.errors[0].message) from error
        async with self.db.transaction(device.workspace_id) as tx:
            await numbers.keep(tx, await service.find(tx, device.id, lock=True), given, found)
            return (await numbers.of(tx, [device.id]))[device.id]

    def _keeps(self, driver: str) -> Keeps:
        caps = self.keeper.caps_of(driver)
        if caps is None or not caps.credentials:
            raise model.NotSupported("Devices of this kind have no number id and token.")
        return self.keeps(driver)

    async def _opened(self, device: model.Device, found: CheckedNumber) -> model.Device:
        """The device linked to the number, its line opened with what is kept now."""
        async with self.db.transaction(device.workspace_id) as tx:
            device = await _linked(tx, await service.find(tx, device.id, lock=True), found)
        if device.wanted is model.Wanted.CONNECTED:
            await self.keeper.close_line(device)
            await self.keeper.open(device)
        return device


def of(at: access.At) -> Kinds:
    """The part that app.py built; an installation without such kinds has none."""
    found = at.part(Kinds)
    if found is None:
        raise model.NotSupported("Devices of this kind have no number id and token.")
    return found


async def _linked(tx: db.Tx, device: model.Device, found: CheckedNumber) -> model.Device:
    if device.state in _UNMOVED:
        return device
    now, jid = await tx.now(), f"{found.phone}@s.whatsapp.net"
    event = port.PairSucceeded(device_id=device.id, event_id=f"credentials:{now}", at=now, phone=found.phone, jid=jid)
    change = model.after(device, event, now)
    if change is None:
        return device
    await service.observe(tx, device, change, event)
    return change.device
