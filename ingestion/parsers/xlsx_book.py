"""The parts of a workbook that its sheets refer to: their list, texts, and number formats."""

from __future__ import annotations

import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from lxml import etree
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

from ingestion.parsers.ooxml import Element, Package, elements, local
from ingestion.parsers.xlsx_values import displayed

BROKEN = (etree.XMLSyntaxError, zipfile.BadZipFile, zlib.error, EOFError, OSError)
"""What reading a part raises where it is damaged."""
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_DIGITS = "0123456789"


@dataclass(frozen=True, slots=True)
class Sheet:
    name: str
    part: str
    hidden: bool


class Book:
    """Sheets in order, and the text of a cell as displayed."""

    def __init__(self, package: Package):
        self._package = package
        main = package.main()
        root = package.xml(main)
        targets = {i: (kind, target) for i, kind, target in package.relations(main)}
        self.sheets: list[Sheet] = []
        self._epoch: datetime = CALENDAR_WINDOWS_1900
        for element in root.iter():
            if not isinstance(element.tag, str):
                continue
            if local(element) == "sheet":
                values = {key.rsplit("}", 1)[-1]: value for key, value in element.attrib.items()}
                _, part = targets.get(values.get("id", ""), ("", ""))
                hidden = values.get("state", "visible") != "visible"
                self.sheets.append(Sheet(values.get("name", ""), part, hidden))
            elif local(element) == "workbookPr" and element.get("date1904") in ("1", "true"):
                self._epoch = CALENDAR_MAC_1904
        self._texts = self._shared_texts(package.first(main, "sharedStrings"))
        self._formats = _formats(package.optional_xml(package.first(main, "styles")))
        self._columns: dict[str, int] = {}

    def rows(self, sheet: Sheet) -> Iterator[tuple[int, dict[int, str]]]:
        """(row from 0, texts by column from 0) of rows that say something.

        Raises one of BROKEN where the sheet's part is damaged or ends too early.
        """
        number = -1
        for row in self._package.each(sheet.part, "row"):
            said = row.get("r") or ""
            number = int(said) - 1 if said.isdecimal() and len(said) < 9 else number + 1
            texts: dict[int, str] = {}
            column = -1
            for cell in elements(row):
                place = (cell.get("r") or "").rstrip(_DIGITS)
                column = self._column(place) if place else column + 1
                if text := self._text(cell):
                    texts[column] = text
            if texts:
                yield number, texts

    def _column(self, letters: str) -> int:
        found = self._columns.get(letters)
        if found is None:
            found = 0
            for letter in letters[:4].upper():
                found = 26 * found + max(1, min(ord(letter) - 64, 26))
            found = self._columns[letters] = found - 1
        return found

    def _text(self, cell: Element) -> str:
        kind = cell.get("t") or "n"
        value = formula = ""
        for part in elements(cell):
            name = local(part)
            if name == "v":
                value = part.text or ""
            elif name == "f":
                formula = part.text or ""
            elif name == "is":
                value = _joined(part)
        if not value:  # a formula that was never calculated says at least itself
            return f"={formula}" if formula else ""
        if kind == "s":
            at = int(value) if value.isdecimal() else len(self._texts)
            return self._texts[at] if at < len(self._texts) else ""
        if kind == "n":
            return self._number(value, cell.get("s") or "0")
        if kind == "b":
            return "TRUE" if value in ("1", "true") else "FALSE"
        return _plain(value)

    def _number(self, text: str, style: str) -> str:
        number_format, is_date, is_duration = self._format(style)
        try:
            number = int(text) if text.lstrip("-").isdecimal() else float(text)
            if not is_date:
                return displayed(number, number_format)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                when = from_excel(number, self._epoch, timedelta=is_duration)
            return displayed(when, number_format)
        except (ValueError, OverflowError, TypeError):
            return text

    def _format(self, style: str) -> tuple[str, bool, bool]:
        at = int(style) if style.isdecimal() else 0
        return self._formats[at] if at < len(self._formats) else ("General", False, False)

    def _shared_texts(self, part: str | None) -> list[str]:
        if part is None or not self._package.has(part):
            return []
        return [_joined(item) for item in self._package.each(part, "si")]


def _joined(item: Element) -> str:
    """The text of a string that may be in runs, without the reading aids of East Asian ones."""
    parts = []
    for part in elements(item):
        name = local(part)
        if name == "t":
            parts.append(part.text or "")
        elif name == "r":
            parts += [run.text or "" for run in elements(part) if local(run) == "t"]
    return _plain("".join(parts))


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda m: chr(int(m[1], 16)), text) if "_x" in text else text


def _formats(root: Element | None) -> list[tuple[str, bool, bool]]:
    """(number format, is a date, is a duration) of each style that a cell may name."""
    codes = dict(BUILTIN_FORMATS)
    found: list[tuple[str, bool, bool]] = []
    for group in elements(root) if root is not None else ():
        if local(group) == "numFmts":
            for one in elements(group):
                identity = one.get("numFmtId") or ""
                if identity.isdecimal():
                    codes[int(identity)] = one.get("formatCode") or "General"
        elif local(group) == "cellXfs":
            for style in elements(group):
                identity = style.get("numFmtId") or "0"
                code = codes.get(int(identity), "General") if identity.isdecimal() else "General"
                found.append((code, is_date_format(code), is_timedelta_format(code)))
    return found
