"""What people have put onto a PDF page: comments, and the values of form fields."""

from __future__ import annotations

import ctypes
import unicodedata
from typing import Any, NamedTuple

import numpy as np
import pypdfium2.raw as pdfium

from ingestion.parsers.pdf_info import iso_date
from ingestion.parsers.pdf_text import Frame, Words
from store.boxes import pack, unpack
from store.models import Block, Box, ParsedPage

_MOST_ANNOTATIONS = 1000
_MOST_CHARACTERS = 20_000
_HIDDEN, _NO_VIEW = 1 << 1, 1 << 5
_COMMENTS = {
    pdfium.FPDF_ANNOT_TEXT: "Comment", pdfium.FPDF_ANNOT_FREETEXT: "Comment",
    pdfium.FPDF_ANNOT_HIGHLIGHT: "Comment", pdfium.FPDF_ANNOT_UNDERLINE: "Comment",
    pdfium.FPDF_ANNOT_SQUIGGLY: "Comment", pdfium.FPDF_ANNOT_STRIKEOUT: "Comment",
    pdfium.FPDF_ANNOT_SQUARE: "Comment", pdfium.FPDF_ANNOT_CIRCLE: "Comment",
    pdfium.FPDF_ANNOT_LINE: "Comment", pdfium.FPDF_ANNOT_POLYGON: "Comment",
    pdfium.FPDF_ANNOT_POLYLINE: "Comment", pdfium.FPDF_ANNOT_CARET: "Comment",
    pdfium.FPDF_ANNOT_INK: "Comment", pdfium.FPDF_ANNOT_STAMP: "Stamp",
}  # fmt: skip
_TICKED = "☒"

Rect = tuple[float, float, float, float]


class Note(NamedTuple):
    """A comment as it will stand in the text; its place is a rectangle in points as displayed."""

    text: str
    rect: Rect


class Value(NamedTuple):
    """What a form field holds."""

    text: str
    rect: Rect


class Additions(NamedTuple):
    """`hidden`: there are comments that viewers are told not to show; they are left out."""

    notes: tuple[Note, ...] = ()
    values: tuple[Value, ...] = ()
    hidden: bool = False


NOTHING = Additions()


def additions_of(page: Any, form: Any, frame: Frame) -> Additions:
    """All comments and field values of a loaded page; `form` is pdfium's form handle or None."""
    count = min(pdfium.FPDFPage_GetAnnotCount(page), _MOST_ANNOTATIONS)
    if count <= 0:
        return NOTHING
    notes: list[Note] = []
    values: list[Value] = []
    hidden = False
    for index in range(count):
        annotation = pdfium.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            kind = pdfium.FPDFAnnot_GetSubtype(annotation)
            if kind not in _COMMENTS and kind != pdfium.FPDF_ANNOT_WIDGET:
                continue
            rect = _rect(annotation, frame)
            said = _value(form, annotation) if kind not in _COMMENTS else _comment(annotation, kind)
            if rect is None or not said:
                continue
            if pdfium.FPDFAnnot_GetFlags(annotation) & (_HIDDEN | _NO_VIEW):
                hidden = True
            elif kind in _COMMENTS:
                notes.append(Note(said, rect))
            else:
                values.append(Value(said, rect))
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)
    return Additions(tuple(notes), tuple(values), hidden)


def with_values(words: Words, values: tuple[Value, ...]) -> Words:
    """The page's words with each field's value behind the line that stands beside or above it."""
    for value in sorted(values, key=lambda v: (-v.rect[1], -v.rect[0])):
        words = _inserted(words, value)
    return words


def with_notes(page: ParsedPage, notes: tuple[Note, ...]) -> ParsedPage:
    """The page with its comments at the end, a block each; every word lies in its rectangle."""
    if not notes or page.width is None or page.height is None:
        return page
    text, blocks = page.text, list(page.blocks)
    words = unpack(page.boxes or b"")
    for note in notes:
        text += "\n\n" if text else ""
        start = len(text)
        text += note.text
        blocks.append(Block(kind="note", start=start, end=len(text)))
        box = _fractions(note.rect, page.width, page.height)
        at = start
        for word in note.text.split():
            at = text.index(word, at)
            words.append((at, at + len(word), box))
            at += len(word)
    how = "text" if page.how == "nothing" else page.how
    quality = 1.0 if page.how == "nothing" else page.quality
    return page.model_copy(
        update={
            "text": text, "blocks": tuple(blocks), "boxes": pack(words), "how": how,
            "quality": quality,
        }
    )  # fmt: skip


def _comment(annotation: Any, kind: int) -> str:
    said = _string(annotation, b"Contents")
    if not said:
        return ""
    author = " ".join(_string(annotation, b"T").split())[:100]
    date = (iso_date(_string(annotation, b"M")) or "")[:10]
    who = f" by {author}" if author else ""
    when = f" on {date}" if date else ""
    return f"{_COMMENTS[kind]}{who}{when}: {said}"


