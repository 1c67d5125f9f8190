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
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from llama_index.core.llms import ChatMessage, ChatResponse, MessageRole
from llama_index.core.schema import MetadataMode, NodeWithScore
from pydantic import Field, SecretStr
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from retrieval.budget import Budget
from retrieval.citations import complete_sentences
from retrieval.faults import Again, Fault, fault_of
from retrieval.llama import REFUSAL, Asked
from retrieval.prompts import prompt
from retrieval.usage import Counted, Price, estimated_tokens
from store.errors import Cancelled, ModelUnavailable
from store.models import Frozen, ModelCall

if TYPE_CHECKING:
    from llama_index.llms.openai_like import OpenAILike

ATTEMPTS = 4
FIRST_WAIT_S = 0.5
LONGEST_UNBROKEN = 20_000
"""Characters without the end of a sentence, after which a model is taken to write for ever."""
_SPARE_S = 2.0
_TICK_S = 0.05


class Models(Frozen):
    """Which models to ask, where, and how much to send and accept."""

    names: tuple[str, ...]
    base_url: str | None = None
    api_key: SecretStr | None = None
    context_tokens: int = 6000
    answer_tokens: int = 800
    context_window: int = 16_000
    prices: Mapping[str, Price] = Field(default_factory=dict)

    @property
    def host(self) -> str | None:
        return urlsplit(self.base_url or "https://api.openai.com/v1").netloc if self.names else None


