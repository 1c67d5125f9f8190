"""What `crashing.py` kills.

    python tests/crash_child.py DATA LEDGER SEED WORK

opens the folder as a server does, says how long that took, examines every invariant, compares the
documents with the ledger, and then works (adding, reindexing or removing) until it is killed.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

from crashing import FINISH_S, NAMES, REPEATED, Ledger, marker_of, text_of


def _main(data: Path, ledger: Ledger, seed: int, work: str) -> int:
    from ingestion.opening import open_library
    from store.opening import open_store
    from store.settings import Settings

    settings = Settings(data=data, samples=False, reserve_mb=4, _env_file=None)  # type: ignore[call-arg]
    with open_store(settings, address="http://127.0.0.1:9") as store:
        library = open_library(store)
        serving = store.catalog.serving_generation()
        repairing = bool(serving and store.indexes.rebuilding(serving.id))
        fault = _answers(store)
        _say(serving=True, repairing=repairing)
        _wait_until_mended(store)
        broken, searched = _examine(library, ledger)
        store.embedder.embed(["warm"])  # or nothing is indexed before we are killed
        _say(broken=broken + fault, searched=searched)
        if work == "finishing":
            late = [] if library.wait(FINISH_S) else [f"not finished after {FINISH_S} s"]
            until = time.monotonic() + 30  # replaced versions go a moment after
            while library.catalog.leaving() and time.monotonic() < until:
                time.sleep(0.1)
            broken, _ = _examine(library, ledger, finished=not late)
            broken += late
            _say(finished=broken)
            library.close()
            return int(bool(broken))
        _work(library, ledger, random.Random(seed), work)
    return 0


def _say(**line: object) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _answers(store: Any) -> list[str]:
    """Whether a question is answered by one index at least, right after the start."""
    from retrieval.search import Searcher
    from store.errors import FootnoteError

    space = store.catalog.ensure_space("main")
    documents = [d for d in store.catalog.documents() if d.status == "ready"]
    if not documents:
        return []
    try:
        name = documents[0].name.partition(".")[0]
        found = Searcher(store.catalog, store.indexes, store.embedder).search(
            f"How high is station {name}?", [space]
        )
    except FootnoteError as e:
        return [f"no answer right after the start: {e}"]
    return [] if found.hits else [f"nothing was found right after the start: {found.warnings}"]


def _wait_until_mended(store: Any) -> None:
    serving = store.catalog.serving_generation()
    until = time.monotonic() + 60
    while serving and store.indexes.rebuilding(serving.id) and time.monotonic() < until:
        time.sleep(0.05)


def _examine(library: Any, ledger: Ledger, finished: bool = False) -> tuple[list[str], int]:
    from store.models import LOCAL_ADMIN

    report = library.verify(LOCAL_ADMIN)
    broken = [f"verify: {c.name}: {c.detail}" for c in report.checks if not c.ok]
    listed: dict[str, list[Any]] = {}
    for document in library.list(LOCAL_ADMIN):
        listed.setdefault(document.name, []).append(document)
    for name, told in ledger.told().items():
        there = listed.pop(name, [])
        if len(there) > 1:
            broken.append(f"{name} is there {len(there)} times")
        number = _number(library, there[0]) if there else None
        if number not in told.allowed:
            broken.append(f"{name} is version {number}, not one of {told.allowed}")
        elif finished and there and there[0].status != "ready":
            broken.append(f"{name} is {there[0].status}: {there[0].error}")
        elif finished:
            broken += _searched(library, name, number)
    broken += [f"{name} is there and was never added" for name in listed]
    if finished and (left := library.catalog.leaving()):
        broken.append(f"{len(left)} replaced versions are still there")
    serving = library.catalog.serving_generation()
    return broken, library.catalog.chunk_count(serving.id) if serving else 0


def _searched(library: Any, name: str, number: int | None) -> list[str]:
    """The marker of the version that is there is found, that of no other."""
    store = library.store
    serving = store.catalog.serving_generation()
    lexical = store.indexes.lexical(serving.id)
    broken = []
    for n in range(6):
        hits = lexical.query([store.catalog.ensure_space("main")], marker_of(name, n), 10)
        said = [
            c for c in store.catalog.stored_chunks([i for i, _ in hits]).values()
            if marker_of(name, n) in c.text
        ]  # fmt: skip
        if bool(said) != (n == number):
            broken.append(f"{marker_of(name, n)}: found {len(said)} times, version is {number}")
    return broken


def _number(library: Any, document: Any) -> int | None:
    for n in range(6):
        if library.store.files.path(document.content_hash).exists():
            stored = library.store.files.path(document.content_hash).read_bytes()
            if stored == text_of(document.name, n):
                return n
    return -1


def _work(library: Any, ledger: Ledger, chance: random.Random, work: str) -> None:
    """Until somebody kills us. What is under way is read and indexed meanwhile."""
    from store.models import LOCAL_ADMIN

    if work == "reindexing":
        threading.Thread(target=_reindexing, args=(library,), daemon=True).start()
    while True:
        there = {d.name: d for d in library.list(LOCAL_ADMIN)}
        if there and chance.random() < REPEATED:
            name = chance.choice(sorted(there))
            number = _number(library, there[name])
            if number is not None and number >= 0:
                _add(library, ledger, name, number, again=True)
        elif work == "removing" and len(there) > 4 and chance.random() < 0.7:
            name = chance.choice(sorted(there))
            ledger.write(state="begun", name=name, number=None)
            library.remove(LOCAL_ADMIN, name)
            ledger.write(state="done", name=name, number=None)
        else:
            name = f"s{chance.randrange(NAMES):02}.md"
            _add(library, ledger, name, chance.randrange(6), again=False)
        time.sleep(chance.uniform(0, 0.1))


def _add(library: Any, ledger: Ledger, name: str, number: int, again: bool) -> None:
    from store.models import LOCAL_ADMIN

    ledger.write(state="begun", name=name, number=number)
    library.add(LOCAL_ADMIN, name, text_of(name, number))
    ledger.write(state="done", name=name, number=number, again=again)


def _reindexing(library: Any) -> None:
    from store.errors import FootnoteError
    from store.models import LOCAL_ADMIN

    while True:
        try:
            if library.reindex_status(LOCAL_ADMIN).state != "running":
                library.reindex(LOCAL_ADMIN)
        except FootnoteError as e:
            sys.stderr.write(f"re-index: {e}\n")
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), Ledger(Path(sys.argv[2])), int(sys.argv[3]), sys.argv[4]))
