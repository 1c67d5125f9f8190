"""Adds files through real processes that SIGKILL ends at random moments, and keeps the books."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import files

from benchmarks.page_log import Pages, counted, stored_pages

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


def make_mixed(folder: Path, *, long_pages: int, scans: int, each: int) -> list[Path]:
    """A long PDF, a scan, and of spreadsheets and mails with an attachment `each` as many."""
    folder.mkdir(parents=True)
    said = [f"Page {p}. The mast is {p} feet high, {p * p} in all. " * 9 for p in range(long_pages)]
    shown = [f"SCAN {p}\nThe harbour has {p + 2} lights." for p in range(scans)]
    made = [
        files.text_pdf(folder / "long.pdf", said),
        files.scanned_pdf(folder / "scan.pdf", shown),
    ]
    for i in range(each):
        rows = [["Station", "Rain mm"], *([f"Station {i}-{r}", r * i] for r in range(120))]
        sheets = {f"Year {year}": rows for year in (2023, 2024, 2025)}
        made.append(files.xlsx(folder / f"rain {i}.xlsx", sheets))
        log = files.text_pdf(folder / "log.pdf", [f"Log {i}, leaf {p}." for p in range(8)])
        made.append(files.eml(folder / f"mail {i}.eml", subject=f"Log {i}", attachment=log))
        log.unlink()
    return made


def run(data: Path, *args: str) -> list[dict]:
    """A verb of the command line."""
    done = subprocess.run(
        [sys.executable, "-m", "ingestion", *args, "--json"],
        cwd=ROOT,
        env={**os.environ, "FOOTNOTE_DATA": str(data), "FOOTNOTE_SAMPLES": "false"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


class Books:
    """Which pages were stored when a process was killed, and which ones the next asks for."""

    def __init__(self, data: Path):
        self.data = data
        self.stored: Pages = {}
        self.asked = 0
        self.broken: list[str] = []

    def killed_after(self, seconds: float | None, *verb: str) -> bool:
        """Runs a verb; False when it ended before it was killed."""
        with tempfile.TemporaryDirectory() as scratch:
            log = Path(scratch) / "asked"
            process = counted(log, self.data, *verb, "--json")
            try:
                process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
            self._check(log)
        return process.returncode == -signal.SIGKILL

    def forget(self) -> None:
        """Documents were removed: what is stored now is all that must stay."""
        self.stored = stored_pages(self.data)

    def _check(self, log: Path) -> None:
        lines = map(json.loads, log.read_text().splitlines()) if log.exists() else ()
        asked = [(line["file"], line["page"]) for line in lines]
        self.asked += len(asked)
        for page in asked:
            if page in self.stored:
                self.broken.append(f"page {page} was read again after it was stored")
        if len(asked) != len(set(asked)):
            self.broken.append("a process asked for a page twice")
        found = stored_pages(self.data)
        for page, id_ in self.stored.items():
            if found.get(page) != id_:
                self.broken.append(f"page {page} had the id {id_}, now {found.get(page)}")
        self.stored = found


def survive(data: Path, paths: list[Path], kills: int, seed: int, longest_s: float) -> list[str]:
    """Adds all files with `kills` kills on the way; the broken invariants, as sentences."""
    chance = random.Random(seed)
    books = Books(data)
    add = ("add", *map(str, paths))
    done = 0
    while done < kills:
        if books.killed_after(chance.uniform(0.8, longest_s), *add):
            done += 1
        else:  # it had finished: this machine is quicker, and there must be work to kill again
            longest_s = max(2.0, 0.7 * longest_s)
            for path in chance.sample(paths, min(4, len(paths))):
                run(data, "remove", path.name)
            books.forget()
    began = time.monotonic()
    books.killed_after(None, *add)
    listed = run(data, "list")
    broken = list(dict.fromkeys(books.broken))
    for path in paths:
        found = [d for d in listed if d["file"] == path.name]
        if len(found) != 1:
            broken.append(f"{path.name} is there {len(found)} times")
        elif found[0]["status"] != "ready":
            broken.append(f"{path.name} is {found[0]['status']}: {found[0]['error']}")
        else:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            numbers = sorted(number for file, number in books.stored if file == digest)
            if numbers != list(range(1, found[0]["pages"] + 1)):
                broken.append(f"{path.name} has not each of its pages once")
    report = (run(data, "verify") or [{"ok": False, "checks": []}])[0]
    broken += [f"verify: {c['name']}: {c['detail']}" for c in report["checks"] if not c["ok"]]
    if not report["ok"] and not broken:
        broken.append("verify did not end")
    sys.stderr.write(
        f"{kills} kills, recovered in {time.monotonic() - began:.1f} s; {len(books.stored)} pages"
        f" stored, {books.asked} asked for\n"
    )
    return broken
