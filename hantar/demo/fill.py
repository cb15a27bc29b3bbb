"""What the demo is filled with: people with and without consent, a past, and two campaigns that wait to be started."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hantar.campaigns import model as campaigns, service as campaign_service
from hantar.consent import model as consents, service as consent
from hantar.demo import people, store
from hantar.demo.people import Part
from hantar.kit import db, phone
from hantar.leads import model as leads, service as lead_service
from hantar.outbox import queue
from hantar.policy import model as policy

SHOP = "Kedai Hantar"
WELCOME_TITLE = "Welcome (demo)"
WELCOME_TEXT = (
    'Hello {{ name | default: "there" }}! 👋\n\nWelcome to *Kedai Hantar*. We are open every day from 9 to 6.\n'
    "_This is a demo: nobody real gets this message._"
)
RULES_TITLE = "Rules at work (demo)"
RULES_TEXT = (
    "Hello {{ name }}! ☕ This week *Kedai Hantar* has a stand in {{ city }}, and the first coffee is on us.\n\n"
    "Reply STOP to hear nothing more from us.\n_This is a demo: nobody real gets this message._"
)
AUTUMN_TITLE, AUTUMN_TEXT = "Autumn news (demo)", "Our autumn menu is here. Reply STOP to hear nothing more from us."
THANKS_TITLE, THANKS_TEXT = "Thank you (demo)", "Thank you for your visit! Reply STOP to hear nothing more from us."
WORDING = "Yes, Kedai Hantar may send me news and offers by WhatsApp. I can stop that at any time by replying STOP."
CHATS_TODAY = 19
"""New conversations the young device has begun today; a linked device may begin 20 in its first days."""
PAUSES = 5.0, 6.0
"""Seconds between two messages of *Rules at work*: as slow as a linked device must be."""
YOUNG_FOR, OLD_FOR = timedelta(days=1), timedelta(days=60)

LINKED = policy.DEFAULTS["linked"]
RULES = {
    "consent_mode": LINKED.consent_mode,
    "optout_line": LINKED.optout_line,
    "quiet_start": LINKED.quiet_start,
    "quiet_end": LINKED.quiet_end,
    "quiet_unknown_zone": LINKED.quiet_unknown_zone,
    "person_cap_day": LINKED.person_cap_day,
    "person_cap_week": LINKED.person_cap_week,
    "sequence_cap_day": LINKED.sequence_cap_day,
    "device_gap": LINKED.device_gap,
    "device_per_minute": LINKED.device_per_minute,
    "device_per_hour": LINKED.device_per_hour,
    "device_new_chats": policy.new_chats_by_age(YOUNG_FOR.total_seconds() / 86_400),
}
"""The numbers of a linked device, set on *Rules at work*: a campaign may be stricter than its devices. The cool-down after a
restriction and the first-people canary stay the simulator's, so that the demo ends while somebody looks."""


Added = list[tuple[people.Person, leads.Lead]]
"""Made-up people and their leads."""


async def add_people(tx: db.Tx, workspace_id: str, everyone: Sequence[people.Person], device_ids: Sequence[str]) -> Added:
    """Leads of these people, with what they agreed to; who was nobody before is marked as the demo's."""
    keys = [phone.canonical(each.phone) for each in everyone]
    made_up = set(keys) - await store.known_keys(tx, keys)
    added = [(each, await _add(tx, workspace_id, each, device_ids)) for each in everyone]
    await store.mark_people(tx, list(made_up))
    await _stand(tx, workspace_id, added, device_ids, await tx.now())
    return added


async def add_campaigns(
    tx: db.Tx, workspace_id: str, added: Added, device_ids: Sequence[str], by: str, zone: str
) -> tuple[str, str]:
    """A past, and the two campaigns that wait; returns the ids of *Welcome* and *Rules at work*. The devices are linked."""
    now = await tx.now()
    ages = [YOUNG_FOR if n == people.YOUNG else OLD_FOR for n in range(len(device_ids))]
    await store.age_devices(tx, [(each, now - age) for each, age in zip(device_ids, ages, strict=True)])
    await queue.open_lanes(tx, workspace_id, device_ids)
    await store.use_allowance(tx, device_ids[people.YOUNG], CHATS_TODAY, now)
    base = _draft(device_ids, zone)
    await _past(tx, workspace_id, added, base, by, now)
    who = _to(people.RULES, device_ids)
    rules = replace(base, title=RULES_TITLE, niche=people.RULES, audience=who, text=RULES_TEXT, rules=RULES)
    rules = replace(rules, min_delay_seconds=PAUSES[0], max_delay_seconds=PAUSES[1])
    ruled = await campaign_service.create(tx, workspace_id, rules, hold=True, by=by, is_demo=True)
    welcome = await campaign_service.create(tx, workspace_id, base, hold=True, by=by, is_demo=True)
    return welcome.campaign.id, ruled.campaign.id


