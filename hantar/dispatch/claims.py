"""One tick's claim: all lanes that are due, in one transaction on the database's clock.

Lanes, their heads and the persons are locked in statements of their own; then the facts are read in a new one, so that what
was committed meanwhile is seen, and one pure function judges each head (`outbox.rules`). What may not go leaves the front.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hantar.dispatch import pacing
from hantar.gateways import port
from hantar.kit import db
from hantar.outbox import facts, lanes, model, render, rules, rulings, store
from hantar.policy import service as policy
from hantar.policy.model import Effective, Rules

BATCH = 100
"""Devices in one claim transaction: enough, by measurement (reliability.md 2: 11,450 messages a second at 100)."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a tick took: messages to send, and outcomes already known (a text that cannot be rendered)."""

    to_send: list[model.Claimed] = field(default_factory=list)
    outcomes: list[model.Outcome] = field(default_factory=list)
    moved: list[db.Row] = field(default_factory=list)
    lanes: int = 0


@dataclass(frozen=True, slots=True)
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


async def policies(tx: db.Tx, node: str, now: datetime, *, due: bool) -> Policies:
    """The rules of each workspace and kind of device that this node serves (and that may be due now)."""
    pairs = await lanes.pairs(tx, node, now, due=due)
    return await policy.effective(tx, pairs) if pairs else {}


def numbers(applied: Policies) -> lanes.Numbers:
    """Their limits as columns for a statement."""
    return lanes.Numbers.of({pair: each.rules for pair, each in applied.items()})


