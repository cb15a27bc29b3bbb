"""Who was in a plan, and what has changed since: people may drop out, newcomers need a new plan."""

from collections.abc import Iterable
from typing import Any

from hantar.campaigns import audience, model, rulebook, store
from hantar.kit import db

SHOWN = 5
"""People named on each side of a difference; the counts are of all."""


async def check(tx: db.Tx, campaign: model.Campaign, plan_hash: str) -> None:
    """Raise `PlanChanged` when this plan's text or picture is another, or when somebody would get it who is not in the plan."""
    draft, now = campaign.draft, await tx.now()
    book = await rulebook.resolve(tx, campaign.workspace_id, draft, now)
    today = await audience.shares(tx, book, draft.audience, draft.text, draft.media_id)
    if today.hash == plan_hash:
        return
    plan = await store.started_plan(tx, campaign.workspace_id, plan_hash, draft.text, draft.media_id)
    if plan is None:
        raise model.PlanChanged
    before, after = set(plan["people"]), set(today.pairs)
    if not after - before:
        return
    raise model.PlanChanged(
        added=len(after - before),
        removed=len(before - after),
        added_people=await _named(tx, campaign.workspace_id, after - before),
        removed_people=await _named(tx, campaign.workspace_id, before - after),
    )


async def _named(tx: db.Tx, workspace_id: str, pairs: Iterable[int]) -> list[dict[str, Any]]:
    """A few of these people as leads, if there still are such leads."""
    sql = f"""SELECT x.id AS lead_id, x.name, x.phone FROM leads x
              WHERE x.workspace_id = $1 AND x.device_id IS NOT NULL AND {audience.PAIR} = ANY($2::bigint[])
              ORDER BY x.id LIMIT $3"""
    return [dict(row) for row in await tx.fetch(sql, workspace_id, sorted(pairs)[:SHOWN], SHOWN)]
