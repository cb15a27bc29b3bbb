"""Which version of an object a caller has seen (RFC 9110: ETag and If-Match), so that nobody overwrites what they never saw."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import Depends, Header, Response

from hantar.kit import errors


class ChangedMeanwhile(errors.Conflict):
    """This was changed meanwhile. Read it again, then change it."""

    code = "changed_meanwhile"


class Dated(Protocol):
    """An object that knows when it last changed."""

    @property
    def updated_at(self) -> datetime: ...


def tag(thing: Dated) -> str:
    """The entity tag of this version of an object: its last change, to the microsecond."""
    return f'"{int(thing.updated_at.timestamp() * 1_000_000):x}"'


@dataclass(frozen=True, slots=True)
class Versions:
    """The version a request names, and the reply that will name today's."""

    wanted: str | None
    response: Response

    def check(self, thing: Dated) -> None:
        """Raise `ChangedMeanwhile` when the caller has seen another version; to be asked while the object is locked."""
        if self.wanted is None or self.wanted.strip() == "*":
            return
        if tag(thing) not in [each.strip().removeprefix("W/") for each in self.wanted.split(",")]:
            raise ChangedMeanwhile

    def mark(self, thing: Dated) -> None:
        """Name the version in the reply."""
        self.response.headers["ETag"] = tag(thing)


async def _versions(
    response: Response,
    if_match: Annotated[str | None, Header(max_length=500, description="An `ETag`: change only this version.")] = None,
) -> Versions:
    return Versions(if_match, response)


async def _marks(response: Response) -> Versions:
    return Versions(None, response)


Checked = Annotated[Versions, Depends(_versions)]
"""A handler's parameter for a change: `versions.check(found)`, then `versions.mark(changed)`."""
Marked = Annotated[Versions, Depends(_marks)]
"""A handler's parameter for a reading: `versions.mark(found)`."""
