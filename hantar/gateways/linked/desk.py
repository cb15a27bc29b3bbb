"""The front desk of a session host: every question the driver may put, by name, and the clients that answer."""

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

from hantar.gateways import plain, port
from hantar.gateways.linked import client, fetching, files, frames
from hantar.kit.clock import SystemClock


class Desk:
    """All clients of a process. Opening, closing and unlinking one device happen one after the other, whoever asks."""

    def __init__(self, library: client.Library, tell: client.Tell) -> None:
        self._library, self._tell, self._clock = library, tell, SystemClock()
        self._clients: dict[str, client.Client] = {}
        self._opened: set[str] = set()
        self._files = files.Shelf()
        self._counter = fetching.Counter(self._clock)
        self._locks: dict[str, asyncio.Lock] = {}
        self._numbers = itertools.count(1)
        self._questions: dict[str, Callable[..., Awaitable[Any]]] = {
            "open": self._open,
            "pair_code": self._pair_code,
            "close": self._close,
            "restart": self._restart,
            "logout": self._logout,
            "forget": self._forget,
            "has_session": self._has_session,
            "check": self._check,
            "mark_read": self._mark_read,
            "typing": self._typing,
            "fetch": self._fetch,
            "piece": self._piece,
            "fetched": self._fetched,
        }

    async def answer(self, question: str, values: list[Any], data: bytes) -> Any:
        """The answer; raises `PairingRefused`, `NotPaired`, `MediaGone`, or what the library raised. A send raises
        `files.Lacking` alone."""
        if question == "send":
            return await self._send(values)
        if question == "open":
            values = [*values, data]
        return await self._questions[question](*[plain.plain_to(each) for each in values])

    def devices(self) -> list[str]:
        """The devices with a client."""
        return list(self._clients)

    def _client(self, device: port.DeviceRef) -> client.Client:
        found = self._clients.get(device.device_id)
        if found is None:
            found = self._clients[device.device_id] = self._library.client(device, self._tell)
        return found

    def _lock(self, device_id: str) -> asyncio.Lock:
        return self._locks.setdefault(device_id, asyncio.Lock())

    def _words(self, device_id: str, what: str) -> dict[str, Any]:
        """The words every event has."""
        at = self._clock.now()
        event_id = f"{device_id}:{what}:{at.timestamp()}:{next(self._numbers)}"
        return {"device_id": device_id, "event_id": event_id, "at": at}

    # ------------------------------------------------------------------ the line

    async def _open(self, device: port.DeviceRef, session: bytes) -> None:
        async with self._lock(device.device_id):
            if session and not self._library.has_session(device.device_id):
                self._library.restore(device.device_id, session)
            self._opened.add(device.device_id)
            await self._client(device).open()

    async def _pair_code(self, device: port.DeviceRef, phone: str) -> port.PairCode:
        self._opened.add(device.device_id)
        return await self._client(device).pair_code(phone)

    async def _close(self, device: port.DeviceRef) -> None:
        """Close on request, and say so."""
        if await self._shut(device.device_id):
            self._tell(port.Disconnected(**self._words(device.device_id, "closed"), why="asked", will_retry=False))

    async def _shut(self, device_id: str) -> bool:
        async with self._lock(device_id):
            was_open = device_id in self._opened
            self._opened.discard(device_id)
            if (found := self._clients.get(device_id)) is not None:
                await found.close()
            return was_open

    async def _restart(self, device: port.DeviceRef, is_to_open: bool) -> None:
        """Close a client that does not answer, and open it again if so wished; nobody asked for it, so nobody is told."""
        await self._shut(device.device_id)
        if is_to_open:
            await self._open(device, b"")

    async def _logout(self, device: port.DeviceRef) -> None:
        async with self._lock(device.device_id):
            was_linked = self._library.has_session(device.device_id)
            await self._client(device).logout()
            self._opened.discard(device.device_id)
        if was_linked:
            self._tell(port.LoggedOut(**self._words(device.device_id, "logged_out"), why="user"))

    async def _forget(self, device: port.DeviceRef) -> None:
        async with self._lock(device.device_id):
            await self._client(device).forget()
            self._clients.pop(device.device_id, None)
            self._opened.discard(device.device_id)
        self._locks.pop(device.device_id, None)

    async def _has_session(self, device: port.DeviceRef) -> bool:
        return self._library.has_session(device.device_id)

    # ------------------------------------------------------------------ messages

    def bring(self, values: list[Any], data: bytes) -> None:
        """Take the file that comes with a message, before anybody asks for it."""
        name = frames.file_of(values[-1])
        if name is not None:
            self._files.put(name, data)

    async def _send(self, values: list[Any]) -> port.Verdict:
        device_id, to, ref, content = values
        found = self._clients.get(device_id)
        if found is None:
            return port.DeviceLost(None, "The device is not connected.")
        name = frames.file_of(content)
        message = frames.content_in(content, b"" if name is None else self._files.get(name))
        try:
            return await found.send(plain.plain_to(to), message, ref=ref)
        except Exception as error:
            return port.Unconfirmed(f"The library failed: {type(error).__name__}")

    def _open_client(self, device: port.DeviceRef) -> client.Client:
        found = self._clients.get(device.device_id)
        if found is None:
            raise port.NotPaired("The device is not connected.")
        return found

    async def _check(self, device: port.DeviceRef, phones: list[str]) -> list[port.NumberStatus]:
        return await self._open_client(device).check_numbers(phones)

    async def _mark_read(self, device: port.DeviceRef, chat: port.Address, wire_ids: list[str]) -> None:
        await self._open_client(device).mark_read(chat, wire_ids)

    async def _typing(self, device: port.DeviceRef, chat: port.Address, on: bool) -> None:
        await self._open_client(device).typing(chat, on)

    # ------------------------------------------------------------------ files that people sent

    async def _fetch(self, device: port.DeviceRef, token: str, ref: port.MediaRef) -> int:
        """Take a file from WhatsApp and keep it for the parent, who named it by the token; its size."""
        found = self._open_client(device)
        return await self._counter.take(token, lambda: found.fetch(ref, fetching.MOST))

    async def _piece(self, _device: port.DeviceRef, token: str, at: int) -> bytes:
        return self._counter.piece(token, at)

    async def _fetched(self, _device: port.DeviceRef, token: str) -> None:
        self._counter.drop(token)

    # ------------------------------------------------------------------ sessions and the end

    async def snapshot(self, device_id: str) -> bytes | None:
        """The session, if it changed since it was kept."""
        found = self._clients.get(device_id)
        return None if found is None else await found.snapshot()

    def kept(self, device_id: str) -> None:
        """The parent has stored the last snapshot."""
        if (found := self._clients.get(device_id)) is not None:
            found.kept()

    async def close_all(self) -> None:
        """Close every client; telling nobody, because nobody asked for one of them."""
        for device_id in list(self._opened):
            with contextlib.suppress(Exception):
                await self._shut(device_id)
