"""By which numbers a plan judges: the rules of each kind of device under the campaign's own, and when whose window opens."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from hantar.campaigns import model
from hantar.consent import quiet
from hantar.kit import db
from hantar.outbox import rules as outbox_rules
from hantar.policy import model as policy, service as policies

ALWAYS = outbox_rules.ALWAYS
SIMULATED = ("simulator", "demo")
"""Kinds that reach nobody; their traffic never counts for a real device's caps."""
_HOURS = 7 * 24


@dataclass(frozen=True, slots=True)
class Opening:
    """When people with these zones may be written to: from `opens_at` on; None: nobody knows, or never by these rules."""

    kind: str
    places: tuple[str, ...]
    """Where people may be: the lead's own zone alone where somebody entered one, else every zone of the number."""
    zones: tuple[str, ...]
    opens_at: datetime | None
    is_out: bool
    """Left out for it: the hour is unknown, never comes, or the rules drop what falls outside."""
    stretch: float
    """How much longer sending takes because it is allowed for a part of the week only; 1 is always."""


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The rules of every kind of device for one campaign that starts at an instant."""

    workspace_id: str
    workspace_zone: str
    starts_at: datetime
    base: Mapping[str, policy.Rules]
    """The policy's rules by kind."""
    own: Mapping[str, Any]
    """The campaign's own, stricter numbers."""
    kinds: tuple[str, ...]
    """The kinds of devices it may use."""
    as_kind: Literal["linked"] | None = None
    is_template: bool = False
    """It sends an approved template, which may begin a conversation where free text may not."""

    def rules(self, kind: str) -> policy.Rules:
        """What binds devices of this kind in this campaign."""
        known = {name: value for name, value in self.own.items() if name in policy.NAMES}
        return policy.tightened(self.base.get(kind, self.base["linked"]), known)

    def device_rules(self, kind: str, days_linked: float) -> policy.Rules:
        """The same for one device: the new conversations it may begin depend on its age."""
        return outbox_rules.tightened(self.base.get(kind, self.base["linked"]), self.own, days_linked)

    def window(self, kind: str) -> quiet.Window:
        """When messages of this kind of device may leave, by the recipient's clock."""
        rules = self.rules(kind)
        return quiet.Window(rules.quiet_start, rules.quiet_end, rules.quiet_days)

    @property
    def needs_zones(self) -> bool:
        """Whether it matters where people are."""
        return any(self.window(kind) != ALWAYS for kind in self.kinds)

    def opening(self, kind: str, places: tuple[str, ...]) -> Opening:
        """When people who may be in these places (none: it is unknown) may be written to by a device of this kind."""
        window, rules = self.window(kind), self.rules(kind)
        if window == ALWAYS:
            return Opening(kind, places, (), self.starts_at, is_out=False, stretch=1.0)
        zones = self.zones(kind, None, places)
        if not zones:
            return Opening(kind, places, (), None, is_out=True, stretch=1.0)
        opens_at = quiet.next_open(self.starts_at, zones, window)
        is_out = opens_at is None or (rules.quiet_overflow == "drop" and opens_at != self.starts_at)
        return Opening(kind, places, zones, opens_at, is_out, _stretch(zones, window, self.starts_at.date()))

    def zones(self, kind: str, own: str | None, of_number: Sequence[str]) -> tuple[str, ...]:
        """The clocks by which somebody is timed; empty when their place is unknown and the rules then hold."""
        return quiet.zones_for(own, of_number, self.workspace_zone, self._unknown(kind)) or ()

    def _unknown(self, kind: str) -> Literal["hold", "send"]:
        return self.rules(kind).quiet_unknown_zone


@lru_cache(maxsize=4096)
def _stretch(zones: tuple[str, ...], window: quiet.Window, day: date) -> float:
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    is_open = sum(quiet.is_open(begin + timedelta(hours=n), zones, window) for n in range(_HOURS))
    return _HOURS / is_open if is_open else 1.0


async def resolve(
    tx: db.Tx,
    workspace_id: str,
    draft: model.Draft,
    starts_at: datetime,
    as_kind: Literal["linked"] | None = None,
) -> Rulebook:
    """Today's rules for a campaign that starts then; with `as_kind` as if all its devices were of that kind."""
    kinds = [as_kind] if as_kind else await kinds_of(tx, workspace_id, draft.audience)
    found = await policies.effective(tx, [(workspace_id, kind) for kind in (*kinds, "linked")])
    zone: str = await tx.fetchval("SELECT time_zone FROM workspaces WHERE id = $1", workspace_id)
    base = {kind: each.rules for (_, kind), each in found.items()}
    starts_at, is_template = starts_at.astimezone(UTC), draft.template is not None
    return Rulebook(workspace_id, zone, starts_at, base, draft.rules, tuple(kinds), as_kind, is_template)


async def kinds_of(tx: db.Tx, workspace_id: str, audience: model.Audience) -> list[str]:
    """The kinds of devices that may write to an audience."""
    sql = (
        """SELECT DISTINCT rules_kind FROM devices WHERE workspace_id = $1 AND ($2::uuid[] IS NULL OR id = ANY($2)) ORDER BY 1"""
    )
    devices = None if audience.device_ids is None else list(audience.device_ids)
    return [row["rules_kind"] for row in await tx.fetch(sql, workspace_id, devices)]


def strictest(name: str, many: Iterable[policy.Rules]) -> Any:
    """The strictest value of one rule among several sets."""
    values = [getattr(each, name) for each in many]
    found = values[0]
    for value in values[1:]:
        found = policy.stricter(name, found, value)
    return found
