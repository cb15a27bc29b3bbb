"""The fake clock: its instant and its seconds are one time, however many sleepers wake on the way."""

import asyncio
import random
from datetime import timedelta

from hantar.kit import clock


async def test_the_instant_keeps_step_with_the_seconds() -> None:
    """Rounding each step to microseconds would let them drift apart, and a message be late by a few of them."""
    time, chance = clock.FakeClock(), random.Random(1)
    start = time.now()
    sleepers = []
    for _ in range(200):
        sleepers += [asyncio.create_task(time.sleep(chance.uniform(0, 30))) for _ in range(3)]
        await time.advance(10)
    assert time.now() - start == timedelta(seconds=2000) == timedelta(seconds=time.monotonic())
    for each in sleepers:
        each.cancel()


async def test_a_jump_moves_the_instant_alone() -> None:
    time = clock.FakeClock()
    start = time.now()
    await time.advance(5)
    time.jump(timedelta(hours=-1))
    await time.advance(5)
    assert (time.now() - start, time.monotonic()) == (timedelta(seconds=10) - timedelta(hours=1), 10.0)
