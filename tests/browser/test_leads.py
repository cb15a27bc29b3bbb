"""Leads in the browser: a spreadsheet's file through the wizard, filters, one lead, many leads, export, the keyboard."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.acceptance.server import Server, wait_for
from tests.browser.conftest import add_device

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EXCEL = "\r\n".join(
    [
        "Full Name,Phone,niche,status,City",
        '"Lim, Ah Kow",+60 12-700 0001,"FITNESS,YOGA",customer,Ipoh',
        "Nur 🌿,60127000002,FITNESS,,",
        "Bad phone,12,FITNESS,prospect,",
        ",60127000003,FITNESS,prospect,",
        "Nur again,012 700 0002,FITNESS,prospect,",
        "Here already,60127000009,FITNESS,prospect,",
        "Mangled,6.01E+10,FITNESS,prospect,",
        "",
    ]
)


def part(page: Page, name: str) -> Locator:
    """A part by its test id."""
    return page.get_by_test_id(name)


def make_device(product: Server, name: str) -> str:
    """A device that need not be linked; returns its id."""
    return str(product.call("POST", "/devices", json={"name": name, "driver": "simulator"})["id"])


def make_lead(product: Server, device: str, name: str, phone: str, **more: object) -> str:
    """A lead; returns its id."""
    body = {"name": name, "phone": phone, "device_id": device, **more}
    return str(product.call("POST", "/leads", json=body)["id"])


def csv(name: str, text: str, encoding: str = "utf-8-sig") -> FilePayload:
    """A file as a spreadsheet saves it."""
    return FilePayload(name=name, mimeType="text/csv", buffer=text.encode(encoding))


def choose(page: Page, field: str, option: str | re.Pattern[str]) -> None:
    """Choose from a list by its words."""
    part(page, field).click()
    page.get_by_role("option", name=option).click()


def names(page: Page) -> Locator:
    """The names in the list, in its order."""
    return part(page, "leads-list").locator("[data-row] .hantar-row-open")


def test_a_spreadsheets_file_is_tried_and_then_imported(page: Page, product: Server, tmp_path: Path) -> None:
    """Byte-order mark, quoted lists, emoji, bad and doubled rows, `status` for target status."""
    device = make_device(product, "Import desk")
    make_lead(product, device, "Here already", "60127000009")
    page.goto(f"/leads/import?device={device}")
    page.locator("input[type=file]").set_input_files(csv("people.csv", EXCEL))
    expect(part(page, "import-file-rows").get_by_role("row")).to_have_count(6)
    expect(part(page, "import-file-encoding")).to_have_value("UTF-8")
    expect(part(page, "import-file-separator")).to_have_value("Comma")
    part(page, "import-file-next").click()

    expect(part(page, "import-columns-map-Full Name")).to_have_value("Name (required)")
    expect(part(page, "import-columns-map-status")).to_have_value("Target status")
    expect(part(page, "import-columns-status")).to_be_visible()
    expect(part(page, "import-columns-device")).to_have_value("Import desk")
    choose(page, "import-columns-map-City", "Extra field city")
    choose(page, "import-columns-country", "Malaysia")
    part(page, "import-columns-next").click()

    for count, rows in {"created": 2, "updated": 0, "unchanged": 1, "doubled": 1, "failed": 3}.items():
        expect(part(page, f"import-count-{count}")).to_contain_text(str(rows))
    assert product.call("GET", f"/leads?device_id={device}&with_total=true")["total"] == 1
    expect(part(page, "import-report-rows").locator("[data-row]")).to_have_count(3)
    choose(page, "import-report-cause", re.compile("Missing"))
    expect(part(page, "import-report-rows").locator("[data-row]")).to_have_count(1)
    expect(part(page, "import-report-rows")).to_contain_text("Full Name")
    with page.expect_download() as download:
        part(page, "import-report-download").click()
    download.value.save_as(tmp_path / "errors.csv")
    assert (tmp_path / "errors.csv").read_text("utf-8").splitlines()[0] == "row,column,code,message,cell"

    part(page, "import-dry-start").click()
    expect(part(page, "import-result-words")).to_contain_text("2 rows imported")
    expect(part(page, "import-result-words")).to_contain_text("3 wrong")
    part(page, "import-result-leads").click()
    expect(names(page)).to_have_text(["Nur 🌿", "Lim, Ah Kow"])
    lim = product.call("GET", f"/leads?device_id={device}&q=Lim")["items"][0]
    assert (lim["phone"], lim["niches"], lim["target_status"]) == ("60127000001", ["FITNESS", "YOGA"], "customer")
    assert lim["attributes"] == {"city": "Ipoh"}

    page.goto("/leads/imports")
    expect(part(page, "imports-list").locator("[data-row]").first).to_contain_text("people.csv")


def test_a_file_that_is_no_csv_is_refused_with_words(page: Page, shelf: str) -> None:
    """Workbooks, and an encoding that must be chosen."""
    page.goto("/leads/import")
    page.locator("input[type=file]").set_input_files(FilePayload(name="a.csv", mimeType="text/csv", buffer=b"PK\x03\x04 zip"))
    expect(part(page, "form-problem-summary")).to_contain_text("workbook")
    page.locator("input[type=file]").set_input_files(csv("b.csv", "name,phone\nJosé,60123450000\n", "cp1252"))
    expect(part(page, "form-problem-summary")).to_contain_text("encoding")
    choose(page, "import-file-encoding", re.compile("Windows"))
    expect(part(page, "import-file-rows")).to_contain_text("José")


def test_a_large_import_goes_on_without_its_page(page: Page, product: Server) -> None:
    """The job has an address of its own."""
    device = make_device(product, "Large desk")
    rows = "".join(f"Person {n};{601170000000 + n};BIG\n" for n in range(6000))
    page.goto(f"/leads/import?device={device}")
    page.locator("input[type=file]").set_input_files(csv("large.csv", "name;phone;niche\n" + rows))
    expect(part(page, "import-file-separator")).to_have_value("Semicolon")
    part(page, "import-file-next").click()
    part(page, "import-columns-next").click()
    expect(part(page, "import-count-created")).to_contain_text("6,000", timeout=60_000)
    part(page, "import-dry-start").click()
    page.wait_for_url("**/leads/imports/*")
    address = page.url
    page.goto("/devices")
    page.goto(address)
    expect(part(page, "import-result-words")).to_contain_text("6,000 rows imported", timeout=60_000)


@pytest.fixture(scope="module")
def shelf_device(product: Server) -> str:
    """One device for several tests: an account may have fifteen."""
    return make_device(product, "Shelf")


@pytest.fixture
def shelf(product: Server, shelf_device: str) -> str:
    """A device with just these three leads; returns its id."""
    device = shelf_device
    product.call("POST", "/leads/bulk", json={"action": "delete", "filter": {"device_id": device}})
    make_lead(product, device, "Ada", "60128000001", niche="SHELF,TEA", target_status="customer", trigger="welcome")
    make_lead(product, device, "Bea 🌸", "60128000002", niche="SHELF")
    make_lead(product, device, "Cat", "60128000003")
    return device


def test_filters_stand_in_the_address(page: Page, shelf: str) -> None:
    """A filtered list can be shared, reloaded and cleared."""
    page.goto(f"/leads?device={shelf}&sort=name")
    expect(names(page)).to_have_text(["Ada", "Bea 🌸", "Cat"])
    choose(page, "leads-filter-niche", re.compile(r"^SHELF"))
    expect(names(page)).to_have_text(["Ada", "Bea 🌸"])
    part(page, "leads-filter-status").get_by_text("Customer").click()
    expect(names(page)).to_have_text(["Ada"])
    assert "niche=SHELF" in page.url
    assert "status=customer" in page.url
    page.reload()
    expect(names(page)).to_have_text(["Ada"])
    page.get_by_role("button", name="Remove filter Target status: Customer").click()
    choose(page, "leads-filter-trigger", "Has no trigger")
    expect(names(page)).to_have_text(["Bea 🌸"])
    part(page, "filter-search").fill("nobody at all")
    expect(page.get_by_text("Nothing matches these filters")).to_be_visible()
    part(page, "filter-clear").click()
    expect(part(page, "filter-search")).to_have_value("")


def test_a_lead_is_edited_and_mistakes_stand_at_their_fields(page: Page, product: Server, shelf: str) -> None:
    """Field errors, the duplicate's link, and the question before edits are lost."""
    page.goto(f"/leads?device={shelf}&sort=name")
    page.get_by_role("button", name="Ada").click()
    part(page, "leads-form-niche").fill("Coffee")
    part(page, "leads-form-niche").press("Enter")
    part(page, "leads-form-note").fill("Asked at the fair")
    part(page, "leads-form-save").click()
    expect(part(page, "leads-form")).to_have_count(0)
    ada = product.call("GET", f"/leads?device_id={shelf}&q=Ada")["items"][0]
    assert (ada["niches"], ada["additional_note"]) == (["SHELF", "TEA", "Coffee"], "Asked at the fair")

    page.get_by_role("button", name="Cat").click()
    part(page, "leads-form-phone").fill("99999")
    part(page, "leads-form-save").click()
    expect(part(page, "leads-form-phone")).to_have_attribute("aria-invalid", "true")
    expect(part(page, "form-problem-summary")).to_be_focused()
    part(page, "leads-form-phone").fill("60128000001")
    part(page, "leads-form-save").click()
    part(page, "leads-form-existing").click()
    expect(part(page, "leads-form-name")).to_have_value("Ada")

    part(page, "leads-form-name").fill("Changed, not saved")
    page.keyboard.press("Escape")
    part(page, "leads-leave-stay").click()
    expect(part(page, "leads-form-name")).to_have_value("Changed, not saved")
    page.keyboard.press("Escape")
    part(page, "leads-leave-discard").click()
    expect(part(page, "leads-form")).to_have_count(0)
    expect(names(page).first).to_have_text("Ada")


