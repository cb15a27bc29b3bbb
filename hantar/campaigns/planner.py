"""Starts what is due and writes its recipients into the outbox, page by page, the cursor in the same transaction.

It survives a crash anywhere: a page and its cursor are committed together, and a person can be written only once.
"""

import asyncio

import asyncpg
import structlog

from hantar.campaigns import audience, late, model, rulebook, service, store, writing
from hantar.kit import clock, cluster, db, ids
from hantar.outbox import queue

log = structlog.get_logger(__name__)

LOOK_EVERY = 5.0
"""Seconds between looks when no hint comes; a due campaign starts well within its minute (CP4)."""
C = model.C


class Planner:
    """One service; any number of servers may run it."""

    def __init__(self, database: db.Database, bus: cluster.Bus, clock_: clock.Clock, *, page: int = model.PAGE) -> None:
        self._db, self._clock, self._page = database, clock_, page
        self._woken = asyncio.Event()
        bus.subscribe("campaign.status", lambda _fact: self._woken.set())

    async def run(self, stop: asyncio.Event) -> None:
        """Look, work, rest, until told to stop."""
        stopped = asyncio.create_task(stop.wait())
        stopped.add_done_callback(lambda _task: self._woken.set())
        while not stop.is_set():
            self._woken.clear()
            rest = LOOK_EVERY
            try:
                rest = await self.look(stop)
            except db.DatabaseAway:
                log.warning("planner.database_away")
            await self._clock.wait(self._woken, rest)
        stopped.cancel()

    async def look(self, stop: asyncio.Event | None = None) -> float:
        """Start what is due, plan what is started; returns seconds until the next campaign is due (at most `LOOK_EVERY`).

        One page for each campaign in turn, and a look at what is due between the rounds: a huge one keeps nobody waiting.
        """
        while True:
            planned, rest = await self._start_due()
            more = False
            for workspace_id, campaign_id in planned:
                if stop and stop.is_set():
                    return rest
                more = await self._page_again(workspace_id, campaign_id) or more
            if not more:
                return rest

    async def _start_due(self) -> tuple[list[tuple[str, str]], float]:
        async with self._db.system() as tx:
            now = await tx.now()
            for row in await store.take_due(tx, now, await late.due(tx, now)):
                log.info("campaign.due", campaign=row["id"], status=row["status"])
                service.tell_row(tx, row)
            planned, due = await store.being_planned(tx), await store.next_due(tx)
        return planned, LOOK_EVERY if due is None else min(LOOK_EVERY, max(0.0, (due - now).total_seconds()))

    async def _page_again(self, workspace_id: str, campaign_id: str) -> bool:
        """Write one page; True when there may be more. What was deleted meanwhile is left out by the next try."""
        try:
            return await self._write_page(workspace_id, campaign_id)
        except model.CampaignNotFound:
            return False
        except asyncpg.ForeignKeyViolationError:
            log.info("planner.page_again", campaign=campaign_id)  # a lead or device of the page was deleted in between
            return True

    async def _write_page(self, workspace_id: str, campaign_id: str) -> bool:
        """Write one page; False when the campaign has no more, or was paused or cancelled meanwhile."""
        async with self._db.transaction(workspace_id) as tx:
            campaign = await store.find(tx, workspace_id, campaign_id, lock=True)
            if campaign.status is not C.TRIGGERED:
                return False
            after, given = await store.cursor(tx, workspace_id, campaign_id)
            base = ids.new_id().replace("-", "")[:24]
            starts_at = max(campaign.due_at, await tx.now())
            book = await rulebook.resolve(tx, workspace_id, campaign.draft, starts_at)
            page = await writing.write_page(tx, campaign, book, after, given, base, self._page)
            await queue.open_lanes(tx, workspace_id, list(page.counts))
            if page.last_lead is not None:
                counts = {device: given.get(device, 0) + page.counts.get(device, 0) for device in {**given, **page.counts}}
                await store.save_cursor(tx, workspace_id, campaign_id, page.last_lead, counts)
            if page.counts:
                tx.tell("outbox.queued", workspace_id)
            is_last = page.seen < self._page
            if is_last:
                await self._planned(tx, campaign)
        return not is_last

    async def _planned(self, tx: db.Tx, campaign: model.Campaign) -> None:
        """All recipients are written: it is processing now, or failed when there is nobody to write to."""
        sql = "SELECT EXISTS (SELECT 1 FROM messages WHERE (workspace_id, source_id) = ($1, $2))"
        if await tx.fetchval(sql, campaign.workspace_id, campaign.id):
            await store.move(tx, campaign.workspace_id, campaign.id, [C.TRIGGERED], C.PROCESSING)
        else:
            draft = campaign.draft
            book = await rulebook.resolve(tx, campaign.workspace_id, draft, await tx.now())
            shares = await audience.shares(tx, book, draft.audience, draft.text, draft.media_id)
            only_pooled = shares.matched > 0 and shares.excluded_by_reason.get("no_device") == shares.matched
            reason = "no_usable_device" if only_pooled else "no_recipients"
            await store.move(tx, campaign.workspace_id, campaign.id, [C.TRIGGERED], C.FAILED, reason)
        service.tell(tx, await store.find(tx, campaign.workspace_id, campaign.id))
