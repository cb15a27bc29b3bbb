"""A file from the upload to the driver: single messages and campaigns of every kind, whole and under its name, read once."""

import hashlib
from typing import Any

import pytest

from hantar.accounts.model import Caller
from hantar.dispatch import shelf
from hantar.gateways import port
from hantar.kit import errors
from tests import cast
from tests.fleet import Fleet
from tests.media import samples

FILM = samples.mp4(size=1_500_000)
KINDS = {
    "video": ("film.mp4", FILM),
    "audio": ("voice.ogg", samples.ogg()),
    "document": ("Prices 2026.pdf", samples.pdf(size=1_200_000)),
}


class Watched:
    """What reaches the driver, and how often the database is asked for a file."""

    def __init__(self, fleet: Fleet) -> None:
        self.sent: list[port.Content] = []
        self.reads = 0
        send, held = fleet.driver.send, fleet.engine.sender._files
        load = held._load

        def watch(device: port.DeviceRef, to: port.Address, content: port.Content, *, ref: str) -> Any:
            self.sent.append(content)
            return send(device, to, content, ref=ref)

        async def read(workspace_id: str, media_id: str) -> port.MediaBytes:
            self.reads += 1
            return await load(workspace_id, media_id)

        fleet.driver.send = watch  # type: ignore[method-assign]
        held._load = read


async def upload(http: cast.Http, caller: Caller, kind: str) -> dict[str, Any]:
    made = await http(caller).post("/api/media", files={"file": (*KINDS[kind], "text/html")})
    assert made.status_code == 201, made.text
    body: dict[str, Any] = made.json()
    return body


@pytest.mark.parametrize("kind", KINDS)
async def test_a_file_goes_to_one_person_whole_and_under_its_name(
    fleet: Fleet, http: cast.Http, alice: Caller, kind: str
) -> None:
    (device,) = await fleet.add_devices(1)
    watched, file, client = Watched(fleet), await upload(http, alice, kind), http(alice)
    caption = "" if kind == "audio" else "As promised"
    asked = {"device_id": device, "phone": "60123456780", "media_id": file["id"], "caption": caption}
    reply = await client.post("/api/send/file", json=asked)
    assert reply.status_code == 202, reply.text
    assert reply.json()["message"]["message_type"] == kind
    await fleet.run(3)
    message = (await client.get(f"/api/messages/{reply.json()['message_id']}")).json()
    assert (message["status"], message["message_type"], message["text"]) == ("sent", kind, caption)
    (content,) = watched.sent
    name, data = KINDS[kind]
    assert content.text == caption
    assert content.media == port.MediaBytes(file["mime"], data, name, hashlib.sha256(data).digest())
    (line,) = (line for line in fleet.book.lines() if line["effect"] == "sent")
    digest = hashlib.blake2b(caption.encode() + b"\x00" + hashlib.sha256(data).digest(), digest_size=16)
    assert line["body"] == digest.hexdigest()


async def test_a_text_with_audio_is_refused_and_nothing_is_queued(fleet: Fleet, http: cast.Http, alice: Caller) -> None:
    (device,) = await fleet.add_devices(1)
    file, client = await upload(http, alice, "audio"), http(alice)
    to = {"device_id": device, "phone": "60123456780", "media_id": file["id"]}
    for path, words in (("/api/send/file", {"caption": "Listen"}), ("/api/send/image", {"caption": "Listen"})):
        reply = await client.post(path, json={**to, **words})
        assert reply.status_code == 422
        assert [(each["field"], each["code"]) for each in reply.json()["errors"]] == [("caption", "no_caption")]
    assert await fleet.rows() == []
    with pytest.raises(errors.Invalid) as refused:
        await fleet.launch(media_id=file["id"])
    assert [(each.field, each.code) for each in refused.value.errors] == [("message", "no_caption")]
    assert await fleet.launch(media_id=file["id"], text="")


async def test_a_caption_that_is_too_long_is_refused(fleet: Fleet, http: cast.Http, alice: Caller) -> None:
    file = await upload(http, alice, "document")
    with pytest.raises(errors.Invalid) as refused:
        await fleet.launch(media_id=file["id"], text="x" * 1025)
    assert [(each.field, each.code) for each in refused.value.errors] == [("message", "caption_too_long")]


async def test_a_campaign_reads_its_film_once_for_everybody(fleet: Fleet, http: cast.Http, alice: Caller) -> None:
    watched, file = Watched(fleet), await upload(http, alice, "video")
    people = []
    for number, device in enumerate(await fleet.add_devices(10)):
        phones = [f"6012{number}{each:06d}" for each in range(8)]
        people += phones
        await fleet.add_leads(device, phones)
    await fleet.launch(media_id=file["id"], text="Look, {{ name }}", min_delay_seconds=1.0, max_delay_seconds=1.0)
    await fleet.run(60, 0.5)
    assert sorted(fleet.reached()) == sorted(people)
    assert watched.reads == 1, "not once for each message"
    assert {id(content.media) for content in watched.sent} == {id(watched.sent[0].media)}
    assert len(watched.sent[0].media.data) == len(FILM)  # type: ignore[union-attr]
    assert len(FILM) <= shelf.MOST


async def test_mallorys_message_carries_no_file_of_alice(fleet: Fleet, http: cast.Http, alice: Caller, mallory: Caller) -> None:
    (device,) = await fleet.add_devices(1)
    file = await upload(http, alice, "document")
    asked = {"device_id": device, "phone": "60123456780", "media_id": file["id"]}
    reply = await http(mallory).post("/api/send/file", json=asked)
    assert [(each["field"], each["code"]) for each in reply.json()["errors"]] == [("media_id", "unknown_media")]
