"""Who wrote: a number, an opaque id, or both; two entries that turn out to be one person become one, the stricter side winning.

Everyone who comes out of here is locked until the transaction ends, so that whatever follows is before or after a claim.
"""

from hantar.consent import service as consent
from hantar.gateways import port
from hantar.inbox import model, store
from hantar.jobs import service as jobs
from hantar.kit import db
from hantar.leads import merging
from hantar.outbox import queue, service as outbox
from hantar.persons import service as persons
from hantar.persons.model import Alias, AliasKind, PersonId

ROUNDS = 5
"""How often somebody may be merged away under us before we give the event back to its bringer."""


async def known(tx: db.Tx, who: port.Address) -> PersonId | None:
    """The person behind an address if we know one, locked; never makes one."""
    for _ in range(ROUNDS):
        found = await _at(tx, who)
        if found is None:
            return None
        await persons.lock(tx, [found])
        if await _at(tx, who) == found:
            return found
    raise db.Contended


async def _at(tx: db.Tx, who: port.Address) -> PersonId | None:
    key, opaque = model.key_of(who), model.opaque_of(who)
    found = await persons.at_alias(tx, Alias(AliasKind.PHONE, key)) if key else None
    if found is None and opaque:
        found = await persons.at_alias(tx, Alias(AliasKind.LID, opaque))
    return found


async def person_of(tx: db.Tx, workspace_id: str, who: port.Address) -> PersonId | None:
    """The person behind an address, made when new, locked; None for an address that names nobody."""
    key, opaque = model.key_of(who), model.opaque_of(who)
    if key and opaque:
        return await link(tx, workspace_id, key, opaque)
    for _ in range(ROUNDS):
        if key:
            found = await persons.at_phone(tx, workspace_id, key)
        elif opaque:
            found = await persons.at_opaque(tx, workspace_id, opaque)
        else:
            return None
        await persons.lock(tx, [found])
        if await _at(tx, who) == found:
            return found
    raise db.Contended


async def link(tx: db.Tx, workspace_id: str, key: str, opaque: str) -> PersonId:
    """This number (identity key) and this opaque id are one person, locked: linked, made or merged as need be.

    A link between two names that nobody has used yet is kept too: an opt-out may come by one of them and the next
    campaign go to the other.
    """
    number, lid = Alias(AliasKind.PHONE, key), Alias(AliasKind.LID, opaque)
    for _ in range(ROUNDS):
        one, other = await persons.at_alias(tx, number), await persons.at_alias(tx, lid)
        if one and other and one != other:
            await persons.lock(tx, [one, other])
            if (await persons.at_alias(tx, number), await persons.at_alias(tx, lid)) == (one, other):
                await merge(tx, workspace_id, one, other)
        elif one is None or other is None:
            person = one or other or await persons.at_phone(tx, workspace_id, key)
            await persons.lock(tx, [person])
            if person != await persons.at_alias(tx, lid if one is None and other else number):
                continue  # merged away meanwhile
            was_out = await consent.is_opted_out(tx, workspace_id, person)
            await persons.add_alias(tx, workspace_id, person, lid)
            await persons.add_phone(tx, workspace_id, person, key)
            await _settle(tx, workspace_id, person, was_out=was_out)
        else:
            await persons.lock(tx, [one])
            if (await persons.at_alias(tx, number), await persons.at_alias(tx, lid)) == (one, one):
                return one
    raise db.Contended


async def merge(tx: db.Tx, workspace_id: str, keep: str, drop: str) -> None:
    """Two entries are one person: everything of `drop` becomes `keep`'s, and `drop` is no more.

    The stricter side wins: every opt-out binds every name, every hold stays open, caps count both histories. Consents stay
    as rows; an opt-out of either side withdraws those to marketing. Raises `PersonNotFound`.
    """
    kept, gone = PersonId(keep), PersonId(drop)
    await persons.lock(tx, [kept, gone])
    for each in (kept, gone):
        await persons.find(tx, each)
    was_out = await consent.is_opted_out(tx, workspace_id, kept)
    pairs = await merging.doubles(tx, kept, gone)
    for pair in pairs:
        await queue.move_lead(tx, workspace_id, pair.folded, pair.kept)
    await merging.move_person(tx, kept, gone, pairs)
    outbox.tell_moves(tx, await queue.move_person(tx, workspace_id, gone, kept))
    for row in await store.move(tx, kept, gone, await tx.now()):
        tx.tell("hold.changed", workspace_id, hold_id=row["id"], person_id=kept, kind=row["kind"], open=False)
    await jobs.move_person(tx, workspace_id, gone, kept)  # an erasure that was asked for is not lost
    await persons.absorb(tx, kept, gone)
    await _settle(tx, workspace_id, kept, was_out=was_out)


async def _reason(tx: db.Tx, person_id: PersonId) -> str:
    """Why this person is opted out: the newest reason that stands here, else the installation's."""
    sql = "SELECT reason FROM suppressions WHERE person_id = $1 AND released_at IS NULL ORDER BY id DESC LIMIT 1"
    return str(await tx.fetchval(sql, person_id) or "legal")


async def _settle(tx: db.Tx, workspace_id: str, person_id: PersonId, *, was_out: bool) -> None:
    """A name came to this person: opt-outs bind all names, withdraw consents to marketing, and end what waits."""
    await consent.spread(tx, workspace_id, person_id)
    if not await consent.is_opted_out(tx, workspace_id, person_id):
        return
    now = await tx.now()
    await consent.withdraw(tx, person_id, now)
    outbox.tell_moves(tx, await queue.suppress_person(tx, workspace_id, person_id, now))
    if not was_out:
        tx.tell("lead.opted_out", workspace_id, person_id=person_id, source="merge", reason=await _reason(tx, person_id))
