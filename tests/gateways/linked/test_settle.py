"""What settles an unconfirmed message: evidence that can mean only one."""

from datetime import UTC, datetime, timedelta

from hantar.gateways import port
from hantar.gateways.linked import letter, settle

AT = datetime(2026, 11, 21, tzinfo=UTC)
ANN, BOB, LID = port.Address("60123456789"), port.Address("60129999999"), port.Address(None, "1@lid")


def waiting(*refs: str, to: port.Address = ANN) -> settle.Unsettled:
    made = settle.Unsettled()
    for ref in refs:
        made.wait("d", ref, to, AT)
    return made


def test_one_waiting_message_takes_an_unknown_id_once() -> None:
    unsettled = waiting("m1")
    assert unsettled.adopt("d", ANN, "W", AT) == "m1"
    assert unsettled.adopt("d", ANN, "W", AT) is None
    assert unsettled.adopt("d", ANN, "V", AT) is None


def test_it_is_left_alone_when_it_could_be_another() -> None:
    assert waiting("m1", "m2").adopt("d", ANN, "W", AT) is None, "two wait"
    assert waiting("m1").adopt("d", BOB, "W", AT) is None, "another chat"
    assert waiting("m1").adopt("e", ANN, "W", AT) is None, "another device"
    assert waiting("m1").adopt("d", LID, "W", AT) is None, "nobody knows whose opaque id that is"
    assert waiting("m1").adopt("d", ANN, "W", AT - timedelta(seconds=1)) is None, "before the attempt"
    doubtful = waiting("m1")
    doubtful.wait("d", "m2", LID, AT)
    assert doubtful.adopt("d", LID, "W", AT) is None, "the opaque id may be that number's"
    flying = waiting("m1")
    flying.fly("d", "m2", ANN)
    assert flying.adopt("d", ANN, "W", AT) is None, "a receipt may come before the answer"
    flying.land("d", "m2")
    flying.fly("d", "m3", BOB)
    assert flying.adopt("d", ANN, "W", AT) == "m1"
    assert waiting("m1", to=LID).adopt("d", port.Address("60123456789", "1@lid"), "W", AT) == "m1"
    known = waiting("m1")
    known.know("d", ["W"])
    assert known.adopt("d", ANN, "W", AT) is None, "explained"


def test_a_late_answer_or_the_end_of_the_device_leaves_nothing_waiting() -> None:
    late = waiting("m1", "m2")
    late.settled("d", "m1", "V")
    assert late.adopt("d", ANN, "V", AT) is None
    assert late.adopt("d", ANN, "W", AT) == "m2"
    gone = waiting("m1")
    gone.forget("d")
    assert gone.adopt("d", ANN, "W", AT) is None


def test_a_device_that_sends_all_day_remembers_its_last_ids_only() -> None:
    unsettled = waiting("m1")
    unsettled.know("d", (f"W{number}" for number in range(10 * settle.KNOWN)))
    assert unsettled.adopt("d", ANN, f"W{10 * settle.KNOWN - settle.KNOWN}", AT) is None
    assert unsettled.adopt("d", ANN, "W1", AT) == "m1"


def test_what_certainly_cannot_go_is_refused_before_it_leaves() -> None:
    def reason(content: port.Content, to: port.Address = ANN) -> port.Reason | None:
        refused = letter.refusal(to, content)
        return None if refused is None else refused.reason

    def file(mime: str, size: int) -> port.Content:
        return port.Content("", port.MediaBytes(mime, bytes(size)))

    assert reason(port.Content("Hello")) is None
    assert reason(port.Content("Hello"), LID) is None
    assert reason(port.Content("Hello"), port.Address("+60123456789")) is port.Reason.INVALID_ADDRESS
    assert reason(port.Content("", template=port.Template("t", "en"))) is port.Reason.UNSUPPORTED
    assert reason(file("image/png", 0)) is port.Reason.INVALID_CONTENT
    assert reason(file("image/png", 16 << 20)) is None
    assert reason(file("image/png", (16 << 20) + 1)) is port.Reason.TOO_LARGE
    assert reason(file("application/pdf", (16 << 20) + 1)) is None
    assert reason(file("video/x-matroska", 1)) is port.Reason.UNSUPPORTED
