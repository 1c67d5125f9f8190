"""A cross-encoder's opinion of what a search found, where a server for one is configured.

Speaks POST {base}/rerank as Jina, Cohere, vLLM and llama.cpp do ({"query", "documents"} →
{"results": [{"index", "relevance_score"}]}), and as text-embeddings-inference does ({"query",
"texts"} → [{"index", "score"}]). Whatever goes wrong, the search's own order stays.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import AliasChoices, BaseModel, Field, SecretStr, TypeAdapter, ValidationError

from store.errors import BadInput, Cancelled
from store.models import Frozen, Hit

if TYPE_CHECKING:
    import httpx

    from store.settings import Settings

SENT = 50
"""Candidates that are sent, the best of the search."""
TIMEOUT_S = 5.0
COOL_S = 30.0
"""A server that took too long is not asked again for so long: every question would wait."""
MOST_CHARS = 4000
"""Of one candidate; its server cuts at its own limit too."""
MOST_BYTES = 4_000_000
"""Of an answer: some servers send the documents back."""
BATCH = 32
"""Texts of a request to text-embeddings-inference, which takes no more unless told to."""
_TICK_S = 0.05


class Reranked(Frozen):
    """Hits in their new order, or in the old one with a sentence that says why."""

    hits: tuple[Hit, ...]
    warning: str | None = None


class _Result(BaseModel):
    index: int = Field(strict=True, ge=0)
    score: float = Field(
        validation_alias=AliasChoices("relevance_score", "score"), allow_inf_nan=False
    )


class _Results(BaseModel):
    results: list[_Result] = Field(validation_alias=AliasChoices("results", "data"))


_ANSWER: TypeAdapter[_Results | list[_Result]] = TypeAdapter(_Results | list[_Result])


class _Failed(Exception):
    """The server did not rank; the text, a clause, says why."""


class _OtherForm(_Failed):
    """The server does not take this form of a request."""


def open_reranker(settings: Settings) -> Reranker | None:
    """The reranker that `settings` name, None where they name none. Raises BadInput."""
    if not settings.rerank_base_url:
        if settings.rerank_model or settings.rerank_api_key:
            raise BadInput(
                "FOOTNOTE_RERANK_MODEL or _API_KEY is set, but no server: set"
                " FOOTNOTE_RERANK_BASE_URL to its address, without the final /rerank."
            )
        return None
    return Reranker(settings.rerank_base_url, settings.rerank_model, settings.rerank_api_key)


def depth(k: int, reranker: Reranker | None) -> int:
    """How many hits to search for where `k` are wanted."""
    return max(k, SENT) if reranker else k


class Reranker:
    """Safe to use from several threads."""

    def __init__(
        self,
        base_url: str,
        model: str | None = None,
        api_key: SecretStr | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ):
        address = urlsplit(base_url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise BadInput(
                "FOOTNOTE_RERANK_BASE_URL is no address of a server; write it with http:// or"
                " https://, such as http://localhost:8080/v1."
            )
        self.host = address.netloc.rpartition("@")[2]
        self.model = model
        self._url = f"{base_url.rstrip('/').removesuffix('/rerank')}/rerank"
        self._headers = {"authorization": f"Bearer {api_key.get_secret_value()}"} if api_key else {}
        self._clock = clock
        self._cool_until = -math.inf
        self._takes_texts = False

    def reranked(
        self,
        query: str,
        hits: Sequence[Hit],
        within_s: float = TIMEOUT_S,
        stop: threading.Event | None = None,
    ) -> Reranked:
        """`hits`, best first, with the first SENT of them in the server's order.

        Their texts with their headers are sent. `score` then follows the new order, 0..1. Raises
        Cancelled where `stop` is set meanwhile.
        """
        if len(hits) < 2:
            return Reranked(hits=tuple(hits))
        try:
            scores = self._in_time(query, hits[:SENT], min(within_s, TIMEOUT_S), stop)
        except _Failed as why:
            said = f"{self.host} did not rank what was found ({why}): the search's own order stays."
            return Reranked(hits=tuple(hits), warning=said)
        return Reranked(hits=_ordered(hits, scores))

    def _in_time(
        self,
        query: str,
        hits: Sequence[Hit],
        within_s: float,
        stop: threading.Event | None,
    ) -> dict[int, float]:
        """The server's score by place in `hits`. Raises _Failed, Cancelled.

        A thread of its own asks, as in `generate`: a server that sends a byte a second passes
        every time-out.
        """
        import httpx

        now = self._clock()
        if now < self._cool_until:
            raise _Failed("it took too long a moment ago")
        texts = [hit.chunk.searched_text[:MOST_CHARS] for hit in hits]
        came: queue.Queue[dict[int, float] | Exception] = queue.Queue()
        client = httpx.Client(timeout=max(0.1, within_s))

        def ask() -> None:
            try:
                came.put(self._asked(client, query, texts))
            # Whatever a foreign server makes the client library raise is a fault of the server.
            except Exception as error:  # noqa: BLE001
                came.put(error)

        threading.Thread(target=ask, name="rerank", daemon=True).start()
        until = time.monotonic() + within_s
        try:
            while time.monotonic() < until:
                if stop is not None and stop.is_set():
                    raise Cancelled("The answer was stopped.")
                try:
                    item = came.get(timeout=_TICK_S)
                except queue.Empty:
                    continue
                if isinstance(item, httpx.TimeoutException):
                    break
                if isinstance(item, Exception):
                    raise item if isinstance(item, _Failed) else _Failed(_reason(item))
                return item
        finally:
            client.close()
        if within_s >= 1:  # else it was the question that had no time left
            self._cool_until = now + COOL_S
        raise _Failed("it took too long")

    def _asked(self, client: httpx.Client, query: str, texts: Sequence[str]) -> dict[int, float]:
        if not self._takes_texts:
            try:
                return self._sent(client, {"documents": texts, "top_n": len(texts)}, query, texts)
            except _OtherForm:
                scores = self._in_batches(client, query, texts)
                self._takes_texts = True
                return scores
        return self._in_batches(client, query, texts)

    def _in_batches(
        self, client: httpx.Client, query: str, texts: Sequence[str]
    ) -> dict[int, float]:
        scores: dict[int, float] = {}
        for start in range(0, len(texts), BATCH):
            some = texts[start : start + BATCH]
            found = self._sent(client, {"texts": some, "truncate": True}, query, some)
            scores |= {start + i: score for i, score in found.items()}
        return scores

    def _sent(
        self, client: httpx.Client, form: Mapping[str, object], query: str, texts: Sequence[str]
    ) -> dict[int, float]:
        """One request, and its answer checked. Raises _Failed and what httpx raises."""
        model = {"model": self.model} if self.model else {}
        body = {**model, "query": query, **form}
        received = bytearray()
        with client.stream("POST", self._url, json=body, headers=self._headers) as answer:
            if answer.status_code in (400, 422):
                raise _OtherForm(f"it refused the request ({answer.status_code})")
            if answer.status_code != 200:
                verb = "failed" if answer.status_code >= 500 else "refused the request"
                raise _Failed(f"it {verb} ({answer.status_code})")
            for part in answer.iter_bytes():
                received += part
                if len(received) > MOST_BYTES:
                    raise _Failed("its answer is too long")
        return _scores(bytes(received), len(texts))


def _scores(body: bytes, count: int) -> dict[int, float]:
    """Score by index; some may be missing where a server has a limit of its own."""
    try:
        answer = _ANSWER.validate_json(body)
    except ValidationError as error:
        raise _Failed("its answer is no ranking") from error
    results = answer.results if isinstance(answer, _Results) else answer
    scores = {result.index: result.score for result in results}
    if not scores or len(scores) < len(results) or max(scores) >= count:
        raise _Failed("its ranking is not of what was sent")
    return scores


def _ordered(hits: Sequence[Hit], scores: Mapping[int, float]) -> tuple[Hit, ...]:
    """Those with a score first, the best before the others; the rest as they were."""
    # Some servers give logits, others 0..1; engines and screens know 0..1.
    plain = all(0.0 <= score <= 1.0 for score in scores.values())
    first = sorted(scores, key=lambda i: (-scores[i], i))
    ranked = [(hits[i], scores[i] if plain else _logistic(scores[i]), scores[i]) for i in first]
    least = ranked[-1][1]
    most = max((hit.score for hit in hits), default=0.0) or 1.0
    rest = [(hit, least * hit.score / most, None) for i, hit in enumerate(hits) if i not in scores]
    return tuple(
        hit.model_copy(update={"score": score, "fused_score": hit.score, "rerank_score": said})
        for hit, score, said in [*ranked, *rest]
    )


def _logistic(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x)) if x > -700 else 0.0


def _reason(error: Exception) -> str:
    import httpx

    if isinstance(error, httpx.TransportError):
        return "the connection failed"
    return f"its answer could not be read ({type(error).__name__})"
