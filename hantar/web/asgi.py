"""The web application from its parts: routes under `/api`, one table of errors, the socket, health and the built pages."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute

import hantar
from hantar.accounts import http as accounts_http, http_setup, identity, service
from hantar.accounts.model import Role
from hantar.hooks import http as hooks_http
from hantar.jobs import http as jobs_http
from hantar.kit import cluster, db
from hantar.kit.clock import Clock
from hantar.settings import Settings
from hantar.web import edge, gate, health, metrics, openapi, pages, problems, realtime

BODY_LIMIT = 1_000_000
"""Bytes of an ordinary body; routes that take files name their own `max_body_size`."""


OWN_ROUTERS = (accounts_http.router, accounts_http.keys, accounts_http.workspace, http_setup.router, jobs_http.router)
"""Routes that every application has; `create` adds them by itself."""


PUBLIC = frozenset({("POST", "/api/login"), ("POST", "/api/register"), ("GET", "/api/setup")})
"""The only routes of the API without a permission beside their path; a test holds this list."""


def create(
    *,
    db: db.Database,
    clock: Clock,
    bus: cluster.Bus,
    settings: Settings,
    parts: Mapping[type, object],
    routers: Sequence[APIRouter],
    static: Path | None,
) -> FastAPI:
    """Build the application. `parts` are what handlers ask for by `access.part(Type)`; `static` is the built UI, if any."""
    app = FastAPI(
        title="Hantar",
        version=hantar.__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        middleware=[Middleware(edge.Edge, public_url=settings.public_url), Middleware(gate.Gate, clock=clock)],
    )
    app.state.db, app.state.clock, app.state.bus = db, clock, bus
    app.state.settings = settings
    app.state.parts = {Settings: settings, service.Accounts: service.Accounts(db, clock, settings), **parts}
    if realtime.Realtime not in app.state.parts:
        app.state.parts[realtime.Realtime] = realtime.Realtime(bus, clock)
    app.state.identify = identity.identify
    problems.install(app)
    api = APIRouter()
    all_routers = [*routers, *(own for own in OWN_ROUTERS if not any(own is other for other in routers))]
    api.routes.extend(in_order(route for router in all_routers for route in router.routes))
    app.include_router(api, prefix="/api", max_body_size=BODY_LIMIT)
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.include_router(hooks_http.router)
    app.include_router(realtime.router)
    app.state.routes = tuple(_checked(route) for route in api.routes)
    app.state.needs = {(method, f"/api{r.path}"): need_of(r) for r in app.state.routes for method in r.methods}
    app.state.needs["GET", "/metrics"] = metrics.NEED
    app.router.default = pages.Pages(static)
    _add_openapi(app)
    return app


def _add_openapi(app: FastAPI) -> None:
    @app.get("/api/openapi.json", include_in_schema=False)
    async def read_openapi() -> JSONResponse:
        if app.openapi_schema is None:
            app.openapi_schema = openapi.document(app)
        return JSONResponse(app.openapi_schema, headers={"Cache-Control": "no-cache"})


def need_of(route: APIRoute) -> tuple[Role, str | None, bool] | None:
    """The permission beside a route's path: role, scope, administrator; None for a public one."""
    for each in route.dependant.dependencies:
        needed: tuple[Role, str | None, bool] | None = getattr(each.call, "needed", None)
        if needed:
            return needed
    return None


def in_order(routes: Iterable[BaseRoute]) -> list[BaseRoute]:
    """A fixed word before `{id}`, wherever the routes were written (api.md 1.1)."""

    def key(route: BaseRoute) -> list[bool]:
        return [bool(re.search(r"\{", part)) for part in _path(route).split("/")]

    return sorted(routes, key=key)


def _checked(route: BaseRoute) -> APIRoute:
    if not isinstance(route, APIRoute):
        raise TypeError(f"{route!r}: name each router in app.py; a router within a router escapes the permission test")
    return route


def _path(route: Any) -> str:
    return str(getattr(route, "path", ""))
