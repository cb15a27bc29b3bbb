"""Every state of a device and its reasons as a sentence, and what to do next."""

from datetime import UTC, datetime

from hantar.gateways.port import DeviceState

S = DeviceState

NOTHING_MOVED = "Nothing was moved"
"""The audience of a restricted number is held, never given to another one (responsible-sending.md 10)."""
BANS = {
    101: "it wrote to too many people who do not have it saved",
    102: "many people blocked it",
    103: "it made too many groups",
    104: "it sent the same text to too many people",
    106: "it sent too much to broadcast lists",
}
"""Codes of a temporary ban, as whatsmeow names them (gateways.md 1.2)."""
BAN_ADVICE = {
    101: "Write only to people who know this number and asked to hear from you.",
    102: "Ask why people blocked you: did they agree, did they know who writes, was it too often?",
    103: "Make no groups from this number.",
    104: "Write less, to fewer people, and say something that is meant for them.",
    106: "Leave broadcast lists alone.",
}

_WAIT = f"{NOTHING_MOVED}: its messages wait."
_WORDS: dict[tuple[DeviceState, str | None], str] = {
    (S.NEW, None): "Not linked yet. Scan a QR code or type a code on the phone.",
    (S.NEW, "pairing_expired"): "Nobody scanned the code in time. Show a new one.",
    (S.NEW, "pairing_stopped"): "Linking was stopped. Show a new code to go on.",
    (S.PAIRING, None): "A code is shown. Scan it with the phone.",
    (S.CONNECTING, None): "Connecting.",
    (S.CONNECTING, "phone_differs"): "Linked to another number than the one written down. The linked number is kept.",
    (S.CONNECTING, "probe"): "The ban has ended. Trying once.",
    (S.ONLINE, None): "Connected. Messages can go out.",
    (S.OFFLINE, None): f"The connection is lost. Hantar tries again by itself. {_WAIT}",
    (S.OFFLINE, "no_network"): f"The phone's service cannot be reached. Hantar tries again by itself. {_WAIT}",
    (S.OFFLINE, "gateway_restart"): "The gateway is starting again. The device comes back by itself.",
    (S.OFFLINE, "no_room"): "This machine has no room for another linked device: the system allows it no more threads, processes "
    f"or files. Other devices go on. {_WAIT}",
    (S.OFFLINE, "no_answer"): f"The device did not answer within a minute. Hantar tries again by itself. {_WAIT}",
    (
        S.OFFLINE,
        "flapping",
    ): f"The line was lost several times within two minutes. Hantar lets it rest, then tries again. {_WAIT}",
    (S.OFFLINE, "not_opened"): f"The device could not be opened. Hantar lets it rest, then tries again. {_WAIT}",
    (S.SUSPECT, None): "The device stopped answering. Its client is being restarted.",
    (S.RESTRICTED, None): f"WhatsApp lets this number start no new chats{{until}}. {NOTHING_MOVED}.",
    (S.RESTRICTED, "reach_out_lock"): "WhatsApp lets this number start no new chats{until}. People who wrote to you can be "
    f"answered. {NOTHING_MOVED}.",
    (S.RESTRICTED, "reach_out_lock_open_end"): "WhatsApp lets this number start no new chats and does not say until when. "
    f"People who wrote to you can be answered. Hantar looks again later. {NOTHING_MOVED}.",
    (S.RESTRICTED, "reach_out_lock_person"): "WhatsApp lets this number start no new chats, again and again, and does not say "
    f"until when. People who wrote to you can be answered. Hantar does not try by itself any more. {NOTHING_MOVED}.",
    (S.BANNED_UNTIL, None): f"WhatsApp has banned this number{{until}}{{because}}. {NOTHING_MOVED}: its messages wait, "
    "campaigns that use it pause.",
    (S.LOGGED_OUT, None): f"The link is gone. {_WAIT}",
    (S.LOGGED_OUT, "phone"): f"The phone removed this device from its linked devices. {_WAIT}",
    (S.LOGGED_OUT, "user"): f"Logged out here. Number and leads stay. {_WAIT}",
    (S.LOGGED_OUT, "link_lost"): f"The gateway no longer knows this link. {_WAIT}",
    (S.LOGGED_OUT, "pairing_expired"): f"Nobody scanned the code in time. Show a new one. {_WAIT}",
    (S.REPLACED, None): f"WhatsApp was opened for this device elsewhere. Hantar does not fight for the line. {_WAIT}",
    (S.OUTDATED, None): f"WhatsApp wants a newer client, for all devices of this kind. {_WAIT}",
    (S.REFUSED, None): f"WhatsApp refuses this number. {NOTHING_MOVED}: its messages wait until they expire.",
    (S.REFUSED, "banned"): f"WhatsApp has banned this number for good. {NOTHING_MOVED}: its messages wait until they expire.",
    (
        S.REFUSED,
        "quarantined",
    ): "Opening this device ended its gateway several times, so Hantar leaves it alone; other devices go "
    f"on. WhatsApp refused nothing. {_WAIT}",
    (S.REFUSED, "token"): f"WhatsApp does not accept this number's token any more: it ended or was taken back. {_WAIT}",
    (S.REFUSED, "no_credentials"): f"This device has no token. {_WAIT}",
    (S.REFUSED, "payment"): f"WhatsApp's service stopped this number because of a payment. {_WAIT}",
    (S.REFUSED, "policy"): f"WhatsApp has blocked this business account for breaking a policy. {_WAIT}",
    (S.REFUSED, "locked"): f"WhatsApp has locked this business account. {_WAIT}",
    (S.REFUSED, "number_gone"): f"WhatsApp's service does not know this number any more, or its token may not use it. {_WAIT}",
    (S.REFUSED, "not_registered"): f"This number is not registered with the Cloud API. {_WAIT}",
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
    S.REPLACED: "Close WhatsApp where it was opened, or connect again from here if this is the right place.",
    S.OUTDATED: "Update Hantar; one update serves all devices.",
    S.REFUSED: "Cancel what waits, or plan anew with another number and with people who agreed to hear from you.",
    S.STOPPED: "Press Connect when you need the device.",
}
_ADVICE_FOR: dict[tuple[DeviceState, str], str] = {
    (S.RESTRICTED, "reach_out_lock_person"): "Find out why these people did not expect you. Then press Resume with a reason, and "
    "Hantar looks once more.",
}

