"""Two things side by side: “how many more … than”, “A or B”, “is A above B”."""

from __future__ import annotations

import re
from typing import Literal

from retrieval.tabular.lexicon import PROPERTIES, RANKS
from retrieval.tabular.plan import Filter, Kind, Plan, Unclear
from retrieval.tabular.reading import Reading
from retrieval.tabular.table import Table
from retrieval.tabular.targets import date_order, merged, only_number

_DIFFERENCE = re.compile(
    r"\b(?:differences?|differential|how (?:many|much) (?:more|fewer|less|higher|lower|larger)"
    r"|how much (?:older|younger|longer|taller|bigger))\b"
)
_GREATER = re.compile(
    r"\b(?:more|higher|larger|bigger|greater|longer|above|most|highest|over|taller)\b"
)
_LESSER = re.compile(r"\b(?:less|fewer|lower|smaller|shorter|below|least|lowest|fewest|under)\b")
_LATER = re.compile(r"\b(?:after|later|newer|last|latest)\b")
_EARLIER = re.compile(r"\b(?:before|earlier|first|older|earliest)\b")
_EITHER = re.compile(r"\b(?:or|than|compared?)\b|^(?:is|are|was|were|did|does|do|has|have|had)\b")
_EITHER_WAY = r"\b(?:above or below|below or above|before or after|after or before)\b"
_COUNTS = re.compile(r"\b(?:number of|how many|more often|more times)\b")
_WORDS = re.compile(r"than|between|differences?|differential|compared?|chronologically")
_CLOSED = re.compile(r"^(?:is|are|was|were|did|does|do|has|have|had)\b")


def compared(question: str, reading: Reading, table: Table) -> Plan | None:
    difference = bool(_DIFFERENCE.search(question))
    if not (difference or _EITHER.search(question)):
        return None
    sides = _sides(reading)
    if sides is None:
        if difference:
            raise Unclear("it is not clear between which two rows the difference is")
        return None
    column = sides[0].column
    rest = merged(reading, table, but=column)
    by = only_number(reading, table, (*rest, *sides))
    counts = by is None and bool(_COUNTS.search(question))
    for pattern in (_GREATER, _LESSER, _LATER, _EARLIER, _WORDS):
        _use(reading, pattern)
    if difference:
        if by is None and not counts:
            raise Unclear("it is not clear which column the difference is in")
        return _plan("difference", rest, sides, by, True, "which")
    if by is None and not counts and (_LATER.search(question) or _EARLIER.search(question)):
        by = date_order(table)
    if by is None and not counts:
        if " or " in question and rest:
            return _which_of(rest, sides)
        raise Unclear("it is not clear by which column the two are to be compared")
    up, down = _direction(question, table, by)
    if _CLOSED.match(question) and re.search(_EITHER_WAY, question):
        if by is None or RANKS & set(table.columns[by].roots):
            raise Unclear("above may mean better or more here")
        return _plan("comparison", rest, sides, by, True, "relation")
    if up == down:
        raise Unclear("it is not clear how the two are to be compared")
    closed = bool(_CLOSED.match(question)) and " or " not in question
    if not closed and _CLOSED.match(question) and not re.search(r"\bor\b", question):
        raise Unclear("it is not clear how the two are to be compared")
    return _plan("comparison", rest, sides, by, up, "whether" if closed else "which")


def _which_of(rest: tuple[Filter, ...], sides: tuple[Filter, Filter]) -> Plan:
    """“Is the song on A or B”: the cell of the row that the rest of the question finds."""
    values = (*sides[0].values, *sides[1].values)
    op = "is" if sides[0].op == sides[1].op == "is" else "holds"
    said = f"{sides[0].said} or {sides[1].said}"
    either = Filter(column=sides[0].column, op=op, values=values, said=said)
    return Plan(kind="lookup", filters=(*rest, either), target=sides[0].column)


def _plan(
    kind: Kind,
    rest: tuple[Filter, ...],
    sides: tuple[Filter, Filter],
    by: int | None,
    descending: bool,
    asks: Literal["which", "whether", "relation"],
) -> Plan:
    return Plan(
        kind=kind,
        filters=rest,
        sides=tuple((side,) for side in sides),
        target=sides[0].column,
        by=by,
        descending=descending,
        asks=asks,
    )


def _sides(reading: Reading) -> tuple[Filter, Filter] | None:
    """The two cells of one column that the question names."""
    by_column: dict[int, list[Filter]] = {}
    for said in reading.filters:
        if said.filter.op in ("is", "holds", "number"):
            by_column.setdefault(said.filter.column, []).append(said.filter)
    pairs = [fs for fs in by_column.values() if len(fs) == 2 and fs[0].values != fs[1].values]
    return (pairs[0][0], pairs[0][1]) if len(pairs) == 1 else None


def _direction(question: str, table: Table, by: int | None) -> tuple[bool, bool]:
    """(the greater wins, the lesser wins); both or none where it cannot be told."""
    if by is not None and table.columns[by].kind == "date":
        return bool(_LATER.search(question)), bool(_EARLIER.search(question))
    up, down = bool(_GREATER.search(question)), bool(_LESSER.search(question))
    if by is not None and RANKS & set(table.columns[by].roots):
        return down, up
    if not up and not down:
        for word in question.split():
            if word in PROPERTIES:
                return PROPERTIES[word][0], not PROPERTIES[word][0]
    return up, down


def _use(reading: Reading, pattern: re.Pattern[str]) -> None:
    reading.used |= {i for i, word in enumerate(reading.words) if pattern.fullmatch(word.text)}
