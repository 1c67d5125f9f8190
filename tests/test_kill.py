"""`kill -9` while files are read: every page is stored exactly once, read no more once it is
stored, every file is ready, and the indexes agree."""

from __future__ import annotations

from pathlib import Path

import pytest
from killing import make_files, make_mixed, survive


@pytest.mark.timeout(300)
def test_a_mixed_folder_survives_three_kills(tmp_path: Path):
    paths = make_mixed(tmp_path / "in", long_pages=60, scans=2, each=2)
    assert survive(tmp_path / "store", paths, kills=3, seed=1, longest_s=8.0) == []


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(4))
def test_twenty_files_survive_twenty_kills_in_all(tmp_path: Path, seed: int):
    paths = make_files(tmp_path / "in", 20, pages=6)
    assert survive(tmp_path / "store", paths, kills=5, seed=seed, longest_s=10.0) == []


@pytest.mark.torture
@pytest.mark.timeout(7200)
def test_a_mixed_folder_survives_a_hundred_kills(tmp_path: Path):
    paths = make_mixed(tmp_path / "in", long_pages=400, scans=30, each=10)
    assert survive(tmp_path / "store", paths, kills=100, seed=7, longest_s=12.0) == []
