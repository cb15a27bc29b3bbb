"""What one can do with a campaign: create, edit, copy, delete, start, pause, resume, cancel.

The caller opens the transaction.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from hantar.audit import service as audit
from hantar.campaigns import late, manifest, model, optout_line, rulebook, schedule, store, templated
from hantar.kit import db, errors, ids
from hantar.media import model as media_model, service as media
from hantar.outbox import queue, render, tally

C = model.C


@dataclass(frozen=True, slots=True)
class Made:
    """A stored campaign and what was odd about its time."""

    campaign: model.Campaign
    warnings: tuple[schedule.Warning_, ...]


async def check(tx: db.Tx, workspace_id: str, draft: model.Draft) -> None:
    """Refuse a draft with unreadable or unknown variables, foreign devices, a foreign file or a text that cannot go with it."""
    found = render.problems(draft.text, "message" if draft.template is None else "template.parameters")
    names = render.unknown(draft.text, await _attribute_names(tx, workspace_id, draft.text))
    if names:
        listed = ", ".join(f"“{name}”" for name in names)
        words = f"No lead has {listed}. Known fields: name, phone, niche, and the extra columns of your leads."
        field = "message" if draft.template is None else "template.parameters"
        found.append(errors.FieldError(field, "unknown_variable", words))
    if draft.audience.device_ids is not None:
        sql = "SELECT count(*) FROM devices WHERE workspace_id = $1 AND id = ANY($2::uuid[])"
        if await tx.fetchval(sql, workspace_id, list(draft.audience.device_ids)) != len(set(draft.audience.device_ids)):
            found.append(errors.FieldError("device_ids", "unknown_device", "One of these devices is not in your workspace."))
    if draft.media_id is not None:
        found += await _file_problems(tx, draft)
    if found:
        raise errors.Invalid(errors=found)


async def _file_problems(tx: db.Tx, draft: model.Draft) -> list[errors.FieldError]:
    try:
        file = await media.find(tx, media_model.MediaId(draft.media_id or ""))
    except media_model.MediaNotFound:
        return [errors.FieldError("media_id", "unknown_media", "This file is not in your workspace.")]
    problem = media_model.caption_problem(file.kind, draft.text if draft.template is None else "", "message")
    return [problem] if problem else []


async def _attribute_names(tx: db.Tx, workspace_id: str, text: str) -> list[str]:
    """Of the names a text uses, those that some lead of the workspace has as an attribute."""
    wanted = render.unknown(text, ())
    sql = """SELECT lower(n) AS name FROM unnest($2::text[]) AS n WHERE EXISTS (
               SELECT 1 FROM leads l, jsonb_object_keys(l.attributes) k WHERE l.workspace_id = $1 AND lower(k) = lower(n))"""
    return [row["name"] for row in await tx.fetch(sql, workspace_id, wanted)] if wanted else []


async def create(
    tx: db.Tx, workspace_id: str, draft: model.Draft, *, hold: bool = False, by: str | None = None, is_demo: bool = False
) -> Made:
    """Store a new campaign: pending, or paused with `hold`. Told as a fact so that the planner looks at once."""
    draft = await templated.filled(tx, workspace_id, draft)
    await check(tx, workspace_id, draft)
    draft = await _decided(tx, workspace_id, draft)
    if not hold:
        await _check_line(tx, workspace_id, draft)
    now = await tx.now()
    resolved = schedule.resolve(draft.campaign_date, draft.time_schedule, draft.time_zone, now)
    campaign_id = ids.new_id()
    content_id = await queue.add_content(tx, workspace_id, draft.text, draft.media_id, draft.template)
    status = {"status": "paused", "paused_from": "pending"} if hold else {"status": "pending"}
    await store.insert(tx, workspace_id, campaign_id, draft, content_id, resolved.at, created_by=by, is_demo=is_demo, **status)
    if not hold and resolved.at <= now:
        await store.start_now(tx, workspace_id, campaign_id)
    await _gate(tx, workspace_id, campaign_id, draft, is_open=not hold)
    campaign = await store.find(tx, workspace_id, campaign_id)
    tell(tx, campaign)
    return Made(campaign, resolved.warnings)


async def _gate(tx: db.Tx, workspace_id: str, campaign_id: str, draft: model.Draft, *, is_open: bool) -> None:
    delays = (draft.min_delay_seconds, draft.max_delay_seconds)
    skip = draft.when_offline == "skip"
    await queue.put_source(
        tx, workspace_id, campaign_id, "campaign", delays, skip_offline=skip, is_open=is_open, rules=draft.rules
    )


async def _decided(tx: db.Tx, workspace_id: str, draft: model.Draft) -> model.Draft:
    """The draft with what its writer left to the rules."""
    return replace(draft, late_policy=draft.late_policy or await late.policy_of(tx, workspace_id, draft.audience))


async def _check_line(tx: db.Tx, workspace_id: str, draft: model.Draft) -> None:
    """Raise `OptOutLineMissing` when somebody's first campaign message must say how to stop, and this one does not."""
    book = await rulebook.resolve(tx, workspace_id, draft, await tx.now())
    line = await optout_line.look(tx, book, draft)
    if line.is_required:
        raise model.OptOutLineMissing(proposal=line.proposal, language=line.language)


