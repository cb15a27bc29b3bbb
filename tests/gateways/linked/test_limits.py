"""How many linked devices a machine may carry, what the system says of it, and that no more are opened."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hantar.gateways import port
from hantar.gateways.linked import limits, seats
from tests.contract import rig_linked

HOST = 340
"""Threads of a full host: 200 devices, and its own."""


@pytest.mark.parametrize(
    ("tasks", "files", "devices", "in_host"),
    [
        (None, None, None, 200),
        (None, 1_024, None, 200),
        (None, 464, None, 100),
        (None, 67, 0, 1),
        (limits.OTHERS + HOST, None, 200, 200),
        (limits.OTHERS + HOST + limits.HOST_THREADS, None, 200, 200),
        (limits.OTHERS + HOST + limits.HOST_THREADS + 3, None, 202, 200),
        (limits.OTHERS + 15 * HOST, 4_096, 3_000, 200),
        (limits.OTHERS + limits.HOST_THREADS + 3, None, 2, 200),
        (limits.OTHERS + 190, 464, 100, 100),
        (512, None, 114, 200),
        (limits.OTHERS, None, 0, 200),
        (0, None, 0, 200),
    ],
)
def test_what_fits(tasks: int | None, files: int | None, devices: int | None, in_host: int) -> None:
    assert limits.room(limits.Machine(tasks, files), 200) == limits.Room(devices, in_host)


def needed(devices: int) -> float:
    hosts = -(-devices // 200)
    return hosts * limits.HOST_THREADS + devices * limits.THREADS + limits.OTHERS


def test_as_many_fit_as_there_is_room_for_and_no_more() -> None:
    for tasks in range(limits.OTHERS, 3_000):
        found = limits.room(limits.Machine(tasks, None), 200).devices
        assert found is not None
        assert needed(found) <= tasks < needed(found + 1)


def write(root: Path, files: dict[str, str]) -> Path:
    kernel = {"proc/loadavg": "0.1 0.2 0.3 2/400 999\n", "proc/sys/kernel/threads-max": "60000\n"}
    for name, text in (kernel | {"proc/sys/kernel/pid_max": "32768\n"} | files).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


V2, V1 = "sys/fs/cgroup/system.slice/hantar.service", "sys/fs/cgroup/pids"


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ({}, 32_368),
        ({"proc/sys/kernel/pid_max": "4194304\n"}, 59_600),
        (
            {"proc/self/cgroup": "0::/system.slice/hantar.service\n", f"{V2}/pids.max": "max\n", f"{V2}/pids.current": "9\n"},
            32_368,
        ),
        (
            {"proc/self/cgroup": "0::/system.slice/hantar.service\n", f"{V2}/pids.max": "4915\n", f"{V2}/pids.current": "15\n"},
            4_900,
        ),
        (
            {
                "proc/self/cgroup": "0::/system.slice/hantar.service\n",
                f"{V2}/pids.max": "4915\n",
                "sys/fs/cgroup/system.slice/pids.max": "1000\n",
                "sys/fs/cgroup/system.slice/pids.current": "100\n",
            },
            900,
        ),
        (
            {
                "proc/self/cgroup": "9:name=systemd:/\n8:pids:/docker/abc\n0::/\n",
                f"{V1}/pids.max": "100\n",
                f"{V1}/pids.current": "40\n",
            },
            60,
        ),
        ({"proc/self/cgroup": "8:pids:/a\n", f"{V1}/a/pids.max": "50\n", f"{V1}/a/pids.current": "60\n"}, 0),
        ({"proc/self/cgroup": "4:memory:/a\n", "sys/fs/cgroup/memory/a/pids.max": "50\n"}, 32_368),
    ],
    ids=["kernel", "threads", "v2 without", "v2", "v2 above", "v1 in a container", "v1 full", "another kind"],
)
def test_what_the_system_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], free: int) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)  # a user's own limit is the machine's that tests run on
    assert limits.read(write(tmp_path, files)).tasks == free


def test_where_nothing_is_said_nothing_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert limits.read(tmp_path).tasks is None


def test_this_machine_says_something() -> None:
    found = limits.read()
    assert found.files is None or found.files > 0
    assert found.tasks is None or found.tasks > 0


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[rig_linked.LinkedRig]:
    """A machine with room for two devices."""
    small = limits.Machine(limits.OTHERS + limits.HOST_THREADS + 3, None)
    made = await rig_linked.start(tmp_path, machine=lambda: small)
    yield made
    await made.close()


async def test_no_more_are_opened_than_fit(rig: rig_linked.LinkedRig) -> None:
    first, _ = [await rig.linked(f"device-{number}") for number in (1, 2)]
    third = port.DeviceRef("device-3", 1, None)
    await rig.driver.open(third)
    (told,) = await rig.until(lambda: rig.seen(port.Disconnected, "device-3"))
    assert (told.why, told.will_retry) == ("no_room", True)
    with pytest.raises(port.PairingRefused, match="no room"):
        await rig.driver.pair_code(third, "60123456789")
    assert rig.driver.pid_of("device-3") is None, "no host was started for it"
    await rig.driver.open(first)  # one that is open has its room
    await rig.until(lambda: len(rig.seen(port.Connected, "device-1")) == 2)
    await rig.driver.disconnect(first)
    await rig.until(lambda: rig.seen(port.Disconnected, "device-1"))
    await rig.linked("device-3")


async def test_mutant_without_the_look_one_more_is_opened(rig: rig_linked.LinkedRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats.Seats, "turns_away", lambda *_: False)
    for number in (1, 2, 3):
        await rig.linked(f"device-{number}")
    assert not rig.seen(port.Disconnected), "the mutant lives"
