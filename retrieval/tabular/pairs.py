"""Says what comes out of two things side by side, and of the row beside another."""

from __future__ import annotations

from retrieval.tabular.plan import Plan, Unclear
from retrieval.tabular.results import Computed, columns_of, doubts_of
from retrieval.tabular.table import Table
from retrieval.tabular.wording import conditions, named, number_text, shown


def two(plan: Plan, table: Table, found: list[tuple]) -> Computed:
    assert plan.target is not None
    sides = [[row for row in found if row[2] == side] for side in (0, 1)]
    if plan.by is None:
        return _two_counts(plan, table, sides)
    if [len(side) for side in sides] != [1, 1]:
        raise Unclear("each of the two must be a single row")
    (first, a, _), (second, b, _) = sides[0][0], sides[1][0]
    if a is None or b is None:
        raise Unclear(f"“{table.columns[plan.by].name}” is not a number in both rows")
    names = [
        shown(table, row, plan.target) if side[0].op in ("is", "holds") else conditions(side, table)
        for row, side in zip((first, second), plan.sides, strict=True)
    ]
    said = [shown(table, row, plan.by) for row in (first, second)]
    dated = table.columns[plan.by].kind == "date"
    if plan.kind == "difference":
        value = number_text(abs(a - b), table, plan.by, (first, second))
        text = f"The difference in {named(table, plan.by)} between {names[0]} ({said[0]}) and"
        text += f" {names[1]} ({said[1]}) is {value}."
    else:
        if a == b:
            raise Unclear("the two come out even")
        if plan.asks == "which":
            wins = 0 if (a > b) == plan.descending else 1
            value = names[wins]
            text = f"{value}: {named(table, plan.by)} is {said[wins]}, against {said[1 - wins]} for"
            text += f" {names[1 - wins]}."
        else:
            words = ("After", "Before") if dated else ("Above", "Below")
            value = words[0] if a > b else words[1]
            if plan.asks == "whether":
                value = "Yes" if (a > b) == plan.descending else "No"
            text = f"{value}: {named(table, plan.by)} is {said[0]} for {names[0]} and {said[1]} for"
            text += f" {names[1]}."
    return Computed(
        text=text,
        values=(value,),
        cells=tuple((row, c) for row in (first, second) for c in (plan.target, plan.by)),
        rows=(first, second),
        columns=columns_of(plan, table),
        warnings=doubts_of(plan.by, table, strange=False),
    )


def _two_counts(plan: Plan, table: Table, sides: list[list[tuple]]) -> Computed:
    """Compares how many rows the two have."""
    counts = [len(side) for side in sides]
    if 0 in counts:
        raise Unclear("one of the two has no row")
    names = [conditions(side, table) for side in plan.sides]
    if plan.kind == "difference":
        value = f"{abs(counts[0] - counts[1])}"
        text = f"The difference is {value}: {counts[0]:,} rows have {names[0]}, {counts[1]:,} have"
        text += f" {names[1]}."
    else:
        if counts[0] == counts[1]:
            raise Unclear("the two come out even")
        wins = 0 if (counts[0] > counts[1]) == plan.descending else 1
        value = ("Yes", "No")[wins] if plan.asks == "whether" else plan.sides[wins][0].said
        text = f"{value}: {counts[0]:,} rows have {names[0]}, {counts[1]:,} have {names[1]}."
    rows = tuple(sorted({int(row[0]) for side in sides for row in side}))
    return Computed(
        text=text,
        values=(value,),
        cells=tuple((row, plan.target) for row in rows if plan.target is not None),
        rows=rows,
        columns=columns_of(plan, table),
    )


def beside(plan: Plan, table: Table, found: list[tuple]) -> Computed:
    assert plan.target is not None
    if len(found) != 1:
        raise Unclear("it is not clear which row is meant")
    row, anchor = int(found[0][0]), int(found[0][1])
    if table.rows[row][plan.target] is None:
        raise Unclear("the cell beside it is empty")
    order = "after" if plan.step > 0 else "before"
    text = (
        f"{table.columns[plan.target].name or 'The cell'}: {shown(table, row, plan.target)}, in the"
    )
    text += f" row {order} the one that has {conditions(plan.filters, table)}."
    return Computed(
        text=text,
        values=(shown(table, row, plan.target),),
        cells=((row, plan.target), *((anchor, f.column) for f in plan.filters)),
        rows=tuple(sorted((row, anchor))),
        columns=columns_of(plan, table),
    )
