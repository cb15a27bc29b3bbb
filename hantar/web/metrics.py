"""`GET /metrics`: figures of this server for Prometheus. Counts and durations alone: no number, name, text or id of anybody."""

import math
from collections.abc import Iterator

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, core
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

import hantar
from hantar.accounts import identity, model, service
from hantar.dispatch.figures import Histogram
from hantar.dispatch.intake import Intake
from hantar.dispatch.pulse import Census, Pulse, Watch
from hantar.kit import db

router = APIRouter(tags=["Health"])

SCOPE = "metrics:read"
NEED = (model.Role.VIEWER, SCOPE, True)
"""As a route of the API would name it: role, scope, administrator."""


async def _admit(request: Request) -> None:
    """An administrator, or a key with the scope that an administrator made and still is one."""
    caller = await identity.identify(request)
    if caller.scopes is None:
        if not caller.is_admin:
            raise model.NotAllowed
        return
    if SCOPE not in caller.scopes:
        raise model.ScopeMissing(scope=SCOPE)
    async with request.app.state.db.door() as tx:
        if not await service.is_admin(tx, caller.user_id):
            raise model.NotAllowed


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus' text format."}},
)
async def metrics(request: Request) -> Response:
    """Rates, lateness, lanes, queue age, devices. Needs the administrator, or a key of theirs with `metrics:read`."""
    await _admit(request)
    parts = request.app.state.parts
    watch: Watch | None = parts.get(Watch)
    census = None
    if watch is not None:
        try:
            census = await watch.census()
        except db.DatabaseAway:
            census = None
    registry = CollectorRegistry()
    registry.register(_Figures(parts.get(Pulse), census, parts.get(Intake)))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


class _Figures(Collector):
    """What one scrape gets: read when it asks."""

    def __init__(self, pulse: Pulse | None, census: Census | None, intake: Intake | None) -> None:
        self._pulse, self._census, self._intake = pulse, census, intake

    def collect(self) -> Iterator[core.Metric]:
        """Every figure there is just now."""
        about = core.GaugeMetricFamily("hantar_build_info", "The version that runs.", labels=["version"])
        about.add_metric([hantar.__version__], 1)
        yield about
        yield _gauge("hantar_database_up", "Whether the database answered this scrape.", float(self._census is not None))
        if self._pulse is not None:
            yield from _of_engine(self._pulse)
        if self._intake is not None:
            words = "Messages for which the service told two ids: each went out twice."
            yield core.CounterMetricFamily("hantar_messages_doubled", words, value=self._intake.doubles)
        if self._census is not None:
            yield from _of_database(self._census)


def _of_engine(pulse: Pulse) -> Iterator[core.Metric]:
    figures = pulse.figures
    counter = core.CounterMetricFamily
    yield counter("hantar_messages_claimed", "Messages taken to send.", value=figures.claimed)
    outcomes = counter("hantar_messages", "Attempts by the state they led to.", labels=["outcome"])
    for state in sorted(figures.outcomes):
        outcomes.add_metric([state], figures.outcomes[state])
    yield outcomes
    yield counter("hantar_database_away", "Times the database did not answer the engine.", value=figures.away)
    yield _histogram("hantar_lateness_seconds", "From the instant a lane might send to the call of its driver.", figures.lateness)
    yield _histogram("hantar_claim_seconds", "A claim's transaction.", figures.claim_seconds)
    yield _histogram("hantar_record_seconds", "A record's transaction.", figures.record_seconds)
    yield _histogram(
        "hantar_answer_seconds", "From the begin of a message's claim to its driver's answer.", figures.answer_seconds
    )
    lanes = core.GaugeMetricFamily("hantar_lanes", "Lanes in memory by state.", labels=["state"])
    for state, number in sorted(pulse.lanes().items()):
        lanes.add_metric([state], number)
    yield lanes
    yield _gauge("hantar_outcomes_waiting", "Outcomes that wait to be written.", pulse.waiting())
    yield _gauge("hantar_lease_shards", "Shards of devices whose lease this server holds.", pulse.shards())


def _of_database(census: Census) -> Iterator[core.Metric]:
    yield _gauge("hantar_queue_age_seconds", "How long the oldest message that may go has been due.", census.queue_age)
    yield _gauge("hantar_messages_unconfirmed", "Messages that may have arrived.", census.unknown)
    devices = core.GaugeMetricFamily("hantar_devices", "Devices by state.", labels=["state"])
    for state, number in sorted(census.devices.items()):
        devices.add_metric([state], number)
    yield devices


def _gauge(name: str, words: str, value: float) -> core.Metric:
    return core.GaugeMetricFamily(name, words, value=value)


def _histogram(name: str, words: str, seen: Histogram) -> core.Metric:
    buckets, below = [], 0
    for bound, number in seen.buckets:
        below += number
        buckets.append(("+Inf" if math.isinf(bound) else str(bound), below))
    return core.HistogramMetricFamily(name, words, buckets=buckets, sum_value=seen.total)
