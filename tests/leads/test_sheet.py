"""Files as spreadsheets and their users make them, and how they are read."""

import io

import pytest
from hypothesis import given, settings, strategies as st

from hantar.kit import errors
from hantar.leads import sheet


def read(data: bytes, encoding: str | None = None, delimiter: str | None = None) -> list[sheet.Record]:
    file = io.BytesIO(data)
    form = sheet.detect(file, encoding, delimiter)
    sheet.check(file, form)
    return list(sheet.records(file, form))


def cells(data: bytes, encoding: str | None = None) -> list[list[str] | None]:
    return [record.cells for record in read(data, encoding)]


ROWS: list[list[str] | None] = [["name", "phone"], ["Zoë 🎉", "1"]]


@pytest.mark.parametrize(
    "data",
    [
        "name,phone\r\nZoë 🎉,1\r\n".encode(),
        "name,phone\nZoë 🎉,1".encode(),
        "name,phone\rZoë 🎉,1\r".encode(),
        "\ufeffname,phone\nZoë 🎉,1\n".encode(),
        "name;phone\nZoë 🎉;1\n".encode(),
        "name\tphone\nZoë 🎉\t1\n".encode(),
        "sep=;\nname;phone\nZoë 🎉;1\n".encode(),
        "name,phone\n\n\n,\nZoë 🎉,1\n\n".encode(),
        '"name","phone"\n"Zoë 🎉","1"\n'.encode(),
        "\ufeffname,phone\nZoë 🎉,1\n".encode("utf-16-le"),
        "\ufeffname,phone\nZoë 🎉,1\n".encode("utf-16-be"),
        "name,phone\nZoë 🎉,1\n".encode("utf-16"),
    ],
)
def test_a_file_is_read_whoever_wrote_it(data: bytes) -> None:
    assert cells(data) == ROWS


def test_quoted_cells_hold_separators_quotes_and_line_breaks() -> None:
    data = b'name,phone\n"a,b","1\n2"\n"say ""hi""",\'3\n'
    assert cells(data) == [["name", "phone"], ["a,b", "1\n2"], ['say "hi"', "'3"]]


def test_a_separator_within_quotes_is_none() -> None:
    assert cells(b'"a;b;c;d",phone\nx,y\n') == [["a;b;c;d", "phone"], ["x", "y"]]


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_another_encoding_is_asked_for_not_guessed(encoding: str) -> None:
    data = "name,phone\nJosé,1\n".encode(encoding)
    with pytest.raises(errors.Invalid) as refused:
        read(data)
    assert (refused.value.errors[0].field, refused.value.errors[0].code) == ("encoding", "unknown_encoding")
    assert cells(data, encoding) == [["name", "phone"], ["José", "1"]]


def test_a_wrong_byte_far_down_is_found_before_anything_is_read() -> None:
    with pytest.raises(errors.Invalid):
        read(b"name,phone\n" + b"a,1\n" * 100_000 + b"\xff,1\n")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\r\n", "empty"),
        (b"PK\x03\x04" + b"\x00" * 100, "not_csv"),
        (b"\xd0\xcf\x11\xe0" + b"\x00" * 100, "not_csv"),
    ],
)
def test_what_is_no_csv_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(errors.Invalid) as refused:
        read(data)
    assert refused.value.errors[0].code == code


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ('"open,2', "open_quote"),
        ('"a"b,2', "bad_quotes"),
        ("x" * 131_073 + ",2", "cell_too_long"),
        ("x" * 2_500_000, "row_too_long"),
    ],
)
def test_a_broken_row_is_reported_and_the_next_one_read(broken: str, code: str) -> None:
    found = read(f"name,phone\na,1\n{broken}\nb,3\nc,4\n".encode())
    assert [(record.row, record.code) for record in found if record.cells is None] == [(3, code)]
    assert [record.cells for record in found if record.cells][1:] == [["a", "1"], ["b", "3"], ["c", "4"]]


def test_an_open_quote_before_many_rows_costs_one_row() -> None:
    good = b"".join(b"name %d,%d\n" % (number, number) for number in range(50_000))
    found = read(b'name,phone\n"open,1\n' + good)
    assert [record.row for record in found if record.cells is None] == [2]
    assert len(found) == 50_002


def test_many_open_quotes_do_not_take_for_ever() -> None:
    assert len(read(b"name,phone\n" + b'"open,1\nx,2\n' * 2_000)) > 1_000


def test_rows_are_numbered_as_the_spreadsheet_does() -> None:
    found = read(b'name,phone\n\n"a\nb",1\n\nc,2\n')
    assert [record.row for record in found] == [1, 3, 5]


@given(st.binary(max_size=400))
@settings(max_examples=300)
def test_no_bytes_break_the_reader(data: bytes) -> None:
    for encoding in (None, "latin-1"):
        try:
            read(b"name,phone\n" + data, encoding)
        except errors.Invalid:
            continue
