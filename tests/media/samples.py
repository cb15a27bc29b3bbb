"""Small files of every kind, made byte by byte: enough for whoever looks at their structure."""

import io
import struct
import zipfile

OPEN = "application/vnd.openxmlformats-officedocument."


def box(kind: bytes, *bodies: bytes) -> bytes:
    """One box of an MP4 file."""
    body = b"".join(bodies)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def track(handler: bytes, codec: bytes) -> bytes:
    """A track with its kind and its codec."""
    description = box(b"stsd", bytes(4), struct.pack(">I", 1), box(codec, bytes(70)))
    kind = box(b"hdlr", bytes(8), handler, bytes(12))
    return box(b"trak", box(b"tkhd", bytes(80)), box(b"mdia", kind, box(b"minf", box(b"stbl", description))))


def mp4(*tracks: tuple[bytes, bytes], brand: bytes = b"isom", size: int = 2000) -> bytes:
    """A film: by default one video track with sound."""
    chosen = tracks or ((b"vide", b"avc1"), (b"soun", b"mp4a"))
    head = box(b"ftyp", brand, bytes(4), b"isommp42")
    return head + box(b"moov", *(track(*each) for each in chosen)) + box(b"mdat", b"\x5a" * size)


def ogg(codec: bytes = b"OpusHead", pages: int = 2) -> bytes:
    """A sound in OGG: a page with its header, then others."""
    body = codec + b"\x01\x01" + bytes(9)
    page = b"OggS\x00\x02" + bytes(20) + bytes([1, len(body)]) + body
    return page + (b"OggS\x00\x00" + bytes(20) + b"\x01\x05hello") * (pages - 1)


def mp3(frames: int = 4, tag: bool = True) -> bytes:
    """A sound in MP3: 128 kbit/s at 44.1 kHz, 417 bytes a frame."""
    title = b"ID3\x04\x00\x00\x00\x00\x00\x14" + bytes(20)
    return (title if tag else b"") + (b"\xff\xfb\x90\x00" + bytes(413)) * frames


def aac(frames: int = 4) -> bytes:
    """A sound in AAC with ADTS headers, 107 bytes a frame."""
    return (b"\xff\xf1\x50\x80" + bytes([107 >> 3, (107 & 7) << 5, 0xFC]) + bytes(100)) * frames


def pdf(text: str = "Prices", size: int = 0) -> bytes:
    """Enough of a PDF."""
    return b"%PDF-1.7\n% " + text.encode() + b"\n" + b"x" * size + b"\n%%EOF\n"


def office(part: str = "wordprocessingml.document", *, macros: bool = False, extra: str = "") -> bytes:
    """A Word, Excel or PowerPoint file, or one with macros."""
    main = "application/vnd.ms-word.document.macroEnabled.main+xml" if macros else f"{OPEN}{part}.main+xml"
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", f'<Types><Override PartName="/main.xml" ContentType="{main}"/></Types>')
        packed.writestr("main.xml", "<x/>")
        if extra:
            packed.writestr(extra, "x")
    return target.getvalue()


