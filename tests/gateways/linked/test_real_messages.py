"""Messages, files, verdicts and look-ups of a linked device's client, against a scripted library."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from hantar.gateways import port
from hantar.kit.clock import FakeClock
from tests.gateways.linked.protos import e2e
from tests.gateways.linked.scripted import MediaType, Script
from tests.gateways.linked.stage import ANN, HELLO, Stage

pytestmark = pytest.mark.usefixtures("quick_stop")


@pytest.fixture
async def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, FakeClock(), Script())


async def test_a_text_stays_the_text_it_is(stage: Stage) -> None:
    """As a `str` the library would look for numbers and groups in it and fetch the link; it is given an object."""
    api = await stage.linked()
    verdict = await stage.client.send(ANN, HELLO, ref="r")
    assert verdict == port.Accepted("3EB0000000000000000001", datetime.fromtimestamp(1796090400, UTC))
    ((to, message),) = api.sent
    assert (to.User, to.Server) == ("60123456789", "s.whatsapp.net")
    assert message == e2e.Message(conversation=HELLO.text)
    await stage.client.send(port.Address(None, "998877@lid"), HELLO, ref="r2")
    assert (api.sent[1][0].User, api.sent[1][0].Server) == ("998877", "lid")


async def test_an_answer_names_what_it_answers(stage: Stage) -> None:
    api = await stage.linked()
    await stage.client.send(ANN, port.Content("Yes", reply_to="3A01"), ref="r")
    message = api.sent[0][1].extendedTextMessage
    assert (message.text, message.contextInfo.stanzaID) == ("Yes", "3A01")
    assert message.contextInfo.participant == "60123456789@s.whatsapp.net"


def picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (400, 300), "teal").save(made, "JPEG")
    return made.getvalue()


async def test_a_picture_is_uploaded_once_for_many_people(stage: Stage) -> None:
    api = await stage.linked()
    content = port.Content("Look", port.MediaBytes("image/jpeg", picture()))
    for number in range(3):
        assert isinstance(await stage.client.send(ANN, content, ref=f"{number}"), port.Accepted)
    assert [kind for _, kind in api.uploads] == [MediaType.MediaImage]
    image = api.sent[2][1].imageMessage
    assert (image.caption, image.mimetype, image.width, image.height) == ("Look", "image/jpeg", 400, 300)
    assert (image.URL, image.mediaKey, image.fileLength) == ("https://mmg.example/x", b"1", len(picture()))
    assert max(Image.open(io.BytesIO(image.JPEGThumbnail)).size) == 96
    await stage.passes(4000)
    await stage.client.send(ANN, content, ref="later")
    assert len(api.uploads) == 2


async def test_files_of_every_kind(stage: Stage) -> None:
    api = await stage.linked()
    for mime, name, text in (
        ("video/mp4", "", "a film"),
        ("audio/ogg", "", ""),
        ("audio/ogg; codecs=opus", "", ""),
        ("audio/mpeg", "", ""),
        ("application/pdf", "list.pdf", ""),
        ("application/pdf", "list.pdf", "the list"),
        ("image/png", "", "no picture at all"),
    ):
        content = port.Content(text, port.MediaBytes(mime, mime.encode() + text.encode(), name))
        assert isinstance(await stage.client.send(ANN, content, ref=mime), port.Accepted)
    film, voice, named, song, plain, captioned, broken = (message for _, message in api.sent)
    assert (film.videoMessage.caption, film.videoMessage.mimetype) == ("a film", "video/mp4")
    assert (voice.audioMessage.PTT, voice.audioMessage.mimetype) == (True, "audio/ogg; codecs=opus")
    assert (named.audioMessage.PTT, named.audioMessage.mimetype) == (True, "audio/ogg; codecs=opus")
    assert (song.audioMessage.PTT, song.audioMessage.mimetype) == (False, "audio/mpeg")
    assert plain.documentMessage.fileName == "list.pdf"
    inner = captioned.documentWithCaptionMessage.message.documentMessage
    assert (inner.caption, inner.fileName) == ("the list", "list.pdf")
    assert broken.imageMessage.JPEGThumbnail == b""
    kinds = [kind for _, kind in api.uploads]
    assert kinds == [MediaType(number) for number in (1, 2, 2, 2, 3, 3, 0)]


async def test_words_that_would_be_lost_are_refused(stage: Stage) -> None:
    await stage.linked()
    content = port.Content("Listen", port.MediaBytes("audio/mpeg", b"sound"))
    assert await stage.client.send(ANN, content, ref="r") == port.Rejected(
        port.Reason.INVALID_CONTENT, "A sound has no caption: send the words on their own."
    )


async def test_verdicts_and_the_lock_on_new_chats(stage: Stage) -> None:
    api = await stage.linked()
    api.fails["send"] = ["server returned error 463", "timed out waiting for message send response", "websocket not connected"]
    locked = await stage.client.send(ANN, HELLO, ref="r")
    assert isinstance(locked, port.Deferred)
    assert locked.scope is port.Scope.NEW_CHATS
    (told,) = stage.told
    assert isinstance(told, port.ReachOutLocked)
    assert told.until is None
    assert isinstance(await stage.client.send(ANN, HELLO, ref="r"), port.Unconfirmed)
    assert isinstance(await stage.client.send(ANN, HELLO, ref="r"), port.DeviceLost)
    api.fails["upload"] = ["failed to execute request: EOF"]
    content = port.Content("", port.MediaBytes("application/pdf", b"%PDF"))
    assert isinstance(await stage.client.send(ANN, content, ref="r"), port.Deferred)
    assert api.sent == []


async def test_which_numbers_are_on_whatsapp(stage: Stage) -> None:
    with pytest.raises(port.NotPaired):
        await stage.client.check_numbers(["60123456780"])
    api = await stage.linked()
    answers = await stage.client.check_numbers(["60123456780", "60123456789"])
    assert api.asked == ["+60123456780", "+60123456789"]
    assert answers == [
        port.NumberStatus("60123456780", True, "60123456780@s.whatsapp.net"),
        port.NumberStatus("60123456789", False, None),
    ]
    api.fails["numbers"] = ["failed to send usync query: websocket not connected"]
    with pytest.raises(port.NotPaired):
        await stage.client.check_numbers(["60123456780"])
    api.fails["left out"] = []
    with pytest.raises(LookupError):  # no answer is not a no
        await stage.client.check_numbers(["60123456780", "60123456789"])


async def test_reading_and_typing(stage: Stage) -> None:
    api = await stage.linked()
    await stage.client.mark_read(ANN, ["3A01", "3A02"])
    await stage.client.typing(ANN, True)
    await stage.client.typing(ANN, False)
    ((wire_ids, chat, sender, _),) = api.read
    assert (wire_ids, chat.User, sender.User) == (("3A01", "3A02"), "60123456789", "60123456789")
    assert [state.name for _, state in api.typed] == ["CHAT_PRESENCE_COMPOSING", "CHAT_PRESENCE_PAUSED"]
