"""Why would this person not get a campaign now? The same judgement as in the claim, asked for each device that would send."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from hantar.campaigns import service as campaigns
from hantar.kit import db
from hantar.outbox import facts as outbox_facts, model as outbox, rules
from hantar.people import store
from hantar.people.model import Reason
from hantar.persons import service as persons
from hantar.policy import model as policy_model, service as policy

WORDS: Mapping[str, str] = {
    "opted_out": "They have opted out. Nothing is sent until the opt-out is released.",
    "no_consent": "There is no consent to marketing on record. Record one, and it can go.",
    "not_on_whatsapp": "Their number is not on WhatsApp, as was found when it was looked up. Check it, or ask again in 30 days.",
    "on_hold": "They are on hold: somebody has to answer, confirm or release it first.",
    "cap": "They have had as many campaign messages as the rules allow in this time.",
    "window_closed": "They last wrote to this number more than 24 hours ago. Use an approved template.",
    "quiet_hours": "It is outside the hours in which they may be written to.",
    "device_limit": "The device has used up its allowance for now.",
    "device_restricted": "WhatsApp lets this device start no new chats just now.",
    "no_device": "This person is no lead of any device.",
    "erased": "This person was erased.",
    "not_matched": "The campaign is for other people: niche, target status or device do not match.",
    "already_in": "They are in this campaign already; nobody gets it twice.",
}
"""Every reason as a sentence that says what to do where something can be done."""


async def not_now(tx: db.Tx, workspace_id: str, person_id: str, campaign_id: str | None) -> list[Reason]:
    """Every reason that stands in the way; empty when nothing does. Raises `PersonNotFound`, `CampaignNotFound`."""
    person = await persons.find(tx, person_id)
    if person.erased_at is not None:
        return [Reason("erased", WORDS["erased"])]
    campaign = await campaigns.find(tx, workspace_id, campaign_id) if campaign_id else None
    leads = await store.leads(tx, person_id)
    found: list[Reason] = []
    if campaign is not None:
        if await store.message_of(tx, campaign.id, person_id):
            found.append(Reason("already_in", WORDS["already_in"]))
        leads = [lead for lead in leads if await store.is_matched(tx, lead["id"], campaign.draft.audience)]
        if not leads:
            return [*found, Reason("not_matched", WORDS["not_matched"])]
    leads = [lead for lead in leads if lead["device_id"] is not None]
    if not leads:
        return [*found, Reason("no_device", WORDS["no_device"])]
    own = await store.source_rules(tx, campaign_id) if campaign_id else {}
    for lead in leads:
        is_template = campaign is None or campaign.draft.template is not None
        found += await _judged(tx, workspace_id, person_id, lead, own, is_template=is_template)
    return _each_once(found)


async def _judged(
    tx: db.Tx, workspace_id: str, person_id: str, lead: db.Row, own: Mapping[str, Any], *, is_template: bool
) -> list[Reason]:
    """All reasons at one device: what is found is taken away and the rest judged again."""
    now = await tx.now()
    subject = outbox_facts.Subject(workspace_id, person_id, lead["device_id"], lead["id"], is_template=is_template)
    applied = (await policy.of(tx, workspace_id, lead["rules_kind"])).rules
    known = (await outbox_facts.read(tx, [subject], now, unanswered=True))[0]
    applied = rules.tightened(applied, own, known.days_linked)
    found = []
    for _ in range(len(WORDS)):
        ruling = rules.judge(outbox.MessageKind.CAMPAIGN, known, applied, now, expires_at=now + outbox.EXPIRES_AFTER)
        if isinstance(ruling, rules.Go):
            break
        code, until = _of(ruling)
        found.append(Reason(code, WORDS[code], until))
        known, applied = _without(code, known, applied)
    return found


def _of(ruling: rules.End | rules.Wait) -> tuple[str, datetime | None]:
    if isinstance(ruling, rules.End):
        return ruling.reason.value, None
    code = ruling.waiting_for.value
    return "on_hold" if code == rules.Gate.PERSON_HOLD else code, ruling.until


def _without(code: str, known: rules.Facts, applied: policy_model.Rules) -> tuple[rules.Facts, policy_model.Rules]:
    """The same facts as if this reason did not stand, so that the next one shows."""
    gone: dict[str, dict[str, Any]] = {
        "opted_out": {"is_opted_out": False},
        "not_on_whatsapp": {"is_on_whatsapp": True},
        "on_hold": {"is_held": False, "has_alias": True},
        "cap": {"campaign_times": (), "unanswered": 0, "closed_until": None},
        "device_limit": {"used": (), "is_new_chat": False},
        "device_restricted": {"is_restricted": False},
        "window_closed": {"is_template": True},
    }
    if code == "no_consent":
        return known, replace(applied, consent_mode="mark")
    if code == "quiet_hours":
        return known, replace(applied, quiet_start=0, quiet_end=1440, quiet_days=())
    return replace(known, **gone.get(code, {})), applied


def _each_once(found: list[Reason]) -> list[Reason]:
    """One of each kind; of two ends the later one."""
    kept: dict[str, Reason] = {}
    for each in found:
        before = kept.get(each.code)
        if before is None or (each.until is not None and (before.until is None or each.until > before.until)):
            kept[each.code] = each
    return list(kept.values())
