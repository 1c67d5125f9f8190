"""Which engine answers a question: LlamaIndex's router with a selector that reads its words."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_selector import BaseSelector, SelectorResult, SingleSelection
from llama_index.core.llms import LLM
from llama_index.core.query_engine import RouterQueryEngine
from llama_index.core.schema import QueryBundle
from llama_index.core.tools import QueryEngineTool, ToolMetadata
from pydantic import ValidationInfo, field_validator

from retrieval.cues import CUES, mended
from retrieval.llama import Asked
from retrieval.prompts import prompt
from retrieval.structured import Unusable, json_in, shaped
from store.errors import ModelUnavailable
from store.models import Frozen

if TYPE_CHECKING:
    from retrieval.generate import LanguageModels
    from store.catalog import Catalog

Router = RouterQueryEngine
DEFAULT_ROUTE = "facts"
DECIDES = 0.5
"""Cues of an engine must say more than this together, else the question asks for facts."""
FACTS_SURE = 0.7
"""The confidence that a question without any cue asks for facts."""
MODEL_TIME_S = 4.0
MOST_CHARS = 500
"""Of a model's answer, which is one word."""
UNSURE = 0.55
"""Below this confidence a model is asked for the route, where one is configured."""
SHEETS = 0.35
"""What a scope of nothing but sheets says for tables, where the words say it too."""
NO_TABLE = "it asks to compute, but nothing that is searched holds a table"


class Choice(NamedTuple):
    """A route, the reason as a clause, and the confidence 0..1; None where a person chose."""

    route: str
    reason: str
    confidence: float | None


class Named(Frozen):
    """What a model gives that is asked for a route; it must be one of those in the context."""

    route: str

    @field_validator("route")
    @classmethod
    def _known(cls, route: str, info: ValidationInfo) -> str:
        word = route.strip(" \n.\"'“”*`").casefold()
        names = info.context or ()
        if word not in names:
            raise ValueError(f"it must be one word of {', '.join(names)}, and nothing else")
        return word


class Selection(SingleSelection):
    """LlamaIndex's selection with the route's name and our confidence."""

    route: str
    confidence: float | None = None


def route_of(question: str, chosen: str | None = None, only_sheets: bool = False) -> Choice:
    """The route of a question by its words, or the one that the person chose.

    The weights of an engine's cues are joined as independent evidence, 1 - Π(1 - w); the
    confidence is the best engine's, lessened by half of the next one's. `only_sheets`: all that
    is searched are sheets, which strengthens a cue for tables.
    """
    if chosen:
        return Choice(chosen, "chosen by you", None)
    text = mended(question)
    doubt: dict[str, float] = {}
    strongest: dict[str, tuple[float, str]] = {}
    for route, weight, pattern in CUES:
        found = pattern.search(text)
        if found is None:
            continue
        doubt[route] = doubt.get(route, 1.0) * (1 - weight)
        said = _short(found.group())
        strongest[route] = max(strongest.get(route, (0.0, "")), (weight, said))
    if only_sheets and "tables" in doubt:
        doubt["tables"] *= 1 - SHEETS
    score = {route: 1 - left for route, left in doubt.items()}
    score[DEFAULT_ROUTE] = 1 - (1 - DECIDES) * (1 - score.get(DEFAULT_ROUTE, 0.0))
    ranked = sorted(score, key=lambda route: (-score[route], route != DEFAULT_ROUTE, route))
    best = ranked[0]
    rivals = [score[route] for route in ranked[1:] if route != DEFAULT_ROUTE]
    if best == DEFAULT_ROUTE:
        sure = max(FACTS_SURE, score[best]) * (1 - max(rivals, default=0.0) / 2)
        return Choice(best, "nothing in the question asks for another way", round(sure, 2))
    sure = score[best] * (1 - max(rivals, default=0.0) / 2)
    return Choice(best, f"the question says “{strongest[best][1]}”", round(sure, 2))


def _short(said: str) -> str:
    words = said.split()
    return " ".join(words) if len(words) <= 6 else f"{' '.join(words[:4])} … {words[-1]}"


class WordSelector(BaseSelector):
    """Selects by the words of the question; a person's choice of route goes first.

    `catalog` tells whether there are tables in a question's scope. `generator` is asked where the
    words leave the route open.
    """

    def __init__(self, catalog: Catalog, generator: LanguageModels | None = None):
        self._catalog, self._generator = catalog, generator

    def _select(self, choices: Sequence[ToolMetadata], query: QueryBundle) -> SelectorResult:
        if not isinstance(query, Asked):
            raise TypeError(f"the selector reads Asked, not {type(query).__name__}")
        names = [choice.name or "" for choice in choices]
        scope = query.space_ids, query.document_ids
        choice = route_of(query.query_str, query.route, self._catalog.only_sheets(*scope))
        unsure = choice.confidence is not None and choice.confidence < UNSURE
        if unsure and self._generator is not None:
            choice = by_model(query, choices, self._generator) or choice
        if choice.route not in names:
            choice = choice._replace(
                route=DEFAULT_ROUTE, reason=f"the way “{choice.route}” is not there yet"
            )
        if choice.route == "tables" and not query.route and not self._catalog.has_tables(*scope):
            choice = choice._replace(route=DEFAULT_ROUTE, reason=NO_TABLE)
        selected = Selection(index=names.index(choice.route), **choice._asdict())
        return SelectorResult(selections=[selected])

    async def _aselect(self, choices: Sequence[ToolMetadata], query: QueryBundle) -> SelectorResult:
        return self._select(choices, query)

    def _get_prompts(self) -> dict:
        return {}

    def _update_prompts(self, prompts_dict: dict) -> None:
        """There are none."""


def by_model(
    asked: Asked, choices: Sequence[ToolMetadata], generator: LanguageModels
) -> Choice | None:
    """The route that a model names with one word; None where it names none in time, even when
    asked again."""
    names = [choice.name or "" for choice in choices]
    ways = "\n".join(f"- {choice.name}: {choice.description}" for choice in choices)
    told = prompt("route")

    def choice(text: str, model: str) -> Choice:
        given = json_in(text)
        if given.startswith("{"):
            named = Named.model_validate_json(given, context=names)
        else:
            named = Named.model_validate({"route": given}, context=names)
        return Choice(named.route, f"{model} chose it", None)

    soon = replace(asked, deadline=min(asked.deadline, time.monotonic() + MODEL_TIME_S))
    with asked.trace.step("route"), contextlib.suppress(ModelUnavailable, Unusable):
        return shaped(
            generator, soon, told, told.text.format(ways=ways), asked.query_str, choice, MOST_CHARS
        )
    return None


def choice_in(response: object) -> Choice:
    """What the selector chose, of a router's response; the route is the one that answered."""
    metadata = getattr(response, "metadata", None) or {}
    selected = metadata["selector_result"].selections[0]
    choice = Choice(selected.route, selected.reason, selected.confidence)
    if metadata["route"] == choice.route:
        return choice
    return choice._replace(
        route=metadata["route"], reason=f"{choice.route} could not answer it ({choice.reason})"
    )


def build_router(
    engines: Sequence[tuple[str, str, BaseQueryEngine]], llm: LLM, selector: BaseSelector
) -> Router:
    """A router over `(name, description, engine)`; one engine answers each question."""
    tools = [
        QueryEngineTool(
            query_engine=engine, metadata=ToolMetadata(name=name, description=description)
        )
        for name, description, engine in engines
    ]
    return RouterQueryEngine(selector=selector, query_engine_tools=tools, llm=llm)
