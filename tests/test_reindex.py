"""A new index beside the one in use: its own embedder, the gate, the swap, and the way back."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from embeddings_server import EmbeddingsServer
from killing import ROOT

from ingestion.gate import MARGIN, falls
from ingestion.library import Library
from ingestion.opening import open_library
from ingestion.pacing import Pace
from retrieval.assistant import open_assistant
from retrieval.search import Found, Searcher
from store.embedders import EmbedderGone, Embedders, describe
from store.embedding import Embedder, OpenAICompatibleEmbedder
from store.errors import BadInput
from store.gates import Asked, gate_of
from store.indexes.chroma import VectorIndex
from store.models import LOCAL_ADMIN, Citation, Generation, Sentence, Span
from store.opening import Store, open_store
from store.settings import Settings

SUBJECTS = ("salary", "car", "dog", "sea")


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddingsServer]:
    with EmbeddingsServer() as running:
        yield running


@contextmanager
def opened(settings: Settings, embedder: Embedder | None = None) -> Iterator[tuple[Library, Store]]:
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store)
        try:
            yield library, store
        finally:
            library.close()


def by_server(settings: Settings, server: EmbeddingsServer, model: str = "bags") -> Settings:
    named = {"embedder": "openai", "embedder_base_url": server.base_url, "embedder_model": model}
    return settings.model_copy(update=named)


def add(library: Library, count: int = 6, first: int = 0) -> None:
    for n in range(first, first + count):
        text = f"Note {n} on the {SUBJECTS[n % 4]} of house {n}. It was written in spring {n}."
        library.add(LOCAL_ADMIN, f"{n}.txt", text.encode())
    assert library.wait(60)


def search(store: Store, question: str) -> Found:
    searcher = Searcher(
        store.catalog, store.indexes, store.embedder, embedder_of=store.embedders.of
    )
    return searcher.search(question, list(store.catalog.spaces()))


def serving(store: Store) -> Generation:
    found = store.catalog.serving_generation()
    assert found is not None
    return found


def actions(store: Store) -> list[str]:
    return [e.action for e in store.catalog.audit() if e.action.startswith(("reindex", "cancel_"))]


def reindexed(library: Library, **how: bool) -> None:
    library.reindex(LOCAL_ADMIN, **how)
    assert library.wait(60)


def test_another_model_in_the_settings_is_offered_and_the_index_goes_on_with_its_own(
    settings: Settings, embedder: Embedder, server: EmbeddingsServer
):
    remote = by_server(settings, server)
    with opened(remote) as (library, store):
        add(library)
        before = serving(store)
        assert (before.dimension, library.reindex_scope(LOCAL_ADMIN).why) == (48, "")
    local = remote.model_copy(update={"embedder": "local"})
    with opened(local, embedder) as (library, store):
        assert library.wait(10)
        assert serving(store).id == before.id
        assert library.reindex_status(LOCAL_ADMIN).state == "idle"
        asked = server.asked["bags"]
        found = search(store, "remuneration")  # by meaning only: nobody wrote that word
        assert found.warnings == ()
        assert "salary" in found.hits[0].chunk.text
        assert server.asked["bags"] > asked
        scope = library.reindex_scope(LOCAL_ADMIN)
        assert "another embedding model" in scope.why
        assert "127.0.0.1" in scope.why
        assert (scope.documents, scope.to_compute, scope.host) == (6, 6, None)
        add(library, 1, first=6)  # goes in by the index's own model
        assert store.catalog.unindexed(before.id) == []
        assert library.verify(LOCAL_ADMIN).ok
        reindexed(library)
        status = library.reindex_status(LOCAL_ADMIN)
        assert (status.state, status.computed, status.reused) == ("done", 7, 0)
        now = serving(store)
        assert (now.dimension, now.embedder) == (384, embedder.fingerprint)
        asked = server.asked["bags"]
        assert search(store, "house 3").hits
        assert server.asked["bags"] == asked  # nothing is sent there any more
        assert library.reindex_scope(LOCAL_ADMIN).why == ""
        assert library.verify(LOCAL_ADMIN).ok


def test_without_its_model_an_index_answers_by_words_and_says_so(
    settings: Settings, embedder: Embedder
):
    with EmbeddingsServer() as gone, opened(by_server(settings, gone)) as (library, store):
        add(library)
        library.close()
    with opened(settings, embedder) as (_, store):
        found = search(store, "the salary of house 4")
        assert "words alone" in " ".join(found.warnings)
        assert "house 4" in found.hits[0].chunk.text


def test_a_server_elsewhere_is_asked_only_while_the_settings_name_it(embedder: Embedder):
    there = OpenAICompatibleEmbedder(
        model="m", base_url="https://user:secret@embed.example/v1?key=secret", api_key="sk-secret"
    )
    noted = describe(there) or ""
    assert "secret" not in noted
    made = Generation(
        id="g", chunker="c", embedder=there.fingerprint, dimension=3, state="serving",
        opened_by=noted,
    )  # fmt: skip
    away = Settings(embedder_api_key="sk-other", _env_file=None)
    with pytest.raises(EmbedderGone, match=r"embed\.example, which the settings no longer name"):
        Embedders(away, embedder).of(made)
    named = Settings(embedder_base_url="https://embed.example/v1", _env_file=None)
    assert Embedders(named, embedder).of(made).fingerprint == there.fingerprint
    assert Embedders(away, there).of(made) is there


def test_an_index_of_before_models_were_noted_is_opened_by_the_local_one(embedder: Embedder):
    old = Generation(
        id="g", chunker="c", embedder=embedder.fingerprint, dimension=384, state="serving"
    )
    remote = OpenAICompatibleEmbedder(model="m", base_url="http://127.0.0.1:9/v1")
    assert Embedders(Settings(_env_file=None), remote).of(old).fingerprint == embedder.fingerprint
    other = old.model_copy(update={"embedder": "nobody-knows"})
    with pytest.raises(EmbedderGone, match="not in this Footnote"):
        Embedders(Settings(_env_file=None), remote).of(other)


def test_only_what_changed_is_computed(
    settings: Settings, embedder: Embedder, server: EmbeddingsServer
):
    with opened(settings, embedder) as (library, store):
        add(library)
        first = serving(store)
        reindexed(library)
        again = library.reindex_status(LOCAL_ADMIN)
        assert (again.computed, again.reused, again.chunks) == (0, 6, 6)
        assert gate_of(serving(store)).chunks_tried == 6
        assert [a.kind for a in again.asked] == ["made"]
        assert again.asked[0].after == 1.0
    with opened(by_server(settings, server)) as (library, store):
        reindexed(library)
        status = library.reindex_status(LOCAL_ADMIN)
        assert (status.computed, status.reused, status.sent_to) == (6, 0, "127.0.0.1")
        versions = store.catalog.indexed_in(serving(store).id)
        before, now = (
            {c.spans for v in versions for c in store.catalog.each_chunk_of(g, v)}
            for g in (first.id, serving(store).id)
        )
        assert before == now
        assert len(now) == 6
        library.pipeline.clock = lambda: time.time() + 30
        library.worker._tidy()
        assert store.catalog.indexed_in(first.id) == set()  # one earlier index is kept, not two
        assert library.way_back(LOCAL_ADMIN) is not None


def test_a_return_brings_back_what_came_and_leaves_out_what_went(
    settings: Settings, embedder: Embedder
):
    with opened(settings, embedder) as (library, store):
        add(library)
        with pytest.raises(BadInput, match="No earlier index is kept"):
            library.rollback(LOCAL_ADMIN)
        before = serving(store)
        reindexed(library)
        after = serving(store)
        kept = library.way_back(LOCAL_ADMIN)
        assert kept is not None
        assert (kept.generation, kept.missing) == (before.id, 0)
        library.remove(LOCAL_ADMIN, "0.txt")
        library.add(LOCAL_ADMIN, "1.txt", b"Note 1 was replaced by a treatise on lighthouses.")
        add(library, 1, first=6)
        library.pipeline.leave([x.version_id for x in store.catalog.leaving()])
        # What went is out of the index that is kept, at once.
        (kept_ids,) = store.catalog.chunk_ids(before.id).values()
        pair = store.indexes.open(before.id, before.dimension)
        assert pair.lexical.ids() == kept_ids == pair.vectors.ids(pair.vectors.spaces()[0])
        assert len(kept_ids) == 4
        library.rollback(LOCAL_ADMIN)
        assert library.wait(60)
        status = library.reindex_status(LOCAL_ADMIN)
        assert (status.state, status.returning, status.generation) == ("done", True, before.id)
        assert serving(store).id == before.id
        assert "lighthouses" in search(store, "treatise on lighthouses").hits[0].chunk.text
        assert all("house 0." not in h.chunk.text for h in search(store, "salary house 0").hits)
        assert library.verify(LOCAL_ADMIN).ok
        way_on = library.way_back(LOCAL_ADMIN)
        assert way_on is not None
        assert way_on.generation == after.id
        assert actions(store) == [
            "reindex", "reindex_swapped", "reindex_rollback", "reindex_returned",
        ]  # fmt: skip
        assert store.catalog.check_audit() is None


def test_an_index_is_kept_for_its_days_and_not_a_day_longer(settings: Settings, embedder: Embedder):
    with opened(settings, embedder) as (library, store):
        add(library, 2)
        before = serving(store)
        reindexed(library)
        day = 86_400
        library.pipeline.clock = lambda: time.time() + 6.9 * day
        library.worker._tidy()
        assert library.way_back(LOCAL_ADMIN) is not None
        library.pipeline.clock = lambda: time.time() + 7.1 * day
        library.worker._tidy()
        assert library.way_back(LOCAL_ADMIN) is None
        assert not store.indexes.folder(before.id).exists()


def test_a_return_to_older_rules_is_not_undone_by_the_next_start(
    settings: Settings, embedder: Embedder
):
    with opened(settings, embedder) as (library, store):
        add(library, 2)
        before = serving(store)
        with store.catalog.db.write() as c:
            c.exec_driver_sql("UPDATE generations SET chunker = 'structure-0'")
    with opened(settings, embedder) as (library, store):  # our own rules: built without asking
        assert library.wait(60)
        assert serving(store).id != before.id
        library.rollback(LOCAL_ADMIN)
        assert library.wait(60)
    for _ in range(2):
        with opened(settings, embedder) as (library, store):
            assert library.wait(10)
            assert serving(store).id == before.id
            assert "other rules" in library.reindex_scope(LOCAL_ADMIN).why


def mark_right(store: Store, question: str, name: str) -> None:
    """As a person does in the chat, under an answer that cites the first page of a document."""
    document, catalog = store.catalog.find_document(name), store.catalog
    cited = Citation(
        n=1, document_id=document.id, space="main", doc=name, page=1,
        spans=(Span(page_id=catalog.document_pages(document.id)[0].id, start=0, end=4),), text="x",
    )  # fmt: skip
    conversation = catalog.new_conversation(LOCAL_ADMIN.id)
    turn_id = catalog.add_turn(conversation, question)
    said = Sentence(text="x", supported=True, citations=(1,))
    answer = catalog.turn(turn_id).answer.model_copy(
        update={"citations": (cited,), "sentences": (said,)}
    )
    catalog.save_turn(turn_id, answer, "done")
    catalog.mark(turn_id, LOCAL_ADMIN.id, "right")


def test_an_index_that_finds_less_is_held_and_serves_only_if_told_to(
    settings: Settings, server: EmbeddingsServer
):
    with opened(by_server(settings, server)) as (library, store):
        add(library, 28)
        for synonym, name in (("remuneration", "4.txt"), ("vehicle", "5.txt"), ("ocean", "7.txt")):
            mark_right(store, synonym, name)
        before = serving(store)
    with opened(by_server(settings, server, "nonsense")) as (library, store):
        reindexed(library)
        status = library.reindex_status(LOCAL_ADMIN)
        assert status.state == "held"
        assert "3 questions that were marked right" in (status.error or "")
        assert serving(store).id == before.id
        library.cancel_reindex(LOCAL_ADMIN)  # given up
        library.worker._tidy()
        assert [g.state for g in store.catalog.generations()] == ["serving"]
        reindexed(library)
        again = library.reindex_status(LOCAL_ADMIN)
        assert (again.state, again.computed, again.reused) == ("held", 0, 28)
        add(library, 1, first=28)  # comes into both
        held = store.catalog.held_generation()
        assert held is not None
        assert store.catalog.unindexed(held.id) == []
    with opened(by_server(settings, server, "nonsense")) as (library, store):  # also after a start
        assert library.reindex_status(LOCAL_ADMIN).state == "held"
        reindexed(library, anyway=True)
        status = library.reindex_status(LOCAL_ADMIN)
        assert (status.state, status.generation) == ("done", held.id)
        assert serving(store).id == held.id
        assert library.verify(LOCAL_ADMIN).ok
        assert actions(store) == [
            *("reindex", "reindex_held", "cancel_reindex"),
            *("reindex", "reindex_held", "reindex", "reindex_swapped"),
        ]


def test_a_chunk_that_the_graph_misses_is_put_in_anew_before_the_index_serves(
    settings: Settings, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
):
    """A graph of neighbours misses one in some thousands; here it is made to."""
    find, take_out, taken = VectorIndex.nearest, VectorIndex.delete, []

    def nearest(index: VectorIndex, space: str, vectors: np.ndarray, k: int):
        found = find(index, space, vectors, k)
        return found if taken or old in index.folder.parts else [[], *found[1:]]

    def delete(index: VectorIndex, space: str, ids: Collection[str]) -> None:
        taken.extend(ids)
        take_out(index, space, ids)

    with opened(settings, embedder) as (library, store):
        add(library)
        old = serving(store).id
        monkeypatch.setattr(VectorIndex, "nearest", nearest)
        monkeypatch.setattr(VectorIndex, "delete", delete)
        reindexed(library)
        assert library.reindex_status(LOCAL_ADMIN).state == "done"
        assert serving(store).id != old
        assert len(taken) == 1
        assert library.verify(LOCAL_ADMIN).ok


def test_a_small_fall_is_allowed_and_what_could_not_be_asked_is_no_measure():
    assert falls([Asked(kind="made", questions=50, before=0.9, after=0.9 - MARGIN)]) == []
    assert falls([Asked(kind="made", questions=50, before=None, after=0.1)]) == []
    (said,) = falls([Asked(kind="made", questions=50, before=0.9, after=0.8)])
    assert said == (
        "Of 50 questions made from the documents, the index in use finds 90% of the pages and the "
        "new one 80%."
    )


def test_a_re_index_rests_while_questions_are_asked_but_never_stands_still():
    now, asked_s = [0.0], [0.0]

    def wait(seconds: float) -> None:
        now[0] += seconds
        asked_s[0] += seconds

    pace = Pace(lambda: asked_s[0], 0.25, clock=lambda: now[0], wait=wait)
    now[0] += 0.2
    pace()
    assert pace.rested_s == pytest.approx(0.6, abs=0.03)
    now[0] += 30.0  # a long piece of work: it goes on as soon as nobody has asked for two seconds
    pace()
    assert pace.rested_s == pytest.approx(2.0, abs=0.05)
    now[0] += 1.0
    pace()
    assert pace.rested_s == pytest.approx(2.0, abs=0.05)


def test_answers_go_on_while_an_index_is_built_and_swapped(settings: Settings, embedder: Embedder):
    with opened(settings, embedder) as (library, store):
        add(library, 12)
        assistant = open_assistant(
            settings, store.catalog, store.indexes, store.embedder, store.embedders
        )
        for _ in range(3):
            library.reindex(LOCAL_ADMIN)
            while library.reindex_status(LOCAL_ADMIN).state == "running":
                found = assistant.find(LOCAL_ADMIN, "the salary of house 4")
                assert found.warnings == ()
                assert "house 4" in found.hits[0].chunk.text
            assert library.reindex_status(LOCAL_ADMIN).swapped
        assistant.close()


def verb(settings: Settings, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ingestion", *args, "--json"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "FOOTNOTE_DATA": str(settings.data)}
        | {"FOOTNOTE_SAMPLES": "false"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def ended(settings: Settings, *args: str) -> tuple[int, dict]:
    process = verb(settings, *args)
    said, _ = process.communicate()
    return process.returncode, json.loads(said.splitlines()[-1])


def test_the_command_line_re_indexes_and_returns(settings: Settings, embedder: Embedder):
    with opened(settings, embedder) as (library, store):
        add(library, 3)
        first = serving(store).id
    status, said = ended(settings, "reindex", "--rollback")
    assert (status, said["error"]) == (1, "No earlier index is kept to return to.")
    status, said = ended(settings, "reindex")
    assert (status, said["swapped"], said["computed"], said["reused"]) == (0, True, 0, 3)
    status, said = ended(settings, "reindex", "--rollback")
    assert (status, said["generation"], said["swapped"]) == (0, first, True)


@pytest.mark.torture
def test_a_killed_re_index_goes_on_and_loses_nothing(settings: Settings, embedder: Embedder):
    with opened(settings, embedder) as (library, store):
        add(library, 60)
    chance = random.Random(5)
    for _ in range(6):
        process = verb(settings, "reindex")
        try:
            process.communicate(timeout=chance.uniform(2.0, 7.0))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
    with opened(settings, embedder) as (library, store):
        assert library.wait(120)
        assert library.verify(LOCAL_ADMIN).ok
        assert search(store, "salary of house 40").hits
        assert len(store.catalog.chunk_ids(serving(store).id).popitem()[1]) == 60
