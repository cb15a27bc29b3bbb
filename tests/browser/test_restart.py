"""The server goes away while pages are open: they say so, and come back by themselves when it does."""

import re
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.server import NAME, PASSWORD, Server, wait_for
from tests.browser.conftest import PATIENCE_MS, add_device, add_leads
from tests.conftest import place

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]


def free_port() -> int:
    """A port nobody listens on, to be the same after the restart."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def mortal() -> Iterator[Server]:
    """A server of its own, which the test may kill."""
    with tempfile.TemporaryDirectory(prefix="hantar-restart-", dir=place(), ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        made = Server(Path(folder), APP_PORT=str(free_port()))
        try:
            made.start().sign_in()
            yield made
        finally:
            made.stop()
            made.http.close()


@pytest.fixture
def visitor(mortal: Server, chromium: Browser) -> Iterator[Page]:
    """A page signed in there. What breaks in a page fails the test elsewhere; here requests break on purpose."""
    base = f"http://127.0.0.1:{mortal.port}"
    context = chromium.new_context(base_url=base, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    login = {"email": NAME, "password": PASSWORD}
    assert context.request.post("/api/login", data=login, headers={"Origin": base}).ok
    yield context.new_page()
    context.close()


def start_campaign(mortal: Server) -> str:
    """A campaign of thirty people that takes about half a minute; returns its id."""
    device = add_device(mortal, "Desk", "60121000009")
    add_leads(mortal, device, "TEA", [f"Person {n}" for n in range(1, 31)], 60123009001)
    body = {"title": "Through the night", "niche": "TEA", "target_status": "all", "message": "Hi"}
    made = mortal.call("POST", "/campaigns", json=body | {"min_delay_seconds": 1, "max_delay_seconds": 1})
    return str(made["id"])


def test_open_pages_come_back_with_the_server(mortal: Server, visitor: Page) -> None:
    """The campaign's page goes on counting; a page first opened meanwhile waits, and shows itself."""
    campaign = start_campaign(mortal)
    visitor.goto(f"/campaigns/{campaign}")
    sent = visitor.get_by_test_id("campaigns-count-sent")
    expect(sent).to_have_attribute("data-value", re.compile("[1-9]"), timeout=20_000)
    other = visitor.context.new_page()
    other.goto("/devices")
    expect(other.get_by_role("heading", level=1, name="Devices")).to_be_visible()

    mortal.kill()
    expect(visitor.get_by_test_id("notice-live-lost")).to_be_visible(timeout=20_000)
    visitor.get_by_test_id("campaigns-page-pause").click()
    expect(visitor.get_by_text("The server does not answer. Check that it is running")).to_be_visible()
    other.get_by_test_id("nav-leads").click()
    expect(other.get_by_test_id("page-crashed")).to_contain_text("The server does not answer")

    mortal.start()
    expect(visitor.get_by_test_id("notice-live-lost")).to_be_hidden(timeout=40_000)
    expect(other.get_by_role("heading", level=1, name="Leads")).to_be_visible(timeout=20_000)
    expect(visitor.get_by_test_id("campaigns-page-state")).to_have_attribute("data-state", "finished", timeout=60_000)
    counts = wait_for(lambda: mortal.call("GET", f"/campaigns/{campaign}")["counts"], 5)
    assert counts["sent"] + counts["failed"] + counts["skipped"] + counts["unconfirmed"] == 30
    expect(sent).to_have_attribute("data-value", str(counts["sent"]))
