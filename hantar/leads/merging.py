"""Leads of two persons who turn out to be one."""

from dataclasses import dataclass, replace

from hantar.kit import db
from hantar.leads import model, service, store
from hantar.leads.model import Lead, LeadId, TargetStatus
from hantar.persons.model import PersonId


@dataclass(frozen=True, slots=True)
class Double:
    """Two leads of one device that are one person: the older stays, the other is folded into it."""

    kept: LeadId
    folded: LeadId


async def doubles(tx: db.Tx, kept: PersonId, gone: PersonId) -> list[Double]:
    """Devices (or the pool without one) that know both persons; locks these leads."""
    sql = """SELECT a.id AS one, b.id AS other FROM leads a JOIN leads b ON b.device_id IS NOT DISTINCT FROM a.device_id
             WHERE a.person_id = $1 AND b.person_id = $2 ORDER BY a.id FOR UPDATE"""
    return [Double(*sorted((row["one"], row["other"]))) for row in await tx.fetch(sql, kept, gone)]


async def move_person(tx: db.Tx, kept: PersonId, gone: PersonId, pairs: list[Double]) -> None:
    """Every lead of `gone` is one of `kept` from now on; of `pairs` the older stays, with what the other knew more."""
    for pair in pairs:
        older, newer = await service.find(tx, pair.kept), await service.find(tx, pair.folded)
        await store.delete(tx, newer.id)
        now = await tx.now()
        await store.update(tx, replace(older, person_id=kept, fields=folded(older, newer), updated_at=now), now)
    await tx.execute("UPDATE leads SET person_id = $1 WHERE person_id = $2", kept, gone)
    await tx.execute("UPDATE import_rows SET person_id = $1 WHERE person_id = $2", kept, gone)


def folded(older: Lead, newer: Lead) -> model.Fields:
    """The older lead's fields with what only the newer one has; a customer stays a customer, and lists are joined."""
    one, other = older.fields, newer.fields
    attributes = {**one.attributes, **{name: value for name, value in other.attributes.items() if name not in one.attributes}}
    is_customer = TargetStatus.CUSTOMER in (one.target_status, other.target_status)
    return replace(
        one,
        niches=model.entries([*one.niches, *other.niches])[: model.MOST_ENTRIES],
        triggers=model.entries([*one.triggers, *other.triggers])[: model.MOST_ENTRIES],
        target_status=TargetStatus.CUSTOMER if is_customer else one.target_status,
        additional_note=one.additional_note or other.additional_note,
        attributes=dict(list(attributes.items())[: model.MOST_ATTRIBUTES]),
        time_zone=one.time_zone or other.time_zone,
    )
