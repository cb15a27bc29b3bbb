"""Hands pictures to the limited child process, a few at a time, and reads its answer."""

import asyncio
import contextlib
import json
import sys
from pathlib import Path

import structlog

from hantar.media import model

log = structlog.get_logger(__name__)

SCRIPT = Path(__file__).with_name("decode.py")
SECONDS = 30.0
"""Wall-clock time for one picture; its processor time is limited by the child itself."""
_AT_ONCE = 2
_places: asyncio.Semaphore | None = None
_loop: asyncio.AbstractEventLoop | None = None


def _gate() -> asyncio.Semaphore:
    """A semaphore of the running loop: two children are as much as a small server can bear."""
    global _places, _loop
    if _places is None or _loop is not asyncio.get_running_loop():
        _places, _loop = asyncio.Semaphore(_AT_ONCE), asyncio.get_running_loop()
    return _places


async def shrink(data: bytes, field: str, name: str | None = None) -> model.Picture:
    """The picture as it will be stored; raises `BadPicture` on `field`."""
    if len(data) > model.LARGEST_UPLOAD:
        raise model.BadPicture(field, "too_large")
    async with _gate():
        answer = await _ask(data)
    head, _, body = answer.partition(b"\n")
    try:
        found = json.loads(head)
    except ValueError:
        found = {"error": "image_unreadable"}
    if "error" in found:
        reason = found["error"] if found["error"] in model.PROBLEMS else "image_unreadable"
        raise model.BadPicture(field, reason)
    return model.Picture("image/jpeg", body, found["width"], found["height"], len(data), name)


async def _ask(data: bytes) -> bytes:
    limits = (model.LARGEST_STORED, model.MOST_PIXELS, model.LONGEST_SIDE)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(SCRIPT), *map(str, limits)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
    )
    try:
        async with asyncio.timeout(SECONDS):
            answer, _ = await child.communicate(data)
        return answer
    except TimeoutError:
        log.warning("media.decode_timed_out", size=len(data))
        return b""
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
