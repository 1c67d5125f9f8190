"""Pages per CPU-second through the sandbox against the OCR engines alone; see benchmarks.ocr."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from benchmarks.measure import PeakMemory, cpu_s, family
from benchmarks.ocr_drawings import Sample
from ingestion.ocr import rapid, tesseract
from ingestion.ocr.reading import Sheet, attempts
from ingestion.parsers import ParseOptions
from ingestion.sandbox import Limits, Sandbox

TARGET = 0.85


def compare(name: str, pages: list[Sample]) -> int:
    """Exit status 1 where ours is slower than `TARGET` of the engines alone."""
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as scratch:
        files = []
        for n, page in enumerate(pages):
            file = Path(scratch) / f"{n}.png"
            Image.fromarray(page.image).save(file, compress_level=1)
            files.append(file)
        ours_s, peak_mb = ours(files, Path(scratch) / "sandbox")
    alone_s, used = alone(pages)
    fraction = alone_s / ours_s
    print(
        f"{name}: {len(pages)} pages, {used}\n"
        f"  ours          {ours_s:.1f} CPU-s, {len(pages) / ours_s:.2f} pages per CPU-second\n"
        f"  engines alone {alone_s:.1f} CPU-s, {len(pages) / alone_s:.2f} pages per CPU-second\n"
        f"  fraction      {fraction:.2f} (target {TARGET})\n"
        f"  peak memory   {peak_mb:.0f} MB, PSS of the child with both engines",
        flush=True,
    )
    return int(fraction < TARGET)


def ours(files: list[Path], scratch: Path) -> tuple[float, float]:
    """CPU seconds of this process and the child for all files, and the child's memory."""
    sandbox = Sandbox(Limits(), 1, scratch)
    try:
        for file in files[:2]:
            _read(sandbox, file)
        [child] = [pid for pid in family(os.getpid()) if pid != os.getpid()][:1]
        # This thread's time, not the process's: watching the memory takes time of its own.
        before = cpu_s(child) + time.thread_time()
        with PeakMemory(child) as peak:
            for file in files:
                _read(sandbox, file)
        return cpu_s(child) + time.thread_time() - before, peak.mb
    finally:
        sandbox.close()


def _read(sandbox: Sandbox, file: Path) -> None:
    with sandbox.open(file, "image", ParseOptions(), space_id="bench") as opened:
        for page in opened.pages([1]):
            if page.error:
                sys.stderr.write(f"{file.name}: {page.error}\n")


def alone(pages: list[Sample]) -> tuple[float, str]:
    """CPU seconds of the engines on the same prepared pictures, and how many pages needed which."""
    total, both = 0.0, 0
    for page in pages:
        made = attempts(Sheet.of(page.image))  # warms the engines, too
        both += len(made) > 1
        for attempt in made:
            picture = attempt.view.pixels
            if attempt.engine == "tesseract":
                start = time.process_time()
                tesseract.engine_alone(picture)
            else:
                lines = rapid.lines_of(picture)
                start = time.process_time()
                rapid.engine_alone(picture, lines)
            total += time.process_time() - start
    return total, f"{both} of them read by both engines"
