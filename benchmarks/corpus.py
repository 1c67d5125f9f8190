"""What a page costs in an empty base and in a large one.

    python -m benchmarks.corpus [--pages N] [--documents N] [--batches N] [--keep FOLDER]

Fills a base with N pages in many documents, then adds batches of 200 pages (20 born-digital PDFs,
each page with a text of its own) by turns to a new base and to the large one, each in a process of
its own, and compares the medians. To fill the base is quick because its vectors are drawn from the
texts' hashes instead of computed; all else is done as always, and the batches are embedded for
real. A model, an index and a reader are loaded before the clock starts. `--keep` names a folder in
which the large base is made, or found from an earlier run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks import drawn
from benchmarks.ingestion import _cpu_s

TARGET = 1.2
_BATCH_PAGES, _BATCH_FILES = 200, 20
_TOPICS = 200


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=20_000, help="of the large base")
    parser.add_argument("--documents", type=int, default=2_000, help="they are in")
    parser.add_argument("--batches", type=int, default=5, help="added to each base")
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    parser.add_argument("--one", nargs=2, metavar=("DATA", "SEED"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(add_batch(Path(args.one[0]), args.one[1])))
        return 0
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as scratch:
        base = (args.keep or Path(scratch)) / "large"
        if not base.exists():
            base.parent.mkdir(parents=True, exist_ok=True)
            fill(base, args.pages, args.documents)
        return compare(base, Path(scratch), args.batches)


def compare(base: Path, scratch: Path, batches: int) -> int:
    """Exit status 1 when a page of the large base costs more than the target allows."""
    found: dict[str, list[dict]] = {"empty": [], "large": []}
    for n in range(batches):
        for name, data in (("empty", scratch / f"empty {n}"), ("large", base)):
            seed = f"{name} {n} {time.time()}"
            command = [sys.executable, "-m", "benchmarks.corpus", "--one", str(data), seed]
            said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            one = json.loads(said)
            found[name].append(one)
            print(
                f"  batch {n + 1} {name:6} {one['seconds']:6.1f} s wall {one['cpu_s']:6.1f} CPU-s,"
                f" {one['chunks']} chunks beside {one['before']}",
                flush=True,
            )
    ratios = {
        unit: median(b[unit] for b in found["large"]) / median(b[unit] for b in found["empty"])
        for unit in ("cpu_s", "seconds")
    }
    print(
        f"{_BATCH_PAGES} pages into the large base cost {ratios['cpu_s']:.2f} times the CPU time"
        f" and {ratios['seconds']:.2f} times the wall time of an empty one (target {TARGET})"
    )
    return int(max(ratios.values()) > TARGET)


def fill(data: Path, pages: int, documents: int) -> None:
    """A large base with everything but true vectors."""
    from ingestion.opening import open_library
    from store.models import LOCAL_ADMIN
    from store.opening import open_store
    from store.settings import Settings

    each = max(1, pages // documents)
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as scratch,
        open_store(Settings(data=data, samples=False), embedder=_Drawn()) as store,
    ):
        library = open_library(store)
        for n in range(documents):
            file = drawn.text_file(Path(scratch) / f"report {n}.txt", each, seed=f"base {n}")
            library.add(LOCAL_ADMIN, file.name, file)
            file.unlink()
        library.wait()
        generation = store.catalog.serving_generation()
        chunks = store.catalog.chunk_count(generation.id if generation else None)
        library.close()
    print(
        f"large base: {documents} documents as long as {documents * each} pages, {chunks} chunks,"
        f" made in {time.monotonic() - began:.0f} s",
        flush=True,
    )


def add_batch(data: Path, seed: str) -> dict:
    """Adds 200 pages; wall and CPU seconds, those of the readers included."""
    from ingestion.opening import open_library
    from store.models import LOCAL_ADMIN
    from store.opening import open_store
    from store.settings import Settings

    with (
        tempfile.TemporaryDirectory() as scratch,
        open_store(Settings(data=data, samples=False)) as store,
    ):
        each = _BATCH_PAGES // _BATCH_FILES
        first, *files = [
            drawn.text_pdf(Path(scratch) / f"{seed} {n}.pdf", each, seed=f"{seed} {n}")
            for n in range(_BATCH_FILES + 1)
        ]
        library = open_library(store)
        library.add(LOCAL_ADMIN, first.name, first)  # loads whatever is loaded once
        library.wait()
        generation = store.catalog.serving_generation()
        assert generation is not None
        before = store.catalog.chunk_count(generation.id)
        began, cpu_before = time.monotonic(), _cpu_s()
        for file in files:
            library.add(LOCAL_ADMIN, file.name, file)
        library.wait()
        seconds = time.monotonic() - began
        library.close()  # ends the readers, so that their CPU time is counted
        cpu_s = _cpu_s() - cpu_before
        after = store.catalog.chunk_count(generation.id)
    return {"seconds": seconds, "cpu_s": cpu_s, "before": before, "chunks": after - before}


class _Drawn:
    """Stands in for the local model: vectors around some topics, as those of real texts lie."""

    def __init__(self) -> None:
        from store.embedding import LocalEmbedder
        from store.settings import Settings

        real = LocalEmbedder(Settings().model_dir)
        self.fingerprint, self.dimension, self.host = real.fingerprint, real.dimension, None
        chance = np.random.default_rng(1)
        self._topics = chance.standard_normal((_TOPICS, self.dimension)).astype(np.float32)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        from store.embedding import unit_rows

        chance = np.random.default_rng(len(texts[0]) + sum(map(ord, texts[0][:200])))
        topics = self._topics[chance.integers(0, _TOPICS, len(texts))]
        noise = chance.standard_normal(topics.shape).astype(np.float32)
        return unit_rows(topics + 0.8 * noise)

    def embed_query(self, text: str) -> np.ndarray:
        return self.embed([text])[0]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [1 + len(text) // 5 for text in texts]


if __name__ == "__main__":
    sys.exit(main())