def test_many_leads_are_changed_and_deleted_at_once(page: Page, product: Server) -> None:
    """All that match, not only those on the screen; a preview first; the number typed before over a hundred go."""
    device = make_device(product, "Bulk desk")
    for n in range(120):
        make_lead(product, device, f"Bulk {n:03}", str(60129000000 + n), niche="BULK" if n % 2 else None)
    page.goto(f"/leads?device={device}")
    page.get_by_label("Select all rows shown").check()
    expect(part(page, "table-selected")).to_have_text("100 selected")
    part(page, "leads-select-all").click()
    expect(part(page, "table-selected")).to_contain_text("All 120 leads")
    part(page, "leads-bulk-niches").click()
    part(page, "leads-bulk-add_niches").click()
    part(page, "leads-bulk-niche").fill("BULK")
    part(page, "leads-bulk-niche").press("Enter")
    expect(part(page, "leads-bulk-preview")).to_have_text("60 of 120 will change")
    part(page, "leads-bulk-submit").click()
    expect(part(page, "leads-bulk-modal")).to_have_count(0)
    assert product.call("GET", f"/leads?device_id={device}&niche=bulk&with_total=true")["total"] == 120

    page.get_by_label("Select all rows shown").check()
    part(page, "leads-select-all").click()
    part(page, "leads-bulk-delete").click()
    expect(part(page, "confirm-cancel")).to_be_focused()
    expect(part(page, "confirm-delete")).to_be_disabled()
    part(page, "confirm-name").fill("120")
    part(page, "confirm-delete").click()
    expect(part(page, "leads-bulk-confirm")).to_have_count(0)
    expect(page.get_by_text("Nothing matches these filters")).to_be_visible()
    assert product.call("GET", f"/leads?device_id={device}&with_total=true")["total"] == 0


