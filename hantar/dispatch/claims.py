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
        if not won:
            return Taken(moved=moved, lanes=len(due))
        to_send, outcomes = await self._render(tx, won, now)
        return Taken(to_send, outcomes, moved, len(due))

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
        """Claim what may go, reserve its lane, and note whom the device knows now."""
        claims = [
            self._claim_of(by_device[each.head.device_id], each, each.ruling, now)
            for each in ruled
            if isinstance(each.ruling, rules.Go)
        ]
        claimed = await store.claim(tx, claims, now) if claims else set()
        won = [each for each in claims if each.head.id in claimed]
        if won:
            await lanes.reserve(tx, won)
            await rulings.meet(tx, [each.head for each in won], now)
        return won

    def _claim_of(self, lane: model.Lane, each: Ruled, go: rules.Go, now: datetime) -> model.Claim:
        caps = self._caps.get(lane.driver, port.Capabilities())
        gap, is_new = each.rules.device_gap, each.facts.is_new_chat
        slot = pacing.reserve(lane, each.head, now, caps.send_timeout, self._random(), gap, is_new)
        wire_id = wire_id_of(each.head.id) if caps.caller_message_id else None
        may_answer = each.head.duty is not None or (each.head.kind in rules.ANSWERS and each.facts.is_warm)
        return model.Claim(each.head, lane.token, wire_id, slot, each.version, go.consent_id, may_answer)

    async def _render(self, tx: db.Tx, won: list[model.Claim], now: datetime) -> tuple[list[model.Claimed], list[model.Outcome]]:
        gaps = {each.head.id: each.slot.gap for each in won}
        rows = await store.load_claimed(tx, list(gaps))
        to_send: list[model.Claimed] = []
        failed: list[model.Outcome] = []
        texts: list[tuple[str, str, str]] = []
        for row in rows:
            claimed = _claimed(row, gaps[row["id"]])
            try:
                text = claimed.text if claimed.text is not None else render.render(claimed.template, claimed.values)
            except render.MissingVariable as error:
                failed.append(_unrenderable(claimed, error, now))
                continue
            if claimed.text is None:
                texts.append((claimed.workspace_id, claimed.id, text))
            to_send.append(replace(claimed, text=text))
        if texts:
            await store.keep_texts(tx, texts)
        return to_send, failed


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


def _claimed(row: db.Row, gap: float) -> model.Claimed:
    name = row["lead_name"] if row["lead_name"] is not None else row["name"]
    values = render.values_of(name, row["phone"], ", ".join(row["niches"] or []), row["attributes"] or {})
    return model.Claimed(
        workspace_id=row["workspace_id"],
        id=row["id"],
        kind=model.MessageKind(row["kind"]),
        source_id=row["source_id"],
        device_id=row["device_id"],
        driver=row["driver"],
        token=row["token"],
        wire_id=row["wire_id"],
        phone=row["phone"],
        template=row["template"],
        media_id=row["media_id"],
        values=values,
        text=row["text"],
        attempts=row["attempts"],
        gap=gap,
        opaque=row["opaque"],
    )


def _unrenderable(claimed: model.Claimed, error: render.MissingVariable, now: datetime) -> model.Outcome:
    return model.Outcome(
        claimed.workspace_id,
        claimed.id,
        claimed.device_id,
        claimed.token,
        model.MessageState.FAILED,
        now - timedelta(seconds=claimed.gap),  # nothing left, so the lane need not rest
        reason="missing_variable",
        error=error.message,
    )
