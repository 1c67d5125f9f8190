"""How a new index did before it was to serve: what it cost, and what it finds."""

from __future__ import annotations

from typing import Literal

from store.models import Frozen, Generation


class Asked(Frozen):
    """Questions asked of both indexes; shares of the pages wanted that are in the best 10, 0..1.

    `kind`: `marked` (by people, as right) or `made` (from the documents). `before` is None where
    the index in use could not be asked.
    """

    kind: Literal["marked", "made"]
    questions: int
    before: float | None
    after: float


class Gate(Frozen):
    """Kept with a generation as JSON, in its column `gate`.

    `anyway`: an administrator lets it serve whatever is found. `returning`: it served before and
    is to serve again. `reused` and `computed`: vectors of texts, one a chunk; `sent_to`: the host
    that computed ones were sent to. `chunks_tried`: chunks that their own vector and words found.
    """

    anyway: bool = False
    returning: bool = False
    reused: int = 0
    computed: int = 0
    sent_to: str | None = None
    chunks_tried: int = 0
    asked: tuple[Asked, ...] = ()


def gate_of(generation: Generation) -> Gate:
    """What is kept of a generation's gate; an empty one where nothing is yet."""
    return Gate.model_validate_json(generation.gate) if generation.gate else Gate()
