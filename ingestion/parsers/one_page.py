"""All pages of a file as a single one, where how many there are may not be known beforehand."""

from __future__ import annotations

from ingestion.parsers import OpenedFile
from store.models import Block, ParsedPage


def as_one_page(file: OpenedFile) -> ParsedPage:
    """Texts and structure of all pages, without pictures; failed where any of them fails."""
    parts: list[str] = []
    blocks: list[Block] = []
    faults: list[str] = []
    at = 0
    for number in range(1, file.info.pages + 1):
        page = file.page(number)
        if page.how == "failed":
            faults.append(f"Its page {number}: {page.error}")
        if not page.text:
            continue
        blocks += [_moved(block, at) for block in page.blocks]
        parts.append(page.text)
        at += len(page.text) + 2
    if faults:
        return ParsedPage(number=1, text="", how="failed", error=faults[0])
    return ParsedPage(
        number=1, text="\n\n".join(parts), how="text" if parts else "nothing", blocks=tuple(blocks)
    )


def _moved(block: Block, by: int) -> Block:
    cells = tuple(
        cell.model_copy(update={"start": cell.start + by, "end": cell.end + by})
        for cell in block.cells
    )
    return block.model_copy(
        update={"start": block.start + by, "end": block.end + by, "cells": cells}
    )
