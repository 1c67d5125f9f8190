"""Gives the main points of a document, or of a subject where the question names one."""

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
from retrieval.llama import END, REFUSAL, Asked, Outcome, node_of, quoted, streaming
from retrieval.main_points import main_points
from retrieval.sources import Source
from retrieval.words import content_stems
from store.models import Chunk

DEPTH = 30
_ASKING = frozenset(
    content_stems(
        "summary summarise summarize overview gist nutshell tldr main key point important topic"
        " theme idea takeaway findings cover deal short brief outline document file report text"
        " content sentence paragraph whole everything article paper page"
    )
)
"""Words of a request for a summary that do not name a subject."""


class SummaryEngine(Engine):
    """Reads a whole document in order; for a subject, the passages about it."""

    def respond(self, asked: Asked) -> StreamingResponse:
        outcome = Outcome()
        nodes: list[NodeWithScore] = []
        return streaming("summary", self._tokens(asked, nodes, outcome), nodes, outcome)

    def _tokens(self, asked: Asked, nodes: list[NodeWithScore], outcome: Outcome) -> TokenGen:
        chunks, subject = self._chunks(asked, outcome)
        sources, pages = sources_of(self.tools, chunks)
        outcome.nearest = near_pages(sources)
        warn_of_instructions(count_instructions(sources, pages), outcome)

        def quotes() -> Sequence[Source]:
            return main_points(sources, pages, self.tools.embedder, subject)

        if self.tools.generator and sources:
            nodes += [node_of(source) for source in sources]
            yield from told(self.tools, "summary", asked, nodes, outcome, quotes)
        else:
            yield from quoted(quotes(), nodes)
        if not outcome.shown and not outcome.refused:
            yield REFUSAL + END

    def _chunks(self, asked: Asked, outcome: Outcome) -> tuple[list[Chunk], str | None]:
        """Chunks to summarise, in reading order, spread evenly over what there is; and the
        subject, None for a whole document."""
        hits = [hit.chunk for hit in self.search(asked, outcome, DEPTH)]
        document_id = self._whole_document(asked, hits)
        if document_id is None:
            about = sorted(hits[:12], key=lambda c: (c.document_id, c.page, c.spans[0].start))
            return about, asked.query_str
        generation = self.tools.catalog.serving_generation()
        if generation is None:
            return [], None
        chunks = self.tools.catalog.chunks_of_document(document_id, generation.id)
        step = max(1.0, len(chunks) / DEPTH)
        return [chunks[int(i * step)] for i in range(min(DEPTH, len(chunks)))], None

    def _whole_document(self, asked: Asked, hits: Sequence[Chunk]) -> str | None:
        """The document meant as a whole; None where the question names a subject."""
        wanted = set(content_stems(asked.query_str)) - _ASKING
        if asked.document_ids and len(asked.document_ids) == 1:
            (only,) = asked.document_ids
            named = set(content_stems(hits[0].name.rpartition(".")[0])) if hits else set()
            return only if wanted <= named else None
        for chunk in hits:
            named = set(content_stems(chunk.name.rpartition(".")[0])) - _ASKING
            if named and wanted and wanted <= named | set(content_stems(chunk.header)):
                return chunk.document_id
        if not wanted and len({chunk.document_id for chunk in hits}) == 1:
            return hits[0].document_id
        return None
