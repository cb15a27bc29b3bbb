"""What the real library of linked devices costs away from every network: clients made, connected in vain and closed, in rounds.

    python benchmarks/neonize.py [--clients 200] [--rounds 10]

Each figure is of a process of its own (`tests/gateways/linked/real.py`). `outage`: nobody can be reached, so the library is not
asked. `leftovers`: somebody takes each connection and hangs up, so the library connects and fails each time; it closes no session
file, so this grows, and says by how much. Memory and files travel between machines, processor time roughly.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

MB = 1 << 20


def play(scene: str, clients: int, rounds: int) -> dict[str, Any]:
    """Run one scene in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="hantar-neonize-") as folder:
        words = [sys.executable, "-m", "tests.gateways.linked.real", folder, scene, str(clients), str(rounds)]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 our own scene
        found: dict[str, Any] = json.loads((Path(folder) / "found.json").read_text())
    return found


def main() -> None:
    """Measure both and say what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    for scene in ("outage", "leftovers"):
        found = play(scene, given.clients, given.rounds)
        memory = [each / MB for each in found["memory"]]
        opened = given.clients * (given.rounds - 1)
        print(f"{scene}: {given.clients} clients, {given.rounds} rounds after one that is not counted")
        print("  memory after each round, MB: " + " ".join(f"{each:.1f}" for each in memory))
        print(f"  growth from first to last: {100 * (memory[-1] / memory[0] - 1):+.1f} %")
        print(f"  for each client opened: {(memory[-1] - memory[0]) * 1024 / opened:+.1f} KiB,", end=" ")
        print(f"{(found['files'][-1] - found['files'][0]) / opened:+.2f} open files")
        print(
            f"  threads {found['threads'][0]} to {found['threads'][-1]}, open files {found['files'][0]} to {found['files'][-1]}"
        )
        cpu = sorted(found["cpu"])[len(found["cpu"]) // 2] / given.clients
        print(f"  processor time for each client, median of rounds: {1000 * cpu:.2f} ms")


if __name__ == "__main__":
    main()
