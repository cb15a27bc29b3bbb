"""Message text with `{{ name | default: "there" }}`: an allow-list of fields, no expressions, nothing evaluated twice. Pure."""

import functools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hantar.kit import errors

STANDARD = ("name", "phone", "niche")
"""Fields every lead has; anything else is one of the lead's attributes."""

_HOLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_FIELD = re.compile(
    r"""\s*(?P<name>[A-Za-z_][A-Za-z0-9_]{0,63})\s*(?:\|\s*default\s*:\s*(?P<quote>["'“”])(?P<text>.*?)["'“”]\s*)?""", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Variable:
    """A field a text asks for, and the words to use when a lead does not have it (None: it must)."""

    name: str
    default: str | None


class MissingVariable(errors.Invalid):
    """The lead has no value for a field the text needs."""

    code = "missing_variable"

    def __init__(self, name: str) -> None:
        super().__init__(f"This lead has no “{name}”, and the text gives no default for it.")
        self.name = name


@functools.lru_cache(maxsize=10_000)
def _parse(inside: str) -> Variable | None:
    match = _FIELD.fullmatch(inside)
    return Variable(match["name"].lower(), match["text"]) if match else None


def variables(text: str) -> list[Variable]:
    """The fields a text asks for, in order; unreadable ones are left to `problems`."""
    return [found for hole in _HOLE.findall(text) if (found := _parse(hole)) is not None]


def required(text: str) -> list[str]:
    """Names of the fields a lead must have, each once."""
    return list(dict.fromkeys(variable.name for variable in variables(text) if variable.default is None))


def unknown(text: str, known: Iterable[str]) -> list[str]:
    """Names in the text that neither every lead has nor `known` lists."""
    allowed = {*STANDARD, *(name.lower() for name in known)}
    return list(dict.fromkeys(variable.name for variable in variables(text) if variable.name not in allowed))


def problems(text: str, field: str = "message") -> list[errors.FieldError]:
    """What is wrong with the braces of a text: unreadable or unclosed fields."""
    found = []
    for hole in _HOLE.findall(text):
        if _parse(hole) is None:
            shown = hole.strip()[:40]
            words = f'“{{{{ {shown} }}}}” is not a field. Write {{{{ name }}}} or {{{{ name | default: "there" }}}}.'
            found.append(errors.FieldError(field, "bad_variable", words))
    rest = _HOLE.sub("", text)
    if "{{" in rest or "}}" in rest:
        found.append(errors.FieldError(field, "unclosed_variable", "A field is not closed: every {{ needs its }}."))
    return found


def render(text: str, values: Mapping[str, str]) -> str:
    """The text with a lead's values put in, each taken as it stands; raises `MissingVariable`."""
    if "{{" not in text:
        return text
    return "".join([part if isinstance(part, str) else _filled(part, values) for part in _parts(text)])


def for_lead(text: str, name: str, phone: str, niches: Sequence[str] | None, attributes: str | None) -> str:
    """`render(text, values_of(…))` for a lead as stored, where only what the text asks for is looked at.

    `attributes`: JSON of an object; `niches` are joined by a comma. Raises `MissingVariable`.
    """
    if "{{" not in text:
        return text
    made: list[str] = []
    own: dict[str, str] | None = None
    for part in _parts(text):
        if isinstance(part, str):
            made.append(part)
            continue
        field = part.name
        if field == "name":
            value = name
        elif field == "phone":
            value = phone
        elif field == "niche":
            value = ", ".join(niches or ())
        else:
            if own is None:
                own = _own(attributes, _asked(text))
            value = own.get(field, "")
        filled = value.strip() or part.default
        if filled is None:
            raise MissingVariable(field)
        made.append(filled)
    return "".join(made)


@functools.lru_cache(maxsize=1_000)
def _parts(text: str) -> tuple[str | Variable, ...]:
    """Words and fields in turn; a campaign's text is taken apart once."""
    pieces = _HOLE.split(text)
    return tuple(piece if n % 2 == 0 else _parse(piece) or "{{" + piece + "}}" for n, piece in enumerate(pieces))


@functools.lru_cache(maxsize=1_000)
def _asked(text: str) -> frozenset[str]:
    """Names of the fields in a text."""
    return frozenset(part.name for part in _parts(text) if isinstance(part, Variable))


_read = json.JSONDecoder().raw_decode
"""As `json.loads` for what the database wrote, in three fifths of the time."""


def _own(attributes: str | None, asked: frozenset[str]) -> dict[str, str]:
    """Those of a lead's own attributes that are asked for, by lower-case names; of two that are alike the later counts."""
    if attributes is None or attributes == "{}":
        return {}
    found = {}
    for key, value in _read(attributes)[0].items():
        if value is not None and (low := key.lower()) in asked:
            found[low] = str(value)
    return found


def _filled(variable: Variable, values: Mapping[str, str]) -> str:
    value = values.get(variable.name, "").strip()
    if value:
        return value
    if variable.default is None:
        raise MissingVariable(variable.name)
    return variable.default


def values_of(name: str, phone: str, niche: str, attributes: Mapping[str, object]) -> dict[str, str]:
    """What a lead offers to a text: its attributes, and over them the standard fields."""
    own = {key.lower(): str(value) for key, value in attributes.items() if value is not None}
    return {**own, "name": name, "phone": phone, "niche": niche}
