"""`/metrics`: who may read it, what it holds, and what it never holds."""

import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from hantar.accounts import model
from hantar.accounts.model import Caller, Role
from hantar.dispatch import pulse
from hantar.dispatch.figures import Figures
from hantar.kit import clock, cluster, db
from tests import cast


@pytest.fixture
def figures() -> Figures:
    made = Figures()
    made.claimed, made.recorded, made.away = 12, 11, 2
    made.outcomes.update({"sent": 10, "failed": 1})
    for seconds in (0.0004, 0.004, 0.004, 120.0):
        made.lateness.add(seconds)
    return made


@pytest.fixture
def app(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, figures: Figures) -> FastAPI:
    engine = pulse.Pulse(figures, lambda: {"busy": 2, "parked": 5}, lambda: 3, lambda: 64)
    parts = {pulse.Pulse: engine, pulse.Watch: pulse.Watch(database, fake_clock)}
    return cast.make_app(database, fake_clock, bus, parts=parts)


@pytest.fixture
async def ada(database: db.Database) -> Caller:
    """The administrator, who owns a workspace of her own."""
    workspace = await cast.add_workspace(database, "Ada's")
    return await cast.add_person(database, workspace, "Ada", Role.OWNER, is_admin=True)


def read(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample by name and labels."""
    families = text_string_to_metric_families(text)
    return {(each.name, tuple(sorted(each.labels.items()))): each.value for family in families for each in family.samples}


async def add_device(database: db.Database, caller: Caller, name: str, state: str) -> None:
    sql = """INSERT INTO devices (workspace_id, id, name, phone, driver, state, state_since, created_at, updated_at)
             VALUES ($1, gen_random_uuid(), $2, '60123456789', 'simulator', $3, now(), now(), now())"""
    async with database.transaction(caller.workspace_id) as tx:
        await tx.execute(sql, caller.workspace_id, name, state)


async def test_it_tells_what_the_engine_and_the_database_know(
    http: cast.Http, ada: Caller, alice: Caller, database: db.Database
) -> None:
    await add_device(database, alice, "Shop", "online")
    await add_device(database, ada, "Desk", "offline")
    reply = await http(ada).get("/metrics")
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/plain")
    seen = read(reply.text)
    expected = {
        ("hantar_messages_claimed_total", ()): 12,
        ("hantar_messages_total", (("outcome", "sent"),)): 10,
        ("hantar_messages_total", (("outcome", "failed"),)): 1,
        ("hantar_database_away_total", ()): 2,
        ("hantar_database_up", ()): 1,
        ("hantar_lanes", (("state", "busy"),)): 2,
        ("hantar_lanes", (("state", "parked"),)): 5,
        ("hantar_outcomes_waiting", ()): 3,
        ("hantar_lease_shards", ()): 64,
        ("hantar_queue_age_seconds", ()): 0,
        ("hantar_messages_unconfirmed", ()): 0,
        ("hantar_devices", (("state", "online"),)): 1,
        ("hantar_devices", (("state", "offline"),)): 1,
        ("hantar_lateness_seconds_count", ()): 4,
        ("hantar_lateness_seconds_bucket", (("le", "0.0005"),)): 1,
        ("hantar_lateness_seconds_bucket", (("le", "0.005"),)): 3,
        ("hantar_lateness_seconds_bucket", (("le", "60.0"),)): 3,
        ("hantar_lateness_seconds_bucket", (("le", "+Inf"),)): 4,
        ("hantar_claim_seconds_count", ()): 0,
    }
    assert {name: seen.get(name) for name in expected} == expected
    assert seen["hantar_lateness_seconds_sum", ()] == pytest.approx(120.0084)


async def test_labels_are_words_of_ours(http: cast.Http, ada: Caller, alice: Caller, database: db.Database) -> None:
    await add_device(database, alice, "Secret shop", "online")
    text = (await http(ada).get("/metrics")).text
    for word in ("Secret", "6012", alice.workspace_id, "Alice"):
        assert word not in text
    labels = {name for _, labels in read(text) for name, _ in labels}
    assert labels == {"version", "outcome", "state", "le"}


async def test_only_the_administrator_and_their_keys(http: cast.Http, ada: Caller, alice: Caller, database: db.Database) -> None:
    assert (await http(None).get("/metrics")).status_code == 401
    assert (await http(alice).get("/metrics")).status_code == 403
    calls = [
        (await cast.add_key(database, ada, "metrics:read"), 200),
        (await cast.add_key(database, ada, "devices:read"), 403),
        (await cast.add_key(database, alice, "metrics:read"), 403),
        ("hk_nobody", 401),
    ]
    for key, status in calls:
        assert (await http(None).get("/metrics", headers={"authorization": f"Bearer {key}"})).status_code == status
    async with database.door() as tx:
        await tx.execute("UPDATE users SET is_admin = false WHERE id = $1", ada.user_id)
    assert (await http(None).get("/metrics", headers={"authorization": f"Bearer {calls[0][0]}"})).status_code == 403


async def test_only_an_administrator_can_make_such_a_key(http: cast.Http, ada: Caller, alice: Caller) -> None:
    body = {"name": "Prometheus", "scopes": [*model.ADMIN_SCOPES]}
    refused = await http(alice).post("/api/api-keys", json=body)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "unknown_scope")
    made = await http(ada).post("/api/api-keys", json=body)
    assert (made.status_code, made.json()["scopes"]) == (201, ["metrics:read"])
    assert (await http(None).get("/metrics", headers={"x-api-key": made.json()["key"]})).status_code == 200


async def test_the_engine_s_own_figures_come_without_the_database(
    http: cast.Http, ada: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_tx: db.Tx) -> pulse.Census:
        raise db.DatabaseAway

    monkeypatch.setattr(pulse, "count", away)
    seen = read((await http(ada).get("/metrics")).text)
    assert (seen["hantar_database_up", ()], seen["hantar_messages_claimed_total", ()]) == (0, 12)
    assert ("hantar_queue_age_seconds", ()) not in seen
