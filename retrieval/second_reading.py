"""A second reading of generated sentences: a model is asked whether each follows from its passages.

Only sentences whose numbers, dates, names and quotes our own code found in the passages get here:
the model has the last word on what a sentence makes of them, and none on whether they are there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import Field

from retrieval.prompts import prompt
from retrieval.structured import Unusable, json_in, shaped
from store.errors import ModelUnavailable
from store.models import Frozen

if TYPE_CHECKING:
    from retrieval.generate import LanguageModels
    from retrieval.llama import Asked

MODEL_TIME_S = 10.0
MOST_CHARS = 4000
"""Of the model's answer; one that thinks aloud may take some."""


class Opinion(Frozen):
    """Whether the sentence follows from the passages, in the opinion of the model so named."""

    follows: bool
    model: str = Field(default="", exclude=True)


@dataclass
class SecondReader:
    """Reads the sentences of one answer; after a fault of its model it reads no more of them.

    `warn` takes a sentence for the person when that happens.
    """

    generator: LanguageModels
    asked: Asked
    warn: Callable[[str], None]
    _away: bool = False

    def __call__(self, sentence: str, passages: Sequence[str]) -> Opinion | None:
        """None where the model gave no opinion. Raises Cancelled."""
        if self._away:
            return None
        told = prompt("compare")
        quoted = [
            p.replace("<passage", "‹passage").replace("</passage", "‹/passage") for p in passages
        ]
        system = told.text.format(passages="\n".join(f"<passage>{p}</passage>" for p in quoted))
        until = min(self.asked.deadline, time.monotonic() + MODEL_TIME_S)
        soon = replace(self.asked, deadline=until)
        try:
            return shaped(self.generator, soon, told, system, sentence, _opinion, MOST_CHARS)
        except (ModelUnavailable, Unusable) as fault:
            self._away = True
            why = "its answer cannot be used" if isinstance(fault, Unusable) else str(fault)
            self.warn(
                f"The model that compares sentences with their sources gave no answer ({why}): from"
                " there on they were checked by rules alone."
            )
            return None


def _opinion(text: str, model: str) -> Opinion:
    return Opinion.model_validate_json(json_in(text), strict=True).model_copy(
        update={"model": model}
    )
