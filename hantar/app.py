"""The composition root: builds every part, starts them in order, stops them in reverse.

Nobody else knows which driver, bus or database is in use.
"""

import asyncio
import contextlib
import gc
import random
import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog
import uvicorn
from fastapi import APIRouter, FastAPI

from hantar import installation
from hantar.accounts import service as accounts
from hantar.audit import http as audit_http
from hantar.campaigns import guard, http as campaigns_http, http_retry, planner, progress
from hantar.consent import http as consent_http, http_keywords
from hantar.demo import director, http as demo_http, service as demo
from hantar.devices import http as devices_http, http_kinds, keeper, kinds, numbers, secrets
from hantar.dispatch import engine, intake, pulse, recheck
from hantar.gateways import outcomes, port, registry
from hantar.hooks import model as hooks_model, service as hooks
from hantar.inbox import receiver
from hantar.kit import cluster, db, egress, embedded, ids, logs, service
from hantar.kit.clock import SystemClock
from hantar.leads import declaring, http as leads_http, http_consents, http_files as leads_files, importer
from hantar.media import http as media_http, model as media_model
from hantar.migrations import run as migrations
from hantar.outbox import http as outbox_http
from hantar.people import erasure, http as people_http, http_holds, http_optouts
from hantar.persons import service as persons
from hantar.policy import http as policy_http, service as policy
from hantar.reports import http as reports_http, http_days
from hantar.settings import Settings
from hantar.templates import http as templates_http, reader, service as templates
from hantar.web import asgi, health, realtime
from hantar.workers import http as workers_http, live

log = structlog.get_logger(__name__)

GRACE = timedelta(seconds=10)
"""How long what is in flight may take to end when the program stops."""
STATIC = Path(__file__).parent / "web" / "static"

ROUTERS: Sequence[APIRouter] = (
    devices_http.router,
    http_kinds.router,
    leads_http.router,
    leads_files.router,
    media_http.router,
    outbox_http.router,
    campaigns_http.router,
    http_retry.router,
    reports_http.router,
    http_days.router,
    consent_http.router,
    http_keywords.router,
    http_consents.router,
    http_optouts.router,
    http_holds.router,
    people_http.router,
    demo_http.router,
    audit_http.router,
    policy_http.router,
    workers_http.router,
    templates_http.router,
)
"""Every route of the API; tests walk this list."""


@dataclass(frozen=True, slots=True)
class House:
    """All parts of one process, built and not yet started."""

    settings: Settings
    clock: SystemClock
    bus: cluster.LocalBus
    db: db.Database
    drivers: dict[str, port.Driver]
    keeper: keeper.Keeper
    intake: intake.Intake
    receiver: receiver.Receiver
    engine: engine.Engine
    planner: planner.Planner
    teller: pulse.Teller
    recheck: recheck.Recheck
    hooks: hooks.Hooks
    reader: reader.Reader
    watcher: progress.Watcher
    guard: guard.Guard
    importer: importer.Importer
    declarer: declaring.Declarer
    eraser: erasure.Eraser
    realtime: realtime.Realtime
    demo: demo.Demo
    director: director.Director
    web: FastAPI

    @property
    def sink(self) -> "Sink":
        """Where drivers' events go."""
        return Sink(self.intake, self.receiver, self.keeper, self.db)


@dataclass(frozen=True, slots=True)
class Sink:
    """Outcomes go to the intake, also many at once, people's words to the receiver, what is left to the keeper."""

    intake: intake.Intake
    receiver: receiver.Receiver
    keeper: keeper.Keeper
    db: db.Database

    async def __call__(self, event: port.Event) -> None:
        """Take one event; returns when it is committed."""
        if isinstance(event, outcomes.KINDS):
            await self.intake.take(event)
        elif isinstance(event, receiver.EVENTS):
            await self.receiver.take(event)
        elif isinstance(event, port.TemplateStatus):
            await templates.take(self.db, event)
        elif isinstance(event, port.NumberQuality):
            await numbers.take(self.db, event)
        else:
            await self.keeper.take(event)

    async def take_many(self, events: Sequence[port.Event]) -> None:
        """Take outcomes by the batch; returns when all are committed."""
        await self.intake.take_many(events)


