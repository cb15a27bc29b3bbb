"""Cursors: opaque, exact, refused when they are not ours."""

import contextlib

import pytest
from hypothesis import given, strategies as st

from hantar.kit import paging

values = st.lists(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20), max_size=4)


@given(values)
def test_a_cursor_gives_back_what_was_put_in(given_values):
    assert paging.decode(paging.encode(*given_values)) == given_values


@given(st.text(max_size=60))
def test_any_text_is_a_cursor_or_refused(text):
    with contextlib.suppress(paging.BadCursor):
        assert isinstance(paging.decode(text), list)


def test_a_page_knows_whether_there_is_more():
    page = paging.Page(limit=2)
    assert page.cut([1, 2], lambda n: (n,)) == ([1, 2], None)
    kept, cursor = page.cut([1, 2, 3], lambda n: (n, "id"))
    assert kept == [1, 2]
    assert paging.Page(cursor=cursor).after(2) == [2, "id"]
    with pytest.raises(paging.BadCursor):
        paging.Page(cursor=cursor).after(1)
