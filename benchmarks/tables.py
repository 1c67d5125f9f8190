"""Cells of tables, each with its row and its column's header, against the files' plain content.

    python -m benchmarks.tables FOLDER [--as csv,xlsx,docx,html,pptx,odt]

FOLDER holds CSV and XLSX files whose first row names the columns. They are read as they are and,
with `--as`, written as tables of other formats first. `wrong` counts cells that came out with
another text, row or column than they have, or came out without being there; `headless` those
below the first row whose column's header cell is missing or says something else.
"""

from __future__ import annotations

import argparse
import csv
import html
import importlib
import json
import sys
import tempfile
import zipfile
from pathlib import Path

import docx
import pptx
from openpyxl import load_workbook

from ingestion.parsers import PARSERS, ParseOptions
from store.models import Kind

Grid = dict[tuple[int, int], str]
KINDS: dict[str, Kind] = {
    "csv": "csv", "xlsx": "xlsx", "docx": "docx", "html": "html", "pptx": "pptx", "odt": "odf",
}  # fmt: skip
_SLIDE_ROWS = 40


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--as", dest="formats", default="")
    chosen = arguments.parse_args()
    files = sorted(p for p in chosen.folder.iterdir() if p.suffix in (".csv", ".xlsx"))
    report = {"as they are": _measured([(path, wanted(path)) for path in files])}
    for suffix in filter(None, chosen.formats.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            made = []
            for number, path in enumerate(files):
                gold = wanted(path)
                if suffix == "pptx":  # a slide holds no table of hundreds of rows
                    gold = {at: text for at, text in gold.items() if at[0] < _SLIDE_ROWS}
                made.append((_written(Path(folder) / f"{number}.{suffix}", gold), gold))
            report[suffix] = _measured(made)
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return int(any(one["right"] < 0.99 for one in report.values()))


def wanted(path: Path) -> Grid:
    """Texts by row and column of comma-separated UTF-8, or of a workbook's first sheet."""
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    else:
        sheet = load_workbook(path).worksheets[0]
        rows = [["" if v is None else str(v) for v in row] for row in sheet.values]
    return {
        (r, c): " ".join(text.split())
        for r, row in enumerate(rows)
        for c, text in enumerate(row)
        if text.strip()
    }


def found(path: Path) -> tuple[Grid, dict[tuple[int, int], str | None]]:
    """(texts by row and column, the header over each cell) of the first page."""
    kind = KINDS[path.suffix[1:]]
    file = importlib.import_module(PARSERS[kind].module).open_file(path, ParseOptions())
    page = file.page(1)
    texts: Grid = {}
    heads: dict[tuple[int, int], str | None] = {}
    for block in page.blocks:
        names = {c.column: page.text[c.start : c.end] for c in block.cells if c.header}
        for cell in block.cells:
            texts[cell.row, cell.column] = page.text[cell.start : cell.end]
            heads[cell.row, cell.column] = names.get(cell.column)
    file.close()
    return texts, heads


def _measured(files: list[tuple[Path, Grid]]) -> dict[str, float]:
    cells = wrong = headless = 0
    for path, gold in files:
        read, heads = found(path)
        cells += len(gold)
        bad = {at for at in gold.keys() | read.keys() if gold.get(at) != read.get(at)}
        bare = {at for at in gold if at[0] > 0 and heads.get(at) != gold.get((0, at[1]))}
        wrong += len(bad)
        headless += len(bare - bad)
        if bad or bare:
            sys.stderr.write(f"{path.name}: {len(bad)} wrong, {len(bare - bad)} headless\n")
    right = 1 - (wrong + headless) / max(1, cells)
    return {
        "files": len(files), "cells": cells, "wrong": wrong, "headless": headless,
        "right": round(right, 4),
    }  # fmt: skip


def _written(path: Path, gold: Grid) -> Path:
    """The same table in another format, without any formatting that tells its header."""
    high, wide = max(r for r, _ in gold) + 1, max(c for _, c in gold) + 1
    rows = [[gold.get((r, c), "") for c in range(wide)] for r in range(high)]
    if path.suffix == ".docx":
        document = docx.Document()
        grid = document.add_table(rows=0, cols=wide)
        for row in rows:
            for cell, text in zip(grid.add_row().cells, row, strict=True):
                cell.text = text
        document.save(str(path))
    elif path.suffix == ".pptx":
        deck = pptx.Presentation()
        slide = deck.slides.add_slide(deck.slide_layouts[6])
        table = slide.shapes.add_table(high, wide, 0, 0, 9_000_000, 5_000_000).table
        for r, row in enumerate(rows):
            for c, text in enumerate(row):
                table.cell(r, c).text = text
        deck.save(str(path))
    elif path.suffix == ".html":
        lines = ["".join(f"<td>{html.escape(text)}</td>" for text in row) for row in rows]
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        path.write_text(f"<html><body><table>{body}</table></body></html>", encoding="utf-8")
    elif path.suffix == ".odt":
        _write_odt(path, rows)
    elif path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
    else:
        raise SystemExit(f"Cannot write {path.suffix}.")
    return path


def _write_odt(path: Path, rows: list[list[str]]) -> None:
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    cell = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
    lines = ["".join(cell.format(html.escape(text)) for text in row) for row in rows]
    table = "".join(f"<table:table-row>{line}</table:table-row>" for line in lines)
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        package.writestr(
            "content.xml",
            f"<office:document-content {spaces}><office:body><office:text><table:table>{table}"
            "</table:table></office:text></office:body></office:document-content>",
        )


if __name__ == "__main__":
    sys.exit(main())
