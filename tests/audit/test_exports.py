"""Whoever takes people or messages along as a file is written down; the routes come from the application itself."""

import pytest
from fastapi import FastAPI

from hantar.accounts.model import Caller
from hantar.kit import db
from tests.cast import Http
from tests.web.test_walls import PHONE, Things, app, routes, things

__all__ = ["app", "things"]

HARMLESS = {
    "/api/leads/import/sample.csv": "a made-up file",
    "/api/campaigns/{campaign_id}/device-report": "counts, nobody's name or number",
    "/api/analytics/custom": "counts by day",
}
"""Files without people."""


def files(app: FastAPI) -> list[tuple[str, dict[str, str]]]:
    """Every address that can answer with a file, and how to ask for it."""
    found = []
    for method, path, route in routes(app):
        asks = {field.name for field in route.dependant.query_params}
        if method != "GET" or path in HARMLESS:
            continue
        if "format" in asks:
            found.append((path, {"format": "csv"}))
        elif path.endswith(("/export", ".csv")):
            found.append((path, {}))
    return found


async def entries(database: db.Database, caller: Caller) -> list[db.Row]:
    async with database.transaction(caller.workspace_id) as tx:
        return await tx.fetch("SELECT * FROM audit ORDER BY seq")


async def test_every_file_of_people_is_an_entry(
    app: FastAPI, http: Http, database: db.Database, alice: Caller, things: Things
) -> None:
    silent, seen = [], 0
    for path, query in files(app):
        before = len(await entries(database, alice))
        whom = {"person_id": things.ids["person"]} if path == "/api/consents/export" else {"q": PHONE}
        reply = await http(alice).get(things.address(path), params={**query, **whom})
        assert reply.status_code == 200, (path, reply.text)
        after = await entries(database, alice)
        seen += PHONE in reply.text
        if [row["action"].split(".")[1] for row in after[before:]] != ["exported"]:
            silent.append(path)
    assert silent == []
    assert len(files(app)) >= 8
    assert seen >= 3, "no file held anybody, so the test proves nothing"
    told = str([dict(row) for row in await entries(database, alice)])
    assert PHONE not in told
    assert "Alice" in told


@pytest.mark.parametrize("path", ["/api/leads/export", "/api/audit"])
async def test_what_is_refused_is_no_entry(http: Http, database: db.Database, alice: Caller, vera: Caller, path: str) -> None:
    reply = await http(vera if path == "/api/audit" else None).get(path, params={"format": "csv"})
    assert reply.status_code in (401, 403)
    assert await entries(database, alice) == []


async def test_the_day_s_page_is_no_export(http: Http, database: db.Database, alice: Caller, things: Things) -> None:
    assert (await http(alice).get(f"/api/campaigns/{things.ids['campaign']}/messages")).status_code == 200
    assert await entries(database, alice) == []
