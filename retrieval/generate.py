"""Asking language models: one budget, one deadline, one retry policy, the next model of a list.

A model is asked through LlamaIndex's OpenAILike in a thread of its own, because a server that
sends a byte a minute, or nothing, passes every read time-out; we wait on a queue instead and
leave when the deadline passes or the person cancels.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from llama_index.core.llms import ChatMessage, ChatResponse, MessageRole
from llama_index.core.schema import MetadataMode, NodeWithScore
from pydantic import SecretStr
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from retrieval.budget import Budget
from retrieval.citations import complete_sentences
from retrieval.llama import REFUSAL, Asked
from retrieval.prompts import prompt
from store.errors import Cancelled, ModelUnavailable
from store.models import Frozen

if TYPE_CHECKING:
    from llama_index.llms.openai_like import OpenAILike

ATTEMPTS = 4
FIRST_WAIT_S = 0.5
_TICK_S = 0.05


class Models(Frozen):
    """Which models to ask, where, and how much to send and accept."""

    names: tuple[str, ...]
    base_url: str | None = None
    api_key: SecretStr | None = None
    context_tokens: int = 6000
    answer_tokens: int = 800
    context_window: int = 16_000

    @property
    def host(self) -> str | None:
        return urlsplit(self.base_url or "https://api.openai.com/v1").netloc if self.names else None


class _Fault(Exception):
    """A model did not answer; the text says why. Another try may not help."""


class _Again(_Fault):
    """Worth another try, not before `after_s` seconds."""

    def __init__(self, text: str, after_s: float = 0.0):
        super().__init__(text)
        self.after_s = after_s


class LanguageModels:
    """Asks the models in order. Safe to use from several threads."""

    def __init__(self, models: Models, budget: Budget | None = None):
        # Imported here, seconds before a deadline runs, and only where a model is configured.
        from llama_index.llms.openai_like import OpenAILike

        self.models, self._client_class = models, OpenAILike
        self._budget = budget

    def stream(self, messages: Sequence[ChatMessage], asked: Asked) -> Iterator[str]:
        """The answer as text, as it comes; the first thing yielded is the model's name.

        The first sentence is held back until it is whole: until then a fault is retried and the
        next model asked; afterwards it is a cut. Raises ModelUnavailable for both, and Cancelled.
        """
        said: list[str] = []
        if self._budget is not None and self._budget.used_up():
            raise ModelUnavailable(f"the {self._budget.most:,} tokens of today are used up")
        for i, model in enumerate(self.models.names):
            slot = time.monotonic() + asked.remaining_s() / (len(self.models.names) - i)
            try:
                begun, rest = self._begin(model, messages, asked, slot)
            except _Fault as fault:
                said.append(f"{model}: {fault}")
                continue
            yield model
            yield begun
            try:
                yield from rest
            except _Fault as fault:
                raise ModelUnavailable(f"{model}: {fault}") from fault
            finally:
                rest.close()
            return
        raise ModelUnavailable("; ".join(said) or "no model is configured")

    def _begin(
        self, model: str, messages: Sequence[ChatMessage], asked: Asked, slot: float
    ) -> tuple[str, Generator[str, None, None]]:
        """Text up to the first whole sentence, and the rest of the stream."""

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            after_s = error.after_s if isinstance(error, _Again) else 0.0
            return max(after_s, FIRST_WAIT_S * 2 ** (state.attempt_number - 1))

        def enough(state: RetryCallState) -> bool:
            late = time.monotonic() + state.upcoming_sleep >= slot
            return late or state.attempt_number >= ATTEMPTS

        def once() -> tuple[str, Generator[str, None, None]]:
            rest = self._ask(model, messages, asked, slot)
            text = ""
            for piece in rest:
                text += piece
                if complete_sentences(text):
                    return text, rest
            if not any(c.isalnum() for c in text):
                raise _Fault("the answer was empty")
            return text, rest

        return Retrying(
            retry=retry_if_exception_type(_Again),
            wait=wait,
            stop=enough,
            sleep=lambda seconds: _sleep(seconds, asked),
            reraise=True,
        )(once)

    def _ask(
        self, model: str, messages: Sequence[ChatMessage], asked: Asked, slot: float
    ) -> Generator[str, None, None]:
        """One request. `slot` bounds the wait for the first text, the deadline all of it."""
        import httpx

        arrived: queue.Queue[str | Exception | None] = queue.Queue()
        client = httpx.Client(timeout=max(1.0, asked.remaining_s()))
        llm = self._llm(model, client, asked.remaining_s())
        counted = _Counted()

        def read() -> None:
            ended: str | None = None
            chunk = None
            try:
                for chunk in llm.stream_chat(messages):
                    counted.add(chunk)
                    if chunk.delta:
                        arrived.put(chunk.delta)
                    choices = getattr(chunk.raw, "choices", None)
                    ended = (choices[0].finish_reason if choices else None) or ended
                if chunk is None:
                    arrived.put(_Fault("the server's answer could not be read"))
                elif ended == "length":
                    arrived.put(_Fault("its limit of words was reached"))
                elif ended is None:
                    # A connection closed early looks like an end to HTTP/1.0 and many proxies.
                    arrived.put(_Again("the connection was cut"))
            # Whatever a foreign server makes the client library raise is a fault of the model.
            except Exception as error:  # noqa: BLE001
                arrived.put(error)
            arrived.put(None)

        threading.Thread(target=read, name=f"model {model}", daemon=True).start()
        until = slot
        try:
            while True:
                if asked.stop.is_set():
                    raise Cancelled("The answer was stopped.")
                if time.monotonic() >= until:
                    raise _Fault("no answer in time")
                with contextlib.suppress(queue.Empty):
                    item = arrived.get(timeout=_TICK_S)
                    if item is None:
                        return
                    if isinstance(item, Exception):
                        raise item if isinstance(item, _Fault) else _fault(item)
                    until = asked.deadline
                    yield "".join(c for c in item if c.isprintable() or c in "\n\t")
        finally:
            client.close()
            if self._budget is not None and counted.answered:
                self._budget.spend(counted.tokens(messages))

    def _llm(self, model: str, client: object, timeout_s: float) -> OpenAILike:
        key = self.models.api_key.get_secret_value() if self.models.api_key else "none"
        return self._client_class(
            model=model,
            api_base=self.models.base_url or "https://api.openai.com/v1",
            api_key=key,
            is_chat_model=True,
            context_window=self.models.context_window,
            max_tokens=self.models.answer_tokens,
            temperature=0.0,
            max_retries=0,
            timeout=max(1.0, timeout_s),
            http_client=client,
        )


class _Counted:
    """What one request cost: as the server says, or estimated where it does not."""

    def __init__(self) -> None:
        self.answered = False
        self._said: int | None = None
        self._written = 0

    def add(self, chunk: ChatResponse) -> None:
        self.answered = True
        self._written += len((chunk.delta or "").encode("utf-8", "replace"))
        usage = getattr(chunk.raw, "usage", None)
        self._said = getattr(usage, "total_tokens", None) or self._said

    def tokens(self, messages: Sequence[ChatMessage]) -> int:
        sent = sum(estimated_tokens(message.content or "") for message in messages)
        return self._said or sent + self._written // 3 + 1


def chat(system: str, user: str) -> list[ChatMessage]:
    return [
        ChatMessage(role=MessageRole.SYSTEM, content=system),
        ChatMessage(role=MessageRole.USER, content=user),
    ]


def messages_for(
    name: str, question: str, nodes: Sequence[NodeWithScore], models: Models
) -> tuple[list[ChatMessage], int]:
    """The prompt with as many excerpts, best first, as its budget holds; and how many those are."""
    system = prompt(name).text
    room = min(
        models.context_tokens,
        models.context_window - models.answer_tokens - estimated_tokens(system + question) - 200,
    )
    excerpts: list[str] = []
    for n, node in enumerate(nodes, 1):
        text = node.node.get_content(metadata_mode=MetadataMode.LLM)
        text = text.replace("<excerpt", "‹excerpt").replace("</excerpt", "‹/excerpt")
        excerpt = f'<excerpt n="{n}">\n{text}\n</excerpt>'
        room -= estimated_tokens(excerpt)
        if room < 0 and excerpts:
            break
        excerpts.append(f"[{n}]\n{excerpt}")
    filled = system.format(refusal=REFUSAL, excerpts="\n\n".join(excerpts))
    return chat(filled, question), len(excerpts)


def estimated_tokens(text: str) -> int:
    """An upper estimate for any model's tokenizer: three bytes a token."""
    return len(text.encode("utf-8", "replace")) // 3 + 1


def _sleep(seconds: float, asked: Asked) -> None:
    if asked.stop.wait(seconds):
        raise Cancelled("The answer was stopped.")


def _fault(error: Exception) -> _Fault:
    import httpx
    import openai

    if isinstance(error, openai.APIStatusError):
        status = error.status_code
        if status == 429:
            return _Again("too many requests (429)", _retry_after_s(error.response))
        if status in (408, 409) or status >= 500:
            return _Again(f"the server failed ({status})", _retry_after_s(error.response))
        return _Fault(f"the server refused the request ({status})")
    if isinstance(error, openai.APITimeoutError | httpx.TimeoutException):
        return _Again("the server took too long")
    if isinstance(error, openai.APIConnectionError | httpx.TransportError):
        return _Again("the connection failed")
    return _Fault(f"the server's answer could not be read ({type(error).__name__})")


def _retry_after_s(response: object) -> float:
    value = getattr(response, "headers", {}).get("retry-after", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        return 0.0
