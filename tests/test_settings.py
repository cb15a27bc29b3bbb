"""Settings: which name wins, what counts as empty, what is refused, and that the documentation has each of them."""

import os
import re
from pathlib import Path

import pytest

from hantar import settings
from hantar.settings import Settings, SettingsError

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs" / "settings.md"
HOME = {"HOME": "/home/alice"}


def load(**environ: str) -> Settings:
    return Settings.load(HOME | environ)


def problems(**environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(**environ)
    return str(caught.value)


def test_nothing_set_means_the_defaults() -> None:
    loaded = load()
    assert (loaded.database_url, loaded.host, loaded.port, loaded.public_url) == ("", "127.0.0.1", 3000, "")
    assert (loaded.time_zone, loaded.registration, loaded.driver) == ("Asia/Kuala_Lumpur", "open", "simulator")
    assert (loaded.allow_private_urls, loaded.debug, loaded.basic_auth) == (False, False, None)
    assert (loaded.broadcast_cleanup_minutes, loaded.broadcast_check_seconds) == (5, 10)
    assert (loaded.broadcast_max_workers, loaded.broadcast_max_pools, loaded.broadcast_window) == (3000, 10, 1000)
    assert loaded.broadcast_log_seconds == 30
    assert (loaded.cloud_base_url, loaded.cloud_version) == ("https://graph.facebook.com", "v25.0")
    assert loaded.warnings == ()


@pytest.mark.parametrize(
    ("environ", "field", "value"),
    [
        ({"DB_URI": "postgres://a@h/one", "DATABASE_URL": "postgres://a@h/two"}, "database_url", "postgresql://a@h/one"),
        ({"DATABASE_URL": "postgresql+asyncpg://a@h/two"}, "database_url", "postgresql://a@h/two"),
        ({"DB_URI": "${{Postgres.URL}}", "DATABASE_URL": "postgresql://h/d"}, "database_url", "postgresql://h/d"),
        ({"APP_PORT": "3001", "PORT": "3002"}, "port", 3001),
        ({"APP_PORT": "  ", "PORT": "3002"}, "port", 3002),
        ({"TZ": "Asia/Dubai"}, "time_zone", "Asia/Dubai"),
        ({"TZ": ":/etc/localtime"}, "time_zone", "Asia/Kuala_Lumpur"),
        ({"APP_DEBUG": "YES"}, "debug", True),
        ({"HANTAR_REGISTRATION": "Invite"}, "registration", "invite"),
        ({"HANTAR_PUBLIC_URL": "https://hantar.example.com/"}, "public_url", "https://hantar.example.com"),
        ({"HANTAR_DATA_DIR": "/srv/hantar/../h"}, "data_dir", Path("/srv/h")),
        ({"APP_BASIC_AUTH": "ali:ce:pass:word"}, "basic_auth", ("ali", "ce:pass:word")),
        ({"HANTAR_SIMULATOR_SEED": "-7"}, "simulator_seed", -7),
        ({"HANTAR_CLOUD_BASE_URL": "http://127.0.0.1:9000/"}, "cloud_base_url", "http://127.0.0.1:9000"),
        ({"HANTAR_CLOUD_BASE_URL": "https://partner.example/wa/"}, "cloud_base_url", "https://partner.example/wa"),
        ({"HANTAR_CLOUD_VERSION": "v26.0"}, "cloud_version", "v26.0"),
        ({"BROADCAST_PROGRESS_LOG_SECONDS": " 60 "}, "broadcast_log_seconds", 60),
        ({"BROADCAST_MAX_WORKERS_PER_POOL": "5000"}, "broadcast_max_workers", 5000),
        ({"BROADCAST_MAX_POOLS_PER_USER": "1"}, "broadcast_max_pools", 1),
        ({"BROADCAST_WORKER_QUEUE_SIZE": "200"}, "broadcast_window", 200),
        ({"BROADCAST_POOL_CLEANUP_MINUTES": "0"}, "broadcast_cleanup_minutes", 0),
        ({"BROADCAST_COMPLETION_CHECK_SECONDS": "${{ X }}"}, "broadcast_check_seconds", 10),
    ],
)
def test_values_are_read(environ: dict[str, str], field: str, value: object) -> None:
    assert getattr(load(**environ), field) == value


@pytest.mark.parametrize("text", ["${{ secrets.PORT }}", "{{ port }}", "${PORT}"])
def test_template_text_counts_as_empty_with_a_warning(text: str) -> None:
    loaded = load(PORT=text)
    assert loaded.port == 3000
    assert "PORT" in loaded.warnings[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "sqlite:///hantar.db"),
        ("DB_URI", "file:storages/whatsapp.db"),
        ("PORT", "80000"),
        ("PORT", "three"),
        ("PORT", "-1"),
        ("APP_DEBUG", "maybe"),
        ("HANTAR_REGISTRATION", "anyone"),
        ("HANTAR_DRIVER", "telegram"),
        ("HANTAR_PUBLIC_URL", "hantar.example.com"),
        ("APP_BASIC_AUTH", "admin"),
        ("APP_BASIC_AUTH", "admin:"),
        ("HANTAR_SIMULATOR_SEED", "1.5"),
        ("HANTAR_CLOUD_BASE_URL", "http://partner.example"),
        ("HANTAR_CLOUD_BASE_URL", "partner"),
        ("HANTAR_CLOUD_VERSION", "25"),
        ("HANTAR_CLOUD_VERSION", "v25.0/me"),
        ("BROADCAST_PROGRESS_LOG_SECONDS", "0"),
        ("BROADCAST_MAX_WORKERS_PER_POOL", "0"),
        ("BROADCAST_MAX_POOLS_PER_USER", "many"),
        ("BROADCAST_WORKER_QUEUE_SIZE", "0"),
        ("BROADCAST_POOL_CLEANUP_MINUTES", "-1"),
        ("BROADCAST_COMPLETION_CHECK_SECONDS", "5s"),
    ],
)
def test_a_wrong_value_is_refused_by_name_and_never_repeated(name: str, value: str) -> None:
    said = problems(**{name: value})
    assert said.startswith(name)
    assert value not in said.partition(" ")[2].split()


