"""No text promises protection from WhatsApp's rules: pacing is courtesy and load control, and is called that.

Over everything a person may read: pages, documentation, and every string of the program, docstrings too (they become the API's
description). responsible-sending.md 1.
"""

import ast
import functools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STANCE = (
    "WhatsApp's terms do not allow bulk or automated messaging through a linked device. It may restrict or ban the number, and "
    "says it may take legal action. For broadcasts use the Cloud API, WhatsApp's supported route. Send only to people who asked "
    "to hear from you. Nothing in this product prevents a ban."
)
"""Said openly in the README and at set-up, word for word."""

PROMISES = re.compile(
    r"anti[\s-]?bann?\w*"
    r"|\bban[\s-](proof|safe|free|resistant|risk)\w*"
    r"|\bwarm(ing|ed|s)?[\s-]?ups?\b"
    r"|\bsafe(r|st|ty|guard\w*)?\b"
    r"|\bundetect\w*|\bstealth\w*|\bunder the radar\b"
    r"|\b(avoid|prevent|escape|evade|dodge|circumvent)\w* (\w+ ){0,3}?(ban(s|ned|ning)?|block(s|ed)?|detection|restrictions?)\b"
    r"|\b(human|natural)[\s-]?like\b",
    re.IGNORECASE,
)
ALLOWED = (
    "Nothing in this product prevents a ban",
    "nothing here prevents a ban",
    "Your data is safe on the server",
    "safe-area-inset",
    "safe to open in a spreadsheet",
    "trades safety for speed",
    "Safe to repeat",
    "stream-safe text",
    'not a published or "safe" limit',
)
"""Where such a word promises nothing of the kind: each is the exact text around it."""

Text = tuple[str, str]
"""Where it stands, and what it says."""


def _pages() -> Iterator[Text]:
    for path in sorted((ROOT / "frontend" / "src").rglob("*")):
        if path.suffix in (".ts", ".tsx", ".css", ".json", ".md") and ".test." not in path.name:
            yield from _lines(path)
    yield from _lines(ROOT / "frontend" / "index.html")


def _documents() -> Iterator[Text]:
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "frontend" / "README.md"]:
        yield from _lines(path)


def _lines(path: Path) -> Iterator[Text]:
    """Whole files, so that a promise broken over two lines is seen."""
    yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def _program() -> Iterator[Text]:
    yield from _strings()


@functools.cache
def _strings() -> tuple[Text, ...]:
    """Reading the whole program takes a second."""
    return tuple(_every_string())


def _every_string() -> Iterator[Text]:
    for path in sorted((ROOT / "hantar").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value
    for path in sorted((ROOT / "hantar").rglob("*.json")):
        if "static" not in path.parts:
            yield from _lines(path)


def promises(texts: Iterator[Text]) -> list[str]:
    """Each forbidden word with its place and the words around it."""
    found = []
    for where, text in texts:
        plain = re.sub(r"\s+", " ", text)
        for phrase in ALLOWED:
            plain = plain.replace(phrase, "")
        found += [f"{where}: …{plain[max(0, hit.start() - 40) : hit.end() + 40]}…" for hit in PROMISES.finditer(plain)]
    return found


@pytest.mark.parametrize("texts", [_pages, _documents, _program])
def test_no_text_promises_protection_from_whatsapp_s_rules(texts: Callable[[], Iterator[Text]]) -> None:
    read = list(texts())
    assert len(read) > 5, "the texts were not found"
    assert promises(iter(read)) == []


@pytest.mark.parametrize(
    "bad",
    [
        "Anti-ban delays",
        "our antiban engine",
        "Number warm-up",
        "warming\n up a new number",
        "a safe limit",
        "Safe mode",
        "the safest speed",
        "bans are less likely: ban-proof",
        "helps you avoid bans",
        "avoid getting banned",
        "prevents your number being blocked",
        "undetectable",
        "human-like typing",
    ],
)
def test_a_promise_is_seen(bad: str) -> None:
    assert promises(iter([("x", bad)])), "the search cannot fail"


@pytest.mark.parametrize(
    "good",
    [
        "You can unblock this person safely.",
        "Nothing in this product prevents a ban.",
        "Pacing is courtesy and load control.",
        "WhatsApp has banned this number.",
        "Gaps prevent a storm of messages.",
        "known as a warm chat",
    ],
)
def test_plain_words_are_let_be(good: str) -> None:
    assert promises(iter([("x", good)])) == []


def test_every_exception_is_still_needed() -> None:
    everything = " ".join(re.sub(r"\s+", " ", text) for texts in (_pages, _documents, _program) for _, text in texts())
    assert [phrase for phrase in ALLOWED if phrase not in everything] == []


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("’", "'").replace("\n>", " "))


def test_the_stance_is_said_in_the_readme_at_set_up_and_before_a_phone_is_linked() -> None:
    assert STANCE in _plain((ROOT / "README.md").read_text(encoding="utf-8"))
    words = [path for path in (ROOT / "frontend/src/words").rglob("*.ts") if STANCE in _plain(path.read_text(encoding="utf-8"))]
    assert [path.name for path in words] == ["accounts.ts"]
    steps = (ROOT / "frontend/src/accounts/setupSteps.tsx").read_text(encoding="utf-8")
    quoted = re.search(r"quote:\s*'(.*?)',\n", words[0].read_text(encoding="utf-8"))
    assert quoted
    assert _plain(quoted[1]) == STANCE
    assert "{t.terms.quote}" in steps, "the set-up shows it"
    linking = (ROOT / "frontend/src/devices/LinkTerms.tsx").read_text(encoding="utf-8")
    assert "{words.accounts.setup.terms.quote}" in linking, "whoever links a phone reads it"
