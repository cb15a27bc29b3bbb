"""Routes of keywords: ours with their review, the workspace's own, and trying a message out."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StringConstraints

from hantar.accounts import access
from hantar.accounts.model import Role
from hantar.audit import service as audit
from hantar.consent import keywords, words
from hantar.consent.model import Meaning
from hantar.kit import db, inputs

router = APIRouter(tags=["Consent"])
READ = access.need(Role.OPERATOR, "consent:read")
ADD = access.need(Role.OWNER, "consent:write")


class WordListOut(BaseModel):
    """Our words of one language and one meaning."""

    words: list[str]
    verified: bool = Field(description="Whether somebody who speaks the language has looked at them.")
    note: str | None


class LanguageOut(BaseModel):
    """What people write in one language to stop, and to start again."""

    code: str
    name: str
    stop: WordListOut
    start: WordListOut


class KeywordOut(BaseModel):
    """A word this workspace added."""

    id: str
    language: str
    word: str
    folded: str = Field(description="How it is compared: without case, accents, punctuation and what cannot be seen.")
    kind: keywords.Kind
    created_by: str | None
    created_at: datetime


class KeywordsOut(BaseModel):
    """All words that count. A message counts when all of it is one of them."""

    version: str = Field(description="Of our lists; kept with each opt-out that a word made.")
    languages: list[LanguageOut]
    own: list[KeywordOut]


class KeywordIn(inputs.In):
    """A word to add. It cannot be taken away again."""

    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]
    word: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    kind: keywords.Kind


class TryIn(inputs.In):
    """A message to try."""

    text: Annotated[str, StringConstraints(max_length=10_000)]


class TriedOut(BaseModel):
    """What a message would do: `stop` and `start` at once, `intent` holds the person until somebody decides."""

    meaning: Meaning
    word: str | None
    language: str | None
    folded: str


def _list(language: words.Language, kind: keywords.Kind) -> WordListOut:
    note = language.note(kind)
    return WordListOut(words=list(language.words(kind)), verified=note is None, note=note)


def _keyword(row: db.Row) -> KeywordOut:
    return KeywordOut(**{name: row[name] for name in KeywordOut.model_fields})


@router.get("/keywords", summary="The words that count")
async def list_keywords(at: access.At = READ) -> KeywordsOut:
    """Ours by language, with what is still to be reviewed, and this workspace's own."""
    async with at.tx() as tx:
        own = await keywords.listed(tx)
    ours = [
        LanguageOut(code=each.code, name=each.name, stop=_list(each, "stop"), start=_list(each, "start"))
        for each in words.LANGUAGES
    ]
    return KeywordsOut(version=words.VERSION, languages=ours, own=[_keyword(row) for row in own])


@router.post("/keywords", status_code=201, summary="Add a word")
async def add_keyword(body: KeywordIn, request: Request, at: access.At = ADD) -> KeywordOut:
    """It counts at once, beside ours, and stays. Words that people write every day are refused."""
    async with at.tx() as tx:
        row = await keywords.add(tx, at.workspace_id, body.kind, body.word, body.language, at.caller.user_id)
        after = {"language": row["language"], "word": row["word"], "kind": row["kind"]}
        await audit.record(
            tx, at.workspace_id, audit.by(at, request), "keyword.added", audit.Thing("keyword", row["id"]), after=after
        )
    return _keyword(row)


@router.post("/keywords/test", summary="Try a message")
async def try_message(body: TryIn, at: access.At = READ) -> TriedOut:
    """What it would mean if a person wrote it. Nothing is stored."""
    async with at.tx() as tx:
        own = await keywords.own(tx)
    found = words.read(body.text, own)
    return TriedOut(meaning=found.meaning, word=found.word, language=found.language, folded=words.fold(body.text))
