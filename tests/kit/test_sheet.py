"""CSV that a spreadsheet may open."""

from hantar.kit import sheet


def test_a_further_part_of_a_file_has_no_header_and_no_empty_line() -> None:
    parts = [*sheet.lines(("name", "n"), [("=1", 1)]), *sheet.lines((), [(None, True)])]
    assert "".join(parts) == "name,n\r\n'=1,1\r\n,yes\r\n"


def test_what_looks_guarded_already_gets_one_more_apostrophe() -> None:
    assert sheet.text("'=1") == "''=1"
