"""The text of every PDF of a folder as a reader would want it, for unit tests on page texts.

    python -m benchmarks.page_texts FOLDER --out PREDICTIONS.jsonl [--tests TESTS.jsonl]

Each file goes through the sandbox as on ingestion. Its text is its pages' canonical texts, one
after the other, without the blocks of kind `header` and `footer` (running heads, page numbers,
download notes); tables stay the rows of their canonical text, cells two spaces apart, and words
that a line's end hyphenates are joined, as search joins them. `doc` is the file's path below FOLDER
(below `docs`, where there is one) and, once more, its name alone. With --tests, a line
`{pdf, type, …}` a test (present, absent, order, table), the share that holds is printed too.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
import unicodedata
from collections import defaultdict
from pathlib import Path

from benchmarks.measure import documents_folder
from ingestion.parsers import ParseOptions
from ingestion.sandbox import Limits, Sandbox
from store.errors import Unreadable
from store.models import ParsedPage

_HYPHENATED = re.compile(r"([a-zà-ÿ])-\n([a-zà-ÿ])")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tests", type=Path)
    parser.add_argument("--verbose", action="store_true", help="a line a page")
    chosen = parser.parse_args()
    documents = documents_folder(chosen.folder)
    began = time.perf_counter()
    texts: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as scratch:
        sandbox = Sandbox(Limits(), 1, Path(scratch))
        for path in sorted(documents.rglob("*.pdf")):
            pages = pages_of(sandbox, path)
            texts[str(path.relative_to(documents))] = "\n\n".join(map(body_text, pages))
            for page in pages if chosen.verbose else ():
                sys.stdout.write(
                    f"{path.name} {page.number}: {page.how}, quality {page.quality},"
                    f" confidence {page.confidence}, {', '.join(page.flags) or 'no flags'},"
                    f" {len(page.figures)} figures, {page.words} words\n"
                )
        sandbox.close()
    with chosen.out.open("w", encoding="utf-8") as out:
        for doc, text in texts.items():
            for name in dict.fromkeys((doc, Path(doc).name)):
                out.write(json.dumps({"doc": name, "text": text}, ensure_ascii=False) + "\n")
    report: dict[str, object] = {"files": len(texts)}
    if chosen.tests:
        report["tests"] = shares_held(chosen.tests, texts, chosen.verbose)
    report["seconds"] = round(time.perf_counter() - began, 1)
    sys.stdout.write(json.dumps(report) + "\n")
    return 0


def pages_of(sandbox: Sandbox, path: Path) -> list[ParsedPage]:
    try:
        with sandbox.open(path, "pdf", ParseOptions(), space_id="bench") as file:
            return list(file.pages(range(1, file.info.pages + 1)))
    except Unreadable as error:
        sys.stderr.write(f"{path.name}: {error}\n")
        return []


def body_text(page: ParsedPage) -> str:
    """The page's text without its running heads and feet, hyphenated words joined."""
    parts, at = [], 0
    for block in page.blocks:
        if block.kind in ("header", "footer"):
            parts.append(page.text[at : block.start])
            at = block.end
    return _HYPHENATED.sub(r"\1\2", "".join([*parts, page.text[at:]]))


def shares_held(tests: Path, texts: dict[str, str], verbose: bool) -> dict[str, str]:
    """`held/all` by type of test; types other than the four are left out."""
    folded_texts = {doc: folded(text) for doc, text in texts.items()}
    held: dict[str, list[bool]] = defaultdict(list)
    for line in tests.read_text(encoding="utf-8").splitlines():
        test = json.loads(line)
        outcome = holds(test, folded_texts.get(test["pdf"]))
        if outcome is None:
            continue
        held[test["type"]].append(outcome)
        held["all"].append(outcome)
        if verbose and not outcome:
            sys.stdout.write(f"does not hold: {line}\n")
    return {kind: f"{sum(each)}/{len(each)}" for kind, each in sorted(held.items())}


def holds(test: dict[str, str], text: str | None) -> bool | None:
    """Whether the text passes; None for a test of another type."""
    found = text or ""
    if test["type"] == "present":
        return folded(test["text"]) in found
    if test["type"] == "absent":
        return text is not None and folded(test["text"]) not in found
    if test["type"] == "order":
        return 0 <= found.find(folded(test["before"])) < found.rfind(folded(test["after"]))
    if test["type"] == "table":
        return folded(test["cell"]) in found
    return None


def folded(text: str) -> str:
    """Lower case, NFKC, without signs and thousands separators, single spaces."""
    text = re.sub(r"[\u2018\u2019]", "'", unicodedata.normalize("NFKC", text).lower())
    text = re.sub(r"[^\w%.\-]+", " ", re.sub(r"(?<=\d),(?=\d{3})", "", text))
    return " ".join(text.split()).strip(" .")


if __name__ == "__main__":
    sys.exit(main())
