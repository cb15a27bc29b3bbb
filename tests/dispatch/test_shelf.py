"""Files at hand for sending: read once for many messages, held within a bound, read again after a failure."""

import asyncio

import pytest

from hantar.dispatch import shelf
from hantar.gateways import port
from hantar.kit import db


class Cupboard:
    """Counts how often each file is read, and waits until a test lets it answer."""

    def __init__(self, size: int = 10) -> None:
        self.size, self.reads = size, list[str]()
        self.open = asyncio.Event()
        self.error: Exception | None = None

    async def load(self, workspace_id: str, media_id: str) -> port.MediaBytes:
        self.reads.append(media_id)
        await self.open.wait()
        if self.error:
            raise self.error
        return port.MediaBytes("video/mp4", media_id.encode().ljust(self.size))


async def test_messages_that_ask_at_once_read_a_file_once() -> None:
    cupboard = Cupboard()
    held = shelf.Shelf(cupboard.load)
    asking = [asyncio.create_task(held.get("w", "film")) for _ in range(1000)]
    await asyncio.sleep(0)
    asking[0].cancel()
    cupboard.open.set()
    found = await asyncio.gather(*asking[1:])
    assert len({id(each) for each in found}) == 1
    assert (await held.get("w", "film")) is found[0]
    assert cupboard.reads == ["film"], "not once for each message, also when the first to ask is given up"


async def test_only_so_many_bytes_are_held_and_the_newest_stay() -> None:
    cupboard = Cupboard(size=40)
    cupboard.open.set()
    held = shelf.Shelf(cupboard.load, most=100)
    for media_id in ("a", "b", "a", "c", "a", "b"):
        await held.get("w", media_id)
    assert cupboard.reads == ["a", "b", "c", "b"], "b was used longest ago when c came"


async def test_a_file_larger_than_the_bound_is_held_alone() -> None:
    cupboard = Cupboard(size=500)
    cupboard.open.set()
    held = shelf.Shelf(cupboard.load, most=100)
    for media_id in ("a", "a", "b", "b", "a"):
        await held.get("w", media_id)
    assert cupboard.reads == ["a", "b", "a"]


async def test_after_a_failure_the_file_is_read_again() -> None:
    cupboard = Cupboard()
    held = shelf.Shelf(cupboard.load)
    cupboard.error = db.DatabaseAway()
    cupboard.open.set()
    for _ in range(2):
        with pytest.raises(db.DatabaseAway):
            await held.get("w", "film")
    cupboard.error = None
    assert (await held.get("w", "film")).mime == "video/mp4"
    assert cupboard.reads == ["film"] * 3


async def test_the_same_id_in_another_workspace_is_another_file() -> None:
    cupboard = Cupboard()
    cupboard.open.set()
    held = shelf.Shelf(cupboard.load)
    await held.get("w", "film")
    await held.get("v", "film")
    assert cupboard.reads == ["film", "film"]
