"""The calls of the Cloud API that we make, and the three kinds of answers they have."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from hantar.gateways import port
from hantar.kit import upstream

HOUSES = ("facebook.com", "fbsbx.com", "whatsapp.net")
"""Domains where the service keeps the files that people send."""
ANSWER = 20.0
"""Seconds until the answer to a message counts as lost. Slow ones take a few (our number)."""
UPLOAD = 30.0
"""Seconds for a file."""
GONE = 33
"""The code of a number, account or file that is not there."""
TEMPLATES_A_PAGE = 100
MOST_TEMPLATES = 10_000
"""More than any account may have (6,000)."""
TEMPLATE_FIELDS = "id,name,language,status,category,components,parameter_format,rejected_reason,quality_score"


@dataclass(frozen=True, slots=True)
class Taken:
    """The service did what it was asked."""

    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The service's own error."""

    code: int
    words: str
    status: int


@dataclass(frozen=True, slots=True)
class Odd:
    """An answer that is not the service's: a page of a proxy, half a JSON, nothing at all."""

    status: int


Reply = Taken | Refusal | Odd


def read(answer: upstream.Answer) -> Reply:
    """Which of the three it is; what says error is one, whatever its HTTP status."""
    found = answer.plain()
    if isinstance(found, dict):
        error = found.get("error")
        if isinstance(error, dict) and isinstance(error.get("code"), int):
            return Refusal(_code(error), _said(error), answer.status)
        if error is None and answer.status < 300:
            return Taken(found)
    return Odd(answer.status)


def _code(error: dict[str, Any]) -> int:
    """The error's code. What is not there, or not for this token, is said by 100 with a 33 beneath it: 33 says it better."""
    code: int = error["code"]
    return GONE if code == 100 and error.get("error_subcode") == GONE else code


def _said(error: dict[str, Any]) -> str:
    """The service's words about an error, with its code."""
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else None
    words = details or error.get("message") or ""
    return f"{error['code']}: {str(words)[:300]}".replace("\x00", "")


class Service:
    """One installation's door to the service. Every call raises `upstream.NotSent` and `upstream.NoAnswer`."""

    def __init__(self, door: upstream.Upstream, version: str) -> None:
        self._door, self._version = door, version

    async def send(self, number_id: str, token: str, message: dict[str, Any]) -> Reply:
        """Send a message."""
        path = f"{self._version}/{number_id}/messages"
        return read(await self._door.post(path, token, message, seconds=ANSWER))

    async def upload(self, number_id: str, token: str, media: port.MediaBytes) -> Reply:
        """Bring a file, to be sent by the id in the answer."""
        fields = {"messaging_product": "whatsapp", "type": media.mime}
        file = upstream.File(media.name or "file", media.mime, media.data)
        return read(await self._door.form(f"{self._version}/{number_id}/media", token, fields, file, seconds=UPLOAD))

    async def number(self, number_id: str, token: str, fields: str) -> Reply:
        """What the service says about a number."""
        return read(await self._door.get(f"{self._version}/{number_id}", token, {"fields": fields}, seconds=ANSWER))

    async def templates(self, business_id: str, token: str, after: str = "") -> Reply:
        """A page of a business account's templates."""
        query = {"fields": TEMPLATE_FIELDS, "limit": str(TEMPLATES_A_PAGE)} | ({"after": after} if after else {})
        return read(await self._door.get(f"{self._version}/{business_id}/message_templates", token, query, seconds=ANSWER))

    async def file(self, media_id: str, number_id: str, token: str) -> Reply:
        """Where a file is that somebody sent to this number; the address is good for five minutes (its documentation)."""
        query = {"phone_number_id": number_id}
        return read(await self._door.get(f"{self._version}/{media_id}", token, query, seconds=ANSWER))

    def bytes_at(self, url: str, token: str) -> AsyncIterator[bytes]:
        """A file in pieces; raises `upstream.Missing` too."""
        return self._door.read(url, token, seconds=ANSWER)

    async def close(self) -> None:
        """Close all connections."""
        await self._door.close()
