"""From a question to a plan, by rules; what is not understood is said rather than guessed.

A plan stands only where every word that carries meaning is explained: by a column, a cell, the
operation, or what the table is about.
"""

from __future__ import annotations

import re

from retrieval.tabular import operations
from retrieval.tabular.cells import read
from retrieval.tabular.lexicon import FUNCTION, LIGHT, NOT_COMPUTED, PLACE
from retrieval.tabular.plan import Filter, Plan, Unclear
from retrieval.tabular.reading import Reading
from retrieval.tabular.table import Table, folded
from retrieval.tabular.targets import Likeness

_PARTICIPLES = {"built", "born", "sold", "paid", "cost", "spent", "bought"}
EXPLAINED_LIKE = 0.55
"""Least likeness of another word of the question to the name of a column in use."""
_WORDY = 6
"""Mean words of cells that are sentences rather than values."""
_NAMES = 0.6
"""Share of different cells from which on a column names its rows."""


def plan_of(question: str, table: Table, likeness: Likeness, about_one: bool) -> Plan:
    """The plan of a question over this table. Raises Unclear.

    `about_one`: the person named the document, so that the question's subject need not occur.
    """
    for pattern, what in NOT_COMPUTED:
        found = re.search(pattern, question, re.IGNORECASE)
        if found:
            raise Unclear(f"“{found.group()}” asks for {what}, which is not computed")
    reading = read(question, table)
    if reading.unclear:
        raise Unclear(f"it is not clear {reading.unclear[0]}")
    plan = operations.chosen(reading, table, likeness)
    if reading.year:
        plan = plan.model_copy(update={"year": True})
    _check_names(reading, plan, table)
    assumed = _check_words(reading, plan, table, likeness, about_one)
    if assumed:
        plan = plan.model_copy(update={"assumed": assumed})
    _check_cells(reading, plan, table)
    return plan


def _check_cells(reading: Reading, plan: Plan, table: Table) -> None:
    """Rows are counted by words within cells only where those words sort the rows: a word of a
    name or of a sentence may mean anything."""
    if plan.kind not in ("count", "sum", "average", "extreme"):
        return
    named = {c for n in reading.names for c in n.columns}
    for f in plan.filters:
        if f.op != "holds" or any(len(str(v).strip()) == 1 for v in f.values):
            continue
        texts = [table.folded(row, f.column).split() for row in range(len(table.rows))]
        wordy = sum(map(len, texts)) > _WORDY * sum(map(bool, texts))
        names = table.distinct(f.column) > _NAMES * sum(map(bool, texts))
        single = len(str(f.values[0]).split()) == 1 and not _placed(reading, f, table)
        if (wordy and f.column not in named) or (names and single):
            raise Unclear(f"“{f.said}” is only part of what cells say")


def _check_names(reading: Reading, plan: Plan, table: Table) -> None:
    """Every column that is named has a part in the plan, every filter is one of the plan's."""
    sides = [f for side in plan.sides for f in side]
    filters = [*plan.filters, *sides]
    parts = {f.column for f in filters} | {plan.target, plan.by}
    for name in reading.names:
        if not name.weak and not parts & set(name.columns):
            if set(range(name.start, name.end)) <= reading.used:
                continue
            rows = name.columns == (table.key,) and reading.words[name.end - 1].text.endswith("s")
            if rows and plan.kind in ("sum", "average", "count"):
                reading.used |= set(range(name.start, name.end))  # “of the orders”: the rows
                continue
            raise Unclear(f"it is not clear what “{reading.text(name.start, name.end)}” does here")
        reading.used |= set(range(name.start, name.end))
    for said in reading.filters:
        if not any(_covers(f, said.filter) for f in filters):
            raise Unclear(f"it is not clear what “{said.filter.said}” does here")


def _covers(filter_: Filter, part: Filter) -> bool:
    return filter_.column == part.column and set(part.values) <= set(filter_.values)


def _alike(word: str, plan: Plan, table: Table, likeness: Likeness) -> bool:
    """Whether the word is near in meaning to the name of a column that has a part in the plan."""
    sides = [f.column for side in plan.sides for f in side]
    parts = {plan.target, plan.by, *(f.column for f in plan.filters), *sides} - {None}
    names = [table.columns[c].name for c in parts if c is not None and table.columns[c].name]
    if not re.search(r"(?:ed|en|ing|s|age)$", word) and word not in _PARTICIPLES:
        return False  # “Spanish” is near “nationality”, and yet it restricts
    if word.startswith("percent") and any("%" in name for name in names):
        return True
    return bool(names) and max(likeness(word, names)) >= EXPLAINED_LIKE


def _check_words(
    reading: Reading, plan: Plan, table: Table, likeness: Likeness, about_one: bool
) -> tuple[str, ...]:
    """The words that nothing in the table says, taken for what the document is about."""
    context = set(folded(table.context).split())
    left = [
        i
        for i, word in enumerate(reading.words)
        if i not in reading.used and word.root not in FUNCTION | LIGHT | context
    ]
    left = [i for i in left if not _alike(reading.words[i].said, plan, table, likeness)]
    assumed: list[int] = []
    if about_one:
        assumed = [i for i in left if i in _subject(reading) and not reading.words[i].named]
        left = [i for i in left if i not in assumed]
    if left:
        said = ", ".join(f"“{reading.words[i].said}”" for i in left[:3])
        raise Unclear(f"nothing in the table is called {said}")
    return tuple(reading.words[i].said for i in assumed)


def _placed(reading: Reading, filter_: Filter, table: Table) -> bool:
    """Whether the word is a place after “in”: places are written with what they lie in."""
    places = PLACE & set(table.columns[filter_.column].roots)
    start = next((s.start for s in reading.filters if _covers(filter_, s.filter)), 0)
    before = [word.text for word in reading.words[max(0, start - 2) : start]]
    return bool(places) and bool({"in", "at", "from", "near"} & set(before))


_AUXILIARY = {"did", "does", "do", "has", "have", "had", "was", "were", "is", "are", "can", "been"}


def _subject(reading: Reading) -> set[int]:
    """Words between an auxiliary and what follows it, or with a possessive: what the document is
    about, which its table need not repeat."""
    found: set[int] = set()
    words = reading.words
    for i, word in enumerate(words):
        if word.possessive:
            at = i
            while at >= 0 and i - at < 3 and at not in reading.used:
                if words[at].root in FUNCTION:
                    break
                found.add(at)
                at -= 1
        if word.text not in _AUXILIARY or i == 0:
            continue
        at = i + 1
        run: list[int] = []
        while at < len(words) and at not in reading.used and len(run) < 4:
            if words[at].root in LIGHT or words[at].text in _AUXILIARY:
                found |= set(run)
                break
            run.append(at)
            at += 1
        if at in reading.used:
            found |= set(run)
    return found
