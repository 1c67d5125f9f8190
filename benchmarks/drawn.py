"""Long documents for measuring: every page says something else, so that nothing is cached."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from store.settings import ROOT

_WORDS_A_PAGE = 420
_LINE_WORDS = 13
_SCAN_PX = (1240, 1754)
"""A4 at 150 dpi, as office scanners send it by mail."""


def text(seed: str, words: int = _WORDS_A_PAGE) -> list[str]:
    """Paragraphs of sentences made of English words, the same for the same seed."""
    chance, known = random.Random(seed), _vocabulary()
    paragraphs, sentence, sentences = [], [], []
    for _ in range(words):
        sentence.append(chance.choice(known))
        if len(sentence) > 6 and chance.random() < 0.12:
            sentences.append(" ".join(sentence).capitalize() + ".")
            sentence = []
            if chance.random() < 0.2:
                paragraphs.append(" ".join(sentences))
                sentences = []
    return [*paragraphs, " ".join(sentences)]


def text_pdf(path: Path, pages: int, seed: str = "") -> Path:
    """Born digital: a heading and paragraphs on each page."""
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(path), pagesize=A4, invariant=1)
    for number in range(1, pages + 1):
        canvas.setFont("Helvetica-Bold", 14)
        canvas.drawString(60, 790, f"{number}. {_heading(seed, number)}")
        canvas.setFont("Helvetica", 10)
        y = 765
        for line in _lines(f"{seed} {number}"):
            if line:
                canvas.drawString(60, y, line)
            y -= 14
        canvas.showPage()
    canvas.save()
    return path


def scanned_pdf(path: Path, pages: int, seed: str = "") -> Path:
    """A JPEG of printed text on each page, and no text layer."""
    from PIL import Image, ImageDraw, ImageFont
    from reportlab import __file__ as reportlab_file
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    font = ImageFont.truetype(str(Path(reportlab_file).parent / "fonts" / "Vera.ttf"), 20)
    canvas = Canvas(str(path), pagesize=A4, invariant=1)
    for number in range(1, pages + 1):
        picture = Image.new("L", _SCAN_PX, 248)
        draw = ImageDraw.Draw(picture)
        y = 110
        for line in [_heading(seed, number), "", *_lines(f"{seed} {number}", 10)]:
            draw.text((120, y), line, 30, font=font)
            y += 29
        coded = io.BytesIO()
        picture.save(coded, "JPEG", quality=60)
        canvas.drawImage(ImageReader(coded), 0, 0, *A4)
        canvas.showPage()
    canvas.save()
    return path


def text_file(path: Path, pages: int, seed: str = "") -> Path:
    """Plain text as long as so many pages."""
    parts = ([_heading(seed, number), *text(f"{seed} {number}")] for number in range(1, pages + 1))
    path.write_text("\n\n".join(p for part in parts for p in part), encoding="utf-8")
    return path


def _heading(seed: str, number: int) -> str:
    chance = random.Random(f"heading {seed} {number}")
    return " ".join(chance.choices(_vocabulary(), k=4)).capitalize()


def _lines(seed: str, words: int = _LINE_WORDS) -> Iterator[str]:
    for paragraph in text(seed):
        said = paragraph.split()
        for start in range(0, len(said), words):
            yield " ".join(said[start : start + words])
        yield ""


@cache
def _vocabulary() -> list[str]:
    """The words of our licence and documentation: real English, and always there."""
    sources = [ROOT / "LICENSE", ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    said = " ".join(source.read_text(encoding="utf-8") for source in sources)
    return sorted(set(re.findall(r"\b[a-z]{2,14}\b", said)))
