"""How often the router's rules choose the right engine.

python -m evals.router [--split fit|test] [--wrong] [QUESTIONS.jsonl]

Reads `{question, route, split}` a line and prints, for each split, macro-F1 and the table of
confusions. Rules are tuned on `fit` alone; `--wrong` lists the questions of `fit` that go astray.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections import Counter
from pathlib import Path

from retrieval.router import route_of
from retrieval.routes import ROUTES

QUESTIONS = Path(__file__).with_name("router_questions.jsonl")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("questions", type=Path, nargs="?", default=QUESTIONS)
    parser.add_argument("--split", choices=("fit", "test"), help="this one only")
    parser.add_argument("--wrong", action="store_true")
    args = parser.parse_args()
    lines = args.questions.read_text("utf-8").splitlines()
    asked = [json.loads(line) for line in lines if line.strip()]
    for split in [args.split] if args.split else ["fit", "test"]:
        _print(
            split,
            [(q["route"], route_of(q["question"]).route) for q in asked if q["split"] == split],
        )
    for q in asked if args.wrong else ():
        found = route_of(q["question"])
        if q["split"] == "fit" and found.route != q["route"]:
            print(
                f"{q['route']:9}{found.route:9}{found.confidence}  {q['question']}  {found.reason}"
            )


def macro_f1(pairs: list[tuple[str, str]]) -> float:
    """The mean over the routes of F1; `pairs` are (right, chosen)."""
    return statistics.fmean(_f1(pairs, route) for route in ROUTES)


def _f1(pairs: list[tuple[str, str]], route: str) -> float:
    both = sum(right == chosen == route for right, chosen in pairs)
    either = sum((right == route) + (chosen == route) for right, chosen in pairs)
    return 2 * both / either if either else 0.0


def _print(split: str, pairs: list[tuple[str, str]]) -> None:
    counts = Counter(pairs)
    print(f"{split}: {len(pairs)} questions, macro-F1 {macro_f1(pairs):.3f}")
    print(f"{'right / chosen':16}" + "".join(f"{route:>10}" for route in ROUTES) + f"{'F1':>8}")
    for right in ROUTES:
        row = "".join(f"{counts[right, chosen]:>10}" for chosen in ROUTES)
        print(f"{right:16}{row}{_f1(pairs, right):>8.2f}")


if __name__ == "__main__":
    main()
