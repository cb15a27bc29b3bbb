"""Hantar beside other queues: the checkout's `benchmarks.peers` measures them, and our own drain runs under their conditions."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import hantar
from hantar.bench.speed import Drain
from hantar.bench.stand import Stand

ROOT = Path(hantar.__file__).resolve().parents[1]
NOT_THERE = "The peers are not measured: they are part of a checkout (benchmarks/peers), and this is an installed package."
PATIENCE = 3600.0


def measured(stand: Stand, *, quick: bool, seconds: float) -> dict[str, Any]:
    """`peers`: each one's rate and ours against it, or a sentence why there is none."""
    if not (ROOT / "benchmarks" / "peers" / "__main__.py").is_file():
        return {"missing": NOT_THERE}
    command = [sys.executable, "-m", "benchmarks.peers", "--json", *(["--quick"] if quick else [])]
    done = subprocess.run(  # noqa: S603 a module of this checkout
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    try:
        said = json.loads(done.stdout)
    except ValueError:
        return {"missing": f"The peers could not be measured: {done.stderr.strip()[-500:]}"}
    return beside(said, _ours(stand, said["conditions"], seconds))


def _ours(stand: Stand, conditions: dict[str, Any], seconds: float) -> dict[str, Any]:
    latency = conditions["gateway_latency_ms"] / 1000
    drain = Drain(conditions["devices"], 100_000, seconds, latency=(latency, latency), name="beside")
    drain.fill(stand)
    try:
        return drain.run(stand)
    finally:
        stand.drop("beside")


def beside(said: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """Ratios: our drain with every rule on over the peer's, doing the same work, and doing nothing but the sending."""
    rate = ours["rate_per_s"]
    found: dict[str, Any] = {"hantar": {"rate_per_s": rate, "ratio": 1.0}}
    for name, each in said["peers"].items():
        if "error" in each:
            found[name] = {"error": each["error"]}
            continue
        found[name] = {
            "rate_per_s": each["real_per_s"],
            "ratio": round(rate / max(1, each["real_per_s"]), 2),
            "raw_per_s": each["raw_per_s"],
            "raw_ratio": round(rate / max(1, each["raw_per_s"]), 2),
        }
    return found
