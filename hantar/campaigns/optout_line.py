"""The line that says how to stop: whether a text has one, whether it must, and one to propose in the text's language.

The first campaign message to a person carries it (responsible-sending.md 5). It is proposed, visibly; the server never adds
text.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hantar.campaigns import judging, model
from hantar.campaigns.rulebook import SIMULATED, Rulebook
from hantar.consent import words
from hantar.kit import db

ORDINARY = frozenset(
    {
        *("stop", "cancel", "end", "quit", "remove", "revoke", "batal", "keluar", "henti", "tak nak", "tidak mahu", "tidak mau"),
        *("alto", "baja", "parar", "cancelar", "detener", "sair", "pare", "remover", "取消", "停止", "td", "قف", "الغاء", "बंद"),
        *("रोकें", "रुको", "रोको"),
    }
)
"""Stop words that ordinary offers use as well ("non-stop", "until the end of June"): they count in capitals, in quotes, in marks
of bold or italic, after a colon, or soon after a word that asks for an answer (our own rule)."""
NEAR = 3
"""So many words before the word to reply with, one of them asks to reply."""
NEAR_LETTERS = 8
"""The same in Chinese, which is written without spaces."""
_MARKED = re.compile(r"""["'“”‘’«»„「『*_:：]\s*$""")
_HOLE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Line:
    """Whether the text says how to stop, whether somebody gets a campaign for the first time, and whether it must say it."""

    is_present: bool
    is_first: bool
    is_required: bool
    """It is missing, somebody needs it, and a device of the plan is bound to have it."""
    proposal: str | None
    language: str


@cache
def _data() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "optout_lines.json").read_text("utf-8"))["languages"]
    return found


def line_in(language: str) -> str:
    """The line to propose in this language."""
    line: str = _data().get(language, _data()["en"])["line"]
    return line


def says(text: str, own: Iterable[str] = ()) -> bool:
    """Whether a text names a word by which people stop: one of ours in any language, or one of the workspace's (folded)."""
    plain = _HOLE.sub(" ", text)
    folded = f" {words.fold(plain)} "
    return any(_stands(word, plain, folded) for word in (*words.STOP, *own))


def _stands(word: str, text: str, folded: str) -> bool:
    is_spaced = not _is_unspaced(word)
    if (f" {word} " if is_spaced else word) not in folded:
        return False
    if word not in ORDINARY or any(_is_marked(text, match) for match in _written(word, text)):
        return True
    if not is_spaced:
        return any(ask in each[-NEAR_LETTERS:] for each in folded.split(word)[:-1] for ask in _asks() if _is_unspaced(ask))
    return any(_asks() & set(each.split()[-NEAR:]) for each in folded.split(f" {word} ")[:-1])


@cache
def _asks() -> frozenset[str]:
    """Words that ask for an answer, in all languages, folded."""
    return frozenset(words.fold(word) for each in _data().values() for word in each["asks"])


def _is_unspaced(word: str) -> bool:
    """Whether the word is Chinese, which is written without spaces."""
    return any("CJK" in unicodedata.name(letter, "") for letter in word)


def _written(word: str, text: str) -> Iterable[re.Match[str]]:
    """Where a folded word stands in a text as it was written."""
    pattern = r"\s+".join(map(re.escape, word.split()))
    edge = "" if _is_unspaced(word) else r"(?<!\w)"
    return re.finditer(f"{edge}{pattern}{edge.replace('<!', '!')}", _same_length(text))


def _same_length(text: str) -> str:
    """The text in lower case without accents, each letter in its place."""
    return "".join((unicodedata.normalize("NFKD", each)[0].lower() or each)[:1] for each in text)


def _is_marked(text: str, match: re.Match[str]) -> bool:
    written = text[match.start() : match.end()]
    has_case = any(each.lower() != each.upper() for each in written)
    return (has_case and written == written.upper()) or bool(_MARKED.search(text[: match.start()]))


