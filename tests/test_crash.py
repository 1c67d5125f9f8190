"""`kill -9` at random and at named points, one folder carried through: no invariant is broken."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from crashing import REPEATED, survive
from tearing import torn_copies


@pytest.mark.timeout(900)
def test_nine_kills_break_no_invariant(tmp_path: Path):
    plan = ["adding"] * 3 + ["reindexing"] * 3 + ["removing"] * 3
    counts = survive(
        tmp_path / "store", tmp_path / "ledger", plan, seed=1, longest_s=3.0, serving_s=30.0
    )
    sys.stderr.write(f"{counts}\n")
    assert not counts.broken, "\n".join(counts.broken)
    assert counts.kills == len(plan)


@pytest.mark.torture
@pytest.mark.timeout(4 * 3600)
def test_two_hundred_kills_break_no_invariant(tmp_path: Path):
    plan = ["adding"] * 70 + ["reindexing"] * 70 + ["removing"] * 60
    counts = survive(
        tmp_path / "store", tmp_path / "ledger", plan, seed=2, longest_s=6.0, serving_s=10.0
    )
    sys.stderr.write(f"{counts}\n")
    assert counts.broken == []
    assert counts.kills == len(plan)
    assert abs(counts.repeated / counts.operations - REPEATED) < 0.1


@pytest.mark.timeout(900)
def test_what_a_power_loss_leaves_opens_and_has_every_document(tmp_path: Path):
    counts, torn = torn_copies(tmp_path, 2, seed=3, serving_s=30.0)
    assert not counts.broken, "\n".join(counts.broken)
    assert len(torn) == 2


@pytest.mark.torture
@pytest.mark.timeout(4 * 3600)
def test_fifty_power_losses(tmp_path: Path):
    counts, torn = torn_copies(tmp_path, 50, seed=4, serving_s=10.0)
    sys.stderr.write(f"{counts}\n{sum(bool(t) for t in torn)} of {len(torn)} copies were torn\n")
    assert not counts.broken, "\n".join(counts.broken)
