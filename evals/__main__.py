"""`python -m evals run|compare|gate`: measure answers, compare two runs, hold them to floors."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from evals import results
from evals.comparing import compared, comparison_lines
from evals.figures import KINDS
from evals.gating import FLOORS, failures, read_floors
from evals.marked import MARKED
from evals.results import Run
from evals.running import run_marked, run_set
from evals.sets import read_set
from store.errors import FootnoteError
from store.settings import Settings


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 done, 1 something failed or is below its floor, 2 wrong usage."""
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    args = _parser().parse_args(argv)
    try:
        return args.do(args)
    except (FootnoteError, OSError) as e:
        sys.stderr.write(f"{e}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _run(args: argparse.Namespace) -> int:
    settings = Settings()
    out = args.out or settings.data / "evals"
    for name in args.sets:
        if name == MARKED:
            run = run_marked(settings, args.limit, search_only=args.search_only, told=_told)
        else:
            given = read_set(name, args.unanswerable, args.limit)
            kept_in = args.data or settings.data / "evals" / "folders"
            run = run_set(given, settings, kept_in, search_only=args.search_only, told=_told)
        path = results.write(run, out)
        _print_run(run)
        print(f"\n{path}")
    return 0


def _compare(args: argparse.Namespace) -> int:
    before, after = results.read(args.before), results.read(args.after)
    print("\n".join(comparison_lines(compared(before, after))))
    return 0


def _gate(args: argparse.Namespace) -> int:
    run = results.read(args.run)
    baseline = results.read(args.baseline) if args.baseline else None
    floors = read_floors(args.floors, run.set) if args.floors or not baseline else {}
    found = failures(run, floors, baseline)
    for sentence in found:
        print(sentence)
    if not found:
        print(f"{run.set}: nothing is below its floor or worse than before.")
    return 1 if found else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evals", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    p = verbs.add_parser("run", help="ask the questions of sets and keep what came")
    p.add_argument(
        "sets",
        nargs="+",
        metavar="SET",
        help=f"samples, a folder with documents and questions, or {MARKED} (marked in the chat)",
    )
    p.add_argument("--out", type=Path, help="folder for the results (FOOTNOTE_DATA/evals)")
    p.add_argument(
        "--data", type=Path, help="folder for what is read, kept (FOOTNOTE_DATA/evals/folders)"
    )
    p.add_argument("--search-only", action="store_true", help="search, do not answer")
    p.add_argument("--limit", type=int, help="ask a fixed random sample of N")
    p.add_argument(
        "--unanswerable",
        type=Path,
        metavar="FILE",
        help="ask the questions of FILE instead, none of which these documents can answer",
    )
    p.set_defaults(do=_run)
    p = verbs.add_parser("compare", help="what differs between two runs, and whether by chance")
    p.add_argument("before", type=Path, metavar="A")
    p.add_argument("after", type=Path, metavar="B")
    p.set_defaults(do=_compare)
    p = verbs.add_parser("gate", help="exit 1 where a run is below its floors or its baseline")
    p.add_argument("run", type=Path)
    p.add_argument("--baseline", type=Path, help="an earlier run of the same questions")
    p.add_argument("--floors", type=Path, help=f"figures by set ({FLOORS.name} beside this file)")
    p.set_defaults(do=_gate)
    return parser


def _print_run(run: Run) -> None:
    print(f"{run.set}: {len(run.outcomes)} questions, {run.documents} documents, {run.code}")
    for name, figure in run.figures.items():
        shown = f"{figure.value:.0f}" if KINDS[name].share else f"{figure.value:.3f}"
        print(f"  {name:28} {shown:>8}  of {figure.n:<5} {KINDS[name].about}")
    for sentence in run.unread:
        print(f"  not answering: {sentence}")


def _told(done: int, of: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done} of {of} asked" + ("\n" if done == of else ""))


if __name__ == "__main__":
    sys.exit(main())
