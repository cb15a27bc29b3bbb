"""One linked device: its line while it has one, its session file, and every question the host may put."""

import asyncio
import hashlib
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hantar.gateways import port
from hantar.gateways.linked import client, sessions, verdicts, whatsmeow_files
from hantar.gateways.linked.whatsmeow_events import Translator, is_final, of_texts
from hantar.gateways.linked.whatsmeow_line import Line, Process, disconnected_why
from hantar.gateways.linked.whatsmeow_messages import jid
from hantar.gateways.linked.whatsmeow_pairing import Pairing
from hantar.gateways.linked.whatsmeow_reach import Reach
from hantar.gateways.linked.whatsmeow_sending import Sender

log = logging.getLogger("hantar.linked")

CODE = 30.0
"""Seconds to wait for the first code to scan before a code to type can be asked for."""
UNLINK = 20.0
"""Seconds to wait for a line on which WhatsApp can be told to unlink."""


class LinkedClient:
    """A `client.Client`. Everything but the library's own calls happens on the loop."""

    def __init__(self, device: port.DeviceRef, path: Path, tell: client.Tell, process: Process, reach: Reach) -> None:
        self._id, self._path, self._tell = device.device_id, path, tell
        self._process, self._reach = process, reach
        self._library, self._clock = process.library, process.clock
        self._translator = Translator(self._id, self._clock)
        self._sender = Sender(self._library, self._clock, self._translator, tell)
        self._line: Line | None = None
        self._ending: Line | None = None
        self._pairing: Pairing | None = None
        self._is_connected = False
        self._settled = asyncio.Event()  # connected, or over
        self._tasks: set[asyncio.Task[Any]] = set()
        self._offered: tuple[sessions.Mark, bytes] | None = None
        self._kept: tuple[sessions.Mark, bytes] = ((), b"")

    # ------------------------------------------------------------------ the line

    async def open(self) -> None:
        """See `client.Client`."""
        if self._line is not None:
            return
        if self._ending is not None and not self._ending.is_stopped:
            # the last line still hangs in its connect; two on one session file would be two devices of one pairing
            self._tell(self._translator.own(port.Disconnected, why="no_network", will_retry=False))
            return
        sessions.make_ready(self._path)
        is_linked = sessions.own_jid(self._path) is not None
        line = self._line = Line(self._process, self._id)
        self._pairing = None if is_linked else Pairing(self._translator, self._clock, self._tell, self._give_up)
        self._is_connected = False
        self._settled.clear()
        self._start(self._begin(line, self._pairing))  # many wait for their turn: the caller does not

    async def _begin(self, line: Line, pairing: Pairing | None) -> None:
        with self._process.opening():
            try:
                if await self._reach.is_there():
                    await self._connect(line, pairing)
                else:
                    self._ended(line, "dial: WhatsApp's servers are out of reach")
            except Exception as error:
                self._ended(line, f"{type(error).__name__}: {error}")

    async def _connect(self, line: Line, pairing: Pairing | None) -> None:
        # a "new device" on a file that has one leaves that pairing lying unused (measured): only where there is none
        await line.connect(
            str(self._path),
            pairing is not None,
            lambda event: self._hear(line, event),
            lambda code: pairing.show(code) if pairing is not None and self._line is line else None,
            lambda text: self._ended(line, text),
        )

    def _hear(self, line: Line, event: Any) -> None:
        """What the library tells. A line that was given up tells nothing any more."""
        if self._line is not line:
            return
        kind = event.DESCRIPTOR.name
        try:
            if kind == "PairStatus":
                self._hear_pairing(line, event)
                return
            if kind == "Connected":
                self._is_connected = True
                self._settled.set()
                if self._pairing is not None:
                    self._linked(sessions.own_jid(self._path))
            told = self._translator.of(event)
        except Exception:
            log.exception("an event of the kind %s could not be read", kind)
            return
        for each in told:
            self._tell(each)
        if any(is_final(each) for each in told):
            self._drop(line)

    def _hear_pairing(self, line: Line, event: Any) -> None:
        if event.Status == event.SUCCESS:
            self._linked(f"{event.ID.User}@{event.ID.Server}")
        elif self._pairing is not None:
            self._pairing.end()
            self._pairing = None
            log.warning("pairing refused: %s", event.Error)
            self._tell(self._translator.own(port.PairFailed, why="refused"))
            self._drop(line)

    def _linked(self, own: str | None) -> None:
        """The pairing ended well. The library tells little before it: the first `Connected` after it says so too."""
        who = of_texts(own or "")
        if self._pairing is None or who is None or who.phone is None:
            return
        self._pairing.end()
        self._pairing = None
        self._tell(self._translator.own(port.PairSucceeded, phone=who.phone, jid=f"{who.phone}@s.whatsapp.net"))

    def _ended(self, line: Line, text: str | None) -> None:
        """The library's connect came to its end; by itself, when the line is still the one in use."""
        if self._line is not line:
            return
        log.warning("a connection ended: %s", text)
        self._drop(line)
        self._tell(self._translator.own(port.Disconnected, why=disconnected_why(text), will_retry=False))

    def _give_up(self) -> None:
        if self._line is not None:
            self._drop(self._line)

    def _drop(self, line: Line) -> None:
        """Use this line no more, and let it end."""
        if self._line is line:
            self._line, self._ending = None, line
            self._is_connected = False
            self._settled.set()
            if self._pairing is not None:
                self._pairing.end()
        self._start(line.stop())

    def _start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """See `client.Client`."""
        line = self._line or self._ending
        if self._line is not None:
            self._drop(self._line)
        if line is not None and not line.is_stopped:
            await line.stop()

    # ------------------------------------------------------------------ pairing and unlinking

    async def pair_code(self, phone: str) -> port.PairCode:
        """See `client.Client`."""
        if sessions.own_jid(self._path) is not None:
            raise port.PairingRefused("This device is linked already.")
        await self.open()
        line, pairing = self._line, self._pairing
        is_told = pairing is not None and await self._clock.wait(pairing.has_code, CODE)
        if not is_told or line is None or self._line is not line:
            raise port.PairingRefused("WhatsApp gave no code. Try again in a moment.")
        try:
            code = await line.api.PairPhone(phone.lstrip("+0"), True)
        except self._library.error as error:
            log.warning("no code to type: %s", error)
            raise port.PairingRefused("WhatsApp gave no code for this number. Check it, or scan the code instead.") from None
        ends_at = (pairing.ends_at if pairing is not None else None) or self._clock.now()
        return self._translator.own(port.PairCode, code=str(code), expires_at=ends_at)

    async def logout(self) -> None:
        """See `client.Client`."""
        if sessions.own_jid(self._path) is not None:
            await self.open()
            line = self._line
            if line is not None:
                await self._clock.wait(self._settled, UNLINK)
            if line is None or self._line is not line or not self._is_connected:
                raise port.PairingRefused("WhatsApp cannot be reached just now, so the device stays linked.")
            await self._unlink(line)
        await self.forget()

    async def _unlink(self, line: Line) -> None:
        """What WhatsApp says to it is no news: it was asked for."""
        self._line, self._ending = None, line
        try:
            await line.api.logout()
        except self._library.error as error:
            if "store doesn't contain a device JID" not in str(error):
                self._line = line if not line.has_ended else None
                log.warning("not unlinked: %s", error)
                raise port.PairingRefused("WhatsApp did not unlink the device. Try again in a moment.") from None
        self._drop(line)

    async def forget(self) -> None:
        """See `client.Client`."""
        await self.close()
        await asyncio.to_thread(sessions.remove, self._path)
        self._offered, self._kept = None, ((), b"")

    # ------------------------------------------------------------------ messages

    async def send(self, to: port.Address, content: port.Content, *, ref: str) -> port.Verdict:
        """See `client.Client`."""
        if self._line is None or self._line.api is None:
            return port.DeviceLost(None, "The device is not connected.")
        return await self._sender.send(self._line.api, to, content, ref)

    def _api(self) -> Any:
        if self._line is None or self._line.api is None:
            raise port.NotPaired("The device is not connected.")
        return self._line.api

    async def check_numbers(self, phones: Sequence[str]) -> list[port.NumberStatus]:
        """See `client.Client`; raises `LookupError` when WhatsApp left one out."""
        api = self._api()
        try:
            answers = await api.is_on_whatsapp(*(f"+{each}" for each in phones))
        except self._library.error as error:
            if isinstance(verdicts.Judge().of_send(str(error), ""), port.DeviceLost):
                raise port.NotPaired("The device is not connected.") from None
            raise
        found = {re.sub(r"\D", "", each.Query): each for each in answers}
        missing = len([each for each in phones if each not in found])
        if missing:
            raise LookupError(f"no answer for {missing} of {len(phones)} numbers")
        return [
            port.NumberStatus(
                each, found[each].IsIn, f"{found[each].JID.User}@{found[each].JID.Server}" if found[each].IsIn else None
            )
            for each in phones
        ]

    async def mark_read(self, chat: port.Address, wire_ids: Sequence[str]) -> None:
        """See `client.Client`."""
        who = jid(self._library, chat)
        at = int(self._clock.now().timestamp())
        await self._api().mark_read(*wire_ids, chat=who, sender=who, receipt=self._library.enums.ReceiptType.READ, timestamp=at)

    async def typing(self, chat: port.Address, on: bool) -> None:
        """See `client.Client`."""
        states, media = self._library.enums.ChatPresence, self._library.enums.ChatPresenceMedia
        state = states.CHAT_PRESENCE_COMPOSING if on else states.CHAT_PRESENCE_PAUSED
        await self._api().send_chat_presence(jid(self._library, chat), state, media.CHAT_PRESENCE_MEDIA_TEXT)

    async def fetch(self, ref: port.MediaRef, most: int) -> bytes:
        """See `client.Client`."""
        return await whatsmeow_files.fetch(self._library, self._api(), ref, most)

    # ------------------------------------------------------------------ the session

    async def snapshot(self) -> bytes | None:
        """See `client.Client`."""
        mark = sessions.mark(self._path)
        if not mark or mark == self._kept[0]:
            return None
        copy = await asyncio.to_thread(sessions.copied, self._path)
        if copy is None:
            return None
        digest = hashlib.sha256(copy).digest()
        if digest == self._kept[1]:  # written, and the same again
            self._kept = (mark, digest)
            return None
        self._offered = (mark, digest)
        return copy

    def kept(self) -> None:
        """See `client.Client`."""
        if self._offered is not None:
            self._kept, self._offered = self._offered, None
