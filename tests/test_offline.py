"""Nothing leaves the machine: the kernel's own counters say so."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ENTER = ["unshare", "--user", "--map-root-user", "--net"]


def can_enter() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*ENTER, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not can_enter(), reason="this system allows no network namespaces")
def test_the_whole_story_asks_for_no_name_and_connects_to_nothing(tmp_path: Path):
    done = subprocess.run(
        [*ENTER, sys.executable, str(ROOT / "tests" / "offline.py"), str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["control"] >= 2, "the counters must see a look-up and a connection"
    assert told["attempts"] == 0
    assert "Maria Lind" in told["answer"]
    assert told["swapped"]
    assert set(told["statuses"].values()) == {"ready"}
