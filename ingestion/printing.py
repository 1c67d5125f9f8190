"""What the command line prints: JSON where it was asked for, else lines for a person."""

from __future__ import annotations

import argparse
import json
import sys

from store.models import Flag

_NARROW = 9


def show(args: argparse.Namespace, line: dict, text: str = "") -> None:
    """One result: its JSON with --json, else its text."""
    sys.stdout.write((json.dumps(line, ensure_ascii=False) if args.json else text) + "\n")
    sys.stdout.flush()


def tell(args: argparse.Namespace, line: dict | None, text: str) -> None:
    """As `show`; a line of None is for people only."""
    if line is not None or not args.json:
        show(args, line or {}, text)


def ledger_lines(pages: list[dict]) -> list[str]:
    """The ledger of pages as a table: page, how, words, confidence, quality, flags or error."""
    head = ("page", "how", "words", "confid.", "quality", "")
    rows = [
        (
            str(p["page"]),
            p["how"],
            str(p["words"]),
            _percent(p["confidence"]),
            _percent(p["quality"]),
            p["error"] or ", ".join(_spelled(f) for f in p["flags"]),
        )
        for p in pages
    ]
    return [" ".join(f"{cell:<{_NARROW}}" for cell in row).rstrip() for row in (head, *rows)]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _spelled(flag: Flag) -> str:
    return flag.replace("_", " ")
