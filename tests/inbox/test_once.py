"""I-17: what comes in counts once, whole or not at all, however often, in whatever order and by whomever it is brought."""

import asyncio
import random
from typing import Any

import asyncpg
import pytest

from hantar.accounts.model import Caller
from hantar.gateways import port
from hantar.inbox import receiver, replies, service, store
from hantar.kit import clock, db
from hantar.kit.ids import new_id
from hantar.outbox import service as outbox
from tests.inbox.stage import ANN, BEN, LID, add_device, ask, count, linked, said

WORDS = ("STOP", "Hello", "How much?", "please stop", "👍")
PEOPLE = ((ANN, None), (BEN, None), (None, LID), ("60123450003", "88@lid"))


def crowd(device: str, at: Any) -> list[port.Event]:
    """What four people write, and what the service says about two names."""
    events: list[port.Event] = [said(device, text, at, phone=phone, lid=lid) for phone, lid in PEOPLE for text in WORDS]
    return [*events, linked(device, at), linked(device, at, "60123450003", "88@lid")]


async def bring(receivers: list[receiver.Receiver], events: list[port.Event], hand: random.Random) -> None:
    """Each event five times, shuffled, by any of the receivers, all at once; what is given back is brought again."""
    many = events * 5
    hand.shuffle(many)

    async def one(event: port.Event) -> None:
        for _ in range(50):
            try:
                return await hand.choice(receivers).take(event)
            except db.DatabaseAway:
                continue
        raise TimeoutError("never taken")

    await asyncio.gather(*(one(event) for event in many))


@pytest.mark.parametrize("seed", range(3))
async def test_each_event_five_times_by_two_receivers_counts_once(
    database: db.Database, fake_clock: clock.FakeClock, alice: Caller, seed: int
) -> None:
    device = await add_device(database, alice)
    events = crowd(device, fake_clock.now())
    await bring([receiver.Receiver(database), receiver.Receiver(database)], events, random.Random(seed))
    wires = await ask(database, alice, "SELECT wire_id FROM inbound_messages")
    assert len(wires) == len({row["wire_id"] for row in wires}) == len(PEOPLE) * len(WORDS)
    people = await ask(database, alice, "SELECT id, phone FROM persons ORDER BY phone")
    assert [row["phone"] for row in people] == [ANN, BEN, "60123450003"], "the opaque id belongs to Ann"
    live = await ask(database, alice, "SELECT person_id FROM suppressions WHERE released_at IS NULL")
    assert {row["person_id"] for row in live} == {row["id"] for row in people}
    confirmations = await ask(database, alice, "SELECT source_id FROM messages WHERE duty IS NOT NULL")
    assert len(confirmations) == len({row["source_id"] for row in confirmations})
    assert len(people) <= len(confirmations) <= len(PEOPLE), "two names stop before they turn out to be one person"


