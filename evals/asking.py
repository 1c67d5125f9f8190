"""Asking the questions of a set as a person would, and what came back of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from evals.metrics import distinct
from evals.sets import Place, Question
from retrieval.assistant import Assistant
from store.catalog import Catalog
from store.errors import FootnoteError
from store.models import LOCAL_ADMIN, Answer, Citation, Frozen

DEPTH = 100
"""Chunks asked of a search: ten distinct documents may lie that deep."""
KEPT = 10
"""Distinct pages and documents that are kept of a search."""

Clock = Callable[[], float]


class Cited(Place):
    """`verbatim`: the quote is, character by character, what its spans hold."""

    document_id: str
    verbatim: bool


class Asked(Frozen):
    """What one question came back with; times in ms.

    `pages` and `documents`: those found, distinct, in the order of their best chunk. `error` is
    the sentence of a question that could be neither answered nor refused.
    """

    pages: tuple[Place, ...] = ()
    documents: tuple[str, ...] = ()
    search_ms: float = 0.0
    answer: str = ""
    refused: bool = False
    cited: tuple[Cited, ...] = ()
    route: str | None = None
    model: str | None = None
    ask_ms: float = 0.0
    searched_only: bool = False
    error: str | None = None


def ask_all(
    questions: Sequence[Question],
    assistant: Assistant,
    catalog: Catalog,
    *,
    search_only: bool = False,
    clock: Clock = time.perf_counter,
) -> Iterator[tuple[Question, Asked]]:
    """Each question, searched for and asked, one after the other."""
    for question in questions:
        found = _searched(question, assistant, clock)
        if search_only:
            yield question, found.model_copy(update={"searched_only": True})
        else:
            yield question, _answered(question, found, assistant, catalog, clock)


def renamed(question: Question, names: Mapping[str, str]) -> Question:
    """The question with the names its documents have in the library."""
    right = (r.model_copy(update={"doc": names.get(r.doc, r.doc)}) for r in question.right)
    return question.model_copy(update={"right": tuple(right)})


def _searched(question: Question, assistant: Assistant, clock: Clock) -> Asked:
    began = clock()
    try:
        found = assistant.find(LOCAL_ADMIN, question.text, k=DEPTH)
    except FootnoteError as e:
        return Asked(error=str(e))
    ms = (clock() - began) * 1000
    chunks = [hit.chunk for hit in found.hits]
    return Asked(
        pages=tuple(distinct([Place(doc=c.name, page=c.page) for c in chunks])[:KEPT]),
        documents=tuple(distinct([c.name for c in chunks])[:KEPT]),
        search_ms=round(ms, 1),
    )


def _answered(
    question: Question, found: Asked, assistant: Assistant, catalog: Catalog, clock: Clock
) -> Asked:
    began = clock()
    try:
        answer = assistant.ask(LOCAL_ADMIN, question.text)
    except FootnoteError as e:
        return found.model_copy(update={"error": str(e)})
    ms = (clock() - began) * 1000
    return found.model_copy(
        update={
            "answer": answer.text,
            "refused": answer.refused,
            "cited": cited(answer, catalog),
            "route": answer.route,
            "model": answer.model,
            "ask_ms": round(ms, 1),
        }
    )


def cited(answer: Answer, catalog: Catalog) -> tuple[Cited, ...]:
    """The answer's citations, compared with the pages as the catalog has them."""
    pages = catalog.pages({s.page_id for c in answer.citations for s in c.spans})

    def verbatim(citation: Citation) -> bool:
        texts = [
            pages[s.page_id].text[s.start : s.end] for s in citation.spans if s.page_id in pages
        ]
        return len(texts) == len(citation.spans) > 0 and citation.text == "\n".join(texts)

    return tuple(
        Cited(doc=c.doc, page=c.page, document_id=c.document_id, verbatim=verbatim(c))
        for c in answer.citations
    )
