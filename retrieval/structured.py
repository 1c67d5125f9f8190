"""What a model must give in a fixed shape: validated, asked for once more, else left to rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from store.errors import ModelUnavailable

if TYPE_CHECKING:
    from retrieval.generate import LanguageModels
    from retrieval.llama import Asked
    from store.prompts import Prompt

T = TypeVar("T")

_OBJECT = re.compile(r"\{.*\}", re.DOTALL)


class Unusable(Exception):
    """What a model gave cannot be used. The text, a clause, is what the model is told of it.

    `noted` is what the trace keeps, which must hold no words of documents.
    """

    def __init__(self, reason: str, noted: str | None = None):
        super().__init__(reason)
        self.noted = noted or reason


def shaped(
    generator: LanguageModels,
    asked: Asked,
    prompt: Prompt,
    system: str,
    question: str,
    use: Callable[[str, str], T],
    most_chars: int,
) -> T:
    """What `use` makes of a model's text and the model's name; a text longer than `most_chars` is
    not read to its end and does not fit.

    `use` raises Unusable, or ValidationError of pydantic; the model is then asked once more, with
    the reason. Raises Unusable for the second such text, ModelUnavailable, Cancelled; the trace
    says that the rules go on.
    """
    from retrieval.generate import chat

    again = ""
    try:
        for repair in (False, True):
            stream = generator.stream(chat(system, question + again), asked, prompt.label)
            try:
                return _used(stream, use, most_chars)
            except Unusable as fault:
                if repair:
                    raise
                asked.trace.dropped(f"{_named(prompt)} ({fault.noted}): it was asked again")
                again = f"\n\nYour last answer cannot be used: {fault}. Answer again, as asked."
    except Unusable as fault:
        asked.trace.dropped(f"{_named(prompt)} ({fault.noted}, also when asked again): rules go on")
        raise
    except ModelUnavailable as error:
        asked.trace.dropped(f"{_named(prompt)} ({error}): rules go on")
        raise
    raise AssertionError("unreachable: the repair returns or raises")


def json_in(text: str) -> str:
    """The JSON object in a model's text, which may stand between other words."""
    found = _OBJECT.search(text)
    return found.group() if found else text


def _used(stream: Iterator[str], use: Callable[[str, str], T], most_chars: int) -> T:
    model, text = next(stream), ""
    for piece in stream:
        text += piece
        if len(text) > most_chars:
            stream.close()  # type: ignore[attr-defined]
            raise Unusable(f"it is longer than {most_chars:,} characters")
    try:
        return use(text, model)
    except ValidationError as error:
        # Pydantic's own words only: what the model wrote may hold words of documents.
        wrong = error.errors(include_url=False, include_input=False)[:3]
        said = "; ".join(
            f"“{'.'.join(map(str, e['loc']))}”: {e['msg']}" if e["loc"] else e["msg"] for e in wrong
        )
        raise Unusable(said, "it has not the shape that was asked for") from error


def _named(prompt: Prompt) -> str:
    return f"a model's answer to the prompt “{prompt.label}”"
