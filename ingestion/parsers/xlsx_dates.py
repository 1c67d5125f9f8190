"""Dates as Excel shows them, where its format leaves no doubt what they mean."""

from __future__ import annotations

import re
from datetime import date, datetime

_TOKEN = re.compile(r'"([^"]*)"|\\(.)|\[[^\]]*\]|_.|\*.|AM/PM|A/P|y+|m+|d+|h+|s+|.', re.IGNORECASE)
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def spelled_date(value: date, number_format: str) -> str | None:
    """The date in its own format where that spells the month or leaves out the day, else None.

    03/04/2024 is March or April, depending on where it is read: such dates are better given in
    ISO 8601.
    """
    section = number_format.split(";")[0]
    tokens = [(m[0], m[1] if m[1] is not None else m[2]) for m in _TOKEN.finditer(section)]
    codes = [text.lower() for text, literal in tokens if literal is None]
    months = [code for code in codes if set(code) == {"m"}]
    timed = any(set(code) <= {"h", "s"} for code in codes)
    spelled = any(len(code) in (3, 4) for code in months)
    yearly = any(set(code) == {"y"} for code in codes) and not timed
    if not spelled and not (yearly and not any(set(code) == {"d"} for code in codes)):
        return None
    shown = [_shown(value, codes, text, literal) for text, literal in tokens]
    return "".join(shown).strip() or None


def _shown(value: date, codes: list[str], text: str, literal: str | None) -> str:
    if literal is not None:
        return literal
    code = text.lower()
    kind, size = code[0], len(code)
    if kind == "y":
        return f"{value.year:04d}" if size > 2 else f"{value.year % 100:02d}"
    if kind == "m" and (size > 2 or not _is_minute(codes)):
        name = _MONTHS[value.month - 1]
        names = {3: name[:3], 4: name, 5: name[:1]}
        return names.get(size) or f"{value.month:0{size}d}"
    if kind == "d":
        name = _DAYS[value.weekday()]
        return name if size > 3 else name[:3] if size == 3 else f"{value.day:0{size}d}"
    if kind in "hms" and set(code) == {kind}:
        return _time(value, codes, kind, size)
    if code in ("am/pm", "a/p"):
        return ("AM" if value.hour < 12 else "PM") if isinstance(value, datetime) else ""
    return "" if text[0] in "[_*" else text


def _is_minute(codes: list[str]) -> bool:
    """A lone m beside hours stands for minutes where the month is spelled elsewhere."""
    return any(c[0] in "hs" for c in codes) and any(set(c) == {"m"} and len(c) > 2 for c in codes)


def _time(value: date, codes: list[str], kind: str, size: int) -> str:
    if not isinstance(value, datetime):
        return ""
    hour = value.hour
    if any(code in ("am/pm", "a/p") for code in codes):
        hour = hour % 12 or 12
    number = {"h": hour, "m": value.minute, "s": value.second}[kind]
    return f"{number:0{min(size, 2)}d}"
