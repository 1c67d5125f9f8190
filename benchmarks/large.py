"""One long document: memory of all processes together, pages a second, and what a kill costs.

    python -m benchmarks.large [--pages N] [--scanned N] [--kill KILLS] [--port PORT]

Draws a PDF of N pages, each with a text of its own, gives it to the server that `make run` starts,
and samples the PSS of the server and everything it starts until the document is ready. A scan's
memory should not depend on N: the quarters of the reading are printed, and a scan of a few hundred
pages tells what one of 1,600 needs. `--kill` reads it once more with the command line, ends that
with SIGKILL at random pages, and compares the pages asked for with those that were stored by then.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks import drawn
from benchmarks.idle import first_answers, served
from benchmarks.measure import PeakMemory, family_cpu_s
from benchmarks.page_log import Pages, counted, state_of, stored_pages
from store.settings import ROOT

TARGETS_MB = {"born digital": 1500.0, "scanned": 2200.0}
_TARGET_PAGES = 1600


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=_TARGET_PAGES, help="born digital; 0: none")
    parser.add_argument("--scanned", type=int, default=0, metavar="N", help="pages of a scan")
    parser.add_argument("--kill", type=int, default=0, metavar="KILLS", help="at random pages")
    parser.add_argument("--port", type=int, default=8596)
    args = parser.parse_args()
    good = True
    for kind, pages, draw in (
        ("born digital", args.pages, drawn.text_pdf),
        ("scanned", args.scanned, drawn.scanned_pdf),
    ):
        if pages:
            with tempfile.TemporaryDirectory(prefix="footnote-bench-") as scratch:
                good &= measure(kind, pages, draw, Path(scratch), args.port)
                if args.kill:
                    good &= kill(Path(scratch), args.kill)
    return int(not good)


def measure(
    kind: str, pages: int, draw: Callable[[Path, int], Path], scratch: Path, port: int
) -> bool:
    """Adds the document to a running server and prints what that took."""
    file = draw(scratch / "long.pdf", pages)
    data = scratch / "store"
    os.environ |= {"FOOTNOTE_DATA": str(data), "FOOTNOTE_SAMPLES": "false"}
    os.environ["FOOTNOTE_MAX_FILE_MB"] = "2000"
    print(f"{kind}: {pages} pages, {file.stat().st_size / 1e6:.0f} MB", flush=True)
    with served(data, port) as (server, address):
        first_answers(server, address, time.monotonic())
        time.sleep(5)  # the embedding model loads
        with PeakMemory(server.pid) as peak:
            cpu_before = family_cpu_s(server.pid)
            began = time.monotonic()
            subprocess.run(
                [sys.executable, "-m", "ingestion", "add", str(file), "--json"],
                cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            read_at = read_cpu_s = None
            while (state := state_of(data)) is None or state.status in ("queued", "processing"):
                if read_at is None and state is not None and state.step == "indexing":
                    read_at, read_cpu_s = time.monotonic(), family_cpu_s(server.pid)
                time.sleep(0.1)
            ended, cpu_s = time.monotonic(), family_cpu_s(server.pid) - cpu_before
    if state.status != "ready" or read_at is None or read_cpu_s is None:
        print(f"  it is {state.status}: {state.error}")
        return False
    reading_s, reading_cpu_s = read_at - began, read_cpu_s - cpu_before
    quarter_s = reading_s / 4
    quarters = [
        max((mb for at, mb in peak.seen if 0 <= at - began - i * quarter_s < quarter_s), default=0)
        for i in range(4)
    ]
    indexing = max((mb for at, mb in peak.seen if at >= read_at), default=0)
    print(
        f"  peak memory  {peak.mb:.0f} MB, PSS of all processes together (target"
        f" {TARGETS_MB[kind]:.0f}); reading, by quarters"
        f" {', '.join(f'{mb:.0f}' for mb in quarters)}; indexing {indexing:.0f}\n"
        f"  reading      {reading_s:.1f} s, {pages / reading_s:.1f} pages/s;"
        f" {reading_cpu_s:.1f} CPU-s, {reading_cpu_s / reading_s:.2f} cores used\n"
        f"  in all       {ended - began:.1f} s, {pages / (ended - began):.1f} pages/s;"
        f" {cpu_s:.1f} CPU-s, {cpu_s / (ended - began):.2f} cores used"
    )
    return peak.mb <= TARGETS_MB[kind]


def kill(scratch: Path, kills: int) -> bool:
    """Reads it anew, with kills; whether no page was asked for again once it was stored."""
    data, file = scratch / "killed", scratch / "long.pdf"
    chance = random.Random(1)
    stored: Pages = {}
    asked: Counter[tuple[str, int]] = Counter()
    again = changed = killed = 0
    pages = 0
    while True:
        log = scratch / f"asked {killed}"
        process = counted(log, data, "add", str(file), "--json")
        target = None
        while process.poll() is None:
            state = state_of(data)
            pages = max(pages, state.pages if state else 0)
            if killed < kills and state and state.pages and state.step == "reading":
                if target is None:
                    left = max(1, (state.pages - state.pages_done) // (kills - killed))
                    target = state.pages_done + chance.randint(1, left)
                if state.pages_done >= target:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
            time.sleep(0.02)
        now = [(line["file"], line["page"]) for line in map(json.loads, log.open())]
        again += sum(page in stored for page in now)
        asked.update(now)
        found = stored_pages(data)
        changed += sum(found.get(page) != id_ for page, id_ in stored.items())
        stored = found
        if process.returncode != -signal.SIGKILL:
            break
        killed += 1
    unstored = sum(asked.values()) - len(stored)
    print(
        f"  {killed} kills      {len(stored)} pages stored of {pages}, {sum(asked.values())} asked"
        f" for: {again} again after they were stored, {unstored} again because a kill came before\n"
        f"  {'':12} page ids that changed or went: {changed}",
        flush=True,
    )
    return not again and not changed and len(stored) == pages and killed == kills


if __name__ == "__main__":
    sys.exit(main())
