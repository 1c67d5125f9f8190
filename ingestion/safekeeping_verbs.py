"""The command line's verbs about keeping: backup, restore, audit."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from ingestion.backup_format import Made
from ingestion.backup_places import checked, is_folder
from ingestion.backup_reading import check_backup
from ingestion.library import Library
from ingestion.printing import show
from ingestion.restore import restore
from ingestion.schedule import BackupStatus
from store.catalog.audit import AuditEntry
from store.errors import FootnoteError
from store.models import LOCAL_ADMIN, SCHEMA_VERSION
from store.remote import Remote
from store.settings import Settings

_PAGE = 1000  # entries asked for at once


def backup_here(library: Library, args: argparse.Namespace) -> int:
    progress = _bar(args)
    return _print_made(args, library.backups.make(LOCAL_ADMIN.id, args.target, progress))


def backup_there(remote: Remote, args: argparse.Namespace) -> int:
    """The owner writes the backup, so the path is made whole: its folder may be another."""
    target = str(Path(args.target).expanduser().absolute())
    target += "/" if is_folder(args.target) else ""
    status = BackupStatus.model_validate(_bare(remote.post("/backup", target=target)))
    progress = _bar(args)
    try:
        while status.state == "running":
            time.sleep(0.3)
            status = BackupStatus.model_validate(_bare(remote.get("/backup")))
            progress(status.done_bytes, status.total_bytes)
    except KeyboardInterrupt:
        remote.post("/backup/cancel")
        raise
    if status.state != "done" or status.last is None:
        raise FootnoteError(status.error or "The backup was not made.")
    return _print_made(args, status.last)


def restore_apart(settings: Settings, args: argparse.Namespace) -> int:
    """Opens no data folder: there is none yet."""
    restored = restore(settings, args.backup, tuple(args.deletions), progress=_bar(args))
    report = restored.verified
    lines = [
        f"Restored {_count(restored.documents, 'document')} of "
        f"{_when(restored.made_at)} into {restored.folder}; the indexes were rebuilt.",
        f"Deleted since then, and now again: {_count(len(restored.deletions_applied), 'document')}."
        if restored.deletions_applied
        else "",
        *restored.warnings,
        *(f"{digest[:12]}: {fault}" for digest, fault in restored.lacking.items()),
        *(f"BAD {c.name}: {c.detail}" for c in report.checks if not c.ok),
    ]  # fmt: skip
    line = {"schema_version": SCHEMA_VERSION, **restored.model_dump(mode="json")}
    show(args, line, "\n".join(filter(None, lines)))
    return 0 if report.ok and not restored.lacking else 1


def audit_here(library: Library, args: argparse.Namespace) -> int:
    after = 0
    while entries := library.audit(LOCAL_ADMIN, after, _PAGE, args.document):
        for entry in entries:
            _print_entry(args, entry)
        after = entries[-1].seq
    return _print_fault(library.audit_state(LOCAL_ADMIN).fault)


def audit_there(remote: Remote, args: argparse.Namespace) -> int:
    after = 0
    while lines := remote.get("/audit", after=after, limit=_PAGE, document=args.document):
        for line in lines:
            _print_entry(args, AuditEntry.model_validate(_bare(line)))
        after = lines[-1]["seq"]
    return _print_fault(remote.get("/audit/state")["fault"])


def check_target(settings: Settings, args: argparse.Namespace) -> None:
    """Refuses a target that will not do before anything is opened."""
    checked(args.target, settings.data)


def check(args: argparse.Namespace) -> int:
    """Reads a backup through. Opens no data folder."""
    manifest = check_backup(Path(args.target), _bar(args))
    parts = len(manifest.members)
    line = {
        "schema_version": SCHEMA_VERSION,
        "ok": True,
        "made_at": manifest.made_at,
        "documents": manifest.documents,
        "parts": parts,
        "bytes": manifest.total_bytes,
        "lacking": manifest.lacking,
    }
    of = f"{_count(manifest.documents, 'document')} of {_when(manifest.made_at)}"
    show(args, line, f"The backup is whole: {of}, all {parts} parts have the bytes it lists.")
    return 1 if manifest.lacking else 0


def _print_entry(args: argparse.Namespace, entry: AuditEntry) -> None:
    detail = " ".join(f"{k}={v}" for k, v in entry.detail.items())
    text = f"{entry.seq}  {_when(entry.at)}  {entry.principal_id}  {entry.action}"
    line = {"schema_version": SCHEMA_VERSION, **entry.model_dump(mode="json")}
    show(args, line, f"{text}  {entry.document_id or ''}  {detail}".rstrip())


def _print_fault(fault: str | None) -> int:
    if fault:
        sys.stderr.write(f"{fault}\n")
    return 1 if fault else 0


def _print_made(args: argparse.Namespace, made: Made) -> int:
    size = f"{made.bytes / 2**20:.1f} MB"
    new = "" if made.new_bytes == made.bytes else f", {made.new_bytes / 2**20:.1f} MB of it new"
    text = f"{made.path}: {_count(made.documents, 'document')}, {size}{new}, {made.seconds:.1f} s"
    faults = [f"{digest[:12]}: {fault}" for digest, fault in made.lacking.items()]
    line = {"schema_version": SCHEMA_VERSION, **made.model_dump(mode="json")}
    show(args, line, "\n".join([text, *faults]))
    return 1 if made.lacking else 0


def _bar(args: argparse.Namespace):
    """Progress on the error output, where somebody looks at it."""
    said = -1

    def progress(done: int, total: int) -> None:
        nonlocal said
        share = 100 * done // total if total else 0
        if sys.stderr.isatty() and share != said:
            said = share
            sys.stderr.write(f"\r{share} %" + ("\n" if share == 100 else ""))
            sys.stderr.flush()

    return progress


def _bare(line: dict) -> dict:
    return {k: v for k, v in line.items() if k != "schema_version"}


def _when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