def build(settings: Settings, dsn: str, key: bytes) -> House:
    """Build every part on a database that is already migrated."""
    clock, bus = SystemClock(), cluster.LocalBus()
    database = db.Database(dsn, key=key, clock=clock, bus=bus)
    keeps = secrets.of(database, key)
    cloud = settings.cloud_base_url, settings.cloud_version
    drivers = registry.build(registry.Surroundings(clock, settings.data_dir, settings.simulator_seed, keeps, cloud))
    rng = random.SystemRandom()
    kept = keeper.Keeper(database, drivers, clock)
    most = settings.broadcast_max_workers
    sending = engine.Engine(
        database,
        drivers,
        bus,
        clock,
        node=ids.new_id(),
        random=rng.random,
        grace=GRACE,
        workers_per_pool=most,
        lead=engine.LEAD,
    )
    beat, watch, taking = pulse.of(sending), pulse.Watch(database, clock), intake.Intake(database, clock)
    importing = importer.Importer(database, settings.data_dir / "imports", bus)
    feed = realtime.Realtime(bus, clock)
    shown = demo.Demo(database, clock, kept)
    called = hooks.of(database, drivers, hooks_model.Keys(settings.cloud_app_secret, settings.cloud_verify_token), clock)
    parts: dict[type, object] = {
        keeper.Keeper: kept,
        kinds.Kinds: kinds.Kinds(database, kept, keeps),
        importer.Importer: importing,
        egress.Egress: egress.Egress(allow_private=settings.allow_private_urls),
        realtime.Realtime: feed,
        engine.Engine: sending,
        health.Sender: health.Sender(lambda: sending.leases.held > 0),
        demo.Demo: shown,
        pulse.Watch: watch,
        pulse.Pulse: beat,
        intake.Intake: taking,
        hooks.Hooks: called,
        live.Live: live.Live(bus, clock, settings.broadcast_cleanup_minutes),
        media_model.Limits: media_model.Limits(settings.media_max_mb * 1_000_000),
    }
    web = asgi.create(db=database, clock=clock, bus=bus, settings=settings, parts=parts, routers=ROUTERS, static=STATIC)
    return House(
        settings=settings,
        clock=clock,
        bus=bus,
        db=database,
        drivers=drivers,
        keeper=kept,
        intake=taking,
        receiver=receiver.Receiver(database),
        engine=sending,
        planner=planner.Planner(database, bus, clock, window=settings.broadcast_window, pools=settings.broadcast_max_pools),
        teller=pulse.Teller(beat, watch, clock, settings.broadcast_log_seconds),
        recheck=recheck.Recheck(database, bus, clock),
        hooks=called,
        reader=reader.Reader(database, kept, bus, clock),
        watcher=progress.Watcher(database, bus, clock, check_every=settings.broadcast_check_seconds),
        guard=guard.Guard(database, bus, clock),
        importer=importing,
        declarer=declaring.Declarer(database, bus),
        eraser=erasure.Eraser(database, drivers, bus),
        realtime=feed,
        demo=shown,
        director=director.Director(database, bus, clock, kept),
        web=web,
    )


