"""What a Word paragraph's style and numbering say: heading level, list mark, list level."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from ingestion.parsers.ooxml import Element, elements, local

_HEADING = re.compile(r"heading\s*(\d)")
_PLACE = re.compile(r"%(\d)")
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"),
          (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip


def attribute(element: Element, name: str) -> str:
    """An attribute by its local name, "" where absent; Word puts them in its own namespace."""
    for key, value in element.attrib.items():
        if key.rsplit("}", 1)[-1] == name:
            return value
    return ""


@dataclass(frozen=True, slots=True)
class Style:
    """`heading` 0 means no heading; `numbering` is (list id, level) of the style itself."""

    name: str = ""
    heading: int = 0
    numbering: tuple[str, int] | None = None


class Styles:
    """Paragraph styles with what they inherit."""

    def __init__(self, root: Element | None):
        self._elements: dict[str, Element] = {}
        self._found: dict[str, Style] = {}
        self._default = ""
        for style in elements(root) if root is not None else ():
            if local(style) == "style" and attribute(style, "type") in ("", "paragraph"):
                self._elements[attribute(style, "styleId")] = style
                if attribute(style, "default") in ("1", "true"):
                    self._default = attribute(style, "styleId")

    def of(self, paragraph: Element) -> Style:
        properties = _child(paragraph, "pPr")
        name = _child_value(properties, "pStyle") or self._default
        style = self._style(name, 0)
        own = _child_value(properties, "outlineLvl")
        if own.isdecimal():
            level = int(own) + 1 if int(own) < 9 else 0
            return Style(style.name, level, style.numbering)
        return style

    def _style(self, name: str, depth: int) -> Style:
        if name in self._found:
            return self._found[name]
        element = self._elements.get(name)
        if element is None or depth > 20:
            return Style()
        base = self._style(_child_value(element, "basedOn"), depth + 1)
        shown = (_child_value(element, "name") or name).lower()
        properties = _child(element, "pPr")
        outline = _child_value(properties, "outlineLvl")
        if match := _HEADING.fullmatch(shown):
            level = int(match[1])
        elif outline.isdecimal():
            level = int(outline) + 1 if int(outline) < 9 else 0
        elif shown in ("title", "subtitle"):
            level = 1 if shown == "title" else 2
        else:
            level = base.heading
        found = Style(shown, level, _numbering(properties) or base.numbering)
        self._found[name] = found
        return found


@dataclass(slots=True)
class _Level:
    format: str = "decimal"
    text: str = ""
    start: int = 1


class Numbering:
    """Counts numbered paragraphs the way Word shows them."""

    def __init__(self, root: Element | None):
        self._levels: dict[str, dict[int, _Level]] = {}
        self._abstract: dict[str, str] = {}
        self._counts: dict[str, dict[int, int]] = defaultdict(dict)
        self._restarts: dict[str, dict[int, int]] = {}
        self._seen: set[str] = set()
        for child in elements(root) if root is not None else ():
            if local(child) == "abstractNum":
                self._levels[attribute(child, "abstractNumId")] = _levels(child)
            elif local(child) == "num":
                number = attribute(child, "numId")
                self._abstract[number] = _child_value(child, "abstractNumId")
                self._restarts[number] = _overrides(child)

    def mark(self, paragraph: Element, style: Style) -> tuple[str, int]:
        """(mark, level): `-` for bullets, `3.2` for numbers, "" where there is none."""
        own = _numbering(_child(paragraph, "pPr"))
        number, level = own or style.numbering or ("", 0)
        if own and not own[0] and style.numbering:
            number = style.numbering[0]
        abstract = self._abstract.get(number)
        if number in ("", "0") or abstract is None:
            return "", 0
        levels = self._levels.get(abstract, {})
        shape = levels.get(level, _Level(format="bullet"))
        counts = self._counts[abstract]
        if number not in self._seen:
            self._seen.add(number)
            for restarted, start in self._restarts.get(number, {}).items():
                counts[restarted] = start - 1
        for outer in range(level):
            # A level that was skipped counts as begun: after 2.1.1 straight under 2 comes 2.2.
            counts.setdefault(outer, levels.get(outer, _Level()).start)
        counts[level] = counts.get(level, shape.start - 1) + 1
        for deeper in [at for at in counts if at > level]:
            del counts[deeper]
        if shape.format in ("bullet", "none"):
            return ("-" if shape.format == "bullet" else ""), level

        def shown(match: re.Match[str]) -> str:
            at = int(match[1]) - 1
            outer = levels.get(at, _Level())
            return numeral(counts.get(at, outer.start), outer.format)

        return _PLACE.sub(shown, shape.text).strip(), level


def _levels(abstract: Element) -> dict[int, _Level]:
    found = {}
    for child in elements(abstract):
        if local(child) == "lvl" and attribute(child, "ilvl").isdecimal():
            start = _child_value(child, "start")
            found[int(attribute(child, "ilvl"))] = _Level(
                _child_value(child, "numFmt") or "decimal",
                _child_value(child, "lvlText"),
                int(start) if start.isdecimal() else 1,
            )
    return found


def _overrides(number: Element) -> dict[int, int]:
    found = {}
    for child in elements(number):
        if local(child) == "lvlOverride":
            level, start = attribute(child, "ilvl"), _child_value(child, "startOverride")
            if level.isdecimal() and start.isdecimal():
                found[int(level)] = int(start)
    return found


def _numbering(properties: Element | None) -> tuple[str, int] | None:
    element = _child(properties, "numPr")
    if element is None:
        return None
    level = _child_value(element, "ilvl")
    return _child_value(element, "numId"), int(level) if level.isdecimal() else 0


def numeral(value: int, name: str) -> str:
    """A number as Word's number format `name` writes it."""
    if name in ("lowerLetter", "upperLetter"):
        text = chr(ord("a") + (value - 1) % 26) * ((value - 1) // 26 + 1)
        return text.upper() if name == "upperLetter" else text
    if name in ("lowerRoman", "upperRoman") and 0 < value < 4000:
        text = ""
        for worth, letters in _ROMAN:
            text += letters * (value // worth)
            value %= worth
        return text.upper() if name == "upperRoman" else text
    return f"{value:02d}" if name == "decimalZero" else str(value)


def _child(element: Element | None, name: str) -> Element | None:
    if element is None:
        return None
    return next((child for child in elements(element) if local(child) == name), None)


def _child_value(element: Element | None, name: str) -> str:
    child = _child(element, name)
    return attribute(child, "val") if child is not None else ""
