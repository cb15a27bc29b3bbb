"""The simulated world in a process of its own, with a ledger the engine cannot write: `python -m hantar.gateways.simulator.host`.

It speaks over the socket it was born with and ends with its parent. Effects reach the ledger before their answers leave.
"""

import argparse
import ctypes
import json
import os
import select
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from hantar.gateways import port
from hantar.gateways.simulator import chance, desk, ledger, wire
from hantar.gateways.simulator.world import World
from hantar.kit.clock import SystemClock

PR_SET_PDEATHSIG = 1
SAVE_EVERY = 0.25
"""Seconds between notes of how far events were taken; what lies between is only told again."""
WAIT_FOR_LEDGER = 10.0
"""Seconds to wait for a dying predecessor to let go of the ledger."""


def end_with(parent: int) -> None:
    """Ask the system to end us with our parent (Linux); the closed socket says the same elsewhere."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit(0)


class Host:
    """One world, one parent, one socket."""

    def __init__(self, line: socket.socket, folder: Path, seed: int, options: chance.Options, after: int) -> None:
        self.line, self.clock = line, SystemClock()
        self.book = _open_ledger(folder, self.clock)
        self._out: list[bytes] = []
        self._waiting = b""
        self._saved_at = 0.0
        self.world = World(seed=seed, clock=self.clock, book=self.book, tell=self._tell, options=options, after=after)

    def _tell(self, event: port.Event) -> None:
        self._out.append(wire.line("event", wire.to_plain(event)))

    def run(self) -> None:
        """Serve until the parent hangs up."""
        self._out.append(wire.line("ready"))
        wait: float | None = 0.0
        while True:
            readable, _, _ = select.select([self.line], [], [], wait)
            if readable and not self._listen():
                break
            wait = self.world.fire()
            self._speak()
            wait = min(wait, SAVE_EVERY) if wait is not None else SAVE_EVERY
        self.world.save()
        self.book.close()

    def _listen(self) -> bool:
        """Take what the parent says; False when it hung up."""
        try:
            data = self.line.recv(1 << 20)
        except ConnectionError:
            return False
        if not data:
            return False
        *frames, self._waiting = (self._waiting + data).split(b"\n")
        for frame in frames:
            self._hear(json.loads(frame))
        return True

    def _hear(self, frame: list[Any]) -> None:
        if frame[0] == "take":
            self.world.take(frame[1])
            return
        number, question, values = frame

        def reply(value: Any) -> None:
            self._out.append(wire.line("answer", number, wire.to_plain(value)))

        try:
            desk.serve(self.world, question, [wire.plain_to(each) for each in values], reply)
        except (port.PairingRefused, port.NotPaired) as error:
            self._out.append(wire.line("refused", number, type(error).__name__, str(error)))

    def _speak(self) -> None:
        """Write the ledger first, then answer: what we said we did is on record."""
        self.book.flush()
        now = self.clock.monotonic()
        if now - self._saved_at >= SAVE_EVERY:
            self.world.save()
            self._saved_at = now
        if self._out:
            data, self._out = b"".join(self._out), []
            self.line.sendall(data)


def _open_ledger(folder: Path, clock: SystemClock) -> ledger.FileLedger:
    end = clock.monotonic() + WAIT_FOR_LEDGER
    while True:
        try:
            return ledger.FileLedger(folder)
        except ledger.InUse:
            if clock.monotonic() > end:
                raise
            select.select([], [], [], 0.05)  # no event loop here


def main(words: list[str] | None = None) -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m hantar.gateways.simulator.host", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="folder of the ledger")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fd", type=int, required=True, help="number of the open socket to the parent")
    parser.add_argument("--parent", type=int, required=True, help="process id of the parent")
    parser.add_argument("--after", type=int, default=0, help="the last event number the parent knows")
    parser.add_argument("--options", default="{}", help="JSON: how the world behaves, see chance.Options")
    given = parser.parse_args(words)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which hangs up in its own time
    end_with(given.parent)
    options: dict[str, Any] = json.loads(given.options)
    options = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    with socket.socket(fileno=given.fd) as line:
        try:
            Host(line, given.dir, given.seed, chance.Options(**options), given.after).run()
        except (BrokenPipeError, ConnectionResetError):
            return  # the parent is gone; the ledger has everything


if __name__ == "__main__":
    main()
