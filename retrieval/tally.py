"""What looking at every page for a term counts, and how that is said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from retrieval.occurrences import Occurrence, Term, occurrences
from retrieval.sources import one_line
from store.catalog.scanning import PageText, ScannedDocument
from store.models import POOR_QUALITY
from store.sentences import sentences

MOST_ROWS = 200
LONGEST_ROW = 300
"""Characters of the words shown around a place."""
MOST_FORMS = 6


class Place(NamedTuple):
    """One occurrence on a page of a document."""

    document: ScannedDocument
    page: PageText
    found: Occurrence


@dataclass
class Tally:
    """What a scan counts; `places` are the first MOST_ROWS of `count`."""

    count: int = 0
    pages: int = 0
    documents: int = 0
    searched_pages: int = 0
    searched_documents: int = 0
    poor_pages: int = 0
    forms: Counter[str] = field(default_factory=Counter)
    otherwise: Counter[str] = field(default_factory=Counter)
    places: list[Place] = field(default_factory=list)
    timed_out: bool = False


def count_in(
    term: Term, document: ScannedDocument, pages: Sequence[PageText], tally: Tally
) -> None:
    """Add what the pages of a document hold; those that could not be read are not counted."""
    before = tally.count
    tally.searched_documents += 1
    for page in pages:
        if page.how == "failed":
            continue
        tally.searched_pages += 1
        tally.poor_pages += page.quality is not None and page.quality < POOR_QUALITY
        here = 0
        for found in occurrences(term, page.text, document.language):
            if term.exact and found.form != term.text:
                tally.otherwise[found.form] += 1
                continue
            here += 1
            tally.forms[found.form] += 1
            if len(tally.places) < MOST_ROWS:
                tally.places.append(Place(document, page, found))
        tally.count += here
        tally.pages += here > 0
    tally.documents += tally.count > before


def around(text: str, start: int, end: int) -> tuple[int, int]:
    """The sentence that holds [start, end), or so many words of it as a row has room for."""
    held = [(a, b) for a, b in _sentences(text) if a < end and b > start]
    first, last = (held[0][0], held[-1][1]) if held else (start, end)
    if last - first <= LONGEST_ROW:
        return min(first, start), max(last, end)
    room = max(0, LONGEST_ROW - (end - start)) // 2
    if start - room > first:
        first = start - room
        # To the beginning of a word: what stands before the first space is half of one.
        space = next((i for i in range(first, start) if text[i].isspace()), start - 1)
        first = space + 1
    if end + room < last:
        last = next((i for i in range(end + room, end, -1) if text[i].isspace()), end)
    piece = text[first:last]
    return first + len(piece) - len(piece.lstrip()), last - (len(piece) - len(piece.rstrip()))


@lru_cache(maxsize=2)
def _sentences(text: str) -> list[tuple[int, int]]:
    """Of one page a term may have hundreds of places."""
    return sentences(text)


def counted(term: Term, tally: Tally) -> str:
    """How often and where, or that it is nowhere, in a sentence."""
    said = f"“{one_line(term.text)}”"
    if not tally.count:
        pages = some(tally.searched_pages, "page")
        documents = some(tally.searched_documents, "document")
        return f"{said} occurs nowhere in what was searched, {pages} of {documents}."
    pages, documents = some(tally.pages, "page"), some(tally.documents, "document")
    times = "once" if tally.count == 1 else f"{tally.count:,} times"
    return f"{said} occurs {times} on {pages} of {documents}."


def more(
    term: Term, tally: Tally, documents: Sequence[ScannedDocument], narrowed: bool
) -> Iterator[str]:
    """What was counted, what was not, and how much was searched."""
    if set(tally.forms) - {term.text}:
        yield f"It is written {_listed(tally.forms)}."
    if tally.otherwise:
        yield (
            f"Not counted, as the question quotes the term: {_listed(tally.otherwise)}; without"
            " quotation marks they are."
        )
    if tally.count:
        pages = some(tally.searched_pages, "page")
        yield f"Searched: {pages} of {some(tally.searched_documents, 'document')}."
    if narrowed:
        names = ", ".join(f"“{document.name}”" for document in documents[:MOST_FORMS])
        yield f"Only {names} was looked at, as the question names it."


def _listed(forms: Counter[str]) -> str:
    most = [f"“{form}” ({count:,})" for form, count in forms.most_common(MOST_FORMS)]
    rest = len(forms) - len(most)
    if rest:
        most.append(f"{some(rest, 'other way')}")
    return ", ".join(most[:-1]) + f" and {most[-1]}" if len(most) > 1 else most[0]


def some(count: int, thing: str) -> str:
    """“1 page”, “2,000 pages”."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
