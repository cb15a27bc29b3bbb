"""What comes back about messages that left: receipts, late refusals, and to whom they belong. Every statement serves a batch."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from hantar.kit import db
from hantar.kit.ids import is_id
from hantar.outbox import model
from hantar.outbox.facts import SIMULATED

Key = tuple[str, str]
"""Device, wire id."""
Arrived = tuple[str, str, str, datetime]
"""Device, wire id, state or reason, when."""

NEVER_LEFT = frozenset({"cancelled", "suppressed", "expired"})
"""A receipt for such a message is an alarm."""
_OURS = re.compile(r"[0-9A-F]{12}7[0-9A-F]{19}")
"""An id of ours as it travels (`ids.new_id`, without dashes, in capitals). Others look so too; those are looked up twice."""
_STEPS = {"sent": 0, "delivered": 1, "read": 2}
_STATES = ("sent", "delivered", "read")
_MOVES = frozenset((start.value, end.value) for start, ends in model.MOVES.items() for end in ends)

IS_OURS = """m.wire_id = upper(replace(m.id::text, '-', '') COLLATE "C")"""
"""SQL: the message went out under its own id, so it is found by that; the index on wire ids holds the others alone."""


class Found(NamedTuple):
    """A message that something came back about, as it stands, locked."""

    workspace_id: str
    id: str
    state: str


Places = dict[str, str]
"""Device → workspace, which never changes; whoever asks often keeps it."""


async def locked(tx: db.Tx, keys: Iterable[Key], places: Places | None = None) -> dict[Key, Found]:
    """The messages behind these wire ids, locked in the order of their ids; unknown ones are left out.

    A statement of its own: what a rescue has just moved must be seen before it is moved again. Raises `ValueError` for a device
    that has no id.
    """
    keys = list(keys)
    places = {} if places is None else places
    await _find_places(tx, {device for device, _ in keys} - places.keys(), places)
    keys = [key for key in keys if key[0] in places]
    ours = [key for key in keys if _OURS.fullmatch(key[1])]
    found = await _by_id(tx, ours, places) if ours else {}
    others = [key for key in keys if key not in found]
    return found | await _by_wire(tx, others) if others else found


async def _find_places(tx: db.Tx, device_ids: Collection[str], places: Places) -> None:
    if not device_ids:
        return
    if bad := next((each for each in device_ids if not is_id(each)), None):
        raise ValueError(f"no id of a device: {bad!r}")
    sql = f"SELECT id, workspace_id FROM devices WHERE id = ANY({db.many(1, 'uuid')})"
    places.update([(row[0], row[1]) for row in await tx.fetch(sql, db.joined(device_ids))])


async def _by_id(tx: db.Tx, keys: Sequence[Key], places: Places) -> dict[Key, Found]:
    """By the primary key alone: asked for device and wire id as well, the planner reads all messages of the device."""
    sql = f"""SELECT x.n, m.workspace_id, m.id, m.state
              FROM unnest({db.many(1, "uuid")}, {db.many(2, "uuid")}, {db.many(3, "uuid")}) WITH ORDINALITY
                AS x (workspace_id, id, device_id, n)
              JOIN messages m ON (m.workspace_id, m.id) = (x.workspace_id, x.id)
              WHERE (m.device_id = x.device_id) IS TRUE AND ({IS_OURS}) IS TRUE
              ORDER BY m.workspace_id, m.id FOR UPDATE OF m"""
    devices, wires = zip(*keys, strict=True)
    rows = await tx.fetch(sql, ",".join([places[device] for device in devices]), ",".join(wires), ",".join(devices))
    return {keys[n - 1]: Found(workspace_id, id_, state) for n, workspace_id, id_, state in rows}


async def _by_wire(tx: db.Tx, keys: Sequence[Key]) -> dict[Key, Found]:
    sql = f"""SELECT x.n, m.workspace_id, m.id, m.state
              FROM unnest({db.many(1, "uuid")}, $2::text[]) WITH ORDINALITY AS x (device_id, wire_id, n)
              JOIN messages m ON (m.wire_id, m.device_id) = (x.wire_id, x.device_id) AND NOT ({IS_OURS})
              ORDER BY m.workspace_id, m.id FOR UPDATE OF m"""
    rows = await tx.fetch(sql, ",".join([device for device, _ in keys]), [wire for _, wire in keys])
    return {keys[n - 1]: Found(workspace_id, id_, state) for n, workspace_id, id_, state in rows}


@dataclass(frozen=True, slots=True)
class Settled:
    """What our own refs told: messages that are found by them, and ids of messages that bear another wire id already."""

    found: dict[Key, Found]
    doubles: dict[Key, str]


UNSETTLED = frozenset({"claimed", "unknown", "sent", "failed"})
"""States in which a message without a wire id takes the one that comes back with its ref. One that is queued again does not:
what it is told of is an earlier attempt."""


async def by_ref(tx: db.Tx, refs: Mapping[Key, str], places: Places | None = None) -> Settled:
    """The messages that went out under these refs of ours (device and wire id → ref), locked in the order of their ids.

    The ref alone decides: same id, same device. A second wire id for one message is told apart and never takes the place of the
    first, also when both come at once.
    """
    places = {} if places is None else places
    await _find_places(tx, {device for device, _ in refs} - places.keys(), places)
    keys = [key for key, ref in refs.items() if key[0] in places and is_id(ref)]
    if not keys:
        return Settled({}, {})
    sql = f"""SELECT x.n, m.workspace_id, m.id, m.state, m.wire_id
              FROM unnest({db.many(1, "uuid")}, {db.many(2, "uuid")}, {db.many(3, "uuid")}) WITH ORDINALITY
                AS x (workspace_id, id, device_id, n)
              JOIN messages m ON (m.workspace_id, m.id) = (x.workspace_id, x.id)
              WHERE (m.device_id = x.device_id) IS TRUE ORDER BY m.workspace_id, m.id, x.n FOR UPDATE OF m"""
    columns = [places[device] for device, _ in keys], [refs[key] for key in keys], [device for device, _ in keys]
    settled, taken = Settled({}, {}), dict[str, str]()
    for n, workspace_id, id_, state, wire_id in await tx.fetch(sql, *map(db.joined, columns)):
        key = keys[n - 1]
        bears = wire_id or taken.get(id_)
        if bears is not None and bears != key[1]:
            settled.doubles[key] = id_
        elif state in UNSETTLED or state in NEVER_LEFT:
            settled.found[key], taken[id_] = Found(workspace_id, id_, state), key[1]
    return settled


async def settle(tx: db.Tx, refs: Mapping[Key, str], places: Places | None = None) -> Settled:
    """As `by_ref`; the messages found take on their wire ids, so that what comes later finds them by these."""
    settled = await by_ref(tx, refs, places)
    rows = [(row.workspace_id, row.id, wire) for (_, wire), row in settled.found.items() if row.state in UNSETTLED]
    if rows:
        sql = """UPDATE messages m SET wire_id = x.wire_id
                 FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS x (workspace_id, id, wire_id)
                 WHERE (m.workspace_id, m.id) = (x.workspace_id, x.id) AND m.wire_id IS NULL"""
        await tx.execute(sql, *(list(column) for column in zip(*rows, strict=True)))
    return settled


async def sent_again(tx: db.Tx, ids: Collection[str]) -> set[str]:
    """Those of these messages that somebody had sent again: a second wire id of theirs is no double of ours."""
    sql = "SELECT DISTINCT message_id FROM message_events WHERE message_id = ANY($1::uuid[]) AND kind = 'resend'"
    return {row["message_id"] for row in await tx.fetch(sql, list(ids))}


async def receipts(tx: db.Tx, arrived: Sequence[Arrived]) -> list[db.Row]:
    """Raise messages by receipts (device, wire id, state, at). Late or repeated ones change nothing."""
    return await raise_states(tx, await locked(tx, {(device, wire) for device, wire, _, _ in arrived}), arrived)


async def raise_states(tx: db.Tx, found: Mapping[Key, Found], arrived: Iterable[Arrived]) -> list[db.Row]:
    """Raise locked messages by receipts; several of one message are one move to the highest of their states.

    A receipt for a row that was put back after a crash keeps its time; the state follows when the row is recorded as sent.
    """
    merged: dict[Key, tuple[int, datetime, datetime]] = {}
    for device, wire, state, at in arrived:
        key, step = (device, wire), _STEPS[state]
        before = merged.get(key)
        if before is None:
            merged[key] = step, at, at
        else:  # the highest state with its own time, and the earliest time of all
            merged[key] = (step, min(at, before[1]), at) if step > before[0] else (before[0], min(at, before[1]), before[2])
    rows = []
    for key, (step, first, last) in merged.items():
        if (row := found.get(key)) is not None:
            workspace_id, id_, state = row
            moves = (state, _STATES[step]) in _MOVES
            if moves or state == "queued":
                begin = first.isoformat()
                end = begin if last is first else last.isoformat()
                rows.append((workspace_id, id_, _STATES[step] if moves else None, step, begin, end))
    return await _raise(tx, sorted(rows, key=_by_id_of_row)) if rows else []


def _by_id_of_row(row: tuple[str, str, str | None, int, str, str]) -> tuple[str, str]:
    return row[0], row[1]


async def _raise(tx: db.Tx, rows: Sequence[tuple[str, str, str | None, int, str, str]]) -> list[db.Row]:
    """Workspace, id, state or none, step, first and last time; all as joined texts, which cost a third of arrays here."""
    sql = f"""
      UPDATE messages m SET
        state = coalesce(x.state, m.state),
        reason = CASE WHEN x.state IS NULL THEN m.reason END,
        error = CASE WHEN x.state IS NULL THEN m.error END,
        sent_at = coalesce(m.sent_at, x.first_at),
        delivered_at = CASE WHEN x.step > 0 THEN coalesce(m.delivered_at, x.first_at) ELSE m.delivered_at END,
        read_at = CASE WHEN x.step > 1 THEN coalesce(m.read_at, x.last_at) ELSE m.read_at END,
        ended_at = CASE WHEN x.state IS NULL THEN m.ended_at ELSE coalesce(m.ended_at, x.first_at) END
      FROM unnest({db.many(1, "uuid")}, {db.many(2, "uuid")}, {db.many(3, "text")}, {db.many(4, "int")},
                  {db.many(5, "timestamptz")}, {db.many(6, "timestamptz")})
        AS x (workspace_id, id, state, step, first_at, last_at)
      WHERE (m.workspace_id, m.id) = (x.workspace_id, x.id)
      RETURNING m.workspace_id, m.id, m.device_id, m.kind, m.source_id, m.state, m.reason"""
    return await tx.fetch(sql, *map(db.joined, zip(*rows, strict=True)))


async def fail_later(tx: db.Tx, found: Mapping[Key, Found], refused: Sequence[Arrived]) -> list[db.Row]:
    """Locked messages that were accepted first and refused later (device, wire id, reason, at)."""
    sql = """UPDATE messages m SET state = 'failed', reason = x.reason, ended_at = x.at
             FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[]) AS x (workspace_id, id, reason, at)
             WHERE (m.workspace_id, m.id) = (x.workspace_id, x.id) AND m.state IN ('claimed', 'sent', 'unknown')
             RETURNING m.workspace_id, m.id, m.device_id, m.kind, m.source_id, m.state, m.reason"""
    rows = {
        (row.workspace_id, row.id): (row.workspace_id, row.id, reason, at)
        for device, wire, reason, at in refused
        if (row := found.get((device, wire))) is not None
    }
    return await tx.fetch(sql, *(list(column) for column in zip(*rows.values(), strict=True))) if rows else []


async def refused(tx: db.Tx, ids: Sequence[str]) -> list[db.Row]:
    """To whom these messages were, and whether another of theirs failed because the number is not on WhatsApp (same side)."""
    sql = f"""
      SELECT m.workspace_id, m.id, m.person_id, m.device_id, m.kind, m.source_id, d.rules_kind, EXISTS (
        SELECT 1 FROM messages o JOIN devices v ON (v.workspace_id, v.id) = (o.workspace_id, o.device_id)
        WHERE (o.workspace_id, o.person_id) = (m.workspace_id, m.person_id) AND o.claimed_at IS NOT NULL AND o.id <> m.id
          AND o.state = 'failed' AND o.reason = 'not_on_whatsapp' AND (v.{SIMULATED}) = (d.{SIMULATED})) AS bounced_before
      FROM messages m JOIN devices d ON (d.workspace_id, d.id) = (m.workspace_id, m.device_id)
      WHERE m.id = ANY($1::uuid[]) ORDER BY m.workspace_id, m.id"""
    return await tx.fetch(sql, list(ids))
