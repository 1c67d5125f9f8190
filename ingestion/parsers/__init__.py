"""The table of file kinds, and what every parser offers.

A parser module has `open_file(path, options) -> OpenedFile`. It runs only inside the limited
child process (`ingestion.parsers.child`); the app imports this table, never a parser.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Literal, Protocol

from store.models import Frozen, Kind, ParsedDocument, ParsedPage

Family = Literal["pdf", "office"]


class ParseOptions(Frozen):
    """What a parser may spend and how it should read.

    `max_pixels` bounds any picture that is decoded or rendered, `ocr_pixels` those given to OCR.
    `only_pages`: do not look into pages when opening; set after that made a reader fail.
    """

    ocr_languages: str = "eng"
    max_pixels: int = 120_000_000
    ocr_pixels: int = 12_000_000
    ocr_dpi: int = 250
    max_pages: int = 5000
    page_timeout_s: float = 60.0
    only_pages: bool = False


class ParserEntry(Frozen):
    """One line of the table. Raise `version` whenever the parser reads a file differently."""

    module: str
    family: Family
    version: int
    libraries: tuple[str, ...] = ()


class OpenedFile(Protocol):
    """A file being read, inside the child. Methods raise Unreadable with a sentence."""

    @property
    def info(self) -> ParsedDocument: ...

    def page(self, number: int) -> ParsedPage:
        """Page `number`, counting from 1."""
        ...

    def picture(self, number: int, width_px: int) -> bytes:
        """A PNG of page `number`; Unreadable where the kind has no pictures."""
        ...

    def close(self) -> None: ...


_OCR = ("rapidocr", "tesserocr")


def _entry(module: str, family: Family, version: int, *libraries: str) -> ParserEntry:
    return ParserEntry(
        module=f"ingestion.parsers.{module}", family=family, version=version, libraries=libraries
    )


PARSERS: Mapping[Kind, ParserEntry] = {
    "pdf": _entry("pdf", "pdf", 4, "pypdfium2", *_OCR),
    "image": _entry("image", "pdf", 2, "pillow", *_OCR),
    "docx": _entry("docx", "office", 2, "lxml"),
    "pptx": _entry("pptx", "office", 2, "unstructured", "python-pptx", "lxml"),
    "xlsx": _entry("xlsx", "office", 2, "openpyxl"),
    "odf": _entry("odf", "office", 2, "lxml"),
    "csv": _entry("csv", "office", 2, "charset-normalizer"),
    "html": _entry("html", "office", 2, "lxml"),
    "markdown": _entry("markdown", "office", 2, "markdown-it-py", "lxml"),
    "text": _entry("text", "office", 2, "charset-normalizer"),
    "email": _entry("email", "office", 3, "lxml"),
}

SUFFIXES: Mapping[Kind, str] = {
    "pdf": ".pdf", "image": ".img", "docx": ".docx", "pptx": ".pptx", "xlsx": ".xlsx",
    "odf": ".odt", "csv": ".csv", "html": ".html", "markdown": ".md", "text": ".txt",
    "email": ".eml",
}  # fmt: skip
"""The name a file gets inside the child's folder: libraries look at it, people never see it."""

_CARRIERS: frozenset[Kind] = frozenset(("pdf", "docx", "pptx", "xlsx", "odf", "email"))
"""Kinds that hold files of other kinds: their text depends on the other parsers too."""


ONLY_PAGES = "-pages"
"""Behind the fingerprint of a parse whose file could be opened with `only_pages` alone."""


def parser_fingerprint(
    kind: Kind, options: ParseOptions, parsers: Mapping[Kind, ParserEntry] = PARSERS
) -> str:
    """Names everything that decides what a parse says; a new value means a new parse."""
    entry = parsers[kind]
    libraries = set(entry.libraries)
    parts = []
    if kind in _CARRIERS:
        parts = [f"{other}-{carried.version}" for other, carried in sorted(parsers.items())]
        libraries.update(*(carried.libraries for carried in parsers.values()))
    parts += [f"{name}={library_version(name)}" for name in sorted(libraries)]
    # How long a page may take is no part of what it says, nor how it came to be opened.
    parts.append(options.model_dump_json(exclude={"page_timeout_s", "only_pages"}))
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
    return f"{kind}-{entry.version}-{digest}"


@cache
def library_version(library: str) -> str:
    """Its version, `none` where it is not installed: not all are on every system.

    Kept: to look up a dozen takes 20 ms, and every document asks.
    """
    try:
        return version(library)
    except PackageNotFoundError:
        return "none"
