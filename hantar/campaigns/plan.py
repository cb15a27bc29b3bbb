"""The exact plan before sending: who gets what, when, from which device, and who is left out and why. Looking changes nothing."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from hantar.campaigns import audience, forecast, model, notices, optout_line, rulebook, schedule, store, timetable
from hantar.campaigns.planned import Canary, DevicePlan, Moved, Plan, Recipient
from hantar.campaigns.rulebook import Rulebook
from hantar.kit import db, ids
from hantar.outbox import render

UNFETCHED = "unfetched"
"""Stands for a picture that is given by address: a plan only needs to know that there is one."""
KEEP = timedelta(days=7)
"""How long a plan's recipients can be paged."""
CANARY_FROM = 200
"""From so many people on, the first few before the others are proposed (responsible-sending.md 13)."""


async def make(
    tx: db.Tx,
    workspace_id: str,
    draft: model.Draft,
    campaign_id: str | None,
    due_at: datetime | None = None,
    as_kind: Literal["linked"] | None = None,
) -> Plan:
    """Work out a plan for a draft (or a stored campaign, with the instant it is due)."""
    now = await tx.now()
    warnings: list[schedule.Warning_] = []
    if due_at is None:
        resolved = schedule.resolve(draft.campaign_date, draft.time_schedule, draft.time_zone, now)
        due_at, warnings = resolved.at, list(resolved.warnings)
    book = await rulebook.resolve(tx, workspace_id, draft, max(due_at, now), as_kind)
    shares = await audience.shares(tx, book, draft.audience, draft.text, draft.media_id)
    devices = await _devices(tx, book, draft, shares.parts)
    line = await optout_line.look(tx, book, draft)
    eta_at, eta_late_at = _ends(devices)
    made = Plan(
        id=ids.new_id(),
        hash=None if as_kind else shares.hash,
        as_kind=as_kind,
        shares=shares,
        devices=devices,
        moved=_moved(devices),
        starts_at=book.starts_at,
        eta_at=eta_at,
        eta_late_at=eta_late_at,
        line=line,
        canary=_canary(book, draft, shares),
        warnings=tuple(warnings),
    )
    await store.forget_plans(tx, workspace_id, now - KEEP)
    people = None if as_kind else list(shares.pairs)
    await store.insert_plan(tx, workspace_id, made.id, campaign_id, _spec(draft, made), made.hash or "", people)
    return replace(made, warnings=(*made.warnings, *notices.of(draft, made)))


async def _devices(tx: db.Tx, book: Rulebook, draft: model.Draft, parts: tuple[audience.Part, ...]) -> tuple[DevicePlan, ...]:
    known = await forecast.devices(tx, book, {each.device_id for each in parts})
    found = []
    for device in known.values():
        course = forecast.course(draft, book, device, [each for each in parts if each.device_id == device.id])
        turns = course.timetable(course.mean)
        late = course.timetable(course.late)
        found.append(DevicePlan(course, turns, late.last_at, forecast.would_expire(course, turns)))
    return tuple(found)


def _ends(devices: tuple[DevicePlan, ...]) -> tuple[datetime | None, datetime | None]:
    """When the last device ends, as expected and late; None when nobody gets a turn."""
    expected = [each.turns.last_at for each in devices if each.turns.last_at is not None]
    late = [each.late_at for each in devices if each.late_at is not None]
    return max(expected, default=None), max(late, default=None)


def _moved(devices: tuple[DevicePlan, ...]) -> tuple[Moved, ...]:
    stretches = [each for device in devices for group in device.turns.groups for each in group if each.cause is not None]
    causes = dict.fromkeys(each.cause for each in stretches if each.cause is not None)
    found = []
    for cause in causes:
        of_it = [each for each in stretches if each.cause == cause]
        found.append(Moved(cause, sum(each.count for each in of_it), max(each.last_at for each in of_it)))
    return tuple(found)


def _canary(book: Rulebook, draft: model.Draft, shares: audience.Shares) -> Canary | None:
    """The first few people before the others, where the rules of some device of the plan speak of it."""
    if shares.will_send < CANARY_FROM or draft.canary is not None:
        return None
    rules = [book.rules(kind) for kind in {each.kind for each in shares.parts}]
    size = rulebook.strictest("canary_size", rules)
    return None if size is None else Canary(size, rulebook.strictest("canary_wait", rules))


