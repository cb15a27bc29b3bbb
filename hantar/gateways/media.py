"""Files that people send us: a driver that can fetch them offers `FetchesMedia`. They stay at the service for a while."""

from collections.abc import AsyncIterator
from typing import Protocol, runtime_checkable

from hantar.gateways import port


class MediaGone(Exception):
    """The service keeps this file no longer; nobody can fetch it."""


class MediaTooLarge(MediaGone):
    """The file is larger than this driver takes; that does not change."""


@runtime_checkable
class FetchesMedia(Protocol):
    """A driver that fetches what a `MessageReceived` only points at."""

    def fetch_media(self, device: port.DeviceRef, ref: port.MediaRef) -> AsyncIterator[bytes]:
        """The file's bytes, in pieces; raises `MediaGone`, `NotPaired` without a line, `PairingRefused` when the service is away.

        It may be asked of the device that heard the message alone, and again after a failure.
        """
        ...
