"""Fields in a text: filled in as they stand, never evaluated, and a clear word when something is wrong."""

import json

import pytest
from hypothesis import given, strategies as st

from hantar.outbox import render

VALUES = render.values_of("Aisyah 🌙", "60123456789", "FIT", {"City": "Ipoh", "empty": None})


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("Hello {{ name }}", "Hello Aisyah 🌙"),
        ("Hello {{name}}!", "Hello Aisyah 🌙!"),
        ('{{ nick | default: "there" }}', "there"),
        ("{{ nick | default: 'you' }}", "you"),
        ("{{ nick | default: “friend” }}", "friend"),
        ('{{ nick | default: "" }}.', "."),
        ("{{ city }} / {{ CITY }}", "Ipoh / Ipoh"),
        ("*{{ phone }}* {{ niche }}", "*60123456789* FIT"),
        ("no fields {x}", "no fields {x}"),
    ],
)
def test_fields_are_filled_in(text: str, result: str) -> None:
    assert render.problems(text) == []
    assert render.render(text, VALUES) == result


def test_a_missing_field_without_default_is_said() -> None:
    with pytest.raises(render.MissingVariable, match="nick"):
        render.render("{{ nick }}", VALUES)


@pytest.mark.parametrize(
    "text", ["{{7*7}}", "{{ name.upper() }}", "{{ name | upcase }}", "{{}}", "{{ a b }}", "{{ x | default: }}"]
)
def test_expressions_are_refused(text: str) -> None:
    assert [problem.code for problem in render.problems(text)] == ["bad_variable"]


@pytest.mark.parametrize("text", ["{{ name", "name }}", "{{ name }} {{"])
def test_unclosed_braces_are_refused(text: str) -> None:
    assert "unclosed_variable" in [problem.code for problem in render.problems(text)]


def test_a_value_is_never_evaluated_again() -> None:
    values = render.values_of("{{ phone }}", "1", "", {})
    assert render.render("{{ name }}", values) == "{{ phone }}"


def test_names_that_nobody_has_are_unknown() -> None:
    assert render.unknown('{{ name }} {{ city }} {{ nick | default: "x" }}', ["City"]) == ["nick"]
    assert render.required('{{ name }} {{ name }} {{ nick | default: "x" }}') == ["name"]


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    if not render.problems(text):
        for variable in render.variables(text):
            VALUES.setdefault(variable.name, "v")
        render.render(text, VALUES)


# ---------------------------------------------------------------- the quick way against the plain one

names = st.sampled_from(["name", "NAME", "phone", "niche", "city", "City", "CITY", "nick", "\u212a", "k", "size"])
words = st.sampled_from(["", " ", "Ipoh", " Aisyah 🌙 ", "{{ phone }}", "null", "0"])
holes = st.tuples(names, st.sampled_from(["", ' | default: "there"', ' | default: ""', " | upcase"])).map(
    lambda each: "{{ " + each[0] + each[1] + " }}"
)
texts = st.lists(st.one_of(holes, st.sampled_from(["Hello ", "{{", "}}", "\n", "*"]), st.text(max_size=5)), max_size=6).map(
    "".join
)
values = words | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.lists(words, max_size=2)
leads = st.none() | st.dictionaries(names | st.text(max_size=3), values, max_size=6)


def said(text: str, name: str, phone: str, niches: list[str] | None, own: dict[str, object] | None, *, quick: bool) -> str:
    """What is sent, or why it cannot be."""
    try:
        if quick:
            return render.for_lead(text, name, phone, niches, None if own is None else json.dumps(own))
        return render.render(text, render.values_of(name, phone, ", ".join(niches or []), own or {}))
    except render.MissingVariable as error:
        return f"missing: {error.name}"


@given(texts, words, words, st.none() | st.lists(words, max_size=3), leads)
def test_only_looking_at_what_is_asked_for_gives_the_same_text(
    text: str, name: str, phone: str, niches: list[str] | None, own: dict[str, object] | None
) -> None:
    assert said(text, name, phone, niches, own, quick=True) == said(text, name, phone, niches, own, quick=False)


def test_a_leads_own_attribute_never_stands_for_a_standard_field() -> None:
    own = '{"Name": "Mallory", "PHONE": "1", "city": "Ipoh", "City": "Kuching", "CITY": null}'
    text = '{{ name }} {{ phone }} {{ city }} {{ niche | default: "-" }}'
    assert render.for_lead(text, "Bob", "60123456789", None, own) == "Bob 60123456789 Kuching -"
    with pytest.raises(render.MissingVariable, match="city"):
        render.for_lead(text, "Bob", "60123456789", ["FIT"], None)
    with pytest.raises(render.MissingVariable, match="name"):
        render.for_lead(text, " ", "60123456789", ["FIT"], own)
