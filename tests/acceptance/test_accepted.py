"""I-04: what was answered 202 is in the outbox whatever dies, and leaves once. The mutant answers before it has committed."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests import checker
from tests.acceptance import fleet
from tests.acceptance.server import Server, wait_for

pytestmark = [pytest.mark.acceptance, pytest.mark.slow, pytest.mark.timeout(240)]

POSTS = 500
DEVICES = 10
AT_ONCE = 8
HASTY = """
import asyncio, contextlib
from hantar.accounts import access
from hantar.outbox import http

class Late(access.At):
    @contextlib.asynccontextmanager
    async def tx(self):
        door = super().tx()
        yield await door.__aenter__()
        async def commit():
            await asyncio.sleep(0.2)
            await door.__aexit__(None, None, None)
        Late.tasks.append(asyncio.create_task(commit()))

Late.tasks = []
send = http._send

async def hasty(at, *rest):
    return await send(Late(at.caller, at.db, at.clock, at.parts), *rest)

http._send = hasty
"""
"""A bug put back into the program: single messages are committed a moment after they were answered for."""


def post(server: Server, devices: list[str], kill_after: int, wait: float) -> set[str]:
    """Send messages from many threads, and kill program and database when so many were taken; returns the ids of those."""
    taken: set[str] = set()  # adding is one step, whatever the thread
    enough = threading.Event()

    def one(number: int) -> None:
        body = {"device_id": devices[number % len(devices)], "phone": f"+6012{3_000_000 + number}", "message": "Hello"}
        try:
            reply = server.http.post("/api/send/message", json=body)
        except httpx.TransportError:
            return
        if reply.status_code == 202:
            taken.add(reply.json()["message_id"])
        if len(taken) >= kill_after:
            enough.set()

    with ThreadPoolExecutor(AT_ONCE) as crowd:
        asked = [crowd.submit(one, number) for number in range(POSTS)]
        assert enough.wait(60), f"{len(taken)} were taken"
        time.sleep(wait)
        server.kill_both()
        for each in asked:
            each.result()
    return taken


async def missing(server: Server, taken: set[str]) -> set[str]:
    """Which of these are not in the outbox of the program that runs now."""
    rows = await server.sql("SELECT id FROM messages WHERE id = ANY($1::uuid[])", sorted(taken))
    return taken - {str(row["id"]) for row in rows}


async def began(server: Server, devices: int) -> list[str]:
    """Devices of a program that runs."""
    server.start()
    server.sign_in()
    await fleet.lift_quota(server, devices)
    return fleet.add_devices(server, devices)


async def test_what_was_accepted_survives_and_leaves_once(server: Server) -> None:
    seed = random.SystemRandom().randrange(10**6)
    hand = random.Random(seed)
    taken = post(server, await began(server, DEVICES), hand.randrange(50, POSTS - 100), hand.uniform(0, 0.05))
    server.start()
    assert await missing(server, taken) == set(), f"seed {seed}"
    server.sign_in()

    def is_over() -> bool:
        figures = server.call("GET", "/broadcast/stats")
        return not figures["queued"]

    wait_for(is_over, 60, every=0.5)
    rows = [dict(row) for row in await server.sql("SELECT * FROM messages")]
    verdict = checker.check(list(server.ledger()), rows, 0)
    assert (verdict.lost, verdict.duplicated) == (0, 0), f"seed {seed}: {verdict}"
    assert verdict.rows >= len(taken)


async def test_mutant_an_answer_before_the_commit_is_lost(server: Server) -> None:
    server.mutant = HASTY
    taken = post(server, await began(server, 2), 50, 0)
    server.mutant = ""
    server.start()
    assert await missing(server, taken), "the mutant lives"
