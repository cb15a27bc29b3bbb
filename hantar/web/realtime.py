"""The WebSocket `/ws` (api.md section 5): who may open it, what a client may say, and when it is closed.

Identity is settled before the upgrade; nothing secret travels in the address.
"""

import asyncio
import contextlib
import json
import logging
from typing import Any

import structlog
from fastapi import APIRouter, WebSocket
from starlette.datastructures import Headers
from starlette.websockets import WebSocketDisconnect

from hantar.accounts import identity, model
from hantar.kit import errors
from hantar.kit.clock import Clock
from hantar.kit.cluster import Bus
from hantar.kit.errors import AppError
from hantar.web import edge, feed, problems

log = structlog.get_logger(__name__)

router = APIRouter()

PING_SECONDS = 25.0
"""Shorter than the 30 and 60 seconds after which proxies cut silent lines."""
LARGEST_FRAME = 65_536
LONGEST_ID = 20
"""Digits of a frame's number; ours are milliseconds."""
MOST_SOCKETS = 20
"""Open sockets of one person or key: browser tabs, not a flood (F-31)."""
MOST_TOPICS = 200
MOST_FRAMES = 100
"""Frames a client may send within ten seconds."""

GOING_AWAY, BAD_FRAME, FLOOD, TOO_LARGE, SIGNED_OUT = 1001, 1007, 1008, 1009, 4401


class _Refusals(logging.Filter):
    """uvicorn logs an error for every upgrade that we refuse with an answer; strangers could fill the log with them."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.msg != "ASGI callable returned without completing handshake."


_REFUSALS = _Refusals()


class TooManySockets(errors.LimitReached):
    """There are too many open connections for this account."""


class ForeignPage(errors.Forbidden):
    """The connection was opened by another site's page."""

    code = "csrf"


class Realtime:
    """The part that app.py runs: the feed, and the end of all sockets when the server stops."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self.feed = feed.Feed(bus, clock)
        logging.getLogger("uvicorn.error").addFilter(_REFUSALS)

    async def run(self, stop: asyncio.Event) -> None:
        """Wait for the end, then close every socket, so that nobody waits for a silent line."""
        await stop.wait()
        self.feed.close()


async def _may_open(socket: WebSocket) -> model.Caller:
    headers: Headers = socket.headers
    if not edge.has_key(headers):
        own = edge.is_own_origin(headers, socket.app.state.settings.public_url)
        if "origin" not in headers or not own:
            raise ForeignPage if "cookie" in headers or not own else model.Unauthenticated
    caller = await identity.identify(socket)
    if _feed(socket).count(caller) >= MOST_SOCKETS:
        raise TooManySockets(retry_after=PING_SECONDS)
    return caller


def _feed(socket: WebSocket) -> feed.Feed:
    part: Realtime = socket.app.state.parts[Realtime]
    return part.feed


@router.websocket("/ws")
async def live(socket: WebSocket) -> None:
    """Events of the caller's workspace, as they happen."""
    try:
        caller = await _may_open(socket)
    except AppError as error:
        await _refuse(socket, error)
        return
    last_id = socket.query_params.get("last_id", "")
    hub = _feed(socket)
    is_id = last_id.isascii() and last_id.isdigit() and len(last_id) <= LONGEST_ID
    listener = hub.join(caller, int(last_id) if is_id else None)
    try:
        await socket.accept()
        await _serve(socket, hub, listener)
    finally:
        hub.leave(listener)


async def _refuse(socket: WebSocket, error: AppError) -> None:
    try:
        await socket.send_denial_response(problems.of_app_error(socket, error))
    except RuntimeError:  # a server without that extension answers 403
        await socket.close()


async def _serve(socket: WebSocket, hub: feed.Feed, listener: feed.Listener) -> None:
    """Read, write and ping until one of them ends; then the others end too."""
    clock: Clock = socket.app.state.clock
    tasks = [
        asyncio.create_task(_read(socket, hub, listener, clock)),
        asyncio.create_task(_write(socket, listener)),
        asyncio.create_task(_ping(socket, hub, listener, clock)),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        code = next(iter(done)).result()
    except (WebSocketDisconnect, RuntimeError, OSError):
        return  # the client is gone
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
        await socket.close(code)


async def _write(socket: WebSocket, listener: feed.Listener) -> int:
    while (text := await listener.queue.get()) is not None:
        await socket.send_text(text)
    return GOING_AWAY if listener.is_stopping else SIGNED_OUT


async def _ping(socket: WebSocket, hub: feed.Feed, listener: feed.Listener, clock: Clock) -> int:
    """Keep proxies awake, and look whether the caller is still who they were (facts may get lost)."""
    while True:
        await clock.sleep(PING_SECONDS)
        try:
            now = await identity.look_up(socket)
        except model.Unauthenticated:
            return SIGNED_OUT
        except errors.Unavailable:
            continue  # the database is away: nobody signed out meanwhile
        if (now.workspace_id, now.scopes) != (listener.caller.workspace_id, listener.caller.scopes):
            return SIGNED_OUT
        listener.put(hub.text("ping", {}), hub.text("resync", {}))


async def _read(socket: WebSocket, hub: feed.Feed, listener: feed.Listener, clock: Clock) -> int:
    window, count = clock.monotonic(), 0
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return GOING_AWAY
        text = message.get("text")
        if text is None or len(text) > LARGEST_FRAME:
            return BAD_FRAME if text is None else TOO_LARGE
        if clock.monotonic() - window > 10:
            window, count = clock.monotonic(), 0
        count += 1
        if count > MOST_FRAMES:
            return FLOOD
        if not _understand(text, hub, listener):
            return BAD_FRAME


def _understand(text: str, hub: feed.Feed, listener: feed.Listener) -> bool:
    """Do what a client's frame says; False when it says nothing we know."""
    try:
        frame: Any = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if not isinstance(frame, dict):
        return False
    added, removed = frame.get("subscribe", []), frame.get("unsubscribe", [])
    if not _are_topics(added) or not _are_topics(removed):
        return False
    listener.topics = (listener.topics - set(removed)) | set(added)
    if len(listener.topics) > MOST_TOPICS:
        return False
    if "ping" in frame:
        listener.put(hub.text("pong", {}), hub.text("resync", {}))
    return True


def _are_topics(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) and len(each) <= 100 for each in value)
