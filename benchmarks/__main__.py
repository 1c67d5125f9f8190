"""`python -m benchmarks [NAME…] [--data FOLDER]`: prints the figures; without a name, all but long.

--data (or FOOTNOTE_EVAL_DATA) is a folder of PDFs, one with `docs/` and `questions.jsonl`, or a
folder of such folders, of which `kg_rag_10q` and `uda` are taken; without it the samples serve.
Further options of one benchmark: `python -m benchmarks.NAME --help`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

BENCHMARKS = {
    "ingestion": ("speed of reading and indexing, as a fraction of its limit", True),
    "citations": ("whether quotes stand on their pages, by other eyes than ours", True),
    "idle": ("seconds to the first page served, and memory at rest", False),
    "large": ("memory and speed of one long document, and what kills cost", False),
    "answers": ("time of a search and an answer over 20,000 chunks, on one core", False),
    "corpus": ("cost of a page in an empty base and in one of 20,000 pages", False),
    "reindex": ("answers while the index is built anew and swapped", False),
    "ocr": ("errors and speed of OCR on a drawn page in nine degradations", False),
}
"""What each tells, and whether it takes --data."""
LONG = ("large", "answers", "corpus", "reindex")
"""They take half an hour and more, and run only where they are named."""


def main() -> int:
    listed = "\n".join(f"  {name:10} {about}" for name, (about, _) in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"{__doc__}\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--data", type=Path, action="append", default=[], metavar="FOLDER")
    args = parser.parse_args()
    unknown = [name for name in args.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    failed = []
    for name in args.names or [name for name in BENCHMARKS if name not in LONG]:
        about, takes_data = BENCHMARKS[name]
        print(f"\n== {name}: {about}", flush=True)
        given = [f"--data={folder}" for folder in args.data] if takes_data else []
        # A process each: what one has loaded is not in the memory that the next one measures.
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *given]).returncode:
            failed.append(name)
    if failed:
        print(f"\nBelow target or failed: {', '.join(failed)}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
