"""A campaign's audience in numbers and in pages: who gets it from which device, and who is left out."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hantar.campaigns import judging, model, words
from hantar.campaigns.rulebook import Rulebook
from hantar.kit import db

EXCLUSIONS = tuple(words.REASONS)
PAIR = "uuid_hash_extended(x.person_id, uuid_hash_extended(x.device_id, 0))"
"""SQL: a person and the device that writes to them, as one number."""
ROOM = "SET LOCAL work_mem = '64MB'"
"""A hundred thousand people are sorted in memory; without it the disk takes most of the time (measured)."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """How many are left out for one reason, with one of them as an example."""

    reason: str
    count: int
    lead_id: str | None = None
    name: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """So many people of one device who may be written to in the same hours, all new to it or all known."""

    device_id: str
    kind: str
    zones: tuple[str, ...]
    is_new: bool
    count: int
    opens_at: datetime
    stretch: float


@dataclass(frozen=True, slots=True)
class Shares:
    """The plan in numbers, and a hash that changes when a person, a device or the text does."""

    matched: int
    will_send: int
    exclusions: tuple[Exclusion, ...]
    parts: tuple[Part, ...]
    hash: str
    without_consent: int
    """Of those who get it, people with no consent on record."""
    pairs: tuple[int, ...] = field(repr=False)
    """`PAIR` of everybody who gets it."""

    @property
    def excluded_by_reason(self) -> dict[str, int]:
        """How many are left out for each reason."""
        return {each.reason: each.count for each in self.exclusions}


async def shares(tx: db.Tx, book: Rulebook, audience: model.Audience, text: str, media_id: str | None) -> Shares:
    """Count who gets it, per device, and who is left out, by reason."""
    await tx.execute(ROOM)
    where = db.Where()
    everyone = judging.candidates(where, book.workspace_id, audience, text)
    found = await judging.openings(tx, book, audience)
    by_class = {number: zones for zones, number in judging.classes(found).items()}
    sql = f"""SELECT x.device_id, min(x.kind) AS kind, x.class, x.is_new, x.reason COLLATE "C" AS reason, count(*) AS n,
                min(x.opens_at) AS opens_at, max(x.stretch) AS stretch, count(*) FILTER (WHERE NOT x.has_consent) AS unknown,
                min(x.id::text) FILTER (WHERE x.reason IS NOT NULL) AS example,
                array_agg({PAIR}) FILTER (WHERE x.reason IS NULL) AS pairs
              FROM ({judging.judged(where, book, found, everyone)}) x
              GROUP BY x.device_id, x.class, x.is_new, x.reason COLLATE "C" ORDER BY x.device_id, x.class, x.is_new"""
    rows = await tx.fetch(sql, *where.values)
    sending = [row for row in rows if row["reason"] is None]
    return Shares(
        matched=sum(row["n"] for row in rows),
        will_send=sum(row["n"] for row in sending),
        exclusions=await _exclusions(tx, book.workspace_id, [row for row in rows if row["reason"] is not None]),
        parts=tuple(
            Part(row["device_id"], row["kind"], by_class[row["class"]], row["is_new"], row["n"], row["opens_at"], row["stretch"])
            for row in sending
        ),
        hash=_hash(sending, text, media_id),
        without_consent=sum(row["unknown"] for row in sending),
        pairs=tuple(pair for row in sending for pair in row["pairs"]),
    )


def _hash(sending: Sequence[db.Row], text: str, media_id: str | None) -> str:
    sums: dict[str, tuple[int, int]] = {}
    for row in sending:
        count, total = sums.get(row["device_id"], (0, 0))
        sums[row["device_id"]] = (count + row["n"], total + sum(row["pairs"]))
    whole = repr((text, media_id, sorted(sums.items())))
    return hashlib.sha256(whole.encode()).hexdigest()[:32]


async def _exclusions(tx: db.Tx, workspace_id: str, rows: Sequence[db.Row]) -> tuple[Exclusion, ...]:
    counts = {reason: sum(row["n"] for row in rows if row["reason"] == reason) for reason in EXCLUSIONS}
    examples = {reason: min(row["example"] for row in rows if row["reason"] == reason) for reason, n in counts.items() if n}
    sql = "SELECT id, name, phone FROM leads WHERE workspace_id = $1 AND id = ANY($2::uuid[])"
    leads = {row["id"]: row for row in await tx.fetch(sql, workspace_id, list(examples.values()))} if examples else {}
    return tuple(
        Exclusion(reason, counts[reason], lead_id, leads[lead_id]["name"], leads[lead_id]["phone"])
        for reason, lead_id in examples.items()
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """Which recipients of a plan a page asks for."""

    included: bool | None = None
    reason: str | None = None
    device_id: str | None = None
    text: str | None = None
    after: str | None = None


async def recipients(
    tx: db.Tx,
    book: Rulebook,
    audience: model.Audience,
    text: str,
    asked: Asked,
    limit: int | None,
    splitting: Sequence[str] = (),
) -> list[tuple[db.Row, tuple[str, ...]]]:
    """Recipients in the order of their leads, each with its zones (empty: at any hour).

    `place` is where somebody stands in the part of their device, from 0; `splitting` are the devices whose new people stand
    apart from the known ones.
    """
    await tx.execute(ROOM)
    inner = db.Where()
    everyone = judging.candidates(inner, book.workspace_id, audience, text, judging.WHOLE)
    found = await judging.openings(tx, book, audience)
    by_class = {number: zones for zones, number in judging.classes(found).items()}
    people = judging.judged(inner, book, found, everyone)
    outer = db.Where(*inner.values)
    for condition, value in _conditions(asked):
        outer.add(condition, *value)
    apart = f"x.is_new AND x.device_id = ANY({outer.value(list(splitting))}::uuid[])"
    page = f"LIMIT {int(limit)}" if limit else ""
    sql = f"""SELECT x.*, p.zones AS person_zones, d.name AS device_name FROM (
                SELECT x.*, row_number() OVER (PARTITION BY x.device_id, x.class, {apart}, x.reason IS NULL ORDER BY x.id) - 1
                  AS place FROM ({people}) x) x
              JOIN persons p ON (p.workspace_id, p.id) = (x.workspace_id, x.person_id)
              LEFT JOIN devices d ON (d.workspace_id, d.id) = (x.workspace_id, x.device_id)
              WHERE {outer} ORDER BY x.id {page}"""
    return [(row, by_class[row["class"]]) for row in await tx.fetch(sql, *outer.values)]


def _conditions(asked: Asked) -> list[tuple[str, tuple[object, ...]]]:
    found: list[tuple[str, tuple[object, ...]]] = []
    if asked.included is not None:
        found.append(("x.reason IS NULL" if asked.included else "x.reason IS NOT NULL", ()))
    if asked.reason:
        found.append(("x.reason = {}", (asked.reason,)))
    if asked.device_id:
        found.append(("x.device_id = {}::uuid", (asked.device_id,)))
    if asked.text:
        found.append(("(x.name ILIKE {} OR x.phone LIKE {})", (db.like(asked.text), db.like(asked.text))))
    if asked.after:
        found.append(("x.id > {}::uuid", (asked.after,)))
    return found
