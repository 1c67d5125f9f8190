"""The titles and numbers of a chart in an Office file. (ECMA-376 part 1, chapter 21.2.)"""

from __future__ import annotations

from dataclasses import dataclass

from ingestion.parsers.ooxml import Element, drawing_paragraphs, elements, local

_MAX_POINTS = 2000


@dataclass(frozen=True, slots=True)
class Chart:
    """`rows` start with a header: an empty cell and the names of the series."""

    titles: list[str]
    rows: list[list[str]]


def chart_table(root: Element) -> Chart:
    """Titles of the chart and its axes, and a row for each category."""
    titles: list[str] = []
    series: list[tuple[str, dict[int, str]]] = []
    categories: dict[int, str] = {}
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        if local(element) == "title":
            titles.extend(drawing_paragraphs(element))
        elif local(element) == "ser":
            name, values = "", {}
            for part in elements(element):
                if local(part) == "tx":
                    name = " ".join(_points(part).values())
                elif local(part) in ("cat", "xVal"):
                    categories.update(_points(part))
                elif local(part) in ("val", "yVal"):
                    values = _points(part)
            series.append((name, values))
    places = sorted({place for _, values in series for place in values} | set(categories))
    rows = [["", *(name for name, _ in series)]] if places else []
    for place in places[:_MAX_POINTS]:
        rows.append([categories.get(place, ""), *(values.get(place, "") for _, values in series)])
    return Chart(titles, rows)


def _points(element: Element) -> dict[int, str]:
    """Texts of the cached points by their index; a lone value counts as point 0."""
    found: dict[int, str] = {}
    for part in element.iter():
        if not isinstance(part.tag, str):
            continue
        if local(part) == "pt" and (part.get("idx") or "").isdecimal():
            value = next((v.text for v in elements(part) if local(v) == "v"), None)
            if value:
                found[int(part.get("idx"))] = _shortened(value)
        elif local(part) == "v" and local(part.getparent()) == "tx" and part.text:
            found[0] = part.text
    return found


def _shortened(value: str) -> str:
    """Excel caches 4.3 as 4.2999999999999998."""
    try:
        return f"{float(value):.15g}" if len(value) > 15 else value
    except ValueError:
        return value
