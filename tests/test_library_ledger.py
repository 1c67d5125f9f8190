"""The ledger: every page accounted for, lost ones said everywhere, and read again on demand."""

from __future__ import annotations

from pathlib import Path

import files
import pytest

from ingestion.library import Library
from ingestion.opening import open_library
from ingestion.printing import ledger_lines
from store import states
from store.errors import BadInput
from store.models import LOCAL_ADMIN, Document
from store.opening import Store
from store.wire import document_json, shown_json

NAMES = ("Anna", "Birka", "Clara", "Dagny", "Edda", "Freja", "Gerda", "Hulda")
PAGES = [f"The boat {name} lies in the harbour." for name in NAMES]


def broken(tmp_path: Path) -> Path:
    return files.pdf_with_broken_pages(tmp_path / "report.pdf", PAGES, [3, 7])


def test_lost_pages_are_named_with_their_reason(library: Library, tmp_path: Path):
    path = broken(tmp_path)
    library.add(LOCAL_ADMIN, path.name, path)
    assert library.wait(30)
    document, pages = library.show(LOCAL_ADMIN, path.name)
    assert document.status == "partial"
    said = "Partly read, pages 3 and 7 failed: This page is damaged."
    assert states.sentence(document) == said
    assert document_json(document)["state"] == said
    lines = library.ledger(LOCAL_ADMIN, document.id)
    assert [line.page for line in lines if line.how == "failed"] == [3, 7]
    assert [line.words for line in lines] == [p.words for p in pages]
    table = ledger_lines(shown_json(document, pages)["pages"])
    assert "This page is damaged." in table[3]
    counts = library.ledger_counts(LOCAL_ADMIN)
    assert (counts.how, counts.poor) == ({"text": 6, "failed": 2}, 0)


@pytest.mark.parametrize(
    ("warnings", "said"),
    [
        (
            ("Page 4 failed: It is damaged.",),
            "Partly read, page 4 failed: It is damaged.",
        ),
        (
            ("The name was shortened.", "Pages 1–3, 7, 9 failed: It took too long."),
            "Partly read, pages 1–3, 7 and 9 failed: It took too long.",
        ),
        (
            ("Pages 1, 2 failed: A.", "Page 5 failed: B.", "7 pages beyond the limit were lost."),
            "Partly read, pages 1 and 2 failed: A. Page 5 failed: B. "
            "7 pages beyond the limit were lost.",
        ),
    ],
)
def test_the_state_is_said_in_one_sentence(warnings: tuple[str, ...], said: str):
    document = Document(
        id="d", space_id="s", space="main", name="a.pdf", status="partial", warnings=warnings
    )
    assert states.sentence(document) == said


def test_a_document_with_lost_pages_answers_while_it_is_read_again(store: Store, tmp_path: Path):
    library = open_library(store)
    path = broken(tmp_path)
    document = library.add(LOCAL_ADMIN, path.name, path)
    assert library.wait(30)
    library.pause(LOCAL_ADMIN)
    library.retry(LOCAL_ADMIN, document.id)
    again = library.document(LOCAL_ADMIN, document.id)
    assert (again.status, again.earlier_answers, again.warnings) == ("queued", True, ())
    serving = store.catalog.serving_generation()
    assert serving is not None
    ids = {i for found in store.catalog.chunk_ids(serving.id).values() for i in found}
    assert store.catalog.chunks(sorted(ids))
    library.resume(LOCAL_ADMIN)
    assert library.wait(30)
    library.pipeline.leave([x.version_id for x in store.catalog.leaving()])
    ended = library.document(LOCAL_ADMIN, document.id)
    assert (ended.status, ended.warnings) == (
        "partial",
        ("Pages 3, 7 failed: This page is damaged.",),
    )
    assert len(library.ledger(LOCAL_ADMIN, document.id)) == len(PAGES)
    assert library.verify(LOCAL_ADMIN).ok
    library.close()


def test_what_is_read_better_for_one_space_is_not_lost_to_another(
    library: Library, store: Store, tmp_path: Path
):
    path = broken(tmp_path)
    first = library.add(LOCAL_ADMIN, path.name, path, "main")
    other = library.add(LOCAL_ADMIN, path.name, path, "board")
    assert library.wait(30)
    version = library.catalog.version(
        next(iter(library.catalog.indexed_in(library.pipeline.first_generation().id)))
    )
    assert version.parse_id is not None
    # As if a better reader had come: the pages that failed can be read now.
    library.store.files.path(version.content_hash).write_bytes(
        files.text_pdf(tmp_path / "whole.pdf", PAGES).read_bytes()
    )
    library.retry(LOCAL_ADMIN, first.id)
    assert library.wait(30)
    for document_id in (first.id, other.id):
        document = library.document(LOCAL_ADMIN, document_id)
        assert (document.status, document.warnings) == ("ready", ())
        assert {line.how for line in library.ledger(LOCAL_ADMIN, document_id)} == {"text"}
        assert document.chunks >= len(PAGES)


def test_the_same_bytes_are_read_once_for_two_spaces(store: Store, tmp_path: Path):
    library = open_library(store, start=False)
    path = files.scanned_pdf(tmp_path / "scan.pdf", ["A page to be read once only."] * 2)
    for space in ("main", "board"):
        library.add(LOCAL_ADMIN, path.name, path, space)
    first = store.catalog.claim_next(store.epoch, ["ingest"], 1e12)
    assert first is not None
    assert store.catalog.claim_next(store.epoch, ["ingest"], 1e12) is None
    store.catalog.put_back(first.lease, 0.0, "")
    library.worker.start()
    assert library.wait(60)
    assert {d.status for d in library.list(LOCAL_ADMIN)} == {"ready"}
    library.close()


def test_what_was_read_in_full_has_nothing_to_retry(library: Library):
    document = library.add(LOCAL_ADMIN, "a.txt", b"Some plain words.")
    assert library.wait(30)
    with pytest.raises(BadInput, match="nothing to retry"):
        library.retry(LOCAL_ADMIN, document.id)
