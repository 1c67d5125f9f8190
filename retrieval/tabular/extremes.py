"""Superlatives: “which river is the longest”, “the first year”, “who won the most often”."""

from __future__ import annotations

import re
from collections.abc import Sequence

from retrieval.tabular.lexicon import HIGH, LOW, PROPERTIES, RANKS, root
from retrieval.tabular.plan import Filter, Plan, Unclear
from retrieval.tabular.reading import Reading
from retrieval.tabular.table import Table
from retrieval.tabular.targets import (
    Likeness,
    asked_for,
    date_order,
    mention_after,
    money_column,
    only_number,
)

_SUPERLATIVE_WORDS = (
    "most least highest largest biggest greatest maximum max lowest smallest fewest minimum min"
    " longest shortest oldest youngest tallest heaviest lightest cheapest deepest farthest richest"
    " slowest fastest earliest latest newest first last top best worst bottom"
)
_SUPERLATIVE = frozenset(_SUPERLATIVE_WORDS.split())
_DATED = ("first", "last", "earliest", "latest", "newest")
_LOW = {"least", "lowest", "smallest", "fewest", "minimum", "min", "shortest", "worst", "bottom"}


def extreme(
    question: str,
    reading: Reading,
    table: Table,
    filters: tuple[Filter, ...],
    likeness: Likeness,
) -> Plan | None:
    at = _superlative(reading)
    if at is None:
        return None
    word = reading.words[at].text
    reading.used.add(at)
    after = at + 1
    if word == "most" and after < len(reading.words) and reading.words[after].text == "recent":
        word = "latest"
        reading.used.add(after)
    if re.search(rf"\b{word} (?:\d|two|three|four|five|ten|few)\b", question):
        raise Unclear(f"“{word}” of several is not computed")
    if re.search(r"\b(?:or|than)\b", question) or (
        re.search(r"\b(?:after|before)\b", question)
        and not any(f.op in ("<day", ">day") for f in filters)
    ):
        raise Unclear("a superlative beside a comparison is not computed")
    place = reading.words[after].root if after < len(reading.words) else ""
    if word == "last" and place in RANKS:
        return _ranked(question, reading, table, filters, likeness, after, word)
    if word == "most" and place in (root("common"), root("frequent"), root("often")):
        reading.used.add(after)
        return _grouped(question, reading, table, filters, likeness, after + 1)
    if word in _DATED:
        return _by_date(question, reading, table, filters, likeness, at, word)
    by, noun = _measure(reading, table, filters, at, word)
    if by is None and (word == "cheapest" or (word in ("most", "least") and place == "expensiv")):
        by = money_column(table)
        reading.used |= {after} if word != "cheapest" else set()
    if (
        by is None
        and noun == table.key
        and noun is not None
        and word in ("most", "least", "fewest")
    ):
        if word != "most":
            raise Unclear("the fewest rows are not counted")
        plan = _grouped(question, reading, table, filters, likeness, 0, noun)
        if plan is not None:
            return plan
    if by is None:
        raise Unclear(f"it is not clear by which column “{word}” is meant")
    target = asked_for(question, reading, table, filters, likeness, but=by)
    if target is None and re.search(r"\b(?:which|who|where|when)\b", question):
        raise Unclear("it is not clear which column is asked for")
    return Plan(
        kind="extreme",
        filters=filters,
        target=by if target is None else target,
        by=by,
        descending=_descending(word, table, by),
    )


def _superlative(reading: Reading) -> int | None:
    """The only superlative; those that are part of a column's name or of a cell do not count."""
    named = {i for n in reading.names for i in range(n.start, n.end) if n.end - n.start > 1}
    taken = {i for said in reading.filters for i in range(said.start, said.end)}
    found = [
        i
        for i, word in enumerate(reading.words)
        if word.text in _SUPERLATIVE and i not in named and i not in taken
    ]
    if len(found) > 1:
        raise Unclear("two superlatives in one question are not computed")
    return found[0] if found else None


