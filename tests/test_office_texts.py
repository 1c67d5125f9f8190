"""What must and must not come out of web pages, mails, tables and texts."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from ingestion.parsers.flow import Flow
from tests import files
from tests.reading import blocks, cells, headings, opened, pages


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_csv_cells_come_out_whatever_the_dialect(
    tmp_path: Path, separator: str, encoding: str
) -> None:
    rows = (("Name", "Prix", "Note"), ("Café", "1,5", "two\nlines"), ("Zoë", "2,5", ""), ("x",))
    path = files.csv(tmp_path / "a.csv", rows, separator, encoding)
    (page,) = pages(path, "csv")
    assert cells(page) == {
        (0, 0): "Name", (0, 1): "Prix", (0, 2): "Note", (1, 0): "Café", (1, 1): "1,5",
        (1, 2): "two lines", (2, 0): "Zoë", (2, 1): "2,5", (3, 0): "x",
    }  # fmt: skip
    assert [c.header for b in page.blocks for c in b.cells][:4] == [True, True, True, False]


PAGE = """
<nav>Menu</nav><h1>Title</h1><p>Some <b>bold</b>ness and<br>a break.</p>
<script>evil()</script><style>p{}</style><p hidden>unseen</p><p style="display:none">unseen</p>
<!-- unseen --><img src="http://example.com/x.png" alt="unseen"><template>unseen</template>
<ul><li>one<ul><li>deep</li></ul></li><li>two</li></ul><ol start="3"><li>three</li></ol>
<table><tr><th>Name</th><th colspan="2">Both</th></tr>
<tr><td rowspan="2">A</td><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></table>
<pre>  keep
    indent</pre><iframe src="file:///etc/passwd"></iframe>
"""


def test_html_gives_what_a_browser_shows(tmp_path: Path) -> None:
    path = files.html(tmp_path / "a.html", PAGE, title="The title")
    (page,) = pages(path, "html")
    assert "Some boldness and\na break." in page.text
    assert "unseen" not in page.text
    assert "evil" not in page.text
    assert blocks(page, "list") == ["- one\n  - deep\n- two\n3. three"]
    assert cells(page) == {
        (0, 0): "Name", (0, 1): "Both", (1, 0): "A", (1, 1): "1", (1, 2): "2",
        (2, 1): "3", (2, 2): "4",
    }  # fmt: skip
    assert blocks(page, "code") == ["  keep\n    indent"]
    assert opened(path, "html").info.title == "The title"


def test_markdown_reads_without_its_markup(tmp_path: Path) -> None:
    text = (
        "---\ntitle: Rules\ndate: 2024-01-02\n---\n# One\n\nSome *soft* [link](http://x.example) "
        "`code`.\n\n## Two\n\n- a\n- b\n\n| N | V |\n|---|---|\n| x | 1 |\n\n"
        "```py\nprint(1)\n```\n\n<script>evil()</script>\n"
    )
    path = files.markdown(tmp_path / "a.md", text)
    (page,) = pages(path, "markdown")
    assert headings(page) == [(1, "One"), (2, "Two")]
    assert "Some soft link (http://x.example) code." in page.text
    assert cells(page) == {(0, 0): "N", (0, 1): "V", (1, 0): "x", (1, 1): "1"}
    assert blocks(page, "code") == ["print(1)"]
    assert not set("*`#|[") & set(page.text)
    assert "evil" not in page.text
    info = opened(path, "markdown").info
    assert (info.title, info.date) == ("Rules", "2024-01-02")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_plain_text_is_canonical_whatever_its_encoding(tmp_path: Path, encoding: str) -> None:
    text = "INTRODUCTION\r\n\r\nCafe\u0301 costs 3.\x00\x07\r\nNext line.\r\n\r\nThe end — “so”."
    text = text.replace("e\u0301", "é") if encoding == "cp1252" else text
    text = text.replace("\x00", "") if encoding.startswith("utf-16") else text
    (page,) = pages(files.txt(tmp_path / "a.txt", text, encoding), "text")
    assert page.text == "INTRODUCTION\n\nCafé costs 3.\nNext line.\n\nThe end — “so”."
    assert headings(page) == [(1, "INTRODUCTION")]


def test_a_mail_opens_with_its_head_and_names_its_attachments(tmp_path: Path) -> None:
    attachment = files.txt(tmp_path / "plan.txt", "Rope and oil.")
    path = files.eml(
        tmp_path / "a.eml", "Überprüfung", "Plain body.", "<p>Rich body.</p>", attachment
    )
    file = opened(path, "email")
    page, plan = pages(path, "email")
    assert page.text.startswith(
        "Subject: Überprüfung\n\nFrom: ines@mast.example\nTo: jonas@mast.example\nDate: "
    )
    assert "Plain body." in page.text
    assert "Rich body." not in page.text
    assert blocks(page, "note") == ["Attachments: plan.txt"]
    assert (plan.text, plan.label, plan.flags) == (
        "Rope and oil.", "Attachment plan.txt", ("attachment",),
    )  # fmt: skip
    assert file.info.warnings == ()
    assert (file.info.title, file.info.date) == ("Überprüfung", "2024-06-03T09:30:00+00:00")


def test_a_mail_with_html_only_is_read(tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["Subject"] = "x"
    mail.set_content("<p>Hello <b>you</b></p><script>evil()</script>", subtype="html")
    (tmp_path / "a.eml").write_bytes(mail.as_bytes())
    (page,) = pages(tmp_path / "a.eml", "email")
    assert page.text.endswith("Hello you")


def test_a_very_long_table_goes_on_under_its_header_on_another_page() -> None:
    flow = Flow(max_page_chars=1000)
    flow.table([["Name", "Value"], *([f"row {i}", str(i)] for i in range(300))], 1)
    file = flow.finish()
    found = [file.page(n) for n in range(1, file.info.pages + 1)]
    assert len(found) > 2
    assert all(page.text.startswith("Name\tValue\n") for page in found)
    assert [v for p in found for (r, c), v in cells(p).items() if c == 1 and r] == [
        str(i) for i in range(300)
    ]
    assert "split into" in file.info.warnings[0]
