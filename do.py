#!/usr/bin/env python3
"""Makes everything and runs it, with nothing but Python.

python3 do.py              install, build the page, start Hantar
python3 do.py test         everything that must be right, as CI runs it
python3 do.py check        the quick part of it, below a minute
python3 do.py lock         write the lock files anew (--upgrade: with the newest versions)
python3 do.py COMMAND      any command of hantar, such as: migrate, --help
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 the point is to say so to those who have an older one
    sys.exit("Hantar needs Python 3.11 or newer; this is {}.{}. Try: python3.11 do.py".format(*sys.version_info))

import concurrent.futures
import hashlib
import importlib.util
import json
import os
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "hantar-stamp.json"
REQUIREMENTS = ROOT / "requirements"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
UV = SCRIPTS / ("uv.exe" if os.name == "nt" else "uv")
WORKERS = ["-q", "-n", str(min(4, os.cpu_count() or 1)), "--dist", "worksteal"]
"""Each worker keeps to its part of the house, so that what a file or the run needs is made once; who is done early helps."""
RUNNING = ["pyproject.toml", "--extra", "linked"]
"""What running takes: the product, and linked devices, so that they are there after the first start (docs/drivers.md)."""
QUICK = "not browser and not acceptance and not slow"


def main(words: list[str]) -> None:
    """Choose what to do."""
    os.chdir(ROOT)
    if words[:1] == ["test"]:
        install("dev")
        sys.exit(verify(["pytest", *WORKERS, *words[1:]], whole=True))
    if words[:1] == ["check"]:
        install("dev")
        sys.exit(verify(["pytest", *WORKERS, "-m", QUICK, *words[1:]], whole=False))
    if words[:1] == ["types"]:
        install("dev")
        sys.exit(0 if api_types("types") else 1)
    if words[:1] == ["lock"]:
        lock(words[1:])
        return
    if words[:1] in (["--help"], ["-h"]):
        print(__doc__)
    install("run")
    become([str(PYTHON), "-m", "hantar", *(words or ["up"])])


# ---------------------------------------------------------------- install


def install(level: str) -> None:
    """Make .venv match the lock files and the page match its sources; does nothing when they do."""
    stamp = read_stamp()
    page, must_build = page_digest()
    wanted = {"python": sys.version, "place": str(ROOT), "packages": packages_digest(), "page": page}
    if stamp.get("level") == "dev":
        level = "dev"  # it holds all that running needs
    wanted["level"] = level
    if stamp == wanted and PYTHON.exists() and not must_build:
        return
    STAMP.unlink(missing_ok=True)
    if any(stamp.get(name) != wanted[name] for name in ("python", "place", "packages", "level")):
        make_venv(fresh=bool(stamp) and (stamp.get("python"), stamp.get("place")) != (sys.version, str(ROOT)))
        step("Installing the packages", UV, "pip", "sync", "--quiet", "--require-hashes", REQUIREMENTS / f"{level}.txt")
    title = "Building the pages (the first time takes longest)" if must_build else "Installing Hantar"
    constraints = ["--build-constraints", REQUIREMENTS / "build.txt"]
    step(title, UV, "pip", "install", "--quiet", "--no-deps", "--editable", ".", *constraints)
    STAMP.write_text(json.dumps(wanted, indent=1))


def read_stamp() -> dict[str, str]:
    """What the last finished installation wrote down."""
    try:
        return dict(json.loads(STAMP.read_text()))
    except (OSError, ValueError):
        return {}


def packages_digest() -> str:
    """One value for everything that decides which packages are installed."""
    files = [*sorted(REQUIREMENTS.glob("*.txt")), ROOT / "pyproject.toml", ROOT / "hatch_build.py"]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


def page_digest() -> "tuple[str, bool]":
    """One value for the page's sources, and whether the page must be built; empty when there is none to build."""
    path = ROOT / "frontend" / "build.py"
    if os.environ.get("HANTAR_SKIP_UI") == "1" or not path.with_name("package.json").is_file():
        return "", False
    spec = importlib.util.spec_from_file_location("page", path)
    assert spec is not None  # noqa: S101 narrows the type
    assert spec.loader is not None  # noqa: S101 likewise
    page = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(page)
    return page.digest(), not page.is_current()


def make_venv(fresh: bool) -> None:
    """Make .venv with uv in it; `fresh` throws an old one away."""
    if fresh or not (PYTHON.exists() and (UV.exists() or has_pip())):
        if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
            sys.exit(
                "This Python cannot make virtual environments. On Debian and Ubuntu install the package python3-venv "
                f"(or python{sys.version_info[0]}.{sys.version_info[1]}-venv), then start again."
            )
        step("Making .venv", sys.executable, "-m", "venv", "--clear", VENV)
    bootstrap = REQUIREMENTS / "bootstrap.txt"
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    step("Installing uv", PYTHON, "-m", "pip", "install", *quiet, "--require-hashes", "-r", bootstrap)


def has_pip() -> bool:
    """Whether an interrupted start left a usable environment."""
    return subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0


