"""Every code of the map: what a reply with it means, what a late failure with it means, and how waits and rests grow."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from hantar.gateways import port
from hantar.gateways.cloud import codes
from hantar.gateways.credentials import Quality
from hantar.gateways.port import Reason, Scope
from tests.contract import rig_cloud

ANN = "60121111111"
R = Reason

TOKEN = (190, 0, 3, 10, 131005, 200, 219, 299)
REJECTED = {
    **dict.fromkeys((131026, 130472, 131030), R.UNDELIVERABLE),
    131047: R.NEEDS_TEMPLATE,
    131049: R.CAPPED,
    131050: R.OPTED_OUT,
    131062: R.UNSUPPORTED,
    **dict.fromkeys((100, 131008, 131009, 131021, 131051, 131053), R.INVALID_CONTENT),
    **dict.fromkeys((132000, 132001, 132005, 132007, 132012), R.TEMPLATE_MISSING),
    **dict.fromkeys((132015, 132016), R.TEMPLATE_PAUSED),
    130497: R.COUNTRY_BLOCKED,
}
DEFERRED = {
    131056: (6, Scope.CHAT),
    130429: (5, Scope.DEVICE),
    **dict.fromkeys((4, 80007, 80008), (300, Scope.ACCOUNT)),
    **dict.fromkeys((1, 131000), (30, Scope.MESSAGE)),
    **dict.fromkeys((2, 131016, 131057), (30, Scope.DEVICE)),
}
LOST = {33: "number_gone", 131045: "not_registered", 133010: "not_registered", 368: "policy", 131031: "locked", 131042: "payment"}
RESTS = (131048, 131064)


@pytest.fixture
async def rig() -> AsyncIterator[rig_cloud.CloudRig]:
    """The driver and the fake service."""
    made = await rig_cloud.start()
    yield made
    await made.close()


def test_the_map_has_every_code_of_this_test_and_no_other() -> None:
    assert set(codes.MEANINGS) == {*(each for each in TOKEN if each not in range(200, 300)), *REJECTED, *DEFERRED, *LOST, *RESTS}


async def test_codes_that_reject(rig: rig_cloud.CloudRig) -> None:
    device = await rig.linked()
    for code, reason in REJECTED.items():
        rig.cloud.fails("code", code)
        verdict = await rig.send(device, ANN, f"m{code}")
        assert isinstance(verdict, port.Rejected), code
        assert verdict.reason is reason, code
        assert str(code) in verdict.why
    assert rig.cloud.ledger == []
    assert [each.who.phone for each in rig.seen(port.OptOut)] == [ANN], "who stopped our marketing is known at once"
    assert isinstance(await rig.send(device, ANN, "after"), port.Accepted), "a refused message is nothing against the number"


async def test_codes_that_put_off(rig: rig_cloud.CloudRig) -> None:
    for n, (code, (seconds, scope)) in enumerate(DEFERRED.items()):
        device = await rig.linked(f"device-{n}")
        rig.cloud.fails("code", code)
        verdict = await rig.send(device, ANN, f"m{code}")
        assert isinstance(verdict, port.Deferred), code
        assert (verdict.after, verdict.scope) == (timedelta(seconds=seconds), scope), code
    assert rig.cloud.ledger == []


async def test_a_chat_waits_longer_each_time_until_something_gets_through(rig: rig_cloud.CloudRig) -> None:
    device = await rig.linked()
    rig.cloud.fails("code", 131056, times=3, to=ANN)
    waits = [(await rig.send(device, ANN, f"m{n}")).after.total_seconds() for n in range(3)]  # type: ignore[union-attr]
    assert waits == [6, 12, 24], "whichever message of the chat it is"
    assert isinstance(await rig.send(device, ANN, "m4"), port.Accepted)
    rig.cloud.fails("code", 131056, to=ANN)
    assert (await rig.send(device, ANN, "m5")).after == timedelta(seconds=6)  # type: ignore[union-attr]


def test_a_chat_never_waits_for_days() -> None:
    assert codes.growing(timedelta(seconds=6), 1_000) == codes.LONGEST


async def test_an_account_that_called_too_often_calls_no_more_for_any_of_its_numbers(rig: rig_cloud.CloudRig) -> None:
    first, second = await rig.linked("device-1"), await rig.linked("device-2")
    shared = rig.cloud.add("3000", "token-of-device-1")
    third = rig.holds("device-3", rig_cloud.Credentials("3000", shared.token, "9001"))
    await rig.driver.open(third)
    await rig.until(lambda: rig.seen(port.Connected, "device-3"))
    rig.cloud.fails("code", 80007)
    assert isinstance(await rig.send(first, ANN, "m1"), port.Deferred)
    asked = len(rig.cloud.calls)
    verdict = await rig.send(third, ANN, "m2")
    assert isinstance(verdict, port.Deferred)
    assert verdict.scope is Scope.ACCOUNT
    assert timedelta(minutes=4) < verdict.after <= timedelta(minutes=5)
    assert len(rig.cloud.calls) == asked, "not even asked"
    assert isinstance(await rig.send(second, ANN, "m3"), port.Accepted), "another account is free"


@pytest.mark.parametrize("code", TOKEN)
async def test_a_token_that_ended_takes_all_its_numbers_along(rig: rig_cloud.CloudRig, code: int) -> None:
    first, other = await rig.linked("device-1"), await rig.linked("device-2")
    rig.cloud.add("3000", "token-of-device-1")
    twin = rig.holds("device-3", rig_cloud.Credentials("3000", "token-of-device-1"))
    await rig.driver.open(twin)
    await rig.until(lambda: rig.seen(port.Connected, "device-3"))
    rig.cloud.fails("code", code)
    assert isinstance(await rig.send(first, ANN, "m1"), port.DeviceLost)
    await rig.until(lambda: len(rig.seen(port.Refused)) == 2)
    assert {(each.device_id, each.why) for each in rig.seen(port.Refused)} == {("device-1", "token"), ("device-3", "token")}
    assert await rig.send(twin, ANN, "m2") == port.DeviceLost(None, "The service refuses this number (token).")
    assert isinstance(await rig.send(other, ANN, "m3"), port.Accepted)
    await rig.driver.open(first)
    await rig.until(lambda: len(rig.seen(port.Connected, "device-1")) == 2)
    assert isinstance(await rig.send(first, ANN, "m4"), port.Accepted), "a person gave it a token that works"


async def test_codes_that_lose_the_number(rig: rig_cloud.CloudRig) -> None:
    for n, (code, why) in enumerate(LOST.items()):
        device = await rig.linked(f"device-{n}")
        rig.cloud.fails("code", code)
        verdict = await rig.send(device, ANN, f"m{code}")
        assert isinstance(verdict, port.DeviceLost), code
        assert verdict.until is None, code
        [refused] = await rig.until(lambda device=device: rig.seen(port.Refused, device.device_id))
        assert refused.why == why
        assert isinstance(await rig.send(device, ANN, f"n{code}"), port.DeviceLost), code
    assert rig.cloud.ledger == []


async def test_a_number_that_is_not_there_any_more_is_lost_and_no_message_is_refused_for_it(rig: rig_cloud.CloudRig) -> None:
    device = await rig.linked()
    gone = rig.number_of(device)
    rig.cloud.add("7777", gone.token)
    del rig.cloud.numbers[gone.number_id]
    verdict = await rig.driver.send(device, port.Address(ANN), port.Content("Hi"), ref="m1")
    assert isinstance(verdict, port.DeviceLost)
    [refused] = await rig.until(lambda: rig.seen(port.Refused))
    assert refused.why == "number_gone"


@pytest.mark.parametrize("code", RESTS)
async def test_a_number_that_wrote_what_nobody_wanted_rests_and_its_quality_is_looked_up(
    rig: rig_cloud.CloudRig, code: int
) -> None:
    device = await rig.linked()
    rig.number_of(device).quality = "RED"
    rig.cloud.fails("code", code)
    before = rig.time.now()
    verdict = await rig.send(device, ANN, "m1")
    assert isinstance(verdict, port.DeviceLost)
    assert verdict.until is not None
    assert timedelta(minutes=59) < verdict.until - before < timedelta(minutes=61)
    await rig.until(lambda: Quality.RED in [each.quality for each in rig.seen(port.NumberQuality)])
    assert await rig.send(device, ANN, "m2") == port.DeviceLost(
        verdict.until, "This number rests after the service's limit for unwanted messages."
    )
    assert rig.cloud.ledger == []


def test_rests_grow_and_a_week_of_peace_begins_anew() -> None:
    from datetime import UTC, datetime

    from hantar.gateways.cloud import standing
    from hantar.gateways.credentials import Credentials

    stands, now = standing.Standing(), datetime(2026, 12, 1, tzinfo=UTC)
    stands.open("d", Credentials("1", "t"))
    hours = []
    for gap in (0, 2, 7, 25, 24 * 9):
        now += timedelta(hours=gap)
        line = stands.lines["d"]
        assert stands.rest(line, now)
        assert not stands.rest(line, now), "a second word about the same rest does not lengthen it"
        hours.append((line.rest_until - now) / timedelta(hours=1))  # type: ignore[operator]
        stands.open("d", Credentials("1", "t"))
    assert hours == [1, 6, 24, 24, 1]


async def test_a_code_nobody_told_us_about_is_certain_only_below_500(
    rig: rig_cloud.CloudRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.gateways.cloud import wire

    device = await rig.linked()
    rig.cloud.fails("code", 999_999)
    verdict = await rig.send(device, ANN, "m1")
    assert isinstance(verdict, port.Deferred)
    assert verdict.scope is Scope.MESSAGE
    monkeypatch.setitem(wire.STATUS, 999_999, 500)
    rig.cloud.fails("code", 999_999)
    assert isinstance(await rig.send(device, ANN, "m2"), port.Unconfirmed)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (131026, R.UNDELIVERABLE),
        (131049, R.CAPPED),
        (131050, R.OPTED_OUT),
        (132015, R.TEMPLATE_PAUSED),
        (190, R.ACCOUNT_REFUSED),
        (131048, R.ACCOUNT_REFUSED),
        (131056, R.UNDELIVERABLE),
        (131000, R.UNDELIVERABLE),
        (-1, R.UNDELIVERABLE),
    ],
)
def test_why_a_message_failed_late(code: int, reason: Reason) -> None:
    assert codes.late_reason(code) is reason


async def test_a_late_failure_counts_against_its_number_too(rig: rig_cloud.CloudRig) -> None:
    device = await rig.linked()
    rig.cloud.fails("late", 131048)
    assert isinstance(await rig.send(device, ANN, "m1"), port.Accepted)
    [failed] = await rig.until(lambda: rig.seen(port.MessageFailed))
    assert (failed.reason, failed.ref) == (R.ACCOUNT_REFUSED, "m1")
    verdict = await rig.send(device, ANN, "m2")
    assert isinstance(verdict, port.DeviceLost)
    assert verdict.until is not None
