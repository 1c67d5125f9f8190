"""What requests to language models cost: tokens as the server counts them or estimated; prices."""

from __future__ import annotations

import math
from typing import NamedTuple

from store.errors import BadInput
from store.models import Frozen

SETTING = "FOOTNOTE_MODEL_PRICES"
_MILLION = 1_000_000
_MOST = 1_000_000_000
"""A server that says a request took more tokens than this does not count them."""


class Price(Frozen):
    """Currency units for a million tokens, sent and received."""

    input: float
    output: float

    def of(self, input_tokens: int, output_tokens: int) -> float:
        return (self.input * input_tokens + self.output * output_tokens) / _MILLION


class Tokens(NamedTuple):
    """What one request took; `estimated`: by us, as the server did not say."""

    input: int
    output: int
    estimated: bool


def prices_of(setting: str) -> dict[str, Price]:
    """Prices by model, of `model=input/output, …`. Raises BadInput with what to write instead."""
    prices: dict[str, Price] = {}
    for entry in filter(None, map(str.strip, setting.split(","))):
        name, equals, both = entry.rpartition("=")
        name = name.strip()
        if not equals or not name:
            raise BadInput(
                f"{SETTING} says “{entry}”; write model=input/output for each model, with commas"
                " between them, such as gpt-4o-mini=0.15/0.60, local=0/0."
            )
        if name in prices:
            raise BadInput(f"{SETTING} gives two prices for “{name}”; leave one.")
        numbers = [_number(part) for part in both.split("/")]
        if len(numbers) != 2 or None in numbers:
            raise BadInput(
                f"{SETTING} says “{both.strip()}” for “{name}”; write two numbers from 0 upwards,"
                " for a million tokens sent and received, such as 0.15/0.60."
            )
        prices[name] = Price(input=numbers[0] or 0.0, output=numbers[1] or 0.0)
    return prices


class Counted:
    """Counts one request while its answer comes."""

    def __init__(self, sent: int):
        """`sent` is an estimate of the tokens of the prompt."""
        self.answered = False
        self._sent, self._written = sent, 0
        self._said: Tokens | None = None

    def add(self, text: str, usage: object) -> None:
        """A piece of the answer, and what the server says it has used by now, if anything."""
        self.answered = True
        self._written += len(text.encode("utf-8", "replace"))
        self._said = _said(usage) or self._said

    def tokens(self) -> Tokens:
        """None at all where the server gave no answer."""
        if not self.answered:
            return Tokens(0, 0, estimated=False)
        # Of an answer that was cut, a server may have said no more than what the prompt took.
        if self._said and (self._said.output or not self._written):
            return self._said
        return Tokens(self._sent, self._written // 3 + 1, estimated=True)


def estimated_tokens(text: str) -> int:
    """An upper estimate for any model's tokenizer: three bytes a token."""
    return len(text.encode("utf-8", "replace")) // 3 + 1


def _said(usage: object) -> Tokens | None:
    # The client library checks nothing: a foreign server may put anything here.
    counts = [getattr(usage, name, None) for name in ("prompt_tokens", "completion_tokens")]
    if all(type(count) is int and 0 <= count <= _MOST for count in counts):
        return Tokens(*counts, estimated=False)  # type: ignore[arg-type]
    return None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
