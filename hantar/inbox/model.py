"""What comes in, in words and values. No I/O."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

from hantar.gateways import port
from hantar.kit import phone

CAMPAIGN_WITHIN = timedelta(days=30)
"""How long after a campaign's message an opt-out is put down to that campaign (our own number)."""
CONFIRM_WITHIN = timedelta(minutes=5)
"""A confirmation leaves within this time or never (responsible-sending.md 5)."""
LONGEST_TEXT = 65_536
"""Characters kept of one incoming text: what WhatsApp takes at most."""
LONGEST_NAME = 200
LONGEST_ID = 200
LONGEST_REF = 4_000
"""Characters of a driver's word for a file: an address with its keys has some hundred."""
WROTE_FIRST = "Wrote to us first."
"""The wording of the service consent of somebody who writes before they agreed to anything."""

Told = Literal["stopped", "restored", "lifted"]
"""What a confirmation says: you hear nothing more · you do again, and agreed to it again · you do again."""
WORDS = Path(__file__).with_name("words.json")
FALLBACK = "en"


@dataclass(frozen=True, slots=True)
class Place:
    """The device that heard it, and where it stands."""

    workspace_id: str
    device_id: str
    rules_kind: str
    number: str | None
    linked_at: datetime | None

    def is_own(self, who: port.Address) -> bool:
        """Whether this is the device's own number: an echo of ourselves, never a person."""
        return self.number is not None and key_of(who) == phone.canonical(self.number)


def key_of(who: port.Address) -> str | None:
    """The identity key of an address's number; None for what is no number at all, so that none is invented."""
    digits = (who.phone or "").removeprefix("+")
    is_number = digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15
    return phone.canonical(digits) if is_number else None


def opaque_of(who: port.Address) -> str | None:
    """The address's opaque id as it is stored."""
    return clean(who.opaque or "", LONGEST_ID).strip() or None


def clean(text: str, most: int) -> str:
    """Text as the database can hold it: no NUL, no half of a character pair, not endless."""
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
    return text.replace("\x00", "")[:most]


def file_of(ref: port.MediaRef) -> dict[str, str | int] | None:
    """What is stored of a file that came with a message; None when its reference is too long to mean anything later."""
    word = clean(ref.ref, LONGEST_REF + 1)
    if len(word) > LONGEST_REF:
        return None
    name = clean(ref.name, LONGEST_NAME)
    return {"kind": ref.kind, "mime": clean(ref.mime, LONGEST_ID), "name": name, "size": max(0, ref.size), "ref": word}


@cache
def confirmations() -> Mapping[str, Mapping[str, str]]:
    """Language → what a confirmation says, with the words that lead back and out again."""
    found: Mapping[str, Mapping[str, str]] = json.loads(WORDS.read_text(encoding="utf-8"))["languages"]
    return found


def confirmation(told: Told, language: str | None) -> str:
    """The text of a confirmation in the language of the word that was written; English for a language without one."""
    known = confirmations()
    return known.get(language or FALLBACK, known[FALLBACK])[told]
