"""Whether what cannot be answered is refused, and how much that costs: the threshold's curve.

    python -m evals.refusal FOLDER [--only PREFIX] [--out PICTURE.svg] [--data FOLDER]

The set's documents are parted into two bases, every other one. Each base is asked all questions:
those of its own documents that can be answered there must be, those of the other base must be
refused. Questions that are written to look answerable (`answerable: false`) are a curve of their
own. Printed: the shares refused at several thresholds, and the area under each curve (AUC); the
picture shows both. The score is `retrieval.extractive.certainty`, 0 where something that the
question takes for granted is nowhere mentioned. `--only de_` keeps to the documents whose names
begin so, and to the questions about them: a language's.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evals.reading import opened_set
from evals.sets import QuestionSet, read_set
from retrieval.engines.base import Tools, sources_of
from retrieval.engines.facts import QUOTED_FROM, foreign
from retrieval.extractive import LOOKED_IN, THRESHOLD, certainty, score_passages
from retrieval.instructions import quotable
from retrieval.presupposed import Likeness
from store.opening import Store
from store.settings import Settings

THRESHOLDS = sorted((0.5, 0.525, 0.55, 0.6, THRESHOLD))
WIDTH, HEIGHT, MARGIN = 540, 420, 50


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="the beginning of the documents' names")
    parser.add_argument("--out", type=Path, help="a picture of both curves, SVG")
    parser.add_argument("--data", type=Path, help="where the bases are kept")
    args = parser.parse_args()
    settings = Settings()
    kept_in = args.data or settings.data / "evals" / "folders"
    whole = read_set(str(args.folder))
    names = sorted(name for name in whole.documents if name.startswith(args.only))
    asked = [q for q in whole.questions if not args.only or set(q.named) & set(names)]
    own: list[float] = []
    strange: list[float] = []
    written: list[float] = []
    for part in (names[0::2], names[1::2]):
        base = QuestionSet(
            name=whole.name,
            documents={name: whole.documents[name] for name in part},
            questions=tuple(asked),
        )
        with opened_set(base, settings, kept_in) as opened:
            scores = best_scores([q.text for q in asked], opened.store)
        for question, score in zip(asked, scores, strict=True):
            if not set(question.named) & set(part):
                strange.append(score)
            elif question.answerable:
                own.append(score)
            else:
                written.append(score)
    curves = {
        "questions of other documents": strange,
        "questions written to look answerable": written,
    }
    print("refused below", *(f"{t:.3f}" for t in THRESHOLDS), f"({THRESHOLD} is in use)")
    for name, scores in {"answerable": own, **curves}.items():
        if scores:
            print(f"{name} ({len(scores)}):", *(f"{_below(scores, t):.3f}" for t in THRESHOLDS))
    for name, scores in curves.items():
        if scores:
            print(f"{name}: AUC {auc(own, scores):.3f}")
    if args.out:
        args.out.write_text(picture(own, curves), encoding="utf-8")
    return 0


def best_scores(questions: Sequence[str], store: Store) -> list[float]:
    """The score that decides on a refusal, for each question asked of all documents."""
    from retrieval.search import Searcher

    searcher = Searcher(store.catalog, store.indexes, store.embedder)
    likeness = Likeness()
    tools = Tools(store.catalog, searcher, store.embedder, None, likeness)
    spaces = tuple(store.catalog.spaces())
    found = []
    for question in questions:
        hits = searcher.search(question, spaces, None, QUOTED_FROM).hits
        unread = store.embedder.host is None and foreign([hit.chunk for hit in hits])
        sources, pages = sources_of(tools, [hit.chunk for hit in hits])
        scores = {hit.chunk.id: hit.score for hit in hits}
        ranked = [(s, scores[s.chunk_id], quotable(s, pages)) for s in sources]
        best = score_passages(question, ranked, store.embedder, likeness, unread=unread)
        seen = "\n".join(f"{source.header}\n{source.text}" for source in sources[:LOOKED_IN])
        there = bool(best) and likeness.mentioned(question, seen)
        found.append(certainty(question, best[0]) if there else 0.0)
    return found


def auc(right: Sequence[float], wrong: Sequence[float]) -> float:
    """How often a question that can be answered scores above one that cannot (Mann-Whitney)."""
    a, b = np.array(right)[:, None], np.array(wrong)
    return float((a > b).mean() + 0.5 * (a == b).mean())


def picture(own: Sequence[float], curves: dict[str, list[float]]) -> str:
    """Refused wrongly (across) against refused rightly (up), a point for every threshold."""
    colours = ("#1f6f8b", "#c2571a")
    inner_w, inner_h = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN
    thresholds = np.linspace(0, 1, 201)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<rect x="{MARGIN}" y="{MARGIN}" width="{inner_w}" height="{inner_h}" fill="none" '
        'stroke="#888"/>',
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 15}" text-anchor="middle">share of answerable '
        "questions refused wrongly</text>",
        f'<text x="15" y="{HEIGHT / 2}" transform="rotate(-90 15 {HEIGHT / 2})" '
        'text-anchor="middle">share refused rightly</text>',
    ]

    def at(across: float, up: float) -> tuple[float, float]:
        return MARGIN + across * inner_w, HEIGHT - MARGIN - up * inner_h

    for n, ((name, scores), colour) in enumerate(zip(curves.items(), colours, strict=False)):
        if not scores:
            continue
        points = " ".join(
            "{:.1f},{:.1f}".format(*at(_below(own, t), _below(scores, t))) for t in thresholds
        )
        x, y = at(_below(own), _below(scores))
        said = f"{name}: AUC {auc(own, scores):.2f}"
        parts += [
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>',
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>',
            f'<text x="{MARGIN}" y="{20 + 16 * n}" fill="{colour}">{said} '
            f"(dot: {THRESHOLD})</text>",
        ]
    return "\n".join([*parts, "</svg>\n"])


def _below(scores: Sequence[float], threshold: float = THRESHOLD) -> float:
    return float((np.array(scores) < threshold).mean())


if __name__ == "__main__":
    sys.exit(main())
