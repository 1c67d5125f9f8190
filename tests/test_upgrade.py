"""A data folder of an older Footnote opens, says that it is rebuilt, and answers all the while."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import files
import pytest
import tantivy

from ingestion.chunking import CHUNKER
from ingestion.opening import open_library
from retrieval.search import Searcher
from store.embedding import Embedder
from store.indexes.words import WORDS_VERSION
from store.models import LOCAL_ADMIN
from store.opening import Store, open_store
from store.settings import Settings


def searched(store: Store, question: str) -> list[str]:
    searcher = Searcher(store.catalog, store.indexes, store.embedder)
    space = store.catalog.ensure_space("main")
    found = searcher.search(question, [space])
    assert found.warnings == ()
    return [hit.chunk.text for hit in found.hits]


def written_by_older_rules(folder: Path) -> None:
    """The word index as the first release wrote it: other fields, another WORDS_VERSION."""
    shutil.rmtree(folder)
    folder.mkdir()
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("space", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("document", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("terms", tokenizer_name="words-1", index_option="freq")
    tantivy.Index(builder.build(), path=str(folder))


def read_by_an_older_footnote(settings: Settings, fingerprint: str) -> None:
    """The readings of PDFs as if another version of the parser had made them."""
    with sqlite3.connect(settings.data / "catalog.db") as catalog:
        catalog.execute(
            "UPDATE parses SET fingerprint = ? WHERE fingerprint LIKE 'pdf-%'", (fingerprint,)
        )


def vectors(store: Store, generation_id: str) -> dict[str, int]:
    """The files of a generation's vectors by their place on the disk: others when refilled."""
    folder = store.indexes.folder(generation_id) / "chroma"
    return {f.name: f.stat().st_ino for f in folder.glob("*.sqlite3")}


def test_an_index_of_older_rules_is_rebuilt_and_answers(
    settings: Settings, embedder: Embedder, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store)
        path = files.txt(tmp_path / "a.txt", "The lighthouse keepers are paid in herring.")
        library.add(LOCAL_ADMIN, "a.txt", path)
        assert library.wait(60)
        library.close()
        serving = store.catalog.serving_generation()
        assert serving is not None
        lexical = store.indexes.folder(serving.id) / "lexical"
        before = vectors(store, serving.id)
    written_by_older_rules(lexical)
    with sqlite3.connect(settings.data / "catalog.db") as catalog:
        catalog.execute("UPDATE generations SET chunker = 'structure-1'")
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store, start=False)
        assert "of an older Footnote: rebuilt from the catalog" in caplog.text
        assert "damaged" not in caplog.text
        assert vectors(store, serving.id) == before != {}
        assert "indexed anew" in caplog.text
        assert searched(store, "herring")  # before anything is indexed anew
        library.worker.start()
        assert library.wait(60)
        assert searched(store, "lighthouse keeper")
        now = store.catalog.serving_generation()
        assert now is not None
        assert now.chunker == CHUNKER
        assert now.id != serving.id
        assert library.verify(LOCAL_ADMIN).ok
        meta = (store.indexes.folder(now.id) / "lexical" / "meta.json").read_text("utf-8")
        assert WORDS_VERSION in meta
        library.close()


def test_a_rebuilding_that_was_cut_short_is_finished_at_the_next_start(
    settings: Settings, embedder: Embedder, caplog: pytest.LogCaptureFixture
):
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store)
        library.add(LOCAL_ADMIN, "a.txt", b"The lighthouse keepers are paid in herring.")
        assert library.wait(60)
        library.close()
        serving = store.catalog.serving_generation()
        assert serving is not None
        store.indexes.quarantine(serving.id)
        store.indexes.open(serving.id, serving.dimension)  # empty, and by today's rules
    for said in (True, False):
        caplog.clear()
        with open_store(settings, embedder=embedder) as store:
            library = open_library(store, start=False)
            assert ("was cut short" in caplog.text) is said
            assert searched(store, "herring")
            assert library.verify(LOCAL_ADMIN).ok
            library.close()


def test_what_an_older_footnote_read_is_read_again_when_asked(
    settings: Settings, embedder: Embedder, tmp_path: Path
):
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store)
        for n in range(2):
            path = files.text_pdf(tmp_path / f"{n}.pdf", [f"The lighthouse {n} is white."])
            library.add(LOCAL_ADMIN, path.name, path)
        library.add(LOCAL_ADMIN, "a.txt", b"Some plain words.")
        assert library.wait(60)
        assert library.outdated(LOCAL_ADMIN) == []
        library.close()
    read_by_an_older_footnote(settings, "pdf-1-0123456789ab")
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store)
        first, second = (library.document(LOCAL_ADMIN, f"{n}.pdf") for n in range(2))
        assert set(library.outdated(LOCAL_ADMIN)) == {first.id, second.id}
        cited = library.show(LOCAL_ADMIN, first.id)[1][0]
        library.pause(LOCAL_ADMIN)
        library.retry(LOCAL_ADMIN, first.id)
        assert library.document(LOCAL_ADMIN, first.id).earlier_answers
        assert any("lighthouse 0" in text for text in searched(store, "lighthouse"))
        assert library.outdated(LOCAL_ADMIN) == [second.id]
        assert library.retry_outdated(LOCAL_ADMIN) == [second.id]
        library.resume(LOCAL_ADMIN)
        assert library.wait(60)
        assert library.outdated(LOCAL_ADMIN) == library.retry_outdated(LOCAL_ADMIN) == []
        assert {d.status for d in library.list(LOCAL_ADMIN)} == {"ready"}
        library.pipeline.leave([x.version_id for x in store.catalog.leaving()])
        now = library.show(LOCAL_ADMIN, first.id)[1][0]
        assert now.id != cited.id
        # A citation of before still opens its page.
        assert library.page(LOCAL_ADMIN, cited.id).page.text == cited.text
        assert library.verify(LOCAL_ADMIN).ok
        library.close()


def test_a_newer_reading_that_fails_takes_nothing_away(
    settings: Settings, embedder: Embedder, tmp_path: Path
):
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store)
        path = files.text_pdf(tmp_path / "a.pdf", ["The lighthouse is white."])
        document = library.add(LOCAL_ADMIN, path.name, path)
        assert library.wait(60)
        content = store.files.path(library.document(LOCAL_ADMIN, document.id).content_hash)
        library.close()
    read_by_an_older_footnote(settings, "pdf-1-0123456789ab")
    content.write_bytes(b"%PDF-1.7 of which nothing is left")
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store)
        library.retry(LOCAL_ADMIN, document.id)
        assert library.wait(60)
        ended = library.document(LOCAL_ADMIN, document.id)
        assert (ended.status, ended.earlier_answers) == ("failed", True)
        assert searched(store, "lighthouse")
        library.close()
