"""Backups: made while everything runs, whole or not there, restored with later deletions."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import files
import pytest

from ingestion.backup import back_up
from ingestion.backup_format import BackupDamaged, BackupFailed
from ingestion.backup_places import prune, snapshots
from ingestion.backup_reading import check_backup
from ingestion.backups import library_id, read_ledger, tell_deletion, tell_what_is_untold
from ingestion.library import Library
from ingestion.opening import open_library
from ingestion.restore import restore
from ingestion.schedule import Backups, backup_check
from retrieval.search import Searcher
from store.embedding import Embedder
from store.errors import BadInput, Cancelled
from store.models import LOCAL_ADMIN
from store.opening import Store, open_store
from store.settings import ROOT, Settings

SAID = {
    "tides.txt": "The tide at Saltmarsh rises four metres.",
    "lamps.txt": "The lamp of the lighthouse burns whale oil.",
    "ropes.txt": "Ropes of hemp are tarred every spring.",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Path:
    """A data folder with three documents that were read; closed, to be copied."""
    home = tmp_path_factory.mktemp("filled")
    settings = Settings(data=home / "store", samples=False, _env_file=None)
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store)
        for name, text in SAID.items():
            library.add(LOCAL_ADMIN, name, files.txt(home / name, text))
        assert library.wait(60)
        library.close()
    return settings.data


@pytest.fixture
def filled(folder: Path, settings: Settings, embedder: Embedder) -> Iterator[Library]:
    shutil.copytree(folder, settings.data)
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store)
        yield library
        library.close()


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder


@pytest.fixture
def empty(settings: Settings, tmp_path: Path) -> Settings:
    return settings.model_copy(update={"data": tmp_path / "new" / "store"})


def searched(store: Store, question: str) -> list[str]:
    searcher = Searcher(store.catalog, store.indexes, store.embedder)
    found = searcher.search(question, [store.catalog.ensure_space("main")])
    assert found.warnings == ()
    return [hit.chunk.text for hit in found.hits]


KILLED = """
import sys, types
from pathlib import Path
from ingestion.backup import back_up
from store.catalog import Catalog
data, outside = map(Path, sys.argv[1:])
contents = data / "files" / "contents"  # `Files` would clear away what is just coming in
store = types.SimpleNamespace(
    settings=types.SimpleNamespace(data=data),
    catalog=Catalog(data / "catalog.db"),
    files=types.SimpleNamespace(path=lambda digest: contents / digest[:2] / digest),
)
back_up(store, str(outside / "a.zip"))
"""


class Refusing:
    """Stands for the embedder where nothing may be embedded again."""

    def __init__(self, real: Embedder):
        self.fingerprint, self.dimension, self.host = real.fingerprint, real.dimension, None

    def embed(self, texts: list[str]) -> None:
        raise AssertionError("a text was embedded again")


def reopened(settings: Settings, embedder: Embedder) -> Iterator[tuple[Store, Library]]:
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store)
        try:
            yield store, library
        finally:
            library.close()


@pytest.mark.parametrize("into", ["file.zip", "folder/"])
def test_a_restored_backup_verifies_and_is_searched(
    filled: Library, outside: Path, empty: Settings, embedder: Embedder, into: str
):
    made = back_up(filled.store, f"{outside}/{into}")
    assert made.documents == 3
    assert made.lacking == {}
    assert [p for p in outside.rglob("*") if ".part" in p.name] == []
    source = Path(made.path) if into.endswith("zip") else outside / "folder"
    ids = {d.name: d.id for d in filled.list(LOCAL_ADMIN)}
    restored = restore(empty, source, embedder=Refusing(embedder))  # type: ignore[arg-type]
    assert restored.verified.ok, restored.verified
    assert restored.documents == 3
    for store, library in reopened(empty, embedder):
        assert {d.name: d.id for d in library.list(LOCAL_ADMIN)} == ids
        assert {d.status for d in library.list(LOCAL_ADMIN)} == {"ready"}
        assert SAID["lamps.txt"] in searched(store, "whale oil lamp")
        assert library.verify(LOCAL_ADMIN).ok
        assert store.catalog.audit()[-1].action == "restore"
        assert store.catalog.check_audit() is None
    assert [p.name for p in empty.data.parent.iterdir()] == ["store"]


def test_what_was_deleted_after_the_backup_is_deleted_again(
    filled: Library, outside: Path, empty: Settings, embedder: Embedder
):
    made = back_up(filled.store, str(outside / "a.zip"))
    gone = filled.document(LOCAL_ADMIN, "lamps.txt").id
    filled.remove(LOCAL_ADMIN, gone)
    told, faults = read_ledger(outside / "deletions.jsonl")
    assert [t.document_id for t in told] == [gone]
    assert faults == []
    restored = restore(empty, Path(made.path), embedder=embedder)
    assert restored.deletions_applied == (gone,)
    assert restored.verified.ok, restored.verified
    certificate = next(filter(None, (_certificate(empty, gone, embedder),)))
    assert certificate["by"] == "restore"
    assert certificate["begun_at"] == pytest.approx(told[0].at)
    for path in empty.data.rglob("*"):
        if path.is_file():
            assert b"whale oil" not in path.read_bytes(), path
    for store, library in reopened(empty, embedder):
        assert {d.name for d in library.list(LOCAL_ADMIN)} == {"tides.txt", "ropes.txt"}
        assert SAID["lamps.txt"] not in searched(store, "whale oil lamp")


def _certificate(settings: Settings, document_id: str, embedder: Embedder) -> dict | None:
    with open_store(settings, embedder=embedder) as store:
        found = [c for c in store.catalog.deletions() if c.document_id == document_id]
        return found[0].model_dump() if found else None


def test_a_ledger_kept_elsewhere_is_applied_too(
    filled: Library, outside: Path, empty: Settings, embedder: Embedder, tmp_path: Path
):
    made = back_up(filled.store, str(outside / "a.zip"))
    carried = tmp_path / "usb" / "a.zip"
    carried.parent.mkdir()
    shutil.copy(made.path, carried)
    gone = filled.document(LOCAL_ADMIN, "tides.txt").id
    filled.remove(LOCAL_ADMIN, gone)
    restored = restore(empty, carried, (outside / "deletions.jsonl",), embedder=embedder)
    assert restored.deletions_applied == (gone,)


def test_a_folder_keeps_each_original_once_and_the_newest_snapshots(filled: Library, outside: Path):
    first = back_up(filled.store, f"{outside}/")
    contents = sum(d.total_bytes for d in [check_backup(outside)]) - first.new_bytes
    assert contents == 0
    second = back_up(filled.store, f"{outside}/")
    assert second.new_bytes < first.new_bytes
    assert len(list((outside / "contents").glob("*/*"))) == 3
    filled.remove(LOCAL_ADMIN, "ropes.txt")
    third = back_up(filled.store, f"{outside}/")
    assert third.documents == 2
    assert len(snapshots(outside)) == 3
    assert prune(outside, 1, "another library") == 0
    assert prune(outside, 1, library_id(filled.catalog)) == 2
    assert [str(p) for p in snapshots(outside)] == [third.path]
    assert len(list((outside / "contents").glob("*/*"))) == 2
    assert len(list((outside / "catalogs").iterdir())) == 1
    check_backup(outside)


def test_a_document_removed_while_the_backup_is_made_is_not_in_it(filled: Library, outside: Path):
    gone = filled.document(LOCAL_ADMIN, "lamps.txt").id
    removed = threading.Event()

    def progress(done: int, total: int) -> None:
        if not removed.is_set():
            removed.set()
            filled.remove(LOCAL_ADMIN, gone)

    made = back_up(filled.store, str(outside / "a.zip"), progress=progress)
    assert made.documents == 2
    with zipfile.ZipFile(made.path) as archive:
        whole = b"".join(archive.read(name) for name in archive.namelist())
    assert b"whale oil" not in whole
    assert b"hemp" in whole


def test_a_backup_is_of_one_moment_while_files_come_in(
    filled: Library, outside: Path, empty: Settings, embedder: Embedder, tmp_path: Path
):
    stop = threading.Event()

    def busy() -> None:
        for i in range(200):
            if stop.is_set():
                return
            filled.add(LOCAL_ADMIN, f"{i}.txt", f"Wave {i} was {i} feet high.".encode())

    adding = threading.Thread(target=busy)
    adding.start()
    try:
        made = [back_up(filled.store, str(outside / f"{i}.zip")) for i in range(3)]
    finally:
        stop.set()
        adding.join()
    assert all(m.lacking == {} for m in made)
    restored = restore(empty, Path(made[-1].path), embedder=embedder)
    assert restored.documents == made[-1].documents
    bad = [c for c in restored.verified.checks if not c.ok]
    assert bad == []


def test_a_cancelled_backup_leaves_nothing(filled: Library, outside: Path):
    with pytest.raises(Cancelled):
        back_up(filled.store, str(outside / "a.zip"), cancelled=lambda: True)
    assert list(outside.iterdir()) == []


def test_places_that_will_not_do_are_refused_in_words(filled: Library, outside: Path):
    data = filled.store.settings.data
    for inside in (str(data / "a.zip"), f"{data}/", f"{data}/backups/"):
        with pytest.raises(BadInput, match="inside the data folder"):
            back_up(filled.store, inside)
    (outside / "a.zip").write_bytes(b"")
    with pytest.raises(BadInput, match="already there"):
        back_up(filled.store, str(outside / "a.zip"))
    with pytest.raises(BadInput, match="does not exist"):
        back_up(filled.store, str(outside / "none" / "a.zip"))
    with pytest.raises(BackupFailed, match=r"cannot be written to|no room|does not exist"):
        back_up(filled.store, "/proc/a.zip")
    assert not (data / "backups").exists()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mounts a disk of so many kB."""
    mounted: list[Path] = []

    def mount(size_kb: int) -> Path:
        where = tmp_path / f"disk-{size_kb}"
        where.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(where)]
        if os.geteuid() != 0 or not shutil.which("mount"):
            pytest.skip("needs root to mount a small disk")
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            pytest.skip("may not mount a small disk here")
        mounted.append(where)
        return where

    yield mount
    for where in mounted:
        subprocess.run(["umount", "-l", str(where)], check=True)