def test_the_filtered_rows_are_exported(page: Page, shelf: str, tmp_path: Path) -> None:
    """Columns and row count are shown first."""
    page.goto(f"/leads?device={shelf}&niche=SHELF")
    part(page, "leads-head-more").click()
    part(page, "leads-head-export").click()
    expect(part(page, "leads-export-rows")).to_contain_text("2 rows")
    with page.expect_download() as download:
        part(page, "leads-export-download").click()
    download.value.save_as(tmp_path / "leads.csv")
    lines = (tmp_path / "leads.csv").read_text("utf-8").splitlines()
    assert lines[0] == "name,phone,niche,target_status,additional_note,device_id,trigger"
    assert [line.split(",")[0] for line in lines[1:]] == ["Ada", "Bea 🌸"]


def test_a_lead_is_added_with_the_keyboard_alone(page: Page, product: Server, shelf: str) -> None:
    """`n`, the form, Ctrl+Enter; the focus begins in the name."""
    page.goto(f"/devices/{shelf}?tab=leads")
    expect(names(page)).to_have_count(3)
    page.keyboard.press("n")
    expect(part(page, "leads-form-name")).to_be_focused()
    page.keyboard.type("Dee")
    page.keyboard.press("Tab")
    page.keyboard.type("+60 12 800 0004")
    page.keyboard.press("Control+Enter")
    expect(names(page)).to_have_count(4)
    assert product.call("GET", f"/leads?device_id={shelf}&q=Dee")["items"][0]["phone"] == "60128000004"


def test_on_a_phone_rows_are_cards(page: Page, shelf: str) -> None:
    """No sideways scrolling, the rest of a row behind More."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/leads?device={shelf}")
    cards = part(page, "leads-list").get_by_role("listitem")
    expect(cards).to_have_count(3)
    cards.first.get_by_role("button", name="More").click()
    expect(cards.first).to_contain_text("Shelf")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 320, "height": 700})
    for address in (f"/leads?device={shelf}&lead=new", f"/leads/import?device={shelf}", "/leads/imports"):
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address


def test_the_history_of_a_lead_tells_of_every_message(page: Page, product: Server) -> None:
    """A campaign's message and a single one, the newest first, with ticks."""
    device = add_device(product, "History desk", "60127500000")
    lead = make_lead(product, device, "Hanif", "60127500001", niche="HISTORY")
    body = {"title": "Told before", "niche": "HISTORY", "target_status": "all", "message": "First"}
    made = product.call("POST", "/campaigns", json=body | {"min_delay_seconds": 0, "max_delay_seconds": 0})
    wait_for(lambda: product.call("GET", f"/campaigns/{made['id']}")["status"] == "finished", 30)
    product.call("POST", "/send/message", json={"device_id": device, "phone": "60127500001", "message": "Second"})
    page.goto(f"/leads?lead={lead}")
    part(page, "leads-drawer-tab-history").click()
    lines = part(page, "leads-history-line")
    expect(lines).to_have_count(2)
    expect(lines.first).to_contain_text("Single message")
    expect(lines.first).to_contain_text("Second")
    expect(lines.first).to_have_attribute("data-state", re.compile("delivered|read"), timeout=20_000)
    lines.last.get_by_role("link", name="Told before").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Told before")
