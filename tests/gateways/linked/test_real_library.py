"""The real library, offline, in processes of its own: it loads, fails cleanly, and prints into nobody's protocol."""

import asyncio
import importlib.metadata
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hantar.gateways import keeping, port
from hantar.gateways.linked import driver, hosts, loading, sessions, whatsmeow
from hantar.kit import clock

if importlib.util.find_spec("neonize") is None:
    pytest.skip("the extra `linked` is not installed", allow_module_level=True)

NOBODY = "http://127.0.0.1:9"


def play(folder: Path, scene: str, *numbers: int) -> tuple[dict[str, Any], subprocess.CompletedProcess[str]]:
    """Play one scene of `real.py`; what it found, and what it printed."""
    words = [sys.executable, "-m", "tests.gateways.linked.real", str(folder), scene, *map(str, numbers)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads((folder / "found.json").read_text()), done


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], subprocess.CompletedProcess[str], Path]:
    """One device without a network, played once for all tests that look at it."""
    folder = tmp_path_factory.mktemp("offline")
    found, done = play(folder, "offline")
    return found, done, folder


Offline = tuple[dict[str, Any], subprocess.CompletedProcess[str], Path]


@pytest.mark.slow
def test_it_loads_with_our_magic_and_without_libmagic(offline: Offline) -> None:
    found, _, _ = offline
    assert found["magic"] == "hantar.gateways.linked.magic"
    assert found["maps"] == ["neonize-"], "the system's libmagic was loaded"
    assert found["kinds"] == ["MediaImage", "MediaDocument"]


@pytest.mark.slow
def test_no_network_is_told_within_two_seconds_and_each_try_is_a_new_one(offline: Offline) -> None:
    found, _, _ = offline
    assert found["is_told"]
    assert (
        found["told"] == [["Disconnected", "no_network", False]] * 6
    )  # three times out of reach, three times the library itself
    assert len(found["waits"]) == 6
    assert max(found["waits"]) < 2
    assert found["asked"] == [0, 3]


@pytest.mark.slow
def test_what_needs_a_line_is_refused_without_one(offline: Offline) -> None:
    found, _, _ = offline
    assert found["unlinked"] == [False, True]
    assert found["send"] == "DeviceLost"
    assert found["refusals"] == ["NotPaired", "PairingRefused"]
    assert found["fetch"] == "NotPaired"
    assert found["files"] == [], "an unlinked device was dropped and left files behind"


@pytest.mark.slow
def test_a_session_that_was_put_back_is_the_device_it_was(offline: Offline) -> None:
    found, _, _ = offline
    assert found["mode"] == ["0o700", "0o600"]
    assert found["again"]
    assert found["restored"]
    assert found["me"] == "60123456789", "the library began a new device beside the stored one"
    assert len(found["id"]) == 22
    assert found["logout"] == "PairingRefused"
    assert found["kept"] == found["still"] == "60123456789:12@s.whatsapp.net"


@pytest.mark.slow
def test_the_librarys_words_are_verdicts_without_numbers(offline: Offline) -> None:
    found, done, _ = offline
    assert [kind for kind, _ in found["verdicts"]] == ["DeviceLost", "DeviceLost"]
    assert "60198765432" not in str(found["verdicts"])
    assert "60198765432" in done.stdout, "it prints numbers; a host has no standard output for that reason"
    assert "60198765432" not in done.stderr
    assert "60123456789" not in done.stderr
    assert found["levels"] == [40, 40]


@pytest.mark.slow
def test_a_binary_of_another_version_is_an_error_and_no_download(tmp_path: Path) -> None:
    found, _ = play(tmp_path, "other_binary")
    assert "found 0.5.2, expected 9.9.9" in found["words"]
    assert found["asked"] == []
    assert found["right"] == "0.5.2"


@pytest.mark.parametrize(
    ("versions", "word"),
    [
        ({"neonize": "0.5.3", "protobuf": "7.36.2"}, "neonize 0.5.2"),
        ({"neonize": "0.5.2", "protobuf": "6.33.6"}, "protobuf 7.34.1"),
        ({"neonize": "0.5.2"}, "protobuf"),
        ({}, "extra `linked`"),
    ],
)
def test_other_versions_are_refused_in_plain_words(monkeypatch: pytest.MonkeyPatch, versions: dict[str, str], word: str) -> None:
    def version(name: str) -> str:
        if name not in versions:
            raise importlib.metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(importlib.metadata, "version", version)
    with pytest.raises(loading.LibraryUnusable, match=word):
        loading.load()


@pytest.mark.slow
def test_every_connection_has_a_thread_and_one_that_hangs_holds_up_no_other(tmp_path: Path) -> None:
    """With the loop's default executor 14 of 20 never start on two cores; `stop` waits as long as a connect hangs."""
    found, done = play(tmp_path, "hanging")
    assert found["met"] == 24
    assert found["told"] == ["no_network"]
    assert found["stopped"] == 24
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_an_outage_costs_nothing(tmp_path: Path) -> None:
    """200 clients made, opened in vain and closed, ten times."""
    found, _ = play(tmp_path, "outage", 200, 10)
    assert found["told"] == 200 * 10
    assert found["memory"][-1] < 1.1 * found["memory"][0], "memory grows with every round"
    assert found["threads"][-1] <= found["threads"][0] + 4
    assert found["files"][-1] <= found["files"][0] + 4


@pytest.mark.slow
def test_what_the_library_leaves_behind_is_known(tmp_path: Path) -> None:
    """It closes no session file. A version that leaves more behind must not go unnoticed, nor one that leaves nothing."""
    found, _ = play(tmp_path, "leftovers", 40, 4)
    connects = 40 * 3
    memory = (found["memory"][-1] - found["memory"][0]) / connects
    files = (found["files"][-1] - found["files"][0]) / connects
    assert memory < 350_000
    assert 0.9 < files < 1.1
    assert found["threads"][-1] <= found["threads"][0] + 4


@pytest.mark.slow
def test_a_process_that_is_used_up_leaves(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tests.gateways.linked.real", str(tmp_path), "used_up"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == whatsmeow.RETIRED, done.stderr[-2000:]
    assert "a new one is due" in done.stderr


@pytest.mark.slow
async def test_in_a_session_host_it_prints_into_nobodys_protocol(
    offline: Offline, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A kept session is put back by the host, the library says there is no network, a send comes back as not gone out."""
    _, _, played = offline
    copy = sessions.copied(played / "sessions" / "two.db")
    assert copy is not None
    keeps = keeping.Nowhere()
    await keeps.save("two", copy)
    setup = hosts.Setup(tmp_path, "hantar.gateways.linked.whatsmeow", {"proxy": NOBODY}, 2, keeps)
    linked = driver.LinkedDriver(setup, clock.SystemClock())
    told: list[port.Event] = []

    async def take(event: port.Event) -> None:
        told.append(event)

    await linked.start(take)
    try:
        device = port.DeviceRef("two")
        await linked.open(device)
        await _until(lambda: any(isinstance(each, port.Disconnected) and each.why == "no_network" for each in told))
        assert await linked.is_linked(device)
        verdict = await linked.send(device, port.Address("60198765432"), port.Content("Hello"), ref="r")
        assert isinstance(verdict, port.DeviceLost)
        before = len(told)
        await linked.open(device)
        await _until(lambda: len(told) > before)
    finally:
        await linked.close(timedelta(seconds=10))
    assert capfd.readouterr().out == ""
    assert sessions.own_jid(tmp_path / "sessions" / "two.db") == "60123456789:12@s.whatsapp.net"


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():
            await asyncio.sleep(0.02)
