"""Pictures (PNG, JPEG, TIFF, WebP, BMP, GIF): every frame is a pictured page, read by OCR."""

from __future__ import annotations

import io
import math
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageFile

from ingestion import ocr
from ingestion.parsers import ParseOptions
from ingestion.parsers.pdf_ocr import OCR_SHARE
from store.boxes import pack
from store.errors import Unreadable
from store.models import ParsedDocument, ParsedPage

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF")
PICTURE_WIDTH_PX = (16, 4000)
MOVES = "This picture moves; only its first frame was read."
BREAKS_OFF = "The picture breaks off before its end; what is there was read."
DAMAGED = "This picture is damaged and cannot be opened."
STRIP_PIXELS = 4_000_000

_FAULTS = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, OverflowError, EOFError,
    AttributeError, struct.error, zlib.error, ZeroDivisionError,
)  # fmt: skip
"""What Pillow's decoders raise on damaged files."""

_UPRIGHT = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT,),
    3: (Image.Transpose.ROTATE_180,),
    4: (Image.Transpose.FLIP_TOP_BOTTOM,),
    5: (Image.Transpose.TRANSPOSE,),
    6: (Image.Transpose.ROTATE_270,),
    7: (Image.Transpose.TRANSVERSE,),
    8: (Image.Transpose.ROTATE_90,),
}
"""EXIF orientation → how to turn."""


def open_file(path: Path, options: ParseOptions) -> ImageFrames:
    """Raises Unreadable when the picture is damaged or larger than `options.max_pixels`."""
    return ImageFrames(path, options)


class _Frame(NamedTuple):
    """A frame as displayed: white behind it, upright, at most `ocr_pixels` large."""

    rgb: Image.Image
    width: int
    height: int
    breaks_off: bool


class ImageFrames:
    """An open picture file; the frame read last is kept, for its picture is asked for next."""

    def __init__(self, path: Path, options: ParseOptions):
        # Sizes are checked here, before any decoding, with a sentence that names the setting.
        Image.MAX_IMAGE_PIXELS = None
        self._path, self._options = path, options
        self._kept: tuple[int, _Frame] | None = None
        self._image = self._opened()
        try:
            count = self._count_frames()
            self._pages = min(count, options.max_pages)
            breaks_off = self._frame(1).breaks_off
        except Unreadable:
            self.close()
            raise
        notes = [BREAKS_OFF] if breaks_off else []
        if self._image.format == "GIF" and getattr(self._image, "is_animated", False):
            notes.append(MOVES)
        if count > options.max_pages:
            notes.append(f"Only the first {options.max_pages:,} frames were read.")
        self.info = ParsedDocument(
            pages=self._pages, unread=count - self._pages, date=self._date(), warnings=tuple(notes)
        )

    def page(self, number: int) -> ParsedPage:
        """What OCR reads on frame `number`; a frame that cannot be decoded is a failed page."""
        try:
            frame = self._frame(number)
        except Unreadable as error:
            return ParsedPage(number=number, text="", how="failed", error=str(error))
        found = ocr.read(
            np.asarray(frame.rgb),
            self._options.ocr_languages,
            limit_s=OCR_SHARE * self._options.page_timeout_s,
        )
        cut = "breaks_off" in found.flags
        if cut and not found.text:
            return ParsedPage(number=number, text="", how="failed", error=ocr.TOO_MUCH)
        flags = (*found.flags, "breaks_off") if frame.breaks_off and not cut else found.flags
        return ParsedPage(
            number=number,
            text=found.text,
            how="ocr" if found.text else "nothing",
            quality=found.quality if found.text else None,
            confidence=found.confidence,
            flags=flags,
            error=ocr.TOO_MUCH if cut else None,
            width=frame.width,
            height=frame.height,
            boxes=pack(found.words),
            blocks=found.blocks,
        )

    def picture(self, number: int, width_px: int) -> bytes:
        """PNG of the frame as displayed, never wider than the frame itself."""
        frame = self._frame(number)
        least, most = PICTURE_WIDTH_PX
        width = max(1, min(max(width_px, least), most, frame.rgb.width))
        height = max(1, round(width * frame.rgb.height / frame.rgb.width))
        height = min(height, 4 * PICTURE_WIDTH_PX[1])
        out = io.BytesIO()
        frame.rgb.resize((width, height), Image.Resampling.LANCZOS).save(out, "PNG")
        return out.getvalue()

    def close(self) -> None:
        self._image.close()

    def _opened(self) -> Image.Image:
        try:
            with _quietly():
                image = Image.open(self._path, formats=FORMATS)
        except MemoryError as error:
            raise Unreadable(_too_large()) from error
        except _FAULTS as error:
            raise Unreadable(DAMAGED) from error
        try:
            self._check_size(image)
        except Unreadable:
            image.close()
            raise
        return image

    def _check_size(self, image: Image.Image) -> None:
        width, height = image.size
        if width * height > self._options.max_pixels:
            raise Unreadable(
                f"This picture is {width:,} × {height:,} pixels; the limit is "
                f"{self._options.max_pixels // 1_000_000} million pixels (FOOTNOTE_MAX_PIXELS). "
                "Save it smaller and upload it again."
            )
        if width < 1 or height < 1:
            raise Unreadable(DAMAGED)

    def _count_frames(self) -> int:
        """Frames of the file; a TIFF's, a chain, are counted to one past the limit."""
        if self._image.format in ("JPEG", "BMP", "GIF"):
            return 1
        if self._image.format != "TIFF":
            return max(1, int(getattr(self._image, "n_frames", 1)))
        count = 1
        try:
            while count <= self._options.max_pages:
                self._image.seek(count)
                count += 1
        except _FAULTS:  # EOFError at the end of the chain, others where it is broken
            pass
        return count

    def _frame(self, number: int) -> _Frame:
        if not 1 <= number <= self._pages:
            raise Unreadable(f"This picture has no frame {number}.")
        if self._kept is None or self._kept[0] != number:
            self._kept = None
            self._kept = (number, self._read_frame(number - 1))
        return self._kept[1]

    def _read_frame(self, index: int) -> _Frame:
        try:
            breaks_off = not self._load(index)
            shown = _displayed(self._image, self._options.ocr_pixels)
            width, height = self._image.size
            turns = _UPRIGHT.get(_orientation(self._image), ())
            for turn in turns:
                shown = shown.transpose(turn)
        except MemoryError as error:
            raise Unreadable(_too_large()) from error
        except _FAULTS as error:
            raise Unreadable(DAMAGED) from error
        if shown.width != shown.height and (shown.width > shown.height) != (width > height):
            width, height = height, width
        return _Frame(shown, width, height, breaks_off)

    def _load(self, index: int) -> bool:
        """Decodes frame `index`; False where the file ends too early and the rest stays empty."""
        with _quietly():
            try:
                self._image.seek(index)
                self._check_size(self._image)
                self._image.load()
                return True
            except Unreadable:
                raise
            except _FAULTS:
                self._image.close()
                self._image = self._opened()
            ImageFile.LOAD_TRUNCATED_IMAGES = True  # pyrefly: ignore[bad-assignment]
            try:
                self._image.seek(index)
                self._check_size(self._image)
                self._image.load()
            finally:
                ImageFile.LOAD_TRUNCATED_IMAGES = False
        if not any(low != high for low, high in _extrema(self._image)):
            raise Unreadable(DAMAGED)
        return False

    def _date(self) -> str | None:
        """When the picture was taken or scanned, as its metadata says."""
        try:
            with _quietly():
                exif = self._image.getexif()
            said = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal)
            said = said or exif.get(ExifTags.Base.DateTime)
            return datetime.strptime(str(said), "%Y:%m:%d %H:%M:%S").isoformat()
        except _FAULTS:
            return None


