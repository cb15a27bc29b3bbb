"""How a campaign goes: counts, rate, when it will end. Tells it at most once a second, and ends what is done."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from hantar.campaigns import model, remaining, service, store
from hantar.kit import clock, cluster, db
from hantar.outbox import tally, views

log = structlog.get_logger(__name__)

TELL_EVERY = 1.0
"""Seconds between two progress facts (api.md 5: at most once a second per object)."""
CALM = 9
"""Tells nothing for this many times as long as telling took, so that large campaigns take a tenth of the time at most."""
RATE_OVER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Progress:
    """A campaign's numbers now; rate in messages per minute, None when nothing runs."""

    counts: views.Counts
    rate_per_minute: float | None
    eta_at: datetime | None
    eta_late_at: datetime | None


async def of(tx: db.Tx, campaign: model.Campaign, counts: views.Counts | None = None) -> Progress:
    """The numbers of one campaign."""
    if counts is None:
        counts = (await views.counts(tx, campaign.workspace_id, [campaign.id])).get(campaign.id, views.Counts())
    if campaign.status not in (model.C.TRIGGERED, model.C.PROCESSING):
        return Progress(counts, None, None, None)
    now = await tx.now()
    sent, first = await views.sent_since(tx, campaign.workspace_id, campaign.id, now - RATE_OVER)
    over = max(10.0, (now - first).total_seconds()) if first else 60.0
    eta_at, eta_late_at = await remaining.ends(tx, campaign, now)
    return Progress(counts, round(60 * sent / min(60.0, over), 1), eta_at, eta_late_at)


class Watcher:
    """Hears which campaigns' messages moved; tells their progress and ends the finished ones."""

    def __init__(self, database: db.Database, bus: cluster.Bus, clock_: clock.Clock, *, check_every: float = 10.0) -> None:
        self._db, self._clock, self._check_every = database, clock_, check_every
        self._moved: dict[str, set[str]] = {}
        self._woken = asyncio.Event()
        bus.subscribe("message.status", self._hear)

    def _hear(self, fact: cluster.Fact) -> None:
        campaign_id = fact.data.get("campaign_id")
        if campaign_id and fact.workspace_id:
            self._moved.setdefault(fact.workspace_id, set()).add(campaign_id)
            self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Tell and end, at most once a second, until told to stop; what tells slowly keeps nothing from ending."""
        stopped = asyncio.create_task(stop.wait())
        stopped.add_done_callback(lambda _task: self._woken.set())
        tell_after = self._clock.monotonic()
        while not stop.is_set():
            await self._clock.wait(self._woken, self._check_every)
            self._woken.clear()
            try:
                await self.settle()
                if (began := self._clock.monotonic()) >= tell_after:
                    await self.tell()
                    tell_after = self._clock.monotonic() + CALM * (self._clock.monotonic() - began)
            except db.DatabaseAway:
                log.warning("watcher.database_away")
            await self._clock.wait(stop, TELL_EVERY)
            if self._moved:
                self._woken.set()
        stopped.cancel()

    async def look(self) -> None:
        """End what is done, then tell the progress of what moved."""
        await self.settle()
        await self.tell()

    async def settle(self) -> None:
        """Fold the counters, and end what is done."""
        while await self._fold() == tally.AT_ONCE:
            pass
        async with self._db.system() as tx:
            for row in await store.finish_done(tx, await tx.now()):
                log.info("campaign.ended", campaign=row["id"], status=row["status"])
                service.tell_row(tx, row)

    async def tell(self) -> None:
        """Tell the progress of what moved since the last time."""
        moved, self._moved = self._moved, {}
        for workspace_id, campaign_ids in moved.items():
            for campaign_id in campaign_ids:
                await self._tell_one(workspace_id, campaign_id)

    async def _fold(self) -> int:
        async with self._db.system() as tx:
            return await tally.fold(tx)

    async def _tell_one(self, workspace_id: str, campaign_id: str) -> None:
        """Tell one; what is odd about one campaign keeps no other from being told."""
        try:
            async with self._db.transaction(workspace_id) as tx:
                await self._tell(tx, workspace_id, campaign_id)
        except db.DatabaseAway:
            raise
        except Exception as error:
            log.error("watcher.tell_failed", campaign=campaign_id, error=type(error).__name__)

    @staticmethod
    async def _tell(tx: db.Tx, workspace_id: str, campaign_id: str) -> None:
        try:
            campaign = await store.find(tx, workspace_id, campaign_id)
        except model.CampaignNotFound:
            return
        progress = await of(tx, campaign)
        fields = {name: getattr(progress.counts, name) for name in progress.counts.__dataclass_fields__}
        tx.tell(
            "campaign.progress",
            workspace_id,
            campaign_id=campaign_id,
            counts=fields,
            rate_per_minute=progress.rate_per_minute,
            eta_at=progress.eta_at,
            eta_late_at=progress.eta_late_at,
        )
