"""Why? Every message can say how it came to stand where it stands, in plain words, and what a person can do."""

import re
from datetime import timedelta
from typing import Any

import pytest

from hantar.accounts.model import SCOPES, Caller
from hantar.campaigns import service as campaigns
from hantar.gateways import port
from hantar.kit import db
from hantar.outbox import explain, history, queue, rules, words
from hantar.policy.model import KINDS
from tests import cast
from tests.fleet import Fleet
from tests.outbox import people

PHONE = "60123450001"
NIGHT = {"quiet_start": 9 * 60, "quiet_end": 9 * 60 + 30}
"""Open from 09:00 to 09:30; in Malaysia it is 10:00."""


@pytest.fixture
async def device(fleet: Fleet) -> str:
    (made,) = await fleet.add_devices(1)
    return made


async def why(fleet: Fleet, message_id: str | None = None) -> explain.Why:
    """The story of a message (the only one there is)."""
    if message_id is None:
        (row,) = await fleet.rows()
        message_id = row["id"]
    async with fleet.db.transaction(fleet.workspace) as tx:
        return explain.why(await history.read(tx, fleet.workspace, str(message_id)))


def told(story: explain.Why) -> list[tuple[str, str]]:
    return [(step.rule, step.outcome) for step in story.steps]


def of(story: explain.Why, rule: str) -> explain.Step:
    (step,) = [step for step in story.steps if step.rule == rule]
    return step


async def campaign_to(fleet: Fleet, device: str, phone: str = PHONE, **changes: Any) -> str:
    if not await _has_lead(fleet, phone):
        await fleet.add_leads(device, [phone])
    return await fleet.launch(**changes)


async def _has_lead(fleet: Fleet, phone: str) -> bool:
    async with fleet.db.transaction(fleet.workspace) as tx:
        return bool(await tx.fetchval("SELECT 1 FROM leads WHERE phone = $1", phone))


# ---------------------------------------------------------------- sent
async def test_a_campaign_message_from_its_plan_to_its_receipt(fleet: Fleet, device: str) -> None:
    await people.agree(fleet, PHONE)
    await campaign_to(fleet, device)
    await fleet.run(6)
    story = await why(fleet)
    assert told(story)[:9] == [
        ("campaign", "planned"),
        ("device", "chosen"),
        ("policy", "simulator"),
        ("opt_out", "pass"),
        ("consent", "pass"),
        ("hold", "pass"),
        ("cap", "pass"),
        ("quiet_hours", "pass"),
        ("attempt", "taken"),
    ]
    assert next(step.outcome for step in story.steps if step.rule == "receipt") == "sent"
    assert of(story, "campaign").words == "It belongs to the campaign “Spring”, due 1 December 2026, 02:00 UTC."
    assert of(story, "device").words == "“Device 1” sends it: the person is a lead of this device."
    assert of(story, "policy").words == "The rules for simulated devices applied: version 1 of this workspace."
    assert of(story, "consent").words == (
        "The person agreed to marketing to Alice's Bakery on 30 November 2026, on paper: “Yes, send me offers.”"
    )
    assert of(story, "cap").words == ("The person had had 0 of 50 campaign messages within 24 hours and 0 of 200 within 7 days.")
    assert of(story, "quiet_hours").words == "Any hour is allowed by these rules."
    assert [step.at for step in story.steps] == sorted(step.at for step in story.steps)


async def test_what_went_without_consent_says_so(fleet: Fleet, device: str) -> None:
    await campaign_to(fleet, device)
    await fleet.run(6)
    step = of(await why(fleet), "consent")
    assert (step.outcome, step.words) == (
        "marked",
        "There was no consent on record. The rules of this device note that and let it go.",
    )


async def test_the_rules_are_told_as_they_stood_then(fleet: Fleet, device: str) -> None:
    """A later version, a later opt-out, a later message change nothing of the story of this one."""
    await fleet.set_rules(person_cap_day=3, person_cap_week=9)
    first = await campaign_to(fleet, device)
    await fleet.run(6)
    await fleet.clock.advance(3600)
    second = await campaign_to(fleet, device)
    await fleet.run(6)
    (row,) = await fleet.rows(second)
    before = await why(fleet, row["id"])
    assert "1 of 3 campaign messages within 24 hours and 1 of 9" in of(before, "cap").words
    assert "version 2" in of(before, "policy").words
    await fleet.clock.advance(60)
    await fleet.set_rules(person_cap_day=1)
    await people.opt_out(fleet, PHONE)
    await people.hold(fleet, PHONE)
    after = await why(fleet, row["id"])
    assert after == before
    assert "0 of 3" in of(await why(fleet, (await fleet.rows(first))[0]["id"]), "cap").words


