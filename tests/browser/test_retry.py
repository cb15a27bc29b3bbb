"""Failed messages go again from the browser: what the dialog says first, and that the numbers follow."""

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.server import Server, wait_for
from tests.browser.conftest import add_device, add_leads

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_failed_messages_go_again(product: Server, page: Page) -> None:
    device = add_device(product, "Retry phone", "60127770001")
    add_leads(product, device, "RETRY", ["Rosa", "Ruben", "Rita"], 60127771001)
    for phone in ("60127771001", "60127771002"):
        product.call("POST", f"/devices/{device}/simulate", json={"action": "reject", "phone": phone})
    body = {"title": "Third try", "niche": "RETRY", "target_status": "all", "message": "Hello", "min_delay_seconds": 0}
    campaign = product.call("POST", "/campaigns", json={**body, "max_delay_seconds": 0, "canary": None})["id"]
    wait_for(lambda: product.call("GET", f"/campaigns/{campaign}")["status"] == "finished", 40)
    assert product.call("GET", f"/campaigns/{campaign}")["counts"]["failed"] == 2

    page.goto(f"/campaigns/{campaign}?tab=report")
    expect(page.get_by_test_id("campaign-retry-device")).to_be_visible()
    page.get_by_test_id("campaign-retry-device").first.click()
    expect(page.get_by_test_id("campaign-retry-dialog")).to_contain_text("Retry phone")
    expect(page.get_by_test_id("campaign-retry-count")).to_have_text("2 messages go back to the queue.")
    page.keyboard.press("Escape")
    page.goto(f"/campaigns/{campaign}")
    page.get_by_test_id("campaign-retry-failed").click()
    expect(page.get_by_test_id("campaign-retry-count")).to_have_text("2 messages go back to the queue.")
    page.get_by_test_id("campaign-retry-confirm").click()
    expect(page.get_by_text("2 messages queued")).to_be_visible()
    expect(page.get_by_test_id("campaigns-count-failed")).to_have_attribute("data-value", "0")
    expect(page.get_by_test_id("campaigns-count-sent")).to_have_attribute("data-value", "3")
    expect(page.get_by_test_id("campaign-retry-failed")).to_have_count(0)
