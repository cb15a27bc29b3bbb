"""What thousands of linked devices cost in session hosts, and what the death of a host costs (Linux).

    python benchmarks/linked.py [--devices 3000] [--kills 3] [--rate 150]

The library in the hosts is the scripted one of the tests, so this measures our part alone: the program's memory and processor
time while all devices come up (again, from their sessions), and then, while messages go out, how long a host that was killed
keeps its devices away, and whether anything was sent again. Walls say little on a shared machine: beside them stands for how long
the program and the new host waited for a processor. Processor time and memory travel.
"""

import argparse
import asyncio
import json
import os
import random
import resource
import signal
import statistics
import tempfile
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import uvloop

from hantar.gateways import port
from hantar.gateways.linked import driver, hosts
from hantar.kit import clock

LIBRARY = "tests.gateways.linked.fake"
HZ = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
MB = 1 << 20


def memory(pid: int) -> float:
    """Resident memory in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / MB


def worked(pid: int) -> float:
    """Seconds of processor time."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / HZ


def waited(pid: int) -> float:
    """Seconds for which a process was ready and had no processor; its main thread's."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


class Watcher:
    """The sink: what is connected, and what happened since when."""

    def __init__(self) -> None:
        self.up: set[str] = set()
        self.events: Counter[str] = Counter()

    async def __call__(self, event: port.Event) -> None:
        """Take an event."""
        self.events[type(event).__name__] += 1
        if isinstance(event, port.Connected):
            self.up.add(event.device_id)
        elif isinstance(event, port.Disconnected):
            self.up.discard(event.device_id)

    async def until(self, count: int, seconds: float) -> None:
        """Wait until so many devices are connected."""
        end = time.monotonic() + seconds
        while len(self.up) < count:
            if time.monotonic() > end:
                raise SystemExit(f"{len(self.up)} of {count} devices were up after {seconds:.0f} s: {dict(self.events)}")
            await asyncio.sleep(0.05)


async def keep_sending(made: driver.LinkedDriver, names: list[str], rate: float, said: Counter[str], stop: asyncio.Event) -> None:
    """Send at a steady rate; what certainly did not leave goes again, what is in doubt never does."""
    rng, number, waiting = random.Random(1), 0, set[asyncio.Task[None]]()

    async def one(device: str, ref: str) -> None:
        while True:
            to = port.Address(f"6012{rng.randrange(10**7):07d}")
            verdict = await made.send(port.DeviceRef(device), to, port.Content("Hello"), ref=ref)
            why = f": {verdict.why}" if isinstance(verdict, port.Unconfirmed) else ""
            said[type(verdict).__name__ + why] += 1
            if not isinstance(verdict, port.DeviceLost) or stop.is_set():
                return
            await asyncio.sleep(0.5)

    begin = time.monotonic()
    while not stop.is_set():
        await asyncio.sleep(0.05)
        while number < (time.monotonic() - begin) * rate:
            number += 1
            task = asyncio.create_task(one(rng.choice(names), f"m{number}"))
            waiting.add(task)
            task.add_done_callback(waiting.discard)
    await asyncio.gather(*waiting)


async def measure(given: argparse.Namespace, folder: Path) -> None:
    """Everything, in one folder."""
    control = folder / "control"
    control.mkdir()
    world = {"latency": [0.05, 0.4], "connect": [0.2, 1.0]}
    setup = hosts.Setup(folder / "linked", LIBRARY, {"control": str(control), "world": world})
    sessions = setup.folder / "sessions"
    sessions.mkdir(parents=True)
    names = [f"device-{number:05d}" for number in range(given.devices)]
    for number, name in enumerate(names):
        link = {"phone": f"6011{number:08d}", "jid": f"6011{number:08d}:1@s.whatsapp.net"}
        (sessions / f"{name}.db").write_text(json.dumps(link))
    watcher, made = Watcher(), driver.LinkedDriver(setup, clock.SystemClock())
    before, cpu, begin = memory(os.getpid()), worked(os.getpid()), time.monotonic()
    await made.start(watcher)
    for name in names:
        await made.open(port.DeviceRef(name))
    await watcher.until(given.devices, 600)
    took = time.monotonic() - begin
    pids = sorted({pid for name in names if (pid := made.pid_of(name)) is not None})
    children = [memory(pid) for pid in pids]
    print(f"{given.devices} devices in {len(pids)} hosts: all up after {took:.1f} s")
    here = os.getpid()
    print(f"  program: {before:.0f} MB before, {memory(here):.0f} MB now; {worked(here) - cpu:.1f} s of processor time")
    print(f"  hosts: {statistics.median(children):.0f} MB each; {sum(map(worked, pids)):.1f} s of processor time in all")

    said, stop, rng = Counter[str](), asyncio.Event(), random.Random(2)
    sending = asyncio.create_task(keep_sending(made, names, given.rate, said, stop))
    await asyncio.sleep(5)
    for _ in range(given.kills):
        name = rng.choice(names)
        pid = made.pid_of(name)
        if pid is None:
            continue
        there, idle = len(watcher.up), waited(os.getpid())
        os.kill(pid, signal.SIGKILL)
        begin = time.monotonic()
        while len(watcher.up) == there:  # noqa: ASYNC110 a look a hundred times a second costs nothing here
            await asyncio.sleep(0.01)
        lost = there - len(watcher.up)
        await watcher.until(given.devices, 120)
        new = made.pid_of(name) or os.getpid()
        took, idle = time.monotonic() - begin, waited(os.getpid()) - idle + waited(new)
        print(f"  a host was killed: {lost}+ devices away, all back after {took:.1f} s, {idle:.1f} s of it without a processor")
        await asyncio.sleep(2)
    stop.set()
    await sending
    sent = Counter(
        json.loads(line)["ref"] for line in (control / "effects").read_text().splitlines() if '"effect":"sent"' in line
    )
    again = sum(1 for count in sent.values() if count > 1)
    print(f"  verdicts: {dict(said)}; left: {len(sent)}; sent again: {again}")
    print(
        f"  program now: {memory(os.getpid()):.0f} MB, at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"
    )
    await made.close(timedelta(seconds=5))


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=3000)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--rate", type=float, default=150.0, help="messages a second")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(given, Path(folder)))


if __name__ == "__main__":
    main()
