"""A page of a PDF → what is known of it: its text layer, OCR, or both, whichever reads better."""

from __future__ import annotations

from collections.abc import Callable
from statistics import mean
from typing import Any

import numpy as np

from ingestion.parsers import ParseOptions
from ingestion.parsers.pdf_edges import Running
from ingestion.parsers.pdf_figures import (
    Region,
    covers,
    drawings,
    is_ground,
    picture_regions,
    text_cover,
    without_overlaps,
)
from ingestion.parsers.pdf_layout import lay_out
from ingestion.parsers.pdf_notes import Note, with_notes, with_values
from ingestion.parsers.pdf_ocr import PageOcr
from ingestion.parsers.pdf_page import Layer, Page
from ingestion.parsers.pdf_pictures import PictureText, added, holds_text, look_scale, words_in
from ingestion.parsers.pdf_text import only
from store.boxes import pack
from store.models import Box, Flag, ParsedPage

_DOUBTFUL = 0.8
"""Below this a layer is compared with what OCR reads."""
_LOW_QUALITY = 0.8
_STAMP_CHARACTERS = 100
_TEXT_PICTURE = 0.10
"""A picture of text has this share of it under words; less is a chart or a photo."""
_LEAST_PICTURE_QUALITY = 0.5
_LEAST_GAIN = 0.03
_SURE = 0.8
_NO_TIME = "This page could not be read within the time limit (FOOTNOTE_PAGE_TIMEOUT_S)."
_NO_OCR = "This page is a picture of text and OCR is not installed."


def read_page(page: Page, number: int, options: ParseOptions, running: Running) -> ParsedPage:
    """The page with its ledger: how it was read, how well, what is unusual about it."""
    added = page.additions
    ocr = PageOcr(options)
    read = _read_page(page, number, options, running, ocr)
    if ocr.cut and read.how != "failed":
        read = _flagged(read, "breaks_off")
    if added.hidden:
        read = _flagged(read, "hidden_text")
    unread = [Note(v.text, v.rect) for v in added.values if v.text not in read.text]
    return with_notes(read, (*unread, *added.notes))


def _read_page(
    page: Page, number: int, options: ParseOptions, running: Running, ocr: PageOcr
) -> ParsedPage:
    layer = page.layer
    width, height = page.frame.size
    flags: list[Flag] = ["rotated"] if page.frame.quarter_turns else []
    if layer.hidden:
        flags.append("hidden_text")
    empty = ParsedPage(
        number=number, text="", how="nothing", width=width, height=height, boxes=b"",
        flags=tuple(flags),
    )  # fmt: skip
    texts = layer.words.texts or [v.text for v in page.additions.values]
    if not texts and page.is_bare():
        return empty
    pictures = picture_regions(page.paint, _seen(layer), page.frame.size)
    drawn = drawings(page.paint, layer.words.boxes, page.frame.size)
    few = sum(map(len, texts)) <= _STAMP_CHARACTERS and not layer.of_scan
    stamped = few and covers(pictures, page.frame.size) > 0.5
    by_ocr = not texts or stamped or layer.quality < _DOUBTFUL
    read: list[PictureText] = []
    figures = [] if layer.of_scan else list(drawn)
    for region in [] if by_ocr or layer.of_scan else without_overlaps(pictures):
        piece = _text_of_picture(page, region, options, ocr)
        if piece is not None:
            read.append(piece)
        if piece is None or text_cover(piece.words.boxes, region) < _TEXT_PICTURE:
            figures.append(region)

    def with_layer(read: list[PictureText]) -> ParsedPage:
        return _by_layer(page, running, empty, read, figures) if texts else empty

    if by_ocr:
        return _by_ocr(page, options, ocr, with_layer, stamped, [*pictures, *drawn])
    return with_layer(read)


def _by_layer(
    page: Page, running: Running, empty: ParsedPage,
    read: list[PictureText], figures: list[Region],
) -> ParsedPage:  # fmt: skip
    """The text layer, and what was read in pictures beside it."""
    layer = page.layer
    words = with_values(layer.words, page.additions.values)
    confidences: list[float] = []
    quality = layer.quality
    how = "text"
    if read:
        words, confidences = added(words, read)
    if confidences:
        how = "both"
        n = len(layer.words.texts)
        share = mean(p.quality for p in read)
        quality = (n * quality + len(confidences) * share) / (n + len(confidences))
    laid = lay_out(
        words, page.frame.size, page.is_bold, running=running, number=empty.number,
        paint=None if layer.of_scan else page.paint,
    )  # fmt: skip
    flags = (*empty.flags, "two_columns") if laid.columns > 1 else empty.flags
    return empty.model_copy(
        update={
            "text": laid.text, "how": how, "boxes": laid.boxes, "blocks": laid.blocks,
            "quality": round(quality, 3), "flags": flags,
            "confidence": round(mean(confidences), 3) if confidences else None,
            "figures": _fractions(without_overlaps(figures), page.frame.size),
        }
    )  # fmt: skip


