"""A second reading of generated sentences: a model is asked whether each follows from its passages.

Only sentences whose dates, names, quotes and numbers (small counts and what may have been worked
out aside) our own code found in the passages get here: the model has the last word on what a
sentence makes of them, and none on whether they are there.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import ConfigDict, Field

from retrieval.prompts import prompt
from retrieval.structured import Unusable, shaped
from store.errors import ModelUnavailable
from store.models import Frozen

if TYPE_CHECKING:
    from retrieval.generate import LanguageModels
    from retrieval.llama import Asked

MODEL_TIME_S = 10.0
SHARE_OF_TIME = 0.5
"""Of what an answer has left when its first sentence is compared."""
_LAST_OBJECT = re.compile(r"\{[^{}]*\}")
MOST_CHARS = 4000
"""Of the model's answer; one that thinks aloud may take some."""


class Opinion(Frozen):
    """Whether the sentence follows from the passages, in the opinion of the model so named."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # a reason is welcome and not read

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
    _left_s: float | None = None

    def __call__(self, sentence: str, excerpts: Sequence[tuple[str, str]]) -> Opinion | None:
        """`excerpts` are names with texts. None where the model gave no opinion. Raises
        Cancelled."""
        if self._away:
            return None
        if self._left_s is None:
            self._left_s = SHARE_OF_TIME * self.asked.remaining_s()
        told, began = prompt("compare"), time.monotonic()
        system = told.text.format(
            passages="\n".join(
                f'<passages document="{_plain(name)}">\n{_plain(text)}\n</passages>'
                for name, text in excerpts
            )
        )
        user = f"<sentence>{_plain(sentence)}</sentence>"
        until = min(self.asked.deadline, began + min(self._left_s, MODEL_TIME_S))
        soon = replace(self.asked, deadline=until)
        try:
            return shaped(self.generator, soon, told, system, user, _opinion, MOST_CHARS)
        except (ModelUnavailable, Unusable) as fault:
            self._away = True
            why = "what it says cannot be used" if isinstance(fault, Unusable) else str(fault)
            self.warn(
                f"The second model could not compare every sentence ({why}): those that it has not"
                " confirmed were checked by rules alone."
            )
            return None
        finally:
            self._left_s -= time.monotonic() - began


def _plain(text: str) -> str:
    """Without what could end the marks around it."""
    return text.replace("<", "‹").replace('"', "”")


def _opinion(text: str, model: str) -> Opinion:
    shaped_ = _LAST_OBJECT.findall(text)
    given = Opinion.model_validate_json(shaped_[-1] if shaped_ else text, strict=True)
    return given.model_copy(update={"model": model})
