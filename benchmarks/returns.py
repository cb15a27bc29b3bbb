"""What a message costs from the gateway's door to its last receipt, in processor time (Linux).

    python benchmarks/returns.py [--messages 20000] [--rate 3333] [--only world,wire,intake,start]

Four parts, each with nothing else in the way: the simulated world in this process; the driver and its world's own process at a
steady rate; receipts of rows in a throw-away PostgreSQL (fsync on), ours and PostgreSQL's share; and how long a world takes to
start on a long ledger. Processor time, because walls say little on a shared machine; ratios travel, absolute figures do not.
"""

import argparse
import asyncio
import gc
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import asyncpg
import structlog
import uvloop

from hantar.dispatch import intake
from hantar.gateways import port
from hantar.gateways.simulator import chance, driver, ledger, lines, pairing
from hantar.gateways.simulator.refusals import Shipment
from hantar.gateways.simulator.world import World
from hantar.kit import clock, cluster, db, embedded, ids
from hantar.migrations import run as migrations

DEVICES = 1000
TICK = 0.03
LIVED = 280_000
"""Effects of the world whose start is measured: more ids than it remembers, and most of a file that was not put aside."""
HZ = os.sysconf("SC_CLK_TCK")
WORKSPACE = "00000000-0000-7000-8000-000000000001"


class Hands(clock.SystemClock):
    """The machine's clock, put forward by hand between the parts of a measure."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self):  # type: ignore[no-untyped-def]
        """The instant, so far ahead."""
        return super().now() + timedelta(seconds=self.ahead)

    def monotonic(self) -> float:
        """Seconds, so far ahead."""
        return super().monotonic() + self.ahead


def ticks_of(pid: int) -> float:
    """Seconds a process has worked."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / HZ


def children_of(pid: int) -> list[int]:
    """Its child processes now."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def number(n: int) -> str:
    """The number of the nth person."""
    return f"6012{n:07d}"


def device_ids(count: int) -> list[str]:
    """As many ids of devices."""
    return [f"{n:08x}-0000-7000-8000-000000000000" for n in range(count)]


def ref_of(n: int) -> str:
    """The nth wire id: a row's id as it travels."""
    return f"{n:08X}000070008000{n:012X}"


def row_of(n: int) -> str:
    """The id of that row."""
    text = ref_of(n).lower()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def spent(work: Callable[[], object]) -> float:
    """Processor seconds of a piece of work."""
    began = time.process_time()
    work()
    return time.process_time() - began


# ---------------------------------------------------------------------- the world


def world(messages: int) -> None:
    """Microseconds the world takes to decide about a message and to write it down, and to tell an event."""
    sends, events = zip(*(_world(messages) for _ in range(3)), strict=True)
    print(f"{'world: decide and write down, a message':<52} {statistics.median(sends) * 1e6:8.1f} µs")
    print(f"{'world: tell, an event':<52} {statistics.median(events) * 1e6:8.1f} µs")


def _world(messages: int) -> tuple[float, float]:
    """Seconds a message, and an event."""
    with tempfile.TemporaryDirectory(prefix="hantar-returns-") as folder:
        time_, told = Hands(), Ear()
        book = ledger.FileLedger(Path(folder))
        made = World(seed=1, clock=time_, book=book, tell=told.hear, tell_receipt=told.receipt)
        names = online(made, time_)
        shipments = [Shipment(names[n % DEVICES], 1, number(n), None, ref_of(n), "0" * 32) for n in range(messages)]
        sending = spent(lambda: _send(made, book, shipments))
        before = told.count
        telling = _tell(made, time_)
        book.close()
        return sending / messages, telling / (told.count - before)


class Ear:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.count = 0

    def hear(self, event: port.Event) -> None:
        """One more."""
        self.count += 1

    def receipt(self, *receipt: object) -> None:
        """One more."""
        self.count += 1


def online(made: World, time_: Hands) -> list[str]:
    """Devices that are linked and connected, their histories told."""
    names = device_ids(DEVICES)
    for name in names:
        pairing.open_line(made, port.DeviceRef(name, 1))
        pairing.link(made, name, "60120000001")
    for _ in range(3):
        time_.ahead += 10
        made.fire()
        made.take(1 << 62)
    return names


def _send(made: World, book: ledger.Ledger, shipments: list[Shipment]) -> None:
    for start in range(0, len(shipments), 100):
        for each in shipments[start : start + 100]:
            made.send(each, _heard)
        book.flush()
        made.fire()


def _heard(verdict: port.Verdict) -> None:
    return None


def _tell(made: World, time_: Hands) -> float:
    """Let half a minute pass in small steps; processor seconds of the telling."""
    took = 0.0
    for _ in range(500):
        time_.ahead += 0.05
        took += spent(made.fire)
        made.take(1 << 62)
    return took


# ---------------------------------------------------------------------- the driver and its world's process


