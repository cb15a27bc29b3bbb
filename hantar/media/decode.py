"""The child process that decodes one picture under limits: picture on stdin, on stdout a line of JSON and the new picture.

It is run as a file of its own, imports nothing of ours, and may neither write files nor open connections of use to anyone.
"""

import io
import json
import sys
import warnings
from typing import Any

MEMORY = 1 << 30
SECONDS = 20
QUALITIES = (85, 75, 65, 55, 45, 35)


class Refused(Exception):
    """The picture cannot be used; the reason is a code of media/model.py."""


def limit() -> None:
    """Take away what a decoder that was led astray could use."""
    try:
        import resource
    except ImportError:  # Windows has no such limits; the parent still ends us in time
        return
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        resource.setrlimit(what, (most, most))


def kind_of(data: bytes) -> str:
    """The type by content; the name and the declared type prove nothing."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    raise Refused("unsupported_type")


def shrink(data: bytes, largest: int, most_pixels: int, longest_side: int) -> tuple[dict[str, object], bytes]:
    """The first picture in the data as a JPEG of at most `largest` bytes."""
    from PIL import Image, ImageOps

    kind = kind_of(data)
    Image.MAX_IMAGE_PIXELS = most_pixels
    with Image.open(io.BytesIO(data), formats=[kind]) as opened:
        if opened.width * opened.height > most_pixels:
            raise Refused("too_many_pixels")
        if kind == "JPEG":
            opened.draft("RGB", (longest_side, longest_side))  # lets the decoder itself halve a large photo
        opened.load()
        picture = flat(ImageOps.exif_transpose(opened))
    picture.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    while True:
        for quality in QUALITIES:
            target = io.BytesIO()
            picture.save(target, "JPEG", quality=quality, optimize=True)
            if target.tell() <= largest:
                return {"width": picture.width, "height": picture.height}, target.getvalue()
        picture = picture.resize((max(1, picture.width * 3 // 4), max(1, picture.height * 3 // 4)))


def flat(picture: Any) -> Any:
    """The picture in three colours, transparent parts white, without metadata."""
    from PIL import Image

    if picture.mode.startswith(("I", "F")):  # 16 bits and more a pixel
        high = picture.getextrema()[1]
        scale = 255 / max(high, 1)
        return picture.convert("F").point(lambda value: value * scale).convert("L").convert("RGB")
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        shown = picture.convert("RGBA")
        ground = Image.new("RGB", shown.size, "white")
        ground.paste(shown, mask=shown.getchannel("A"))
        return ground
    clean = picture.convert("RGB")
    clean.info.clear()
    return clean


def main() -> None:
    """Answer one picture, whatever happens."""
    limit()
    warnings.simplefilter("error")
    data = sys.stdin.buffer.read()
    largest, most_pixels, longest_side = map(int, sys.argv[1:4])
    body = b""
    try:
        head, body = shrink(data, largest, most_pixels, longest_side)
    except Refused as error:
        head = {"error": str(error)}
    except MemoryError:
        head = {"error": "too_many_pixels"}
    except Exception as error:  # a decoder fails in many ways, and each means the same to the user
        is_bomb = "DecompressionBomb" in type(error).__name__
        head = {"error": "too_many_pixels" if is_bomb else "image_unreadable"}
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + body)


if __name__ == "__main__":
    main()
