"""`python -m ingestion VERB`: documents from the command line, with or without a server."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path

from ingestion import safekeeping_verbs as keeping
from ingestion.adding import Here, There, add
from ingestion.library import Library
from ingestion.opening import open_library
from ingestion.printing import ledger_lines, print_certificate, print_removed, show
from store import states
from store.errors import FootnoteError
from store.models import LOCAL_ADMIN, SCHEMA_VERSION
from store.opening import open_store
from store.remote import Remote, here_or_there
from store.settings import Settings
from store.wire import certificate_json, document_json, removed_json, shown_json


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 done, 1 some input failed or an invariant is broken, 2 wrong usage."""
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    parser = _parser()
    args = parser.parse_args(argv)
    if args.verb == "add" and not args.sync and (args.dry_run or args.allow_empty):
        parser.error("--dry-run and --allow-empty belong to --sync")
    if args.verb == "add" and args.sync and args.same_name:
        parser.error("--same-name is for files added one by one; --sync follows the folder")
    if args.verb == "retry" and args.outdated == (args.document is not None):
        parser.error("retry takes either a document or --outdated")
    settings = Settings()
    try:
        if args.verb == "restore":
            return keeping.restore_apart(settings, args)
        if args.verb == "backup" and args.check:
            return keeping.check(args)
        if args.verb == "backup":
            keeping.check_target(settings, args)
        return here_or_there(
            settings,
            lambda: _here(settings, args),
            lambda remote: args.there(remote, args),
        )
    except FootnoteError as e:
        sys.stderr.write(f"{e}\n")
        if args.json:
            show(args, {"schema_version": SCHEMA_VERSION, "error": str(e)})
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
    status = add(Here(library), args)
    library.wait()  # what an earlier run left in the queue, duplicates of these files among it
    return status


def _add_there(remote: Remote, args: argparse.Namespace) -> int:
    return add(There(remote, args.wait), args)


def _list_here(library: Library, args: argparse.Namespace) -> int:
    outdated = set(library.outdated(LOCAL_ADMIN, args.space))
    for document in library.list(LOCAL_ADMIN, args.space):
        _print_document(args, document_json(document, document.id in outdated))
    return 0


def _list_there(remote: Remote, args: argparse.Namespace) -> int:
    for line in remote.get("/documents", space=args.space):
        _print_document(args, line)
    return 0


def _show_here(library: Library, args: argparse.Namespace) -> int:
    document, pages = library.show(LOCAL_ADMIN, args.document, args.space)
    readings = library.readings(LOCAL_ADMIN, args.document, args.space)
    outdated = library.is_outdated(LOCAL_ADMIN, document.id)
    return _print_shown(args, shown_json(document, pages, readings, outdated))


def _show_there(remote: Remote, args: argparse.Namespace) -> int:
    return _print_shown(args, remote.get(f"/documents/{_id(remote, args)}"))


def _remove_here(library: Library, args: argparse.Namespace) -> int:
    certificate = library.removed(LOCAL_ADMIN, args.document, args.space)
    return print_removed(args, removed_json(certificate))


def _remove_there(remote: Remote, args: argparse.Namespace) -> int:
    return print_removed(args, remote.delete(f"/documents/{_id(remote, args)}"))


def _certificate_here(library: Library, args: argparse.Namespace) -> int:
    return print_certificate(
        args, certificate_json(library.certificate(LOCAL_ADMIN, args.document))
    )


def _certificate_there(remote: Remote, args: argparse.Namespace) -> int:
    return print_certificate(args, remote.get(f"/documents/{args.document}/certificate"))


def _reindex_here(library: Library, args: argparse.Namespace) -> int:
    if args.rollback:
        status = library.rollback(LOCAL_ADMIN)
    else:
        status = library.reindex(LOCAL_ADMIN, anyway=args.anyway)
    while status.state == "running":
        time.sleep(0.2)
        status = library.reindex_status(LOCAL_ADMIN)
    return _print_reindex(args, status.model_dump())


