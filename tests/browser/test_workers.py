"""The workers' page: every device at its work, stopping and starting one and all."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.server import Server
from tests.browser.conftest import add_device

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_workers_are_stopped_and_started(product: Server, page: Page) -> None:
    first = add_device(product, "Worker one", "60127880001")
    add_device(product, "Worker two", "60127880002")
    page.goto("/status/all-workers")
    expect(page).to_have_url(re.compile("/workers$"))
    row = page.get_by_role("row").filter(has_text="Worker one")
    expect(row).to_contain_text("Idle")
    row.get_by_test_id("workers-menu").click()
    page.get_by_test_id("workers-menu-stop").click()
    expect(row).to_contain_text("Stopped")
    other = page.get_by_role("row").filter(has_text="Worker two")
    stopped = page.get_by_test_id("workers-box-stopped")
    stopped.press("Enter")
    expect(other).to_have_count(0)
    expect(row).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("nobody")
    expect(page.get_by_text("Nothing matches these filters")).to_be_visible()
    page.get_by_text("Clear filters").click()
    expect(other).to_be_visible()
    assert product.call("GET", f"/workers/device/{first}")["status"] == "stopped"

    total = product.call("POST", "/workers/stop-all", json={"dry_run": True})["stopped_count"]  # other tests' devices too
    page.get_by_test_id("workers-stop-all").click()
    confirm = page.get_by_test_id("workers-stop-confirm")
    expect(confirm).to_be_disabled()
    page.get_by_test_id("workers-stop-typed").fill(str(total))
    confirm.click()
    expect(page.get_by_test_id("workers-box-idle")).to_contain_text("0")
    page.get_by_test_id("workers-resume-all").click()
    expect(page.get_by_text(re.compile(r"\d+ devices resumed"))).to_be_visible()
    expect(row).to_contain_text("Idle")
