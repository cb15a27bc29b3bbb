"""Consent with a lead: one field in the form, what lists show of it, and what deleting a lead leaves alone."""

from typing import Any

import pytest

from hantar.accounts.model import Caller
from hantar.kit import clock, db
from hantar.leads import store
from tests import cast
from tests.leads.conftest import AddDevice, AddLead, OptOut

WORDS = {"wording": "Yes, tell me about courses.", "source": "paper", "given_at": "2026-11-20T08:00:00Z"}


async def ledger(http: cast.Http, caller: Caller, **query: str) -> list[dict[str, Any]]:
    reply = await http(caller).get("/api/consents", params=query)
    assert reply.status_code == 200, reply.text
    found: list[dict[str, Any]] = reply.json()["items"]
    return found


async def test_a_lead_says_what_its_person_agreed_to(
    http: cast.Http, alice: Caller, add_device: AddDevice, add_lead: AddLead
) -> None:
    made = await add_lead(alice, await add_device(alice), consent=WORDS)
    assert (made["consent"], made["opted_out"], made["on_hold"]) == ("granted", False, False)
    (row,) = await ledger(http, alice, person_id=made["person_id"])
    assert {name: row[name] for name in WORDS} == WORDS
    assert (row["purpose"], row["actor_id"], row["business_name"]) == ("marketing", alice.user_id, "Alice's")
    assert (row["name"], row["phone"], row["state"]) == ("Ann", "60123456789", "live")
    read = (await http(alice).get(f"/api/leads/{made['id']}")).json()
    assert read == {name: value for name, value in made.items() if name != "warnings"}


async def test_the_short_form_takes_words_and_the_time_of_now(
    http: cast.Http, alice: Caller, add_device: AddDevice, add_lead: AddLead
) -> None:
    made = await add_lead(alice, await add_device(alice), consent=True, consent_wording=" Asked at the desk. ")
    (row,) = await ledger(http, alice, person_id=made["person_id"])
    assert (row["wording"], row["source"], row["given_at"]) == ("Asked at the desk.", "web_form", "2026-12-01T02:00:00Z")


@pytest.mark.parametrize("nothing", [None, False])
async def test_nothing_said_is_no_consent_and_takes_none_away(
    http: cast.Http, alice: Caller, add_device: AddDevice, add_lead: AddLead, nothing: bool | None
) -> None:
    made = await add_lead(alice, await add_device(alice), consent=nothing)
    assert made["consent"] == "none"
    await http(alice).put(f"/api/leads/{made['id']}", json={"consent": WORDS})
    kept = (await http(alice).put(f"/api/leads/{made['id']}", json={"consent": nothing, "name": "Bea"})).json()
    assert (kept["consent"], kept["name"]) == ("granted", "Bea")
    assert len(await ledger(http, alice)) == 1


async def test_a_change_adds_a_row_for_the_person_it_leads_to(
    http: cast.Http, alice: Caller, add_device: AddDevice, add_lead: AddLead
) -> None:
    made = await add_lead(alice, await add_device(alice))
    changed = (await http(alice).put(f"/api/leads/{made['id']}", json={"phone": "60121111111", "consent": WORDS})).json()
    assert changed["person_id"] != made["person_id"]
    assert [row["person_id"] for row in await ledger(http, alice)] == [changed["person_id"]]


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"consent": True}, "consent_wording", "required"),
        ({"consent": True, "consent_wording": "  "}, "consent_wording", "required"),
        ({"consent": {}}, "consent.wording", "required"),
        ({"consent": WORDS | {"wording": " "}}, "consent.wording", "required"),
        ({"consent": WORDS | {"source": "rumour"}}, "consent.source", "not_one_of"),
        ({"consent": WORDS | {"given_at": "2026-12-01T02:06:00Z"}}, "consent.given_at", "in_future"),
        ({"consent": WORDS | {"given_at": "0001-01-01T00:00:00Z"}}, "consent.given_at", "invalid"),
        ({"consent": WORDS | {"expires_at": "2026-11-20T08:00:00Z"}}, "consent.expires_at", "before_start"),
        (
            {"consent": WORDS | {"proof_media_id": "018f0000-0000-7000-8000-000000000000"}},
            "consent.proof_media_id",
            "unknown_media",
        ),
    ],
)
async def test_a_consent_that_cannot_be_is_named_and_no_lead_is_made(
    http: cast.Http, alice: Caller, add_device: AddDevice, given: dict[str, Any], field: str, code: str
) -> None:
    body = {"name": "Ann", "phone": "60123456789", "device_id": await add_device(alice)} | given
    reply = await http(alice).post("/api/leads", json=body)
    assert reply.status_code == 422, reply.text
    assert [(each["field"], each["code"]) for each in reply.json()["errors"]] == [(field, code)]
    assert (await http(alice).get("/api/leads?with_total=true")).json()["total"] == 0


async def test_a_clock_a_little_ahead_gives_consent_now(
    http: cast.Http, alice: Caller, add_device: AddDevice, add_lead: AddLead
) -> None:
    await add_lead(alice, await add_device(alice), consent=WORDS | {"given_at": "2026-12-01T02:04:00Z"})
    assert (await ledger(http, alice))[0]["given_at"] == "2026-12-01T02:00:00Z"


async def test_somebody_who_said_stop_stays_opted_out_when_added_again(
    http: cast.Http, alice: Caller, add_device: AddDevice, add_lead: AddLead, opt_out: OptOut
) -> None:
    device = await add_device(alice)
    made = await add_lead(alice, device, phone="+52 55 1234 5678", consent=WORDS)
    await opt_out(alice, made["person_id"])
    assert (await http(alice).delete(f"/api/leads/{made['id']}")).status_code == 204
    again = await add_lead(alice, device, phone="+52 1 55 1234 5678", consent=WORDS)
    assert (again["opted_out"], again["warnings"]) == (True, ["opted_out"])
    assert again["consent"] == "withdrawn", "what was agreed to before the stop was withdrawn by it"
    fresh = (await http(alice).put(f"/api/leads/{again['id']}", json={"consent": WORDS | {"given_at": None}})).json()
    assert fresh["opted_out"] is True, "a consent lifts no opt-out"


