"""The numbers of responsible sending: defaults by kind of device, which way is stricter, who may loosen. No I/O.

One engine, several sets of numbers, chosen by the device's driver and by no switch. All are courtesy and load control:
our own policy, a proposal for restraint, not a published or "safe" limit (responsible-sending.md 13).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from hantar.kit import errors

Kind = Literal["linked", "cloud", "simulator", "demo"]
KINDS: tuple[Kind, ...] = ("linked", "cloud", "simulator", "demo")
"""A device's kind is its driver; the demo's devices are simulated with limits that end a demo within a minute."""
REAL: tuple[Kind, ...] = ("linked", "cloud")
"""Kinds that write to real people."""
WINDOWED: frozenset[str] = frozenset({"cloud"})
"""Kinds whose service takes free text only within 24 hours of the person's last message to that number, else a template."""
Value = bool | int | float | str | list[Any] | None

WEEK = (1, 2, 3, 4, 5, 6, 7)
"""ISO 8601 weekdays, Monday is 1."""
AGES = ((3, 20), (7, 50), (14, 100), (21, 200), (None, 250))
"""New conversations a day by days since linking (responsible-sending.md 8)."""
_GROWN = max(last for last, _ in AGES if last is not None)
"""Days after which a device's age changes nothing more."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What applies to one message: times in minutes of the recipient's day, durations in seconds, shares in percent."""

    consent_mode: Literal["strict", "mark"] = "strict"
    optout_line: Literal["require", "warn"] = "require"
    conversation_guard: bool = True
    quiet_start: int = 480
    """First minute of the day in which a message may leave."""
    quiet_end: int = 1260
    """Minute of the day from which none leaves any more; 1440 is midnight."""
    quiet_days: tuple[int, ...] = ()
    """Weekdays on which nothing leaves."""
    quiet_overflow: Literal["next_window", "drop"] = "next_window"
    quiet_unknown_zone: Literal["hold", "send"] = "hold"
    person_cap_day: int = 2
    person_cap_week: int = 7
    sequence_cap_day: int = 3
    unanswered_max: int | None = None
    """After so many campaign messages without any answer, none for `unanswered_rest` days; None is off."""
    unanswered_rest: int = 30
    number_check: bool = True
    """Whether a number is looked up at the service before its first message, where the service can be asked."""
    device_gap: float = 5.0
    device_per_minute: int = 20
    device_per_hour: int = 80
    device_per_day: int = 5000
    device_new_chats: int | None = None
    """New conversations a day; None: by age (`AGES`)."""
    canary_size: int | None = 50
    canary_wait: int = 1800
    pause_optout_campaign: float = 2.0
    pause_optout_device: float = 4.0
    pause_failed: float = 10.0
    pause_blocks: float = 2.0
    pause_min_sample: int = 50
    pause_cooldown: int = 86400
    late_policy: Literal["ask", "run", "skip"] = "ask"
    late_start_after: int = 7200
    expires_after: int = 259200


def new_chats_by_age(days: float) -> int:
    """New conversations a day for a device linked so many days ago; the first day is day 1."""
    if days >= _GROWN:
        return AGES[-1][1]
    day = int(days) + 1
    return next(most for last, most in AGES if last is None or day <= last)


def new_chats(rules: Rules, days_linked: float) -> int:
    """New conversations a day that this device may begin."""
    return rules.device_new_chats if rules.device_new_chats is not None else new_chats_by_age(days_linked)


_SIMULATED = Rules(
    consent_mode="mark",
    optout_line="warn",
    quiet_start=0,
    quiet_end=1440,
    quiet_unknown_zone="send",
    person_cap_day=50,
    person_cap_week=200,
    sequence_cap_day=50,
    device_gap=0.0,
    device_per_hour=500,
    device_new_chats=10_000,
    canary_size=None,
    pause_cooldown=60,
)
DEFAULTS: Mapping[Kind, Rules] = {
    "linked": Rules(),
    "cloud": Rules(
        number_check=False,  # there is no such call
        device_gap=0.1,
        device_per_minute=600,
        device_per_hour=20_000,
        device_per_day=100_000,
        device_new_chats=250,
    ),
    "simulator": _SIMULATED,
    "demo": replace(_SIMULATED, device_per_minute=600, device_per_hour=20_000, device_per_day=100_000),
}

