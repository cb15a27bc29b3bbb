"""What became of a message, judged by the words of the library: whatsmeow tells failures as texts, so the texts are the contract.

Texts and codes as whatsmeow's source has them; the waits are ours. What is not in the table is `Unconfirmed`.
"""

import re
from collections import OrderedDict
from datetime import timedelta

from hantar.gateways import media, port
from hantar.kit import phone

LOCK = timedelta(hours=24)
"""How long no new chats are begun after error 463 when nobody says how long: the library does not pass the end on."""
BUSY, BUSY_MOST = timedelta(minutes=1), timedelta(hours=1)
"""First and longest rest of a device after error 429, twice as long each time in a row."""
TROUBLE, TROUBLE_MOST = timedelta(seconds=30), timedelta(minutes=10)
"""The same after an error of WhatsApp's servers (5xx)."""
ONCE_MORE = timedelta(minutes=5)
"""Until a message that was refused for a reason unknown to us is tried a second and last time."""
LOOKUP = timedelta(seconds=30)
"""Until a message is tried again before which a question to WhatsApp went unanswered; twice as long each time."""
LOOKUPS = 5
"""So often at most; then the message is given up."""
REMEMBERED = 10_000
"""Messages whose refusals are remembered at most, the newest; of one message a few hundred bytes at most."""

_MAYBE = ("timed out waiting for message send response", "websocket disconnected before", "failed to send message node")
"""The message may have left."""
_NO_LINE = ("client is nil", "websocket not connected", "store doesn't contain a device JID")
"""Nothing left us (measured)."""
_ASKED = ("info query", "usync query")
"""A question before the message failed (who has which devices); the message itself was not made yet."""
_REFUSED = re.compile(r"server returned error (\d{3})")
_TOO_MANY = re.compile(r"\b429\b|rate-overlimit")
_TOO_LARGE = re.compile(r"\b413\b|too large", re.IGNORECASE)
_GONE = re.compile(r"download failed with status code (403|404|410)\b")
"""What WhatsApp's servers answer for a file whose address has ended, or that is kept no longer."""
_ADDRESS = re.compile(r"https?://[^\s\"]+")
_DIGITS = re.compile(r"\d{7,}")


def plain(text: str) -> str:
    """A text of the library without full phone numbers, in one short line: it goes into logs and onto pages."""
    return _DIGITS.sub(lambda found: phone.masked(found[0]), " ".join(text.split()))[:300]


def of_fetch(text: str) -> Exception:
    """What to raise for a file that did not come, by the text with which fetching it failed."""
    if any(words in text for words in _NO_LINE):
        return port.NotPaired("The device is not connected.")
    if _GONE.search(text):
        return media.MediaGone("WhatsApp keeps this file no longer.")
    return port.PairingRefused("WhatsApp does not hand out the file just now; try again in a moment.")


def without_address(text: str) -> str:
    """The same for logs where an address may be in it: whoever has the address of a file may fetch it."""
    return plain(_ADDRESS.sub("…", text))


class Judge:
    """The verdicts of one device. It remembers which messages were refused before, and how often in a row the device was."""

    def __init__(self) -> None:
        self._refused: OrderedDict[str, int] = OrderedDict()
        self._in_a_row = 0

    def accepted(self, ref: str) -> None:
        """A message went out: all is well again."""
        self._in_a_row = 0
        self._refused.pop(ref, None)

    def of_send(self, text: str, ref: str) -> port.Verdict:
        """The verdict on a message, by the text with which sending it failed."""
        why = plain(text)
        if any(words in text for words in _MAYBE):
            return port.Unconfirmed(why)
        if any(words in text for words in _NO_LINE):
            return port.DeviceLost(None, why)
        refused = _REFUSED.search(text)
        if refused is not None:
            return self._of_code(int(refused[1]), ref, why)
        if any(words in text for words in _ASKED):
            return self._of_lookup(text, ref, why)
        return port.Unconfirmed(why)

    def of_upload(self, text: str, ref: str) -> port.Verdict:
        """The verdict on a message whose file could not be uploaded: the message itself was not made yet."""
        why = plain(text)
        if any(words in text for words in _NO_LINE):
            return port.DeviceLost(None, why)
        if _TOO_LARGE.search(text):
            return port.Rejected(port.Reason.TOO_LARGE, why)
        return self._of_lookup(text, ref, why)

    def _of_code(self, code: int, ref: str, why: str) -> port.Verdict:
        if code == 463:
            return port.Deferred(LOCK, port.Scope.NEW_CHATS, why)
        if code == 429 or code >= 500:
            first, most = (BUSY, BUSY_MOST) if code == 429 else (TROUBLE, TROUBLE_MOST)
            return port.Deferred(self._growing(first, most), port.Scope.DEVICE, why)
        if self._times(ref) == 1:
            return port.Deferred(ONCE_MORE, port.Scope.MESSAGE, why)
        return port.Rejected(port.Reason.ACCOUNT_REFUSED, why)

    def _of_lookup(self, text: str, ref: str, why: str) -> port.Verdict:
        if _TOO_MANY.search(text):
            return port.Deferred(self._growing(BUSY, BUSY_MOST), port.Scope.DEVICE, why)
        times = self._times(ref)
        if times > LOOKUPS:
            return port.Rejected(port.Reason.UNDELIVERABLE, why)
        return port.Deferred(LOOKUP * (1 << (times - 1)), port.Scope.MESSAGE, why)

    def _growing(self, first: timedelta, most: timedelta) -> timedelta:
        self._in_a_row += 1
        return min(most, first * (1 << min(self._in_a_row - 1, 10)))

    def _times(self, ref: str) -> int:
        """How often this message was refused, this time counted."""
        times = self._refused.pop(ref, 0) + 1
        self._refused[ref] = times
        if len(self._refused) > REMEMBERED:
            self._refused.popitem(last=False)
        return times
