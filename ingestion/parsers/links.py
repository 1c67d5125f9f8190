"""Where links lead, written behind their words: "the form (https://intranet/form)".

A reader of the text alone would never learn it, and nobody can ask for it. Pages that are mostly
links are left as they look, and what a link does to a browser is nobody's text: only addresses of
the web and of mail are written, and none so long that it must be carrying something.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

LONGEST = 120
ALWAYS, CHARACTERS_EACH = 12, 250
"""So many links a page may always have, and further ones where there is as much text for each."""

_SHOWN = re.compile(r"(?:https?|ftp)://[^\s<>\"]+|mailto:[^\s<>\"]+@[^\s<>\"]+", re.IGNORECASE)
_PREFIX = re.compile(r"^(?:https?://(?:www\.)?|ftp://|mailto:)", re.IGNORECASE)

Link = tuple[Any, str, str]
"""Its lxml element, its target, its words."""


def to_be_written(links: Iterable[Link], characters: int) -> list[tuple[Any, str]]:
    """Elements with what stands behind their words; `characters` are those of the whole text."""
    found = [(link, f" ({to})") for link, target, said in links if (to := address(target, said))]
    return found if len(found) <= max(ALWAYS, characters // CHARACTERS_EACH) else []


def address(target: str, said: str) -> str:
    """Where it leads; "" where the words `said` tell already, or it is nothing to be written."""
    target = target.strip()
    if not said.strip() or len(target) > LONGEST or not _SHOWN.fullmatch(target):
        return ""
    bare = _PREFIX.sub("", target).partition("?")[0].rstrip("/").lower()
    if bare in said.lower():
        return ""
    return target.partition("?")[0][len("mailto:") :] if target[:7].lower() == "mailto:" else target