class LanguageModels:
    """Asks the models in order. Safe to use from several threads."""

    def __init__(self, models: Models, budget: Budget | None = None):
        # Imported here, seconds before a deadline runs, and only where a model is configured.
        from llama_index.llms.openai_like import OpenAILike

        self.models, self._client_class = models, OpenAILike
        self._budget = budget
        self._silent_on_usage: set[str] = set()
        """Models whose server refuses a request that asks to be told the tokens."""

    def stream(
        self, messages: Sequence[ChatMessage], asked: Asked, label: str | None = None
    ) -> Iterator[str]:
        """The answer as text, as it comes; the first thing yielded is the model's name.

        Each request is noted in the question's trace, with the prompt's `label`.

        The first sentence is held back until it is whole: until then a fault is retried and the
        next model asked; afterwards it is a cut. Raises ModelUnavailable for both, and Cancelled.
        """
        said: list[str] = []
        if self._budget is not None and self._budget.used_up():
            raise ModelUnavailable(f"the {self._budget.most:,} tokens of today are used up")
        for i, model in enumerate(self.models.names):
            slot = time.monotonic() + asked.remaining_s() / (len(self.models.names) - i)
            try:
                begun, rest = self._begin(model, messages, asked, slot, label)
            except Fault as fault:
                said.append(f"{model}: {fault}")
                continue
            try:
                yield model
                yield begun
                yield from rest
            except Fault as fault:
                raise ModelUnavailable(f"{model}: {fault}") from fault
            finally:
                rest.close()
            return
        raise ModelUnavailable("; ".join(said) or "no model is configured")

    def _begin(
        self,
        model: str,
        messages: Sequence[ChatMessage],
        asked: Asked,
        slot: float,
        label: str | None,
    ) -> tuple[str, Generator[str, None, None]]:
        """Text up to the first whole sentence, and the rest of the stream."""

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            after_s = error.after_s if isinstance(error, Again) else 0.0
            return max(after_s, FIRST_WAIT_S * 2 ** (state.attempt_number - 1))

        def enough(state: RetryCallState) -> bool:
            late = time.monotonic() + state.upcoming_sleep >= slot
            return late or state.attempt_number >= ATTEMPTS

        def once() -> tuple[str, Generator[str, None, None]]:
            rest = self._ask(model, messages, asked, slot, label)
            text = ""
            for piece in rest:
                text += piece
                if complete_sentences(text):
                    return text, rest
                if len(text) > LONGEST_UNBROKEN:
                    rest.close()
                    raise Fault("it wrote on and on without ending a sentence")
            if not any(c.isalnum() for c in text):
                raise Fault("the answer was empty")
            return text, rest

        return Retrying(
            retry=retry_if_exception_type(Again),
            wait=wait,
            stop=enough,
            sleep=lambda seconds: _sleep(seconds, asked),
            reraise=True,
        )(once)

    def _ask(
        self,
        model: str,
        messages: Sequence[ChatMessage],
        asked: Asked,
        slot: float,
        label: str | None,
    ) -> Generator[str, None, None]:
        """One request. `slot` bounds the wait for the first text, the deadline all of it."""
        import httpx

        arrived: queue.Queue[tuple[float, str | Exception | None]] = queue.Queue()

        def put(item: str | Exception | None) -> None:
            arrived.put((time.monotonic(), item))

        # One clock decides, the one below; the client's only frees the thread that reads.
        patience_s = asked.remaining_s() + _SPARE_S
        client = httpx.Client(timeout=patience_s)
        llm = self._llm(model, client, patience_s)
        counted = Counted(sum(estimated_tokens(message.content or "") for message in messages))

        def read() -> None:
            ended: str | None = None
            chunk = None
            try:
                for chunk in self._chunks(model, llm, messages):
                    counted.add(chunk.delta or "", getattr(chunk.raw, "usage", None))
                    if chunk.delta:
                        put(chunk.delta)
                    choices = getattr(chunk.raw, "choices", None)
                    ended = (choices[0].finish_reason if choices else None) or ended
                if chunk is None:
                    put(Fault("the server's answer could not be read"))
                elif ended == "length":
                    put(Fault("its limit of words was reached"))
                elif ended is None:
                    # A connection closed early looks like an end to HTTP/1.0 and many proxies.
                    put(Again("the connection was cut"))
            # Whatever a foreign server makes the client library raise is a fault of the model.
            except Exception as error:  # noqa: BLE001
                put(error)
            put(None)

        began, until = time.time(), slot
        threading.Thread(target=read, name=f"model {model}", daemon=True).start()
        error: str | None = "not read to its end"
        try:
            while True:
                if asked.stop.is_set():
                    raise Cancelled("The answer was stopped.")
                if arrived.empty() and time.monotonic() >= until:
                    raise Fault("no answer in time")
                with contextlib.suppress(queue.Empty):
                    at, item = arrived.get(timeout=_TICK_S)
                    # What came in time counts, however long it waited for us.
                    if at >= until:
                        raise Fault("no answer in time")
                    if item is None:
                        error = None
                        return
                    if isinstance(item, Exception):
                        raise fault_of(item)
                    until = asked.deadline
                    yield "".join(c for c in item if c.isprintable() or c in "\n\t")
        except Fault as fault:
            error = str(fault)
            raise
        finally:
            client.close()
            self._note(asked, model, label, counted, began, error)

    def _chunks(
        self, model: str, llm: OpenAILike, messages: Sequence[ChatMessage]
    ) -> Iterator[ChatResponse]:
        """An answer as it comes; the server is asked to say the tokens unless it refuses that."""
        import openai

        if model not in self._silent_on_usage:
            with contextlib.suppress(openai.BadRequestError, openai.UnprocessableEntityError):
                yield from llm.stream_chat(messages, stream_options={"include_usage": True})
                return
        for chunk in llm.stream_chat(messages):
            # Now it is known that the wish was all that the server had refused.
            self._silent_on_usage.add(model)
            yield chunk

    def _note(
        self,
        asked: Asked,
        model: str,
        label: str | None,
        counted: Counted,
        began: float,
        error: str | None,
    ) -> None:
        """What a request took, for its question's trace and for the day's budget."""
        tokens = counted.tokens()
        price = self.models.prices.get(model)
        asked.trace.called(
            ModelCall(
                model=model,
                prompt=label,
                at=began,
                ms=round((time.time() - began) * 1000, 2),
                input_tokens=tokens.input,
                output_tokens=tokens.output,
                estimated=tokens.estimated,
                cost=price.of(tokens.input, tokens.output) if price else None,
                error=error,
            )
        )
        if self._budget is not None and counted.answered:
            self._budget.spend(tokens.input + tokens.output)

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


def _sleep(seconds: float, asked: Asked) -> None:
    if asked.stop.wait(seconds):
        raise Cancelled("The answer was stopped.")
