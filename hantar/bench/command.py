"""`hantar bench`: which runs are made, on what, and what is printed of them."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from rich.console import Console

from hantar.bench import crash, heavy, machine, peers, speed, table
from hantar.bench.stand import Stand
from hantar.kit import errors

Figures = dict[str, Any]
FAULTS = ("lost", "duplicated", "early", "forbidden", "unexpected", "died_by_itself")
MINUTE = 57.0
"""Seconds a quick run may take in all, with a little left for the unforeseen."""
QUICK_REST = 19.0
"""What it takes beside the paced measure once the worlds are filled: two starts, the ramp, the drain, the end."""
MEASURED = 8.0, 15.0
"""Least and most seconds of its paced measure."""
PACE = 0.95
"""Share of the rate that the gaps allow below which a fleet lags behind."""
BUSY = 0.5
"""Load for each core above which somebody else is at work."""
CONDITIONS = (
    "One throw-away PostgreSQL with fsync and synchronous commit on; the engine runs in a process of its own with the simulator "
    "in it, whose share of the processor is measured and named apart.",
    "Every rule is on: each claim is judged, people have aliases, half of them a consent on record, one in 200 opted out while "
    "their message waited.",
    "Limits per minute, hour and day are set so high that they bind nothing; pauses are each device's own, fixed between the "
    "two bounds, so that the gateway knows what is early.",
    "Lateness is the gateway's: from the instant it answered a device plus that device's pause to the next message's arrival.",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for."""

    quick: bool = False
    full: bool = False
    only: tuple[str, ...] = ()
    seconds: float | None = None
    devices: int | None = None
    messages: int | None = None
    rows: int | None = None
    crash: int | None = None
    seed: int = 1
    peers: bool = False
    receipts: bool = False
    as_json: bool = False

    def a(self, name: str, default: Any) -> Any:
        """A number that was asked for, or this one."""
        given = getattr(self, name)
        return default if given is None else given


