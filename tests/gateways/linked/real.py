"""The real library in a process of its own, away from every network: `python -m tests.gateways.linked.real FOLDER SCENE`.

All its connections go to a proxy on this machine: where nobody listens, or somebody who hangs up, or who never answers.
What was found is written to FOLDER/found.json: standard output belongs to the library, so that a test can look at what it prints.
"""

import asyncio
import base64
import gc
import json
import logging
import os
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hantar.gateways import port
from hantar.gateways.linked import client, loading, sessions, whatsmeow, whatsmeow_client, whatsmeow_files, whatsmeow_line

NOBODY = "http://127.0.0.1:9"
"""The discard port, which is closed."""
OWN = "60123456789:12@s.whatsapp.net"
ANN = port.Address("60198765432")
PLACE = ["image", "/v/t62/x?a=b", *(base64.urlsafe_b64encode(bytes(32)).decode() for _ in range(3)), 4711]
FILE = port.MediaRef("image", "image/png", "", 4711, base64.urlsafe_b64encode(json.dumps(PLACE).encode()).decode())
SERVERS: list[asyncio.Server] = []
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


class Trial:
    """The library started in a folder, and what its devices told."""

    def __init__(self, folder: Path, most: int, proxy: str = NOBODY) -> None:
        (folder / "sessions").mkdir(mode=0o700, exist_ok=True)
        self.library = whatsmeow.library(client.Given(folder / "sessions", most, {"proxy": proxy}))
        self.folder = folder
        self.told: list[port.Event] = []
        self.news = asyncio.Event()

    def tell(self, event: port.Event) -> None:
        self.told.append(event)
        self.news.set()

    def device(self, name: str) -> client.Client:
        return self.library.client(port.DeviceRef(name), self.tell)

    async def until_told(self, count: int, seconds: float) -> bool:
        """Whether so many events come within the time."""
        try:
            async with asyncio.timeout(seconds):
                while len(self.told) < count:
                    self.news.clear()
                    await self.news.wait()
        except TimeoutError:
            return False
        return True


def link(path: Path) -> None:
    """Write a linked device into a session file that the library has made: random keys, no pairing of anybody."""
    columns: dict[str, Any] = {"jid": OWN, "lid": "998877:12@lid", "registration_id": 5, "signed_pre_key_id": 1}
    columns |= {"push_name": "Shop", "adv_key": b"k", "adv_details": b"d"}
    columns |= dict.fromkeys(("noise_key", "identity_key", "signed_pre_key", "adv_account_sig_key"), bytes(range(32)))
    columns |= dict.fromkeys(("signed_pre_key_sig", "adv_account_sig", "adv_device_sig"), bytes(64))
    with sqlite3.connect(path) as connection:
        marks = ", ".join("?" * len(columns))
        connection.execute(f"INSERT INTO whatsmeow_device ({', '.join(columns)}) VALUES ({marks})", list(columns.values()))
    connection.close()


def memory() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def offline(folder: Path) -> dict[str, Any]:
    """One device without a network, unlinked and linked; and what the import left behind."""
    found: dict[str, Any] = {}
    trial = Trial(folder, most=2)
    await trial.library.start()
    enums = sys.modules["neonize.utils.enum"]
    found["magic"] = enums.magic.__name__  # type: ignore[attr-defined]
    found["kinds"] = [enums.MediaType.from_magic(each).name for each in (PNG, b"%PDF-1.7")]  # type: ignore[attr-defined]
    found["maps"] = [word for word in ("libmagic", "neonize-") if word in Path("/proc/self/maps").read_text()]
    found["levels"] = [logging.getLogger(name).getEffectiveLevel() for name in ("neonize.utils.log", "whatsmeow.Client")]
    device = trial.device("one")
    found["waits"], found["asked"] = [], []
    await vain(trial, device, found)
    there = Trial(folder, 2, await somebody(hang_up=True))
    there.told = trial.told
    await there.library.start()
    await vain(there, there.device("one"), found)
    trial = there
    found["told"] = [[type(each).__name__, each.why, each.will_retry] for each in trial.told]  # type: ignore[attr-defined]
    found["unlinked"] = [trial.library.has_session("one"), await device.snapshot() is None]
    found["send"] = type(await device.send(ANN, port.Content("x"), ref="r")).__name__
    found["refusals"] = [
        await refused(ask) for ask in (lambda: device.check_numbers(["60198765432"]), lambda: device.pair_code("60"))
    ]
    await device.logout()
    found["files"] = os.listdir(folder / "sessions")
    found |= await linked(trial)
    await trial.library.close()
    return found


