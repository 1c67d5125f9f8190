"""Which column a question asks for, and how its filters go together."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from retrieval.tabular.lexicon import FUNCTION, LIGHT, PERSON, PLACE, TITLED, WHEN
from retrieval.tabular.plan import Filter, Unclear
from retrieval.tabular.reading import Named, Reading
from retrieval.tabular.table import Table

Likeness = Callable[[str, Sequence[str]], Sequence[float]]
"""How near a word or phrase is in meaning to each of others, -1..1."""
LIKE, CLEARLY = 0.5, 0.1
"""Least likeness of a word to a column's name, and how far the next must be behind."""
_ADJECTIVE_WORDS = (
    "first last next previous most least highest lowest largest smallest biggest longest shortest"
    " latest earliest best worst top only the a other total"
)
_ADJECTIVES = frozenset(_ADJECTIVE_WORDS.split())


def merged(reading: Reading, table: Table, but: int | None = None) -> tuple[Filter, ...]:
    """The question's filters, without those of the column `but`; cells of one column are
    alternatives unless one row has them all."""
    by_column: dict[int, list[Filter]] = {}
    for said in reading.filters:
        if said.filter.column == but:
            continue
        known = by_column.setdefault(said.filter.column, [])
        if all(set(said.filter.values) != set(f.values) or said.filter.op != f.op for f in known):
            known.append(said.filter)
    found: list[Filter] = []
    for column, filters in by_column.items():
        words = [f for f in filters if f.op in ("is", "holds")]
        others = [f for f in filters if f not in words]
        if len(words) > 1:
            keys = [str(v) for f in words for v in f.values]
            rows = range(len(table.rows))
            if any(all(k in table.folded(r, column) for k in keys) for r in rows):
                found += words
            elif not _alternatives(reading, words):
                kept = [f for f in words if f.op == "is" or len(str(f.values[0]).split()) > 1]
                if len(kept) == 1:
                    _drop(reading, [f for f in words if f not in kept])
                    found += kept
                    continue
                both = " and ".join(f"“{f.said}”" for f in words)
                raise Unclear(f"no row has {both}")
            else:
                said = " or ".join(f.said for f in words)
                op = "is" if all(f.op == "is" for f in words) else "holds"
                found.append(Filter(column=column, op=op, values=tuple(keys), said=said))
        else:
            found += words
        days = [f for f in others if f.op == "day"]
        others = [f for f in others if f not in days]
        if len(days) > 1:
            values = tuple(v for f in days for v in f.values)
            said = " or ".join(f.said for f in days)
            found.append(Filter(column=column, op="day", values=values, said=said))
        else:
            found += days
        found += others
    return tuple(found)


def _drop(reading: Reading, filters: Sequence[Filter]) -> None:
    """Takes single words of cells back: beside a whole cell of the column they mean something
    else, which is now to be explained."""
    for said in [s for s in reading.filters if s.filter in filters]:
        reading.filters.remove(said)
        reading.used -= set(range(said.start, said.end))


def _alternatives(reading: Reading, filters: Sequence[Filter]) -> bool:
    """Whether and, or or nothing at all stands between each two of them."""
    places = sorted((s.start, s.end) for s in reading.filters if s.filter in filters)
    between = [
        {w.text for w in reading.words[end:start]} for (_, end), (start, _) in pairwise(places)
    ]
    joined = any(words & {"and", "or"} for words in between)
    return joined and all(words <= {"and", "or", "the", "in", "from"} for words in between)


def mention_after(reading: Reading, table: Table, at: int, reach: int = 2) -> Named | None:
    """The column named right after word `at`, past articles and superlatives."""
    skipped = 0
    while at < len(reading.words) and skipped <= reach + 3:
        for name in reading.names:
            if name.start == at:
                return name
        word = reading.words[at]
        if word.text not in _ADJECTIVES and word.root not in FUNCTION and word.root not in (
            "total", "different", "distinct", "number", "amount", "uniqu", "percentag",
        ):  # fmt: skip
            return None
        at += 1
        skipped += 1
    return None


def only_number(reading: Reading, table: Table, filters: Sequence[Filter]) -> int | None:
    """The one number column that is named and is no filter's."""
    used = {f.column for f in filters}
    named: set[int] = set()
    for name in reading.names:
        fit = [
            c
            for c in name.columns
            if table.columns[c].kind == "number"
            and c not in used
            and not (c == table.key and table.is_index(c))
        ]
        if len(fit) == 1 and not name.weak:
            named.add(fit[0])
    return named.pop() if len(named) == 1 else None


