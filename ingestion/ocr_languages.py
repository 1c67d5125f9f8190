"""Which languages scans can be read in here, and what to install for the others.

Free of the OCR libraries, so that the app can look at its start. The table for people is in
docs/ocr.md.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

ON_PYPI = ("deu", "eng", "jpn")
"""Languages whose data is a package tessdata-fast-…; Debian has all of tesseract's."""
READ_BY_RAPIDOCR = frozenset({
    "afr", "cat", "ces", "chi_sim", "chi_tra", "cym", "dan", "deu", "eng", "est",
    "eus", "fin", "fra", "gle", "glg", "hrv", "hun", "ind", "isl", "ita",
    "jpn", "lat", "lav", "lit", "msa", "nld", "nor", "pol", "por", "ron",
    "slk", "slv", "spa", "swe", "tur",
})  # fmt: skip
"""Those in whose scripts and accents its one model was trained; it would spoil any other."""
_NAME = re.compile(r"[A-Za-z_]{3,20}(?:\+[A-Za-z_]{3,20}){0,9}")


def problem(languages: str) -> str | None:
    """What keeps scans from being read in these languages, with advice; None where nothing does.

    `languages` are tesseract's names joined by `+`, as in FOOTNOTE_OCR_LANGUAGES.
    """
    if not _NAME.fullmatch(languages):
        return (
            f"FOOTNOTE_OCR_LANGUAGES is {languages!r}, which are no languages: "
            "write tesseract's names joined by +, such as eng+deu."
        )
    names = languages.split("+")
    if not _installed("tesserocr"):
        foreign = [name for name in names if name not in READ_BY_RAPIDOCR]
        if not _installed("rapidocr"):
            return "No OCR is installed: install tesserocr or rapidocr, or scans cannot be read."
        if foreign:
            return (
                f"Only rapidocr is installed here, and it cannot read {', '.join(foreign)}: "
                "install tesserocr with the data of that language, or leave it out of "
                "FOOTNOTE_OCR_LANGUAGES."
            )
        return None
    missing = [name for name in names if folder_with((name,)) is None]
    if not missing:
        return None
    return (
        f"OCR data for {', '.join(missing)} is not installed: install "
        f"{' and '.join(_sources(name) for name in missing)}, "
        "or leave it out of FOOTNOTE_OCR_LANGUAGES."
    )


def folder_with(names: Sequence[str]) -> Path | None:
    """The first folder that holds tesseract's data for all of these."""
    held = (f for f in _folders() if all((f / f"{n}.traineddata").is_file() for n in names))
    return next(held, None)


def _folders() -> list[Path]:
    """Where language data may lie: the packages', TESSDATA_PREFIX, Debian's."""
    prefix = os.environ.get("TESSDATA_PREFIX")
    debian = sorted(Path("/usr/share/tesseract-ocr").glob("*/tessdata"))
    named = [Path(prefix), Path(prefix) / "tessdata"] if prefix else []
    return [Path(sys.prefix) / "share" / "tessdata", *named, *debian]


def _sources(name: str) -> str:
    debian = f"tesseract-ocr-{name.lower().replace('_', '-')}"
    if name in ON_PYPI:
        return f"tessdata-fast-{name} (pip) or {debian} (Debian)"
    return f"{debian} (Debian)"


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
