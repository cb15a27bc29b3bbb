"""The routes of leads, as Alice and her people call them, and what Mallory gets."""

from typing import Any

import pytest

from hantar.accounts.model import Caller
from hantar.kit import db
from hantar.kit.ids import new_id
from tests import cast
from tests.leads.conftest import AddDevice, AddLead

NOBODY = "018f0000-0000-7000-8000-000000000000"


async def test_a_lead_is_made_and_read(http: cast.Http, alice: Caller, add_device: AddDevice, add_lead: AddLead) -> None:
    device = await add_device(alice)
    made = await add_lead(
        alice,
        device,
        name=" Zoë 🎉 ",
        phone="+60 12-345 6789",
        niche="EXSTART, itadress,EXSTART",
        trigger=["day1"],
        attributes={"city": "Ipoh", "vip": True},
        time_zone="Asia/Kuala_Lumpur",
        journey="met at the fair",
    )
    assert made["warnings"] == []
    assert made["name"] == "Zoë 🎉"
    assert made["phone"] == "60123456789"
    assert (made["niche"], made["niches"]) == ("EXSTART,itadress", ["EXSTART", "itadress"])
    assert (made["trigger"], made["triggers"]) == ("day1", ["day1"])
    assert made["target_status"] == "prospect"
    assert made["attributes"] == {"city": "Ipoh", "vip": "true"}
    assert made["additional_note"] == "met at the fair"
    assert made["created_at"].endswith("Z")
    read = await http(alice).get(f"/api/leads/{made['id']}")
    assert read.json() == {name: value for name, value in made.items() if name != "warnings"}


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", "  ", "required"),
        ("name", "x" * 201, "too_long"),
        ("phone", "6.01E+10", "invalid_phone"),
        ("phone", "", "invalid_phone"),
        ("phone", "hello", "invalid_phone"),
        ("device_id", "nonsense", "unknown_device"),
        ("device_id", NOBODY, "unknown_device"),
        ("target_status", "friend", "not_one_of"),
        ("niche", ",".join(f"n{i}" for i in range(51)), "too_many"),
        ("time_zone", "Mars/One", "unknown_time_zone"),
        ("attributes", {"bad name": "x"}, "bad_name"),
        ("attributes", {"phone": "x"}, "bad_name"),
    ],
)
async def test_a_bad_field_is_named(
    http: cast.Http, alice: Caller, add_device: AddDevice, field: str, value: Any, code: str
) -> None:
    body = {"name": "Ann", "phone": "60123456789", "device_id": await add_device(alice)} | {field: value}
    reply = await http(alice).post("/api/leads", json=body)
    assert reply.status_code == 422, reply.text
    assert [(each["field"], each["code"]) for each in reply.json()["errors"]] == [(field, code)]
    assert (await http(alice).get("/api/leads?with_total=true")).json()["total"] == 0


async def test_local_numbers_use_the_country_of_the_workspace(alice: Caller, add_device: AddDevice, add_lead: AddLead) -> None:
    assert (await add_lead(alice, await add_device(alice), phone="012-345 6789"))["phone"] == "60123456789"


async def test_a_person_is_one_lead_of_a_device(http: cast.Http, alice: Caller, add_device: AddDevice, add_lead: AddLead) -> None:
    device = await add_device(alice)
    first = await add_lead(alice, device, phone="+52 55 1234 5678")
    body = {"name": "Again", "phone": "+52 1 55 1234 5678", "device_id": device}
    again = await http(alice).post("/api/leads", json=body)
    assert again.status_code == 409
    assert (again.json()["code"], again.json()["existing_id"]) == ("duplicate_lead", first["id"])


async def test_another_device_may_have_the_same_person(alice: Caller, add_device: AddDevice, add_lead: AddLead) -> None:
    first = await add_lead(alice, await add_device(alice), phone="+52 55 1234 5678")
    second = await add_lead(alice, await add_device(alice, "Two"), phone="+52 1 55 1234 5678")
    assert second["warnings"] == ["same_person"]
    assert second["person_id"] == first["person_id"]
    assert second["phone"] == "5215512345678", "the number stays as given"


