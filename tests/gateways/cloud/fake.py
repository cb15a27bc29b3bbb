"""Our own Cloud API, for tests and benchmarks: numbers, people, files, templates, statuses by signed webhooks, faults on request.

A real HTTP server on this machine, so that a lost reply is a lost reply. What it did stands in `ledger`, which no driver sees.
Nothing in it repeats or forgets by itself; every decision is a fault that a test asked for, or a hash of (seed, ref).
"""

import asyncio
import contextlib
import hashlib
import hmac
import itertools
import json
import random
import re
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.gateways.cloud import wire

KNOWN_FIELDS = {"id", "display_phone_number", "verified_name", "quality_rating"}
LIMIT_FIELD = "whatsapp_business_manager_messaging_limit"
START = 1_764_550_000
"""Unix seconds of the first webhook; each later one says a second more."""

Deliver = Callable[[bytes, str], Awaitable[None]]


@dataclass
class Number:
    """A number of the service."""

    number_id: str
    token: str
    phone: str
    business_id: str
    quality: str = "GREEN"
    tier: str = "TIER_2K"
    lost: int = 0
    """A code by which every call about it is refused; 0: none."""


@dataclass
class Person:
    """Somebody who may be written to."""

    exists: bool = True
    reads: bool = True
    opaque: str | None = None
    in_window: bool = True
    """Wrote within the last 24 hours, so that other messages than templates are taken."""


@dataclass(frozen=True)
class Sent:
    """A message that really went out."""

    number_id: str
    to: str
    ref: str
    wire_id: str
    body: dict[str, Any]


@dataclass
class Fault:
    """Something that goes wrong with the next messages of a number (empty: any), so often (-1: for good).

    `kind`: `code` (refused by `code`), `late` (accepted, then failed by `code`), `drop` (request read, connection closed),
    `half` (half a reply), `silent` (no reply at all), `page` (an HTML page with HTTP status `code`), `blank` (200 without an id).
    `effect`: whether the message goes out all the same.
    """

    kind: str
    code: int = 0
    times: int = 1
    number_id: str = ""
    to: str = ""
    effect: bool = False


