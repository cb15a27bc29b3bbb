"""Every state of a device and its reasons as a sentence, and what to do next."""

from hantar.gateways.port import DeviceState

S = DeviceState

BANS = {
    101: "it wrote to too many people who do not have it saved",
    102: "many people blocked it",
    103: "it made too many groups",
    104: "it sent the same text to too many people",
    106: "it sent too much to broadcast lists",
}

_WORDS: dict[tuple[DeviceState, str | None], str] = {
    (S.NEW, None): "Not linked yet. Scan a QR code or type a code on the phone.",
    (S.NEW, "pairing_expired"): "Nobody scanned the code in time. Show a new one.",
    (S.NEW, "pairing_stopped"): "Linking was stopped. Show a new code to go on.",
    (S.PAIRING, None): "A code is shown. Scan it with the phone.",
    (S.CONNECTING, None): "Connecting.",
    (S.CONNECTING, "phone_differs"): "Linked to another number than the one written down. The linked number is kept.",
    (S.CONNECTING, "probe"): "The ban has ended. Trying once.",
    (S.ONLINE, None): "Connected. Messages can go out.",
    (S.OFFLINE, None): "The connection is lost. Hantar tries again by itself; messages wait.",
    (S.OFFLINE, "no_network"): "The phone's service cannot be reached. Hantar tries again by itself; messages wait.",
    (S.OFFLINE, "gateway_restart"): "The gateway is starting again. The device comes back by itself.",
    (S.OFFLINE, "no_answer"): "The device did not answer within a minute. Hantar tries again by itself.",
    (S.SUSPECT, None): "The device stopped answering. Its client is being restarted.",
    (S.RESTRICTED, None): "WhatsApp lets this number start no new chats. Nothing was moved.",
    (S.RESTRICTED, "reach_out_lock"): "WhatsApp lets this number start no new chats for a while. People who wrote to you can be "
    "answered. Nothing was moved.",
    (S.RESTRICTED, "reach_out_lock_open_end"): "WhatsApp lets this number start no new chats and does not say until when. "
    "Hantar looks again later. Nothing was moved.",
    (S.BANNED_UNTIL, None): "WhatsApp has banned this number for a while. Messages wait.",
    (S.LOGGED_OUT, None): "The link is gone. Link the device again; its messages wait.",
    (S.LOGGED_OUT, "phone"): "The phone removed this device from its linked devices. Link it again; its messages wait.",
    (S.LOGGED_OUT, "user"): "Logged out here. Link the device again when you need it; number and leads stay.",
    (S.LOGGED_OUT, "link_lost"): "The gateway no longer knows this link. Link the device again; its messages wait.",
    (S.LOGGED_OUT, "pairing_expired"): "Nobody scanned the code in time. Show a new one; the messages wait.",
    (S.REPLACED, None): "WhatsApp was opened for this device elsewhere. Hantar does not fight for the line; connect again if "
    "this is the right place.",
    (S.OUTDATED, None): "WhatsApp wants a newer client. Update Hantar; messages wait.",
    (S.REFUSED, None): "WhatsApp refuses this number. Messages wait until they are too late, then they are skipped.",
    (S.REFUSED, "banned"): "WhatsApp has banned this number for good. Its messages wait until they are too late, then they "
    "are skipped.",
    (S.STOPPED, None): "Disconnected here. The link stays; connect again when you need it.",
}

_ADVICE: dict[DeviceState, str] = {
    S.NEW: "Link the device: show the QR code and scan it.",
    S.PAIRING: "Open WhatsApp on the phone, go to Linked devices and scan the code.",
    S.CONNECTING: "Wait a moment.",
    S.ONLINE: "Nothing to do.",
    S.OFFLINE: "Wait, or press Reconnect to try now.",
    S.SUSPECT: "Wait a minute; the client is being restarted.",
    S.RESTRICTED: "Write to nobody new from this number until the end. Ask yourself whether these people expected you.",
    S.BANNED_UNTIL: "Wait for the end. Change what led to the ban before you go on: fewer strangers, less repetition.",
    S.LOGGED_OUT: "Link the device again with a QR code or a pairing code.",
    S.REPLACED: "Close WhatsApp where it was opened, or connect again from here.",
    S.OUTDATED: "Update Hantar.",
    S.REFUSED: "Cancel what waits, or plan anew with another number and with people who agreed to hear from you.",
    S.STOPPED: "Press Connect when you need the device.",
}


def of(state: DeviceState, reason: str | None) -> str:
    """The state as a sentence for its user."""
    if state is S.BANNED_UNTIL and reason and reason.removeprefix("ban_").isdigit():
        why = BANS.get(int(reason.removeprefix("ban_")))
        if why:
            return f"WhatsApp has banned this number for a while because {why}. Messages wait."
    return _WORDS.get((state, reason)) or _WORDS[(state, None)]


def advice(state: DeviceState) -> str:
    """What to do next."""
    return _ADVICE[state]
