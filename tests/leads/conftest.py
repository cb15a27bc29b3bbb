"""Devices for leads, and the application with their routes."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from hantar.accounts.model import Caller
from hantar.consent import http as consent_http, model as consent, service as consents
from hantar.jobs import http as jobs_http
from hantar.kit import clock, cluster, db
from hantar.kit.ids import new_id
from hantar.leads import http as leads_http, http_consents, http_files
from hantar.leads.importer import Importer
from hantar.persons.model import PersonId
from tests import cast

AddDevice = Callable[..., Awaitable[str]]
AddLead = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def importer(database: db.Database, bus: cluster.LocalBus, tmp_path: Path) -> Importer:
    """Reads large files, when the test lets it."""
    return Importer(database, tmp_path / "imports", bus)


@pytest.fixture
def app(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, importer: Importer) -> FastAPI:
    routers = [leads_http.router, http_files.router, jobs_http.router, consent_http.router, http_consents.router]
    return cast.make_app(database, fake_clock, bus, routers=routers, parts={Importer: importer})


@pytest.fixture
def add_device(database: db.Database) -> AddDevice:
    """`await add_device(alice)`: a device of Alice's workspace; returns its id."""

    async def add(caller: Caller, name: str = "One") -> str:
        made = new_id()
        async with database.transaction(caller.workspace_id) as tx:
            await tx.execute(
                "INSERT INTO devices (workspace_id, id, name, driver, state_since, created_at, updated_at) "
                "VALUES ($1, $2, $3, 'simulator', $4, $4, $4)",
                *(caller.workspace_id, made, name, await tx.now()),
            )
        return made

    return add


@pytest.fixture
def add_lead(http: cast.Http) -> AddLead:
    """`await add_lead(alice, device, phone=...)`: a lead made by the API; returns the reply."""

    async def add(caller: Caller, device_id: str, **fields: Any) -> dict[str, Any]:
        body = {"name": "Ann", "phone": "60123456789", "device_id": device_id} | fields
        reply = await http(caller).post("/api/leads", json=body)
        assert reply.status_code == 201, reply.text
        found: dict[str, Any] = reply.json()
        return found

    return add


OptOut = Callable[..., Awaitable[None]]


@pytest.fixture
def opt_out(database: db.Database) -> OptOut:
    """`await opt_out(alice, person_id)`: this person said stop."""

    async def stop(caller: Caller, person_id: str) -> None:
        asked = consent.OptOut(consent.OptOutReason.STOP, consent.OptOutSource.KEYWORD, text="STOP")
        async with database.transaction(caller.workspace_id) as tx:
            assert await consents.opt_out(tx, caller.workspace_id, PersonId(person_id), asked)

    return stop
