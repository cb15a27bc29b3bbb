"""What counts as a restriction of a number by WhatsApp, and what is a fault of the set-up that only looks alike. No I/O.

A restriction pauses campaigns, marks the device for a month and asks a person for a reason (responsible-sending.md 9, 10). A
device that was refused for its set-up cannot send either, but nobody held anything against its number: its messages wait as
those of any device without a line, and its words say what to put in order.
"""

from hantar.gateways.port import DeviceState

STATES = (DeviceState.RESTRICTED, DeviceState.BANNED_UNTIL, DeviceState.REFUSED)
SETUP_FAULTS = ("no_credentials", "not_registered", "number_gone", "payment", "quarantined", "token")
"""Reasons of a refusal that say nothing about how people took what a number sent. The others (`banned`, `policy`, `locked`) do,
and so does one that nobody has told us about."""


def is_one(state: str, reason: str | None) -> bool:
    """Whether a device in this state, for this reason, was restricted by WhatsApp."""
    return state in STATES and not (state == DeviceState.REFUSED and reason in SETUP_FAULTS)


def sql(state: str, reason: str) -> str:
    """The same in SQL, of two columns."""
    faults, states = (", ".join(f"'{each}'" for each in names) for names in (SETUP_FAULTS, STATES))
    return f"({state} IN ({states}) AND NOT ({state} = 'refused' AND coalesce({reason}, '') IN ({faults})))"
