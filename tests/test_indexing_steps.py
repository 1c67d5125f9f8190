"""A long document is read, cut and indexed a few pages and chunks at a time."""

from __future__ import annotations

from pathlib import Path

import files
import numpy as np

from ingestion.library import Library
from store.catalog import tables as t
from store.indexes.lexical import LexicalEntry
from store.models import LOCAL_ADMIN
from store.opening import Store


def added(library: Library, path: Path) -> str:
    document = library.add(LOCAL_ADMIN, path.name, path)
    assert library.wait(120)
    return document.id


def sections(path: Path, count: int) -> Path:
    text = "\n\n".join(f"# Mast {n}\n\nMast {n} is {n + 3} feet high." for n in range(count))
    return files.markdown(path, text)


def chunks(store: Store) -> tuple[list[tuple[int, str]], set[str], set[str]]:
    """(position, id) in the catalog; ids of both indexes."""
    serving = store.catalog.serving_generation()
    assert serving is not None
    with store.catalog.db.read() as c:
        rows = c.execute(t.chunks.select().order_by(t.chunks.c.seq)).all()
    pair = store.indexes.open(serving.id, serving.dimension)
    vectors = {i for s in pair.vectors.spaces() for i in pair.vectors.ids(s)}
    return [(row.seq, row.id) for row in rows], vectors, pair.lexical.ids()


def test_chunks_of_several_steps_are_numbered_through_and_indexed(
    library: Library, store: Store, tmp_path: Path
):
    document = library.document(LOCAL_ADMIN, added(library, sections(tmp_path / "a.md", 600)))
    catalog, vectors, lexical = chunks(store)
    assert (document.status, document.chunks) == ("ready", len(catalog))
    assert document.chunks > 512
    assert [seq for seq, _ in catalog] == list(range(document.chunks))
    assert {i for _, i in catalog} == vectors == lexical


def test_what_an_earlier_cutting_had_more_is_gone_everywhere(
    library: Library, store: Store, tmp_path: Path
):
    document_id = added(library, sections(tmp_path / "a.md", 12))
    before = chunks(store)
    serving = store.catalog.serving_generation()
    assert serving is not None
    pair = store.indexes.open(serving.id, serving.dimension)
    with store.catalog.db.write() as c:
        last = c.execute(t.chunks.select().order_by(t.chunks.c.seq.desc())).first()
        assert last is not None
        more = last.id[:-5] + "00099"
        c.execute(t.chunks.insert().values({**last._mapping, "id": more, "seq": 99}))
        c.execute(t.jobs.update().values(state="queued"))  # as after a crash half way
    space = library.document(LOCAL_ADMIN, document_id).space_id
    pair.vectors.upsert(space, [more], np.ones((1, serving.dimension), dtype=np.float32))
    entry = LexicalEntry(
        id=more, space_id=space, document_id=document_id, header="", text="an older cutting"
    )
    pair.lexical.upsert([entry])

    library.worker.wake()
    assert library.wait(60)
    assert chunks(store) == before
    assert library.verify(LOCAL_ADMIN).ok


def test_pages_are_walked_through_in_order_and_more_than_once(
    library: Library, store: Store, tmp_path: Path
):
    path = files.text_pdf(tmp_path / "a.pdf", [f"Leaf {n}." for n in range(70)])
    added(library, path)
    [page] = library.show(LOCAL_ADMIN, "a.pdf")[1][:1]
    pages = store.catalog.each_page(page.parse_id)
    for _ in range(2):
        assert [p.number for p in pages] == list(range(1, 71))
    assert list(pages)[69].text == "Leaf 69."
    outcomes = store.catalog.outcomes(page.parse_id)
    assert [(o.number, o.how, o.text) for o in outcomes][-1] == (70, "text", "L")
