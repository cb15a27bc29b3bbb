"""I-24: after an erasure no number, name or word of the person is left in the database, files or logs; the opt-out stays."""

import csv
import io
import json

import pytest
import structlog

from hantar import app as house
from hantar.consent import model as consents, service as consent
from hantar.gateways import port
from hantar.gateways.simulator import driver as simulator, ledger, lines
from hantar.leads import importer
from hantar.outbox import queue, service as outbox
from hantar.people import erasure, store
from hantar.persons import service as persons
from hantar.persons.model import Alias, AliasKind
from tests import cast, fleet

NUMBER, LOCAL, LID = "60123987654", "0123987654", "98765432109876@lid"
NAME, WORDS, SAID, NOTE = "Quetzalina Canary", "Your secret parcel", "I live in Elm Street", "met her at the fair"
CANARIES = (
    NUMBER,
    LOCAL,
    LOCAL[1:],
    "98765432109876",
    "Quetzalina",
    "secret parcel",
    "Elm Street",
    "at the fair",
    "my signature",
)


@pytest.fixture
def app(database, fake_clock, bus, tmp_path):
    parts = {importer.Importer: importer.Importer(database, tmp_path / "imports", bus)}
    return cast.make_app(database, fake_clock, bus, routers=house.ROUTERS, parts=parts)


@pytest.fixture
async def world(database, fake_clock, bus, alice, tmp_path):
    made = fleet.Fleet(database, fake_clock, bus, alice.workspace_id)
    made.book = ledger.FileLedger(tmp_path / "simulator")
    made.line = lines.InProcess(fake_clock, made.book, options=fleet.CALM)
    made.driver = simulator.SimulatorDriver(made.line, fake_clock, fleet.CALM)
    made.engine = made.new_engine()
    await made.start()
    yield made
    await made.close()
    made.book.close()


