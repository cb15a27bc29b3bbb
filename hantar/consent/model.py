"""Consent, opt-outs and holds in words and values. No I/O."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from hantar.kit import errors

Purpose = Literal["marketing", "service"]
ConsentSource = Literal["web_form", "import", "inbound", "paper", "api"]


class OptOutReason(StrEnum):
    """Why a person hears nothing more."""

    STOP = "stop"
    COMPLAINT = "complaint"
    BLOCK = "block"
    MANUAL = "manual"
    BOUNCE = "bounce"
    LEGAL = "legal"


ADMIN_ONLY = frozenset({OptOutReason.COMPLAINT, OptOutReason.BLOCK, OptOutReason.LEGAL})
"""Opt-outs that only an administrator may release (responsible-sending.md 5)."""


class OptOutSource(StrEnum):
    """How an opt-out came to us."""

    KEYWORD = "keyword"
    CHAT = "chat"
    IMPORT = "import"
    API = "api"
    PLATFORM = "platform"


class Meaning(StrEnum):
    """What a message that came in asks for."""

    NONE = "none"
    STOP = "stop"
    START = "start"
    INTENT = "intent"
    QUESTION = "question"


@dataclass(frozen=True, slots=True)
class OptOut:
    """An opt-out to record."""

    reason: OptOutReason
    source: OptOutSource
    text: str | None = None
    note: str | None = None
    inbound_id: str | None = None
    keywords_version: str | None = None
    device_id: str | None = None
    campaign_id: str | None = None
    actor_id: str | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """A consent to record; times are instants, `wording` is what the person agreed to."""

    purpose: Purpose
    wording: str
    source: ConsentSource
    given_at: datetime
    channel: str = "whatsapp"
    wording_version: str | None = None
    business_name: str = ""
    proof_media_id: str | None = None
    import_id: str | None = None
    inbound_id: str | None = None
    actor_id: str | None = None
    expires_at: datetime | None = None


class ConsentWord(StrEnum):
    """How a person stands with consent to marketing: `withdrawn` also when it has run out."""

    GRANTED = "granted"
    NONE = "none"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides whether a person may be written to, as lists show it."""

    consent: ConsentWord = ConsentWord.NONE
    is_opted_out: bool = False
    is_on_hold: bool = False


class OptedOut(errors.Conflict):
    """This person has opted out and is not written to."""

    code = "opted_out"


class NoConsent(errors.Conflict):
    """There is no consent on record for this person."""

    code = "no_consent"


class ConsentNotFound(errors.NotFound):
    """There is no such consent."""


class OptOutNotFound(errors.NotFound):
    """There is no such opt-out."""


class AlreadyReleased(errors.Conflict):
    """This opt-out was released already."""

    code = "already_released"


class HoldNotFound(errors.NotFound):
    """There is no such hold."""


class HoldEnded(errors.Conflict):
    """This hold has ended already."""

    code = "hold_ended"
