"""Lets a language model write the SQL where the rules found a question unclear.

What it writes passes the same checks as any SQL; it is given back once for repair.
"""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING

from pydantic import Field

from retrieval.prompts import prompt
from retrieval.structured import Unusable, json_in, shaped
from retrieval.tabular.database import Database, TookTooLong, database_of
from retrieval.tabular.guard import Refused
from retrieval.tabular.plan import Unclear
from retrieval.tabular.results import MOST_VALUES, Computed, left_out
from retrieval.tabular.sql import Query
from retrieval.tabular.table import Table
from retrieval.tabular.wording import named, printable
from store.models import Frozen

if TYPE_CHECKING:
    from retrieval.generate import LanguageModels
    from retrieval.llama import Asked

MOST_COLUMNS = 60
MOST_CHARS = 12_000
"""Of a model's answer, its two queries and what stands around them."""
_SAMPLES, _LONGEST_SAMPLE = 4, 40


class Written(Frozen):
    """What the model gives: the SELECT of the answer, and the one of the rows it stands on."""

    sql: str = Field(max_length=5000)
    rows: str = Field(max_length=5000)


def written(generator: LanguageModels, asked: Asked, table: Table) -> tuple[Computed, str]:
    """What the model's query gives, and the model's name.

    Raises Unclear where it has none or none that can be used, ModelUnavailable, Cancelled.
    """
    told = prompt("sql")

    def computed(text: str, model: str) -> tuple[Computed, str]:
        query = Written.model_validate_json(json_in(text))
        try:
            with database_of(table) as database:
                return _run(query, model, table, database), model
        except TookTooLong as slow:
            raise Unusable("it takes too long") from slow
        except (Refused, sqlite3.Error) as fault:
            raise Unusable(str(fault), "its query was refused or gave nothing of use") from fault

    try:
        with asked.trace.step("sql"):
            system = told.text.format(table=_described(table))
            return shaped(generator, asked, told, system, asked.query_str, computed, MOST_CHARS)
    except Unusable as fault:
        raise Unclear("the language model wrote no query that can be used") from fault


def _run(query: Written, model: str, table: Table, database: Database) -> Computed:
    if not query.sql.strip():
        raise Unclear("neither rules nor the language model see how the table answers it")
    found = database.rows(Query(query.sql, ()))
    ids = [row[0] for row in database.rows(Query(query.rows, ()))]
    rows = tuple(dict.fromkeys(i for i in ids if isinstance(i, int) and 0 <= i < len(table.rows)))
    values = [str(row[0]) if not isinstance(row[0], float) else f"{row[0]:,.10g}" for row in found]
    if len(rows) < len(set(ids)) or not rows or not values or len(values) > MOST_VALUES:
        raise Refused("“rows” must give ids, and “sql” one to twelve values")
    if any(row[0] is None or len(row) != 1 for row in found):
        raise Refused("“sql” must give one column without NULL")
    counts = re.match(r"select\s+count\s*\(\s*(?:\*|id)\s*\)", query.sql.strip(), re.IGNORECASE)
    if counts and values != [str(len(rows))]:
        raise Refused("“sql” counts other rows than “rows” gives")
    used = {int(n) for n in re.findall(r"\bc(\d+)[tnd]?\b", query.sql)}
    columns = tuple(sorted(c for c in used if c < len(table.columns)))
    names = " and ".join(named(table, c) for c in columns)
    said = "; ".join(map(printable, values))
    text = f"{said}: computed{f' from {names}' if names else ''} over {len(rows):,} of"
    text += f" {len(table.rows):,} rows by a query that a language model wrote."
    return Computed(
        text=text,
        values=tuple(values),
        cells=tuple((row, c) for row in rows for c in (columns or (table.key,))),
        rows=rows,
        columns=tuple(sorted({table.key, *columns})),
        warnings=(f"The query was written by {printable(model)}.", *left_out(table)),
    )


def _described(table: Table) -> str:
    lines = [f"{len(table.rows)} rows"]
    for at, column in enumerate(table.columns[:MOST_COLUMNS]):
        samples: dict[str, None] = {}
        for row in table.rows:
            value = row[at]
            if value and len(samples) < _SAMPLES:
                samples.setdefault(printable(value.text)[:_LONGEST_SAMPLE])
        lines.append(f"c{at} “{printable(column.name)[:80]}” ({column.kind}): {'; '.join(samples)}")
    return "\n".join(lines)
