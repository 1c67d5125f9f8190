"""Whether a number that is said of one column of a table stands in another one of its row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retrieval.clauses import Clause, clause
from retrieval.facts import held_in, holds_number
from retrieval.numbers import Number, agree, measured_in, scales_alone
from retrieval.polarity import polarity
from retrieval.sources import Source
from store.models import Frozen, Page


class Column(Frozen):
    """A cell of a row under its heading; `headings` are those of all columns."""

    heading: str
    text: str
    headings: str


def wrong_column(
    part: Clause, sentence: str, options: Sequence[Source], pages: Mapping[int, Page]
) -> list[str]:
    """What of `part` the rows among `options` have in other columns than it names."""
    rows = [row for source in options if (row := _row(source, pages))] if part.numbers else []
    found = _yes_or_no(part, [row for s in options if (row := _row(s, pages))])
    for number in part.numbers:
        own = [row for row in rows if any(_has(column, number, loosely=True) for column in row)]
        best = max((_likeness(part, row) for row in own), default=0.0)
        near = [row for row in own if _likeness(part, row) == best]
        if near and all(_misses(part, sentence, number, row) for row in near):
            found.append(f"{number.value} stands in another column")
    return found


def _yes_or_no(part: Clause, rows: Sequence[Sequence[Column]]) -> list[str]:
    """What the nearest row answers with a yes or no that the clause turns round."""
    marked = [r for r in rows if any(c.text.casefold() in _ANSWERS for c in r)]
    best = max((_likeness(part, row) for row in marked), default=0.0)
    for row in (r for r in marked if _likeness(part, r) == best > 0):
        for column in row:
            yes = _ANSWERS.get(column.text.casefold())
            heading = clause(column.heading).words
            if yes is None or not heading or not heading <= part.words:
                continue
            if polarity(part.text).negated == yes:
                return [f"“{column.heading}” is {column.text}"]
    return []


_ANSWERS = {"yes": True, "no": False, "ja": True, "nein": False, "sí": True, "✓": True, "✗": False}


def _misses(part: Clause, sentence: str, number: Number, row: Sequence[Column]) -> bool:
    """Whether the columns named lack the number, and have values that the sentence does not say."""
    named = [column for column in row if _names(part, column, row)]
    if not named or any(_has(column, number) for column in named):
        return False
    said = held_in(sentence)
    return any(
        not holds_number(value, said) for column in named for value in clause(column.text).numbers
    )


def _names(part: Clause, column: Column, row: Sequence[Column]) -> bool:
    """Whether the clause has a word, a year or a unit that only this column's heading has."""
    others = [other.heading for other in row if other is not column]
    heading = clause(column.heading)
    shared = frozenset().union(*(clause(other).words for other in others))
    if (heading.words - shared - {"⟨amount⟩"}) & part.words:
        return True
    years = [n for n in part.numbers if holds_number(n, held_in(column.heading))]
    if any(not any(holds_number(n, held_in(other)) for other in others) for n in years):
        return True
    units = measured_in(column.heading) & measured_in(part.text)
    return any(not any(u in measured_in(other) for other in others) for u in units)


def _has(column: Column, number: Number, loosely: bool = False) -> bool:
    """Whether its heading or cell is the number; a unit may stand in any heading ("EUR thousand")
    where its own has none, or `loosely`."""
    if holds_number(number, held_in(column.heading)):
        return True
    units = (not loosely and measured_in(column.heading)) or measured_in(column.headings)
    scales = scales_alone(column.headings)
    return any(agree(number, other, units, scales) for other in held_in(column.text).numbers)


def _likeness(part: Clause, row: Sequence[Column]) -> float:
    return len(part.words & clause(" ".join(column.text for column in row)).words)


def _row(source: Source, pages: Mapping[int, Page]) -> list[Column]:
    """The cells of a passage that is a table's row under its header row; empty for any other."""
    if len(source.pieces) != 2:
        return []
    header, row = (piece.span for piece in source.pieces)
    page = pages[row.page_id]
    for block in page.blocks:
        if block.kind == "table" and block.start <= row.start < block.end:
            above = {c.column: c for c in block.cells if header.start <= c.start < header.end}
            return [
                Column(
                    heading=page.text[above[c.column].start : above[c.column].end],
                    text=page.text[c.start : c.end],
                    headings=page.text[header.start : header.end],
                )
                for c in block.cells
                if row.start <= c.start < row.end and c.column in above
            ]
    return []
