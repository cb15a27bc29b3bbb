"""Ids made by us: UUID version 7 (RFC 9562), so that rows sort by the time they were made."""

import os
import re
import threading
import time

_lock = threading.Lock()
_last = 0
_FORM = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


def new_id() -> str:
    """A new UUIDv7 as text; strictly increasing within one process."""
    global _last
    stamp = time.time_ns() // 1_000_000  # noqa: TID251 an id's stamp is not a decision about time
    with _lock:
        # 12 bits of sub-millisecond counter (rand_a) keep the order within one millisecond
        tick = max((stamp << 12) | (int.from_bytes(os.urandom(1), "big")), _last + 1)
        _last = tick
    random = int.from_bytes(os.urandom(8), "big") & 0x3FFFFFFFFFFFFFFF
    value = ((tick >> 12) << 80) | (0x7 << 76) | ((tick & 0xFFF) << 64) | (0x2 << 62) | random
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def is_id(text: str | None) -> bool:
    """Whether the text has the form of an id."""
    return text is not None and _FORM.fullmatch(text) is not None