def tell(tx: db.Tx, campaign: model.Campaign) -> None:
    """A fact that a campaign has moved."""
    tx.tell(
        "campaign.status",
        campaign.workspace_id,
        campaign_id=campaign.id,
        status=campaign.status.value,
        reason=campaign.status_reason,
    )


def tell_row(tx: db.Tx, row: db.Row) -> None:
    """The same fact from a row that a sweep over all workspaces moved."""
    words = {"campaign_id": row["id"], "status": row["status"], "reason": row["status_reason"]}
    tx.tell("campaign.status", row["workspace_id"], **words)


async def _moved(tx: db.Tx, workspace_id: str, campaign_id: str) -> model.Campaign:
    campaign = await store.find(tx, workspace_id, campaign_id)
    tell(tx, campaign)
    return campaign


async def edit(tx: db.Tx, workspace_id: str, campaign_id: str, draft: model.Draft) -> Made:
    """Change a campaign that has not started; its text becomes a new content version."""
    campaign = await store.find(tx, workspace_id, campaign_id, lock=True)
    if not campaign.is_editable:
        raise model.CampaignNotEditable
    draft = await templated.filled(tx, workspace_id, draft)
    await check(tx, workspace_id, draft)
    draft = await _decided(tx, workspace_id, draft)
    if campaign.status is not C.PAUSED:
        await _check_line(tx, workspace_id, draft)
    same_time = (draft.campaign_date, draft.time_schedule, draft.time_zone) == (
        campaign.draft.campaign_date,
        campaign.draft.time_schedule,
        campaign.draft.time_zone,
    )
    now = await tx.now()
    if same_time and draft.campaign_date is not None and campaign.due_at > now:
        resolved = schedule.Resolved(campaign.due_at)
    else:
        resolved = schedule.resolve(draft.campaign_date, draft.time_schedule, draft.time_zone, now)
    content_id = await queue.add_content(tx, workspace_id, draft.text, draft.media_id, draft.template)
    await store.update(tx, workspace_id, campaign_id, draft, content_id, resolved.at)
    await _gate(tx, workspace_id, campaign_id, draft, is_open=campaign.status is not C.PAUSED)
    return Made(await _moved(tx, workspace_id, campaign_id), resolved.warnings)


def copy_of(draft: model.Draft) -> model.Draft:
    """The same campaign again: every field and “(Copy)”, without its time, which has been used."""
    return replace(draft, title=f"{draft.title[:193]} (Copy)", campaign_date=None, time_schedule=None)


