"""Pauses campaigns whose template may not be sent any more, in plain words. What is refused tells it, and news of the service.

A campaign that is resumed while nothing has changed is paused again at the next look.
"""

from collections.abc import Collection

from hantar.campaigns import model
from hantar.gateways.port import Reason
from hantar.kit import db
from hantar.templates import model as templates, service as template_service

REFUSED = {Reason.TEMPLATE_PAUSED.value: "paused", Reason.TEMPLATE_MISSING.value: "missing"}
"""Why a message is refused for its template, and what that says about the template."""
IN_A_ROW = 3
"""So many messages of a campaign in a row that are refused for a missing template prove that it is missing (our own number)."""
_OPEN = "('planned', 'held', 'queued')"


async def learn(tx: db.Tx, message_id: str) -> None:
    """A message of a campaign was refused for its template: until there is other news, that is how the template stands.

    A single one that is said to be missing proves nothing: it may be this message's words that do not fit.
    """
    sql = """SELECT m.workspace_id, m.device_id, m.reason, c.template, (
               SELECT count(*) FILTER (WHERE o.state = 'failed' AND o.reason = m.reason) FROM (
                 SELECT o.state, o.reason FROM messages o WHERE (o.workspace_id, o.device_id) = (m.workspace_id, m.device_id)
                   AND o.source_id = m.source_id AND o.claimed_at IS NOT NULL ORDER BY o.claimed_at DESC LIMIT $2) o) AS in_a_row
             FROM messages m JOIN contents c ON (c.workspace_id, c.id) = (m.workspace_id, m.content_id)
             WHERE m.id = $1 AND m.state = 'failed' AND c.template IS NOT NULL"""
    row = await tx.fetchrow(sql, message_id, IN_A_ROW)
    if row is None or row["reason"] not in REFUSED:
        return
    if row["reason"] == Reason.TEMPLATE_PAUSED or row["in_a_row"] >= IN_A_ROW:
        key = row["template"]["name"], row["template"]["language"]
        await template_service.refused(tx, row["workspace_id"], row["device_id"], key, REFUSED[row["reason"]])


async def found(tx: db.Tx, campaign_ids: Collection[str] | None) -> list[db.Row]:
    """Running campaigns (of these; None: all) that still have messages at a device which may not send their template."""
    sql = f"""
      SELECT DISTINCT ON (c.workspace_id, c.id) c.workspace_id, c.id, d.id AS device_id, d.name AS device_name,
        x.template ->> 'name' AS name, t.status
      FROM campaigns c JOIN contents x ON (x.workspace_id, x.id) = (c.workspace_id, c.content_id) AND x.template IS NOT NULL
      JOIN devices d ON d.workspace_id = c.workspace_id
      LEFT JOIN templates t ON (t.workspace_id, t.device_id) = (d.workspace_id, d.id)
        AND (t.name, t.language) = (x.template ->> 'name', x.template ->> 'language')
      WHERE c.status IN ('triggered', 'processing') AND ($1::uuid[] IS NULL OR c.id = ANY($1))
        AND t.status IS DISTINCT FROM '{templates.APPROVED}'
        AND EXISTS (SELECT 1 FROM messages m WHERE (m.workspace_id, m.source_id) = (c.workspace_id, c.id)
          AND m.device_id = d.id AND m.state IN {_OPEN})
      ORDER BY c.workspace_id, c.id, d.id"""
    return await tx.fetch(sql, None if campaign_ids is None else list(campaign_ids))


def cause(row: db.Row) -> model.PauseCause:
    """Why the campaign stands, and what can be done."""
    status = row["status"]
    if status in templates.HELD:
        what = f"WhatsApp has {status} the template “{row['name']}” of {row['device_name']}."
    elif status is None:
        what = f"{row['device_name']} has no template “{row['name']}” any more."
    else:
        what = f"The template “{row['name']}” of {row['device_name']} may not be sent; WhatsApp says: {status}."
    words = f"{what} Nothing more leaves. Resume when it is approved again, or make a campaign with another template."
    return model.PauseCause(model.PauseCode.TEMPLATE, words, row["device_id"])
