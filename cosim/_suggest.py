"""'Did you mean': one wording for every unknown name, wherever it was written."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LEAST_BEGUN = 3  # letters of a name that is only begun
_LISTED = 12  # more names than this are not a help but a wall


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """What to append to 'unknown ...': the closest known name, or the known names if they are few."""
    names = sorted(set(known))
    close = [name for name in names if name.casefold() == wrong.casefold()]  # 'MHZ' for 'MHz'
    close = close or difflib.get_close_matches(wrong, names, n=1, cutoff=0.65)  # 'dram' is not nearly 'random'
    close = close or [name for name in names if len(wrong) >= _LEAST_BEGUN and name.startswith(wrong)]
    if close:
        return f"did you mean '{close[0]}'?"
    if not names:
        return "none is known here"
    shown = ", ".join(names[:_LISTED])
    return f"known: {shown}" + (f", ... ({len(names)} in all)" if len(names) > _LISTED else "")
