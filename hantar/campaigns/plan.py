"""The exact plan before sending: who gets what, when, from which device, and who is left out and why. Looking changes nothing."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from hantar.campaigns import audience, estimate, model, schedule, store
from hantar.kit import db, ids
from hantar.outbox import render

UNFETCHED = "unfetched"
"""Stands for a picture that is given by address: a plan only needs to know that there is one."""
KEEP = timedelta(days=7)
"""How long a plan's recipients can be paged."""
VERY_FAST = 3.0
"""Delays below this many seconds get a warning (our own number; the floor for linked devices will be 3 s)."""


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """One device's part."""

    share: audience.DeviceShare
    first_at: datetime
    last_at: datetime
    late_at: datetime
    would_expire: int = 0


@dataclass(frozen=True, slots=True)
class Moved:
    """How many leave later than their turn, for one cause, and when the last of them may."""

    cause: str
    count: int
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Line:
    """Whether the text says how to stop, whether it must, and a line to propose."""

    is_present: bool
    is_required: bool
    proposal: str | None
    language: str


@dataclass(frozen=True, slots=True)
class Canary:
    """So many people first, then so many clean seconds."""

    size: int
    wait_seconds: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan in numbers; its recipients are paged by `recipients`."""

    id: str
    hash: str | None
    shares: audience.Shares
    devices: tuple[DevicePlan, ...]
    starts_at: datetime
    eta_at: datetime | None
    eta_late_at: datetime | None
    warnings: tuple[schedule.Warning_, ...]
    line: Line
    as_kind: Literal["linked"] | None = None
    moved: tuple[Moved, ...] = ()
    canary: Canary | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person of a plan."""

    lead_id: str
    name: str
    phone: str
    device_id: str | None
    device_name: str | None
    earliest_at: datetime | None
    text: str
    included: bool
    reason: str | None
    moved_by: str | None = None
    time_zone: str | None = None
    zones: tuple[str, ...] = ()
    local_time: str | None = None
    has_consent: bool = False


def _load(draft: model.Draft, share: Any, count: int) -> estimate.Load:
    own = (share["min_delay_seconds"], share["max_delay_seconds"])
    limits = (share["per_minute"], share["per_hour"], share["per_day"])
    return estimate.load(count, (draft.min_delay_seconds, draft.max_delay_seconds), own, limits)


def _share_load(draft: model.Draft, share: audience.DeviceShare) -> estimate.Load:
    delays = (draft.min_delay_seconds, draft.max_delay_seconds)
    limits = (share.per_minute, share.per_hour, share.per_day)
    return estimate.load(share.count, delays, (share.min_delay, share.max_delay), limits)


async def make(tx: db.Tx, workspace_id: str, draft: model.Draft, campaign_id: str | None, due_at: datetime | None = None) -> Plan:
    """Work out a plan for a draft (or a stored campaign, with the instant it is due)."""
    now = await tx.now()
    warnings: list[schedule.Warning_] = []
    if due_at is None:
        resolved = schedule.resolve(draft.campaign_date, draft.time_schedule, draft.time_zone, now)
        due_at, warnings = resolved.at, list(resolved.warnings)
    starts_at = max(due_at, now)
    shares = await audience.shares(tx, workspace_id, draft.audience, draft.text, draft.media_id)
    spans = [estimate.span(_share_load(draft, share), starts_at) for share in shares.devices]
    devices = tuple(
        DevicePlan(share, each.first_at, each.last_at, each.late_at) for share, each in zip(shares.devices, spans, strict=True)
    )
    eta_at, eta_late_at = estimate.ends(spans)
    warnings += _warnings(draft, shares)
    plan_id = ids.new_id()
    await store.forget_plans(tx, workspace_id, now - KEEP)
    await store.insert_plan(tx, workspace_id, plan_id, campaign_id, _spec(draft, starts_at), shares.hash)
    line = Line(is_present=True, is_required=False, proposal=None, language="en")
    return Plan(plan_id, shares.hash, shares, devices, starts_at, eta_at, eta_late_at, tuple(warnings), line)


def _warnings(draft: model.Draft, shares: audience.Shares) -> list[schedule.Warning_]:
    found = []
    away = [share for share in shares.devices if share.state != "online"]
    if shares.will_send == 0:
        words = "Nobody would get this message." if shares.matched else "No lead matches this niche and target status."
        found.append(schedule.Warning_("no_recipients", words))
    if away:
        count = sum(share.count for share in away)
        names = ", ".join(share.name for share in away[:3]) + ("…" if len(away) > 3 else "")
        fate = "are skipped while it is away" if draft.when_offline == "skip" else "wait until it is back"
        found.append(schedule.Warning_("device_offline", f"{names}: not online. {count} messages {fate}."))
    if draft.min_delay_seconds < VERY_FAST:
        found.append(
            schedule.Warning_("fast_delays", f"Pauses of less than {VERY_FAST:g} seconds are very short for a real phone.")
        )
    return found


def _spec(draft: model.Draft, starts_at: datetime) -> dict[str, Any]:
    audience_ = draft.audience
    return {
        "title": draft.title,
        "niche": draft.niche,
        "niche_keys": None if audience_.niche_keys is None else list(audience_.niche_keys),
        "target_status": audience_.target_status.value,
        "device_ids": None if audience_.device_ids is None else list(audience_.device_ids),
        "text": draft.text,
        "media_id": draft.media_id,
        "time_zone": draft.time_zone,
        "min_delay_seconds": draft.min_delay_seconds,
        "max_delay_seconds": draft.max_delay_seconds,
        "when_offline": draft.when_offline,
        "late_policy": draft.late_policy,
        "starts_at": starts_at.isoformat(),
    }


def _draft(spec: dict[str, Any]) -> tuple[model.Draft, datetime]:
    keys, devices = spec["niche_keys"], spec["device_ids"]
    target = model.TargetStatus(spec["target_status"])
    who = model.Audience(None if keys is None else tuple(keys), target, None if devices is None else tuple(devices))
    no_day: date | None = None
    no_time: time | None = None
    draft = model.Draft(
        title=spec["title"],
        niche=spec["niche"],
        audience=who,
        text=spec["text"],
        media_id=spec["media_id"],
        campaign_date=no_day,
        time_schedule=no_time,
        time_zone=spec["time_zone"],
        min_delay_seconds=spec["min_delay_seconds"],
        max_delay_seconds=spec["max_delay_seconds"],
        when_offline=spec["when_offline"],
        late_policy=spec["late_policy"],
    )
    return draft, datetime.fromisoformat(spec["starts_at"])


async def recipients(tx: db.Tx, workspace_id: str, plan_id: str, asked: audience.Asked, limit: int | None) -> list[Recipient]:
    """The people of a plan, in the order of sending."""
    plan = await store.find_plan(tx, workspace_id, plan_id)
    draft, starts_at = _draft(plan["spec"])
    rows = await audience.recipients(tx, workspace_id, draft.audience, draft.text, asked, limit)
    return [_recipient(row, draft, starts_at) for row in rows]


def _recipient(row: db.Row, draft: model.Draft, starts_at: datetime) -> Recipient:
    included = row["reason"] is None
    values = render.values_of(row["name"], row["phone"], ", ".join(row["niches"]), row["attributes"])
    try:
        text = render.render(draft.text, values)
    except render.MissingVariable:
        text = draft.text
    at = estimate.earliest(row["position"], starts_at, _load(draft, row, 1)) if included else None
    return Recipient(
        row["id"], row["name"], row["phone"], row["device_id"], row["device_name"], at, text, included, row["reason"]
    )
