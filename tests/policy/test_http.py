"""Rules over HTTP: each number with its origin, who may tighten and loosen, what is refused, and what is kept on record."""

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from hantar.accounts.model import Caller
from hantar.audit import service as audit
from hantar.kit import db, ids
from hantar.policy import catalogue, model, service
from tests import cast
from tests.cast import Http

URL = "/api/policy"
PACKAGE = Path(__file__).parent.parent.parent / "hantar"


async def put(client: httpx.AsyncClient, kind: Any = "linked", reason: Any = "We agreed on it.", **values: Any) -> httpx.Response:
    more = {name: values.pop(name) for name in ("declaration", "version") if name in values}
    return await client.put(URL, json={"kind": kind, "values": values, "reason": reason, **more})


async def rules(client: httpx.AsyncClient, kind: str = "linked") -> dict[str, dict[str, Any]]:
    """The rules of a kind by name."""
    reply = await client.get(URL)
    assert reply.status_code == 200, reply.text
    found = next(each for each in reply.json()["kinds"] if each["kind"] == kind)
    return {rule["name"]: rule for rule in found["rules"]}


def fields(reply: httpx.Response) -> list[tuple[str, str]]:
    assert reply.status_code == 422, reply.text
    return [(each["field"], each["code"]) for each in reply.json()["errors"]]


# ---------------------------------------------------------------------- reading


async def test_every_rule_is_shown_for_every_kind_with_words_and_origin(http: Http, vera: Caller) -> None:
    body = (await http(vera).get(URL)).json()
    assert body["version"] == 0
    assert not body["may_lock"]
    assert [each["kind"] for each in body["kinds"]] == ["linked", "cloud", "simulator", "demo"]
    for kind in body["kinds"]:
        assert {rule["name"] for rule in kind["rules"]} == set(model.NAMES)
        for rule in kind["rules"]:
            assert rule["words"].endswith(".")
            assert (rule["origin"], rule["version"], rule["by"]) == ("default", None, None)
            assert rule["value"] == rule["default"] == rule["built_in"]
            assert rule["source"]
    assert {each["name"] for each in body["constants"]} == {"optout_keywords", "optout_confirm", "intent_hold"}
    assert {(each["value"], each["who_may_loosen"]) for each in body["constants"]} == {("on", "nobody")}


async def test_values_are_in_the_words_of_people(http: Http, vera: Caller) -> None:
    linked, simulator = await rules(http(vera)), await rules(http(vera), "simulator")
    assert (linked["quiet_start"]["value"], linked["quiet_end"]["value"]) == ("08:00", "21:00")
    assert (simulator["quiet_start"]["value"], simulator["quiet_end"]["value"]) == ("00:00", "24:00")
    assert linked["quiet_days"]["value"] == []
    assert linked["device_new_chats"]["value"] == "by_age"
    assert linked["unanswered_max"]["value"] == simulator["canary_size"]["value"] == "off"
    assert (linked["late_start_after"]["value"], linked["pause_optout_campaign"]["value"]) == (7200, 2.0)
    assert (linked["device_per_minute"]["most"], linked["device_per_minute"]["is_hard"]) == (20, True)
    assert (linked["device_gap"]["least"], linked["device_gap"]["stricter"]) == (3, "more")
    assert linked["consent_mode"]["choices"] == ["strict", "mark"]


async def test_our_own_numbers_are_called_so_and_published_ones_are_not(http: Http, vera: Caller) -> None:
    linked, cloud = await rules(http(vera)), await rules(http(vera), "cloud")
    assert linked["device_new_chats"]["is_ours"]
    assert not cloud["device_new_chats"]["is_ours"]
    assert "Meta" in cloud["device_new_chats"]["source"]
    assert linked["person_cap_day"]["is_ours"]
    assert not linked["consent_mode"]["is_ours"]