@pytest.mark.parametrize("size_kb", [64, 224, 228])
def test_a_full_disk_is_said_and_nothing_is_left_on_it(
    filled: Library, disk: Callable[[int], Path], size_kb: int
):
    small = disk(size_kb)
    for target in (f"{small}/a.zip", f"{small}/"):
        with pytest.raises(BackupFailed, match="has no room for it"):
            back_up(filled.store, target)
        assert [p for p in small.rglob("*") if p.is_file() and ".part" in p.name] == []
        assert snapshots(small) == []
    assert not (small / "a.zip").exists()


def test_a_disk_of_its_own_can_be_restored_onto(
    filled: Library, outside: Path, settings: Settings, embedder: Embedder, disk
):
    made = back_up(filled.store, str(outside / "a.zip"))
    small, large = disk(300), disk(200_000)
    with pytest.raises(BadInput, match="MB are free"):
        restore(settings.model_copy(update={"data": small}), Path(made.path), embedder=embedder)
    assert list(small.iterdir()) == []
    there = settings.model_copy(update={"data": large})
    assert restore(there, Path(made.path), embedder=embedder).verified.ok
    for store, _ in reopened(there, embedder):
        assert SAID["lamps.txt"] in searched(store, "whale oil lamp")
    assert list(large.glob(".restoring*")) == []