async def test_stricter_numbers_of_the_campaign_are_told(fleet: Fleet, device: str) -> None:
    campaign = await campaign_to(fleet, device)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await tx.execute("UPDATE sources SET rules = $2 WHERE id = $1", campaign, {"person_cap_day": 1})
    await fleet.run(6)
    story = await why(fleet)
    assert of(story, "policy").words.endswith("Its campaign has stricter numbers of its own, and those count.")
    assert "0 of 1 campaign messages" in of(story, "cap").words


# ---------------------------------------------------------------- left out, and what to do
async def test_opted_out(fleet: Fleet, device: str) -> None:
    await campaign_to(fleet, device)
    await people.opt_out(fleet, PHONE)
    story = await why(fleet)
    assert told(story)[-2:] == [("opt_out", "stop"), ("end", "opted_out")]
    assert of(story, "opt_out").words.startswith("The person opted out on 1 December 2026: they asked to hear nothing more.")
    assert story.summary == (
        "Left out. The person has opted out. Nothing is sent until they write START or an owner releases it with a reason."
    )


async def test_no_consent(fleet: Fleet, device: str) -> None:
    await campaign_to(fleet, device)
    await fleet.set_rules(consent_mode="strict")
    await fleet.run(6)
    story = await why(fleet)
    assert told(story)[-2:] == [("consent", "stop"), ("end", "no_consent")]
    assert "Record the consent, then send anew." in story.summary


async def test_cap(fleet: Fleet, device: str) -> None:
    await campaign_to(fleet, device)
    await fleet.run(6)
    second = await campaign_to(fleet, device)
    await fleet.set_rules(person_cap_day=1)
    await fleet.run(40, step=0.5)
    (row,) = await fleet.rows(second)
    story = await why(fleet, row["id"])
    assert told(story)[-2:] == [("cap", "stop"), ("end", "cap")]
    assert of(story, "cap").words.startswith("The person had had 1 of 1 campaign messages within 24 hours and 1 of 200")


async def test_quiet_hours_that_drop(fleet: Fleet, device: str) -> None:
    await campaign_to(fleet, device)
    await fleet.set_rules(**NIGHT, quiet_overflow="drop")
    await fleet.run(6)
    story = await why(fleet)
    assert told(story)[-2:] == [("quiet_hours", "stop"), ("end", "quiet_hours")]
    assert of(story, "quiet_hours").words.startswith(
        "Allowed from 09:00 to 09:30 by every clock where the person may be: Asia/Kuching 10:00."
    )


async def test_a_cancelled_and_a_merged_message(fleet: Fleet, device: str) -> None:
    campaign = await campaign_to(fleet, device)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await campaigns.cancel(tx, fleet.workspace, campaign)
    assert (await why(fleet)).summary == "Cancelled. A member stopped it before it left."
    again = await fleet.launch()
    (row,) = await fleet.rows(again)
    other = await people.person(fleet, "60123450002")
    async with fleet.db.transaction(fleet.workspace) as tx:
        await tx.execute(
            """INSERT INTO messages (workspace_id, id, kind, source_id, person_id, device_id, content_id, phone, state, priority,
                 not_before, expires_at, created_at)
               SELECT workspace_id, gen_random_uuid(), kind, source_id, $2, device_id, content_id, phone, 'queued', 5,
                 not_before, expires_at, created_at FROM messages WHERE id = $1""",
            row["id"],
            other,
        )
        (lost,) = await queue.move_person(tx, fleet.workspace, other, row["person_id"])
    story = await why(fleet, lost["id"])
    assert story.summary.startswith("Cancelled. Another message of the same campaign to this person stands.")


async def test_too_late(fleet: Fleet, device: str) -> None:
    await fleet.set_device(device, state="offline", state_since=fleet.clock.now())
    await campaign_to(fleet, device)
    await fleet.clock.advance(80 * 3600)
    await fleet.engine.sweep()
    story = await why(fleet)
    assert told(story)[-1] == ("end", "expired")
    assert story.summary == "It was too late to send it. Plan it anew if it still matters."


