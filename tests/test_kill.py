"""`kill -9` while files are read: every file is ready exactly once, and the indexes agree."""

from __future__ import annotations

from pathlib import Path

import pytest
from killing import make_files, survive


@pytest.mark.timeout(300)
def test_twenty_files_survive_three_kills(tmp_path: Path):
    paths = make_files(tmp_path / "in", 20, pages=6)
    assert survive(tmp_path / "store", paths, kills=3, seed=1, longest_s=8.0) == []


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(4))
def test_twenty_files_survive_twenty_kills_in_all(tmp_path: Path, seed: int):
    paths = make_files(tmp_path / "in", 20, pages=6)
    assert survive(tmp_path / "store", paths, kills=5, seed=seed, longest_s=10.0) == []
