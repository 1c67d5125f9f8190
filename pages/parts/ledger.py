"""The ledger of a document: a strip of its pages to look at, and a table to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from server import words

if TYPE_CHECKING:
    from store.catalog.ledger import LedgerCounts, LedgerLine

_COLOURS: dict[words.Reading, tuple[str, str]] = {
    "text": ("blue", "#1c83e1"),
    "ocr": ("green", "#21a361"),
    "poor": ("orange", "#ffa421"),
    "vision": ("violet", "#803df5"),
    "nothing": ("gray", "#a3a8b4"),
    "failed": ("red", "#ff4b4b"),
}
"""Streamlit's name of each colour, for the line that is the strip's legend, and the colour."""
_MANY = 400
_SQUARES: dict[bool, tuple[int, int]] = {False: (40, 14), True: (80, 8)}
"""Of few pages and of many: squares side by side, and the height of one in pixels."""
_AROUND_PX = 12
_TABLE_PX = 300


def strip(
    lines: Sequence[LedgerLine], opened: int, key: str, open_page: Callable[[int], None]
) -> None:
    """All pages as small squares in the colours of how they were read; a click opens one."""
    st.caption(said(lines))
    if len(lines) == 1:
        return
    across, square_px = _SQUARES[len(lines) > _MANY]
    rows = -(-len(lines) // across)
    used = dict.fromkeys(words.reading(line) for line in lines)
    domain = [r for r in words.READINGS if r in used]
    gaps = {"paddingInner": 0.15, "paddingOuter": 0}
    columns = {**gaps, "domain": list(range(across))}  # squares of one size, however few
    chart: dict[str, Any] = {
        "mark": {"type": "rect", "cornerRadius": 2},
        "params": [{"name": "page", "select": {"type": "point", "fields": ["page"]}}],
        "encoding": {
            "x": {"field": "column", "type": "ordinal", "axis": None, "scale": columns},
            "y": {"field": "row", "type": "ordinal", "axis": None, "scale": gaps},
            "color": {
                "field": "read",
                "type": "nominal",
                "scale": {
                    "domain": [words.READINGS[r] for r in domain],
                    "range": [_COLOURS[r][1] for r in domain],
                },
                "legend": None,
            },
            "opacity": {"condition": {"test": "datum.open", "value": 1}, "value": 0.5},
            "tooltip": [{"field": "page", "title": "Page"}, {"field": "said", "title": "Read"}],
        },
        "padding": 0,
        "config": {"view": {"stroke": None}, "background": "transparent"},
    }
    data = {
        "page": [line.page for line in lines],
        "column": [i % across for i in range(len(lines))],
        "row": [i // across for i in range(len(lines))],
        "read": [words.READINGS[words.reading(line)] for line in lines],
        "said": [words.how_read(line) for line in lines],
        "open": [line.page == opened for line in lines],
    }

    def chosen() -> None:
        points = st.session_state[key]["selection"]["page"]
        if points:
            open_page(int(points[0]["page"]))

    st.vega_lite_chart(
        data,
        chart,
        width="stretch",
        height=rows * square_px + _AROUND_PX,
        key=key,
        on_select=chosen,
        selection_mode="page",
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

    columns: dict[str, list] = {
        "Page": [line.page for line in shown],
        "How it was read": [words.how(line.how) for line in shown],
        "Remarks": [_remarks(line) for line in shown],
        "Words": [line.words for line in shown],
        "Quality": [line.quality for line in shown],
        "Confidence": [line.confidence for line in shown],
    }
    st.dataframe(
        {name: values for name, values in columns.items() if any(v is not None for v in values)},
        key=key,
        hide_index=True,
        height=min(_TABLE_PX, 38 + 35 * len(shown)),
        on_select=chosen,
        selection_mode="single-row",
        column_config={
            "Page": st.column_config.NumberColumn(width=50),
            "How it was read": st.column_config.TextColumn(width=150),
            "Remarks": st.column_config.TextColumn(width=170),
            "Words": st.column_config.NumberColumn(width=60),
            "Quality": st.column_config.NumberColumn(format="percent", width=70),
            "Confidence": st.column_config.NumberColumn(format="percent", width=90),
        },
    )


def said(lines: Sequence[LedgerLine]) -> str:
    """The strip in words, and its legend: “12 pages: ■ 9 text of the file, ■ 1 failed”."""
    counted: dict[words.Reading, int] = dict.fromkeys(words.READINGS, 0)
    for line in lines:
        counted[words.reading(line)] += 1
    parts = [
        f":{_COLOURS[r][0]}[■] {n} {_inside(words.READINGS[r])}" for r, n in counted.items() if n
    ]
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