# ---------------------------------------------------------------- waiting
async def test_waiting_for_the_next_window_then_sent(fleet: Fleet, device: str) -> None:
    await campaign_to(fleet, device)
    await fleet.set_rules(**NIGHT)
    await fleet.run(5)
    story = await why(fleet)
    opens = fleet.clock.now().replace(day=2, hour=1, minute=0, second=0, microsecond=0)
    waits = [step for step in story.steps if step.outcome in ("wait", "waiting")]
    assert {step.until for step in waits} == {opens}
    assert {step.rule for step in waits} == {"quiet_hours"}
    assert story.summary == (
        "It is outside the hours in which this person may be written to. Until 2 December 2026, 01:00 UTC. "
        "It goes in the next window."
    )
    await fleet.clock.advance((opens - fleet.clock.now()).total_seconds())
    await fleet.run(6)
    story = await why(fleet)
    outcomes = told(story)
    assert (
        outcomes.index(("quiet_hours", "wait")) < outcomes.index(("quiet_hours", "pass")) < outcomes.index(("attempt", "taken"))
    )


async def test_waiting_because_nobody_knows_where_the_person_is(fleet: Fleet, device: str) -> None:
    await campaign_to(fleet, device)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await tx.execute("UPDATE persons SET zones = '{}'")
    await fleet.set_rules(**NIGHT, quiet_unknown_zone="hold")
    await fleet.run(5)
    story = await why(fleet)
    assert ("quiet_hours", "wait") in told(story)
    assert story.summary == words.NOWHERE


async def test_waiting_for_a_hold(fleet: Fleet, device: str) -> None:
    await campaign_to(fleet, device)
    await people.hold(fleet, PHONE)
    await fleet.run(5)
    story = await why(fleet)
    assert ("hold", "wait") in told(story)
    assert story.summary == "The person is on hold. Somebody has to answer, confirm or release it first."


@pytest.mark.parametrize(
    ("columns", "code", "said"),
    [
        ({"state": "offline"}, "device_offline", "Its device is not connected"),
        ({"sending_paused": True}, "device_offline", "sending is paused on it"),
        ({"state": "restricted"}, "device_restricted", "Nothing was moved."),
    ],
)
async def test_waiting_for_the_device(fleet: Fleet, device: str, columns: dict[str, Any], code: str, said: str) -> None:
    await fleet.set_device(device, **columns)
    await campaign_to(fleet, device)
    story = await why(fleet)
    assert told(story)[-1] == (code, "waiting")
    assert said in story.summary
    assert "If it cannot go by 4 December 2026, 02:00 UTC, it ends as too late." in story.steps[-1].words


async def test_waiting_for_the_campaign_and_for_its_time(
    http: cast.Http, fleet: Fleet, bob: Caller, alice: Caller, device: str
) -> None:
    campaign = await campaign_to(fleet, device)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await queue.set_gate(tx, fleet.workspace, campaign, is_open=False)
    assert (await why(fleet)).summary == "Its campaign is paused. Resume the campaign."
    body = {"device_id": device, "phone": PHONE, "message": "Later", "send_at": "2026-12-05T02:00:00Z"}
    message = (await http(bob).post("/api/send/message", json=body)).json()["message_id"]
    story = await why(fleet, message)
    assert story.summary == "It is planned for 5 December 2026, 02:00 UTC."
    assert of(story, "request").words == "It is a single message, sent by a signed-in member."


async def test_a_queued_message_that_the_rules_will_end_says_so(fleet: Fleet, device: str) -> None:
    """Nobody need wait for the claim to hear it."""
    await campaign_to(fleet, device)
    await fleet.set_rules(consent_mode="strict")
    story = await why(fleet)
    assert ("consent", "stop") in told(story)
    assert story.summary.startswith("It will not go: there was no consent on record")


# ---------------------------------------------------------------- attempts
async def test_each_attempt_that_did_not_end_it(fleet: Fleet, device: str) -> None:
    await fleet.driver.simulate(port.DeviceRef(device, 0), port.SimulatorAction("rate_limit", for_seconds=60))
    await campaign_to(fleet, device)
    await fleet.run(5)
    story = await why(fleet)
    step = next(step for step in story.steps if step.outcome == "deferred")
    assert step.rule == "attempt"
    assert step.words.startswith("WhatsApp asked")
    assert step.until is not None
    assert fleet.clock.now() < step.until
    await fleet.run(150, step=0.5)
    assert ("receipt", "sent") in told(await why(fleet))


