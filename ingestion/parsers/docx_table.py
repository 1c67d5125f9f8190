"""A Word table to rows of texts; merged cells keep their text at their first place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestion.parsers.column_names import table_header_rows
from ingestion.parsers.docx_styles import attribute
from ingestion.parsers.flow import one_line
from ingestion.parsers.ooxml import Element, elements, local

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestion.parsers.docx import Inline

_PASSED = ("sdt", "sdtContent", "customXml", "ins", "moveTo")
_MAX_SPAN = 200


def read_table(
    table: Element, hanging: list[Inline], mark: Callable[[Element], str]
) -> tuple[list[list[str]], int]:
    """(rows, header rows); what hangs on the cells' paragraphs is appended to `hanging`.

    `mark` tells the number that stands before a paragraph.
    """
    rows: list[list[str]] = []
    emphasised: list[list[bool]] = []
    marked = 0
    for row in _inside(table, "tr"):
        if _property(row, "trPr", "tblHeader") is not None and marked == len(rows):
            marked += 1
        line = [""] * _number(_property(row, "trPr", "gridBefore"))
        marks = [False] * len(line)
        for cell in _inside(row, "tc"):
            merge = _property(cell, "tcPr", "vMerge")
            goes_on = merge is not None and attribute(merge, "val") != "restart"
            line.append("" if goes_on else _cell(cell, hanging, mark, 0))
            line.extend([""] * (_number(_property(cell, "tcPr", "gridSpan"), 1) - 1))
            marks.extend([_stands_out(cell)] * (len(line) - len(marks)))
        rows.append(line)
        emphasised.append(marks)
    marked = marked if marked < len(rows) else min(1, len(rows) - 1)
    return rows, max(0, marked) or table_header_rows(rows, emphasised)


def only_cell(table: Element) -> Element | None:
    """The cell of a table that is no more than a frame around text."""
    cells = [cell for row in _inside(table, "tr") for cell in _inside(row, "tc")]
    return cells[0] if len(cells) == 1 else None


def _stands_out(cell: Element) -> bool:
    """All bold, or on a ground of its own."""
    shade = _property(cell, "tcPr", "shd")
    if shade is not None and attribute(shade, "fill").lower() not in ("", "auto", "ffffff"):
        return True
    runs = [r for r in cell.iter(cell.tag[:-2] + "r") if any(local(e) == "t" for e in elements(r))]
    return bool(runs) and all(_is_bold(run) for run in runs)


def _is_bold(run: Element) -> bool:
    bold = _property(run, "rPr", "b")
    return bold is not None and attribute(bold, "val") not in ("0", "false", "off")


def _cell(cell: Element, hanging: list[Inline], mark: Callable[[Element], str], depth: int) -> str:
    from ingestion.parsers.docx import MAX_DEPTH, read_inline

    if depth > MAX_DEPTH:
        return ""
    texts = []
    for child in elements(cell):
        name = local(child)
        if name == "p":
            inline = read_inline(child)
            if text := inline.text.strip():
                texts.append(f"{mark(child)} {text}")
            if inline.boxes or inline.notes or inline.diagrams:
                hanging.append(inline)
        elif name in ("tbl", "tr", "tc") or name in _PASSED:
            texts.append(_cell(child, hanging, mark, depth + 1))
    return one_line(" ".join(texts))


def _inside(parent: Element, name: str, depth: int = 0) -> list[Element]:
    found = []
    for child in elements(parent):
        if local(child) == name:
            found.append(child)
        elif local(child) in _PASSED and depth < 10:
            found.extend(_inside(child, name, depth + 1))
    return found


def _property(element: Element, group: str, name: str) -> Element | None:
    for properties in elements(element):
        if local(properties) == group:
            return next((p for p in elements(properties) if local(p) == name), None)
    return None


def _number(element: Element | None, otherwise: int = 0) -> int:
    text = attribute(element, "val") if element is not None else ""
    return min(int(text), _MAX_SPAN) if text.isdecimal() else otherwise