def _measure(
    reading: Reading, table: Table, filters: Sequence[Filter], at: int, word: str
) -> tuple[int | None, int | None]:
    """(number column that is ordered by, text column that stands behind the superlative)."""
    name = mention_after(reading, table, at + 1)
    noun: int | None = None
    if name is not None:
        numbers = [c for c in name.columns if table.columns[c].kind == "number"]
        if len(numbers) == 1:
            return numbers[0], None
        if len(name.columns) == 1:
            noun = name.columns[0]
    properties = PROPERTIES.get(word)
    if properties:
        fit = [
            i
            for i, c in enumerate(table.columns)
            if properties[1] & set(c.roots) and c.kind == "number"
        ]
        if len(fit) == 1:
            return fit[0], noun
    generic = root(word) in HIGH | LOW or word in ("best", "worst", "top", "bottom")
    number = only_number(reading, table, filters)
    return (number if (generic and word not in PROPERTIES) or number is not None else None), noun


def _descending(word: str, table: Table, by: int) -> bool:
    low = word in _LOW
    column = table.columns[by]
    if RANKS & set(column.roots) or "#" in column.units:
        if word in ("most", "least", "fewest", "largest", "biggest", "smallest"):
            raise Unclear(f"it is not clear what “{word}” means for “{column.name}”")
        return low
    if word in PROPERTIES and PROPERTIES[word][1] & set(column.roots):
        return PROPERTIES[word][0]
    if word in ("best", "worst", "fastest", "slowest", "oldest", "youngest"):
        raise Unclear(f"it is not clear what “{word}” means for “{column.name}”")
    return not low


def _by_date(
    question: str,
    reading: Reading,
    table: Table,
    filters: tuple[Filter, ...],
    likeness: Likeness,
    at: int,
    word: str,
) -> Plan:
    name = mention_after(reading, table, at + 1)
    by: int | None = None
    if name and len(name.columns) == 1 and table.columns[name.columns[0]].kind == "date":
        by = name.columns[0]
    if by is None:
        by = date_order(table)
    listed = bool(re.search(r"\b(?:listed|on (?:the|this) (?:list|table|chart))\b", question))
    ordered = listed or not any(c.kind == "date" for c in table.columns)
    if by is None and not (ordered and word in ("first", "last")):
        raise Unclear(f"no column of dates says what “{word}” is")
    target = asked_for(question, reading, table, filters, likeness, but=None)
    if target is None and name is not None and len(name.columns) == 1:
        target = name.columns[0]
    if target is None:
        raise Unclear("it is not clear which column is asked for")
    descending = word in ("last", "latest", "newest")
    return Plan(kind="extreme", filters=filters, target=target, by=by, descending=descending)


def _ranked(
    question: str,
    reading: Reading,
    table: Table,
    filters: tuple[Filter, ...],
    likeness: Likeness,
    after: int,
    word: str,
) -> Plan:
    """“Came in first place”: the row that the one column of ranks says so of."""
    ranks = [i for i, c in enumerate(table.columns) if c.kind == "number" and RANKS & set(c.roots)]
    if len(ranks) != 1:
        raise Unclear(f"it is not clear what “{word} {reading.words[after].said}” means")
    target = asked_for(question, reading, table, filters, likeness, but=ranks[0])
    if target is None:
        raise Unclear("it is not clear which column is asked for")
    reading.used.add(after)
    return Plan(
        kind="extreme", filters=filters, target=target, by=ranks[0], descending=word == "last"
    )


def _grouped(
    question: str,
    reading: Reading,
    table: Table,
    filters: tuple[Filter, ...],
    likeness: Likeness,
    at: int,
    noun: int | None = None,
) -> Plan | None:
    """The value of a column that most rows have."""
    name = mention_after(reading, table, at) if at else None
    if name is not None and len(name.columns) == 1:
        target: int | None = name.columns[0]
    else:
        target = asked_for(question, reading, table, filters, likeness, but=noun)
    if target is None or table.columns[target].kind == "number":
        raise Unclear("it is not clear what is to be counted")
    if table.distinct(target) > 0.95 * len(table.rows):
        raise Unclear(f"each row has its own “{table.columns[target].name}”")
    # The noun is what is counted: a row each.
    for n in reading.names:
        if noun in n.columns:
            reading.used |= set(range(n.start, n.end))
    return Plan(kind="extreme", filters=filters, target=target, grouped=True, descending=True)