def _spec(draft: model.Draft, made: Plan) -> dict[str, Any]:
    audience_ = draft.audience
    return {
        "title": draft.title,
        "niche": draft.niche,
        "niche_keys": None if audience_.niche_keys is None else list(audience_.niche_keys),
        "target_status": audience_.target_status.value,
        "device_ids": None if audience_.device_ids is None else list(audience_.device_ids),
        "text": draft.text,
        "media_id": draft.media_id,
        "template": None if draft.template is None else draft.template._asdict(),
        "time_zone": draft.time_zone,
        "min_delay_seconds": draft.min_delay_seconds,
        "max_delay_seconds": draft.max_delay_seconds,
        "when_offline": draft.when_offline,
        "rules": dict(draft.rules),
        "starts_at": made.starts_at.isoformat(),
        "as_kind": made.as_kind,
        "groups": forecast.spec(each.course for each in made.devices),
    }


def _draft(spec: dict[str, Any]) -> model.Draft:
    keys, devices = spec["niche_keys"], spec["device_ids"]
    target = model.TargetStatus(spec["target_status"])
    return model.Draft(
        title=spec["title"],
        niche=spec["niche"],
        audience=model.Audience(None if keys is None else tuple(keys), target, None if devices is None else tuple(devices)),
        text=spec["text"],
        media_id=spec["media_id"],
        campaign_date=None,
        time_schedule=None,
        time_zone=spec["time_zone"],
        min_delay_seconds=spec["min_delay_seconds"],
        max_delay_seconds=spec["max_delay_seconds"],
        when_offline=spec["when_offline"],
        late_policy=None,
        rules=spec["rules"],
        template=store.approved(spec.get("template")),
    )


async def recipients(tx: db.Tx, workspace_id: str, plan_id: str, asked: audience.Asked, limit: int | None) -> list[Recipient]:
    """The people of a plan, in the order of their leads, by the rules and opt-outs of now."""
    spec = (await store.find_plan(tx, workspace_id, plan_id))["spec"]
    draft = _draft(spec)
    book = await rulebook.resolve(tx, workspace_id, draft, datetime.fromisoformat(spec["starts_at"]), spec["as_kind"])
    turns = await _earliest(tx, book, draft, spec)
    split = [device for device, (course, _) in turns.items() if course.is_split]
    rows = await audience.recipients(tx, book, draft.audience, draft.text, asked, limit, split)
    return [_recipient(row, zones, draft, book, turns) for row, zones in rows]


Turns = dict[str, tuple[forecast.Course, timetable.Timetable]]


async def _earliest(tx: db.Tx, book: Rulebook, draft: model.Draft, spec: dict[str, Any]) -> Turns:
    """The earliest turns of each device's people: every pause as short as allowed."""
    kept = forecast.parts(spec["groups"], book)
    known = await forecast.devices(tx, book, kept)
    courses = [forecast.course(draft, book, device, kept[device.id]) for device in known.values()]
    return {each.device.id: (each, each.timetable(each.low)) for each in courses}


def _recipient(row: db.Row, zones: tuple[str, ...], draft: model.Draft, book: Rulebook, turns: Turns) -> Recipient:
    included = row["reason"] is None
    values = render.values_of(row["name"], row["phone"], ", ".join(row["niches"]), row["attributes"])
    try:
        text = render.render(draft.text, values)
    except render.MissingVariable:
        text = draft.text
    at, cause = _turn(row, zones, turns) if included else (None, None)
    shown = zones or book.zones(row["kind"] or "linked", row["time_zone"], row["person_zones"])
    local = at.astimezone(ZoneInfo(shown[0])).isoformat(timespec="seconds") if at is not None and shown else None
    return Recipient(
        lead_id=row["id"],
        name=row["name"],
        phone=row["phone"],
        device_id=row["device_id"],
        device_name=row["device_name"],
        earliest_at=at,
        moved_by=cause,
        time_zone=shown[0] if shown else None,
        zones=shown,
        local_time=local,
        text=text,
        included=included,
        reason=row["reason"],
        has_consent=row["has_consent"],
    )


def _turn(row: db.Row, zones: tuple[str, ...], turns: Turns) -> tuple[datetime | None, str | None]:
    """When somebody may have their turn; who came after the plan goes on where it ends."""
    found = turns.get(row["device_id"])
    if found is None:
        return row["opens_at"], None
    course, table = found
    slots = list(course.groups)
    slot = (course.device.id, zones, row["is_new"] and course.is_split)
    if slot not in slots:
        return row["opens_at"], None
    return table.turn(slots.index(slot), row["place"]) or (None, None)
