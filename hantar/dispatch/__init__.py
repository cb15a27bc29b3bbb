"""The dispatcher: when each device may send, the claim per tick, and what comes back. It writes no text and knows no page."""
