"""What certainly stops a message at the simulated service's door, and the verdict it gets."""

from datetime import timedelta
from typing import NamedTuple

from hantar.gateways import port
from hantar.gateways.simulator import chance, phone

_PICTURE, _FILM, _PAPER = 5_000_000, 16_000_000, 100_000_000
_OFFICE = "application/vnd.openxmlformats-officedocument."
MEDIA = {
    **dict.fromkeys(("image/jpeg", "image/png", "image/webp"), _PICTURE),
    **dict.fromkeys(("video/mp4", "video/3gpp"), _FILM),
    **dict.fromkeys(("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg; codecs=opus"), _FILM),
    **dict.fromkeys(("application/pdf", "text/plain", "application/msword"), _PAPER),
    **dict.fromkeys(("application/vnd.ms-excel", "application/vnd.ms-powerpoint"), _PAPER),
    **dict.fromkeys((f"{_OFFICE}{end}" for end in ("wordprocessingml.document", "spreadsheetml.sheet")), _PAPER),
    f"{_OFFICE}presentationml.presentation": _PAPER,
}
"""Type → most bytes, as the service takes them (Cloud API, "Supported media types")."""
DAY = 86_400.0

Refusal = tuple[port.Verdict, str | None]
"""The verdict, and the fault on request behind it."""


class Shipment(NamedTuple):
    """A message at the service's door: whom, under which id, and the body's hash and size, never the body."""

    device_id: str
    token: int
    phone: str | None
    opaque: str | None
    ref: str
    body: str
    mime: str | None = None
    size: int = 0

    @property
    def to(self) -> str:
        """The chat, as text."""
        return self.phone or self.opaque or ""


def judge(device: phone.Phone, shipment: Shipment, person: chance.Traits, now: float) -> Refusal | None:
    """The refusal, or None when the message goes through; `now` in seconds since 1970."""
    trouble = device.trouble
    if device.phone is None or trouble.is_refused or trouble.banned_until > now or not device.is_connected:
        return _lost(device, now), None
    if device.meets_faults and device.take_fault("reject", shipment.to, now):
        return port.Rejected(port.Reason.UNDELIVERABLE, "Refused on request."), "reject"
    bad = _bad(shipment)
    if bad is not None:
        return port.Rejected(bad), None
    if not person.exists and shipment.phone is not None:
        return port.Rejected(port.Reason.NOT_ON_WHATSAPP), None
    is_slowed = trouble.restricted_until > now or trouble.slow_until > now
    return _slowed(device, shipment, now) if is_slowed else None


def _lost(device: phone.Phone, now: float) -> port.DeviceLost:
    if not device.is_linked:
        return port.DeviceLost(None, "The device is not linked.")
    if device.trouble.is_refused:
        return port.DeviceLost(None, "The number is banned.")
    if device.trouble.banned_until > now:
        return port.DeviceLost(phone.instant(device.trouble.banned_until), "The number is banned for a while.")
    return port.DeviceLost(None, "The device is not connected.")


def _bad(shipment: Shipment) -> port.Reason | None:
    _, _, digits, opaque, _, body, mime, size = shipment
    if digits is not None and not (digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15):
        return port.Reason.INVALID_ADDRESS
    if digits is None and not opaque:
        return port.Reason.INVALID_ADDRESS
    if mime is not None and mime not in MEDIA:
        return port.Reason.UNSUPPORTED
    if mime is not None and size > MEDIA[mime]:
        return port.Reason.TOO_LARGE
    return None if body else port.Reason.INVALID_CONTENT


def _slowed(device: phone.Phone, shipment: Shipment, now: float) -> Refusal | None:
    trouble = device.trouble
    if trouble.restricted_until > now and shipment.to not in device.warm:
        wait = timedelta(seconds=min(trouble.restricted_until - now, DAY))
        return port.Deferred(wait, port.Scope.NEW_CHATS, "No new chats for now."), "restrict"
    if trouble.slow_until > now:
        since, trouble.last_try = now - trouble.last_try, now
        if since < trouble.slow_gap:
            gap = timedelta(seconds=trouble.slow_gap)
            return port.Deferred(gap, port.Scope.DEVICE, "Too fast; slow down."), "rate_limit"
    return None
