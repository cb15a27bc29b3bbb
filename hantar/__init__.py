"""Hantar: self-hosted WhatsApp campaigns. This module holds the version and refuses to import anything."""

__version__ = "0.1.0"
