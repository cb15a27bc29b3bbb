"""Values of rules as people write them, into the engine's own and back. Pure.

In JSON times are "HH:MM" ("24:00" is midnight), durations seconds, shares percent, weekdays ISO numbers; "no number" has its
word (`off`, `by_age`). In variables the same as text: `08:00`, `20`, `6,7`, `on`.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

from hantar.kit import errors
from hantar.policy import model
from hantar.policy.catalogue import BY_NAME, Term
from hantar.policy.model import HARD

_CLOCK = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")
_NUMBER = re.compile(r"-?\d{1,9}(\.\d{1,6})?")


class Unfit(ValueError):
    """A value that this rule cannot have: a stable code and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def read(term: Term, given: Any, kind: str) -> Any:
    """The engine's value of what came as JSON; raises `Unfit`."""
    match term.unit:
        case "on_off":
            if not isinstance(given, bool):
                raise Unfit("wrong_type", "Must be on (true) or off (false).")
            return given
        case "choice":
            if given not in term.choices:
                raise Unfit("unknown_choice", f"Must be {_either(term.choices)}.")
            return given
        case "weekdays":
            return _days(given)
        case "clock":
            return _within(term, _minutes(given), kind)
        case _:
            return None if _is_none(term, given) else _within(term, _number(term, given), kind)


def _is_none(term: Term, given: Any) -> bool:
    return term.none is not None and given == term.none


def _number(term: Term, given: Any) -> float:
    also = f', or "{term.none}"' if term.none else ""
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise Unfit("wrong_type", f"Must be a number{also}.")
    if not term.is_whole:
        return float(given)
    if given != int(given):
        raise Unfit("not_whole", f"Must be a whole number{also}.")
    return int(given)


def _minutes(given: Any) -> int:
    found = _CLOCK.fullmatch(given) if isinstance(given, str) else None
    if found is None or given > "24:00":
        raise Unfit("wrong_type", "Must be a time from 00:00 to 24:00.")
    return int(found[1]) * 60 + int(found[2])


def _days(given: Any) -> tuple[int, ...]:
    fits = isinstance(given, list | tuple) and all(type(day) is int and day in model.WEEK for day in given)
    if not fits:
        raise Unfit("wrong_type", "Must be a list of days from 1 (Monday) to 7 (Sunday).")
    if len(set(given)) == len(model.WEEK):
        raise Unfit("no_day_left", "Leave at least one day on which messages may go.")
    return tuple(sorted(set(given)))


def bounds(term: Term, kind: str) -> tuple[float | None, float | None]:
    """Least and most of this rule for this kind of device: the hard limit where there is one, else what is sensible."""
    least, most = HARD.get(kind, {}).get(term.name, (None, None))  # type: ignore[call-overload]
    return (term.least if least is None else least), (term.most if most is None else most)


def _within(term: Term, value: float, kind: str) -> Any:
    least, most = bounds(term, kind)
    is_hard = term.name in HARD.get(kind, {})  # type: ignore[call-overload]
    code = "hard_limit" if is_hard else None
    whose = " That is the hard limit here; nobody can go beyond it." if is_hard else ""
    if least is not None and value < least:
        raise Unfit(code or "too_small", f"Must be at least {_said(term, least)}.{whose}")
    if most is not None and value > most:
        raise Unfit(code or "too_large", f"Must be at most {_said(term, most)}.{whose}")
    return value


def _said(term: Term, value: float) -> str:
    return clock(int(value)) if term.unit == "clock" else f"{value:g}" if value < 1e6 else str(int(value))


def _either(words: tuple[str, ...]) -> str:
    return ", ".join(words[:-1]) + " or " + words[-1]


def clock(minutes: int) -> str:
    """Minutes of the day as HH:MM."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def shown(name: str, value: Any) -> Any:
    """The engine's value as JSON."""
    term = BY_NAME[name]
    if value is None:
        return term.none
    if term.unit == "clock":
        return clock(value)
    return list(value) if term.unit == "weekdays" else value


def read_text(term: Term, text: str, kind: str) -> Any:
    """The engine's value of what an environment variable says; raises `Unfit`."""
    word = text.strip().lower()
    if term.unit == "on_off":
        switches = {**dict.fromkeys(("on", "true", "yes", "1"), True), **dict.fromkeys(("off", "false", "no", "0"), False)}
        return read(term, switches.get(word), kind)
    if term.unit == "weekdays":
        parts = [part.strip() for part in word.split(",") if part.strip() and word != "none"]
        return read(term, [int(part) if part.isdecimal() and part.isascii() else None for part in parts], kind)
    if term.unit in ("choice", "clock") or word == term.none:
        return read(term, word, kind)
    return read(term, float(word) if _NUMBER.fullmatch(word) else word, kind)


def read_all(given: Mapping[str, Any], kind: str, field: str = "values") -> dict[str, Any]:
    """Values by name, as the engine keeps them. Raises `Invalid` with every field at once."""
    values, wrong = dict[str, Any](), list[errors.FieldError]()
    for name, each in given.items():
        term = BY_NAME.get(name)
        if term is None:
            wrong.append(errors.FieldError(f"{field}.{name[:40]}", "unknown_rule", "There is no such rule."))
            continue
        try:
            values[name] = read(term, each, kind)
        except Unfit as unfit:
            wrong.append(errors.FieldError(f"{field}.{name}", unfit.code, str(unfit)))
    if wrong:
        raise errors.Invalid(errors=wrong)
    return values
