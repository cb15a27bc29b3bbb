"""I-11: never outside the recipient's window, by the ledger and by a sweep of the real claim over 400 days and 60 zones."""

import os
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hantar.kit import phone
from hantar.outbox import rules
from tests.fleet import Fleet

WINDOW = {"quiet_start": 480, "quiet_end": 1260, "quiet_unknown_zone": "hold"}
START = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
DAYS = 400
LOOKS = int(os.environ.get("HANTAR_TEST_LOOKS", "200"))
"""Instants at which the sweep asks about everybody; half of them a second beside a clock's 08:00, 21:00 or its change."""
ZONES = [
    *("Africa/Cairo", "Africa/Casablanca", "Africa/Johannesburg", "Africa/Lagos", "Africa/Nairobi", "America/Anchorage"),
    *("America/Argentina/Buenos_Aires", "America/Asuncion", "America/Bogota", "America/Caracas", "America/Chicago"),
    *("America/Denver", "America/Halifax", "America/Havana", "America/La_Paz", "America/Lima", "America/Los_Angeles"),
    *("America/Mexico_City", "America/Montevideo", "America/New_York", "America/Nuuk", "America/Phoenix", "America/Santiago"),
    *("America/Sao_Paulo", "America/St_Johns", "Asia/Almaty", "Asia/Baghdad", "Asia/Beirut", "Asia/Colombo", "Asia/Dhaka"),
    *("Asia/Dubai", "Asia/Gaza", "Asia/Jakarta", "Asia/Jerusalem", "Asia/Kabul", "Asia/Kathmandu", "Asia/Kolkata"),
    *("Asia/Kuala_Lumpur", "Asia/Manila", "Asia/Riyadh", "Asia/Seoul", "Asia/Shanghai", "Asia/Tehran", "Asia/Tokyo"),
    *("Asia/Yangon", "Atlantic/Azores", "Australia/Adelaide", "Australia/Brisbane", "Australia/Lord_Howe", "Australia/Sydney"),
    *("Europe/Berlin", "Europe/Chisinau", "Europe/Dublin", "Europe/Istanbul", "Europe/London", "Europe/Moscow"),
    *("Pacific/Apia", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Honolulu"),
]
MANY = ["79161234567", "61412345678", "34612345678", "6281234567890"]
"""Numbers that may be in several zones: Russia, Australia, Spain, Indonesia."""


def is_inside(at: datetime, zones: Sequence[str]) -> bool:
    """What the rule says, written anew: everybody's wall clock between 08:00 and 21:00."""
    return all(8 <= at.astimezone(ZoneInfo(zone)).hour < 21 for zone in zones)


async def people(fleet: Fleet) -> dict[str, tuple[str, ...]]:
    """One lead in each zone on a device of its own, and some whose number alone tells where they may be; phone → zones."""
    await fleet.set_rules(**WINDOW)
    devices = await fleet.add_devices(len(ZONES) + len(MANY))
    found: dict[str, tuple[str, ...]] = {}
    for number, (device, zone) in enumerate(zip(devices, [*ZONES, *[None] * len(MANY)], strict=True)):
        to = MANY[number - len(ZONES)] if zone is None else f"60126{number:06d}"
        (lead,) = await fleet.add_leads(device, [to], time_zone=zone)
        await fleet.enqueue(device, [to], lead_id=lead, expires_at=START + timedelta(days=DAYS + 30))
        found[to] = phone.zones_of(to) if zone is None else (zone,)
    return found


def changes(zone: str) -> list[datetime]:
    """When this zone's clock is put forward or back within the sweep."""
    found, place = [], ZoneInfo(zone)
    for hour in range(DAYS * 24):
        at = START + timedelta(hours=hour)
        if at.astimezone(place).utcoffset() != (at + timedelta(hours=1)).astimezone(place).utcoffset():
            found.append(at + timedelta(hours=1))
    return found


def instants(hand: random.Random) -> list[datetime]:
    """Where to look: at any time, and a second beside the edges; those of days on which a clock is moved come first."""
    found = [START + timedelta(seconds=hand.uniform(0, DAYS * 86_400)) for _ in range(LOOKS // 2)]
    edges: list[datetime] = []
    for zone in ZONES:
        moved = changes(zone)
        edges += [at + timedelta(seconds=beside) for at in moved for beside in (-1, 1)]
        for day in [*moved, *(START + timedelta(days=hand.randrange(DAYS)) for _ in range(4 + LOOKS // 200))]:
            local = day.astimezone(ZoneInfo(zone))
            for hour in (8, 21):
                edge = local.replace(hour=hour, minute=0, second=0, microsecond=0).astimezone(UTC)
                edges += [edge - timedelta(seconds=1), edge + timedelta(seconds=1)]
    return sorted([*found, *hand.sample(edges, LOOKS - len(found))])


async def sweep(fleet: Fleet, looks: Sequence[datetime]) -> tuple[list[str], list[str], int]:
    """Ask the real claim at each instant, and undo it: whom it would write to outside, whom it kept inside, how many heads."""
    known = await people(fleet)
    async with fleet.db.system() as tx:
        await tx.execute("UPDATE leases SET expires_at = $1", START + timedelta(days=DAYS + 30))
    outside, kept, judged = [], [], 0
    for at in looks:
        fleet.clock.jump(at - fleet.clock.now())
        taken, lanes = await fleet.claim(undo=True)
        gone = {each.phone for each in taken.to_send}
        judged += lanes
        outside += [f"{at} {to}" for to in gone if not is_inside(at, known[to])]
        kept += [f"{at} {to}" for to, zones in known.items() if to not in gone and is_inside(at, zones)]
    return outside, kept, judged


async def test_the_claim_keeps_every_clocks_window(fleet: Fleet) -> None:
    """I-11: 400 days, 60 zones and numbers of many zones, gaps and folds of the clock among them."""
    looks = instants(random.Random(11))
    outside, kept, judged = await sweep(fleet, looks)
    assert outside == []
    assert kept == [], "whoever is inside goes"
    assert judged == len(looks) * (len(ZONES) + len(MANY))


async def test_mutant_the_servers_time_zone(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """I-11 mutant: the hour where the server stands."""
    monkeypatch.setattr(rules.Facts, "zones", lambda self, bound: ("Asia/Kuala_Lumpur",))
    outside, kept, _ = await sweep(fleet, instants(random.Random(11))[::20])
    assert outside, "the mutant lives"
    assert kept


async def test_by_the_ledger_over_a_change_of_the_clock(fleet: Fleet) -> None:
    """I-11: the night in which New York's clock goes forward; messages for several places on one device wait and go."""
    places = ["America/New_York", "Europe/London", "Asia/Kuala_Lumpur", "Australia/Sydney", "Asia/Kathmandu", "Pacific/Apia"]
    await fleet.set_rules(**WINDOW)
    fleet.clock.jump(datetime(2027, 3, 13, 12, 0, tzinfo=UTC) - fleet.clock.now())
    (device,) = await fleet.add_devices(1)
    source = await fleet.add_source(gap=540)
    zone_of: dict[str, str] = {}
    for number in range(120):
        to, zone = f"60125{number:06d}", places[number % len(places)]
        (lead,) = await fleet.add_leads(device, [to], time_zone=zone)
        await fleet.enqueue(device, [to], source=source, lead_id=lead)
        zone_of[to] = zone
    zero = fleet.clock.now().timestamp() - fleet.clock.monotonic()
    for _ in range(290):
        await fleet.engine.leases.beat()
        await fleet.run(1.5, step=0.5)
        await fleet.clock.advance(600 - 1.5)
    sent = [line for line in fleet.book.lines() if line["effect"] == "sent"]
    late = [line for line in sent if not is_inside(_at(zero, line), [zone_of[line["to"]]])]
    assert late == []
    assert len(sent) == 120, await fleet.states()
    waits = await fleet.sql("SELECT DISTINCT cause FROM message_events")
    assert [row["cause"] for row in waits] == ["quiet_hours"]


def _at(zero: float, line: dict[str, object]) -> datetime:
    return datetime.fromtimestamp(zero + float(str(line["mono"])), UTC)
