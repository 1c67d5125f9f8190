"""Holding a run to floors that are committed, and to an earlier run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from evals.comparing import Change, compared
from evals.figures import KINDS
from evals.results import Run
from store.errors import BadInput

FLOORS = Path(__file__).with_name("floors.json")
"""Figure → what it must come to at least (at most, where less is better), for each set."""


def read_floors(path: Path | None, set_name: str) -> dict[str, float]:
    """The floors of a set. Raises BadInput where the file has none, or one of no such figure."""
    path = path or FLOORS
    try:
        floors = json.loads(path.read_text("utf-8")).get(set_name)
    except (OSError, ValueError) as e:
        raise BadInput(f"{path} holds no floors that can be read: {e}.") from e
    if not floors:
        raise BadInput(f"{path.name} has no floors for the set “{set_name}”; name a --baseline.")
    if unknown := floors.keys() - KINDS.keys():
        raise BadInput(f"{path.name} names figures that there are not: {', '.join(unknown)}.")
    return floors


def failures(run: Run, floors: Mapping[str, float], baseline: Run | None = None) -> list[str]:
    """A sentence for each figure below its floor or significantly worse than in `baseline`.

    Times are held to floors only: they belong to one machine and its load. Raises BadInput where
    the two runs share no question.
    """
    found = list(_below(run, floors))
    if baseline is not None:
        changes = compared(baseline, run).changes
        found += [_worse(c) for c in changes if c.worse and c.significant]
        missing = [n for n in baseline.figures if n not in run.figures]
        found += [f"{name} was measured in the baseline and is not any more." for name in missing]
    return found


def _below(run: Run, floors: Mapping[str, float]) -> Iterator[str]:
    for name, floor in floors.items():
        figure, better = run.figures.get(name), KINDS[name].better
        if figure is None:
            yield f"{name} was not measured, and it has a floor of {floor:g}."
        elif (figure.value - floor) * better < 0:
            beyond = "below its floor" if better > 0 else "above its ceiling"
            yield f"{name} is {figure.value:g}, {beyond} of {floor:g} ({figure.n} questions)."


def _worse(change: Change) -> str:
    return (
        f"{change.figure} went from {change.before:g} to {change.after:g} over {change.n} "
        f"questions, which is not chance (p = {change.test.p:.4f}, {change.test.name})."
    )