LESS: frozenset[str] = frozenset(
    {
        *("quiet_end", "person_cap_day", "person_cap_week", "sequence_cap_day", "unanswered_max", "device_per_minute"),
        *("device_per_hour", "device_per_day", "device_new_chats", "canary_size", "pause_optout_campaign"),
        *("pause_optout_device", "pause_failed", "pause_blocks", "pause_min_sample", "late_start_after", "expires_after"),
    }
)
"""Here the smaller number is the stricter; None is the loosest (off), but for new chats (by age)."""
MORE = frozenset({"quiet_start", "unanswered_rest", "device_gap", "canary_wait", "pause_cooldown"})
"""Here the larger number is the stricter."""
STRICTEST_FIRST: Mapping[str, Sequence[Value]] = {
    "consent_mode": ("strict", "mark"),
    "optout_line": ("require", "warn"),
    "conversation_guard": (True, False),
    "number_check": (True, False),
    "quiet_overflow": ("drop", "next_window"),
    "quiet_unknown_zone": ("hold", "send"),
    "late_policy": ("skip", "ask", "run"),
}
NAMES = tuple(each.name for each in fields(Rules))


def stricter(name: str, one: Any, other: Any) -> Any:
    """The stricter of two values of a rule."""
    if name == "quiet_days":
        return tuple(sorted({*one, *other}))
    if name in STRICTEST_FIRST:
        order = STRICTEST_FIRST[name]
        return min(one, other, key=order.index)
    if one is None or other is None:
        number = one if other is None else other
        # by age is at least as strict as any number above what the youngest device may
        return None if name == "device_new_chats" and number is not None and number > AGES[0][1] else number
    return min(one, other) if name in LESS else max(one, other)


def is_looser(name: str, before: Any, after: Any) -> bool:
    """Whether the change from one value to another loosens the rule."""
    return bool(before != after and stricter(name, before, after) != after)


def tightened(rules: Rules, by: Mapping[str, Any]) -> Rules:
    """The same rules with some values that count only where they are stricter (a device's, a campaign's)."""
    return replace(rules, **{name: stricter(name, getattr(rules, name), _typed(name, value)) for name, value in by.items()})


def overridden(rules: Rules, by: Mapping[str, Any]) -> Rules:
    """The same rules with some values replaced (the installation's, a workspace's)."""
    return replace(rules, **{name: _typed(name, value) for name, value in by.items()})


def _typed(name: str, value: Any) -> Any:
    return tuple(value) if name == "quiet_days" else value


HARD: Mapping[Kind, Mapping[str, tuple[float | None, float | None]]] = {
    "linked": {
        "device_gap": (3, None),
        "device_per_minute": (1, 20),
        "device_per_hour": (1, 500),
        "device_per_day": (1, 5000),
        "device_new_chats": (0, 5000),
        "pause_cooldown": (86400, None),
    },
    "cloud": {"pause_cooldown": (86400, None)},
    "simulator": {"pause_cooldown": (60, None)},
    "demo": {"pause_cooldown": (60, None)},
}
"""Least and most that anybody may set, whatever their role (responsible-sending.md 13); table `policy_limits` holds the same."""


@dataclass(frozen=True, slots=True)
class Effective:
    """The rules of one workspace for one kind of device, the version they come from, and where each number was set."""

    rules: Rules
    version: int
    """The workspace's policy version; 0 when it never changed anything."""
    origins: Mapping[str, str]
    """Name → `default`, `environment`, `administrator` or `workspace`."""
    locked: frozenset[str] = frozenset()
    """Names for which the installation's number is the loosest a workspace may have."""


@dataclass(frozen=True, slots=True)
class Change:
    """One number before and after, in the words of the API."""

    kind: str
    name: str
    before: Any
    after: Any


class NotYours(errors.Forbidden):
    """Your role may tighten this rule, not loosen it."""

    code = "may_not_loosen"


class Locked(errors.Conflict):
    """The administrator has locked this number for the whole installation."""

    code = "policy_locked"