WHO = {
    "owner": "optout_line consent_mode quiet_start quiet_end quiet_days person_cap_day person_cap_week sequence_cap_day "
    "device_gap device_per_minute device_per_hour device_per_day device_new_chats pause_optout_campaign pause_optout_device "
    "pause_failed pause_blocks pause_min_sample number_check",
    "operator": "conversation_guard quiet_overflow quiet_unknown_zone unanswered_max unanswered_rest canary_size canary_wait "
    "late_policy late_start_after expires_after",
    "nobody": "pause_cooldown",
}
"""responsible-sending.md 13, last column."""
LOOSER: dict[str, Any] = {
    "optout_line": "warn",
    "consent_mode": "mark",
    "quiet_start": "07:00",
    "quiet_end": "22:00",
    "quiet_days": [],
    "device_gap": 3,
    "conversation_guard": False,
    "number_check": False,
    "quiet_overflow": "next_window",
    "quiet_unknown_zone": "send",
    "unanswered_max": "off",
    "unanswered_rest": 1,
    "canary_size": "off",
    "canary_wait": 60,
    "late_policy": "run",
    "pause_cooldown": 90_000,
    "device_per_hour": 500,
    "device_per_minute": 20,
    "device_per_day": 5000,
    "device_new_chats": 5000,
    "pause_min_sample": 200,
}
"""A value of each rule that is looser than `TIGHTER`; else twice the default."""
TIGHTER: dict[str, Any] = {
    "quiet_days": [7],
    "quiet_overflow": "drop",
    "unanswered_max": 3,
    "unanswered_rest": 60,
    "pause_cooldown": 172_800,
    "device_per_minute": 10,
    "device_per_day": 100,
}


async def test_the_table_of_who_may_loosen_holds_for_every_rule(http: Http, alice: Caller, bob: Caller) -> None:
    shown = {name: rule["who_may_loosen"] for name, rule in (await rules(http(bob))).items()}
    assert {who: set(names.split()) for who, names in WHO.items()} == {
        who: {name for name, each in shown.items() if each == who} for who in WHO
    }
    for name, rule in (await rules(http(bob))).items():
        if name in TIGHTER:
            assert (await put(http(bob), **{name: TIGHTER[name]})).status_code == 200
        loose = LOOSER.get(name, rule["value"] * 2 if isinstance(rule["value"], int | float) else None)
        reply = await put(http(bob), declaration="With us.", **{name: loose})
        assert reply.status_code == (200 if shown[name] == "operator" else 403), (name, reply.text)
        if shown[name] != "operator":
            assert (reply.json()["code"], reply.json()["who_may_loosen"]) == ("may_not_loosen", shown[name])
            owner = await put(http(alice), declaration="With us.", **{name: loose})
            assert owner.status_code == 200, (name, owner.text)


# ---------------------------------------------------------------------- changing


async def test_a_change_is_a_new_version_with_reason_and_record(
    http: Http, alice: Caller, bob: Caller, database: db.Database
) -> None:
    reply = await put(http(bob), quiet_start="09:30", person_cap_day=1, reason="  Complaints in the morning. ")
    assert reply.status_code == 200, reply.text
    assert (reply.json()["version"], reply.headers["etag"]) == (1, '"1"')
    await put(http(alice), "cloud", reason="Fridays.", quiet_days=[5, 7, 5])
    linked, cloud = await rules(http(alice)), await rules(http(alice), "cloud")
    rule = linked["quiet_start"]
    assert (rule["value"], rule["default"], rule["origin"]) == ("09:30", "08:00", "workspace")
    assert (rule["version"], rule["by"], rule["reason"]) == (1, "Bob", "Complaints in the morning.")
    assert (cloud["quiet_days"]["value"], cloud["quiet_days"]["version"], cloud["quiet_start"]["value"]) == ([5, 7], 2, "08:00")
    versions = (await http(alice).get(f"{URL}/versions?with_total=true")).json()
    assert [each["version"] for each in versions["items"]] == [2, 1]
    assert versions["total"] == 2
    assert versions["items"][1]["changes"] == [
        {"kind": "linked", "name": "quiet_start", "label": "Messages from", "before": "08:00", "after": "09:30"},
        {"kind": "linked", "name": "person_cap_day", "label": "Per person in 24 hours", "before": 2, "after": 1},
    ]
    first = (await http(alice).get(f"{URL}/versions?limit=1")).json()
    second = (await http(alice).get(f"{URL}/versions?limit=1&cursor={first['next_cursor']}")).json()
    assert ([each["version"] for each in second["items"]], second["next_cursor"]) == ([1], None)
    async with database.transaction(alice.workspace_id) as tx:
        entry = await tx.fetchrow("SELECT * FROM audit ORDER BY seq LIMIT 1")
        assert entry is not None
        assert (entry["action"], entry["object_kind"], entry["object_id"], entry["actor"]) == (
            "policy.changed",
            "policy",
            "1",
            "Bob",
        )
        assert (entry["before"], entry["reason"]) == (
            {"linked.quiet_start": "08:00", "linked.person_cap_day": 2},
            "Complaints in the morning.",
        )
        assert entry["after"] == {"linked.quiet_start": "09:30", "linked.person_cap_day": 1}
        assert await audit.first_broken(tx, alice.workspace_id) is None
        effective = await service.of(tx, alice.workspace_id, "linked")
    assert (effective.rules.quiet_start, effective.rules.person_cap_day, effective.version) == (570, 1, 2)