def _text_of_picture(
    page: Page, region: Region, options: ParseOptions, ocr: PageOcr
) -> PictureText | None:
    """What OCR reads in a picture that looks like text; None where it does not, or in no time."""
    known = _within(page.layer.words.boxes, region)
    if not holds_text(page.render(look_scale(region), 1_000_000, region), known):
        return None
    if not ocr.has_time():
        ocr.cut = True
        return None
    found = ocr.read(page.render(options.ocr_dpi / 72, options.ocr_pixels, region))
    if found is None or not found.text or found.quality < _LEAST_PICTURE_QUALITY:
        return None
    words = words_in(found.text, found.words, found.lines, region)
    return PictureText(words, found.confidences, found.quality)


def _by_ocr(
    page: Page, options: ParseOptions, ocr: PageOcr,
    with_layer: Callable[[list[PictureText]], ParsedPage], stamped: bool, regions: list[Region],
) -> ParsedPage:  # fmt: skip
    """OCR of the drawn page, or the layer where that reads better."""
    layer, by_layer = page.layer, with_layer([])
    if not by_layer.text:
        by_layer = by_layer.model_copy(
            update={"figures": _fractions(without_overlaps(regions), page.frame.size)}
        )
    pixels = page.render(options.ocr_dpi / 72, options.ocr_pixels)
    if int(pixels.max()) - int(pixels.min()) < 16:
        return by_layer
    garbled = bool(by_layer.text) and not (stamped or layer.of_scan)
    if garbled:
        by_layer = _flagged(by_layer, "garbled_text_layer")
    found = ocr.read(pixels)
    unread = _NO_OCR if found is None else _NO_TIME if ocr.cut and not found.text else None
    if unread and not by_layer.text:
        return by_layer.model_copy(
            update={"how": "failed", "error": unread, "boxes": None, "figures": ()}
        )
    if found is None:
        return by_layer
    if not found.text or (by_layer.text and not _reads_better(found, by_layer, layer, stamped)):
        if by_layer.text and layer.of_scan and layer.quality < _LOW_QUALITY:
            return _flagged(by_layer, "low_quality_scan")
        return with_layer(_beside_layer(found, page)) if stamped else by_layer
    flags = [*by_layer.flags, *found.flags]
    if found.quality < _LOW_QUALITY:
        flags.append("low_quality_scan")
    if "blank" in flags:
        flags.remove("blank")
    boxes = np.array([b for _, _, b in found.words]) * (*page.frame.size, *page.frame.size)
    figures = [r for r in regions if text_cover(boxes, r) < _TEXT_PICTURE / 2]
    if any(is_ground(r, page.frame.size) for r in figures) and len(found.text) > 400:
        figures = []
    return by_layer.model_copy(
        update={
            "text": found.text,
            "how": "both" if stamped and by_layer.text else "ocr",
            "quality": round(found.quality, 3),
            "confidence": round(mean(found.confidences), 3) if found.confidences else None,
            "flags": tuple(dict.fromkeys(flags)),
            "boxes": pack(found.words),
            "blocks": tuple(found.blocks),
            "figures": _fractions(without_overlaps(figures), page.frame.size),
        }
    )


def _beside_layer(found: Any, page: Page) -> list[PictureText]:
    """What OCR is sure of, on a page whose few printed words it reads anew."""
    words = words_in(found.text, found.words, found.lines, (0.0, 0.0, *page.frame.size))
    sure = np.array(found.confidences) >= _SURE
    if not sure.any():
        return []
    kept = tuple(c for c in found.confidences if c >= _SURE)
    return [PictureText(only(words, sure), kept, found.quality)]


def _reads_better(found: Any, by_layer: ParsedPage, layer: Layer, stamped: bool) -> bool:
    if stamped:
        return len(found.text) >= 2 * len(by_layer.text)
    if layer.quality < 0.3:
        return found.quality > 0.3
    enough = len(found.text) >= 0.5 * len(by_layer.text)
    return enough and found.quality > layer.quality + _LEAST_GAIN


def _within(boxes: np.ndarray, region: Region) -> np.ndarray:
    """Boxes that reach into the region, as fractions of it."""
    x0, y0, x1, y1 = region
    with np.errstate(invalid="ignore"):
        reach = (boxes[:, 2] > x0) & (boxes[:, 0] < x1) & (boxes[:, 3] > y0) & (boxes[:, 1] < y1)
    return (boxes[reach] - (x0, y0, x0, y0)) / (x1 - x0, y1 - y0, x1 - x0, y1 - y0)


def _flagged(page: ParsedPage, flag: Flag) -> ParsedPage:
    return page.model_copy(update={"flags": tuple(dict.fromkeys((*page.flags, flag)))})


def _seen(layer: Layer) -> np.ndarray:
    """Boxes of words printed on the page, for which a picture may be the ground."""
    return np.zeros((0, 4)) if layer.of_scan else layer.words.boxes


def _fractions(regions: list[Region], size: tuple[float, float]) -> tuple[Box, ...]:
    width, height = size
    return tuple(
        (round(x0 / width, 4), round(y0 / height, 4), round(x1 / width, 4), round(y1 / height, 4))
        for x0, y0, x1, y1 in regions
    )
