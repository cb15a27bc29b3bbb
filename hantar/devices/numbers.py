"""SQL of what the service says about numbers that were set up by credentials: their ids, name, quality, tier. Nothing secret."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from hantar.devices.model import Device
from hantar.gateways import port
from hantar.gateways.credentials import CheckedNumber, Credentials, Quality
from hantar.kit import db, errors


@dataclass(frozen=True, slots=True)
class Number:
    """A number at the service; `tier` as in `credentials.CheckedNumber`."""

    device_id: str
    number_id: str
    business_id: str | None
    name: str
    quality: Quality
    tier: int | None
    checked_at: datetime


async def of(tx: db.Tx, device_ids: Collection[str]) -> dict[str, Number]:
    """What is known by device; devices of other kinds have nothing here."""
    sql = "SELECT * FROM cloud_numbers WHERE device_id = ANY($1::uuid[])"
    return {row["device_id"]: _number(row) for row in await tx.fetch(sql, list(device_ids))}


def _number(row: db.Row) -> Number:
    return Number(
        row["device_id"],
        row["number_id"],
        row["business_id"],
        row["verified_name"],
        Quality(row["quality"]),
        row["tier"],
        row["checked_at"],
    )


async def keep(tx: db.Tx, device: Device, given: Credentials, found: CheckedNumber) -> None:
    """Write down what the service said just now; raises `Invalid` when another device has this number id."""
    sql = """INSERT INTO cloud_numbers (workspace_id, device_id, number_id, business_id, verified_name, quality, tier, checked_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (workspace_id, device_id) DO UPDATE SET number_id = $3, business_id = $4, verified_name = $5,
               quality = $6, tier = $7, checked_at = $8,
               quality_since = CASE WHEN cloud_numbers.quality = $6 THEN cloud_numbers.quality_since ELSE $8 END"""
    values = given.number_id, given.business_id, found.name, found.quality.value, found.tier
    try:
        await tx.execute(sql, device.workspace_id, device.id, *values, await tx.now())
    except asyncpg.UniqueViolationError as error:
        raise errors.invalid_field("number_id", "number_taken", "Another device uses this number already.") from error
    _tell(tx, device.workspace_id, device.id, found.quality)


async def take(database: db.Database, event: port.NumberQuality) -> None:
    """Write down what a driver reports about a number; returns when it is committed. What was not said stays as it is."""
    sql = """UPDATE cloud_numbers SET quality = coalesce($2, quality), tier = coalesce($3, tier), checked_at = $4,
               quality_since = CASE WHEN coalesce($2, quality) = quality THEN quality_since ELSE $4 END
             WHERE device_id = $1 AND checked_at <= $4 RETURNING workspace_id"""
    said = event.quality.value if event.quality else None
    async with database.system() as tx:
        workspace_id = await tx.fetchval(sql, event.device_id, said, event.tier, event.at)
        if workspace_id is not None and event.quality is not None:
            _tell(tx, workspace_id, event.device_id, event.quality)


def _tell(tx: db.Tx, workspace_id: str, device_id: str, quality: Quality) -> None:
    """How people take what the number sends; campaigns with a red one stand still."""
    tx.tell("device.quality", workspace_id, device_id=device_id, quality=quality.value)
