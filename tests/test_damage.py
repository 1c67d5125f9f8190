"""Changed bytes in a file of the data folder are noticed or harmless; nothing wrong is shown."""

from __future__ import annotations

import random
import shutil
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from damaging import KINDS, Examiner, damage, make

from ingestion.library import Library
from ingestion.mending import mend
from ingestion.opening import open_library
from retrieval.search import Searcher
from store.catalog.faults import CatalogDamaged
from store.embedding import Embedder
from store.indexes.generations import SIDES
from store.models import LOCAL_ADMIN
from store.opening import Store, open_store
from store.settings import Settings

BAD = ("wrong", "missed", "crashed")


def flip(folder: Path, embedder: Embedder, count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """How many damages of a folder had which outcome, and those that may not be."""
    unclean = make(folder, embedder)
    clean = folder / "live"
    chance, outcomes, bad = random.Random(seed), Counter[str](), []
    examiner = Examiner()
    done = 0
    while done < count:
        case = folder / "case"
        # A third as a killed process leaves it: then everything is probed at the start.
        shutil.copytree(unclean if done % 3 == 0 else clean, case)
        what = damage(case, KINDS[chance.randrange(len(KINDS))], chance)
        if what is not None:
            found = examiner.examine(case, folder / "truth.json")
            outcomes[found["outcome"]] += 1
            sys.stderr.write(f"{found['outcome']}: {what}. {found['said']}\n")
            outcomes["ended the process first"] += bool(found["crashes"])
            outcomes["mended"] += found["outcome"] == "detected" and found["mended"]
            if found["outcome"] in BAD:
                bad.append(f"{what}: {found}")
            done += 1
        shutil.rmtree(case)
    examiner.close()
    return outcomes, bad


@pytest.mark.timeout(900)
def test_flipped_bits_and_cut_files_are_noticed_or_harmless(tmp_path: Path, embedder: Embedder):
    outcomes, bad = flip(tmp_path, embedder, 20, seed=1)
    sys.stderr.write(f"{dict(outcomes)}\n")
    assert not bad, "\n".join(bad)


@pytest.mark.torture
@pytest.mark.timeout(2 * 3600)
def test_two_hundred_flipped_bits_and_cut_files(tmp_path: Path, embedder: Embedder):
    outcomes, bad = flip(tmp_path, embedder, 200, seed=2)
    sys.stderr.write(f"{dict(outcomes)}\n")
    assert not bad, "\n".join(bad)


@contextmanager
def opened(
    settings: Settings, embedder: Embedder, *, start: bool = True
) -> Iterator[tuple[Store, Library]]:
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store, start=start)
        try:
            yield store, library
        finally:
            library.close()


def add(settings: Settings, embedder: Embedder) -> None:
    with opened(settings, embedder) as (_, library):
        library.add(LOCAL_ADMIN, "a.txt", b"The bridge is 412 metres long.")
        library.add(LOCAL_ADMIN, "b.txt", b"The tunnel is 77 metres long.")
        assert library.wait(60)


def test_a_changed_text_in_the_catalog_is_never_quoted_and_is_read_anew(
    settings: Settings, embedder: Embedder
):
    add(settings, embedder)
    with sqlite3.connect(settings.data / "catalog.db") as c:
        c.execute("UPDATE pages SET text = replace(text, '412', '912')")
    with opened(settings, embedder) as (store, library):
        searcher = Searcher(store.catalog, store.indexes, store.embedder)
        space = store.catalog.ensure_space("main")
        hits = searcher.search("How long is the bridge?", [space]).hits
        assert [h.chunk.text for h in hits] == ["The tunnel is 77 metres long."]
        report = library.verify(LOCAL_ADMIN)
        assert {c.name for c in report.checks if not c.ok} == {"pages", "texts of chunks"}
        report = library.verify(LOCAL_ADMIN, repair=True)
        assert report.ok
        assert report.repaired
        assert library.wait(60)
        hits = searcher.search("How long is the bridge?", [space]).hits
        assert hits[0].chunk.text == "The bridge is 412 metres long."
        assert library.verify(LOCAL_ADMIN).ok


def test_a_changed_vector_in_the_catalog_is_computed_anew(settings: Settings, embedder: Embedder):
    add(settings, embedder)
    with sqlite3.connect(settings.data / "catalog.db") as c:
        c.execute("UPDATE embeddings SET vector = CAST(zeroblob(1532) || x'0000803f' AS BLOB)")
    with opened(settings, embedder, start=False) as (_, library):
        report = library.verify(LOCAL_ADMIN)
        assert [c.name for c in report.checks if not c.ok] == ["found by meaning"]
        assert library.verify(LOCAL_ADMIN, repair=True).ok


