"""Texts of documents, models and people made harmless where Streamlit reads markdown.

`st.text` shows a text as it is and is what screens use. Labels, captions and messages are always
markdown: what goes into them goes through `inert` first.
"""

from __future__ import annotations

import re

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$&\"'^=:@/])")
# Streamlit's own replacements and bare addresses are found in the text after markdown is done, so
# a backslash does not stop them: an invisible word joiner in their middle does.
_AFTERWARDS = re.compile(
    r"(:(?=\S)|@(?=\w)|(?<=www)(?=\.)|(?<=-)(?=-|>)|(?<=<)(?=-|=)|(?<=[>=])(?==))", re.IGNORECASE
)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_JOINER = "\u2060"


def inert(text: str, longest: int | None = None) -> str:
    """`text` as markdown that shows as one line of plain text; cut at `longest` characters."""
    line = _CONTROLS.sub(" ", text).strip()
    if longest is not None and len(line) > longest:
        line = line[: longest - 1].rstrip() + "…"
    broken = _AFTERWARDS.sub(lambda found: found[1] + _JOINER, line)
    return _MARKDOWN.sub(r"\\\1", broken)
