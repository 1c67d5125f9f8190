"""Which pages a command line asked its readers for, and which ones a data folder has stored.

    python -m benchmarks.page_log LOG VERB…

runs `python -m ingestion VERB…` and writes a line of JSON for each page asked for.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from store.settings import ROOT

Pages = dict[tuple[str, int], int]
"""(content hash, page number) → page id."""


class State(NamedTuple):
    """How the newest version in a catalog stands."""

    status: str
    step: str | None
    pages: int
    pages_done: int
    error: str | None


def counted(log: Path, data: Path, *verb: str) -> subprocess.Popen[bytes]:
    """The verb in a process of its own, its pages written to `log`."""
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.page_log", str(log), *verb],
        cwd=ROOT,
        env={**os.environ, "FOOTNOTE_DATA": str(data), "FOOTNOTE_SAMPLES": "false"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def state_of(data: Path) -> State | None:
    """None where there is no version yet."""
    rows = _rows(
        data, "select status, step, pages, pages_done, error from versions order by added_at"
    )
    return State(*rows[-1]) if rows else None


def stored_pages(data: Path) -> Pages:
    """Every page in the catalog. Raises ValueError where one is there twice."""
    rows = _rows(
        data,
        "select content_hash, number, pages.id from pages join parses on parses.id = parse_id",
    )
    found = {(digest, number): id_ for digest, number, id_ in rows}
    if len(found) != len(rows):
        raise ValueError("a page is stored twice")
    return found


def _rows(data: Path, query: str) -> list[tuple]:
    path = data / "catalog.db"
    if not path.exists():
        return []
    with closing(sqlite3.connect(path, timeout=30)) as catalog:
        try:
            return catalog.execute(query).fetchall()
        except sqlite3.OperationalError as fault:
            if "no such" in str(fault):  # it is being made
                return []
            raise


class _Asked(logging.Handler):
    """Writes a line at once: the process may be killed after any of them."""

    def __init__(self, path: Path):
        super().__init__(logging.DEBUG)
        self._out = path.open("w", buffering=1, encoding="utf-8")

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg == "page %d of %s is asked for":
            page, file = record.args  # type: ignore[misc]
            self._out.write(json.dumps({"file": file, "page": page}) + "\n")


def _main() -> int:
    from ingestion.__main__ import main

    reading = logging.getLogger("footnote.sandbox")
    reading.setLevel(logging.DEBUG)
    reading.propagate = False
    reading.addHandler(_Asked(Path(sys.argv[1])))
    return main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(_main())
