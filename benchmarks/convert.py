"""Word recall of the parsers over a folder of files with reference texts.

    python -m benchmarks.convert FOLDER [--out PREDICTIONS.jsonl] [--misses]

FOLDER holds `docs/`, `expected/` (Markdown) and `index.jsonl` with `{doc, expected}` a line. Both
sides are cleaned alike (mark-up signs, link targets and entities out) before words are compared:
`words` counts repeated words, `distinct` does not, for references that repeat merged cells.
"""

from __future__ import annotations

import argparse
import html
import importlib
import json
import re
import sys
import time
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path

from ingestion.parsers import PARSERS, ParseOptions
from store.errors import Unreadable
from store.models import Kind

KINDS: dict[str, Kind] = {
    ".docx": "docx", ".pptx": "pptx", ".xlsx": "xlsx", ".csv": "csv", ".html": "html",
    ".md": "markdown", ".txt": "text", ".eml": "email", ".pdf": "pdf", ".odt": "odf",
    ".ods": "odf", ".odp": "odf",
}  # fmt: skip
_NOT_TEXT = re.compile(r"<!--.*?-->|!\[.*?\]\(.*?\)", re.DOTALL)
_LINK_TARGET = re.compile(r"\]\([^)\s]*(?:\s+\"[^\"]*\")?\)|<https?://[^>]*>")
_SIGNS = re.compile(r"[|#*_`>\-\\\[\]☐☒]")
_WORD = re.compile(r"[\u4e00-\u9fff\u3040-\u30ff]|[\w%][\w%.]*")


def text_of(path: Path, kind: Kind) -> str:
    """All pages' labels and texts."""
    module = importlib.import_module(PARSERS[kind].module)
    opened = module.open_file(path, ParseOptions())
    pages = [opened.page(number) for number in range(1, opened.info.pages + 1)]
    opened.close()
    return "\n".join(f"{page.label or ''}\n{page.text}" for page in pages)


def words_of(text: str) -> Counter[str]:
    text = _SIGNS.sub(" ", html.unescape(unicodedata.normalize("NFKC", text)).lower())
    return Counter(word.strip(".") for word in _WORD.findall(text) if word.strip("."))


def recall(found: Counter[str], wanted: Counter[str]) -> float:
    return sum((found & wanted).values()) / max(1, sum(wanted.values()))


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--out", type=Path)
    arguments.add_argument("--misses", action="store_true")
    chosen = arguments.parse_args()
    scores: dict[str, list[tuple[float, float]]] = defaultdict(list)
    predictions = []
    began = time.perf_counter()
    for line in (chosen.folder / "index.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        kind = KINDS.get(Path(case["doc"]).suffix.lower())
        if kind is None:
            continue
        try:
            text = text_of(chosen.folder / "docs" / case["doc"], kind)
        except Unreadable as error:
            sys.stderr.write(f"{case['doc']}: {error}\n")
            text = ""
        predictions.append({"doc": case["doc"], "text": _SIGNS.sub(" ", text)})
        gold = (chosen.folder / "expected" / case["expected"]).read_text(encoding="utf-8")
        wanted = words_of(_LINK_TARGET.sub("] ", _NOT_TEXT.sub(" ", gold)))
        if wanted.total() < 3:
            continue
        found = words_of(text)
        pair = recall(found, wanted), recall(Counter(set(found)), Counter(set(wanted)))
        scores[kind].append(pair)
        scores["all"].append(pair)
        if chosen.misses and pair[0] < 1:
            missing = ", ".join(f"{w} {n}" for w, n in (wanted - found).most_common(12))
            sys.stderr.write(f"{pair[0]:.3f} {case['doc']}: {missing}\n")
    seconds = time.perf_counter() - began
    if chosen.out:
        lines = [json.dumps(p, ensure_ascii=False) + "\n" for p in predictions]
        chosen.out.write_text("".join(lines), encoding="utf-8")
    report = {
        kind: {
            "files": len(pairs),
            "words": round(sum(p[0] for p in pairs) / len(pairs), 4),
            "distinct": round(sum(p[1] for p in pairs) / len(pairs), 4),
        }
        for kind, pairs in sorted(scores.items())
    }
    sys.stdout.write(json.dumps({"recall": report, "seconds": round(seconds, 1)}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
