"""How an answer came about, written down while it does: steps with their times, candidates."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence

from store.models import Hit, ModelCall, Trace, TraceCandidate, TraceStep, Usage

MOST_CANDIDATES = 40


class Recorder:
    """Filled by the thread that answers, read by it and by whoever looks meanwhile."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began = time.time()
        self._steps: list[TraceStep] = []
        self._candidates: dict[str, TraceCandidate] = {}
        self._unlisted: set[str] = set()
        self._dropped: list[str] = []
        self._calls: list[ModelCall] = []
        self.prompt: str | None = None
        """Id and version of the prompt that a model was given."""

    @contextlib.contextmanager
    def step(self, name: str, detail: str = "") -> Iterator[None]:
        """Times what is done inside; noted also where it fails."""
        began_at, began = time.time(), time.perf_counter()
        try:
            yield
        finally:
            ms = (time.perf_counter() - began) * 1000
            self.note(name, ms, detail, began_at)

    def note(self, name: str, ms: float, detail: str = "", at: float | None = None) -> None:
        """A step that took `ms`; `at` is when it began, in seconds since 1970."""
        at = time.time() - ms / 1000 if at is None else at
        with self._lock:
            self._steps.append(TraceStep(name=name, at=at, ms=round(ms, 2), detail=detail))

    def found(self, hits: Sequence[Hit]) -> None:
        """What a search brought, best first; of one chunk found twice the first counts."""
        with self._lock:
            for hit in hits:
                if hit.chunk.id in self._candidates:
                    continue
                if len(self._candidates) < MOST_CANDIDATES:
                    self._candidates[hit.chunk.id] = _candidate(hit)
                else:
                    self._unlisted.add(hit.chunk.id)

    def dropped(self, what: str) -> None:
        """A sentence on something that was left out, once; it holds no words of documents."""
        with self._lock:
            if what not in self._dropped:
                self._dropped.append(what)

    def called(self, call: ModelCall) -> None:
        """A request to a language model, answered or not."""
        with self._lock:
            self._calls.append(call)

    def trace(self) -> Trace:
        with self._lock:
            dropped = list(self._dropped)
            if self._unlisted:
                dropped.append(f"{len(self._unlisted)} further candidates are not listed here")
            return Trace(
                began_at=self._began,
                steps=tuple(self._steps),
                candidates=tuple(self._candidates.values()),
                dropped=tuple(dropped),
                prompt=self.prompt,
                calls=tuple(self._calls),
                usage=_usage(self._calls),
            )


def _usage(calls: Sequence[ModelCall]) -> Usage | None:
    if not calls:
        return None
    took = [call for call in calls if call.input_tokens or call.output_tokens]
    costs = [call.cost for call in took if call.cost is not None]
    return Usage(
        input_tokens=sum(call.input_tokens for call in took),
        output_tokens=sum(call.output_tokens for call in took),
        estimated=any(call.estimated for call in took),
        cost=sum(costs) if costs and len(costs) == len(took) else None,
    )


def _candidate(hit: Hit) -> TraceCandidate:
    return TraceCandidate(
        chunk_id=hit.chunk.id,
        document_id=hit.chunk.document_id,
        doc=hit.chunk.name,
        page=hit.chunk.page,
        score=round(hit.score, 4),
        vector_score=hit.vector_score,
        vector_rank=hit.vector_rank,
        lexical_score=hit.lexical_score,
        lexical_rank=hit.lexical_rank,
        fused_score=hit.fused_score,
        rerank_score=hit.rerank_score,
    )
