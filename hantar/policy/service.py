"""Which numbers apply: built-in ← installation ← workspace; devices and campaigns may only tighten. And changing them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from hantar.accounts.model import PeopleOnly, Role
from hantar.audit import service as audit
from hantar.kit import db, errors, ids, version
from hantar.policy import model, store, terms
from hantar.policy.catalogue import BY_NAME, Term
from hantar.policy.model import DEFAULTS, KINDS, REAL, Change, Effective, Kind, Rules

shown = terms.shown
"""One of the engine's values as JSON: `shown("quiet_start", 480)` is "08:00"."""
read_all = terms.read_all
"""Numbers of a request as the engine keeps them (for a campaign's own); raises `Invalid` with every field at once."""


async def effective(tx: db.Tx, pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], Effective]:
    """The rules of each (workspace, kind) in one statement; the same for requests and for the claim."""
    rows = await store.numbers(tx, {workspace for workspace, _ in pairs})
    installed = [row for row in rows if row["workspace_id"] is None]
    own = {row["workspace_id"]: row for row in rows if row["workspace_id"] is not None}
    found = {}
    for workspace, kind in set(pairs):
        row = own.get(workspace)
        base = _installed(kind, installed)
        found[workspace, kind] = _with_own(base, (row["value"].get(kind) or {}) if row else {}, row["version"] if row else 0)
    return found


Stamps = Mapping[str | None, str | None]


class Remembered:
    """The same rules asked for again and again, as in every claim: each time it is read whether they changed, else nothing."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[object, Effective]] = {}

    async def look(self, tx: db.Tx, workspaces: Collection[str]) -> Stamps:
        """What is committed now, for `effective`."""
        return await store.stamps(tx, workspaces)

    async def effective(self, tx: db.Tx, pairs: Collection[tuple[str, str]], stamps: Stamps) -> dict[tuple[str, str], Effective]:
        """As `effective`, by what was committed when `look` read the stamps of these workspaces."""
        now = {pair: (stamps[None], stamps[pair[0]]) for pair in pairs}
        anew = [pair for pair in now if pair not in self._known or self._known[pair][0] != now[pair]]
        if anew:
            self._known |= {pair: (now[pair], found) for pair, found in (await effective(tx, anew)).items()}
        return {pair: self._known[pair][1] for pair in now}


def _installed(kind: str, rows: Collection[db.Row]) -> Effective:
    """What the installation says for this kind; `rows` have the administrator's after the environment's."""
    rules = DEFAULTS[kind] if kind in KINDS else DEFAULTS["linked"]  # a kind we do not know gets the strictest set
    ours = [row for row in rows if row["kind"] == kind and row["name"] in model.NAMES]
    origins = dict.fromkeys(model.NAMES, "default") | {row["name"]: row["origin"] for row in ours}
    locked = frozenset(row["name"] for row in ours if row["is_locked"])
    return Effective(model.overridden(rules, {row["name"]: row["value"] for row in ours}), 0, origins, locked)


def _with_own(base: Effective, own: Mapping[str, Any], number: int) -> Effective:
    """The workspace's own numbers on top; one that the administrator locked counts only where it is stricter."""
    known = {name: value for name, value in own.items() if name in model.NAMES}
    free = {name: value for name, value in known.items() if name not in base.locked}
    bound = {name: value for name, value in known.items() if name in base.locked}
    rules = model.tightened(model.overridden(base.rules, free), bound)
    counts = {*free, *(name for name in bound if getattr(rules, name) != getattr(base.rules, name))}
    return Effective(rules, number, {**base.origins, **dict.fromkeys(counts, "workspace")}, base.locked)


async def of(tx: db.Tx, workspace_id: str, kind: str) -> Effective:
    """The rules of one workspace for one kind of device."""
    return (await effective(tx, [(workspace_id, kind)]))[workspace_id, kind]


