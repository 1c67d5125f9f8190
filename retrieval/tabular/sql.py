"""Plans as SQL: names are ours (t0.c3), whatever a question or a cell says is a parameter.

A table is t0(id, c0, c0t, c0n, c0d, c1, …): the row's number, and of each column the text, its
folded words between spaces, its number, and its date as YYYYMMDD, each NULL where there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from retrieval.tabular.plan import Filter, Plan
from retrieval.tabular.table import Table

TABLE = "t0"
Parameter = str | float


class Query(NamedTuple):
    """The first column of its rows is a row's `id`; others are named by the plan's kind."""

    sql: str
    parameters: tuple[Parameter, ...]


def columns_of(table: Table) -> list[str]:
    """Names of the SQL table's columns, in order."""
    parts = [f"c{i}{suffix}" for i in range(len(table.columns)) for suffix in ("", "t", "n", "d")]
    return ["id", *parts]


def query_of(plan: Plan, table: Table) -> Query:
    """The rows that the plan uses: (id, what is compared or added or NULL), best first.

    Of a grouped extreme: all rows of the values that most rows have, with that count.
    """
    where, parameters = _where(plan.filters)
    limit = plan.limit + 1
    if plan.kind == "extreme" and plan.grouped:
        text = f"c{plan.target}t"
        inner = (
            f"SELECT {text} AS g, count(*) AS n FROM {TABLE}"
            f" WHERE {where} AND {text} IS NOT NULL GROUP BY {text}"
        )
        sql = (
            f"WITH counted AS ({inner}) SELECT {TABLE}.id, counted.n FROM {TABLE} JOIN counted"
            f" ON {TABLE}.{text} = counted.g WHERE {where}"
            f" AND counted.n = (SELECT max(n) FROM counted) ORDER BY {TABLE}.id LIMIT {limit}"
        )
        return Query(sql, (*parameters, *parameters))
    if plan.kind == "extreme":
        value = _ordered(plan, table)
        best = "max" if plan.descending else "min"
        sql = (
            f"SELECT id, {value} FROM {TABLE} WHERE {where} AND {value} ="
            f" (SELECT {best}({value}) FROM {TABLE} WHERE {where}) ORDER BY id LIMIT {limit}"
        )
        return Query(sql, (*parameters, *parameters))
    if plan.kind in ("sum", "average"):
        value = _ordered(plan, table)
        sql = f"SELECT id, {value} FROM {TABLE} WHERE {where} AND {value} IS NOT NULL ORDER BY id"
        return Query(f"{sql} LIMIT {_EVERY}", parameters)
    if plan.kind in ("difference", "comparison"):
        value = _ordered(plan, table)
        selects: list[str] = []
        for n, side in enumerate(plan.sides):
            own, more = _where(side)
            selects.append(f"SELECT id, {value}, {n} AS side FROM {TABLE} WHERE {where} AND {own}")
            parameters = (
                (*parameters, *more) if n == 0 else (*parameters, *_where(plan.filters)[1], *more)
            )
        return Query(f"{' UNION ALL '.join(selects)} ORDER BY 3, 1 LIMIT {limit}", parameters)
    if plan.kind == "neighbour":
        sql = (
            f"SELECT other.id, {TABLE}.id FROM {TABLE} JOIN {TABLE} AS other"
            f" ON other.id = {TABLE}.id + {int(plan.step)} WHERE {where} ORDER BY 1 LIMIT {limit}"
        )
        return Query(sql, parameters)
    shown = f"c{plan.target}" if plan.target is not None else "NULL"
    filled = f" AND {shown} IS NOT NULL" if plan.target is not None else ""
    most = _EVERY if plan.kind == "count" else limit
    sql = f"SELECT id, {shown} FROM {TABLE} WHERE {where}{filled} ORDER BY id LIMIT {most}"
    return Query(sql, parameters)


_EVERY = 50_000
"""Rows of what is counted or added: a limit would make it wrong, and no table has more."""


def _ordered(plan: Plan, table: Table) -> str:
    if plan.by is None:
        return f"{TABLE}.id" if plan.kind == "extreme" else "NULL"
    return f"{TABLE}.c{plan.by}{'d' if table.columns[plan.by].kind == 'date' else 'n'}"


def _where(filters: Sequence[Filter]) -> tuple[str, tuple[Parameter, ...]]:
    terms: list[str] = ["1"]
    parameters: list[Parameter] = []
    for filter_ in filters:
        term, more = _term(filter_)
        terms.append(term)
        parameters += more
    return " AND ".join(terms), tuple(parameters)


def _term(f: Filter) -> tuple[str, list[Parameter]]:
    text, number, day = (f"{TABLE}.c{f.column}{suffix}" for suffix in "tnd")
    if f.op == "is":
        return f"{text} IN ({', '.join('?' * len(f.values))})", list(f.values)
    if f.op == "holds":
        return _any(f"instr({text}, ?) > 0", len(f.values)), list(f.values)
    if f.op == "number":
        return f"{number} IN ({', '.join('?' * len(f.values))})", list(f.values)
    if f.op == "between":
        return f"{number} BETWEEN ? AND ?", sorted(map(float, f.values))
    if f.op == "<day":
        return f"({day} < ? AND {day} > 0)", [float(f.values[0])]
    if f.op == ">day":
        return f"{day} > ?", [float(f.values[0])]
    if f.op == "day":
        terms: list[str] = []
        parameters: list[Parameter] = []
        for value in f.values:
            term, more = _same_day(day, int(value))
            terms.append(term)
            parameters += more
        return f"({' OR '.join(terms)})", parameters
    return f"{number} {f.op} ?", [float(f.values[0])]


def _any(term: str, count: int) -> str:
    return f"({' OR '.join([term] * count)})"


def _same_day(day: str, wanted: int) -> tuple[str, list[Parameter]]:
    """Equal in what `wanted` says of year, month and day."""
    parts = (
        (f"{day} / 10000", wanted // 10000),
        (f"{day} / 100 % 100", wanted // 100 % 100),
        (f"{day} % 100", wanted % 100),
    )
    said = [(term, value) for term, value in parts if value]
    return f"({' AND '.join(f'{term} = ?' for term, _ in said)})", [value for _, value in said]