@contextmanager
def _quietly() -> Iterator[None]:
    """Without Pillow's warnings of odd metadata: nothing a person can act on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _displayed(image: Image.Image, max_pixels: int) -> Image.Image:
    """RGB on white, at most `max_pixels`; made strip by strip, for a copy of it all may not fit."""
    width, height = image.size
    step = max(1, math.isqrt(width * height // max_pixels))
    reduced = Image.new("RGB", (math.ceil(width / step), math.ceil(height / step)))
    rows = max(1, STRIP_PIXELS // width // step) * step
    top_value = _top_value(image)
    for top in range(0, height, rows):
        strip = _on_white(image.crop((0, top, width, min(height, top + rows))), top_value)
        reduced.paste(strip.reduce(step) if step > 1 else strip, (0, top // step))
    factor = math.sqrt(max_pixels / (reduced.width * reduced.height))
    if factor >= 1:
        return reduced
    size = (max(1, int(reduced.width * factor)), max(1, int(reduced.height * factor)))
    return reduced.resize(size, Image.Resampling.BOX)


def _on_white(strip: Image.Image, top_value: float) -> Image.Image:
    if strip.mode.startswith(("I", "F")):
        values = np.asarray(strip, dtype=np.float32) / top_value * 255
        return Image.fromarray(values.clip(0, 255).astype(np.uint8), "L").convert("RGB")
    if strip.mode in ("LA", "PA", "La", "RGBA", "RGBa") or "transparency" in strip.info:
        clear = strip.convert("RGBA")
        white = Image.new("RGBA", clear.size, "white")
        white.alpha_composite(clear)
        return white.convert("RGB")
    return strip.convert("RGB")


def _top_value(image: Image.Image) -> float:
    """The value that is white in modes of more than eight bits."""
    if not image.mode.startswith(("I", "F")):
        return 255.0
    highest = float(np.asarray(image).max())
    return next((top for top in (1.0, 255.0, 65535.0) if highest <= top), highest)


def _extrema(image: Image.Image) -> list[tuple[float, float]]:
    found = image.getextrema()
    return [found] if len(image.getbands()) == 1 else list(found)  # type: ignore[list-item]


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1..8; TIFFs are turned by Pillow itself when they are loaded."""
    try:
        with _quietly():
            return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except _FAULTS:
        return 1


def _too_large() -> str:
    return "This picture needs more memory than a file may use; save it smaller."
