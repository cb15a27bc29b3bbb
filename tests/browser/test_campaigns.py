"""A campaign in the browser: from linking a device to the last tick in the report; pausing, refusals, drafts, settling."""

import base64
import re
import struct
import zlib
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.acceptance.server import Server, wait_for
from tests.browser.conftest import add_device, add_leads

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TITLE = "Spring offer 🌸"


def part(page: Page, name: str) -> Locator:
    """A part by its test id, without the folder's name."""
    return page.get_by_test_id(f"campaigns-{name}")


def png(width: int = 640, height: int = 480) -> bytes:
    """A picture that does not compress to nothing."""
    rows = b"".join(b"\x00" + bytes((x * y + x) % 256 for x in range(width * 3)) for y in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def write_basics(page: Page, title: str, niche: str) -> None:
    """Fill in the editor's first step."""
    part(page, "basics-title").fill(title)
    part(page, "basics-niches").click()
    page.get_by_role("option", name=re.compile(f"^{niche} ")).click()
    page.keyboard.press("Escape")


def state(page: Page) -> Locator:
    """The state badge of a campaign's page."""
    return part(page, "page-state")


@pytest.fixture(scope="module")
def desk(product: Server) -> str:
    """A device that is online, with leads of three niches; returns its id."""
    device = add_device(product, "Front desk", "60121000001")
    add_leads(product, device, "TEA", ["Aisyah", "Budi 🌸", "Chidi"], 60123000001)
    add_leads(product, device, "SLOW", [f"Slow {n}" for n in range(1, 31)], 60123000101)
    return device


def test_from_an_empty_account_to_the_last_tick(page: Page, product: Server) -> None:
    """The main path, as a new user walks it."""
    page.goto("/devices")
    page.get_by_test_id("devices-page-add").click()
    page.get_by_test_id("device-form-name").fill("Shop")
    page.get_by_test_id("device-form-submit").click()
    page.get_by_test_id("qr-simulate-scan").click()
    expect(page.get_by_test_id("qr-connected")).to_be_visible()
    device = next(each for each in product.call("GET", "/devices")["items"] if each["name"] == "Shop")
    product.call("PUT", f"/devices/{device['id']}", json={"min_delay_seconds": 0, "max_delay_seconds": 0})
    add_leads(product, device["id"], "COFFEE", ["Anna", "Björn", "Chen Wei", "Dönüş", "Eve 🌸"], 60124000001)

    page.goto("/campaigns")
    part(page, "list-new").click()
    write_basics(page, TITLE, "COFFEE")
    expect(part(page, "basics-count")).to_have_text("5 leads on 1 device match")
    part(page, "editor-next").click()
    part(page, "message-text").fill('Hi *{{ name | default: "there" }}*, coffee today?')
    expect(part(page, "preview-bubble").locator("strong")).to_be_visible()
    picture = FilePayload(name="cup.png", mimeType="image/png", buffer=png())
    part(page, "file-choose").set_input_files(files=[picture])
    expect(part(page, "file-size")).to_contain_text("KB")
    expect(part(page, "preview-image")).to_be_visible()
    part(page, "editor-next").click()
    part(page, "when-min").fill("0")
    part(page, "when-max").fill("1")
    part(page, "editor-next").click()

    expect(part(page, "plan-gets")).to_contain_text("5")
    expect(part(page, "plan-people").locator("tbody tr")).to_have_count(5)
    expect(part(page, "plan-people")).to_contain_text("Hi *Eve 🌸*, coffee today?")
    expect(part(page, "plan-finish")).to_have_text("Start now: 5 people")
    part(page, "plan-finish").click()

    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
    expect(state(page)).to_have_attribute("data-state", "finished", timeout=40_000)
    expect(part(page, "count-sent")).to_have_attribute("data-value", "5")
    part(page, "tab-recipients").click()
    expect(page.locator("[role=img][data-state=delivered], [role=img][data-state=read]").first).to_be_visible(timeout=30_000)
    part(page, "tab-report").click()
    expect(part(page, "report-done")).to_contain_text("5")
    part(page, "report-open-success").click()
    expect(part(page, "report-drawer").locator("tbody tr")).to_have_count(5)
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        part(page, "report-csv").click()
    assert "Shop,online,5" in Path(download.value.path()).read_text(encoding="utf-8-sig")


def test_pause_resume_and_cancel_take_effect(page: Page, desk: str, product: Server) -> None:
    """A slow campaign stops at once, goes on, and ends for good."""
    body = {"title": "Slow one", "niche": "SLOW", "target_status": "all", "message": "Hi", "hold": True}
    made = product.call("POST", "/campaigns", json=body | {"min_delay_seconds": 1, "max_delay_seconds": 2})
    page.goto(f"/campaigns/{made['id']}")
    part(page, "page-start").click()
    expect(part(page, "start-confirm")).to_have_text("Start now: 30 people")
    part(page, "start-confirm").click()
    expect(part(page, "count-sent")).to_have_attribute("data-value", re.compile("[1-9]"), timeout=20_000)

    part(page, "page-pause").click()
    expect(state(page)).to_have_attribute("data-state", "paused")
    part(page, "tab-recipients").click()
    expect(part(page, "recipients-table")).to_contain_text("The campaign is paused")
    part(page, "page-resume").click()
    expect(state(page)).to_have_attribute("data-state", "processing")

    part(page, "page-cancel").click()
    expect(part(page, "cancel-count")).to_contain_text(re.compile(r"\d+ messages will not be sent"))
    part(page, "cancel-confirm").click()
    expect(state(page)).to_have_attribute("data-state", "cancelled")
    counts = product.call("GET", f"/campaigns/{made['id']}")["counts"]
    assert counts["sent"] + counts["skipped"] == 30
    assert counts["cancelled"] > 20

    part(page, "page-delete").click()
    page.get_by_test_id("confirm-delete").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Campaigns")
    expect(page.get_by_text("Slow one")).to_have_count(0)


def test_what_is_wrong_stands_on_its_field(page: Page, desk: str) -> None:
    """Checks of the page and of the server lead to the step and the field."""
    page.goto("/campaigns/new?step=plan")
    wrong = part(page, "plan-fix-first")
    expect(wrong).to_contain_text("Give the campaign a title.")
    expect(wrong).to_contain_text("Write a message, add a file, or both.")
    wrong.get_by_role("button", name="Give the campaign a title.").click()
    write_basics(page, "Wrong", "TEA")
    part(page, "step-when").click()
    part(page, "when-min").fill("30")
    part(page, "when-max").fill("10")
    part(page, "step-message").click()
    part(page, "message-text").fill("Hi {{ favourite_colour }}")
    part(page, "step-plan").click()
    expect(wrong).to_contain_text("must not be shorter than the shortest")
    part(page, "step-when").click()
    part(page, "when-max").fill("40")
    part(page, "step-plan").click()
    expect(wrong).to_contain_text("No lead has “favourite_colour”")
    wrong.get_by_role("button").click()
    expect(page.get_by_text("No lead has “favourite_colour”")).to_be_visible()


def test_a_picture_by_data_url_and_pictures_that_are_none(page: Page, desk: str) -> None:
    """A data URL is stored like a file; rubbish is refused on the field, and the same file can be chosen again."""
    page.goto("/campaigns/new?step=message")
    address, fetch = part(page, "file-address"), part(page, "file-fetch")
    for bad in ("data:image/png;base64,AAAA", "data:image/svg+xml;base64,PHN2Zy8+", "http://127.0.0.1/cup.png"):
        address.fill(bad)
        fetch.click()
        expect(part(page, "file").first.locator(".mantine-InputWrapper-error")).to_be_visible()
        expect(fetch).to_be_enabled()
    address.fill("data:image/png;base64," + base64.b64encode(png(60, 40)).decode())
    fetch.click()
    expect(part(page, "file-stored")).to_be_visible()
    part(page, "file-remove").click()
    picture = FilePayload(name="cup.png", mimeType="image/png", buffer=png(60, 40))
    for _ in range(2):
        part(page, "file-choose").set_input_files(files=[picture])
        expect(part(page, "file-stored")).to_be_visible()
        part(page, "file-remove").click()


def test_a_draft_is_kept_and_leaving_is_asked(page: Page, desk: str) -> None:
    """Nothing that was typed is lost without a question."""
    page.goto("/campaigns/new")
    part(page, "basics-title").fill("Half done")
    page.get_by_role("link", name="Leads").first.click()
    expect(part(page, "leave-stay")).to_be_visible()
    part(page, "leave-stay").click()
    expect(part(page, "basics-title")).to_have_value("Half done")
    page.get_by_role("link", name="Leads").first.click()
    part(page, "leave-keep").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Leads")
    page.goto("/campaigns/new")
    expect(part(page, "basics-title")).to_have_value("Half done")
    part(page, "editor-afresh").click()
    expect(part(page, "basics-title")).to_have_value("")


def test_scheduled_edited_and_cloned(page: Page, desk: str, product: Server) -> None:
    """A campaign for a later day says so on its button, can be changed, and copied with every field."""
    page.goto("/campaigns/new")
    write_basics(page, "Later", "TEA")
    part(page, "step-message").click()
    part(page, "message-text").fill("See you")
    part(page, "step-when").click()
    part(page, "when-later").check()
    part(page, "when-date").click()
    page.get_by_role("button", name="Next month").click()
    page.get_by_role("button", name=re.compile(r"^15 \w+ \d{4}$")).click()
    page.get_by_role("spinbutton", name="Hours").fill("10")
    page.get_by_role("spinbutton", name="Minutes").fill("30")
    part(page, "step-plan").click()
    expect(part(page, "plan-finish")).to_have_text(re.compile(r"Schedule for 3 people on .* 15 .*, 10:30"))
    part(page, "plan-finish").click()
    expect(state(page)).to_have_attribute("data-state", "pending")

    part(page, "page-edit").click()
    part(page, "basics-title").fill("Later and better")
    part(page, "step-plan").click()
    part(page, "plan-finish").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Later and better")
    part(page, "page-clone").click()
    expect(part(page, "basics-title")).to_have_value("Later and better (Copy)")
    listed = product.call("GET", "/campaigns", params={"q": "Later and better"})["items"]
    assert sorted(each["status"] for each in listed) == ["paused", "pending"]
    for each in listed:
        product.call("POST", f"/campaigns/{each['id']}/cancel")


def settled_by_receipts(product: Server, campaign: str, device: str) -> dict[str, int]:
    """Wait until no more receipts come for messages whose answer was lost; returns the counts.

    Three lost answers in a row set the device aside each time, and a person lets it go on.
    """
    seen: list[dict[str, int]] = []

    def is_still() -> bool:
        seen.append(product.call("GET", f"/campaigns/{campaign}")["counts"])
        if seen[-1]["queued"] and product.call("GET", f"/devices/{device}")["sending_paused"]:
            product.call("POST", f"/devices/{device}/resume", json={"reason": "They arrive all the same."})
        return len(seen) > 6 and seen[-1]["unconfirmed"] == seen[-7]["unconfirmed"] and seen[-1]["queued"] == 0

    wait_for(is_still, 60, every=1)
    return seen[-1]


def test_lost_answers_are_settled_by_receipts_and_the_rest_by_a_person(page: Page, product: Server) -> None:
    """After lost answers receipts speak for some, live; for the others the page asks, and sending again warns first."""
    device = add_device(product, "Loses answers", "60121000003")
    add_leads(product, device, "ODD", [f"Odd {n}" for n in range(1, 13)], 60123000201)
    product.call("POST", f"/devices/{device}/simulate", json={"action": "lose_ack", "for_seconds": 120})
    body = {"title": "Lost answers", "niche": "ODD", "target_status": "all", "message": "Hello?", "hold": True}
    made = product.call("POST", "/campaigns", json=body | {"min_delay_seconds": 0, "max_delay_seconds": 0})
    page.goto(f"/campaigns/{made['id']}")
    part(page, "page-start").click()
    part(page, "start-confirm").click()
    expect(part(page, "unconfirmed-note")).to_contain_text("not sent again by", timeout=30_000)
    counts = settled_by_receipts(product, str(made["id"]), device)
    assert counts["sent"] > 0, "receipts speak for about half"
    expect(part(page, "count-sent")).to_have_attribute("data-value", str(counts["sent"]))
    expect(part(page, "count-unconfirmed")).to_have_attribute("data-value", str(counts["unconfirmed"]))

    part(page, "unconfirmed-show").click()
    expect(part(page, "recipients-table")).to_contain_text("The answer was lost: it may have arrived")
    part(page, "recipient-settle").first.click()
    part(page, "resolve-again").check()
    expect(part(page, "resolve-submit")).to_be_disabled()
    expect(part(page, "resolve-dialog")).to_contain_text("a second time")
    part(page, "resolve-arrived").check()
    part(page, "resolve-reason").fill("It is in the chat.")
    part(page, "resolve-submit").click()
    expect(part(page, "count-sent")).to_have_attribute("data-value", str(counts["sent"] + 1))


def test_a_device_that_cannot_send_is_named_with_what_waits_for_it(page: Page, product: Server) -> None:
    """A campaign without a device to send promises no end, says who holds it, and goes on by itself."""
    device = add_device(product, "Held back", "60121000002")
    add_leads(product, device, "HELD", ["Hana", "Hugo"], 60123000401)
    product.call("POST", f"/devices/{device}/simulate", json={"action": "restrict", "for_seconds": 600})
    wait_for(lambda: product.call("GET", f"/devices/{device}")["state"] == "restricted", 10)
    body = {"title": "Held", "niche": "HELD", "target_status": "all", "message": "Hi"}
    made = product.call("POST", "/campaigns", json=body | {"min_delay_seconds": 0, "max_delay_seconds": 0})
    page.goto(f"/campaigns/{made['id']}")
    note = part(page, "held-note")
    expect(note).to_contain_text("Nothing goes out at the moment")
    expect(note).to_contain_text("2 messages wait")
    expect(part(page, "page-progress")).not_to_contain_text("ends about")
    note.get_by_role("link", name="Held back").click()
    expect(page.get_by_test_id("device-advice")).to_be_visible()
    page.go_back()
    product.call("POST", f"/devices/{device}/simulate", json={"action": "online"})
    expect(note).to_be_hidden()
    expect(state(page)).to_have_attribute("data-state", "finished", timeout=30_000)


def test_the_keyboard_alone_makes_a_campaign(page: Page, desk: str, product: Server) -> None:
    """Every step can be reached and filled in without a pointer."""
    page.goto("/campaigns")
    expect(part(page, "list-new")).to_be_visible()
    page.keyboard.press("n")
    expect(part(page, "basics-title")).to_be_visible()
    page.keyboard.press("Tab")
    for _ in range(40):
        if page.evaluate("document.activeElement?.dataset.testid") == "campaigns-basics-title":
            break
        page.keyboard.press("Tab")
    page.keyboard.type("By keyboard")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowUp")
    expect(part(page, "basics-all")).to_be_checked()
    go(page, "editor-next")
    go(page, "message-text", press=None)
    page.keyboard.type("Hi *there*")
    page.keyboard.press("Shift+Tab")
    go(page, "editor-next")
    go(page, "editor-next")
    expect(part(page, "plan-save")).to_be_visible()
    go(page, "plan-save")
    expect(page.get_by_role("heading", level=1)).to_have_text("By keyboard")
    found = product.call("GET", "/campaigns", params={"q": "By keyboard"})["items"]
    assert [each["status"] for each in found] == ["paused"]


def go(page: Page, name: str, press: str | None = "Enter") -> None:
    """Tab to a control, and press it."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement?.dataset.testid") == f"campaigns-{name}":
            if press is not None:
                page.keyboard.press(press)
            return
    raise AssertionError(f"{name} cannot be reached by Tab")


@pytest.mark.parametrize("path", ["/campaigns", "/campaigns/new", "/campaigns/new?step=message", "/campaigns/new?step=when"])
def test_nothing_scrolls_sideways_on_a_phone(page: Page, desk: str, path: str) -> None:
    """At 320 pixels too."""
    page.set_viewport_size({"width": 320, "height": 700})
    page.goto(path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_people_who_came_since_the_plan_are_shown_before_anything_starts(page: Page, desk: str, product: Server) -> None:
    """The button starts exactly the plan it was read from."""
    add_leads(product, desk, "LATE", ["First"], 60123000301)
    page.goto("/campaigns/new")
    write_basics(page, "Changed meanwhile", "LATE")
    part(page, "step-message").click()
    part(page, "message-text").fill("Hi")
    part(page, "step-plan").click()
    expect(part(page, "plan-finish")).to_have_text("Start now: 1 person")
    add_leads(product, desk, "LATE", ["Second"], 60123000302)
    part(page, "plan-finish").click()
    expect(part(page, "plan-changed")).to_be_visible()
    expect(part(page, "plan-finish")).to_have_text("Start now: 2 people")
    part(page, "plan-finish").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Changed meanwhile")
    found = product.call("GET", "/campaigns", params={"q": "Changed meanwhile"})["items"]
    assert len(found) == 1, "trying twice makes one campaign"
    wait_for(lambda: product.call("GET", f"/campaigns/{found[0]['id']}")["counts"]["total"] == 2, 20)
    product.call("POST", f"/campaigns/{found[0]['id']}/cancel")


def test_filters_live_in_the_address(page: Page, desk: str, product: Server) -> None:
    """A filtered list can be shared, and cleared."""
    body = {"title": "Find me", "niche": "all", "target_status": "customer", "message": "Hi", "hold": True}
    product.call("POST", "/campaigns", json=body)
    page.goto("/campaigns?q=Find%20me&status=paused&target_status=customer&start_date=2026-01-01")
    rows = part(page, "list").locator("tbody tr")
    expect(rows).to_have_count(1)
    page.goto("/campaigns?q=Find%20me&status=finished")
    expect(page.get_by_text("Nothing matches these filters")).to_be_visible()
    page.get_by_test_id("filter-clear").click()
    expect(page).to_have_url(re.compile("/campaigns$"))
    expect(rows.filter(has_text="Find me")).to_have_count(1)