@dataclass
class FakeCloud:
    """The service. `deliver`: where webhooks go at once; without it they wait in `hooks`."""

    seed: int = 1
    secret: str = "app-secret"
    lossy: float = 0.0
    """Share of messages, by their ref, whose reply is lost although they went out."""
    deliver: Deliver | None = None
    numbers: dict[str, Number] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    templates: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    ledger: list[Sent] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)
    parcels: dict[str, tuple[str, str, bytes]] = field(default_factory=dict)
    """What people sent: number id, type, bytes."""
    files_at: str = ""
    """Where files are said to be, if elsewhere."""
    hooks: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    """Method and last part of the path of every request."""
    knows_limit: bool = True
    page_size: int = 100
    base: str = ""

    def __post_init__(self) -> None:
        self._count = itertools.count(1)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._released = asyncio.Event()

    # ------------------------------------------------------------------ what a test arranges

    async def start(self) -> str:
        """Begin to serve; returns the base address."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        self.base = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self.base

    async def stop(self) -> None:
        """End everything."""
        self._released.set()
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for _ in range(3):  # closed sockets are let go in the loop's next turns
            await asyncio.sleep(0)

    def add(self, number_id: str, token: str, phone: str = "60111111111", business_id: str = "9001") -> Number:
        """A number that works."""
        made = self.numbers[number_id] = Number(number_id, token, phone, business_id)
        return made

    def fails(self, kind: str, code: int = 0, **more: Any) -> None:
        """Something goes wrong from the next message on."""
        self.faults.append(Fault(kind, code, **more))

    def sign(self, body: bytes) -> str:
        """The header of a webhook call."""
        return "sha256=" + hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()

    def said(self, number_id: str, field_: str, **value: Any) -> dict[str, Any]:
        """Something the service reports about a number."""
        number = self.numbers[number_id]
        about = {"display_phone_number": number.phone, "phone_number_id": number.number_id}
        value = {"messaging_product": "whatsapp", "metadata": about, **value}
        return self._enter(number.business_id, field_, value)

    def said_of_account(self, business_id: str, field_: str, **value: Any) -> dict[str, Any]:
        """Something the service reports about a business account."""
        return self._enter(business_id, field_, value)

    def now(self) -> int:
        """The next moment, in Unix seconds."""
        return START + next(self._count)

    def calls_of(self, *, doubled: float = 0.0, shuffled: bool = True, most: int = 50) -> list[bytes]:
        """All that waits as webhook calls of up to so many entries each; a share of them comes twice; then nothing waits."""
        order = random.Random(self.seed)
        entries = [entry for hook in self.hooks for entry in hook["entry"]]
        self.hooks.clear()
        entries += [entry for entry in entries if order.random() < doubled]
        if shuffled:
            order.shuffle(entries)
        batches = (entries[n : n + most] for n in range(0, len(entries), most))
        return [json.dumps({"object": "whatsapp_business_account", "entry": batch}).encode() for batch in batches]

    def _enter(self, business_id: str, field_: str, value: dict[str, Any]) -> dict[str, Any]:
        entry = {"id": business_id, "time": self.now(), "changes": [{"field": field_, "value": value}]}
        hook = {"object": "whatsapp_business_account", "entry": [entry]}
        if self.deliver is None:
            self.hooks.append(hook)
        else:
            body = json.dumps(hook).encode()
            self._start(self.deliver(body, self.sign(body)))
        return hook

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ------------------------------------------------------------------ HTTP

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
                while await self._one(reader, writer):
                    pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; False when the connection is over."""
        request = await wire.read(reader)
        self.calls.append(f"{request.method} {request.path[-1]}")
        reply = self._answer(request)
        if reply.fault == "silent":
            await self._released.wait()
        if reply.fault in ("drop", "silent"):
            return False
        body = reply.data if isinstance(reply.data, bytes) else json.dumps(reply.data).encode()
        kind = "text/html" if isinstance(reply.data, bytes) else "application/json"
        head = f"HTTP/1.1 {reply.status} Said\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        writer.write((head + body)[: len(head) + len(body) // 2] if reply.fault == "half" else head + body)
        await writer.drain()
        return reply.fault != "half"

    def _answer(self, request: wire.Request) -> wire.Reply:
        try:
            match request.method, request.path[1:]:
                case "GET", [name] if request.path[0] == "files":
                    return self._parcel(request, name)
                case "GET", [name] if name in self.parcels:
                    return wire.Reply(200, self._where(request, name))
                case "GET", [name, "message_templates"]:
                    return wire.Reply(200, self._list(request, name))
                case "GET", [number_id]:
                    return wire.Reply(200, self._number(request, number_id))
                case "POST", [number_id, "media"]:
                    return wire.Reply(200, self._upload(request, self._allowed(request, number_id)))
                case "POST", [number_id, "messages"]:
                    return self._message(request, self._allowed(request, number_id))
                case _:
                    raise wire.Refused(2500, "Unknown path components")
        except wire.Refused as error:
            return wire.refused(error)

    def _allowed(self, request: wire.Request, number_id: str) -> Number:
        if request.token not in {each.token for each in self.numbers.values()}:
            raise wire.Refused(190, "Invalid OAuth access token - Cannot parse access token")
        number = self.numbers.get(number_id)
        if number is None or number.token != request.token:
            raise wire.Refused(
                100, "Object with this ID does not exist or cannot be loaded due to missing permissions", subcode=33
            )
        if number.lost:
            raise wire.Refused(number.lost)
        return number

    def _number(self, request: wire.Request, number_id: str) -> dict[str, Any]:
        number = self._allowed(request, number_id)
        asked = set(request.query.get("fields", "id").split(","))
        if asked - KNOWN_FIELDS - ({LIMIT_FIELD} if self.knows_limit else {"messaging_limit_tier"}):
            raise wire.Refused(100, "Tried accessing nonexisting field")
        spelled = f"+{number.phone[:2]} {number.phone[2:4]}-{number.phone[4:]}"
        known = {"display_phone_number": spelled, "verified_name": "Kedai Aminah", "quality_rating": number.quality}
        known |= {LIMIT_FIELD: number.tier, "messaging_limit_tier": number.tier}
        return {"id": number_id} | {key: known[key] for key in asked if key in known}

    def _list(self, request: wire.Request, business_id: str) -> dict[str, Any]:
        if business_id not in {each.business_id for each in self.numbers.values() if each.token == request.token}:
            raise wire.Refused(100 if request.token in {each.token for each in self.numbers.values()} else 190)
        known = self.templates.get(business_id, [])
        start = int(request.query.get("after") or 0)
        end = start + min(self.page_size, int(request.query["limit"]))
        paging = {"cursors": {"before": str(start), "after": str(end)}} | ({"next": "there is more"} if end < len(known) else {})
        return {"data": known[start:end], "paging": paging}

    def _upload(self, request: wire.Request, number: Number) -> dict[str, Any]:
        fault = self._next_fault(number, "media")
        if fault is not None:
            raise wire.Refused(fault.code)
        parts = wire.form(request)
        if parts.get("messaging_product") != b"whatsapp" or "type" not in parts or "file" not in parts:
            raise wire.Refused(100, "A part of the form is missing")
        media_id = str(70_000 + next(self._count))
        self.files[media_id] = parts["type"].decode(), parts["file"]
        return {"id": media_id}

    # ------------------------------------------------------------------ messages

    def _next_fault(self, number: Number, to: str) -> Fault | None:
        for fault in self.faults:
            if fault.number_id in ("", number.number_id) and (fault.to == to or (not fault.to and to != "media")):
                fault.times -= 1
                if fault.times == 0:
                    self.faults.remove(fault)
                return fault
        return None

    def _message(self, request: wire.Request, number: Number) -> wire.Reply:
        try:
            body = json.loads(request.body)
        except ValueError:
            raise wire.Refused(100, "No JSON") from None
        to = body.get("to") or body.get("recipient") or ""
        fault = self._next_fault(number, to)
        if fault is not None and fault.kind == "code":
            raise wire.Refused(fault.code)
        if fault is not None and fault.kind not in ("late", "blank") and not fault.effect:
            return _broken(fault)
        self._judge(number, to, body)
        sent = self._take(number, to, body)
        self._ladder(number, sent, fault.code if fault is not None and fault.kind == "late" else 0)
        if fault is not None and fault.kind != "late":
            return _broken(fault)
        if self._loses(sent.ref):
            return wire.Reply(200, _accepted(sent), "half" if len(self.ledger) % 2 else "drop")
        return wire.Reply(200, _accepted(sent))

    def _judge(self, number: Number, to: str, body: dict[str, Any]) -> None:
        """What the service itself would refuse."""
        if body.get("messaging_product") != "whatsapp" or not to:
            raise wire.Refused(100, "A parameter is missing")
        if to == number.phone:
            raise wire.Refused(131021)
        person = self.people.get(to, Person())
        if not person.exists:
            raise wire.Refused(131026)
        kind = body.get("type")
        if kind == "template":
            self._judge_template(number, body["template"])
        elif not person.in_window:
            raise wire.Refused(131047)
        elif kind == "text":
            if not body["text"]["body"]:
                raise wire.Refused(131008)
        elif kind in ("image", "video", "audio", "document"):
            self._judge_file(body[kind]["id"], kind)
        else:
            raise wire.Refused(131051)

    def _judge_file(self, media_id: str, kind: str) -> None:
        if media_id not in self.files:
            raise wire.Refused(100, "There is no such file")
        if kind != "document" and not self.files[media_id][0].startswith(kind):
            raise wire.Refused(131053)

    def _judge_template(self, number: Number, given: dict[str, Any]) -> None:
        known = self.templates.get(number.business_id, [])
        wanted = given["name"], given["language"]["code"]
        found = next((each for each in known if (each["name"], each["language"]) == wanted), None)
        if found is None or found["status"] == "REJECTED":
            raise wire.Refused(132001)
        if found["status"] in ("PAUSED", "DISABLED"):
            raise wire.Refused(132015 if found["status"] == "PAUSED" else 132016)
        parts = {each["type"]: each for each in given.get("components", ())}
        text = next((each["text"] for each in found["components"] if each["type"] == "BODY"), "")
        if len(set(re.findall(r"\{\{(\d+)\}\}", text))) != len(parts.get("body", {}).get("parameters", ())):
            raise wire.Refused(132000)
        header = next((each["format"].lower() for each in found["components"] if each["type"] == "HEADER"), "")
        if header in ("image", "video", "document"):
            if "header" not in parts:
                raise wire.Refused(132012)
            self._judge_file(parts["header"]["parameters"][0][header]["id"], header)

    def _take(self, number: Number, to: str, body: dict[str, Any]) -> Sent:
        wire_id = f"wamid.{hashlib.sha256(f'{self.seed}:{next(self._count)}'.encode()).hexdigest()[:40].upper()}"
        sent = Sent(number.number_id, to, str(body.get("biz_opaque_callback_data", "")), wire_id, body)
        self.ledger.append(sent)
        return sent

    def _ladder(self, number: Number, sent: Sent, code: int) -> None:
        """sent, delivered, read; or failed."""
        person = self.people.get(sent.to, Person())
        if code:
            self.status(number, sent, "failed", errors=[{"code": code, "title": "It failed", "error_data": {"details": "Why"}}])
            return
        for status in ("sent", "delivered", "read") if person.reads else ("sent", "delivered"):
            self.status(number, sent, status)

    def status(self, number: Number, sent: Sent, status: str, **more: Any) -> None:
        """Report how far a message got."""
        person = self.people.get(sent.to, Person())
        whom = {"recipient_id": sent.to} if sent.to.isdigit() else {"recipient_user_id": sent.to}
        whom |= {"recipient_user_id": person.opaque} if person.opaque else {}
        ref = {"biz_opaque_callback_data": sent.ref} if sent.ref else {}
        told = {"id": sent.wire_id, "status": status, "timestamp": str(self.now()), **whom, **ref, **more}
        self.said(number.number_id, "messages", statuses=[told])

    def writes(
        self, number_id: str, *, phone: str = "", opaque: str = "", text: str | None = "", quoted: str = "", **more: Any
    ) -> str:
        """A person writes; returns the wire id."""
        wire_id = f"wamid.IN{next(self._count)}"
        who = {key: value for key, value in (("from", phone), ("from_user_id", opaque)) if value}
        words = {} if text is None else {"text": {"body": text}}
        message = {"id": wire_id, "timestamp": str(self.now()), "type": "text", **words, **who, **more}
        if quoted:
            message["context"] = {"from": self.numbers[number_id].phone, "id": quoted}
        ids = {key: value for key, value in (("wa_id", phone), ("user_id", opaque)) if value}
        self.said(number_id, "messages", contacts=[{"profile": {"name": "Ann"}, **ids}], messages=[message])
        return wire_id

    def sends_file(self, number_id: str, phone: str, kind: str, mime: str, data: bytes, **more: str) -> str:
        """A person sends a file; returns its id."""
        media_id = str(80_000 + next(self._count))
        self.parcels[media_id] = number_id, mime, data
        self.writes(number_id, phone=phone, type=kind, text=None, **{kind: {"id": media_id, "mime_type": mime, **more}})
        return media_id

    def _where(self, request: wire.Request, media_id: str) -> dict[str, Any]:
        number_id, mime, data = self.parcels[media_id]
        if self._allowed(request, number_id).number_id != request.query.get("phone_number_id"):
            raise wire.Refused(100)
        return {
            "id": media_id,
            "url": f"{self.files_at or self.base}/files/{media_id}",
            "mime_type": mime,
            "file_size": len(data),
        }

    def _parcel(self, request: wire.Request, media_id: str) -> wire.Reply:
        number_id, _mime, data = self.parcels.get(media_id, ("", "", b""))
        if not number_id or self.numbers[number_id].token != request.token:
            return wire.Reply(404, b"")
        return wire.Reply(200, data)

    def _loses(self, ref: str) -> bool:
        digest = hashlib.sha256(f"{self.seed}:lost:{ref}".encode()).digest()
        return int.from_bytes(digest[:4], "big") < self.lossy * 2**32


def _accepted(sent: Sent) -> dict[str, Any]:
    contact = {"input": sent.to} | ({"wa_id": sent.to} if sent.to.isdigit() else {"user_id": sent.to})
    return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [{"id": sent.wire_id}]}


def _broken(fault: Fault) -> wire.Reply:
    match fault.kind:
        case "page":
            return wire.Reply(fault.code, b"<html><body>Something before the service says no</body></html>")
        case "blank":
            return wire.Reply(200, {"messaging_product": "whatsapp", "messages": []})
        case _:
            return wire.Reply(200, {"messages": [{"id": "wamid.NEVER"}]}, fault.kind)
