"""A stand-in for the module `magic` (the system's libmagic): the MIME type of a file by its first bytes.

The library imports `magic` when it is imported and names files by it. Ours is put into `sys.modules` first (`linked/loading.py`),
so that linked devices work on machines without libmagic. It looks at bytes alone and opens no file.
"""

import io
import zipfile

UNKNOWN = "application/octet-stream"

_STARTS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"\x1f\x8b", "application/gzip"),
)
"""Where, which bytes, what: signatures as the formats' own specifications give them."""

_BRANDS = {
    **dict.fromkeys((b"M4A ", b"M4B "), "audio/mp4"),
    **dict.fromkeys((b"qt  ",), "video/quicktime"),
    **dict.fromkeys((b"heic", b"heix", b"mif1", b"msf1"), "image/heic"),
    **dict.fromkeys((b"avif",), "image/avif"),
    **dict.fromkeys((b"3gp4", b"3gp5", b"3gp6", b"3g2a"), "video/3gpp"),
}
"""Major brands of ISO base media files (ISO/IEC 14496-12) that are no ordinary MP4 film."""

_OFFICE = {
    "word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
"""The folder that tells what an Office Open XML package (ECMA-376) holds."""

_MOST_NAMES = 500
"""Names of a ZIP archive that are looked at; an office file has its folder among the first."""


def from_buffer(data: bytes, mime: bool = False) -> str:
    """The MIME type of what begins with these bytes. `mime` must be true: other descriptions are not known here."""
    if not mime:
        raise NotImplementedError("only MIME types are known here")
    return sniff(bytes(data))


def from_file(path: str, mime: bool = False) -> str:
    """Refused: whoever hands us a path wants a file of this machine to be opened."""
    raise PermissionError("files are handed over as bytes, never as a path")


def sniff(data: bytes) -> str:
    """The MIME type by content; `application/octet-stream` when nothing fits."""
    for at, start, kind in _STARTS:
        if data.startswith(start, at):
            return kind
    return _riff(data) or _iso(data) or _ogg(data) or _zip(data) or _mpeg_audio(data) or _text(data)


def _riff(data: bytes) -> str | None:
    if data[:4] != b"RIFF":
        return None
    return {b"WEBP": "image/webp", b"WAVE": "audio/x-wav", b"AVI ": "video/x-msvideo"}.get(data[8:12])


def _iso(data: bytes) -> str | None:
    """ISO base media: the box `ftyp` comes first, its brand tells sound from film."""
    if data[4:8] != b"ftyp":
        return None
    return _BRANDS.get(data[8:12], "video/mp4")


def _ogg(data: bytes) -> str | None:
    """Ogg (RFC 3533): Theora makes it a film, everything else we meet is sound (Opus, RFC 7845, and Vorbis)."""
    if data[:4] != b"OggS":
        return None
    return "video/ogg" if b"\x80theora" in data[:200] else "audio/ogg"


def _mpeg_audio(data: bytes) -> str | None:
    """A frame of MPEG audio or of AAC in ADTS: eleven set bits, then a version, layer and rate that exist."""
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return None
    if data[1] & 0xF6 == 0xF0:
        return "audio/aac"
    version, layer, rate, frequency = data[1] >> 3 & 3, data[1] >> 1 & 3, data[2] >> 4, data[2] >> 2 & 3
    return "audio/mpeg" if version != 1 and layer != 0 and rate not in (0, 15) and frequency != 3 else None


def _zip(data: bytes) -> str | None:
    """A ZIP archive, or what is packed in one: office files name themselves by a folder or by a first file `mimetype`."""
    if data[:4] not in (b"PK\x03\x04", b"PK\x05\x06"):
        return None
    if data[30:38] == b"mimetype":
        declared = data[38 : 38 + int.from_bytes(data[22:26], "little")]
        if declared.startswith(b"application/") and len(declared) < 100:
            return declared.decode("ascii", "replace")
    try:
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()[:_MOST_NAMES]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        names = []
    return next((kind for name in names for folder, kind in _OFFICE.items() if name.startswith(folder)), "application/zip")


def _text(data: bytes) -> str:
    """Text is what decodes and has no control characters but white space; a few kinds name themselves in their first line."""
    if not data:
        return "application/x-empty"
    head = data[:8192]
    try:
        words = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(data) <= len(head) or error.start < len(head) - 3:  # not merely a character cut in two at the end
            return UNKNOWN
        words = head[: error.start].decode("utf-8")
    if any(ord(each) < 32 and each not in "\t\n\r\f\x1b" for each in words):
        return UNKNOWN
    first = words.lstrip("\ufeff \t\r\n")[:200].lower()
    if first.startswith(("<!doctype html", "<html")):
        return "text/html"
    if first.startswith("<?xml"):
        return "image/svg+xml" if "<svg" in words else "text/xml"
    if first.startswith("<svg"):
        return "image/svg+xml"
    return "application/rtf" if first.startswith("{\\rtf") else "text/plain"
