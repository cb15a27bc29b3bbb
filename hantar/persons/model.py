"""A person: whoever receives, with every name the service knows them by. No I/O."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from hantar.kit import errors

PersonId = NewType("PersonId", str)


class AliasKind(StrEnum):
    """What an alias is. A LID is an opaque id: it is never shown, stored or exported as a number."""

    PHONE = "phone"
    LID = "lid"
    JID = "jid"
    CHAT = "chat"


@dataclass(frozen=True, slots=True)
class Alias:
    """One name of a person; a phone's value is its identity key (`kit.phone.canonical`)."""

    kind: AliasKind
    value: str


@dataclass(frozen=True, slots=True)
class Person:
    """A person as stored; `phone` is None when only an opaque id is known, or after erasure."""

    id: PersonId
    phone: str | None
    zones: tuple[str, ...]
    aliases: tuple[Alias, ...]
    created_at: datetime
    erased_at: datetime | None


class PersonNotFound(errors.NotFound):
    """There is no such person."""
