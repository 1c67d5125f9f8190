"""A cell's value as Excel shows it: dates spelled or in ISO, numbers in their simple formats."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

from ingestion.parsers.xlsx_dates import spelled_date

_SYMBOL = re.compile(r"\[\$([^\]-]*)[^\]]*\]")
_BRACKETS = re.compile(r"\[[^\]]*\]")
_FILL = re.compile(r"_.|\*.")
_QUOTED = re.compile(r'"([^"]*)"|\\(.)')
_DIGITS = re.compile(r"(?P<whole>[#0?,]*[#0?])(?P<point>\.(?P<places>[0#?]+))?(?P<scale>,*)")
_UNKNOWN = re.compile(r"[a-zA-Z@/?#0]")


class _Shape(NamedTuple):
    before: str
    after: str
    least: int
    most: int
    thousands: bool
    percent: bool
    scale: int


def displayed(value: object, number_format: str) -> str:
    """The text of a value; an unusual number format shows the plain number."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number(value, number_format)
    if isinstance(value, date) and (spelled := spelled_date(value, number_format)):
        return spelled
    if isinstance(value, datetime):
        if value.time() == time(0):
            return value.date().isoformat()
        return value.isoformat(sep=" ", timespec="seconds" if value.second else "minutes")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat(timespec="seconds" if value.second else "minutes")
    if isinstance(value, timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return str(value)


def _number(value: int | float, number_format: str) -> str:
    if number_format in ("General", "", "@"):
        return _plain(value)
    sections = number_format.split(";")
    section, shown = sections[0], value
    if value < 0 and len(sections) > 1:
        section, shown = sections[1], -value
    elif value == 0 and len(sections) > 2:
        section = sections[2]
    shape = _shape(section)
    if shape is None:
        return _plain(value)
    scaled = shown * 100 if shape.percent else shown / 1000**shape.scale
    text = f"{scaled:{',' if shape.thousands else ''}.{shape.most}f}"
    if shape.most > shape.least:
        whole, _, places = text.partition(".")
        kept = places[: shape.least] + places[shape.least :].rstrip("0")
        text = f"{whole}.{kept}" if kept else whole
    sign = "-" if text.startswith("-") else ""
    return f"{sign}{shape.before}{text.removeprefix('-')}{shape.after}".strip()


def _plain(value: int | float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.15g}"


@lru_cache(maxsize=500)
def _shape(section: str) -> _Shape | None:
    """What one section of a number format does; None where it is more than digits and marks."""
    text = _SYMBOL.sub(lambda m: '"' + m[1] + '"', section)
    text = _FILL.sub("", _BRACKETS.sub("", text))
    literals: list[str] = []

    def keep(match: re.Match[str]) -> str:
        literals.append(match[1] if match[1] is not None else match[2])
        return "\0"

    text = _QUOTED.sub(keep, text)
    digits = _DIGITS.search(text)
    if digits is None:
        return None
    before, after = text[: digits.start()], text[digits.end() :]
    if _UNKNOWN.search(before + after):
        return None
    words = iter(literals)
    shown = ["".join(next(words) if c == "\0" else c for c in part) for part in (before, after)]
    places = digits["places"] or ""
    whole = digits["whole"]
    if whole.count("0") > 1 and "," not in whole:
        return None
    return _Shape(
        shown[0], shown[1], places.count("0"), len(places), "," in whole, "%" in after + before,
        len(digits["scale"]),
    )  # fmt: skip
