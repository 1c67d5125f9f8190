"""Our words in LlamaIndex's: sources as nodes, questions as bundles; nothing phones home."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event

import llama_index.core
from llama_index.core import Settings
from llama_index.core.base.response.schema import StreamingResponse
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.llms import LLM, MockLLM
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.core.types import TokenGen

from retrieval.citations import COMPUTED, DISCARD, END, NUMBER, QUOTE
from retrieval.sources import Source
from retrieval.trace import Recorder
from store.models import NearPage

REFUSAL = "The documents do not say."

__all__ = ["DISCARD", "END", "REFUSAL"]


Draft = tuple[str, tuple[int, ...]]
"""A cell of a table: its text, and the numbers of the nodes that it is cited to, from 1."""


@dataclass
class DraftTable:
    """A table of an answer while it is made; the rest is as of `AnswerTable`."""

    headings: tuple[str, ...]
    rows: list[tuple[Draft, ...]] = field(default_factory=list)
    left_out: int = 0


@dataclass
class Outcome:
    """What becomes known while an answer streams. The reader counts `shown` and `supported`."""

    warnings: list[str] = field(default_factory=list)
    refused: bool = False
    nearest: tuple[NearPage, ...] = ()
    model: str | None = None
    shown: int = 0
    supported: int = 0
    table: DraftTable | None = None
    trace: Recorder | None = None
    """The question's, from its first search on."""

    def warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)


@dataclass
class Asked(QueryBundle):
    """A question with where to look, until when, and the event that stops it."""

    space_ids: tuple[str, ...] = ()
    document_ids: frozenset[str] | None = None
    deadline: float = 0.0
    """On the clock of `time.monotonic`."""
    stop: Event = field(default_factory=Event)
    route: str | None = None
    """The engine's name where the person chose one."""
    trace: Recorder = field(default_factory=Recorder)

    def remaining_s(self) -> float:
        return max(0.0, self.deadline - time.monotonic())


def quiet_settings() -> LLM:
    """Sets LlamaIndex's globals, which would otherwise resolve to OpenAI, and returns the model
    that stands where none is configured.

    The tokenizer only serves LlamaIndex's own counting; its default loads tiktoken's tables.
    """
    silent = MockLLM(max_tokens=1)
    Settings.llm = silent
    Settings.embed_model = MockEmbedding(embed_dim=1)
    if llama_index.core.global_tokenizer is None:
        llama_index.core.global_tokenizer = str.split
    return silent


def node_of(source: Source, score: float | None = None) -> NodeWithScore:
    """A node whose id and spans are hidden from a model and from embedding."""
    described = {"described_by": source.described_by} if source.described_by else {}
    node = TextNode(
        text=source.text,
        metadata={
            "document": source.doc,
            "page": source.pieces[0].page,
            **described,
            "source": source.model_dump_json(),
        },
        excluded_llm_metadata_keys=["source"],
        excluded_embed_metadata_keys=["source"],
    )
    return NodeWithScore(node=node, score=score)


def source_in(node: NodeWithScore) -> Source:
    """Inverse of `node_of`."""
    return Source.model_validate_json(node.node.metadata["source"])


def streaming(
    route: str, tokens: TokenGen, nodes: list[NodeWithScore], outcome: Outcome
) -> StreamingResponse:
    """A response that fills `outcome` and `nodes` while `tokens` are read."""
    metadata = {"outcome": outcome, "route": route}
    return StreamingResponse(response_gen=tokens, source_nodes=nodes, metadata=metadata)


def quoted(sources: Sequence[Source], nodes: list[NodeWithScore]) -> TokenGen:
    """The stream of exact quotes; each becomes a node of its own and a sentence taken whole."""
    for source in sources:
        nodes.append(node_of(source))
        yield f"{QUOTE}{source.quoted}{NUMBER}{len(nodes)}{END}"


def computed(text: str, numbers: Sequence[int]) -> str:
    """The stream of a sentence that our own code computed from the nodes with these numbers.

    Names and terms in it may hold the very characters that mark our sentences: none pass.
    """
    plain = "".join(c if c.isprintable() else " " for c in text)
    return f"{COMPUTED}{plain}{NUMBER}{' '.join(map(str, numbers))}{END}"


class Reply:
    """A router's response in our words. `sources` grows while `tokens` are read."""

    def __init__(self, response: object):
        if not isinstance(response, StreamingResponse) or response.metadata is None:
            raise TypeError(f"engines stream their answers; this is a {type(response).__name__}")
        self.tokens = response.response_gen
        self.outcome: Outcome = response.metadata["outcome"]
        self.route: str = response.metadata["route"]
        self._nodes = response.source_nodes
        self._sources: list[Source] = []

    def sources(self) -> list[Source]:
        """What markers count from 1 in."""
        self._sources += [source_in(node) for node in self._nodes[len(self._sources) :]]
        return self._sources