def test_a_damaged_catalog_is_not_used_and_the_way_back_is_told(
    settings: Settings, embedder: Embedder
):
    add(settings, embedder)
    path = settings.data / "catalog.db"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    for _ in range(2):  # the first try must not have changed anything
        with (
            pytest.raises(CatalogDamaged, match="restore"),
            open_store(settings, embedder=embedder) as store,
        ):
            open_library(store)
    path.unlink()
    with (
        pytest.raises(CatalogDamaged, match="missing"),
        open_store(settings, embedder=embedder),
    ):
        pass
    path.write_bytes(whole)
    with open_store(settings, embedder=embedder) as store:
        assert len(store.catalog.documents()) == 2


def test_a_lost_log_of_the_catalog_loses_no_document(settings: Settings, embedder: Embedder):
    add(settings, embedder)
    crashed = settings.model_copy(update={"data": settings.data.parent / "crashed"})
    with opened(settings, embedder, start=False) as (_, library):
        library.add(LOCAL_ADMIN, "late.txt", b"The ferry takes 19 minutes.")
        shutil.copytree(settings.data, crashed.data)
    (crashed.data / "catalog.db-wal").unlink()
    (crashed.data / "catalog.db-shm").unlink()
    with opened(crashed, embedder) as (_, library):
        assert library.wait(60)
        assert library.document(LOCAL_ADMIN, "late.txt").status == "ready"
        assert library.verify(LOCAL_ADMIN).ok


def test_a_stranger_among_the_files_is_named_and_left_alone(settings: Settings, embedder: Embedder):
    add(settings, embedder)
    (settings.data / "holiday.jpg").write_bytes(b"mine")
    with opened(settings, embedder, start=False) as (_, library):
        report = library.verify(LOCAL_ADMIN, repair=True)
        [fault] = [c.detail for c in report.checks if not c.ok]
        assert "holiday.jpg" in fault
        assert (settings.data / "holiday.jpg").exists()


def test_a_file_whose_bytes_changed_is_named_and_mended_by_adding_it_again(
    settings: Settings, embedder: Embedder
):
    add(settings, embedder)
    with opened(settings, embedder, start=False) as (store, library):
        digest = library.document(LOCAL_ADMIN, "a.txt").content_hash
        store.files.path(digest).write_bytes(b"The bridge is 912 metres long.")
        report = library.verify(LOCAL_ADMIN)
        assert [c.name for c in report.checks if not c.ok] == ["originals"]
        library.add(LOCAL_ADMIN, "a.txt", b"The bridge is 412 metres long.")
        assert library.verify(LOCAL_ADMIN).ok


def test_exact_search_and_words_answer_while_an_index_is_rebuilt(
    settings: Settings, embedder: Embedder
):
    add(settings, embedder)
    with opened(settings, embedder, start=False) as (store, library):
        serving = store.catalog.serving_generation()
        assert serving is not None
        searcher = Searcher(store.catalog, store.indexes, store.embedder)
        space = store.catalog.ensure_space("main")
        for side in SIDES:
            store.indexes.quarantine(serving.id, side)
            found = searcher.search("How long is the bridge?", [space])
            assert found.hits[0].chunk.text == "The bridge is 412 metres long."
            assert found.warnings
            said = {c.name: c.detail for c in library.health(LOCAL_ADMIN).checks}
            assert "rebuilt" in said["index"]
            mend(library.pipeline)
            found = searcher.search("How long is the bridge?", [space])
            assert not found.warnings
        assert library.verify(LOCAL_ADMIN).ok


def test_a_damaged_index_is_set_aside_at_the_start_and_rebuilt_beside_the_questions(
    settings: Settings, embedder: Embedder
):
    add(settings, embedder)
    with sqlite3.connect(settings.data / "catalog.db") as c:
        c.execute("UPDATE meta SET value = 'no' WHERE key = 'closed'")
    [chroma] = (settings.data / "indexes").glob("*/chroma/chroma.sqlite3")
    chroma.write_bytes(chroma.read_bytes()[:5000])
    with open_store(settings, address="http://127.0.0.1:9", embedder=embedder) as store:
        library = open_library(store)
        space = store.catalog.ensure_space("main")
        searcher = Searcher(store.catalog, store.indexes, store.embedder)
        assert searcher.search("How long is the bridge?", [space]).hits
        serving = store.catalog.serving_generation()
        assert serving is not None
        until = time.monotonic() + 60
        while store.indexes.rebuilding(serving.id) and time.monotonic() < until:
            time.sleep(0.05)
        assert library.verify(LOCAL_ADMIN).ok
        library.close()