_ADVICE_FOR |= {
    (S.OFFLINE, "no_room"): "Disconnect another linked device, or let whoever runs Hantar raise the limits of threads, processes "
    "and files (docs/drivers.md) and restart it. Hantar tries again by itself.",
    (S.REFUSED, "quarantined"): "Press Connect to try once more. If that fails too, log the device out and link it anew.",
    (S.REFUSED, "token"): "Make a new access token, best one that does not end, and replace the token of this device.",
    (S.REFUSED, "no_credentials"): "Give this device its number id and token.",
    (S.REFUSED, "payment"): "Put the payment of the business account in order, then press Connect.",
    (S.REFUSED, "policy"): "Read what WhatsApp says in the business account's quality section, and appeal there if it is wrong.",
    (S.REFUSED, "locked"): "Ask for a review in the business account. When it is open again, press Connect.",
    (
        S.REFUSED,
        "number_gone",
    ): "Look in the business account whether the number is there and the token may use it. Else replace the token.",
    (S.REFUSED, "not_registered"): "Register the number in the business account, then press Connect.",
}

_WORDS_BY_TOKEN: dict[DeviceState, str] = {
    S.NEW: "Not set up yet. Give it its number id and token.",
    S.OFFLINE: f"WhatsApp's service cannot be reached. Hantar tries again by itself. {_WAIT}",
    S.LOGGED_OUT: f"The token was removed here. Number and leads stay. {_WAIT}",
}
_ADVICE_BY_TOKEN: dict[DeviceState, str] = {
    S.NEW: "Give this device its number id and token.",
    S.LOGGED_OUT: "Give this device its number id and token again.",
    S.RESTRICTED: "Begin no conversations from this number until the end. Ask yourself whether these people expected you.",
}
"""Where a device without a phone behind it needs other words."""

QUALITIES = {
    "green": "People take well what this number sends.",
    "yellow": "Some people blocked or reported this number lately. Write to fewer people, and only to those who asked.",
    "red": "Many people blocked or reported this number lately.",
    "unknown": "WhatsApp does not say how people take this number; it may be too new.",
}
"""The service's judgement of a number, in words."""

PERSON = "person"
"""The cause of a pause that a person made."""
_PAUSES = {
    PERSON: "A person paused sending.",
    "opt_outs": "Too many of the people this number wrote to asked to hear nothing more, so sending was paused.",
    "blocks": "People blocked this number or complained, so sending was paused.",
    "restriction": "WhatsApp restricted this number, so sending was paused.",
    "errors": "Three messages in a row failed on this device, so it was set aside.",
}


def of(state: DeviceState, reason: str | None, until: datetime | None = None, *, by_token: bool = False) -> str:
    """The state as a sentence for its user; `until` is its end, when it is known. `by_token`: there is no phone to link."""
    text = (_WORDS_BY_TOKEN.get(state) if by_token else None) or _WORDS.get((state, reason)) or _WORDS[(state, None)]
    why = BANS.get(_ban_code(reason)) if state is S.BANNED_UNTIL else None
    end = f" until {until.astimezone(UTC).day} {until.astimezone(UTC):%B %Y, %H:%M} UTC" if until else " for a while"
    return text.replace("{until}", end).replace("{because}", f" because {why}" if why else "")


def _ban_code(reason: str | None) -> int:
    code = (reason or "").removeprefix("ban_")
    return int(code) if code.isascii() and code.isdecimal() else 0


def advice(state: DeviceState, reason: str | None = None, *, by_token: bool = False) -> str:
    """What to do next; `by_token`: there is no phone to link."""
    if by_token and state in _ADVICE_BY_TOKEN:
        return _ADVICE_BY_TOKEN[state]
    if state is S.BANNED_UNTIL and _ban_code(reason) in BAN_ADVICE:
        return f"Wait for the end. {BAN_ADVICE[_ban_code(reason)]} Then a person resumes sending."
    return _ADVICE_FOR.get((state, reason or "")) or _ADVICE[state]


def pause(cause: str | None) -> str | None:
    """Why sending is paused, as a sentence; None when it is not."""
    return None if cause is None else _PAUSES.get(cause, "A rule paused sending.")
