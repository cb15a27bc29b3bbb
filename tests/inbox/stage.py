"""What the tests of this room share: a device without a fleet, events as a driver brings them, and questions to the tables."""

from datetime import datetime
from typing import Any

from hantar.accounts.model import Caller
from hantar.gateways import port
from hantar.kit import db
from hantar.kit.ids import new_id

ANN, BEN = "60123450001", "60123450002"
LID = "77001122334455@lid"


async def add_device(database: db.Database, caller: Caller, **columns: Any) -> str:
    """A simulated device that is online; nobody sends from it."""
    async with database.transaction(caller.workspace_id) as tx:
        row = {
            "workspace_id": caller.workspace_id,
            "id": new_id(),
            "name": "Counter",
            "driver": "simulator",
            "is_linked": True,
            "state": "online",
            "state_since": await tx.now(),
            "created_at": await tx.now(),
            "updated_at": await tx.now(),
            **columns,
        }
        marks = ", ".join(f"${n}" for n in range(1, len(row) + 1))
        await tx.execute(f"INSERT INTO devices ({', '.join(row)}) VALUES ({marks})", *row.values())
    return str(row["id"])


def said(
    device: str, text: str, at: datetime, *, phone: str | None = ANN, lid: str | None = None, wire: str = "", **more: Any
) -> port.MessageReceived:
    """A message as a driver brings it."""
    wire = wire or f"W:{phone}:{lid}:{text}:{at.timestamp()}"
    return port.MessageReceived(
        device_id=device, event_id=wire, at=at, sender=port.Address(phone, lid), wire_id=wire, text=text, **more
    )


def linked(device: str, at: datetime, phone: str = ANN, lid: str = LID) -> port.IdentityLinked:
    """The service says whose opaque id that is."""
    return port.IdentityLinked(device_id=device, event_id=f"id:{lid}:{phone}", at=at, phone=phone, opaque=lid)


async def ask(database: db.Database, caller: Caller, sql: str, *values: Any) -> list[dict[str, Any]]:
    """Rows of the caller's workspace."""
    async with database.transaction(caller.workspace_id) as tx:
        return [dict(row) for row in await tx.fetch(sql, *values)]


async def count(database: db.Database, caller: Caller, table: str) -> int:
    """How many rows of a table the workspace has."""
    return len(await ask(database, caller, f"SELECT 1 FROM {table}"))
