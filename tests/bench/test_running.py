"""Small runs of the real thing: a world, an engine, a gateway that judges; and the command's one JSON object."""

import json
import os

import asyncpg
import pytest
from typer.testing import CliRunner

from hantar import cli
from hantar.bench import command, rig, table, world
from hantar.bench.spec import Spec


async def counted(dsn: str, sql: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval(sql))
    finally:
        await connection.close()


async def test_a_small_queue_is_drained_and_judged(dsn: str) -> None:
    """400 messages, two of them for people who opted out: the rest arrive once, and what is counted is what is there."""
    await world.fill(dsn, world.Size(20, 400))
    spec = Spec(dsn, os.getpid(), 400, ramp=0.0, seconds=30, latency=(0.001, 0.002), drains=True)
    assert Spec.read(spec.written()) == spec
    found = await rig.measure(spec)
    assert found["states"] == {"sent": 398, "suppressed": 2}
    assert {name: found[name] for name in ("early", "duplicated", "lost", "forbidden", "unrecorded", "refused")} == dict.fromkeys(
        ("early", "duplicated", "lost", "forbidden", "unrecorded", "refused"), 0
    )
    assert 0 < found["rate_per_s"] < 20 * 1000


async def test_a_world_is_as_large_as_was_asked(dsn: str) -> None:
    await world.fill(dsn, world.Size(8, 100, 2, 4, history=50))
    assert await counted(dsn, "SELECT count(*) FROM messages WHERE state = 'queued'") == 100
    assert await counted(dsn, "SELECT count(*) FROM messages WHERE state = 'delivered'") == 50
    assert await counted(dsn, "SELECT count(DISTINCT workspace_id) FROM lanes") == 4
    assert await counted(dsn, "SELECT sum(n) FROM tallies") == 150
    assert await counted(dsn, "SELECT count(*) FROM devices WHERE min_delay_seconds BETWEEN 2 AND 4") == 8


def test_a_run_that_there_is_not_is_refused_in_a_sentence() -> None:
    done = CliRunner().invoke(cli.app, ["bench", "--only", "slow"])
    assert done.exit_code == 1
    assert "There is no run slow. There are: paced_10000" in done.stderr


@pytest.mark.slow
def test_one_json_object_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    """The whole command: its own server, the engine's processes, one kill. Nothing else runs these processes."""
    asked = command.Asked(only=("drain", "crash"), devices=20, messages=200, crash=1, as_json=True)
    assert command.run(asked) == 0
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert report["drain"]["states"] == {"sent": 199, "suppressed": 1}
    assert report["crash"]["kills"] == 1
    assert report["crash"]["loops"][0]["clean_end"]
    assert report["settings"]["fsync"] == report["settings"]["synchronous_commit"] == "on"
    assert {each["figure"] for each in report["bars"]} == {bar.figure for name in ("drain", "crash") for bar in table.BARS[name]}
    assert report["machine"]["cores"] >= 1
    assert "drain begins" in said.err
