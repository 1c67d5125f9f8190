"""What backups must be told: each folder that holds some gets a ledger of later deletions.

The ledger, `deletions.jsonl` beside the backups, names documents by id only; `restore` applies it.
A folder that cannot be reached (a disk that is not there) is told later.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import threading
from pathlib import Path
from typing import NamedTuple

from ingestion.backup_format import LEDGER
from store.catalog import Catalog
from store.catalog.copies import forget_before_upgrades, sync_folder
from store.opening import Store

_LIBRARY = "library_id"
_FOLDERS = "backup_folders"
_UNTOLD = "deletions_untold"
_ID = re.compile(r'"document_id":\s*"([A-Za-z0-9]+)"')
_telling = threading.Lock()


class Told(NamedTuple):
    """A line of the ledger; `at` in seconds since 1970."""

    document_id: str
    at: float


def tell_deletion(store: Store, document_id: str, at: float) -> list[str]:
    """Tell every backup that is known that a document was removed for good; where it was told.

    The answer names the ledgers. Copies of the catalog that upgrades left in the data folder are
    deleted: they hold the document. May be repeated; a ledger that says a thing twice says it once.
    """
    forget_before_upgrades(store.settings.data, 0)
    with _telling:
        catalog = store.catalog
        untold = _untold(catalog)
        for folder in known_folders(catalog):
            lines = untold.setdefault(str(folder), [])
            if [document_id, at] not in lines:
                lines.append([document_id, at])
        told = _tell(untold)
        _keep(catalog, _UNTOLD, untold)
    return [str(path) for path in told]


def tell_what_is_untold(store: Store) -> int:
    """Tell folders that could not be reached before; how many deletions wait still."""
    with _telling:
        untold = _untold(store.catalog)
        if untold:
            _tell(untold)
            _keep(store.catalog, _UNTOLD, untold)
        return sum(len(lines) for lines in untold.values())


def remember_folder(catalog: Catalog, folder: Path) -> None:
    """From now on deletions are told to this folder's ledger."""
    with _telling:
        known = known_folders(catalog)
        if folder not in known:
            _keep(catalog, _FOLDERS, [str(p) for p in (*known, folder)])


def library_id(catalog: Catalog) -> str:
    """What tells this data folder's backups from others' in the same place."""
    known = catalog.meta(_LIBRARY)
    if known is None:
        known = secrets.token_hex(8)
        catalog.set_meta(_LIBRARY, known)
    return known


def known_folders(catalog: Catalog) -> list[Path]:
    """Folders in which backups were made."""
    return [Path(p) for p in json.loads(catalog.meta(_FOLDERS) or "[]")]


def read_ledger(path: Path) -> tuple[list[Told], list[str]]:
    """The deletions that a ledger tells, and a sentence for each line that cannot be read."""
    found: dict[str, Told] = {}
    faults = []
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            read = json.loads(line)
            told = Told(str(read["document_id"]), float(read["at"]))
        except (ValueError, KeyError, TypeError):
            # A line cut short still counts where the id is whole.
            if not (cut := _ID.search(line)):
                faults.append(f"Line {number} of {path.name} cannot be read; it is passed over.")
                continue
            told = Told(cut[1], path.stat().st_mtime)
        found.setdefault(told.document_id, told)
    return list(found.values()), faults


def _tell(untold: dict[str, list]) -> list[Path]:
    """Write what waits, and take it off the list where it was written."""
    told = []
    for folder, lines in list(untold.items()):
        ledger = Path(folder) / LEDGER
        try:
            _append(ledger, lines)
        except OSError:
            continue  # it stays on the list
        del untold[folder]
        told.append(ledger)
    return told


def _append(ledger: Path, lines: list) -> None:
    known = {told.document_id for told in read_ledger(ledger)[0]} if ledger.exists() else set()
    new = [{"document_id": i, "at": at} for i, at in lines if i not in known]
    text = "".join(json.dumps(line) + "\n" for line in new)
    descriptor = os.open(ledger, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            text = "\n" + text  # a kill cut the line before short
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(ledger.parent)


def _untold(catalog: Catalog) -> dict[str, list]:
    return json.loads(catalog.meta(_UNTOLD) or "{}")


def _keep(catalog: Catalog, key: str, value: object) -> None:
    catalog.set_meta(key, json.dumps(value))
