"""Synchronising a folder: what lies in it, and what that means for the documents of last time.

Looking happens where the folder is (the command line), deciding where the documents are (the
library). Everything is judged by content; a file that cannot be read keeps its document.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

from ingestion.names import clean_name
from store.catalog.arrivals import NEVER_READ, Known, Move
from store.errors import BadInput
from store.models import Frozen

Action = Literal["add", "replace", "move", "remove", "unchanged", "fail"]
_LOCKS = ("~$", ".~lock.")
_TEMPORARY = (".tmp", ".temp", ".part", ".partial", ".crdownload", ".swp", "~")
_OF_SYSTEMS = {"thumbs.db", "desktop.ini", "ehthumbs.db"}
_SUSPICIOUS = 3
_KEPT = "The document as last read is kept."


class FoundFile(Frozen):
    """A file of the folder: its path within, `/` between the parts, and SHA-256 of its bytes."""

    path: str
    digest: str


class Unread(Frozen):
    """A file or folder that could not be read, with the reason; its documents are kept."""

    path: str
    reason: str
    folder: bool = False


class Listing(Frozen):
    """All that was found in a folder. `left_out` counts hidden, lock and temporary files."""

    folder: str
    files: tuple[FoundFile, ...] = ()
    unread: tuple[Unread, ...] = ()
    outside: tuple[str, ...] = ()
    """Links that lead out of the folder; they are not followed."""
    left_out: int = 0


class Step(Frozen):
    """What becomes of one file, or of the document whose file is gone.

    `add` and `replace` still need the file's bytes; `note` is a sentence.
    """

    action: Action
    path: str
    document_id: str | None = None
    note: str | None = None


class Plan(Frozen):
    """What a synchronisation does, in the order in which it is done."""

    steps: tuple[Step, ...] = ()

    def of(self, *actions: Action) -> list[Step]:
        return [s for s in self.steps if s.action in actions]


def look(folder: Path, but: Collection[Path] = ()) -> tuple[Listing, dict[str, Path]]:
    """What lies in a folder, and where each file is; `but` names folders to stay out of.

    Raises BadInput when the folder itself is not there or cannot be read: a share that is not
    mounted must not look like one that was emptied.
    """
    try:
        root = folder.resolve(strict=True)
        next(root.iterdir(), None)  # whether it may be read at all
    except NotADirectoryError as e:
        raise BadInput(f"“{folder}” is a file; only folders are synchronised.") from e
    except OSError as e:
        raise BadInput(
            f"The folder “{folder}” cannot be read ({e.strerror}); nothing was changed. "
            "Is its drive or share connected?"
        ) from e
    seen = _Seen(root, {b.resolve() for b in but})
    places = dict(sorted(seen.files()))
    files = []
    for path, place in places.items():
        try:
            with place.open("rb") as f:
                files.append(
                    FoundFile(path=path, digest=hashlib.file_digest(f, "sha256").hexdigest())
                )
        except OSError as e:
            seen.unread.append(Unread(path=path, reason=_reason(e)))
    listing = Listing(
        folder=_encodable(str(root)),
        files=tuple(files),
        unread=tuple(seen.unread),
        outside=tuple(seen.outside),
        left_out=seen.left_out,
    )
    return listing, places


def plan(listing: Listing, known: Sequence[Known], *, allow_empty: bool = False) -> Plan:
    """What a listing means for the documents known; those of other folders are not touched.

    Raises BadInput when nothing that came from the folder is left in it, unless `allow_empty`.
    """
    ours = {k.path: k for k in known if k.path is not None}
    # A file that failed or was cancelled is no reason to let go of a document that answers.
    read = [k for k in known if k.status not in NEVER_READ]
    elsewhere = {k.digest: k.name for k in read if k.path is None}
    settled = {k.digest for k in read if k.status not in ("queued", "processing")}
    found = {f.path: f.digest for f in listing.files}
    steps: list[Step] = [_failed(u, ours) for u in listing.unread]
    gone = {
        path: k
        for path, k in ours.items()
        if path not in found and not any(_covers(u, path) for u in listing.unread)
    }
    kept = {k.digest: k.path for k in read if k.path and found.get(k.path) == k.digest}
    for path, digest in found.items():
        mine = ours.get(path)
        if mine and mine.digest == digest:
            steps.append(Step(action="unchanged", path=path, document_id=mine.document_id))
            continue
        twin = elsewhere.get(digest) or kept.get(digest)
        if twin:
            note = f"The same content is already here as “{twin}”."
            if mine and digest in settled:
                gone[path] = mine
            elif mine:
                note += f" “{mine.name}” stays until that is read; synchronise again then."
            steps.append(Step(action="unchanged", path=path, note=note))
            continue
        kept[digest] = path
        moved = None if mine else _moved(path, digest, gone)
        if mine:
            steps.append(Step(action="replace", path=path, document_id=mine.document_id))
        elif moved:
            del gone[moved.path or ""]
            note = f"It was “{moved.path}”."
            steps.append(Step(action="move", path=path, document_id=moved.document_id, note=note))
        else:
            steps.append(Step(action="add", path=path))
    steps += [
        Step(action="remove", path=path, document_id=k.document_id) for path, k in gone.items()
    ]
    if len(gone) == len(ours) and ours and not allow_empty:
        _doubt(listing, len(ours))
    before = {k.digest for k in known}
    order: dict[Action, int] = {"unchanged": 0, "fail": 1, "move": 2, "remove": 3}
    # Bytes that are known go first: while their old document is there they need no reading.
    return Plan(
        steps=tuple(
            sorted(
                steps,
                key=lambda s: (order.get(s.action, 4), found.get(s.path) not in before, s.path),
            )
        )
    )


def moves(of: Plan) -> list[Move]:
    """The moves of a plan as the catalog takes them."""
    return [
        Move(s.document_id or "", s.path, clean_name(PurePosixPath(s.path).name)[0])
        for s in of.of("move")
    ]


def ignored(name: str) -> bool:
    """Whether a file of this name is hidden, a lock, or half written by another program."""
    lower = name.lower()
    return name.startswith((".", *_LOCKS)) or lower.endswith(_TEMPORARY) or lower in _OF_SYSTEMS


class _Seen:
    """Walks a folder and notes what it does not hand out."""

    def __init__(self, root: Path, but: Collection[Path]):
        self.root, self.but = root, but
        self.unread: list[Unread] = []
        self.outside: list[str] = []
        self.left_out = 0

    def files(self) -> Iterator[tuple[str, Path]]:
        """(path within the folder, where it is) of every ordinary file."""
        for where, folders, names in os.walk(self.root, onerror=self._no_entry):
            here = Path(where)
            folders[:] = [n for n in sorted(folders) if self._enters(here / n)]
            for name in names:
                if ignored(name):
                    self.left_out += 1
                elif self._takes(here / name):
                    yield self._within(here / name), here / name

    def _enters(self, folder: Path) -> bool:
        if folder.name.startswith("."):
            self.left_out += 1
            return False
        if folder.is_symlink():
            self._inside(folder)  # a link to a folder within would only show its files twice
            return False
        return folder not in self.but

    def _takes(self, file: Path) -> bool:
        try:
            if file.is_symlink() and not self._inside(file):
                return False
            if stat.S_ISREG(file.stat().st_mode):
                return True
        except OSError as e:
            self.unread.append(Unread(path=self._within(file), reason=_reason(e)))
            return False
        self.left_out += 1
        return False

    def _inside(self, link: Path) -> bool:
        inside = link.resolve().is_relative_to(self.root)
        if not inside:
            self.outside.append(self._within(link))
        return inside

    def _no_entry(self, error: OSError) -> None:
        folder = self._within(Path(error.filename))
        self.unread.append(Unread(path=folder, reason=_reason(error), folder=True))

    def _within(self, path: Path) -> str:
        return _encodable(path.relative_to(self.root).as_posix())


def _encodable(path: str) -> str:
    """Names that are not UTF-8 keep a form that a database and JSON can hold."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _covers(unread: Unread, path: str) -> bool:
    inside = unread.folder and (unread.path == "." or path.startswith(unread.path + "/"))
    return inside or path == unread.path


