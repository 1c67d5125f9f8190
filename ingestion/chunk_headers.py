"""The header of a chunk: name, title, section and date, bounded in tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import PurePath

CountTokens = Callable[[Sequence[str]], list[int]]


class Headers:
    """The line in front of a chunk: what the document is, which section, which date.

    Format: `name. title. section › section. date`, each only where known, in at most `limit`
    tokens; outer sections are left out first, then words from the end. A change of the format
    changes `ingestion.chunking.CHUNKER`.
    """

    def __init__(
        self,
        title: str | None,
        name: str,
        date: str | None,
        count_tokens: CountTokens,
        limit: int,
    ):
        self._count = count_tokens
        self._limit = limit
        stem = re.sub(r"[_\s]+", " ", PurePath(name).stem).strip()
        shown = re.sub(r"\s+", " ", title or "").strip()
        self._day = (date or "")[:10]
        self._title = _folded(shown)
        told = self._title in _folded(stem)
        self._name = self._cut(stem, limit // 2)
        self._document = self._name if told else self._cut(f"{stem}. {shown}", limit // 2)
        self._known: dict[tuple[str, ...], tuple[str, int]] = {}

    def learn(self, sections: set[tuple[str, ...]]) -> None:
        """Measures the headers of sections not met before, in one call."""
        new = [section for section in sorted(sections) if section not in self._known]
        if not new:
            return
        full = [self._joined(section) for section in new]
        for section, header, count in zip(new, full, self._count(full), strict=True):
            fits = count <= self._limit
            self._known[section] = (header, count) if fits else self._shortened(section)

    def of(self, section: tuple[str, ...]) -> tuple[str, int]:
        """(header, its tokens)."""
        return self._known[section]

    def _shortened(self, section: tuple[str, ...]) -> tuple[str, int]:
        around = self._count([self._joined(("x",))])[0]
        for outer in range(1, len(section)):
            header = self._joined(section[outer:])
            count = self._count([header])[0]
            if count <= self._limit:
                return header, count
        last = self._cut(section[-1] if section else "", self._limit - around)
        header = self._joined((last,))
        count = self._count([header])[0]
        if count <= self._limit:
            return header, count
        header = self._cut(header, self._limit)
        return header, self._count([header])[0]

    def _joined(self, section: tuple[str, ...]) -> str:
        # Where the document's title is its first heading, once is enough.
        twice = bool(section) and _folded(section[0]) == self._title
        parts = (self._name if twice else self._document, " › ".join(section), self._day)
        return ". ".join(part.rstrip(".") for part in parts if part)

    def _cut(self, text: str, limit: int) -> str:
        """The first words of `text` that take at most `limit` tokens."""
        words = text.split()
        if not words:
            return ""
        total = 0
        kept = []
        for word, count in zip(words, self._count(words), strict=True):
            total += count
            if total > limit:
                break
            kept.append(word)
        return " ".join(kept)


def _folded(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()