async def test_an_unconfirmed_message_that_a_member_sent_again(http: cast.Http, fleet: Fleet, bob: Caller, device: str) -> None:
    await campaign_to(fleet, device)
    (row,) = await fleet.rows()
    async with fleet.db.system() as tx:
        await tx.execute("UPDATE messages SET state = 'claimed', claimed_at = $1", await tx.now())
        await tx.execute("UPDATE messages SET state = 'unknown', ended_at = $1", await tx.now())
    assert (await why(fleet)).summary.startswith("The answer was lost: it may have arrived")
    await fleet.clock.advance(60)
    body = {"outcome": "send_again", "reason": "They had nothing"}
    assert (await http(bob).post(f"/api/messages/{row['id']}/resolve", json=body)).status_code == 200
    await fleet.run(6)
    outcomes = told(await why(fleet))
    assert outcomes.index(("resend", "by_hand")) < outcomes.index(("receipt", "sent"))


async def test_refused_by_the_service(fleet: Fleet, device: str) -> None:
    await campaign_to(fleet, device)
    async with fleet.db.system() as tx:
        await tx.execute("UPDATE messages SET state = 'claimed', claimed_at = $1", await tx.now())
        sql = "UPDATE messages SET state = 'failed', reason = 'not_on_whatsapp', ended_at = $1"
        await tx.execute(sql, await tx.now())
    story = await why(fleet)
    assert story.summary == ("Not sent. This number is not on WhatsApp. Check the number; twice not there counts as an opt-out.")


# ---------------------------------------------------------------- single messages
async def test_an_answer_and_a_knowing_answer(http: cast.Http, fleet: Fleet, bob: Caller, device: str) -> None:
    await fleet.set_rules(consent_mode="strict", **NIGHT)
    await people.write_in(fleet, device, PHONE)
    body: dict[str, Any] = {"device_id": device, "phone": PHONE, "message": "Yes, we have it"}
    answer = (await http(bob).post("/api/send/message", json=body)).json()["message_id"]
    await fleet.run(6)
    story = await why(fleet, answer)
    assert (of(story, "consent").outcome, of(story, "quiet_hours").outcome) == ("answer", "exempt")
    await people.opt_out(fleet, PHONE)
    body |= {"confirm_opted_out": True}
    knowing = (await http(bob).post("/api/send/message", json=body)).json()["message_id"]
    await fleet.run(6)
    story = await why(fleet, knowing)
    assert of(story, "opt_out").outcome == "confirmed"
    assert ("receipt", "sent") in told(story)


async def test_a_member_writes_in_spite_of_a_hold(http: cast.Http, fleet: Fleet, bob: Caller, device: str) -> None:
    await people.hold(fleet, PHONE)
    body = {"device_id": device, "phone": PHONE, "message": "How can I help?"}
    message = (await http(bob).post("/api/send/message", json=body)).json()["message_id"]
    await fleet.run(6)
    assert of(await why(fleet, message), "hold").outcome == "exempt"


async def test_an_erased_person_s_message_tells_nothing_of_them(fleet: Fleet, device: str) -> None:
    await people.agree(fleet, PHONE, wording="Yes, says Aisyah")
    await campaign_to(fleet, device)
    await fleet.run(6)
    (row,) = await fleet.rows()
    async with fleet.db.transaction(fleet.workspace) as tx:
        await queue.erase_person(tx, fleet.workspace, row["person_id"])
        await tx.execute("UPDATE messages SET consent_id = NULL")
        await tx.execute("DELETE FROM consents")
        await tx.execute("DELETE FROM person_aliases")
        await tx.execute("UPDATE persons SET phone = NULL, zones = '{}', erased_at = $1", await tx.now())
    story = await why(fleet)
    assert of(story, "consent").outcome == "erased"
    assert "Aisyah" not in str(story)
    assert PHONE not in str(story)


# ---------------------------------------------------------------- all of them
UNWANTED = re.compile(r"None|\{|\}|  |anti-ban|safe limit|warm-up|you (forgot|must|failed)|your fault", re.IGNORECASE)