def _failed(unread: Unread, ours: dict[str, Known]) -> Step:
    mine = ours.get(unread.path)
    has_documents = mine or any(_covers(unread, path) for path in ours)
    note = f"{unread.reason} {_KEPT}" if has_documents else unread.reason
    document_id = mine.document_id if mine else None
    return Step(action="fail", path=unread.path, document_id=document_id, note=note)


def _moved(path: str, digest: str, gone: dict[str, Known]) -> Known | None:
    """The document whose file is this one now; another suffix may mean another way to read it."""
    suffix = PurePosixPath(path).suffix
    same = [k for p, k in gone.items() if k.digest == digest and PurePosixPath(p).suffix == suffix]
    name = PurePosixPath(path).name
    same.sort(key=lambda k: (PurePosixPath(k.path or "").name != name, k.path))
    return same[0] if same else None


def _doubt(listing: Listing, documents: int) -> None:
    if listing.files and documents < _SUSPICIOUS:
        return
    empty = "It is empty now" if not listing.files else "None of them is left in it"
    raise BadInput(
        f"{documents} documents came from the folder “{listing.folder}”. {empty}, so nothing was "
        "changed: perhaps its drive or share is not connected. If they shall all be removed, add "
        "--allow-empty."
    )


def _reason(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "It may not be read: permission was denied."
    if isinstance(error, FileNotFoundError):
        return "It vanished, or is a link to nothing."
    return f"It cannot be read ({error.strerror})."
