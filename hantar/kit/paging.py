"""Lists by cursor: opaque, stable under inserts, at most 200 things at a time. A bad cursor is refused, never guessed."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from hantar.kit import errors, ids

T = TypeVar("T")
LARGEST = 200
"""Most things in one answer (api.md 1.5)."""


class BadCursor(errors.Invalid):
    """This cursor cannot be read. Start again without it."""

    code = "bad_request"


def encode(*values: Any) -> str:
    """An opaque cursor that holds where the next page starts; values must be JSON, instants as text."""
    text = json.dumps(values, separators=(",", ":"), default=str)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def decode(cursor: str) -> list[Any]:
    """The values in a cursor; raises `BadCursor`."""
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise BadCursor from error
    if not isinstance(values, list) or not all(isinstance(v, str | int | float | bool | None) for v in values):
        raise BadCursor
    return values


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for."""

    limit: int = 50
    cursor: str | None = None
    with_total: bool = False

    def after(self, count: int) -> list[Any] | None:
        """The cursor's values (None on the first page); raises `BadCursor` when there are not `count` of them."""
        if self.cursor is None:
            return None
        values = decode(self.cursor)
        if len(values) != count:
            raise BadCursor
        return values

    def before(self) -> str | None:
        """The id a list by id goes on after (None on the first page); raises `BadCursor` when it is none."""
        place = self.after(1)
        if place is None:
            return None
        if not ids.is_id(str(place[0])):
            raise BadCursor
        return str(place[0])

    def cut(self, rows: Sequence[T], key: Callable[[T], Sequence[Any]]) -> tuple[list[T], str | None]:
        """Rows fetched with `LIMIT limit + 1`: those of this page, and the cursor of the next (None at the end).

        `key` gives the values by which the list is sorted, the id last.
        """
        if len(rows) <= self.limit:
            return list(rows), None
        kept = list(rows[: self.limit])
        return kept, encode(*key(kept[-1]))


def _page(
    limit: Annotated[int, Query(ge=1, le=LARGEST, description="How many at most.")] = 50,
    cursor: Annotated[str | None, Query(max_length=2000, description="`next_cursor` of the page before.")] = None,
    with_total: Annotated[bool, Query(description="Count all of them too.")] = False,
) -> Page:
    return Page(limit, cursor or None, with_total)


Paging = Annotated[Page, Depends(_page)]
"""A handler's parameter: `page: paging.Paging`."""


class PageOut(BaseModel, Generic[T]):
    """One page of a list; `total` is there when asked for."""

    items: list[T]
    next_cursor: str | None = None
    total: int | None = Field(default=None, exclude_if=lambda value: value is None)
