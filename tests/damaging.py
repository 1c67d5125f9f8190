"""Flips bits in, and cuts, files of a data folder; what is then shown is compared with the truth.

python tests/damaging.py   reads `{"folder": …, "truth": …}` lines, answers a line for each
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = 8
KINDS = ("catalog.db", "catalog.db-wal", "contents", "chroma", "lexical", "other")


def text_of(number: int) -> str:
    """A document in which every sentence stands once in the whole folder."""
    lines = [f"# Lighthouse {number}", f"The ibis{number} lamp was lit in {1800 + number}."]
    lines += [
        f"Keeper {number}-{i} trimmed {number * 31 + i * 7} wicks and logged {i + 2} storms there."
        for i in range(40)
    ]
    return "\n\n".join(lines)


def damage(folder: Path, kind: str, chance: random.Random) -> str | None:
    """Damage one file of a kind; what was done, None where there is no such file."""
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and _kind(folder, p) == kind]
    files = [p for p in files if p.stat().st_size and p.name not in ("reserve", "catalog.db-shm")]
    if not files:
        return None
    path = chance.choice(files)
    size, name = path.stat().st_size, str(path.relative_to(folder))
    if chance.random() < 0.25:
        left = chance.randrange(size)
        os.truncate(path, left)
        return f"{name} cut from {size} to {left}"
    data = bytearray(path.read_bytes())
    at = chance.randrange(size)
    data[at] ^= 1 << chance.randrange(8)
    path.write_bytes(data)
    return f"{name} bit flipped at {at} of {size}"


def _kind(folder: Path, path: Path) -> str:
    parts = path.relative_to(folder).parts
    return next((k for k in KINDS if k in parts), "other")


class Examiner:
    """A child that opens damaged folders; another takes its place when one ends it."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[str] | None = None

    def examine(self, folder: Path, truth: Path) -> dict[str, Any]:
        """What it was like; `outcome` is refused, detected, harmless, missed, wrong or crashed."""
        for attempt in range(3):
            child = self._child = self._child or self._start()
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(json.dumps({"folder": str(folder), "truth": str(truth)}) + "\n")
            child.stdin.flush()
            answer = child.stdout.readline()
            if answer:
                return json.loads(answer) | {"crashes": attempt}
            self.close()  # it ended: as a server would, it is started again
        return {"outcome": "crashed", "said": "three times in a row", "crashes": 3}

    def close(self) -> None:
        if self._child is not None:
            for stream in (self._child.stdin, self._child.stdout):
                assert stream is not None
                stream.close()
            self._child.kill()
            self._child.wait()
            self._child = None

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, __file__],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "FOOTNOTE_SAMPLES": "false"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )


def make(folder: Path, embedder: Any) -> Path:
    """A folder with some documents, as a killed process leaves it; beside it the truth."""
    from ingestion.opening import open_library
    from store.models import LOCAL_ADMIN
    from store.opening import open_store

    with open_store(_settings(folder / "live"), embedder=embedder) as store:
        library = open_library(store)
        for number in range(DOCUMENTS):
            library.add(LOCAL_ADMIN, f"light{number}.md", text_of(number).encode())
        assert library.wait(120)
        library.worker.stop()
        truth = {"shown": _shown(library), "found": _found(store)}
        unclean = folder / "unclean"
        shutil.copytree(folder / "live", unclean)
        library.close()
    (folder / "truth.json").write_text(json.dumps(truth))
    return unclean


def _settings(folder: Path) -> Any:
    from store.settings import Settings

    return Settings(data=folder, samples=False, reserve_mb=0, _env_file=None)  # type: ignore[call-arg]


def _examine(folder: Path, truth: dict[str, Any], embedder: Any) -> dict[str, Any]:
    from ingestion.opening import open_library
    from store.errors import FootnoteError
    from store.models import LOCAL_ADMIN
    from store.opening import open_store

    said: list[str] = []
    try:
        with open_store(_settings(folder), embedder=embedder) as store:
            library = open_library(store, start=False)
            wrong = missing = False
            waiting: set[str] = set()
            try:
                waiting = {d.name for d in library.list(LOCAL_ADMIN) if d.status != "ready"}
                shown = _shown(library)
                # What waits to be read again shows nothing; what it shows must be right.
                wrong |= any(
                    truth["shown"].get(n, {}).get(p) != text
                    for n, pages in shown.items()
                    for p, text in pages.items()
                )
                missing |= any(
                    shown.get(n) != pages for n, pages in truth["shown"].items() if n not in waiting
                )
                found = _found(store)
                wrong |= any(not _is_genuine(*hit) for some in found.values() for hit in some)
                first = {q: [tuple(hit) for hit in some] for q, some in truth["found"].items()}
                missing |= any(
                    found[q] != hits for q, hits in first.items() if hits[0][0] not in waiting
                )
            except FootnoteError as e:
                said.append(f"refused while asked: {e}")
            report = library.verify(LOCAL_ADMIN)
            faults = [f"{c.name}: {c.detail}" for c in report.checks if not c.ok]
            detected = bool(faults or said)
            mended = _mended(library, said) if faults or waiting or missing else True
            if not detected and mended:  # nothing was said: then all must be there in the end
                missing |= _shown(library) != truth["shown"]
            library.close()
    except FootnoteError as e:
        return {"outcome": "refused", "said": str(e)}
    said += faults
    outcome = "harmless"
    if wrong:
        outcome = "wrong"
    elif detected:
        outcome = "detected"
    elif missing:
        outcome = "missed"
    return {"outcome": outcome, "said": "; ".join(said), "mended": mended}


def _mended(library: Any, said: list[str]) -> bool:
    from store.models import LOCAL_ADMIN

    library.verify(LOCAL_ADMIN, repair=True)
    library.worker.start()
    library.wait(60)
    left = [f"{c.name}: {c.detail}" for c in library.verify(LOCAL_ADMIN).checks if not c.ok]
    said.extend(f"left: {fault}" for fault in left)
    return not left


def _shown(library: Any) -> dict[str, dict[str, str]]:
    """Texts of pages by name and number, as the screens show them."""
    from store.models import LOCAL_ADMIN

    return {
        document.name: {
            str(page.number): page.text for page in library.show(LOCAL_ADMIN, document.id)[1]
        }
        for document in library.list(LOCAL_ADMIN)
    }


def _found(store: Any) -> dict[str, list[tuple[str, str]]]:
    """The first hit of some questions: document and text."""
    from retrieval.search import Searcher

    searcher = Searcher(store.catalog, store.indexes, store.embedder)
    space = store.catalog.ensure_space("main")
    found = {}
    for number in range(0, DOCUMENTS, 2):
        question = f"When was the ibis{number} lamp lit?"
        hits = searcher.search(question, [space], k=3).hits
        found[question] = [(h.chunk.name, h.chunk.text) for h in hits[:1]]
    return found


def _is_genuine(name: str, text: str) -> bool:
    """Whether a passage stands in the document that it is said to be of."""
    number = name.removeprefix("light").removesuffix(".md")
    if not number.isdecimal() or int(number) >= DOCUMENTS:
        return False
    plain = text_of(int(number)).replace("# ", "")
    return all(line in plain for line in text.split("\n"))


def _main() -> int:
    from store.embedding import open_embedder

    embedder = open_embedder(_settings(Path("unused")))
    for line in sys.stdin:
        asked = json.loads(line)
        truth = json.loads(Path(asked["truth"]).read_text())
        answer = _examine(Path(asked["folder"]), truth, embedder)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(_main())