async def as_of(tx: db.Tx, kind: str, when: datetime, number: int | None = None) -> Effective:
    """The rules of this workspace as they stood at an instant, or in a version; the installation's own numbers are today's."""
    row = await store.own_as_of(tx, when, number)
    own = (row["values"].get(kind) or {}) if row else {}
    return _with_own(_installed(kind, await store.installed(tx)), own, row["version"] if row else 0)


# ---------------------------------------------------------------------- what applies to one device


@dataclass(frozen=True, slots=True)
class Here:
    """What applies to one device, or to a campaign on it, and what narrowed each number."""

    kind: str
    version: int
    rules: Rules
    origins: Mapping[str, str]
    """As in `Effective`, or `device`, or `campaign`."""
    policy: Rules
    locked: frozenset[str]


def of_device(per_minute: int, per_hour: int, per_day: int, gap: float) -> dict[str, Any]:
    """A device's own numbers as rules; they count where they are stricter."""
    limits = {"device_per_minute": per_minute, "device_per_hour": per_hour, "device_per_day": per_day}
    return {**limits, "device_gap": gap}


def narrowed(here: Here, by: Mapping[str, Any], origin: str) -> Here:
    """The same with some numbers that count where they are stricter."""
    rules = model.tightened(here.rules, {name: value for name, value in by.items() if name in model.NAMES})
    changed = [name for name in by if name in model.NAMES and getattr(rules, name) != getattr(here.rules, name)]
    return replace(here, rules=rules, origins={**here.origins, **dict.fromkeys(changed, origin)})


def here(kind: str, found: Effective) -> Here:
    """What a kind's rules say before anything narrows them."""
    return Here(kind, found.version, found.rules, found.origins, found.rules, found.locked)


async def at_device(tx: db.Tx, workspace_id: str, device_id: str, campaign_id: str | None = None) -> Here:
    """The tightest numbers for a device, or for a campaign on it; raises `NotFound`."""
    row = await store.narrowing(tx, device_id) if ids.is_id(device_id) else None
    if row is None:
        raise errors.NotFound("There is no such device here.")
    found = here(row["rules_kind"], await of(tx, workspace_id, row["rules_kind"]))
    own = of_device(row["per_minute"], row["per_hour"], row["per_day"], row["min_delay_seconds"])
    found = narrowed(found, own, "device")
    if campaign_id is None:
        return found
    rules = await store.campaign_rules(tx, campaign_id) if ids.is_id(campaign_id) else None
    if rules is None:
        raise errors.NotFound("There is no such campaign here.")
    return narrowed(found, rules, "campaign")


# ---------------------------------------------------------------------- changing


@dataclass(frozen=True, slots=True)
class By:
    """Who changes a number, and what they may."""

    actor: audit.Actor
    role: Role
    is_person: bool
    """Signed in, and not an API key."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What to change: JSON values by name (None: back to the installation's number), and why."""

    kind: Kind
    values: Mapping[str, Any]
    reason: str
    declaration: str | None = None
    """Where the consent is held, when `consent_mode` is loosened for real devices."""
    seen: int | None = None
    """The version the caller has seen."""


