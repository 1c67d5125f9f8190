"""What keeps the samples the same on every run: fixed dates, and fonts from a package."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import reportlab
from PIL import ImageFont
from reportlab import rl_config

FONTS = Path(reportlab.__file__).parent / "fonts"


@contextmanager
def written_on(day: datetime) -> Iterator[None]:
    """reportlab dates its PDFs with SOURCE_DATE_EPOCH, read when a canvas is made.

    Its base-85 streams are switched off: git would take the PDFs for text and may turn line ends.
    """
    base85, rl_config.useA85 = rl_config.useA85, 0
    before = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = str(int(day.timestamp()))
    try:
        yield
    finally:
        rl_config.useA85 = base85
        if before is None:
            del os.environ["SOURCE_DATE_EPOCH"]
        else:
            os.environ["SOURCE_DATE_EPOCH"] = before


def font(size_px: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Bitstream Vera, laid out without raqm: not every Pillow has it, and it moves letters."""
    name = "VeraBd.ttf" if bold else "Vera.ttf"
    return ImageFont.truetype(FONTS / name, size_px, layout_engine=ImageFont.Layout.BASIC)
