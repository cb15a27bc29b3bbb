"""What tests of the guard have in common: people, opt-outs as the inbox notes them, restrictions as drivers tell them."""

from datetime import timedelta
from typing import Any

from hantar.audit.service import Actor
from hantar.campaigns import guard, model, service
from hantar.consent.model import OptOut, OptOutReason, OptOutSource
from hantar.devices import keeper
from hantar.gateways import port
from hantar.kit import ids
from hantar.outbox import service as outbox
from tests.fleet import Fleet

BOB = Actor(None, "Bob")
QUICK = {"min_delay_seconds": 0.1, "max_delay_seconds": 0.1}
CALMLY = {"min_delay_seconds": 1.0, "max_delay_seconds": 1.0}


async def prepare(fleet: Fleet, people: int, devices: int = 4, **columns: Any) -> list[str]:
    """So many people, shared out evenly; returns the devices."""
    made = await fleet.add_devices(devices)
    for n, device in enumerate(made):
        await fleet.add_leads(device, [f"60123{n}{number:05d}" for number in range(n, people, devices)], **columns)
    return made


async def campaign_of(fleet: Fleet, campaign_id: str) -> model.Campaign:
    async with fleet.db.transaction(fleet.workspace) as tx:
        return await service.find(tx, fleet.workspace, campaign_id)


async def opt_out(fleet: Fleet, row: Any, reason: OptOutReason = OptOutReason.STOP, campaign_id: str | None = "its own") -> None:
    """The person of a message opts out, as the inbox notes it: with the device and the campaign."""
    named = row["source_id"] if campaign_id == "its own" else campaign_id
    asked = OptOut(reason, OptOutSource.KEYWORD, device_id=row["device_id"], campaign_id=named)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await outbox.opt_out(tx, fleet.workspace, row["person_id"], asked)


async def sent(fleet: Fleet, campaign_id: str) -> list[Any]:
    return [row for row in await fleet.rows(campaign_id) if row["state"] in ("sent", "delivered", "read")]


async def run_until(fleet: Fleet, campaign_id: str, count: int) -> list[Any]:
    """Let it send so many; returns them (the last step may bring some more)."""
    for _ in range(500):
        rows = await sent(fleet, campaign_id)
        if len(rows) >= count:
            return rows
        await fleet.run(0.2)
    raise AssertionError("it did not send in time")


async def audits(fleet: Fleet, action: str) -> list[Any]:
    async with fleet.db.transaction(fleet.workspace) as tx:
        return list(await tx.fetch("SELECT * FROM audit WHERE action = $1 ORDER BY seq", action))


def signal(device_id: str, now: Any, kind: str, hours: float = 2.0) -> port.Event:
    told: dict[str, Any] = {"device_id": device_id, "event_id": ids.new_id(), "at": now}
    until = now + timedelta(hours=hours)
    if kind == "restricted":
        return port.ReachOutLocked(**told, until=until)
    if kind == "banned":
        return port.TemporaryBan(**told, until=until, code=102)
    return port.Refused(**told, why="banned")


async def restrict(fleet: Fleet, watch: guard.Guard, device_id: str, hours: float = 2.0) -> None:
    kept = keeper.Keeper(fleet.db, {"simulator": fleet.driver}, fleet.clock)
    await kept.take(signal(device_id, fleet.clock.now(), "restricted", hours))
    await watch.look()


async def resume(fleet: Fleet, campaign: str, reason: str | None = "They asked for it.") -> model.Campaign:
    async with fleet.db.transaction(fleet.workspace) as tx:
        return await service.resume(tx, fleet.workspace, campaign, reason=reason, by=BOB)