def _value(form: Any, annotation: Any) -> str:
    if not form:
        return _string(annotation, b"V")
    kind = pdfium.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind in (pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON):
        # The state shown; pdfium's own answer waits for the page to be opened in a viewer.
        return _TICKED if _string(annotation, b"AS") not in ("", "Off") else ""
    if kind in (pdfium.FPDF_FORMFIELD_PUSHBUTTON, pdfium.FPDF_FORMFIELD_SIGNATURE):
        return ""
    return _read(lambda buffer, size: pdfium.FPDFAnnot_GetFormFieldValue(
        form, annotation, buffer, size
    ))  # fmt: skip


def _string(annotation: Any, key: bytes) -> str:
    return _read(
        lambda buffer, size: pdfium.FPDFAnnot_GetStringValue(annotation, key, buffer, size)
    )


def _read(get: Any) -> str:
    size = get(None, 0)
    if not 2 < size <= 8 * _MOST_CHARACTERS:
        return ""
    buffer = (ctypes.c_ushort * (size // 2))()
    get(buffer, size)
    raw = bytes(buffer)[:-2].decode("utf-16-le", errors="replace")
    lines = unicodedata.normalize("NFC", raw).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept = (" ".join("".join(c if c.isprintable() else " " for c in x).split()) for x in lines)
    return "\n".join(line for line in kept if line)[:_MOST_CHARACTERS].strip()


def _rect(annotation: Any, frame: Frame) -> Rect | None:
    rect = pdfium.FS_RECTF()
    if not pdfium.FPDFAnnot_GetRect(annotation, rect):
        return None
    left, right = sorted((rect.left, rect.right))
    bottom, top = sorted((rect.bottom, rect.top))
    x0, y0, x1, y1 = frame.place(left, bottom, right, top)
    return (x0, y0, x1, y1)


def _fractions(rect: Rect, width: float, height: float) -> Box:
    return (rect[0] / width, rect[1] / height, rect[2] / width, rect[3] / height)


def _inserted(words: Words, value: Value) -> Words:
    texts, boxes = _placed(value)
    at, line = _place_for(words, value.rect)
    n = len(texts)
    # Lines are only told apart by their numbers, so those behind make room.
    lines = words.lines * 2
    new = np.full(n, line * 2 + 1 if line >= 0 else -1)
    return Words(
        words.texts[:at] + texts + words.texts[at:],
        np.concatenate((words.boxes[:at], boxes, words.boxes[at:])),
        np.concatenate((lines[:at], new, lines[at:])),
        np.concatenate((words.glued[:at], np.zeros(n, bool), words.glued[at:])),
        np.concatenate((words.first[:at], np.full(n, -1), words.first[at:])),
        words.unmapped,
    )


def _placed(value: Value) -> tuple[list[str], np.ndarray]:
    """The value's words, each over its share of the field's width and line."""
    x0, y0, x1, y1 = value.rect
    lines = value.text.split("\n")
    height = min((y1 - y0) / len(lines), 16.0)
    top = y0 if len(lines) > 1 else (y0 + y1 - height) / 2
    texts: list[str] = []
    boxes: list[Rect] = []
    for n, line in enumerate(lines):
        wide = min((x1 - x0) / max(1, len(line)), 0.55 * height)
        at = 0
        for word in line.split():
            at = line.index(word, at)
            left = x0 + at * wide
            right = left + len(word) * wide
            texts.append(word)
            boxes.append((left, top + n * height, right, top + (n + 1) * height))
            at += len(word)
    return texts, np.array(boxes, float).reshape(-1, 4)


def _place_for(words: Words, rect: Rect) -> tuple[int, int]:
    """Past the last word of the line left of the field, else of the nearest above: (word, line)."""
    if not words.texts:
        return 0, -1
    starts = np.flatnonzero(np.concatenate(([True], words.lines[1:] != words.lines[:-1])))
    low = np.fmin.reduceat(words.boxes[:, :2], starts)
    high = np.fmax.reduceat(words.boxes[:, 2:], starts)
    ends = np.append(starts[1:], len(words.texts))
    with np.errstate(invalid="ignore"):
        shared = np.minimum(high[:, 1], rect[3]) - np.maximum(low[:, 1], rect[1])
        level = shared > 0.5 * np.minimum(high[:, 1] - low[:, 1], rect[3] - rect[1])
        left = level & (high[:, 0] <= rect[0] + 4)
        above = high[:, 1] <= rect[1] + 4
    for fitting, distance in (
        (left, rect[0] - high[:, 0]), (above, rect[1] - high[:, 1] + np.abs(low[:, 0] - rect[0])),
    ):  # fmt: skip
        if fitting.any():
            best = int(np.where(fitting, distance, np.inf).argmin())
            return int(ends[best]), int(words.lines[starts[best]])
    return 0, -1
