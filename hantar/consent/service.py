"""Opt-outs, holds and consents of one person. Every writer locks the person first, so that a claim is before or after it.

Order of locks for all who wait: person, device, message (reliability.md 3).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hantar.consent import model
from hantar.kit import db, errors, ids
from hantar.persons import service as persons
from hantar.persons.model import PersonId

LIVE = """EXISTS (SELECT 1 FROM person_aliases a JOIN suppression_keys k ON k.workspace_id = a.workspace_id AND k.key = a.key
            AND k.is_live WHERE (a.workspace_id, a.person_id) = ({person}))
  OR EXISTS (SELECT 1 FROM person_aliases a JOIN global_suppressions g ON g.key = a.key AND g.released_at IS NULL
             WHERE (a.workspace_id, a.person_id) = ({person}))"""
"""SQL: whether a person is opted out, by any alias; `{person}` is replaced by two columns, workspace and person."""
SUPPRESSED = """SELECT a.person_id FROM suppression_keys k JOIN person_aliases a ON a.key = k.key WHERE k.is_live
  UNION ALL SELECT a.person_id FROM global_suppressions g JOIN person_aliases a ON a.key = g.key WHERE g.released_at IS NULL"""
"""SQL: everybody who is opted out, kept to one workspace by row security; for lists, where asking one by one is too dear."""
GRANTED = "c.purpose = 'marketing' AND c.withdrawn_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > {now})"
"""SQL: whether a row `c` of consents allows marketing; `{now}` is an instant."""
CONSENTED = f"EXISTS (SELECT 1 FROM consents c WHERE (c.workspace_id, c.person_id) = ({{person}}) AND {GRANTED})"
"""SQL: whether a person has a live consent to marketing; `{now}` is an instant."""
WITHDRAWN_BY = """(SELECT min(s.at) FROM person_aliases a
    JOIN suppression_keys k ON (k.workspace_id, k.key) = (a.workspace_id, a.key)
    JOIN suppressions s ON (s.workspace_id, s.id) = (k.workspace_id, k.suppression_id)
    WHERE (a.workspace_id, a.person_id) = ({person}) AND s.at > {given_at})"""
"""SQL: when an opt-out of this person, live or released, withdrew what they had agreed to at an instant; NULL: none did."""
HELD = "EXISTS (SELECT 1 FROM holds h WHERE (h.workspace_id, h.person_id) = ({person}) AND h.ended_at IS NULL)"
"""SQL: whether a person is on hold."""


# ---------------------------------------------------------------- opt-outs
async def is_opted_out(tx: db.Tx, workspace_id: str, person_id: PersonId) -> bool:
    """Whether this person hears nothing more, by any alias, in this workspace or everywhere."""
    found: bool = await tx.fetchval(f"SELECT {LIVE.format(person='$1::uuid, $2::uuid')}", workspace_id, person_id)
    return found


async def opt_out(tx: db.Tx, workspace_id: str, person_id: PersonId, asked: model.OptOut) -> str | None:
    """In force from this transaction's commit; returns the opt-out's id, None when the same reason stands already.

    Call `outbox.service.opt_out` instead where queued messages must end at once. Consents to marketing are withdrawn.
    """
    await persons.lock(tx, [person_id])
    now = await tx.now()
    same = """SELECT 1 FROM suppressions WHERE person_id = $1 AND reason = $2 AND released_at IS NULL"""
    if await tx.fetchval(same, person_id, asked.reason.value):
        return None
    made = ids.new_id()
    sql = """INSERT INTO suppressions (workspace_id, id, person_id, reason, source, text, note, inbound_id, keywords_version,
               device_id, campaign_id, actor_id, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"""
    origin = (asked.inbound_id, asked.keywords_version, asked.device_id, asked.campaign_id, asked.actor_id, now)
    words = (asked.reason.value, asked.source.value, asked.text, asked.note)
    await tx.execute(sql, workspace_id, made, person_id, *words, *origin)
    await add_keys(tx, workspace_id, made, await persons.keys(tx, person_id))
    await withdraw(tx, person_id, now)
    tx.tell("lead.opted_out", workspace_id, person_id=person_id, source=asked.source.value, reason=asked.reason.value)
    return made


async def add_keys(tx: db.Tx, workspace_id: str, suppression_id: str, keys: Sequence[bytes]) -> None:
    """Let an opt-out stand for more keyed hashes."""
    sql = """INSERT INTO suppression_keys (workspace_id, key, suppression_id)
             SELECT $1, k, $2 FROM unnest($3::bytea[]) AS k ON CONFLICT DO NOTHING"""
    await tx.execute(sql, workspace_id, suppression_id, list(keys))


async def withdraw(tx: db.Tx, person_id: PersonId, now: datetime) -> None:
    """Withdraw what this person agreed to for marketing; the rows stay as history."""
    await withdraw_all(tx, [person_id], now)


async def withdraw_all(tx: db.Tx, person_ids: Sequence[str], now: datetime) -> None:
    """Withdraw what these persons agreed to for marketing."""
    sql = """UPDATE consents SET withdrawn_at = $2 WHERE person_id = ANY($1::uuid[]) AND purpose = 'marketing'
             AND withdrawn_at IS NULL"""
    await tx.execute(sql, list(person_ids), now)


async def end_keys(tx: db.Tx, suppression_ids: Sequence[str]) -> None:
    """The keyed hashes of these opt-outs stop counting; only who releases them calls this."""
    await tx.execute("UPDATE suppression_keys SET is_live = false WHERE suppression_id = ANY($1::uuid[])", list(suppression_ids))


async def spread(tx: db.Tx, workspace_id: str, person_id: PersonId) -> None:
    """Let every opt-out that binds one name of a person bind all of them: called when a name came to this person.

    Those of the whole installation spread too; the caller has locked the person.
    """
    keys = await persons.keys(tx, person_id)
    here = """SELECT id FROM suppressions WHERE person_id = $1 AND released_at IS NULL
              UNION SELECT suppression_id FROM suppression_keys WHERE key = ANY($2::bytea[]) AND is_live"""
    for row in await tx.fetch(here, person_id, keys):
        await add_keys(tx, workspace_id, row["id"], keys)
    everywhere = """INSERT INTO global_suppressions (key, id, reason, at)
                    SELECT k, g.id, g.reason, g.at FROM unnest($1::bytea[]) AS k, (SELECT DISTINCT id, reason, at
                      FROM global_suppressions WHERE key = ANY($1::bytea[]) AND released_at IS NULL) g ON CONFLICT DO NOTHING"""
    await tx.execute(everywhere, keys)


# ---------------------------------------------------------------- consents
AHEAD = timedelta(minutes=5)
"""How far another clock may run ahead of ours before "given at" is called the future (our own number)."""


async def checked(tx: db.Tx, given: model.Given, prefix: str = "") -> model.Given:
    """The consent with a time that is not in the future; raises `Invalid` naming fields with `prefix` before them."""
    now = await tx.now()
    found = []
    if given.given_at > now + AHEAD:
        found.append(errors.FieldError(f"{prefix}given_at", "in_future", "Consent cannot be given in the future."))
    if given.expires_at is not None and given.expires_at <= given.given_at:
        found.append(errors.FieldError(f"{prefix}expires_at", "before_start", "It would end before it was given."))
    if given.proof_media_id and not await tx.fetchval("SELECT 1 FROM media WHERE id = $1", given.proof_media_id):
        found.append(errors.FieldError(f"{prefix}proof_media_id", "unknown_media", "This file is not in your workspace."))
    if found:
        raise errors.Invalid(errors=found)
    return replace(given, given_at=min(given.given_at, now))


async def give(tx: db.Tx, workspace_id: str, person_ids: Sequence[str], given: model.Given) -> list[str]:
    """Record the same consent for each of these persons; returns the ids of the rows, in the same order. Append-only.

    A consent to marketing from before an opt-out of theirs was withdrawn by it, and is written so. It lifts no opt-out.
    """
    sql = """INSERT INTO consents (workspace_id, id, person_id, purpose, channel, wording, wording_version, business_name,
               source, proof_media_id, import_id, inbound_id, actor_id, given_at, expires_at, created_at)
             SELECT $1, i, p, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16
             FROM unnest($2::uuid[], $3::uuid[]) AS x (i, p)"""
    words = (given.purpose, given.channel, given.wording, given.wording_version, given.business_name, given.source)
    origin = (given.proof_media_id, given.import_id, given.inbound_id, given.actor_id, given.given_at, given.expires_at)
    made = [ids.new_id() for _ in person_ids]
    await tx.execute(sql, workspace_id, made, list(person_ids), *words, *origin, await tx.now())
    if given.purpose == "marketing":
        await _withdraw_older(tx, workspace_id, made, person_ids, given.given_at)
    return made


async def _withdraw_older(
    tx: db.Tx, workspace_id: str, consent_ids: Sequence[str], person_ids: Sequence[str], given_at: datetime
) -> None:
    """Withdraw, of rows just written, those from before an opt-out of their person.

    A statement of its own: the foreign key has waited for opt-outs under way, so this one sees them; opt-outs that come
    later wait for us, and withdraw our rows themselves.
    """
    sql = f"""UPDATE consents c SET withdrawn_at = w.at
      FROM (SELECT x.id, {WITHDRAWN_BY.format(person="$1::uuid, x.person_id", given_at="$4")} AS at
            FROM unnest($2::uuid[], $3::uuid[]) AS x (id, person_id)) w
      WHERE (c.workspace_id, c.id) = ($1, w.id) AND w.at IS NOT NULL"""
    if await tx.fetchval("SELECT EXISTS (SELECT 1 FROM suppressions WHERE at > $1)", given_at):
        await tx.execute(sql, workspace_id, list(consent_ids), list(person_ids), given_at)


async def standings(tx: db.Tx, person_ids: Sequence[str]) -> dict[str, model.Standing]:
    """How each of these persons stands, in one statement; a person we do not know is missing."""
    person = "p.workspace_id, p.id"
    sql = f"""SELECT p.id, {LIVE.format(person=person)} AS is_opted_out, {HELD.format(person=person)} AS is_on_hold,
                CASE WHEN {CONSENTED.format(person=person, now="$2")} THEN 'granted' WHEN EXISTS (SELECT 1 FROM consents c
                  WHERE (c.workspace_id, c.person_id) = ({person}) AND c.purpose = 'marketing') THEN 'withdrawn' ELSE 'none'
                END AS consent
              FROM persons p WHERE p.id = ANY($1::uuid[])"""
    rows = await tx.fetch(sql, list(person_ids), await tx.now())
    return {r["id"]: model.Standing(model.ConsentWord(r["consent"]), r["is_opted_out"], r["is_on_hold"]) for r in rows}


# ---------------------------------------------------------------- holds
async def hold(
    tx: db.Tx, workspace_id: str, person_id: PersonId, kind: str, *, inbound_id: str | None = None, device_id: str | None = None
) -> str | None:
    """Stop all automation to this person until somebody decides; returns the hold's id, None when one of this kind is open."""
    await persons.lock(tx, [person_id])
    if await tx.fetchval("SELECT 1 FROM holds WHERE person_id = $1 AND kind = $2 AND ended_at IS NULL", person_id, kind):
        return None
    made = ids.new_id()
    sql = "INSERT INTO holds (workspace_id, id, person_id, kind, inbound_id, device_id, at) VALUES ($1, $2, $3, $4, $5, $6, $7)"
    await tx.execute(sql, workspace_id, made, person_id, kind, inbound_id, device_id, await tx.now())
    tx.tell("hold.changed", workspace_id, hold_id=made, person_id=person_id, kind=kind, open=True)
    return made
