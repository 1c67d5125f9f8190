"""Excel workbooks: a sheet a page, its tables cell by cell as they are displayed."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from xml.etree.ElementTree import ParseError

from ingestion.parsers.charts import chart_table
from ingestion.parsers.column_names import header_rows
from ingestion.parsers.flow import Flow, FlowedFile, one_line
from ingestion.parsers.ooxml import Package, drawing_paragraphs, local
from ingestion.parsers.xlsx_values import displayed
from store.errors import Unreadable

if TYPE_CHECKING:
    from ingestion.parsers import ParseOptions

MAX_CELLS = 2_000_000
_MAX_PLACES = 30_000_000
"""Cells and the empty places between them; a lone cell in the far corner costs as many."""
_DAMAGED = (
    KeyError, ValueError, TypeError, AttributeError, IndexError, AssertionError, OverflowError,
    ParseError, zipfile.BadZipFile, EOFError, OSError, SyntaxError,
)  # fmt: skip

Rows = list[tuple[int, list[str]]]
"""Rows that are not empty, with their index in the sheet from 0."""


def open_file(path: Path, options: ParseOptions) -> FlowedFile:
    package = Package(path)
    try:
        with path.open("rb") as file:
            return _Reader(file, package).read()
    finally:
        package.close()


class _Reader:
    def __init__(self, file: BinaryIO, package: Package):
        self._file = file
        self._package = package
        self._flow = Flow()
        self._left = MAX_CELLS
        self._places = _MAX_PLACES

    def read(self) -> FlowedFile:
        parts = self._sheet_parts()
        book = self._load(values=True)
        formulas: Any = None
        try:
            for sheet in book.worksheets:
                part = parts.get(sheet.title)
                twin = None
                if part and self._package.has(part) and b"<f" in self._package.read(part):
                    formulas = formulas or self._load(values=False)
                    twin = formulas[sheet.title]
                rows = self._rows(sheet, twin)
                notes = list(self._notes(part)) if part else []
                if rows or notes:
                    hidden = sheet.sheet_state != "visible"
                    self._flow.page(sheet.title, ("hidden",) if hidden else ())
                    self._tables(rows)
                    for note in notes:
                        self._flow.note(note)
                    if part:
                        self._charts(part)
        except _DAMAGED as error:
            raise Unreadable("This workbook is damaged: a sheet of it cannot be read.") from error
        finally:
            book.close()
            if formulas is not None:
                formulas.close()
        return self._flow.finish(**self._package.properties())

    def _load(self, *, values: bool) -> Any:
        from openpyxl import load_workbook

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                # The open file, as openpyxl refuses the names it does not know.
                return load_workbook(self._file, read_only=True, data_only=values, keep_links=False)
        except _DAMAGED as error:
            raise Unreadable("This workbook is damaged and cannot be opened.") from error

    def _rows(self, sheet: Any, twin: Any) -> Rows:
        """The sheet's rows as displayed; `twin` is the same sheet with its formulas."""
        sheet.reset_dimensions()
        if twin is not None:
            twin.reset_dimensions()
        found: Rows = []
        others = iter(twin.iter_rows()) if twin is not None else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for index, row in enumerate(sheet.iter_rows()):
                other = next(others, ()) if others is not None else ()
                texts = [
                    displayed(cell.value, cell.number_format) if cell.value is not None else ""
                    for cell in row
                ]
                for at, cell in enumerate(other[: len(texts)]):
                    if not texts[at] and cell.value is not None:
                        texts[at] = displayed(getattr(cell.value, "text", cell.value), "General")
                self._places -= len(texts) + 1
                filled = sum(map(bool, texts))
                self._left -= filled
                if self._left < 0 or self._places < 0:
                    self._flow.warnings.append(
                        f"Only the first {index} rows of sheet {sheet.title} were read; "
                        "the workbook is too large."
                    )
                    self._left = self._places = 0
                    break
                if filled:
                    found.append((index, texts))
        return found

    def _tables(self, rows: Rows) -> None:
        for region in [part for found in _regions(rows) for part in _beside(found)]:
            left = min(_extent(texts)[0] for _, texts in region)
            wide = max(_extent(texts)[1] for _, texts in region) - left
            while region and wide > 1 and sum(map(bool, region[0][1])) == 1:
                self._flow.paragraph("".join(region.pop(0)[1]))
            if not region:
                continue
            first = region[0][0]
            grid: list[list[str]] = [[] for _ in range(region[-1][0] - first + 1)]
            for index, texts in region:
                grid[index - first] = texts[left:]
            head = header_rows([texts[left:] for _, texts in region])
            self._flow.table(grid, head, first_row=first, first_column=left)

    def _sheet_parts(self) -> dict[str, str]:
        """Part names of sheets by their titles."""
        main = self._package.main()
        root = self._package.xml(main)
        targets = {identity: target for identity, _, target in self._package.relations(main)}
        parts = {}
        for sheet in root.iter():
            if isinstance(sheet.tag, str) and local(sheet) == "sheet":
                values = {key.rsplit("}", 1)[-1]: value for key, value in sheet.attrib.items()}
                parts[values.get("name", "")] = targets.get(values.get("id", ""), "")
        return parts

    def _notes(self, part: str) -> Iterator[str]:
        """Comments on cells, and texts of the boxes drawn over them."""
        for kind, target in self._package.related(part):
            root = self._package.optional_xml(target)
            if root is None:
                continue
            if kind == "comments":
                for comment in root.iter():
                    if isinstance(comment.tag, str) and local(comment) == "comment":
                        text = one_line("".join(comment.itertext()))
                        if text:
                            yield f"Comment on {comment.get('ref')}: {text}"
            elif kind == "drawing":
                yield from drawing_paragraphs(root)

    def _charts(self, part: str) -> None:
        drawings = [target for kind, target in self._package.related(part) if kind == "drawing"]
        for drawing in drawings:
            for kind, target in self._package.related(drawing):
                root = self._package.optional_xml(target) if kind == "chart" else None
                if root is not None:
                    # The chart's numbers are the sheet's own; its titles may stand nowhere else.
                    for title in chart_table(root).titles:
                        self._flow.caption(title)


