"""Cells that a spreadsheet could run as a formula: export puts an apostrophe before them, import takes it off again."""

import unicodedata

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_UNSEEN = " \u200b\u2060\ufeff"


def guard(cell: str) -> str:
    """The cell as it is safe to open in a spreadsheet. One that looks guarded already gets one more apostrophe."""
    return f"'{cell}" if _could_run(cell.lstrip("'")) else cell


def unguard(cell: str) -> str:
    """The cell as it was before `guard`; any other apostrophe stays."""
    return cell[1:] if cell.startswith("'") and _could_run(cell.lstrip("'")) else cell


def _could_run(text: str) -> bool:
    # full-width signs (＝) run too in some programs, hence NFKC
    return unicodedata.normalize("NFKC", text[:8]).lstrip(_UNSEEN).startswith(_STARTS)
