"""What a vision model said of a page's pictures as a page: canonical text, each with its region.

A model's words are data like a document's: control characters, HTML and links are taken out, and
nothing of them is ever an instruction.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from ingestion.vision_model import Seen
from store.boxes import pack
from store.models import Block, Box, Cell, ParsedPage

_BOUND = 100_000
_TAG = re.compile(r"</?[A-Za-z!][^<>]{0,2000}>")
_MARKDOWN_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\((?:[^()\n]|\([^()\n]*\))*\)")
_FENCE = re.compile(r"^[ \t]*(?:```|~~~).*$", re.MULTILINE)
_LEADING = re.compile(r"^[ \t]*#{1,6}[ \t]+", re.MULTILINE)
_EMPHASIS = re.compile(r"\*\*|__(?=\w)|(?<=\w)__|`")
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_RULE = re.compile(r"[\s|:+-]*-[\s|:+-]*")


class Described(NamedTuple):
    """A region of a page, as fractions of it, and what a model said of it."""

    region: Box
    seen: Seen


def page_of(
    number: int,
    described: Sequence[Described],
    *,
    model: str,
    size: tuple[float, float] | None,
    error: str | None = None,
) -> ParsedPage:
    """The page of a model's readings. `label` is the model's name, `figures` the regions.

    One entry of `boxes` stands for one reading: all its characters, and the region as their box.
    """
    writer = _Writer()
    words: list[tuple[int, int, Box]] = []
    for region, seen in described:
        if seen.kind == "nothing":
            continue
        start = writer.begin()
        writer.paragraph(clean(seen.description))
        writer.lines(clean(seen.transcription))
        if writer.end > start:
            words.append((start, writer.end, region))
    return ParsedPage(
        number=number,
        text=writer.text,
        how="vision" if words else "nothing",
        label=model,
        width=size[0] if size else None,
        height=size[1] if size else None,
        boxes=pack(words),
        blocks=tuple(writer.blocks),
        figures=tuple(region for region, _ in described),
        error=error,
    )


def clean(text: str) -> str:
    """Canonical text without HTML, links, images, emphasis and characters that cannot be seen."""
    text = text[:_BOUND].replace("\r\n", "\n").replace("\r", "\n")
    text = html.unescape(_TAG.sub(" ", text))
    text = _TAG.sub(" ", text)
    text = _MARKDOWN_LINK.sub(r"\1", text)
    text = _EMPHASIS.sub("", _LEADING.sub("", _FENCE.sub("", text)))
    text = unicodedata.normalize("NFC", _UNSEEN.sub("", text))
    lines = (re.sub(r"[^\S\n]+", " ", line).strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Writer:
    """Grows a text and the blocks in it."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._parts: list[str] = []
        self.end = 0

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def begin(self) -> int:
        """Where a new reading starts; the gap before it belongs to none."""
        if self.end:
            self._write("\n\n")
        return self.end

    def paragraph(self, text: str) -> None:
        if text:
            self._apart()
            start = self.end
            self._write(text)
            self.blocks.append(Block(kind="paragraph", start=start, end=self.end))

    def lines(self, text: str) -> None:
        """A transcription: rows with as many cells as their neighbours are a table."""
        rows = [(line, _cells(line)) for line in text.split("\n")]
        rows = [(line, cells) for line, cells in rows if not (cells and _RULE.fullmatch(line))]
        for width, group in groupby(rows, key=lambda row: len(row[1])):
            found = list(group)
            if width > 1 and len(found) > 1:
                self._table([cells for _, cells in found])
            else:
                self.paragraph("\n".join(line for line, _ in found).strip())

    def _table(self, rows: list[list[str]]) -> None:
        self._apart()
        start, cells = self.end, []
        for r, row in enumerate(rows):
            if r:
                self._write("\n")
            for c, cell in enumerate(row):
                if c:
                    self._write("\t")
                at = self.end
                self._write(cell)
                if cell:
                    cells.append(Cell(start=at, end=self.end, row=r, column=c, header=r == 0))
        if cells:
            self.blocks.append(Block(kind="table", start=start, end=self.end, cells=tuple(cells)))

    def _apart(self) -> None:
        if self._parts and not self._parts[-1].endswith("\n"):
            self._write("\n")

    def _write(self, text: str) -> None:
        self._parts.append(text)
        self.end += len(text)


def _cells(line: str) -> list[str]:
    """The cells of a row written as `a | b`; none where the line is not one."""
    if "|" not in line:
        return []
    return [cell.strip() for cell in line.strip().strip("|").split("|")]