async def test_a_change_keeps_what_is_left_out(http: cast.Http, alice: Caller, add_device: AddDevice, add_lead: AddLead) -> None:
    made = await add_lead(alice, await add_device(alice), niche="A", additional_note="x", attributes={"a": "1", "b": "2"})
    changes = {"additional_note": None, "attributes": {"a": None, "c": 3}, "target_status": "customer", "name": None}
    for call in (http(alice).put, http(alice).patch):
        reply = await call(f"/api/leads/{made['id']}", json=changes)
        assert reply.status_code == 200, reply.text
        changed = reply.json()
        assert changed["niche"] == "A"
        assert changed["name"] == "Ann"
        assert changed["additional_note"] is None
        assert changed["attributes"] == {"b": "2", "c": "3"}
        assert changed["target_status"] == "customer"


async def test_a_new_number_is_a_new_person(http: cast.Http, alice: Caller, add_device: AddDevice, add_lead: AddLead) -> None:
    device = await add_device(alice)
    first = await add_lead(alice, device)
    second = await add_lead(alice, device, phone="60129999999")
    taken = await http(alice).put(f"/api/leads/{first['id']}", json={"phone": "+60 12 999 9999"})
    assert (taken.status_code, taken.json()["existing_id"]) == (409, second["id"])
    changed = await http(alice).put(f"/api/leads/{first['id']}", json={"phone": "60128888888"})
    assert changed.json()["person_id"] not in (first["person_id"], second["person_id"])


async def test_a_deleted_lead_leaves_its_person(
    http: cast.Http, alice: Caller, add_device: AddDevice, add_lead: AddLead, database: db.Database
) -> None:
    made = await add_lead(alice, await add_device(alice))
    assert (await http(alice).delete(f"/api/leads/{made['id']}")).status_code == 204
    assert (await http(alice).delete(f"/api/leads/{made['id']}")).status_code == 404
    async with database.transaction(alice.workspace_id) as tx:
        assert await tx.fetchval("SELECT count(*) FROM persons") == 1


# ---------------------------------------------------------------- lists
async def _names(http: cast.Http, caller: Caller, query: str) -> list[str]:
    reply = await http(caller).get(f"/api/leads?{query}")
    assert reply.status_code == 200, reply.text
    return [each["name"] for each in reply.json()["items"]]


@pytest.fixture
async def some(alice: Caller, add_device: AddDevice, add_lead: AddLead) -> tuple[str, str]:
    """Five leads on two devices."""
    one, two = await add_device(alice), await add_device(alice, "Two")
    await add_lead(alice, one, name="Ann", phone="60121111111", niche="EXSTART,ITADRESS", trigger="day1")
    await add_lead(alice, one, name="Ben 100%", phone="60122222222", niche="OUTFIT", target_status="customer")
    await add_lead(alice, one, name="Cem_x", phone="60123333333", niche="fit")
    await add_lead(alice, two, name="ÉLISE", phone="60124444444", trigger="DAY1,day2")
    await add_lead(alice, two, name="Eve\\", phone="60125555555", niche="itadress")
    return one, two


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("niche=ITADRESS", ["Eve\\", "Ann"]),
        ("niche=FIT", ["Cem_x"]),
        ("trigger=Day1", ["ÉLISE", "Ann"]),
        ("trigger=has", ["ÉLISE", "Ann"]),
        ("trigger=none", ["Eve\\", "Cem_x", "Ben 100%"]),
        ("target_status=customer", ["Ben 100%"]),
        ("q=%25", ["Ben 100%"]),
        ("q=_", ["Cem_x"]),
        ("q=%5C", ["Eve\\"]),
        ("q=é", ["ÉLISE"]),
        ("q=%2B60%2012-444", ["ÉLISE"]),
        ("q=itad", ["Eve\\", "Ann"]),
        ("q=' OR 1=1", []),
        ("q=" + "x" * 10_000, []),
        ("q=ann&niche=exstart&target_status=prospect&trigger=day1", ["Ann"]),
        ("sort=name", ["Ann", "Ben 100%", "Cem_x", "Eve\\", "ÉLISE"]),
        ("sort=created_at", ["Ann", "Ben 100%", "Cem_x", "ÉLISE", "Eve\\"]),
    ],
)
async def test_a_list_is_filtered(http: cast.Http, alice: Caller, some: tuple[str, str], query: str, names: list[str]) -> None:
    assert await _names(http, alice, query) == names


