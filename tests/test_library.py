"""The library over real parts: files in, chunks in both indexes, removal, re-index, verify."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import files
import pytest

from ingestion.library import Library
from ingestion.opening import open_library, recover
from store.embedding import Embedder
from store.errors import BadInput, NotAllowed, NotFound
from store.files import Files
from store.models import LOCAL_ADMIN, Document, Principal
from store.opening import Store, open_store
from store.settings import Settings


def add(library: Library, path: Path, space: str = "main") -> Document:
    document = library.add(LOCAL_ADMIN, path.name, path, space)
    assert library.wait(60)
    return library.show(LOCAL_ADMIN, document.id)[0]


def index_ids(store: Store) -> tuple[set[str], set[str], set[str]]:
    """Chunk ids of the serving generation: catalog, vectors, lexical."""
    serving = store.catalog.serving_generation()
    assert serving is not None
    pair = store.indexes.open(serving.id, serving.dimension)
    vectors = {i for s in pair.vectors.spaces() for i in pair.vectors.ids(s)}
    catalog = {i for ids in store.catalog.chunk_ids(serving.id).values() for i in ids}
    return catalog, vectors, pair.lexical.ids()


def test_a_pdf_becomes_ready_with_its_pages_in_both_indexes(
    library: Library, store: Store, tmp_path: Path
):
    path = files.text_pdf(tmp_path / "a.pdf", ["The lighthouse is white.", "The boat is red."])
    document = add(library, path)
    assert (document.status, document.pages, document.error) == ("ready", 2, None)
    catalog, vectors, lexical = index_ids(store)
    assert catalog
    assert catalog == vectors == lexical
    pages = library.show(LOCAL_ADMIN, "a.pdf")[1]
    assert [(p.number, p.how) for p in pages] == [(1, "text"), (2, "text")]
    assert "The lighthouse is white." in pages[0].text


def test_the_same_bytes_are_recognised(library: Library, tmp_path: Path):
    path = files.txt(tmp_path / "a.txt")
    first = add(library, path)
    again = library.add(LOCAL_ADMIN, "copy.txt", path)
    assert again.status == "duplicate"
    assert again.id == first.id
    assert "a.txt" in again.warnings[0]
    assert len(library.list(LOCAL_ADMIN)) == 1


def test_a_removed_document_is_gone_everywhere(library: Library, store: Store, tmp_path: Path):
    document = add(library, files.text_pdf(tmp_path / "a.pdf", ["A secret marker word."]))
    page_id = library.show(LOCAL_ADMIN, document.id)[1][0].id
    assert library.picture(LOCAL_ADMIN, page_id, 400).startswith(b"\x89PNG")
    library.remove(LOCAL_ADMIN, "a.pdf")
    assert index_ids(store) == (set(), set(), set())
    assert library.list(LOCAL_ADMIN) == []
    assert store.files.contents() == set()
    assert store.files.sizes() == {"originals": 0, "pictures": 0}
    with pytest.raises(NotFound):
        library.page(LOCAL_ADMIN, page_id)


def test_a_new_version_replaces_the_old_one(library: Library, store: Store, tmp_path: Path):
    add(library, files.txt(tmp_path / "a.txt", "The old rule is four days of holiday."))
    (tmp_path / "a.txt").unlink()
    add(library, files.txt(tmp_path / "a.txt", "The new rule is nine days of holiday."))
    library.worker.pipeline.leave([x.version_id for x in store.catalog.leaving()])
    catalog, vectors, lexical = index_ids(store)
    assert catalog == vectors == lexical
    texts = [c.text for c in store.catalog.stored_chunks(sorted(catalog)).values()]
    assert len(texts) == 1
    assert "nine days" in texts[0]


def test_one_bad_file_never_stops_the_others(library: Library, tmp_path: Path):
    good = files.text_pdf(tmp_path / "good.pdf", ["All is well."])
    bad = [
        files.encrypted_pdf(tmp_path / "locked.pdf", "secret"),
        files.truncated_pdf(tmp_path / "cut.pdf"),
        files.zero_page_pdf(tmp_path / "nothing.pdf"),
        files.huge_png(tmp_path / "huge.png"),
    ]
    queued = [library.add(LOCAL_ADMIN, p.name, p) for p in [*bad, good]]
    assert library.wait(120)
    ended = {d.name: library.show(LOCAL_ADMIN, d.id)[0] for d in queued}
    assert ended.pop("good.pdf").status == "ready"
    assert ended["locked.pdf"].status == "failed"
    assert "password" in (ended["locked.pdf"].error or "")
    for document in ended.values():
        assert document.status in ("failed", "no_text", "partial"), document
        assert document.error or document.warnings or document.status == "no_text"
    assert library.verify(LOCAL_ADMIN).ok


def test_an_empty_file_is_refused_and_nothing_is_kept(
    library: Library, store: Store, tmp_path: Path
):
    with pytest.raises(BadInput, match="empty"):
        library.add(LOCAL_ADMIN, "empty.txt", files.empty_file(tmp_path / "empty.txt"))
    assert library.list(LOCAL_ADMIN) == []
    assert store.files.contents() == set()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\temp\\note.txt", "note.txt"),
        ("a" * 300 + ".txt", "a" * 176 + ".txt"),
        ("evil\u202etxt.exe.txt", "evil txt.exe.txt"),
        ("<b>bold</b>.txt", "b>.txt"),
    ],
)
def test_a_hostile_name_is_made_safe_and_the_file_is_read(library: Library, name: str, shown: str):
    document = library.add(LOCAL_ADMIN, name, b"Some plain words to read.")
    assert library.wait(30)
    kept = library.show(LOCAL_ADMIN, document.id)[0]
    assert kept.name == shown
    assert kept.status == "ready"


def test_a_file_without_words_ends_as_no_text_found(library: Library, tmp_path: Path):
    path = files.picture(tmp_path / "blank.png", "", "png")
    assert add(library, path).status == "no_text"


def test_a_reindex_swaps_while_documents_come_and_go(
    library: Library, store: Store, tmp_path: Path
):
    for i in range(6):
        add(library, files.txt(tmp_path / f"{i}.txt", f"Fact number {i} is written down here."))
    before = store.catalog.serving_generation()
    library.reindex(LOCAL_ADMIN)
    library.remove(LOCAL_ADMIN, "0.txt")
    added = library.add(LOCAL_ADMIN, "late.txt", b"A fact that came late to the library.")
    assert library.wait(60)
    status = library.reindex_status(LOCAL_ADMIN)
    assert (status.state, status.swapped) == ("done", True)
    after = store.catalog.serving_generation()
    assert after is not None
    assert before is not None
    assert after.id != before.id
    assert library.show(LOCAL_ADMIN, added.id)[0].status == "ready"
    catalog, vectors, lexical = index_ids(store)
    assert len(catalog) == 6
    assert catalog == vectors == lexical
    assert library.verify(LOCAL_ADMIN).ok


def test_a_cancelled_document_leaves_nothing_in_the_indexes_and_can_be_retried(
    store: Store, tmp_path: Path
):
    library = open_library(store, start=False)
    path = files.text_pdf(tmp_path / "long.pdf", [f"Page {i} has words." for i in range(40)])
    document = library.add(LOCAL_ADMIN, path.name, path)
    library.cancel(LOCAL_ADMIN, document.id)
    assert library.show(LOCAL_ADMIN, document.id)[0].status == "cancelled"
    library.worker.start()
    library.retry(LOCAL_ADMIN, document.id)
    assert library.wait(60)
    assert library.show(LOCAL_ADMIN, document.id)[0].status == "ready"
    library.close()


def test_verify_finds_and_mends_what_an_index_lost(library: Library, store: Store, tmp_path: Path):
    add(library, files.txt(tmp_path / "a.txt", "One fact is kept in this file."))
    serving = store.catalog.serving_generation()
    assert serving is not None
    pair = store.indexes.open(serving.id, serving.dimension)
    (space, ids), *_ = store.catalog.chunk_ids(serving.id).items()
    pair.vectors.delete(space, ids)
    pair.lexical.delete(ids)
    report = library.verify(LOCAL_ADMIN)
    assert {c.name for c in report.checks if not c.ok} == {"vector index", "lexical index"}
    mended = library.verify(LOCAL_ADMIN, repair=True)
    assert mended.ok
    assert len(mended.repaired) == 2
    assert index_ids(store) == (ids, ids, ids)


def test_the_indexes_can_be_deleted_and_come_back_without_reading_anything(
    settings: Settings, embedder: Embedder, tmp_path: Path
):
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store)
        add(library, files.text_pdf(tmp_path / "a.pdf", ["A fact in a file."]))
        library.close()
    shutil.rmtree(settings.data / "indexes")
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store)
        assert not library.verify(LOCAL_ADMIN).ok
        assert library.verify(LOCAL_ADMIN, repair=True).ok
        catalog, vectors, lexical = index_ids(store)
        assert catalog
        assert catalog == vectors == lexical
        library.close()


def test_a_space_is_seen_only_by_those_who_may(library: Library, tmp_path: Path):
    document = add(library, files.txt(tmp_path / "a.txt", "Only for the board."), "board")
    page_id = library.show(LOCAL_ADMIN, document.id)[1][0].id
    stranger = Principal(id="stranger", spaces=frozenset())
    assert library.list(stranger) == []
    assert library.spaces(stranger) == {}
    for ask in (
        lambda: library.show(stranger, document.id),
        lambda: library.page(stranger, page_id),
        lambda: library.remove(stranger, document.id),
        lambda: library.list(stranger, "board"),
        lambda: library.add(stranger, "b.txt", b"words", "board"),
    ):
        with pytest.raises(NotFound):
            ask()
    with pytest.raises(NotAllowed):
        library.reindex(stranger)


def test_a_removal_in_the_middle_of_reading_wins(library: Library, store: Store, tmp_path: Path):
    path = files.text_pdf(tmp_path / "long.pdf", [f"Page {i} is here." * 20 for i in range(60)])
    document = library.add(LOCAL_ADMIN, path.name, path)
    seen = threading.Event()
    while not seen.is_set():
        if library.show(LOCAL_ADMIN, document.id)[0].status != "queued":
            seen.set()
    library.remove(LOCAL_ADMIN, document.id)
    assert library.wait(60)
    assert library.list(LOCAL_ADMIN) == []
    assert index_ids(store) == (set(), set(), set())
    assert store.files.contents() == set()


def test_a_late_clean_up_takes_nothing_from_a_document_that_was_retried(
    library: Library, store: Store, tmp_path: Path
):
    add(library, files.txt(tmp_path / "a.txt", "One fact is kept in this file."))
    serving = library.pipeline.first_generation()
    (version_id,) = store.catalog.indexed_in(serving.id)
    library.pipeline.unindex(version_id)
    catalog, vectors, lexical = index_ids(store)
    assert catalog
    assert catalog == vectors == lexical


def test_a_repair_in_the_middle_of_an_upload_keeps_the_file(library: Library, store: Store):
    staged = store.files.stage(b"Words that arrive just now.", 1000)
    repair = threading.Thread(target=library.verify, args=(LOCAL_ADMIN, True))
    with library.pipeline.content_lock:
        store.files.keep(staged)
        repair.start()
        repair.join(0.3)
        space = store.catalog.ensure_space("main")
        store.catalog.add_version(space, "a.txt", staged.digest, staged.size, "text", 1.0)
    repair.join()
    library.worker.wake()
    assert library.wait(30)
    assert library.show(LOCAL_ADMIN, "a.txt")[0].status == "ready"


def test_a_document_is_not_lost_to_a_damaged_index(library: Library, store: Store, tmp_path: Path):
    add(library, files.txt(tmp_path / "a.txt", "One fact is kept in this file."))
    serving = library.pipeline.first_generation()
    store.indexes.quarantine(serving.id)
    lexical = store.indexes.folder(serving.id) / "lexical"
    lexical.mkdir(parents=True)
    (lexical / "meta.json").write_bytes(b"half a fi")
    library.add(LOCAL_ADMIN, "b.txt", b"Words that must wait for the index.")
    assert not library.wait(1.5)
    assert not library.verify(LOCAL_ADMIN).ok
    library.verify(LOCAL_ADMIN, repair=True)
    assert library.wait(30)
    assert library.show(LOCAL_ADMIN, "b.txt")[0].status == "ready"
    assert library.verify(LOCAL_ADMIN).ok


def test_a_file_that_a_kill_left_without_a_document_is_swept_at_the_next_start(store: Store):
    store.files.keep(store.files.stage(b"stored, and then killed", 1000))
    library = open_library(store, start=False)
    assert library.verify(LOCAL_ADMIN).ok
    library.close()


def test_a_job_whose_end_could_not_be_written_is_done_again(store: Store):
    library = open_library(store, start=False)
    library.add(LOCAL_ADMIN, "a.txt", b"Some plain words.")
    assert store.catalog.claim_next(store.epoch, ["ingest"], 1e12)
    library.worker.start()
    assert library.wait(30)
    assert library.show(LOCAL_ADMIN, "a.txt")[0].status == "ready"
    library.close()


def test_a_reindex_cancelled_and_killed_does_not_stand_in_the_way_of_the_next(store: Store):
    library = open_library(store, start=False)
    library.add(LOCAL_ADMIN, "a.txt", b"Some plain words.")
    library.reindex(LOCAL_ADMIN)
    assert store.catalog.claim_next(store.epoch, ["reindex"], 1e12)
    library.cancel_reindex(LOCAL_ADMIN)
    library.worker.epoch = store.catalog.take_epoch()
    recover(library.pipeline, probe=True)
    assert library.reindex(LOCAL_ADMIN).state == "running"
    library.worker.start()
    assert library.wait(60)
    assert library.reindex_status(LOCAL_ADMIN).swapped
    library.close()


def test_an_index_damaged_while_it_was_built_is_built_all_the_same(store: Store):
    library = open_library(store, start=False)
    library.add(LOCAL_ADMIN, "a.txt", b"Some plain words.")
    library.reindex(LOCAL_ADMIN)
    (building,) = (g for g in store.catalog.generations() if g.state == "building")
    lexical = store.indexes.folder(building.id) / "lexical"
    lexical.mkdir(parents=True)
    (lexical / "meta.json").write_bytes(b"half a fi")
    recover(library.pipeline, probe=True)
    library.worker.start()
    assert library.wait(60)
    assert library.reindex_status(LOCAL_ADMIN).swapped
    assert library.verify(LOCAL_ADMIN).ok
    library.close()


def test_the_picture_cache_is_emptied_before_it_outgrows_its_limit(tmp_path: Path):
    kept = Files(tmp_path, max_picture_bytes=100)
    for page in range(5):
        kept.put_picture("digest", f"{page}.png", b"x" * 40)
        assert kept.picture("digest", f"{page}.png") == b"x" * 40
        assert kept.sizes()["pictures"] <= 100
