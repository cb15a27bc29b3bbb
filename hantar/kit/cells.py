"""Cells that a spreadsheet could run as a formula: export puts an apostrophe before them, import takes it off again."""

import unicodedata

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_UNSEEN = " \x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u180e\u2028\u2029\u202f\u205f\u3000\u200b\u2060\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)


def guard(cell: str) -> str:
    """The cell as it is safe to open in a spreadsheet. One that looks guarded already gets one more apostrophe."""
    return f"'{cell}" if _could_run(cell.lstrip("'")) else cell


def unguard(cell: str) -> str:
    """The cell as it was before `guard`; any other apostrophe stays."""
    return cell[1:] if cell.startswith("'") and _could_run(cell.lstrip("'")) else cell


def _could_run(text: str) -> bool:
    # full-width signs (＝) run too in some programs, hence NFKC
    return unicodedata.normalize("NFKC", text.lstrip(_UNSEEN)[:8]).startswith(_STARTS)
