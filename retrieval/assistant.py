"""The door to questions: search, ask, and conversations answered in the background."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from retrieval.citations import Ledger, checked
from retrieval.rerank import depth, open_reranker
from retrieval.routes import checked_route
from retrieval.scope import Scope, checked_question, scope_of
from retrieval.search import Found, Searcher
from retrieval.turns import Turns
from retrieval.usage import prices_of
from store.catalog import Catalog
from store.catalog.marks import MAX_NOTE, Mark, Verdict
from store.embedders import Embedders
from store.embedding import Embedder
from store.errors import BadInput, Cancelled, FootnoteError, NotFound
from store.indexes.generations import Indexes
from store.models import (
    Answer,
    AnswerCell,
    AnswerTable,
    Conversation,
    Frozen,
    Hit,
    Principal,
    Sentence,
    Trace,
    Turn,
)
from store.settings import Settings

if TYPE_CHECKING:
    from retrieval.budget import Budget
    from retrieval.generate import LanguageModels
    from retrieval.llama import DraftTable
    from retrieval.presupposed import Likeness
    from retrieval.router import Router
    from retrieval.sources import Source
    from retrieval.telemetry import Telemetry


QUOTES_S = 2.0
"""Of the time for an answer at most so much is left for quotes, where the models used the rest."""


class ModelStatus(Frozen):
    """Which language models answer, and which host the excerpts go to."""

    configured: bool
    models: tuple[str, ...]
    host: str | None
    note: str
    rerank_host: str | None = None


def open_assistant(
    settings: Settings,
    catalog: Catalog,
    indexes: Indexes,
    embedder: Embedder,
    embedders: Embedders | None = None,
) -> Assistant:
    """The assistant over what is open. LlamaIndex is imported by the first question, or `warm`.

    `embedders` are those that are open already, where others than `embedder` made the index.
    """
    opened = embedders or Embedders(settings, embedder)
    searcher = Searcher(catalog, indexes, embedder, embedder_of=opened.of)
    return Assistant(settings, catalog, searcher, embedder)


class Assistant:
    """Safe to use from several threads."""

    def __init__(
        self, settings: Settings, catalog: Catalog, searcher: Searcher, embedder: Embedder
    ):
        self.settings, self.catalog, self.embedder = settings, catalog, embedder
        self.searcher = searcher
        # A setting that cannot be understood is told at the start, not with the first question.
        self._prices, self._reranker = prices_of(settings.model_prices), open_reranker(settings)
        self._turns = Turns(catalog)
        self._building = threading.Lock()

    def warm(self) -> None:
        """Import and load what the first question needs, a few seconds."""
        with self._building:
            _ = self._router
        self.embedder.embed_query("warm")
        self._likeness.vectors.words(["warm"])
        with contextlib.suppress(FootnoteError):  # the first question will be told
            self.searcher.search("warm", tuple(self.catalog.spaces()))

    def close(self) -> None:
        self._turns.close()
        if self._telemetry is not None:
            self._telemetry.close()

    # Questions

    def find(
        self,
        principal: Principal,
        query: str,
        k: int = 10,
        space: str | None = None,
        document: str | None = None,
    ) -> Found:
        """The k best chunks, with warnings. Raises NotFound for a space or document."""
        scope = scope_of(self.catalog, principal, space, document)
        text, reranker = checked_question(query), self._reranker
        found = self.searcher.search(text, scope.space_ids, scope.document_ids, depth(k, reranker))
        if reranker is None:
            return found
        again = reranker.reranked(text, found.hits)
        warning = [again.warning] if again.warning else []
        update = {"hits": again.hits[:k], "warnings": (*found.warnings, *warning)}
        return found.model_copy(update=update)

    def search(
        self,
        principal: Principal,
        query: str,
        k: int = 10,
        space: str | None = None,
        document: str | None = None,
    ) -> list[Hit]:
        """As `find`, the hits alone."""
        return list(self.find(principal, query, k, space, document).hits)

    def ask(
        self,
        principal: Principal,
        question: str,
        space: str | None = None,
        document: str | None = None,
        conversation_id: str | None = None,
        route: str | None = None,
    ) -> Answer:
        """The whole answer."""
        answer = Answer(question=question)
        for grown in self.ask_stream(principal, question, space, document, conversation_id, route):
            answer = grown
        return answer

    def ask_stream(
        self,
        principal: Principal,
        question: str,
        space: str | None = None,
        document: str | None = None,
        conversation_id: str | None = None,
        route: str | None = None,
    ) -> Iterator[Answer]:
        """The answer after each sentence; the last is final. Nothing is stored.

        Raises NotFound and BadInput before the first answer is asked for.
        """
        question = checked_question(question)
        scope = scope_of(self.catalog, principal, space, document)
        turns = self.conversation(principal, conversation_id).turns if conversation_id else ()
        return self._answers(question, scope, turns, checked_route(route), threading.Event())

    # Conversations

    def new_conversation(self, principal: Principal) -> str:
        return self.catalog.new_conversation(principal.id)

    def start(
        self,
        principal: Principal,
        conversation_id: str,
        question: str,
        space: str | None = None,
        document: str | None = None,
        route: str | None = None,
    ) -> str:
        """Ask in a conversation and return the turn's id; it is answered in the background."""
        question, route = checked_question(question), checked_route(route)
        scope = scope_of(self.catalog, principal, space, document)
        turns = self.conversation(principal, conversation_id).turns
        turn_id = self.catalog.add_turn(conversation_id, question)
        self._turns.start(
            turn_id, question, lambda stop: self._answers(question, scope, turns, route, stop)
        )
        return turn_id

    def follow(self, principal: Principal, turn_id: str) -> Iterator[Turn]:
        """The turn each time it has grown, the last time finished."""
        self.turn(principal, turn_id)
        return self._turns.follow(turn_id)

    def turn(self, principal: Principal, turn_id: str) -> Turn:
        turn = self.catalog.turn(turn_id)
        self.conversation(principal, turn.conversation_id)
        return turn

    def cancel(self, principal: Principal, turn_id: str) -> None:
        """Stop an answer; what is written of it stays."""
        self.turn(principal, turn_id)
        self._turns.cancel(turn_id)

    def mark(
        self, principal: Principal, turn_id: str, verdict: Verdict | None, note: str = ""
    ) -> None:
        """Say that an answer is right or wrong; None takes back what was said.

        Raises NotFound, and BadInput while the answer is being written or for too long a note.
        """
        if self.turn(principal, turn_id).state == "running":
            raise BadInput("This answer is still being written; mark it when it is finished.")
        if len(note) > MAX_NOTE:
            raise BadInput(f"The note is longer than {MAX_NOTE} characters; shorten it.")
        with self.catalog.together():
            if verdict is None:
                self.catalog.unmark(turn_id, principal.id)
            else:
                self.catalog.mark(turn_id, principal.id, verdict, note.strip())
            self.catalog.record(principal.id, "mark", turn=turn_id, verdict=verdict)

    def mark_of(self, principal: Principal, turn_id: str) -> Mark | None:
        """What the principal said of an answer, None where nothing. Raises NotFound."""
        self.turn(principal, turn_id)
        return self.catalog.mark_of(turn_id, principal.id)

    def marks(self, principal: Principal) -> list[Mark]:
        """The principal's own, oldest first; everybody's for an administrator."""
        return self.catalog.marks(None if principal.admin else principal.id)

    def conversation(self, principal: Principal, conversation_id: str) -> Conversation:
        """Raises NotFound, also for one of somebody else."""
        conversation = self.catalog.conversation(conversation_id)
        if conversation.principal_id != principal.id:
            raise NotFound("This conversation is gone.")
        return conversation

    def conversations(self, principal: Principal) -> list[Conversation]:
        return self.catalog.conversations(principal.id)

    def delete_conversation(self, principal: Principal, conversation_id: str) -> None:
        for turn in self.conversation(principal, conversation_id).turns:
            self._turns.cancel(turn.id)
        self.catalog.delete_conversation(conversation_id)

    def model_status(self, principal: Principal) -> ModelStatus:
        models = self.settings.model_list
        rerank_host = self._reranker.host if self._reranker else None
        note = "No language model is configured: answers are quotes from the documents."
        host = None
        if models:
            host = urlsplit(self.settings.openai_base_url or "https://api.openai.com/v1").netloc
            note = f"Questions and excerpts of documents are sent to {host}."
            if self._check_model:
                note += f" {self._check_model} compares generated sentences with their sources."
        elif self._check_model:
            note += " FOOTNOTE_CHECK_MODEL has no effect: there is nothing to compare."
        if rerank_host:
            note += f" Questions and the passages found are sent to {rerank_host} to be ranked."
        return ModelStatus(
            configured=bool(models), models=models, host=host, note=note, rerank_host=rerank_host
        )

    # How an answer comes about

    def _answers(
        self,
        question: str,
        scope: Scope,
        turns: Sequence[Turn],
        route: str | None,
        stop: threading.Event,
    ) -> Iterator[Answer]:
        from retrieval.condense import condensed
        from retrieval.llama import REFUSAL, Asked, Reply
        from retrieval.router import choice_in

        with self._building:
            router, generator, checker = self._router, self._generator, self._checker
        began, limit_s = time.monotonic(), self.settings.answer_deadline_s
        asked = Asked(
            query_str=question,
            space_ids=scope.space_ids,
            document_ids=scope.document_ids,
            deadline=began + limit_s - min(QUOTES_S, limit_s / 4),
            stop=stop,
            route=route,
        )
        with asked.trace.step("condense"):
            rewritten = condensed(question, turns, asked, generator)
        if rewritten:
            asked.query_str = rewritten
        # Counted before the search: what is ready by the end was not looked at.
        awaited = _awaited(self.catalog.awaited(scope.space_ids, scope.document_ids))
        response = router.query(asked)
        reply, choice = Reply(response), choice_in(response)
        outcome = reply.outcome
        ledger = Ledger()
        sentences: list[Sentence] = []
        dropped: list[Sentence] = []

        unread: dict[int, list[str]] = {}  # by the number of documents cited so far

        def partly_read() -> list[str]:
            ids = {citation.document_id for citation in ledger.citations}
            if len(ids) not in unread:
                unread[len(ids)] = _partly_read(self.catalog, ids)
            return unread[len(ids)]

        def grown(trace: Trace | None = None) -> Answer:
            return Answer(
                trace=trace,
                question=question,
                sentences=tuple(sentences),
                table=_table(outcome.table, reply.sources(), ledger),
                citations=tuple(ledger.citations),
                refused=outcome.refused,
                route=reply.route,
                route_reason=choice.reason,
                route_confidence=choice.confidence,
                warnings=(
                    *outcome.warnings,
                    *_left_out(dropped),
                    *partly_read(),
                    *awaited,
                ),
                nearest=outcome.nearest if outcome.refused else (),
                rewritten=rewritten,
                model=outcome.model,
                ms=round((time.monotonic() - began) * 1000),
            )

        second = None
        if checker is not None:
            from retrieval.second_reading import SecondReader

            second = SecondReader(checker, asked, outcome.warn)
        drops, told = self.settings.unsupported == "drop", (reply.tokens, reply.sources)
        for sentence in checked(
            *told, self.catalog.pages, ledger, self._likeness, second, supported_only=drops
        ):
            _raise_if_stopped(stop)
            refusal = sentence.text.rstrip(".").casefold() == REFUSAL.rstrip(".").casefold()
            if drops and not (sentence.supported or refusal):
                dropped.append(sentence)
                continue
            # Told before the engine goes on: it decides by these whether to fall back.
            outcome.shown += 1
            outcome.supported += sentence.supported
            if refusal and sentences:
                continue
            if outcome.refused:  # and yet it went on to answer
                sentences.clear()
            outcome.refused = refusal
            sentences.append(Sentence(text=REFUSAL, supported=False) if refusal else sentence)
            yield grown()
        answer = grown(asked.trace.trace())
        if self._telemetry is not None:
            self._telemetry.send(answer)
        yield answer

    @cached_property
    def _telemetry(self) -> Telemetry | None:
        from retrieval.telemetry import Telemetry

        endpoint = self.settings.otlp_endpoint
        return Telemetry(endpoint) if endpoint else None

    @cached_property
    def _generator(self) -> LanguageModels | None:
        return self._models(self.settings.model_list)

    @cached_property
    def _checker(self) -> LanguageModels | None:
        name = self._check_model
        return self._models((name,)) if name and self.settings.model_list else None

    @property
    def _check_model(self) -> str:
        return self.settings.check_model.strip()

    def _models(self, names: tuple[str, ...]) -> LanguageModels | None:
        from retrieval.generate import LanguageModels, Models

        s = self.settings
        if not names:
            return None
        return LanguageModels(
            Models(
                names=names,
                base_url=s.openai_base_url,
                api_key=s.openai_api_key,
                context_tokens=s.context_tokens,
                answer_tokens=s.answer_tokens,
                context_window=s.model_context_window,
                prices=self._prices,
            ),
            self._budget,
        )

    @cached_property
    def _budget(self) -> Budget:
        from retrieval.budget import Budget

        return Budget(self.catalog, self.settings.daily_tokens)

    @cached_property
    def _likeness(self) -> Likeness:
        from retrieval.presupposed import Likeness
        from store.word_vectors import WordVectors

        return Likeness(WordVectors(self.settings.model_dir))

    @cached_property
    def _router(self) -> Router:
        from retrieval.engines import ENGINES, Tools
        from retrieval.llama import quiet_settings
        from retrieval.router import WordSelector, build_router

        silent = quiet_settings()
        tools = Tools(
            catalog=self.catalog,
            searcher=self.searcher,
            embedder=self.embedder,
            generator=self._generator,
            likeness=self._likeness,
            reranker=self._reranker,
        )
        engines = [(name, about, engine(tools)) for name, (engine, about) in ENGINES.items()]
        return build_router(engines, silent, WordSelector(self.catalog, self._generator))


