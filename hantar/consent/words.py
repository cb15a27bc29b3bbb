"""What a message that came in asks for: to stop, to start again, to be left alone in other words, an answer. Pure.

Tier 1: the *whole* message is one of the words (responsible-sending.md 5). Tier 2: it asks to be left alone in other words
(6, `intents`). All languages count at once; a message is never a stop word because it contains one.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from hantar.consent import intents
from hantar.consent.model import Meaning

LONGEST = 10_000
"""Characters of a message that are read: its beginning and its end; what lies between in a longer one asks for nothing."""
_TAIL = 2_000
_LONGEST_APART = 40_000
"""Characters of a message taken apart: scripts need up to three for one, a single sign of honour takes eighteen."""
_MARKS_IN_A_ROW = 30
"""More marks than this on one letter are no writing (Unicode Annex 15, stream-safe text) and slow down normalising."""


@dataclass(frozen=True, slots=True)
class Language:
    """Our words of one language, as they are written in lists; a note says who still has to look at them."""

    code: str
    name: str
    stop: tuple[str, ...]
    start: tuple[str, ...]
    stop_note: str | None
    start_note: str | None

    def words(self, kind: Literal["stop", "start"]) -> tuple[str, ...]:
        """The words that mean to stop, or to start again."""
        return self.stop if kind == "stop" else self.start

    def note(self, kind: Literal["stop", "start"]) -> str | None:
        """Why these words are not settled yet; None when they are."""
        return self.stop_note if kind == "stop" else self.start_note


@dataclass(frozen=True, slots=True)
class Read:
    """What a message asks for; `word` and `language` only where a word of a list said it (a workspace's own has no language)."""

    meaning: Meaning
    word: str | None = None
    language: str | None = None


# ---------------------------------------------------------------- folding
class _Table(dict[int, str | None]):
    """A table for `str.translate` that decides about a character when it first comes up."""

    def __init__(self, decide: Any) -> None:
        super().__init__()
        self._decide = decide

    def __missing__(self, point: int) -> str | None:
        found: str | None = self._decide(chr(point))
        if len(self) < 4096:
            self[point] = found
        return found


_TATWEEL = "\u0640"
_DROPPED_MARKS = (
    *((0x0300, 0x036F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F)),  # on Latin letters, and strokes
    *((0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670), (0x06D6, 0x06ED), (0x0898, 0x08FF), (0x10EFD, 0x10EFF)),  # Arabic
    *((0x0591, 0x05C7), (0xFB1E, 0xFB1E)),  # Hebrew
    *((0xFE00, 0xFE0F), (0xE0100, 0xE01EF), (0x180B, 0x180F)),  # variation selectors
)


def _without_decoration(character: str) -> str | None:
    """Drops format characters, tatweel, variation selectors, marks of Latin, Arabic and Hebrew; Indic and Thai keep theirs."""
    category, point = unicodedata.category(character), ord(character)
    if category == "Cf" or character == _TATWEEL:
        return None
    is_mark = category[0] == "M" and any(first <= point <= last for first, last in _DROPPED_MARKS)
    return None if is_mark else character


def _spaced(character: str) -> str:
    """Punctuation, symbols, separators and control characters (a line's end) become spaces."""
    return " " if unicodedata.category(character)[0] in "PSZ" or unicodedata.category(character) == "Cc" else character


_PLAIN, _SPACED = _Table(_without_decoration), _Table(_spaced)


def _bounded(text: str) -> str:
    """At most so many marks in a row: putting them in order takes the square of their number."""
    marks = "".join(each for each in set(text) if unicodedata.combining(each))
    return re.sub(f"([{marks}]{{{_MARKS_IN_A_ROW}}})[{marks}]+", r"\1", text) if marks else text


def fold(text: str) -> str:
    """One spelling for all the ways a word can be written: width, case, accents, punctuation, emoji, what cannot be seen.

    NFKD, then without format characters, tatweel, variation selectors and the marks of Latin, Arabic and Hebrew letters,
    then NFC, casefold, all that is no letter, mark or digit to one space. Folding twice changes nothing more.
    """
    if not text.isascii():
        plain = _bounded(text.translate(_PLAIN))
        apart = unicodedata.normalize("NFKD", plain)[:_LONGEST_APART]
        text = unicodedata.normalize("NFC", apart if apart == plain else apart.translate(_PLAIN))
    return " ".join(text.casefold().translate(_SPACED).split())


# ---------------------------------------------------------------- our words
@cache
def _data() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(__file__).parent / "keywords.json").read_text(encoding="utf-8"))
    return found


VERSION: str = _data()["version"]
"""Stored with each automatic opt-out; goes up with every change of `keywords.json` or `intents.json`."""
LANGUAGES: tuple[Language, ...] = tuple(
    Language(code, each["name"], tuple(each["stop"]), tuple(each["start"]), each["notes"]["stop"], each["notes"]["start"])
    for code, each in _data()["languages"].items()
)


def _folded(kind: Literal["stop", "start"]) -> dict[str, tuple[str, str]]:
    """Folded word -> the word as listed, and its language: the first that lists it."""
    found: dict[str, tuple[str, str]] = {}
    for language in LANGUAGES:
        for word in language.words(kind):
            found.setdefault(fold(word), (word, language.code))
    return found


STOP, START = _folded("stop"), _folded("start")


@cache
def _phrases() -> intents.Phrases:
    return intents.load(fold, STOP)


# ---------------------------------------------------------------- reading
_ASKS_ANYWHERE = frozenset("？؟⁇⁈⁉‽❓❔﹖︖՞፧\u037e")
"""Question marks that stand in no address and no code."""


def _is_question(text: str) -> bool:
    if not _ASKS_ANYWHERE.isdisjoint(text):
        return True
    at = text.find("?")
    while at >= 0:
        if not text[at + 1 : at + 2].isalnum():  # `/page?id=7` asks nothing
            return True
        at = text.find("?", at + 1)
    return False


def ours(folded: str) -> tuple[Literal["stop", "start"], str, str] | None:
    """Whether a folded word is one of ours: its meaning, the word as listed, its language."""
    if folded in STOP:
        return "stop", *STOP[folded]
    return ("start", *START[folded]) if folded in START else None


def read(text: str, own: Mapping[str, str]) -> Read:
    """What this message asks for; `own` are the workspace's words, folded, each "stop" or "start". Ours come first.

    Takes time in proportion to the message's length.
    """
    if len(text) > LONGEST:
        text = f"{text[: LONGEST - _TAIL]}\n{text[-_TAIL:]}"
    folded = fold(text)
    known = ours(folded)
    if known:
        return Read(Meaning(known[0]), known[1], known[2])
    if folded in own:
        return Read(Meaning(own[folded]), folded)
    if folded and _phrases().asks(folded, own):
        return Read(Meaning.INTENT)
    return Read(Meaning.QUESTION if _is_question(text) else Meaning.NONE)
