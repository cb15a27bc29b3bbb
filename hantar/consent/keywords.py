"""The words a workspace added to ours: by its owner, never taken away, read together with ours (responsible-sending.md 5)."""

from typing import Literal

from hantar.consent import words
from hantar.consent.model import Meaning
from hantar.kit import db, errors, ids

Kind = Literal["stop", "start"]

LONGEST = 60
"""Characters of a word or a short phrase; nobody types more to be left alone."""
MOST = 200
"""Own words of one workspace."""
EVERYDAY = frozenset(
    words.fold(each)
    for each in (
        *("ok", "okay", "k", "yes", "yeah", "yep", "no", "nope", "hi", "hello", "hey", "thanks", "thank you", "thx", "please"),
        *("ya", "yup", "tidak", "tak", "boleh", "baik", "terima kasih", "tq", "makasih", "iya", "gak", "siap", "salam"),
        *("是", "好", "好的", "不", "不是", "谢谢", "謝謝", "你好", "收到", "嗯", "可以"),
        *("si", "no", "gracias", "hola", "vale", "bueno", "sim", "nao", "obrigado", "obrigada", "oi", "ola", "bom dia"),
        *("نعم", "لا", "شكرا", "تمام", "مرحبا", "السلام عليكم", "طيب", "هلا"),
        *("हाँ", "हां", "नहीं", "ठीक है", "धन्यवाद", "नमस्ते", "haan", "nahi", "theek hai", "ji"),
        *("oui", "non", "merci", "bonjour", "salut", "d'accord"),
    )
)
"""Answers of every day: as a stop word they would lose people who did not ask, as a start word write to people who did."""


class KeywordExists(errors.Conflict):
    """This word counts already."""

    code = "keyword_exists"


class KeywordConflict(errors.Conflict):
    """This word has the other meaning already."""

    code = "keyword_conflict"


class TooManyKeywords(errors.Conflict):
    """This workspace has as many words of its own as it can have."""

    code = "too_many_keywords"


async def own(tx: db.Tx) -> dict[str, str]:
    """The words of this transaction's workspace, folded, each "stop" or "start": what `words.read` takes."""
    return {row["folded"]: row["kind"] for row in await tx.fetch("SELECT folded, kind FROM keywords")}


async def listed(tx: db.Tx) -> list[db.Row]:
    """The same with when and by whom they were added, the oldest first."""
    return await tx.fetch("SELECT id, language, word, folded, kind, created_by, created_at FROM keywords ORDER BY id")


async def add(tx: db.Tx, workspace_id: str, kind: Kind, word: str, language: str, by: str | None) -> db.Row:
    """Add a word; it counts from this transaction's commit. There is no way to take one away.

    Raises `errors.Invalid` for a word that nobody could write or everybody writes, `KeywordExists`, `KeywordConflict`,
    `TooManyKeywords`.
    """
    folded = _usable(word)
    _against_ours(folded, kind)
    if await tx.fetchval("SELECT count(*) FROM keywords") >= MOST:
        raise TooManyKeywords
    sql = """INSERT INTO keywords (workspace_id, id, language, word, folded, kind, created_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (workspace_id, folded) DO NOTHING
             RETURNING id, language, word, folded, kind, created_by, created_at"""
    values = (workspace_id, ids.new_id(), language, word.strip(), folded, kind, by, await tx.now())
    made = await tx.fetchrow(sql, *values)
    if made is None:
        is_same = await tx.fetchval("SELECT kind FROM keywords WHERE folded = $1", folded) == kind
        raise KeywordExists if is_same else KeywordConflict
    return made


def _usable(word: str) -> str:
    """The folded word; raises `errors.Invalid`."""
    folded = words.fold(word)
    if not folded:
        raise errors.invalid_field("word", "empty_word", "Give a word with letters: signs and pictures alone are not read.")
    if len(folded) > LONGEST:
        raise errors.invalid_field("word", "too_long", f"Give a word or a short phrase of at most {LONGEST} characters.")
    is_letter = len(folded) == 1 and not "\u3400" <= folded <= "\u9fff"  # a Chinese character is a word
    if is_letter or folded.isdigit() or folded in EVERYDAY:
        raise errors.invalid_field("word", "too_common", "People write this every day and mean something else. Choose another.")
    return folded


def _against_ours(folded: str, kind: Kind) -> None:
    known = words.ours(folded)
    if known is not None:
        raise KeywordExists if known[0] == kind else KeywordConflict
    if kind == "start" and words.read(folded, {}).meaning is Meaning.INTENT:
        raise KeywordConflict("This phrase asks to be left alone, so it cannot mean to start again.")
