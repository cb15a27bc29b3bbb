"""What is done about what comes in. The caller's transaction stores the message and acts on its words, or neither.

A STOP is in force with the commit that stores it, before anything else hears of it (responsible-sending.md 5).
"""

from dataclasses import dataclass
from functools import cache

import structlog

from hantar.consent import holds, model, optouts, service as consent, words
from hantar.consent.model import Meaning
from hantar.gateways import port
from hantar.inbox import identity, model as inbox, replies, store
from hantar.inbox.identity import merge
from hantar.inbox.model import Place
from hantar.kit import db
from hantar.kit.phone import masked
from hantar.outbox import service as outbox
from hantar.persons.model import PersonId
from hantar.policy import service as policy

log = structlog.get_logger(__name__)

__all__ = ["blocked", "link", "merge", "receive", "written_elsewhere"]

LONGEST_QUOTE = 500
"""Characters of the person's own words kept beside an opt-out."""


@cache
def _our_texts() -> frozenset[str]:
    """Our own confirmations, folded: sent back, or come to another of our devices, they ask for nothing (I-18)."""
    return frozenset(words.fold(each[told]) for each in inbox.confirmations().values() for told in replies.DUTY)


@dataclass(frozen=True, slots=True)
class Heard:
    """A message that was stored just now, and what its words ask for."""

    inbound_id: str
    person_id: PersonId
    event: port.MessageReceived
    read: words.Read
    text: str
    quoted: str | None

    @property
    def number(self) -> str | None:
        """The digits it came from, if it came from a number."""
        return self.event.sender.phone if inbox.key_of(self.event.sender) else None


async def receive(tx: db.Tx, place: Place, event: port.MessageReceived, *, acts: bool = True) -> None:
    """Store a message and act on its words; one that is stored already changes nothing (I-17).

    `acts`: False for words from before the device was linked: they were not said to us.
    """
    if place.is_own(event.sender):
        return  # an echo of ourselves
    if event.in_group:
        log.info("inbox.group_ignored", device=place.device_id)  # not said to us alone: a STOP there binds nobody
        return
    wire_id = inbox.clean(event.wire_id, inbox.LONGEST_ID)
    if await store.is_known(tx, place, wire_id):
        return
    person_id = await identity.person_of(tx, place.workspace_id, event.sender)
    if person_id is None:
        log.warning("inbox.nobody", device=place.device_id, sender=masked(event.sender.phone or ""))
        return
    heard = await _stored(tx, place, event, person_id, wire_id, acts=acts)
    if heard is not None and acts:
        await _act(tx, place, heard)


async def _stored(
    tx: db.Tx, place: Place, event: port.MessageReceived, person_id: PersonId, wire_id: str, *, acts: bool
) -> Heard | None:
    text = inbox.clean(event.text, inbox.LONGEST_TEXT)
    is_ours = words.fold(text) in _our_texts()
    read = words.Read(Meaning.NONE) if is_ours else words.read(text, await store.own_words(tx))
    at = min(event.at, await tx.now())  # a clock ahead of ours must not open a window in the future
    quoted = inbox.clean(event.quoted_wire_id, inbox.LONGEST_ID) if event.quoted_wire_id else None
    version = words.VERSION if acts and read.meaning is not Meaning.NONE else None
    name = inbox.clean(event.push_name, inbox.LONGEST_NAME)
    file = inbox.file_of(event.media) if event.media else None
    came = store.Incoming(person_id, wire_id, at, text, name, read.meaning.value, version, quoted, file)
    inbound_id = await store.add(tx, place, came)
    if inbound_id is None:
        return None
    await store.wrote(tx, place, person_id, at)
    return Heard(inbound_id, person_id, event, read, text, quoted)


async def _act(tx: db.Tx, place: Place, heard: Heard) -> None:
    match heard.read.meaning:
        case Meaning.STOP:
            await _stop(tx, place, heard)
        case Meaning.START:
            if not await _start(tx, place, heard):
                await _note_first(tx, place, heard)
        case Meaning.INTENT:
            await _leave_alone(tx, place, heard)
        case Meaning.QUESTION:
            await _note_first(tx, place, heard)
            await _guard(tx, place, heard)
        case Meaning.NONE:
            await _note_first(tx, place, heard)


# ---------------------------------------------------------------- what the words ask for
async def _stop(tx: db.Tx, place: Place, heard: Heard) -> None:
    """Tier 1: opted out from this commit on, and told so once, unless they heard nothing already."""
    was_out = await consent.is_opted_out(tx, place.workspace_id, heard.person_id)
    asked = await _opt_out_of(tx, place, heard)
    made = await outbox.opt_out(tx, place.workspace_id, heard.person_id, asked)
    await holds.end_all(tx, place.workspace_id, heard.person_id, "intent", "confirmed", by=None)
    if made is not None and not was_out:
        language = await _language(tx, heard.read)
        await replies.confirm(tx, place, heard.person_id, "stopped", language, because=made, number=heard.number)


async def _opt_out_of(tx: db.Tx, place: Place, heard: Heard) -> model.OptOut:
    return model.OptOut(
        model.OptOutReason.STOP,
        model.OptOutSource.KEYWORD,
        text=heard.text[:LONGEST_QUOTE],
        inbound_id=heard.inbound_id,
        keywords_version=words.VERSION,
        device_id=place.device_id,
        campaign_id=await store.last_campaign(tx, place, heard.person_id, heard.quoted, await tx.now()),
    )


