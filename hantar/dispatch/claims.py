"""One tick's claim: all lanes that are due, in one transaction on the database's clock.

The rules are tested again in a statement of its own, so that what was committed meanwhile is seen.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hantar.dispatch import pacing
from hantar.gateways import port
from hantar.kit import db
from hantar.outbox import model, render, store

BATCH = 100
"""Devices in one claim transaction: enough, by measurement (reliability.md 2: 11,450 messages a second at 100)."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a tick took: messages to send, and outcomes already known (a text that cannot be rendered)."""

    to_send: list[model.Claimed] = field(default_factory=list)
    outcomes: list[model.Outcome] = field(default_factory=list)
    moved: list[db.Row] = field(default_factory=list)
    lanes: int = 0


def wire_id_of(message_id: str) -> str:
    """The id under which a message travels where we may choose it: ours, in WhatsApp's upper-case hexadecimal."""
    return message_id.replace("-", "").upper()


class Claimer:
    """Takes what is due. It knows the drivers' capabilities and nothing of their inner life."""

    def __init__(self, caps: Mapping[str, port.Capabilities], random: Callable[[], float]) -> None:
        self._caps, self._random = caps, random

    def _claim(self, lane: model.Lane, head: model.Head, now: datetime) -> model.Claim:
        caps = self._caps.get(lane.driver, port.Capabilities())
        slot = pacing.reserve(lane, head, now, caps.send_timeout, self._random())
        wire_id = wire_id_of(head.id) if caps.caller_message_id else None
        return model.Claim(head, lane.token, wire_id, slot)

    async def take(self, tx: db.Tx, node: str, resting: Collection[str], limit: int = BATCH) -> Taken:
        """Claim at most one message for each due lane. Must run in a transaction of its own."""
        now = await tx.now()
        lanes = await store.due_lanes(tx, node, now, list(resting), limit)
        if not lanes:
            return Taken()
        heads = await store.heads(tx, lanes, now)
        late = [head for head in heads if head.expires_at <= now]
        moved = await store.expire(tx, late, now) if late else []
        persons = await store.lock_persons(tx, heads)
        by_device = {lane.device_id: lane for lane in lanes}
        ready = self._one_each(heads, persons, now)
        claims = [self._claim(by_device[head.device_id], head, now) for head in ready]
        claimed = await store.claim(tx, claims, now) if claims else set()
        won = [each for each in claims if each.head.id in claimed]
        if not won:
            return Taken(moved=moved, lanes=len(lanes))
        await store.reserve(tx, won)
        to_send, outcomes = await self._render(tx, won, now)
        return Taken(to_send, outcomes, moved, len(lanes))

    @staticmethod
    def _one_each(heads: list[model.Head], persons: set[tuple[str, str]], now: datetime) -> list[model.Head]:
        """Heads whose person we hold, each person once per batch; the others wait for the next tick."""
        seen: set[tuple[str, str]] = set()
        ready = []
        for head in heads:
            person = (head.workspace_id, head.person_id)
            if head.expires_at > now and person in persons and person not in seen:
                seen.add(person)
                ready.append(head)
        return ready

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
            to_send.append(_with_text(claimed, text))
        if texts:
            await store.keep_texts(tx, texts)
        return to_send, failed


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
    )


def _with_text(claimed: model.Claimed, text: str) -> model.Claimed:
    fields = {name: getattr(claimed, name) for name in model.Claimed.__dataclass_fields__}
    return model.Claimed(**{**fields, "text": text})


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
