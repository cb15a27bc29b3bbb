"""What judges a run finds what is planted, and says nothing of a run in which nothing is wrong."""

from typing import Any

import pytest

from hantar.bench import checker, command, crash, gateway, machine, peers, speed, table, world
from hantar.gateways import port
from hantar.gateways.simulator import chance, ledger, lines
from hantar.gateways.simulator.refusals import Shipment
from hantar.kit import clock

DEVICE = "07000001-0000-7000-8000-000000000000"


def ref(number: int) -> str:
    return f"0C{number:06X}00007000800000000000000F"


def sent(number: int, at: float, effect: str = "sent") -> ledger.Effect:
    return ledger.Effect(at, "", 1, DEVICE, "601", ref(number), None, "", effect, "accepted", None)


def book_of(*events: ledger.Effect | float) -> gateway.Book:
    """A book of one device with a gap of one second; numbers are instants of answers."""
    book = gateway.Book({DEVICE: 1.0}, 1000)
    book.is_measuring = True
    for event in events:
        if isinstance(event, float):
            book.answer(DEVICE, event)
        else:
            book.note(event)
    return book


def faults(book: gateway.Book) -> tuple[int, int, int]:
    return book.early, book.duplicated, book.forbidden


def test_a_calm_run_has_no_faults_and_its_lateness() -> None:
    book = book_of(sent(1, 10.0), 10.05, sent(2, 11.06), 11.1, sent(3, 12.3))
    assert faults(book) == (0, 0, 0)
    assert list(book.lateness) == pytest.approx([0.01, 0.2])
    assert (book.reached, book.sent, book.answered) == (3, 3, 2)
    assert gateway.percentile(book.lateness, 0.99) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ((sent(1, 10.0), 10.05, sent(2, 11.0)), (1, 0, 0)),  # the gap begins with the answer
        ((sent(1, 10.0), sent(2, 15.0)), (1, 0, 0)),  # two at once on one device
        ((sent(1, 10.0), 10.05, sent(1, 12.0)), (0, 1, 0)),
        ((sent(world.OPTED_OUT_EVERY, 10.0),), (0, 0, 1)),
        ((sent(1, 10.0, "forbidden"),), (0, 0, 1)),
    ],
)
def test_what_is_planted_is_found(events: tuple[Any, ...], found: tuple[int, int, int]) -> None:
    assert faults(book_of(*events)) == found


def test_a_first_turn_is_judged_where_it_is_known() -> None:
    for at, found in ((10.5, (0, [0.5])), (9.9, (1, []))):
        book = book_of()
        book.expect(DEVICE, 10.0)
        book.note(sent(1, at))
        assert (book.early, list(book.lateness)) == found


class Hands(clock.FakeClock):
    """A monotonic clock that is set by hand."""

    at = 10.0

    def monotonic(self) -> float:
        return self.at


async def test_a_message_is_judged_by_the_instant_at_which_it_was_handed_over() -> None:
    """The world takes messages in at the end of a turn of the loop; a turn that is slow may not hide that one came early."""
    time, book = Hands(), gateway.Book({DEVICE: 1.0}, 1000)
    line, told = gateway.Line(time, book, options=chance.Options(latency=(0.0, 0.0), not_on_whatsapp=0)), []
    await line.start(lines.Ears(lambda events: None, lambda *answer: told.append(answer), lambda: None, lambda: None))
    line.link(DEVICE, "60111111111")
    book.expect(DEVICE, 10.5)
    line.send(7, Shipment(DEVICE, 1, "60122222222", None, ref(1), "hash"))
    time.at = 10.7
    assert (book.sent, line.seconds) == (0, 0.0)
    await time.settle()
    assert (book.sent, book.early, book.answered) == (1, 1, 1)
    [(number, verdict)] = told
    assert (number, type(verdict)) == (7, port.Accepted)
    assert line.seconds > 0, "the world's share is counted"
    await line.close()


def test_nothing_measured_is_no_figure() -> None:
    assert gateway.percentile(gateway.Book({DEVICE: 1.0}, 1).lateness, 0.99) is None


def test_lines_and_rows_meet_by_the_messages_own_id() -> None:
    """A gateway that makes its own wire ids was told ours; a second effect of one row is found all the same."""
    message = "0c000001-0000-7000-8000-00000000000f"
    row = {"id": message, "state": "sent", "wire_id": "SIM1", "device_id": DEVICE, "phone": "601"}
    row |= {"source_id": "s", "step_id": "0", "person_id": "p"}
    base = {"device": DEVICE, "to": "601", "effect": "sent", "fault": None, "verdict": "accepted"}
    lines = [{**base, "ref": message, "mono": 1.0}, {"effect": "linked", "device": DEVICE, "mono": 0.0}]
    assert checker.check(*checker.by_message_id(lines, [row])).is_clean
    again = checker.check(*checker.by_message_id([*lines, {**base, "ref": ref(1), "mono": 9.0}], [row]))
    assert (again.duplicated, again.lost) == (1, 0)
    assert checker.check(*checker.by_message_id(lines[1:], [row])).lost == 1


