"""Gives the main points of a document, a section, all documents asked, or of a subject."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

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
from retrieval.main_points import MOST_POINTS, main_points
from retrieval.sources import Source
from retrieval.words import content_stems
from store.models import Chunk

DEPTH = 30
MOST_DOCUMENTS = 12
"""Documents of which an overview of a space tells something."""
EACH_CHUNKS = 6
_ASKING = frozenset(
    content_stems(
        "summary summarise summarize overview gist nutshell tldr main key point important topic"
        " theme idea takeaway findings cover deal short brief outline document file report text"
        " content sentence paragraph whole everything article paper page section chapter part space"
        " folder collection here all these those base knowledge"
    )
)
"""Words of a request for a summary that do not name a subject."""


class Scope(NamedTuple):
    """What is summarised, in reading order: of a `subject`, or of many documents by themselves."""

    chunks: Sequence[Chunk]
    subject: str | None = None
    by_document: bool = False


class SummaryEngine(Engine):
    """Reads what is to be summarised in order; for a subject, the passages about it."""

    def respond(self, asked: Asked) -> StreamingResponse:
        outcome = Outcome()
        nodes: list[NodeWithScore] = []
        return streaming("summary", self._tokens(asked, nodes, outcome), nodes, outcome)

    def _tokens(self, asked: Asked, nodes: list[NodeWithScore], outcome: Outcome) -> TokenGen:
        scope = self._scope(asked, outcome)
        sources, pages = sources_of(self.tools, scope.chunks)
        outcome.nearest = near_pages(sources)
        warn_of_instructions(count_instructions(sources, pages), outcome)

        def quotes() -> Sequence[Source]:
            if not scope.by_document:
                return main_points(sources, pages, self.tools.embedder.embed, scope.subject)
            groups = [list(g) for _, g in groupby(sources, key=lambda s: s.document_id)]
            each = max(1, MOST_POINTS // len(groups)) if groups else 1
            # Of many documents by their words' vectors alone: the model would take seconds.
            texts = self.tools.likeness.vectors.texts
            return [p for group in groups for p in main_points(group, pages, texts, most=each)]

        if self.tools.generator and sources:
            nodes += [node_of(source) for source in sources]
            yield from told(self.tools, "summary", asked, nodes, outcome, quotes)
        else:
            yield from quoted(quotes(), nodes)
        if not outcome.shown and not outcome.refused:
            yield REFUSAL + END

    def _scope(self, asked: Asked, outcome: Outcome) -> Scope:
        hits = [hit.chunk for hit in self.search(asked, outcome, DEPTH)]
        generation = self.tools.catalog.serving_generation()
        if generation is None:
            return Scope([])
        wanted = set(content_stems(asked.query_str)) - _ASKING
        chosen = asked.document_ids
        if wanted:
            ids = dict.fromkeys(chunk.document_id for chunk in hits)
            for document_id in ids:
                chunks = self.tools.catalog.chunks_of_document(document_id, generation.id)
                if part := _part_named(chunks, wanted, chosen is not None and len(chosen) == 1):
                    return Scope(_spread(part, DEPTH))
            about = sorted(hits[:12], key=lambda c: (c.document_id, c.page, c.spans[0].start))
            return Scope(about, asked.query_str)
        documents = self.tools.catalog.answering_documents(asked.space_ids, chosen)
        if len(documents) > MOST_DOCUMENTS:
            outcome.warn(
                f"There are {len(documents)} documents; this overview is of {MOST_DOCUMENTS} of"
                " them. Ask for one of the others by its name."
            )
        # Those that the search found first come first, then the others by name.
        found = {id_: n for n, id_ in enumerate(dict.fromkeys(c.document_id for c in hits))}
        documents = sorted(documents, key=lambda d: found.get(d.document_id, len(found)))
        documents = documents[:MOST_DOCUMENTS]
        most = DEPTH if len(documents) == 1 else EACH_CHUNKS
        chunks = [
            chunk
            for d in documents
            for chunk in _spread(
                self.tools.catalog.chunks_of_document(d.document_id, generation.id), most
            )
        ]
        return Scope(chunks, by_document=len(documents) > 1)


def _part_named(chunks: Sequence[Chunk], wanted: Collection[str], only: bool) -> list[Chunk]:
    """The chunks of the document or of a section of it that the words name; empty where they name
    neither. `only`: the document was chosen, so that the words need not name it."""
    if not chunks:
        return []
    names = set(content_stems(chunks[0].name.rpartition(".")[0])) - _ASKING
    shared = set.intersection(*(set(content_stems(chunk.header)) for chunk in chunks))
    wanted = set(wanted)
    rest = wanted - names - shared
    if not rest:
        return list(chunks) if only or names & wanted else []
    if rest == wanted and not only:
        return []  # a subject, not a document's section
    return list(_section_named(chunks, rest))


def _section_named(chunks: Sequence[Chunk], wanted: set[str]) -> Iterator[Chunk]:
    """From the first chunk whose section has all the words, while the sections have them."""
    for chunk in chunks:
        if wanted <= set(content_stems(chunk.section)):
            yield chunk


def _spread(chunks: Sequence[Chunk], most: int) -> list[Chunk]:
    """At most so many, evenly over what there is."""
    step = max(1.0, len(chunks) / most)
    return [chunks[int(i * step)] for i in range(min(most, len(chunks)))]
