"""`python -m retrieval search|ask`: questions from the command line, with or without a server."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from retrieval.routes import ROUTES, checked_route
from store.errors import FootnoteError
from store.models import LOCAL_ADMIN, SCHEMA_VERSION
from store.opening import open_store
from store.remote import Remote, here_or_there
from store.settings import Settings
from store.states import described_by
from store.wire import answer_json, hits_json

Ask = Callable[[dict], dict]


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 done, a refusal included; 1 some input failed; 2 wrong usage."""
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    parser = _parser()
    args = parser.parse_args(argv)
    if (args.text is None) == (args.batch is None):
        parser.error("give either a text or --batch FILE")
    if (args.batch is None) != (args.out is None):
        parser.error("--batch and --out go together")
    settings = Settings()
    try:
        return here_or_there(
            settings, lambda: _here(settings, args), lambda remote: _there(remote, args)
        )
    except (FootnoteError, OSError) as e:
        sys.stderr.write(f"{e}\n")
        if args.json:
            print(json.dumps({"schema_version": SCHEMA_VERSION, "error": str(e)}))
        return 1
    except KeyboardInterrupt:
        return 130


def _here(settings: Settings, args: argparse.Namespace) -> int:
    from retrieval.assistant import open_assistant  # seconds of imports: not for `--help`

    with open_store(settings) as store:
        assistant = open_assistant(settings, store.catalog, store.indexes, store.embedder)

        def search(item: dict) -> dict:
            began = time.monotonic()
            found = assistant.find(
                LOCAL_ADMIN, item["query"], item["k"], item["space"], item["document"]
            )
            ms = (time.monotonic() - began) * 1000
            spaces = store.catalog.spaces()
            return hits_json(found.hits, store.catalog, spaces, ms, found.warnings)

        def ask(item: dict) -> dict:
            answer = assistant.ask(
                LOCAL_ADMIN,
                item["question"],
                item["space"],
                item["document"],
                route=item["route"],
            )
            return answer_json(answer, store.catalog)

        try:
            return _run(args, search if args.verb == "search" else ask)
        finally:
            assistant.close()


def _there(remote: Remote, args: argparse.Namespace) -> int:
    return _run(args, lambda item: remote.post(f"/{args.verb}", item))


def _run(args: argparse.Namespace, do: Ask) -> int:
    if args.batch is None:
        answer = do(_item(args, {_field(args): args.text}))
        print(json.dumps(answer, ensure_ascii=False) if args.json else _text(args, answer))
        return 0
    bad = False
    with args.out.open("w", encoding="utf-8") as out:
        for number, given in _lines(args.batch):
            line: dict = {"id": given.get("id", number)}
            try:
                if "error" in given:
                    raise FootnoteError(given["error"])
                line.update(do(_item(args, given)))
            except FootnoteError as e:
                line["error"], bad = str(e), True
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
            out.flush()
    return int(bad)


def _item(args: argparse.Namespace, given: dict) -> dict:
    """A question with its scope; what the line says goes before what the command line says."""
    field = _field(args)
    text = given.get(field) or given.get("question") or given.get("query")
    if not isinstance(text, str) or not text.strip():
        raise FootnoteError(f"There is no {field} in this line.")
    item = {
        field: text,
        "space": given.get("space") or args.space,
        "document": given.get("document") or args.document,
    }
    if args.verb == "search":
        return {**item, "k": args.k}
    return {**item, "route": checked_route(given.get("route") or args.route)}


def _field(args: argparse.Namespace) -> str:
    return "query" if args.verb == "search" else "question"


def _lines(path: Path) -> Iterator[tuple[int, dict]]:
    with path.open(encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if line.strip():
                try:
                    given = json.loads(line)
                except json.JSONDecodeError:
                    given = {"error": f"Line {number} is not JSON."}
                if not isinstance(given, dict):
                    given = {"error": f"Line {number} is not a JSON object."}
                yield number, given


def _text(args: argparse.Namespace, answer: dict) -> str:
    if args.verb == "search":
        lines = [
            f"{h['rank']:3}. {_where(h)} ({h['score']:.3f})\n    {h['text'][:200]}"
            for h in answer["hits"]
        ]
        return "\n".join(lines) or "Nothing was found."
    sentences = [
        s["text"] + "".join(f" [{n}]" for n in s["citations"]) for s in answer["sentences"]
    ]
    table = answer["table"] or {"headings": [], "rows": []}
    rows = [table["headings"], *([_cell(c) for c in row] for row in table["rows"])]
    lines = [" | ".join(row) for row in rows if row]
    sources = [f"[{c['n']}] {_where(c)}" for c in answer["citations"]]
    return "\n".join([*sentences, "", *lines, "", *sources, *answer["warnings"]]).strip()


def _cell(cell: dict) -> str:
    return cell["text"] + "".join(f" [{n}]" for n in cell["citations"])


def _where(found: dict) -> str:
    """The page of a hit or citation, and whose words it is where they are not the document's."""
    model = found["described_by"]
    return f"{found['doc']}, page {found['page']}" + (f", {described_by(model)}" if model else "")


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("text", nargs="?", metavar="TEXT")
    common.add_argument("--space")
    common.add_argument("--document", help="name or id of the only document to look in")
    common.add_argument("--batch", type=Path, metavar="FILE", help="a JSON object a line")
    common.add_argument("--out", type=Path, metavar="FILE", help="where answers to --batch go")
    common.add_argument("--json", action="store_true", help="print JSON only")
    parser = argparse.ArgumentParser(prog="python -m retrieval", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    search = verbs.add_parser("search", parents=[common], help="the pages nearest to a query")
    search.add_argument("-k", type=int, default=10)
    ask = verbs.add_parser("ask", parents=[common], help="an answer with footnotes")
    ask.add_argument("--route", help=f"how to answer: {', '.join(ROUTES)}; else the words decide")
    return parser


if __name__ == "__main__":
    sys.exit(main())
