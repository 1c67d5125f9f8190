"""How the lists of an OpenDocument text are numbered."""

from __future__ import annotations

from dataclasses import dataclass

from ingestion.parsers.docx_styles import attribute, numeral
from ingestion.parsers.ooxml import Element, elements, local

_FORMATS = {"i": "lowerRoman", "I": "upperRoman", "a": "lowerLetter", "A": "upperLetter"}


@dataclass(frozen=True, slots=True)
class _Level:
    """`shown` is how many outer numbers stand before this level's own; `format` "" is a bullet."""

    format: str = ""
    suffix: str = "."
    start: int = 1
    shown: int = 1


class ListStyles:
    """The list styles of a document by name."""

    def __init__(self, roots: list[Element]):
        self._levels: dict[str, dict[int, _Level]] = {}
        for root in roots:
            for style in root.iter():
                if isinstance(style.tag, str) and local(style) == "list-style":
                    self._levels[attribute(style, "name")] = _levels(style)

    def start(self, style: str, level: int) -> int:
        """The first number at a level, from 0."""
        return self._levels.get(style, {}).get(level, _Level()).start

    def mark(self, style: str, numbers: tuple[int, ...]) -> str:
        """`2.1.` for the item with these numbers, outermost first; `-` for a bullet."""
        levels = self._levels.get(style, {})
        level = levels.get(len(numbers) - 1, _Level())
        if not level.format:
            return "-"
        shown = []
        for at in range(max(0, len(numbers) - level.shown), len(numbers)):
            outer = levels.get(at, level)
            shown.append(numeral(numbers[at], _FORMATS.get(outer.format, outer.format)))
        return ".".join(shown) + level.suffix


def _levels(style: Element) -> dict[int, _Level]:
    found = {}
    for level in elements(style):
        number = attribute(level, "level")
        if not number.isdecimal():
            continue
        start, shown = attribute(level, "start-value"), attribute(level, "display-levels")
        found[int(number) - 1] = _Level(
            attribute(level, "num-format") if local(level).endswith("number") else "",
            attribute(level, "num-suffix"),
            int(start) if start.isdecimal() else 1,
            int(shown) if shown.isdecimal() else 1,
        )
    return found
