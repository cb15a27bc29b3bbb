"""A file that somebody sends: its reference is stored with the message, once, cleaned, and goes with the person."""

import json

import pytest

from hantar.accounts.model import Caller
from hantar.gateways import port
from hantar.inbox import model, receiver
from hantar.kit import clock, db
from hantar.people import service as people
from tests.inbox.stage import add_device, ask, said

BILL = port.MediaRef("document", "application/pdf", "Bill.pdf", 1234, "word-of-the-driver")


async def test_a_files_reference_is_stored_with_its_message_once(
    database: db.Database, alice: Caller, mallory: Caller, fake_clock: clock.FakeClock
) -> None:
    device = await add_device(database, alice)
    event = said(device, "", fake_clock.now(), wire="W1", media=BILL)
    for _ in range(3):
        await receiver.Receiver(database).take(event)
    (row,) = await ask(database, alice, "SELECT text, media FROM inbound_messages")
    expected = {"kind": "document", "mime": "application/pdf", "name": "Bill.pdf", "size": 1234, "ref": "word-of-the-driver"}
    assert (row["text"], row["media"]) == ("", expected)
    assert await ask(database, mallory, "SELECT media FROM inbound_messages") == []


async def test_a_stop_under_a_picture_is_a_stop(database: db.Database, alice: Caller, fake_clock: clock.FakeClock) -> None:
    device = await add_device(database, alice)
    picture = port.MediaRef("image", "image/jpeg", "", 10, "w")
    await receiver.Receiver(database).take(said(device, "STOP", fake_clock.now(), media=picture))
    assert len(await ask(database, alice, "SELECT 1 FROM suppressions WHERE released_at IS NULL")) == 1


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (port.MediaRef("audio", "audio/ogg", "a\x00\ud800b", -5, "w\x00x"), ("ab", 0, "wx")),
        (port.MediaRef("audio", "audio/ogg", "n" * 500, 5, "w" * model.LONGEST_REF), ("n" * 200, 5, "w" * model.LONGEST_REF)),
        (port.MediaRef("audio", "audio/ogg", "n", 5, "w" * (model.LONGEST_REF + 1)), None),
    ],
)
async def test_odd_references_are_cleaned_and_endless_ones_left_out(
    database: db.Database,
    alice: Caller,
    fake_clock: clock.FakeClock,
    given: port.MediaRef,
    kept: tuple[str, int, str] | None,
) -> None:
    device = await add_device(database, alice)
    await receiver.Receiver(database).take(said(device, "Here", fake_clock.now(), media=given))
    (row,) = await ask(database, alice, "SELECT media FROM inbound_messages")
    assert (row["media"] and (row["media"]["name"], row["media"]["size"], row["media"]["ref"])) == kept


async def test_a_persons_copy_names_the_file_and_not_how_it_is_fetched(
    database: db.Database, alice: Caller, fake_clock: clock.FakeClock
) -> None:
    device = await add_device(database, alice)
    await receiver.Receiver(database).take(said(device, "Here", fake_clock.now(), media=BILL))
    (person,) = await ask(database, alice, "SELECT id FROM persons")
    async with database.transaction(alice.workspace_id) as tx:
        made = await people.copy(tx, alice.workspace_id, person["id"])
    (message,) = made["messages_from_the_person"]
    assert message["file"] == {"kind": "document", "name": "Bill.pdf", "size": 1234}
    assert "word-of-the-driver" not in json.dumps(made, default=str)
