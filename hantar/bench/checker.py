"""Compares the simulator's ledger with the database's rows: the one judge of crash tests and of `hantar bench`."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

WENT_OUT = frozenset({"sent", "delivered", "read"})
ENDED = frozenset({"failed", "cancelled", "suppressed", "expired"})
TOLERANCE = 0.002
"""Seconds: two readings of the same clock in two processes."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many of each kind, and the ids of the first few of each."""

    effects: int
    rows: int
    lost: int
    duplicated: int
    unexpected: int
    unknown: int
    recovered: int
    early: int
    forbidden: int
    shortest_gap: float | None
    samples: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """Nothing lost, doubled, unexpected, early or forbidden. Unknown is no fault; it waits to be settled."""
        return not (self.lost or self.duplicated or self.unexpected or self.early or self.forbidden)

    def __str__(self) -> str:
        names = ("lost", "duplicated", "unexpected", "unknown", "recovered", "early", "forbidden")
        counts = " · ".join(f"{getattr(self, name)} {name}" for name in names)
        gap = "" if self.shortest_gap is None else f" · shortest gap {self.shortest_gap * 1000:.0f} ms"
        some = "".join(f"\n  {name}: {', '.join(ids)}" for name, ids in self.samples.items() if ids)
        return f"{self.rows} rows, {self.effects} effects: {counts}{gap}{some}"


def check(
    ledger_lines: Iterable[Mapping[str, Any]],
    rows: Iterable[Mapping[str, Any]],
    gaps: float | Mapping[str, float] = 0.0,
) -> Verdict:
    """Judge a run.

    `rows`: id, state, wire_id, device_id, phone, source_id, step_id, person_id of every message.
    `gaps`: the least seconds between two effects of a device, one for all or by device id.
    """
    lines, table = list(ledger_lines), list(rows)
    effects = [line for line in lines if line["effect"] == "sent"]
    by_ref: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for line in effects:
        by_ref[line["ref"]].append(line)
    found = {
        "lost": _lost(table, by_ref),
        "duplicated": _duplicated(table, by_ref),
        "unexpected": _unexpected(table, by_ref),
        "unknown": [row["id"] for row in table if row["state"] == "unknown"],
        "recovered": _recovered(table, lines),
        "early": [],
        "forbidden": _forbidden(table, lines, by_ref),
    }
    found["early"], shortest = _early(effects, gaps)
    counts = {name: len(ids) for name, ids in found.items()}
    samples = {name: [str(each) for each in ids[:5]] for name, ids in found.items() if name not in ("recovered",)}
    return Verdict(effects=len(effects), rows=len(table), shortest_gap=shortest, samples=samples, **counts)


def _ref(row: Mapping[str, Any]) -> str:
    return row["wire_id"] or ""


def by_message_id(lines: Iterable[Mapping[str, Any]], rows: Iterable[Mapping[str, Any]]) -> tuple[list[Any], list[Any]]:
    """Lines and rows that meet by the message's own id, for a gateway that chooses wire ids itself: it was told ours as `ref`."""
    plain = [{**line, "ref": _plain(line["ref"])} if "ref" in line else line for line in lines]
    return plain, [{**row, "wire_id": _plain(str(row["id"]))} for row in rows]


def _plain(identifier: str) -> str:
    return identifier.replace("-", "").lower()


def _lost(rows: list[Mapping[str, Any]], by_ref: Mapping[str, Any]) -> list[str]:
    """Called sent without an effect, or promised and neither in the ledger nor ended with a reason."""
    return [row["id"] for row in rows if _ref(row) not in by_ref and row["state"] not in ENDED and row["state"] != "unknown"]


def _duplicated(rows: list[Mapping[str, Any]], by_ref: Mapping[str, list[Any]]) -> list[str]:
    """The same source, step and person more than once, whatever the ids and devices."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        counts[(str(row["source_id"]), str(row["step_id"]), str(row["person_id"]))] += len(by_ref.get(_ref(row), ()))
    return ["/".join(key) for key, count in counts.items() if count > 1]


def _unexpected(rows: list[Mapping[str, Any]], by_ref: Mapping[str, list[Mapping[str, Any]]]) -> list[str]:
    """An effect without a row that allows it, or whose row says that it never left."""
    allowed = {_ref(row) for row in rows if row["state"] in WENT_OUT | {"unknown", "claimed"}}
    late = {ref for ref, lines in by_ref.items() if any(line["fault"] == "reject_late" for line in lines)}
    return [ref for ref in by_ref if ref not in allowed and ref not in late]


def _recovered(rows: list[Mapping[str, Any]], lines: list[Mapping[str, Any]]) -> list[str]:
    """In doubt once, settled now: the answer was lost, or the same id was sent again after a crash."""
    doubted = {line["ref"] for line in lines if line["effect"] == "repeat" or line.get("verdict") == "unconfirmed"}
    return [row["id"] for row in rows if row["state"] in WENT_OUT and _ref(row) in doubted]


def _early(effects: list[Mapping[str, Any]], gaps: float | Mapping[str, float]) -> tuple[list[str], float | None]:
    last: dict[str, float] = {}
    early, shortest = [], None
    for line in sorted(effects, key=lambda line: float(line["mono"])):
        device, mono = line["device"], float(line["mono"])
        if device in last:
            gap = mono - last[device]
            shortest = gap if shortest is None else min(shortest, gap)
            least = gaps if isinstance(gaps, int | float) else gaps.get(device, 0.0)
            if gap < least - TOLERANCE:
                early.append(line["ref"])
        last[device] = mono
    return early, shortest


def _forbidden(
    rows: list[Mapping[str, Any]],
    lines: list[Mapping[str, Any]],
    by_ref: Mapping[str, list[Mapping[str, Any]]],
) -> list[str]:
    """A stale fencing token at the door, or an effect by another device or to another number than the row's."""
    wrong = [line["ref"] for line in lines if line["effect"] == "forbidden"]
    for row in rows:
        for line in by_ref.get(_ref(row), ()):
            if line["device"] != str(row["device_id"]) or line["to"] != row["phone"]:
                wrong.append(line["ref"])
    return wrong
