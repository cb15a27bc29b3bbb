"""Kills the engine and the database at random while messages leave, then compares the gateway's ledger with the rows."""

import asyncio
import os
import random
import select
import signal
import statistics
import subprocess
import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from hantar.bench import checker, stand, victim, world
from hantar.gateways.simulator import ledger

LEAST, MOST = 0.2, 0.4
"""Seconds between two messages of a device."""
LIFE = (0.3, 2.0)
"""Seconds an engine works before it is killed."""
LOST_ANSWERS = 0.03
"""Share of messages that arrive although their answer is lost."""
DATABASE_EVERY = 4
"""Every so many kills hit PostgreSQL instead of the engine."""
READY_PATIENCE, DRAIN_PATIENCE, SETTLE_PATIENCE = 60.0, 300.0, 20.0
QUIET = 2.5
"""Seconds without a settled doubt after which no receipt is awaited any more: they come within one, a slow phone's within two."""
DEVICES = 50
NEEDED = "id, state, wire_id, device_id, phone, source_id, step_id, person_id"
OPEN = "SELECT count(*) FROM messages WHERE state IN ('planned', 'held', 'queued', 'claimed')"
UNKNOWN = "SELECT count(*) FROM messages WHERE state = 'unknown'"


@dataclass(frozen=True, slots=True)
class Loop:
    """One crash loop against one kind of gateway."""

    kills: int
    deduplicates: bool
    with_database: bool = True
    seed: int = 1
    name: str = "crash"

    @property
    def size(self) -> world.Size:
        """Enough messages that some wait at every kill."""
        each = DEVICES / (LEAST / 2 + MOST / 2 + 0.05) * (sum(LIFE) / 2 + 0.6)
        return world.Size(DEVICES, round(self.kills * each) + 4 * DEVICES, LEAST, MOST)


class Killer:
    """Runs one loop."""

    def __init__(self, stand_: stand.Stand, loop: Loop) -> None:
        self._stand, self._loop, self._hand = stand_, loop, random.Random(loop.seed)
        self._folder = stand_.folder / f"{loop.name}-ledger"
        self._process: subprocess.Popen[bytes] | None = None
        self._spec = victim.Spec(stand_.named(loop.name), str(self._folder), loop.deduplicates, LOST_ANSWERS)
        self.killed: list[float] = []
        self.ready_after: list[float] = []
        self.engine_kills = self.database_kills = self.died = 0

    def run(self) -> dict[str, Any]:
        """Fill, kill, drain, judge."""
        self._stand.make(self._loop.name, self._loop.size)
        asyncio.run(link(self._spec.dsn, self._folder))
        try:
            self._start()
            for number in range(self._loop.kills):
                time_passes(self._hand.uniform(*LIFE))
                if self._loop.with_database and number % DATABASE_EVERY == DATABASE_EVERY - 1:
                    self._kill_database()
                else:
                    self._kill_engine()
            self._wait_until_drained()
            self._wait_until_settled()
            code = self._stop()
        finally:
            if self._process is not None:
                stand.end(self._process)
        return self._figures() | {"clean_end": code == 0}

    # ------------------------------------------------------------------ living and dying

    def _start(self) -> None:
        self._process = stand.start("hantar.bench.victim", self._spec.written())
        wait_until_ready(self._process)

    def _kill_engine(self) -> None:
        assert self._process is not None  # noqa: S101 narrows the type
        if self._process.poll() is not None:
            self.died += 1
        died = time.monotonic()
        stand.end(self._process)
        self._start()
        self.killed.append(died)
        self.ready_after.append(time.monotonic() - died)
        self.engine_kills += 1

    def _kill_database(self) -> None:
        server = self._stand.server
        assert server is not None  # noqa: S101 narrows the type
        os.kill(self._stand.postmaster, signal.SIGKILL)
        died = time.monotonic()
        server.restart()
        self.killed.append(died)
        self.ready_after.append(time.monotonic() - died)
        self.database_kills += 1

    def _wait_until_drained(self) -> None:
        """Wait until every message has ended; an engine that died by itself is counted and started again."""
        until = time.monotonic() + DRAIN_PATIENCE
        while time.monotonic() < until and self._count(OPEN):
            if self._process is not None and self._process.poll() is not None:
                self.died += 1
                stand.end(self._process)
                self._start()
            time_passes(0.2)

    def _wait_until_settled(self) -> None:
        """Wait while receipts still settle what is in doubt; what none comes for stays unknown, as all does without known ids."""
        if not self._loop.deduplicates:
            return
        left, since = self._count(UNKNOWN), time.monotonic()
        until = since + SETTLE_PATIENCE
        while left and time.monotonic() < min(until, since + QUIET):
            time_passes(0.2)
            now_left = self._count(UNKNOWN)
            if now_left != left:
                left, since = now_left, time.monotonic()

    def _count(self, sql: str) -> int:
        return int(asyncio.run(self._fetch(sql))[0][0])

    def _stop(self) -> int:
        assert self._process is not None  # noqa: S101 narrows the type
        return stand.end(self._process, signal.SIGTERM)

    # ------------------------------------------------------------------ judging

    async def _fetch(self, sql: str) -> list[asyncpg.Record]:
        owner = await asyncpg.connect(self._spec.dsn, timeout=30)
        try:
            found: list[asyncpg.Record] = await owner.fetch(sql)
            return found
        finally:
            await owner.close()

    def _figures(self) -> dict[str, Any]:
        lines = list(ledger.read(Path(self._folder) / "ledger.jsonl"))
        rows = [dict(row) for row in asyncio.run(self._fetch(f"SELECT {NEEDED} FROM messages"))]
        gaps = {str(row[0]): row[1] for row in asyncio.run(self._fetch("SELECT id, min_delay_seconds FROM devices"))}
        verdict = checker.check(*checker.by_message_id(lines, rows), gaps)
        resumed = resumed_after(self.killed, [line["mono"] for line in lines if line["effect"] == "sent"])
        names = ("lost", "duplicated", "early", "forbidden", "unexpected", "unknown", "recovered")
        return {
            "kills": len(self.killed),
            "engine_kills": self.engine_kills,
            "database_kills": self.database_kills,
            "died_by_itself": self.died,
            **{name: getattr(verdict, name) for name in names},
            "messages": verdict.rows,
            "effects": verdict.effects,
            "shortest_gap_ms": None if verdict.shortest_gap is None else round(verdict.shortest_gap * 1000, 1),
            "ready_after_s": _spread(self.ready_after),
            "next_send_after_s": _spread(resumed),
            "seed": self._loop.seed,
            "samples": {name: some for name, some in verdict.samples.items() if some and name != "unknown"},
        }


