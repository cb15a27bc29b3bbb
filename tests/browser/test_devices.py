"""Devices, the shell and settings in the browser: linking that turns to connected by itself, live states, keyboard, phones."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.server import Server, wait_for
from tests.browser.conftest import add_device, add_leads

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def part(page: Page, name: str) -> Locator:
    """A part by its test id."""
    return page.get_by_test_id(name)


def state(page: Page) -> Locator:
    """The state beside the device's name."""
    return page.locator("header").get_by_test_id("device-state")


def test_a_new_device_is_linked_by_its_code_and_turns_online_by_itself(page: Page, product: Server) -> None:
    page.goto("/devices")
    part(page, "devices-page-add").click()
    part(page, "device-form-submit").click()
    expect(page.get_by_text("Give the device a name.")).to_be_visible()
    part(page, "device-form-name").fill("By QR code")
    part(page, "device-form-submit").click()
    expect(part(page, "qr-code")).to_be_visible()
    part(page, "qr-simulate-scan").click()
    expect(part(page, "qr-connected")).to_be_visible()
    expect(part(page, "qr-modal")).to_be_hidden()
    card = page.get_by_role("article", name="By QR code")
    expect(card.get_by_test_id("device-state")).to_have_text("Online")


def test_a_device_is_linked_by_a_pairing_code(page: Page, product: Server) -> None:
    made = product.call("POST", "/devices", json={"name": "By pairing code", "driver": "simulator"})
    page.goto(f"/devices/{made['id']}")
    part(page, "device-scan").click()
    part(page, "qr-tab-pair").click()
    part(page, "pair-phone").fill("60 12-811 0001")
    part(page, "pair-get-code").click()
    expect(part(page, "pair-code")).to_have_text(re.compile(r"^\w{4}-\w{4}$"))
    part(page, "pair-simulate-type").click()
    expect(part(page, "qr-connected")).to_be_visible()
    expect(state(page)).to_have_text("Online")


def test_states_change_while_one_looks(page: Page, product: Server) -> None:
    device = add_device(product, "Watched", "60128120001")
    page.goto(f"/devices/{device}")
    expect(state(page)).to_have_text("Online")
    for action, word in (("offline", "Offline"), ("online", "Online"), ("restrict", "Restricted")):
        product.call("POST", f"/devices/{device}/simulate", json={"action": action, "for_seconds": 600})
        expect(state(page)).to_have_text(word)
    expect(part(page, "device-advice")).to_contain_text("Write to nobody new")
    expect(part(page, "device-history")).to_contain_text("cannot be reached")


def test_a_text_is_sent_and_its_ticks_arrive(page: Page, product: Server) -> None:
    device = add_device(product, "Writes", "60128130001")
    page.goto(f"/devices/{device}?tab=actions")
    part(page, "send-text-phone").fill("12")
    part(page, "send-text-message").fill("Hello from the page")
    part(page, "send-text-submit").click()
    expect(part(page, "form-problem-summary")).to_contain_text("country code")
    part(page, "send-text-phone").fill("60 19-876 5432")
    part(page, "send-text-submit").click()
    line = part(page, "device-log-line").first
    expect(line).to_have_attribute("data-state", re.compile("delivered|read"), timeout=20_000)


def test_deleting_names_what_goes(page: Page, product: Server) -> None:
    device = add_device(product, "Goes away", "60128140001")
    add_leads(product, device, "LEAVING", ["One", "Two"], 60128140100)
    page.goto(f"/devices/{device}")
    part(page, "device-menu").click()
    part(page, "device-menu-delete").click()
    expect(part(page, "confirm-losses")).to_contain_text("2 leads")
    expect(part(page, "confirm-cancel")).to_be_focused()
    page.get_by_role("button", name="Delete device and 2 leads").click()
    expect(page).to_have_url(re.compile(r"/devices$"))
    wait_for(lambda: all(each["id"] != device for each in product.call("GET", "/devices?limit=200")["items"]), 5)


def test_logging_out_says_what_stays_and_the_device_can_be_linked_again(page: Page, product: Server) -> None:
    device = add_device(product, "Out and in", "60128150001")
    page.goto(f"/devices/{device}")
    part(page, "device-menu").click()
    part(page, "device-menu-logout").click()
    part(page, "device-logout-confirm").click()
    expect(state(page)).to_have_text("Logged out")
    part(page, "device-scan").click()
    part(page, "qr-simulate-scan").click()
    expect(part(page, "qr-connected")).to_be_visible()


def test_the_keyboard_leads_everywhere(page: Page, product: Server) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.keyboard.press("g")
    page.keyboard.press("d")
    expect(page.get_by_role("heading", level=1, name="Devices")).to_be_focused()
    page.keyboard.press("n")
    expect(part(page, "device-form-name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(part(page, "device-form-name")).to_be_hidden()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("Control+k")
    page.get_by_placeholder(re.compile("Go to a page")).fill("settings")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Profile")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/devices", "/settings/profile", "/settings/api-keys", "/setup"])
def test_pages_fit_the_narrowest_phone(page: Page, product: Server, path: str) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(path)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_lost_line_is_told_and_comes_back(page: Page, product: Server) -> None:
    lines = {"open": False}
    page.route_web_socket("**/ws", lambda line: line.connect_to_server() if lines["open"] else line.close())
    page.goto("/devices")
    expect(part(page, "notice-live-lost")).to_be_visible(timeout=15_000)
    lines["open"] = True
    expect(part(page, "notice-live-lost")).to_be_hidden(timeout=30_000)


def test_a_key_is_shown_once_and_can_be_revoked(page: Page, product: Server) -> None:
    page.goto("/settings/api-keys")
    part(page, "keys-new").click()
    part(page, "keys-make").click()
    expect(page.get_by_text("Choose at least one.")).to_be_visible()
    part(page, "keys-name").fill("Shop")
    part(page, "keys-scope-devices-read").check()
    part(page, "keys-make").click()
    key = part(page, "keys-secret").inner_text()
    address = f"http://127.0.0.1:{product.port}/api/devices"
    context = page.context.browser.new_context() if page.context.browser else page.context
    headers = {"Authorization": f"Bearer {key}"}
    assert context.request.get(address, headers=headers).status == 200
    part(page, "keys-stored").click()
    part(page, "keys-revoke").first.click()
    part(page, "confirm-delete").click()
    expect(page.get_by_text("No API key yet.")).to_be_visible()
    assert context.request.get(address, headers=headers).status == 401


def test_whoever_signed_out_elsewhere_is_asked_to_sign_in_and_comes_back(page: Page, product: Server) -> None:
    page.goto("/settings/profile")
    expect(part(page, "profile-name")).to_be_visible()
    page.context.request.post("/api/logout", headers={"Origin": f"http://127.0.0.1:{product.port}"})
    part(page, "settings-workspace").click()
    expect(page).to_have_url(re.compile(r"/login\?next="))