async def change(tx: db.Tx, workspace_id: str, by: By, wish: Wish) -> int:
    """Make a new version; returns its number (today's when nothing changes).

    Raises `Invalid`, `NotYours`, `Locked`, `PeopleOnly` (a declaration is a person's), `ChangedMeanwhile`.
    """
    await store.lock(tx, workspace_id)
    rows = await store.numbers(tx, [workspace_id])
    newest = next((row for row in rows if row["workspace_id"] is not None), None)
    number = newest["version"] if newest else 0
    if wish.seen is not None and wish.seen != number:
        raise version.ChangedMeanwhile
    own: dict[str, Any] = dict(newest["value"]) if newest else {}
    base = _installed(wish.kind, [row for row in rows if row["workspace_id"] is None])
    before = _with_own(base, own.get(wish.kind, {}), number)
    after = _wished(wish, own.get(wish.kind, {}))
    changed = [name for name in wish.values if after.get(name, ...) != _plain(own.get(wish.kind, {})).get(name, ...)]
    if not changed:
        return number
    now = _with_own(base, after, number + 1)
    _check(by, wish, base, before, now, changed)
    moves = {name: _move(name, before.rules, now.rules) for name in changed}
    declaration = wish.declaration if _needs_declaration(wish.kind, before.rules, now.rules) else None
    values = {**own, wish.kind: after}
    new = store.Version(number + 1, values, {wish.kind: moves}, wish.reason, declaration, by.actor.id, by.actor.name)
    await store.add(tx, workspace_id, new)
    facts = {side: {f"{wish.kind}.{name}": move[side] for name, move in moves.items()} for side in ("before", "after")}
    if declaration:
        facts["after"]["declaration"] = declaration
    _tell(tx, workspace_id, wish.kind, any(model.is_looser(n, getattr(before.rules, n), getattr(now.rules, n)) for n in changed))
    thing = audit.Thing("policy", str(number + 1))
    await audit.record(tx, workspace_id, by.actor, "policy.changed", thing, reason=wish.reason, **facts)
    return number + 1


def _tell(tx: db.Tx, workspace_id: str | None, kind: str, is_looser: bool) -> None:
    """Tell that numbers changed (of every workspace: None): what waits for its turn may be allowed to go now."""
    tx.tell("policy.changed", workspace_id, kind=kind, is_looser=is_looser)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as JSON keeps them: a tuple is a list there."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _wished(wish: Wish, own: Mapping[str, Any]) -> dict[str, Any]:
    """The workspace's own numbers of a kind after the wish."""
    unknown = [name for name in wish.values if name not in BY_NAME]
    given = {name: value for name, value in wish.values.items() if value is not None or name in unknown}
    read = terms.read_all(given, wish.kind)
    return _plain({name: value for name, value in {**own, **read}.items() if name in read or name not in wish.values})


def _move(name: str, before: Rules, after: Rules) -> dict[str, Any]:
    return {"before": shown(name, getattr(before, name)), "after": shown(name, getattr(after, name))}


def _needs_declaration(kind: str, before: Rules, after: Rules) -> bool:
    return kind in REAL and model.is_looser("consent_mode", before.consent_mode, after.consent_mode)


def _check(by: By, wish: Wish, base: Effective, before: Effective, after: Effective, changed: Collection[str]) -> None:
    if after.rules.quiet_start >= after.rules.quiet_end:
        field = "quiet_end" if "quiet_end" in changed else "quiet_start"
        raise errors.invalid_field(f"values.{field}", "no_hour_left", "The time from must lie before the time until.")
    for name in changed:
        term = BY_NAME[name]
        wanted = terms.read(term, wish.values[name], wish.kind) if wish.values[name] is not None else None
        if name in base.locked and wish.values[name] is not None and model.is_looser(name, getattr(base.rules, name), wanted):
            raise model.Locked(
                f'The administrator has locked "{term.label}" for everybody here. You may only tighten it.', name=name
            )
        _check_may(by, term, getattr(base.rules, name), getattr(before.rules, name), getattr(after.rules, name))
    if _needs_declaration(wish.kind, before.rules, after.rules):
        if not by.is_person:
            raise PeopleOnly
        if not (wish.declaration or "").strip():
            message = "Say where the consent of these people is held; it is kept on record."
            raise errors.invalid_field("declaration", "required", message)


def _check_may(by: By, term: Term, base: Any, before: Any, after: Any) -> None:
    if not model.is_looser(term.name, before, after):
        return
    if term.who == "nobody" and model.is_looser(term.name, base, after):
        raise model.NotYours(f'Nobody may loosen "{term.label}".', name=term.name, who_may_loosen=term.who)
    if not may_loosen(by, term) and not (term.who == "nobody" and by.role.includes(Role.OWNER)):
        message = f'Only an owner may loosen "{term.label}". You may tighten it.'
        raise model.NotYours(message, name=term.name, who_may_loosen=term.who)


