"""The kinds of devices in the browser: terms before a phone is linked, Cloud API numbers from their token to their page."""

import json
import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.acceptance.server import Server, wait_for
from tests.browser.conftest import add_device
from tests.gateways.cloud.fake import FakeCloud

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TOKEN = "EAAGm0PX4ZCpsBAtoken"


def part(page: Page, name: str) -> Locator:
    """A part by its test id."""
    return page.get_by_test_id(name)


def state(page: Page) -> Locator:
    """The state beside the device's name."""
    return page.locator("header").get_by_test_id("device-state")


def offer_linked_phones(page: Page) -> None:
    """The page hears of linked phones, also where the server has none."""

    def more(route: Route) -> None:
        kinds = route.fetch().json()
        items = [each for each in kinds["items"] if each["name"] != "linked"]
        linked = {**items[0], "name": "linked", "is_default": False, "simulated": False, "unofficial": True}
        route.fulfill(body=json.dumps({"items": [*items, linked]}), content_type="application/json")

    page.route("**/api/drivers", more)


def begin(page: Page, name: str, kind: str) -> None:
    """The form of a new device of this kind."""
    page.goto("/devices?add=true")
    part(page, "device-form-name").fill(name)
    part(page, f"device-kind-{kind}").click()


def added(product: Server, cloud: FakeCloud, number_id: str, name: str) -> str:
    """A number that is online; returns the device's id."""
    cloud.add(number_id, f"{TOKEN}-{number_id}", phone=f"6011{number_id[-8:]}")
    body = {"name": name, "driver": "cloud", "number_id": number_id, "token": f"{TOKEN}-{number_id}", "business_id": "9001"}
    device = str(product.call("POST", "/devices", json=body)["id"])
    wait_for(lambda: product.call("GET", f"/devices/{device}")["state"] == "online", 20)
    return device


def test_a_number_is_tried_added_and_connects_by_itself(page: Page, product: Server, cloud: FakeCloud) -> None:
    cloud.add("1065403522001", TOKEN, phone="60123330001")
    begin(page, "Cloud shop", "cloud")
    expect(part(page, "device-form-phone")).to_have_count(0)
    part(page, "credentials-test").click()
    expect(page.get_by_text("Give the phone number ID.")).to_be_visible()
    part(page, "credentials-number-id").fill(" 1065403522001 ")
    token = part(page, "credentials-token")
    token.fill("a-wrong-token")
    expect(token).to_have_attribute("type", "password")
    part(page, "credentials-test").click()
    expect(page.get_by_text("WhatsApp's service does not accept this token")).to_be_visible()
    expect(token).to_have_attribute("aria-invalid", "true")
    expect(token).to_be_focused()
    token.fill(f"Bearer {TOKEN}")
    part(page, "credentials-test").click()
    expect(part(page, "credentials-found")).to_contain_text("Kedai Aminah · 60 12 333 0001")
    expect(part(page, "credentials-found")).to_contain_text("2,000 people within 24 hours")
    part(page, "credentials-business-id").fill("9001")
    part(page, "device-form-submit").click()
    expect(page.get_by_role("heading", level=1, name="Cloud shop")).to_be_visible()
    expect(state(page)).to_have_text("Online")
    card = part(page, "device-number")
    expect(card).to_contain_text("Kedai Aminah")
    expect(card.get_by_test_id("number-quality")).to_have_text("Good")
    expect(part(page, "device-unofficial")).to_have_count(0)
    assert TOKEN not in page.content()


def test_an_ended_token_says_what_to_do_and_is_replaced(page: Page, product: Server, cloud: FakeCloud) -> None:
    device = added(product, cloud, "1065403522002", "Token ends")
    cloud.numbers["1065403522002"].token = "the-new-token"
    product.call("POST", f"/devices/{device}/disconnect")
    page.goto(f"/devices/{device}")
    part(page, "device-reconnect").click()
    expect(state(page)).to_have_text("Refused")
    expect(part(page, "device-advice")).to_contain_text("replace the token")
    part(page, "device-what-to-do").click()
    page.get_by_role("dialog").get_by_role("button", name="Replace token").click()
    dialog = page.get_by_role("dialog", name="Replace the token of Token ends")
    expect(dialog.get_by_test_id("credentials-number-id")).to_have_value("1065403522002")
    dialog.get_by_test_id("credentials-token").fill("still-wrong")
    dialog.get_by_test_id("replace-token-submit").click()
    expect(dialog.get_by_test_id("form-problem-summary")).to_contain_text("does not accept this token")
    dialog.get_by_test_id("credentials-token").fill("the-new-token")
    dialog.get_by_test_id("replace-token-submit").click()
    expect(dialog).to_be_hidden()
    expect(state(page)).to_have_text("Online")


