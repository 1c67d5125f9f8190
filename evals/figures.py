"""The figures: how each question scores, and what all of them come to."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from evals.asking import Asked
from evals.correct import is_correct, is_quoted, is_short
from evals.metrics import hit, ndcg, of_rows, precision, recall
from evals.sets import Question
from store.models import Frozen

KS = (1, 3, 5, 10)
Scores = dict[str, float]
"""Of one question, by figure; a figure that says nothing of it is not there."""


class Kind(Frozen):
    """A figure: the mean of the questions that have a score in it, or a percentile of them."""

    about: str
    better: int = 1
    """1 where more is better, -1 where less is."""
    share: float | None = None
    """0..1: this percentile, of ms; None: the mean of numbers 0..1."""


class Figure(Frozen):
    """What a figure came to, over `n` questions."""

    value: float
    n: int


def _of_search(unit: str) -> Iterator[tuple[str, Kind]]:
    for k in KS:
        yield f"{unit}_recall@{k}", Kind(about=f"of the right {unit}s, the first {k} hold")
    for k in KS:
        yield f"{unit}_hit@{k}", Kind(about=f"a right {unit} is among the first {k}")
    yield f"{unit}_ndcg@10", Kind(about=f"order of the right {unit}s, the first 10")


def _of_citations(unit: str) -> Iterator[tuple[str, Kind]]:
    yield f"cited_{unit}_hit", Kind(about=f"a right {unit} is cited")
    yield f"cited_{unit}_recall", Kind(about=f"of the right {unit}s, those cited")
    yield f"cited_{unit}_precision", Kind(about=f"of the citations, those of a right {unit}")


FIGURES: Mapping[str, Kind] = {
    **dict(_of_search("page")),
    **dict(_of_search("document")),
    "correct": Kind(about="agrees with an expected answer, refusals do not"),
    "quoted": Kind(about="says a short expected answer letter by letter"),
    **dict(_of_citations("page")),
    **dict(_of_citations("document")),
    "verbatim": Kind(about="of the citations, those that are spans of the page, word for word"),
    "refusal_precision": Kind(about="of the refused, those that cannot be answered"),
    "refusal_recall": Kind(about="of those that cannot be answered, the refused"),
    "refused_wrongly": Kind(about="of those that can be answered, the refused", better=-1),
    "kept_pages": Kind(about="marked right: cites the same pages as then"),
    "kept_documents": Kind(about="marked right: cites the same documents as then"),
    "changed": Kind(about="marked wrong: the answer is another than then"),
}
TIMES: Mapping[str, Kind] = {
    f"{what}_ms_p{share}": Kind(
        about=f"ms that {share} % of the {what} calls keep within",
        better=-1,
        share=share / 100,
    )
    for what in ("search", "ask")
    for share in (50, 95)
}
KINDS = {**FIGURES, **TIMES}

VERDICTS = ("kept_pages", "changed", "correct", "refusal_recall", "cited_document_hit")
"""The first of these that a question has a score in, in both runs, says whether it went well …"""
SEARCHED = ("page_hit@5", "document_hit@5")
"""… and where one of the runs only searched, the first of these."""


def scores(question: Question, asked: Asked) -> Scores:
    """The question's scores, each 0..1 but the times, which are in ms."""
    scored = {**_search_scores(question, asked), "search_ms": asked.search_ms}
    if asked.searched_only:
        return scored
    scored |= _citation_scores(question, asked) | _refusal_scores(question, asked)
    if question.answers:
        scored["correct"] = float(not asked.refused and is_correct(asked.answer, question.answers))
        if is_short(question.answers[0]):
            scored["quoted"] = float(is_quoted(asked.answer, question.answers))
    if question.then:
        scored |= _marked_scores(question, asked)
    return scored | {"ask_ms": asked.ask_ms}


def total(all_scores: Sequence[Scores]) -> dict[str, Figure]:
    """Each figure over the questions that have a score in it, in the order of the table."""
    found = {}
    known = {name for of_question in all_scores for name in of_question}
    for name, kind in KINDS.items():
        values = [s[column(name)] for s in all_scores if column(name) in s]
        # Where all questions are of one sort, a refusal is right, or wrong, whoever refuses.
        both = name != "refusal_precision" or known >= {"refusal_recall", "refused_wrongly"}
        if values and both:
            value = float(of_rows(np.array([values]), kind.share)[0])
            found[name] = Figure(value=round(value, 6), n=len(values))
    return found


def column(figure: str) -> str:
    """The score that a figure is computed of: `ask_ms` of `ask_ms_p95`, else its own."""
    return figure.rpartition("_p")[0] if figure in TIMES else figure


def went_well(before: Scores, after: Scores) -> tuple[bool, bool] | None:
    """Whether a question came out as it should in two runs; None where nothing tells in both."""
    for name in (*VERDICTS, *SEARCHED):
        if name in before and name in after:
            return before[name] == 1.0, after[name] == 1.0
    return None


def _search_scores(question: Question, asked: Asked) -> Scores:
    scored: Scores = {}
    pages = [(p.doc, p.page) for p in asked.pages]
    graded: dict[str, dict] = {"page": {}, "document": {}}
    for right in question.right:
        if right.page is not None:
            graded["page"][(right.doc, right.page)] = right.grade
        graded["document"][right.doc] = max(right.grade, graded["document"].get(right.doc, 0.0))
    for unit, found in (("page", pages), ("document", asked.documents)):
        right = graded[unit]
        if right:
            scored |= {f"{unit}_recall@{k}": recall(found, right, k) for k in KS}
            scored |= {f"{unit}_hit@{k}": hit(found, right, k) for k in KS}
            scored[f"{unit}_ndcg@10"] = ndcg(found, right, 10)
    return scored


def _citation_scores(question: Question, asked: Asked) -> Scores:
    scored: Scores = {}
    pages = [(c.doc, c.page) for c in asked.cited]
    documents = [c.doc for c in asked.cited]
    right_pages = {(r.doc, r.page) for r in question.right if r.page is not None}
    for unit, cited, right in (
        ("page", pages, right_pages),
        ("document", documents, {r.doc for r in question.right}),
    ):
        if right:
            scored[f"cited_{unit}_hit"] = hit(cited, right, len(cited))
            scored[f"cited_{unit}_recall"] = recall(cited, right, len(cited))
            if cited:
                scored[f"cited_{unit}_precision"] = precision(cited, right)
    if asked.cited:
        scored["verbatim"] = statistics.fmean(c.verbatim for c in asked.cited)
    return scored


def _refusal_scores(question: Question, asked: Asked) -> Scores:
    if question.answerable is None:
        return {}
    right = "refused_wrongly" if question.answerable else "refusal_recall"
    scored = {right: float(asked.refused)}
    if asked.refused:
        scored["refusal_precision"] = float(not question.answerable)
    return scored


def _marked_scores(question: Question, asked: Asked) -> Scores:
    then = question.then
    assert then is not None
    if then.verdict == "wrong":
        return {"changed": float(asked.answer.split() != then.text.split())}
    pages = {(c.document_id, c.page) for c in asked.cited}
    same = asked.refused == then.refused
    return {
        "kept_pages": float(same and pages == set(then.pages)),
        "kept_documents": float(same and {d for d, _ in pages} == {d for d, _ in then.pages}),
    }
