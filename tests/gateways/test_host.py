"""The simulated world as a process of its own: it dies and comes back, and dies with its parent. Real time, but little of it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hantar.gateways import port, registry
from hantar.gateways.simulator import ledger, lines
from hantar.kit import clock
from tests.contract import rigs

pytestmark = pytest.mark.slow  # real servers start and die here

ROOT = Path(__file__).parents[2]
ANN = rigs.person(rigs.ordinary)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[rigs.Rig]:
    made = await rigs.host(tmp_path)
    yield made
    await made.close()


def child(rig: rigs.Rig) -> lines.Child:
    line = rig.driver._line
    assert isinstance(line, lines.Child)
    return line


async def test_a_killed_host_leaves_sends_unconfirmed_and_comes_back(rig: rigs.Rig, tmp_path: Path) -> None:
    device = await rig.linked()
    await rig.does(device, "silent", for_seconds=0.5)
    sends = [
        asyncio.ensure_future(rig.driver.send(device, port.Address(ANN), port.Content("x"), ref=f"m{n}")) for n in range(100)
    ]
    await asyncio.sleep(0.05)
    pid = child(rig).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert all(isinstance(each, port.Unconfirmed) for each in await asyncio.gather(*sends))
    [gone] = await rig.until(lambda: rig.seen(port.Disconnected))
    assert (gone.why, gone.will_retry) == ("gateway_restart", True)
    assert isinstance(await rig.send(device, ANN, "between"), port.DeviceLost)
    await rig.until(lambda: len(rig.seen(port.Connected)) == 2)
    assert isinstance(await rig.send(device, ANN, "after"), port.Accepted)
    assert child(rig).pid != pid


async def test_nothing_acknowledged_is_lost_when_the_host_is_killed(rig: rigs.Rig, tmp_path: Path) -> None:
    device = await rig.linked()
    sends = [rig.driver.send(device, port.Address(ANN), port.Content("x"), ref=f"m{n}") for n in range(300)]
    verdicts = dict(zip((f"m{n}" for n in range(300)), await asyncio.gather(*sends), strict=True))
    os.kill(child(rig).pid or 0, signal.SIGKILL)
    await rig.until(lambda: len(rig.seen(port.Connected)) == 2)
    again = await rig.send(device, ANN, "m1")
    assert again == verdicts["m1"]
    heard = lambda: {wire for each in rig.seen(port.Receipt) for wire in each.wire_ids}  # noqa: E731
    await rig.until(lambda: len(heard()) == 300)
    told = [line["ref"] for line in ledger.read(tmp_path / "simulator" / "ledger.jsonl") if line["effect"] == "sent"]
    assert sorted(told) == sorted(verdicts)


async def test_a_second_server_finds_the_links_of_the_first(tmp_path: Path) -> None:
    first = await rigs.host(tmp_path)
    device = await first.linked()
    await first.close()
    second = await rigs.host(tmp_path)
    assert await second.driver.is_linked(device)
    await second.driver.open(device)
    await second.until(lambda: second.seen(port.Connected))
    assert not second.seen(port.QrCode)
    await second.close()


PARENT = """
import asyncio, sys
from pathlib import Path
from hantar.gateways.simulator import lines
from hantar.kit import clock

async def main():
    line = lines.Child(clock.SystemClock(), Path(sys.argv[1]))
    await line.start(lines.DEAF)
    print(line.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


async def test_the_host_ends_with_its_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "x")], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    host = int(parent.stdout.readline())
    assert is_alive(host)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(500):
        if not is_alive(host):
            return
        await asyncio.sleep(0.02)
    pytest.fail("the host outlived its parent")


async def test_a_host_that_cannot_start_says_so_at_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "simulator").write_text("a file where the folder should be")
    with pytest.raises(lines.LineDown):
        await rigs.host(tmp_path)


async def test_the_registry_builds_what_is_offered_here(tmp_path: Path) -> None:
    around = registry.Surroundings(clock.SystemClock(), tmp_path, seed=3, linked=None)
    assert list(registry.build(around)) == ["simulator"]
    drivers = registry.build(replace(around, cloud=("https://graph.facebook.com", "v25.0")))
    assert {name: driver.caps.simulated for name, driver in drivers.items()} == {"simulator": True, "cloud": False}
    for driver in drivers.values():
        await driver.close(timedelta(0))


@pytest.mark.slow
async def test_thousands_of_sends_a_second_go_through_the_host(rig: rigs.Rig) -> None:
    device = await rig.linked()
    time = clock.SystemClock()
    start = time.monotonic()
    sends = [rig.driver.send(device, port.Address(ANN), port.Content("x"), ref=f"m{n}") for n in range(5000)]
    assert all(isinstance(each, port.Accepted) for each in await asyncio.gather(*sends))
    assert time.monotonic() - start < 15.0  # measured: half a second on an idle core; a loaded machine gets its time
