"""Excel workbooks: a sheet a page, its tables cell by cell as they are displayed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.parsers.attached import with_attachments
from ingestion.parsers.charts import chart_table
from ingestion.parsers.embedded import Embedded
from ingestion.parsers.flow import Flow, FlowedFile
from ingestion.parsers.ooxml import Package, drawing_paragraphs
from ingestion.parsers.xlsx_book import BROKEN, Book, Sheet
from ingestion.parsers.xlsx_comments import comments_of
from ingestion.parsers.xlsx_tables import Rows, tables_of
from store.errors import Unreadable
from store.models import Flag

if TYPE_CHECKING:
    from ingestion.parsers import OpenedFile, ParseOptions

MAX_CELLS = 2_000_000


def open_file(path: Path, options: ParseOptions) -> OpenedFile:
    package = Package(path)
    try:
        inside = Embedded(package)
        read = _Reader(package, inside, options.max_pages).read()
        return with_attachments(read, inside.attachments(), options)
    finally:
        package.close()


class _Reader:
    def __init__(self, package: Package, inside: Embedded, max_pages: int):
        self._package = package
        self._inside = inside
        self._flow = Flow(max_pages)
        self._left = MAX_CELLS

    def read(self) -> FlowedFile:
        try:
            book = Book(self._package)
        except BROKEN as error:
            raise Unreadable("This workbook is damaged and cannot be opened.") from error
        if not book.sheets:
            raise Unreadable("This workbook is damaged: it has no sheets.")
        for sheet in book.sheets:
            try:
                self._sheet(book, sheet)
            except Unreadable as fault:
                self._flow.failed(sheet.name, str(fault))
        self._flow.warnings += self._inside.warnings()
        return self._flow.finish(**self._package.properties())

    def _sheet(self, book: Book, sheet: Sheet) -> None:
        rows, breaks_off = self._rows(book, sheet)
        drawings = self._related(sheet.part, "drawing")
        for drawing in drawings:
            self._inside.look(drawing, place=sheet.name)
        self._inside.look(sheet.part, place=sheet.name)
        notes = comments_of(self._package, sheet.part)
        for drawing in drawings:
            if (root := self._package.optional_xml(drawing)) is not None:
                notes.extend(drawing_paragraphs(root))
        if not rows and not notes:
            return
        flags: list[Flag] = ["hidden"] if sheet.hidden else []
        self._flow.page(sheet.name, (*flags, *(("breaks_off",) if breaks_off else ())))
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

    def _rows(self, book: Book, sheet: Sheet) -> tuple[Rows, bool]:
        """The sheet's rows as displayed, and whether the file breaks off within them."""
        found: Rows = []
        try:
            for index, texts in book.rows(sheet):
                self._left -= len(texts)
                if self._left < 0:
                    self._left = 0
                    self._flow.unread += 1
                    self._flow.warnings.append(
                        f"Only the first {index} rows of sheet {sheet.name} were read; "
                        "the workbook is too large."
                    )
                    break
                found.append((index, texts))
        except BROKEN as error:
            if not found:
                raise Unreadable(
                    f"This workbook is damaged: its sheet {sheet.name} cannot be read."
                ) from error
            self._flow.warnings.append(
                f"Sheet {sheet.name} is damaged; only its first {found[-1][0] + 1} rows were read."
            )
            return found, True
        return found, False

    def _related(self, part: str, wanted: str) -> list[str]:
        return [target for kind, target in self._package.related(part) if kind == wanted]

    def _charts(self, drawing: str) -> None:
        for chart in self._related(drawing, "chart"):
            if (root := self._package.optional_xml(chart)) is not None:
                # The chart's numbers are the sheet's own; its titles may stand nowhere else.
                for title in chart_table(root).titles:
                    self._flow.caption(title)
