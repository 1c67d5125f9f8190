"""Where links lead stands behind their words, unless that would bury the text."""

from __future__ import annotations

from pathlib import Path

import docx as python_docx
import pytest
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from ingestion.parsers.links import LONGEST, address
from tests import files
from tests.reading import pages

FORM = "https://intranet.example/forms/17?lang=en"
SHOWN = f"Fill in the form ({FORM}) today."


def linked_docx(path: Path) -> Path:
    document = python_docx.Document()
    paragraph = document.add_paragraph("Fill in ")
    relation = document.part.relate_to(FORM, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
    space = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    paragraph._p.append(
        parse_xml(
            f'<w:hyperlink {nsdecls("w")} {space} r:id="{relation}"><w:r><w:t>the </w:t></w:r>'
            "<w:r><w:t>form</w:t></w:r></w:hyperlink>"
        )
    )
    paragraph.add_run(" today.")
    document.save(str(path))
    return path


def test_every_kind_of_text_tells_where_its_links_lead(tmp_path: Path) -> None:
    anchor = f'<p>Fill in <a href="{FORM}">the form</a> today.</p>'
    odt = (
        '<text:p>Fill in <text:a xmlns:xlink="http://www.w3.org/1999/xlink"'
        f' xlink:href="{FORM}">the form</text:a> today.</text:p>'
    )
    made = {
        "docx": linked_docx(tmp_path / "a.docx"),
        "odf": files.odf(tmp_path / "a.odt", "text", odt),
        "html": files.html(tmp_path / "a.html", anchor),
        "markdown": files.markdown(tmp_path / "a.md", f"Fill in [the form]({FORM}) today.\n"),
        "email": files.eml(tmp_path / "a.eml", body="", html_body=anchor),
    }
    assert [kind for kind, path in made.items() if SHOWN not in pages(path, kind)[0].text] == []


@pytest.mark.parametrize(
    ("target", "said", "written"),
    [
        ("mailto:ines@example.com?subject=Hello", "write to us", "ines@example.com"),
        ("https://www.example.com/", "Example.com", ""),
        ("mailto:ines@example.com", "Ines <ines@example.com>", ""),
        ("/home.html", "Home", ""),
        ("#top", "up", ""),
        ("javascript:alert(1)", "click", ""),
        ("data:text/html,hello", "click", ""),
        ("https://example.com/" + "x" * LONGEST, "click", ""),
        ("https://example.com/a b", "click", ""),
        ("https://example.com/", " ", ""),
    ],
)
def test_only_addresses_that_the_words_do_not_tell_are_written(
    target: str, said: str, written: str
) -> None:
    assert address(target, said) == written


def test_a_page_that_is_mostly_links_is_left_as_it_looks(tmp_path: Path) -> None:
    links = "".join(f'<li><a href="https://example.com/{n}">Page {n}</a></li>' for n in range(40))
    (page,) = pages(files.html(tmp_path / "a.html", f"<ul>{links}</ul>"), "html")
    assert "Page 39" in page.text
    assert "https" not in page.text


def test_a_link_that_nobody_sees_is_not_written(tmp_path: Path) -> None:
    body = '<p>Seen<a hidden href="https://example.com/a">unseen</a></p>'
    (page,) = pages(files.html(tmp_path / "a.html", body), "html")
    assert page.text.strip() == "Seen"
