"""Documents with words that stand nowhere else, and a search for them in every file of a folder."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import tantivy

from tests import files

_LETTERS = "bdfglmnprtvzkcsh"


BEGINNING = "zor"
"""Of every marker."""


def marker(n: int) -> str:
    """A word that no language has, that is read well by OCR and by no stemmer cut short."""
    return BEGINNING + "".join(_LETTERS[(n >> 4 * i) & 15] + "aou"[i % 3] for i in range(3)) + "mix"


def _text(word: str, n: int) -> str:
    return (
        f"The {word} bridge is {n + 40} metres long. Ines Brandt inspected it on 3 May 2021: she "
        f" found the {word} bridge sound."
    )


def _scan(path: Path, word: str, n: int) -> Path:
    return files.picture(path, _text(word, n), "png")


def _cells(word: str, n: int) -> list[list[object]]:
    return [["Bridge", "Metres"], [f"The {word} bridge", n + 40]]


MAKERS: dict[str, Callable[[Path, str, int], Path]] = {
    "txt": lambda path, word, n: files.txt(path, _text(word, n)),
    "md": lambda path, word, n: files.markdown(path, f"# The {word} bridge\n\n{_text(word, n)}\n"),
    "csv": lambda path, word, n: files.csv(path, _cells(word, n)),
    "xlsx": lambda path, word, n: files.xlsx(path, {f"About {word}": _cells(word, n)}),
    "docx": lambda path, word, n: files.docx(
        path, [(f"The {word} bridge", _text(word, n))], title=f"{word} report"
    ),
    "pdf": lambda path, word, n: files.text_pdf(path, [_text(word, n)] * 2, title=f"{word} report"),
    "png": _scan,
}
"""Of each kind a maker of a small file whose text holds a word."""


def places(folder: Path, words: Iterable[str]) -> list[str]:
    """Where under a folder one of these words is: `file: word`, also inside of what is packed."""
    wanted = [w.lower() for w in words]
    found = set()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = str(path.relative_to(folder))
        found |= {f"{name}: {w} (its name)" for w in wanted if w in name.lower()}
        for part, data in _unpacked(_read(path)):
            found |= {f"{name}{part}: {w}" for w in _held(data, wanted)}
        if path.suffix in (".db", ".sqlite3"):
            found |= {f"{name}, a row: {w}" for w in wanted if w in _rows(path)}
        if path.name == "meta.json":
            terms = _terms(path.parent)
            found |= {f"{name}, a term: {w}" for w in wanted if any(w in t for t in terms)}
    return sorted(found)


def vectors(folder: Path, wanted: Sequence[np.ndarray] | np.ndarray) -> list[str]:
    """Files under a folder that hold one of these vectors (float32, normalised) as numbers."""
    rows = np.asarray(wanted, dtype=np.float32)[:, :6]
    rows = rows[np.argsort(rows[:, 0])]
    found = set()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        data = _read(path)
        for offset in range(4):
            numbers = np.frombuffer(data[offset : offset + (len(data) - offset) // 4 * 4], "<f4")
            if len(numbers) >= rows.shape[1] and _near(numbers, rows):
                found.add(str(path.relative_to(folder)))
    return sorted(found)


def _near(numbers: np.ndarray, rows: np.ndarray, by: float = 1e-4) -> bool:
    """Whether one of the rows, sorted by their first number, is somewhere among the numbers."""
    with np.errstate(all="ignore"):
        starts = numbers[: len(numbers) - rows.shape[1] + 1]
        first = np.searchsorted(rows[:, 0], starts - by)
        last = np.searchsorted(rows[:, 0], starts + by)
        for at in np.flatnonzero(last > first):
            part = numbers[at : at + rows.shape[1]]
            if (np.abs(rows[first[at] : last[at]] - part) < by).all(axis=1).any():
                return True
    return False


def _read(path: Path) -> bytes:
    """Nothing of a file that vanishes meanwhile: a reading process may end at any time.

    Without zeros at its end: the reserve of room consists of them.
    """
    try:
        return path.read_bytes().rstrip(b"\0")
    except FileNotFoundError:
        return b""


def _held(data: bytes, words: Collection[str]) -> set[str]:
    """Those of the words that are among the bytes; what they begin with is looked for first."""
    low = data.lower()
    return {
        word
        for code in ("utf-8", "utf-16-le", "utf-16-be")
        if BEGINNING.encode(code) in low
        for word in words
        if word.encode(code) in low
    }


def _unpacked(data: bytes, depth: int = 0) -> Iterator[tuple[str, bytes]]:
    """The bytes, and whatever archives and packed streams inside of them unpack to."""
    yield "", data
    if depth == 3:
        return
    if data[:4] == b"PK\3\4":
        with suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield f" > {name}", name.encode()
                for part, inner in _unpacked(archive.read(name), depth + 1):
                    yield f" > {name}{part}", inner
    for start, unpack in (
        (rb"\x1f\x8b\x08", gzip.decompress),
        (rb"BZh[1-9]1AY", bz2.decompress),
        (rb"\xfd7zXZ\x00", lzma.decompress),
        (rb"\x78[\x01\x5e\x9c\xda]", lambda packed: zlib.decompressobj().decompress(packed)),
    ):
        for at in re.finditer(start, data):
            with suppress(OSError, ValueError, EOFError, zlib.error, lzma.LZMAError):
                yield f" > packed at {at.start()}", unpack(data[at.start() :])


def _rows(path: Path) -> str:
    """Every value of a database that is opened without changing it, its log included."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as c:
        c.text_factory = lambda raw: raw.decode("utf-8", "replace")
        names = [n for (n,) in c.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return "\n".join(
            str(value).lower()
            for n in names
            for row in c.execute(f'SELECT * FROM "{n}"')
            for value in row
        )


def _terms(folder: Path) -> list[str]:
    """Every term that a word index lists, those of deleted chunks too."""
    searcher = tantivy.Index.open(str(folder)).searcher()
    return [term.lower() for term, _ in searcher.terms_with_prefix("terms", "")]
