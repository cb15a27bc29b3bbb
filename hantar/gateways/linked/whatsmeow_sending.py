"""Sends messages of one device, and says what became of each."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from hantar.gateways import port
from hantar.gateways.linked import verdicts, whatsmeow_messages as messages
from hantar.gateways.linked.loading import Neonize
from hantar.gateways.linked.whatsmeow_events import Translator
from hantar.kit.clock import Clock

UPLOADS = 16
"""Files of which it is remembered where they lie at WhatsApp: a campaign's picture is uploaded once, not for each person."""
UPLOAD_LASTS = 3600.0
"""Seconds an upload is used again. WhatsApp keeps files for days, we ask for far less."""


class Sender:
    """The messages of one device."""

    def __init__(self, library: Neonize, clock: Clock, translator: Translator, tell: Callable[[port.Event], None]) -> None:
        self._library, self._clock, self._translator, self._tell = library, clock, translator, tell
        self._judge = verdicts.Judge()
        self._uploads: OrderedDict[str, tuple[float, messages.Uploaded]] = OrderedDict()

    async def send(self, api: Any, to: port.Address, content: port.Content, ref: str) -> port.Verdict:
        """Send one message over a line. What the library raises beside its own error goes up: that is doubt."""
        if content.media is not None and content.media.kind == "audio" and content.text:
            return port.Rejected(port.Reason.INVALID_CONTENT, "A sound has no caption: send the words on their own.")
        upload = None
        if content.media is not None:
            try:
                upload = await self._upload(api, content.media)
            except self._library.error as error:
                return self._judge.of_upload(str(error), ref)
        made = messages.message(self._library, to, content, upload)
        try:
            answer = await api.send_message(messages.jid(self._library, to), made)
        except self._library.error as error:
            return self._failed(str(error), ref)
        if not answer.ID:
            return port.Unconfirmed("The library gave no id.")
        self._judge.accepted(ref)
        return port.Accepted(answer.ID, _instant(answer.Timestamp, self._clock.now()))

    def _failed(self, text: str, ref: str) -> port.Verdict:
        verdict = self._judge.of_send(text, ref)
        if isinstance(verdict, port.Deferred) and verdict.scope is port.Scope.NEW_CHATS:
            self._tell(self._translator.own(port.ReachOutLocked, until=None))  # its end is not passed on by the library
        return verdict

    async def _upload(self, api: Any, media: port.MediaBytes) -> messages.Uploaded:
        key, now = messages.key_of(media), self._clock.monotonic()
        known = self._uploads.get(key)
        if known is not None and now - known[0] < UPLOAD_LASTS:
            return known[1]
        answer = await api.upload(media.data, messages.upload_kind(self._library, media))
        made = messages.Uploaded(answer, await asyncio.to_thread(messages.look_of, media))
        self._uploads[key] = (now, made)
        self._uploads.move_to_end(key)
        if len(self._uploads) > UPLOADS:
            self._uploads.popitem(last=False)
        return made


def _instant(stamp: int, now: datetime) -> datetime:
    """The instant of a reply's stamp (seconds, or milliseconds); now for what is neither."""
    seconds = stamp / 1000 if stamp > 10**11 else stamp
    return datetime.fromtimestamp(seconds, UTC) if 10**9 < seconds < now.timestamp() + 86_400 else now