def _reindex_there(remote: Remote, args: argparse.Namespace) -> int:
    if args.rollback:
        status = remote.post("/reindex/rollback")
    else:
        status = remote.post("/reindex", anyway=args.anyway)
    while status["state"] == "running":
        time.sleep(0.5)
        status = remote.get("/reindex")
    return _print_reindex(args, status)


def _verify_here(library: Library, args: argparse.Namespace) -> int:
    report = library.verify(LOCAL_ADMIN, args.repair)
    if args.repair:
        library.wait()  # what is to be read anew
        report = report.model_copy(update=_again(library))
    return _print_verify(args, report.model_dump())


def _again(library: Library) -> dict:
    after = library.verify(LOCAL_ADMIN)
    return {"ok": after.ok, "checks": after.checks}


def _verify_there(remote: Remote, args: argparse.Namespace) -> int:
    return _print_verify(args, remote.post("/verify", repair=args.repair))


def _change_here(library: Library, args: argparse.Namespace) -> int:
    """cancel, retry, pause and resume: one document, or where that can be, the queue."""
    change = getattr(library, args.verb)
    if getattr(args, "outdated", False):
        queued = library.retry_outdated(LOCAL_ADMIN)
        _print_queued(args, {"schema_version": SCHEMA_VERSION, "queued": queued})
        library.wait()
        return 0
    if args.document is None:
        change(LOCAL_ADMIN)
        return _print_queue(args, library.queue(LOCAL_ADMIN)._asdict())
    document = library.document(LOCAL_ADMIN, args.document, args.space)
    change(LOCAL_ADMIN, document.id)
    if args.verb in ("retry", "resume"):
        library.wait()
    _print_document(args, document_json(library.document(LOCAL_ADMIN, document.id)))
    return 0


def _change_there(remote: Remote, args: argparse.Namespace) -> int:
    if getattr(args, "outdated", False):
        _print_queued(args, remote.post("/documents/retry-outdated"))
        return 0
    if args.document is None:
        return _print_queue(args, remote.post(f"/queue/{args.verb}"))
    _print_document(args, remote.post(f"/documents/{_id(remote, args)}/{args.verb}"))
    return 0


def _worker_here(library: Library, args: argparse.Namespace) -> int:
    library.wait()
    if held := library.queue(LOCAL_ADMIN).held:
        sys.stderr.write(f"{held} left unread: paused. `python -m ingestion resume` lets go on.\n")
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

    p = verb("add", _add_here, _add_there, "add files, or the files of folders")
    p.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    p.add_argument("--space", default="main")
    p.add_argument("--wait", action="store_true", help="wait until a running server read them")
    p.add_argument(
        "--same-name",
        choices=["replace", "keep_both", "skip"],
        type=lambda given: given.replace("-", "_"),
        help="what to do where the name is known with other content (FOOTNOTE_SAME_NAME, replace)",
    )
    p.add_argument(
        "--sync",
        action="store_true",
        help="make the space follow the folder: also replace and remove what came from it",
    )
    p.add_argument("--dry-run", action="store_true", help="with --sync: only say what would be")
    p.add_argument(
        "--allow-empty",
        action="store_true",
        help="with --sync: also when nothing is left of what came from the folder",
    )
    for name, here, there, help_ in (
        ("show", _show_here, _show_there, "a document with its pages"),
        ("remove", _remove_here, _remove_there, "remove a document everywhere"),
    ):
        p = verb(name, here, there, help_)
        p.add_argument("document", metavar="ID|NAME")
        p.add_argument("--space")
        if name == "show":
            p.add_argument("--ledger", action="store_true", help="without the pages' texts")
    p = verb("certificate", _certificate_here, _certificate_there, "that a document was removed")
    p.add_argument("document", metavar="ID")
    for name, of_all, help_ in (
        ("cancel", False, "stop reading a document"),
        ("retry", True, "read again what failed, was cancelled, lost pages or was read long ago"),
        ("pause", True, "hold a document back, or the whole queue"),
        ("resume", True, "let a document, or the queue, go on"),
    ):
        p = verb(name, _change_here, _change_there, help_)
        p.add_argument("document", metavar="ID|NAME", nargs="?" if of_all else None)
        p.add_argument("--space")
        if name == "retry":
            p.add_argument(
                "--outdated",
                action="store_true",
                help="all that an older Footnote read, or other settings; they answer meanwhile",
            )
    verb("list", _list_here, _list_there, "all documents").add_argument("--space")
    p = verb("reindex", _reindex_here, _reindex_there, "build the index anew and swap")
    which = p.add_mutually_exclusive_group()
    which.add_argument(
        "--anyway",
        action="store_true",
        help="swap also where the new index finds less; at once where it was held for that",
    )
    which.add_argument(
        "--rollback", action="store_true", help="return to the index before the last re-index"
    )
    verify = verb("verify", _verify_here, _verify_there, "compare catalog, files and indexes")
    verify.add_argument("--repair", action="store_true", help="mend what differs")
    backup = verb("backup", keeping.backup_here, keeping.backup_there, "back up while all runs")
    backup.add_argument("target", metavar="FILE|FOLDER/")
    backup.add_argument("--check", action="store_true", help="only read one that is there through")
    p = verb("restore", None, None, "restore a backup into an empty data folder")
    p.add_argument("backup", type=Path, metavar="FILE|FOLDER")
    p.add_argument(
        "--deletions",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="a ledger of later deletions, beside the one that lies beside the backup",
    )
    audit = verb("audit", keeping.audit_here, keeping.audit_there, "who did what to which document")
    audit.add_argument("document", nargs="?", metavar="ID")
    verb("worker", _worker_here, _worker_there, "finish what is queued")
    return parser


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


