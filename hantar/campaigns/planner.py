"""Starts what is due and writes its recipients into the outbox, page by page, the cursor in the same transaction.

It survives a crash anywhere: a page and its cursor are committed together, and a person can be written only once. Of each
account so many campaigns run at once, and of each device and campaign so many messages are queued; the next ones follow.
"""

import asyncio
from collections.abc import Sequence

import asyncpg
import structlog

from hantar.campaigns import audience, late, model, rulebook, service, store, writing
from hantar.kit import clock, cluster, db, ids
from hantar.outbox import backlog, queue, service as outbox

log = structlog.get_logger(__name__)

LOOK_EVERY = 5.0
"""Seconds between looks when no hint comes; a due campaign starts well within its minute (CP4)."""
TRIES = 3
"""A campaign whose page cannot be written so often in a row is given up (our own number)."""
NAMED = 200
"""A fact about what was queued names up to so many devices; more are all devices."""
C = model.C


class Planner:
    """One service; any number of servers may run it.

    `window`: messages of a device and campaign that are queued at a time; `pools`: campaigns of an account that run at once.
    """

    def __init__(
        self,
        database: db.Database,
        bus: cluster.Bus,
        clock_: clock.Clock,
        *,
        page: int = model.PAGE,
        window: int = backlog.WINDOW,
        pools: int = model.POOLS,
    ) -> None:
        self._db, self._clock, self._page = database, clock_, page
        self._window, self._pools = window, pools
        self._failed: dict[str, int] = {}
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

        One page for each campaign in turn, and a look at what is due and at half-empty windows between the rounds: a huge one
        keeps nobody waiting.
        """
        while True:
            planned, rest = await self._start_due()
            more = False
            for workspace_id, campaign_id in planned:
                if stop and stop.is_set():
                    return rest
                more = await self._page_again(workspace_id, campaign_id) or more
            more = await self.release() or more
            if not more or (stop and stop.is_set()):
                return rest

    async def _start_due(self) -> tuple[list[tuple[str, str]], float]:
        async with self._db.system() as tx:
            now = await tx.now()
            for row in await store.take_due(tx, now, await late.due(tx, now)):
                log.info("campaign.due", campaign=row["id"], status=row["status"])
                service.tell_row(tx, row)
            for row in await store.note_turns(tx, self._pools, now):
                service.tell_row(tx, row)
            planned, due = await store.being_planned(tx, self._pools), await store.next_due(tx)
        return planned, LOOK_EVERY if due is None else min(LOOK_EVERY, max(0.0, (due - now).total_seconds()))

    async def release(self) -> bool:
        """Let planned messages follow where a window is half empty; True when there may be more of them now."""
        async with self._db.system() as tx:
            done = await backlog.release(tx, self._window)
            outbox.tell_moves(tx, done.expired)
            for workspace_id, device_ids in done.lanes.items():
                _tell_queued(tx, workspace_id, device_ids)
        return bool(done.expired) or done.looked == backlog.TOGETHER

    async def _page_again(self, workspace_id: str, campaign_id: str) -> bool:
        """Write one page; True when there may be more. What was deleted meanwhile is left out by the next try.

        A campaign that cannot be written is set aside and, after `TRIES`, ended: it stops neither the others nor this service.
        """
        try:
            more = await self._write_page(workspace_id, campaign_id)
        except model.CampaignNotFound:
            return False
        except asyncpg.ForeignKeyViolationError:
            log.info("planner.page_again", campaign=campaign_id)  # a lead or device of the page was deleted in between
            return True
        except db.DatabaseAway:
            raise
        except Exception as error:
            return await self._failed_again(workspace_id, campaign_id, error)
        self._failed.pop(campaign_id, None)
        return more

    async def _failed_again(self, workspace_id: str, campaign_id: str, error: Exception) -> bool:
        """Count the failure; True while it is to be tried again."""
        count = self._failed[campaign_id] = self._failed.get(campaign_id, 0) + 1
        log.error("planner.page_failed", campaign=campaign_id, tries=count, error=type(error).__name__)
        if count < TRIES:
            return True
        try:
            async with self._db.transaction(workspace_id) as tx:
                await service.give_up(tx, workspace_id, campaign_id)
        except db.DatabaseAway:
            raise
        except Exception as again:  # set aside until this process ends; the others go on
            log.error("planner.give_up_failed", campaign=campaign_id, error=type(again).__name__)
        return False

    async def _write_page(self, workspace_id: str, campaign_id: str) -> bool:
        """Write one page; False when the campaign has no more, was paused or cancelled meanwhile, or waits for its turn."""
        async with self._db.transaction(workspace_id) as tx:
            campaign = await store.find(tx, workspace_id, campaign_id, lock=True)
            if campaign.status is not C.TRIGGERED or not await store.has_turn(tx, workspace_id, campaign_id, self._pools):
                return False
            if await store.begins_again(tx, workspace_id, campaign_id):
                await self._go_on(tx, campaign)
                return False
            after, given = await store.cursor(tx, workspace_id, campaign_id)
            base = ids.new_id().replace("-", "")[:24]
            starts_at = max(campaign.due_at, await tx.now())
            book = await rulebook.resolve(tx, workspace_id, campaign.draft, starts_at)
            page = await writing.write_page(tx, campaign, book, after, given, base, self._page, self._window)
            await queue.open_lanes(tx, workspace_id, [each for each in page.counts if each not in given])
            if page.planned:
                await backlog.open_for(tx, workspace_id, campaign_id, page.planned)
            if page.last_lead is not None:
                counts = {device: given.get(device, 0) + page.counts.get(device, 0) for device in {**given, **page.counts}}
                await store.save_cursor(tx, workspace_id, campaign_id, page.last_lead, counts)
            if page.counts:
                _tell_queued(tx, workspace_id, list(page.counts))
            is_last = page.seen < self._page
            if is_last:
                await self._planned(tx, campaign)
        return not is_last

    async def _go_on(self, tx: db.Tx, campaign: model.Campaign) -> None:
        """A campaign that was sent again has its turn: what it planned anew follows by its windows."""
        await backlog.open_source(tx, campaign.workspace_id, campaign.id)
        await store.move(tx, campaign.workspace_id, campaign.id, [C.TRIGGERED], C.PROCESSING)
        service.tell(tx, await store.find(tx, campaign.workspace_id, campaign.id))

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


def _tell_queued(tx: db.Tx, workspace_id: str, device_ids: Sequence[str]) -> None:
    """A fact that these lanes have something new; of very many it names none."""
    named = {"device_ids": list(device_ids)} if len(device_ids) <= NAMED else {}
    tx.tell("outbox.queued", workspace_id, **named)
