"""A session host: many devices in a process of their own, so that a crash of the library costs these and no others.

`python -m hantar.gateways.linked.host`, started by `linked/hosts.py`. It speaks frames over the socket it was born with, never
over standard output, where libraries print; it ends with its parent. What it hears goes into the spool before anything else.
"""

import argparse
import asyncio
import contextlib
import importlib
import json
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, cast

from hantar.gateways import child, media, plain, port
from hantar.gateways.linked import client, files, frames, spool, watch
from hantar.gateways.linked.desk import Desk
from hantar.kit.clock import SystemClock

WINDOW = 1000
"""Events told and not yet taken; the rest waits in the spool."""
KEEP_EVERY = 180.0
"""Seconds between looks for sessions that changed and are to be stored (gateways.md 3.3: every few minutes)."""
KEEP_SOON = 2.0
"""Seconds after a pairing: the library writes its keys a moment later than it tells."""


class Host(asyncio.Protocol):
    """One library, its clients, one parent, one socket."""

    def __init__(self, library: client.Library, heard: spool.Spool, is_keeping: bool, beat: float) -> None:
        self.spool, self.clock = heard, SystemClock()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._transport: asyncio.WriteTransport | None = None
        self._reader = frames.Reader()
        self._tasks: set[asyncio.Task[None]] = set()
        self._told = heard.said
        self._is_telling = False
        self._is_keeping, self._every = is_keeping, beat
        self._ended = asyncio.Event()
        self.library = library
        self.desk = Desk(library, self.tell)

    # ------------------------------------------------------------------ what happens

    def tell(self, event: port.Event) -> None:
        """Keep an event and pass it on; from any thread."""
        self.spool.append(event)
        if threading.get_ident() == self._thread:
            self._pass_on_soon()
        else:
            self._loop.call_soon_threadsafe(self._pass_on_soon)
        if type(event) is port.PairSucceeded:
            self._loop.call_soon_threadsafe(self._start, self._keep_soon(event.device_id))

    def _pass_on_soon(self) -> None:
        if not self._is_telling:
            self._is_telling = True
            self._loop.call_soon(self._pass_on)

    def _pass_on(self) -> None:
        """Tell what fits into the window."""
        self._is_telling = False
        room = WINDOW - (self._told - self.spool.taken)
        if room <= 0 or self._transport is None:
            return
        events = self.spool.next(room)
        if events:
            self._told = events[-1][0]
            self._say("events", *events)

    # ------------------------------------------------------------------ the line

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ours."""
        self._transport = cast(asyncio.WriteTransport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        """The parent hung up."""
        self._transport = None
        self._ended.set()

    def data_received(self, data: bytes) -> None:
        """What the parent says."""
        for frame in self._reader.frames(data):
            if frame.word == "take":
                self.spool.take(frame.values[1])
                self._pass_on_soon()
            elif frame.word == "kept":
                self.desk.kept(frame.values[1])
            elif frame.word == "end":
                self._start(self._end(frame.values[1]))
            else:
                if frame.data and frame.values[3] == "send":
                    self.desk.bring(frame.values, frame.data)
                self._start(self._serve(frame))

    def _say(self, *values: Any, data: bytes = b"") -> None:
        if self._transport is not None:
            self._transport.write(frames.pack(*values, data=data))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # ------------------------------------------------------------------ questions

    async def _serve(self, frame: frames.Frame) -> None:
        """Answer one question: ["ask", number, seconds, name, device, value, …], before its deadline in any case."""
        _, number, seconds, name, *values = frame.values
        work = asyncio.ensure_future(self.desk.answer(name, values, frame.data))
        with contextlib.suppress(Exception):
            await asyncio.wait([work], timeout=seconds)
        if not work.done():
            self._say("late", number)
            if name == "send":  # it is never cancelled: a late answer is still the truth
                await self._hear_late(work, values)
            else:
                work.cancel()
            return
        try:
            self._say_done(number, work.result())
        except files.Lacking:
            self._say("lacking", number)
        except (port.PairingRefused, port.NotPaired, media.MediaGone) as error:
            self._say("refused", number, type(error).__name__, str(error))
        except Exception as error:
            self._say("failed", number, type(error).__name__)

    def _say_done(self, number: int, answer: Any) -> None:
        if isinstance(answer, bytes):
            self._say("bytes", number, data=answer)
        else:
            self._say("done", number, plain.to_plain(answer))

    async def _hear_late(self, work: Awaitable[Any], values: list[Any]) -> None:
        """A send was given up as unconfirmed; when the library learns its wire id after all, that settles it."""
        try:
            verdict = await work
        except Exception:
            return
        if isinstance(verdict, port.Accepted):
            device_id, ref, wire = values[0], values[2], verdict.wire_id
            self.tell(
                port.Receipt(
                    device_id=device_id,
                    event_id=f"{wire}:late",
                    at=verdict.at,
                    wire_ids=(wire,),
                    kind=port.ReceiptKind.SENT,
                    ref=ref,
                )
            )

    # ------------------------------------------------------------------ sessions

    async def _keep_soon(self, device_id: str) -> None:
        await self.clock.sleep(KEEP_SOON)
        await self._keep(device_id)

    async def _keep(self, device_id: str) -> None:
        """Hand a changed session to the parent, who seals and stores it."""
        if self._is_keeping and (session := await self.desk.snapshot(device_id)) is not None:
            self._say("keep", device_id, data=session)

    async def _keep_all(self) -> None:
        for device_id in self.desk.devices():
            await self._keep(device_id)

    # ------------------------------------------------------------------ life

    async def run(self) -> None:
        """Serve until the parent hangs up."""
        self._say("ready")
        self._pass_on_soon()
        self._start(self._repeat(self._every, self._beat))
        self._start(self._repeat(KEEP_EVERY, self._keep_all))
        await self._ended.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _beat(self) -> None:
        self._say("beat")

    async def _repeat(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await self.clock.sleep(seconds)
            try:
                await work()
            except Exception as error:
                print(f"{type(error).__name__} in {work.__name__}", file=sys.stderr, flush=True)  # noqa: T201 our parent reads it

    async def _end(self, seconds: float) -> None:
        """Store the sessions, close every client, and hang up; the parent kills us when it takes longer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._keep_all()
                await self.desk.close_all()
                await self.library.close()
        if self._transport is not None:
            self._transport.close()  # when all is written


