"""Numbers from the environment: read and checked at the start, in force for real devices, gone with their variable."""

import re
from pathlib import Path
from typing import Any

import pytest

from hantar.accounts.model import Caller
from hantar.kit import db
from hantar.policy import catalogue, environment, model, service, terms
from hantar.settings import Rules, Settings, SettingsError

DOCS = Path(__file__).parent.parent.parent / "docs" / "settings.md"


def load(**environ: str) -> Settings:
    return Settings.load({"HOME": "/home/alice", **environ}, Rules(environment.VARIABLES, environment.problems))


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("QUIET_START", "09:00", 540),
        ("QUIET_END", "24:00", 1440),
        ("QUIET_DAYS", "7, 5", (5, 7)),
        ("QUIET_DAYS", "none", ()),
        ("CONVERSATION_GUARD", "No", False),
        ("QUIET_OVERFLOW", "Drop", "drop"),
        ("DEVICE_PER_MINUTE", "10", 10),
        ("DEVICE_GAP", "7.5", 7.5),
        ("DEVICE_NEW_CHATS", "by_age", None),
        ("UNANSWERED_MAX", "off", None),
        ("PAUSE_OPTOUT_CAMPAIGN", "1.5", 1.5),
        ("CONSENT_MODE", "strict", "strict"),
    ],
)
def test_values_are_read(name: str, text: str, value: Any) -> None:
    loaded = load(**{f"HANTAR_{name}": text})
    assert loaded.rules == {name.lower(): value}
    assert loaded.warnings == ()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("DEVICE_PER_MINUTE", "21", "must be at most 20. That is the hard limit"),
        ("DEVICE_PER_MINUTE", "many", "must be a number"),
        ("DEVICE_PER_MINUTE", "nan", "must be a number"),
        ("DEVICE_GAP", "0", "must be at least 3. That is the hard limit"),
        ("PAUSE_COOLDOWN", "3600", "must be at least 86400"),
        ("QUIET_START", "8", "must be a time"),
        ("QUIET_START", "22:00", "must lie before HANTAR_QUIET_END"),
        ("QUIET_DAYS", "sunday", "must be a list of days"),
        ("CONVERSATION_GUARD", "perhaps", "must be on (true) or off"),
        ("CONSENT_MODE", "mark", "must be strict: only a workspace's owner"),
        ("LATE_POLICY", "never", "must be skip, ask or run"),
    ],
)
def test_a_wrong_value_stops_the_start_in_plain_words(name: str, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(**{f"HANTAR_{name}": text})
    [problem] = caught.value.problems
    assert problem.startswith(f"HANTAR_{name} {said}")
    assert problem.endswith(".")


def test_all_problems_come_at_once_and_templates_count_as_empty() -> None:
    with pytest.raises(SettingsError) as caught:
        load(HANTAR_DEVICE_GAP="x", HANTAR_LATE_POLICY="x", PORT="x")
    assert len(caught.value.problems) == 3
    loaded = load(HANTAR_DEVICE_GAP="${{ GAP }}", HANTAR_PERSON_CAPS_DAY="1")
    assert loaded.rules == {}
    assert len(loaded.warnings) == 2, "a template, and a misspelt name"


async def of(database: db.Database, caller: Caller, kind: str) -> model.Effective:
    async with database.transaction(caller.workspace_id) as tx:
        return await service.of(tx, caller.workspace_id, kind)


async def test_they_hold_for_real_devices_and_go_with_their_variable(database: db.Database, alice: Caller) -> None:
    rules = load(HANTAR_PERSON_CAP_DAY="1", HANTAR_DEVICE_NEW_CHATS="15", HANTAR_QUIET_DAYS="7").rules
    for _ in range(2):
        await service.install(database, rules)
    for kind in model.REAL:
        found = await of(database, alice, kind)
        assert (found.rules.person_cap_day, found.rules.device_new_chats, found.rules.quiet_days) == (1, 15, (7,))
        assert found.origins["person_cap_day"] == "environment"
        assert found.origins["person_cap_week"] == "default"
    for kind in ("simulator", "demo"):
        assert (await of(database, alice, kind)).rules == model.DEFAULTS[kind]  # type: ignore[index]
    await service.install(database, load(HANTAR_DEVICE_NEW_CHATS="by_age").rules)
    found = await of(database, alice, "linked")
    assert (found.rules.person_cap_day, found.rules.device_new_chats, found.rules.quiet_days) == (2, None, ())
    assert found.origins["device_new_chats"] == "environment"
    await service.install(database, {})
    assert (await of(database, alice, "linked")).rules == model.DEFAULTS["linked"]
    async with database.system() as tx:
        assert await tx.fetchval("SELECT count(*) FROM installation_policy") == 0


async def test_the_administrator_s_number_wins_and_stays(database: db.Database, alice: Caller) -> None:
    await service.install(database, {"person_cap_day": 1})
    by = service.By(service.audit.Actor(None, "Ada"), alice.role, is_person=True)
    async with database.door() as tx:
        await service.lock(tx, by, "linked", "person_cap_day", 3, is_locked=False, reason="x")
    await service.install(database, {"person_cap_day": 1})
    found = await of(database, alice, "linked")
    assert (found.rules.person_cap_day, found.origins["person_cap_day"]) == (3, "administrator")
    async with database.door() as tx:
        change = await service.lock(tx, by, "linked", "person_cap_day", None, is_locked=False, reason="x")
    assert (change.before, change.after) == (3, 1)
    assert (await of(database, alice, "linked")).origins["person_cap_day"] == "environment"


def test_the_documentation_lists_each_variable_with_its_numbers() -> None:
    text = DOCS.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(HANTAR_\w+)` \| (.+) \|$", text, re.MULTILINE))
    assert list(rows) == list(environment.VARIABLES)
    for term in catalogue.TERMS:
        linked, cloud = (_said(term.name, getattr(model.DEFAULTS[kind], term.name)) for kind in model.REAL)
        assert rows[environment.variable(term.name)] == f"{term.label} | {_form(term)} | {linked} | {cloud}"


def _said(name: str, value: Any) -> str:
    shown = terms.shown(name, value)
    if isinstance(shown, bool):
        return "on" if shown else "off"
    if isinstance(shown, list):
        return ",".join(map(str, shown)) or "none"
    return f"{shown:g}" if isinstance(shown, float) else str(shown)


def _form(term: catalogue.Term) -> str:
    """How the documentation says what may stand there."""
    if term.choices:
        return ", ".join(term.choices) if term.name != "consent_mode" else "strict"
    forms = {"clock": "HH:MM", "weekdays": "days such as 6,7", "on_off": "on, off", "seconds": "seconds", "percent": "percent"}
    form = forms.get(term.unit, "days" if term.unit == "days" else "a number")
    return f"{form}, or {term.none}" if term.none else form
