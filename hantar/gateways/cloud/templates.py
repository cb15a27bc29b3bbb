"""Templates of a business account as the service lists them, and which of them we can fill. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Listed:
    """A template in one language. `places`: how many values its body needs; `header`: the kind of file it begins with.

    `status` and `category` in the service's words (`APPROVED`, `PAUSED`; `MARKETING`, `UTILITY`, `AUTHENTICATION`).
    `cannot`: why Hantar cannot fill it, empty when it can.
    """

    id: str
    name: str
    language: str
    status: str
    category: str
    body: str
    places: int
    header: Literal["", "image", "video", "document"] = ""
    why: str = ""
    quality: str = ""
    cannot: str = ""


def listed(found: Mapping[str, Any]) -> Listed | None:
    """One entry of the service's list; None when it is not one."""
    name, language = found.get("name"), found.get("language")
    if not isinstance(name, str) or not isinstance(language, str):
        return None
    parts = {str(each.get("type", "")).upper(): each for each in found.get("components") or () if isinstance(each, Mapping)}
    body = str(parts.get("BODY", {}).get("text") or "")
    header = str(parts.get("HEADER", {}).get("format") or "").lower()
    quality, rejected = found.get("quality_score"), str(found.get("rejected_reason") or "")
    return Listed(
        id=str(found.get("id") or ""),
        name=name,
        language=language,
        status=str(found.get("status") or ""),
        category=str(found.get("category") or ""),
        body=body,
        places=len(set(_PLACE.findall(body))),
        header=header if header in ("image", "video", "document") else "",  # type: ignore[arg-type]
        why="" if rejected == "NONE" else rejected,
        quality=str(quality.get("score") or "") if isinstance(quality, Mapping) else "",
        cannot=_cannot(found, parts, header),
    )


def _cannot(found: Mapping[str, Any], parts: Mapping[str, Mapping[str, Any]], header: str) -> str:
    """What in a template we have no values for."""
    names = [each for each in _PLACE.findall(str(parts.get("BODY", {}).get("text") or "")) if not each.isdigit()]
    if names or str(found.get("parameter_format") or "").upper() == "NAMED":
        return "Its places have names instead of numbers."
    if header == "text" and _PLACE.search(str(parts["HEADER"].get("text") or "")):
        return "Its heading has a place to fill."
    if header not in ("", "text", "image", "video", "document"):
        return f"It begins with a {header}."
    strange = set(parts) - {"BODY", "HEADER", "FOOTER", "BUTTONS"}
    if strange:
        return f"It has a part that Hantar does not fill ({', '.join(sorted(strange)).lower()})."
    return "" if all(_is_plain(each) for each in parts.get("BUTTONS", {}).get("buttons") or ()) else "Its buttons need values."


def _is_plain(button: Any) -> bool:
    """Whether a button works as it stands."""
    if not isinstance(button, Mapping):
        return False
    kind = str(button.get("type", "")).upper()
    return kind in ("QUICK_REPLY", "PHONE_NUMBER") or (kind == "URL" and not _PLACE.search(str(button.get("url") or "")))


def page(data: Mapping[str, Any]) -> tuple[list[Listed], str]:
    """The templates of one page, and where the next one begins (empty: there is none)."""
    found = [each for item in data.get("data") or () if isinstance(item, Mapping) and (each := listed(item)) is not None]
    paging = data.get("paging")
    if not isinstance(paging, Mapping) or not paging.get("next"):
        return found, ""
    cursors = paging.get("cursors")
    return found, str(cursors.get("after") or "") if isinstance(cursors, Mapping) else ""
