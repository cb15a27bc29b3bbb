"""Devices: wanted and observed state, linking, health, limits. It sends nothing and decides nothing about messages."""