async def test_a_null_goes_back_to_the_default_and_nothing_new_is_no_version(http: Http, alice: Caller) -> None:
    await put(http(alice), person_cap_day=1, quiet_days=[7])
    same = await put(http(alice), person_cap_day=1, quiet_days=[7])
    assert same.json()["version"] == 1
    back = await put(http(alice), person_cap_day=None)
    assert back.json()["version"] == 2
    rule = (await rules(http(alice)))["person_cap_day"]
    assert (rule["value"], rule["origin"], rule["version"]) == (2, "default", 2)
    assert (await rules(http(alice)))["quiet_days"]["value"] == [7]
    assert (await put(http(alice), person_cap_day=None)).json()["version"] == 2


async def test_going_back_to_the_default_is_loosening_too(http: Http, alice: Caller, bob: Caller) -> None:
    await put(http(bob), person_cap_day=1)
    reply = await put(http(bob), person_cap_day=None)
    assert (reply.status_code, reply.json()["code"]) == (403, "may_not_loosen")
    assert (await put(http(alice), person_cap_day=None)).status_code == 200


async def test_nobody_goes_below_the_rest_after_a_ban_signal(http: Http, alice: Caller) -> None:
    assert fields(await put(http(alice), pause_cooldown=3600)) == [("values.pause_cooldown", "hard_limit")]
    assert fields(await put(http(alice), "simulator", pause_cooldown=1)) == [("values.pause_cooldown", "hard_limit")]
    assert (await put(http(alice), pause_cooldown=172_800)).status_code == 200
    assert (await put(http(alice), pause_cooldown=86_400)).status_code == 200, "the owner may take back what was tightened here"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("device_per_minute", 21, "hard_limit"),
        ("device_per_hour", 501, "hard_limit"),
        ("device_per_day", 5001, "hard_limit"),
        ("device_new_chats", 5001, "hard_limit"),
        ("device_gap", 2.9, "hard_limit"),
        ("device_per_minute", 0, "hard_limit"),
        ("device_per_minute", "10", "wrong_type"),
        ("device_per_minute", True, "wrong_type"),
        ("device_per_minute", 7.5, "not_whole"),
        ("device_per_minute", [1], "wrong_type"),
        ("device_per_minute", "by_age", "wrong_type"),
        ("quiet_start", "24:01", "wrong_type"),
        ("quiet_start", "24:00", "too_large"),
        ("quiet_start", "8:00", "wrong_type"),
        ("quiet_start", 480, "wrong_type"),
        ("quiet_end", "00:00", "too_small"),
        ("quiet_end", "08:00", "no_hour_left"),
        ("quiet_days", [8], "wrong_type"),
        ("quiet_days", "7", "wrong_type"),
        ("quiet_days", [1, 2, 3, 4, 5, 6, 7], "no_day_left"),
        ("consent_mode", "off", "unknown_choice"),
        ("conversation_guard", "on", "wrong_type"),
        ("person_cap_day", 0, "too_small"),
        ("person_cap_day", 1001, "too_large"),
        ("pause_failed", 0, "too_small"),
        ("expires_after", 10**30, "too_large"),
        ("no_such_rule", True, "unknown_rule"),
        ("approve_above", 5, "unknown_rule"),
    ],
)
async def test_what_a_rule_cannot_be_is_refused_on_its_field(http: Http, alice: Caller, name: str, value: Any, code: str) -> None:
    reply = await put(http(alice), **{name: value})
    assert fields(reply) == [(f"values.{name}", code)]
    assert (await http(alice).get(URL)).json()["version"] == 0


