"""Tesseract, by tesserocr: its wheel carries the library, language data comes in packages."""

from __future__ import annotations

import importlib.util
import math
import os
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ingestion.ocr.words import Found, Line, Word, is_dense_script
from ingestion.ocr_languages import folder_with, problem
from store.errors import Unreadable

# Read when the library is loaded. More threads make tesseract slower, not faster.
os.environ.setdefault("OMP_THREAD_LIMIT", "1")

OSD_SURE = 10.0
MIN_WORD_CONFIDENCE = 0.15
PATIENCE = 1.4
"""At most: a page that takes nine tenths of its time in CPU seconds is given up (OCR_SHARE)."""


@cache
def available() -> bool:
    return importlib.util.find_spec("tesserocr") is not None


def read_lines(gray: np.ndarray, languages: str, until: float = math.inf) -> Found:
    """Lines in tesseract's own order. `gray` uint8 [h, w], dark on light, upright.

    After about `until` (CPU time of this process) it gives up. Raises Unreadable, naming the
    package to install, where a language's data is missing.
    """
    import tesserocr

    word: Any = tesserocr.RIL.WORD  # its stubs give every constant the type of `...`
    line: Any = tesserocr.RIL.TEXTLINE
    api = _api(languages)
    _set(api, gray)
    # Tesseract looks at the clock on the wall, which runs ahead on a busy machine.
    left_s = max(0.0, until - time.process_time()) * PATIENCE
    left_ms = 0 if until == math.inf else max(1, int(1000 * left_s))
    done = api.Recognize(left_ms)
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
    kept = [Line(tuple(words)) for words in lines if words]
    return Found(kept, cut=not done)


def engine_alone(gray: np.ndarray, languages: str = "eng") -> None:
    """What the engine itself must do for this page; for measuring what is added to it."""
    api = _api(languages)
    _set(api, gray)
    api.Recognize()
    api.Clear()


def defaults(gray: np.ndarray, languages: str = "eng") -> str:
    """The text as tesseract gives it without any help of ours, for comparison."""
    api = _api(languages)
    _set(api, gray)
    text: str = api.GetUTF8Text()
    api.Clear()
    return text


def quarter_turns(gray: np.ndarray) -> int | None:
    """Quarter turns (counter-clockwise) that make the page upright; None where it is not sure.

    It is only to be trusted on letters of a good size, in Latin script: on small ones it invents
    upside-down Arabic.
    """
    if not folder_with(("osd",)):
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

    fault = problem(languages)
    if fault:
        raise Unreadable(fault)
    engine: Any = tesserocr.OEM.LSTM_ONLY
    layout: Any = tesserocr.PSM.AUTO
    # The first name leads: after English, tesseract would take "Gerate" for as good as "Geräte".
    names = sorted(languages.split("+"), key=lambda name: name == "eng")
    folder = _data_folder(tuple(names))
    return tesserocr.PyTessBaseAPI(path=folder, lang="+".join(names), oem=engine, psm=layout)


@cache
def _orientation_api() -> Any:
    import tesserocr

    engine: Any = tesserocr.OEM.TESSERACT_ONLY
    layout: Any = tesserocr.PSM.OSD_ONLY
    folder = str(folder_with(("osd",)))
    return tesserocr.PyTessBaseAPI(path=folder, lang="osd", oem=engine, psm=layout)


def _data_folder(names: tuple[str, ...]) -> str:
    """The folder that holds the data of all these languages; made of links where none does."""
    folder = folder_with(names)
    if folder:
        return str(folder)
    joined = _links(names).name
    for name in names:
        data = f"{name}.traineddata"
        link = Path(joined) / data
        if not link.exists():
            link.symlink_to(Path(str(folder_with((name,)))) / data)
    return joined


@cache
def _links(names: tuple[str, ...]) -> tempfile.TemporaryDirectory[str]:
    """A folder for as long as this process lives; in a limited child it is its own scratch."""
    return tempfile.TemporaryDirectory(prefix="tessdata-")
