"""`hantar bench`: which runs are made, on what, and what is printed of them."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from hantar.bench import machine, speed, table
from hantar.bench.stand import Stand

Figures = dict[str, Any]
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
    as_json: bool = False

    def a(self, name: str, default: Any) -> Any:
        """A number that was asked for, or this one."""
        given = getattr(self, name)
        return default if given is None else given


class NoSuchRun(ValueError):
    """There is no run of this name."""


Run = Callable[[Stand, Asked], Figures]


def _fleet(devices: int, least: float, most: float, seconds: float, ramp: float | None = None) -> Run:
    def run(stand: Stand, asked: Asked) -> Figures:
        return speed.paced(
            stand,
            devices=asked.a("devices", devices),
            least=least,
            most=most,
            seconds=asked.a("seconds", seconds),
            ramp=ramp,
        )

    return run


def _drain(messages: int, seconds: float) -> Run:
    def run(stand: Stand, asked: Asked) -> Figures:
        return speed.drain(
            stand,
            devices=asked.a("devices", 3_000),
            messages=asked.a("messages", messages),
            seconds=asked.a("seconds", seconds),
        )

    return run


FULL: Mapping[str, Run] = {
    "paced_10000": _fleet(10_000, 2, 4, 300),
    "paced_3000": _fleet(3_000, 10, 30, 120),
    "paced_30000": _fleet(30_000, 10, 30, 120),
    "paced_100000": _fleet(100_000, 10, 30, 300),
    "drain": _drain(1_000_000, 300),
}
QUICK: Mapping[str, Run] = {
    "paced_10000": _fleet(10_000, 2, 4, 15, ramp=5),
    "drain": _drain(60_000, 6),
}
ALIASES = {"paced": "paced_10000"}


def chosen(asked: Asked) -> dict[str, Run]:
    """The runs that are asked for, in order; raises `NoSuchRun`."""
    known = dict(FULL if asked.full or asked.only else QUICK)
    if asked.quick:
        known |= QUICK
    if not asked.only:
        return known
    names = [ALIASES.get(name, name) for name in asked.only]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise NoSuchRun(f"There is no run {unknown[0]}. There are: {', '.join(known)}.")
    return {name: known[name] for name in names}


def run(asked: Asked) -> int:
    """Make the runs and print what they gave; returns 1 when a message was lost, doubled, early or forbidden, else 0."""
    told = Console(stderr=True, highlight=False)
    began = time.monotonic()

    def say(words: str) -> None:
        told.print(f"{time.monotonic() - began:6.1f} s  {words}")

    runs = chosen(asked)
    results: dict[str, Figures] = {}
    report: Figures = {"machine": machine.described(), "conditions": list(CONDITIONS)}
    with Stand(say) as stand:
        report["settings"] = stand.settings()
        for name, each in runs.items():
            say(f"{name} begins")
            results[name] = each(stand, asked)
    report |= results | {"bars": table.verdicts(results), "took_s": round(time.monotonic() - began, 1)}
    if asked.as_json:
        sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
    else:
        table.show(Console(highlight=False), report, results)
    return 1 if any(has_fault(figures) for figures in results.values()) else 0


def has_fault(figures: Figures) -> bool:
    """Whether a run broke a promise: speed is no promise, these are."""
    return any(figures.get(name) for name in ("lost", "duplicated", "early", "forbidden"))
