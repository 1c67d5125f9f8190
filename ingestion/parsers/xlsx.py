"""Excel workbooks: a sheet a page, its tables cell by cell as they are displayed."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from xml.etree.ElementTree import ParseError

from ingestion.parsers.attached import with_attachments
from ingestion.parsers.charts import chart_table
from ingestion.parsers.embedded import Embedded
from ingestion.parsers.flow import Flow, FlowedFile
from ingestion.parsers.ooxml import Package, drawing_paragraphs, local
from ingestion.parsers.xlsx_comments import comments_of
from ingestion.parsers.xlsx_tables import Rows, tables_of
from ingestion.parsers.xlsx_values import displayed
from store.errors import Unreadable

if TYPE_CHECKING:
    from ingestion.parsers import OpenedFile, ParseOptions

MAX_CELLS = 2_000_000
_DAMAGED = (
    KeyError, ValueError, TypeError, AttributeError, IndexError, AssertionError, OverflowError,
    ParseError, zipfile.BadZipFile, EOFError, OSError, SyntaxError,
)  # fmt: skip


def open_file(path: Path, options: ParseOptions) -> OpenedFile:
    package = Package(path)
    try:
        inside = Embedded(package)
        with path.open("rb") as file:
            read = _Reader(file, package, inside, options.max_pages).read()
        return with_attachments(read, inside.attachments(), options)
    finally:
        package.close()


class _Reader:
    def __init__(self, file: BinaryIO, package: Package, inside: Embedded, max_pages: int):
        self._file = file
        self._package = package
        self._inside = inside
        self._flow = Flow(max_pages)
        self._left = MAX_CELLS

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
                self._sheet(sheet, self._rows(sheet, twin), part)
        except _DAMAGED as error:
            raise Unreadable("This workbook is damaged: a sheet of it cannot be read.") from error
        finally:
            book.close()
            if formulas is not None:
                formulas.close()
        self._flow.warnings += self._inside.warnings()
        return self._flow.finish(**self._package.properties())

    def _sheet(self, sheet: Any, rows: Rows, part: str | None) -> None:
        drawings = self._related(part, "drawing")
        for drawing in drawings:
            self._inside.look(drawing, place=sheet.title)
        if part:
            self._inside.look(part, place=sheet.title)
        notes = comments_of(self._package, part) if part else []
        for drawing in drawings:
            if (root := self._package.optional_xml(drawing)) is not None:
                notes.extend(drawing_paragraphs(root))
        if not rows and not notes:
            return
        self._flow.page(sheet.title, ("hidden",) if sheet.sheet_state != "visible" else ())
        for table in tables_of(rows):
            for title in table.titles:
                self._flow.paragraph(title)
            self._flow.table(
                table.rows,
                table.header_rows,
                row_numbers=table.row_numbers,
                columns=table.columns,
            )
        for note in notes:
            self._flow.note(note)
        for drawing in drawings:
            self._charts(drawing)

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
        found: Rows = []
        others = _cells(twin) if twin is not None else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for index, row in _cells(sheet):
                _, other = next(others, (0, [])) if others is not None else (0, [])
                texts = {}
                for cell in row:
                    if cell["value"] is not None and cell["column"] > 0:
                        shape = _number_format(sheet, cell["style_id"])
                        if text := displayed(cell["value"], shape):
                            texts[cell["column"] - 1] = text
                for cell in other:  # a formula that was never calculated says at least itself
                    if cell["data_type"] == "f" and cell["column"] - 1 not in texts:
                        value = cell["value"]
                        texts[cell["column"] - 1] = str(getattr(value, "text", value))
                self._left -= len(texts)
                if self._left < 0:
                    self._flow.warnings.append(
                        f"Only the first {index} rows of sheet {sheet.title} were read; "
                        "the workbook is too large."
                    )
                    self._left = 0
                    break
                if texts:
                    found.append((index, texts))
        return found

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

    def _related(self, part: str | None, wanted: str) -> list[str]:
        related = self._package.related(part) if part else []
        return [target for kind, target in related if kind == wanted]

    def _charts(self, drawing: str) -> None:
        for chart in self._related(drawing, "chart"):
            if (root := self._package.optional_xml(chart)) is not None:
                # The chart's numbers are the sheet's own; its titles may stand nowhere else.
                for title in chart_table(root).titles:
                    self._flow.caption(title)


def _cells(sheet: Any) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """(row from 0, its cells as the file has them).

    Not openpyxl's own rows, which fill the gaps: one cell in the last of 16,384 columns of each
    row would cost minutes.
    """
    from openpyxl.worksheet._reader import WorkSheetParser

    book = sheet.parent
    with sheet._get_source() as source:
        parser = WorkSheetParser(
            source,
            sheet._shared_strings,
            data_only=book.data_only,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        for row, cells in parser.parse():
            yield row - 1, cells


def _number_format(sheet: Any, style_id: int) -> str:
    from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE

    if not style_id:
        return "General"
    number = sheet.parent._cell_styles[style_id].numFmtId
    if number < BUILTIN_FORMATS_MAX_SIZE:
        return BUILTIN_FORMATS.get(number, "General")
    return sheet.parent._number_formats[number - BUILTIN_FORMATS_MAX_SIZE]
