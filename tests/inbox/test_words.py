"""What people write and what is done about it, end to end: the simulated phone, the receiver, the ledger."""

import hashlib
from datetime import timedelta

import pytest

from hantar.consent import model as consents, service as consent, words
from hantar.gateways import port
from hantar.inbox import model, service
from hantar.outbox import service as outbox
from hantar.persons import service as persons
from tests.fleet import Fleet

ANN = "60123450001"


async def ask(fleet: Fleet, sql: str, *values):
    async with fleet.db.transaction(fleet.workspace) as tx:
        return [dict(row) for row in await tx.fetch(sql, *values)]


def effects(fleet: Fleet) -> list[dict]:
    return [line for line in fleet.book.lines() if line["effect"] == "sent"]


def body(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


async def test_five_stops_make_one_opt_out_and_one_confirmation(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    for _ in range(5):
        await fleet.says(device, "STOP!!🙏", ANN)
    await fleet.run(30)
    (row,) = await ask(fleet, "SELECT * FROM suppressions")
    assert (row["reason"], row["source"], row["text"]) == ("stop", "keyword", "STOP!!🙏")
    assert (row["device_id"], row["keywords_version"]) == (device, words.VERSION)
    assert len(await ask(fleet, "SELECT 1 FROM inbound_messages")) == 5
    assert [(line["to"], line["body"]) for line in effects(fleet)] == [(ANN, body(model.confirmation("stopped", "en")))]
    (message,) = await fleet.rows()
    assert (message["kind"], message["duty"], message["source_id"]) == ("auto_reply", "optout_confirmation", row["id"])


async def test_a_confirmation_that_cannot_leave_within_five_minutes_never_does(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.says(device, "STOP", ANN)
    await fleet.set_device(device, state="offline")
    await fleet.run(301, step=1)
    await fleet.set_device(device, state="online")
    await fleet.run(60, step=1)
    assert effects(fleet) == []
    assert await fleet.states() == {"expired": 1}


async def test_stop_ends_what_waits_and_names_the_campaign(fleet: Fleet) -> None:
    one, other = await fleet.add_devices(2)
    await fleet.add_leads(one, [ANN])
    campaign = await fleet.launch(min_delay_seconds=0, max_delay_seconds=0)
    await fleet.run(5)
    await fleet.add_leads(other, [ANN])
    later = await fleet.launch(
        title="Second", campaign_date=None, when_offline="wait", min_delay_seconds=60, max_delay_seconds=60
    )
    assert await fleet.states(later) == {"queued": 1}
    before = len(effects(fleet))
    await fleet.says(one, "berhenti", ANN)
    await fleet.run(90)
    (row,) = await ask(fleet, "SELECT * FROM suppressions")
    assert row["campaign_id"] == campaign
    assert await fleet.states(later) == {"suppressed": 1}
    assert [line["body"] for line in effects(fleet)[before:]] == [body(model.confirmation("stopped", "ms"))]


async def test_start_gives_back_what_stop_took_and_says_so_once(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    async with fleet.db.transaction(fleet.workspace) as tx:
        ann = await persons.at_phone(tx, fleet.workspace, ANN)
        given = consents.Given("marketing", "News, please", "web_form", await tx.now(), business_name="Alice's")
        await consent.give(tx, fleet.workspace, [ann], given)
    facts: list[str] = []
    fleet.bus.subscribe("*", lambda fact: facts.append(fact.name))
    await fleet.clock.advance(10)
    await fleet.says(device, "stop", ANN)
    await fleet.clock.advance(10)
    for _ in range(3):
        await fleet.says(device, "Start", ANN)
    await fleet.run(30)
    told = [line["body"] for line in effects(fleet)]
    assert told == [body(model.confirmation("stopped", "en")), body(model.confirmation("restored", "en"))]
    rows = await ask(fleet, "SELECT purpose, source, withdrawn_at, wording, inbound_id FROM consents ORDER BY id")
    assert [(row["source"], row["withdrawn_at"] is None) for row in rows] == [("web_form", False), ("inbound", True)]
    assert rows[1]["wording"] == "Start"
    assert rows[1]["inbound_id"] is not None
    (row,) = await ask(fleet, "SELECT released_at, released_by FROM suppressions")
    assert row["released_at"] is not None
    assert row["released_by"] is None
    assert facts.count("lead.opted_out") == facts.count("lead.opted_in") == 1


async def test_start_promises_no_consent_there_never_was(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.says(device, "stop", ANN)
    await fleet.clock.advance(10)
    await fleet.says(device, "start", ANN)
    await fleet.run(30)
    assert [line["body"] for line in effects(fleet)][1:] == [body(model.confirmation("lifted", "en"))]
    assert await ask(fleet, "SELECT 1 FROM consents WHERE purpose = 'marketing'") == []


@pytest.mark.parametrize("reason", ["complaint", "block", "legal", "manual"])
async def test_start_releases_stop_alone(fleet: Fleet, reason: str) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.says(device, "stop", ANN)
    await fleet.run(10)
    async with fleet.db.transaction(fleet.workspace) as tx:
        ann = await persons.at_phone(tx, fleet.workspace, ANN)
        asked = consents.OptOut(consents.OptOutReason(reason), consents.OptOutSource.API)
        await outbox.opt_out(tx, fleet.workspace, ann, asked)
    await fleet.clock.advance(10)
    await fleet.says(device, "start", ANN)
    await fleet.run(30)
    async with fleet.db.transaction(fleet.workspace) as tx:
        assert await consent.is_opted_out(tx, fleet.workspace, ann)
    assert len(effects(fleet)) == 1, "who stays opted out is told nothing"
    live = await ask(fleet, "SELECT reason FROM suppressions WHERE released_at IS NULL")
    assert [row["reason"] for row in live] == [reason]


async def test_a_start_from_before_a_stop_does_not_undo_it(fleet: Fleet) -> None:
    """Two devices, and the older word arrives last."""
    one, other = await fleet.add_devices(2)
    early = fleet.clock.now()
    await fleet.clock.advance(60)
    await fleet.says(one, "STOP", ANN)
    event = _received(other, "START", early)
    await fleet.receiver.take(event)
    (row,) = await ask(fleet, "SELECT released_at FROM suppressions")
    assert row["released_at"] is None


def _received(device: str, text: str, at, **more):
    fields = {"sender": port.Address(ANN), "wire_id": f"W-{text}-{at.timestamp()}", **more}
    return port.MessageReceived(device_id=device, event_id=fields["wire_id"], at=at, text=text, **fields)


LANGUAGES = [each.code for each in words.LANGUAGES]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_language_end_to_end(fleet: Fleet, language: str) -> None:
    (device,) = await fleet.add_devices(1)
    ours = next(each for each in words.LANGUAGES if each.code == language)
    stop = next(word for word in ours.stop if words.read(word, {}).language == language)
    start = next(word for word in ours.start if words.read(word, {}).language == language)
    await fleet.says(device, stop, ANN)
    await fleet.run(10)
    assert [row["meaning"] for row in await ask(fleet, "SELECT meaning FROM inbound_messages")] == ["stop"]
    await fleet.says(device, start, ANN)
    await fleet.run(10)
    told = [line["body"] for line in effects(fleet)]
    assert told == [body(model.confirmation("stopped", language)), body(model.confirmation("lifted", language))]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_confirmation_shows_a_way_back_that_works(language: str) -> None:
    known = model.confirmations()
    assert known[language]["verified"] == ("yes" if language == "en" else "unverified")
    ours = next(each for each in words.LANGUAGES if each.code == language)
    for told, listed in (("stopped", ours.start), ("restored", ours.stop), ("lifted", ours.stop)):
        text = words.fold(model.confirmation(told, language))
        assert any(words.fold(word) in text for word in listed), f"{language}: {told} names no word that leads there"


@pytest.mark.parametrize("language", LANGUAGES)
async def test_our_own_words_sent_back_ask_for_nothing(fleet: Fleet, language: str) -> None:
    """I-18: another of our devices, or a person who quotes us; some of these would else be a request to be left alone."""
    (device,) = await fleet.add_devices(1)
    for told in ("stopped", "restored", "lifted"):
        await fleet.says(device, f"{model.confirmation(told, language)} ", ANN)
    assert {row["meaning"] for row in await ask(fleet, "SELECT meaning FROM inbound_messages")} == {"none"}
    assert await ask(fleet, "SELECT 1 FROM holds") == await ask(fleet, "SELECT 1 FROM suppressions") == []


async def test_mutant_our_own_words_are_orders(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """I-18 mutant: no echo check."""
    monkeypatch.setattr(service, "_our_texts", frozenset)
    (device,) = await fleet.add_devices(1)
    for language in LANGUAGES:
        await fleet.says(device, model.confirmation("stopped", language), ANN)
    assert await ask(fleet, "SELECT 1 FROM holds"), "the mutant lives"


async def test_intent_holds_the_person_until_somebody_decides(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.says(device, "please stop", ANN)
    await fleet.says(device, "please stop messaging me", ANN)
    (row,) = await ask(fleet, "SELECT kind, ended_at, device_id FROM holds")
    assert (row["kind"], row["ended_at"], row["device_id"]) == ("intent", None, device)
    await fleet.run(10)
    assert effects(fleet) == []
    await fleet.says(device, "STOP", ANN)
    (row,) = await ask(fleet, "SELECT outcome FROM holds")
    assert row["outcome"] == "confirmed", "the person has decided"


async def test_a_question_keeps_automation_away_until_it_is_answered(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.says(device, "How much is it?", ANN)
    assert [row["kind"] for row in await ask(fleet, "SELECT kind FROM holds WHERE ended_at IS NULL")] == ["conversation"]
    await fleet.clock.advance(60)
    await fleet.does(device, port.SimulatorAction("sent_elsewhere", phone=ANN, text="Ten ringgit"))
    (row,) = await ask(fleet, "SELECT outcome FROM holds")
    assert row["outcome"] == "answered"


@pytest.mark.parametrize(("changes", "is_open"), [({}, False), ({"is_manual": False}, True), ({"later": True}, True)])
async def test_an_answer_by_a_person_ends_the_wait_for_one(fleet: Fleet, changes: dict[str, bool], is_open: bool) -> None:
    """A program's message, or one planned for later, is no answer yet."""
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, [ANN])
    campaign = await fleet.launch(min_delay_seconds=0, max_delay_seconds=0)
    await fleet.says(device, "How much is it?", ANN)
    await fleet.run(5)
    assert await fleet.states(campaign) == {"queued": 1}
    send_at = fleet.clock.now() + timedelta(hours=1) if changes.get("later") else None
    async with fleet.db.transaction(fleet.workspace) as tx:
        asked = outbox.Direct(device, ANN, "Ten", send_at=send_at, is_manual=changes.get("is_manual", True))
        await outbox.send(tx, fleet.workspace, asked, None)
    assert [row["outcome"] for row in await ask(fleet, "SELECT outcome FROM holds")] == [None if is_open else "answered"]
    await fleet.run(60)
    assert (await fleet.states(campaign) == {"queued": 1}) is is_open


async def test_a_question_without_the_guard_holds_nobody(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.set_rules(conversation_guard=False)
    await fleet.says(device, "How much is it?", ANN)
    assert await ask(fleet, "SELECT 1 FROM holds") == []


async def test_who_writes_first_gets_a_service_consent_once(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.says(device, "Hi there", ANN)
    await fleet.says(device, "Me again", ANN)
    rows = await ask(fleet, "SELECT purpose, source FROM consents")
    assert [tuple(row.values()) for row in rows] == [("service", "inbound")]
    (chat,) = await ask(fleet, "SELECT first_in_at, last_in_at, first_out_at FROM chats")
    assert chat["first_in_at"] is not None
    assert chat["first_out_at"] is None


async def test_a_stop_in_a_group_binds_nobody(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.says(device, "STOP", ANN, group="yes")
    assert await ask(fleet, "SELECT 1 FROM suppressions") == []
    assert await ask(fleet, "SELECT 1 FROM inbound_messages") == []


@pytest.mark.parametrize(("action", "reason"), [("block", "block"), ("complain", "complaint")])
async def test_a_block_or_complaint_at_the_service_counts_at_once(fleet: Fleet, action: str, reason: str) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, [ANN])
    await fleet.launch(min_delay_seconds=0, max_delay_seconds=0)
    await fleet.run(5)
    await fleet.does(device, port.SimulatorAction(action, phone=ANN))
    await fleet.run(10)
    (row,) = await ask(fleet, "SELECT reason, source, device_id, campaign_id FROM suppressions")
    assert (row["reason"], row["source"], row["device_id"]) == (reason, "platform", device)
    assert row["campaign_id"] is not None
    assert len(effects(fleet)) == 1, "nobody is written to for having blocked us"


async def test_two_own_devices_do_not_answer_each_other(fleet: Fleet) -> None:
    """I-18: a confirmation that reaches another of our devices is a message like any other."""
    one, other = await fleet.add_devices(2)
    rows = await ask(fleet, "SELECT id, phone FROM devices ORDER BY id")
    await fleet.says(one, "STOP", "60120000001")
    for _ in range(5):
        await fleet.run(5)
        for _ in effects(fleet)[-1:]:
            await fleet.says(other, model.confirmation("stopped", "en"), "60120000000")
    assert len(effects(fleet)) == 1
    assert len(rows) == 2


async def test_an_echo_of_the_device_itself_is_nobody(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.set_device(device, phone=ANN)
    await fleet.says(device, "STOP", ANN)
    assert await ask(fleet, "SELECT 1 FROM inbound_messages") == []
