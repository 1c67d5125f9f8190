"""The verb `add`: files, folders and synchronised folders, in this process or through a server."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, Protocol

from ingestion.folders import Action, Listing, Plan, Step, ignored, look
from ingestion.library import Library
from ingestion.printing import show, tell
from store.catalog.arrivals import Origin
from store.errors import FootnoteError
from store.models import LOCAL_ADMIN, SCHEMA_VERSION, SameName
from store.remote import Remote
from store.settings import Settings
from store.wire import document_json, failed_json

_FINISHED = ("ready", "partial", "no_text", "failed", "cancelled", "duplicate")
_BAD = ("failed", "cancelled")
_PAUSED = "Reading is paused; `python -m ingestion resume` lets it go on."
_DONE: dict[Action, str] = {
    "add": "added",
    "replace": "replaced",
    "move": "moved",
    "remove": "removed",
    "unchanged": "unchanged",
    "fail": "failed",
}


class Door(Protocol):
    """The library, here or behind a server's API; answers are the machine interface's JSON."""

    waits: bool
    """Whether what was added is waited for."""

    def add(
        self, path: Path, space: str, same_name: SameName | None, origin: Origin | None
    ) -> dict[str, Any]: ...

    def document(self, document_id: str) -> dict: ...

    def documents(self, space: str) -> dict[str, dict]: ...

    def sync(self, listing: Listing, space: str, dry_run: bool, allow_empty: bool) -> Plan: ...


class Here:
    """The library of this process, which ends when it is done: it waits."""

    waits = True

    def __init__(self, library: Library):
        self.library = library

    def add(
        self, path: Path, space: str, same_name: SameName | None, origin: Origin | None
    ) -> dict:
        added = self.library.add(
            LOCAL_ADMIN, path.name, path, space, same_name=same_name, origin=origin
        )
        return document_json(added)

    def document(self, document_id: str) -> dict:
        return document_json(self.library.document(LOCAL_ADMIN, document_id))

    def documents(self, space: str) -> dict[str, dict]:
        if space not in self.library.spaces(LOCAL_ADMIN).values():
            return {}
        return {d.id: document_json(d) for d in self.library.list(LOCAL_ADMIN, space)}

    def sync(self, listing: Listing, space: str, dry_run: bool, allow_empty: bool) -> Plan:
        return self.library.sync(
            LOCAL_ADMIN, listing, space, dry_run=dry_run, allow_empty=allow_empty
        )


class There:
    """The library of a running server; files are sent to it."""

    def __init__(self, remote: Remote, waits: bool):
        self.remote, self.waits = remote, waits

    def add(
        self, path: Path, space: str, same_name: SameName | None, origin: Origin | None
    ) -> dict:
        folder, within = origin or (None, None)
        return self.remote.upload(
            path, space, same_name=same_name, sync_folder=folder, sync_path=within
        )

    def document(self, document_id: str) -> dict:
        return self.remote.get(f"/documents/{document_id}", pages=False)

    def documents(self, space: str) -> dict[str, dict]:
        return {d["document_id"]: d for d in self.remote.get("/documents") if d["space"] == space}

    def sync(self, listing: Listing, space: str, dry_run: bool, allow_empty: bool) -> Plan:
        body = {
            "listing": listing.model_dump(mode="json"),
            "space": space,
            "dry_run": dry_run,
            "allow_empty": allow_empty,
        }
        answer = self.remote.post("/documents/sync", body)
        return Plan.model_validate({"steps": answer["steps"]})


class _Sent(NamedTuple):
    """A file that was handed in, with what came back; `more` goes on its line."""

    line: dict[str, Any]
    more: dict[str, Any]


def add(door: Door, args: argparse.Namespace) -> int:
    """Add files and the files of folders; one line each, in order, when it is finished."""
    if args.sync:
        return int(sum(_sync(door, args, folder) for folder in args.paths) > 0)
    sent = []
    names: set[str] = set()
    for path in _files(args.paths):
        # Two files of one run never replace each other: both are wanted.
        same_name = args.same_name or ("keep_both" if path.name in names else None)
        names.add(path.name)
        sent.append(_Sent(_hand_in(door, args, path, same_name), {"path": str(path)}))
    return int(_report(door, args, sent) > 0)


def _sync(door: Door, args: argparse.Namespace, folder: Path) -> int:
    """Make a space follow a folder; how many files failed."""
    listing, places = look(folder, but=[Settings().data])
    plan = door.sync(listing, args.space, args.dry_run, args.allow_empty)
    names = PurePosixPath(listing.folder).name
    for link in listing.outside:
        sys.stderr.write(f"{names}/{link} leads out of the folder and was left out.\n")
    if args.dry_run:
        for step in plan.steps:
            _tell_planned(args, step)
        failed = len(plan.of("fail"))
    else:
        failed = _carry_out(door, args, listing, places, plan)
    _summary(args, listing, plan, failed)
    return failed


def _carry_out(
    door: Door, args: argparse.Namespace, listing: Listing, places: dict[str, Path], plan: Plan
) -> int:
    known = door.documents(args.space)
    sent = []
    for step in plan.steps:
        more = {"path": step.path, "action": _DONE[step.action]}
        name = PurePosixPath(step.path).name
        if step.action in ("add", "replace"):
            origin = Origin(listing.folder, step.path)
            line = _hand_in(door, args, places[step.path], None, origin)
            if line["status"] == "failed" and step.action == "replace":
                line["error"] += " The document as last read is kept."
        elif step.action == "fail":
            line = failed_json(name, args.space, step.note or "")
            line["document_id"] = step.document_id
        elif step.action == "remove":
            tell(args, None, f"removed    {step.path}")
            continue
        else:
            line = known.get(step.document_id or "") or {
                **failed_json(name, args.space, ""), "status": "duplicate", "error": None,
            }  # fmt: skip
            line = {**line, "warnings": [*line["warnings"], *([step.note] if step.note else [])]}
        sent.append(_Sent(line, more))
    return _report(door, args, sent)


def _hand_in(
    door: Door,
    args: argparse.Namespace,
    path: Path,
    same_name: SameName | None,
    origin: Origin | None = None,
) -> dict:
    try:
        return door.add(path, args.space, same_name, origin)
    except (FootnoteError, OSError) as e:
        return failed_json(path.name, args.space, _sentence(e))


def _report(door: Door, args: argparse.Namespace, sent: list[_Sent]) -> int:
    """Print a line a file, in order, each when it is finished; how many failed."""
    failed = 0
    for line, more in sent:
        while door.waits and line["status"] not in _FINISHED and not line.get("paused"):
            time.sleep(0.1 if isinstance(door, Here) else 0.25)
            now = door.document(str(line["document_id"]))
            # What it met when it was added is said here, and kept nowhere.
            met = [w for w in line["warnings"] if w not in now["warnings"]]
            line = {**now, "warnings": [*met, *now["warnings"]]}
        if line.get("paused"):
            line = {**line, "warnings": [*line["warnings"], _PAUSED]}
        failed += line["status"] in _BAD
        _tell_file(args, {**line, **more})
    return failed


def _tell_file(args: argparse.Namespace, line: dict) -> None:
    action = line.get("action")
    if action == "unchanged" and line["status"] not in _BAD and not args.json:
        return
    what = action if action and line["status"] not in _BAD else line["status"]
    name = line["path"] if action else line["file"]
    said = line["error"] or (line.get("state") if line["status"] == "partial" else None)
    notes = said or " ".join(w for w in line["warnings"] if line["status"] != "ready")
    tell(args, line, f"{what:10} {name}  {notes}".rstrip())


def _tell_planned(args: argparse.Namespace, step: Step) -> None:
    line = {
        "schema_version": SCHEMA_VERSION,
        "file": PurePosixPath(step.path).name,
        "path": step.path,
        "document_id": step.document_id,
        "space": args.space,
        "action": _DONE[step.action],
        "note": step.note,
        "dry_run": True,
    }
    if step.action != "unchanged" or args.json:
        tell(args, line, f"{_DONE[step.action]:10} {step.path}  {step.note or ''}".rstrip())


def _summary(args: argparse.Namespace, listing: Listing, plan: Plan, failed: int) -> None:
    counts = {
        _DONE[action]: len(plan.of(action))
        for action in ("add", "replace", "move", "remove", "unchanged")
    }
    summary = {
        "folder": listing.folder,
        "space": args.space,
        "dry_run": args.dry_run,
        **counts,
        "failed": failed,
        "left_out": listing.left_out,
        "outside": list(listing.outside),
        "removed_paths": [s.path for s in plan.of("remove")],
    }
    said = ", ".join(f"{n} {what}" for what, n in (counts | {"failed": failed}).items())
    hidden = f"; {listing.left_out} hidden or temporary left out" if listing.left_out else ""
    dry = "Nothing was changed. It would be: " if args.dry_run else ""
    show(
        args,
        {"schema_version": SCHEMA_VERSION, "summary": summary},
        f"{dry}{listing.folder} → {args.space}: {said}{hidden}.",
    )


def _files(paths: list[Path]) -> Iterator[Path]:
    """Files as given; a folder stands for the files in it, but hidden and temporary ones."""
    for path in paths:
        if path.is_dir():
            yield from sorted(
                f
                for f in path.rglob("*")
                if f.is_file()
                and not ignored(f.name)
                and not any(p.startswith(".") for p in f.relative_to(path).parts)
            )
        else:
            yield path


def _sentence(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "There is no such file."
    if isinstance(error, OSError):
        return f"The file cannot be opened ({error.strerror})."
    return str(error)