async def test_all_wrong_fields_come_at_once_and_nothing_is_changed(http: Http, alice: Caller) -> None:
    reply = await put(http(alice), quiet_start="late", person_cap_day=0, person_cap_week=3)
    assert fields(reply) == [("values.quiet_start", "wrong_type"), ("values.person_cap_day", "too_small")]
    assert (await http(alice).get(URL)).json()["version"] == 0


@pytest.mark.parametrize(
    "body", [{"reason": ""}, {"reason": "  "}, {}, {"reason": "x", "kind": "telegram"}, {"reason": "x", "values": {}}]
)
async def test_a_change_needs_a_reason_a_kind_and_something_to_change(http: Http, alice: Caller, body: dict[str, Any]) -> None:
    reply = await http(alice).put(URL, json={"kind": "linked", "values": {"person_cap_day": 1}, **body})
    assert reply.status_code == 422


async def test_marking_instead_of_asking_for_consent_needs_a_declaration_by_a_person(
    http: Http, alice: Caller, database: db.Database
) -> None:
    for kind in ("linked", "cloud"):
        assert fields(await put(http(alice), kind, consent_mode="mark")) == [("declaration", "required")]
        assert fields(await put(http(alice), kind, consent_mode="mark", declaration="  ")) == [("declaration", "required")]
    client = http(None)
    client.headers["Authorization"] = f"Bearer {await cast.add_key(database, alice, 'settings:write')}"
    assert (await put(client, consent_mode="mark", declaration="In our shop system.")).status_code == 403
    reply = await put(http(alice), consent_mode="mark", declaration="In our shop system, table customers.")
    assert reply.status_code == 200, reply.text
    rule = (await rules(http(alice)))["consent_mode"]
    assert (rule["value"], rule["declaration"]) == ("mark", "In our shop system, table customers.")
    [version] = (await http(alice).get(f"{URL}/versions")).json()["items"]
    assert version["declaration"] == "In our shop system, table customers."
    assert (await put(http(alice), consent_mode="strict")).status_code == 200
    assert (await put(http(alice), "simulator", consent_mode="strict")).status_code == 200
    assert (await put(http(alice), "simulator", consent_mode="mark")).status_code == 200, "nobody real is written to"


async def test_a_version_that_somebody_else_changed_is_not_overwritten(http: Http, alice: Caller, bob: Caller) -> None:
    assert (await put(http(bob), person_cap_day=1, version=0)).status_code == 200
    late = await put(http(alice), person_cap_week=3, version=0)
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    body = {"kind": "linked", "values": {"person_cap_week": 3}, "reason": "x"}
    for tag, status in (('"0"', 412), ("rubbish", 412), ('"1"', 200), ("*", 200)):
        assert (await http(alice).put(URL, json=body, headers={"If-Match": tag})).status_code == status


async def test_writers_at_the_same_time_each_make_a_version(http: Http, alice: Caller) -> None:
    names = ("person_cap_day", "person_cap_week", "sequence_cap_day", "device_per_hour")
    replies = await asyncio.gather(*(put(http(alice), **{name: 1}) for name in names))
    assert [reply.status_code for reply in replies] == [200] * 4
    found = await rules(http(alice))
    assert [found[name]["value"] for name in names] == [1] * 4
    assert sorted(found[name]["version"] for name in names) == [1, 2, 3, 4]


