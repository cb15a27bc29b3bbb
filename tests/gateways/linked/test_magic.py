"""What a file is, by its bytes alone."""

import io
import zipfile

import pytest
from PIL import Image

from hantar.gateways.linked import magic

OGG = b"OggS\0\x02" + bytes(8) + b"\x01\0\0\0" + bytes(8) + b"\x01\x13"


def picture(kind: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(made, kind)
    return made.getvalue()


def packed(*names: str, first: bytes | None = None) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        if first is not None:
            archive.writestr("mimetype", first)
        for name in names:
            archive.writestr(name, "content")
    return made.getvalue()


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (picture("JPEG"), "image/jpeg"),
        (picture("PNG"), "image/png"),
        (picture("GIF"), "image/gif"),
        (picture("WEBP"), "image/webp"),
        (picture("BMP"), "image/bmp"),
        (picture("TIFF"), "image/tiff"),
        (b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41", "video/mp4"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "video/mp4"),
        (b"\0\0\0\x14ftyp3gp5\0\0\0\0", "video/3gpp"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0", "video/quicktime"),
        (b"\0\0\0\x1cftypM4A \0\0\0\0", "audio/mp4"),
        (b"\x1aE\xdf\xa3\x01\0\0\0", "video/webm"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "audio/x-wav"),
        (OGG + b"OpusHead\x01\x01", "audio/ogg"),
        (OGG + b"\x01vorbis", "audio/ogg"),
        (OGG + b"\x80theora", "video/ogg"),
        (b"ID3\x04\0\0\0\0\0\x23", "audio/mpeg"),
        (b"\xff\xfb\x90\x64" + bytes(20), "audio/mpeg"),
        (b"\xff\xf1\x50\x80" + bytes(20), "audio/aac"),
        (b"#!AMR\n", "audio/amr"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "application/pdf"),
        (packed("[Content_Types].xml", "word/document.xml"), magic._OFFICE["word/"]),
        (packed("[Content_Types].xml", "xl/workbook.xml"), magic._OFFICE["xl/"]),
        (packed("[Content_Types].xml", "ppt/presentation.xml"), magic._OFFICE["ppt/"]),
        (packed("content.xml", first=b"application/vnd.oasis.opendocument.text"), "application/vnd.oasis.opendocument.text"),
        (packed("a.txt"), "application/zip"),
        (b"PK\x03\x04 and then nothing of the kind", "application/zip"),
        ("Selamat pagi, apa khabar? 👋".encode(), "text/plain"),
        (b"\xef\xbb\xbfname;phone\n", "text/plain"),
        (b"<!DOCTYPE html><p>hi", "text/html"),
        (b"<?xml version='1.0'?><svg xmlns='x'/>", "image/svg+xml"),
        (b"<?xml version='1.0'?><a/>", "text/xml"),
        (b"{\\rtf1 hi}", "application/rtf"),
        (b"\xff\xfe\x00\x01\x02", "application/octet-stream"),
        (b"\xff\xff\xff\xff", "application/octet-stream"),
        (b"MZ\x90\0\x03", "application/octet-stream"),
        (b"Latin\xe9", "application/octet-stream"),
        (b"", "application/x-empty"),
    ],
)
def test_a_file_is_what_its_bytes_say(data: bytes, mime: str) -> None:
    assert magic.from_buffer(data, mime=True) == mime


def test_a_character_cut_in_two_is_still_text() -> None:
    assert magic.sniff(b"x" * 8191 + "é".encode() + b"y" * 100) == "text/plain"


def test_no_file_is_opened_and_no_other_answer_given() -> None:
    with pytest.raises(PermissionError):
        magic.from_file("/etc/passwd", mime=True)
    with pytest.raises(NotImplementedError):
        magic.from_buffer(b"x")
