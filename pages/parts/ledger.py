"""The ledger of a document: a strip of its pages to look at, and a table to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.parts.inert import inert
from server import words

if TYPE_CHECKING:
    from store.catalog.ledger import LedgerCounts, LedgerLine

_COLOURS: dict[words.Reading, str] = {
    "text": "#2f6fdb",
    "ocr": "#2a9d6f",
    "poor": "#e59b22",
    "vision": "#8d5bd1",
    "nothing": "#a9adb5",
    "failed": "#cf3b3b",
}
_ACROSS = 50
_TABLE_PX = 300


def strip(lines: Sequence[LedgerLine], key: str, open_page: Callable[[int], None]) -> None:
    """All pages as small squares in the colours of how they were read; a click opens one."""
    st.caption(inert(said(lines)))
    across = min(_ACROSS, len(lines))
    rows = -(-len(lines) // across)
    used = dict.fromkeys(words.reading(line) for line in lines)
    domain = [r for r in words.READINGS if r in used]
    chart: dict[str, Any] = {
        "mark": {"type": "rect", "cornerRadius": 2, "stroke": "#8888", "strokeWidth": 0.5},
        "params": [{"name": "page", "select": {"type": "point", "fields": ["page"]}}],
        "encoding": {
            "x": {"field": "column", "type": "ordinal", "axis": None},
            "y": {"field": "row", "type": "ordinal", "axis": None},
            "color": {
                "field": "read",
                "type": "nominal",
                "scale": {
                    "domain": [words.READINGS[r] for r in domain],
                    "range": [_COLOURS[r] for r in domain],
                },
                "legend": {"title": None, "orient": "bottom", "columns": 3},
            },
            "opacity": {"condition": {"param": "page", "value": 1}, "value": 0.35},
            "tooltip": [{"field": "page", "title": "Page"}, {"field": "said", "title": "Read"}],
        },
        "height": {"step": 16} if rows > 1 else 22,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": 0,
        "config": {"view": {"stroke": None}, "background": "transparent"},
    }
    data = [
        {
            "page": line.page,
            "column": i % across,
            "row": i // across,
            "read": words.READINGS[words.reading(line)],
            "said": words.how_read(line),
        }
        for i, line in enumerate(lines)
    ]

    def chosen() -> None:
        points = st.session_state[key]["selection"]["page"]
        if points:
            open_page(int(points[0]["page"]))

    st.vega_lite_chart(
        {"values": data}, chart, width="stretch", key=key, on_select=chosen, selection_mode="page"
    )


def table(lines: Sequence[LedgerLine], key: str, open_page: Callable[[int], None]) -> None:
    """A line a page; a click on one opens it."""
    doubtful = [line for line in lines if words.doubtful(line)]
    only = st.toggle(
        f"Only pages with problems ({len(doubtful)})", key=f"{key}-only", disabled=not doubtful
    )
    shown = doubtful if only and doubtful else lines

    def chosen() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows:
            open_page(shown[rows[0]].page)

    st.dataframe(
        {
            "Page": [line.page for line in shown],
            "How it was read": [words.how(line.how) for line in shown],
            "Words": [line.words for line in shown],
            "Confidence": [line.confidence for line in shown],
            "Quality": [line.quality for line in shown],
            "Remarks": [_remarks(line) for line in shown],
        },
        key=key,
        hide_index=True,
        height=min(_TABLE_PX, 38 + 35 * len(shown)),
        on_select=chosen,
        selection_mode="single-row",
        column_config={
            "Page": st.column_config.NumberColumn(width=50),
            "Words": st.column_config.NumberColumn(width=60),
            "Confidence": st.column_config.NumberColumn(format="percent", width=80),
            "Quality": st.column_config.NumberColumn(format="percent", width=70),
        },
    )


def said(lines: Sequence[LedgerLine]) -> str:
    """The strip in words: “12 pages: 9 text of the file, 2 OCR, 1 failed”."""
    counted: dict[words.Reading, int] = dict.fromkeys(words.READINGS, 0)
    for line in lines:
        counted[words.reading(line)] += 1
    parts = [f"{n} {_inside(words.READINGS[r])}" for r, n in counted.items() if n]
    noun = "page" if len(lines) == 1 else "pages"
    return f"{len(lines)} {noun}: {', '.join(parts)}"


def counts(of: LedgerCounts) -> None:
    """How the pages of all documents were read."""
    lines = ["| Pages | How they were read |", "| ---: | --- |"]
    lines += [f"| {n} | {words.how(how)} |" for how, n in sorted(of.how.items())]
    lines += [f"| {of.poor} | of these, read poorly |", f"| **{of.pages}** | **all** |"]
    st.markdown("\n".join(lines))


def _remarks(line: LedgerLine) -> str:
    described = "a vision model described it" if line.described else ""
    return "; ".join(x for x in (line.error or "", words.flags(line), described) if x)


def _inside(phrase: str) -> str:
    """A phrase within a sentence; OCR stays OCR."""
    return phrase if phrase.isupper() else phrase[0].lower() + phrase[1:]
