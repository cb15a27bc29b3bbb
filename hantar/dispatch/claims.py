"""One tick's claim: the lanes that are due, in one transaction on the database's clock.

Lanes with their heads, and the persons, are locked in statements of their own; then the facts are read in a new one, so that
what was committed meanwhile is seen, and one pure function judges each head (`outbox.rules`). What may not go leaves the front.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hantar.dispatch import checker, pacing
from hantar.gateways import port
from hantar.kit import clock, db
from hantar.outbox import checks, facts, lanes, model, render, rules, rulings, store
from hantar.policy import service as policy
from hantar.policy.model import Effective, Rules


@dataclass(slots=True)
class Taken:
    """What a tick took: messages to send, and outcomes already known (a text that cannot be rendered).

    Of the lanes asked for, some were turned away: `again` may try at once, `later` in a moment, `full` has no room until then;
    the rest has nothing due, or is not ours to send.
    """

    to_send: list[model.Claimed] = field(default_factory=list)
    outcomes: list[model.Outcome] = field(default_factory=list)
    moved: list[db.Row] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    later: list[str] = field(default_factory=list)
    """Their head's person is held by somebody else just now."""
    full: dict[str, float] = field(default_factory=dict)
    """Device → seconds from now."""
    unchecked: list[checker.Ask] = field(default_factory=list)
    """Heads whose number is to be looked up first."""
    asked_at: float = 0.0
    """Monotonic seconds when the claim had its instant: `Claimed.wait` counts from there."""


@dataclass(slots=True)
class Ruled:
    """A head with what the rules say, and the facts and numbers they said it by."""

    head: model.Head
    ruling: rules.Ruling
    facts: rules.Facts
    rules: Rules
    version: int


Policies = dict[lanes.Pair, Effective]


def wire_id_of(message_id: str) -> str:
    """The id under which a message travels where we may choose it: ours, in WhatsApp's upper-case hexadecimal."""
    return message_id.replace("-", "").upper()