def _table(
    draft: DraftTable | None, sources: Sequence[Source], ledger: Ledger
) -> AnswerTable | None:
    if draft is None:
        return None

    def cell(text: str, nodes: Sequence[int]) -> AnswerCell:
        numbers = dict.fromkeys(ledger.number(sources[n - 1]) for n in nodes)
        return AnswerCell(text=text, citations=tuple(numbers))

    rows = tuple(tuple(cell(text, nodes) for text, nodes in row) for row in draft.rows)
    return AnswerTable(headings=draft.headings, rows=rows, left_out=draft.left_out)


def _left_out(dropped: Sequence[Sentence]) -> list[str]:
    if not dropped:
        return []
    if len(dropped) == 1:
        return ["1 sentence was left out: the documents do not confirm it."]
    return [f"{len(dropped)} sentences were left out: the documents do not confirm them."]


def _awaited(count: int) -> list[str]:
    if not count:
        return []
    if count == 1:
        return ["1 document is still being read and was not looked at; ask again when it is ready."]
    return [
        f"{count} documents are still being read and were not looked at; ask again when they are"
        " ready."
    ]


def _partly_read(catalog: Catalog, document_ids: Collection[str]) -> list[str]:
    """A warning for each of these documents of which pages are missing."""
    return [
        f"“{document.name}” was only partly read."
        for document in (catalog.documents(ids=document_ids) if document_ids else ())
        if document.status == "partial"
    ]


def _raise_if_stopped(stop: threading.Event) -> None:
    if stop.is_set():
        raise Cancelled("The answer was stopped.")