class Claimer:
    """Takes what is due. It knows the drivers' capabilities and nothing of their inner life."""

    def __init__(self, caps: Mapping[str, port.Capabilities], random: Callable[[], float]) -> None:
        self._caps, self._random = caps, random

    async def take(self, tx: db.Tx, node: str, resting: Collection[str], limit: int = BATCH) -> Taken:
        """Claim at most one message for each due lane. Must run in a transaction of its own."""
        now = await tx.now()
        applied = await policies(tx, node, now, due=True)
        due = await lanes.due_lanes(tx, node, now, list(resting), numbers(applied), limit) if applied else []
        if not due:
            return Taken()
        heads = await lanes.heads(tx, due, now)
        persons = await lanes.lock_persons(tx, heads)
        by_device = {lane.device_id: lane for lane in due}
        ruled = await self._judge(tx, self._one_each(heads, persons), by_device, applied, now)
        moved = await self._turn_away(tx, ruled, now)
        won = await self._claim(tx, ruled, by_device, now)
        claimed = {each.head.device_id for each in won}
        if idle := [lane for lane in due if lane.device_id not in claimed]:
            await lanes.step_back(tx, idle, now)
        to_send = [each.said for each in won if each.unrenderable is None]
        failed = [_failed(each.said, each.unrenderable, now) for each in won if each.unrenderable is not None]
        return Taken(to_send, failed, moved, len(due))

    @staticmethod
    def _one_each(heads: list[model.Head], persons: set[tuple[str, str]]) -> list[model.Head]:
        """Heads whose person we hold, each person once per batch; the others wait for the next tick."""
        seen: set[tuple[str, str]] = set()
        ready = []
        for head in heads:
            person = (head.workspace_id, head.person_id)
            if person in persons and person not in seen:
                seen.add(person)
                ready.append(head)
        return ready

    async def _judge(
        self, tx: db.Tx, heads: list[model.Head], by_device: Mapping[str, model.Lane], applied: Policies, now: datetime
    ) -> list[Ruled]:
        """Ask the rules about each head, by facts that are read now."""
        subjects = [facts.Subject(each.workspace_id, each.person_id, each.device_id, each.lead_id, each.id) for each in heads]
        policies = [applied[each.workspace_id, by_device[each.device_id].rules_kind] for each in heads]
        is_counted = any(each.rules.unanswered_max is not None for each in policies)
        is_counted = is_counted or any("unanswered_max" in head.rules for head in heads)
        found = await facts.read(tx, subjects, now, unanswered=is_counted)
        ruled = []
        for head, policy_, known in zip(heads, policies, found, strict=True):
            bound = rules.tightened(policy_.rules, head.rules, known.days_linked)
            ruled.append(Ruled(head, _ruling(head, known, bound, now), known, bound, policy_.version))
        return ruled

    @staticmethod
    async def _turn_away(tx: db.Tx, ruled: list[Ruled], now: datetime) -> list[db.Row]:
        """End what a rule forbids, put off what must wait; a restricted device's rows stay as they are: its lane waits."""
        ended = [(each.head, each.ruling.reason) for each in ruled if isinstance(each.ruling, rules.End)]
        waits = [
            model.Waiting(each.head, wait.waiting_for, wait.until or now + rules.LOOK_AGAIN, wait.until)
            for each in ruled
            if isinstance(wait := each.ruling, rules.Wait) and wait.waiting_for is not rules.Gate.DEVICE_RESTRICTED
        ]
        if waits:
            await rulings.put_off(tx, waits, now)
        return await rulings.end(tx, ended, now) if ended else []

    async def _claim(
        self, tx: db.Tx, ruled: list[Ruled], by_device: Mapping[str, model.Lane], now: datetime
    ) -> list[model.Claim]:
        """Render and claim what may go, reserve its lane, and note whom the device knows now."""
        going = [each for each in ruled if isinstance(each.ruling, rules.Go)]
        if not going:
            return []
        rows = await store.contents(tx, [each.head.id for each in going])
        claims = [self._claim_of(by_device[each.head.device_id], each, rows[each.head.id], now) for each in going]
        claimed = await store.claim(tx, claims, now)
        won = [each for each in claims if each.head.id in claimed]
        if won:
            await lanes.reserve(tx, won)
            await rulings.meet(tx, [each.head for each in won], now)
        return won

    def _claim_of(self, lane: model.Lane, each: Ruled, row: db.Row, now: datetime) -> model.Claim:
        caps, head = self._caps.get(lane.driver, port.Capabilities()), each.head
        gap, is_new = each.rules.device_gap, each.facts.is_new_chat
        slot = pacing.reserve(lane, head, now, caps.send_timeout, self._random(), gap, is_new)
        said = _said(lane, head, row, slot.gap)
        said = replace(said, wire_id=said.wire_id or (wire_id_of(head.id) if caps.caller_message_id else None))
        unrenderable = None
        try:
            said = replace(said, text=said.text if said.text is not None else render.render(said.template, said.values))
        except render.MissingVariable as error:
            unrenderable = error.message
        may_answer = head.duty is not None or (head.kind in rules.ANSWERS and each.facts.is_warm)
        consent_id = each.ruling.consent_id if isinstance(each.ruling, rules.Go) else None
        return model.Claim(head, slot, said, each.version, consent_id, may_answer, unrenderable)


def _ruling(head: model.Head, known: rules.Facts, bound: Rules, now: datetime) -> rules.Ruling:
    return rules.judge(
        head.kind,
        known,
        bound,
        now,
        expires_at=head.expires_at,
        is_manual=head.is_manual,
        confirms_opted_out=head.confirms_opted_out,
        duty=head.duty,
    )


def _said(lane: model.Lane, head: model.Head, row: db.Row, gap: float) -> model.Claimed:
    name = row["lead_name"] if row["lead_name"] is not None else row["name"]
    return model.Claimed(
        workspace_id=head.workspace_id,
        id=head.id,
        kind=head.kind,
        source_id=row["source_id"],
        device_id=head.device_id,
        driver=lane.driver,
        token=lane.token,
        wire_id=row["wire_id"],
        phone=row["phone"],
        template=row["template"],
        media_id=row["media_id"],
        values=render.values_of(name, row["phone"], ", ".join(row["niches"] or []), row["attributes"] or {}),
        text=row["text"],
        attempts=row["attempts"],
        gap=gap,
        opaque=row["opaque"],
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
