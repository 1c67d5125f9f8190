"""Which operation a question asks for, and the plan that does it; each raises Unclear."""

from __future__ import annotations

import re
from collections.abc import Sequence

from retrieval.tabular.compared import compared
from retrieval.tabular.extremes import extreme
from retrieval.tabular.lexicon import EVENT_COLUMNS, EVENTS, FUNCTION, LIGHT, OUTCOMES, SPANS
from retrieval.tabular.plan import Filter, Plan, Unclear
from retrieval.tabular.reading import Reading
from retrieval.tabular.table import Table, folded
from retrieval.tabular.targets import (
    Likeness,
    asked_for,
    mention_after,
    merged,
    only_number,
    plural,
)

COUNTED_LIKE = 0.5
"""Least likeness of what is counted to the name of a column."""
_ADDED = re.compile(r"\b(?:total|sum|combined|altogether|in all|overall)\b")
_COUNTED = re.compile(r"\b(?:how many|how often|number of|amount of|count)\b")
_NEXT = re.compile(
    r"\b(?:(?P<after>right after|immediately after|next after|after|follow(?:s|ed|ing)?)"
    r"|(?P<before>right before|immediately before|before|prior to|previous to"
    r"|preced(?:es|ed|ing)))\b"
)
_NOT_ADDED = re.compile(
    r"rank|position|average|avg|mean|rate|per\b|%|percent|share|year|code|id\b|no\.?$", re.I
)


def chosen(reading: Reading, table: Table, likeness: Likeness) -> Plan:
    question = " ".join(word.text for word in reading.words)
    plan = compared(question, reading, table)
    if plan is not None:
        return plan
    filters = merged(reading, table)
    for operation in (_average, extreme, _neighbour, _sum, _count):
        plan = operation(question, reading, table, filters, likeness)
        if plan is not None:
            return plan
    return _lookup(question, reading, table, filters, likeness)


def _average(
    question: str,
    reading: Reading,
    table: Table,
    filters: tuple[Filter, ...],
    likeness: Likeness,
) -> Plan | None:
    at = reading.has("averag", "mean")
    if at is None or any(n.start <= at < n.end for n in reading.names):
        return None
    by = only_number(reading, table, filters)
    if by is None:
        raise Unclear("it is not clear which column the average is of")
    if "on average" in question:
        raise Unclear("it is not clear what the average is over")
    reading.used.add(at)
    return Plan(kind="average", filters=filters, by=by)


def _sum(
    question: str,
    reading: Reading,
    table: Table,
    filters: tuple[Filter, ...],
    likeness: Likeness,
) -> Plan | None:
    if not _ADDED.search(question):
        return None
    by = only_number(reading, table, filters)
    if by is None or (table.is_index(by) and _COUNTED.search(question)):
        return None
    counted = _COUNTED.search(question)
    if counted:
        noun = mention_after(reading, table, len(question[: counted.end()].split()))
        if noun is not None and by not in noun.columns:
            return None
    if table.is_index(by) or _NOT_ADDED.search(table.columns[by].name):
        raise Unclear(f"“{table.columns[by].name}” is not a column to be added up")
    _use(reading, "total", "sum", "combin", "altogether", "overall")
    return Plan(kind="sum", filters=filters, by=by)


def _count(
    question: str,
    reading: Reading,
    table: Table,
    filters: tuple[Filter, ...],
    likeness: Likeness,
) -> Plan | None:
    match = _COUNTED.search(question)
    if match is None:
        return None
    if "how" not in match.group() and re.match(r"(?:in )?(?:which|who|where|when)\b", question):
        return None
    at = len(question[: match.end()].split())
    _use(reading, "total", "combin", "altogether", "overall", "count", "number", "amount")
    noun = mention_after(reading, table, at)
    used = {f.column for f in filters}
    if noun is not None and len(noun.columns) == 1:
        column = noun.columns[0]
        number = table.columns[column].kind == "number" and not table.is_index(column)
        if number and column not in used:
            return _amount(column, table, filters)
    if noun is None:
        _win_or_row(reading, table, at, filters)
        _explain_noun(reading, table, at, likeness)
    elif any(f.op == "holds" and f.column in noun.columns for f in filters) and not noun.full:
        raise Unclear("what is to be counted may stand within cells")
    elif len(noun.columns) == 1 and noun.columns[0] not in used:
        column = noun.columns[0]
        reading.used |= set(range(noun.start, noun.end))
        if table.key in used and column != table.key:
            raise Unclear("what is to be counted may stand within one cell")
        different = re.search(r"\b(?:different|distinct|unique|various)\b", question)
        repeats = table.distinct(column) < sum(row[column] is not None for row in table.rows)
        if different or (repeats and column != table.key and not filters):
            return Plan(kind="count", filters=filters, target=column, distinct=True)
        return Plan(kind="count", filters=filters, target=column)
    times = at < len(reading.words) and reading.words[at].text in ("times", "time")
    if times and not filters:
        raise Unclear("it is not clear what is to be counted")
    return Plan(kind="count", filters=filters)


