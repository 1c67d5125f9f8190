"""Tells whether a table's first row names its columns."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NUMBER = re.compile(r"[-+(]?[$€£¥]?\s?[-+]?\d[\d.,'  ]*\)?\s?[%$€£¥]?|\d{1,4}[-/.]\d.*")
_YEAR = re.compile(r"(19|20)\d\d")

_GENERIC_WORDS = (
    "key value name field property parameter item attribute description setting term meaning "
    "definition feature detail details type unit amount total quantity price number no. nr. id "
    "code question answer column variable metric measure category count option default"
)
_GENERIC = frozenset(_GENERIC_WORDS.split())
"""Words that head a column of values."""
_FEW_ROWS = 12
"""So short a table of pairs is read whole anyway: nothing is lost without a header."""


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


def table_header_rows(
    rows: Sequence[Sequence[str]], emphasised: Sequence[Sequence[bool]] = ()
) -> int:
    """As `header_rows`, for a table inside a text, which may well be a list of names and values.

    `emphasised` says of each cell whether it is bold or shaded; that decides where the first row
    differs from the others.
    """
    if len(rows) < 2:
        return 0
    if emphasised and (stated := _stands_out(rows, emphasised)) is not None:
        return stated
    return 0 if _is_key_value(rows) else header_rows(rows)


def _stands_out(rows: Sequence[Sequence[str]], emphasised: Sequence[Sequence[bool]]) -> int | None:
    """1 where the whole first row is emphasised and the rest is not; None where nothing is said."""
    shares = []
    for texts, marks in zip(rows, emphasised, strict=True):
        filled = [mark for text, mark in zip(texts, marks, strict=True) if text.strip()]
        shares.append(sum(filled) / len(filled) if filled else 0.0)
    others = sum(shares[1:]) / len(shares[1:])
    if shares[0] == 1.0 and others < 0.9:
        return 1
    beyond = [any(marks[1:]) for marks in emphasised]
    first = [bool(marks) and marks[0] for marks in emphasised]
    if sum(first) >= 0.8 * len(first) and not any(beyond):
        return 0  # the first column is what names the rows
    return None


def _is_key_value(rows: Sequence[Sequence[str]]) -> bool:
    """Two columns whose second holds a bit of everything: a name, a date, an amount."""
    pairs = [(row[0].strip(), row[1].strip()) for row in rows if len(row) >= 2]
    if len(pairs) < 2 or any(any(cell.strip() for cell in row[2:]) for row in rows):
        return False
    if sum(key.endswith(":") for key, _ in pairs) > len(pairs) / 2:
        return True
    if pairs[0][1].lower() in _GENERIC:
        return False
    shapes = [_shape(value) for _, value in pairs if value]
    if not shapes:  # a form that nobody filled in
        return True
    below = shapes[1:] or shapes
    most = max(set(below), key=below.count)
    if below.count(most) < 0.8 * len(below):
        return True
    if shapes[0] != most and shapes[0] == "words":
        return False
    return len(rows) <= _FEW_ROWS


def _shape(value: str) -> str:
    if _NUMBER.fullmatch(value):
        return "date" if re.fullmatch(r"\d{1,4}[-/.]\d.*[-/.]\d.*", value) else "number"
    return "words" if not any(c.isdigit() for c in value) else "mixed"