class Claimer:
    """Takes what is due. It knows the drivers' capabilities and nothing of their inner life."""

    def __init__(
        self, caps: Mapping[str, port.Capabilities], random: Callable[[], float], clock_: clock.Clock, lead: float = 0.0
    ) -> None:
        self._caps, self._random, self._clock, self._lead = caps, random, clock_, timedelta(seconds=lead)
        self._policies = policy.Remembered()

    async def take(self, tx: db.Tx, node: str, asked: Sequence[lanes.Asked]) -> Taken:
        """Claim at most one message for each lane asked for. Must run in a transaction of its own."""
        stamps = await self._policies.look(tx, {each[0] for each in asked})
        now = await tx.now()
        asked_at = self._clock.monotonic()  # after it: so nothing leaves early
        found = await lanes.heads(tx, node, now, asked, self._lead)
        if not found:
            return Taken()
        pairs = {(lane.workspace_id, lane.rules_kind) for lane, _ in found}
        applied = await self._policies.effective(tx, pairs, stamps)
        free, full = self._room(found, applied, now)
        if full:
            await lanes.note_full(tx, full)
        persons = await lanes.lock_persons(tx, [head for _, head in free])
        ready = self._one_each(free, persons)
        by_device = {each.lane.device_id: each.lane for each in ready}
        ruled = await self._judge(tx, ready, applied, now)
        moved = await self._turn_away(tx, ruled, now)
        going = [self._claim(by_device[each.head.device_id], each, now) for each in ruled if isinstance(each.ruling, rules.Go)]
        claimed = await store.claim(tx, going, now) if going else set()
        won = [each for each in going if each.head.id in claimed]
        taken = Taken([each.said for each in won if each.unrenderable is None], moved=moved, asked_at=asked_at)
        taken.outcomes = [_failed(each.said, each.unrenderable, now) for each in won if each.unrenderable is not None]
        taken.full = {lane.device_id: (until - now).total_seconds() for lane, until in full}
        held = {each.head.device_id for each in ready}
        taken.later = [lane.device_id for lane, _ in free if lane.device_id not in held]
        taken.again = [each.head.device_id for each in ruled if _has_left(each.ruling)]
        taken.unchecked = [_ask(by_device[each.head.device_id], each.head) for each in ruled if _is_unchecked(each.ruling)]
        taken.full |= {each.device_id: checker.PATIENCE for each in taken.unchecked}
        return taken

    @staticmethod
    def _room(
        found: list[tuple[model.Lane, model.Head]], applied: Policies, now: datetime
    ) -> tuple[list[tuple[model.Lane, model.Head]], list[tuple[model.Lane, datetime]]]:
        """Lanes whose limits leave room for one more message, and the others with the instant from which there is room."""
        free, full = [], []
        for each in found:
            lane = each[0]
            until = pacing.full_until(lane, applied[lane.workspace_id, lane.rules_kind].rules, max(now, lane.ready_at))
            if until is None:
                free.append(each)
            else:
                full.append((lane, until))
        return free, full

    @staticmethod
    def _one_each(
        found: Sequence[tuple[model.Lane, model.Head]], persons: Mapping[tuple[str, str], model.Person]
    ) -> list[facts.Ready]:
        """Heads whose person we hold, each person once per batch; the others wait for the next tick."""
        seen: set[tuple[str, str]] = set()
        ready = []
        for lane, head in found:
            person = (head.workspace_id, head.person_id)
            if person in persons and person not in seen:
                seen.add(person)
                ready.append(facts.Ready(head, lane, persons[person]))
        return ready

    async def _judge(self, tx: db.Tx, ready: list[facts.Ready], applied: Policies, now: datetime) -> list[Ruled]:
        """Ask the rules about each head, by facts that are read now."""
        policies = [applied[each.lane.workspace_id, each.lane.rules_kind] for each in ready]
        is_counted = any(each.rules.unanswered_max is not None for each in policies)
        is_counted = is_counted or any("unanswered_max" in each.head.rules for each in ready)
        found = await facts.read_held(tx, ready, now, unanswered=is_counted)
        ruled = []
        for each, policy_, known in zip(ready, policies, found, strict=True):
            bound = policy_.rules
            if each.head.rules:
                bound = rules.tightened(bound, each.head.rules, known.days_linked)
            can_check = self._caps.get(each.lane.driver, _NOTHING).number_check
            at = max(now, each.lane.ready_at)  # by the rules of the instant at which it leaves
            ruled.append(Ruled(each.head, _ruling(each.head, known, bound, at, can_check), known, bound, policy_.version))
        return ruled

    @staticmethod
    async def _turn_away(tx: db.Tx, ruled: list[Ruled], now: datetime) -> list[db.Row]:
        """End what a rule forbids, put off what must wait; a restricted device's rows stay as they are: its lane waits."""
        ended = [(each.head, each.ruling.reason) for each in ruled if isinstance(each.ruling, rules.End)]
        waits = [_waiting(each, wait, now) for each in ruled if isinstance(wait := each.ruling, rules.Wait) and _has_left(wait)]
        if waits:
            await rulings.put_off(tx, waits, now)
        return await rulings.end(tx, ended, now) if ended else []

    def _claim(self, lane: model.Lane, each: Ruled, now: datetime) -> model.Claim:
        """What to write for a head that may go: its text, rendered now, and its lane's slot."""
        caps, head = self._caps.get(lane.driver, _NOTHING), each.head
        gap, is_new = each.rules.device_gap, each.facts.is_new_chat
        slot = pacing.reserve(lane, head, now, caps.send_timeout, self._random(), gap, is_new)
        text, unrenderable = _text(head.says)
        wire_id = head.says["wire_id"] or (wire_id_of(head.id) if caps.caller_message_id else None)
        said = _said(lane, head, text, wire_id, slot.gap)
        if head.says["approved"] is not None and unrenderable is None:
            said.template, unrenderable = _approved(head.says)
        said.wait = max(0.0, (lane.ready_at - now).total_seconds())
        may_answer = head.duty is not None or (head.kind in rules.ANSWERS and each.facts.is_warm)
        consent_id = each.ruling.consent_id if isinstance(each.ruling, rules.Go) else None
        return model.Claim(head, slot, said, each.version, consent_id, may_answer, unrenderable)


