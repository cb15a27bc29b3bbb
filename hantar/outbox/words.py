"""What happened to a message, in plain words: every reason, wait and cause, and what a person can do. No I/O."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple


class Said(NamedTuple):
    """What happened, and what to do about it where something can be done."""

    words: str
    advice: str = ""

    @property
    def whole(self) -> str:
        """Both, as one text."""
        return f"{self.words} {self.advice}".strip()


REASONS: Mapping[str, Said] = {
    # rules
    "opted_out": Said(
        "The person has opted out.", "Nothing is sent until they write START or an owner releases it with a reason."
    ),
    "no_consent": Said(
        "There was no consent on record, and the rules of this device want one.", "Record the consent, then send anew."
    ),
    "cap": Said(
        "The person has had as many messages as the rules allow in this time.", "Send later; an owner can change the number."
    ),
    "quiet_hours": Said(
        "It was outside the hours in which this person may be written to, and the rules drop such messages.",
        "Send it within the hours, or let such messages wait.",
    ),
    "duplicate_of": Said("Another message of the same campaign to this person stands.", "Nothing to do: they get it once."),
    "missing_variable": Said("A field of the text has no value for this person.", "Fill it in, or give the field a default."),
    "window_closed": Said("The 24 hours after the person's last message were over.", "Use an approved template."),
    "expired": Said("It was too late to send it.", "Plan it anew if it still matters."),
    "stopped_by_user": Said("A member stopped it before it left."),
    "device_removed": Said("Its device was removed.", "Plan it anew with another device."),
    "no_device": Said("No device writes to this person.", "Give the lead a device."),
    "invalid": Said("The number is not one that can be written to.", "Check the number."),
    # the service
    "not_on_whatsapp": Said("This number is not on WhatsApp.", "Check the number; twice not there counts as an opt-out."),
    "undeliverable": Said("It could not be delivered.", "Ask the person whether the number is right, then send anew."),
    "not_taken": Said(
        "WhatsApp put it off again and again, so it is not tried again by itself.", "It did not leave; send it again later."
    ),
    "invalid_address": Said("WhatsApp does not know this address.", "Check the number."),
    "invalid_content": Said("WhatsApp refused the content.", "Change the text or the picture."),
    "too_large": Said("The file was too large for WhatsApp.", "Use a smaller one."),
    "unsupported": Said("This kind of message is not supported on this way.", "Send a text or a picture."),
    "needs_template": Said("WhatsApp wants an approved template here.", "Use one."),
    "template_missing": Said("WhatsApp does not know this template.", "Have it approved first."),
    "template_paused": Said("WhatsApp has paused this template.", "Look at its quality before you go on."),
    "capped": Said(
        "This person has had enough marketing from all businesses, says WhatsApp.", "They are left alone for a day or longer."
    ),
    "platform_cap": Said("This person has had enough marketing from all businesses, says WhatsApp."),
    "country_blocked": Said("WhatsApp does not deliver such messages to this country."),
    "account_refused": Said("WhatsApp refused the account.", "Look at the device."),
}
"""Why a message ended without arriving, by its stored reason."""

WAITS: Mapping[str, Said] = {
    "pacing": Said("It is in its device's queue.", "It goes when its turn comes."),
    "device_limit": Said("The device has used up its allowance for now.", "It goes when the next begins."),
    "quiet_hours": Said("It is outside the hours in which this person may be written to.", "It goes in the next window."),
    "device_offline": Said("Its device is not connected, or sending is paused on it.", "Connect or resume the device."),
    "device_restricted": Said(
        "WhatsApp lets its device start no new chats just now.", "Nothing was moved. It goes when the restriction has ended."
    ),
    "campaign_paused": Said("Its campaign is paused.", "Resume the campaign."),
    "canary": Said("The first people of its campaign are being watched.", "It goes when that has gone well."),
    "person_hold": Said("The person is on hold.", "Somebody has to answer, confirm or release it first."),
    "number_check": Said("Whether this number is on WhatsApp is being looked up.", "Without an answer it goes within seconds."),
}
"""What stands in front of a message, by `waiting_for`."""

NOWHERE = "Where the person is, is not known, so no hour is theirs. Enter their time zone, and it can go."
"""A wait for quiet hours of somebody without any time zone."""

HELD: Mapping[str, Said] = {
    "restore": Said("Sending is held since a backup was restored.", "An administrator releases it."),
    "approval": Said("It waits for a second person's approval.", "Approve the plan."),
    "late_start": Said("It missed its start.", "Somebody has to decide whether it still goes."),
}
"""Why a message is held, by `hold_reason`."""

RETURNS: Mapping[tuple[str, str], str] = {
    ("deferred", "message"): "WhatsApp asked to try this message again later.",
    ("deferred", "chat"): "WhatsApp asked to leave this chat alone for a while.",
    ("deferred", "new_chats"): "WhatsApp let the device start no new chats, so this one went back to the queue.",
    ("deferred", "device"): "WhatsApp asked the device to slow down.",
    ("deferred", "account"): "WhatsApp asked the account to slow down.",
    ("lost", "device"): "The device lost its connection before the message left.",
    (
        "rescued",
        "queued",
    ): "The server stopped in the middle; the message had not left, or the way drops doubles, so it was put back.",
    ("rescued", "unknown"): "The server stopped in the middle; it may have arrived, so it was not sent again.",
}
"""Why an attempt did not end a message, by kind and cause of the event."""

OPT_OUTS: Mapping[str, str] = {
    "stop": "they asked to hear nothing more",
    "complaint": "they complained",
    "block": "they blocked the number",
    "manual": "somebody entered it for them",
    "bounce": "their number was twice not on WhatsApp",
    "legal": "for legal reasons",
}
SOURCES: Mapping[str, str] = {
    "web_form": "on a web form",
    "import": "declared for an import",
    "inbound": "in a message of their own",
    "paper": "on paper",
    "api": "told by a program",
}
KINDS: Mapping[str, str] = {
    "linked": "linked phones",
    "cloud": "the Cloud API",
    "simulator": "simulated devices",
    "demo": "the demo's devices",
}


def instant(at: datetime) -> str:
    """An instant as people read it, with its zone."""
    return f"{at.astimezone(UTC):%-d %B %Y, %H:%M} UTC"


def day(at: datetime) -> str:
    """The day of an instant."""
    return f"{at.astimezone(UTC):%-d %B %Y}"


def clock(minute: int) -> str:
    """A minute of the day as a clock shows it; 1440 is midnight."""
    return f"{minute // 60:02}:{minute % 60:02}"


def of_reason(reason: str | None) -> Said:
    """The words of a reason; one that is not known here is named."""
    return REASONS.get(reason or "") or Said(f"It ended: {(reason or 'for no reason that is known').replace('_', ' ')}.")
