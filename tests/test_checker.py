"""A judge that never says guilty is worth nothing: each kind of fault is put in and must be found."""

from typing import Any

import pytest

from tests import checker


def row(number: int, state: str = "sent", **more: Any) -> dict[str, Any]:
    base = {"id": f"row-{number}", "state": state, "wire_id": f"w{number}", "device_id": "d", "phone": "601"}
    return base | {"source_id": "s", "step_id": "0", "person_id": f"p{number}"} | more


def line(number: int, effect: str = "sent", **more: Any) -> dict[str, Any]:
    base = {"mono": float(number), "device": "d", "to": "601", "ref": f"w{number}", "effect": effect}
    return base | {"fault": None, "verdict": "accepted"} | more


def test_a_clean_run_is_clean() -> None:
    verdict = checker.check([line(1), line(2)], [row(1), row(2), row(3, "failed")], 1.0)
    assert verdict.is_clean
    assert str(verdict).startswith("3 rows, 2 effects: 0 lost · 0 duplicated")


@pytest.mark.parametrize(
    ("lines", "rows", "kind"),
    [
        ([], [row(1)], "lost"),
        ([], [row(1, "queued", wire_id=None)], "lost"),
        ([line(1), line(1, mono=9.0)], [row(1)], "duplicated"),
        ([line(1), line(2)], [row(1), row(2, person_id="p1")], "duplicated"),
        ([line(1)], [], "unexpected"),
        ([line(1)], [row(1, "failed")], "unexpected"),
        ([line(1), line(2, mono=1.5)], [row(1), row(2)], "early"),
        ([line(1), line(2, "forbidden")], [row(1)], "forbidden"),
        ([line(1, device="other")], [row(1)], "forbidden"),
    ],
)
def test_every_fault_is_found(lines: list[dict[str, Any]], rows: list[dict[str, Any]], kind: str) -> None:
    verdict = checker.check(lines, rows, 1.0)
    assert getattr(verdict, kind) == 1
    assert not verdict.is_clean


def test_doubt_is_counted_and_is_no_fault() -> None:
    lines = [line(1, verdict="unconfirmed", fault="lose_ack"), line(2), line(2, "repeat", mono=2.0)]
    verdict = checker.check(lines, [row(1, "unknown"), row(2, "delivered")], {"d": 0.5})
    assert (verdict.unknown, verdict.recovered) == (1, 1)
    assert verdict.is_clean
