"""What a plan warns of: a stable code and a sentence each. Nothing here stops anything."""

from collections.abc import Iterator
from math import ceil

from hantar.campaigns import forecast, model
from hantar.campaigns.planned import Plan
from hantar.campaigns.schedule import Warning_
from hantar.outbox.pace import DAY
from hantar.policy.model import WINDOWED

VERY_FAST = 3.0
"""Delays below this many seconds get a warning (our own number; linked devices never pause for less)."""
LONG = 3
"""A campaign of more than so many days gets a warning (our own number: by then most messages have lost their point)."""


def of(draft: model.Draft, made: Plan) -> Iterator[Warning_]:
    """Everything worth knowing before this plan starts, the gravest first."""
    yield from _nobody(made)
    yield from _line(made)
    yield from _consent(made)
    yield from _never(made)
    yield from _allowance(made)
    yield from _expiry(made)
    yield from _away(draft, made)
    if draft.min_delay_seconds < VERY_FAST:
        yield Warning_("fast_delays", f"Pauses of less than {VERY_FAST:g} seconds are very short for a real phone.")


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count:,} people"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count:,} days"


def _nobody(made: Plan) -> Iterator[Warning_]:
    if made.shares.will_send == 0:
        words = "Nobody would get this message." if made.shares.matched else "No lead matches this niche and target status."
        yield Warning_("no_recipients", words)


def _line(made: Plan) -> Iterator[Warning_]:
    if made.line.is_present or not made.line.is_first:
        return
    then = "It cannot start without it." if made.line.is_required else "A real device would not start without it."
    yield Warning_("opt_out_line_missing", f"The text does not say how to stop hearing from you. {then}")


def _consent(made: Plan) -> Iterator[Warning_]:
    count = made.shares.without_consent
    if count:
        verb = "gets" if count == 1 else "get"
        words = f"{_people(count)} {verb} this without a consent on record. A real device would leave them out."
        yield Warning_("no_consent_on_record", words)


def _never(made: Plan) -> Iterator[Warning_]:
    count = sum(each.never for each in made.devices)
    if count:
        yield Warning_("never_in_window", f"{_people(count)} get no turn within the hours in which they may be written to.")


def _allowance(made: Plan) -> Iterator[Warning_]:
    """The sum that people forget: so many new people at so many new conversations a day."""
    for each in made.devices:
        last_at = each.turns.last_at
        if not each.course.is_split or last_at is None:
            continue
        days = ceil((last_at - made.starts_at) / DAY)
        most = each.course.new_chats(last_at)
        met = "has heard nothing lately from" if each.course.device.kind in WINDOWED else "has never met"
        words = (
            f"{each.course.device.name} {met} {_people(each.course.new_people)} of this campaign and begins at most "
            f"{most:,} new conversations a day: that takes {_days(max(1, days))}."
        )
        yield Warning_("new_chats_allowance", words)
    if made.eta_at is not None and (made.eta_at - made.starts_at) / DAY > LONG:
        yield Warning_("takes_long", f"It takes {_days(ceil((made.eta_at - made.starts_at) / DAY))} to reach everybody.")


def _expiry(made: Plan) -> Iterator[Warning_]:
    late = [each for each in made.devices if each.would_expire]
    if late:
        hours = min(_hours(each.course) for each in late)
        words = (
            f"{sum(each.would_expire for each in late):,} of {made.shares.will_send:,} messages would have their turn only after "
            f"they expire, {hours:g} hours after the time they are planned for, and would not be sent. Choose fewer people or "
            "more devices, or let messages live longer (expires_after)."
        )
        yield Warning_("ends_after_expiry", words)


def _hours(course: forecast.Course) -> float:
    return course.book.rules(course.device.kind).expires_after / 3600


def _away(draft: model.Draft, made: Plan) -> Iterator[Warning_]:
    away = [each.course for each in made.devices if each.course.device.state != "online"]
    if away:
        count = sum(each.count for each in away)
        names = ", ".join(each.device.name for each in away[:3]) + ("…" if len(away) > 3 else "")
        fate = "are skipped while it is away" if draft.when_offline == "skip" else "wait until it is back"
        yield Warning_("device_offline", f"{names}: not online. {count} messages {fate}.")
