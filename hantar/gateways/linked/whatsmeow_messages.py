"""Our content in WhatsApp's message format. Objects and bytes only.

The library's own helpers search a text for numbers after an @ and for groups (questions to WhatsApp), fetch links for a preview,
and open a `str` as an address or a file of this machine. None of that happens here: a text stays the text it is.
"""

import hashlib
import io
from dataclasses import dataclass
from typing import Any

from PIL import Image

from hantar.gateways import port
from hantar.gateways.linked.loading import Neonize

THUMBNAIL = 96
"""Pixels of the longer side of the small picture that is shown until the large one is there."""
MOST_PIXELS = 50_000_000
"""Larger pictures get no small one: unpacking them costs more than it is worth."""
OPUS = "audio/ogg; codecs=opus"
"""What WhatsApp calls the sound of a voice message."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file at WhatsApp: what the library answered, and for a picture its size and small version."""

    answer: Any
    look: dict[str, Any]


def jid(library: Neonize, to: port.Address) -> Any:
    """The library's address: by number where there is one, else by opaque id (with or without its `@lid`)."""
    user, server = (to.phone, "s.whatsapp.net") if to.phone else ((to.opaque or "").partition("@")[0], "lid")
    return library.protos.JID(User=user, Server=server, Device=0, RawAgent=0, Integrator=0, IsEmpty=False)


def key_of(media: port.MediaBytes) -> str:
    """The same for the same file sent in the same way."""
    digest = media.sha256 or hashlib.sha256(media.data).digest()  # a campaign's picture is digested once, not for each person
    return f"{media.kind}:{digest.hex()}"


def upload_kind(library: Neonize, media: port.MediaBytes) -> Any:
    """As what the library encrypts the file."""
    kinds = library.enums.MediaType
    by_kind = {"image": kinds.MediaImage, "video": kinds.MediaVideo, "audio": kinds.MediaAudio}
    return by_kind.get(media.kind, kinds.MediaDocument)


def message(library: Neonize, to: port.Address, content: port.Content, upload: Uploaded | None) -> Any:
    """The message; `upload`: its file, where it has one."""
    context = _context(library, to, content.reply_to)
    made = library.e2e.Message()
    if content.media is not None:
        if upload is None:
            raise ValueError("a file must be uploaded first")
        _put_file(library, made, content, _where(content.media, upload.answer) | upload.look | context)
    elif context:
        made.extendedTextMessage.MergeFrom(library.e2e.ExtendedTextMessage(text=content.text, **context))
    else:
        made.conversation = content.text
    return made


def _context(library: Neonize, to: port.Address, reply_to: str | None) -> dict[str, Any]:
    """What a reply answers. Whom we answer is whom we write to; the words quoted are not kept here, so none are shown."""
    if reply_to is None:
        return {}
    who = jid(library, to)
    quoted = library.e2e.Message(conversation="")
    context = library.e2e.ContextInfo(stanzaID=reply_to, participant=f"{who.User}@{who.Server}", quotedMessage=quoted)
    return {"contextInfo": context}


def _is_voice(media: port.MediaBytes) -> bool:
    """Sound in OGG, with or without its codec named, is shown as a voice message."""
    return media.mime.partition(";")[0] == "audio/ogg"


def _where(media: port.MediaBytes, upload: Any) -> dict[str, Any]:
    """Where the encrypted file lies, and the key to it."""
    return {
        "URL": upload.url,
        "directPath": upload.DirectPath,
        "mediaKey": upload.MediaKey,
        "fileEncSHA256": upload.FileEncSHA256,
        "fileSHA256": upload.FileSHA256,
        "fileLength": upload.FileLength,
        "mimetype": OPUS if _is_voice(media) else media.mime,
    }


def _put_file(library: Neonize, made: Any, content: port.Content, fields: dict[str, Any]) -> None:
    media = content.media
    assert media is not None  # noqa: S101 narrows the type
    caption = {"caption": content.text} if content.text else {}
    if media.kind == "image":
        made.imageMessage.MergeFrom(library.e2e.ImageMessage(**fields, **caption))
    elif media.kind == "video":
        made.videoMessage.MergeFrom(library.e2e.VideoMessage(**fields, **caption))
    elif media.kind == "audio":
        made.audioMessage.MergeFrom(library.e2e.AudioMessage(**fields, PTT=_is_voice(media)))
    else:
        name = media.name or "file"
        document = library.e2e.DocumentMessage(**fields, **caption, fileName=name, title=name)
        # words under a document are shown only inside this wrapper
        target = made.documentWithCaptionMessage.message if caption else made
        target.documentMessage.MergeFrom(document)


def look_of(media: port.MediaBytes) -> dict[str, Any]:
    """Size and small version of a picture, nothing for what Pillow cannot open. Takes tens of milliseconds."""
    return _picture(media.data) if media.kind == "image" else {}


def _picture(data: bytes) -> dict[str, Any]:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            width, height = picture.size
            if width * height > MOST_PIXELS:
                return {"width": width, "height": height}
            picture.draft("RGB", (THUMBNAIL * 2, THUMBNAIL * 2))
            small = picture.convert("RGB")
            small.thumbnail((THUMBNAIL, THUMBNAIL))
            drawn = io.BytesIO()
            small.save(drawn, "JPEG", quality=60)
            return {"width": width, "height": height, "JPEGThumbnail": drawn.getvalue()}
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return {}