class NoSuchRun(errors.Invalid):
    """There is no run of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no run {name}. There are: {', '.join(FULL)}.")


Run = Callable[[Stand, Asked], Figures]


def _fleet(devices: int, least: float, most: float, seconds: float) -> Run:
    def run(stand: Stand, asked: Asked) -> Figures:
        fleet = speed.Fleet(asked.a("devices", devices), least, most, asked.a("seconds", seconds), receipts=asked.receipts)
        fleet.fill(stand)
        try:
            return fleet.run(stand)
        finally:
            stand.drop(fleet.name)

    return run


def _drain(stand: Stand, asked: Asked) -> Figures:
    drain = speed.Drain(asked.a("devices", 3_000), asked.a("messages", 1_000_000), asked.a("seconds", 600))
    drain.fill(stand)
    try:
        return drain.run(stand)
    finally:
        stand.drop(drain.name)


def _memory(stand: Stand, asked: Asked) -> Figures:
    return heavy.memory(stand, devices=asked.a("devices", 10_000))


def _enqueue(stand: Stand, asked: Asked) -> Figures:
    return heavy.enqueue(stand, people=asked.a("messages", 1_000_000))


def _history(stand: Stand, asked: Asked) -> Figures:
    return heavy.history(stand, rows=asked.a("rows", 10_000_000), messages=asked.a("messages", 150_000))


def _growth(stand: Stand, asked: Asked) -> Figures:
    return heavy.growth(stand, many=asked.a("devices", 30_000), seconds=asked.a("seconds", 30))


def _restart(stand: Stand, asked: Asked) -> Figures:
    return heavy.restart(stand, messages=asked.a("messages", 1_000_000), devices=asked.a("devices", 10_000))


def _crash(stand: Stand, asked: Asked) -> Figures:
    """Half of the kills before a gateway that drops repeated ids, half before one that would send twice."""
    kills = asked.crash or 20
    loops = [
        crash.Loop(kills - kills // 2, deduplicates=True, seed=asked.seed, name="crash_drops"),
        crash.Loop(kills // 2, deduplicates=False, seed=asked.seed + 1, name="crash_repeats"),
    ]
    done = []
    for loop in loops:
        if loop.kills:
            done.append({"gateway_drops_repeats": loop.deduplicates} | crash.Killer(stand, loop).run())
            stand.drop(loop.name)
    return crash.together(done)


FULL: Mapping[str, Run] = {
    "paced_10000": _fleet(10_000, 2, 4, 300),
    "paced_3000": _fleet(3_000, 10, 30, 120),
    "paced_30000": _fleet(30_000, 10, 30, 120),
    "paced_100000": _fleet(100_000, 10, 30, 300),
    "drain": _drain,
    "memory": _memory,
    "enqueue": _enqueue,
    "history": _history,
    "growth": _growth,
    "restart": _restart,
    "crash": _crash,
}
ALIASES = {"paced": "paced_10000"}


def chosen(asked: Asked) -> dict[str, Run]:
    """The runs that are asked for beside the quick ones, in order; raises `NoSuchRun`."""
    names = [ALIASES.get(name, name) for name in asked.only]
    unknown = [name for name in names if name not in FULL]
    if unknown:
        raise NoSuchRun(unknown[0])
    if names:
        return {name: FULL[name] for name in names}
    if asked.full:
        return dict(FULL)
    return {"crash": _crash} if asked.crash else {}


def _quick(stand: Stand, asked: Asked, began: float) -> dict[str, Figures]:
    """All three within a minute: while the engine is killed and started again, the worlds of the other two are filled.

    The paced fleet is measured for what is then left of the minute, within `MEASURED`.
    """
    fleet = speed.Fleet(asked.a("devices", 10_000), 2, 4, asked.a("seconds", MEASURED[1]), ramp=4.5)
    drain = speed.Drain(min(3_000, fleet.devices), asked.a("messages", 60_000), 6)
    loop = crash.Loop(3, deduplicates=False, with_database=False, seed=asked.seed)
    with ThreadPoolExecutor(1) as aside:
        filling = aside.submit(lambda: [each.fill(stand) for each in (fleet, drain)])
        killed = crash.Killer(stand, loop).run()
        filling.result()
    left = MINUTE - QUICK_REST - (time.monotonic() - began)
    fleet = replace(fleet, seconds=asked.a("seconds", min(MEASURED[1], max(MEASURED[0], left))))
    return {"paced_10000": fleet.run(stand), "drain": drain.run(stand), "crash": killed}


def run(asked: Asked) -> int:
    """Make the runs and print what they gave; returns 1 when a message was lost, doubled, early or forbidden, else 0."""
    told = Console(stderr=True, highlight=False)
    began = time.monotonic()

    def say(words: str) -> None:
        told.print(f"{time.monotonic() - began:6.1f} s  {words}")

    runs = chosen(asked)
    report: Figures = {"machine": machine.described(), "conditions": list(CONDITIONS)}
    report["warnings"] = warnings(asked, report["machine"])
    results: dict[str, Figures] = {}
    with Stand(say) as stand:
        report["settings"] = stand.settings()
        if asked.quick or not (runs or asked.peers):
            results |= _quick(stand, asked, began)
            report["machine"]["loop_ms_after"] = machine.loop_ms()
        for name, each in runs.items():
            say(f"{name} begins")
            results[name] = each(stand, asked) | {"loop_ms": machine.loop_ms()}
        if asked.peers:
            say("the peers begin")
            results["peers"] = peers.measured(stand, quick=asked.quick, seconds=asked.a("seconds", 10 if asked.quick else 60))
    report["warnings"] += lagging(results)
    report |= results | {"bars": table.verdicts(results), "took_s": round(time.monotonic() - began, 1)}
    if asked.as_json:
        sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
    else:
        table.show(Console(highlight=False), report, results)
    return 1 if any(has_fault(figures) for figures in results.values()) else 0


def warnings(asked: Asked, where: Figures) -> list[str]:
    """Why these figures should be taken with care."""
    scaled = [name for name in ("seconds", "devices", "messages", "rows") if getattr(asked, name) is not None]
    found = []
    if scaled:
        found.append(f"Scaled by --{', --'.join(scaled)}: the bars are those of the full size.")
    if where["load_1m"] > BUSY * where["cores"]:
        found.append(f"The machine was busy before we began (load {where['load_1m']}): rates and lateness mean little.")
    return found


def lagging(results: Mapping[str, Figures]) -> list[str]:
    """Fleets that did not keep their pace, those inside a comparison too: what they cost is the cost of a backlog."""
    found = []
    for name, figures in results.items():
        inner = {key: value for key, value in figures.items() if isinstance(value, dict) and "rate_per_s" in value}
        found += [words.replace(":", f" ({name}):", 1) for words in lagging(inner)] if inner and name != "peers" else []
        if "rate_per_s" in figures and figures["rate_per_s"] < PACE * figures.get("expected_per_s", 0.0):
            found.append(f"{name}: it did not keep pace, so its figures are those of a backlog.")
    return found


def has_fault(figures: Figures) -> bool:
    """Whether a run broke a promise: speed is no promise, these are."""
    return any(figures.get(name) for name in FAULTS)