async def test_deleting_leads_touches_no_person_consent_or_opt_out(
    http: cast.Http, alice: Caller, add_device: AddDevice, add_lead: AddLead, opt_out: OptOut, database: db.Database
) -> None:
    device = await add_device(alice)
    one, two = [await add_lead(alice, device, phone=f"6012111111{n}", consent=WORDS) for n in (1, 2)]
    await opt_out(alice, two["person_id"])
    before = await _kept(database, alice)
    await http(alice).delete(f"/api/leads/{one['id']}")
    await http(alice).post("/api/leads/bulk", json={"action": "delete", "filter": {}})
    assert (await http(alice).get("/api/leads?with_total=true")).json()["total"] == 0
    assert await _kept(database, alice) == before
    assert before[0], "or this proves nothing"


async def _kept(database: db.Database, caller: Caller) -> list[list[str]]:
    tables = ("persons", "person_aliases", "consents", "suppressions", "suppression_keys")
    async with database.transaction(caller.workspace_id) as tx:
        return [[row[0] for row in await tx.fetch(f"SELECT to_jsonb(t)::text FROM {table} t ORDER BY 1")] for table in tables]


# ---------------------------------------------------------------- lists
async def _names(http: cast.Http, caller: Caller, query: str) -> list[str]:
    """Names on all pages, two at a time."""
    names: list[str] = []
    cursor = ""
    while True:
        reply = await http(caller).get(f"/api/leads?limit=2&with_total=true&{query}{cursor}")
        assert reply.status_code == 200, reply.text
        names += [each["name"] for each in reply.json()["items"]]
        if reply.json()["next_cursor"] is None:
            assert reply.json()["total"] == len(names)
            return names
        cursor = f"&cursor={reply.json()['next_cursor']}"


@pytest.fixture
async def five(alice: Caller, add_device: AddDevice, add_lead: AddLead, opt_out: OptOut) -> str:
    """Granted: Ann, Eve. None: Ben. Withdrawn: Cem by a stop, Dan from an hour on."""
    device = await add_device(alice)
    people = {}
    for n, (name, consent) in enumerate(
        {
            "Ann": WORDS,
            "Ben": None,
            "Cem": WORDS,
            "Dan": WORDS | {"expires_at": "2026-12-01T03:00:00Z"},
            "Eve": WORDS,
        }.items()
    ):
        people[name] = await add_lead(alice, device, name=name, phone=f"6012111111{n}", consent=consent)
    await opt_out(alice, people["Cem"]["person_id"])
    return device


@pytest.mark.parametrize("near", [1, 3, 20_000])
@pytest.mark.parametrize("sort", ["created_at", "-created_at", "name", "-name"])
async def test_leads_by_consent_in_every_order(
    http: cast.Http,
    alice: Caller,
    five: str,
    fake_clock: clock.FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    sort: str,
    near: int,
) -> None:
    monkeypatch.setattr(store, "NEAR", near)
    await fake_clock.advance(3600)
    step = -1 if sort.startswith("-") else 1
    for word, names in {"granted": ["Ann", "Eve"], "none": ["Ben"], "withdrawn": ["Cem", "Dan"]}.items():
        assert await _names(http, alice, f"consent={word}&sort={sort}") == names[::step]
    assert await _names(http, alice, f"consent=granted&opted_out=false&q=e&sort={sort}") == ["Eve"]
    for said, names in {"true": ["Cem"], "false": ["Ann", "Ben", "Dan", "Eve"]}.items():
        assert await _names(http, alice, f"opted_out={said}&sort={sort}") == names[::step]


async def test_a_consent_runs_out_by_the_clock(http: cast.Http, alice: Caller, five: str, fake_clock: clock.FakeClock) -> None:
    assert await _names(http, alice, "consent=granted") == ["Eve", "Dan", "Ann"]
    await fake_clock.advance(3600)
    assert await _names(http, alice, "consent=granted") == ["Eve", "Ann"]


async def test_bulk_export_and_facets_go_by_the_same_filters(http: cast.Http, alice: Caller, five: str) -> None:
    facets = (await http(alice).get("/api/leads/facets")).json()
    assert facets["total"] == 5
    for query in ("consent=granted", "opted_out=true"):
        assert (await http(alice).get(f"/api/leads/facets?{query}")).json() == facets
    text = (await http(alice).get("/api/leads/export?opted_out=true")).text
    assert text.splitlines() == [
        "name,phone,niche,target_status,additional_note,device_id,trigger",
        f"Cem,60121111112,,prospect,,{five},",
    ]
    body = {"action": "add_niches", "set": {"niche": "left"}, "filter": {"consent": "none", "opted_out": False}}
    assert (await http(alice).post("/api/leads/bulk", json=body)).json()["changed"] == 1


async def test_mallory_sees_no_consent_of_alice_and_gives_none(
    http: cast.Http, alice: Caller, mallory: Caller, five: str
) -> None:
    for query in ("consent=granted", "consent=withdrawn", "opted_out=true"):
        assert (await http(mallory).get(f"/api/leads?with_total=true&{query}")).json()["total"] == 0
    lead = (await http(alice).get("/api/leads?limit=1")).json()["items"][0]
    assert (await http(mallory).put(f"/api/leads/{lead['id']}", json={"consent": WORDS})).status_code == 404
    assert len(await ledger(http, alice)) == 4
