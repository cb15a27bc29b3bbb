"""`python -m benchmarks.peers`."""

from benchmarks.peers.run import start

raise SystemExit(start())
