"""The real program, killed at random, engine and PostgreSQL: nothing lost, twice or early; then an ordinary stop."""

import os
import random
import time

import httpx
import pytest

from tests import checker
from tests.acceptance import fleet
from tests.acceptance.server import Server, wait_for

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(900)]

KILLS = int(os.environ.get("HANTAR_TEST_KILLS", "20"))
DEVICES = int(os.environ.get("HANTAR_TEST_DEVICES", "50"))
EACH = int(os.environ.get("HANTAR_TEST_EACH", "100"))
LEAST, MOST = 0.2, 0.4


def _status(server: Server, campaign: str) -> str:
    try:
        return str(server.call("GET", f"/campaigns/{campaign}")["status"])
    except (httpx.TransportError, AssertionError) as error:
        print(f"no answer: {str(error)[:200]}")
        return "away"


async def test_twenty_kills_lose_double_and_hurry_nothing(server: Server) -> None:
    seed = int(os.environ.get("HANTAR_TEST_SEED", random.SystemRandom().randrange(10**6)))
    print(f"seed {seed}")
    hand = random.Random(seed)
    server.start()
    server.sign_in()
    await fleet.lift_quota(server, DEVICES)
    devices = fleet.add_devices(server, DEVICES)
    result = fleet.import_leads(server, devices, EACH)
    assert result["created"] == DEVICES * EACH, result
    campaign = fleet.launch(server, LEAST, MOST)
    wait_for(lambda: _status(server, campaign) == "processing", 30)
    began = time.monotonic()
    recovered = []
    for number in range(KILLS):
        time.sleep(hand.uniform(0.3, 2.5))
        if number % 4 == 3:
            died = time.monotonic()
            server.kill_database()
        else:
            died = time.monotonic()
            server.kill()
            server.start()
        recovered.append(time.monotonic() - died)
        server.sign_in()
    left = wait_for(lambda: _status(server, campaign) in ("finished", "failed") or None, 240, every=0.5)
    assert left
    took = time.monotonic() - began
    rows = [dict(row) for row in await server.sql("SELECT * FROM messages")]
    verdict = checker.check(list(server.ledger()), rows, LEAST)
    print(
        f"{KILLS} kills, seed {seed}: {verdict}\n"
        f"{took:.0f} s in all; ready again after {sorted(recovered)[len(recovered) // 2]:.1f} s (median), "
        f"{max(recovered):.1f} s (longest)"
    )
    assert verdict.rows == DEVICES * EACH
    assert verdict.is_clean, str(verdict)
    assert server.stop() == 0