def test_damage_is_named_and_nothing_is_restored(
    filled: Library, outside: Path, empty: Settings, embedder: Embedder
):
    whole = Path(back_up(filled.store, str(outside / "a.zip")).path)
    data = whole.read_bytes()
    at = data.index(b"hemp")
    damaged = outside / "damaged.zip"
    cases = {
        "original .* (has changed|cannot be unpacked)": data[:at] + b"jute" + data[at + 4 :],
        "cut short": data[: len(data) // 2],
        "is no backup": b"PK\x03\x04 not a backup",
    }
    for said, written in cases.items():
        damaged.write_bytes(written)
        with pytest.raises(BackupDamaged, match=said):
            restore(empty, damaged, embedder=embedder)
        assert not empty.data.exists()
        assert list(empty.data.parent.iterdir()) == []
    listed = len(data) - 4096  # where the parts lie, byte by byte; elsewhere a few
    places = {*range(0, listed, max(1, listed // 40)), *range(listed, len(data))}
    for at, bits in product(places, (0x55, 0x04)):
        damaged.write_bytes(data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :])
        try:
            check_backup(damaged)
        except BackupDamaged:
            continue
        with zipfile.ZipFile(damaged) as a, zipfile.ZipFile(whole) as b:  # a field nobody reads
            assert [a.read(n) for n in a.namelist()] == [b.read(n) for n in b.namelist()]


def test_a_hostile_archive_is_refused(
    filled: Library, outside: Path, empty: Settings, embedder: Embedder
):
    whole = Path(back_up(filled.store, str(outside / "a.zip")).path)

    def rewritten(name: str, data: bytes, swap: str | None = None, packed: int = 0) -> Path:
        hostile = outside / "hostile.zip"
        with zipfile.ZipFile(whole) as old, zipfile.ZipFile(hostile, "w") as new:
            for info in old.infolist():
                if info.filename != swap:
                    new.writestr(info, old.read(info))
            new.writestr(name, data, packed)
        return hostile

    with zipfile.ZipFile(whole) as archive:
        content = next(n for n in archive.namelist() if n.startswith("contents/"))
    for name in ("../../outside.txt", "/etc/outside.txt", "contents/../../x", "catalog.db/x"):
        with pytest.raises(BackupDamaged, match="none of a backup's"):
            restore(empty, rewritten(name, b"x"), embedder=embedder)
    with pytest.raises(BackupDamaged, match="another size"):
        restore(empty, rewritten(f"contents/{'0' * 64}", b"x"), embedder=embedder)
    bomb = rewritten(content, b"\0" * 50_000_000, content, zipfile.ZIP_DEFLATED)
    with pytest.raises(BackupDamaged, match="another size"):
        restore(empty, bomb, embedder=embedder)
    assert not empty.data.exists()


def test_only_an_empty_folder_is_restored_into(filled: Library, outside: Path, embedder: Embedder):
    made = back_up(filled.store, str(outside / "a.zip"))
    with pytest.raises(BadInput, match="is not empty"):
        restore(filled.store.settings, Path(made.path), embedder=embedder)
    with pytest.raises(BadInput, match="There is no backup"):
        restore(
            filled.store.settings.model_copy(update={"data": outside / "new"}), outside / "no.zip"
        )


def test_a_backup_of_a_newer_footnote_is_refused(
    filled: Library, outside: Path, empty: Settings, embedder: Embedder
):
    back_up(filled.store, f"{outside}/")
    catalog, manifest = next((outside / "catalogs").iterdir()), snapshots(outside)[0]
    db = sqlite3.connect(catalog)
    with db:
        db.execute("UPDATE alembic_version SET version_num = '0099'")
    db.close()
    listed = json.loads(manifest.read_text())
    listed["catalog_schema"] = "0099"
    listed["members"]["catalog.db"] = {
        "sha256": hashlib.sha256(catalog.read_bytes()).hexdigest(),
        "bytes": catalog.stat().st_size,
    }
    manifest.write_text(json.dumps(listed))
    with pytest.raises(BadInput, match=r"made by a newer Footnote.*0099"):
        restore(empty, outside, embedder=embedder)
    listed["format_version"] = 2
    manifest.write_text(json.dumps(listed))
    with pytest.raises(BadInput, match="made by a newer Footnote"):
        restore(empty, outside, embedder=embedder)
    assert not empty.data.exists()


def test_a_restore_that_was_cut_short_on_a_disk_of_its_own_begins_anew(
    filled: Library, outside: Path, empty: Settings, embedder: Embedder
):
    made = back_up(filled.store, str(outside / "a.zip"))
    (empty.data / ".restoring-1").mkdir(parents=True)
    (empty.data / "files" / "contents" / "ab").mkdir(parents=True)
    (empty.data / "files" / "contents" / "ab" / "half").write_bytes(b"x")
    assert restore(empty, Path(made.path), embedder=embedder).verified.ok
    assert not (empty.data / ".restoring-1").exists()


def test_a_killed_backup_leaves_no_backup_and_the_next_one_clears_up(
    filled: Library, outside: Path
):
    for i in range(6):  # something to be busy with
        filled.add(LOCAL_ADMIN, f"{i}.txt", f"{i} ".encode() * 2_000_000)
    filled.pause(LOCAL_ADMIN)
    filled.catalog.db.checkpoint()
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(filled.store.settings.data), str(outside)], cwd=ROOT
    )
    until = time.monotonic() + 60
    while not (left := list(outside.glob(".*.part"))) and time.monotonic() < until:
        time.sleep(0.001)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert left
    assert not (outside / "a.zip").exists()
    back_up(filled.store, str(outside / "a.zip"))
    assert [p.name for p in outside.iterdir()] == ["a.zip"]
    check_backup(outside / "a.zip")


def test_a_snapshot_whose_catalog_was_swapped_is_refused(
    filled: Library, outside: Path, empty: Settings, embedder: Embedder
):
    back_up(filled.store, f"{outside}/")
    catalog = next((outside / "catalogs").iterdir())
    db = sqlite3.connect(catalog)
    with db:
        db.execute("UPDATE documents SET name = 'other.txt'")
    db.close()
    with pytest.raises(BackupDamaged, match=r"the catalog (has changed|is longer)"):
        restore(empty, outside, embedder=embedder)
    back_up(filled.store, f"{outside}/")
    newest, older = snapshots(outside)
    newest.write_text("{}")
    with pytest.raises(BackupDamaged, match=f"is damaged. Before it: {older}"):
        restore(empty, outside, embedder=embedder)


def test_a_copy_that_was_cut_short_is_written_anew(filled: Library, outside: Path):
    back_up(filled.store, f"{outside}/")
    kept = next((outside / "contents").glob("*/*"))
    whole = kept.read_bytes()
    kept.write_bytes(whole[:5])
    with pytest.raises(BackupDamaged, match=r"original .* has changed"):
        check_backup(outside)
    back_up(filled.store, f"{outside}/")
    assert kept.read_bytes() == whole
    check_backup(outside)


def test_a_folder_that_cannot_be_reached_is_told_later(filled: Library, outside: Path):
    back_up(filled.store, str(outside / "a.zip"))
    away = outside.rename(outside.with_name("away"))
    assert tell_deletion(filled.store, "d1", 5.0) == []
    assert tell_what_is_untold(filled.store) == 1
    away.rename(outside)
    assert tell_what_is_untold(filled.store) == 0
    assert tell_deletion(filled.store, "d1", 5.0) == [str(outside / "deletions.jsonl")]
    lines = (outside / "deletions.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"document_id": "d1", "at": 5.0}]


def test_a_ledger_cut_short_still_counts(outside: Path, filled: Library):
    ledger = outside / "deletions.jsonl"
    ledger.write_text('{"document_id": "d1", "at"', encoding="utf-8")
    back_up(filled.store, str(outside / "a.zip"))
    tell_deletion(filled.store, "d2", 6.0)
    told, faults = read_ledger(ledger)
    assert [t.document_id for t in told] == ["d1", "d2"]
    assert faults == []
    ledger.write_text("what is this\n", encoding="utf-8")
    assert read_ledger(ledger) == (
        [],
        ["Line 1 of deletions.jsonl cannot be read; it is passed over."],
    )


def test_copies_that_upgrades_left_go_with_a_deletion(filled: Library):
    kept = filled.store.settings.data / "before-upgrade-0003.db"
    kept.write_bytes(b"whatever")
    filled.remove(LOCAL_ADMIN, "ropes.txt")
    assert not kept.exists()


def test_a_missing_original_is_said_and_the_rest_is_kept(filled: Library, outside: Path):
    digest = sorted(filled.catalog.content_hashes())[0]
    filled.store.files.path(digest).unlink()
    made = back_up(filled.store, str(outside / "a.zip"))
    assert made.lacking == {digest: "the file is missing"}
    assert check_backup(outside / "a.zip").lacking == made.lacking


def test_backups_are_made_when_due_and_failures_are_told(filled: Library, outside: Path):
    now = 1_000_000_000.0
    settings = filled.store.settings.model_copy(
        update={"backup_folder": outside / "daily", "backup_hours": 24.0, "backup_keep": 2}
    )
    store = Store(**{**vars(filled.store), "settings": settings})
    backups = Backups(store, clock=lambda: now)
    assert backups._is_due()
    assert backup_check(backups.status(), now).ok
    backups._scheduled()
    status = backups.status()
    assert status.last is not None
    assert status.last.documents == 3
    assert status.failure is None
    assert status.next_at == pytest.approx(status.last.at + 86_400)
    now = status.last.at + 3600
    assert not backups._is_due()
    assert backup_check(backups.status(), now).ok
    now += 48 * 3600
    assert backups._is_due()
    assert not backup_check(backups.status(), now).ok
    for _ in range(3):
        backups._scheduled()
    assert len(snapshots(outside / "daily")) == 2
    shutil.rmtree(outside)
    backups._scheduled()
    failed = backups.status().failure
    assert failed is not None
    assert "does not exist" in failed.error
    assert backup_check(backups.status(), now).detail == failed.error
    assert not backups._is_due()  # not again at once
    now += 3600
    assert backups._is_due()
    outside.mkdir()
    backups._scheduled()
    assert backups.status().failure is None


def test_only_one_backup_is_made_at_a_time(filled: Library, outside: Path):
    status = filled.backup(LOCAL_ADMIN, str(outside / "a.zip"))
    assert status.state in ("running", "done")
    if status.state == "running":
        filled.cancel_backup(LOCAL_ADMIN)
    for thread in filled.backups._threads:
        thread.join(20)
    assert filled.backup_status(LOCAL_ADMIN).state in ("cancelled", "done")
    with pytest.raises(BadInput, match="Name a file or a folder"):
        filled.backup(LOCAL_ADMIN)


AGAIN_AND_AGAIN = KILLED.replace(
    'back_up(store, str(outside / "a.zip"))',
    'print("begun", flush=True)\nwhile True:\n    back_up(store, f"{outside}/")',
)


@pytest.mark.torture
def test_backups_killed_at_any_moment_while_files_come_and_go_are_whole(
    filled: Library, outside: Path, empty: Settings, embedder: Embedder
):
    stop, chance = threading.Event(), random.Random(7)

    def busy() -> None:
        for i in range(10_000):
            if stop.wait(0.1):
                return
            added = filled.add(LOCAL_ADMIN, f"{i}.txt", f"Wave {i} of the sea. ".encode() * 2000)
            if i % 3 == 0:
                filled.remove(LOCAL_ADMIN, added.id)

    working = threading.Thread(target=busy)
    working.start()
    try:
        for _ in range(20):
            child = subprocess.Popen(
                [sys.executable, "-c", AGAIN_AND_AGAIN, str(filled.store.settings.data), outside],
                cwd=ROOT,
                stdout=subprocess.PIPE,
            )
            assert child.stdout is not None
            assert child.stdout.readline() == b"begun\n"
            time.sleep(chance.uniform(0, 0.6))
            child.send_signal(signal.SIGKILL)
            child.communicate()
            for snapshot in snapshots(outside)[:3]:
                assert check_backup(snapshot).lacking == {}
        back_up(filled.store, f"{outside}/")
    finally:
        stop.set()
        working.join()
    assert list(outside.glob(".*")) == []
    assert len(snapshots(outside)) > 1
    restored = restore(empty, outside, embedder=embedder)
    assert restored.verified.ok, [c for c in restored.verified.checks if not c.ok]
