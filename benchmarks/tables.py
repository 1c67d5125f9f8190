"""Cells of CSV and XLSX files against the plain readers of their formats.

python -m benchmarks.tables FOLDER
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path

from openpyxl import load_workbook

from ingestion.parsers import ParseOptions
from ingestion.parsers import csv as csv_parser
from ingestion.parsers import xlsx as xlsx_parser


def wanted(path: Path) -> dict[tuple[int, int], str]:
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


def found(path: Path) -> dict[tuple[int, int], str]:
    parser = csv_parser if path.suffix == ".csv" else xlsx_parser
    page = parser.open_file(path, ParseOptions()).page(1)
    return {(c.row, c.column): page.text[c.start : c.end] for b in page.blocks for c in b.cells}


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=Path)
    files = sorted(
        p for p in arguments.parse_args().folder.iterdir() if p.suffix in (".csv", ".xlsx")
    )
    cells = wrong = 0
    for path in files:
        gold, read = wanted(path), found(path)
        cells += len(gold)
        wrong += sum(gold.get(at) != read.get(at) for at in gold.keys() | read.keys())
    sys.stdout.write(json.dumps({"files": len(files), "cells": cells, "wrong": wrong}) + "\n")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
