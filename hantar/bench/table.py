"""What the runs gave, beside what they should give: a table for people, and each bar with its verdict for programs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Bar:
    """What one figure of a run should be: at most or at least `bar`; `aim` is what we want beyond it, where there is one."""

    figure: str
    words: str
    bar: float | None
    aim: float | None = None
    is_least: bool = False
    share_of: str | None = None
    """The figure is judged as a share of this other one."""

    def judge(self, figures: Mapping[str, Any]) -> dict[str, Any] | None:
        """The verdict; None when the run did not give this figure."""
        value = figures.get(self.figure)
        if value is None:
            return None
        measured = value / figures[self.share_of] if self.share_of else value
        is_met = None if self.bar is None else self._holds(measured, self.bar)
        is_aim_met = None if self.aim is None else self._holds(measured, self.aim)
        return {
            "figure": self.figure,
            "words": self.words,
            "measured": round(measured, 3) if isinstance(measured, float) else measured,
            "sign": ">=" if self.is_least else "<=",
            "bar": self.bar,
            "aim": self.aim,
            "met": is_met,
            "aim_met": is_aim_met,
        }

    def _holds(self, measured: float, limit: float) -> bool:
        return measured >= limit if self.is_least else measured <= limit


def _clean() -> tuple[Bar, ...]:
    return tuple(Bar(name, name, 0) for name in ("early", "duplicated", "lost", "forbidden"))


def _sustained(bar: float = 0.98) -> Bar:
    return Bar("rate_per_s", "rate, as a share of what the gaps allow", bar, is_least=True, share_of="expected_per_s")


BARS: Mapping[str, tuple[Bar, ...]] = {
    "paced_10000": (
        _sustained(),
        Bar("lateness_p99_ms", "lateness p99, ms", 100, 30),
        Bar("engine_cpu_percent", "engine, % of a core", None, 50),
        *_clean(),
    ),
    "paced_3000": (
        _sustained(),
        Bar("lateness_p99_ms", "lateness p99, ms", 50, 10),
        Bar("engine_cpu_percent", "engine, % of a core", 5),
        *_clean(),
    ),
    "paced_30000": (_sustained(), Bar("lateness_p99_ms", "lateness p99, ms", None, 100), *_clean()),
    "paced_100000": (
        Bar("rate_per_s", "rate, as a share of what the gaps allow", None, 0.98, is_least=True, share_of="expected_per_s"),
        Bar("lateness_p99_ms", "lateness p99, ms", None, 100),
        Bar("rss_mb", "memory with the simulator in it, MB", None, 600),
        *_clean(),
    ),
    "drain": (Bar("rate_per_s", "messages a second", 8_000, 15_000, is_least=True), *_clean()),
    "memory": (Bar("rss_mb", "memory of the engine's process, MB", 200, 120),),
    "enqueue": (Bar("seconds_per_million", "seconds for a million recipients", 60, 20),),
    "history": (Bar("ratio", "cost of a message behind the past against none", 1.3, 1.1), *_clean()),
    "growth": (Bar("ratio", "cost of a message with 30,000 devices against 1,000", 1.5, 1.15), *_clean()),
    "restart": (
        Bar("first_send_s", "seconds to the first message, after a stop", 10, 3),
        Bar("first_send_after_kill_s", "seconds to the first message, after a kill", 10, 3),
    ),
    "crash": tuple(Bar(name, name, 0) for name in ("lost", "duplicated", "early", "forbidden")),
}
"""The bars of each run: on two cores shared with PostgreSQL and the simulator, every rule on, every commit on disk."""


def verdicts(results: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every bar of these runs with its verdict, in order."""
    found = []
    for name, figures in results.items():
        for bar in BARS.get(name, ()):
            judged = bar.judge(figures)
            if judged is not None:
                found.append({"run": name} | judged)
    return found


def show(console: Console, report: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the machine, the settings, every figure and every bar."""
    for title in ("machine", "settings"):
        console.print(f"[bold]{title}[/] " + " · ".join(f"{name} {value}" for name, value in report[title].items()))
    for words in report["conditions"]:
        console.print(f"[dim]{words}[/]")
    for words in report["warnings"]:
        console.print(f"[yellow]{words}[/]")
    for name, figures in results.items():
        console.print(_figures(name, figures))
    bars = Table("run", "bar", "measured", "at least", "aim", "verdict", title="Bars", box=box.SIMPLE_HEAD)
    for each in report["bars"]:
        bars.add_row(each["run"], each["words"], _number(each["measured"]), *_limits(each), _verdict(each))
    if report["bars"]:
        console.print(bars)


def _figures(name: str, figures: Mapping[str, Any]) -> Table:
    table = Table(title=name, box=box.SIMPLE_HEAD, show_header=False, title_justify="left")
    for figure, value in figures.items():
        table.add_row(figure, _number(value))
    return table


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,g}"


def _limits(each: Mapping[str, Any]) -> tuple[str, str]:
    sign = {">=": "≥", "<=": "≤"}[each["sign"]]
    return tuple("" if each[name] is None else f"{sign} {_number(each[name])}" for name in ("bar", "aim"))  # type: ignore[return-value]


def _verdict(each: Mapping[str, Any]) -> str:
    if each["met"] is False:
        return "[red]missed[/]"
    if each["aim_met"]:
        return "[green]aim met[/]"
    return "[yellow]aim missed[/]" if each["met"] is None else "[green]met[/]"
