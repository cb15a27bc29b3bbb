"""The real library behind a session host: neonize, which holds whatsmeow. A host is started with the name of this module.

What it cannot do is left to others: the host keeps a spool and silences standard output, the devices' keeper tries again with
growing pauses, the driver settles what is unconfirmed.
"""

import asyncio
import logging
import os
from concurrent.futures import ThreadPoolExecutor

from hantar.gateways import port
from hantar.gateways.linked import client, loading, sessions
from hantar.gateways.linked.whatsmeow_client import LinkedClient
from hantar.gateways.linked.whatsmeow_line import Process
from hantar.gateways.linked.whatsmeow_reach import Reach
from hantar.kit.clock import Clock, SystemClock

MORE_THREADS = 20
"""Beside two for each device: one that its connection keeps for life, one for whatever it is asked."""
RETIRED = 75
"""Exit code of a process that was given up for a new one (sysexits: try again)."""


class Whatsmeow:
    """A `client.Library`. One for each process and one event loop: the library remembers the first loop it sees for good."""

    def __init__(self, given: client.Given, clock: Clock) -> None:
        self._folder, self._most, self._clock = given.folder, given.most, clock
        self._proxy: str | None = given.options.get("proxy")
        self._reach = Reach(clock, self._proxy)
        self._process: Process | None = None
        self._threads: ThreadPoolExecutor | None = None

    async def start(self) -> None:
        """Raises `loading.LibraryUnusable`."""
        # each call and each connection has a thread of the loop's executor; the default has too few, and then lines never start
        self._threads = ThreadPoolExecutor(2 * self._most + MORE_THREADS, thread_name_prefix="linked")
        asyncio.get_running_loop().set_default_executor(self._threads)
        self._process = Process(loading.load(), self._clock, self._proxy, _retire)

    def client(self, device: port.DeviceRef, tell: client.Tell) -> client.Client:
        """The client of a device; `start` has run."""
        if self._process is None:
            raise RuntimeError("the library is not started")
        path = client.session_file(self._folder, device.device_id)
        return LinkedClient(device, path, tell, self._process, self._reach)

    def has_session(self, device_id: str) -> bool:
        """Whether a session file of a linked device is there."""
        return sessions.own_jid(client.session_file(self._folder, device_id)) is not None

    def restore(self, device_id: str, session: bytes) -> None:
        """Put back a snapshot; raises `sessions.NoSession`."""
        sessions.put_back(client.session_file(self._folder, device_id), session)

    async def close(self) -> None:
        """Nothing waits for connections that hang. The process must leave without closing the loop: that cancels tasks, and a
        cancelled connect of the library stops itself on the loop, which takes as long as it hangs (60 s, measured)."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)


def _retire() -> None:
    """Leave at once: the parent starts a new process, and no line of this one was up."""
    logging.getLogger("hantar.linked").warning("the library has used up this process; a new one is due")
    os._exit(RETIRED)


def library(given: client.Given, clock: Clock | None = None) -> client.Library:
    """What a session host asks for. `given.options`: `proxy`, an address such as http://proxy.example.com:8080."""
    return Whatsmeow(given, clock or SystemClock())
