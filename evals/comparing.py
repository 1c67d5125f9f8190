"""Two runs of the same questions, figure by figure and question by question."""

from __future__ import annotations

from collections.abc import Iterator

from evals.figures import KINDS, Scores, column, went_well
from evals.results import Run
from evals.significance import Test, paired_test
from store.errors import BadInput
from store.models import Frozen

ALPHA = 0.05
"""Differences less likely than this by chance are called significant."""


class Change(Frozen):
    """A figure in two runs, over the `n` questions that have a score in either."""

    figure: str
    before: float
    after: float
    n: int
    test: Test

    @property
    def worse(self) -> bool:
        return (self.after - self.before) * KINDS[self.figure].better < 0

    @property
    def significant(self) -> bool:
        """Never of times: the load of the machine moves them all at once, which is no chance."""
        timed = KINDS[self.figure].share is not None
        return self.before != self.after and self.test.p < ALPHA and not timed


class Comparison(Frozen):
    """`asked` questions are in both runs; `lost` and `won` are ids with the question."""

    before: str
    after: str
    asked: int
    left_out: int
    differing: tuple[str, ...]
    changes: tuple[Change, ...]
    lost: tuple[tuple[str, str], ...]
    won: tuple[tuple[str, str], ...]


def compared(before: Run, after: Run) -> Comparison:
    """The questions that both runs asked, by id. Raises BadInput where there are none."""
    shared = {o.question.id for o in before.outcomes} & {o.question.id for o in after.outcomes}
    if not shared:
        raise BadInput("These two runs have no question in common.")
    a, b = before.only(shared), after.only(shared)
    first = {o.question.id: o for o in a.outcomes}
    second = {o.question.id: o for o in b.outcomes}
    ids = list(first)
    well = {i: went_well(first[i].scores, second[i].scores) for i in ids}
    everything = {o.question.id for o in (*before.outcomes, *after.outcomes)}
    return Comparison(
        before=f"{before.set} {before.began_at} {before.code}",
        after=f"{after.set} {after.began_at} {after.code}",
        asked=len(shared),
        left_out=len(everything) - len(shared),
        differing=tuple(_differing(before, after)),
        changes=tuple(
            _change(name, [first[i].scores for i in ids], [second[i].scores for i in ids], a, b)
            for name in KINDS
            if name in a.figures and name in b.figures
        ),
        lost=tuple((i, first[i].question.text) for i in ids if well[i] == (True, False)),
        won=tuple((i, first[i].question.text) for i in ids if well[i] == (False, True)),
    )


def comparison_lines(found: Comparison) -> Iterator[str]:
    """The comparison as a person reads it."""
    yield f"A  {found.before}"
    yield f"B  {found.after}"
    others = f", {found.left_out} in only one of them left out" if found.left_out else ""
    yield f"{found.asked} questions asked in both{others}"
    yield from (f"  differs: {line}" for line in found.differing)
    yield f"\n  {'figure':28} {'A':>9} {'B':>9} {'B - A':>9} {'n':>5}  {'p':>6}  test"
    for change in found.changes:
        timed = KINDS[change.figure].share is not None
        digits = 0 if timed else 3
        yield (
            f"  {change.figure:28} {change.before:9.{digits}f} {change.after:9.{digits}f} "
            f"{change.after - change.before:+9.{digits}f} {change.n:5}  "
            f"{change.test.p:6.4f}  {change.test.name}{_remark(change)}"
        )
    for name, questions in (("lost", found.lost), ("won", found.won)):
        yield f"\n{name}: {len(questions)}"
        yield from (f"  {id_}  {text}" for id_, text in questions)


def _remark(change: Change) -> str:
    if not change.significant:
        return ""
    return f", significantly {'worse' if change.worse else 'better'}"


def _change(name: str, a: list[Scores], b: list[Scores], before: Run, after: Run) -> Change:
    pairs = [(x.get(column(name)), y.get(column(name))) for x, y in zip(a, b, strict=True)]
    pairs = [pair for pair in pairs if pair != (None, None)]
    test = paired_test([x for x, _ in pairs], [y for _, y in pairs], KINDS[name].share)
    return Change(
        figure=name,
        before=before.figures[name].value,
        after=after.figures[name].value,
        n=len(pairs),
        test=test,
    )


def _differing(before: Run, after: Run) -> Iterator[str]:
    """What made the answers and is not the same in both runs."""
    for what in ("code", "models", "documents"):
        a, b = getattr(before, what), getattr(after, what)
        if a != b:
            yield f"{what}: {_told(a)} → {_told(b)}"
    for what in ("prompts", "fingerprints", "settings"):
        a, b = getattr(before, what), getattr(after, what)
        for name in sorted(a.keys() | b.keys()):
            if a.get(name) != b.get(name):
                yield f"{what}, {name}: {_told(a.get(name))} → {_told(b.get(name))}"


def _told(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
