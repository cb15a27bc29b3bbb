"""The real program and a real browser: one server for the run, one Chromium for each module, one signed-in page for each test."""

import asyncio
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.acceptance import fleet, server as acceptance
from tests.acceptance.server import Server, wait_for
from tests.conftest import place
from tests.gateways.cloud.fake import FakeCloud

STATIC = Path(__file__).parents[2] / "hantar" / "web" / "static" / "index.html"
PATIENCE_MS = 15_000
expect.set_options(timeout=PATIENCE_MS)


def _chromium() -> str | None:
    given = os.environ.get("HANTAR_CHROMIUM")
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return given or next((path for name in names if (path := shutil.which(name))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser or a built page these tests say so and are left out."""
    here = [item for item in items if "browser" in item.keywords]
    words = None
    if _chromium() is None:
        words = "no Chromium found: install one, or name it in HANTAR_CHROMIUM"
    elif not STATIC.exists():
        words = "the page is not built: npm run build in frontend/"
    if words is not None:
        for item in here:
            item.add_marker(pytest.mark.skip(reason=words))


@pytest.fixture(scope="session")
def cloud() -> Iterator[FakeCloud]:
    """The Cloud API's service as the product reaches it, in a thread of its own."""
    made, loop = FakeCloud(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(made.start(), loop).result(10)
    yield made
    asyncio.run_coroutine_threadsafe(made.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture(scope="session")
def product(cloud: FakeCloud) -> Iterator[Server]:
    """A started server with a workspace of its own; its API client is signed in as the owner."""
    with tempfile.TemporaryDirectory(prefix="hantar-browser-", dir=place(), ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        made = Server(Path(folder), HANTAR_CLOUD_BASE_URL=cloud.base)
        try:
            made.start().sign_in()
            with ThreadPoolExecutor(1) as beside:  # the browser's own loop may run in this thread
                beside.submit(asyncio.run, fleet.lift_quota(made, 100)).result()
            yield made
        finally:
            made.stop()
            made.http.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, without its own errands."""
    with sync_playwright() as playwright:
        quiet = ["--disable-background-networking", "--disable-gpu", "--disable-quic"]
        if os.geteuid() == 0:
            quiet.append("--no-sandbox")
        browser = playwright.chromium.launch(executable_path=_chromium(), args=quiet)
        yield browser
        browser.close()


@pytest.fixture
def page(product: Server, chromium: Browser) -> Iterator[Page]:
    """A page signed in as the owner; whatever breaks in the page itself fails the test."""
    base = f"http://127.0.0.1:{product.port}"
    context = chromium.new_context(base_url=base, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    login = {"email": acceptance.NAME, "password": acceptance.PASSWORD}
    assert context.request.post("/api/login", data=login, headers={"Origin": base}).ok
    made = context.new_page()
    broken: list[str] = []
    made.on("pageerror", lambda error: broken.append(str(error)))
    yield made
    context.close()
    assert broken == []


def add_device(product: Server, name: str, phone: str) -> str:
    """A simulated device, linked and online, as fast as devices may be; returns its id."""
    fleet.loosen(product)
    made = product.call("POST", "/devices", json={"name": name, "driver": "simulator", "limits": fleet.FAST})
    device = str(made["id"])
    product.call("POST", f"/devices/{device}/connect")
    product.call("GET", f"/devices/{device}/qr", headers={"Accept": "application/json"})
    product.call("POST", f"/devices/{device}/simulate", json={"action": "scan", "phone": phone})
    wait_for(lambda: product.call("GET", f"/devices/{device}")["state"] == "online", 20)
    return device


def add_leads(product: Server, device: str, niche: str, names: list[str], first: int) -> None:
    """Leads of one device; their numbers begin with `first`."""
    for number, name in enumerate(names, start=first):
        body = {"name": name, "phone": str(number), "device_id": device, "niche": niche}
        product.call("POST", "/leads", json=body)