def asked_for(
    question: str,
    reading: Reading,
    table: Table,
    filters: Sequence[Filter],
    likeness: Likeness,
    before: int | None = None,
    but: int | None = None,
) -> int | None:
    """The column of “which …”, “who …”, “what is the … of”; None where it cannot be told.

    `before`: only columns named before this word. `but`: a column that has another part.
    """
    used = {f.column for f in filters} | ({but} if but is not None else set())
    names = [n for n in reading.names if before is None or n.end <= before]
    for i, word in enumerate(reading.words):
        if word.text in ("which", "what"):
            after = reading.words[i + 1].text if i + 1 < len(reading.words) else ""
            name = mention_after(reading, table, i + 1)
            near = name is not None and (before is None or name.end <= before)
            single = name is not None and len(name.columns) == 1 and name.columns != (but,)
            if name and single and near and after not in ("does", "do", "did"):
                return name.columns[0]
        if word.text in ("who", "whom", "whose"):
            return _of_sort(table, PERSON, used, names, i)
        if word.text == "when":
            return _date(table, used, names, reading)
        if word.text == "where":
            return _of_sort(table, PLACE, used, names, i)
    if re.search(r"\bcosts?\b|^how much (?:is|was|are|were)\b", question):
        money = money_column(table)
        if money is not None and money not in used:
            reading.used |= {i for i, w in enumerate(reading.words) if w.root == "cost"}
            return money
    free = {n.columns[0] for n in names if len(n.columns) == 1 and not n.weak} - used
    if len(free) == 1:
        return free.pop()
    if free:
        return None
    return _alike(question, reading, table, used, likeness)


def _of_sort(
    table: Table, sort: frozenset[str], used: set[int], names: Sequence[Named], at: int
) -> int | None:
    """The column named after “who” or “where”, else the only one of persons or places."""
    named = {n.columns[0] for n in names if len(n.columns) == 1 and n.start > at} - used
    texts = {c for c in named if table.columns[c].kind == "text"}
    fit = {i for i, c in enumerate(table.columns) if sort & set(c.roots) and c.kind == "text"}
    if len(texts) == 1 and (texts <= fit or not fit - used):
        return texts.pop()
    if len(fit - used) == 1:
        return (fit - used).pop()
    if len(fit & texts) == 1:
        return (fit & texts).pop()
    return None


def _date(table: Table, used: set[int], names: Sequence[Named], reading: Reading) -> int | None:
    dates = {i for i, c in enumerate(table.columns) if c.kind == "date"} - used
    if len(dates) == 1:
        return dates.pop()
    named = {c for n in names for c in n.columns if c in dates}
    return named.pop() if len(named) == 1 else None


def _alike(
    question: str, reading: Reading, table: Table, used: set[int], likeness: Likeness
) -> int | None:
    """The column whose name is clearly nearest in meaning to the noun behind “which”."""
    for i, word in enumerate(reading.words):
        if word.text not in ("which", "what"):
            continue
        at = i + 1
        while at < len(reading.words) and (
            reading.words[at].root in FUNCTION or reading.words[at].text in _ADJECTIVES
        ):
            at += 1
        if at >= len(reading.words) or at in reading.used or reading.words[at].root in LIGHT:
            return None
        free = [c for c in range(len(table.columns)) if table.columns[c].name and c not in used]
        if not free:
            return None
        noun = reading.words[at].said
        if reading.words[at].root in TITLED:
            titles = [c for c in free if {"title", "nam"} & set(table.columns[c].roots)]
            if len(titles) == 1:
                reading.used.add(at)
                return titles[0]
        if reading.words[at].root in PERSON:
            persons = [c for c in free if PERSON & set(table.columns[c].roots)]
            if len(persons) == 1:
                reading.used.add(at)
                return persons[0]
        if reading.words[at].root in WHEN:
            years = [c for c in free if _only_years(table, c)]
            dates = [c for c in free if table.columns[c].kind == "date"]
            if reading.words[at].text in ("year", "season") and len(years) == 1:
                reading.used.add(at)
                return years[0]
            if reading.words[at].text == "year" and len(dates) == 1:
                reading.used.add(at)
                reading.year = True
                return dates[0]
            raise Unclear(f"no column is called “{noun}”")
        near = likeness(noun, [table.columns[c].name for c in free])
        order = sorted(range(len(free)), key=lambda n: -near[n])
        best = order[0]
        ahead = near[best] - (near[order[1]] if len(order) > 1 else -1.0)
        if near[best] < LIKE or ahead < CLEARLY:
            raise Unclear(f"no column is clearly called “{noun}”")
        reading.used.add(at)
        return free[best]
    return None


def money_column(table: Table) -> int | None:
    """The only column of prices."""
    found = [
        i for i, c in enumerate(table.columns) if c.kind == "number" and _is_money(c.name, c.units)
    ]
    return found[0] if len(found) == 1 else None


def _is_money(name: str, units: Sequence[str]) -> bool:
    priced = re.search(r"\b(?:price|cost|fee|fare|charge)s?\b", name.replace("_", " "), re.I)
    return bool(priced) or any(unit in "$€£¥" for unit in units if unit)


def _only_years(table: Table, column: int) -> bool:
    days = [cell.day for row in table.rows if (cell := row[column])]
    return table.columns[column].kind == "date" and all(d and d.month == 0 for d in days)


def date_order(table: Table, filters: Sequence[Filter] = ()) -> int | None:
    """The column that the rows stand in time by: the only one of dates."""
    dates = [i for i, c in enumerate(table.columns) if c.kind == "date"]
    return dates[0] if len(dates) == 1 else None


def plural(question: str) -> bool:
    return bool(re.search(r"\b(?:which|what)\s+\w+s\s+(?:are|were|have|had)\b", question))
