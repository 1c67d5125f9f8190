"""What the command line prints: JSON where it was asked for, else lines for a person."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime

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


def print_removed(args: argparse.Namespace, removed: dict) -> int:
    """A removal with its certificate; 1 where something is left."""
    show(args, removed, _certificate_text(removed["certificate"]))
    return 0 if removed["certificate"]["proved"] else 1


def print_certificate(args: argparse.Namespace, certificate: dict) -> int:
    """A certificate of deletion; 1 where it does not prove it."""
    show(args, certificate, _certificate_text(certificate))
    return 0 if certificate["proved"] else 1


def _certificate_text(certificate: dict) -> str:
    if certificate["done_at"] is None:
        return f"{certificate['document_id']} is being removed; ask again in a moment."
    at = datetime.fromtimestamp(certificate["done_at"], UTC).isoformat(timespec="seconds")
    left = "nothing is left" if certificate["proved"] else "something is left"
    return "\n".join(
        [
            f"{certificate['document_id']} was removed by {certificate['by']}, {at}: {left}.",
            *(
                f"  {s['store']:<40}{s['before']:>7} →{s['after']:>3}"
                for s in certificate["stores"]
            ),
            *(f"  backups told: {place}" for place in certificate["backups"]),
        ]
    )


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
