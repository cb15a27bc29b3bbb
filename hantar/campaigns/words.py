"""What a plan says about those it leaves out or moves. The server's own English; pages have their own words for the codes."""

REASONS = {
    "no_device": "No device is assigned to this lead.",
    "missing_variable": "The text needs a field this lead does not have.",
    "duplicate_of": "The same person is in the list already.",
    "opted_out": "This person asked to hear nothing more.",
    "no_consent": "No consent to marketing is on record.",
    "on_hold": "Somebody must look at what this person wrote first.",
    "cap": "This person has had as many campaign messages as they may get for now.",
    "window_closed": "They last wrote to this number more than 24 hours before; only an approved template may be sent.",
    "quiet_hours": "No time is known at which this person may be written to.",
}
"""Why a person is left out, in the order in which reasons are looked for."""
MOVED = {
    "quiet_hours": "wait until the hours in which these people may be written to",
    "device_limit": "wait because the device begins only so many new conversations a day",
}
"""Why a message leaves later than its turn."""