async def test_viewers_read_and_strangers_see_nothing(http: Http, alice: Caller, vera: Caller, mallory: Caller) -> None:
    await put(http(alice), person_cap_day=1, reason="Kanarienvogel")
    assert (await put(http(vera), person_cap_day=1)).status_code == 403
    assert (await put(http(None), person_cap_day=1)).status_code == 401
    assert (await http(vera).get(f"{URL}/versions")).json()["items"][0]["reason"] == "Kanarienvogel"
    for path in (URL, f"{URL}/versions"):
        assert "Kanarienvogel" not in (await http(mallory).get(path)).text
    assert (await rules(http(mallory)))["person_cap_day"]["value"] == 2
    assert (await http(vera).get(f"{URL}/versions?cursor=rubbish")).status_code == 400


# ---------------------------------------------------------------------- the installation's numbers


async def lock(
    client: httpx.AsyncClient, name: str, value: Any = None, is_locked: bool = True, kind: str = "linked"
) -> httpx.Response:
    body = {"kind": kind, "name": name, "value": value, "is_locked": is_locked, "reason": "For all of us."}
    return await client.put(f"{URL}/lock", json=body)


async def test_only_an_administrator_locks_and_then_everybody_may_only_tighten(
    http: Http, admin: Caller, alice: Caller, database: db.Database
) -> None:
    await put(http(alice), person_cap_day=5, person_cap_week=20)
    for caller in (alice, None):
        assert (await lock(http(caller), "person_cap_day", 3)).status_code in (401, 403)
    reply = await lock(http(admin), "person_cap_day", 3)
    assert reply.status_code == 200, reply.text
    assert reply.json()["may_lock"]
    rule = (await rules(http(alice)))["person_cap_day"]
    assert (rule["value"], rule["origin"], rule["locked"], rule["default"]) == (3, "administrator", True, 3)
    assert (rule["by"], rule["reason"]) == ("Ada", "For all of us.")
    assert (await rules(http(alice)))["person_cap_week"]["value"] == 20
    refused = await put(http(alice), person_cap_day=4)
    assert (refused.status_code, refused.json()["code"]) == (409, "policy_locked")
    assert (await put(http(alice), person_cap_day=1)).status_code == 200
    rule = (await rules(http(alice)))["person_cap_day"]
    assert (rule["value"], rule["origin"], rule["locked"]) == (1, "workspace", True)
    async with database.transaction(admin.workspace_id) as tx:
        entry = await tx.fetchrow("SELECT * FROM audit")
    assert entry is not None
    assert (entry["action"], entry["before"], entry["after"]) == (
        "policy.locked",
        {"linked.person_cap_day": 2},
        {"linked.person_cap_day": 3, "is_locked": True},
    )
    assert (await lock(http(admin), "person_cap_day", is_locked=False)).status_code == 200
    assert (await rules(http(admin)))["person_cap_day"]["origin"] == "default"
    assert (await put(http(alice), person_cap_day=4)).status_code == 200


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("device_per_minute", 600, "value.device_per_minute"),
        ("pause_cooldown", 60, "value.pause_cooldown"),
        ("consent_mode", "mark", "value"),
        ("quiet_end", "07:00", "value"),
        ("no_such_rule", True, "name"),
    ],
)
async def test_an_administrator_has_hard_limits_too(http: Http, admin: Caller, name: str, value: Any, field: str) -> None:
    assert [each for each, _ in fields(await lock(http(admin), name, value))] == [field]


async def test_a_number_that_is_none_can_be_locked(http: Http, admin: Caller, alice: Caller) -> None:
    assert (await lock(http(admin), "device_new_chats", 100)).status_code == 200
    assert (await lock(http(admin), "device_new_chats", "by_age")).status_code == 200
    rule = (await rules(http(alice)))["device_new_chats"]
    assert (rule["value"], rule["locked"]) == ("by_age", True)
    assert (await lock(http(admin), "quiet_days", [7])).status_code == 200
    assert (await rules(http(alice)))["quiet_days"]["value"] == [7]


async def test_a_key_cannot_lock(http: Http, admin: Caller, database: db.Database) -> None:
    client = http(None)
    client.headers["Authorization"] = f"Bearer {await cast.add_key(database, admin, 'settings:write', 'consent:read')}"
    assert (await lock(client, "person_cap_day", 3)).status_code == 403
    assert not (await client.get(URL)).json()["may_lock"]


