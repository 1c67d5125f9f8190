"""Runs a plan over its table and says what came out, with every cell that it stands on."""

from __future__ import annotations

from retrieval.tabular.database import Database, database_of
from retrieval.tabular.pairs import beside, two
from retrieval.tabular.plan import Plan, Unclear
from retrieval.tabular.results import (
    MOST_VALUES,
    Computed,
    columns_of,
    distinct,
    doubts_of,
    left_out,
    number_of,
    parts,
)
from retrieval.tabular.sql import query_of
from retrieval.tabular.table import Table
from retrieval.tabular.values import TIME
from retrieval.tabular.wording import conditions, label, named, number_text, shown


def compute(plan: Plan, table: Table) -> Computed:
    """Raises Unclear where what comes out is not one answer."""
    with database_of(table) as database:
        return _computed(plan, table, database)


def _computed(plan: Plan, table: Table, database: Database) -> Computed:
    found = database.rows(query_of(plan, table))
    rows = tuple(dict.fromkeys(int(row[0]) for row in found))
    if not rows and len(plan.filters) > 1:
        raise Unclear(f"no row has {conditions(plan.filters, table)}")
    if not rows and plan.kind != "count":
        return _nothing(plan, table)
    if plan.kind == "count":
        return _counted(plan, table, rows)
    if plan.kind in ("sum", "average"):
        return _added(plan, table, rows, [float(row[1]) for row in found])
    if plan.kind in ("difference", "comparison"):
        return two(plan, table, found)
    if plan.kind == "neighbour":
        return beside(plan, table, found)
    if plan.kind == "extreme":
        return _extreme(plan, table, rows)
    return _looked_up(plan, table, rows)


def _nothing(plan: Plan, table: Table) -> Computed:
    if plan.kind in ("difference", "comparison"):
        raise Unclear("the two rows that are compared were not found")
    if plan.kind == "neighbour":
        raise Unclear("there is no row beside that one")
    text = f"No row of {len(table.rows):,} has {conditions(plan.filters, table)}."
    return Computed(text=text, values=(), cells=(), rows=(), columns=())


def _counted(plan: Plan, table: Table, rows: tuple[int, ...]) -> Computed:
    every = f"{len(table.rows):,} {'row' if len(table.rows) == 1 else 'rows'}"
    have = "has" if len(rows) == 1 else "have"
    where = conditions(plan.filters, table)
    if plan.distinct and plan.target is not None:
        count = len({table.folded(row, plan.target) for row in rows})
        text = f"{count:,} different values of {named(table, plan.target)} stand in {len(rows):,}"
        text += f" of {every}{f' that have {where}' if where else ''}."
    elif where:
        count = len(rows)
        text = f"{count:,} of {every} {have} {where}."
    else:
        count = len(rows)
        named_by = f" with {named(table, plan.target)}" if plan.target is not None else ""
        text = f"The table has {count:,} {'row' if count == 1 else 'rows'}{named_by}."
    within = plan.target not in (None, table.key)
    if within and len(rows) == 1 and any(f.op == "is" for f in plan.filters):
        raise Unclear("what is to be counted may stand within one cell")
    if plan.target is not None and not plan.distinct:
        different = len({table.folded(row, plan.target) for row in rows})
        if different < len(rows):
            name = named(table, plan.target)
            raise Unclear(f"{different:,} different values of {name} stand in {len(rows):,} rows")
    column = plan.target if plan.target is not None else table.key
    cited = [f.column for f in plan.filters] or [column]
    return Computed(
        text=text,
        values=(f"{count}",),
        cells=tuple((row, c) for row in rows for c in cited),
        rows=rows,
        columns=columns_of(plan, table),
        warnings=left_out(table),
    )


def _added(plan: Plan, table: Table, rows: tuple[int, ...], numbers: list[float]) -> Computed:
    assert plan.by is not None
    column = table.columns[plan.by]
    if TIME in column.units:
        raise Unclear(f"durations in “{column.name}” are not added up")
    value = sum(numbers) / (len(numbers) if plan.kind == "average" else 1)
    said = number_text(value, table, plan.by, rows, averaged=plan.kind == "average")
    where = conditions(plan.filters, table)
    over = f"{len(rows):,} {'row' if len(rows) == 1 else 'rows'}"
    what = "average" if plan.kind == "average" else "sum"
    text = f"The {what} of {named(table, plan.by)} over {over}"
    text += f" that {'has' if len(rows) == 1 else 'have'} {where}" if where else ""
    return Computed(
        text=f"{text} is {said}.",
        values=(said,),
        cells=tuple((row, plan.by) for row in rows),
        rows=rows,
        columns=columns_of(plan, table),
        warnings=(*doubts_of(plan.by, table), *left_out(table)),
    )


def _looked_up(plan: Plan, table: Table, rows: tuple[int, ...]) -> Computed:
    assert plan.target is not None
    texts = distinct(table, rows, plan.target, plan.year)
    if plan.by == plan.target and len(rows) > 1:
        numbers = [n for row in rows if (n := number_of(table, row, plan.target)) is not None]
        return _added(plan.model_copy(update={"kind": "sum"}), table, rows, numbers)
    if len(texts) > (MOST_VALUES if plan.several else 1):
        raise Unclear(f"{len(rows):,} rows have {conditions(plan.filters, table)}")
    have = f"{len(rows):,} of {len(table.rows):,} rows {'has' if len(rows) == 1 else 'have'}"
    text = f"{table.columns[plan.target].name or 'The cell'}: {'; '.join(texts)}"
    if len(rows) == 1 and label(table, rows[0], but=plan.target):
        text += f", in the row of {label(table, rows[0], but=plan.target)}"
    text += f" ({have} {conditions(plan.filters, table)})."
    return Computed(
        text=text,
        values=tuple(texts),
        cells=tuple((row, c) for row in rows for c in parts(plan)),
        rows=rows,
        columns=columns_of(plan, table),
    )


def _extreme(plan: Plan, table: Table, rows: tuple[int, ...]) -> Computed:
    assert plan.target is not None
    texts = distinct(table, rows, plan.target, plan.year)
    if len(texts) > (4 if plan.several else 1):
        raise Unclear(f"{len(texts)} of them come out even")
    where = conditions(plan.filters, table)
    among = f"of the rows that have {where}" if where else f"of {len(table.rows):,} rows"
    name = table.columns[plan.target].name or "The cell"
    if plan.grouped:
        text = f"{name}: {'; '.join(texts)}, in {len(rows):,} {among}, more often than any other."
    elif plan.by is None:
        place = "last" if plan.descending else "first"
        text = f"{name}: {'; '.join(texts)}, in the {place} row ({among})."
    else:
        dated = table.columns[plan.by].kind == "date"
        how = (
            ("latest" if dated else "highest")
            if plan.descending
            else ("earliest" if dated else "lowest")
        )
        if plan.by == plan.target:
            text = f"The {how} {named(table, plan.by)} is {'; '.join(texts)}"
            own = label(table, rows[0], but=plan.target)
            text += f", in the row of {own}" if own and len(rows) == 1 else ""
        else:
            text = f"{name}: {'; '.join(texts)}, with the {how} {named(table, plan.by)}"
            text += f", {shown(table, rows[0], plan.by)}"
        text += f" ({among})."
    doubts = doubts_of(plan.by, table) if plan.by is not None else ()
    return Computed(
        text=text,
        values=tuple(texts),
        cells=tuple((row, c) for row in rows for c in parts(plan)),
        rows=rows,
        columns=columns_of(plan, table),
        warnings=(*doubts, *left_out(table)),
    )
