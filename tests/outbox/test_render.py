"""Fields in a text: filled in as they stand, never evaluated, and a clear word when something is wrong."""

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
