"""The law of the house: floors, doors, and who may touch time. It says who broke it, whom they called, and why that is wrong."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "hantar"

FLOORS: dict[str, int] = {
    "kit": 0,
    "settings": 0,
    "migrations": 1,
    "gateways": 1,
    "accounts": 1,
    "jobs": 1,
    "audit": 1,
    "persons": 1,
    "devices": 2,
    "media": 2,
    "leads": 2,
    "policy": 2,
    "consent": 2,
    "templates": 3,
    "outbox": 4,
    "campaigns": 5,
    "inbox": 5,
    "dispatch": 6,
    "reports": 6,
    "workers": 6,
    "people": 6,
    "hooks": 6,
    "demo": 7,
    "web": 8,
    "installation": 1,
    "app": 9,
    "bench": 10,
    "cli": 11,
    "__main__": 12,
    "": 0,
}
"""Rooms from the ground up; floor 5 has room for sequences (docs/architecture.md)."""

SIDEWAYS = {
    ("leads", "jobs"),
    ("jobs", "accounts"),
    ("leads", "media"),
    ("leads", "devices"),
    ("devices", "media"),
    ("audit", "accounts"),
    ("devices", "policy"),
    ("leads", "consent"),
}
"""Neighbours that may be called although they share a floor: jobs use sign-in's words, leads stand beside devices and media."""

ROLES = {"model", "service", "http", "http_models", "render", "access", "port", "registry", "views", "queue", "pace"}
"""Files another feature may open; never its store."""

PUBLIC: dict[str, set[str]] = {
    "outbox": {"store", "rules", "facts", "lanes", "rulings", "receipts", "retries", "backlog", "tally", "checks"},
    "accounts": {"identity"},
    "campaigns": {"progress", "schedule"},
    "devices": {"keeper", "words", "restrictions", "aside", "together", "numbers"},
    "leads": {"sheet", "merging"},
    "policy": {"terms"},
    "consent": {"quiet", "words", "keywords", "wilson", "optouts", "holds"},
}
"""Files of a feature that are open beyond the roles, each with its reason in `docs/architecture.md`: the dispatcher runs the
outbox's hot statements, and whoever plans or explains asks its rules with its facts; web asks who is calling; reports ask how
a campaign goes and which days a span has; the demo links its devices by the keeper; a campaign that a
restriction pauses asks what counts as one and says so in a device's words; whoever decides about a message asks
consent for the hour, the words and the share; a campaign reads its own numbers as the rules write them."""

FEATURES = {
    "accounts",
    "jobs",
    "devices",
    "media",
    "leads",
    "outbox",
    "campaigns",
    "dispatch",
    "reports",
    "demo",
    "audit",
    "persons",
    "policy",
    "consent",
    "inbox",
    "people",
    "workers",
    "hooks",
    "templates",
}
COMPOSERS = {"app", "bench", "cli", "web", "__main__"}


@functools.cache
def _modules() -> tuple[tuple[str, ast.Module, Path], ...]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found.append((name, ast.parse(path.read_text(encoding="utf-8")), path))
    return tuple(found)


@functools.cache
def _import_statements(tree: ast.Module) -> tuple[ast.Import | ast.ImportFrom, ...]:
    return tuple(node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))


def _imports(tree: ast.Module, known: set[str]) -> Iterator[tuple[str, int]]:
    """Absolute names of our own modules that a file imports, with the line."""
    for node in _import_statements(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names if alias.name.split(".")[0] == "hantar")
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "hantar":
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield (whole if whole in known else node.module), node.lineno


def _room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def broken_laws(files: list[tuple[str, ast.Module]]) -> list[str]:
    """Every breach as one sentence."""
    known = {name for name, _ in files}
    found = []
    for name, tree in files:
        room = _room(name)
        for target, line in _imports(tree, known):
            other = _room(target)
            if other == room or target == "hantar":
                continue
            if FLOORS[other] > FLOORS[room]:
                found.append(f"{name}:{line} calls up to {target}: {room} is below {other}; tell it by a fact instead.")
            elif FLOORS[other] == FLOORS[room] and FLOORS[room] > 0 and (room, other) not in SIDEWAYS:
                found.append(f"{name}:{line} calls sideways to {target}.")
            parts = target.split(".")
            is_inside = other in FEATURES and room not in COMPOSERS and len(parts) > 2
            if is_inside and parts[2] not in ROLES | PUBLIC.get(other, set()):
                found.append(f"{name}:{line} opens {target}: ask its service, model or http.")
    return found


def test_imports_go_down() -> None:
    assert broken_laws([(name, tree) for name, tree, _ in _modules()]) == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("hantar.kit.bad", "from hantar.leads import model"),
        ("hantar.outbox.bad", "from hantar.campaigns import service"),
        ("hantar.dispatch.bad", "from hantar.reports import http"),
        ("hantar.campaigns.bad", "from hantar.leads import store"),
    ],
)
def test_a_broken_law_is_seen(name: str, code: str) -> None:
    files = [(each, tree) for each, tree, _ in _modules()]
    assert broken_laws([*files, (name, ast.parse(code))]), "the law cannot fail"


def test_every_room_has_its_floor() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name not in ("__pycache__", "static")}
    assert rooms <= set(FLOORS), "name the floor of the new room in FLOORS and in docs/architecture.md"


def _cycles() -> list[list[str]]:
    files = [(name, tree) for name, tree, _ in _modules()]
    known = {name for name, _ in files}
    graph = {name: {target for target, _ in _imports(tree, known) if target in known and target != name} for name, tree in files}
    done: set[str] = set()
    cycles = []

    def visit(node: str, path: list[str]) -> None:
        if node in path:
            cycles.append([*path[path.index(node) :], node])
            return
        if node in done:
            return
        for target in graph[node]:
            visit(target, [*path, node])
        done.add(node)

    for name in graph:
        visit(name, [])
    return cycles


def test_there_is_no_import_cycle() -> None:
    assert _cycles() == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [str(path.relative_to(ROOT)) for _, tree, path in _modules() if path.stat().st_size and not ast.get_docstring(tree)]
    assert silent == []


def test_files_stay_in_one_sitting() -> None:
    """Split at 400 lines (style): a longer file explains itself here or is split."""
    long = {str(path.relative_to(ROOT)): n for _, _, path in _modules() if (n := len(path.read_text().splitlines())) > 400}
    assert long == {}
