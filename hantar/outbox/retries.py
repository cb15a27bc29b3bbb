"""Failed messages go again when a person says so: which may, why others may not, and the same row back behind its lane.

Unconfirmed ones never do: most of them have arrived. The rules are asked again at the claim, as for every message.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hantar.consent import service as consent
from hantar.gateways.port import Reason
from hantar.kit import db
from hantar.outbox import receipts, service

RETRYABLE = frozenset(
    {Reason.UNDELIVERABLE.value, Reason.TEMPLATE_MISSING.value, Reason.TEMPLATE_PAUSED.value, "missing_variable", "not_taken"}
)
"""Reasons that may be gone by the next try: a delivery that did not come about, a template approved or freed since, a field
filled in since, a service that put it off and took nothing. A number that is not on WhatsApp, a content it refused, a country
it does not serve or a person it closed to us would answer the same again; an account it refused is not helped by trying more
(responsible-sending.md 10)."""

_PERSON = "m.workspace_id, m.person_id"
_STANDS = "o.state NOT IN ('cancelled', 'suppressed', 'expired', 'failed')"
_VERDICT = f"""CASE WHEN m.state = 'unknown' THEN 'unconfirmed'
    WHEN p.erased_at IS NOT NULL THEN 'erased'
    WHEN m.reason IS NULL OR NOT m.reason = ANY($4::text[]) THEN coalesce(m.reason, 'undeliverable')
    WHEN {consent.LIVE.format(person=_PERSON)} THEN 'opted_out'
    WHEN EXISTS (SELECT 1 FROM messages o WHERE o.id <> m.id AND (o.workspace_id, o.source_id, o.step_id, o.person_id)
        = (m.workspace_id, m.source_id, m.step_id, m.person_id)
      AND ({_STANDS} OR (o.state = 'failed' AND o.reason = ANY($4::text[]) AND o.twin < m.twin))) THEN 'duplicate_of' END"""
"""SQL: why a failed or unconfirmed row is left as it is; NULL: it goes again. Of two failed twins one goes."""
_JUDGED = f"""judged AS MATERIALIZED (
      SELECT m.workspace_id, m.id, d.rules_kind, {_VERDICT} AS why FROM messages m
      JOIN persons p ON (p.workspace_id, p.id) = (m.workspace_id, m.person_id)
      JOIN devices d ON (d.workspace_id, d.id) = (m.workspace_id, m.device_id)
      WHERE (m.workspace_id, m.source_id) = ($1, $2) AND ($3::uuid IS NULL OR m.device_id = $3)
        AND m.stage IN ('failed', 'unknown'))"""


@dataclass(frozen=True, slots=True)
class Retried:
    """How many went back to the queue (or would), and how many were left as they are, by reason."""

    count: int
    left: Mapping[str, int]


async def look(tx: db.Tx, workspace_id: str, source_id: str, device_id: str | None = None) -> Retried:
    """What a retry of this campaign's failed messages (of one device) would do; changes nothing."""
    sql = f"WITH {_JUDGED} SELECT why, count(*) AS n FROM judged GROUP BY why ORDER BY n DESC, why"
    rows = await tx.fetch(sql, workspace_id, source_id, device_id, sorted(RETRYABLE))
    counts = {row["why"]: row["n"] for row in rows}
    return Retried(counts.pop(None, 0), counts)


async def retry(
    tx: db.Tx, workspace_id: str, source_id: str, lives: Mapping[str, float], device_id: str | None = None
) -> Retried:
    """Plan what may go again; it follows by the windows of its devices once the caller opens them (`backlog.open_source`).

    `lives` are the seconds a message may wait from now on, by kind of device (`rules_kind`).

    A wire id that we chose stays, so where the service drops repeated ids a message it did get after all has one effect; the
    service's own id of an earlier attempt goes, since the next one gets another. Attempts begin anew. What it
    failed of is kept beside the `resend` event, for "why?". The caller holds the campaign's row, so two calls follow each other
    and the second finds nothing.
    """
    before = await look(tx, workspace_id, source_id, device_id)
    if not before.count:
        return before
    sql = f"""
      WITH {_JUDGED},
      held AS MATERIALIZED (
        SELECT m.workspace_id, m.id, j.rules_kind, m.reason FROM judged j
        JOIN messages m ON (m.workspace_id, m.id) = (j.workspace_id, j.id)
        WHERE j.why IS NULL AND m.stage = 'failed' ORDER BY m.workspace_id, m.id FOR UPDATE OF m),
      moved AS (
        UPDATE messages m SET state = 'planned', reason = NULL, error = NULL, waiting_for = NULL, token = NULL, attempts = 0,
          deferrals = 0, claimed_at = NULL, sent_at = NULL, ended_at = NULL, not_before = $5::timestamptz,
          wire_id = CASE WHEN {receipts.IS_OURS} THEN m.wire_id END,
          expires_at = greatest(m.expires_at, $5::timestamptz + make_interval(secs => x.life))
        FROM held h JOIN unnest($6::text[], $7::float8[]) AS x (kind, life) ON x.kind = h.rules_kind
        WHERE (m.workspace_id, m.id) = (h.workspace_id, h.id)
        RETURNING m.workspace_id, m.id, m.device_id, m.kind, m.source_id, m.state, m.reason, h.reason AS was),
      noted AS (
        INSERT INTO message_events (workspace_id, message_id, id, at, kind, cause, detail)
        SELECT workspace_id, id, gen_random_uuid(), $5::timestamptz, 'resend', 'failed', was FROM moved)
      SELECT * FROM moved"""
    asked = workspace_id, source_id, device_id, sorted(RETRYABLE)
    rows = await tx.fetch(sql, *asked, await tx.now(), list(lives), [float(life) for life in lives.values()])
    service.tell_moves(tx, rows)
    return Retried(len(rows), before.left)