def _print_document(args: argparse.Namespace, line: dict) -> None:
    pages = f"{line['pages']} pages" if line["pages"] != 1 else "1 page"
    if line["status"] in ("queued", "processing") and line["pages"]:
        pages = f"{line['pages_done']} of {pages}"
    where = f"{line['space']}/{line['file']}"
    show(args, line, f"{where}  {pages}  {line['state']}{_aside(line)}")


def _aside(line: dict) -> str:
    if line["earlier_answers"]:
        return "  (the version before answers)"
    return f"  ({states.OUTDATED})" if line["outdated"] else ""


def _print_queued(args: argparse.Namespace, answer: dict) -> None:
    one = len(answer["queued"]) == 1
    text = f"{len(answer['queued'])} {'document is' if one else 'documents are'} read again."
    show(args, answer, text)


def _print_shown(args: argparse.Namespace, shown: dict) -> int:
    pages = shown["pages"]
    head = [f"{shown['file']}: {shown['state']}{_aside(shown)}", *shown["warnings"]]
    texts = [] if args.ledger else [f"\n--- page {p['page']}\n{p['text']}" for p in pages]
    if not args.ledger:
        texts += [
            f"\n--- page {r['page']}, {states.described_by(r['model'])}\n{r['text']}"
            for r in shown["readings"]
        ]
    show(args, shown, "\n".join([*head, "", *ledger_lines(pages), *texts]))
    return 0


def _print_queue(args: argparse.Namespace, queue: dict) -> int:
    paused = "paused" if queue["paused"] else "going on"
    text = f"The queue is {paused}: {queue['waiting']} waiting, {queue['held']} held back."
    show(args, {"schema_version": SCHEMA_VERSION, **queue}, text)
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
        "state": status["state"],
        "reused": status["reused"],
        "computed": status["computed"],
        "sent_to": status["sent_to"],
        "asked": status["asked"],
    }
    result = "swapped" if status["swapped"] else line["error"] or status["state"]
    show(args, line, f"{line['documents']} documents, {line['chunks']} chunks, {result}")
    return 0 if status["swapped"] else 1


def _print_verify(args: argparse.Namespace, report: dict) -> int:
    lines = [f"{'ok ' if c['ok'] else 'BAD'} {c['name']}: {c['detail']}" for c in report["checks"]]
    text = "\n".join([*lines, *report["repaired"]])
    show(args, {"schema_version": SCHEMA_VERSION, **report}, text)
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