def language_of(text: str, country: str | None) -> str:
    """The language a text seems to be written in: by its script, else by its commonest words, else by the country."""
    plain = _HOLE.sub(" ", text)
    letters = [unicodedata.name(each, "") for each in _LETTER.findall(plain)]
    for language, script in (("ar", "ARABIC"), ("hi", "DEVANAGARI"), ("zh", "CJK")):
        if sum(script in name for name in letters) * 3 > len(letters):
            return language
    found = set(re.findall(r"\w+", plain.casefold()))
    scores = {language: len(found & set(each["common"])) for language, each in _data().items()}
    best = max(scores.values())
    leading = [language for language, score in scores.items() if score == best]
    if best == 0 or len(leading) > 1:
        spoken = SPOKEN.get((country or "").upper(), "en")
        return spoken if best == 0 or spoken in leading else leading[0]
    return leading[0]


SPOKEN: Mapping[str, str] = {
    **dict.fromkeys(("MY", "BN"), "ms"),
    "ID": "id",
    **dict.fromkeys(("CN", "TW", "HK", "MO"), "zh"),
    **dict.fromkeys(("ES", "MX", "AR", "CO", "PE", "CL", "EC", "GT", "BO", "UY", "PY", "CR", "PA", "DO", "HN", "SV", "NI"), "es"),
    **dict.fromkeys(("BR", "PT", "AO", "MZ"), "pt"),
    **dict.fromkeys(("SA", "AE", "EG", "MA", "DZ", "IQ", "JO", "KW", "QA", "OM", "BH", "LB", "TN", "YE", "LY", "SD"), "ar"),
    "IN": "hi",
    **dict.fromkeys(("FR", "BE", "SN", "CI", "CM"), "fr"),
}
"""The language to propose where the text does not tell: by the workspace's country (our own choice)."""


async def look(tx: db.Tx, book: Rulebook, draft: model.Draft) -> Line:
    """Whether this campaign's text says how to stop, and whether it must."""
    country = await tx.fetchval("SELECT default_country FROM workspaces WHERE id = $1", book.workspace_id)
    language = language_of(draft.text, country)
    sql = "SELECT folded FROM keywords WHERE workspace_id = $1 AND kind = 'stop'"
    own = [row["folded"] for row in await tx.fetch(sql, book.workspace_id)]
    if draft.template is not None or says(draft.text, own):  # an approved template may carry its own way out
        return Line(is_present=True, is_first=False, is_required=False, proposal=None, language=language)
    kinds = await _first_kinds(tx, book, draft)
    required = any(book.rules(kind).optout_line == "require" for kind in kinds)
    return Line(
        is_present=False,
        is_first=bool(kinds),
        is_required=required,
        proposal=line_in(language) if kinds else None,
        language=language,
    )


async def _first_kinds(tx: db.Tx, book: Rulebook, draft: model.Draft) -> list[str]:
    """Kinds of devices by which somebody of the audience would get their first campaign message."""
    where = db.Where()
    judging.match(where, book.workspace_id, draft.audience)
    kind = f"{where.value(book.as_kind)}::text" if book.as_kind else "d.rules_kind"
    simulated = where.value(list(SIMULATED))
    sql = f"""SELECT k.kind FROM (SELECT DISTINCT {kind} AS kind FROM devices d
                WHERE d.workspace_id = {where.value(book.workspace_id)}::uuid) k
              WHERE EXISTS (SELECT 1 FROM leads l JOIN devices d ON (d.workspace_id, d.id) = (l.workspace_id, l.device_id)
                WHERE {where} AND {kind} = k.kind AND NOT EXISTS (
                  SELECT 1 FROM messages m JOIN devices o ON (o.workspace_id, o.id) = (m.workspace_id, m.device_id)
                  WHERE (m.workspace_id, m.person_id) = (l.workspace_id, l.person_id) AND m.kind = 'campaign'
                    AND m.sent_at IS NOT NULL
                    AND (o.rules_kind = ANY({simulated}::text[])) = (k.kind = ANY({simulated}::text[]))))"""
    return [row["kind"] for row in await tx.fetch(sql, *where.values)]
