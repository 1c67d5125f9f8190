"""What every engine shares: where it searches, and how quotes stand in for a model."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.response.schema import RESPONSE_TYPE
from llama_index.core.schema import NodeWithScore, QueryBundle
from llama_index.core.types import TokenGen

from retrieval.extractive import LOOKED_IN
from retrieval.generate import LanguageModels, messages_for
from retrieval.instructions import LEFT_OUT, instructing
from retrieval.llama import DISCARD, END, Asked, Outcome, quoted
from retrieval.presupposed import Likeness
from retrieval.prompts import prompt
from retrieval.rerank import depth
from retrieval.sources import Source, source_of
from store.errors import ModelUnavailable
from store.models import Chunk, Hit, NearPage, Page

if TYPE_CHECKING:
    from retrieval.rerank import Reranker
    from retrieval.search import Searcher
    from store.catalog import Catalog
    from store.embedding import Embedder


@dataclass(frozen=True)
class Tools:
    """What engines work with; `generator` is None where no model is configured."""

    catalog: Catalog
    searcher: Searcher
    embedder: Embedder
    generator: LanguageModels | None
    likeness: Likeness
    reranker: Reranker | None = None


class Engine(BaseQueryEngine):
    """A LlamaIndex query engine; subclasses fill `respond`."""

    def __init__(self, tools: Tools):
        super().__init__(callback_manager=None)
        self.tools = tools

    def respond(self, asked: Asked) -> RESPONSE_TYPE:
        raise NotImplementedError

    def search(
        self,
        asked: Asked,
        outcome: Outcome,
        k: int,
        query: str | None = None,
        document_ids: Collection[str] | None = None,
    ) -> tuple[Hit, ...]:
        """The k best chunks for the question, or for `query` in these documents; noted in its
        trace."""
        text = asked.query_str if query is None else query
        within = asked.document_ids if document_ids is None else document_ids
        reranker = self.tools.reranker
        outcome.trace = asked.trace
        with asked.trace.step("search", text if query else ""):
            deep = depth(k, reranker)
            found = self.tools.searcher.search(text, asked.space_ids, within, k=deep)
        for warning in found.warnings:
            outcome.warn(warning)
        for sentence in found.dropped:
            asked.trace.dropped(sentence)
        hits = (
            found.hits
            if reranker is None
            else _reranked(reranker, text, found.hits, asked, outcome)
        )
        asked.trace.found(hits[:k])
        if len(hits) > k:
            asked.trace.dropped(f"{len(hits) - k} candidates that came after the first {k}")
        return hits[:k]

    def _query(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
        if not isinstance(query_bundle, Asked):
            raise TypeError(f"engines answer Asked, not {type(query_bundle).__name__}")
        return self.respond(query_bundle)

    async def _aquery(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
        return self._query(query_bundle)

    def _get_prompt_modules(self) -> dict:
        return {}


def _reranked(
    reranker: Reranker, text: str, hits: tuple[Hit, ...], asked: Asked, outcome: Outcome
) -> tuple[Hit, ...]:
    with asked.trace.step("rerank", reranker.model or ""):
        # A third at most: what is found late must still be answered from.
        again = reranker.reranked(text, hits, asked.remaining_s() / 3, asked.stop)
    if again.warning:
        outcome.warn(again.warning)
    return again.hits


def sources_of(tools: Tools, chunks: Sequence[Chunk]) -> tuple[list[Source], dict[int, Page]]:
    """Chunks as sources with the pages they are on; a page gone meanwhile takes its chunk along."""
    pages = tools.catalog.pages({span.page_id for chunk in chunks for span in chunk.spans})
    spaces = tools.catalog.spaces()
    sources = [source_of(chunk, spaces.get(chunk.space_id, ""), pages) for chunk in chunks]
    return [source for source in sources if source.pieces], pages


def near_pages(sources: Sequence[Source], most: int = 3) -> tuple[NearPage, ...]:
    """The distinct pages of the best sources, to show with a refusal."""
    found: dict[int, NearPage] = {}
    for source in sources:
        piece = source.pieces[0]
        if piece.span.page_id not in found and len(found) < most:
            found[piece.span.page_id] = NearPage(
                document_id=source.document_id,
                doc=source.doc,
                page=piece.page,
                page_id=piece.span.page_id,
                text=" ".join(piece.text.split())[:200],
                described_by=source.described_by,
            )
    return tuple(found.values())


def count_instructions(sources: Sequence[Source], pages: Mapping[int, Page]) -> int:
    """How many passages of the best sources speak to the assistant."""
    return sum(len(instructing(source, pages)) for source in sources[:LOOKED_IN])


def warn_of_instructions(held_back: int, outcome: Outcome) -> None:
    """Says that so many passages of the best sources are not quoted."""
    if not held_back:
        return
    outcome.warn(LEFT_OUT)
    if outcome.trace is not None:
        noun = "1 passage" if held_back == 1 else f"{held_back} passages"
        outcome.trace.dropped(f"{noun} of the best {LOOKED_IN} sources, read like instructions")


def told(
    tools: Tools,
    prompt_name: str,
    asked: Asked,
    nodes: list[NodeWithScore],
    outcome: Outcome,
    quotes: Callable[[], Sequence[Source]],
) -> TokenGen:
    """A model's answer over `nodes`; where none comes, or nothing of it holds, the quotes."""
    generator = tools.generator
    assert generator is not None
    messages, used = messages_for(prompt_name, asked.query_str, nodes, generator.models)
    label = asked.trace.prompt = prompt(prompt_name).label
    if used < len(nodes):
        asked.trace.dropped(f"{len(nodes) - used} excerpts did not fit into the model's context")
    del nodes[used:]
    began = time.perf_counter()
    try:
        stream = generator.stream(messages, asked, label)
        outcome.model = next(stream)
        asked.trace.note("first sentence", (time.perf_counter() - began) * 1000, outcome.model)
        yield from stream
        asked.trace.note("generate", (time.perf_counter() - began) * 1000, outcome.model)
        yield END
        if outcome.refused or outcome.supported:
            return
        raise ModelUnavailable("the documents confirm nothing of what it wrote")
    except ModelUnavailable as error:
        asked.trace.dropped(f"the model's answer from here on: {error}")
        if outcome.shown:
            yield END
            outcome.warn(f"The model's answer ends here ({error}): quotes follow.")
        else:
            yield DISCARD
            outcome.model = None
            outcome.warn(
                f"No language model answered ({error}): these are quotes from the documents."
            )
    yield from quoted(quotes(), nodes)