async def everything(database) -> str:
    """Every row of every table as text, keyed hashes and other bytes too."""
    import asyncpg

    connection = await asyncpg.connect(database.dsn)
    try:
        tables = await connection.fetch("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
        found = []
        for table in tables:
            rows = await connection.fetch(f'SELECT t::text AS row FROM "{table["name"]}" t')
            found += [f"{table['name']}: {row['row']}" for row in rows]
        bodies = await connection.fetch("SELECT body FROM idempotency_keys WHERE body IS NOT NULL")
        found += [bytes(row["body"]).decode(errors="replace") for row in bodies]
        files = await connection.fetch("SELECT bytes FROM media UNION ALL SELECT bytes FROM media_pieces")
        found += [bytes(row["bytes"]).decode(errors="replace") for row in files]
        return "\n".join(found)
    finally:
        await connection.close()


def traces(text: str) -> set[str]:
    return {canary for canary in CANARIES if canary.lower() in text.lower()}


async def a_known_person(database, http, alice, world) -> str:
    """Somebody who stands everywhere a person can stand."""
    (device,) = await world.add_devices(1)
    own = http(alice)
    body = {"name": NAME, "phone": NUMBER, "device_id": device, "additional_note": NOTE, "niche": "FIT"}
    made = await own.post("/api/leads", json=body, headers={"Idempotency-Key": "once"})
    assert made.status_code == 201, made.text
    rows = io.StringIO()
    csv.writer(rows).writerows([["name", "phone"], [NAME, NUMBER], [NAME, "6.01E+10"], [NAME, LOCAL]])
    asked = {"file": ("leads.csv", rows.getvalue().encode(), "text/csv")}
    assert (await own.post(f"/api/devices/{device}/leads/import", files=asked)).status_code in (200, 202)
    person_id = made.json()["person_id"]
    async with database.transaction(alice.workspace_id) as tx:
        now = await tx.now()
        await persons.add_alias(tx, alice.workspace_id, person_id, Alias(AliasKind.LID, LID))
        proof = await tx.fetchval(
            """INSERT INTO media (workspace_id, id, mime, name, size, original_size, sha256, bytes, created_at)
               VALUES ($1, gen_random_uuid(), 'image/png', 'proof.png', 12, 12, '', 'my signature', $2) RETURNING id""",
            *(alice.workspace_id, now),
        )
        piece = "INSERT INTO media_pieces (workspace_id, media_id, number, bytes) VALUES ($1, $2, 1, convert_to($3, 'UTF8'))"
        await tx.execute(piece, alice.workspace_id, proof, NAME)
        given = consents.Given("marketing", f"{NAME} agreed", "paper", now, proof_media_id=proof, business_name="Shop")
        await consent.give(tx, alice.workspace_id, [person_id], given)
        await tx.execute(
            """INSERT INTO inbound_messages (workspace_id, id, device_id, person_id, wire_id, at, received_at, text, push_name,
                 meaning, media)
               VALUES ($1, gen_random_uuid(), $2, $3, 'IN1', $4, $4, $5, $6, 'none', $7)""",
            *(alice.workspace_id, device, person_id, now, SAID, NAME),
            {"kind": "document", "mime": "application/pdf", "name": f"{NAME}.pdf", "size": 1, "ref": NUMBER},
        )
    said = port.SimulatorAction("inbound", phone=NUMBER, text=SAID, opaque=LID, extra={"name": NAME})
    await world.driver.simulate(port.DeviceRef(device), said)
    sent = await own.post(
        "/api/send/message",
        json={"device_id": device, "phone": NUMBER, "message": WORDS, "client_ref": f"for-{NUMBER}"},
        headers={"Idempotency-Key": "twice"},
    )
    assert sent.status_code == 202, sent.text
    await world.launch()
    await world.run(30)
    assert len(await world.rows()) == 2
    world.book.flush()
    async with database.transaction(alice.workspace_id) as tx:  # last: the plan leaves out whom a hold is on
        await consent.hold(tx, alice.workspace_id, person_id, "intent")
    return str(person_id)


async def test_nothing_is_left_but_the_keyed_hash(database, http, alice, world, tmp_path):
    with structlog.testing.capture_logs() as logs:
        person_id = await a_known_person(database, http, alice, world)
        async with database.transaction(alice.workspace_id) as tx:
            reason = consents.OptOut(consents.OptOutReason.STOP, consents.OptOutSource.KEYWORD, text=SAID, note=NOTE)
            await outbox.opt_out(tx, alice.workspace_id, person_id, reason)
        before = traces(await everything(database)) | traces(world.book.path.read_text())
        assert before == set(CANARIES), f"the test no longer writes {set(CANARIES) - before} anywhere"

        asked = await http(alice).request("DELETE", f"/api/persons/{person_id}", json={"reason": "They asked for it."})
        assert asked.status_code == 202
        eraser = erasure.Eraser(database, {"simulator": world.driver}, world.bus)
        assert await eraser.work() == 1

    left = await everything(database)
    assert traces(left) == set(), [line for line in left.splitlines() if traces(line)]
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert traces(path.read_text(errors="replace")) == set(), path
    assert traces(json.dumps(logs, default=str)) == set(), "a log names the person"
    async with database.transaction(alice.workspace_id) as tx:
        assert await tx.fetchval("SELECT count(*) FROM messages WHERE state IN ('sent', 'delivered', 'read')") > 0, "counts stay"
        again = await persons.at_phone(tx, alice.workspace_id, NUMBER)
        assert again != person_id
        assert await consent.is_opted_out(tx, alice.workspace_id, again), "whoever comes back with this number is still opted out"
    job = (await http(alice).get(f"/api/jobs/{asked.json()['job_id']}")).json()
    assert job["status"] == "done"
    shown = (await http(alice).get(f"/api/persons/{person_id}")).json()
    assert shown["phone"] is None
    assert shown["erased_at"] is not None


@pytest.mark.parametrize("mutant", ["messages keep their words", "answers are kept", "the ledger is kept", "inbound stays"])
async def test_the_erasure_test_can_fail(database, http, alice, world, monkeypatch, mutant):
    """Each part left out alone is found."""

    async def nothing(*_values, **_more):
        return 0

    async def only_cancels(tx, workspace_id, person_id):
        return queue.Erased([], [])

    person_id = await a_known_person(database, http, alice, world)
    drivers = {"simulator": world.driver}
    if mutant == "messages keep their words":
        monkeypatch.setattr(queue, "erase_person", only_cancels)
    elif mutant == "answers are kept":
        monkeypatch.setattr(store, "forget_replies", nothing)
    elif mutant == "inbound stays":
        monkeypatch.setattr(store, "blank", nothing)
    else:
        drivers = {}
    async with database.transaction(alice.workspace_id) as tx:
        await erasure.ask(tx, alice.workspace_id, person_id, None)
    await erasure.Eraser(database, drivers, world.bus).work()
    assert traces(await everything(database)) | traces(world.book.path.read_text())


async def test_an_erasure_outlives_a_gateway_that_is_away(database, http, alice, world, monkeypatch):
    person_id = await a_known_person(database, http, alice, world)

    async def away(_names, _device_ids):
        raise port.PairingRefused("The simulator is starting again.")

    async with database.transaction(alice.workspace_id) as tx:
        await erasure.ask(tx, alice.workspace_id, person_id, None)
    eraser = erasure.Eraser(database, {"simulator": world.driver}, world.bus)
    with monkeypatch.context() as patched:
        patched.setattr(world.driver, "forget_people", away)
        assert await eraser.work() == 0
    assert await eraser.work() == 1, "it is taken up again"
    assert traces(await everything(database)) == set()


async def test_a_restored_person_is_erased_again(database, http, alice, world):
    person_id = await a_known_person(database, http, alice, world)
    eraser = erasure.Eraser(database, {"simulator": world.driver}, world.bus)
    async with database.transaction(alice.workspace_id) as tx:
        keys = await persons.keys(tx, person_id)
        await world.clock.advance(60)
    async with database.transaction(alice.workspace_id) as tx:  # as if an older backup came back beside the list of erasures
        await store.note_erasure(tx, alice.workspace_id, person_id, keys, None, await tx.now())
    await eraser.replay()
    assert await eraser.work() == 1
    assert traces(await everything(database)) == set()
    await eraser.replay()
    assert await eraser.work() == 0


async def test_only_an_owner_erases(http, bob, alice, mallory, database, world):
    person_id = await a_known_person(database, http, alice, world)
    ask = {"json": {"reason": "They asked for it."}}
    assert (await http(bob).request("DELETE", f"/api/persons/{person_id}", **ask)).status_code == 403
    assert (await http(mallory).request("DELETE", f"/api/persons/{person_id}", **ask)).status_code == 404
    assert (await http(alice).request("DELETE", f"/api/persons/{person_id}", json={"reason": ""})).status_code == 422
