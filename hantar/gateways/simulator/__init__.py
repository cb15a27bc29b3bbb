"""A simulated WhatsApp: the default driver, and the museum of quirks. It keeps its own record of what really happened."""