def _regions(rows: Rows) -> list[Rows]:
    """Rows that form one table each: apart by empty rows, unless what follows only goes on."""
    groups: list[Rows] = []
    for index, texts in rows:
        if groups and index - groups[-1][-1][0] == 1:
            groups[-1].append((index, texts))
        else:
            groups.append([(index, texts)])
    regions: list[Rows] = []
    for group in groups:
        if regions and _goes_on(regions[-1], group):
            regions[-1].extend(group)
        else:
            regions.append(group)
    return regions


def _beside(region: Rows) -> list[Rows]:
    """Tables side by side: cut at empty columns where each part has a header of its own."""
    left, right = _reach(region)
    empty = [c for c in range(left, right) if not any(c < len(t) and t[c] for _, t in region)]
    if not empty or len(region) < 2:
        return [region]
    parts: list[Rows] = []
    for start, end in pairwise([left - 1, *empty, right]):
        part = [
            (index, ["" if column <= start else text for column, text in enumerate(texts[:end])])
            for index, texts in region
        ]
        part = [(index, texts) for index, texts in part if any(texts)]
        if not part:
            continue
        if not header_rows([texts[start + 1 :] for _, texts in part]):
            return [region]
        parts.append(part)
    return parts


def _goes_on(region: Rows, group: Rows) -> bool:
    left, right = _reach(region)
    inner_left, inner_right = _reach(group)
    if inner_right - inner_left < 2 or inner_left < left or inner_right > right:
        return False
    return len(region) > 1 and not header_rows([texts for _, texts in group])


def _reach(rows: Rows) -> tuple[int, int]:
    extents = [_extent(texts) for _, texts in rows]
    return min(left for left, _ in extents), max(right for _, right in extents)


def _extent(texts: list[str]) -> tuple[int, int]:
    filled = [column for column, text in enumerate(texts) if text]
    return filled[0], filled[-1] + 1
