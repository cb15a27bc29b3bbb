"""The simulated world in a process of its own, with a ledger the engine cannot write: `python -m hantar.gateways.simulator.host`.

It speaks over the socket it was born with and ends with its parent. Effects reach the ledger before their answers leave.
"""

import argparse
import functools
import gc
import json
import os
import select
import signal
import socket
from pathlib import Path
from typing import Any

from hantar.gateways import port
from hantar.gateways.child import end_with as end_with
from hantar.gateways.simulator import chance, desk, ledger, memory, wire
from hantar.gateways.simulator.world import World
from hantar.kit.clock import SystemClock

SAVE_EVERY = 0.25
"""Seconds between notes of how far events were taken; what lies between is only told again."""
TURN = 0.01
"""Seconds: what is due within them is told together, so that neither side wakes for each event alone."""
WAIT_FOR_LEDGER = 10.0
"""Seconds to wait for a dying predecessor to let go of the ledger."""


class Host:
    """One world, one parent, one socket."""

    def __init__(self, line: socket.socket, book: ledger.FileLedger, seed: int, options: chance.Options, after: int) -> None:
        self.line, self.book, self.clock = line, book, SystemClock()
        self._out, self._ear = wire.Letters(), wire.Ear()
        self._saved_at = self._fired_at = 0.0
        self._writer: int | None = None
        self.world = World(
            seed=seed,
            clock=self.clock,
            book=self.book,
            tell=self._tell,
            tell_receipt=self._tell_receipt,
            options=options,
            after=after,
        )

    def _tell(self, event: port.Event) -> None:
        self._out.say("event", wire.to_plain(event))

    def _tell_receipt(self, *receipt: Any) -> None:
        self._out.join("receipts", receipt)

    def run(self) -> None:
        """Serve until the parent hangs up."""
        self._out.say("ready")
        wait = 0.0
        while True:
            readable, _, _ = select.select([self.line], [], [], wait)
            if readable and not self._listen():
                break
            wait = self._fire()
            self._speak()
        self._await_writer()
        self.world.save()
        self.book.close()

    def _fire(self) -> float:
        """Let happen what is due, once in a turn; returns the seconds until the next look."""
        now = self.clock.monotonic()
        rest = self._fired_at + TURN - now
        if rest > 0:
            return rest
        self._fired_at = now
        wait = self.world.fire()
        return SAVE_EVERY if wait is None else min(max(wait, TURN), SAVE_EVERY)

    def _listen(self) -> bool:
        """Take what the parent says; False when it hung up."""
        try:
            data = self.line.recv(1 << 20)
        except ConnectionError:
            return False
        if not data:
            return False
        for frame in self._ear.frames(data):
            self._hear(frame)
        return True

    def _hear(self, frame: wire.Frame) -> None:
        if frame[0] == "send":
            came_at, answer = self.clock.monotonic(), self._answer
            self.world.send_together(
                (shipment, functools.partial(answer, number), came_at) for number, shipment in wire.shipments(frame)
            )
        elif frame[0] == "take":
            self.world.take(frame[1])
        else:
            self._serve(*frame[1:])

    def _answer(self, number: int, verdict: port.Verdict) -> None:
        if type(verdict) is port.Accepted:
            self._out.join("accepted", (number, verdict.wire_id, verdict.at.timestamp()))
        else:
            self._out.say("verdict", number, wire.to_plain(verdict))

    def _serve(self, number: int, question: str, values: list[Any]) -> None:
        def reply(value: Any) -> None:
            self._out.say("answer", number, wire.to_plain(value))

        if question == "forget_people":
            self._await_writer()  # a snapshot of before may not come after it
        try:
            desk.serve(self.world, question, [wire.plain_to(each) for each in values], reply)
        except (port.PairingRefused, port.NotPaired) as error:
            self._out.say("refused", number, type(error).__name__, str(error))

    def _speak(self) -> None:
        """Write the ledger first, then answer: what we said we did is on record."""
        self.book.flush()
        now = self.clock.monotonic()
        if now - self._saved_at >= SAVE_EVERY:
            self._saved_at = now
            self.world.save()
            self._compact()
        if self._out:
            self.line.sendall(self._out.line())

    def _compact(self) -> None:
        """Put a long ledger aside. The snapshot is written by a copy of this process, so that nobody waits for it; should the
        copy fail, the next start reads more lines."""
        if self._writer is not None:
            done, _ = os.waitpid(self._writer, os.WNOHANG)
            self._writer = None if done else self._writer
        if self._writer is None and self.book.is_long:
            self.book.put_aside()
            self._writer = os.fork()
            if self._writer == 0:
                gc.disable()
                self.line.close()  # ours alone to answer; the lock stays, so that no other world begins before this is written
                os.nice(10)
                try:
                    self.book.keep(memory.state(self.world))
                finally:
                    os._exit(0)

    def _await_writer(self) -> None:
        if self._writer is not None:
            os.waitpid(self._writer, 0)
            self._writer = None


def _open_ledger(folder: Path, long: int) -> ledger.FileLedger:
    clock = SystemClock()
    end = clock.monotonic() + WAIT_FOR_LEDGER
    while True:
        try:
            return ledger.FileLedger(folder, long=long)
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
    parser.add_argument("--long", type=int, default=ledger.LONG, help="lines after which the ledger is put aside")
    parser.add_argument("--options", default="{}", help="JSON: how the world behaves, see chance.Options")
    given = parser.parse_args(words)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which hangs up in its own time
    end_with(given.parent)
    options: dict[str, Any] = json.loads(given.options)
    options = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    with socket.socket(fileno=given.fd) as line:
        try:
            book = _open_ledger(given.dir, given.long)
            gc.disable()  # a world is many small things and no rings of them: looking for rings took a third of the start
            host = Host(line, book, given.seed, chance.Options(**options), given.after)
            gc.freeze()
            gc.enable()
            gc.set_threshold(100_000, 20, 50)
            host.run()
        except (BrokenPipeError, ConnectionResetError):
            return  # the parent is gone; the ledger has everything


if __name__ == "__main__":
    main()
