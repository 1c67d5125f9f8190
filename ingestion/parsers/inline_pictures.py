"""Which pictures inside a document may carry words: screenshots and pasted scans, not logos."""

from __future__ import annotations

import io
import warnings

from PIL import Image

LEAST_WIDTH_PX, LEAST_HEIGHT_PX, LEAST_PIXELS = 300, 100, 60_000
MOST_PICTURES = 60
"""Of one document; each takes a second or so to read."""


def worth_reading(data: bytes) -> bool:
    """False for pictures too small to be more than a logo, an icon or a tracking pixel.

    Only the picture's head is looked at. One whose size cannot be told is worth an attempt, which
    then fails with a sentence of its own.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data)) as picture:
                width, height = picture.size
        except Image.DecompressionBombError:
            return True
        except (OSError, ValueError, SyntaxError, TypeError, KeyError, OverflowError):
            return len(data) > 20_000
    return width >= LEAST_WIDTH_PX and height >= LEAST_HEIGHT_PX and width * height >= LEAST_PIXELS