def test_quality_is_asked_again_and_a_removed_token_asks_for_one(page: Page, product: Server, cloud: FakeCloud) -> None:
    device = added(product, cloud, "1065403522003", "Quality falls")
    page.goto(f"/devices/{device}")
    expect(part(page, "number-quality")).to_have_text("Good")
    cloud.numbers["1065403522003"].quality = "RED"
    part(page, "number-ask-again").click()
    expect(part(page, "number-quality")).to_have_text("Poor")
    part(page, "device-menu").click()
    part(page, "device-menu-logout").click()
    expect(page.get_by_role("dialog")).to_contain_text("The token itself is not ended at Meta")
    part(page, "device-logout-confirm").click()
    expect(state(page)).to_have_text("Logged out")
    expect(part(page, "device-scan")).to_have_count(0)
    page.locator("header").get_by_test_id("device-token").click()
    dialog = page.get_by_role("dialog", name="Give Quality falls its token")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_templates_are_listed_and_read_anew(page: Page, product: Server, cloud: FakeCloud) -> None:
    device = added(product, cloud, "1065403522005", "Has templates")
    body = [{"type": "BODY", "text": "Hello {{1}}, your order is ready."}]
    made = {"name": "order_ready", "language": "en", "status": "APPROVED", "category": "UTILITY", "components": body}
    cloud.templates["9001"] = [{"id": "1", **made}]
    page.goto(f"/devices/{device}?tab=templates")
    part(page, "templates-refresh").click()
    table = part(page, "templates-table")
    expect(table).to_contain_text("your order is ready")
    expect(table.get_by_test_id("template-status")).to_have_text("Approved")
    cloud.templates["9001"] = [{"id": "1", **made, "status": "PAUSED"}]
    part(page, "templates-refresh").click()
    expect(table.get_by_test_id("template-status")).to_have_text("Paused")


def test_terms_are_read_before_a_phone_is_linked(page: Page, product: Server) -> None:
    offer_linked_phones(page)
    begin(page, "My phone", "linked")
    terms = part(page, "link-terms")
    expect(terms).to_contain_text("WhatsApp’s terms do not allow bulk or automated messaging through a linked device")
    expect(terms).to_contain_text("Messages per hour: 80")
    before = len(product.call("GET", "/devices?limit=200")["items"])
    part(page, "device-form-submit").click()
    expect(page.get_by_text("Please confirm that you have read this.")).to_be_visible()
    expect(part(page, "link-terms-accept")).to_be_focused()
    assert len(product.call("GET", "/devices?limit=200")["items"]) == before
    part(page, "link-terms-instead").click()
    expect(page.get_by_role("radio", name="Cloud API")).to_be_checked()
    expect(part(page, "credentials-token")).to_be_visible()
    expect(terms).to_be_hidden()


def test_kinds_are_chosen_by_the_keyboard_alone(page: Page, product: Server, cloud: FakeCloud) -> None:
    cloud.add("1065403522004", TOKEN, phone="60123330004")
    page.goto("/devices")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.keyboard.press("n")
    expect(part(page, "device-form-name")).to_be_focused()
    page.keyboard.type("Typed")
    page.keyboard.press("Tab")
    expect(page.get_by_role("radio", name="Simulated phone")).to_be_focused()
    kinds = [each["name"] for each in product.call("GET", "/drivers")["items"]]
    for _ in range(kinds.index("cloud") - kinds.index("simulator")):
        page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="Cloud API")).to_be_checked()
    page.keyboard.press("Tab")
    expect(part(page, "credentials-number-id")).to_be_focused()
    page.keyboard.type("1065403522004")
    page.keyboard.press("Tab")
    page.keyboard.type(TOKEN)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Typed")).to_be_visible()
    expect(state(page)).to_have_text("Online")


def test_the_clock_of_a_phone_that_is_not_connected(page: Page, product: Server) -> None:
    device = add_device(product, "Idle phone", "60128190001")

    def unofficial(route: Route) -> None:
        reply = route.fetch()
        ends = {"link_ends_at": "2000-01-31T00:00:00Z"} if route.request.url.endswith("/health") else {"unofficial": True}
        route.fulfill(response=reply, body=json.dumps({**reply.json(), **ends}), content_type="application/json")

    page.route(re.compile(rf"/api/devices/{device}(/health)?$"), unofficial)
    page.goto(f"/devices/{device}")
    expect(page.locator("header").get_by_test_id("device-unofficial")).to_be_visible()
    clocks = part(page, "device-clocks")
    expect(clocks).to_contain_text("not used for more than 14 days")
    expect(clocks).to_contain_text("WhatsApp may have dropped this link")


def test_forms_fit_the_smallest_screen(page: Page, product: Server) -> None:
    offer_linked_phones(page)
    page.set_viewport_size({"width": 320, "height": 800})
    for kind in ("linked", "cloud"):
        begin(page, "Small", kind)
        expect(part(page, "device-form-submit")).to_be_visible()
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0
