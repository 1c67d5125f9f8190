"""The catalog's promises: leases, epochs, readiness, who sees what, what a removal takes."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from store.catalog import Catalog
from store.catalog.chunks import NewChunk, text_hash
from store.catalog.jobs import Job
from store.catalog.tables import metadata
from store.errors import BadInput, LeaseLost, NotFound
from store.models import Answer, Generation, ParsedDocument, ParsedPage, Span


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = Catalog(tmp_path / "catalog.db")
    yield opened
    opened.close()


def claim(catalog: Catalog, epoch: int | None = None) -> Job:
    job = catalog.claim_next(epoch or catalog.take_epoch(), ["ingest"], now=1e12)
    assert job is not None
    return job


def read_and_index(catalog: Catalog, job: Job, generation: Generation, text: str) -> list[str]:
    """What the pipeline does to one version, up to before it is ready."""
    version = catalog.version(job.version_id or "")
    parse_id = catalog.begin_parse(
        job.lease, version.content_hash, "text-1", ParsedDocument(pages=1)
    )
    page = ParsedPage(number=1, text=text, how="text")
    catalog.add_pages(job.lease, version.id, parse_id, [page])
    catalog.complete_parse(job.lease, parse_id)
    catalog.update_version(job.lease, version.id, parse_id=parse_id)
    stored = catalog.pages_of_parse(parse_id)[0]
    span = Span(page_id=stored.id, start=0, end=len(text))
    chunk = NewChunk((span,), 1, "", "a header", text)
    ids = catalog.put_chunks(job.lease, generation.id, version.id, [chunk])
    vector = np.ones(3, np.float32)
    catalog.put_embeddings(job.lease, "e", [(text_hash(chunk.searched_text), vector)])
    catalog.mark_indexed(job.lease, generation.id, version.id)
    return ids


def make_ready(catalog: Catalog, job: Job) -> bool:
    return catalog.make_ready(
        job.lease, job.version_id or "", status="ready", warnings=(), chunks=1, seconds=0.1
    )


def test_the_same_bytes_in_a_space_are_a_duplicate_and_in_another_are_not(catalog: Catalog):
    main, other = catalog.ensure_space("main"), catalog.ensure_space("other")
    first = catalog.add_version(main, "a.txt", "h", 1, "text", 1.0)
    assert catalog.add_version(main, "b.txt", "h", 1, "text", 2.0).duplicate
    assert not catalog.add_version(other, "a.txt", "h", 1, "text", 2.0).duplicate
    assert [d.id for d in catalog.documents([main])] == [first.document_id]


def test_a_lease_is_void_once_another_process_owns_the_folder(catalog: Catalog):
    space = catalog.ensure_space("main")
    added = catalog.add_version(space, "a.txt", "h", 1, "text", 1.0)
    old = claim(catalog)
    epoch = catalog.take_epoch()
    with pytest.raises(LeaseLost):
        catalog.update_version(old.lease, added.version_id, status="processing")
    assert claim(catalog, epoch).version_id == added.version_id


def test_a_document_is_ready_only_when_every_live_generation_has_it(catalog: Catalog):
    space = catalog.ensure_space("main")
    catalog.add_version(space, "a.txt", "h", 1, "text", 1.0)
    serving = catalog.first_generation("c", "e", 3, 1.0)
    building = catalog.begin_reindex("c", "e", 3, 1.0)
    assert building is not None
    job = claim(catalog)
    ids = read_and_index(catalog, job, serving, "some words")
    assert not make_ready(catalog, job)
    assert catalog.chunks(ids) == {}
    catalog.mark_indexed(job.lease, building.id, job.version_id or "")
    assert make_ready(catalog, job)
    assert catalog.chunks(ids)[ids[0]].text == "some words"


def test_a_new_version_takes_over_when_it_is_ready_and_not_before(catalog: Catalog):
    space = catalog.ensure_space("main")
    serving = catalog.first_generation("c", "e", 3, 1.0)
    epoch = catalog.take_epoch()
    catalog.add_version(space, "a.txt", "h1", 1, "text", 1.0)
    first = claim(catalog, epoch)
    old = read_and_index(catalog, first, serving, "old words")
    assert make_ready(catalog, first)
    catalog.add_version(space, "a.txt", "h2", 1, "text", 2.0)
    second = claim(catalog, epoch)
    new = read_and_index(catalog, second, serving, "new words")
    assert list(catalog.chunks([*old, *new])) == old
    assert make_ready(catalog, second)
    assert list(catalog.chunks([*old, *new])) == new
    assert [x.version_id for x in catalog.leaving()] == [first.version_id]


def test_a_removed_document_answers_no_more_and_leaves_nothing(catalog: Catalog):
    space = catalog.ensure_space("main")
    serving = catalog.first_generation("c", "e", 3, 1.0)
    added = catalog.add_version(space, "a.txt", "h", 1, "text", 1.0)
    job = claim(catalog)
    ids = read_and_index(catalog, job, serving, "some words")
    make_ready(catalog, job)
    page_id = catalog.document_pages(added.document_id)[0].id
    catalog.begin_removal(added.document_id)
    assert catalog.chunks(ids) == {}
    assert catalog.documents() == []
    assert catalog.forget_versions([added.version_id]) == {"h"}
    with pytest.raises(NotFound):
        catalog.page(page_id)
    assert catalog.embeddings("e", {text_hash("a header\nsome words")}) == {}
    assert catalog.content_hashes() == set()


def test_bytes_that_another_space_holds_too_survive_a_removal(catalog: Catalog):
    main, other = catalog.ensure_space("main"), catalog.ensure_space("other")
    serving = catalog.first_generation("c", "e", 3, 1.0)
    epoch = catalog.take_epoch()
    first = catalog.add_version(main, "a.txt", "h", 1, "text", 1.0)
    second = catalog.add_version(other, "b.txt", "h", 1, "text", 1.0)
    for _ in range(2):
        job = claim(catalog, epoch)
        read_and_index(catalog, job, serving, "shared words")
        make_ready(catalog, job)
    page_id = catalog.document_pages(first.document_id)[0].id
    assert catalog.document_of_page(page_id, [other])[0].id == second.document_id
    catalog.begin_removal(first.document_id)
    assert catalog.forget_versions([first.version_id]) == set()
    assert catalog.page(page_id).text == "shared words"
    with pytest.raises(NotFound):
        catalog.document_of_page(page_id, [main])


def test_a_swap_waits_for_every_document_and_then_happens_at_once(catalog: Catalog):
    space = catalog.ensure_space("main")
    serving = catalog.first_generation("c", "e", 3, 1.0)
    catalog.add_version(space, "a.txt", "h", 1, "text", 1.0)
    epoch = catalog.take_epoch()
    job = claim(catalog, epoch)
    read_and_index(catalog, job, serving, "some words")
    make_ready(catalog, job)
    building = catalog.begin_reindex("c", "e", 3, 2.0)
    assert building is not None
    reindex = catalog.claim_next(epoch, ["reindex"], 1e12)
    assert reindex is not None
    assert catalog.swap(reindex.lease, building.id, 1.0) == [job.version_id]
    assert catalog.serving_generation() == serving
    catalog.mark_indexed(reindex.lease, building.id, job.version_id or "")
    assert catalog.swap(reindex.lease, building.id, 1.0) == []
    now = catalog.serving_generation()
    assert now is not None
    assert now.id == building.id


def test_of_two_uploads_under_a_name_the_last_wins_also_with_older_bytes(catalog: Catalog):
    space = catalog.ensure_space("main")
    catalog.add_version(space, "a.txt", "h1", 1, "text", 1.0)
    catalog.add_version(space, "a.txt", "h2", 1, "text", 2.0)
    again = catalog.add_version(space, "a.txt", "h1", 1, "text", 3.0)
    assert not again.duplicate
    assert catalog.find_document("a.txt").content_hash == "h1"


def test_a_reader_that_was_overtaken_leaves_its_version_replaced(catalog: Catalog):
    space = catalog.ensure_space("main")
    serving = catalog.first_generation("c", "e", 3, 1.0)
    epoch = catalog.take_epoch()
    catalog.add_version(space, "a.txt", "h1", 1, "text", 1.0)
    slow = claim(catalog, epoch)
    catalog.add_version(space, "a.txt", "h2", 1, "text", 2.0)
    fast = claim(catalog, epoch)
    read_and_index(catalog, fast, serving, "new words")
    assert make_ready(catalog, fast)
    catalog.fail_version(slow.lease, slow.version_id or "", "cancelled", None)
    assert [x.version_id for x in catalog.leaving()] == [slow.version_id]


def test_one_index_is_built_at_a_time_and_none_is_left_without_its_job(catalog: Catalog):
    building = catalog.begin_reindex("c", "e", 3, 1.0)
    assert building is not None
    assert catalog.begin_reindex("c", "e", 3, 1.0) is None
    assert catalog.abandoned_generations() == []
    reindex = catalog.claim_next(catalog.take_epoch(), ["reindex"], 1e12)
    assert reindex is not None
    catalog.cancel_job(reindex.lease.job_id)
    catalog.take_epoch()  # killed before the worker heard of it
    assert catalog.abandoned_generations() == [building.id]


def test_a_reindex_leaves_alone_what_is_being_read_again(catalog: Catalog):
    space = catalog.ensure_space("main")
    serving = catalog.first_generation("c", "e", 3, 1.0)
    added = catalog.add_version(space, "a.txt", "h", 1, "text", 1.0)
    epoch = catalog.take_epoch()
    job = claim(catalog, epoch)
    read_and_index(catalog, job, serving, "some words")
    catalog.make_ready(
        job.lease, added.version_id, status="partial", warnings=(), chunks=1, seconds=0.1
    )
    building = catalog.begin_reindex("c", "e", 3, 2.0)
    reindex = catalog.claim_next(epoch, ["reindex"], 1e12)
    assert reindex is not None
    assert building is not None
    catalog.requeue_answering([added.version_id], 3.0)
    with pytest.raises(NotFound, match="read again"):
        catalog.put_chunks(reindex.lease, building.id, added.version_id, [])


def test_vectors_that_no_chunk_needs_leave_with_their_generation(catalog: Catalog):
    space = catalog.ensure_space("main")
    building = catalog.begin_reindex("c", "e", 3, 1.0)
    assert building is not None
    catalog.add_version(space, "a.txt", "h", 1, "text", 1.0)
    read_and_index(catalog, claim(catalog), building, "some words")
    text = text_hash("a header\nsome words")
    assert set(catalog.embeddings("e", {text})) == {text}
    catalog.drop_generation(building.id)
    assert catalog.embeddings("e", {text}) == {}


def test_a_name_in_two_spaces_must_be_made_plain(catalog: Catalog):
    for space in ("main", "other"):
        catalog.add_version(catalog.ensure_space(space), "a.txt", f"h-{space}", 1, "text", 1.0)
    with pytest.raises(BadInput, match="several spaces"):
        catalog.find_document("a.txt")
    space_id = catalog.space_id("other")
    assert catalog.find_document("a.txt", [space_id or ""]).space == "other"


def test_a_conversation_keeps_its_turns_in_order(catalog: Catalog):
    conversation_id = catalog.new_conversation("p")
    assert catalog.conversations("p") == []
    for question in ("one?", "two?"):
        turn_id = catalog.add_turn(conversation_id, question)
        catalog.save_turn(turn_id, Answer(question=question, refused=True), "done")
    kept = catalog.conversation(conversation_id)
    assert [(t.question, t.state) for t in kept.turns] == [("one?", "done"), ("two?", "done")]
    assert kept.title == "one?"
    catalog.delete_conversation(conversation_id)
    with pytest.raises(NotFound):
        catalog.conversation(conversation_id)


def test_the_migrations_make_exactly_the_tables(catalog: Catalog):
    with catalog.db.read() as c:
        context = MigrationContext.configure(c, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_a_parse_is_complete_only_with_all_its_pages(catalog: Catalog):
    space = catalog.ensure_space("main")
    added = catalog.add_version(space, "a.pdf", "h", 1, "pdf", 1.0)
    job = claim(catalog)
    parse_id = catalog.begin_parse(job.lease, "h", "pdf-1", ParsedDocument(pages=2))
    pages = [ParsedPage(number=n, text="words", how="text") for n in (1, 2)]
    catalog.add_pages(job.lease, added.version_id, parse_id, pages[:1])
    assert not catalog.complete_parse(job.lease, parse_id)
    catalog.add_pages(job.lease, added.version_id, parse_id, pages[1:])
    assert catalog.complete_parse(job.lease, parse_id)


def test_a_catalog_of_the_first_schema_is_upgraded_with_what_it_holds(tmp_path: Path):
    path = tmp_path / "catalog.sqlite"
    config = Config()
    folder = importlib.resources.files("store.catalog") / "migrations"
    config.set_main_option("script_location", str(folder))
    with create_engine(f"sqlite:///{path}").begin() as c:
        config.attributes["connection"] = c
        command.upgrade(config, "0001")
        for statement in FIRST_SCHEMA_ROWS.strip().splitlines():
            c.exec_driver_sql(statement)
    catalog = Catalog(path)
    [document] = catalog.documents()
    [page] = catalog.document_pages(document.id)
    assert (document.name, document.status, page.text) == ("a.pdf", "ready", "Some words.")
    assert (page.confidence, page.figures, page.words) == (None, (), 2)
    catalog.close()


FIRST_SCHEMA_ROWS = """
INSERT INTO spaces (id, name) VALUES ('s1', 'main')
INSERT INTO documents (id, space_id, name, removing, added_at) VALUES ('d1', 's1', 'a.pdf', 0, 1.0)
INSERT INTO parses (id, content_hash, fingerprint, pages, unread, warnings, complete) VALUES (1, 'h', 'pdf-1', 1, 0, '[]', 1)
INSERT INTO pages (id, parse_id, number, text, how, quality, flags, blocks) VALUES (7, 1, 1, 'Some words.', 'text', 1.0, '["rotated"]', '[]')
INSERT INTO versions (id, document_id, seq, content_hash, size, kind, status, warnings, pages, pages_done, chunks, parse_id, added_at) VALUES ('v1', 'd1', 1, 'h', 9, 'pdf', 'ready', '[]', 1, 1, 1, 1, 1.0)
INSERT INTO jobs (id, kind, version_id, state, attempts, not_before, cancelling, created_at) VALUES (1, 'ingest', 'v1', 'done', 1, 0.0, 0, 1.0)
"""  # noqa: E501
