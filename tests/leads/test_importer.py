"""Large files in the background: progress, cancel, and going on after a crash."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, Any

import asyncpg
import pytest

from hantar.accounts.model import Caller
from hantar.kit import clock, cluster, db, errors
from hantar.kit.ids import new_id
from hantar.leads import import_model, import_store, importer as importers
from hantar.leads.importer import Importer
from tests import cast
from tests.leads.conftest import AddDevice

pytestmark = pytest.mark.slow  # large files, killed and taken up again

TRUE_BATCH = import_model.BATCH
BATCH = 500
"""Rows of a batch in these tests: what is large is more than a batch, whatever its size; one test takes the true one."""
ROWS = 1_200
TWICE = 100


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_model, "BATCH", BATCH)


def sheet(rows: int = ROWS, twice: int = TWICE) -> bytes:
    """Rows of which the last `twice` are people of the first batch again."""
    numbers = [*range(rows - twice), *range(twice)]
    return b"name,phone\n" + b"".join(b"N%d,6012%07d\n" % (number, number) for number in numbers)


async def queue(http: cast.Http, caller: Caller, device: str, data: bytes | None = None, **form: str) -> dict[str, Any]:
    files = {"file": ("big.csv", data or sheet())}
    reply = await http(caller).post(f"/api/devices/{device}/leads/import", files=files, data=form)
    assert reply.status_code == 202, reply.text
    found: dict[str, Any] = reply.json()
    assert reply.headers["location"] == f"/api/jobs/{found['id']}"
    return found


async def job(http: cast.Http, caller: Caller, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await http(caller).get(f"/api/jobs/{job_id}")).json()
    return found


async def total(http: cast.Http, caller: Caller) -> int:
    return int((await http(caller).get("/api/leads?with_total=true&limit=1")).json()["total"])


async def test_a_large_file_is_read_under_a_job(
    http: cast.Http,
    alice: Caller,
    add_device: AddDevice,
    importer: Importer,
    bus: cluster.LocalBus,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(import_model, "BATCH", TRUE_BATCH)
    told: list[cluster.Fact] = []
    bus.subscribe("job.progress", told.append)
    rows = 2 * TRUE_BATCH + 2_000
    made = await queue(http, alice, await add_device(alice), sheet(rows, 1_000))
    assert (made["status"], made["total"], made["kind"]) == ("queued", rows, "leads.import")
    assert await total(http, alice) == 0
    assert await importer.work(asyncio.Event()) == 1
    ended = await job(http, alice, made["id"])
    assert (ended["status"], ended["done"], ended["total"]) == ("done", rows, rows)
    assert {n: ended["result"][n] for n in ("created", "skipped", "failed", "import_id")} == {
        "created": rows - 1_000,
        "skipped": 1_000,
        "failed": 0,
        "import_id": made["import_id"],
    }
    assert [fact.data["done"] for fact in told if fact.data["status"] == "running"][:4] == [0, 5_000, 10_000, rows]
    assert await total(http, alice) == rows - 1_000
    assert list(importer.folder.iterdir()) == [], "the file is not kept"
    detail = (await http(alice).get(f"/api/imports/{made['import_id']}")).json()
    assert detail["causes"] == [{"outcome": "skipped", "code": "same_person_in_file", "count": 1_000}]


async def test_a_dry_run_of_a_large_file_stores_no_lead(
    http: cast.Http, alice: Caller, add_device: AddDevice, importer: Importer
) -> None:
    made = await queue(http, alice, await add_device(alice), dry_run="true")
    await importer.work(asyncio.Event())
    ended = await job(http, alice, made["id"])
    assert (ended["result"]["created"], ended["result"]["skipped"]) == (ROWS - TWICE, TWICE)
    assert await total(http, alice) == 0


class _Killed(BaseException):
    """What a test raises where the process would die."""


class _Dying(db.Database):
    """A database whose process dies at a batch."""

    left = 2

    def transaction(self, workspace_id: str | None) -> Any:
        self.left -= 1
        if self.left < 0:
            raise _Killed
        return super().transaction(workspace_id)


@pytest.mark.parametrize("batches", [0, 1, 2])
async def test_a_killed_import_goes_on_where_it_stood(
    http: cast.Http,
    alice: Caller,
    add_device: AddDevice,
    dsn: str,
    database: db.Database,
    fake_clock: clock.FakeClock,
    bus: cluster.LocalBus,
    tmp_path: Path,
    batches: int,
) -> None:
    made = await queue(http, alice, await add_device(alice))
    dying = _Dying(dsn, key=bytes(32), clock=fake_clock, bus=bus, size=2)
    dying.left = 1 + batches
    with pytest.raises(_Killed):
        await Importer(dying, tmp_path / "imports", bus).work(asyncio.Event())
    await dying.close()
    assert (await job(http, alice, made["id"]))["done"] == min(batches * BATCH, ROWS)
    again = Importer(database, tmp_path / "imports", bus)
    assert await again.work(asyncio.Event()) == 0, "its worker may still live"
    await fake_clock.advance(importers.LOST_AFTER.total_seconds() + 1)
    assert await again.work(asyncio.Event()) == 1
    ended = await job(http, alice, made["id"])
    assert (ended["status"], ended["done"]) == ("done", ROWS)
    assert (ended["result"]["created"], ended["result"]["skipped"], ended["result"]["failed"]) == (ROWS - TWICE, TWICE, 0)
    assert await total(http, alice) == ROWS - TWICE


class _Shaken(db.Database):
    """A database whose server is killed while the second batch is written."""

    count = 0

    @contextlib.asynccontextmanager
    async def transaction(self, workspace_id: str | None) -> AsyncIterator[db.Tx]:
        self.count += 1
        async with super().transaction(workspace_id) as tx:
            yield tx
            if self.count == 3:
                raise asyncpg.AdminShutdownError("terminating connection due to administrator command")


async def test_an_import_outlives_its_database_server(
    http: cast.Http,
    alice: Caller,
    add_device: AddDevice,
    dsn: str,
    fake_clock: clock.FakeClock,
    bus: cluster.LocalBus,
    tmp_path: Path,
) -> None:
    made = await queue(http, alice, await add_device(alice))
    shaken = _Shaken(dsn, key=bytes(32), clock=fake_clock, bus=bus, size=2)
    working = Importer(shaken, tmp_path / "imports", bus)
    with pytest.raises(db.DatabaseAway):
        await working.work(asyncio.Event())
    assert await working.work(asyncio.Event()) == 1, "it knows its own work and need not wait"
    await shaken.close()
    ended = await job(http, alice, made["id"])
    assert (ended["status"], ended["result"]["created"], ended["done"]) == ("done", ROWS - TWICE, ROWS)


async def test_a_cancelled_import_stops_and_keeps_what_it_has(
    http: cast.Http, alice: Caller, add_device: AddDevice, importer: Importer, bus: cluster.LocalBus
) -> None:
    made = await queue(http, alice, await add_device(alice))
    asked: list[asyncio.Task[Any]] = []

    def cancel(fact: cluster.Fact) -> None:
        if fact.data["done"] == BATCH and not asked:
            asked.append(asyncio.ensure_future(http(alice).post(f"/api/jobs/{made['id']}/cancel")))

    bus.subscribe("job.progress", cancel)
    await importer.work(asyncio.Event())
    assert (await asked[0]).status_code == 200
    ended = await job(http, alice, made["id"])
    assert ended["status"] == "cancelled"
    assert ended["result"]["created"] in (BATCH, 2 * BATCH)
    assert await total(http, alice) == ended["result"]["created"]
    assert (await http(alice).get(f"/api/imports/{made['import_id']}")).json()["status"] == "cancelled"


async def test_an_import_cancelled_while_it_waits_is_closed(
    http: cast.Http, alice: Caller, add_device: AddDevice, importer: Importer
) -> None:
    made = await queue(http, alice, await add_device(alice))
    await http(alice).post(f"/api/jobs/{made['id']}/cancel")
    assert await importer.work(asyncio.Event()) == 0
    assert (await http(alice).get(f"/api/imports/{made['import_id']}")).json()["status"] == "cancelled"
    assert list(importer.folder.iterdir()) == []


async def test_a_lost_file_fails_in_plain_words(
    http: cast.Http, alice: Caller, add_device: AddDevice, importer: Importer
) -> None:
    made = await queue(http, alice, await add_device(alice))
    importer.path(made["id"]).unlink()
    await importer.work(asyncio.Event())
    ended = await job(http, alice, made["id"])
    assert ended["status"] == "failed"
    assert "uploaded file is gone" in ended["error"]
    assert (await http(alice).get(f"/api/imports/{made['import_id']}")).json()["status"] == "failed"


async def test_an_unreadable_file_fails_and_the_next_is_read(
    http: cast.Http, alice: Caller, add_device: AddDevice, importer: Importer
) -> None:
    device = await add_device(alice)
    made, second = await queue(http, alice, device), await queue(http, alice, device, sheet(650))
    importer.path(made["id"]).unlink()
    importer.path(made["id"]).mkdir()  # it is there, and nobody can read it
    assert await importer.work(asyncio.Event()) == 2
    ended = await job(http, alice, made["id"])
    assert (ended["status"], "cannot read the uploaded file" in ended["error"]) == ("failed", True)
    assert (await job(http, alice, second["id"]))["status"] == "done"
    assert await importer.work(asyncio.Event()) == 0


async def test_a_file_is_copied_outside_of_transactions_and_goes_when_its_job_fails(
    http: cast.Http,
    alice: Caller,
    add_device: AddDevice,
    importer: Importer,
    database: db.Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device = await add_device(alice)
    seen: list[int] = []
    keep = importer.keep

    async def watched(file: IO[bytes], job_id: str) -> None:
        await keep(file, job_id)
        async with database.system() as tx:
            open_ones = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
            seen.append(await tx.fetchval(open_ones))

    async def fails(*_: object) -> None:
        raise errors.Conflict

    monkeypatch.setattr(importer, "keep", watched)
    monkeypatch.setattr(import_store, "add", fails)
    reply = await http(alice).post(f"/api/devices/{device}/leads/import", files={"file": ("big.csv", sheet())})
    assert (reply.status_code, seen) == (409, [0])
    assert list(importer.folder.iterdir()) == []


async def test_a_deleted_device_fails_in_plain_words(
    http: cast.Http, alice: Caller, add_device: AddDevice, importer: Importer, database: db.Database
) -> None:
    device = await add_device(alice)
    made = await queue(http, alice, device)
    async with database.transaction(alice.workspace_id) as tx:
        await tx.execute("DELETE FROM devices WHERE id = $1", device)
    await importer.work(asyncio.Event())
    ended = await job(http, alice, made["id"])
    assert (ended["status"], "device was deleted" in ended["error"]) == ("failed", True)


async def test_the_service_wakes_by_a_hint_and_stops(
    http: cast.Http, alice: Caller, add_device: AddDevice, importer: Importer, bus: cluster.LocalBus
) -> None:
    importer.folder.mkdir()
    orphan = importer.path(new_id())
    orphan.write_bytes(b"left by a request that died")
    stop, done = asyncio.Event(), asyncio.Event()
    bus.subscribe("job.progress", lambda fact: done.set() if fact.data["status"] == "done" else None)
    running = asyncio.ensure_future(importer.run(stop))
    await queue(http, alice, await add_device(alice))
    await asyncio.wait_for(done.wait(), 30)
    stop.set()
    await asyncio.wait_for(running, 5)
    assert not orphan.exists()
