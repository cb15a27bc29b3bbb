"""What people and spreadsheets write as phone numbers, and what becomes of it."""

import pytest
from hypothesis import given, strategies as st

from hantar.kit import phone

READABLE = [
    ("60123456789", None, "60123456789"),
    ("+60123456789", None, "60123456789"),
    ("0060 12-345 6789", None, "60123456789"),
    ("+60 (12) 345.6789", None, "60123456789"),
    ("  +60123456789\u200e ", None, "60123456789"),
    ("\u202a+60 12 345 6789\u202c", None, "60123456789"),
    ("＋６０１２３４５６７８９", None, "60123456789"),
    ("+٦٠١٢٣٤٥٦٧٨٩", None, "60123456789"),
    ("+60\u00a012\u00a0345\u00a06789", None, "60123456789"),
    ("012-345 6789", "MY", "60123456789"),
    ("012-345 6789", "my", "60123456789"),
    ("60123456789", "MY", "60123456789"),
    ("0812 3456 789", "ID", "628123456789"),
    ("(202) 555-0123", "US", "12025550123"),
    ("+1 202 555 0123", "MY", "12025550123"),
    ("+52 1 55 1234 5678", None, "5215512345678"),
    ("+55 11 8765-4321", None, "551187654321"),
]

REFUSED = [
    ("", "empty"),
    ("   ", "empty"),
    ("\u200b", "empty"),
    ("6.01E+10", "scientific_notation"),
    ("6,01E+10", "scientific_notation"),
    ("6.0123456789e10", "scientific_notation"),
    ("6E10", "scientific_notation"),
    ("60123456789.0", "scientific_notation"),
    ("+60123456789,0", "scientific_notation"),
    ("abc", "not_a_number"),
    ("1-800-FLOWERS", "not_a_number"),
    ("60123456789 ext 5", "not_a_number"),
    ("=60123456789", "not_a_number"),
    ("-60123456789x", "not_a_number"),
    ("6012\x003456789", "not_a_number"),
    ("1" * 5000, "not_a_number"),
    ("' OR 1=1", "not_a_number"),
    ("012-345 6789", "needs_country_code"),
    ("123", "needs_country_code"),
    ("+999123456789", "invalid_number"),
    ("+60", "invalid_number"),
    ("000", "invalid_number"),
    ("+0123456789", "invalid_number"),
]

VARIANTS = [
    ("5215512345678", "525512345678"),
    ("551187654321", "5511987654321"),
    ("541123456789", "5491123456789"),
]


@pytest.mark.parametrize(("text", "country", "digits"), READABLE)
def test_a_number_is_read_as_people_write_it(text: str, country: str | None, digits: str) -> None:
    assert phone.parse(text, country).digits == digits


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_what_would_have_to_be_guessed_is_refused(text: str, reason: str) -> None:
    with pytest.raises(phone.InvalidPhone) as refused:
        phone.parse(text)
    assert refused.value.reason == reason
    assert refused.value.errors[0].code == "invalid_phone"


def test_digits_that_mean_two_numbers_are_refused() -> None:
    with pytest.raises(phone.InvalidPhone) as refused:
        phone.parse("8225458919", "IN")
    assert refused.value.reason == "ambiguous"
    assert phone.parse("+91 8225458919", "IN").digits == "918225458919"


@pytest.mark.parametrize(("one", "other"), VARIANTS)
def test_variants_of_a_number_share_one_key(one: str, other: str) -> None:
    assert phone.canonical(one) == phone.canonical(other)
    assert phone.parse(f"+{one}").digits == one, "the number stays as given"
    assert phone.parse(f"+{one}").key == phone.parse(f"+{other}").key


def test_fixed_lines_of_brazil_keep_their_eight_digits() -> None:
    assert phone.canonical("551132345678") == "551132345678"


def test_a_number_knows_its_region_and_zones() -> None:
    assert phone.parse("60123456789").region == "MY"
    assert phone.parse("60123456789").zones == ("Asia/Kuching",)
    assert phone.parse("+52 1 55 1234 5678").region == "MX"


def test_logs_never_hold_a_full_number() -> None:
    assert phone.masked("60123456789") == "6012*****89"
    assert phone.masked("123") == "***"


@given(st.text(max_size=40), st.sampled_from([None, "MY", "US", "BR"]))
def test_no_text_breaks_the_reader(text: str, country: str | None) -> None:
    try:
        found = phone.parse(text, country)
    except phone.InvalidPhone:
        return
    assert found.digits.isascii()
    assert found.digits.isdigit()
    assert phone.parse(found.digits) == found, "what was read once is read again"
    assert phone.canonical(found.key) == found.key


@given(st.integers(min_value=0, max_value=9_999_999))
def test_every_malaysian_mobile_comes_back_the_same(number: int) -> None:
    digits = f"6012{number:07d}"
    assert phone.parse(digits, "MY").digits == phone.parse(f"+{digits}").digits == phone.parse(f"0{digits[2:]}", "MY").digits
