"""Two hundred made-up people in twelve time zones. Pure; the same every time. Their numbers are used by the simulator alone."""

from dataclasses import dataclass

import phonenumbers
from phonenumbers import PhoneNumberType

from hantar.kit import phone

COUNT = 200
WELCOMED = 120
"""How many of them the welcome campaign is for: about a minute with three devices."""
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
FIRST = ("Aisyah", "Wei Ling", "Budi", "Somchai", "Maria", "Priya", "Omar", "Achieng", "Chidi", "Emma", "João", "Olivia", "Farid")
LAST = ("Rahman", "Tan", "Santoso", "Chai", "Cruz", "Nair", "Haddad", "Otieno", "Okafor", "Hughes", "Silva", "Nguyen")
INTERESTS = ("NEWS", "FITNESS", "BEAUTY", "COFFEE")


@dataclass(frozen=True, slots=True)
class Person:
    """One made-up lead."""

    name: str
    phone: str
    niches: tuple[str, ...]
    is_customer: bool
    time_zone: str
    city: str


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


def everyone() -> list[Person]:
    """All of them, the welcomed ones first."""
    people: list[Person] = []
    variation = 17
    while len(people) < COUNT:
        place = len(people) % len(PLACES)
        region, zone = PLACES[place]
        variation += 37
        number = _number(region, variation)
        if number is None:
            continue
        n = len(people)
        name = f"{FIRST[n % len(FIRST)]} {LAST[(n * 5 + n // 12) % len(LAST)]}"
        niches = ("WELCOME", INTERESTS[n % 4]) if n < WELCOMED else (INTERESTS[n % 4],)
        people.append(Person(name, number, niches, n % 3 == 0, zone, zone.rsplit("/", 1)[1].replace("_", " ")))
    return people
