"""Linked devices: WhatsApp by a library in child processes, many devices in each."""
