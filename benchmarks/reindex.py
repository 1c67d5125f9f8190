"""What people notice who ask while the index is built anew and swapped.

    python -m benchmarks.reindex [--chunks N] [--askers N] [--share S] [--same] [--keep FOLDER]

Fills a base with N chunks (5,000), which is quick because its vectors are drawn instead of
computed, and lets people ask whole answers (extractive, five at once, a pause of up to a second
between two) without a re-index, during one, and after it. The re-index is for another embedding
model, so every vector is computed; with `--same` all are used again. Failed are answers that
raised, empty those without a quote, of questions that had one before.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks import corpus, drawn
from ingestion.library import Library
from ingestion.opening import open_library
from retrieval.assistant import Assistant, open_assistant
from store.embedding import LocalEmbedder
from store.errors import FootnoteError
from store.models import LOCAL_ADMIN
from store.opening import Store, open_store
from store.settings import Settings

TARGET = 1.5
_PAGES_A_DOCUMENT = 10
_CHUNKS_A_PAGE = 2.7
_QUESTIONS = 15
_ALONE_S = 30.0


@dataclass
class Asked:
    """Answers of one phase: when each ended (monotonic) and what it took, in seconds."""

    took: list[tuple[float, float]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    empty: int = 0

    def at(self, percent: float) -> float:
        """Milliseconds."""
        return float(np.percentile([1000 * s for _, s in self.took], percent))

    def __str__(self) -> str:
        return (
            f"{len(self.took):5} answers, {len(self.failed)} failed, {self.empty} empty, p50"
            f" {self.at(50):.0f} ms, p95 {self.at(95):.0f} ms, longest {self.at(100):.0f} ms"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chunks", type=int, default=5000)
    parser.add_argument("--askers", type=int, default=5)
    parser.add_argument("--share", type=float, help="FOOTNOTE_REINDEX_SHARE; the default without")
    parser.add_argument("--same", action="store_true", help="the same model: nothing is computed")
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as scratch:
        data = (args.keep or Path(scratch)) / f"reindex-{args.chunks}"
        if not data.exists():
            data.parent.mkdir(parents=True, exist_ok=True)
            pages = round(args.chunks / _CHUNKS_A_PAGE)
            corpus.fill(data, pages, max(1, pages // _PAGES_A_DOCUMENT))
        settings = Settings(data=data, samples=False, _env_file=None)  # type: ignore[call-arg]
        if args.share:
            settings = settings.model_copy(update={"reindex_share": args.share})
        tokens = 256 if args.same else random.SystemRandom().randint(200, 255)
        model = LocalEmbedder(settings.model_dir, max_tokens=tokens)
        with open_store(settings, embedder=model) as store:
            library = open_library(store)
            assistant = open_assistant(
                settings, store.catalog, store.indexes, store.embedder, store.embedders
            )
            try:
                return measure(library, assistant, store, args.askers)
            finally:
                assistant.close()
                library.close()


def measure(library: Library, assistant: Assistant, store: Store, askers: int) -> int:
    """Exit status 1 when anything failed or was empty, or answers took longer than the target."""
    library.wait()
    questions = answered(assistant)
    with asking(assistant, questions, askers) as before:
        time.sleep(_ALONE_S)
    print(f"without:   {before}", flush=True)
    library.reindex(LOCAL_ADMIN)
    with asking(assistant, questions, askers) as during:
        swapped_at = _until_swapped(library)
        time.sleep(3.0)
    print(f"during it: {during}", flush=True)
    with asking(assistant, questions, askers) as after:
        time.sleep(_ALONE_S)
    print(f"after it:  {after}", flush=True)
    status = library.reindex_status(LOCAL_ADMIN)
    around = [s for end, s in during.took if end - s <= swapped_at + 1 and end >= swapped_at - 1]
    alone = Asked([*before.took, *after.took])
    ratio = during.at(95) / alone.at(95)
    print(
        f"re-index: {status.state}, {status.documents_done} documents, {status.chunks} chunks,"
        f" {status.computed} vectors computed, {status.reused} used again, {status.seconds:.0f} s;"
        f" gate {[(a.kind, a.questions, a.before, round(a.after, 3)) for a in status.asked]}"
    )
    print(
        f"answers under way within 1 s of the swap: {len(around)}, the longest"
        f" {1000 * max(around, default=0):.0f} ms"
    )
    print(f"p95 during / without = {ratio:.2f} (target {TARGET})")
    lost = sum(len(a.failed) + a.empty for a in (before, during, after))
    for said in {*before.failed, *during.failed, *after.failed}:
        print(f"failed: {said}")
    return int(status.state != "done" or lost > 0 or ratio > TARGET)


def answered(assistant: Assistant) -> list[str]:
    """Questions in the words of some documents, of those that are answered with a quote."""
    chance, found = random.Random(3), []
    names = [d.name for d in assistant.catalog.documents()]
    while len(found) < _QUESTIONS:
        number = int(re.findall(r"\d+", chance.choice(names))[0])
        sentences = ". ".join(drawn.text(f"base {number} {chance.randint(1, 9)}")).split(". ")
        question = f"What is said of {' '.join(chance.choice(sentences).split()[:9])}?"
        if assistant.ask(LOCAL_ADMIN, question).citations:
            found.append(question)
    return found


@contextmanager
def asking(assistant: Assistant, questions: list[str], askers: int) -> Iterator[Asked]:
    """People who ask until the block ends; each in another order."""
    asked, over = Asked(), threading.Event()

    def person(number: int) -> None:
        chance = random.Random(number)
        while not over.is_set():
            question, began = chance.choice(questions), time.monotonic()
            try:
                asked.empty += not assistant.ask(LOCAL_ADMIN, question).citations
            except FootnoteError as error:
                asked.failed.append(str(error))
            ended = time.monotonic()
            asked.took.append((ended, ended - began))
            over.wait(chance.uniform(0, 1))

    people = [threading.Thread(target=person, args=(n,)) for n in range(askers)]
    for one in people:
        one.start()
    try:
        yield asked
    finally:
        over.set()
        for one in people:
            one.join()


def _until_swapped(library: Library) -> float:
    """When it was, on the monotonic clock."""
    while library.reindex_status(LOCAL_ADMIN).state == "running":
        time.sleep(0.2)
    return time.monotonic()


if __name__ == "__main__":
    sys.exit(main())