class _Server(uvicorn.Server):
    """uvicorn on our loop; signals are ours to handle."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def] # the base class leaves it untyped
        yield

    async def serve_until(self, stop: asyncio.Event, sockets: list[socket.socket]) -> None:
        """Serve until told to stop, then let requests end."""
        stopped = asyncio.create_task(stop.wait())
        stopped.add_done_callback(lambda _task: setattr(self, "should_exit", True))
        try:
            await self.serve(sockets)
        finally:
            stopped.cancel()


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        raise SystemExit(f"Port {settings.port} cannot be used ({error.strerror}). Set APP_PORT to another one.") from None
    listening.listen(512)
    return listening


async def _work(house: House, listening: socket.socket, postgres: embedded.Embedded | None, stop: asyncio.Event) -> None:
    """Start everything in order, wait for the end, stop in reverse: web, planners, lanes, drivers, database."""
    supervisor = service.Supervisor()
    if postgres is not None:
        supervisor.start("database", postgres.watch)
    await house.db.check()
    await house.demo.fail_lost()
    await persons.backfill(house.db)
    supervisor.start("intake", house.intake.run)
    for driver in house.drivers.values():
        await driver.start(house.sink)
    supervisor.start_all(
        {
            "devices": house.keeper.run,
            "engine": house.engine.run,
            "campaign watcher": house.watcher.run,
            "guard": house.guard.run,
            "planner": house.planner.run,
            "progress log": house.teller.run,
            "recheck": house.recheck.run,
            "hooks": house.hooks.run,
            "templates": house.reader.run,
            "importer": house.importer.run,
            "eraser": house.eraser.run,
            "demo director": house.director.run,
            "declarer": house.declarer.run,
        }
    )
    config = uvicorn.Config(
        house.web, log_config=None, access_log=False, ws_ping_interval=25, ws_max_size=65_536, timeout_graceful_shutdown=5
    )
    server = _Server(config)
    supervisor.start("realtime", house.realtime.run)
    supervisor.start("web", lambda ending: server.serve_until(ending, [listening]))
    await asyncio.wait(
        [asyncio.create_task(stop.wait()), asyncio.create_task(supervisor.died.wait())], return_when=asyncio.FIRST_COMPLETED
    )
    await _close(house, supervisor, has_died=supervisor.died.is_set())


async def _close(house: House, supervisor: service.Supervisor, *, has_died: bool) -> None:
    await supervisor.stop_until("intake", patience=GRACE.total_seconds() + 10)
    for driver in house.drivers.values():
        await driver.close(GRACE)
    await supervisor.stop()
    await house.db.close()
    log.info("server.stopped")
    if has_died:
        raise SystemExit(1)


def _say(settings: Settings, listening: socket.socket, password: str | None) -> None:
    """The lines a person needs: the address, and the first time the administrator's sign-in."""
    port_number = listening.getsockname()[1]
    host = "localhost" if settings.host in ("127.0.0.1", "0.0.0.0", "::", "::1") else settings.host  # noqa: S104 compared, not bound
    address = settings.public_url or f"http://{host}:{port_number}"
    lines = ["", f"  Hantar is ready:  {address}"]
    if password is not None:
        lines += [
            f"  Sign in as:       {accounts.ADMIN_EMAIL}",
            f"  Password:         {password}   (shown once; change it in the first steps)",
        ]
    lines += ["  Stop with Ctrl-C. All data stays.", ""]
    print("\n".join(lines), flush=True)  # noqa: T201 this is what the person at the terminal waits for


async def _main(settings: Settings, dsn: str, postgres: embedded.Embedded | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    await migrations.upgrade(dsn)
    house = build(settings, dsn, await installation.settle_key(dsn, settings.data_dir))
    gc.set_threshold(*engine.GARBAGE)
    gc.freeze()  # what stands now stands for good: looking through it again and again costs every claim a tenth of its time
    await policy.install(house.db, settings.rules)
    password = await accounts.ensure_admin(house.db, settings)
    listening = _listen(settings)
    _say(settings, listening, password)
    await _work(house, listening, postgres, stop)


def run(settings: Settings) -> None:
    """Run everything in this process until SIGINT or SIGTERM: what `hantar up` does."""
    logs.configure(debug=settings.debug)
    for warning in settings.warnings:
        log.warning("settings.warning", words=warning)
    postgres = None if settings.database_url else embedded.Embedded(settings.data_dir, pg_bin=settings.pg_bin)
    try:
        dsn = settings.database_url or (postgres.start() if postgres else "")
        with asyncio.Runner(loop_factory=_loop) as runner:
            runner.run(_main(settings, dsn, postgres))
    finally:
        if postgres is not None:
            postgres.stop()


def _loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # not there on Windows
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
