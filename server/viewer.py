"""The page viewer: one source page with the cited words marked, without a script.

A pictured page is its picture with rectangles over the words; a flowed page is its text with the
words in `<mark>`. Every text is escaped, and the policy forbids everything but our own style sheet
and picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from server import doors, principals
from server.words import how_read
from store.errors import FootnoteError, NotFound
from store.models import Block, Document, Page
from store.states import described_by

POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)
_HEADERS = {"content-security-policy": POLICY, "cache-control": "private, no-store"}
_PICTURE_PX = 1200
_WIDTH = 1000.0
_MAX_SPANS = 200

Ranges = Sequence[tuple[int, int]]


def routes() -> list[Route]:
    """The viewer's routes; the style sheet comes before the page it could be taken for."""
    return [
        Route("/view/viewer.css", _style),
        Route("/view/{page_id:int}", _page),
        Route("/view/{page_id:int}/picture.png", _picture),
    ]


def parse_spans(text: str) -> Ranges:
    """`s-e,s-e` as ranges in order, merged where they overlap; anything else in it is left out."""
    found = re.findall(r"(?:^|,)(\d{1,9})-(\d{1,9})(?=,|$)", text)[:_MAX_SPANS]
    merged: list[tuple[int, int]] = []
    for start, end in sorted((int(s), int(e)) for s, e in found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return merged


def page_html(document: Document, page: Page, ranges: Ranges) -> str:
    """The whole page for a browser."""
    if page.described_by:
        body = _described(page, ranges)
    else:
        body = _pictured(page, ranges) if page.pictured else _flowed(page, ranges)
    label = f" · {escape(page.label)}" if page.label and not page.described_by else ""
    error = f'<p class="error">{escape(page.error)}</p>' if page.error else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(document.name)}, page {page.number}</title>"
        '<link rel="stylesheet" href="/view/viewer.css"></head><body>'
        f"<header><strong>{escape(document.name)}</strong>"
        f"<span>page {page.number} of {max(document.pages, page.number)}{label}</span>"
        f"<small>{escape(how_read(page))}</small></header>"
        f"<main>{error}{body}</main></body></html>"
    )


def _pictured(page: Page, ranges: Ranges) -> str:
    from store.boxes import highlight  # numpy; a server that must not start ends before it

    width, height = page.width or 612.0, page.height or 792.0
    tall = _WIDTH * height / width
    boxes = [box for start, end in ranges for box in highlight(page.boxes, start, end)]
    rects = "".join(
        f'<rect x="{x0 * _WIDTH - 3:.1f}" y="{y0 * tall - 2:.1f}" rx="3" '
        f'width="{(x1 - x0) * _WIDTH + 6:.1f}" height="{(y1 - y0) * tall + 4:.1f}"/>'
        for x0, y0, x1, y1 in boxes
    )
    # The anchor lies above the first box: a browser scrolls an anchor to the very top edge.
    first = min((box[1] for box in boxes), default=0.0) * tall
    anchor = f'<rect id="mark" class="anchor" x="0" y="{max(0, first - 80):.1f}"/>'
    quote = escape(" … ".join(page.text[start:end] for start, end in ranges))
    return (
        f'<svg viewBox="0 0 {_WIDTH:.0f} {tall:.1f}" role="img">'
        f"<title>{quote or escape(page.text[:300])}</title>"
        f'<image href="/view/{page.id}/picture.png?w={_PICTURE_PX}" '
        f'width="{_WIDTH:.0f}" height="{tall:.1f}"/>{rects}{anchor if boxes else ""}</svg>'
    )


def _described(page: Page, ranges: Ranges) -> str:
    """The page with the regions that a vision model was shown, and beside it the model's words."""
    said = escape(f"The words in this box: {described_by(page.described_by)}.")
    shown = ranges or [(0, len(page.text))]
    return (
        f'<div class="described">{_pictured(page, shown)}'
        f'<aside><p class="said">{said}</p>{_text(page, ranges)}</aside></div>'
    )


def _flowed(page: Page, ranges: Ranges) -> str:
    return _text(page, ranges).replace("<mark>", '<mark id="mark">', 1)