def _amount(column: int, table: Table, filters: tuple[Filter, ...]) -> Plan:
    """“How many points …”: the number itself, or the sum where several rows fit."""
    if not filters:
        raise Unclear(f"it is not clear which rows of “{table.columns[column].name}” are meant")
    adds = not _NOT_ADDED.search(table.columns[column].name)
    return Plan(kind="lookup", filters=filters, target=column, by=column if adds else None)


def _win_or_row(reading: Reading, table: Table, at: int, filters: Sequence[Filter]) -> None:
    """Explains “games” and the like where rows are games; refuses spans of time."""
    if at >= len(reading.words) or at in reading.used:
        return
    noun = reading.words[at].root
    if noun in SPANS:
        raise Unclear(f"no column is called “{reading.words[at].said}”")
    rows = {r for column in table.columns for r in column.roots}
    if noun in EVENTS and filters and rows & EVENT_COLUMNS:
        reading.used |= {i for i, word in enumerate(reading.words) if word.root == noun}


def _explain_noun(reading: Reading, table: Table, at: int, likeness: Likeness) -> None:
    """What is counted must be like a column's name, or be a filter or what the table is about."""
    while at < len(reading.words) and (
        reading.words[at].root in FUNCTION and at not in reading.used
    ):
        at += 1
    if at >= len(reading.words) or at in reading.used or reading.words[at].root in LIGHT:
        return
    word = reading.words[at].said
    names = [column.name for column in table.columns if column.name and column.kind != "number"]
    if reading.words[at].root in OUTCOMES:
        raise Unclear(f"no column is called “{reading.words[at].said}”")
    if names and max(likeness(word, names)) >= COUNTED_LIKE:
        reading.used.add(at)
    elif reading.words[at].root not in folded(table.context).split():
        raise Unclear(f"no column is called “{word}”")


def _neighbour(
    question: str,
    reading: Reading,
    table: Table,
    filters: tuple[Filter, ...],
    likeness: Likeness,
) -> Plan | None:
    match = _NEXT.search(question)
    if match is None or any(f.op in ("<day", ">day") for f in filters):
        return None
    if _COUNTED.search(question):
        raise Unclear("counting before or after a row is not computed")
    if not filters:
        raise Unclear("it is not clear after or before which row")
    at = len(question[: match.start()].split())
    if at in reading.used:
        return None
    words = len(match.group().split())
    if not any(said.start >= at for said in reading.filters):
        raise Unclear("it is not clear after or before which row")
    reading.used |= set(range(at, at + words))
    _use(reading, "next", "previou", "immediat", "right", "directly")
    target = asked_for(question, reading, table, filters, likeness, before=at)
    if target is None:
        target = filters[0].column if len(filters) == 1 else None
    if target is None:
        raise Unclear("it is not clear which column is asked for")
    step = 1 if match["after"] else -1
    return Plan(kind="neighbour", filters=filters, target=target, step=step)


def _lookup(
    question: str,
    reading: Reading,
    table: Table,
    filters: tuple[Filter, ...],
    likeness: Likeness,
) -> Plan:
    if re.match(r"(?:is|are|was|were|did|does|do|has|have|had)\b", question):
        raise Unclear("questions for yes or no are computed only where two rows are compared")
    if " or " in question:
        raise Unclear("it is not clear how the two are to be compared")
    if not filters:
        raise Unclear("no cell of the table is named")
    target = asked_for(question, reading, table, filters, likeness)
    if target is None:
        raise Unclear("it is not clear which column is asked for")
    several = bool(re.search(r"\b(?:all|list|names of|each|are the|were the)\b", question))
    several = several or plural(question)
    return Plan(kind="lookup", filters=filters, target=target, several=several)


def _use(reading: Reading, *roots: str) -> None:
    reading.used |= {
        i for i, word in enumerate(reading.words) if word.root in roots or word.text in roots
    }
