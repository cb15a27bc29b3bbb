"""Runs about size: memory of many lanes, a million recipients, a long past, many devices, a restart in front of a full queue."""

import asyncio
import json
import signal
import time
from typing import Any

from hantar.bench import crash, machine, stand, victim, world
from hantar.bench.spec import Spec
from hantar.bench.speed import FIRST_TURN, LATENCY, Drain, Fleet, expected_rate

PATIENCE = 1800.0
"""Seconds a planner may take for its recipients."""
WATCHED = 30.0
"""Seconds of work before memory is read: every lane had its turn."""


def memory(on: stand.Stand, *, devices: int, each: int = 20) -> dict[str, Any]:
    """Memory of an engine's process with so many lanes and their queues; the simulator is a process of its own."""
    name = "memory"
    dsn = on.make(name, world.Size(devices, devices * each, 2, 4))
    folder = on.folder / f"{name}-ledger"
    asyncio.run(crash.link(dsn, folder))
    asyncio.run(world.spread(dsn, FIRST_TURN))
    process = stand.start("hantar.bench.victim", victim.Spec(dsn, str(folder), deduplicates=True, lost_answers=0.0).written())
    try:
        crash.wait_until_ready(process)
        at_start = machine.rss_mb(process.pid)
        crash.time_passes(WATCHED)
        found = {"devices": devices, "queued": devices * each, "rss_mb": round(machine.rss_mb(process.pid), 1)}
        stand.end(process, signal.SIGTERM)
    finally:
        stand.end(process)
    on.drop(name)
    return found | {"rss_at_start_mb": round(at_start, 1)}


def enqueue(on: stand.Stand, *, people: int, devices: int = 3_000) -> dict[str, Any]:
    """Write a campaign's recipients with the real planner, in a process of its own."""
    name = "enqueue"
    dsn = on.make(name, world.Size(devices, people, leads_only=True, workspaces=1))
    process = stand.start("hantar.bench.planning", dsn, str(on.postmaster))
    try:
        output, _ = process.communicate(timeout=PATIENCE)
    finally:
        stand.end(process)
    if process.returncode:
        raise stand.RunFailed("The planner's process ended with an error")
    on.drop(name)
    found: dict[str, Any] = json.loads(output)
    return {"people": people, "devices": devices, "seconds_per_million": round(found["seconds"] * 1e6 / people, 1)} | found


def _cost(figures: dict[str, Any]) -> float:
    """Microseconds of processor time a message costs, of the engine and of PostgreSQL; the simulator's are left out."""
    return float(figures["engine_us_per_message"] + figures["postgres_us_per_message"])


def _against(base: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    names = ("engine_us_per_message", "postgres_us_per_message")
    parts = {f"{name.split('_')[0]}_ratio": round(other[name] / max(0.1, base[name]), 3) for name in names}
    return {"ratio": round(_cost(other) / max(0.1, _cost(base)), 3)} | parts


def history(on: stand.Stand, *, rows: int, messages: int = 150_000, devices: int = 3_000, seconds: float = 60) -> dict[str, Any]:
    """What a message costs behind so many finished ones, against none."""
    fresh = Drain(devices, messages, seconds, name="fresh")
    fresh.fill(on)
    base = fresh.run(on)
    on.drop("fresh")
    old = Drain(devices, messages, seconds, name="old")
    old.fill(on)
    asyncio.run(world.add_history(on.named("old"), world.Size(devices, messages, history=rows), on.say))
    other = old.run(on)
    on.drop("old")
    return {"finished": rows} | _against(base, other) | {"without": base, "behind": other} | _faults(base, other)


def growth(on: stand.Stand, *, few: int = 1_000, many: int = 30_000, seconds: float = 30) -> dict[str, Any]:
    """What a message costs with many devices against few, at the same total rate."""
    least, most, answer = 10.0, 30.0, sum(LATENCY) / 2
    share = few / many
    fast = Fleet(few, (least + answer) * share - answer, (most + answer) * share - answer, seconds, name="few")
    slow = Fleet(many, least, most, seconds, name="many")
    found = {}
    for fleet in (fast, slow):
        fleet.fill(on)
        found[fleet.name] = fleet.run(on)
        on.drop(fleet.name)
    rate = {"expected_per_s": round(expected_rate(many, least, most), 1)}
    return rate | _against(found["few"], found["many"]) | found | _faults(*found.values())


def restart(on: stand.Stand, *, messages: int, devices: int) -> dict[str, Any]:
    """Seconds from the start of the process to the first message before a full queue: after a clean stop, and after a kill."""
    name = "restart"
    dsn = on.make(name, world.Size(devices, messages, 10, 30))
    spec = Spec(dsn, on.postmaster, messages, ramp=0.0, seconds=1.0, latency=LATENCY, until_first=True)
    on.measure(spec)  # it takes the leases and gives them back
    clean = _first(on, spec)
    killed = stand.start("hantar.bench.rig", Spec(dsn, on.postmaster, messages, ramp=60, latency=LATENCY).written())
    crash.time_passes(6.0)
    stand.end(killed)
    after_kill = _first(on, spec)
    on.drop(name)
    return {"devices": devices, "queued": messages, "first_send_s": clean, "first_send_after_kill_s": after_kill}


def _first(on: stand.Stand, spec: Spec) -> float:
    began = time.monotonic()
    return round(float(on.measure(spec)["first_sent_at"]) - began, 2)


def _faults(*runs: dict[str, Any]) -> dict[str, Any]:
    return {name: sum(run[name] for run in runs) for name in ("early", "duplicated", "lost", "forbidden")}