async def link(dsn: str, folder: Path) -> None:
    """The gateway knows the devices since long: a ledger in this folder that begins with their links."""
    owner = await asyncpg.connect(dsn)
    try:
        devices = await owner.fetch("SELECT id, phone FROM devices")
    finally:
        await owner.close()
    book, at = ledger.FileLedger(folder), datetime.fromtimestamp(0, UTC).isoformat()
    for device in devices:
        more = {"phone": device["phone"], "jid": f"{device['phone']}@s.whatsapp.net"}
        book.append({"mono": 0.0, "at": at, "device": str(device["id"]), "effect": "linked", "fault": None, "more": more})
    book.close()


def wait_until_ready(process: "subprocess.Popen[bytes]") -> None:
    """Return when the engine's process holds its leases; raises `RunFailed` when it ends or is not ready in time."""
    output = process.stdout
    assert output is not None  # noqa: S101 narrows the type
    readable, _, _ = select.select([output], [], [], READY_PATIENCE)
    if not readable or output.readline() != b"ready\n":
        raise stand.RunFailed("The engine was not ready in time")


def _spread(seconds: Sequence[float]) -> dict[str, float] | None:
    if not seconds:
        return None
    return {"median": round(statistics.median(seconds), 2), "longest": round(max(seconds), 2)}


def resumed_after(killed: Sequence[float], sends: Sequence[float]) -> list[float]:
    """Seconds from each kill to the next message that reached the gateway; all instants by the machine's monotonic clock."""
    ordered = sorted(sends)
    places = [(bisect_right(ordered, at), at) for at in killed]
    return [ordered[place] - at for place, at in places if place < len(ordered)]


def time_passes(seconds: float) -> None:
    """Rest; the killer has no event loop."""
    select.select([], [], [], seconds)


def together(loops: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The sums of several loops, and each of them."""
    names = (
        "kills",
        "lost",
        "duplicated",
        "early",
        "forbidden",
        "unexpected",
        "unknown",
        "recovered",
        "died_by_itself",
        "messages",
    )
    found: dict[str, Any] = {name: sum(loop[name] for loop in loops) for name in names}
    return found | {"loops": list(loops)}