class Counted:
    """Takes everything at once."""

    def __init__(self, heard: list[int]) -> None:
        self._heard = heard

    async def __call__(self, event: port.Event) -> None:
        """One event."""
        self._heard.append(event.seq)

    async def take_many(self, events: Sequence[port.Event]) -> None:
        """Outcomes."""
        self._heard += [each.seq for each in events]


async def linked(made: driver.SimulatorDriver, count: int, heard: list[int]) -> list[str]:
    """So many devices, linked and online."""
    names = device_ids(count)
    for name in names:
        await made.open(port.DeviceRef(name, 1, "60120000001"))
    await asyncio.sleep(1)
    for name in names:
        await made.simulate(port.DeviceRef(name, 1), port.SimulatorAction("scan", phone="60120000001"))
    await asyncio.sleep(4)
    heard.clear()
    return names


async def wire(messages: int, rate: int) -> None:
    """Microseconds of this process and of the world's, a message with its receipts, at a steady rate."""
    with tempfile.TemporaryDirectory(prefix="hantar-returns-") as folder:
        options = chance.Options(receipts=0.1, is_off=0, connect=(0.01, 0.5), linking=(0.01, 0.5))
        line = lines.Child(clock.SystemClock(), Path(folder) / "simulator", options=options)
        made = driver.SimulatorDriver(line, clock.SystemClock(), options)
        heard: list[int] = []

        await made.start(Counted(heard))
        names = await linked(made, DEVICES, heard)
        world_pid = line.pid or 0
        ours, host, began = time.process_time(), ticks_of(world_pid), time.monotonic()
        verdicts: list[port.Verdict] = []
        sent = 0
        while sent < messages:
            due = min(messages, int((time.monotonic() - began) * rate) + 1)
            for n in range(sent, due):
                device = port.DeviceRef(names[n % len(names)], 1)
                going = made.send(device, port.Address(number(n)), port.Content(f"Hello {n}, our shop opens"), ref=ref_of(n))
                asyncio.ensure_future(going).add_done_callback(lambda done: verdicts.append(done.result()))
            sent = due
            await asyncio.sleep(TICK)
        took = time.monotonic() - began
        await asyncio.sleep(6)
        ours, host = time.process_time() - ours, ticks_of(world_pid) - host
        accepted = sum(isinstance(each, port.Accepted) for each in verdicts)
        print(f"  {messages} messages at {messages / took:.0f}/s: {accepted} accepted, {len(heard)} events")
        print(f"{'driver: this process, a message with its events':<52} {ours / messages * 1e6:8.1f} µs")
        print(f"{'host: the world, a message with its events':<52} {host / messages * 1e6:8.1f} µs")
        await made.close(timedelta(seconds=1))


# ---------------------------------------------------------------------- receipts in the database


class Told(lines.InProcess):
    """A line on which this file plays the world."""

    def tell(self, event: port.Event) -> None:
        """Say it to whoever listens."""
        self._ears.hear([event])


async def fill(dsn: str, messages: int) -> list[str]:
    """Rows as they stand when their answers are recorded, with the indexes and triggers of today."""
    await migrations.upgrade(dsn)
    owner = await asyncpg.connect(dsn, timeout=60)
    names = device_ids(DEVICES)
    await owner.execute("SET session_replication_role = replica")
    await owner.execute("INSERT INTO workspaces (id, name, time_zone, created_at) VALUES ($1, 'W', 'UTC', now())", WORKSPACE)
    await owner.execute(
        """INSERT INTO devices (workspace_id, id, name, driver, wanted, is_linked, state, state_since, per_minute, per_hour,
             per_day, created_at, updated_at)
           SELECT $1, id, id, 'simulator', 'connected', true, 'online', now(), 20, 500, 5000, now(), now()
           FROM unnest($2::uuid[]) AS id""",
        WORKSPACE,
        names,
    )
    rows = [(row_of(n), ids.new_id(), names[n % DEVICES], ref_of(n), number(n)) for n in range(messages)]
    await owner.execute(
        """INSERT INTO messages (workspace_id, id, kind, source_id, person_id, device_id, content_id, phone, state, priority,
             not_before, expires_at, text, claimed_at, sent_at, ended_at, wire_id, token, attempts, created_at)
           SELECT $1, x.id, 'campaign', $1, x.person, x.device, $1, x.phone, 'sent', 5, now(), now(),
             'Hello, our shop opens on Friday', now(), now(), now(), x.wire, 1, 1, now()
           FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[]) AS x (id, person, device, wire, phone)""",
        WORKSPACE,
        *[list(column) for column in zip(*rows, strict=True)],
    )
    await owner.execute("VACUUM ANALYZE")
    await owner.execute("CHECKPOINT")
    await owner.close()
    return names


