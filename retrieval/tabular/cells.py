"""Which words of a question are cells of the table, or words or numbers of cells."""

from __future__ import annotations

import re
from collections import defaultdict

from retrieval.tabular.lexicon import FUNCTION, LIGHT, RANKS
from retrieval.tabular.limits import date_column, dates, limits, number_at
from retrieval.tabular.plan import Filter, Op
from retrieval.tabular.reading import Reading, names_in, words_of
from retrieval.tabular.table import Table
from retrieval.tabular.values import moment

_LONGEST_CELL = 10
"""Words of a question that are looked for in cells together."""


def read(question: str, table: Table) -> Reading:
    reading = Reading(words_of(question))
    reading.names = list(names_in(reading.words, table))
    limits(reading, table)
    dates(reading, table)
    _ranks(reading, table)
    _results(reading, table)
    _cells(reading, table)
    _numbers(reading, table)
    taken = {i for said in reading.filters for i in range(said.start, said.end)}
    reading.names = [
        n for n in reading.names if not taken & set(range(n.start, n.end)) or n.end - n.start > 1
    ]
    reading.filters.sort(key=lambda said: said.start)
    reading.used |= taken
    return reading


def _cells(reading: Reading, table: Table) -> None:
    """Words that are cells, or words of cells; longest first, each word once."""
    words = reading.words
    where: dict[str, set[tuple[int, int]]] = defaultdict(set)
    wanted = {word.root for word in words}
    for row in range(len(table.rows)):
        for column in range(len(table.columns)):
            for part in set(table.folded(row, column).split()) & wanted:
                where[part].add((row, column))
    strong = {i for n in reading.names if n.full and not n.weak for i in range(n.start, n.end)}
    for length in range(min(_LONGEST_CELL, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            span = set(range(start, start + length))
            gram = [words[i].root for i in sorted(span)]
            if reading.used & span or (length == 1 and (span <= strong or gram[0].isdigit())):
                continue
            if all(g in FUNCTION or g in LIGHT for g in gram):
                continue
            key = f" {' '.join(gram)} "
            places = set.intersection(*(where[g] for g in gram)) if gram else set()
            hits = {(r, c) for r, c in places if key in table.folded(r, c)}
            whole = {(r, c) for r, c in hits if table.folded(r, c) == key}
            if not whole and (gram[0] in FUNCTION or gram[-1] in FUNCTION):
                continue
            if length == 1 and not whole:
                # A word of a column's name is that, although cells of it repeat it.
                within = {c for n in reading.names for c in n.columns if n.start == start}
                hits = set() if within & {c for _, c in hits} else hits
            if length == 1 and not whole and len(table.rows) > 4:
                everywhere = [c for c in {c for _, c in hits} if _share(hits, c, table) > 0.9]
                if everywhere:
                    reading.used |= span  # what all rows say is what the table is about
                    continue
            named = _named_among(reading, {c for _, c in hits}) if whole else None
            if named is not None and named not in {c for _, c in whole}:
                hits, whole = {(r, c) for r, c in hits if c == named}, set()
            found = _one_column(reading, table, whole) if whole else None
            op: Op = "is" if whole else "holds"
            if whole and found is None:
                reading.unclear.append(
                    f"which column “{reading.text(start, start + length)}” is in"
                )
                reading.used |= span
                continue
            if found is None and hits:
                found = _one_column(reading, table, hits)
                if found is None:
                    if length == 1:
                        continue
                    reading.unclear.append(
                        f"which column “{reading.text(start, start + length)}” is in"
                    )
                    reading.used |= span
                    continue
            if found is not None:
                said = reading.text(start, start + length)
                reading.add(start, start + length,
                    Filter(column=found, op=op, values=(key,), said=said),
                )  # fmt: skip


_ORDINAL_WORDS: str = "first second third fourth fifth sixth seventh eighth ninth tenth"
_ORDINALS = _ORDINAL_WORDS.split()


def _ranks(reading: Reading, table: Table) -> None:
    """“In third place”, “finished second”, where one column is of ranks."""
    columns = [
        i for i, c in enumerate(table.columns) if c.kind == "number" and RANKS & set(c.roots)
    ]
    if len(columns) != 1:
        return
    beside = RANKS | {"finish", "com", "plac", "rank", "in"}
    for i, word in enumerate(reading.words):
        digits = re.fullmatch(r"(\d+)(?:st|nd|rd|th)", word.text)
        if word.text not in _ORDINALS and not digits:
            continue
        rank = int(digits[1]) if digits else _ORDINALS.index(word.text) + 1
        place = i + 1 < len(reading.words) and reading.words[i + 1].root in RANKS
        after = i > 0 and reading.words[i - 1].root in beside - {"in", "com"}
        if place or after:
            start, end = (i - 1 if after else i), (i + 2 if place else i + 1)
            said = reading.text(start, end)
            value = Filter(column=columns[0], op="number", values=(float(rank),), said=said)
            reading.add(start, end, value)


def _share(places: set[tuple[int, int]], column: int, table: Table) -> float:
    return sum(c == column for _, c in places) / len(table.rows)


_RESULTS = {"win": ("w", "win"), "los": ("l", "los"), "ti": ("t", "ti"), "draw": ("d", "draw")}


def _results(reading: Reading, table: Table) -> None:
    """“won”, “losses” where a column of results begins its cells with W, L, T or D."""
    letters = {form for forms in _RESULTS.values() for form in forms}
    columns = []
    for column in range(len(table.columns)):
        cells = [w for r in range(len(table.rows)) if (w := table.folded(r, column).split())]
        begun = sum(words[0] in letters for words in cells)
        if cells and begun >= 0.8 * len(cells) and not any(w[0] == "win" for w in cells):
            columns.append(column)
    if len(columns) != 1:
        return
    for i, word in enumerate(reading.words):
        if i not in reading.used and word.root in _RESULTS:
            keys = tuple(f" {form} " for form in _RESULTS[word.root])
            reading.add(
                i,
                i + 1,
                Filter(column=columns[0], op="holds", values=keys, said=word.said),
            )


def _one_column(reading: Reading, table: Table, places: set[tuple[int, int]]) -> int | None:
    """The column that the places are in: the only one, one with the same rows, or the named."""
    rows: dict[int, set[int]] = defaultdict(set)
    for row, column in places:
        rows[column].add(row)
    if not rows:
        return None
    if len(rows) == 1 or len({frozenset(r) for r in rows.values()}) == 1:
        return min(rows)
    return _named_among(reading, set(rows))


def _named_among(reading: Reading, columns: set[int]) -> int | None:
    """The one of these columns that the question names."""
    named = {n.columns[0] for n in reading.names if len(n.columns) == 1} & columns
    return named.pop() if len(named) == 1 else None


def _numbers(reading: Reading, table: Table) -> None:
    """“week 3”, “in 2010”, “210 kW”: a number beside a column's name, a year, a number that is
    a cell of one column only."""
    for i, word in enumerate(reading.words):
        found = number_at(reading.words, i)
        if i in reading.used or found is None:
            continue
        value, end = found
        column = _beside(reading, table, i, end)
        year = moment(word.text)
        if column is not None and table.columns[column].kind == "number":
            filter_ = Filter(column=column, op="number", values=(value,), said=reading.text(i, end))
            reading.add(i, end, filter_)
            continue
        if year and year.month == 0:
            dated = column if column is not None else _year_column(reading, table, year.year)
            if dated is not None and _has_year(table, dated, year.year):
                day = Filter(column=dated, op="day", values=(year.sortable,), said=word.said)
                reading.add(i, i + 1, day)
                continue
        places = {
            (r, c)
            for r, row in enumerate(table.rows)
            for c, cell in enumerate(row)
            if cell and cell.quantity and cell.quantity.number == value
        }
        holds = {
            (r, c)
            for r, row in enumerate(table.rows)
            for c, cell in enumerate(row)
            if cell and f" {word.root} " in table.folded(r, c)
        }
        if column is not None:
            holds = {(r, c) for r, c in holds if c == column}
        one = _one_column(reading, table, places)
        if one is not None and (value >= 13 or not float(value).is_integer()) and column is None:
            number = Filter(column=one, op="number", values=(value,), said=reading.text(i, end))
            if table.columns[one].kind == "number":
                reading.add(i, end, number)
                continue
        one = _one_column(reading, table, holds)
        if one is not None and (value >= 13 or column is not None):
            key = f" {word.root} "
            whole = {table.folded(r, c) == key for r, c in holds}
            op: Op = "is" if whole == {True} else "holds"
            reading.add(i, i + 1, Filter(column=one, op=op, values=(key,), said=word.said))


def _has_year(table: Table, column: int, year: int) -> bool:
    days = [cell.day for row in table.rows if (cell := row[column]) and cell.day]
    years = {day.year for day in days}
    return table.columns[column].kind == "date" and bool(years) and min(years) <= year <= max(years)


def _beside(reading: Reading, table: Table, start: int, end: int) -> int | None:
    """The column whose name stands right before the number (“week 3”), else one of numbers whose
    name stands right after it (“20 points”)."""
    for name in reading.names:
        apart = start < len(reading.words) and reading.words[start].apart
        if len(name.columns) == 1 and name.end == start and not apart:
            return name.columns[0]
    for name in reading.names:
        if name.start == end and len(name.columns) == 1:
            column = name.columns[0]
            return column if table.columns[column].kind == "number" else None
    return None


def _year_column(reading: Reading, table: Table, year: int) -> int | None:
    named = date_column(reading, table, 0)
    if named is not None:
        return named
    holding = {
        c
        for row in table.rows
        for c, cell in enumerate(row)
        if cell and cell.day and cell.day.year == year and table.columns[c].kind == "date"
    }
    return holding.pop() if len(holding) == 1 else None
