"""What both engines hand over: words in lines, boxes in pixels of the picture they were given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

Rect = tuple[float, float, float, float]


@dataclass(frozen=True)
class Word:
    """A word with its confidence 0..1 and its box x0, y0, x1, y1.

    `joined`: no space stands between it and the word before it (Chinese, Japanese).
    """

    text: str
    confidence: float
    box: Rect
    joined: bool = False


@dataclass(frozen=True)
class Line:
    """Words beside each other, left to right; a piece of a line where columns part it."""

    words: tuple[Word, ...]

    @cached_property
    def box(self) -> Rect:
        boxes = [w.box for w in self.words]
        return (
            min(b[0] for b in boxes), min(b[1] for b in boxes),
            max(b[2] for b in boxes), max(b[3] for b in boxes),
        )  # fmt: skip

    @property
    def height(self) -> float:
        return max(1.0, self.box[3] - self.box[1])

    @property
    def middle(self) -> float:
        return (self.box[1] + self.box[3]) / 2


@dataclass(frozen=True)
class Found:
    """What an engine read; `cut`: time ran out before all of it was read."""

    lines: list[Line]
    cut: bool = False


def confidence(lines: list[Line]) -> float:
    """Mean confidence of the words, weighted by their length; 0 where there are none."""
    weights = [(len(w.text), w.confidence) for line in lines for w in line.words]
    total = sum(n for n, _ in weights)
    return sum(n * c for n, c in weights) / total if total else 0.0


def characters(lines: list[Line]) -> int:
    return sum(len(w.text) for line in lines for w in line.words)


def are_standing(lines: list[Line]) -> bool:
    """Whether most words run up or down the page: tesseract reads lines that lie on their side."""
    long = [w.box for line in lines for w in line.words if len(w.text) > 2]
    return 2 * sum(box[3] - box[1] > box[2] - box[0] for box in long) > len(long)


def is_dense_script(char: str) -> bool:
    """Whether this character belongs to a script written without spaces (CJK, kana)."""
    return (
        "\u2e80" <= char <= "\u9fff" or "\uf900" <= char <= "\ufaff" or "\uff00" <= char <= "\uffef"
    )


def scaled(lines: list[Line], factor: float) -> list[Line]:
    """The same lines in a picture `factor` times as large."""

    def grown(word: Word) -> Word:
        x0, y0, x1, y1 = (v * factor for v in word.box)
        return replace(word, box=(x0, y0, x1, y1))

    return [Line(tuple(grown(w) for w in line.words)) for line in lines]
