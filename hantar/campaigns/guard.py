"""Pauses campaigns and devices by the rules: too many opt-outs, a poor list, blocks, and every restriction by WhatsApp.

It hears facts and sweeps slowly for lost ones. Judging reads over all workspaces; a pause is a short transaction of its own
that locks the campaign and looks again, so any number of servers may run a guard. Nothing is ever moved to another device.
"""

import asyncio
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import structlog

from hantar.audit import service as audit
from hantar.campaigns import guard_store, judge, model, service, store, template_holds
from hantar.consent import wilson
from hantar.devices import restrictions, service as devices, words
from hantar.devices.model import DeviceNotFound
from hantar.gateways.port import DeviceState
from hantar.kit import clock, cluster, db
from hantar.outbox import queue
from hantar.policy import service as policy
from hantar.policy.model import Effective, Rules

log = structlog.get_logger(__name__)

SWEEP_EVERY = 30.0
"""Seconds between looks at everything: a lost fact delays a pause by this much at most."""
REST = 1.0
"""Seconds between two looks at counts, at least; a restriction does not wait for it."""
CALM = 9
"""Rests this many times as long as judging took, so that it takes a tenth of the time at most (as `progress.CALM`)."""
MISSING, BACK = "not_on_whatsapp", "queued"


class Guard:
    """One service per process."""

    def __init__(self, database: db.Database, bus: cluster.Bus, clock_: clock.Clock, *, sweep_every: float = SWEEP_EVERY) -> None:
        self._db, self._clock, self._sweep_every = database, clock_, sweep_every
        self._campaigns: set[str] = set()
        self._persons: set[str] = set()
        self._signalled: set[str] = set()
        self._is_signalled_anywhere = False
        self._template_refusals: set[str] = set()
        self._is_template_news = False
        self._woken, self._urgent = asyncio.Event(), asyncio.Event()
        bus.subscribe("lead.opted_out", self._hear_opt_out)
        bus.subscribe("message.status", self._hear_message)
        bus.subscribe("device.status", self._hear_device)
        bus.subscribe("device.quality", self._hear_quality)
        bus.subscribe("campaign.status", self._hear_campaign)
        bus.subscribe("template.status", self._hear_template)

    # ------------------------------------------------------------------ facts

    def _hear_opt_out(self, fact: cluster.Fact) -> None:
        person_id = fact.data.get("person_id")
        if person_id:
            self._persons.add(str(person_id))
            self._woken.set()

    def _hear_message(self, fact: cluster.Fact) -> None:
        campaign_id = fact.data.get("campaign_id")
        if campaign_id and fact.data.get("reason") in template_holds.REFUSED:
            self._template_refusals.add(str(fact.data["message_id"]))
            self._hurry()
        elif campaign_id and fact.data.get("reason") == MISSING:
            self._campaigns.add(str(campaign_id))
            self._woken.set()
        elif fact.data.get("state") == BACK:  # perhaps because WhatsApp refuses new conversations
            self._signalled.add(str(fact.data["device_id"]))
            self._hurry()

    def _hear_device(self, fact: cluster.Fact) -> None:
        if restrictions.is_one(str(fact.data.get("state")), fact.data.get("state_reason")):
            self._signalled.add(str(fact.data["device_id"]))
            self._hurry()

    def _hear_quality(self, fact: cluster.Fact) -> None:
        if fact.data.get("quality") == judge.RED:
            self._signalled.add(str(fact.data["device_id"]))
            self._hurry()

    def _hear_campaign(self, fact: cluster.Fact) -> None:
        """All recipients are written now; some of them may stand at a device that is restricted already."""
        if fact.data.get("status") == model.C.PROCESSING.value:
            self._is_signalled_anywhere = True
            self._hurry()

    def _hear_template(self, fact: cluster.Fact) -> None:
        """What is approved again pauses nothing; all else may."""
        self._is_template_news = True
        self._hurry()

    def _hurry(self) -> None:
        self._urgent.set()
        self._woken.set()

    # ------------------------------------------------------------------ running

    async def run(self, stop: asyncio.Event) -> None:
        """Judge what facts name, and now and then everything, until told to stop."""
        stopped = asyncio.create_task(stop.wait())
        stopped.add_done_callback(lambda _task: self._hurry())
        sweep_at = self._clock.monotonic()
        while not stop.is_set():
            await self._clock.wait(self._woken, max(0.0, sweep_at - self._clock.monotonic()))
            began = self._clock.monotonic()
            is_sweep = began >= sweep_at
            try:
                await self.look(everything=is_sweep)
            except db.DatabaseAway:
                log.warning("guard.database_away")
                is_sweep, sweep_at = False, began + REST  # what the facts named is forgotten; look at everything again
            took = self._clock.monotonic() - began
            if is_sweep:
                sweep_at = began + max(self._sweep_every, took * CALM)
            if not stop.is_set():
                await self._clock.wait(self._urgent, max(REST, took * CALM))
        stopped.cancel()

    async def look(self, *, everything: bool = False) -> None:
        """Restrictions first, then counts: of what facts named, or of everything that runs."""
        self._woken.clear()
        self._urgent.clear()
        signalled, self._signalled = self._signalled, set()
        anywhere, self._is_signalled_anywhere = self._is_signalled_anywhere, False
        if signalled or anywhere or everything:
            await self._restrictions(None if anywhere or everything else signalled)
        refusals, self._template_refusals = self._template_refusals, set()
        news, self._is_template_news = self._is_template_news, False
        if refusals or news or anywhere or everything:
            await self._templates(refusals)
        campaigns, self._campaigns = self._campaigns, set()
        persons, self._persons = self._persons, set()
        if everything:
            await self._counts(None, None)
            await self._canaries()
        elif campaigns or persons:
            async with self._db.system() as tx:
                named, device_ids = await guard_store.touched(tx, persons)
            await self._counts(campaigns | named, device_ids)

    # ------------------------------------------------------------------ restrictions

    async def _restrictions(self, device_ids: set[str] | None) -> None:
        async with self._db.system() as tx:
            found = await guard_store.signals(tx, device_ids, await tx.now())
            rules = await policy.effective(tx, {(row["workspace_id"], row["rules_kind"]) for row in found}) if found else {}
        for row in found:
            effective = rules[row["workspace_id"], row["rules_kind"]]
            await self._pause_for(row, judge.strictest([effective.rules], row["rules"]))

    async def _pause_for(self, row: db.Row, rules: Rules) -> None:
        cause, cooled_at = _cause(row, rules)
        async with self._db.transaction(row["workspace_id"]) as tx:
            try:
                campaign = await store.find(tx, row["workspace_id"], row["campaign_id"], lock=True)
            except model.CampaignNotFound:
                return
            if await guard_store.knows(tx, campaign.workspace_id, campaign.id, row["key"], row["signal"]):
                return
            if campaign.status in RUNNING:
                await _close(tx, campaign)
            elif campaign.status is not model.C.PAUSED:
                return
            await guard_store.note_cause(tx, campaign.workspace_id, campaign.id, cause, cooled_at, (row["key"], row["signal"]))
            await _tell(tx, campaign, cause)

    # ------------------------------------------------------------------ templates

    async def _templates(self, refused: set[str]) -> None:
        async with self._db.system() as tx:
            for message_id in sorted(refused):
                await template_holds.learn(tx, message_id)
            found = await template_holds.found(tx, None)
        for row in found:
            async with self._db.transaction(row["workspace_id"]) as tx:
                try:
                    campaign = await store.find(tx, row["workspace_id"], row["id"], lock=True)
                except model.CampaignNotFound:
                    continue
                if campaign.status not in RUNNING:
                    continue
                cause = template_holds.cause(row)
                await _close(tx, campaign)
                await guard_store.note_cause(tx, campaign.workspace_id, campaign.id, cause, None, None)
                await _tell(tx, campaign, cause)

    # ------------------------------------------------------------------ first people

    async def _canaries(self) -> None:
        """Let the others follow where the first people have had their message for long enough and nothing paused it."""
        async with self._db.system() as tx:
            now, found = await tx.now(), await guard_store.canaries(tx)
            kinds = {(row["workspace_id"], kind) for row in found for kind in row["kinds"]}
            effective = await policy.effective(tx, kinds) if kinds else {}
        for row in found:
            rules = judge.strictest([effective[row["workspace_id"], kind].rules for kind in row["kinds"]], row["rules"])
            if row["since"] + timedelta(seconds=rules.canary_wait) <= now:
                await self._release(row["workspace_id"], row["id"])

    async def _release(self, workspace_id: str, campaign_id: str) -> None:
        async with self._db.transaction(workspace_id) as tx:
            try:
                campaign = await store.find(tx, workspace_id, campaign_id, lock=True)
            except model.CampaignNotFound:
                return
            if campaign.status is not model.C.PROCESSING or campaign.canary_passed_at is not None:
                return
            await service.release_canary(tx, workspace_id, campaign_id)
            thing = audit.Thing("campaign", campaign_id)
            await audit.record(tx, workspace_id, audit.RULES, "campaign.canary_passed", thing, reason="clean")

    # ------------------------------------------------------------------ counts

    async def _counts(self, campaign_ids: set[str] | None, device_ids: set[str] | None) -> None:
        async with self._db.system() as tx:
            campaigns = await guard_store.campaign_samples(tx, campaign_ids) if campaign_ids != set() else []
            senders = await guard_store.device_samples(tx, device_ids, await tx.now()) if device_ids != set() else []
            kinds = {(each.workspace_id, kind) for each in campaigns for kind in each.kinds}
            kinds |= {(each.workspace_id, each.kind) for each in senders}
            rules = await policy.effective(tx, kinds) if kinds else {}
        for sample in campaigns:
            await self._judge_campaign(sample, rules)
        for sender in senders:
            cause = judge.device(sender, rules[sender.workspace_id, sender.kind].rules, wilson.lower)
            if cause is not None:
                await self._pause_device(sender, cause)

    async def _judge_campaign(self, sample: judge.CampaignSample, effective: dict[tuple[str, str], Effective]) -> None:
        rules = judge.strictest([effective[sample.workspace_id, kind].rules for kind in sample.kinds], sample.rules)
        cause = judge.opt_outs(sample, rules, wilson.lower)
        poor = None if cause else judge.list_quality(sample, rules, wilson.lower)
        if cause is None and poor is None:
            return
        async with self._db.transaction(sample.workspace_id) as tx:
            try:
                campaign = await store.find(tx, sample.workspace_id, sample.campaign_id, lock=True)
            except model.CampaignNotFound:
                return
            if campaign.status not in RUNNING or campaign.counted_from != sample.counted_from:
                return  # somebody was quicker, or resumed it meanwhile: then only what is sent from now on counts
            if poor is not None:
                brought = await guard_store.brought_by(tx, sample.workspace_id, sample.campaign_id, sample.since)
                cause = judge.poor_list(poor, brought)
            assert cause is not None  # noqa: S101 one of the two was found
            await _close(tx, campaign)
            await guard_store.note_cause(tx, campaign.workspace_id, campaign.id, cause, None, None)
            await _tell(tx, campaign, cause)

    async def _pause_device(self, sample: judge.DeviceSample, cause: judge.DeviceCause) -> None:
        async with self._db.transaction(sample.workspace_id) as tx:
            try:
                device = await devices.find(tx, sample.device_id, lock=True)
            except DeviceNotFound:
                return
            if not device.sending_paused:
                await devices.pause(tx, sample.device_id, cause.code, said=cause.words)


