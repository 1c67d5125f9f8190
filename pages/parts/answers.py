"""A turn of a conversation as widgets: sentences with their footnotes, sources, warnings."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import streamlit as st

from pages.parts import marks, source, trace
from pages.parts.inert import inert
from store.models import (
    CELLS_APART,
    Answer,
    AnswerCell,
    AnswerTable,
    Citation,
    NearPage,
    Sentence,
    Turn,
)
from store.redaction import DELETED
from store.states import described_by

_DOUBTED = "not confirmed: compare with the source"
_COMPARE = "This could not be confirmed. Read the source: it may say something else."
_UNSUPPORTED = "not supported by the sources"
_SHOWN_ROWS = 40


def show_turn(turn: Turn) -> None:
    """The answer as far as it has come, and how it ended."""
    answer = turn.answer
    if answer.rewritten and answer.rewritten != answer.question:
        st.caption(f"Understood as: {inert(answer.rewritten)}")
    if answer.refused:
        _refusal(turn.id, answer)
    else:
        _sentences(turn.id, answer)
        if answer.table and turn.state != "running":
            _table(turn.id, answer.table, {c.n: c for c in answer.citations})
    for warning in answer.warnings:
        st.warning(inert(warning), icon=":material/info:")
    if turn.state == "cancelled":
        st.caption("Stopped. The answer is as far as it had come.")
    elif turn.state == "failed":
        st.error("This answer could not be completed. Ask again.")
    elif turn.state == "done" and not answer.refused:
        _sources(turn.id, answer)
    if answer.route_reason and turn.state != "running":
        st.caption(f"{answer.route.capitalize()}: {inert(answer.route_reason, 200)}")
    if turn.state == "done":
        marks.show_marks(turn.id)
        trace.show(turn.id, answer)


def _sentences(turn_id: str, answer: Answer) -> None:
    citations = {c.n: c for c in answer.citations}
    with st.container(key=f"answer-{turn_id}", gap="small"):
        for heading, of in groupby(enumerate(answer.sentences), lambda item: _heading(item[1])):
            told = list(of)
            if heading:
                _rows(f"{turn_id}-{told[0][0]}", heading, [s for _, s in told], citations)
                continue
            for i, sentence in told:
                _sentence(turn_id, i, sentence, citations)


def _heading(sentence: Sentence) -> str:
    """The heading of a quoted row of a table, "" of another sentence."""
    heading, _, row = sentence.text.partition("\n")
    quoted = sentence.supported and not sentence.computed and len(sentence.citations) == 1
    cells = heading.count(CELLS_APART)
    return heading if quoted and cells and cells == row.count(CELLS_APART) else ""


def _rows(key: str, heading: str, rows: Sequence[Sentence], citations: dict[int, Citation]) -> None:
    """Quoted rows under their one heading."""
    cells = [
        [AnswerCell(text=cell) for cell in row.text.partition("\n")[2].split(CELLS_APART)]
        for row in rows
    ]
    for row, of in zip(rows, cells, strict=True):
        of[-1] = AnswerCell(text=of[-1].text, citations=row.citations)
    headings = tuple(heading.split(CELLS_APART))
    _table(key, AnswerTable(headings=headings, rows=tuple(map(tuple, cells))), citations)


def _sentence(turn_id: str, i: int, sentence: Sentence, citations: dict[int, Citation]) -> None:
    with st.container(horizontal=True, gap="xsmall", key=f"sentence-{turn_id}-{i}"):
        st.text(sentence.text)
        for n in sentence.citations:
            if n in citations:
                _footnote(f"foot-{turn_id}-{i}-{n}", citations[n])
        if sentence.computed:
            st.badge("computed", icon=":material/calculate:", color="gray")
        if sentence.doubted:
            st.badge(_DOUBTED, icon=":material/compare:", color="yellow", help=_COMPARE)
        elif not sentence.supported and not sentence.deleted:
            st.badge(_UNSUPPORTED, icon=":material/warning:", color="orange")


def _table(turn_id: str, table: AnswerTable, citations: dict[int, Citation]) -> None:
    """A row of widgets each: a cell is read beside its footnotes."""
    with st.container(border=True, key=f"table-{turn_id}", gap="xsmall"):
        widths = _widths(table)
        for place, heading in zip(st.columns(widths), table.headings, strict=True):
            place.markdown(f"**{inert(heading)}**")
        for r, row in enumerate(table.rows[:_SHOWN_ROWS]):
            for c, (place, cell) in enumerate(zip(st.columns(widths), row, strict=True)):
                with place.container(horizontal=True, gap="xsmall"):
                    st.text(cell.text)
                    for n in cell.citations:
                        if n in citations:
                            _footnote(f"cell-{turn_id}-{r}-{c}-{n}", citations[n])
        more = table.left_out + max(0, len(table.rows) - _SHOWN_ROWS)
        if more:
            st.caption(f"{more} more rows are not shown here.")


def _widths(table: AnswerTable) -> list[int]:
    """Of the columns, in proportion: a page's number needs less room than a sentence."""
    columns = zip(table.headings, *([c.text for c in row] for row in table.rows), strict=True)
    return [min(40, max(8, *map(len, column))) for column in columns]


