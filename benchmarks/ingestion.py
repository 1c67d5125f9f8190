"""Ingestion speed as a fraction of its limit on the same files.

    python -m benchmarks.ingestion [--data FOLDER]… [--limit FILES] [--copies N] [--all]

Ours is the time from the first `add` until everything is ready, in a process of its own with a new
data folder: starting the file readers, loading the model, catalog and indexes included, nothing
cached. The limit is what cannot be avoided: pdfium's characters with their boxes
(FPDFText_GetUnicode and FPDFText_GetCharBox over every page, in as many processes as ours) plus the
model's forward passes over the same chunks in the same batches on as many threads, tokenised and
loaded before the clock starts. Without --data: copies of the handbook among the samples, each with
a title of its own, so that no embedding is shared. Files with a page or a picture that is given to
OCR are left out unless `--all` is said: the limit knows none. On a busy machine look at CPU time.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.measure import SAMPLES, PeakMemory, chosen_folders, cores, documents_folder

TARGET = 0.8
CHUNKS_A_STEP = 256
"""As the pipeline hands them to the embedder."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, action="append", default=[], metavar="FOLDER")
    parser.add_argument("--limit", type=int, help="take only this many files, the smallest first")
    parser.add_argument("--copies", type=int, default=20, help="of the handbook, without --data")
    parser.add_argument("--all", action="store_true", help="also files that need OCR")
    parser.add_argument("--ours", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.ours:
        print(json.dumps(ingest(args.ours, [Path(line.rstrip("\n")) for line in sys.stdin])))
        return 0
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as scratch:
        files = _files(args.data, args.copies, Path(scratch))
        if args.limit:
            files = sorted(files, key=lambda f: f.stat().st_size)[: args.limit]
        if not args.all:
            digital = without_ocr(files)
            print(f"left out     {len(files) - len(digital)} files that need OCR", flush=True)
            files = digital
        return compare(files, Path(scratch) / "store")


def compare(files: Sequence[Path], data: Path) -> int:
    """Exit status 1 when a file failed or the fraction is below its target."""
    command = [sys.executable, "-m", "benchmarks.ingestion", "--ours", str(data)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with PeakMemory(child.pid) as peak:
        said, _ = child.communicate("\n".join(map(str, files)))
    if child.returncode:
        print(f"ingestion ended with {child.returncode}")
        return 1
    ours = json.loads(said)
    batches, threads = _batches(data)
    characters, characters_s, characters_cpu_s = characters_alone(files, ours["processes"])
    passes_s, passes_cpu_s = passes_alone(batches, threads)
    limit_s = characters_s + passes_s
    limit_cpu_s = characters_cpu_s + passes_cpu_s
    pages, seconds, cpu_s = ours["pages"], ours["seconds"], ours["cpu_s"]
    how = ", ".join(f"{n} {name}" for name, n in sorted(ours["how"].items()))
    print(
        f"threads      {ours['processes']} file readers, {threads} embedding, {cores()} cores\n"
        f"files        {len(files)}, {sum(f.stat().st_size for f in files) / 1e6:.1f} MB,"
        f" {characters / 1e6:.2f} million characters\n"
        f"pages        {pages} ({how}), {ours['chunks']} chunks\n"
        f"ours         {seconds:.1f} s wall, {pages / seconds:.1f} pages/s;"
        f" {cpu_s:.1f} CPU-s, {pages / cpu_s:.1f} pages per CPU-s;"
        f" {cpu_s / seconds:.2f} cores used, {ours['readers_cpu_s']:.1f} CPU-s by readers\n"
        f"peak memory  {peak.mb:.0f} MB, PSS of all processes together\n"
        f"limit        {limit_s:.1f} s wall = {characters_s:.1f} s characters with boxes"
        f" + {passes_s:.1f} s forward passes; {limit_cpu_s:.1f} CPU-s ="
        f" {characters_cpu_s:.1f} + {passes_cpu_s:.1f}\n"
        f"fraction     {limit_s / seconds:.2f} of the limit by wall clock (target {TARGET}),"
        f" {limit_cpu_s / cpu_s:.2f} by CPU time\n"
        f"failures     {len(ours['failures'])}"
    )
    for name, sentence in ours["failures"]:
        print(f"             {name}: {sentence}")
    return int(bool(ours["failures"]) or limit_s / seconds < TARGET)


def ingest(data: Path, files: Sequence[Path]) -> dict:
    """Ours; run in a process of its own so that its memory and CPU time are its own."""
    from ingestion.opening import open_library
    from store.models import LOCAL_ADMIN
    from store.opening import open_store
    from store.settings import Settings

    settings = Settings(data=data, samples=False)
    failures: list[tuple[str, str]] = []
    how: Counter[str] = Counter()
    with open_store(settings) as store:
        library = open_library(store)
        began, cpu_before = time.monotonic(), _cpu_s()
        for file in files:
            library.add(LOCAL_ADMIN, file.name, file)
        library.wait()
        seconds = time.monotonic() - began
        documents = library.list(LOCAL_ADMIN)
        for document in documents:
            if document.status == "failed":
                failures.append((document.name, document.error or ""))
            how.update(p.how for p in library.show(LOCAL_ADMIN, document.id)[1])
        library.close()  # ends the readers, so that their CPU time is counted
    return {
        "processes": settings.parser_processes,
        "seconds": seconds,
        "cpu_s": _cpu_s() - cpu_before,
        "readers_cpu_s": _cpu_s(resource.RUSAGE_CHILDREN),
        "pages": sum(d.pages for d in documents),
        "chunks": sum(d.chunks for d in documents),
        "how": dict(how),
        "failures": failures,
    }


def without_ocr(files: Sequence[Path]) -> list[Path]:
    """Those of which no page and no picture on one is given to OCR."""
    context = multiprocessing.get_context("spawn")
    # A process a file: OCR is loaded where it is first needed, and that tells.
    with ProcessPoolExecutor(2, mp_context=context, max_tasks_per_child=1) as pool:
        needs = list(pool.map(_needs_ocr, files))
    return [file for file, ocr in zip(files, needs, strict=True) if not ocr]


def _needs_ocr(file: Path) -> bool:
    from ingestion.parsers import ParseOptions
    from ingestion.parsers.pdf import open_file
    from store.errors import Unreadable

    try:
        opened = open_file(file, ParseOptions())
        for number in range(1, opened.info.pages + 1):
            opened.page(number)
            if "ingestion.ocr.reading" in sys.modules:
                return True
        opened.close()
    except Unreadable:
        pass
    return False


def characters_alone(files: Sequence[Path], processes: int) -> tuple[int, float, float]:
    """Characters; wall and CPU seconds for all of them with their boxes."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        # Every process is up and has pdfium loaded before the clock starts.
        list(pool.map(_ready, [0.5] * processes))
        began = time.monotonic()
        found = list(pool.map(_characters, files))
        seconds = time.monotonic() - began
    return sum(count for count, _ in found), seconds, sum(cpu_s for _, cpu_s in found)


def _ready(wait_s: float) -> None:
    import pypdfium2.raw  # noqa: F401

    time.sleep(wait_s)


def _characters(file: Path) -> tuple[int, float]:
    """Characters of a file, and CPU seconds for them."""
    import pypdfium2.raw as pdfium

    began = time.process_time()
    document = pdfium.FPDF_LoadDocument(str(file).encode(), None)
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    found = 0
    for index in range(pdfium.FPDF_GetPageCount(document)):
        page = pdfium.FPDF_LoadPage(document, index)
        text = pdfium.FPDFText_LoadPage(page)
        count = pdfium.FPDFText_CountChars(text)
        for i in range(count):
            pdfium.FPDFText_GetUnicode(text, i)
            pdfium.FPDFText_GetCharBox(text, i, left, right, bottom, top)
        found += max(0, count)
        pdfium.FPDFText_ClosePage(text)
        pdfium.FPDF_ClosePage(page)
    pdfium.FPDF_CloseDocument(document)
    return found, time.process_time() - began


def _batches(data: Path) -> tuple[list[list[list[int]]], int]:
    """Token ids of the stored chunks in the batches they were embedded in, and the threads."""
    from store.embedding import LocalEmbedder, _batches, _shorten
    from store.opening import open_store
    from store.settings import Settings

    with open_store(Settings(data=data)) as store:
        embedder, generation = store.embedder, store.catalog.serving_generation()
        assert isinstance(embedder, LocalEmbedder)
        assert generation is not None
        seen: set[str] = set()
        batches = []
        for document in reversed(store.catalog.documents()):
            chunks = store.catalog.chunks_of_document(document.id, generation.id)
            for start in range(0, len(chunks), CHUNKS_A_STEP):
                texts = [c.searched_text for c in chunks[start : start + CHUNKS_A_STEP]]
                new = [t for t in dict.fromkeys(texts) if t not in seen]
                seen.update(new)
                encoded = embedder._load_tokenizer().encode_batch(new)
                ids = [_shorten(e.ids, embedder.max_tokens) for e in encoded]
                batches += [[ids[row] for row in b] for b in _batches([len(i) for i in ids])]
        return batches, embedder.threads


def passes_alone(batches: Sequence[list[list[int]]], threads: int) -> tuple[float, float]:
    """Wall and CPU seconds of the model's forward passes, the model being loaded."""
    from store.embedding import LocalEmbedder
    from store.settings import Settings

    embedder = LocalEmbedder(Settings().model_dir, threads=threads)
    embedder.embed(["loads the model"])
    began, cpu_before = time.monotonic(), time.process_time()
    for batch in batches:
        embedder._compute(batch)
    return time.monotonic() - began, time.process_time() - cpu_before


def _files(given: Sequence[Path], copies: int, scratch: Path) -> list[Path]:
    folders = chosen_folders(given)
    if folders == [SAMPLES]:
        return _copies(SAMPLES / "Larkspur employee handbook.pdf", copies, scratch)
    files = [f for folder in folders for f in sorted(documents_folder(folder).rglob("*.pdf"))]
    names = Counter(f.name for f in files)
    twice = [name for name, n in names.items() if n > 1]
    if twice or not files:
        sys.exit(f"Two files have the name {twice[0]}." if twice else "There are no PDF files.")
    return files


def _copies(original: Path, copies: int, scratch: Path) -> list[Path]:
    from pypdf import PdfWriter

    made = []
    for n in range(1, copies + 1):
        writer = PdfWriter(clone_from=original)
        writer.add_metadata({"/Title": f"Handbook of team {n}"})
        made.append(scratch / f"handbook {n}.pdf")
        writer.write(made[-1])
    return made


def _cpu_s(*whose: int) -> float:
    """Of this process and of those children that have ended."""
    used = map(resource.getrusage, whose or (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(u.ru_utime + u.ru_stime for u in used)


if __name__ == "__main__":
    sys.exit(main())
