"""Comma-separated values and their kin: one table, a cell a span."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.parsers.column_names import header_rows
from ingestion.parsers.decoding import decode
from ingestion.parsers.flow import Flow, FlowedFile
from store.errors import Unreadable

if TYPE_CHECKING:
    from ingestion.parsers import ParseOptions

MAX_CELLS = 2_000_000
_DELIMITERS = ",;\t|"
_STATED = re.compile(r"sep=(.)\r?\n")


def open_file(path: Path, options: ParseOptions) -> FlowedFile:
    text, warning = decode(path.read_bytes())
    flow = Flow(options.max_pages)
    if warning:
        flow.warnings.append(warning)
    stated = _STATED.match(text)
    body = text[stated.end() :] if stated else text
    delimiter = stated[1] if stated else delimiter_of(body)
    rows: list[list[str]] = []
    cells = 0
    try:
        for row in _read(body, delimiter):
            cells += len(row)
            if cells > MAX_CELLS:
                flow.unread += 1
                flow.warnings.append(
                    f"Only the first {len(rows)} rows were read; the file is too long."
                )
                break
            rows.append(row)
    except csv.Error as error:
        raise Unreadable("This file is damaged: its rows cannot be told apart.") from error
    flow.table(rows, header_rows([row for row in rows[:50] if any(row)]))
    return flow.finish()


def delimiter_of(text: str) -> str:
    """The delimiter that cuts the first rows most evenly into more than one column."""
    sample = text[:64_000].rsplit("\n", 1)[0] if len(text) > 64_000 else text
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        if delimiter not in sample:
            continue
        try:
            widths = Counter(len(row) for row in _read(sample, delimiter) if row)
        except csv.Error:
            continue
        width, count = max(widths.items(), key=lambda item: (item[0] > 1, item[1]))
        score = 0.0 if width < 2 else count / widths.total() + min(width, 20) / 1000
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _read(text: str, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(10_000_000)
    clean = text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
    return csv.reader(io.StringIO(clean, newline="\n"), delimiter=delimiter, skipinitialspace=True)