async def delete(tx: db.Tx, workspace_id: str, campaign_id: str) -> int:
    """Delete a campaign that is not running, with its messages; returns how many messages went."""
    campaign = await store.find(tx, workspace_id, campaign_id, lock=True)
    if campaign.status in (C.TRIGGERED, C.PROCESSING) or (campaign.status is C.PAUSED and campaign.paused_from is not C.PENDING):
        raise model.CancelFirst
    states = await tally.states(tx, workspace_id, [campaign_id])
    if states.get(campaign_id, {}).get("claimed"):
        raise model.CancelFirst("A last message is still on its way. Try again in a moment.")
    gone = await queue.delete_source(tx, workspace_id, campaign_id)
    await store.delete(tx, workspace_id, campaign_id)
    tx.tell("campaign.status", workspace_id, campaign_id=campaign_id, status="deleted", reason=None)
    return gone


async def start(tx: db.Tx, workspace_id: str, campaign_id: str, plan_hash: str | None = None) -> model.Campaign:
    """Start now. A second call changes nothing; with the hash of a plan, only if that plan still holds."""
    campaign = await store.find(tx, workspace_id, campaign_id, lock=True)
    if campaign.status in (C.FINISHED, C.FAILED, C.CANCELLED):
        raise model.CampaignEnded
    if campaign.is_editable:
        if plan_hash is not None:
            await manifest.check(tx, campaign, plan_hash)
        await _check_line(tx, workspace_id, campaign.draft)
        await store.start_now(tx, workspace_id, campaign_id, plan_hash)
        await queue.set_gate(tx, workspace_id, campaign_id, is_open=True)
    elif campaign.status is C.PAUSED:
        return await resume(tx, workspace_id, campaign_id)
    return await _moved(tx, workspace_id, campaign_id)


async def pause(tx: db.Tx, workspace_id: str, campaign_id: str) -> model.Campaign:
    """Close the campaign's gate: in force at the next claim of each device. Pausing twice changes nothing."""
    campaign = await store.find(tx, workspace_id, campaign_id, lock=True)
    if campaign.status not in model.UNFINISHED:
        raise model.CampaignEnded
    if campaign.status is not C.PAUSED:
        await store.move(tx, workspace_id, campaign_id, [campaign.status], C.PAUSED)
        await queue.set_gate(tx, workspace_id, campaign_id, is_open=False)
    return await _moved(tx, workspace_id, campaign_id)


async def resume(
    tx: db.Tx,
    workspace_id: str,
    campaign_id: str,
    answer: str | None = None,
    *,
    reason: str | None = None,
    by: audit.Actor | None = None,
) -> model.Campaign:
    """Open the gate and go on where it was. A campaign whose start was missed starts now (`run`) or ends (`skip`).

    One that runs and holds people back for its first ones lets them follow. One that the rules paused needs a person's reason,
    and after a restriction some time: raises `CoolingDown`, `ReasonRequired`.
    """
    campaign = await store.find(tx, workspace_id, campaign_id, lock=True)
    if campaign.status not in model.UNFINISHED:
        raise model.CampaignEnded
    if campaign.status is not C.PAUSED:
        return await release_canary(tx, workspace_id, campaign_id, by=by) if campaign.is_waiting_for_canary else campaign
    now = await tx.now()
    _check_resume(campaign, reason, now)
    missed = campaign.paused_from is C.PENDING and campaign.due_at <= now
    if missed and answer == "skip":
        return await cancel(tx, workspace_id, campaign_id)
    if campaign.paused_from is C.PENDING:
        await _check_line(tx, workspace_id, campaign.draft)
    if campaign.paused_at is not None and campaign.paused_from is not C.PENDING:
        await queue.put_off(tx, workspace_id, campaign_id, now - campaign.paused_at)
    await store.unpause(tx, workspace_id, campaign_id, now if missed else None)
    await queue.set_gate(tx, workspace_id, campaign_id, is_open=True)
    moved = await _moved(tx, workspace_id, campaign_id)
    if by is not None:
        before = {"status": campaign.status.value, "cause": campaign.pause_cause and campaign.pause_cause.code.value}
        after = {"status": moved.status.value}
        thing = audit.Thing("campaign", campaign_id)
        await audit.record(tx, workspace_id, by, "campaign.resumed", thing, reason=reason, before=before, after=after)
    return moved


