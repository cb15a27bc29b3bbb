"""Makes the README's pictures from today's pages: `python -m tests.browser.pictures` writes docs/pictures/."""

import tempfile
from pathlib import Path

from playwright.sync_api import FilePayload, Page, sync_playwright

from tests.acceptance.server import NAME, PASSWORD, Server, wait_for
from tests.browser.conftest import _chromium

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
ROWS = (
    "\ufeffname,phone,niche,status,note\n"
    'Aisyah 🌙,+60 12-345 6701,"FITNESS,NEWS",customer,came by on Monday\n'
    "Wei Ling,0123456702,FITNESS,,\n"
    "Wei Ling again,60123456702,COFFEE,,the same person\n"
    "Nobody,6.01E+10,COFFEE,,a spreadsheet shortened the number\n"
    "Budi,0123456703,COFFEE,regular,no such status\n"
    "Omar,0123456704,BEAUTY,prospect,\n"
)


def shoot(page: Page, name: str) -> None:
    """One picture of what the page shows now."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(700)  # charts and bars move into place
    page.screenshot(path=FOLDER / f"{name}.png")


def _demo(server: Server) -> str:
    job = server.call("POST", "/demo")
    done = wait_for(lambda: (j := server.call("GET", f"/jobs/{job['id']}"))["status"] == "done" and j, 60)
    server.call("PUT", "/me", json={"full_name": "Alice Tan"})
    return str(done["result"]["campaign_id"])


def _import(page: Page, device: str) -> None:
    page.goto(f"/leads/import?device={device}")
    page.locator("input[type=file]").set_input_files(FilePayload(name="customers.csv", mimeType="text/csv", buffer=ROWS.encode()))
    page.get_by_test_id("import-file-next").click()
    page.get_by_test_id("import-columns-country").click()
    page.get_by_role("option", name="Malaysia").click()
    page.get_by_test_id("import-columns-next").click()
    page.get_by_test_id("import-count-created").wait_for()
    shoot(page, "import")


def _plan(page: Page) -> None:
    page.goto("/campaigns/new")
    page.get_by_test_id("campaigns-basics-title").fill("Weekend offer")
    page.get_by_test_id("campaigns-basics-niches").click()
    page.get_by_role("option").nth(1).click()
    page.keyboard.press("Escape")
    page.get_by_test_id("campaigns-editor-next").click()
    words = 'Hi *{{ name | default: "there" }}*! ☕\nThis weekend every second coffee is on us in {{ city }}.'
    page.get_by_test_id("campaigns-message-text").fill(words)
    page.get_by_test_id("campaigns-editor-next").click()
    page.get_by_test_id("campaigns-editor-next").click()
    page.get_by_test_id("campaigns-plan-people").wait_for()
    shoot(page, "plan")


def _consent(server: Server, page: Page) -> None:
    device = server.call("GET", "/devices")["items"][0]["id"]
    leads = server.call("GET", "/leads", params={"device_id": device, "limit": 5})["items"]
    for lead, words in zip(leads, ("STOP", "berhenti", "退订", "baja", "Arrêt !"), strict=True):
        said = {"action": "inbound", "phone": lead["phone"], "text": words, "name": lead["name"]}
        server.call("POST", f"/devices/{device}/simulate", json=said)
    wait_for(lambda: len(server.call("GET", "/opt-outs")["items"]) >= 5, 30)
    page.goto("/consent/opt-outs")
    page.get_by_test_id("opt-outs-list").wait_for()
    shoot(page, "consent")


def take(server: Server, page: Page) -> None:
    """All of them."""
    campaign = _demo(server)
    server.call("POST", f"/campaigns/{campaign}/trigger")
    wait_for(lambda: server.call("GET", f"/campaigns/{campaign}")["counts"]["sent"] > 40, 60)
    page.goto("/")
    shoot(page, "dashboard")
    page.goto("/devices")
    shoot(page, "devices")
    _import(page, server.call("GET", "/devices")["items"][0]["id"])
    _plan(page)
    wait_for(lambda: server.call("GET", f"/campaigns/{campaign}")["status"] == "finished", 120)
    page.goto(f"/campaigns/{campaign}?tab=report")
    page.get_by_test_id("campaigns-tab-report").click()
    shoot(page, "report")
    _consent(server, page)


def main() -> None:
    """Start a server of its own, fill it, and take the pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="hantar-pictures-") as folder, sync_playwright() as playwright:
        Path(folder).chmod(0o755)
        server = Server(Path(folder)).start()
        try:
            server.sign_in()
            quiet = ["--disable-background-networking", "--disable-gpu", "--disable-quic", "--no-sandbox"]
            browser = playwright.chromium.launch(executable_path=_chromium(), args=quiet)
            base = f"http://127.0.0.1:{server.port}"
            context = browser.new_context(base_url=base, viewport={"width": 1280, "height": 860}, color_scheme="light")
            login = {"email": NAME, "password": PASSWORD}
            assert context.request.post("/api/login", data=login, headers={"Origin": base}).ok
            take(server, context.new_page())
            browser.close()
        finally:
            server.stop()
            server.http.close()


if __name__ == "__main__":
    main()