def test_all_problems_come_at_once() -> None:
    assert len(problems(PORT="x", APP_DEBUG="x").splitlines()) == 2


@pytest.mark.parametrize("sample", ["admin:admin", "admin:changeme123", "user:pass", "user1:Password"])
def test_a_published_sample_password_works_on_this_machine_only(sample: str) -> None:
    assert load(APP_BASIC_AUTH=sample).basic_auth is not None
    assert load(APP_BASIC_AUTH=sample, HANTAR_HOST="::1", HANTAR_PUBLIC_URL="http://localhost:3000").basic_auth
    assert "sample password" in problems(APP_BASIC_AUTH=sample, HANTAR_HOST="0.0.0.0")  # noqa: S104 that is the point
    assert "sample password" in problems(APP_BASIC_AUTH=sample, HANTAR_PUBLIC_URL="https://hantar.example.com")


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    secret = "s3cr3t" * 6
    loaded = load(DATABASE_URL=f"postgresql://a:{secret}@h/d", APP_BASIC_AUTH=f"a:{secret}")
    assert secret not in repr(loaded)
    assert secret not in repr(loaded.basic_auth)


def test_a_misspelt_setting_is_mentioned() -> None:
    assert "HANTAR_DATADIR" in load(HANTAR_DATADIR="/x").warnings[0]
    assert load(HANTAR_SKIP_UI="1").warnings == ()


def test_the_data_folder_is_found_without_a_home() -> None:
    found = [Settings.load(environ).data_dir for environ in ({}, {"HOME": ""})]
    assert found[0] == found[1]
    assert found[0].is_absolute()


def test_root_keeps_data_where_other_accounts_can_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert load().data_dir == Path("/var/lib/hantar")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(settings.sys, "platform", "linux")
    assert load().data_dir == Path("/home/alice/.local/share/hantar")
    assert load(XDG_DATA_HOME="/data").data_dir == Path("/data/hantar")


def test_the_documentation_has_a_heading_for_each_setting_and_for_nothing_else() -> None:
    documented = re.findall(r"^## (.+)$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert documented == [", ".join(each.metadata["names"]) for each in settings.table()]


def test_the_documentation_tells_default_and_reason_of_each_setting() -> None:
    sections = re.split(r"^## ", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    for each, section in zip(settings.table(), sections, strict=True):
        assert f"Default: {each.metadata['default']}." in section
        assert each.metadata["why"] in section


def test_every_setting_is_used() -> None:
    files = [path for path in (ROOT / "hantar").rglob("*.py") if path.name != "settings.py"]
    used = set(re.findall(r"settings\.(\w+)", "".join(path.read_text(encoding="utf-8") for path in files)))
    assert [each.name for each in settings.table() if each.name not in used] == []