def _text(page: Page, ranges: Ranges) -> str:
    out: list[str] = []
    at = 0
    for block in page.blocks:
        if block.start < at:
            continue
        out.append(_paragraph("p", page.text, at, block.start, ranges))
        out.append(_block(block, page.text, ranges))
        at = block.end
    out.append(_paragraph("p", page.text, at, len(page.text), ranges))
    return "".join(out)


def _block(block: Block, text: str, ranges: Ranges) -> str:
    if block.kind == "table" and block.cells:
        return _table(block, text, ranges)
    if block.kind == "heading":
        tag = f"h{min(6, max(1, block.level) + 1)}"
        return _paragraph(tag, text, block.start, block.end, ranges)
    tag = "pre" if block.kind == "code" else "p"
    return _paragraph(tag, text, block.start, block.end, ranges)


def _table(block: Block, text: str, ranges: Ranges) -> str:
    rows: dict[int, list[str]] = {}
    at: dict[int, int] = {}
    for cell in sorted(block.cells, key=lambda c: (c.row, c.column)):
        tag = "th" if cell.header else "td"
        row = rows.setdefault(cell.row, [])
        # A gap in the numbering is one wide empty cell: a sheet may begin at its last column.
        if cell.column > at.get(cell.row, 0):
            row.append(f'<td colspan="{min(1000, cell.column - at.get(cell.row, 0))}"></td>')
        at[cell.row] = cell.column + 1
        row.append(f"<{tag}>{_marked(text, cell.start, cell.end, ranges)}</{tag}>")
    body = "".join(f"<tr>{''.join(cells)}</tr>" for _, cells in sorted(rows.items()))
    return f'<div class="table"><table>{body}</table></div>'


def _paragraph(tag: str, text: str, start: int, end: int, ranges: Ranges) -> str:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return f"<{tag}>{_marked(text, start, end, ranges)}</{tag}>" if end > start else ""


def _marked(text: str, start: int, end: int, ranges: Ranges) -> str:
    return "".join(
        f"<mark>{escape(piece)}</mark>" if inside else escape(piece)
        for piece, inside in _pieces(text, start, end, ranges)
    )


def _pieces(text: str, start: int, end: int, ranges: Ranges) -> Iterable[tuple[str, bool]]:
    at = start
    for first, last in ranges:
        first, last = max(first, at), min(last, end)
        if first < last:
            yield text[at:first], False
            yield text[first:last], True
            at = last
    yield text[at:end], False


async def _page(request: Request) -> Response:
    try:
        opened = doors.current()
        who = principals.of_request(request, opened.token)
        view = await run_in_threadpool(opened.library.page, who, request.path_params["page_id"])
    except FootnoteError as error:
        return _refusal(error)
    ranges = parse_spans(request.query_params.get("spans", ""))
    html = await run_in_threadpool(page_html, view.document, view.page, ranges)
    return HTMLResponse(html, headers=_HEADERS)


async def _picture(request: Request) -> Response:
    width = request.query_params.get("w", "")
    width_px = min(2400, max(100, int(width))) if re.fullmatch(r"\d{1,5}", width) else _PICTURE_PX
    try:
        opened = doors.current()
        who = principals.of_request(request, opened.token)
        png = await run_in_threadpool(
            opened.library.picture, who, request.path_params["page_id"], width_px
        )
    except FootnoteError as error:
        return _refusal(error)
    # A page never changes, but who may see it can: the browser alone may keep it, and not for long.
    headers = {**_HEADERS, "cache-control": "private, max-age=300"}
    return Response(png, media_type="image/png", headers=headers)


async def _style(request: Request) -> Response:
    return FileResponse(Path(__file__).with_name("viewer.css"), media_type="text/css")


def _refusal(error: FootnoteError) -> Response:
    status = 404 if isinstance(error, NotFound) else 422
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Footnote</title>'
        '<link rel="stylesheet" href="/view/viewer.css"></head>'
        f'<body><main><p class="error">{escape(str(error))}</p></main></body></html>'
    )
    return HTMLResponse(html, status, headers=_HEADERS)
