"""What must and must not come out of OpenDocument texts, sheets and slides."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.parsers.kinds import sniff
from store.errors import Unreadable
from tests import files
from tests.reading import blocks, cells, headings, opened, pages

LISTS = """
<text:list-style style:name="L1">
<text:list-level-style-number text:level="1" style:num-format="1" style:num-suffix="."
/><text:list-level-style-number text:level="2" style:num-format="a" style:num-suffix=")"/>
</text:list-style>
<style:style style:name="P1" style:parent-style-name="Title"/>
<style:style style:name="gone"><style:table-properties table:display="false"/></style:style>
<style:style style:name="dark"><style:p presentation:visibility="hidden"/></style:style>
"""
TEXT = """
<text:tracked-changes><text:p>deleted words</text:p></text:tracked-changes>
<text:p text:style-name="P1">Rules of the mast</text:p>
<text:h text:outline-level="2">Climbing</text:h>
<text:p>Two<text:s text:c="2"/>hands<text:note text:note-class="footnote"><text:note-citation>1
</text:note-citation><text:note-body><text:p>Three in rain.</text:p></text:note-body></text:note>,
one<office:annotation><dc:creator>Ines</dc:creator><text:p>Really?</text:p></office:annotation>
rope.<draw:frame><draw:text-box><text:p>In a box</text:p></draw:text-box></draw:frame></text:p>
<text:list text:style-name="L1"><text:list-item><text:p>First</text:p><text:list><text:list-item>
<text:p>Inner</text:p></text:list-item></text:list></text:list-item>
<text:list-item><text:p>Second</text:p></text:list-item></text:list>
<table:table><table:table-header-rows><table:table-row>
<table:table-cell><text:p>Grade</text:p></table:table-cell>
<table:table-cell><text:p>Days</text:p></table:table-cell></table:table-row>
</table:table-header-rows><table:table-row><table:table-cell><text:p>A</text:p></table:table-cell>
<table:table-cell><text:p>25</text:p></table:table-cell></table:table-row></table:table>
"""


def test_an_opendocument_text_gives_all_that_is_seen(tmp_path: Path) -> None:
    path = files.odf(tmp_path / "a.odt", "text", TEXT, LISTS)
    assert sniff(path, "a") == "odf"
    (page,) = pages(path, "odf")
    assert headings(page) == [(1, "Rules of the mast"), (2, "Climbing")]
    assert "Two  hands, one rope." in page.text
    assert "deleted" not in page.text
    assert blocks(page, "note") == ["Footnote: Three in rain.", "Comment by Ines: Really?"]
    assert "In a box" in blocks(page, "paragraph")
    assert blocks(page, "list") == ["1. First\n  a) Inner\n2. Second"]
    assert cells(page) == {(0, 0): "Grade", (0, 1): "Days", (1, 0): "A", (1, 1): "25"}
    assert [c.header for b in page.blocks for c in b.cells] == [True, True, False, False]


SHEETS = """
<table:table table:name="Sales"><table:table-row table:number-rows-repeated="3"/>
<table:table-row><table:table-cell table:number-columns-repeated="2"/>
<table:table-cell><text:p>Region</text:p></table:table-cell>
<table:table-cell><text:p>Amount</text:p></table:table-cell></table:table-row>
<table:table-row><table:table-cell table:number-columns-repeated="2"/>
<table:table-cell><text:p>North</text:p></table:table-cell>
<table:table-cell><text:p>1,234.50</text:p></table:table-cell></table:table-row>
<table:table-row table:number-rows-repeated="1048570"><table:table-cell
table:number-columns-repeated="16384"/></table:table-row></table:table>
<table:table table:name="Secret" table:style-name="gone"><table:table-row>
<table:table-cell><text:p>alone</text:p></table:table-cell></table:table-row></table:table>
"""


def test_a_sheet_keeps_its_rows_and_columns(tmp_path: Path) -> None:
    path = files.odf(tmp_path / "a.ods", "spreadsheet", SHEETS, LISTS)
    sales, secret = pages(path, "odf")
    assert (sales.label, secret.label, secret.flags) == ("Sales", "Secret", ("hidden",))
    assert cells(sales) == {
        (3, 2): "Region", (3, 3): "Amount", (4, 2): "North", (4, 3): "1,234.50",
    }  # fmt: skip


SLIDES = """
<draw:page draw:style-name="dark"><draw:frame presentation:class="title"><draw:text-box>
<text:p>Plan</text:p></draw:text-box></draw:frame><draw:frame><draw:text-box><text:list>
<text:list-item><text:p>Count swans</text:p></text:list-item></text:list></draw:text-box>
</draw:frame><draw:frame><draw:image xlink:href="Pictures/p.png"/></draw:frame>
<presentation:notes><draw:frame presentation:class="notes"><draw:text-box>
<text:p>Say it slowly</text:p></draw:text-box></draw:frame></presentation:notes></draw:page>
"""


def test_a_slide_is_a_page_with_its_notes_and_pictures(tmp_path: Path) -> None:
    scan = files.picture(tmp_path / "p.png", "Words on a slide").read_bytes()
    path = files.odf(tmp_path / "a.odp", "presentation", SLIDES, LISTS, **{"Pictures__p.png": scan})
    slide, picture = pages(path, "odf")
    assert (slide.label, slide.flags) == ("Plan", ("hidden",))
    assert blocks(slide, "list") == ["- Count swans"]
    assert blocks(slide, "note") == ["Notes: Say it slowly"]
    assert (picture.label, picture.text) == ("Slide 1 › Picture 1", "Words on a slide")


def test_a_locked_opendocument_is_refused_with_advice(tmp_path: Path) -> None:
    manifest = (
        b'<m:manifest xmlns:m="x"><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>'
    )
    path = files.odf(tmp_path / "a.odt", "text", "", **{"META-INF__manifest.xml": manifest})
    with pytest.raises(Unreadable, match="needs a password"):
        pages(path, "odf")


def test_rows_that_repeat_a_million_times_are_not_all_read(tmp_path: Path) -> None:
    row = (
        '<table:table-row table:number-rows-repeated="1048576"><table:table-cell '
        'table:number-columns-repeated="16384"><text:p>x</text:p></table:table-cell>'
        "</table:table-row>"
    )
    body = f'<table:table table:name="Big">{row * 3}</table:table>'
    path = files.odf(tmp_path / "a.ods", "spreadsheet", body)
    found = pages(path, "odf")
    assert sum(len(cells(page)) for page in found) <= 60_000


def test_deep_nesting_ends(tmp_path: Path) -> None:
    body = "<text:list><text:list-item>" * 120 + "<text:p>x</text:p>"
    body += "</text:list-item></text:list>" * 120
    (page,) = pages(files.odf(tmp_path / "a.odt", "text", body), "odf")
    assert page.how == "nothing"


SHAPES = """
<draw:page><draw:circle><text:p>Round</text:p></draw:circle><draw:g><draw:caption>
<text:p>Says the bird</text:p></draw:caption><draw:g>
<draw:regular-polygon><text:p>Six sides</text:p>
</draw:regular-polygon></draw:g></draw:g><draw:polyline><text:p>Along</text:p></draw:polyline>
<office:forms><text:p>no</text:p></office:forms></draw:page>
"""


def test_text_in_shapes_of_any_kind_is_read(tmp_path: Path) -> None:
    (slide,) = pages(files.odf(tmp_path / "a.odp", "presentation", SHAPES), "odf")
    assert blocks(slide, "paragraph") == ["Round", "Says the bird", "Six sides", "Along"]
    body = "<text:p>See<draw:circle><text:p>Round</text:p></draw:circle></text:p>"
    (page,) = pages(files.odf(tmp_path / "a.odt", "text", body), "odf")
    assert blocks(page, "paragraph") == ["See", "Round"]
    shapes = "<draw:caption><text:p>Over the sheet</text:p></draw:caption>"
    shapes = f"<table:shapes>{shapes}</table:shapes>"
    body = f'<table:table table:name="A">{shapes}{_row("x")}</table:table>'
    (sheet,) = pages(files.odf(tmp_path / "a.ods", "spreadsheet", body), "odf")
    assert "Over the sheet" in sheet.text


def test_numbered_paragraphs_are_items(tmp_path: Path) -> None:
    item = '<text:numbered-paragraph text:list-id="l" text:style-name="L1" text:level="{}">'
    item += "<text:p>{}</text:p></text:numbered-paragraph>"
    said = ((1, "One"), (2, "Inner"), (2, "Next"), (1, "Two"))
    body = "".join(item.format(*each) for each in said)
    (page,) = pages(files.odf(tmp_path / "a.odt", "text", body, LISTS), "odf")
    assert blocks(page, "list") == ["1. One\n  a) Inner\n  b) Next\n2. Two"]


def _row(text: str, repeats: int = 1) -> str:
    return (
        f'<table:table-row table:number-rows-repeated="{repeats}"><table:table-cell><text:p>{text}'
        "</text:p></table:table-cell></table:table-row>"
    )


def test_rows_that_repeat_are_read_or_said_not_to_be(tmp_path: Path) -> None:
    body = f'<table:table table:name="Log">{_row("calm", 3000)}{_row("storm")}</table:table>'
    file = opened(files.odf(tmp_path / "a.ods", "spreadsheet", body), "odf")
    assert (len(cells(file.page(1))), file.info.unread, file.info.warnings) == (3001, 0, ())
    body = f'<table:table table:name="Log">{_row("calm", 90000) * 9}{_row("storm")}</table:table>'
    file = opened(files.odf(tmp_path / "b.ods", "spreadsheet", body), "odf")
    assert file.info.unread == 1
    assert "sheet Log was read" in file.info.warnings[0]
    assert "storm" in file.page(file.info.pages).text


def test_what_lies_too_deep_is_told(tmp_path: Path) -> None:
    body = "<text:section>" * 120 + "<text:p>x</text:p>" + "</text:section>" * 120
    file = opened(files.odf(tmp_path / "a.odt", "text", body), "odf")
    assert file.info.unread == 1
    assert "deep was not read" in file.info.warnings[0]