def _check_resume(campaign: model.Campaign, reason: str | None, now: datetime) -> None:
    if campaign.pause_cause is None:
        return
    if campaign.resume_after is not None and campaign.resume_after > now:
        raise model.CoolingDown(resume_after=campaign.resume_after)
    if not (reason or "").strip():
        raise model.ReasonRequired


async def cancel(tx: db.Tx, workspace_id: str, campaign_id: str) -> model.Campaign:
    """End it for good: what has not left never will. Cancelling twice changes nothing."""
    campaign = await store.find(tx, workspace_id, campaign_id, lock=True)
    if campaign.status in (C.FINISHED, C.FAILED):
        raise model.CampaignEnded
    if campaign.status is not C.CANCELLED:
        await store.move(tx, workspace_id, campaign_id, [campaign.status], C.CANCELLED)
        await queue.set_gate(tx, workspace_id, campaign_id, is_open=False)
        await queue.cancel_source(tx, workspace_id, campaign_id, await tx.now())
    return await _moved(tx, workspace_id, campaign_id)


async def give_up(tx: db.Tx, workspace_id: str, campaign_id: str) -> None:
    """End a campaign whose recipients cannot be written; what waits of it is cancelled. Reads nothing that may be odd in it."""
    if await store.move(tx, workspace_id, campaign_id, [C.TRIGGERED], C.FAILED, model.PLANNING_FAILED):
        await queue.set_gate(tx, workspace_id, campaign_id, is_open=False)
        await queue.cancel_source(tx, workspace_id, campaign_id, await tx.now())
        words = {"campaign_id": campaign_id, "status": C.FAILED.value, "reason": model.PLANNING_FAILED}
        tx.tell("campaign.status", workspace_id, **words)


async def release_canary(tx: db.Tx, workspace_id: str, campaign_id: str, *, by: audit.Actor | None = None) -> model.Campaign:
    """Let everybody follow the first people; they live longer by what they waited. A second call changes nothing."""
    campaign = await store.find(tx, workspace_id, campaign_id, lock=True)
    if campaign.status not in model.UNFINISHED:
        raise model.CampaignEnded
    if campaign.draft.canary is None or campaign.started_at is None:
        raise model.NoCanary
    if campaign.canary_passed_at is None:
        now = await tx.now()
        await store.pass_canary(tx, workspace_id, campaign_id, now)
        await queue.release_source(tx, workspace_id, campaign_id, now - campaign.started_at)
        if by is not None:
            await audit.record(tx, workspace_id, by, "campaign.canary_released", audit.Thing("campaign", campaign_id))
    return await _moved(tx, workspace_id, campaign_id)


async def find(tx: db.Tx, workspace_id: str, campaign_id: str) -> model.Campaign:
    """One campaign; raises `CampaignNotFound`."""
    return await store.find(tx, workspace_id, campaign_id)


async def listed(tx: db.Tx, where: db.Where, limit: int) -> list[model.Campaign]:
    """Campaigns that match, the next due first among those to come, the newest first otherwise."""
    return await store.listed(
        tx, where, "(c.status = 'pending') DESC, CASE WHEN c.status = 'pending' THEN c.due_at END, c.id DESC", limit
    )


async def check_device(tx: db.Tx, workspace_id: str, device_id: str) -> None:
    """Raise `NotFound` when the workspace has no such device."""
    if not await tx.fetchval(
        "SELECT EXISTS (SELECT 1 FROM devices WHERE (workspace_id, id) = ($1, $2))", workspace_id, device_id
    ):
        raise errors.NotFound
