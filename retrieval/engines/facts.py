"""Answers a question from the passages that say it."""

from __future__ import annotations

from collections.abc import Sequence

from llama_index.core.base.response.schema import StreamingResponse
from llama_index.core.schema import NodeWithScore
from llama_index.core.types import TokenGen

from retrieval.engines.base import (
    Engine,
    count_instructions,
    near_pages,
    sources_of,
    told,
    warn_of_instructions,
)
from retrieval.extractive import extract
from retrieval.llama import END, REFUSAL, Asked, Outcome, node_of, quoted, streaming
from retrieval.sources import Source
from store.models import Chunk

DEPTH = 20
"""Chunks that a model is given, as far as they fit."""
QUOTED_FROM = 12
"""Chunks that are quoted from without one: more of them change 1 answer in 100."""


class FactsEngine(Engine):
    """Generated where a model is configured, else the best sentences, or a refusal."""

    def respond(self, asked: Asked) -> StreamingResponse:
        outcome = Outcome()
        nodes: list[NodeWithScore] = []
        return streaming("facts", self._tokens(asked, nodes, outcome), nodes, outcome)

    def _tokens(self, asked: Asked, nodes: list[NodeWithScore], outcome: Outcome) -> TokenGen:
        hits = self.search(asked, outcome, DEPTH if self.tools.generator else QUOTED_FROM)
        scores = {hit.chunk.id: hit.score for hit in hits}
        unread = self.tools.embedder.host is None and foreign([hit.chunk for hit in hits])
        with asked.trace.step("read"):
            sources, pages = sources_of(self.tools, [hit.chunk for hit in hits])
        outcome.nearest = near_pages(sources)

        def quotes() -> Sequence[Source]:
            ranked = [(source, scores[source.chunk_id]) for source in sources[:QUOTED_FROM]]
            tools = self.tools
            with asked.trace.step("extract"):
                found = extract(
                    asked.query_str, ranked, pages, tools.embedder, tools.likeness, unread=unread
                )
            warn_of_instructions(found.held_back, outcome)
            if found.warning:
                outcome.warn(found.warning)
            if found.repeated:
                asked.trace.dropped(f"{found.repeated} passages that say the same again")
            return found.quotes

        if self.tools.generator and sources:
            warn_of_instructions(count_instructions(sources, pages), outcome)
            nodes += [node_of(source, scores[source.chunk_id]) for source in sources]
            yield from told(self.tools, "answer", asked, nodes, outcome, quotes)
        else:
            yield from quoted(quotes(), nodes)
        if not outcome.shown and not outcome.refused:
            yield REFUSAL + END


def foreign(chunks: Sequence[Chunk]) -> bool:
    """Whether most are in another language than the local embedder's, English."""
    return sum(chunk.language not in (None, "en") for chunk in chunks) * 2 > len(chunks)
