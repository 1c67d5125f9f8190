"""What keeps the samples the same on every run: fixed dates, and fonts from a package."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import reportlab
from PIL import ImageFont

FONTS = Path(reportlab.__file__).parent / "fonts"


@contextmanager
def written_on(day: datetime) -> Iterator[None]:
    """reportlab dates its PDFs with SOURCE_DATE_EPOCH, read when a canvas is made."""
    before = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = str(int(day.timestamp()))
    try:
        yield
    finally:
        if before is None:
            del os.environ["SOURCE_DATE_EPOCH"]
        else:
            os.environ["SOURCE_DATE_EPOCH"] = before


def font(size_px: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Bitstream Vera, laid out without raqm: not every Pillow has it, and it moves letters."""
    name = "VeraBd.ttf" if bold else "Vera.ttf"
    return ImageFont.truetype(FONTS / name, size_px, layout_engine=ImageFont.Layout.BASIC)