def _silence_output() -> None:
    """Standard output belongs to nobody: what libraries print is neither protocol nor a log."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)


def _raise_limits() -> None:
    """Two to four files for each device (gateways.md 6)."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _main(given: argparse.Namespace) -> None:
    made = importlib.import_module(given.library)
    wanted = client.Given(given.folder / "sessions", given.most, json.loads(given.options))
    library: client.Library = made.library(wanted)
    await library.start()
    heard = spool.Spool(spool.path(given.folder, given.slot), given.after)
    host = Host(library, heard, given.keep, given.beat)
    await asyncio.get_running_loop().create_connection(lambda: host, sock=socket.socket(fileno=given.fd))
    await host.run()
    heard.close()


def main(words: list[str] | None = None) -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m hantar.gateways.linked.host", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="folder of sessions and spools")
    parser.add_argument("--slot", type=int, required=True, help="number of this host; its spool goes by it")
    parser.add_argument("--library", required=True, help="module that speaks to WhatsApp")
    parser.add_argument("--options", default="{}", help="JSON for the library")
    parser.add_argument("--most", type=int, default=watch.MOST, help="devices at most")
    parser.add_argument("--fd", type=int, required=True, help="number of the open socket to the parent")
    parser.add_argument("--parent", type=int, required=True, help="process id of the parent")
    parser.add_argument("--after", type=int, default=0, help="the last event number the parent knows")
    parser.add_argument("--beat", type=float, default=watch.BEAT, help="seconds between heartbeats")
    parser.add_argument("--keep", action="store_true", help="hand changed sessions to the parent")
    given = parser.parse_args(words)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us in its own time
    child.end_with(given.parent)
    _silence_output()
    _raise_limits()
    asyncio.Runner().run(_main(given))  # not closed: that cancels tasks, and a cancelled connect of the library waits up to 60 s
    os._exit(0)  # threads of a library must not keep a finished host alive


if __name__ == "__main__":
    main()
