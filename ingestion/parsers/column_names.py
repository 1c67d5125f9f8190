"""Tells whether a table's first row names its columns."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NUMBER = re.compile(r"[-+(]?[$€£¥]?\s?[-+]?\d[\d.,'  ]*\)?\s?[%$€£¥]?|\d{1,4}[-/.]\d.*")
_YEAR = re.compile(r"(19|20)\d\d")


def header_rows(rows: Sequence[Sequence[str]]) -> int:
    """1 where the first of at least two rows reads like names of columns, else 0."""
    if len(rows) < 2:
        return 0
    names = [cell.strip() for cell in rows[0] if cell.strip()]
    wide = max(len(row) for row in rows[:20])
    if not names or 2 * len(names) < wide or 4 * len(set(names)) < 3 * len(names):
        return 0
    if any(len(name) > 200 for name in names):
        return 0
    if not any(_NUMBER.fullmatch(name) for name in names):
        return 1
    # Years head columns too: accept numbers only beside words, over a first column of words.
    first = [row[0].strip() for row in rows[1:20] if row]
    words = sum(bool(cell) and not _NUMBER.fullmatch(cell) for cell in first)
    years = all(_YEAR.fullmatch(name) for name in names if _NUMBER.fullmatch(name))
    return int(years and 2 * words > len(first) and not _NUMBER.fullmatch(rows[0][0].strip()))