async def test_mutant_without_the_unique_key_counts_twice(
    database: db.Database, fake_clock: clock.FakeClock, alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I-17 mutant: no key on device and wire id, and a look beforehand instead of it."""
    connection = await asyncpg.connect(database.dsn)
    await connection.execute("ALTER TABLE inbound_messages DROP CONSTRAINT inbound_messages_workspace_id_device_id_wire_id_key")
    await connection.close()

    async def add(tx: db.Tx, place: Any, came: store.Incoming) -> str:
        made = new_id()
        sql = """INSERT INTO inbound_messages (workspace_id, id, device_id, person_id, wire_id, at, received_at, meaning)
                 VALUES ($1, $2, $3, $4, $5, $6, $6, $7)"""
        head = (place.workspace_id, made, place.device_id, came.person_id, came.wire_id, came.at)
        await tx.execute(sql, *head, came.meaning)
        return made

    monkeypatch.setattr(store, "add", add)
    device = await add_device(database, alice)
    events: list[port.Event] = [said(device, f"Hello {n}", fake_clock.now()) for n in range(10)]
    await bring([receiver.Receiver(database) for _ in range(5)], events, random.Random(1))
    assert await count(database, alice, "inbound_messages") > len(events), "the mutant lives"


@pytest.mark.parametrize(
    ("module", "name"), [(store, "wrote"), (outbox, "opt_out"), (replies, "confirm"), (service, "_opt_out_of")]
)
async def test_a_stop_is_stored_with_all_that_follows_or_not_at_all(
    database: db.Database, fake_clock: clock.FakeClock, alice: Caller, monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    """The process dies anywhere between the message and its confirmation: nothing is there, and the repeat does it all."""
    device = await add_device(database, alice)
    taker, event = receiver.Receiver(database), said(device, "STOP", fake_clock.now())

    async def dies(*_values: Any, **_more: Any) -> None:
        raise RuntimeError("the lights went out")

    with monkeypatch.context() as patch:
        patch.setattr(module, name, dies)
        with pytest.raises(RuntimeError):
            await taker.take(event)
    for table in ("inbound_messages", "chats", "suppressions", "suppression_keys", "messages"):
        assert await count(database, alice, table) == 0, table
    await taker.take(event)
    await taker.take(event)  # the answer to the first was lost
    for table in ("inbound_messages", "chats", "suppressions", "suppression_keys", "messages"):
        assert await count(database, alice, table) == 1, table


async def test_the_words_of_one_device_are_taken_in_their_order(
    database: db.Database, fake_clock: clock.FakeClock, alice: Caller
) -> None:
    """A START right after a STOP, and the other way round, brought in one breath."""
    device, taker = await add_device(database, alice), receiver.Receiver(database)
    for number, (texts, is_live) in enumerate(((("STOP", "START"), False), (("START", "STOP"), True))):
        phone = f"6012345100{number}"
        events = []
        for text in texts:
            await fake_clock.advance(1)
            events.append(said(device, text, fake_clock.now(), phone=phone))
        await asyncio.gather(*(taker.take(event) for event in events))
        sql = """SELECT s.released_at FROM suppressions s JOIN persons p ON p.id = s.person_id WHERE p.phone = $1"""
        (row,) = await ask(database, alice, sql, phone)
        assert (row["released_at"] is None) is is_live


async def test_while_the_database_is_away_the_event_is_given_back(
    database: db.Database, fake_clock: clock.FakeClock, alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, taker = await add_device(database, alice), receiver.Receiver(database)
    event = said(device, "STOP", fake_clock.now())

    async def away(*_values: Any) -> None:
        raise db.DatabaseAway

    with monkeypatch.context() as patch:
        patch.setattr(store, "is_known", away)
        for _ in range(20):  # as often as it takes: it is never given up
            with pytest.raises(db.DatabaseAway):
                await taker.take(event)
    await taker.take(event)
    assert await count(database, alice, "suppressions") == 1


async def test_an_event_that_cannot_be_stored_holds_nobody_back(
    database: db.Database, fake_clock: clock.FakeClock, alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, taker = await add_device(database, alice), receiver.Receiver(database)
    bad, good = said(device, "bad", fake_clock.now()), said(device, "STOP", fake_clock.now(), phone=BEN)
    add = store.add

    async def breaks(tx: db.Tx, place: Any, came: store.Incoming) -> Any:
        if came.text == "bad":
            raise LookupError("something of its own")
        return await add(tx, place, came)

    monkeypatch.setattr(store, "add", breaks)
    for _ in range(receiver.TRIES - 1):
        with pytest.raises(LookupError):
            await taker.take(bad)
    await taker.take(good)
    await taker.take(bad)  # given up, with an alarm in the log
    assert await count(database, alice, "suppressions") == 1


@pytest.mark.parametrize(
    "text",
    ["STOP\x00", "STOP\ud800", "\u200bSTOP\u200b", "S" * 200_000, "", "STOP\n\n"],
    ids=["nul", "half", "unseen", "long", "none", "lines"],
)
async def test_any_text_can_be_stored(database: db.Database, fake_clock: clock.FakeClock, alice: Caller, text: str) -> None:
    device, taker = await add_device(database, alice), receiver.Receiver(database)
    event = said(device, text, fake_clock.now(), wire="W\x001", push_name="Ann\x00\udfff", quoted_wire_id="Q\x00")
    await taker.take(event)
    (row,) = await ask(database, alice, "SELECT text, push_name, meaning FROM inbound_messages")
    assert "\x00" not in row["text"]
    assert row["push_name"] == "Ann"
    assert row["meaning"] == ("stop" if "STOP" in text else "none")


@pytest.mark.parametrize(
    "sender", [port.Address(), port.Address("12"), port.Address("status@broadcast"), port.Address(None, "  ")]
)
async def test_a_sender_without_a_name_is_nobody(
    database: db.Database, fake_clock: clock.FakeClock, alice: Caller, sender: port.Address
) -> None:
    device, taker = await add_device(database, alice), receiver.Receiver(database)
    event = port.MessageReceived(device_id=device, event_id="W1", at=fake_clock.now(), sender=sender, wire_id="W1", text="STOP")
    await taker.take(event)
    assert await count(database, alice, "persons") == await count(database, alice, "inbound_messages") == 0


async def test_an_unknown_device_is_nobody_s(database: db.Database, fake_clock: clock.FakeClock, alice: Caller) -> None:
    taker = receiver.Receiver(database)
    await taker.take(said(new_id(), "STOP", fake_clock.now()))
    assert await count(database, alice, "inbound_messages") == 0
    assert taker._locks == {}, "nothing is kept of it"


async def test_words_reach_the_device_s_own_workspace_alone(
    database: db.Database, fake_clock: clock.FakeClock, alice: Caller, mallory: Caller
) -> None:
    device = await add_device(database, alice)
    await receiver.Receiver(database).take(said(device, "STOP", fake_clock.now()))
    assert await count(database, alice, "suppressions") == 1
    for table in ("suppressions", "inbound_messages", "persons", "messages"):
        assert await count(database, mallory, table) == 0


async def test_a_clock_ahead_of_ours_opens_no_window_in_the_future(
    database: db.Database, fake_clock: clock.FakeClock, alice: Caller
) -> None:
    device, now = await add_device(database, alice), fake_clock.now()
    await receiver.Receiver(database).take(said(device, "Hi", now.replace(year=2036)))
    (row,) = await ask(database, alice, "SELECT last_in_at FROM chats")
    assert row["last_in_at"] == now


# ---------------------------------------------------------------- history
async def test_history_is_stored_and_only_words_since_the_link_count(
    database: db.Database, fake_clock: clock.FakeClock, alice: Caller
) -> None:
    """Pieces overlap with each other and with live messages."""
    at_link = fake_clock.now()
    device = await add_device(database, alice, linked_at=at_link)
    await fake_clock.advance(3600)
    old = said(device, "STOP", at_link.replace(hour=1), phone=ANN)
    missed = said(device, "STOP", fake_clock.now(), phone=BEN)
    answered = port.MessageSentElsewhere(
        device_id=device, event_id="OUT1", at=at_link.replace(hour=0), to=port.Address(ANN), wire_id="OUT1", text="Yes"
    )
    pieces = [
        port.HistoryBatch(device_id=device, event_id="H1", at=fake_clock.now(), messages=(missed, old)),
        port.HistoryBatch(device_id=device, event_id="H2", at=fake_clock.now(), messages=(old, answered)),
    ]
    taker = receiver.Receiver(database)
    for piece in (*pieces, *pieces):
        await taker.take(piece)
    await taker.take(missed)
    assert await count(database, alice, "inbound_messages") == 2
    out = await ask(database, alice, "SELECT p.phone FROM suppressions s JOIN persons p ON p.id = s.person_id")
    assert [row["phone"] for row in out] == [BEN]
    (chat,) = await ask(database, alice, "SELECT c.* FROM chats c JOIN persons p ON p.id = c.person_id WHERE p.phone = $1", ANN)
    assert chat["first_in_at"] == old.at
    assert chat["first_out_at"] == answered.at
    assert await count(database, alice, "consents") == 0, "words that were not said to us give us nothing either"
