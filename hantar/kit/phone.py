"""Phone numbers: E.164 digits without the plus, one identity for a number's known variants, region and time zones.

Reads what people and spreadsheets write; refuses what would have to be guessed (`6.01E+10`, letters, a local number
without a country, digits that mean two numbers).
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import timezone

from hantar.kit import errors

LONGEST = 64
_MANGLED = re.compile(r"[+-]?\d+(?:[.,]\d*)?[eE][+-]?\d+|\+?\d{7,}[.,]\d{1,2}")
_INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_ALLOWED = re.compile(r"\+?[\d\s()./\-]+")
_MESSAGES = {
    "empty": "Give a phone number.",
    "scientific_notation": "A spreadsheet shortened this number. Format the column as text and enter the number again.",
    "not_a_number": "This is not a phone number. Use digits, with + and the country code.",
    "needs_country_code": "Give the number with its country code, for example 60123456789.",
    "ambiguous": "This can be a local or an international number. Write it with + and the country code.",
    "invalid_number": "No country has such a number. Check it, and give it with its country code.",
}


class InvalidPhone(errors.Invalid):
    """Give the number with its country code."""

    code = "invalid_phone"

    def __init__(self, reason: str, field: str = "phone") -> None:
        super().__init__(errors=[errors.FieldError(field, "invalid_phone", _MESSAGES[reason])])
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Phone:
    """A number that some country's plan knows: its digits with country code and without plus."""

    digits: str

    def __str__(self) -> str:
        return self.digits

    @property
    def key(self) -> str:
        """The identity that all variants of this number share."""
        return canonical(self.digits)

    @property
    def region(self) -> str | None:
        """The country or territory (ISO 3166 alpha-2), None for numbers of no single one."""
        return phonenumbers.region_code_for_number(_number(self.key))

    @property
    def zones(self) -> tuple[str, ...]:
        """The time zones where this number may be (IANA names); empty when unknown."""
        return zones_of(self.key)


def parse(text: str, default_country: str | None = None) -> Phone:
    """Read a number as people write it; raises `InvalidPhone` with a `reason` and never guesses.

    `default_country` (ISO 3166 alpha-2) lets in local numbers of that country.
    """
    cleaned = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text[: LONGEST + 1])).strip()
    _refuse_strange(cleaned)
    digits = "".join(str(unicodedata.decimal(each)) for each in cleaned if each.isdecimal())
    is_international = cleaned.startswith("+") or digits.startswith("00")
    world = _valid(digits.removeprefix("00") if digits.startswith("00") else digits)
    if is_international:
        if world is None:
            raise InvalidPhone("invalid_number")
        return Phone(world)
    local = _local(digits, default_country.upper()) if default_country else None
    if world and local and canonical(world) != canonical(local):
        raise InvalidPhone("ambiguous")
    found = world or local
    if found is None:
        raise InvalidPhone("needs_country_code" if default_country is None else "invalid_number")
    return Phone(found)


def _refuse_strange(cleaned: str) -> None:
    if not cleaned:
        raise InvalidPhone("empty")
    if _MANGLED.fullmatch(cleaned):
        raise InvalidPhone("scientific_notation")
    if len(cleaned) > LONGEST or not _ALLOWED.fullmatch(cleaned):
        raise InvalidPhone("not_a_number")


def _valid(digits: str) -> str | None:
    """The digits, when they are a whole number with country code in this or a variant's spelling."""
    if not 7 <= len(digits) <= 15 or digits.startswith("0"):
        return None
    key = canonical(digits)
    try:
        number = _number(key)
    except phonenumbers.NumberParseException:
        return None
    is_same = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) == f"+{key}"
    return digits if is_same and phonenumbers.is_valid_number(number) else None


@lru_cache(maxsize=8192)
def _number(key: str) -> phonenumbers.PhoneNumber:
    """A number as the library reads it; an import asks twice for each: whether it is valid, and where it may be."""
    return phonenumbers.parse(f"+{key}")


def _local(digits: str, country: str) -> str | None:
    try:
        number = phonenumbers.parse(digits, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number_for_region(number, country):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]


@lru_cache(maxsize=4096)
def canonical(digits: str) -> str:
    """One key for the spellings under which the same line is known (E.164 digits without plus).

    Mexico lost the 1 after 52 in 2019, Brazilian mobiles got a ninth digit in 2012-2016, Argentine mobiles carry a 9
    only when called from abroad; WhatsApp still uses the older spellings for accounts made then.
    """
    if digits.startswith("521") and len(digits) == 13:
        return f"52{digits[3:]}"
    if digits.startswith("549") and len(digits) == 13:
        return f"54{digits[3:]}"
    if digits.startswith("55") and len(digits) == 12 and digits[4] in "6789":
        return f"{digits[:4]}9{digits[4:]}"
    return digits


_INDONESIA = ("Asia/Jakarta", "Asia/Jayapura", "Asia/Makassar")
"""The library knows Jakarta alone for numbers that are used in all three zones (responsible-sending.md 7, measured)."""


@lru_cache(maxsize=4096)
def zones_of(key: str) -> tuple[str, ...]:
    """Every time zone where a number may be (IANA names), by its identity key; empty when unknown."""
    if key.startswith("62"):
        return _INDONESIA
    try:
        found = timezone.time_zones_for_number(_number(key))
    except phonenumbers.NumberParseException:
        return ()
    return tuple(zone for zone in found if zone != "Etc/Unknown")


def is_country(code: str) -> bool:
    """Whether numbers of this country (ISO 3166 alpha-2) can be read."""
    return code.upper() in phonenumbers.SUPPORTED_REGIONS


def masked(digits: str) -> str:
    """A number for logs: enough to recognise, too little to call."""
    return f"{digits[:4]}{'*' * max(3, len(digits) - 6)}{digits[-2:]}" if len(digits) > 8 else "***"
