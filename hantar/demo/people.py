"""Two hundred made-up people in twelve time zones. Pure; the same every time. Their numbers are used by the simulator alone."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import PhoneNumberType

from hantar.kit import phone

COUNT = 200
WELCOMED = 120
"""How many of them the welcome campaign is for: about a minute with three devices."""
DEVICES = 3
YOUNG = 2
"""The device, counted from 0, that was linked only yesterday and begins few new conversations a day."""
PLACES = (
    ("MY", "Asia/Kuala_Lumpur"),
    ("SG", "Asia/Singapore"),
    ("ID", "Asia/Jakarta"),
    ("TH", "Asia/Bangkok"),
    ("PH", "Asia/Manila"),
    ("IN", "Asia/Kolkata"),
    ("AE", "Asia/Dubai"),
    ("KE", "Africa/Nairobi"),
    ("NG", "Africa/Lagos"),
    ("GB", "Europe/London"),
    ("BR", "America/Sao_Paulo"),
    ("AU", "Australia/Sydney"),
)
RULED = {"MY": 5, "SG": 4, "ID": 4, "TH": 4, "PH": 4, "IN": 5, "AE": 5, "KE": 5, "NG": 5, "GB": 8, "BR": 18, "AU": 6}
"""The ordinary people of *Rules at work* by place. The twelve clocks span 14 hours and the window is 13 hours long, so at any
hour some are outside of it; Brazil, which stands alone in the west, is many, so that at any hour enough are inside."""
FIRST = ("Aisyah", "Wei Ling", "Budi", "Somchai", "Maria", "Priya", "Omar", "Achieng", "Chidi", "Emma", "João", "Olivia", "Farid")
LAST = ("Rahman", "Tan", "Santoso", "Chai", "Cruz", "Nair", "Haddad", "Otieno", "Okafor", "Hughes", "Silva", "Nguyen")
INTERESTS = ("NEWS", "FITNESS", "BEAUTY", "COFFEE")
WELCOME, RULES = "WELCOME", "RULES"
"""The niches by which the two campaigns choose."""


class Part(StrEnum):
    """What a person is an example of in *Rules at work*."""

    ORDINARY = "ordinary"
    NEW = "new"
    """Never written to before, on the young device."""
    NO_CONSENT = "no_consent"
    OPTED_OUT = "opted_out"
    ON_HOLD = "on_hold"
    CAPPED = "cap"
    """Has had as many campaign messages as the rules allow in a day."""
    NO_CITY = "missing_variable"
    TWIN = "duplicate_of"
    """Somebody else's number in its older Brazilian spelling."""
    ABSENT = "not_on_whatsapp"
    """Only sending shows it."""


EXAMPLES = (Part.NO_CONSENT, Part.OPTED_OUT, Part.ON_HOLD, Part.CAPPED, Part.NO_CITY, Part.TWIN)
"""One person for each reason to leave somebody out; a number that is not on WhatsApp comes on top (`absent`)."""


@dataclass(frozen=True, slots=True)
class Person:
    """One made-up lead, on the device with this number (from 0)."""

    name: str
    phone: str
    niches: tuple[str, ...]
    is_customer: bool
    time_zone: str
    city: str | None
    device: int
    part: Part = Part.ORDINARY


def _number(region: str, variation: int) -> str | None:
    example = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    if example is None:
        return None
    digits = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)[1:]
    changed = digits[:-4] + f"{variation % 10_000:04d}"
    try:
        return phone.parse(f"+{changed}").digits
    except phone.InvalidPhone:
        return None


def _name(n: int) -> str:
    return f"{FIRST[n % len(FIRST)]} {LAST[(n * 5 + n // 12) % len(LAST)]}"


def _city(zone: str) -> str:
    return zone.rsplit("/", 1)[1].replace("_", " ")


def welcomed() -> list[Person]:
    """The people of *Welcome*, shared out over the devices in turn."""
    people: list[Person] = []
    variation = 17
    while len(people) < WELCOMED:
        n = len(people)
        region, zone = PLACES[n % len(PLACES)]
        variation += 37
        number = _number(region, variation)
        if number is None:
            continue
        niches = (WELCOME, INTERESTS[n % 4])
        people.append(Person(_name(n), number, niches, n % 3 == 0, zone, _city(zone), n % DEVICES))
    return people


def ruled(day: str) -> list[Person]:
    """The people of *Rules at work*: ordinary ones of every place on every device, then the examples, all in the zone `day`.

    Where it is day nothing but their own reason keeps the examples from being written to.
    """
    people: list[Person] = []
    for region, zone in PLACES:
        for number in _numbers(region, RULED[region]):
            n = len(people)
            is_new = n % DEVICES == YOUNG and n // DEVICES % 2 == 0
            part = Part.NEW if is_new else Part.ORDINARY
            people.append(_ruled(n, number, zone, part))
    extra = iter(_numbers("MY", len(EXAMPLES), start=7_003))
    for n, part in enumerate(EXAMPLES, len(people)):
        if part is Part.TWIN:
            people.append(_twin(people, n))
        else:
            people.append(_ruled(n, next(extra), day, part))
    return people


def _numbers(region: str, count: int, start: int = 5_003) -> list[str]:
    """So many numbers of a place, apart from those of the welcomed."""
    found: list[str] = []
    variation = start
    while len(found) < count:
        variation += 13
        number = _number(region, variation)
        if number is not None:
            found.append(number)
    return found


def _ruled(n: int, number: str, zone: str, part: Part) -> Person:
    city = None if part is Part.NO_CITY else _city(zone)
    return Person(_name(WELCOMED + n), number, (RULES, INTERESTS[n % 4]), n % 3 == 0, zone, city, n % DEVICES, part)


def _twin(people: list[Person], n: int) -> Person:
    """The first Brazilian once more, on another device, without the ninth digit that mobile numbers got later."""
    first = next(each for each in people if each.time_zone == "America/Sao_Paulo")
    short = first.phone[:4] + first.phone[5:]
    zone = first.time_zone
    return Person(first.name, short, (RULES,), first.is_customer, zone, _city(zone), (first.device + 1) % DEVICES, Part.TWIN)


CANDIDATES = 400
"""Numbers to look through for the one that is not on WhatsApp: the simulated world lacks about one in seventy."""


def candidates() -> list[str]:
    """Made-up numbers of which the simulated WhatsApp may not know one."""
    return _numbers("MY", CANDIDATES, start=100)


def absent(number: str, zone: str) -> Person:
    """Somebody whose number is not on WhatsApp, in this zone."""
    return Person("Nobody Here", number, (RULES,), False, zone, _city(zone), 0, Part.ABSENT)


def awake(now: datetime) -> str:
    """The place of the demo nearest to two o'clock in the afternoon."""
    return min((zone for _, zone in PLACES), key=lambda zone: abs(now.astimezone(ZoneInfo(zone)).hour - 14))