def test_every_code_has_its_words() -> None:
    codes = {*rules.Reason, *(reason.value for reason in port.Reason), "duplicate_of", "missing_variable", "stopped_by_user"}
    assert codes <= set(words.REASONS)
    waits = {*rules.Gate, "pacing", "device_offline", "campaign_paused", "canary", "number_check"}
    assert waits <= set(words.WAITS)
    assert {("deferred", scope.value) for scope in port.Scope} <= set(words.RETURNS)
    assert set(words.KINDS) == set(KINDS)
    texts = [said.whole for said in (*words.REASONS.values(), *words.WAITS.values(), *words.HELD.values())]
    for text in [*texts, *words.RETURNS.values(), *words.OPT_OUTS.values()]:
        assert not UNWANTED.search(text), text
        assert len(text) < 180, text


def test_an_unknown_reason_is_named() -> None:
    assert words.of_reason("flew_away").whole == "It ended: flew away."


@pytest.mark.parametrize("seed", range(3))
async def test_every_message_of_a_mixed_day_can_be_told(fleet: Fleet, seed: int) -> None:
    """Many people in many situations: each story has an end in words, in order, and nothing reads like a form."""
    first, second = await fleet.add_devices(2)
    phones = [f"6012{seed}45{n:04d}" for n in range(12)]
    await fleet.add_leads(first, phones[:8])
    await fleet.add_leads(second, phones[8:])
    for phone in phones[::4]:
        await people.agree(fleet, phone)
    await fleet.launch(min_delay_seconds=1, max_delay_seconds=1)
    await fleet.run(5)
    for number, phone in enumerate(phones):
        if number % 4 == 1:
            await people.hold(fleet, phone)
        if number % 4 == 2:
            await people.opt_out(fleet, phone)
    changes: dict[str, Any] = {"person_cap_day": 1, "consent_mode": "strict" if seed == 2 else "mark"}
    await fleet.set_rules(**changes, **(NIGHT if seed == 1 else {}))
    await fleet.run(10)
    await fleet.set_device(second, state="restricted", hold_until=fleet.clock.now() + timedelta(hours=1))
    await fleet.run(10)
    states = {row["state"] for row in await fleet.rows()}
    assert "suppressed" in states
    assert states & {"sent", "delivered", "read"}
    for row in await fleet.rows():
        story = await why(fleet, row["id"])
        assert story.summary
        assert [step.at for step in story.steps] == sorted(step.at for step in story.steps)
        for text in [story.summary, *(step.words for step in story.steps)]:
            assert not UNWANTED.search(text), text
            assert text[0].isupper() or text[0] == "“", text
            assert text.endswith((".", "”")), text
        if row["state"] == "suppressed":
            assert ("end", row["reason"]) == told(story)[-1]
            assert told(story)[-2][1] == "stop"


async def test_it_takes_a_few_questions_only(fleet: Fleet, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await campaign_to(fleet, device)
    asked: list[str] = []
    for name in ("fetch", "fetchrow", "fetchval"):
        original = getattr(db.Tx, name)

        async def counted(tx: db.Tx, sql: str, *values: Any, original: Any = original) -> Any:
            asked.append(sql)
            return await original(tx, sql, *values)

        monkeypatch.setattr(db.Tx, name, counted)
    await why(fleet, (await fleet.rows())[0]["id"])
    assert len(asked) <= 11, asked


# ---------------------------------------------------------------- who may
async def test_who_may_ask(
    http: cast.Http, fleet: Fleet, database: db.Database, alice: Caller, vera: Caller, mallory: Caller, device: str
) -> None:
    await campaign_to(fleet, device)
    path = f"/api/messages/{(await fleet.rows())[0]['id']}/explain"
    reply = await http(vera).get(path)
    assert reply.status_code == 200
    assert set(reply.json()) == {"steps", "summary"}
    assert set(reply.json()["steps"][0]) == {"at", "rule", "outcome", "words", "until"}
    assert (await http(mallory).get(path)).status_code == 404
    assert (await http(None).get(path)).status_code == 401
    for scopes, status in ((SCOPES, 200), (("messages:send",), 200), (("leads:read",), 403)):
        key = await cast.add_key(database, alice, *scopes)
        assert (await http(None).get(path, headers={"authorization": f"Bearer {key}"})).status_code == status
