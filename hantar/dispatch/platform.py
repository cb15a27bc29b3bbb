"""What the service says about a person, heeded before it is recorded: a block is an opt-out, so is a number twice not there.

The opt-out commits first and the message is settled after it: a crash in between repeats the opt-out, which changes nothing
the second time, and never loses it.
"""

from collections.abc import Mapping
from dataclasses import replace

import asyncpg

from hantar.consent import model as consents
from hantar.gateways.port import Reason
from hantar.kit import db
from hantar.outbox import model, receipts, service as outbox
from hantar.policy.model import WINDOWED

HEEDED = frozenset({Reason.OPTED_OUT.value, Reason.NOT_ON_WHATSAPP.value})


async def heed(database: db.Database, refusals: Mapping[model.MessageId, str | None]) -> int:
    """Opt out whom these refusals (message → reason) speak of; returns how many opt-outs were made."""
    told = {message_id: reason for message_id, reason in refusals.items() if reason in HEEDED}
    if not told:
        return 0
    async with database.system() as tx:
        rows = await receipts.refused(tx, list(told))
    made, bounced = 0, set()
    for row in rows:
        # where the service has a switch for it, it is the person's wish, as if they had written STOP
        reason = consents.OptOutReason.STOP if row["rules_kind"] in WINDOWED else consents.OptOutReason.BLOCK
        if told[row["id"]] == Reason.NOT_ON_WHATSAPP:
            if not row["bounced_before"] and row["person_id"] not in bounced:
                bounced.add(row["person_id"])
                continue
            reason = consents.OptOutReason.BOUNCE
        made += await _opt_out(database, row, reason)
    return made


async def _opt_out(database: db.Database, row: db.Row, reason: consents.OptOutReason) -> bool:
    """Record it with what it came by; without that, when the campaign or the device is gone by now."""
    campaign = row["source_id"] if row["kind"] == model.MessageKind.CAMPAIGN else None
    bare = consents.OptOut(reason, consents.OptOutSource.PLATFORM)
    for asked in (replace(bare, device_id=row["device_id"], campaign_id=campaign), bare):
        try:
            async with database.transaction(row["workspace_id"]) as tx:
                return await outbox.opt_out(tx, row["workspace_id"], row["person_id"], asked) is not None
        except asyncpg.ForeignKeyViolationError as error:
            gone = error
    raise db.Contended from gone  # the person was merged into another meanwhile: look again
