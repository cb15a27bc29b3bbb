"""A campaign by an approved template: the text it makes, and whether every number that sends it has it."""

from dataclasses import replace

from hantar.campaigns import model
from hantar.kit import db, errors
from hantar.policy.model import WINDOWED
from hantar.templates import service as templates


async def filled(tx: db.Tx, workspace_id: str, draft: model.Draft) -> model.Draft:
    """The draft with the template's body as its text, the parameters in their places; a draft without one stays as it is.

    Raises `TemplateMissing`, `TemplatePaused`; `Invalid` for devices of other kinds, another number of words or another file.
    """
    if draft.template is None:
        return draft
    file_kind = "" if draft.media_id is None else await _file_kind(tx, workspace_id, draft.media_id)
    texts = {await templates.text_of(tx, each, draft.template, file_kind) for each in await _senders(tx, workspace_id, draft)}
    if len(texts) > 1:
        words = "These numbers belong to different accounts, and their templates of this name differ. Make a campaign for each."
        raise errors.invalid_field("device_ids", "templates_differ", words)
    return replace(draft, text=texts.pop())


async def _senders(tx: db.Tx, workspace_id: str, draft: model.Draft) -> list[str]:
    """The devices of the audience; all of them must be able to send a template."""
    sql = """SELECT id, rules_kind FROM devices WHERE workspace_id = $1 AND ($2::uuid[] IS NULL OR id = ANY($2)) ORDER BY id"""
    chosen = draft.audience.device_ids
    rows = await tx.fetch(sql, workspace_id, None if chosen is None else list(chosen))
    if not rows or any(row["rules_kind"] not in WINDOWED for row in rows):
        words = "Only Cloud API numbers send templates. Choose the numbers that have this one."
        raise errors.invalid_field("device_ids", "no_templates", words)
    return [row["id"] for row in rows]


async def _file_kind(tx: db.Tx, workspace_id: str, media_id: str) -> str:
    found: str | None = await tx.fetchval(
        "SELECT kind FROM media WHERE (workspace_id, id) = ($1, $2::uuid)", workspace_id, media_id
    )
    if found is None:
        raise errors.invalid_field("media_id", "unknown_media", "This file is not in your workspace.")
    return found