def environment() -> dict[str, str]:
    """What our tools see: this Python and no other, certificates of the system, caches that can be written."""
    environ = {name: value for name, value in os.environ.items() if value or name != "HOME"}
    environ |= {"UV_PYTHON": str(PYTHON), "UV_PYTHON_DOWNLOADS": "never", "VIRTUAL_ENV": str(VENV)}
    environ.setdefault("UV_SYSTEM_CERTS", "1")
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # the tests start the program dozens of times
    home = environ.get("HOME")
    if os.name != "nt" and home and not os.access(home, os.W_OK):
        environ.setdefault("UV_CACHE_DIR", str(VENV / "cache" / "uv"))
        environ.setdefault("npm_config_cache", str(VENV / "cache" / "npm"))
    return environ


def step(title: str, *words: "str | Path") -> None:
    """Run one step of the installation and say how long it took; a failed one ends everything."""
    print(f"{title} … ", end="", file=sys.stderr, flush=True)
    start = time.monotonic()
    code = subprocess.run([str(word) for word in words], env=environment(), check=False).returncode
    if code:
        sys.exit(f"\n`{title}` failed (exit code {code}); what it said stands above.")
    print(f"{time.monotonic() - start:.1f} s", file=sys.stderr, flush=True)


def become(command: list[str]) -> None:
    """Let the program take our place, so that signals reach it and nothing else."""
    if os.name == "nt":
        sys.exit(subprocess.run(command, check=False).returncode)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], command, environment())  # noqa: S606 no shell is wanted


# ---------------------------------------------------------------- verify


def verify(tests: list[str], whole: bool) -> int:
    """Run every check, the tests last and all others side by side before them; returns the exit code."""
    page = "frontend/build.py"
    checks = {
        "format": ["ruff", "format", "--check", "--quiet", "."],
        "lint": ["ruff", "check", "--quiet", "."],
        "types": ["mypy"],
        "page types": [page, "check" if whole else "check-changed"],
    }
    if whole:
        checks["page tests"] = [page, "test"]
    if not (ROOT / "frontend" / "package.json").is_file():
        checks = {name: words for name, words in checks.items() if page not in words}
    failed = side_by_side(checks)
    if whole and not api_types("same-types"):
        failed.append("API types")
    if failed:
        print(f"\nFailed before the tests: {', '.join(failed)}.", flush=True)
    if not passes("tests", tests):
        failed.append("tests")
    if failed:
        print(f"\nNot right: {', '.join(failed)}.", flush=True)
    return 1 if failed else 0


def api_types(what: str) -> bool:
    """Hand the API's description to the page's build: `types` writes its types, `same-types` compares them."""
    if not (ROOT / "frontend" / "package.json").is_file():
        return True
    print(f"\n── API types: hantar openapi | frontend/build.py {what}", flush=True)
    described = subprocess.run([PYTHON, "-m", "hantar", "openapi"], env=environment(), stdout=subprocess.PIPE, check=False)
    if described.returncode:
        return False
    build = [PYTHON, "frontend/build.py", what]
    return subprocess.run(build, env=environment(), input=described.stdout, check=False).returncode == 0


def side_by_side(checks: dict[str, list[str]]) -> list[str]:
    """Run checks at once, as many as there are processors, each one's output in its turn; returns which failed."""
    failed = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        runs = {name: pool.submit(run_quietly, words) for name, words in checks.items()}
        for name, words in checks.items():
            print(f"\n── {name}: {' '.join(words)}", flush=True)
            done = runs[name].result()
            sys.stdout.buffer.write(done.stdout)
            sys.stdout.flush()
            failed += [name] if done.returncode else []
    return failed


def run_quietly(words: list[str]) -> "subprocess.CompletedProcess[bytes]":
    """Run one check and keep what it says."""
    return subprocess.run(command_of(words), env=environment(), check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def passes(name: str, words: list[str]) -> bool:
    """Run one check with its own output."""
    print(f"\n── {name}: {' '.join(words)}", flush=True)
    return subprocess.run(command_of(words), env=environment(), check=False).returncode == 0


def command_of(words: list[str]) -> list[str]:
    """A check's command: a script of ours, or a module of .venv."""
    return [str(PYTHON), *words] if words[0].endswith(".py") else [str(PYTHON), "-m", *words]


# ---------------------------------------------------------------- lock


def lock(options: list[str]) -> None:
    """Write all lock files anew: hashes, but no address of any registry."""
    make_venv(fresh=False)
    shape = ["--generate-hashes", "--universal", "--python-version", "3.11", "--no-header", "--no-annotate", "--quiet"]
    sources: dict[str, list[str]] = {
        "bootstrap": ["requirements/bootstrap.in"],
        "run": RUNNING,
        "dev": [*RUNNING, "requirements/dev.in", "-c", "requirements/run.txt", "-c", "requirements/bootstrap.txt"],
        "build": ["requirements/build.in"],
        "peers": ["requirements/peers.in", "-c", "requirements/run.txt"],
        "peers-arq": ["requirements/peers-arq.in", "-c", "requirements/run.txt"],
    }
    for name, inputs in sources.items():
        output = f"requirements/{name}.txt"
        step(output, UV, "pip", "compile", *inputs, *shape, *options, "-o", output)
    if (ROOT / "frontend" / "package.json").is_file():
        step("Installing Node", UV, "pip", "install", "--quiet", "--require-hashes", "-r", REQUIREMENTS / "build.txt")
        step("frontend/package-lock.json", PYTHON, "frontend/build.py", "lock")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
