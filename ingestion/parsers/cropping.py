"""A region of a page's picture, cut out in the child: decoding pictures is no work of the app."""

from __future__ import annotations

import io

from PIL import Image

from store.models import Box

LONGEST_PX = 2048
"""Longer sides are made shorter: no model looks at more."""


def cropped(png: bytes, region: Box) -> bytes:
    """The region, fractions of the page, as a PNG of at least one pixel."""
    with Image.open(io.BytesIO(png), formats=("PNG",)) as page:
        x0, y0, x1, y1 = region
        left, top = int(x0 * page.width), int(y0 * page.height)
        right, bottom = round(x1 * page.width), round(y1 * page.height)
        cut = page.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
    if max(cut.size) > LONGEST_PX:
        cut.thumbnail((LONGEST_PX, LONGEST_PX))
    out = io.BytesIO()
    cut.save(out, "PNG")
    return out.getvalue()
