"""The vector index, the lexical index, and generations of both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from store.errors import IndexDamaged, Transient
from store.indexes.chroma import VectorIndex
from store.indexes.exact import ExactIndex
from store.indexes.generations import Indexes
from store.indexes.lexical import LexicalEntry, LexicalIndex
from store.indexes.stems import asked
from store.indexes.words import words

PROJECT = Path(__file__).resolve().parents[1]
DIMENSION = 24


def unit_vectors(n: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, DIMENSION)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def names(n: int, prefix: str = "c") -> list[str]:
    return [f"{prefix}{i}" for i in range(n)]


def entry(
    id: str,
    text: str,
    *,
    header: str = "",
    space: str = "s",
    document: str = "d",
    language: str | None = None,
) -> LexicalEntry:
    return LexicalEntry(
        id=id, space_id=space, document_id=document, header=header, text=text, language=language
    )


@pytest.fixture(params=["chroma", "exact"])
def vectors(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorIndex | ExactIndex]:
    if request.param == "exact":
        yield ExactIndex()
        return
    index = VectorIndex(tmp_path / "chroma")
    yield index
    index.close()


@pytest.fixture
def lexical(tmp_path: Path) -> Iterator[LexicalIndex]:
    index = LexicalIndex(tmp_path / "lexical")
    yield index
    index.close()


@pytest.fixture
def indexes(tmp_path: Path) -> Iterator[Indexes]:
    opened = Indexes(tmp_path / "indexes")
    yield opened
    opened.close()


def found(hits: list[tuple[str, float]]) -> list[str]:
    return [chunk_id for chunk_id, _ in hits]


# --- vectors


def test_every_vector_is_found_first_by_itself(vectors: VectorIndex | ExactIndex):
    rows, ids = unit_vectors(400), names(400)
    vectors.upsert("s", ids, rows)
    for chunk_id, row in zip(ids, rows, strict=True):
        (first, similarity), *_ = vectors.query(["s"], row, 3)
        assert first == chunk_id
        assert similarity == pytest.approx(1.0, abs=1e-5)


def test_a_deleted_vector_is_not_found(vectors: VectorIndex | ExactIndex):
    rows = unit_vectors(20)
    vectors.upsert("s", names(20), rows)
    vectors.delete("s", ["c3", "never there"])
    vectors.delete("no such space", ["c4"])
    assert "c3" not in found(vectors.query(["s"], rows[3], 20))
    assert vectors.count("s") == 19
    assert vectors.ids("s") == {*names(20)} - {"c3"}


def test_a_vector_upserted_twice_is_there_once_as_it_was_last(vectors: VectorIndex | ExactIndex):
    rows = unit_vectors(3)
    vectors.upsert("s", ["a", "a"], rows[:2])
    vectors.upsert("s", ["a"], rows[2:])
    assert vectors.count("s") == 1
    assert vectors.vectors("s", ["a", "b"])["a"] == pytest.approx(rows[2])
    assert found(vectors.query(["s"], rows[0], 5)) == ["a"]


def test_only_the_named_ids_answer_even_where_some_are_gone(vectors: VectorIndex | ExactIndex):
    rows = unit_vectors(30)
    vectors.upsert("s", names(30), rows)
    hits = vectors.query(["s"], rows[0], 10, only=["c7", "c9", "gone"])
    assert sorted(found(hits)) == ["c7", "c9"]
    assert vectors.query(["s"], rows[0], 10, only=["gone"]) == []


def test_spaces_are_kept_apart_and_merged_when_both_are_asked(vectors: VectorIndex | ExactIndex):
    rows = unit_vectors(40)
    vectors.upsert("left", names(20, "l"), rows[:20])
    vectors.upsert("right", names(20, "r"), rows[20:])
    assert all(i.startswith("l") for i in found(vectors.query(["left"], rows[25], 20)))
    both = vectors.query(["left", "right", "none"], rows[25], 7)
    assert found(both)[0] == "r5"
    assert len(both) == 7
    assert [s for _, s in both] == sorted((s for _, s in both), reverse=True)
    assert vectors.spaces() == ["left", "right"]


def test_an_empty_index_answers_with_nothing(vectors: VectorIndex | ExactIndex):
    assert vectors.query(["s"], unit_vectors(1)[0], 5) == []
    assert vectors.ids("s") == set()
    assert vectors.vectors("s", ["a"]) == {}


def test_more_rows_than_chroma_takes_at_once(tmp_path: Path):
    index = VectorIndex(tmp_path / "chroma")
    rows, ids = unit_vectors(6000), names(6000)
    index.upsert("s", ids, rows)
    assert index.count("s") == 6000
    assert found(index.query(["s"], rows[1], 5, only=ids))[0] == "c1"
    assert len(index.vectors("s", ids)) == 6000
    index.close()


def test_vectors_of_another_dimension_are_damage(tmp_path: Path):
    index = VectorIndex(tmp_path / "chroma")
    index.upsert("s", ["a"], unit_vectors(1))
    index.close()
    with pytest.raises(IndexDamaged, match="24 numbers, not 384"):
        VectorIndex(tmp_path / "chroma", 384)


def test_chroma_keeps_no_text(tmp_path: Path):
    index = VectorIndex(tmp_path / "chroma")
    index.upsert("s", names(5), unit_vectors(5))
    index.close()
    held = b"".join(f.read_bytes() for f in (tmp_path / "chroma").rglob("*") if f.is_file())
    assert b"chroma:document" not in held


# --- words


@pytest.mark.parametrize(
    ("indexed", "asked"),
    [
        ("net sales of $1,234.5 million", "1234.5"),
        ("the third quarter, Q3.", "q3"),
        ("in 2023, then", "2023"),
        ("3M and AAPL", "3m"),
        ("3M and AAPL", "aapl"),
        ("write to john.doe@acme.com!", "john.doe@acme.com"),
        ("write to john.doe@acme.com!", "acme"),
        ("a state-of-the-art device", "state of the art"),
        ("a state-of-the-art device", "state-of-the-art"),
        ("Form 10-Q", "10Q"),
        ("the infor-\nmation desk", "information"),
        ("Café Zoë", "cafe zoe"),
        ("ÉCOLE", "école"),
        ("the companies' policies", "company policy"),
        ("the company's plan", "companies"),
        ("the company\u2019s plan", "company"),
        ("signed on 30.09.2023", "2023"),
        ("ﬁnancial \uff32\uff45port", "financial report"),
        ("Straße", "STRASSE"),
        ("東京都の人口は", "人口"),
        ("中文信息检索", "信息"),
        ("한국어 문서", "한국어"),
        ("отчёт за год", "отчет"),
        ("التقرير السنوي", "السنوي"),
        ("ميزات\u200fPython وميزات", "python"),
        ("بلغة وPython", "python"),
        ("U.S. dollars", "US dollar"),
        ("ABMD_2012.pdf", "abmd 2012"),
    ],
)
def test_words_are_found_however_they_are_written(lexical: LexicalIndex, indexed: str, asked: str):
    lexical.upsert([entry("right", indexed), entry("wrong", "zzz qqq 777")])
    assert found(lexical.query(["s"], asked, 10)) == ["right"]


def test_numbers_keep_their_value():
    assert words("1,234 1.234.567,5 3,5 12%") == ["1234", "1234567.5", "3.5", "12"]


# --- words of many languages


@pytest.mark.parametrize(
    ("language", "indexed", "asked"),
    [
        ("de", "Die Kündigungsfristen betragen drei Monate.", "Welche Kündigungsfrist gilt?"),
        ("de", "Die Häuser der Stadt", "haus"),
        ("de", "Die Häuser der Stadt", "Hauser"),
        ("es", "Las informaciones llegaron tarde.", "¿Qué información llegó?"),
        ("es", "La información llegó tarde.", "informacion"),
        ("fr", "Les élèves étudient.", "eleve"),
        ("it", "Le aziende italiane", "azienda"),
        ("nl", "De kosten van boeken", "boek"),
        ("sv", "Bilarna stod stilla.", "bilar"),
        ("ru", "Годовые отчёты компаний", "отчет компании"),
        ("ar", "صدرت التقارير السنوية", "تقارير"),
        ("ar", "في المَدْرَسَة", "مدرسة"),
        ("ar", "العدد ٢٠٢٣", "2023"),
        ("th", "รายงานประจำปีของบริษัท", "ประจำปี"),
        ("zh", "中文信息检索", "信息"),
        ("pl", "Umowa o pracę", "umowa"),
        ("tr", "Kitaplar masada.", "kitap"),
        (None, "net sales of the companies", "company sale"),
    ],
)
def test_words_are_found_by_the_endings_of_their_language(
    lexical: LexicalIndex, language: str | None, indexed: str, asked: str
):
    lexical.upsert(
        [entry("right", indexed, language=language), entry("wrong", "zzz qqq", language="en")]
    )
    assert found(lexical.query(["s"], asked, 10)) == ["right"]


def test_the_rules_of_one_language_join_no_words_of_another(lexical: LexicalIndex):
    lexical.upsert(
        [
            entry("a", "breaking news", language="en"),
            entry("b", "a new house", language="en"),
            entry("c", "Die neuen Häuser", language="de"),
        ]
    )
    assert found(lexical.query(["s"], "news", 10)) == ["a"]


def test_a_common_word_stays_common_where_a_few_chunks_are_of_another_language(
    lexical: LexicalIndex,
):
    # As `sales` of the one chunk taken for Dutch alone, it would weigh like a rare word.
    common = [entry(f"c{i}", "sales of the quarter", language="en") for i in range(50)]
    odd = entry("odd", "sales of the quarter", language="nl")
    rare = entry("rare", "impairment of the quarter", language="en")
    lexical.upsert([*common, odd, rare])
    scores = dict(lexical.query(["s"], "sales impairment", 60))
    assert scores["rare"] > 5 * scores["odd"]
    assert scores["odd"] == pytest.approx(scores["c1"], rel=0.05)


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("Wie viele Punkte gab die Verteidigung der Panthers ab?", ["punkte", "verteidigung"]),
        ("¿Cuántos puntos dejó la defensa de los Panthers?", ["puntos", "defensa"]),
        ("Quelle est la durée du préavis ?", ["duree", "preavis"]),
        ("What did the board decide about the dividend?", ["board", "dividend"]),
    ],
)
def test_a_question_is_asked_without_the_empty_words_of_its_language(
    question: str, subject: list[str]
):
    terms = asked(question)
    assert set(subject) <= set(terms)
    assert not {"die", "der", "la", "de", "los", "est", "the", "did", "wie", "cuantos"} & set(terms)


# --- lexical


def test_a_deleted_chunk_is_not_found(lexical: LexicalIndex):
    lexical.upsert([entry("a", "apples"), entry("b", "apples and pears")])
    lexical.delete(["a", "never there"])
    assert found(lexical.query(["s"], "apples", 10)) == ["b"]
    assert lexical.count() == 1
    assert lexical.ids() == {"b"}


def test_a_chunk_upserted_twice_is_there_once_as_it_was_last(lexical: LexicalIndex):
    lexical.upsert([entry("a", "old words"), entry("a", "middle words")])
    lexical.upsert([entry("a", "new words")])
    assert lexical.count() == 1
    assert found(lexical.query(["s"], "new", 10)) == ["a"]
    assert lexical.query(["s"], "old middle", 10) == []


def test_a_query_may_be_restricted_to_spaces_and_documents(lexical: LexicalIndex):
    lexical.upsert(
        [
            entry("a", "budget", space="s", document="one"),
            entry("b", "budget", space="s", document="two"),
            entry("c", "budget", space="t", document="three"),
        ]
    )
    assert set(found(lexical.query(["s"], "budget", 10))) == {"a", "b"}
    assert set(found(lexical.query(["s", "t"], "budget", 10))) == {"a", "b", "c"}
    assert found(lexical.query(["s"], "budget", 10, document_ids=["two"])) == ["b"]
    assert lexical.query(["s"], "budget", 10, document_ids=["three"]) == []
    assert lexical.query(["s"], "budget", 10, document_ids=[]) == []
    assert lexical.query([], "budget", 10) == []
    assert lexical.ids("t") == {"c"}


def test_a_restricted_query_still_wants_one_of_its_words(lexical: LexicalIndex):
    lexical.upsert([entry("a", "budget")])
    assert lexical.query(["s"], "weather", 10, document_ids=["d"]) == []


def test_words_of_the_header_are_found_and_weigh(lexical: LexicalIndex):
    lexical.upsert(
        [
            entry("a", "revenue rose in the year", header="2022 Q3 AAPL"),
            entry("b", "revenue rose in the year", header="2022 Q3 MSFT"),
        ]
    )
    assert found(lexical.query(["s"], "AAPL revenue", 10)) == ["a", "b"]


def test_a_word_asked_twice_counts_twice(lexical: LexicalIndex):
    lexical.upsert([entry("a", "apples x"), entry("b", "pears y"), entry("c", "nothing z")])
    assert found(lexical.query(["s"], "apples pears pears", 2))[0] == "b"


@pytest.mark.parametrize(
    "text",
    [
        '"unbalanced',
        "a AND OR NOT (",
        "title:x^2 [a TO b] {c}",
        "text:* ~ + - ! \\ /",
        "space:other",
        "",
        "   \n\t",
        "\x00\ud800",
        "?!…",
        "🙂",
        "'" * 50,
        "word " * 5000,
    ],
)
def test_any_text_is_a_safe_query(lexical: LexicalIndex, text: str):
    lexical.upsert([entry("a", "plain words"), entry("b", "plain words", space="other")])
    assert "b" not in found(lexical.query(["s"], text, 10))


def test_a_lexical_index_keeps_no_readable_text(lexical: LexicalIndex, tmp_path: Path):
    lexical.upsert([entry("a", "the secret handshake is blue")])
    held = b"".join(f.read_bytes() for f in (tmp_path / "lexical").rglob("*") if f.is_file())
    assert b"secret handshake" not in held


# --- life of the files


def test_both_indexes_answer_after_reopening(indexes: Indexes, tmp_path: Path):
    rows = unit_vectors(5)
    pair = indexes.open("g1", DIMENSION)
    pair.vectors.upsert("s", names(5), rows)
    pair.lexical.upsert([entry("a", "apples")])
    indexes.close()
    pair = Indexes(tmp_path / "indexes").open("g1", DIMENSION)
    assert found(pair.vectors.query(["s"], rows[2], 1)) == ["c2"]
    assert found(pair.lexical.query(["s"], "apple", 1)) == ["a"]


def test_a_generation_is_dropped_while_another_answers(indexes: Indexes):
    rows = unit_vectors(5)
    old, new = indexes.open("old", DIMENSION), indexes.open("new", DIMENSION)
    for pair in (old, new):
        pair.vectors.upsert("s", names(5), rows)
        pair.lexical.upsert([entry("a", "apples")])
    indexes.drop("old")
    assert not indexes.folder("old").exists()
    assert list(indexes.root.iterdir()) == [indexes.folder("new")]
    assert found(new.vectors.query(["s"], rows[1], 1)) == ["c1"]
    assert found(new.lexical.query(["s"], "apples", 1)) == ["a"]
    with pytest.raises(Transient, match="replaced"):
        old.vectors.query(["s"], rows[1], 1)
    with pytest.raises(Transient, match="replaced"):
        old.lexical.query(["s"], "apples", 1)


def test_a_dropped_generation_leaves_no_open_file(indexes: Indexes):
    pair = indexes.open("g1", DIMENSION)
    pair.vectors.upsert("s", names(5), unit_vectors(5))
    pair.lexical.upsert([entry("a", "apples")])
    indexes.drop("g1")
    held = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            held.append(str(descriptor.readlink()))
        except OSError:
            continue
    assert not [name for name in held if str(indexes.root) in name]


def test_a_dropped_generation_may_be_opened_anew_and_is_empty(indexes: Indexes):
    indexes.open("g1", DIMENSION).vectors.upsert("s", ["a"], unit_vectors(1))
    indexes.drop("g1")
    indexes.drop("g1")
    assert indexes.open("g1", DIMENSION).vectors.spaces() == []


def test_sound_indexes_and_missing_ones_have_no_faults(indexes: Indexes):
    pair = indexes.open("g1", DIMENSION)
    pair.vectors.upsert("s", names(5), unit_vectors(5))
    pair.lexical.upsert([entry("a", "apples")])
    assert indexes.probe("g1") == []
    indexes.close()
    assert indexes.probe("g1") == []
    assert indexes.probe("never made") == []


def damage(folder: Path) -> None:
    """Overwrites the middle of each file of some size."""
    for file in folder.rglob("*"):
        if file.is_file() and (size := file.stat().st_size) > 60:
            with file.open("r+b") as opened:
                opened.seek(size // 3)
                opened.write(b"\xa5" * (size // 2))


@pytest.mark.parametrize("side", ["chroma", "lexical"])
def test_damage_is_probed_named_quarantined_and_rebuilt(indexes: Indexes, side: str):
    pair = indexes.open("g1", DIMENSION)
    pair.vectors.upsert("s", names(50), unit_vectors(50))
    pair.lexical.upsert([entry(i, f"apples {i}") for i in names(50)])
    indexes.close()
    damage(indexes.folder("g1") / side)
    faults = indexes.probe("g1")
    assert len(faults) == 1
    assert side in faults[0].lower()
    away = indexes.quarantine("g1")
    assert away.exists()
    assert indexes.probe("g1") == []
    rebuilt = indexes.open("g1", DIMENSION)
    rebuilt.vectors.upsert("s", names(5), unit_vectors(5))
    assert rebuilt.vectors.count("s") == 5
    assert rebuilt.lexical.count() == 0


def test_any_changed_bit_of_a_word_index_is_probed(indexes: Indexes):
    pair = indexes.open("g1", DIMENSION)
    pair.lexical.upsert([entry(i, f"apples {i}") for i in names(20)])
    pair.lexical.delete(["c3"])
    indexes.close()
    folder = indexes.folder("g1") / "lexical"
    index = LexicalIndex(folder)
    index.check()
    used = {s["segment_id"].replace("-", "") for s in index._segments()}
    files = [p for p in sorted(folder.iterdir()) if p.name.split(".")[0] in used]
    assert {p.suffix for p in files} >= {".store", ".term", ".idx", ".del"}
    for path in files:
        whole = path.read_bytes()
        for at in (0, (len(whole) - 94) // 2, len(whole) - 1):  # before the footer, and its end
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
            with pytest.raises(IndexDamaged, match="not what was written"):
                index.check()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(IndexDamaged, match="not what was written"):
            index.check()
        path.write_bytes(whole)
    index.check()
    index.close()


def test_a_torn_database_of_vectors_is_probed(indexes: Indexes):
    """As a power loss leaves it: of the last page a part. Chroma opens it and loses writes."""
    indexes.open("g1", DIMENSION).vectors.upsert("s", names(50), unit_vectors(50))
    indexes.close()
    path = indexes.folder("g1") / "chroma" / "chroma.sqlite3"
    os.truncate(path, path.stat().st_size - 3000)
    assert set(indexes.probe_sides("g1")) == {"chroma"}


def test_a_file_that_is_no_database_is_damage_and_forgotten_after_quarantine(indexes: Indexes):
    chroma = indexes.folder("g1") / "chroma"
    chroma.mkdir(parents=True)
    (chroma / "chroma.sqlite3").write_bytes(b"not a database" * 1000)
    for _ in range(2):
        with pytest.raises(IndexDamaged):
            indexes.open("g1", DIMENSION)
    indexes.quarantine("g1")
    assert indexes.open("g1", DIMENSION).vectors.spaces() == []


def test_without_chroma_the_catalogs_vectors_answer(tmp_path: Path):
    rows = unit_vectors(30)
    indexes = Indexes(tmp_path / "i", embeddings=lambda generation: [("s", names(30), rows)])
    assert found(indexes.exact("g1").query(["s"], rows[4], 1)) == ["c4"]
    with pytest.raises(IndexDamaged, match="verify --repair"):
        Indexes(tmp_path / "i").exact("g1")


WRITER = """
import sys
from pathlib import Path
import numpy as np
from store.indexes.generations import Indexes
from store.indexes.lexical import LexicalEntry
pair = Indexes(Path(sys.argv[1])).open("g1", 24)
random = np.random.default_rng(1)
for n in range(100000):
    ids = [f"c{n}-{i}" for i in range(40)]
    pair.vectors.upsert("s", ids, random.normal(size=(40, 24)).astype("f4"))
    pair.lexical.upsert(
        [LexicalEntry(id=i, space_id="s", document_id="d", header="", text=f"apples {i}")
         for i in ids])
    print(n, flush=True)
"""


@pytest.mark.parametrize("delay_s", [0.0, 0.31, 0.77])
def test_after_a_kill_everything_reported_written_is_there(tmp_path: Path, delay_s: float):
    child = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "indexes")],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "0\n"
    time.sleep(delay_s)
    os.kill(child.pid, signal.SIGKILL)
    reported = [0, *(int(line) for line in child.stdout.read().split())]
    child.wait()
    child.stdout.close()
    indexes = Indexes(tmp_path / "indexes")
    assert indexes.probe("g1") == []
    pair = indexes.open("g1", DIMENSION)
    expected = {f"c{n}-{i}" for n in reported for i in range(40)}
    assert expected <= pair.vectors.ids("s")
    assert expected <= pair.lexical.ids("s")
    assert found(pair.lexical.query(["s"], f"c{reported[-1]}-7", 3))
    pair.vectors.upsert("s", ["after"], unit_vectors(1))
    pair.lexical.upsert([entry("after", "later words")])
    assert found(pair.lexical.query(["s"], "later", 1)) == ["after"]
    indexes.close()
