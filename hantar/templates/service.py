"""What one can do with templates: read them from the service, hear of changes, choose one for a message."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog

from hantar.devices import keeper, model as devices, service as device_service
from hantar.gateways import port
from hantar.gateways.credentials import CredentialsRefused, ServiceAway
from hantar.kit import db, errors
from hantar.templates import model, store

log = structlog.get_logger(__name__)


async def sync(database: db.Database, kept: keeper.Keeper, workspace_id: str, device_id: str) -> int:
    """Read a device's templates from the service; returns how many there are.

    Raises `DeviceNotFound`, `NotSupported`, `Invalid` for credentials that the service refuses, `GatewayAway`.
    """
    async with database.transaction(workspace_id) as tx:
        device = await device_service.find(tx, device_id)
    check(kept, device)
    driver: object = kept.driver_of(device)
    if not isinstance(driver, model.HasTemplates):
        raise devices.NotSupported
    try:
        found = await driver.templates(port.DeviceRef(device.id, 0, device.phone))
    except CredentialsRefused as error:
        raise errors.invalid_field(error.field, "refused_by_service", str(error)) from error
    except ServiceAway as error:
        log.info("templates.not_read", device=device.id, why=str(error))
        raise devices.GatewayAway from error
    each_once = list({(each.name, each.language): each for each in found}.values())
    async with database.transaction(workspace_id) as tx:
        before = await store.statuses(tx, device.id)
        await store.replace(tx, workspace_id, device.id, each_once, await tx.now())
        await store.read_again(tx, device.id, await tx.now())
        after = {(each.name, each.language): model.status_of(each.status) for each in each_once}
        _tell_changes(tx, workspace_id, device.id, before, after)
    return len(each_once)


def check(kept: keeper.Keeper, device: devices.Device) -> None:
    """Raise `NotSupported` for a device whose kind has no templates."""
    caps = kept.caps_of(device.driver)
    if caps is None or not caps.templates:
        raise devices.NotSupported("Devices of this kind have no templates.")


Key = tuple[str, str]


def _tell_changes(tx: db.Tx, workspace_id: str, device_id: str, before: Mapping[Key, str], after: Mapping[Key, str]) -> None:
    for key in sorted(before.keys() | after.keys()):
        now = after.get(key, "deleted")
        if before.get(key, "") != now:
            _tell(tx, workspace_id, device_id, key, now)


def _tell(tx: db.Tx, workspace_id: str, device_id: str, key: Key, status: str) -> None:
    name, language = key
    tx.tell("template.status", workspace_id, device_id=device_id, template=name, language=language, status=status)


async def take(database: db.Database, event: port.TemplateStatus) -> None:
    """Write down what a driver reports about a template; returns when it is committed. Late news changes nothing."""
    async with database.system() as tx:
        workspace_id = await store.workspace_of(tx, event.device_id)
        if workspace_id is None:
            log.info("templates.event_of_unknown", device=event.device_id)
            return
        status = model.status_of(event.status)
        told = model.Told(event.name, event.language, status, event.category.lower(), event.why, event.at)
        await _noted(tx, workspace_id, event.device_id, told)


async def refused(tx: db.Tx, workspace_id: str, device_id: str, key: Key, status: str) -> None:
    """A message was refused for its template: until there is other news, it stands so."""
    name, language = key
    await _noted(tx, workspace_id, device_id, model.Told(name, language, status, "", "A message was refused.", await tx.now()))


async def _noted(tx: db.Tx, workspace_id: str, device_id: str, told: model.Told) -> None:
    news = await store.note(tx, workspace_id, device_id, told, await tx.now())
    if news is not None:
        _tell(tx, workspace_id, device_id, (told.name, told.language), news)


class Asked(Protocol):
    """A template by name and language, with the words for its places."""

    @property
    def name(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def parameters(self) -> Sequence[str]: ...


async def text_of(tx: db.Tx, device_id: str, asked: Asked, file_kind: str) -> str:
    """What a message by this template says, with these words in its places. `file_kind`: what it is to begin with, if anything.

    Raises `TemplateMissing`, `TemplatePaused`; `Invalid` for another number of words than it has places, or another file.
    """
    found = await store.find(tx, device_id, asked.name, asked.language)
    problem = model.refused(found)
    if problem is not None:
        raise problem
    assert found is not None  # noqa: S101 a missing one is a problem
    wrong = []
    if len(asked.parameters) != found.places:
        words = f"This template has {found.places} places, so it needs as many parameters; {len(asked.parameters)} were given."
        wrong.append(errors.FieldError("template.parameters", "wrong_count", words))
    if file_kind != found.header:
        words = f"This template begins with a file of the kind {found.header}." if found.header else "This template has no file."
        wrong.append(errors.FieldError("media_id", "wrong_header", words))
    if wrong:
        raise errors.Invalid(errors=wrong)
    return model.filled(found.body, asked.parameters)


async def listed(tx: db.Tx, device_id: str, after: Sequence[str] | None, limit: int) -> list[model.Template]:
    """A device's templates by name and language."""
    return await store.listed(tx, device_id, after, limit)
