"""The same question to several documents, things or periods, side by side."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

from llama_index.core.base.response.schema import StreamingResponse
from llama_index.core.schema import NodeWithScore
from llama_index.core.types import TokenGen

from retrieval.compared import MOST_THINGS, Compared, Documents, compared
from retrieval.engines.base import Engine, near_pages, sources_of, told
from retrieval.engines.facts import DEPTH, FactsEngine
from retrieval.extractive import extract
from retrieval.llama import (
    END,
    REFUSAL,
    Asked,
    Draft,
    DraftTable,
    Outcome,
    computed,
    node_of,
    streaming,
)
from retrieval.named import called, named_by
from retrieval.sources import Source, passages
from retrieval.words import content_stems, stems
from store.catalog.scanning import ScannedDocument
from store.models import Page

WIDE = 100
"""Chunks searched for to find which documents are meant."""
EACH = 4
"""Sources of a part that a model is shown."""
LONGEST_CELL = 400
"""Characters of a quote that a cell shows; its footnote has all of it."""
TOO_FEW = (
    "Fewer than two things to compare were found; this answer is from the passages that fit best."
)


class Part(NamedTuple):
    """One thing of a comparison: its question, and the documents that are about it.

    `names` are stems of which a passage must hold all where no document is called by them;
    `without` are stems by which its documents are called.
    """

    label: str
    question: str
    document_ids: frozenset[str] | None
    names: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()

    @property
    def asked(self) -> str:
        """The question without what already chose the documents: in a report of 2023, `2023` is
        no word to find a passage by."""
        kept = [w for w in self.question.split() if not (s := stems(w)) or s[0] not in self.without]
        text = re.sub(r"(?:\b(?:of|in|at|for|by|from|on|the|von)\b\s*)+$", "", " ".join(kept))
        text = re.sub(r"\b(?:of|at|by|from|for|von)\s+(?=in|of|at|on|for)\b", "", text)
        text = re.sub(r"^(?:(?:of|in|on|about|the)\b\s*)+", "", text)
        return text if content_stems(text) else self.question


class CompareEngine(Engine):
    """Each part is quoted from the documents; a model, where one is configured, writes a comparison
    over what all parts found, which is checked like any answer."""

    def respond(self, asked: Asked) -> StreamingResponse:
        parts = self._parts(asked)
        if len(parts) < 2:
            response = FactsEngine(self.tools).respond(asked)
            response.metadata["outcome"].warn(TOO_FEW)  # type: ignore[index]
            return response
        outcome = Outcome()
        nodes: list[NodeWithScore] = []
        return streaming("compare", self._tokens(asked, parts, nodes, outcome), nodes, outcome)

    def _tokens(
        self, asked: Asked, parts: Sequence[Part], nodes: list[NodeWithScore], outcome: Outcome
    ) -> TokenGen:
        table = DraftTable(("What", "Answer", "Document and page"))
        looked: list[list[Source]] = []
        for part in parts:
            quote = self._quote(asked, part, looked, outcome)
            table.rows.append(_row(part, quote, nodes))
        by_turns = [s for some in zip_longest(*looked) for s in some if s is not None]
        outcome.nearest = near_pages(by_turns)
        if nodes:
            outcome.table = table
            yield computed(_lead(parts), range(1, len(nodes) + 1))
        if self.tools.generator and by_turns:
            nodes += [node_of(source) for source in by_turns]
            yield from told(self.tools, "answer", asked, nodes, outcome, lambda: ())
        if not outcome.shown and not outcome.refused:
            yield REFUSAL + END

    def _parts(self, asked: Asked) -> list[Part]:
        found = compared(asked.query_str)
        if found is None:
            return []
        documents = self.tools.catalog.answering_documents(asked.space_ids, asked.document_ids)
        if isinstance(found, Documents):
            return self._each_document(asked, found, documents)
        return _each_thing(asked, found, documents)

    def _each_document(
        self, asked: Asked, wanted: Documents, documents: Sequence[ScannedDocument]
    ) -> list[Part]:
        """The documents nearest to the question, those called by the noun where there are two."""
        hits = self.tools.searcher.search(
            f"{wanted.noun} {wanted.question}", asked.space_ids, asked.document_ids, k=WIDE
        ).hits
        order = list(dict.fromkeys(hit.chunk.document_id for hit in hits))
        noun = set(content_stems(wanted.noun))
        headers = {hit.chunk.document_id: set(stems(hit.chunk.header)) for hit in hits}
        so_called = {d.document_id for d in documents if noun and noun <= called(d)}
        so_called |= {i for i, header in headers.items() if noun and noun <= header}
        # Search may miss one of two look-alikes: those named come whether or not it found them.
        chosen = [i for i in order if i in so_called]
        chosen += sorted(so_called.difference(chosen))
        names = {d.document_id: d.name for d in documents}
        if len(chosen) < 2:
            chosen = order
            if len(names) <= MOST_THINGS:
                # One may fill all the hits: of few documents each is asked.
                chosen += [i for i in names if i not in order]
        return [
            Part(names[i], wanted.question, frozenset([i]))
            for i in chosen[: wanted.number or MOST_THINGS]
            if i in names
        ]

    def _quote(
        self, asked: Asked, part: Part, looked: list[list[Source]], outcome: Outcome
    ) -> Source | None:
        """The passage that answers for this part; None where there is none. The best sources are
        added to `looked`."""
        tools = self.tools
        hits = self.search(asked, outcome, DEPTH, part.asked, part.document_ids or None)
        scores = {hit.chunk.id: hit.score for hit in hits}
        sources, pages = sources_of(tools, [hit.chunk for hit in hits])
        looked.append(sources[:EACH])
        if part.names:
            sources = _naming(part.names, sources, pages)
        ranked = [(source, scores[source.chunk_id]) for source in sources]
        quotes = extract(part.asked, ranked, pages, tools.embedder, tools.likeness).quotes
        return quotes[0] if quotes else None


def _each_thing(asked: Asked, found: Compared, documents: Sequence[ScannedDocument]) -> list[Part]:
    parts = []
    for thing, question in zip(found.things, found.questions, strict=True):
        about = named_by(thing, documents)
        if about:
            # Of the look-alikes about one thing, those that are also of the year that is asked.
            said = set(stems(question))
            most = max(len(said & called(d)) for d in about)
            about = [d for d in about if len(said & called(d)) == most]
            ids = frozenset(d.document_id for d in about)
            shared = set.intersection(*map(called, about))
            parts.append(Part(thing, question, ids, without=frozenset(shared & said)))
        else:
            names = frozenset(content_stems(thing))
            parts.append(Part(thing, question, asked.document_ids, names))
    return parts


def _naming(
    names: frozenset[str], sources: Sequence[Source], pages: dict[int, Page]
) -> list[Source]:
    """The passages that hold the names, themselves or in what they stand under: what another
    passage of the same chunk says may be of another thing."""
    return [
        passage
        for source in sources
        for passage in passages(source, pages)
        if names <= set(stems(f"{source.header}\n{source.section}\n{passage.text}"))
    ]


def _row(part: Part, quote: Source | None, nodes: list[NodeWithScore]) -> tuple[Draft, ...]:
    if quote is None:
        return (part.label, ()), (REFUSAL, ()), ("", ())
    nodes.append(node_of(quote))
    cited = (len(nodes),)
    shown = quote.shown
    if len(shown) > LONGEST_CELL:
        shown = shown[:LONGEST_CELL].rpartition(" ")[0] + " …"
    where = f"{quote.doc}, page {quote.pieces[0].page}"
    return (part.label, ()), (shown, cited), (where, cited)


def _lead(parts: Sequence[Part]) -> str:
    questions = list(dict.fromkeys(part.question for part in parts))
    if len(questions) == 1:
        return f"Compared in {_listed([part.label for part in parts])}: {questions[0]}."
    return f"Compared: {_listed(questions)}."


def _listed(names: Sequence[str]) -> str:
    quoted = [f"“{name}”" for name in names]
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}"
