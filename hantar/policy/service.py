"""Which numbers apply: built-in ← installation ← workspace; devices and campaigns may only tighten."""

from collections.abc import Collection, Mapping
from typing import Any, cast

from hantar.kit import db
from hantar.policy import model
from hantar.policy.model import DEFAULTS, KINDS, Effective, Kind


async def effective(tx: db.Tx, pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], Effective]:
    """The rules of each (workspace, kind) in one statement; the same for requests and for the claim."""
    sql = """SELECT NULL::uuid AS workspace_id, kind, name, value, origin, is_locked, 0 AS version FROM installation_policy
             UNION ALL
             SELECT * FROM (SELECT DISTINCT ON (workspace_id) workspace_id, NULL, NULL, values, 'workspace', false, version
                            FROM policies WHERE workspace_id = ANY($1::uuid[]) ORDER BY workspace_id, version DESC) newest"""
    rows = await tx.fetch(sql, sorted({workspace for workspace, _ in pairs}))
    installed = [row for row in rows if row["workspace_id"] is None]
    own = {row["workspace_id"]: row for row in rows if row["workspace_id"] is not None}
    return {(workspace, kind): _effective(cast(Kind, kind), installed, own.get(workspace)) for workspace, kind in set(pairs)}


def _effective(kind: Kind, installed: list[db.Row], own: db.Row | None) -> Effective:
    rules = DEFAULTS[kind] if kind in KINDS else DEFAULTS["linked"]  # a kind we do not know gets the strictest set
    origins = dict.fromkeys(model.NAMES, "default")
    ours = [row for row in installed if row["kind"] == kind and row["name"] in model.NAMES]
    locked = frozenset(row["name"] for row in ours if row["is_locked"])
    rules = model.overridden(rules, {row["name"]: row["value"] for row in ours})
    origins |= {row["name"]: row["origin"] for row in ours}
    values: Mapping[str, Any] = (own["value"].get(kind) or {}) if own else {}
    changed = {name: value for name, value in values.items() if name in model.NAMES and name not in locked}
    rules = model.overridden(rules, changed)
    origins |= dict.fromkeys(changed, "workspace")
    return Effective(rules, own["version"] if own else 0, origins, locked)


async def of(tx: db.Tx, workspace_id: str, kind: str) -> Effective:
    """The rules of one workspace for one kind of device."""
    return (await effective(tx, [(workspace_id, kind)]))[workspace_id, kind]
