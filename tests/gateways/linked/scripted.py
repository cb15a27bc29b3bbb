"""The library as far as we call it, played by a script: what `neonize` 0.5.2 was seen to do, with its own protocol buffers.

A test says what the service does (`api.tell`, `api.show`, `api.fails`), and reads what was asked (`api.sent`, `library.made`).
"""

import asyncio
import sqlite3
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

from hantar.gateways.linked.loading import Neonize
from tests.gateways.linked import protos
from tests.gateways.linked.protos import jid

OWN = "60111222333:7@s.whatsapp.net"


class NeonizeError(Exception):
    """What the library raises; its own errors are kinds of this."""


class MediaType(Enum):
    """As the library numbers them."""

    MediaImage = 0
    MediaVideo = 1
    MediaAudio = 2
    MediaDocument = 3


class ReceiptType(Enum):
    READ = b"read"


class ChatPresence(Enum):
    CHAT_PRESENCE_COMPOSING = 0
    CHAT_PRESENCE_PAUSED = 1


class ChatPresenceMedia(Enum):
    CHAT_PRESENCE_MEDIA_TEXT = 0


class Enums:
    MediaType, ReceiptType, ChatPresence, ChatPresenceMedia = MediaType, ReceiptType, ChatPresence, ChatPresenceMedia


class DeviceProps:
    UNKNOWN = 0

    def __init__(self, os: str, platformType: int) -> None:
        self.os, self.kind = os, platformType


class Companion:
    DeviceProps = DeviceProps


class Finalizer:
    def __init__(self) -> None:
        self.is_detached = False

    def detach(self) -> None:
        self.is_detached = True


def link(path: Path, own: str = OWN) -> None:
    """As the library writes who a device is into its session file."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS whatsmeow_device (jid TEXT PRIMARY KEY)")
        connection.execute("INSERT OR REPLACE INTO whatsmeow_device VALUES (?)", (own,))
    connection.close()


class Events:
    """`client.event`: called with a kind it registers a handler."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[..., Any]] = {}
        self.show: Callable[..., Any] | None = None

    def __call__(self, kind: Any) -> Callable[[Callable[..., Any]], None]:
        return lambda handler: self.handlers.__setitem__(kind.DESCRIPTOR.name, handler)

    def qr(self, handler: Callable[..., Any]) -> None:
        self.show = handler


class Api:
    """One client of the library."""

    def __init__(self, library: "Script", path: str, props: DeviceProps, uuid: str, new_device: bool) -> None:
        self.library, self.path, self.props, self.uuid, self.new_device = library, Path(path), props, uuid, new_device
        self.event = Events()
        self._stop_finalizer = Finalizer()
        self.sent: list[tuple[Any, Any]] = []
        self.uploads: list[tuple[bytes, Any]] = []
        self.read: list[tuple[Any, ...]] = []
        self.typed: list[tuple[Any, ...]] = []
        self.asked: list[str] = []
        self.files: dict[str, bytes] = {}
        self.fetched: list[Any] = []
        self.fails: dict[str, list[str]] = {}
        self.ending: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.stops = 0
        library.made.append(self)

    # what the service does

    async def tell(self, event: Any) -> None:
        await self.event.handlers[event.DESCRIPTOR.name](self, event)

    async def show(self, code: str) -> None:
        assert self.event.show is not None
        await self.event.show(self, code.encode())

    def _may_fail(self, what: str) -> None:
        if self.fails.get(what):
            raise NeonizeError(self.fails[what].pop(0))

    # what we ask

    async def connect(self, proxy: Any = None) -> asyncio.Task[None]:
        self.library.begin("connect")

        async def run() -> None:
            await asyncio.sleep(0)
            self.library.end("connect")
            self._may_fail("connect")
            await self.ending

        return asyncio.get_running_loop().create_task(run())

    async def stop(self) -> None:
        self.stops += 1
        self.library.begin("stop")
        await asyncio.sleep(0)
        self.library.end("stop")
        if not self.ending.done():
            self.ending.set_result(None)

    async def send_message(self, to: Any, message: Any) -> Any:
        assert not isinstance(to, str)
        assert not isinstance(message, str)
        self._may_fail("send")
        self.sent.append((to, message))
        return protos.events.SendResponse(ID=f"3EB0{len(self.sent):018X}", Timestamp=1796090400)

    async def upload(self, data: bytes, kind: Any) -> Any:
        assert isinstance(data, bytes)
        self._may_fail("upload")
        self.uploads.append((data, kind))
        n = str(len(self.uploads)).encode()
        return protos.events.UploadResponse(
            url="https://mmg.example/x", DirectPath="/v/x", MediaKey=n, FileEncSHA256=n, FileSHA256=n, FileLength=len(data)
        )

    async def download_any(self, message: Any) -> bytes:
        assert not isinstance(message, str)
        self.fetched.append(message)
        self._may_fail("download")
        [(_, file)] = message.ListFields()
        return self.files[file.directPath]

    async def PairPhone(self, phone: str, show_push: bool) -> str:
        self._may_fail("pair")
        self.asked.append(phone)
        return "ABCD-EFGH"

    async def logout(self) -> None:
        self._may_fail("logout")
        self.asked.append("logout")
        await self.tell(protos.events.LoggedOut(OnConnect=False, Reason=2))

    async def is_on_whatsapp(self, *numbers: str) -> list[Any]:
        self._may_fail("numbers")
        self.asked += numbers
        known = [each for each in numbers if not each.endswith("9")]
        rows = [protos.events.IsOnWhatsAppResponse(Query=each, IsIn=each in known, JID=jid(each[1:])) for each in numbers]
        return rows[1:] if "left out" in self.fails else rows[::-1]

    async def mark_read(self, *wire_ids: str, chat: Any, sender: Any, receipt: Any, timestamp: int) -> None:
        self.read.append((wire_ids, chat, sender, receipt))

    async def send_chat_presence(self, to: Any, state: Any, media: Any) -> None:
        self.typed.append((to, state))


class Script:
    """All clients of a process, and whether two ever changed the library's tables at once."""

    def __init__(self) -> None:
        self.made: list[Api] = []
        self.at_once = 0
        self.most_at_once = 0

    def begin(self, what: str) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)

    def end(self, what: str) -> None:
        self.at_once -= 1

    def NewAClient(self, name: str, **more: Any) -> Api:
        return Api(self, name, more["props"], more["uuid"], more["new_device"])

    def library(self) -> Neonize:
        """Everything our parts need of the library."""
        return Neonize(
            client=self,
            protos=protos.events,
            e2e=protos.e2e,
            enums=Enums,
            companion=Companion,
            proxy=lambda address: address,
            error=NeonizeError,
        )
