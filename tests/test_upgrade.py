"""A data folder of an older Footnote opens, says that it is rebuilt, and answers all the while."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import files
import pytest
import tantivy

from ingestion.chunking import CHUNKER
from ingestion.library import open_library
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
    written_by_older_rules(lexical)
    with sqlite3.connect(settings.data / "catalog.db") as catalog:
        catalog.execute("UPDATE generations SET chunker = 'structure-1'")
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store, start=False)
        assert "rebuilt from the catalog" in caplog.text
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
