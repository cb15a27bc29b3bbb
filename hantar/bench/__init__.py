"""Measures the engine against a simulated fleet on a throw-away PostgreSQL, and says how."""
