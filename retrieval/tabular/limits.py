"""Limits and dates in a question: “more than 75”, “between 2009 and 2013”, “before May 21”."""

from __future__ import annotations

import re
from collections.abc import Sequence

from retrieval.tabular.plan import Filter, Op
from retrieval.tabular.reading import Reading, Word
from retrieval.tabular.table import Table
from retrieval.tabular.values import MONTHS, Day, moment, quantity

_SCALE = {"thousand", "million", "billion", "trillion"}


_COMPARATORS: tuple[tuple[str, Op], ...] = (
    (r"(?:no|not) more than|at most|up to|maximum of|a maximum of", "<="),
    (r"(?:no|not) (?:less|fewer) than|at least|minimum of|a minimum of", ">="),
    (r"(?:more|greater|higher|larger|bigger|older|longer) than|over|above|exceed\w*", ">"),
    (r"(?:less|fewer|lower|smaller|younger|shorter) than|under|below", "<"),
)  # fmt: skip


def limits(reading: Reading, table: Table) -> None:
    """“more than 75”, “at least 3”, “between 5 and 10”, “15 or more”."""
    text = [word.said for word in reading.words]
    for i in range(len(text)):
        if i in reading.used or (number := number_at(reading.words, i)) is None:
            continue
        value, end = number
        op: Op | None = None
        start = i
        for pattern, sign in _COMPARATORS:
            for back in (4, 3, 2, 1):
                if i >= back and re.fullmatch(pattern, " ".join(text[i - back : i])):
                    op, start = sign, i - back
                    break
            if op:
                break
        values: tuple[float, ...] = (value,)
        rest = " ".join(text[end : end + 2])
        if op is None and re.match(r"(?:or|and) (?:more|above|over|higher)", rest):
            op, end = ">=", end + 2
        elif op is None and re.match(r"(?:or|and) (?:less|fewer|below|under|lower)", rest):
            op, end = "<=", end + 2
        elif op is None and i > 0 and text[i - 1] in ("between", "from") and end + 1 < len(text):
            other = number_at(reading.words, end + 1)
            if text[end] in ("and", "to") and other:
                op, start, values, end = "between", i - 1, (value, other[0]), other[1]
        if op is None and i > 0 and text[i - 1] in ("before", "after", "since", "until"):
            year = moment(reading.words[i].text)
            column = date_column(reading, table, i)
            if year and year.month == 0 and column is not None:
                word = text[i - 1]
                day_op: Op = "<day" if word in ("before", "until") else ">day"
                bound = year.year * 10000 + (0 if word in ("before", "since") else 9999)
                said = Filter(
                    column=column, op=day_op, values=(bound,), said=reading.text(i - 1, end)
                )
                reading.add(i - 1, end, said)
            continue
        if op is None:
            continue
        column = _measured(reading, table, start, end)
        if column is None:
            reading.unclear.append(f"what “{reading.text(start, end)}” is about")
            continue
        said = reading.text(start, end)
        if table.columns[column].kind == "date" and op == "between":
            low, high = sorted(int(v) for v in values)
            years = tuple(float(y * 10000) for y in range(low, min(high, low + 300) + 1))
            reading.add(start, end, Filter(column=column, op="day", values=years, said=said))
        elif table.columns[column].kind == "number":
            reading.add(start, end, Filter(column=column, op=op, values=values, said=said))
        else:
            reading.unclear.append(f"“{said}”")


def number_at(words: Sequence[Word], at: int) -> tuple[float, int] | None:
    """The number at a word, scaled by the next one, and where it ends."""
    if at >= len(words):
        return None
    end = at + 2 if at + 1 < len(words) and words[at + 1].text in _SCALE else at + 1
    found = quantity(" ".join(w.text for w in words[at:end]))
    if found is None and words[at].root.isdigit():
        return float(words[at].root), at + 1
    return (found.number, end) if found and not found.unit else None


def _measured(reading: Reading, table: Table, start: int, end: int) -> int | None:
    """The number (or date) column that a limit is about: the nearest that is named, after it
    first, else the only one whose unit follows."""
    best: tuple[int, int] | None = None
    for name in reading.names:
        fit = [c for c in name.columns if table.columns[c].kind in ("number", "date")]
        if len(fit) != 1 or (name.start < end and start < name.end):
            continue
        distance = name.start - end if name.start >= end else start - name.end + 1
        if best is None or distance < best[0]:
            best = distance, fit[0]
    if best:
        return best[1]
    if end < len(reading.words) or reading.words[end - 1].said[-1:] == "%":
        unit = "%" if reading.words[end - 1].said.endswith("%") else reading.words[end].text
        fit = [i for i, c in enumerate(table.columns) if c.units and unit in c.units]
        if len(fit) == 1:
            reading.used.add(min(end, len(reading.words) - 1))
            return fit[0]
    years = reading.text(start, end).split()
    if "between" in years or "from" in years:
        return date_column(reading, table, start)
    return None


def date_column(reading: Reading, table: Table, at: int) -> int | None:
    """The date column that is named, else the only one."""
    dates = [i for i, c in enumerate(table.columns) if c.kind == "date"]
    named = {c for n in reading.names for c in n.columns if c in dates and len(n.columns) == 1}
    if len(named) == 1:
        return named.pop()
    return dates[0] if len(dates) == 1 else None


def dates(reading: Reading, table: Table) -> None:
    """“6 November 1999”, “in October”, “before May 21”, “the 1980s”."""
    i = 0
    while i < len(reading.words):
        end, day = _day(reading.words, i)
        if day is None or reading.used & set(range(i, end)):
            i += 1
            continue
        column = date_column(reading, table, i)
        if column is None:
            i = end
            continue
        before = reading.words[i - 1].text if i else ""
        said = reading.text(i, end)
        if before in ("before", "after", "since", "until"):
            years = {v.day.year for row in table.rows if (v := row[column]) and v.day}
            year = day.year or (years.pop() if len(years) == 1 else -1)
            if year < 0:
                reading.unclear.append(f"which year “{said}” is in")
            else:
                op: Op = "<day" if before in ("before", "until") else ">day"
                bound = day._replace(year=year).sortable
                day_filter = Filter(column=column, op=op, values=(bound,), said=f"{before} {said}")
                reading.add(i - 1, end, day_filter)
        else:
            values: tuple[float, ...] = (day.sortable,)
            if day.day < 0:
                values = tuple(float((day.year + n) * 10000) for n in range(10))
            reading.add(i, end, Filter(column=column, op="day", values=values, said=said))
        i = end


def _day(words: Sequence[Word], at: int) -> tuple[int, Day | None]:
    """Where the date that begins at a word ends; a decade has the day -1."""
    if re.fullmatch(r"1\d\d0s?|20\d0s?", words[at].text) and (
        words[at].possessive or words[at].text.endswith("s")
    ):
        return at + 1, Day(int(words[at].text[:4]), 0, -1)
    for length in (3, 2, 1):
        gram = words[at : at + length]
        if len(gram) == length and any(w.text in MONTHS for w in gram):
            alone = length == 1 and gram[0].text in ("may", "mar", "march")
            if alone and (at == 0 or words[at - 1].text not in ("in", "of", "during")):
                continue
            day = moment(" ".join(w.text for w in gram))
            if day:
                return at + length, day
    return at + 1, None
