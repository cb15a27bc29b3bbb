"""The lock files hold hashes and name no registry, so that a mirror or a proxy is nothing but the user's own setting."""

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYTHON_LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
NPM_LOCK = ROOT / "frontend" / "package-lock.json"
FORBIDDEN = ("://", 'resolved"', "--index-url", "--extra-index-url", "--find-links", "--trusted-host", "git+", "file:")
REGISTRIES = ("pypi" + ".org", "python" + "hosted.org", "registry" + ".npmjs", "registry" + ".yarnpkg", "npm" + "mirror.com")
"""Put together here, so that this file does not find itself."""


@pytest.mark.parametrize("path", [*PYTHON_LOCKS, NPM_LOCK, ROOT / "frontend" / ".npmrc"], ids=lambda path: path.name)
def test_a_lock_names_no_address(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert [word for word in FORBIDDEN if word in text] == []


@pytest.mark.parametrize("path", PYTHON_LOCKS, ids=lambda path: path.name)
def test_every_python_package_has_a_version_and_a_hash(path: Path) -> None:
    entries = re.split(r"\n(?=\S)", path.read_text(encoding="utf-8").strip())
    wrong = [each.split(" ")[0] for each in entries if not re.match(r"[\w.-]+==\S+", each) or "--hash=sha256:" not in each]
    assert wrong == []


def test_all_python_locks_are_there() -> None:
    assert [path.stem for path in PYTHON_LOCKS] == ["bootstrap", "build", "dev", "peers-arq", "peers", "run"]


def test_working_on_hantar_uses_the_versions_it_runs_on() -> None:
    run, dev = (_versions(ROOT / "requirements" / f"{name}.txt") for name in ("run", "dev"))
    assert {name: dev.get(name) for name in run} == run


def _versions(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", path.read_text(encoding="utf-8"), re.MULTILINE))


def test_every_npm_package_has_its_digest() -> None:
    packages = json.loads(NPM_LOCK.read_text(encoding="utf-8"))["packages"]
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []
    assert [name for name, package in packages.items() if "funding" in package] == []


def test_no_tracked_file_names_a_registry() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("this copy is no git checkout")
    guilty = []
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = ROOT / name
        if path.is_file() and any(host in path.read_text(encoding="utf-8", errors="ignore") for host in REGISTRIES):
            guilty.append(name)
    assert guilty == []
