"""Campaigns: one message to many leads at a time of choice. It fills the outbox and refuses to send anything itself."""