def test_how_long_the_messages_were_away() -> None:
    assert crash.resumed_after([10.0, 20.0, 90.0], [9.0, 12.5, 19.9, 21.0]) == [2.5, 1.0]


def test_loops_add_up() -> None:
    one = dict.fromkeys(
        ("kills", "lost", "duplicated", "early", "forbidden", "unexpected", "unknown", "recovered", "died_by_itself", "messages"),
        1,
    )
    both = crash.together([one, one])
    assert both["kills"] == both["lost"] == 2
    assert command.has_fault(both)


def test_a_fault_fails_the_command_and_slowness_does_not() -> None:
    assert not command.has_fault({"lost": 0, "early": 0, "rate_per_s": 1})
    assert all(command.has_fault({name: 1}) for name in ("lost", "duplicated", "early", "forbidden", "unexpected"))


def test_bars_are_judged_both_ways_and_as_shares() -> None:
    figures = {"rate_per_s": 3_300.0, "expected_per_s": 3_400.0, "lateness_p99_ms": 40.0, "engine_cpu_percent": 60.0, "early": 1}
    found = {each["figure"]: (each["met"], each["aim_met"]) for each in table.verdicts({"paced_10000": figures})}
    assert found == {
        "rate_per_s": (False, None),
        "lateness_p99_ms": (True, False),
        "engine_cpu_percent": (None, False),
        "early": (False, None),
    }


def test_the_rate_that_gaps_allow() -> None:
    assert speed.expected_rate(100, 1.0, 1.0, (0.0, 0.0)) == pytest.approx(100)
    assert 3_333 < speed.expected_rate(10_000, 2, 4) < 3_500
    assert speed.expected_rate(1_000, 0.285, 0.9516667) == pytest.approx(speed.expected_rate(30_000, 10, 30), rel=0.001)


def test_no_lane_runs_dry_in_the_measure() -> None:
    fleet = speed.Fleet(10, 2, 4, 20)
    assert fleet.queued / fleet.devices * (2 + speed.LATENCY[0]) > fleet.rise + fleet.seconds


def test_ratios_beside_the_peers() -> None:
    said = {"peers": {"one": {"real_per_s": 500, "raw_per_s": 2_000}, "broken": {"error": "It did not start."}}}
    found = peers.beside(said, {"rate_per_s": 10_000.0})
    assert found["one"] == {"rate_per_s": 500, "ratio": 20.0, "raw_per_s": 2_000, "raw_ratio": 5.0}
    assert found["broken"] == {"error": "It did not start."}


def test_the_machine_is_named() -> None:
    said = machine.described()
    assert said["cores"] >= 1
    assert isinstance(said["loop_ms"], float)
    assert said["loop_ms"] > 0
    assert machine.rss_mb() > 1


def test_only_runs_that_there_are() -> None:
    assert list(command.chosen(command.Asked(only=("paced", "drain")))) == ["paced_10000", "drain"]
    assert list(command.chosen(command.Asked(crash=5))) == ["crash"]
    assert set(command.chosen(command.Asked(full=True))) == set(table.BARS)
    with pytest.raises(command.NoSuchRun, match="no run slow"):
        command.chosen(command.Asked(only=("slow",)))


def test_what_makes_figures_doubtful_is_said() -> None:
    calm = {"load_1m": 0.2, "cores": 2}
    assert command.warnings(command.Asked(), calm) == []
    [scaled, busy] = command.warnings(command.Asked(devices=5), calm | {"load_1m": 6.0})
    assert "--devices" in scaled
    assert "6.0" in busy


def test_a_fleet_that_lags_is_named_inside_a_comparison_too() -> None:
    slow, fast = {"rate_per_s": 50.0, "expected_per_s": 100.0}, {"rate_per_s": 99.0, "expected_per_s": 100.0}
    assert command.lagging({"paced_3000": fast, "drain": {"rate_per_s": 5.0}, "peers": {"one": {"rate_per_s": 1}}}) == []
    assert [words.split(":")[0] for words in command.lagging({"paced_3000": slow})] == ["paced_3000"]
    assert [words.split(":")[0] for words in command.lagging({"growth": {"few": fast, "many": slow}})] == ["many (growth)"]
