"""What the indexes were told to delete is erased from their files; the rest is found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tantivy

from store.errors import IndexDamaged
from store.indexes.chroma import VectorIndex
from store.indexes.lexical import LexicalEntry, LexicalIndex
from store.indexes.scrub import check_vectors, scrub_vectors
from tests.markers import vectors


@pytest.mark.parametrize("count", [1, 40, 1200])
def test_deleted_vectors_are_in_no_file(tmp_path: Path, count: int):
    """1,200: Chroma has taken 1,000 over into its files, the others are in its log."""
    rows = unit_rows(count)
    ids = [f"c{n:04d}" for n in range(count)]
    index = VectorIndex(tmp_path)
    index.upsert("s1", ids, rows)
    index.upsert("s2", ["other"], -rows[:1])
    gone = sorted({0, count // 2, count - 1})
    index.delete("s1", [ids[n] for n in gone])
    assert vectors(tmp_path, rows[gone])
    assert index.purge("s1") == len(gone)
    assert vectors(tmp_path, rows[gone]) == []
    assert index.count("s1") == count - len(gone)
    assert index.ids("s2") == {"other"}
    for n in range(1, min(count, 40), 3):
        if n not in gone:
            assert index.query(["s1"], rows[n], 1)[0][0] == ids[n]
    index.upsert("s1", ["new"], rows[:1])
    index.check()
    index.close()


def test_vectors_that_were_replaced_are_in_no_file(tmp_path: Path):
    rows = unit_rows(30)
    index = VectorIndex(tmp_path)
    index.upsert("s1", ["a", "b"], rows[:2])
    index.upsert("s1", ["a"], rows[2:3])
    index.delete("s1", ["b"])
    index.purge("s1")
    assert vectors(tmp_path, rows[:2]) == []
    assert vectors(tmp_path, rows[2:3])
    index.close()


@pytest.mark.parametrize("purged", [True, False])
def test_memory_that_chroma_writes_out_unfilled_is_cleared(tmp_path: Path, purged: bool):
    rows = unit_rows(30)
    index = VectorIndex(tmp_path)
    index.upsert("s1", [f"c{n}" for n in range(30)], rows)
    index.purge("s1")  # writes all to the files
    index.close()
    (lengths,) = tmp_path.glob("*/length.bin")
    whole = lengths.read_bytes()
    lengths.write_bytes(whole[:120] + b"zorgabobumix" * 10)
    index = VectorIndex(tmp_path)
    if purged:
        index.purge("s1")
    index.close()
    assert b"zorga" not in lengths.read_bytes()
    index = VectorIndex(tmp_path)
    assert index.query(["s1"], rows[7], 1)[0][0] == "c7"
    index.check()
    index.close()


@pytest.mark.parametrize("name", ["data_level0.bin", "link_lists.bin", "length.bin", "header.bin"])
def test_files_of_vectors_that_are_cut_are_damage(tmp_path: Path, name: str):
    index = VectorIndex(tmp_path)
    index.upsert("s1", [f"c{n}" for n in range(30)], unit_rows(30))
    index.purge("s1")  # writes all to the files
    index.check()
    index.close()
    (path,) = tmp_path.glob(f"*/{name}")
    whole = path.read_bytes()
    path.write_bytes(whole[: min(len(whole) - 1, 118)])
    with pytest.raises(IndexDamaged, match="Chroma's"):
        check_vectors(tmp_path)
    path.write_bytes(whole)
    check_vectors(tmp_path)
    level = next(tmp_path.glob("*/data_level0.bin"))
    data = bytearray(level.read_bytes())
    data[7] = 0xFF  # a link to nowhere
    level.write_bytes(data)
    with pytest.raises(IndexDamaged, match="cut or changed"):
        check_vectors(tmp_path)


def test_files_of_vectors_of_another_shape_are_not_written_to(tmp_path: Path):
    folder = tmp_path / "segment"
    folder.mkdir()
    (folder / "header.bin").write_bytes(b"\2" * 100)
    (folder / "data_level0.bin").write_bytes(b"x" * 1000)
    with pytest.raises(IndexDamaged, match="shape"):
        scrub_vectors(tmp_path)
    assert (folder / "data_level0.bin").read_bytes() == b"x" * 1000


@pytest.mark.parametrize("count", [3, 900, 10_050])
def test_terms_of_deleted_chunks_are_in_no_segment(tmp_path: Path, count: int):
    """10,050 in one segment: tantivy would not merge it with small ones, so it is written anew."""
    entries = {f"c{n:05d}": entry(n) for n in range(count)}
    index = LexicalIndex(tmp_path)
    index.upsert(list(entries.values()))
    index.delete(["c00001"])
    assert "en:onlyonx" in terms(tmp_path)
    assert index.holders("onlyonx") == 1
    asked: list[str] = []
    index.purge(lambda ids: (asked.extend(ids), [entries[i] for i in ids])[1])
    assert len(asked) == (count - 1 if count > 10_000 else 0)
    assert "en:onlyonx" not in terms(tmp_path)
    assert index.holders("onlyonx") == 0
    assert index.ids() == entries.keys() - {"c00001"}
    assert index.count() == count - 1
    assert index.query(["s1"], "word2", 1)[0][0] == "c00002"
    assert index.purge(lambda ids: []) == 0
    assert index.count() == count - 1
    index.check()


def entry(n: int) -> LexicalEntry:
    text = "onlyonx here" if n == 1 else f"word{n} here"
    return LexicalEntry(id=f"c{n:05d}", space_id="s1", document_id="d1", header="", text=text)


def terms(folder: Path) -> set[str]:
    """All that the files list, those of deleted chunks too."""
    searcher = tantivy.Index.open(str(folder)).searcher()
    return {term for term, _ in searcher.terms_with_prefix("terms", "en:")}


def unit_rows(count: int) -> np.ndarray:
    rows = np.random.default_rng(count).normal(size=(count, 384)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
