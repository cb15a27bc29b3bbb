"""A person as a whole, and what erasing them means. No I/O."""

from dataclasses import dataclass
from datetime import datetime

from hantar.kit import errors

JOB = "person.erase"
STAYS = (
    "how many messages were sent, when, by which device and campaign, without name, number or words",
    "a keyed hash that keeps an opt-out in force; no number can be read from it",
    "entries in the audit trail, which name nobody",
)
"""What is left of an erased person, in words for the page and the answer."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why a person would not get a message now; `until` when it passes by itself."""

    code: str
    words: str
    until: datetime | None = None


class AlreadyErased(errors.Conflict):
    """This person was erased already."""

    code = "already_erased"
