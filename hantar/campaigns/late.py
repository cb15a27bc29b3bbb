"""Starts that were missed: how late is too late, and what happens then, by the rules of the devices meant."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog

from hantar.campaigns import model, rulebook, store
from hantar.kit import db
from hantar.policy import model as policy, service as policies

log = structlog.get_logger(__name__)


async def due(tx: db.Tx, now: datetime) -> list[store.Due]:
    """What is due, over all workspaces, each with the instant before which its start counts as missed."""
    rows = await store.due(tx, now)
    pairs = {(row["workspace_id"], kind) for row in rows for kind in _kinds(row["kinds"])}
    rules = await policies.effective(tx, pairs) if pairs else {}
    found = []
    for row in rows:
        of_kinds = [rules[row["workspace_id"], kind].rules for kind in _kinds(row["kinds"])]
        try:
            late_after = float(rulebook.strictest("late_start_after", _tightened(of_kinds, row["rules"])))
        except Exception as error:  # one campaign with odd rules keeps no other from starting; the planner ends it
            log.error("campaign.odd_rules", campaign=row["id"], error=type(error).__name__)
            late_after = timedelta(days=36_500).total_seconds()
        found.append(store.Due(row["workspace_id"], row["id"], now - timedelta(seconds=late_after)))
    return found


async def policy_of(tx: db.Tx, workspace_id: str, audience: model.Audience) -> Literal["ask", "run", "skip"]:
    """What the rules say shall happen when the start of a campaign to these people is missed."""
    kinds = _kinds(await rulebook.kinds_of(tx, workspace_id, audience))
    rules = await policies.effective(tx, [(workspace_id, kind) for kind in kinds])
    found: Literal["ask", "run", "skip"] = rulebook.strictest("late_policy", [each.rules for each in rules.values()])
    return found


def _kinds(of_devices: list[str]) -> list[str]:
    """Kinds of devices; those of a real one where there is none yet."""
    return of_devices or ["linked"]


def _tightened(many: list[policy.Rules], own: Mapping[str, Any]) -> list[policy.Rules]:
    known = {name: value for name, value in own.items() if name in policy.NAMES}
    return [policy.tightened(each, known) for each in many]
