"""A WebSocket client that drives the application directly, on the test's own event loop."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

from fastapi import FastAPI

from hantar.accounts import model
from tests import cast


class Refused(Exception):
    """The upgrade was refused with a status."""

    def __init__(self, status):
        self.status = status
        super().__init__(status)


class Closed(Exception):
    """The server closed the socket with a code."""

    def __init__(self, code):
        self.code = code
        super().__init__(code)


class Socket:
    """One connection."""

    def __init__(self, app: FastAPI, headers: dict[str, str], query: str) -> None:
        self._in: asyncio.Queue[dict] = asyncio.Queue()
        self._out: asyncio.Queue[dict] = asyncio.Queue()
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "scheme": "ws",
            "path": "/ws",
            "raw_path": b"/ws",
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in {"host": "hantar.test", **headers}.items()],
            "client": ("127.0.0.1", 1),
            "server": ("hantar.test", 80),
            "subprotocols": [],
            "extensions": {"websocket.http.response": {}},
        }
        self._in.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(app(scope, self._in.get, self._out.put))

    async def open(self) -> None:
        message = await asyncio.wait_for(self._out.get(), 5)
        if message["type"] != "websocket.accept":
            raise Refused(message.get("status", 403))

    async def frame(self) -> dict:
        """The next frame."""
        message = await asyncio.wait_for(self._out.get(), 5)
        if message["type"] == "websocket.close":
            raise Closed(message["code"])
        return json.loads(message["text"])

    async def nothing(self) -> bool:
        """Whether nothing waits to be read."""
        for _ in range(20):
            await asyncio.sleep(0)
        return self._out.empty()

    async def say(self, frame) -> None:
        text = frame if isinstance(frame, str) else json.dumps(frame)
        self._in.put_nowait({"type": "websocket.receive", "text": text})
        for _ in range(20):
            await asyncio.sleep(0)

    async def close(self) -> None:
        self._in.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(self.task, 5)


@contextlib.asynccontextmanager
async def connect(app: FastAPI, caller: model.Caller | None = None, *, query: str = "", **headers) -> AsyncIterator[Socket]:
    """An open socket of someone; other headers by name."""
    mine = {"cookie": f"hantar={cast.token_of(caller)}", "origin": cast.ADDRESS} if caller else {}
    socket = Socket(app, mine | headers, query)
    try:
        await socket.open()
        yield socket
    finally:
        await socket.close()