_NOTHING = port.Capabilities()
STAYS = frozenset({rules.Gate.DEVICE_RESTRICTED, rules.Gate.NUMBER_CHECK})
"""Waits that are the lane's: its head stays where it is."""


def _ruling(head: model.Head, known: rules.Facts, bound: Rules, now: datetime, can_check: bool) -> rules.Ruling:
    return rules.judge(
        head.kind,
        known,
        bound,
        now,
        expires_at=head.expires_at,
        is_manual=head.is_manual,
        confirms_opted_out=head.confirms_opted_out,
        duty=head.duty,
        is_checkable=can_check and head.says["phone"] != "",
    )


def _is_unchecked(ruling: rules.Ruling) -> bool:
    return isinstance(ruling, rules.Wait) and ruling.waiting_for is rules.Gate.NUMBER_CHECK


def _ask(lane: model.Lane, head: model.Head) -> checker.Ask:
    subject = checks.Subject(head.workspace_id, head.person_id, head.says["phone"], head.id)
    return checker.Ask(lane.driver, lane.device_id, lane.token, subject)


def _has_left(ruling: rules.Ruling) -> bool:
    """Whether a head so judged makes room for the next one in its lane."""
    if isinstance(ruling, rules.Wait):
        return ruling.waiting_for not in STAYS
    return isinstance(ruling, rules.End)


def _waiting(each: Ruled, wait: rules.Wait, now: datetime) -> model.Waiting:
    again, known = wait.until or now + rules.LOOK_AGAIN, each.facts
    alike = known.person_zones, known.lead_zone, known.is_new_chat
    return model.Waiting(each.head, wait.waiting_for, again, wait.until, *alike)


def _text(says: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The text, or why it cannot be rendered."""
    if says["text"] is not None:
        return says["text"], None
    try:
        return _filled(says["template"], says), None
    except render.MissingVariable as error:
        return None, error.message


def _filled(text: str, says: Mapping[str, Any]) -> str:
    """The text with what is stored of the person; raises `MissingVariable`."""
    name = says["lead_name"] if says["lead_name"] is not None else says["name"]
    return render.for_lead(text, name, says["phone"], says["niches"], says["attributes"])


def _approved(says: Mapping[str, Any]) -> tuple[model.Approved | None, str | None]:
    """The template with the person's own words in its places, each in one line as the service wants it; or why there is none."""
    given = json.loads(says["approved"])
    try:
        words = tuple(" ".join(_filled(each, says).split()) for each in given["parameters"])
    except render.MissingVariable as error:
        return None, error.message
    return model.Approved(given["name"], given["language"], words), None


def _said(lane: model.Lane, head: model.Head, text: str | None, wire_id: str | None, gap: float) -> model.Claimed:
    says = head.says
    return model.Claimed(  # in the order of its fields, which costs a third of naming them
        head.workspace_id,
        head.id,
        head.kind,
        model.SourceId(head.source_id),
        head.device_id,
        lane.driver,
        lane.token,
        wire_id,
        says["phone"],
        says["media_id"],
        text,
        says["attempts"],
        gap,
        says["deferrals"],
        says["opaque"],
    )


def _failed(said: model.Claimed, why: str, now: datetime) -> model.Outcome:
    return model.Outcome(
        said.workspace_id,
        said.id,
        said.device_id,
        said.token,
        model.MessageState.FAILED,
        now - timedelta(seconds=said.gap),  # nothing left, so the lane need not rest
        reason="missing_variable",
        error=why,
    )
