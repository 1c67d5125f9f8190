"""Texts are shown as they are: none becomes markup, a picture, a link or an icon."""

import re

import pytest

from pages.parts.inert import inert

BACKSLASHED = re.compile(r"\\([!-/:-@\[-`{-~])")
JOINER = "\u2060"


@pytest.mark.parametrize(
    "hostile",
    [
        "![x](http://evil.example/x.png)",
        "<b>bold</b><img src=x onerror=alert(1)>",
        ":material/delete:",
        "$x^2$",
        "[a](javascript:alert(1))",
        ":red[danger] :blue-background[x]",
        "see http://evil.example/a and www.evil.example",
        "mail bob@evil.example",
        "# heading * list _x_ `code` ~~gone~~ | a | b |",
        ":smile: -> -- <- >= ==",
        "&lt;b&gt; \\[x\\]",
    ],
)
def test_what_streamlit_would_read_as_markup_is_escaped_and_reads_the_same(hostile: str):
    escaped = inert(hostile)
    assert BACKSLASHED.sub(r"\1", escaped).replace(JOINER, "") == hostile
    unescaped = re.sub(r"\\.", "", escaped)
    assert not re.search(r"[`*_\[\]<>$!#|~]", unescaped)


@pytest.mark.parametrize(
    ("text", "found_in_plain_text"),
    [
        ("http://evil.example", r"https?://"),
        ("HTTPS://evil.example", r"(?i)https?://"),
        ("WWW.evil.example", r"(?i)www\."),
        ("a@b.example", r"\w@\w"),
        (":material/home:", r":material/"),
        (":smile:", r":\w+:"),
    ],
)
def test_what_streamlit_looks_for_after_markdown_is_broken_up(text: str, found_in_plain_text: str):
    assert re.search(found_in_plain_text, text)
    shown = BACKSLASHED.sub(r"\1", inert(text))
    assert not re.search(found_in_plain_text, shown)


def test_text_becomes_one_line_without_controls_or_direction_changes():
    assert inert("one\ntwo\x00three\u202efour") == "one two three four"


def test_long_text_is_cut_with_an_ellipsis():
    assert inert("word " * 40, 20) == "word word word word…"
