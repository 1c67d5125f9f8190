"""Pages drawn and spoilt here, with their true text: prose, receipts, tables in many conditions.

`drawn_pages` draws its own documents (the quality figure is fitted on these); `spoilt_samples`
spoils the pages of the sample PDFs, whose truth is their text layer (it is checked on those).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from store.settings import ROOT

SAMPLE_DPI = 150
_DEJAVU = Path("/usr/share/fonts/truetype/dejavu")


class Sample(NamedTuple):
    doc: str
    page: int
    text: str
    image: np.ndarray


def drawn_pages(count: int, seed: int = 1) -> Iterator[Sample]:
    """Documents of our own; every third is left nearly as drawn."""
    rng = np.random.default_rng(seed)
    words, fonts = _vocabulary(), _fonts()
    kinds = (_prose, _receipt, _table)
    for n in range(count):
        rows = kinds[n % 3](rng, words)
        font = str(fonts[int(rng.integers(len(fonts)))])
        picture = _drawn(rows, font, int(rng.integers(13, 34)))
        name, spoilt = _spoilt(picture, rng, n)
        yield Sample(f"{kinds[n % 3].__name__[1:]} {name}", n + 1, _text(rows), spoilt)


def spoilt_samples(seed: int = 2) -> Iterator[Sample]:
    """Every page of text of the sample PDFs in nine conditions, as strong as chance has it."""
    import pypdfium2

    rng = np.random.default_rng(seed)
    for path in sorted((ROOT / "data" / "samples").glob("*.pdf")):
        with pypdfium2.PdfDocument(path) as pdf:
            for number in range(len(pdf)):
                picture = pdf[number].render(scale=SAMPLE_DPI / 72).to_numpy()
                text = pdf[number].get_textpage().get_text_range()
                if not text.strip():  # one sample is a scan itself
                    continue
                gray = cv2.cvtColor(picture[:, :, :3], cv2.COLOR_BGR2GRAY)
                for name, spoil in SPOILT.items():
                    spoilt = _rgb(spoil(gray, float(rng.uniform(0.2, 1.0)), rng))
                    yield Sample(f"{path.stem} {name}", number + 1, text, spoilt)


def _spoilt(gray: np.ndarray, rng: np.random.Generator, n: int) -> tuple[str, np.ndarray]:
    names = list(SPOILT)
    chosen = [] if n % 3 == 2 and n % 2 else [names[int(rng.integers(len(names)))]]
    if chosen and rng.random() < 0.4:
        chosen.append(names[int(rng.integers(len(names)))])
    for name in chosen:
        gray = SPOILT[name](gray, float(rng.random()) / len(chosen) ** 0.5, rng)
    return "+".join(chosen) or "clean", _rgb(gray)


def _rgb(gray: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(np.clip(gray, 0, 255).astype(np.uint8), cv2.COLOR_GRAY2RGB)


def _blurred(gray: np.ndarray, much: float, _: np.random.Generator) -> np.ndarray:
    return cv2.GaussianBlur(gray, (0, 0), 0.3 + 2.7 * much)


def _noisy(gray: np.ndarray, much: float, rng: np.random.Generator) -> np.ndarray:
    noise = rng.normal(0, 10 + 90 * much, gray.shape)
    return np.clip(gray * 0.85 + 20 + noise, 0, 255).astype(np.uint8)


def _coarse(gray: np.ndarray, much: float, _: np.random.Generator) -> np.ndarray:
    factor = 1 - 0.72 * much
    return cv2.resize(gray, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def _compressed(gray: np.ndarray, much: float, _: np.random.Generator) -> np.ndarray:
    quality = max(2, int(40 - 40 * much))
    half = cv2.resize(gray, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    data = cv2.imencode(".jpg", half, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))


def _faded(gray: np.ndarray, much: float, rng: np.random.Generator) -> np.ndarray:
    pale = 205 - (255.0 - gray) * (0.5 - 0.44 * much)
    return np.clip(pale + rng.normal(0, 6, gray.shape), 0, 255).astype(np.uint8)


def _shaded(gray: np.ndarray, much: float, rng: np.random.Generator) -> np.ndarray:
    """A photo: light falls off to one side, the print pales with it."""
    height, width = gray.shape
    ramp = np.linspace(1, 1 - 0.85 * much, width)[None, :] * np.linspace(1, 0.9, height)[:, None]
    return np.clip(gray * ramp + rng.normal(0, 4 + 8 * much, gray.shape), 0, 255).astype(np.uint8)


def _leaning(gray: np.ndarray, much: float, rng: np.random.Generator) -> np.ndarray:
    """Photographed from the side."""
    height, width = gray.shape
    by = 0.16 * much * rng.random((4, 2)) * (width, height)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    inward = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    moved = (corners + inward * by).astype(np.float32)
    turn = cv2.getPerspectiveTransform(corners, moved)
    return cv2.warpPerspective(gray, turn, (width, height), borderValue=(235, 235, 235))


def _broken(gray: np.ndarray, much: float, rng: np.random.Generator) -> np.ndarray:
    """A worn print head or a bad copy: strokes thinned and full of holes."""
    holes = cv2.GaussianBlur(rng.normal(0, 1, gray.shape), (0, 0), 1.2)
    holes = holes / holes.std() > 2.2 - 2.0 * much
    thin = gray if much < 0.4 else cv2.dilate(gray, np.ones((2, 2), np.uint8))
    return np.where(holes, 255, thin).astype(np.uint8)


def _copied(gray: np.ndarray, much: float, rng: np.random.Generator) -> np.ndarray:
    """A fax: black or white, swollen, with specks."""
    soft = cv2.GaussianBlur(gray, (0, 0), 0.6 + 1.6 * much)
    rough = soft + rng.normal(0, 12 + 40 * much, gray.shape)
    return np.where(rough > 140 + 30 * much, 255, 0).astype(np.uint8)


SPOILT: dict[str, Callable[[np.ndarray, float, np.random.Generator], np.ndarray]] = {
    "blurred": _blurred,
    "noisy": _noisy,
    "coarse": _coarse,
    "compressed": _compressed,
    "faded": _faded,
    "shaded": _shaded,
    "leaning": _leaning,
    "broken": _broken,
    "copied": _copied,
}
"""Each takes a grey page, how much (0..1) and chance."""

Rows = list[list[tuple[float, str]]]
"""Lines of (place in widths of an em, text)."""


def _prose(rng: np.random.Generator, words: list[str]) -> Rows:
    return [[(0.0, " ".join(_pick(rng, words, 9)))] for _ in range(int(rng.integers(6, 14)))]


def _receipt(rng: np.random.Generator, words: list[str]) -> Rows:
    rows: Rows = [[(4.0, " ".join(_pick(rng, words, 2)).upper())]]
    rows.append([(0.0, f"Tel: {_number(rng, 2)}-{_number(rng, 7)}")])
    rows.append([(0.0, f"Date : {_number(rng, 2)}/{_number(rng, 2)}/2019 12:{_number(rng, 2)} PM")])
    for _ in range(int(rng.integers(4, 12))):
        item = " ".join(_pick(rng, words, int(rng.integers(1, 4))))[:24]
        item = item.upper() if rng.random() < 0.5 else item
        rows.append([(0.0, f"{int(rng.integers(1, 9))} x {item}"), (30.0, _amount(rng))])
    rows.append([(0.0, "TOTAL (incl. 6% tax)"), (30.0, _amount(rng))])
    return rows


def _table(rng: np.random.Generator, words: list[str]) -> Rows:
    columns = int(rng.integers(3, 6))
    at = [0.0, *(20.0 + 11 * n for n in range(columns - 1))]
    rows: Rows = [
        [(x, w.capitalize()[:8]) for x, w in zip(at, _pick(rng, words, columns), strict=True)]
    ]
    for _ in range(int(rng.integers(4, 12))):
        label = " ".join(_pick(rng, words, 2))[:18]
        rows.append([(0.0, label), *((x, _amount(rng)) for x in at[1:])])
    return rows


def _pick(rng: np.random.Generator, words: list[str], count: int) -> list[str]:
    return [words[int(i)] for i in rng.integers(0, len(words), count)]


def _number(rng: np.random.Generator, digits: int) -> str:
    return "".join(str(d) for d in rng.integers(0, 10, digits))


def _amount(rng: np.random.Generator) -> str:
    return f"{rng.integers(0, 400)}.{_number(rng, 2)}"


def _drawn(rows: Rows, font_file: str, size_px: int) -> np.ndarray:
    font = ImageFont.truetype(font_file, size_px, layout_engine=ImageFont.Layout.BASIC)
    pitch = round(size_px * 1.5)
    right = max(x * size_px * 0.7 + font.getlength(text) for row in rows for x, text in row)
    image = Image.new("L", (int(right) + 100, pitch * len(rows) + 100), 255)
    draw = ImageDraw.Draw(image)
    for n, row in enumerate(rows):
        for x, text in row:
            draw.text((50 + x * size_px * 0.7, 50 + n * pitch), text, font=font, fill=10)
    return np.asarray(image)


def _text(rows: Rows) -> str:
    return "\n".join(" ".join(text for _, text in row) for row in rows)


def _vocabulary() -> list[str]:
    """Words and numbers of the project's own documents."""
    text = " ".join(
        path.read_text(encoding="utf-8")
        for path in (
            ROOT / "README.md",
            ROOT / "CONTRIBUTING.md",
            ROOT / "docs" / "architecture.md",
        )
    )
    return re.findall(r"(?<![\w`/.])[A-Za-z]{2,14}[,.]?(?![\w`/(])", text)


def _fonts() -> list[Path]:
    import reportlab

    own = Path(reportlab.__file__).parent / "fonts"
    names = ("SansMono", "SansMono-Bold", "Serif", "SansCondensed", "SerifCondensed")
    system = [_DEJAVU / f"DejaVu{name}.ttf" for name in names]
    return [own / "Vera.ttf", own / "VeraBd.ttf", *(f for f in system if f.exists())]
