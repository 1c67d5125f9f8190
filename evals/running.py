"""One run: open a set's documents, ask its questions, measure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from evals import results
from evals.asking import ask_all, renamed
from evals.figures import scores, total
from evals.marked import MARKED, marked_questions
from evals.reading import fingerprints, opened_folder, opened_set
from evals.results import Outcome, Run
from evals.sets import Question, QuestionSet, sampled
from retrieval.assistant import Assistant
from store.embedding import Embedder, open_embedder
from store.opening import Store, open_store
from store.settings import Settings

log = logging.getLogger("footnote.evals")

Told = Callable[[int, int], None]
"""Called with the number of questions asked so far and of all."""


def run_set(
    given: QuestionSet,
    settings: Settings,
    kept_in: Path,
    *,
    search_only: bool = False,
    embedder: Embedder | None = None,
    told: Told = lambda done, of: None,
) -> Run:
    """Ask a set's questions of its documents alone, read into a folder under `kept_in`.

    Raises FolderInUse.
    """
    began_at = results.now()
    with opened_set(given, settings, kept_in, embedder) as opened:
        questions = [renamed(q, opened.names) for q in given.questions]
        outcomes = _asked(questions, opened.assistant, opened.store, search_only, told)
        return _run(given.name, began_at, opened.store, outcomes, opened.unread, opened.seconds)


def run_marked(
    settings: Settings,
    limit: int | None = None,
    *,
    search_only: bool = False,
    embedder: Embedder | None = None,
    told: Told = lambda done, of: None,
) -> Run:
    """Ask what people marked again, of the documents as they are in the data folder now.

    Raises FolderInUse while a server runs over the folder, BadInput where nothing is marked.
    """
    began_at = results.now()
    with open_store(settings, embedder=embedder or open_embedder(settings)) as store:
        questions = sampled(marked_questions(store.catalog), limit)
        with opened_folder(store) as assistant:
            outcomes = _asked(questions, assistant, store, search_only, told)
        return _run(MARKED, began_at, store, outcomes, (), 0.0)


def _asked(
    questions: Sequence[Question],
    assistant: Assistant,
    store: Store,
    search_only: bool,
    told: Told,
) -> list[Outcome]:
    outcomes = []
    for question, asked in ask_all(questions, assistant, store.catalog, search_only=search_only):
        scored = scores(question, asked)
        outcomes.append(Outcome(question=question, asked=asked, scores=scored))
        told(len(outcomes), len(questions))
    return outcomes


def _run(
    name: str,
    began_at: str,
    store: Store,
    outcomes: Sequence[Outcome],
    unread: Sequence[str],
    seconds: float,
) -> Run:
    return Run(
        set=name,
        began_at=began_at,
        code=results.code_version(),
        models=store.settings.model_list,
        prompts=results.prompt_versions(),
        fingerprints=fingerprints(store.settings, store.embedder),
        settings=results.shown_settings(store.settings),
        documents=len(store.catalog.documents()),
        unread=tuple(unread),
        read_s=seconds,
        figures=total([o.scores for o in outcomes]),
        outcomes=tuple(outcomes),
    )
