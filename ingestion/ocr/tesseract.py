"""Tesseract, by tesserocr: its wheel carries the library, language data comes in packages."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ingestion.ocr.words import Line, Word, is_dense_script
from store.errors import Unreadable

# Read when the library is loaded. More threads make tesseract slower, not faster.
os.environ.setdefault("OMP_THREAD_LIMIT", "1")

OSD_SURE = 10.0
MIN_WORD_CONFIDENCE = 0.15


@cache
def available() -> bool:
    return importlib.util.find_spec("tesserocr") is not None


def read_lines(gray: np.ndarray, languages: str) -> list[Line]:
    """Lines in tesseract's own order. `gray` uint8 [h, w], dark on light, upright.

    Raises Unreadable, naming the package to install, where a language's data is missing.
    """
    import tesserocr

    word: Any = tesserocr.RIL.WORD  # its stubs give every constant the type of `...`
    line: Any = tesserocr.RIL.TEXTLINE
    api = _api(languages)
    _set(api, gray)
    api.Recognize()
    lines: list[list[Word]] = []
    iterator = api.GetIterator()
    for piece in tesserocr.iterate_level(iterator, word) if iterator else ():
        if piece.Empty(word):
            continue
        if piece.IsAtBeginningOf(line) or not lines:
            lines.append([])
        text = (piece.GetUTF8Text(word) or "").strip()
        confidence = piece.Confidence(word) / 100
        if not text or confidence < MIN_WORD_CONFIDENCE:
            continue
        before = lines[-1][-1].text[-1] if lines[-1] else ""
        joined = bool(before) and is_dense_script(before) and is_dense_script(text[0])
        lines[-1].append(Word(text, confidence, piece.BoundingBox(word), joined))
    api.Clear()
    return [Line(tuple(words)) for words in lines if words]


def quarter_turns(gray: np.ndarray) -> int | None:
    """Quarter turns (counter-clockwise) that make the page upright; None where it is not sure.

    It is only to be trusted on letters of a good size, in Latin script: on small ones it invents
    upside-down Arabic.
    """
    if not _folder_with(("osd",)):
        return None
    api = _orientation_api()
    _set(api, gray)
    found = api.DetectOrientationScript()
    api.Clear()
    if not found or found["orient_conf"] < OSD_SURE or found["script_name"] != "Latin":
        return None
    return {0: 0, 90: 1, 180: 2, 270: 3}[found["orient_deg"]]


def _set(api: Any, gray: np.ndarray) -> None:
    height, width = gray.shape
    api.SetImageBytes(np.ascontiguousarray(gray).tobytes(), width, height, 1, width)


@cache
def _api(languages: str) -> Any:
    import tesserocr

    engine: Any = tesserocr.OEM.LSTM_ONLY
    layout: Any = tesserocr.PSM.AUTO
    folder = _data_folder(tuple(languages.split("+")))
    return tesserocr.PyTessBaseAPI(path=folder, lang=languages, oem=engine, psm=layout)


@cache
def _orientation_api() -> Any:
    import tesserocr

    engine: Any = tesserocr.OEM.TESSERACT_ONLY
    layout: Any = tesserocr.PSM.OSD_ONLY
    folder = str(_folder_with(("osd",)))
    return tesserocr.PyTessBaseAPI(path=folder, lang="osd", oem=engine, psm=layout)


def _data_folder(names: tuple[str, ...]) -> str:
    """The folder that holds the data of all these languages; made of links where none does."""
    folder = _folder_with(names)
    if folder:
        return str(folder)
    found = {name: _folder_with((name,)) for name in names}
    missing = [name for name, place in found.items() if place is None]
    if missing:
        packages = " and ".join(f"tessdata-fast-{name} (or Debian's tesseract-ocr-{_debian(name)})"
                                for name in missing)  # fmt: skip
        raise Unreadable(
            f"OCR data for {', '.join(missing)} is not installed: install {packages}, "
            "or leave it out of FOOTNOTE_OCR_LANGUAGES."
        )
    joined = Path(tempfile.mkdtemp(prefix="tessdata-", dir=Path.cwd()))
    for name, place in found.items():
        (joined / f"{name}.traineddata").symlink_to(Path(str(place)) / f"{name}.traineddata")
    return str(joined)


def _folder_with(names: tuple[str, ...]) -> Path | None:
    held = (f for f in _folders() if all((f / f"{n}.traineddata").is_file() for n in names))
    return next(held, None)


@cache
def _folders() -> tuple[Path, ...]:
    """Where language data may lie: the packages', TESSDATA_PREFIX, Debian's."""
    prefix = os.environ.get("TESSDATA_PREFIX")
    debian = sorted(Path("/usr/share/tesseract-ocr").glob("*/tessdata"))
    named = (Path(prefix), Path(prefix) / "tessdata") if prefix else ()
    return (Path(sys.prefix) / "share" / "tessdata", *named, *debian)


def _debian(name: str) -> str:
    return name.replace("_", "-")
