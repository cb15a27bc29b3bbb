"""The only way out: one row per message, one table of moves. It refuses to decide who should be written to."""
