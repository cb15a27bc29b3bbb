"""What certainly cannot be sent by a linked device, said before anything leaves."""

from hantar.gateways import port

IMAGES = ("image/jpeg", "image/png", "image/webp")
VIDEOS = ("video/mp4", "video/3gpp")
MOST: dict[port.FileKind, int] = {"image": 16 << 20, "video": 16 << 20, "audio": 16 << 20, "document": 100 << 20}
"""Bytes: what WhatsApp's own programs take as picture, film and sound; documents may be larger."""


def refusal(to: port.Address, content: port.Content) -> port.Rejected | None:
    """The refusal, or None when the message may be tried."""
    reason = _of_address(to) or _of_content(content)
    return None if reason is None else port.Rejected(reason)


def _of_address(to: port.Address) -> port.Reason | None:
    digits = to.phone
    if digits is not None:  # E.164 has 15 digits at most; the shortest whole numbers have seven
        return None if digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15 else port.Reason.INVALID_ADDRESS
    return None if to.opaque else port.Reason.INVALID_ADDRESS


def _of_content(content: port.Content) -> port.Reason | None:
    media = content.media
    if content.template is not None:
        return port.Reason.UNSUPPORTED
    if media is None:
        return None if content.text else port.Reason.INVALID_CONTENT
    if not media.data:
        return port.Reason.INVALID_CONTENT
    if (media.kind == "image" and media.mime not in IMAGES) or (media.kind == "video" and media.mime not in VIDEOS):
        return port.Reason.UNSUPPORTED
    return port.Reason.TOO_LARGE if len(media.data) > MOST[media.kind] else None
