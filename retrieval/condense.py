"""A question that follows on earlier ones, made whole, so that it can be searched for."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from retrieval.facts import facts
from retrieval.structured import Unusable, shaped
from retrieval.words import content_words
from store.errors import ModelUnavailable
from store.models import Frozen, Turn

if TYPE_CHECKING:
    from retrieval.generate import LanguageModels
    from retrieval.llama import Asked

MODEL_TIME_S = 8.0
MOST_CHARS = 600
"""Of a rewritten question."""
LAST_TURNS = 3
_POINTS_BACK = re.compile(
    r"\b(?:it|its|they|them|their|theirs|that|this|those|these|he|him|his|she|her|hers|there|then"
    r"|same|former|latter|both|either|neither)\b",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    r"^\s*(?:and|but|or|so|also|what about|how about|why|how so|else)\b", re.IGNORECASE
)
_POINTS_INSIDE = re.compile(
    r"\b(?:is|was|are|were) there\b|\bthere (?:is|was|are|were)\b|\b(?:is|was) it that\b"
    r"|\b(?:this|that|these|those|the same) (?:document|file|page|report)s?\b",
    re.IGNORECASE,
)


_THIS_DOCUMENT = re.compile(r"\b(?:this|that|the same) (?:document|file|report)\b", re.IGNORECASE)


class Rewritten(Frozen):
    """What a model gives that is asked to make a question whole."""

    question: str = Field(min_length=3, max_length=MOST_CHARS)

    @field_validator("question")
    @classmethod
    def _one_line(cls, question: str) -> str:
        if len(question.splitlines()) != 1:
            raise ValueError("it must be one line")
        return question


def follows_on(question: str) -> bool:
    """Whether the question leans on what was said before, other than on a document."""
    if _THIS_DOCUMENT.search(question):
        return False
    if _GOES_ON.search(question) and len(content_words(question)) < 5:
        return True
    if _POINTS_BACK.search(_POINTS_INSIDE.sub(" ", question)):
        return True
    return len(content_words(question)) < 2


def by_rule(question: str, turns: Sequence[Turn]) -> str | None:
    """The question with the words it leans on in brackets; None where it stands by itself.

    A follow-up that brings a name of its own ("And to Denmark?") replaces the earlier names.
    """
    if not turns:
        return None
    if _THIS_DOCUMENT.search(question):
        names = dict.fromkeys(c.doc for c in turns[-1].answer.citations)
        return f"{question.strip()} ({', '.join(names)})" if names else None
    if not follows_on(question):
        return None
    before = turns[-1].answer.rewritten or turns[-1].question
    old_names = set(facts(before).names) if facts(question).names else set()
    own = set(content_words(question))
    carried = [w for w in content_words(before) if w not in own and w not in old_names]
    return f"{question.strip()} ({' '.join(carried)})" if carried else None


def by_model(question: str, turns: Sequence[Turn], asked: Asked, generator: LanguageModels) -> str:
    """The question as a model rewrites it. Raises ModelUnavailable and Unusable where it gives
    none."""
    from retrieval.prompts import prompt

    said = "\n\n".join(
        f"Question: {t.question[:500]}\nAnswer: {t.answer.text[:800]}" for t in turns[-LAST_TURNS:]
    )
    told = prompt("condense")

    def line(text: str, model: str) -> str:
        return Rewritten(question=text.strip()).question.strip(" \"'“”")

    soon = replace(asked, deadline=min(asked.deadline, time.monotonic() + MODEL_TIME_S))
    system = told.text.format(conversation=said)
    return shaped(generator, soon, told, system, question, line, MOST_CHARS)


def condensed(
    question: str, turns: Sequence[Turn], asked: Asked, generator: LanguageModels | None
) -> str | None:
    """The question as it is to be searched for, None where it stays as it is."""
    if not turns:
        return None
    if generator is not None and follows_on(question):
        try:
            rewritten = by_model(question, turns, asked, generator)
        except (ModelUnavailable, Unusable):
            return by_rule(question, turns)
        return rewritten if rewritten.casefold() != question.strip().casefold() else None
    return by_rule(question, turns)
