"""Files of every kind in the browser: attached to a campaign, seen before they go, played, sent."""

import re

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.acceptance.server import Server
from tests.browser.conftest import add_device, add_leads
from tests.browser.test_campaigns import part, state, write_basics
from tests.media import samples

pytestmark = [pytest.mark.browser, pytest.mark.slow]


SECONDS = """player => new Promise(tell => {
  const look = () => player.error ? tell(-1) : player.readyState > 0 && tell(player.duration);
  for (const event of ['loadedmetadata', 'error']) player.addEventListener(event, look);
  look();
})"""
"""How long a player's file is, once it knows; -1 when it cannot play it."""


def payload(name: str, data: bytes) -> FilePayload:
    """A file as a person chooses it; the browser's word for its type means nothing."""
    return FilePayload(name=name, mimeType="application/octet-stream", buffer=data)


@pytest.fixture(scope="module")
def shop(product: Server) -> str:
    """A device that is online, with two leads; returns its id."""
    device = add_device(product, "Film shop", "60125000001")
    add_leads(product, device, "FILM", ["Faiz", "Grace"], 60125100001)
    return device


def test_a_document_and_a_video_are_attached_seen_and_sent(page: Page, product: Server, shop: str) -> None:
    """A document shows name and size; a video is fetched by its player; the campaign goes out with it."""
    page.goto("/campaigns/new")
    write_basics(page, "New film", "FILM")
    part(page, "editor-next").click()
    part(page, "message-text").fill("Hi {{ name }}, have a look")

    part(page, "file-choose").set_input_files(files=[payload("Prices 2026.pdf", samples.pdf(size=200_000))])
    expect(part(page, "file-stored")).to_have_attribute("data-kind", "document")
    expect(part(page, "file-name")).to_have_text("Prices 2026.pdf")
    expect(part(page, "file-size")).to_have_text("Document · 200 KB")
    expect(part(page, "preview-document")).to_contain_text("Prices 2026.pdf")
    expect(part(page, "preview-document")).to_contain_text("200 KB")

    part(page, "file-remove").click()
    expect(part(page, "preview-document")).to_have_count(0)
    part(page, "file-choose").set_input_files(files=[payload("page.pdf", b"<html><script>alert(1)</script>")])
    expect(part(page, "file")).to_contain_text("This kind of file cannot be sent")

    with page.expect_response(lambda reply: "/api/media/" in reply.url and reply.status in (200, 206)):
        part(page, "file-choose").set_input_files(files=[payload("film.mp4", samples.mp4(size=900_000))])
        expect(part(page, "preview-video")).to_be_visible()
    expect(part(page, "file-stored").locator("video")).to_be_visible()
    part(page, "editor-next").click()
    part(page, "when-min").fill("0")
    part(page, "when-max").fill("1")
    part(page, "editor-next").click()
    expect(part(page, "plan-people")).to_contain_text("Hi Grace, have a look")
    part(page, "plan-finish").click()
    expect(state(page)).to_have_attribute("data-state", "finished", timeout=40_000)
    expect(part(page, "preview-video")).to_be_visible()
    found = re.search(r"/campaigns/([0-9a-f-]{36})", page.url)
    assert found
    made = product.call("GET", f"/campaigns/{found[1]}")
    assert (made["message_type"], made["media"]["name"], made["counts"]["sent"]) == ("video", "film.mp4", 2)


def test_a_sound_plays_and_goes_without_a_text(page: Page, product: Server, shop: str) -> None:
    """The player can read the sound; a text beside it is refused in words; alone it goes to one number."""
    page.goto("/campaigns/new")
    write_basics(page, "Listen", "FILM")
    part(page, "editor-next").click()
    part(page, "message-text").fill("Listen to this")
    part(page, "file-choose").set_input_files(files=[payload("song.mp3", samples.mp3(frames=80))])
    sound = part(page, "preview-audio")
    expect(sound).to_be_visible()
    assert sound.evaluate(SECONDS) > 1
    part(page, "editor-next").click()
    expect(page.get_by_text("WhatsApp shows no text with audio.").first).to_be_visible()

    page.goto(f"/devices/{shop}?tab=actions")
    page.get_by_test_id("send-file-phone").fill("60125100001")
    page.get_by_test_id("send-file-caption").fill("gone when a sound is chosen")
    page.get_by_test_id("send-file-choose").set_input_files(files=[payload("song.mp3", samples.mp3(frames=80))])
    expect(page.get_by_test_id("send-file-name")).to_have_text("song.mp3")
    expect(page.get_by_test_id("send-file-caption")).to_have_count(0)
    page.get_by_test_id("send-file-submit").click()
    expect(page.get_by_test_id("device-log")).to_contain_text("Audio")
    sent = product.call("GET", f"/messages?device_id={shop}&kind=direct")["items"]
    assert [(each["message_type"], each["text"]) for each in sent] == [("audio", "")]