def _footnote(key: str, citation: Citation) -> None:
    if citation.deleted:
        st.badge(f"{citation.n} {DELETED}", icon=source.GONE, color="gray")
        return
    note = source.note_of(citation)
    where = f"{inert(citation.doc, 80)}, page {citation.page}"
    _opens(
        key,
        f":blue[\\[{citation.n}\\]]",
        source.of_citation(citation),
        icon=source.VISION if note else None,
        help=f"{where}: {inert(note)}" if note else where,
    )


def _sources(turn_id: str, answer: Answer) -> None:
    """What the sentences cite; a table's cells have their footnotes beside them."""
    used = {n for sentence in answer.sentences for n in sentence.citations}
    with st.container(key=f"sources-{turn_id}", gap="xsmall"):
        for citation in answer.citations:
            if citation.n in used and citation.deleted:
                st.caption(f"{source.GONE} \\[{citation.n}\\] {DELETED}")
            elif citation.n in used:
                where = f"{inert(citation.doc, 60)}, page {citation.page}"
                label = f":blue[\\[{citation.n}\\]] {where}"
                _opens(f"source-{turn_id}-{citation.n}", label, source.of_citation(citation))
                note = source.note_of(citation)
                if note:
                    st.caption(f"{source.VISION} {inert(note)}")
    st.caption(_made_by(answer))


def _opens(
    key: str, label: str, opened: source.Source, icon: str | None = None, help: str | None = None
) -> None:
    """A button that opens a source. It may stand in a fragment, the source does not: run it all."""
    if st.button(label, key=key, help=help, icon=icon, type="tertiary"):
        source.open_source(opened)
        st.rerun()


def _made_by(answer: Answer) -> str:
    if answer.model:
        how = f"Written by {inert(answer.model, 60)}"
        for model in dict.fromkeys(s.confirmed_by for s in answer.sentences if s.confirmed_by):
            how += f", compared with the sources by {inert(model, 60)}"
    elif any(sentence.computed for sentence in answer.sentences):
        how = "Computed from the documents"
    else:
        how = "Quotes from the documents"
    if not answer.model and any(source.note_of(c) for c in answer.citations):
        how += " and a vision model's descriptions"
    took = f"{answer.ms} ms" if answer.ms < 1000 else f"{answer.ms / 1000:.1f} s"
    return f"{how} · {took}"


def _refusal(turn_id: str, answer: Answer) -> None:
    st.text("The documents do not say.")
    if not answer.nearest:
        return
    st.caption("The nearest pages:")
    with st.container(key=f"nearest-{turn_id}", gap="xsmall"):
        for i, near in enumerate(answer.nearest):
            label = f"{inert(near.doc, 60)}, page {near.page}"
            icon = source.VISION if near.described_by else ":material/description:"
            _opens(f"near-{turn_id}-{i}", label, _near(near), icon)


def _near(near: NearPage) -> source.Source:
    note = described_by(near.described_by) if near.described_by else None
    return source.Source("Nearest page", source.address(near.page_id), note)
