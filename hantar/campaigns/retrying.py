"""Failed messages of a campaign go again, by a person's word: which, how long they may wait, and the campaign goes on.

They follow by the windows of their devices, and a campaign that had ended waits for its turn among those of its account.
"""

from hantar.audit import service as audit
from hantar.campaigns import model, rulebook, service, store
from hantar.kit import db
from hantar.outbox import backlog, retries
from hantar.policy.model import KINDS

C = model.C


async def look(tx: db.Tx, workspace_id: str, campaign_id: str, device_id: str | None = None) -> retries.Retried:
    """What a retry would do, all devices or one; raises `CampaignNotFound`, `NotFound` for the device, `CampaignEnded`."""
    await _campaign(tx, workspace_id, campaign_id, device_id)
    return await retries.look(tx, workspace_id, campaign_id, device_id)


async def retry(
    tx: db.Tx, workspace_id: str, campaign_id: str, device_id: str | None = None, *, by: audit.Actor
) -> retries.Retried:
    """Plan what may go again; a campaign that had ended goes on when it is its turn. Raises as `look` does.

    A paused campaign stays paused: what was planned waits behind its gate.
    """
    campaign = await _campaign(tx, workspace_id, campaign_id, device_id, lock=True)
    book = await rulebook.resolve(tx, workspace_id, campaign.draft, await tx.now())
    lives: dict[str, float] = {kind: book.rules(kind).expires_after for kind in KINDS}
    done = await retries.retry(tx, workspace_id, campaign_id, lives, device_id)
    if not done.count:
        return done
    if campaign.status in (C.FINISHED, C.FAILED):
        await store.begin_again(tx, workspace_id, campaign_id)
    elif not await store.begins_again(tx, workspace_id, campaign_id):
        await backlog.open_source(tx, workspace_id, campaign_id)
    service.tell(tx, await store.find(tx, workspace_id, campaign_id))
    thing = audit.Thing("campaign", campaign_id)
    after = {"retried": done.count, "device_id": device_id}
    await audit.record(tx, workspace_id, by, "campaign.retried", thing, after=after)
    return done


async def _campaign(
    tx: db.Tx, workspace_id: str, campaign_id: str, device_id: str | None, *, lock: bool = False
) -> model.Campaign:
    campaign = await store.find(tx, workspace_id, campaign_id, lock=lock)
    if device_id is not None:
        await service.check_device(tx, workspace_id, device_id)
    if campaign.status is C.CANCELLED:
        raise model.CampaignEnded
    return campaign
