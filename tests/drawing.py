"""Draws words at known places, for tests of what is read there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import reportlab
from PIL import Image, ImageDraw, ImageFont

from store.models import Box

FONT = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"
LETTER = (
    "The warehouse in Rotterdam received 1,250 boxes",
    "on Monday. Seven of them were damaged and went",
    "back to the supplier the same day. The remaining",
    "boxes were counted, weighed and put on shelf 47.",
    "Nobody signed the delivery note before Wednesday.",
)
PAGE_PX = (1000, 800)


def page(
    rows: Sequence[str] = LETTER,
    *,
    size_px: int = 26,
    at: tuple[int, int] = (100, 120),
    paper: tuple[int, int] = PAGE_PX,
    pitch: float = 1.6,
) -> tuple[Image.Image, list[tuple[str, Box]]]:
    """A white page with these lines, and each word with its box in fractions of the page."""
    image = Image.new("RGB", paper, "white")
    placed = write(image, rows, size_px=size_px, at=at, pitch=pitch)
    return image, placed


def write(
    image: Image.Image,
    rows: Sequence[str],
    *,
    size_px: int = 26,
    at: tuple[int, int] = (100, 120),
    pitch: float = 1.6,
    ink: str = "black",
) -> list[tuple[str, Box]]:
    """Writes lines on the image; returns each word with its box in fractions of the page."""
    font = ImageFont.truetype(str(FONT), size_px, layout_engine=ImageFont.Layout.BASIC)
    draw = ImageDraw.Draw(image)
    placed = []
    for n, row in enumerate(rows):
        x, y = float(at[0]), at[1] + n * size_px * pitch
        for word in row.split(" "):
            draw.text((x, y), word, font=font, fill=ink)
            x0, y0, x1, y1 = draw.textbbox((x, y), word, font=font)
            width, height = image.size
            placed.append((word, (x0 / width, y0 / height, x1 / width, y1 / height)))
            x += font.getlength(word + " ")
    return placed


def shared(a: Box, b: Box) -> float:
    """Area in both boxes as a share of the area in either."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return width * height / (areas - width * height)


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"))


def handwritten(rows: Sequence[str], seed: int = 1) -> np.ndarray:
    """Lines in a pen's strokes: letters of uneven size and slant, none quite on its line."""
    rng = np.random.default_rng(seed)
    page = np.full((140 + 90 * len(rows), 1500), 255, np.uint8)
    for n, row in enumerate(rows):
        x = 60.0
        for letter in row:
            size, pen = 1.3 * rng.uniform(0.8, 1.25), int(rng.integers(1, 4))
            (advance, _), _ = cv2.getTextSize(letter, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, size, pen)
            tile = np.full((160, 160), 255, np.uint8)
            cv2.putText(
                tile, letter, (50, 110), cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, size, 0, pen, cv2.LINE_AA
            )
            turn = cv2.getRotationMatrix2D((80, 80), rng.normal(0, 6), 1)
            turn[0, 1] += rng.normal(0.15, 0.12)
            tile = cv2.warpAffine(tile, turn, (160, 160), borderValue=(255,))
            top, left = int(100 + 90 * n + rng.normal(0, 4)) - 110, int(x) - 50
            place = page[max(0, top) : top + 160, max(0, left) : left + 160]
            part = tile[max(0, -top) :, max(0, -left) :][: place.shape[0], : place.shape[1]]
            np.minimum(place, part, out=place)
            x += advance * rng.uniform(0.8, 1.05 if letter != " " else 1.6)
    return np.repeat(page[:, :, None], 3, axis=2)
