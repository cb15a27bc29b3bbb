"""Formulas that a spreadsheet would run, and their guard."""

import pytest
from hypothesis import given, strategies as st

from hantar.kit import cells


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+60",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\u00a0=1",
        "\u200b=1",
        "\u2003\x0b=1",
        "            =1",
        "＝1",
        "＋1",
        "－1",
        "＠x",
        "'=1",
    ],
)
def test_a_cell_that_could_run_is_guarded(cell: str) -> None:
    assert cells.guard(cell) == f"'{cell}"
    assert cells.unguard(cells.guard(cell)) == cell


@pytest.mark.parametrize("cell", ["", "Ann", "'til dawn", "''", "a=b", "60123456789", "|x", "'quoted'"])
def test_other_cells_stay_as_they_are(cell: str) -> None:
    assert cells.guard(cell) == cell
    assert cells.unguard(cell) == cell


@given(st.text(alphabet=st.one_of(st.sampled_from("'=+-@\t\r\n ＝ax"), st.characters()), max_size=12))
def test_every_cell_comes_back(cell: str) -> None:
    assert cells.unguard(cells.guard(cell)) == cell
