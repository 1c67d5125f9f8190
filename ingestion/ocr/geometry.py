"""Turning, straightening and enlarging a page before it is read, and the way back for the boxes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ingestion.ocr.words import Rect

cv2.setNumThreads(1)

MAX_SIDE_PX = 5000
X_HEIGHT_WANTED_PX = 26
X_HEIGHT_SMALL_PX = 21
MAX_ENLARGED_SIDE_PX = 4500
MAX_ENLARGEMENT = 4.0
MAX_SKEW_DEG = 10
DARK_MEDIAN = 110
MAX_SHAPES = 50_000
"""More than the densest newspaper page has."""


@dataclass(frozen=True)
class View:
    """A picture made from a source picture; `back` (2 × 3) takes its pixels to the source's."""

    pixels: np.ndarray
    back: np.ndarray
    scale: float

    def fractions(self, box: Rect, width: int, height: int) -> Rect:
        """The upright box of the source that holds `box`, as fractions of the source's size."""
        x0, y0, x1, y1 = box
        corners = np.array([[x0, y0, 1], [x1, y0, 1], [x1, y1, 1], [x0, y1, 1]])
        points = corners @ self.back.T / (width, height)
        (left, top), (right, bottom) = points.min(0).clip(0, 1), points.max(0).clip(0, 1)
        return float(left), float(top), float(right), float(bottom)


def is_dark(gray: np.ndarray) -> bool:
    return float(np.median(gray[:: max(1, gray.shape[0] // 500)])) < DARK_MEDIAN


def shapes(gray: np.ndarray) -> np.ndarray:
    """Dark shapes [n, 5]: x, y, width, height, pixels."""
    ink = cv2.adaptiveThreshold(
        gray, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 31, 12
    )
    return cv2.connectedComponentsWithStats(ink)[2][1:]


def letters(found: np.ndarray) -> np.ndarray:
    """Of these shapes those with the size of a letter, [n, 4] without their pixels."""
    width, height, area = found[:, 2], found[:, 3], found[:, 4]
    letter = (
        (height >= 4) & (height <= 120) & (width >= 2)
        & (width < 6 * height) & (height < 8 * width) & (area >= 8)
    )  # fmt: skip
    return found[letter, :4]


def calmed(gray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The picture without the worst of its noise, and its shapes.

    Tesseract looks at every speck: a page of a hundred thousand takes it minutes.
    """
    found = shapes(gray)
    for width in (3, 5):
        if len(found) <= MAX_SHAPES:
            break
        gray = cv2.medianBlur(gray, width)
        found = shapes(gray)
    return gray, found


def enlargement(letter_boxes: np.ndarray, shape: tuple[int, ...]) -> float:
    """How much to enlarge for tesseract, which misreads letters whose x-height is below ~20 px."""
    if len(letter_boxes) < 20:
        return 1.0
    x_height = float(np.median(letter_boxes[:, 3]))
    if x_height >= X_HEIGHT_SMALL_PX:
        return 1.0
    factor = min(
        X_HEIGHT_WANTED_PX / x_height, MAX_ENLARGEMENT, MAX_ENLARGED_SIDE_PX / max(shape[:2])
    )
    return factor if factor > 1.15 else 1.0


def skew(gray: np.ndarray) -> float:
    """Degrees to turn (counter-clockwise) to level the lines; 0 where nothing is gained.

    The angle whose row sums change most from row to row, ±10° in steps of 0.2 at the end.
    """
    fine = _ink(gray, 1000)
    rough = _ink(gray, 500)
    coarse = max(range(-MAX_SKEW_DEG, MAX_SKEW_DEG + 1), key=lambda a: _sharpness(rough, a))
    near = np.arange(coarse - 1, coarse + 1.01, 0.2)
    angle = max(near, key=lambda a: _sharpness(fine, a))
    if abs(angle) < 0.4 or _sharpness(fine, angle) <= 1.15 * _sharpness(fine, 0):
        return 0.0
    return float(angle)


def _ink(gray: np.ndarray, side: int) -> np.ndarray:
    shrink = min(1.0, side / max(gray.shape))
    small = cv2.resize(gray, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    return cv2.threshold(small, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)[1]


def _sharpness(ink: np.ndarray, angle: float) -> float:
    height, width = ink.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1)
    turned = cv2.warpAffine(ink, turn, (width, height), flags=cv2.INTER_NEAREST)
    return float((np.diff(turned.sum(1, dtype=np.float64)) ** 2).sum())


def view(pixels: np.ndarray, quarter_turns: int, angle: float, scale: float) -> View:
    """`pixels` turned counter-clockwise by quarters, then by `angle` degrees, then scaled."""
    height, width = pixels.shape[:2]
    forward = np.eye(3)
    turned = pixels
    for _ in range(quarter_turns % 4):
        forward = np.array([[0, 1, 0], [-1, 0, turned.shape[1] - 1], [0, 0, 1]]) @ forward
        turned = np.rot90(turned)
    if angle:
        height, width = turned.shape[:2]
        turn = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1), [0, 0, 1]])
        # Grown so that no corner of the page is cut off.
        cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
        grown = (int(width * cos + height * sin) + 1, int(width * sin + height * cos) + 1)
        turn[0, 2] += (grown[0] - width) / 2
        turn[1, 2] += (grown[1] - height) / 2
        forward = np.diag([scale, scale, 1.0]) @ turn @ forward
        turned = cv2.warpAffine(
            np.ascontiguousarray(turned), (np.diag([scale, scale, 1.0]) @ turn)[:2],
            (round(grown[0] * scale), round(grown[1] * scale)), flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_CONSTANT, borderValue=_paper(turned),
        )  # fmt: skip
    elif scale != 1:
        forward = np.diag([scale, scale, 1.0]) @ forward
        how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        turned = cv2.resize(
            np.ascontiguousarray(turned), None, fx=scale, fy=scale, interpolation=how
        )
    return View(np.ascontiguousarray(turned), np.linalg.inv(forward)[:2], scale)


def _paper(pixels: np.ndarray) -> tuple[float, ...]:
    """The colour of the background: the median of a sample."""
    step = max(1, max(pixels.shape[:2]) // 300)
    sample = pixels[::step, ::step]
    return tuple(float(v) for v in np.atleast_1d(np.median(sample, axis=(0, 1))))
