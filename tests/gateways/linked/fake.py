"""A library in place of the real one: the simulated world behind the client interface, with faults of its own on request.

A host loads it when it is started with `--library tests.gateways.linked.fake`. Whoever directs it speaks to the socket
`<control>/<process id>`, one line of JSON a time; every effect is written to `<control>/effects`. Options:

`control`: the folder; `world`: how the world behaves (`chance.Options`); `crash_on_open`, `mute_on_open`: devices whose opening
crashes the process, or leads to nothing.
"""

import asyncio
import base64
import contextlib
import itertools
import json
import os
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hantar.gateways import media, port
from hantar.gateways.linked import client
from hantar.gateways.simulator import chance, driver, ledger, lines
from hantar.kit.clock import SystemClock

STRAY = "STRAY-"


class Book(ledger.MemoryLedger):
    """Every effect, where the world and the test can read it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.chats: dict[str, str] = {}
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, effect: ledger.Effect) -> None:
        if effect.wire is not None:
            self.chats[effect.wire] = effect.to
        os.write(self._file, effect.text().encode() + b"\n")


class Library:
    """One world per process; a device's link lives in its session file."""

    def __init__(self, given: client.Given) -> None:
        options = given.options
        self.folder, self.control = given.folder, Path(options["control"])
        self.crash_on_open, self.mute_on_open = options.get("crash_on_open", []), options.get("mute_on_open", [])
        self.book, self.clock = Book(self.control / "effects"), SystemClock()
        how = {key: tuple(value) if isinstance(value, list) else value for key, value in options.get("world", {}).items()}
        self.line = lines.InProcess(self.clock, self.book, seed=1, options=chance.Options(caller_ids=False, **how))
        self.clients: dict[str, Client] = {}
        self.answers: dict[int, asyncio.Future[port.Verdict]] = {}
        self.numbers = itertools.count(1)
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        print("a library prints when it is loaded", flush=True)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        await self.line.start(lines.Ears(self._hear, self._answered, lambda: None, lambda: None))
        self._server = await asyncio.start_unix_server(self._direct, str(self.control / str(os.getpid())))

    def client(self, device: port.DeviceRef, tell: client.Tell) -> client.Client:
        made = self.clients[device.device_id] = Client(self, device, tell)
        return made

    def has_session(self, device_id: str) -> bool:
        return client.session_file(self.folder, device_id).exists()

    def restore(self, device_id: str, session: bytes) -> None:
        client.session_file(self.folder, device_id).write_bytes(session)

    async def close(self) -> None:
        await self.line.close()

    # ------------------------------------------------------------------ what the world tells

    def _hear(self, events: list[port.Event]) -> None:
        for event in events:
            if (found := self.clients.get(event.device_id)) is not None:
                found.hear(event)
        self.line.take(events[-1].seq)

    def _answered(self, number: int, verdict: port.Verdict) -> None:
        answer = self.answers.pop(number, None)
        if answer is not None and not answer.done():
            answer.set_result(verdict)

    # ------------------------------------------------------------------ what the test asks for

    async def _direct(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                try:
                    said = {"done": await self._do(**json.loads(line))}
                except (port.PairingRefused, port.NotPaired) as error:
                    said = {"refused": str(error)}
                writer.write(json.dumps(said).encode() + b"\n")
        writer.close()

    async def _do(self, device: str, action: str, more: dict[str, Any]) -> Any:
        if action == "crash":
            print("panic: concurrent map writes for 60123456789", file=sys.stderr, flush=True)
            os.abort()
        if action == "hang":
            time.sleep(more["for_seconds"])
            return {}
        if action == "print":
            print("noise\n" * 1000, flush=True)
            os.write(1, b"\x00\x00\x00\x02\x00\x00\x00\x00[]" * 100)
            return {}
        found = self.clients[device]
        if action == "slow":
            found.slow = more["for_seconds"]
            return {}
        if action == "fetching":
            found.fetching = more
            return {"asked": found.fetches}
        if action == "flap":
            for number in range(more["times"]):
                found.tell(port.Disconnected(**found.words(f"flap:{number}"), why="no_network", will_retry=True))
                found.tell(port.Connected(**found.words(f"back:{number}")))
            return {}
        if action == "receipt":
            kind = port.ReceiptKind(more["kind"])
            chat = port.Address(more["phone"])
            found.tell(client.HeardReceipt(**found.words(more["wire"]), wire_ids=(more["wire"],), kind=kind, chat=chat))
            return {}
        return await self.line.ask("simulate", found.ref, port.SimulatorAction(action, **more))


class Client:
    """One device in the world."""

    def __init__(self, library: Library, device: port.DeviceRef, tell: client.Tell) -> None:
        self.library, self.tell = library, tell
        self.ref = port.DeviceRef(device.device_id, 0, device.phone)
        self.file = client.session_file(library.folder, device.device_id)
        self.slow = 0.0
        self.fetching: dict[str, Any] = {}
        self.fetches = 0
        self._kept: bytes | None = None
        self._shown: bytes | None = None

    def words(self, what: str) -> dict[str, Any]:
        """The words every event has."""
        at = self.library.clock.now()
        return {"device_id": self.ref.device_id, "event_id": f"{self.ref.device_id}:{what}:{at.timestamp()}", "at": at}

    def hear(self, event: port.Event) -> None:
        """Pass on what the world tells, except what the host tells itself."""
        match event:
            case port.PairSucceeded():
                self.file.write_text(json.dumps({"phone": event.phone, "jid": event.jid}))
            case port.LoggedOut():
                self.file.unlink(missing_ok=True)
                if event.why == "user":
                    return
            case port.Disconnected(why="asked"):
                return
            case port.Receipt():
                wire = event.wire_ids[0]
                chat = port.Address(self.library.book.chats.get(wire.removeprefix(STRAY)))
                base = {"device_id": event.device_id, "event_id": event.event_id, "at": event.at, "kind": event.kind}
                event = client.HeardReceipt(**base, wire_ids=(wire,), chat=chat, could_be_ours=not wire.startswith(STRAY))
        self.tell(event)

    def _know(self) -> None:
        """The world learns of a link from its session file, as WhatsApp would from its keys."""
        phone = self.library.line.world.at(self.ref.device_id)
        if self.file.exists() and not phone.is_linked:
            link = json.loads(self.file.read_bytes())
            phone.phone, phone.jid, phone.has_history = link["phone"], link["jid"], True

    async def open(self) -> None:
        if self.ref.device_id in self.library.crash_on_open:
            os.abort()
        if self.ref.device_id in self.library.mute_on_open:
            return
        self._know()
        await self.library.line.ask("open", self.ref)

    async def close(self) -> None:
        await self.library.line.ask("disconnect", self.ref)

    async def logout(self) -> None:
        self._know()
        await self.library.line.ask("logout", self.ref)
        self.file.unlink(missing_ok=True)

    async def forget(self) -> None:
        await self.library.line.ask("forget", self.ref)
        self.file.unlink(missing_ok=True)

    async def pair_code(self, phone: str) -> port.PairCode:
        self._know()
        code: port.PairCode = await self.library.line.ask("pair_code", self.ref, phone)
        return code

    async def send(self, to: port.Address, content: port.Content, *, ref: str) -> port.Verdict:
        number = next(self.library.numbers)
        answer = self.library.answers[number] = asyncio.get_running_loop().create_future()
        self.library.line.send(number, driver._shipment(self.ref, to, content, ref))
        verdict = await answer
        if self.slow:
            await asyncio.sleep(self.slow)
        return verdict

    async def check_numbers(self, phones: Sequence[str]) -> list[port.NumberStatus]:
        found: list[port.NumberStatus] = await self.library.line.ask("check", self.ref, list(phones))
        return found

    async def fetch(self, ref: port.MediaRef, most: int) -> bytes:
        self.fetches += 1
        if self.fetching.get("hangs"):
            await asyncio.Event().wait()
        if "bytes" in self.fetching:
            return bytes(range(256)) * (self.fetching["bytes"] // 256)
        found = await self.library.line.ask("media", self.ref, ref)
        if found is None:
            raise media.MediaGone("It is kept no longer.")
        return base64.b64decode(found)

    async def mark_read(self, chat: port.Address, wire_ids: Sequence[str]) -> None:
        self._note("mark_read", [chat.phone, *wire_ids])

    async def typing(self, chat: port.Address, on: bool) -> None:
        self._note("typing", [chat.phone, on])

    def _note(self, effect: str, what: list[Any]) -> None:
        line = json.dumps({"device": self.ref.device_id, "effect": effect, "what": what})
        with open(self.library.control / "effects", "a") as effects:
            effects.write(line + "\n")

    async def snapshot(self) -> bytes | None:
        self._shown = self.file.read_bytes() if self.file.exists() else None
        return None if self._shown == self._kept else self._shown

    def kept(self) -> None:
        self._kept = self._shown


def library(given: client.Given) -> client.Library:
    """What the host asks for."""
    return Library(given)
