"""Which engine answers a question: LlamaIndex's router with a selector that reads its words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_selector import BaseSelector, SelectorResult, SingleSelection
from llama_index.core.llms import LLM
from llama_index.core.query_engine import RouterQueryEngine
from llama_index.core.schema import QueryBundle
from llama_index.core.tools import QueryEngineTool, ToolMetadata

Router = RouterQueryEngine
DEFAULT_ROUTE = "facts"

_THING = r"(?:this|that|the|these|those|it|they|my|our|all)\b"
RULES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "summary",
        re.compile(
            r"\bsummar(?:y|ise|ize|ising|izing|isation|ization)\b"
            r"|\b(?:tl;?dr|in a nutshell|overview|gist|outline of)\b"
            r"|\b(?:key|main|most important) (?:points?|takeaways?|findings|topics?|themes?)\b"
            rf"|^what (?:is|are|was|were) {_THING}[^?]{{0,60}}\babout\s*\?*$"
            rf"|^what (?:does|do|did) {_THING}[^?]{{0,60}}\b(?:cover|deal with)\s*\?*$"
            r"|^what(?:'s|’s) (?:in )?(?:this|that|it|the \w+)(?: document| file)? about\s*\?*$",
            re.IGNORECASE,
        ),
    ),
)
"""Route and the pattern of its questions, first match wins; everything else is `facts`."""


def route_of(question: str, chosen: str | None = None) -> tuple[str, str]:
    """The route and the reason for it."""
    if chosen:
        return chosen, "chosen by the person"
    for route, pattern in RULES:
        found = pattern.search(question.strip())
        if found:
            return route, f"the question says “{found.group().strip()}”"
    return DEFAULT_ROUTE, "no other engine's words occur"


class WordSelector(BaseSelector):
    """Selects by the words of the question; a person's choice of route goes first."""

    def _select(self, choices: Sequence[ToolMetadata], query: QueryBundle) -> SelectorResult:
        route, reason = route_of(query.query_str, getattr(query, "route", None))
        names = [choice.name for choice in choices]
        index = names.index(route if route in names else DEFAULT_ROUTE)
        return SelectorResult(selections=[SingleSelection(index=index, reason=reason)])

    async def _aselect(self, choices: Sequence[ToolMetadata], query: QueryBundle) -> SelectorResult:
        return self._select(choices, query)

    def _get_prompts(self) -> dict:
        return {}

    def _update_prompts(self, prompts_dict: dict) -> None:
        """There are none."""


def build_router(engines: Sequence[tuple[str, str, BaseQueryEngine]], llm: LLM) -> Router:
    """A router over `(name, description, engine)`; one engine answers each question."""
    tools = [
        QueryEngineTool(
            query_engine=engine, metadata=ToolMetadata(name=name, description=description)
        )
        for name, description, engine in engines
    ]
    return RouterQueryEngine(selector=WordSelector(), query_engine_tools=tools, llm=llm)