async def test_a_list_of_one_device(http: cast.Http, alice: Caller, some: tuple[str, str]) -> None:
    assert await _names(http, alice, f"device_id={some[1]}") == ["Eve\\", "ÉLISE"]
    reply = await http(alice).get(f"/api/devices/{some[1]}/leads?with_total=true&niche=itadress")
    assert (reply.json()["total"], reply.json()["items"][0]["name"]) == (1, "Eve\\")


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "name", "-name"])
async def test_pages_meet_without_gap_or_double(
    http: cast.Http, alice: Caller, add_device: AddDevice, add_lead: AddLead, sort: str
) -> None:
    device = await add_device(alice)
    made = [await add_lead(alice, device, name=f"N{i // 2}", phone=f"6012345{i:04d}") for i in range(7)]
    seen: list[str] = []
    cursor = ""
    while True:
        reply = (await http(alice).get(f"/api/leads?limit=2&sort={sort}&cursor={cursor}&with_total=true")).json()
        assert reply["total"] == 7
        seen += [each["id"] for each in reply["items"]]
        cursor = reply["next_cursor"]
        if cursor is None:
            break
    expected = [each["id"] for each in made]
    assert seen == (expected[::-1] if sort.startswith("-") else expected)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("cursor=nonsense", 400),
        ("cursor=WzFd", 400),  # [1]
        ("cursor=WyJ4Il0", 400),  # ["x"]
        ("limit=0", 422),
        ("limit=201", 422),
        ("sort=phone;DROP", 422),
        ("target_status=x", 422),
        ("device_id=x", 422),
        ("import_id=x", 422),
        ("q=%00", 422),
    ],
)
async def test_a_bad_question_is_refused(http: cast.Http, alice: Caller, query: str, status: int) -> None:
    assert (await http(alice).get(f"/api/leads?{query}")).status_code == status


async def test_facets_count_what_is_there(http: cast.Http, alice: Caller, some: tuple[str, str]) -> None:
    all_of = (await http(alice).get("/api/leads/facets")).json()
    assert (all_of["total"], all_of["target_status"]) == (5, {"prospect": 4, "customer": 1})
    assert {each["name"].lower(): each["count"] for each in all_of["niches"]} == {
        "exstart": 1,
        "itadress": 2,
        "outfit": 1,
        "fit": 1,
    }
    assert all_of["triggers"][0]["count"] == 2
    of_one = (await http(alice).get(f"/api/leads/facets?device_id={some[1]}")).json()
    assert (of_one["total"], len(of_one["niches"])) == (2, 1)


# ---------------------------------------------------------------- many at once
async def _bulk(http: cast.Http, caller: Caller, **body: Any) -> dict[str, Any]:
    reply = await http(caller).post("/api/leads/bulk", json=body)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def test_niches_are_added_and_removed(http: cast.Http, alice: Caller, some: tuple[str, str]) -> None:
    added = await _bulk(http, alice, action="add_niches", filter={"niche": "itadress"}, set={"niche": "NEW,ExStart"})
    assert (added["matched"], added["changed"]) == (2, 2)
    again = await _bulk(http, alice, action="add_niches", filter={"niche": "itadress"}, set={"niche": "new"})
    assert (again["matched"], again["unchanged"]) == (2, 2)
    items = (await http(alice).get("/api/leads?niche=new")).json()["items"]
    assert [each["niche"] for each in items] == ["itadress,NEW,ExStart", "EXSTART,ITADRESS,NEW"]
    assert await _names(http, alice, "q=new") == ["Eve\\", "Ann"], "the search knows it too"
    removed = await _bulk(http, alice, action="remove_niches", filter={}, set={"niche": "EXSTART,new"})
    assert (removed["matched"], removed["changed"]) == (5, 2)
    items = (await http(alice).get("/api/leads?niche=itadress")).json()["items"]
    assert [each["niche"] for each in items] == ["itadress", "ITADRESS"]


async def test_a_dry_run_changes_nothing(http: cast.Http, alice: Caller, some: tuple[str, str]) -> None:
    result = await _bulk(http, alice, action="delete", filter={"device_id": some[0]}, dry_run=True)
    assert (result["matched"], result["changed"]) == (3, 3)
    assert len(await _names(http, alice, "")) == 5
    await _bulk(http, alice, action="delete", filter={"device_id": some[0]})
    assert len(await _names(http, alice, "")) == 2


async def test_fields_are_set_where_they_differ(http: cast.Http, alice: Caller, some: tuple[str, str]) -> None:
    given = {"target_status": "customer", "additional_note": "", "attributes": {"vip": "yes"}}
    result = await _bulk(http, alice, action="update", filter={}, set=given)
    assert (result["changed"], result["unchanged"]) == (5, 0)
    assert (await _bulk(http, alice, action="update", filter={}, set=given))["changed"] == 0


