"""`python -m ingestion VERB`: documents from the command line, with or without a server."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ingestion.library import Library, open_library
from store.errors import FootnoteError
from store.models import LOCAL_ADMIN, SCHEMA_VERSION
from store.opening import open_store
from store.remote import Remote, here_or_there
from store.settings import Settings
from store.wire import document_json, failed_json, shown_json

_FINISHED = ("ready", "partial", "no_text", "failed", "cancelled", "duplicate")
_BAD = ("failed", "cancelled")


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 done, 1 some input failed or an invariant is broken, 2 wrong usage."""
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    args = _parser().parse_args(argv)
    settings = Settings()
    try:
        return here_or_there(
            settings,
            lambda: _here(settings, args),
            lambda remote: args.there(remote, args),
        )
    except FootnoteError as e:
        sys.stderr.write(f"{e}\n")
        if args.json:
            _print(args, {"schema_version": SCHEMA_VERSION, "error": str(e)})
        return 1
    except KeyboardInterrupt:
        return 130


def _here(settings: Settings, args: argparse.Namespace) -> int:
    with open_store(settings) as store:
        library = open_library(store)
        try:
            return args.here(library, args)
        finally:
            library.close()


def _add_here(library: Library, args: argparse.Namespace) -> int:
    waiting: list[tuple[Path, str | None, dict | None]] = []
    for path in _files(args.paths):
        try:
            document = library.add(LOCAL_ADMIN, path.name, path, args.space)
            if document.status == "duplicate":
                waiting.append((path, None, document_json(document)))
            else:
                waiting.append((path, document.id, None))
        except (FootnoteError, OSError) as e:
            waiting.append((path, None, failed_json(path.name, args.space, _sentence(e))))
    status = _report(args, waiting, lambda i: document_json(library.document(LOCAL_ADMIN, i)))
    library.wait()  # what an earlier run left in the queue, duplicates of these files among it
    return status


def _add_there(remote: Remote, args: argparse.Namespace) -> int:
    waiting: list[tuple[Path, str | None, dict | None]] = []
    for path in _files(args.paths):
        try:
            line = remote.upload(path, args.space)
            done = line["status"] in _FINISHED or not args.wait
            waiting.append((path, None if done else line["document_id"], line))
        except (FootnoteError, OSError) as e:
            waiting.append((path, None, failed_json(path.name, args.space, _sentence(e))))
    return _report(args, waiting, lambda i: remote.get(f"/documents/{i}", pages=False))


def _report(args, waiting, look) -> int:
    """Print a line a file, in order, each when it is finished."""
    bad = False
    for path, document_id, line in waiting:
        while document_id is not None:
            line = look(document_id)
            if line["status"] in _FINISHED:
                break
            time.sleep(0.25)
        line = {**line, "path": str(path)}
        bad |= line["status"] in _BAD
        _print(args, line, f"{line['status']:10} {line['file']}  {line['error'] or ''}".rstrip())
    return int(bad)


def _list_here(library: Library, args: argparse.Namespace) -> int:
    for document in library.list(LOCAL_ADMIN, args.space):
        _print_document(args, document_json(document))
    return 0


def _list_there(remote: Remote, args: argparse.Namespace) -> int:
    for line in remote.get("/documents", space=args.space):
        _print_document(args, line)
    return 0


def _show_here(library: Library, args: argparse.Namespace) -> int:
    document, pages = library.show(LOCAL_ADMIN, args.document, args.space)
    return _print_shown(args, shown_json(document, pages))


def _show_there(remote: Remote, args: argparse.Namespace) -> int:
    return _print_shown(args, remote.get(f"/documents/{_id(remote, args)}"))


def _remove_here(library: Library, args: argparse.Namespace) -> int:
    removed = library.remove(LOCAL_ADMIN, args.document, args.space)
    _print(args, {"schema_version": SCHEMA_VERSION, "removed": removed}, "removed")
    return 0


def _remove_there(remote: Remote, args: argparse.Namespace) -> int:
    _print(args, remote.delete(f"/documents/{_id(remote, args)}"), "removed")
    return 0


def _reindex_here(library: Library, args: argparse.Namespace) -> int:
    status = library.reindex(LOCAL_ADMIN)
    while status.state == "running":
        time.sleep(0.2)
        status = library.reindex_status(LOCAL_ADMIN)
    return _print_reindex(args, status.model_dump())


def _reindex_there(remote: Remote, args: argparse.Namespace) -> int:
    status = remote.post("/reindex")
    while status["state"] == "running":
        time.sleep(0.5)
        status = remote.get("/reindex")
    return _print_reindex(args, status)


