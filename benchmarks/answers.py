"""How long a search and an answer without a model take over many chunks, on one core.

    python -m benchmarks.answers [SET…] [--chunks N] [--questions N] [--keep FOLDER]

Fills a base with texts of its own up to N chunks (their vectors are drawn from the texts' hashes,
which is quick), adds the documents of the sets (folders as `python -m evals` takes them, else the
samples) read and embedded for real, and asks the sets' questions in a process that may use one
core. Printed: medians and 95th percentiles by wall clock and by CPU, and the share of each step.
`--keep` names a folder in which the base is made, or found from an earlier run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles

from benchmarks.corpus import fill
from evals.reading import opened_folder
from evals.sets import SAMPLES, QuestionSet, read_set
from ingestion.opening import open_library
from store.models import LOCAL_ADMIN
from store.opening import open_store
from store.settings import Settings

SEARCH_MS, ANSWER_MS = 30.0, 150.0
_CHUNKS_A_PAGE = 2.7
"""Of the drawn texts; the base is filled by pages and its chunks are counted."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", default=[SAMPLES], metavar="SET")
    parser.add_argument("--chunks", type=int, default=20_000)
    parser.add_argument("--questions", type=int, default=100, help="of each set")
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    sets = [read_set(given, limit=args.questions) for given in args.sets]
    if args.one:
        print(json.dumps(measure(args.one, sets)))
        return 0
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as scratch:
        base = (args.keep or Path(scratch)) / "filled"
        if not base.exists():
            base.parent.mkdir(parents=True, exist_ok=True)
            pages = int(args.chunks / _CHUNKS_A_PAGE)
            fill(base, pages, max(1, pages // 10))
        chunks = add(base, sets)
        one = [sys.executable, "-m", "benchmarks.answers", *args.sets, "--one", str(base)]
        one += ["--questions", str(args.questions)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        said = subprocess.run(
            one, check=True, stdout=subprocess.PIPE, text=True, env=environment,
            preexec_fn=_one_core,
        ).stdout  # fmt: skip
    return shown(chunks, json.loads(said))


def add(data: Path, sets: Sequence[QuestionSet]) -> int:
    """The sets' documents into the base, unless they are there; the chunks there are."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        open_store(Settings(data=data, samples=False)) as store,
    ):
        library = open_library(store)
        for name, document in ((n, d) for one in sets for n, d in one.documents.items()):
            file = document if isinstance(document, Path) else Path(scratch) / name
            if isinstance(document, str):
                file.write_text(document, encoding="utf-8")
            library.add(LOCAL_ADMIN, name, file)
        library.wait()
        library.close()
        generation = store.catalog.serving_generation()
        assert generation is not None
        return store.catalog.chunk_count(generation.id)


def measure(data: Path, sets: Sequence[QuestionSet]) -> dict:
    """Milliseconds of each search and answer; `steps` those of each question by name."""
    questions = [q.text for one in sets for q in one.questions]
    times: dict[str, list[float]] = defaultdict(list)
    steps: list[dict[str, float]] = []
    settings = Settings(data=data, samples=False, openai_base_url=None, models="")
    with open_store(settings) as store, opened_folder(store) as assistant:
        for question in questions:
            began, cpu = time.perf_counter(), time.process_time()
            found = assistant.find(LOCAL_ADMIN, question, k=10)
            times["search"].append((time.perf_counter() - began) * 1000)
            times["search, CPU"].append((time.process_time() - cpu) * 1000)
            began, cpu = time.perf_counter(), time.process_time()
            answer = assistant.ask(LOCAL_ADMIN, question, route="facts")
            times["answer"].append((time.perf_counter() - began) * 1000)
            times["answer, CPU"].append((time.process_time() - cpu) * 1000)
            assert answer.trace is not None
            took: dict[str, float] = defaultdict(float)
            took |= {f"  search alone: {name}": ms for name, ms in found.steps}
            for step in answer.trace.steps:
                took[step.name] += step.ms
            steps.append(took | {"all": times["answer"][-1]})
    return {"times": times, "steps": steps}


def shown(chunks: int, found: dict) -> int:
    """Exit status 1 where a median is over its target."""
    times, steps = found["times"], found["steps"]
    print(f"{len(steps)} questions over {chunks} chunks, one core; milliseconds")
    for name, ms in times.items():
        print(f"  {name:13} p50 {median(ms):7.1f}  p95 {quantiles(ms, n=20)[-1]:7.1f}")
    whole = sum(step.pop("all") for step in steps)
    for name in dict.fromkeys(name for step in steps for name in step):
        ms = [step.get(name, 0.0) for step in steps]
        print(f"    {name:30} p50 {median(ms):7.1f}  {sum(ms) / whole:5.1%} of an answer")
    good = median(times["search"]) <= SEARCH_MS and median(times["answer"]) <= ANSWER_MS
    print(
        f"  targets: search {SEARCH_MS:.0f}, answer {ANSWER_MS:.0f}: {'met' if good else 'MISSED'}"
    )
    return int(not good)


def _one_core() -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


if __name__ == "__main__":
    sys.exit(main())
