"""Reads a file with its parser, as the tests of parsers need it."""

from __future__ import annotations

import importlib
from pathlib import Path

from ingestion.parsers import PARSERS, OpenedFile, ParseOptions
from store.models import Kind, ParsedPage


def opened(path: Path, kind: Kind) -> OpenedFile:
    return importlib.import_module(PARSERS[kind].module).open_file(path, ParseOptions())


def pages(path: Path, kind: Kind) -> list[ParsedPage]:
    file = opened(path, kind)
    found = [file.page(number) for number in range(1, file.info.pages + 1)]
    for page in found:
        holds_together(page)
    return found


def holds_together(page: ParsedPage) -> None:
    at = 0
    for block in page.blocks:
        assert at <= block.start < block.end <= len(page.text)
        at = block.end
        for cell in block.cells:
            assert block.start <= cell.start < cell.end <= block.end
            assert not set("\t\n") & set(page.text[cell.start : cell.end])


def cells(page: ParsedPage) -> dict[tuple[int, int], str]:
    return {(c.row, c.column): page.text[c.start : c.end] for b in page.blocks for c in b.cells}


def headings(page: ParsedPage) -> list[tuple[int, str]]:
    return [(b.level, page.text[b.start : b.end]) for b in page.blocks if b.kind == "heading"]


def blocks(page: ParsedPage, kind: str) -> list[str]:
    return [page.text[b.start : b.end] for b in page.blocks if b.kind == kind]
