"""When a running campaign will end: what each device still has to send, by the same timetable as its plan."""

from collections.abc import Iterable
from datetime import datetime

from hantar.campaigns import forecast, model, rulebook
from hantar.campaigns.audience import Part
from hantar.campaigns.rulebook import Rulebook
from hantar.consent import quiet
from hantar.kit import db
from hantar.outbox import model as outbox

_OF_LANE = "SELECT * FROM messages m WHERE (m.workspace_id, m.device_id, m.source_id) = (l.workspace_id, l.device_id, $2)"
_COMING = f"""lanes l CROSS JOIN LATERAL (
    {_OF_LANE} AND m.stage = 'queued' UNION ALL SELECT * FROM {outbox.LATEST.format(device="l.workspace_id, l.device_id")} m
      WHERE m.source_id = $2 AND m.state = 'claimed'
    UNION ALL {_OF_LANE} AND m.stage = 'planned' AND m.waiting_for IS DISTINCT FROM 'canary') m"""
"""SQL: messages `m` of source $2 that will have their turn by themselves, in a lane or behind it; asked by lane, so that what
has long been sent is never read."""


async def ends(tx: db.Tx, campaign: model.Campaign, now: datetime) -> tuple[datetime | None, datetime | None]:
    """When the last device ends, as expected and late; None when nothing is left, or nothing left ever gets a turn.

    A device that is away counts as if it came back now.
    """
    book = await rulebook.resolve(tx, campaign.workspace_id, campaign.draft, now)
    parts = await _counts(tx, book, campaign)
    devices = await forecast.devices(tx, book, {each.device_id for each in parts})
    courses = _courses(campaign, book, devices, parts)
    if book.needs_zones or any(each.is_split for each in courses):
        courses = _courses(campaign, book, devices, await _people(tx, book, campaign))
    expected, late = [], []
    for course in courses:
        start = max(now, course.device.next_at or now)
        expected.append(course.timetable(course.mean, start).last_at)
        late.append(course.timetable(course.late, start).last_at)
    return _latest(expected), _latest(late)


def _latest(many: Iterable[datetime | None]) -> datetime | None:
    return max((each for each in many if each is not None), default=None)


def _courses(
    campaign: model.Campaign, book: Rulebook, devices: dict[str, forecast.Device], parts: list[Part]
) -> list[forecast.Course]:
    by_device: dict[str, list[Part]] = {}
    for each in parts:
        by_device.setdefault(each.device_id, []).append(each)
    return [forecast.course(campaign.draft, book, devices[each], mine) for each, mine in by_device.items() if each in devices]


async def _counts(tx: db.Tx, book: Rulebook, campaign: model.Campaign) -> list[Part]:
    """How many messages each device has left, all of them as if to new people."""
    sql = f"""SELECT m.device_id, d.rules_kind, count(*) AS n FROM {_COMING}
             JOIN devices d ON (d.workspace_id, d.id) = (m.workspace_id, m.device_id)
             WHERE l.workspace_id = $1 GROUP BY 1, 2 ORDER BY 1"""
    rows = await tx.fetch(sql, campaign.workspace_id, campaign.id)
    return [Part(row["device_id"], row["rules_kind"], (), True, row["n"], book.starts_at, 1.0) for row in rows]


async def _people(tx: db.Tx, book: Rulebook, campaign: model.Campaign) -> list[Part]:
    """The same by the hours of the people and by whether the device knows them."""
    sql = f"""SELECT m.device_id, d.rules_kind, coalesce(e.time_zone, '') AS own, p.zones,
               coalesce(c.first_out_at, c.first_in_at) IS NULL AS is_new, count(*) AS n
             FROM {_COMING}
             JOIN devices d ON (d.workspace_id, d.id) = (m.workspace_id, m.device_id)
             JOIN persons p ON (p.workspace_id, p.id) = (m.workspace_id, m.person_id)
             LEFT JOIN leads e ON (e.workspace_id, e.id) = (m.workspace_id, m.lead_id)
             LEFT JOIN chats c ON (c.workspace_id, c.device_id, c.person_id) = (m.workspace_id, m.device_id, m.person_id)
             WHERE l.workspace_id = $1
             GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 3, 4, 5"""
    found: dict[tuple[str, str, tuple[str, ...], bool], int] = {}
    for row in await tx.fetch(sql, campaign.workspace_id, campaign.id):
        places = (row["own"],) if quiet.is_zone(row["own"]) else tuple(row["zones"])
        opening = book.opening(row["rules_kind"], places)
        if opening.opens_at is not None:  # whose hour is unknown is waited for by nobody
            slot = (row["device_id"], row["rules_kind"], opening.zones, row["is_new"])
            found[slot] = found.get(slot, 0) + row["n"]
    return [Part(*slot, count, book.starts_at, 1.0) for slot, count in found.items()]