def _verify_here(library: Library, args: argparse.Namespace) -> int:
    return _print_verify(args, library.verify(LOCAL_ADMIN, args.repair).model_dump())


def _verify_there(remote: Remote, args: argparse.Namespace) -> int:
    return _print_verify(args, remote.post("/verify", repair=args.repair))


def _worker_here(library: Library, args: argparse.Namespace) -> int:
    library.wait()
    return 0


def _worker_there(remote: Remote, args: argparse.Namespace) -> int:
    sys.stderr.write("The running Footnote has a worker of its own.\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print JSON only")
    parser = argparse.ArgumentParser(prog="python -m ingestion", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)

    def verb(name: str, here, there, help_: str) -> argparse.ArgumentParser:
        p = verbs.add_parser(name, parents=[common], help=help_)
        p.set_defaults(here=here, there=there)
        return p

    add = verb("add", _add_here, _add_there, "add files, or the files of folders")
    add.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    add.add_argument("--space", default="main")
    add.add_argument("--wait", action="store_true", help="wait until a running server read them")
    for name, here, there, help_ in (
        ("show", _show_here, _show_there, "a document with its pages"),
        ("remove", _remove_here, _remove_there, "remove a document everywhere"),
    ):
        p = verb(name, here, there, help_)
        p.add_argument("document", metavar="ID|NAME")
        p.add_argument("--space")
    verb("list", _list_here, _list_there, "all documents").add_argument("--space")
    verb("reindex", _reindex_here, _reindex_there, "build the index anew and swap")
    verify = verb("verify", _verify_here, _verify_there, "compare catalog, files and indexes")
    verify.add_argument("--repair", action="store_true", help="mend what differs")
    verb("worker", _worker_here, _worker_there, "finish what is queued")
    return parser


def _files(paths: list[Path]) -> Iterator[Path]:
    """Files as given; a folder stands for the files in it, hidden ones left out."""
    for path in paths:
        if path.is_dir():
            yield from sorted(
                f
                for f in path.rglob("*")
                if f.is_file() and not any(p.startswith(".") for p in f.relative_to(path).parts)
            )
        else:
            yield path


def _id(remote: Remote, args: argparse.Namespace) -> str:
    """The id of the document named; the API takes ids only."""
    found = [
        d
        for d in remote.get("/documents", space=args.space)
        if args.document in (d["document_id"], d["file"])
    ]
    exact = [d for d in found if d["document_id"] == args.document] or found
    if len(exact) != 1:
        what = "There is no" if not exact else "There are several documents named"
        raise FootnoteError(f"{what} document “{args.document}”.")
    return exact[0]["document_id"]


def _sentence(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "There is no such file."
    if isinstance(error, OSError):
        return f"The file cannot be opened ({error.strerror})."
    return str(error)


def _print_document(args: argparse.Namespace, line: dict) -> None:
    pages = f"{line['pages']} pages" if line["pages"] != 1 else "1 page"
    _print(args, line, f"{line['status']:10} {line['space']}/{line['file']}  {pages}")


def _print_shown(args: argparse.Namespace, shown: dict) -> int:
    pages = "\n".join(
        f"--- page {p['page']} ({p['how']})\n{p['error'] or p['text']}" for p in shown["pages"]
    )
    _print(args, shown, f"{shown['file']}: {shown['status']}\n{pages}")
    return 0


def _print_reindex(args: argparse.Namespace, status: dict) -> int:
    line = {
        "schema_version": SCHEMA_VERSION,
        "generation": status["generation"],
        "documents": status["documents_done"],
        "chunks": status["chunks"],
        "seconds": status["seconds"],
        "swapped": status["swapped"],
        "error": status["error"],
    }
    result = "swapped" if status["swapped"] else line["error"] or status["state"]
    _print(args, line, f"{line['documents']} documents, {line['chunks']} chunks, {result}")
    return 0 if status["swapped"] else 1


def _print_verify(args: argparse.Namespace, report: dict) -> int:
    lines = [f"{'ok ' if c['ok'] else 'BAD'} {c['name']}: {c['detail']}" for c in report["checks"]]
    text = "\n".join([*lines, *report["repaired"]])
    _print(args, {"schema_version": SCHEMA_VERSION, **report}, text)
    return 0 if report["ok"] else 1


def _print(args: argparse.Namespace, line: dict, text: str = "") -> None:
    print(json.dumps(line, ensure_ascii=False) if args.json else text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