async def _add(tx: db.Tx, workspace_id: str, person: people.Person, device_ids: Sequence[str]) -> leads.Lead:
    fields = leads.Fields(
        person.name,
        f"+{person.phone}",
        person.niches,
        leads.TargetStatus.CUSTOMER if person.is_customer else leads.TargetStatus.PROSPECT,
        attributes={"city": person.city} if person.city else {},
        time_zone=person.time_zone,
    )
    owner = leads.DeviceId(device_ids[person.device])
    return (await lead_service.create(tx, workspace_id, fields, owner, source="demo", is_demo=True)).lead


async def _stand(tx: db.Tx, workspace_id: str, added: Added, device_ids: Sequence[str], now: datetime) -> None:
    """Who agreed, who said stop, who asked to be left alone."""
    agreed = {lead.person_id: None for person, lead in added if person.part is not Part.NO_CONSENT}
    given = consents.Given("marketing", WORDING, "web_form", now - timedelta(days=90), business_name=SHOP)
    await consent.give(tx, workspace_id, list(agreed), given)
    for person, lead in added:
        device_id = device_ids[person.device]
        if person.part is Part.OPTED_OUT:
            stop = consents.OptOut(consents.OptOutReason.STOP, consents.OptOutSource.KEYWORD, text="STOP", device_id=device_id)
            await consent.opt_out(tx, workspace_id, lead.person_id, stop)
        elif person.part is Part.ON_HOLD:
            await consent.hold(tx, workspace_id, lead.person_id, "intent", device_id=device_id)


def _to(niche: str, device_ids: Sequence[str]) -> campaigns.Audience:
    """These devices alone, whoever else has the niche: the demo never leaves the simulator."""
    return campaigns.Audience((niche.casefold(),), campaigns.TargetStatus.ALL, tuple(device_ids))


def _draft(device_ids: Sequence[str], zone: str) -> campaigns.Draft:
    """*Welcome*."""
    return campaigns.Draft(
        title=WELCOME_TITLE,
        niche=people.WELCOME,
        audience=_to(people.WELCOME, device_ids),
        text=WELCOME_TEXT,
        media_id=None,
        campaign_date=None,
        time_schedule=None,
        time_zone=zone,
        min_delay_seconds=1.0,
        max_delay_seconds=2.0,
        when_offline="wait",
        late_policy="ask",
    )


async def _past(tx: db.Tx, workspace_id: str, added: Added, base: campaigns.Draft, by: str, now: datetime) -> None:
    """Two campaigns of the last days: most people of *Rules at work* are known, and one has had enough for today."""
    parts = [(person.part, lead) for person, lead in added if people.RULES in person.niches]
    known = [lead for part, lead in parts if part in (Part.ORDINARY, Part.OPTED_OUT, Part.ON_HOLD)]
    capped = next(lead for part, lead in parts if part is Part.CAPPED)
    step = timedelta(days=2) / len(known)
    autumn = [store.Past(lead.id, now - timedelta(days=4) + n * step, n % 5 < 3) for n, lead in enumerate(known)]
    autumn.append(store.Past(capped.id, now - timedelta(hours=5), is_read=True))
    visitors = [*known[:5], capped]
    thanks = [store.Past(lead.id, now - timedelta(hours=3) + n * timedelta(minutes=9), True) for n, lead in enumerate(visitors)]
    for title, text, past in ((AUTUMN_TITLE, AUTUMN_TEXT, autumn), (THANKS_TITLE, THANKS_TEXT, thanks)):
        draft = replace(
            base, title=title, niche=people.RULES, audience=_to(people.RULES, base.audience.device_ids or ()), text=text
        )
        made = await campaign_service.create(tx, workspace_id, draft, hold=True, by=by, is_demo=True)
        await store.write_past(tx, workspace_id, made.campaign.id, text, past)
        await store.end_past(tx, workspace_id, made.campaign.id)