def _cause(row: db.Row, rules: Rules) -> tuple[model.PauseCause, datetime | None]:
    """Why campaigns with a device stand still, and until when at least; after a red judgement there is no such time."""
    if row["state"] == judge.RED:
        return judge.rated_red(row["device_id"], row["name"], words.QUALITIES[judge.RED]), None
    said = words.of(DeviceState(row["state"]), row["state_reason"], row["until"])
    cause = judge.restricted(row["device_id"], row["name"], row["state"], said)
    return cause, row["since"] + timedelta(seconds=rules.pause_cooldown)


RUNNING = frozenset({model.C.TRIGGERED, model.C.PROCESSING})


async def _close(tx: db.Tx, campaign: model.Campaign) -> None:
    """Move to paused and close the gate: in force at the next claim."""
    await store.move(tx, campaign.workspace_id, campaign.id, [campaign.status], model.C.PAUSED)
    await queue.set_gate(tx, campaign.workspace_id, campaign.id, is_open=False)


async def _tell(tx: db.Tx, campaign: model.Campaign, cause: model.PauseCause) -> None:
    """Tell it, and write it down: ids and figures, nobody's name or number."""
    service.tell(tx, await store.find(tx, campaign.workspace_id, campaign.id))
    log.info("campaign.paused_by_rules", campaign=campaign.id, code=cause.code.value, device=cause.device_id)
    after: dict[str, Any] = {"status": model.C.PAUSED.value, "device_id": cause.device_id, "import_ids": list(cause.import_ids)}
    after |= asdict(cause.figures) if cause.figures else {}
    before = {"status": campaign.status.value}
    thing = audit.Thing("campaign", campaign.id)
    await audit.record(
        tx, campaign.workspace_id, audit.RULES, "campaign.paused", thing, reason=cause.code.value, before=before, after=after
    )