async def test_leads_move_unless_the_person_is_there(
    http: cast.Http, alice: Caller, add_device: AddDevice, add_lead: AddLead
) -> None:
    one, two, three = [await add_device(alice, name) for name in ("1", "2", "3")]
    stays = await add_lead(alice, one)
    await add_lead(alice, two)
    also = await add_lead(alice, three)
    moves = await add_lead(alice, one, phone="60129999999")
    ids = [stays["id"], moves["id"], also["id"], "nonsense", new_id()]
    result = await _bulk(http, alice, action="move_device", ids=ids, set={"device_id": two})
    assert (result["matched"], result["changed"], result["unchanged"]) == (3, 1, 2)
    assert {each["id"] for each in result["errors"]} == {stays["id"], also["id"]}
    await _bulk(http, alice, action="delete", filter={"device_id": two})
    result = await _bulk(http, alice, action="move_device", ids=ids, set={"device_id": two})
    assert (result["changed"], len(result["errors"])) == (1, 1), "of two leads of one person one moves"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "delete"}, "ids"),
        ({"action": "delete", "ids": [], "filter": {}}, "ids"),
        ({"action": "explode", "ids": []}, "action"),
        ({"action": "add_niches", "filter": {}}, "set.niche"),
        ({"action": "add_niches", "filter": {}, "set": {"niche": "x" * 101}}, "set.niche"),
        ({"action": "move_device", "filter": {}, "set": {"device_id": NOBODY}}, "set.device_id"),
        ({"action": "update", "filter": {}, "set": {"time_zone": "Mars"}}, "set.time_zone"),
        ({"action": "add_triggers", "filter": {}, "set": {"trigger": [f"t{i}" for i in range(50)]}}, "set.trigger"),
    ],
)
async def test_a_bad_bulk_change_is_refused(
    http: cast.Http, alice: Caller, some: tuple[str, str], body: dict[str, Any], field: str
) -> None:
    reply = await http(alice).post("/api/leads/bulk", json=body)
    assert reply.status_code == 422, reply.text
    assert reply.json()["errors"][0]["field"] == field


# ---------------------------------------------------------------- walls
async def test_mallory_sees_and_changes_nothing(
    http: cast.Http, alice: Caller, mallory: Caller, some: tuple[str, str], add_device: AddDevice
) -> None:
    lead = (await http(alice).get("/api/leads?limit=1")).json()["items"][0]
    hers = http(mallory)
    path = f"/api/leads/{lead['id']}"
    assert (await hers.get(path)).status_code == 404
    assert (await hers.put(path, json={"name": "x"})).status_code == 404
    assert (await hers.patch(path, json={"name": "x"})).status_code == 404
    assert (await hers.delete(path)).status_code == 404
    assert (await hers.get(f"/api/devices/{some[0]}/leads")).status_code == 404
    assert (await hers.get("/api/leads?with_total=true")).json()["total"] == 0
    assert (await hers.get(f"/api/leads?device_id={some[0]}")).json()["items"] == []
    assert (await hers.get("/api/leads/facets")).json()["total"] == 0
    body = {"name": "x", "phone": "60121111111", "device_id": some[0]}
    assert (await hers.post("/api/leads", json=body)).json()["errors"][0]["code"] == "unknown_device"
    assert (await _bulk(http, mallory, action="delete", ids=[lead["id"]]))["matched"] == 0
    own = await add_device(mallory)
    body = {"name": "x", "phone": lead["phone"], "device_id": own}
    made = (await hers.post("/api/leads", json=body)).json()
    assert made["warnings"] == [], "persons of other workspaces are not known"
    moved = await hers.put(f"/api/leads/{made['id']}", json={"device_id": some[0]})
    assert moved.json()["errors"][0]["code"] == "unknown_device"


async def test_a_viewer_reads_and_an_operator_writes(
    http: cast.Http, alice: Caller, bob: Caller, vera: Caller, add_device: AddDevice
) -> None:
    body = {"name": "Ann", "phone": "60123456789", "device_id": await add_device(alice)}
    assert (await http(vera).post("/api/leads", json=body)).status_code == 403
    assert (await http(bob).post("/api/leads", json=body)).status_code == 201
    assert (await http(vera).get("/api/leads")).status_code == 200
    assert (await http(None).get("/api/leads")).status_code == 401
    assert (await http(alice).get("/api/leads/nonsense")).status_code == 404