async def take_in(messages: int, rate: int) -> None:
    """Microseconds of courier and intake, and of PostgreSQL, a receipt: all delivered, most read a second later."""
    with tempfile.TemporaryDirectory(prefix="hantar-returns-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        postgres = embedded.Embedded(Path(folder) / "data")
        dsn = postgres.start()
        try:
            await _take_in(dsn, postgres.pid or 0, messages, rate)
        finally:
            postgres.stop()


async def _take_in(dsn: str, server: int, messages: int, rate: int) -> None:
    names = await fill(dsn, messages)
    time_, bus = clock.SystemClock(), cluster.LocalBus()
    database = db.Database(dsn, key=bytes(32), bus=bus)
    taking = intake.Intake(database, time_)
    line = Told(time_, ledger.MemoryLedger())
    made = driver.SimulatorDriver(line, time_)
    await made.start(taking)
    stop = asyncio.Event()
    running = asyncio.create_task(taking.run(stop))
    events = _events(names, messages, rate)
    await asyncio.sleep(0.5)
    backends = lambda: sum(ticks_of(pid) for pid in children_of(server))  # noqa: E731
    ours, theirs, began = time.process_time(), backends(), time.monotonic()
    told = 0
    while told < len(events):
        due = min(len(events), int((time.monotonic() - began) * rate * 1.8) + 1)
        for event in events[told:due]:
            line.tell(event)
        told = due
        await asyncio.sleep(0.005)
    took = time.monotonic() - began
    async with database.system() as tx:
        for _ in range(120):
            if await tx.fetchval("SELECT count(delivered_at) + count(read_at) FROM messages") >= told:
                break
            await asyncio.sleep(0.5)
        states = await tx.fetch("SELECT state, count(*) AS n FROM messages GROUP BY 1 ORDER BY 1")
    ours, theirs = time.process_time() - ours, backends() - theirs
    print(f"  {told} receipts at {told / took:.0f}/s: {', '.join(f'{row[1]} {row[0]}' for row in states)}")
    print(f"{'courier and intake: this process, a receipt':<52} {ours / told * 1e6:8.1f} µs")
    print(f"{'PostgreSQL, a receipt':<52} {theirs / told * 1e6:8.1f} µs")
    stop.set()
    await running
    await made.close(timedelta())
    await database.close()


def _events(names: list[str], messages: int, rate: int) -> list[port.Event]:
    """All delivered, four of five read some seconds later, in the order of their times."""
    planned = []
    for n in range(messages):
        planned.append((n / rate, n, port.ReceiptKind.DELIVERED))
        if n % 5:
            planned.append((n / rate + 1 + n % 7, n, port.ReceiptKind.READ))
    planned.sort(key=lambda each: each[0])
    at = clock.SystemClock().now()
    return [
        port.Receipt(device_id=names[n % DEVICES], event_id=f"{n}:{kind}", at=at, seq=seq, wire_ids=(ref_of(n),), kind=kind)
        for seq, (_, n, kind) in enumerate(planned, start=1)
    ]


# ---------------------------------------------------------------------- a long ledger


def start(count: int) -> None:
    """Seconds of processor time until a world stands on a ledger of so many effects."""
    with tempfile.TemporaryDirectory(prefix="hantar-returns-") as folder:
        time_ = Hands()
        book = ledger.FileLedger(Path(folder))
        made = World(seed=1, clock=time_, book=book, tell=_nothing)
        names = online(made, time_)
        for n in range(count - LIVED):  # the distant past: whoever starts does not read it
            at = time_.now().isoformat()
            ref = ref_of(n)
            book.note(ledger.Effect(0.0, at, 1, names[n % DEVICES], number(n), ref, ref, "0" * 32, "sent", "accepted", None))
            if n % ledger.LONG == 0:
                book.put_aside()
        for n in range(max(0, count - LIVED), count):
            made.send(Shipment(names[n % DEVICES], 1, number(n), None, ref_of(n), "0" * 32), _heard)
            if n % 100 == 0:
                time_.ahead += 0.03
                made.fire()
                made.take(1 << 62)
                book.flush()
                if book.is_long:
                    made.compact()
        made.save()
        book.close()
        size = sum(each.stat().st_size for each in Path(folder).iterdir())
        book = ledger.FileLedger(Path(folder))
        gc.disable()  # as the host does
        took = spent(lambda: World(seed=1, clock=time_, book=book, tell=_nothing))
        gc.enable()
        print(f"{f'start on a ledger of {count:,} effects ({size / 1e6:.0f} MB)':<52} {took:8.2f} s")
        book.close()


def _nothing(event: port.Event) -> None:
    return None


PARTS = ("world", "wire", "intake", "start")


async def main() -> None:
    """Measure what was asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rate", type=int, default=3_333)
    parser.add_argument("--effects", type=int, default=1_000_000)
    parser.add_argument("--only", default=",".join(PARTS))
    asked = parser.parse_args()
    wanted = asked.only.split(",")
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}")
    if "world" in wanted:
        world(asked.messages)
    if "wire" in wanted:
        await wire(asked.messages, asked.rate)
    if "intake" in wanted:
        await take_in(asked.messages, asked.rate)
    if "start" in wanted:
        start(asked.effects)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    gc.freeze()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
