"""Responsible sending in the browser: a STOP, a "please stop", a tightened rule, "why?", consent at import, erasure."""

import itertools

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.acceptance.server import Server, wait_for
from tests.browser.conftest import add_device

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_PHONES = itertools.count(60_127_600_101)
"""Numbers that are on the simulated service, which lacks one in seventy; a number that is not there gets nothing."""


def part(page: Page, name: str) -> Locator:
    """A part by its test id."""
    return page.get_by_test_id(name)


@pytest.fixture(scope="module")
def device(product: Server) -> str:
    """One simulated device that is online; returns its id."""
    return add_device(product, "Consent desk", "60127600000")


def make_lead(product: Server, device: str, name: str) -> str:
    """A lead of the device; returns its number."""
    phone = str(next(_PHONES))
    product.call("POST", "/leads", json={"name": name, "phone": phone, "device_id": device})
    return phone


def write_in(page: Page, device: str, phone: str, text: str, *, is_hidden: bool = False) -> None:
    """Somebody writes to the device, played on its simulator tab."""
    page.goto(f"/devices/{device}?tab=simulator")
    part(page, "simulator-inbound-phone").fill(phone)
    part(page, "simulator-inbound-text").fill(text)
    if is_hidden:
        part(page, "simulator-inbound-hidden").check()
    part(page, "simulator-inbound").click()
    expect(page.get_by_role("alert").first).to_be_visible()  # the toast that it happened


def send_text(page: Page, device: str, phone: str, text: str) -> None:
    """One text from the device's page."""
    page.goto(f"/devices/{device}?tab=actions")
    part(page, "send-text-phone").fill(phone)
    part(page, "send-text-message").fill(text)
    part(page, "send-text-submit").click()


def test_a_stop_ends_everything_until_somebody_answers_knowingly(page: Page, product: Server, device: str) -> None:
    """STOP appears among the opt-outs; a text is refused in words; the explicit answer goes and stands in the audit trail."""
    phone = make_lead(product, device, "Stop Sari")
    write_in(page, device, phone, "Berhenti!")
    wait_for(lambda: product.call("GET", f"/opt-outs/check?phone={phone}")["opted_out"], 15)
    page.goto("/consent/opt-outs")
    expect(part(page, "opt-outs-list").get_by_text("Stop Sari")).to_be_visible()

    send_text(page, device, phone, "Are you sure?")
    expect(part(page, "send-refused")).to_have_attribute("data-code", "opted_out")
    expect(part(page, "send-refused")).not_to_contain_text("confirm_opted_out")
    expect(part(page, "send-anyway")).to_be_disabled()
    part(page, "send-knowingly").check()
    part(page, "send-anyway").click()
    expect(part(page, "send-refused")).to_have_count(0)

    page.goto("/settings/audit")
    expect(part(page, "audit-proof")).to_have_attribute("data-ok", "true")
    expect(part(page, "audit-list").get_by_text("Answered a person who opted out").first).to_be_visible()


def test_a_stranger_without_a_number_can_stop_too(page: Page, product: Server, device: str) -> None:
    """WhatsApp gave only an id; the opt-out stands all the same."""
    before = product.call("GET", "/opt-outs?with_total=true")["total"]
    write_in(page, device, str(next(_PHONES)), "STOP", is_hidden=True)
    wait_for(lambda: product.call("GET", "/opt-outs?with_total=true")["total"] == before + 1, 15)
    page.goto("/consent/opt-outs")
    expect(part(page, "opt-outs-list").get_by_text("Unknown number").first).to_be_visible()


def test_please_stop_is_decided_by_a_person(page: Page, product: Server, device: str) -> None:
    """It is counted in the navigation, shown with its words, and confirmed as an opt-out."""
    phone = make_lead(product, device, "Maybe Mei")
    write_in(page, device, phone, "please stop sending me these messages")
    wait_for(lambda: product.call("GET", "/holds?open=true")["items"], 15)
    page.goto("/consent/holds")
    expect(part(page, "nav-holds")).to_be_visible()
    card = part(page, "hold-card").filter(has_text="Maybe Mei")
    expect(card).to_contain_text("please stop sending me these messages")
    card.get_by_test_id("hold-confirm").click()
    expect(card).to_have_count(0)
    assert product.call("GET", f"/opt-outs/check?phone={phone}")["opted_out"]


