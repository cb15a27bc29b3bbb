"""The wire of our own Cloud API: requests read, forms taken apart, the service's envelope of errors."""

import asyncio
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

STATUS = {190: 401, 0: 401, 4: 429, 80007: 429, 130429: 429, 131056: 429, 1: 500, 2: 503, 131000: 500, 131016: 503}
"""HTTP status by code, where it is not 400. Nobody may rely on it."""


@dataclass
class Request:
    """One HTTP request."""

    method: str
    path: list[str]
    query: dict[str, str]
    token: str
    kind: str
    body: bytes


@dataclass
class Reply:
    """What to answer; `fault`: how the answer is lost."""

    status: int
    data: Any
    fault: str = ""


class Refused(Exception):
    """The service's own error."""

    def __init__(self, code: int, details: str = "", subcode: int = 0) -> None:
        self.code, self.details, self.subcode = code, details, subcode
        super().__init__(str(code))


async def read(reader: asyncio.StreamReader) -> Request:
    """The next request; raises `IncompleteReadError` at the end of the connection."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    query = {key: values[0] for key, values in parse_qs(parts.query).items()}
    token = headers.get("authorization", "").removeprefix("Bearer ")
    path = [unquote(each) for each in parts.path.strip("/").split("/")]
    return Request(method, path, query, token, headers.get("content-type", ""), body)


def form(request: Request) -> dict[str, bytes]:
    """The parts of a form by their names."""
    boundary = request.kind.partition("boundary=")[2].encode()
    found = {}
    for part in request.body.split(b"--" + boundary)[1:-1]:
        head, _, data = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]+)"', head)
        if name:
            found[name[1].decode()] = data.removesuffix(b"\r\n")
    return found


def refused(error: Refused) -> Reply:
    """The service's own error as it answers."""
    details = {"messaging_product": "whatsapp", "details": error.details or "Something is wrong"}
    said = {"message": f"(#{error.code}) Refused", "type": "OAuthException", "code": error.code, "error_data": details}
    said |= {"error_subcode": error.subcode} if error.subcode else {}
    return Reply(STATUS.get(error.code, 400), {"error": said | {"fbtrace_id": "A1b2"}})
