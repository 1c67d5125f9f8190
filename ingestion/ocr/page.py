"""What reading a picture of a page comes to."""

from __future__ import annotations

from store.models import Block, Box, Flag, Frozen

TOO_MUCH = (
    "This page holds more than can be read within the time limit (FOOTNOTE_PAGE_TIMEOUT_S); "
    "what was read until then is kept."
)


class OcrPage(Frozen):
    """What stands on a picture of a page.

    `text` is canonical: a line end after each line, an empty line between blocks, a tab where a
    wide gap or a column's edge parts cells. `words` are `(start, end, box)` in text order, boxes as
    fractions of the picture as given; `confidences` (0..1) go with them. `quality` 0..1 is the
    share of words to count on (see `quality.py`), 0 where there are none; under 0.8 the page has
    the flag low_quality_scan. Further flags: blank, dark, rotated, skewed, two_columns,
    handwriting_suspected, and breaks_off where reading it all would have taken too long.
    `engine` is tesseract, rapidocr or none.
    """

    text: str
    words: tuple[tuple[int, int, Box], ...] = ()
    confidences: tuple[float, ...] = ()
    lines: tuple[tuple[int, int], ...] = ()
    blocks: tuple[Block, ...] = ()
    quality: float = 0.0
    flags: tuple[Flag, ...] = ()
    engine: str = "none"

    @property
    def confidence(self) -> float | None:
        """The engine's own mean over the words; None where there are none."""
        if not self.confidences:
            return None
        return round(sum(self.confidences) / len(self.confidences), 4)
