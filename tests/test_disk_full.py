"""A disk that fills in steps of 64 KB: uploads are refused first, reads go on, nothing is lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.library import Library
from ingestion.opening import open_library
from retrieval.search import Searcher
from store.embedding import Embedder
from store.errors import DiskFull, FootnoteError
from store.models import LOCAL_ADMIN
from store.opening import open_store
from store.settings import Settings

STEP = 64 * 1024
SIZE_MB = 40
RESERVE_MB = 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("needs root to mount a small disk")
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("may not mount a small disk here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


class Filler:
    """A file that others fill the disk with."""

    def __init__(self, disk: Path):
        self.disk, self.path = disk, disk / "others"

    def leave(self, free: int) -> None:
        """As many bytes free as near as it goes; also fewer or more than there were."""
        size = self.path.stat().st_size if self.path.exists() else 0
        size = max(0, size + shutil.disk_usage(self.disk).free - free)
        with self.path.open("r+b" if self.path.exists() else "wb") as f:
            f.truncate(min(size, f.seek(0, os.SEEK_END)))
            with contextlib.suppress(OSError):  # the rest was taken in the meantime
                os.posix_fallocate(f.fileno(), 0, max(size, 1))


def fill(disk: Path, embedder: Embedder, steps: int, stride: int) -> dict[str, int]:
    """Add a file at every step of a disk that fills; then make room. Counts of what happened."""
    settings = Settings(data=disk / "store", samples=False, reserve_mb=RESERVE_MB, _env_file=None)
    filler = Filler(disk)
    counts = {"steps": steps, "acknowledged": 0, "refused": 0, "reads": 0, "lost": 0}
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store)
        searcher = Searcher(store.catalog, store.indexes, store.embedder)
        space = store.catalog.ensure_space("main")
        library.add(LOCAL_ADMIN, "first.txt", b"The first gauge stands in the harbour of Mole.")
        assert library.wait(60)
        names = ["first.txt"]
        for step in range(steps):
            filler.leave((steps - 1 - step) * stride * STEP)
            name = f"{step}.txt"
            try:
                text = f"Gauge {step} reads {step * 3} mm. " * 400
                library.add(LOCAL_ADMIN, name, text.encode())
                names.append(name)
                counts["acknowledged"] += 1
            except DiskFull:
                counts["refused"] += 1
            assert searcher.search("Where does the first gauge stand?", [space]).hits
            assert library.show(LOCAL_ADMIN, "first.txt")[1]
            counts["reads"] += 2
        filler.path.unlink()
        assert library.wait(180)  # by itself, now that there is room
        listed = {d.name: d for d in library.list(LOCAL_ADMIN)}
        lost = [n for n in names if n not in listed or listed[n].status != "ready"]
        assert lost == [], [listed.get(n) for n in lost]
        counts["lost"] = len(lost)
        library.add(LOCAL_ADMIN, "last.txt", b"The last gauge stands on the mountain.")
        assert library.wait(60)
        report = library.verify(LOCAL_ADMIN)
        if not report.ok:  # an index that could not be written is damaged for good
            report = library.verify(LOCAL_ADMIN, repair=True)
            assert library.wait(60)
        assert report.ok, [c for c in report.checks if not c.ok]
        library.close()
    return counts


@pytest.mark.timeout(900)
def test_a_disk_that_fills_loses_nothing_and_refuses_before_it_acknowledges(
    small_disk: Path, embedder: Embedder
):
    counts = fill(small_disk, embedder, steps=12, stride=8)
    assert counts["acknowledged"] >= 2
    assert counts["refused"] >= 2


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_a_hundred_steps_of_a_disk_that_fills(small_disk: Path, embedder: Embedder):
    counts = fill(small_disk, embedder, steps=100, stride=1)
    sys.stderr.write(f"{counts}\n")


def opened(settings: Settings, embedder: Embedder) -> tuple[int, str | None]:
    """Open a folder, read and try to add; how many documents, and why none is taken."""
    with open_store(settings, embedder=embedder) as store:
        library: Library = open_library(store, start=False)
        try:
            library.add(LOCAL_ADMIN, "more.txt", b"More words.")
            refusal = None
        except FootnoteError as e:
            refusal = str(e)
        count = len(library.list(LOCAL_ADMIN))
        library.close()
        return count, refusal


def test_a_folder_on_a_full_disk_opens_and_refuses_files(small_disk: Path, embedder: Embedder):
    settings = Settings(
        data=small_disk / "store", samples=False, reserve_mb=RESERVE_MB, _env_file=None
    )
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store)
        library.add(LOCAL_ADMIN, "a.txt", b"Some words.")
        assert library.wait(60)
        library.close()
    Filler(small_disk).leave(0)
    count, refusal = opened(settings, embedder)
    assert count == 1
    assert refusal is not None
    assert "nearly full" in refusal
    (small_disk / "others").unlink()
    assert opened(settings, embedder) == (2, None)


def test_a_read_only_folder_is_refused_with_a_sentence(small_disk: Path, embedder: Embedder):
    settings = Settings(data=small_disk / "store", samples=False, reserve_mb=0, _env_file=None)
    assert opened(settings, embedder) == (1, None)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(DiskFull, match="cannot be written to"):
        opened(settings, embedder)
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    assert opened(settings, embedder) == (1, None)
