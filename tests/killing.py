"""Adds files through real processes that SIGKILL ends at random moments."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import files

ROOT = Path(__file__).resolve().parent.parent


def make_files(folder: Path, count: int, pages: int) -> list[Path]:
    """Different PDFs and texts, so that each kind of work is met by some kill."""
    folder.mkdir(parents=True)
    made = []
    for i in range(count):
        if i % 4 == 3:
            made.append(files.txt(folder / f"{i:03}.txt", f"Note {i}: the tide is {i} metres.\n"))
        else:
            texts = [
                f"File {i}, page {p}. The mast is {i * p} feet high. " * 6 for p in range(pages)
            ]
            made.append(files.text_pdf(folder / f"{i:03}.pdf", texts))
    return made


def run(data: Path, *args: str, kill_after_s: float | None = None) -> list[dict] | None:
    """A verb of the command line; None when it was killed before it ended."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ingestion", *args, "--json"],
        cwd=ROOT,
        env={**os.environ, "FOOTNOTE_DATA": str(data), "FOOTNOTE_SAMPLES": "false"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        out, _ = process.communicate(timeout=kill_after_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return None
    return [json.loads(line) for line in out.splitlines()]


def survive(data: Path, paths: list[Path], kills: int, seed: int, longest_s: float) -> list[str]:
    """Adds all files with `kills` kills on the way; the broken invariants, as sentences."""
    chance = random.Random(seed)
    done = 0
    while done < kills:
        if run(data, "add", *map(str, paths), kill_after_s=chance.uniform(0.8, longest_s)) is None:
            done += 1
        else:  # it had finished: this machine is quicker, and there must be work to kill again
            longest_s = max(2.0, 0.7 * longest_s)
            for path in chance.sample(paths, 4):
                run(data, "remove", path.name)
    began = time.monotonic()
    run(data, "add", *map(str, paths))
    listed = run(data, "list") or []
    broken = []
    for path in paths:
        found = [d for d in listed if d["file"] == path.name]
        if len(found) != 1:
            broken.append(f"{path.name} is there {len(found)} times")
        elif found[0]["status"] != "ready":
            broken.append(f"{path.name} is {found[0]['status']}: {found[0]['error']}")
    report = (run(data, "verify") or [{"ok": False, "checks": []}])[0]
    broken += [f"verify: {c['name']}: {c['detail']}" for c in report["checks"] if not c["ok"]]
    if not report["ok"] and not broken:
        broken.append("verify did not end")
    sys.stderr.write(f"{kills} kills, recovered in {time.monotonic() - began:.1f} s\n")
    return broken
