"""Seconds to the first page served, and memory at rest.

    python -m benchmarks.idle [--rest SECONDS] [--port PORT]

Starts what `make run` starts on a new data folder, asks for the API's health and the page until
both answer, waits until the samples are ready and for some time more (idle file readers end after
30 s), and prints the PSS of the server and its children. Then once more on the same folder.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import PeakMemory, cpu_s, family, pss_mb
from store.settings import ROOT

TARGET_S, TARGET_MB = 10.0, 600.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rest", type=float, default=40.0, help="seconds without anything to do")
    parser.add_argument("--port", type=int, default=8597)
    args = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as scratch:
        for start in ("new folder", "again"):
            began = time.monotonic()
            with served(Path(scratch) / "store", args.port) as (server, address):
                with PeakMemory(server.pid) as peak:
                    health_s, page_s = first_answers(server, address, began)
                    start_cpu_s = cpu_s(server.pid)
                    ready_s = until_ready(address, began)
                    time.sleep(args.rest)
                memory = {pid: pss_mb(pid) for pid in family(server.pid)}
            total = sum(memory.values())
            print(
                f"{start:12} health after {health_s:.1f} s, page after {page_s:.1f} s (target"
                f" {TARGET_S:.0f}), {start_cpu_s:.1f} CPU-s; documents ready: {ready_s:.1f} s\n"
                f"{'':12} at rest {total:.0f} MB PSS in {len(memory)} processes (target"
                f" {TARGET_MB:.0f}), at most {peak.mb:.0f} MB before",
                flush=True,
            )
            good &= max(health_s, page_s) <= TARGET_S and total <= TARGET_MB
    return int(not good)


@contextmanager
def served(data: Path, port: int) -> Iterator[tuple[subprocess.Popen, str]]:
    """A server like that of `make run`, and its address. What it says is printed if it fails."""
    environment = {**os.environ, "FOOTNOTE_DATA": str(data)}
    streamlit = Path(sys.executable).parent / "streamlit"
    log = data.with_suffix(".log")
    with log.open("wb") as said:
        server = subprocess.Popen(
            [str(streamlit), "run", "app.py", "--server.port", str(port)],
            cwd=ROOT, env=environment, stdout=said, stderr=said, start_new_session=True,
        )  # fmt: skip
    try:
        yield server, f"http://127.0.0.1:{port}"
    except SystemExit:
        print(log.read_text(errors="replace"))
        raise
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def first_answers(server: subprocess.Popen, address: str, began: float) -> tuple[float, float]:
    """Seconds until the API's health and the page answered 200."""
    found: list[float] = []
    for path in ("/api/health", "/"):
        while not _answer(address + path):
            if server.poll() is not None or time.monotonic() - began > 120:
                sys.exit("The server did not start.")
            time.sleep(0.05)
        found.append(time.monotonic() - began)
    return found[0], found[1]


def until_ready(address: str, began: float) -> float:
    """Seconds until no document waits or is being read."""
    while time.monotonic() - began < 300:
        documents = json.loads(_answer(f"{address}/api/documents") or b"[]")
        if all(d["status"] not in ("queued", "processing") for d in documents):
            return time.monotonic() - began
        time.sleep(0.2)
    sys.exit("The samples did not become ready.")


def _answer(url: str) -> bytes | None:
    """The body of a 200, None for anything else."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.read()
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None


if __name__ == "__main__":
    sys.exit(main())