# ---------------------------------------------------------------------- what applies to a device


async def add_device(database: db.Database, caller: Caller, **columns: Any) -> str:
    """A device's row; returns its id."""
    made = ids.new_id()
    async with database.transaction(caller.workspace_id) as tx:
        row = {"workspace_id": caller.workspace_id, "id": made, "name": "Shop", "driver": "simulator", **columns}
        row |= dict.fromkeys(("state_since", "created_at", "updated_at"), await tx.now())
        marks = ", ".join(f"${n}" for n in range(1, len(row) + 1))
        await tx.execute(f"INSERT INTO devices ({', '.join(row)}) VALUES ({marks})", *row.values())
    return made


async def effective(client: httpx.AsyncClient, device: str, **more: str) -> dict[str, tuple[Any, str]]:
    """Value and origin by name."""
    reply = await client.get(f"{URL}/effective", params={"device_id": device, **more})
    assert reply.status_code == 200, reply.text
    return {rule["name"]: (rule["value"], rule["origin"]) for rule in reply.json()["rules"]}


async def test_the_tightest_number_binds_and_says_where_it_comes_from(
    http: Http, alice: Caller, vera: Caller, database: db.Database
) -> None:
    await put(http(alice), "linked", device_per_minute=15)
    device = await add_device(
        database, alice, driver="linked", per_minute=20, per_hour=500, per_day=40, min_delay_seconds=9.0, max_delay_seconds=9.0
    )
    found = await effective(http(vera), device)
    assert found["device_per_minute"] == (15, "workspace")
    assert found["device_per_hour"] == (80, "default")
    assert found["device_per_day"] == (40, "device")
    assert found["device_gap"] == (9.0, "device")
    assert found["person_cap_day"] == (2, "default")


async def test_a_campaign_narrows_and_never_widens(http: Http, alice: Caller, database: db.Database) -> None:
    device, campaign, content = await add_device(database, alice), ids.new_id(), ids.new_id()
    async with database.transaction(alice.workspace_id) as tx:
        now = await tx.now()
        await tx.execute(
            "INSERT INTO contents (workspace_id, id, kind, text, created_at) VALUES ($1, $2, 'text', 'x', $3)",
            alice.workspace_id,
            content,
            now,
        )
        await tx.execute(
            """INSERT INTO campaigns (workspace_id, id, title, niche, target_status, content_id, time_zone, due_at,
                 min_delay_seconds, max_delay_seconds, status, rules, created_at, updated_at)
               VALUES ($1, $2, 'x', 'all', 'all', $3, 'UTC', $4, 0, 0, 'pending', $5, $4, $4)""",
            alice.workspace_id,
            campaign,
            content,
            now,
            {"person_cap_day": 2, "person_cap_week": 900, "quiet_start": 480},
        )
    found = await effective(http(alice), device, campaign_id=campaign)
    assert found["person_cap_day"] == (2, "campaign")
    assert found["person_cap_week"] == (200, "default")
    assert found["quiet_start"] == ("08:00", "campaign")
    assert found["quiet_end"] == ("24:00", "default")


async def test_effective_numbers_of_nothing_are_not_found(
    http: Http, alice: Caller, mallory: Caller, database: db.Database
) -> None:
    device = await add_device(database, alice)
    asked = {"device_id": device, "campaign_id": ids.new_id()}
    for caller, query in ((mallory, {"device_id": device}), (alice, {"device_id": "x"}), (alice, asked)):
        assert (await http(caller).get(f"{URL}/effective", params=query)).status_code == 404


def test_the_order_of_terms_has_each_rule_once() -> None:
    assert sorted(term.name for term in catalogue.TERMS) == sorted(model.NAMES)


def test_no_rule_is_shown_that_nothing_enforces() -> None:
    """A number on the page that nobody reads would be a promise that is not kept."""
    files = [path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in ("policy", "demo")]
    program = "\n".join(path.read_text(encoding="utf-8") for path in files)
    assert [name for name in model.NAMES if not re.search(rf"\b{name}\b", program)] == []
