"""A device whose messages fail again and again, by its own fault or its gateway's, is set aside until a person looks.

What a person's number, wish or content is the cause of does not count; one accepted message begins the count anew.
"""

import asyncio
from collections.abc import Sequence

import structlog

from hantar.devices import aside as devices
from hantar.devices.model import Failing
from hantar.dispatch import verdicts
from hantar.gateways.port import Reason
from hantar.kit import clock, cluster, db
from hantar.outbox import model

log = structlog.get_logger(__name__)

S = model.MessageState
AT_FAULT = frozenset({Reason.ACCOUNT_REFUSED.value, Reason.UNSUPPORTED.value, verdicts.NOT_TAKEN})
"""Refusals that speak of the device or its gateway; all others speak of a person or of the message."""
REFRESH = 5.0
"""Seconds for which it is believed which devices failed last, where nothing fails here (another server may have seen them)."""
SWEEP = 60.0
"""Seconds until a setting aside whose fact was lost is written into the audit."""


def is_error(outcome: model.Outcome) -> bool:
    """Whether the device or its gateway failed: no clear answer, or a refusal that is about them."""
    state = outcome.state
    return state is S.UNKNOWN or (state is S.FAILED and outcome.reason in AT_FAULT)


def tally(outcomes: Sequence[model.Outcome]) -> dict[str, Failing]:
    """What each device's outcomes, in the order they came, say about it; devices of which nothing counts are left out."""
    found: dict[str, Failing] = {}
    for each in outcomes:
        known = found.get(each.device_id)
        if each.state is S.SENT:
            found[each.device_id] = Failing(each.workspace_id, each.device_id, is_reset=True)
        elif is_error(each):
            failed = (*(known.failed if known else ()), (each.id, each.token))
            is_reset = known is not None and known.is_reset
            found[each.device_id] = Failing(each.workspace_id, each.device_id, is_reset, failed, each.error)
    return found


class Aside:
    """One per engine."""

    def __init__(self, database: db.Database, bus: cluster.Bus, clock_: clock.Clock) -> None:
        self._db, self._clock = database, clock_
        self._failing: set[str] = set()
        """A hint: devices with errors in a row; only these need a statement when a message of theirs is accepted."""
        self._read_at: float | None = None
        self._woken = asyncio.Event()
        bus.subscribe("device.set_aside", lambda _fact: self._woken.set())

    @property
    def has_nothing_to_count(self) -> bool:
        """Whether messages that were taken need no statement: no device failed last, as far as was read lately."""
        return not self._failing and self._read_at is not None and self._clock.monotonic() - self._read_at < REFRESH

    async def count(self, tx: db.Tx, outcomes: Sequence[model.Outcome]) -> None:
        """Count what these outcomes say, before they are recorded; costs nothing while all goes well.

        First in the transaction: it locks devices, and whoever waits locks the device before its rows.
        """
        now = self._clock.monotonic()
        if self._read_at is None or now - self._read_at >= REFRESH:
            self._failing, self._read_at = await devices.failing(tx), now
        if not self._failing and all(each.state is S.SENT for each in outcomes):
            return
        counted = [each for each in tally(outcomes).values() if each.failed or each.device_id in self._failing]
        if not counted:
            return
        self._failing |= {each.device_id for each in counted if each.failed}
        for device_id in await devices.count(tx, sorted(counted, key=lambda each: each.device_id)):
            log.warning("device.set_aside", device=device_id)

    async def run(self, stop: asyncio.Event) -> None:
        """Write down what was set aside, until told to stop."""
        stopped = asyncio.create_task(stop.wait())
        stopped.add_done_callback(lambda _task: self._woken.set())
        try:
            while not stop.is_set():
                self._woken.clear()
                try:
                    await self.write_down()
                except db.DatabaseAway:
                    log.warning("aside.database_away")
                    await self._clock.wait(stop, 1.0)
                    continue
                await self._clock.wait(self._woken, SWEEP)
        finally:
            stopped.cancel()

    async def write_down(self) -> int:
        """Write what was set aside into the audit of its workspace; returns how many entries that were."""
        async with self._db.system() as tx:
            found = await devices.unrecorded(tx)
        written = 0
        for workspace_id, device_id in found:
            async with self._db.transaction(workspace_id) as tx:
                written += await devices.record(tx, workspace_id, device_id)
        return written
