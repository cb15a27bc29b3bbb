"""How comma lists are read and matched."""

import pytest
from hypothesis import given, strategies as st

from hantar.leads import model


@pytest.mark.parametrize(
    ("listed", "wanted", "expected"),
    [
        ("EXSTART,ITADRESS", "ITADRESS", True),
        ("EXSTART,ITADRESS", "itadress", True),
        ("EXSTART, ITADRESS ", " ItAdress", True),
        ("OUTFIT", "FIT", False),
        ("FIT", "OUTFIT", False),
        ("straße", "STRASSE", True),
        ("café", "cafe\u0301", True),
        ("", "FIT", False),
        ("FIT", "", False),
    ],
)
def test_a_niche_matches_as_a_whole_entry(listed: str, wanted: str, expected: bool) -> None:
    assert model.matches(listed, wanted) is expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("EXSTART,ITADRESS", ("EXSTART", "ITADRESS")),
        (" a ,, b,A ", ("a", "b")),
        (["a,b", "c"], ("a", "b", "c")),
        (None, ()),
        (",", ()),
    ],
)
def test_a_list_is_split_trimmed_and_holds_each_entry_once(given: object, expected: tuple[str, ...]) -> None:
    assert model.entries(given) == expected  # type: ignore[arg-type] # all its kinds


@given(st.lists(st.text(max_size=8), max_size=8))
def test_a_list_read_again_is_the_same(names: list[str]) -> None:
    once = model.entries(names)
    assert model.entries(",".join(once)) == once
    assert len(set(model.keys(once))) == len(once)
    assert all(model.matches(once, name) for name in once)


def test_problems_name_each_field() -> None:
    fields = model.Fields("", "1", niches=("n" * 101,), attributes={"1x": "a", "ok": "b" * 1001}, time_zone="Mars/One")
    assert {each.field for each in model.problems(fields)} == {
        "name",
        "niche",
        "attributes",
        "attributes.ok",
        "time_zone",
    }
