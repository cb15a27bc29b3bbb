"""Templates that the service has approved, or not: which may be sent, and the text they make with words in their places."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from hantar.gateways.cloud.templates import Listed
from hantar.gateways.port import DeviceRef
from hantar.kit import errors

APPROVED = "approved"
HELD = frozenset({"paused", "disabled"})
"""The service stopped a template that it had approved."""
WORDS = {
    "reinstated": APPROVED,
    "unpaused": APPROVED,
    "flagged": APPROVED,  # it may be paused soon; until then it goes
    "limit_exceeded": "paused",
    "locked": "paused",
    "unlocked": APPROVED,
    "pending_deletion": "deleted",
}
"""What the service calls a change, where it is not the status itself."""
UNREAD = "Its text has not been read yet. Read the templates again."
"""Why a template cannot be sent of which only news came so far."""
MOST_PARAMETERS, LONGEST_PARAMETER = 100, 1024
"""Places and characters that are taken at most; a whole body has 1,024 characters (the service's documentation)."""
_PLACE = re.compile(r"\{\{\s*(\d+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Template:
    """A template in one language as it was last read. `places`: how many words its body needs; `header`: the file it begins with.

    `cannot`: why Hantar cannot fill it, empty when it can; `why`: what the service said about its status.
    """

    device_id: str
    name: str
    language: str
    category: str
    status: str
    body: str
    places: int
    header: Literal["", "image", "video", "document"]
    quality: str
    why: str
    cannot: str
    changed_at: datetime
    synced_at: datetime

    @property
    def is_sendable(self) -> bool:
        """Whether a message may be made of it now."""
        return self.status == APPROVED and not self.cannot


@dataclass(frozen=True, slots=True)
class Told:
    """News of one template; what is empty was not told."""

    name: str
    language: str
    status: str
    category: str
    why: str
    at: datetime


@runtime_checkable
class HasTemplates(Protocol):
    """A driver whose service lists templates."""

    async def templates(self, device: DeviceRef) -> list[Listed]:
        """All templates of the device's account as they stand now; raises `CredentialsRefused`, `ServiceAway`."""
        ...


def status_of(told: str) -> str:
    """The service's word for a status, or for what changed it, as we keep it."""
    word = told.strip().lower()
    return WORDS.get(word, word)


def filled(body: str, parameters: Sequence[str]) -> str:
    """The body with these words in its places, each taken as it stands."""
    return _PLACE.sub(lambda place: parameters[int(place[1]) - 1] if 0 < int(place[1]) <= len(parameters) else place[0], body)


class TemplateMissing(errors.Conflict):
    """This number has no approved template of this name and language."""

    code = "template_missing"


class TemplatePaused(errors.Conflict):
    """WhatsApp has paused this template. Choose another one, or wait until it is approved again."""

    code = "template_paused"


def refused(template: Template | None) -> errors.Conflict | None:
    """Why no message can be made of it; None when one can."""
    if template is None:
        return TemplateMissing()
    if template.status in HELD:
        return TemplatePaused()
    if template.status != APPROVED:
        return TemplateMissing(f"This template is not approved; WhatsApp says: {template.status}.")
    return TemplateMissing(f"Hantar cannot send this template. {template.cannot}") if template.cannot else None