async def _start(tx: db.Tx, place: Place, heard: Heard) -> bool:
    """The person's own way back: ends opt-outs by STOP from before these words, and no other kind.

    Whoever stays opted out for another reason is told nothing, since nothing changed for them. False when there was
    nothing to release.
    """
    released = await optouts.release_stops(tx, heard.person_id, heard.event.at)
    if not released:
        return False
    if await consent.is_opted_out(tx, place.workspace_id, heard.person_id):
        return True
    withdrawn = await optouts.withdrawn_since(tx, heard.person_id, min(each.at for each in released))
    if withdrawn is not None:
        await _give_back(tx, place, heard, withdrawn)
    tx.tell("lead.opted_in", place.workspace_id, person_id=heard.person_id)
    told: inbox.Told = "lifted" if withdrawn is None else "restored"
    language = await _language(tx, heard.read)
    await replies.confirm(tx, place, heard.person_id, told, language, because=heard.inbound_id, number=heard.number)
    return True


async def _give_back(tx: db.Tx, place: Place, heard: Heard, withdrawn: db.Row) -> None:
    """The consent to marketing that the STOP had withdrawn, as a new row with the message as its proof."""
    given = model.Given(
        purpose="marketing",
        wording=heard.text[:LONGEST_QUOTE],
        wording_version=words.VERSION,
        source="inbound",
        given_at=await tx.now(),
        channel=withdrawn["channel"],
        business_name=withdrawn["business_name"],
        inbound_id=heard.inbound_id,
        expires_at=withdrawn["expires_at"],
    )
    await consent.give(tx, place.workspace_id, [heard.person_id], given)


async def _leave_alone(tx: db.Tx, place: Place, heard: Heard) -> None:
    """Tier 2: all automation stops at once and a person decides. Who is opted out already needs no decision."""
    if not await consent.is_opted_out(tx, place.workspace_id, heard.person_id):
        about = {"inbound_id": heard.inbound_id, "device_id": place.device_id}
        await consent.hold(tx, place.workspace_id, heard.person_id, "intent", **about)


async def _guard(tx: db.Tx, place: Place, heard: Heard) -> None:
    """An unanswered question keeps the person out of automation, where the rules say so."""
    if (await policy.of(tx, place.workspace_id, place.rules_kind)).rules.conversation_guard:
        about = {"inbound_id": heard.inbound_id, "device_id": place.device_id}
        await consent.hold(tx, place.workspace_id, heard.person_id, "conversation", **about)


async def _note_first(tx: db.Tx, place: Place, heard: Heard) -> None:
    """Who writes first may be answered: a consent to service, once, never to marketing."""
    if await store.has_consented(tx, heard.person_id):
        return
    name = await tx.fetchval("SELECT name FROM workspaces WHERE id = $1", place.workspace_id)
    given = model.Given(
        purpose="service",
        wording=inbox.WROTE_FIRST,
        source="inbound",
        given_at=await tx.now(),
        business_name=name or "",
        inbound_id=heard.inbound_id,
    )
    await consent.give(tx, place.workspace_id, [heard.person_id], given)


async def _language(tx: db.Tx, read: words.Read) -> str | None:
    """The language of the word; a workspace's own word has the one it was given."""
    if read.language is not None or read.word is None:
        return read.language
    return await store.language_of(tx, read.word)


# ---------------------------------------------------------------- what else comes
async def link(tx: db.Tx, place: Place, event: port.IdentityLinked) -> None:
    """A number and an opaque id are one person: linked or merged, the stricter side winning."""
    key, opaque = inbox.key_of(port.Address(event.phone)), inbox.opaque_of(port.Address(None, event.opaque))
    if key and opaque:
        await identity.link(tx, place.workspace_id, key, opaque)


async def blocked(tx: db.Tx, place: Place, event: port.OptOut) -> None:
    """The service says that a person opted out, complained or blocked us: in force at once, once for each such word."""
    wire_id = inbox.clean(f"optout:{event.event_id}", inbox.LONGEST_ID)
    if await store.is_known(tx, place, wire_id):
        return
    person_id = await identity.person_of(tx, place.workspace_id, event.who)
    if person_id is None:
        log.warning("inbox.nobody", device=place.device_id, sender=masked(event.who.phone or ""))
        return
    now = await tx.now()
    meaning = Meaning.STOP if event.way == "stop" else Meaning.NONE
    came = store.Incoming(person_id, wire_id, min(event.at, now), "", "", meaning.value, None, None)
    inbound_id = await store.add(tx, place, came)
    if inbound_id is None:
        return
    asked = model.OptOut(
        model.OptOutReason(event.way),
        model.OptOutSource.PLATFORM,
        inbound_id=inbound_id,
        device_id=place.device_id,
        campaign_id=await store.last_campaign(tx, place, person_id, None, now),
    )
    await outbox.opt_out(tx, place.workspace_id, person_id, asked)


async def written_elsewhere(tx: db.Tx, place: Place, event: port.MessageSentElsewhere) -> None:
    """Somebody answered on the phone itself: what waited for an answer ends. People we do not know stay unknown."""
    person_id = await identity.known(tx, event.to)
    if person_id is not None:
        at = min(event.at, await tx.now())
        await store.was_written(tx, place, person_id, at)
        await outbox.answered(tx, place.workspace_id, person_id, None, until=at)
