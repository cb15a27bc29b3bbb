"""The comparison with other queues is fair and its check can fail. No peer is needed: the handlers' work runs by itself."""

import asyncio
import importlib.util
import json
import re
from pathlib import Path

import asyncpg
import pytest

from benchmarks.peers import delivery, measure, roster, run
from benchmarks.peers.job import Job, Ledger

LOCKS = Path(__file__).parent.parent / "requirements"


@pytest.fixture
async def job(dsn: str, tmp_path: Path) -> Job:
    """Sixty messages over three devices, in a schema of their own."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE SCHEMA peers")
    await connection.close()
    Ledger.make(tmp_path / "ledger", 60)
    return Job(
        real=True,
        messages=60,
        devices=3,
        workers=1,
        shard=0,
        concurrency=60,
        latency=0.002,
        window=30.0,
        patience=30,
        dsn=f"{dsn}&search_path=peers",
        valkey="",
        ledger=str(tmp_path / "ledger"),
    )


async def _work(job: Job, *, locks: bool) -> Ledger:
    await measure._make_world(job)
    ledger = Ledger(job)
    courier = delivery.Delivery(job, ledger, locks=locks)
    await courier.open()
    await asyncio.gather(*(courier.deliver(number) for number in range(job.messages)))
    await courier.close()
    return ledger


async def test_the_real_work_keeps_to_the_rules_and_to_one_message_at_a_time(job: Job) -> None:
    ledger = await _work(job, locks=True)
    await measure._check(job, ledger.completed)
    assert (ledger.completed, ledger.repeated, ledger.is_over) == (60, 0, True)


async def test_without_the_lock_the_check_fails(job: Job) -> None:
    ledger = await _work(job, locks=False)
    with pytest.raises(measure.PeerFailed, match="overlaps"):
        await measure._check(job, ledger.completed)


async def test_a_handler_that_asks_nobody_fails_the_check(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "refusal", lambda facts: None)
    ledger = await _work(job, locks=True)
    with pytest.raises(measure.PeerFailed, match="wrong"):
        await measure._check(job, ledger.completed)


def test_all_messages_of_a_device_are_in_one_queue(job: Job) -> None:
    spread = Job(**{**vars(job), "messages": 1_000, "devices": 7, "workers": 2})
    queues = {(spread.device_of(number), spread.shard_of(number)) for number in range(1_000)}
    assert len(queues) == 7
    assert {queue for _, queue in queues} == {0, 1}


def test_the_ledger_keeps_the_first_completion_and_counts_the_others(job: Job) -> None:
    ledger = Ledger(job)
    for number in (5, 3, 5):
        ledger.done(number)
    assert (ledger.completed, ledger.repeated, ledger.is_over) == (2, 1, False)
    times = Ledger.read(Path(job.ledger))
    assert times == sorted(times)
    assert len(times) == Ledger.count(Path(job.ledger)) == 2


@pytest.mark.parametrize("peer", roster.PEERS, ids=lambda peer: peer.name)
def test_a_peer_is_locked_and_its_module_is_there(peer: roster.Peer) -> None:
    locked = re.findall(r"^([\w.-]+)==", (LOCKS / peer.lock).read_text(encoding="utf-8"), re.MULTILINE)
    assert set(peer.packages) <= set(locked)
    assert importlib.util.find_spec(peer.module) is not None


def test_a_peer_that_failed_says_why_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measured(peer: roster.Peer, tools: measure.Tools, *, real: bool, quick: bool) -> measure.Figures:
        if peer.name == "arq":
            raise measure.PeerFailed("it did not end")
        return measure.Figures(1000.4, 200.0 if real else 300.0, 50.0, 25.0, 10, 0)

    monkeypatch.setattr(measure, "run", measured)
    monkeypatch.setattr(run, "found", lambda: (Path("valkey-server"), {}))
    code = run.main(["--json", "--only", "arq", "--only", "celery"])
    said = json.loads(capsys.readouterr().out)
    assert code == 1
    assert said["peers"]["arq"] == {"error": "it did not end"}
    assert {"enqueue_per_s": 1000, "raw_per_s": 300, "real_per_s": 200, "real_cpu_us": 75}.items() <= said["peers"][
        "celery"
    ].items()
    assert said["conditions"]["devices"] == roster.DEVICES
