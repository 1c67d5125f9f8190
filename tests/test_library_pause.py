"""Pausing: the queue and single files hold still, through restarts, and go on where they were."""

from __future__ import annotations

import time
from pathlib import Path

import files
import pytest

from ingestion.library import Library
from ingestion.opening import open_library
from store.embedding import Embedder
from store.errors import BadInput
from store.models import LOCAL_ADMIN
from store.opening import Store, open_store
from store.settings import Settings

WORDS = [
    "tide",
    "mast",
    "rope",
    "keel",
    "oar",
    "sail",
    "bell",
    "chart",
    "buoy",
    "pier",
    "crane",
    "light",
]
SCAN = [f"The {word} was seen from the lighthouse." for word in WORDS]


def read_some(library: Library, document_id: str) -> int:
    """Waits until pages are stored; how many."""
    until = time.monotonic() + 60
    while not (done := library.document(LOCAL_ADMIN, document_id).pages_done):
        assert time.monotonic() < until
        time.sleep(0.02)
    return done


def test_a_paused_queue_reads_nothing_and_does_not_keep_anybody_waiting(library: Library):
    library.pause(LOCAL_ADMIN)
    document = library.add(LOCAL_ADMIN, "a.txt", b"Some plain words.")
    assert document.paused
    assert library.wait(5)
    assert library.document(LOCAL_ADMIN, document.id).status == "queued"
    assert library.queue(LOCAL_ADMIN) == (0, 1, True)
    library.resume(LOCAL_ADMIN)
    assert library.wait(30)
    assert library.document(LOCAL_ADMIN, document.id).status == "ready"
    assert library.queue(LOCAL_ADMIN) == (0, 0, False)


def test_one_file_is_held_back_while_the_others_go_through(store: Store):
    library = open_library(store, start=False)
    held = library.add(LOCAL_ADMIN, "a.txt", b"Some plain words.")
    other = library.add(LOCAL_ADMIN, "b.txt", b"Other plain words.")
    library.pause(LOCAL_ADMIN, held.id)
    library.worker.start()
    assert library.wait(30)
    assert library.document(LOCAL_ADMIN, held.id).paused
    assert library.document(LOCAL_ADMIN, other.id).status == "ready"
    with pytest.raises(BadInput, match="is not being read"):
        library.pause(LOCAL_ADMIN, other.id)
    library.resume(LOCAL_ADMIN, held.id)
    assert library.wait(30)
    assert library.document(LOCAL_ADMIN, held.id).status == "ready"
    with pytest.raises(BadInput, match="not paused"):
        library.resume(LOCAL_ADMIN, held.id)
    library.close()


@pytest.mark.parametrize("whole_queue", [True, False])
def test_a_file_stops_in_the_middle_and_goes_on_without_reading_pages_again(
    settings: Settings, embedder: Embedder, tmp_path: Path, whole_queue: bool
):
    path = files.scanned_pdf(tmp_path / "scan.pdf", SCAN)
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store)
        document = library.add(LOCAL_ADMIN, path.name, path)
        read_some(library, document.id)
        library.pause(LOCAL_ADMIN, None if whole_queue else document.id)
        before = {line.page_id for line in library.ledger(LOCAL_ADMIN, document.id)}
        assert 0 < len(before) < len(SCAN)
        assert library.wait(5)
        paused = library.document(LOCAL_ADMIN, document.id)
        assert (paused.status, paused.paused) == ("queued", True)
        time.sleep(2)  # whoever still reads has lost the right to store it
        assert {line.page_id for line in library.ledger(LOCAL_ADMIN, document.id)} == before
        library.close()
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store)
        assert library.wait(5)
        assert library.document(LOCAL_ADMIN, document.id).paused
        library.resume(LOCAL_ADMIN, None if whole_queue else document.id)
        assert library.wait(60)
        done = library.document(LOCAL_ADMIN, document.id)
        assert (done.status, done.pages_done) == ("ready", len(SCAN))
        assert before < {line.page_id for line in library.ledger(LOCAL_ADMIN, document.id)}
        assert library.verify(LOCAL_ADMIN).ok
        library.close()


def test_pausing_and_resuming_at_once_ends_ready(library: Library, tmp_path: Path):
    path = files.text_pdf(
        tmp_path / "long.pdf", [f"{word} {i} is here. " * 20 for i, word in enumerate(WORDS * 16)]
    )
    document = library.add(LOCAL_ADMIN, path.name, path)
    for _ in range(20):
        library.pause(LOCAL_ADMIN)
        library.resume(LOCAL_ADMIN)
        time.sleep(0.05)
    assert library.wait(60)
    done = library.document(LOCAL_ADMIN, document.id)
    assert (done.status, done.error) == ("ready", None)
    assert library.verify(LOCAL_ADMIN).ok


def test_a_paused_file_is_cancelled_and_removed_like_any_other(library: Library):
    library.pause(LOCAL_ADMIN)
    first = library.add(LOCAL_ADMIN, "a.txt", b"Some plain words.")
    second = library.add(LOCAL_ADMIN, "b.txt", b"Other plain words.")
    library.cancel(LOCAL_ADMIN, first.id)
    assert library.document(LOCAL_ADMIN, first.id).status == "cancelled"
    library.remove(LOCAL_ADMIN, second.id)
    assert library.queue(LOCAL_ADMIN).held == 0
