"""Opens indexes in a child process: damaged files can end or hang the one that opens them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from store.errors import IndexDamaged
from store.indexes.chroma import VectorIndex
from store.indexes.lexical import LexicalIndex

_PROBED = "probed "  # begins the lines that count; others may print too


def probe_in_child(folders: Sequence[Path], timeout_s: float) -> list[str | None]:
    """The fault of each index's folder, in order; a child that ends or hangs tells which it was."""
    project = str(Path(__file__).resolve().parents[2])
    said: list[str | None] = []
    while len(said) < len(folders):
        left = folders[len(said) :]
        command = [sys.executable, "-m", "store.indexes.probing", *map(str, left)]
        why = "ended the process that read it."
        try:
            ended = subprocess.run(
                command,
                cwd=project,
                env={**os.environ, "PYTHONPATH": project},
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=timeout_s * len(left),
                check=False,
            )
            out = ended.stdout
        except subprocess.TimeoutExpired as late:
            out, why = late.stdout or b"", f"did not answer within {timeout_s:.0f} s."
        lines = out.decode("utf-8", "replace").splitlines()
        answers = [line.removeprefix(_PROBED) for line in lines if line.startswith(_PROBED)]
        said += [answer or None for answer in answers[: len(left)]]
        if len(answers) < len(left):
            said.append(f"{left[len(answers)]} {why}")
    return said


def _probe(folders: Sequence[Path]) -> int:
    """The child's part: a line for each folder, with its fault where it has one."""
    for folder in folders:
        fault = ""
        try:
            index = VectorIndex(folder) if folder.name == "chroma" else LexicalIndex(folder)
            index.check()
            index.close()
        except IndexDamaged as damage:
            fault = " ".join(str(damage).split())
        sys.stdout.write(f"{_PROBED}{fault}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(_probe([Path(a) for a in sys.argv[1:]]))