def may_loosen(by: By, term: Term) -> bool:
    """Whether this caller may make the rule looser than the workspace has it (responsible-sending.md 13)."""
    return term.who == "operator" or (term.who == "owner" and by.role.includes(Role.OWNER))


# ---------------------------------------------------------------------- the installation's numbers


async def lock(tx: db.Tx, by: By, kind: Kind, name: str, value: Any, *, is_locked: bool, reason: str) -> Change:
    """The administrator's number for everybody, and whether workspaces may loosen it; in a transaction of the door.

    A value of None leaves the number as the installation has it; without a lock it then says nothing any more.
    """
    term = BY_NAME.get(name)
    if term is None:
        raise errors.invalid_field("name", "unknown_rule", "There is no such rule.")
    rows = await store.installed(tx)
    before = _installed(kind, rows)
    if value is None:
        rest = [row for row in rows if (row["kind"], row["name"], row["origin"]) != (kind, name, "administrator")]
        wanted = getattr(_installed(kind, rest if not is_locked else rows).rules, name)
    else:
        wanted = terms.read_all({name: value}, kind, field="value")[name]
    after = model.overridden(before.rules, {name: wanted})
    if _needs_declaration(kind, before.rules, after):
        raise errors.invalid_field("value", "needs_declaration", "Only a workspace's owner can loosen this, with a declaration.")
    if after.quiet_start >= after.quiet_end:
        raise errors.invalid_field("value", "no_hour_left", "The time from must lie before the time until.")
    if value is None and not is_locked:
        await store.drop_administrators(tx, kind, name)
    else:
        stored = list(wanted) if isinstance(wanted, tuple) else wanted
        await store.put_administrators(tx, kind, name, stored, is_locked, reason, by.actor.id, by.actor.name)
    _tell(tx, None, kind, model.is_looser(name, getattr(before.rules, name), wanted))
    return Change(kind, name, shown(name, getattr(before.rules, name)), shown(name, wanted))


async def install(database: db.Database, numbers: Mapping[str, Any]) -> None:
    """At the start: exactly these numbers (the engine's values by name) come from the environment, for real devices."""
    plain = _plain(numbers)
    async with database.door() as tx:
        await store.put_environments(tx, [(kind, name, value) for kind in REAL for name, value in plain.items()])


# ---------------------------------------------------------------------- looking


@dataclass(frozen=True, slots=True)
class Last:
    """The last change of one number: who, when, why."""

    version: int | None
    at: datetime
    by: str | None
    reason: str | None
    declaration: str | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """All numbers of one kind."""

    kind: Kind
    found: Effective
    installed: Effective
    last: Mapping[str, Last]


async def sheets(tx: db.Tx, workspace_id: str) -> list[Sheet]:
    """All numbers of all kinds, with the last change of each: the installation's where its number applies."""
    found = await effective(tx, [(workspace_id, kind) for kind in KINDS])
    rows = await store.installed(tx)
    changes = await store.last_changes(tx)
    return [_sheet(kind, found[workspace_id, kind], rows, changes) for kind in KINDS]


def _sheet(kind: Kind, found: Effective, installed: Collection[db.Row], changes: Collection[db.Row]) -> Sheet:
    own = {row["name"]: row for row in changes if row["kind"] == kind}
    last = {
        name: Last(row["version"], row["at"], row["actor"], row["reason"], row["declaration"])
        for name, row in own.items()
        if name in model.NAMES
    }
    for row in installed:
        if row["kind"] == kind and found.origins.get(row["name"]) == row["origin"]:
            last[row["name"]] = Last(None, row["at"], row["actor"], row["reason"], None)
    return Sheet(kind, found, _installed(kind, installed), last)


async def history(tx: db.Tx, before: int | None, limit: int) -> list[db.Row]:
    """Versions of the workspace, newest first."""
    return await store.history(tx, before, limit)


async def count(tx: db.Tx) -> int:
    """How many versions there are."""
    return await store.count(tx)