async def vain(trial: Trial, device: client.Client, found: dict[str, Any]) -> None:
    """Open three times, each time in vain."""
    for _ in range(3):
        begun, before = time.monotonic(), len(trial.told)
        await device.open()
        found["is_told"] = await trial.until_told(before + 1, 10)
        found["waits"].append(time.monotonic() - begun)
        await device.close()
    found["asked"].append(trial.library._process._spent)  # type: ignore[attr-defined]


async def somebody(hang_up: bool, met: list[asyncio.StreamWriter] | None = None) -> str:
    """The address of one who takes connections, and hangs up at once or never says a word."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if met is not None:
            met.append(writer)
        if not hang_up:
            await reader.read(1)  # what a look at the way here does not say, and a connection does
            await reader.read()
        writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    SERVERS.append(server)
    return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def linked(trial: Trial) -> dict[str, Any]:
    """A session file with a device in it, copied, lost and put back: the library takes it for the device it was."""
    found: dict[str, Any] = {}
    path = trial.folder / "sessions" / "two.db"
    device: Any = trial.device("two")
    sessions.make_ready(path)
    before = len(trial.told)
    await device.open()
    await trial.until_told(before + 1, 10)
    await device.close()
    link(path)
    found["mode"] = [oct(each.stat().st_mode & 0o777) for each in (path.parent, path)]
    copy = await device.snapshot()
    device.kept()
    found["again"] = await device.snapshot() is None
    sessions.remove(path)
    trial.library.restore("two", copy)
    found["restored"] = trial.library.has_session("two")
    dropped, verdicts = whatsmeow_client.LinkedClient._drop, []

    async def look(api: Any) -> None:
        found["me"] = (await api.get_me()).JID.User
        found["id"] = await api.generate_message_id()
        found["fetch"] = await refused(lambda: whatsmeow_files.fetch(trial.library._process.library, api, FILE, 1 << 20))  # type: ignore[attr-defined]
        verdicts.append(await device._sender.send(api, ANN, port.Content("x"), "r"))
        verdicts.append(await device._sender.send(api, ANN, port.Content("", port.MediaBytes("image/png", PNG)), "r"))

    whatsmeow_client.LinkedClient._drop = lambda self, line: None  # type: ignore[method-assign] # keep the ended client to look at it
    before = len(trial.told)
    await device.open()
    line = device._line
    await trial.until_told(before + 1, 10)
    await look(line.api)
    whatsmeow_client.LinkedClient._drop = dropped  # type: ignore[method-assign]
    await device.close()
    found["verdicts"] = [[type(each).__name__, getattr(each, "why", "")] for each in verdicts]
    found["kept"] = sessions.own_jid(path)
    found["logout"] = await refused(device.logout)
    found["still"] = sessions.own_jid(path)
    return found


async def refused(ask: Callable[[], Awaitable[Any]]) -> str:
    """The name of what it raised, in time."""
    try:
        await asyncio.wait_for(ask(), 15)
    except Exception as error:
        return type(error).__name__
    return ""


async def other_binary(folder: Path) -> dict[str, Any]:
    """The package says one version and the binary in it another."""
    asked: list[str] = []
    sys.addaudithook(lambda event, values: asked.append(event) if event in ("socket.connect", "socket.getaddrinfo") else None)
    found: dict[str, Any] = {}
    right, checked = loading.VERSION, loading._check_versions
    loading.VERSION, loading._check_versions = "9.9.9", lambda: None
    try:
        loading.load()
    except loading.LibraryUnusable as error:
        found["words"] = str(error)
    loading.VERSION, loading._check_versions = right, checked
    loading.load()
    found["right"] = sys.modules["neonize"].__version__
    return found | {"asked": asked}


async def hanging(folder: Path) -> dict[str, Any]:
    """Many connections at once to somebody who never answers: all of them start, closing them holds nobody up, and when all of
    them come to their end at the same moment they are stopped one after the other."""
    met: list[asyncio.StreamWriter] = []
    whatsmeow_line.SETTLE = 0.05
    count = 24  # more than a default executor has threads for on two cores
    trial = Trial(folder, count, await somebody(hang_up=False, met=met))
    await trial.library.start()
    process = trial.library._process  # type: ignore[attr-defined]
    devices: list[Any] = [trial.device(f"device-{number}") for number in range(count)]
    await asyncio.gather(*(each.open() for each in devices))
    async with asyncio.timeout(60):
        while len(talking(met)) < count:
            await asyncio.sleep(0.05)
    whatsmeow_line.STOP = 0.2
    lines = [each._line for each in devices]
    await asyncio.gather(*(each.close() for each in devices))
    await devices[0].open()
    found: dict[str, Any] = {"met": len(talking(met)), "told": [getattr(each, "why", "") for each in trial.told]}
    for each in met:
        each.transport.abort()
    async with asyncio.timeout(60):
        while process._live:
            await asyncio.sleep(0.05)
    found["stopped"] = len([each for each in lines if each.is_stopped])
    await trial.library.close()
    return found


def talking(met: list[asyncio.StreamWriter]) -> list[asyncio.StreamWriter]:
    """Connections that somebody uses, without those that only looked whether the way is there."""
    return [each for each in met if not each.is_closing()]


async def outage(folder: Path, count: int, times: int) -> dict[str, Any]:
    """Many clients without a network, made, opened in vain and closed, again and again."""
    return await rounds(Trial(folder, count), count, times)


async def leftovers(folder: Path, count: int, times: int) -> dict[str, Any]:
    """The same with the library asked each time, which fails; no process is given up."""
    whatsmeow_line.SPENT = 1_000_000
    return await rounds(Trial(folder, count, await somebody(hang_up=True)), count, times)


async def used_up(folder: Path) -> dict[str, Any]:
    """A process gives itself up when enough is left behind."""
    whatsmeow_line.SPENT = 5
    return await rounds(Trial(folder, 1, await somebody(hang_up=True)), 1, 10)


async def rounds(trial: Trial, count: int, times: int) -> dict[str, Any]:
    """Memory, threads and open files after each round; the first is not counted, it makes what stays."""
    await trial.library.start()
    found: dict[str, Any] = {"memory": [], "threads": [], "files": [], "cpu": []}
    for number in range(times + 1):
        begun = time.process_time()
        devices = [trial.device(f"device-{each}") for each in range(count)]
        for each in devices:
            await each.open()
        if not await trial.until_told((number + 1) * count, 60):
            raise SystemExit("not every device was told to be offline")
        for each in devices:
            await each.close()
        del devices, each
        gc.collect()
        if number:
            found["memory"].append(memory())
            found["threads"].append(len(os.listdir("/proc/self/task")))
            found["files"].append(len(os.listdir("/proc/self/fd")))
            found["cpu"].append(time.process_time() - begun)
    found["told"] = len(trial.told) - count
    await trial.library.close()
    return found


SCENES: dict[str, Callable[..., Awaitable[dict[str, Any]]]] = {
    each.__name__: each for each in (offline, other_binary, hanging, outage, leftovers, used_up)
}


def main(folder: Path, scene: str, *numbers: str) -> None:
    """Play one scene and leave, threads of the library or not."""
    found = asyncio.Runner().run(SCENES[scene](folder, *map(int, numbers)))  # not closed: it would stop what hangs, and wait
    (folder / "found.json").write_text(json.dumps(found))
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *sys.argv[3:])
