"""From the first page to the first delivered message: five clicks and a minute at most, on a new installation."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.acceptance.server import NAME, PASSWORD, Server
from tests.conftest import place

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def fresh() -> Iterator[Server]:
    """A server nobody has signed in to yet."""
    with tempfile.TemporaryDirectory(prefix="hantar-first-", dir=place(), ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        made = Server(Path(folder))
        try:
            yield made.start()
        finally:
            made.stop()
            made.http.close()


def test_the_guided_demo_delivers_within_a_minute_and_five_clicks(fresh: Server, chromium: Browser) -> None:
    context = chromium.new_context(base_url=f"http://127.0.0.1:{fresh.port}", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    clicks = 0

    def click(what: Locator) -> None:
        nonlocal clicks
        clicks += 1
        what.click()

    began = time.monotonic()
    page.goto("/")
    page.get_by_test_id("login-email").fill(NAME)
    page.get_by_test_id("login-password").fill(PASSWORD)
    click(page.get_by_test_id("login-submit"))
    click(page.get_by_test_id("setup-demo-now"))
    click(page.get_by_test_id("campaigns-page-start"))
    click(page.get_by_test_id("campaigns-start-confirm"))
    expect(page.get_by_test_id("campaigns-page-state")).to_have_text("Sending", timeout=20_000)
    fresh.sign_in()
    delivered = 0
    while delivered == 0 and time.monotonic() - began < 60:
        welcome = fresh.call("GET", "/demo")["campaign_id"]
        delivered = fresh.call("GET", f"/campaigns/{welcome}")["counts"]["delivered"]
        time.sleep(0.2)
    took = time.monotonic() - began
    print(f"first delivered message after {took:.1f} s and {clicks} clicks")
    context.close()
    assert delivered > 0
    assert took <= 60
    assert clicks <= 5