def compound(*names: str) -> bytes:
    """An old Office file (a compound file with 512-byte sectors): header, table of chains, directory."""
    end = 0xFFFFFFFE
    head = bytearray(512)
    head[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<H", head, 0x1E, 9)
    struct.pack_into("<I", head, 0x30, 1)
    struct.pack_into("<I", head, 0x44, end)
    struct.pack_into("<109I", head, 0x4C, 0, *[0xFFFFFFFF] * 108)
    blocks = -(-len(names) // 4)
    chain = [0xFFFFFFFD, *range(2, blocks + 1), end]
    table = struct.pack(f"<{len(chain)}I", *chain).ljust(512, b"\xff")
    listing = bytearray(512 * blocks)
    for place, name in enumerate(names):
        text = (name + "\0").encode("utf-16-le")
        listing[place * 128 : place * 128 + len(text)] = text
        struct.pack_into("<HB", listing, place * 128 + 64, len(text), 2)
    return bytes(head) + table + bytes(listing)


GOOD: dict[str, tuple[bytes, str, str, str]] = {
    "film.mp4": (mp4(), "video", "video/mp4", "film.mp4"),
    "film.mov": (mp4(), "video", "video/mp4", "film.mov.mp4"),
    "silent.mp4": (mp4((b"vide", b"avc1")), "video", "video/mp4", "silent.mp4"),
    "phone.3gp": (mp4(brand=b"3gp4"), "video", "video/3gpp", "phone.3gp"),
    "song.m4a": (mp4((b"soun", b"mp4a"), brand=b"M4A "), "audio", "audio/mp4", "song.m4a"),
    "voice.ogg": (ogg(), "audio", "audio/ogg; codecs=opus", "voice.ogg"),
    "song.mp3": (mp3(), "audio", "audio/mpeg", "song.mp3"),
    "untagged.mp3": (mp3(tag=False), "audio", "audio/mpeg", "untagged.mp3"),
    "song.aac": (aac(), "audio", "audio/aac", "song.aac"),
    "prices.pdf": (pdf(), "document", "application/pdf", "prices.pdf"),
    "letter.docx": (office(), "document", f"{OPEN}wordprocessingml.document", "letter.docx"),
    "list.xlsx": (office("spreadsheetml.sheet"), "document", f"{OPEN}spreadsheetml.sheet", "list.xlsx"),
    "talk.pptx": (
        office("presentationml.presentation"),
        "document",
        f"{OPEN}presentationml.presentation",
        "talk.pptx",
    ),
    "old.doc": (compound("Root Entry", "WordDocument"), "document", "application/msword", "old.doc"),
    "old.xls": (compound("Root Entry", *"abcd", "Workbook"), "document", "application/vnd.ms-excel", "old.xls"),
    "old.ppt": (compound("Root Entry", "PowerPoint Document"), "document", "application/vnd.ms-powerpoint", "old.ppt"),
    "notes.txt": ("Käse für 5 €\n".encode(), "document", "text/plain", "notes.txt"),
    "list.csv": (b"name,phone\nAnn,1\n", "document", "text/plain", "list.csv"),
    "run.bat": (b"echo hello\r\n", "document", "text/plain", "run.bat.txt"),
    "invoice.exe": (pdf(), "document", "application/pdf", "invoice.exe.pdf"),
    "..\\..\\evil\u202efdp.exe": (pdf(), "document", "application/pdf", "evilfdp.exe.pdf"),
    "": (pdf(), "document", "application/pdf", "document.pdf"),
}
"""Given name → bytes, kind, type and the name it is stored under."""

BAD: list[tuple[str, bytes, str]] = [
    ("program", b"MZ\x90\x00\x03" + bytes(100), "unsupported_type"),
    ("unix program", b"\x7fELF\x02\x01\x01" + bytes(100), "unsupported_type"),
    ("page", b"<!DOCTYPE html><script>alert(1)</script>", "unsupported_type"),
    ("page behind words", b"hello <ScRiPt>alert(1)</script>", "unsupported_type"),
    ("page behind a mark", b"\xef\xbb\xbf  <html>", "unsupported_type"),
    ("drawing", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "unsupported_type"),
    ("script", b"#!/bin/sh\nrm -rf /\n", "unsupported_type"),
    ("archive", office(part="x", extra="a.exe"), "unsupported_type"),
    ("java", b"PK\x03\x04" + bytes(40), "file_unreadable"),
    ("macros", office(macros=True), "has_macros"),
    ("macros by name", office(extra="word/vbaProject.bin"), "has_macros"),
    ("old macros", compound("Root Entry", "WordDocument", "Macros"), "has_macros"),
    ("installer", compound("Root Entry", "Property"), "unsupported_type"),
    ("old and cut", compound("Root Entry", "WordDocument")[:700], "file_unreadable"),
    ("zip and cut", office()[:-30], "file_unreadable"),
    ("zip that lies", office()[:-12] + b"\xff" * 12, "file_unreadable"),
    ("pdf and cut", pdf(size=3000)[:-20], "file_unreadable"),
    ("film and cut", mp4()[:-100], "file_unreadable"),
    ("film without index", box(b"ftyp", b"isom", bytes(4)) + box(b"mdat", bytes(10)), "file_unreadable"),
    ("film in HEVC", mp4((b"vide", b"hvc1"), (b"soun", b"mp4a")), "unsupported_codec"),
    ("film with other sound", mp4((b"vide", b"avc1"), (b"soun", b"ac-3")), "unsupported_codec"),
    ("box that points back", box(b"ftyp", b"isom", bytes(4)) + struct.pack(">I4sQ", 1, b"moov", 4), "file_unreadable"),
    ("QuickTime", mp4(brand=b"qt  "), "unsupported_type"),
    ("sound in Vorbis", ogg(b"\x01vorbis"), "unsupported_type"),
    ("sound and cut", ogg(pages=1), "file_unreadable"),
    ("tag without sound", mp3(frames=0), "file_unreadable"),
    ("one frame and rubbish", mp3(frames=1, tag=False) + b"\x00" * 50, "unsupported_type"),
    ("text with a zero", b"hello\x00world", "unsupported_type"),
    ("text in another alphabet", "Käse".encode("latin-1"), "unsupported_type"),
    ("text cut in a letter", "Käs€".encode()[:-1], "unsupported_type"),
    ("nothing", b"", "unsupported_type"),
]
"""What it is, its bytes, and why it is refused."""
