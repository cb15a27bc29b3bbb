"""People for tests of messages: they consent, opt out, write, are held."""

from datetime import timedelta

from hantar.consent import model as consents, service as consent
from hantar.kit import db
from hantar.outbox import service
from hantar.persons import service as persons
from tests.fleet import Fleet

AGREED = "Yes, send me offers."
STOP = consents.OptOut(consents.OptOutReason.STOP, consents.OptOutSource.KEYWORD, text="stop")


async def person(fleet: Fleet, phone: str) -> str:
    """The person behind a number."""
    async with fleet.db.transaction(fleet.workspace) as tx:
        return await persons.at_phone(tx, fleet.workspace, phone)


async def opt_out(fleet: Fleet, phone: str, asked: consents.OptOut = STOP) -> None:
    """This person hears nothing more."""
    async with fleet.db.transaction(fleet.workspace) as tx:
        await service.opt_out(tx, fleet.workspace, await persons.at_phone(tx, fleet.workspace, phone), asked)


async def give(tx: db.Tx, workspace_id: str, who: str, purpose: consents.Purpose = "marketing", wording: str = AGREED) -> None:
    """A consent of yesterday, on paper."""
    given = consents.Given(purpose, wording, "paper", await tx.now() - timedelta(days=1), business_name="Alice's Bakery")
    await consent.give(tx, workspace_id, [who], given)


async def agree(fleet: Fleet, phone: str, purpose: consents.Purpose = "marketing", wording: str = AGREED) -> str:
    """This person consents; returns the row's id."""
    async with fleet.db.transaction(fleet.workspace) as tx:
        who = await persons.at_phone(tx, fleet.workspace, phone)
        await give(tx, fleet.workspace, who, purpose, wording)
        return str(await tx.fetchval("SELECT id FROM consents WHERE person_id = $1 ORDER BY id DESC LIMIT 1", who))


async def write_in(fleet: Fleet, device: str, phone: str, ago: timedelta = timedelta(hours=1)) -> None:
    """This person wrote to a device some time ago."""
    async with fleet.db.transaction(fleet.workspace) as tx:
        who = await persons.at_phone(tx, fleet.workspace, phone)
        sql = """INSERT INTO chats AS c (workspace_id, device_id, person_id, first_in_at, last_in_at) VALUES ($1, $2, $3, $4, $4)
                 ON CONFLICT (workspace_id, device_id, person_id) DO UPDATE SET last_in_at = $4"""
        await tx.execute(sql, fleet.workspace, device, who, await tx.now() - ago)


async def hold(fleet: Fleet, phone: str) -> str:
    """A "please stop" of this person waits for a decision; returns the hold's id."""
    async with fleet.db.transaction(fleet.workspace) as tx:
        made = await consent.hold(tx, fleet.workspace, await persons.at_phone(tx, fleet.workspace, phone), "intent")
        return str(made)


async def release(fleet: Fleet, hold_id: str) -> None:
    """Somebody lets the person go again."""
    async with fleet.db.transaction(fleet.workspace) as tx:
        sql = "UPDATE holds SET ended_at = $2, outcome = 'released', reason = 'all is well' WHERE id = $1"
        await tx.execute(sql, hold_id, await tx.now())
