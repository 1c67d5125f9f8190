"""Runs every file of a folder through the real sandbox, as the app does, and says how each ended.

    python -m benchmarks.hostile FOLDER [--out PREDICTIONS.jsonl] [--only PATTERN] [--cases FILE]

For each file: ok or rejected with the sentence that a person gets, crash (an exception that is no
sentence) or timeout; seconds; the child's peak of resident memory; pages that failed. FILE holds
`{file, probe_words}` a line: words that must come out of the readable ones. A word divided at a
line's end also counts joined, as search finds it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.measure import family
from ingestion.parsers import ParseOptions
from ingestion.parsers.kinds import sniff
from ingestion.pipeline import lost_pages, reading_status
from ingestion.sandbox import Limits, Sandbox
from store.errors import Unreadable
from store.models import Page, ParsedPage
from store.settings import Settings

LIMIT_MB = 1536
_LATE = "took longer than"
_POLL_S = 0.03
_DIVIDED = re.compile(r"(\w+)-\n(\w+)")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--out", type=Path)
    arguments.add_argument("--only", default="*")
    arguments.add_argument("--cases", type=Path)
    chosen = arguments.parse_args()
    files = sorted(p for p in chosen.folder.glob(chosen.only) if p.is_file())
    settings = Settings()
    options = ParseOptions(max_pages=settings.max_pages, max_pixels=settings.max_pixels)
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        limits = Limits(memory_mb=settings.parser_memory_mb)
        sandbox = Sandbox(limits, 1, Path(scratch))
        for number, path in enumerate(files):
            # A space of its own: each file meets a fresh child, whose peak is its own.
            found.append(read(sandbox, path, options, space_id=str(number)))
            sys.stderr.write(_line(found[-1]))
        sandbox.close()
    if chosen.out:
        lines = [json.dumps(one, ensure_ascii=False) + "\n" for one in found]
        chosen.out.write_text("".join(lines), encoding="utf-8")
    report = summary(found, _cases(chosen.cases))
    sys.stdout.write(json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    return int(bool(report["crashes"] or report["timeouts"] or report["too_large"]))


def read(sandbox: Sandbox, path: Path, options: ParseOptions, space_id: str) -> dict[str, Any]:
    """One file's end: what the app would show of it."""
    began = time.perf_counter()
    status, message, kind = "ok", "", None
    pages: list[ParsedPage] = []
    with _Peak() as peak:
        try:
            kind = sniff(path, path.name)
            with sandbox.open(path, kind, options, space_id=space_id) as opened:
                info = opened.info
                for page in opened.pages(range(1, info.pages + 1)):
                    pages.append(page)
                peak.look()
            stored = [_stored(page) for page in pages]
            message = " ".join([*info.warnings, *lost_pages(stored, info.unread)])
            reading_status(stored, info.unread)
        except Unreadable as error:
            status, message = "rejected", str(error)
        except Exception:  # noqa: BLE001 - what the app would show as a fault of its own
            status, message = "crash", traceback.format_exc()[-500:]
    if status == "rejected" and _LATE in message:
        status = "timeout"
    return {
        "file": path.name,
        "kind": kind,
        "status": status,
        "seconds": round(time.perf_counter() - began, 2),
        "peak_mb": round(peak.mb),
        "pages": len(pages),
        "failed": sum(page.how == "failed" for page in pages),
        "message": message,
        "text": _searchable("\n".join(f"{page.label or ''}\n{page.text}" for page in pages)),
    }


def summary(found: list[dict[str, Any]], cases: dict[str, list[str]]) -> dict[str, Any]:
    """Counts, the worst of each figure, and the words that should have come out."""
    missing = {}
    words = heard = 0
    for one in found:
        text = one["text"].lower()
        gone = [w for w in cases.get(one["file"], ()) if w.lower() not in text]
        words += len(cases.get(one["file"], ()))
        heard += len(cases.get(one["file"], ())) - len(gone)
        if gone:
            missing[one["file"]] = gone
    return {
        "files": len(found),
        "status": Counter(one["status"] for one in found),
        "crashes": [one["file"] for one in found if one["status"] == "crash"],
        "timeouts": [one["file"] for one in found if one["status"] == "timeout"],
        "too_large": [one["file"] for one in found if one["peak_mb"] > LIMIT_MB],
        "without_reason": [
            one["file"] for one in found if one["status"] == "rejected" and not one["message"]
        ],
        "slowest": _most(found, "seconds"),
        "largest_mb": _most(found, "peak_mb"),
        "partly_read": [one["file"] for one in found if one["status"] == "ok" and one["failed"]],
        "probe_words": words,
        "probe_recall": round(heard / words, 4) if words else None,
        "missing": missing,
    }


class _Peak:
    """The largest VmHWM that any child of this process shows while this is open."""

    def __init__(self) -> None:
        self.mb = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> _Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def look(self) -> None:
        for pid in family(os.getpid())[1:]:
            with contextlib.suppress(OSError, IndexError):
                status = Path(f"/proc/{pid}/status").read_text()
                self.mb = max(self.mb, int(status.split("VmHWM:")[1].split()[0]) / 1024)

    def _watch(self) -> None:
        while not self._over.wait(_POLL_S):
            self.look()


def _searchable(text: str) -> str:
    return "\n".join([text, *(a + b for a, b in _DIVIDED.findall(text))])


def _stored(page: ParsedPage) -> Page:
    return Page(id=0, parse_id=0, **page.model_dump())


def _cases(path: Path | None) -> dict[str, list[str]]:
    if path is None:
        return {}
    cases = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {c["file"]: c["probe_words"] for c in cases if c.get("class", "text") == "text"}


def _most(found: list[dict[str, Any]], figure: str) -> dict[str, float]:
    ordered = sorted(found, key=lambda one: -one[figure])
    return {one["file"]: one[figure] for one in ordered[:5]}


def _line(one: dict[str, Any]) -> str:
    return "{status:9}{seconds:7.2f} s {peak_mb:5} MB {pages:4} p  {file}  {message}\n".format(
        **one
    )


if __name__ == "__main__":
    sys.exit(main())
