"""Computes answers from tables: counts, sums, extremes, comparisons and cells looked up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from llama_index.core.base.response.schema import StreamingResponse
from llama_index.core.schema import NodeWithScore
from llama_index.core.types import TokenGen

from retrieval.engines.base import Engine, near_pages, sources_of
from retrieval.llama import (
    END,
    REFUSAL,
    Asked,
    Draft,
    DraftTable,
    Outcome,
    computed,
    node_of,
    streaming,
)
from retrieval.sources import Piece, Source
from retrieval.tabular.compute import Computed, compute
from retrieval.tabular.database import TookTooLong
from retrieval.tabular.extract import tables_in
from retrieval.tabular.nearest import nearest_rows
from retrieval.tabular.plan import Plan, Unclear
from retrieval.tabular.table import Table, Value
from retrieval.tabular.understand import plan_of
from retrieval.tabular.wording import printable
from retrieval.tabular.written import written
from store.errors import ModelUnavailable
from store.models import Span

DEPTH = 40
"""Chunks searched for."""
MOST_ROWS = 50
"""Rows of a table that are shown."""
MOST_CITED = 12
"""Cells that the computed sentence itself cites; the table below it cites them all."""
NEAR_ROWS = 5
NOT_COMPUTED = "This could not be computed"


class Answered(NamedTuple):
    """`kind` is what was done, as of a plan."""

    table: Table
    result: Computed
    kind: str


class TablesEngine(Engine):
    """Rules make a plan, SQLite runs it; where they find none, a model may write the SQL.
    What is not clear is said, with the nearest rows.
    """

    def respond(self, asked: Asked) -> StreamingResponse:
        outcome = Outcome()
        nodes: list[NodeWithScore] = []
        return streaming("tables", self._tokens(asked, nodes, outcome), nodes, outcome)

    def _tokens(self, asked: Asked, nodes: list[NodeWithScore], outcome: Outcome) -> TokenGen:
        chunks = [hit.chunk for hit in self.search(asked, outcome, DEPTH)]
        tables = tables_in(self.tools.catalog, chunks)
        if not tables:
            sources, _ = sources_of(self.tools, chunks[:10])
            outcome.nearest = near_pages(sources)
            yield REFUSAL + END
            return
        try:
            table, result, _ = self.answer(asked, tables)
        except Unclear as reason:
            asking = self._asked_a_model(asked, tables[0], outcome)
            if asking is None:
                yield self._unclear(asked, tables[0], str(reason), nodes, outcome)
                return
            table, result = tables[0], asking
        for warning in result.warnings:
            outcome.warn(warning)
        cited = Cited(table, nodes)
        numbers = [cited.number(*place) for place in result.cells[:MOST_CITED]]
        outcome.table = cited.draft(result.rows, result.columns)
        yield computed(result.text, [n for n in numbers if n])

    def answer(self, asked: Asked, tables: Sequence[Table]) -> Answered:
        """The one table that the question can be computed over, with the result. Raises Unclear."""
        about_one = asked.document_ids is not None and len(asked.document_ids) == 1
        answers: list[Answered] = []
        reasons: list[str] = []
        for table in tables:
            try:
                plan = plan_of(asked.query_str, table, self._likeness, about_one)
                answers.append(Answered(table, _told(plan, compute(plan, table)), plan.kind))
            except Unclear as reason:
                reasons.append(str(reason))
            except TookTooLong:
                reasons.append("it takes too long")
        if not answers:
            raise Unclear(reasons[0])
        if len({answer.result.values for answer in answers}) > 1:
            names = dict.fromkeys(f"“{printable(answer.table.doc)}”" for answer in answers)
            where = " and ".join(names) if len(names) > 1 else "several tables"
            raise Unclear(f"{where} give different answers; please name one")
        return answers[0]

    def _asked_a_model(self, asked: Asked, table: Table, outcome: Outcome) -> Computed | None:
        """What a model's query gives; None where there is no model, or none that helps."""
        if self.tools.generator is None:
            return None
        try:
            result, outcome.model = written(self.tools.generator, asked, table)
        except ModelUnavailable as error:
            outcome.warn(f"No language model answered ({error}).")
            return None
        except Unclear:
            return None
        return result

    def _unclear(
        self,
        asked: Asked,
        table: Table,
        reason: str,
        nodes: list[NodeWithScore],
        outcome: Outcome,
    ) -> str:
        rows = nearest_rows(asked.query_str, table, NEAR_ROWS)
        cited = Cited(table, nodes)
        outcome.table = cited.draft(rows, range(min(len(table.columns), 8)))
        numbers = [cited.number(row, table.key) for row in rows]
        text = f"{NOT_COMPUTED}: {reason}. The nearest rows of “{printable(table.doc)}” follow."
        return computed(text, [n for n in numbers if n])

    def _likeness(self, word: str, others: Sequence[str]) -> list[float]:
        vectors = self.tools.embedder.embed([word, *others])
        return [float(value) for value in vectors[1:] @ vectors[0]]


def _told(plan: Plan, result: Computed) -> Computed:
    """The result with what was taken for granted said aloud."""
    if not plan.assumed:
        return result
    said = ", ".join(f"“{printable(word)}”" for word in plan.assumed)
    warning = f"Nothing in the table says {said}: all of it was taken to be about that."
    return result.model_copy(update={"warnings": (*result.warnings, warning)})


class Cited:
    """Gives each cell that is shown its node, once."""

    def __init__(self, table: Table, nodes: list[NodeWithScore]):
        self._table, self._nodes = table, nodes
        self._numbers: dict[tuple[int, int], int] = {}

    def number(self, row: int, column: int) -> int:
        """The cell's number among the nodes, from 1; 0 where it is empty."""
        value = self._table.rows[row][column]
        if value is None:
            return 0
        if (row, column) not in self._numbers:
            self._nodes.append(node_of(_source(self._table, value)))
            self._numbers[row, column] = len(self._nodes)
        return self._numbers[row, column]

    def draft(self, rows: Sequence[int], columns: Sequence[int]) -> DraftTable | None:
        if not rows:
            return None
        names = [printable(self._table.columns[c].name) or f"Column {c + 1}" for c in columns]
        draft = DraftTable(headings=tuple(names), left_out=max(0, len(rows) - MOST_ROWS))
        for row in rows[:MOST_ROWS]:
            draft.rows.append(tuple(self._cell(row, column) for column in columns))
        return draft

    def _cell(self, row: int, column: int) -> Draft:
        value = self._table.rows[row][column]
        return (printable(value.text), (self.number(row, column),)) if value else ("", ())


def _source(table: Table, value: Value) -> Source:
    span = Span(page_id=value.page_id, start=value.start, end=value.end)
    return Source(
        chunk_id=table.chunk_id,
        document_id=table.document_id,
        space=table.space,
        doc=table.doc,
        header="",
        section="",
        pieces=(Piece(span=span, page=value.page, text=value.text),),
    )