def test_a_rule_is_tightened_with_a_reason(page: Page, product: Server) -> None:
    """The new number shows its origin, its history and its reason."""
    page.goto("/consent/rules?kind=cloud")
    part(page, "rule-edit-person_cap_week").click()
    part(page, "rule-value").fill("1")
    part(page, "rule-save").click()
    expect(part(page, "rule-save")).to_be_visible()  # a reason is asked for
    part(page, "rule-reason").fill("Fewer, better letters")
    part(page, "rule-save").click()
    expect(part(page, "rule-save")).to_have_count(0)
    expect(part(page, "rule-value-person_cap_week")).to_have_text("1")
    expect(page.get_by_text("Fewer, better letters").last).to_be_visible()
    [cloud] = [each for each in product.call("GET", "/policy")["kinds"] if each["kind"] == "cloud"]
    [rule] = [each for each in cloud["rules"] if each["name"] == "person_cap_week"]
    assert (rule["value"], rule["origin"]) == (1, "workspace")


def test_why_tells_the_story_of_a_message(page: Page, product: Server, device: str) -> None:
    """From the row to each rule that was asked, and by keyboard back to the row."""
    phone = make_lead(product, device, "Asked Ahmad")
    send_text(page, device, phone, "Your order is ready.")
    row = part(page, "device-log-line").filter(has_text="Asked Ahmad").first
    row.get_by_test_id("message-why").focus()
    page.keyboard.press("Enter")
    expect(part(page, "why-summary")).to_be_visible()
    for rule in ("device", "policy", "opt_out", "consent", "hold"):
        expect(part(page, "why-step").and_(page.locator(f"[data-rule={rule}]"))).to_have_count(1)
    page.keyboard.press("Escape")
    expect(part(page, "why-summary")).to_have_count(0)
    expect(row.get_by_test_id("message-why")).to_be_focused()


def test_an_import_asks_once_and_the_ledger_has_the_rows(page: Page, product: Server, device: str) -> None:
    """Declared for a file later: one row for each person, and the person who had opted out stays out."""
    first, second = next(_PHONES), next(_PHONES)
    product.call("POST", "/opt-outs", json={"phone": str(second), "reason": "manual"})
    file = f"name,phone\nLedger Lim,{first}\nLedger Out,{second}\n"
    page.goto(f"/leads/import?device={device}")
    page.locator("input[type=file]").set_input_files(FilePayload(name="fair.csv", mimeType="text/csv", buffer=file.encode()))
    part(page, "import-file-next").click()
    part(page, "import-columns-next").click()
    part(page, "import-dry-start").click()
    expect(part(page, "import-opted-out-lines")).to_contain_text("1")
    expect(part(page, "import-consented")).to_contain_text("0")

    part(page, "import-declare").click()
    part(page, "import-declare-submit").click()
    expect(page.get_by_text("Confirm that they agreed.")).to_be_visible()
    part(page, "import-consent-wording").fill("I want letters from the fair.")
    part(page, "import-consent-declared").check()
    part(page, "import-declare-submit").click()
    expect(part(page, "import-consented")).not_to_contain_text("0")
    page.goto("/consent/consents")
    expect(part(page, "consents-list").locator("[data-row]").filter(has_text="Ledger Lim")).to_contain_text("I want letters")
    assert product.call("GET", f"/opt-outs/check?phone={second}")["opted_out"]


def test_a_person_is_erased_and_not_found_again(page: Page, product: Server, device: str) -> None:
    """What goes and what stays is told; a reason and a word are asked for; then nobody is found."""
    make_lead(product, device, "Forget Fatimah")
    page.goto("/consent/requests")
    part(page, "requests-search").fill("Forget Fatimah")
    part(page, "requests-look").click()
    expect(part(page, "person-state")).to_be_visible()
    part(page, "requests-erase").click()
    part(page, "erase-reason").fill("Asked by letter")
    part(page, "erase-typed").fill("erase")
    part(page, "erase-submit").click()
    wait_for(lambda: not product.call("GET", "/persons?q=Forget%20Fatimah")["items"], 20)
    page.reload()
    part(page, "requests-search").fill("Forget Fatimah")
    expect(page.get_by_text("Nobody found")).to_be_visible()
