"""A removed document is gone from every file of the data folder, and a certificate says so."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ingestion.__main__ import main
from ingestion.library import Library
from ingestion.opening import open_library
from ingestion.removal import remove_for_good
from ingestion.restore import restore
from retrieval.assistant import Assistant, open_assistant
from store.catalog.chunks import text_hash
from store.embedding import Embedder
from store.errors import NotFound
from store.models import LOCAL_ADMIN, Answer, Chunk, Citation, Document, Sentence, Span
from store.opening import Store, open_store
from store.redaction import DELETED, DELETED_SENTENCE
from store.settings import Settings
from tests import files
from tests.markers import MAKERS, marker, places, vectors

STEPS = (
    "begun", "counted", "out of the indexes", "purged", "out of conversations", "forgotten",
    "checkpointed", "certified",
)  # fmt: skip
KILLED = """
import os, signal, sys
from pathlib import Path
from ingestion.opening import open_library
from ingestion.removal import remove_for_good
from store.opening import open_store
from store.settings import Settings

data, document_id, step = sys.argv[1:]
def reached(found):
    if found == step:
        os.kill(os.getpid(), signal.SIGKILL)
with open_store(Settings(data=Path(data), samples=False, _env_file=None)) as store:
    library = open_library(store, start=False)
    remove_for_good(store, library.pipeline, [document_id], "local", reached=reached)
"""


class Marked(NamedTuple):
    """A document with the words that only it has."""

    document: Document
    words: tuple[str, ...]
    conversation: str


@pytest.fixture
def assistant(store: Store) -> Iterator[Assistant]:
    opened = open_assistant(store.settings, store.catalog, store.indexes, store.embedder)
    yield opened
    opened.close()


def test_no_word_of_removed_documents_is_left_in_any_file(
    library: Library, assistant: Assistant, store: Store, tmp_path: Path
):
    gone_without_a_trace(library, assistant, store, tmp_path, list(MAKERS))


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_no_word_of_fifty_removed_documents_is_left_in_any_file(
    library: Library, assistant: Assistant, store: Store, tmp_path: Path
):
    kinds = [list(MAKERS)[n % len(MAKERS)] for n in range(50)]
    words, gone, kept = gone_without_a_trace(library, assistant, store, tmp_path, kinds)
    library.rollback(LOCAL_ADMIN)
    assert library.wait(600)
    library.reindex(LOCAL_ADMIN)
    assert library.wait(600)
    assert places(store.settings.data, words) == []
    still_answers(library, assistant, kept)
    restored = restore(
        store.settings.model_copy(update={"data": tmp_path / "restored"}),
        tmp_path / "kept.zip",
        embedder=store.embedder,
    )
    assert set(restored.deletions_applied) == gone
    assert restored.verified.ok
    assert places(tmp_path / "restored", words) == []


def gone_without_a_trace(
    library: Library, assistant: Assistant, store: Store, folder: Path, kinds: list[str]
) -> tuple[set[str], set[str], Document]:
    """Removed while an index is built and while one is kept: their words, their ids, who stays."""
    marked, kept = filled(library, assistant, folder, kinds)
    data, words = store.settings.data, {w for m in marked for w in m.words}
    there = places(data, words)
    assert all(any(w in place for place in there) for w in words)
    held = [v for m in marked for v in embeddings(store, m.document.id)]
    assert {"catalog.db-wal", "catalog.db"} & {*vectors(data, held)}
    library.backups.make(LOCAL_ADMIN.id, str(folder / "kept.zip"))
    assert library.reindex(LOCAL_ADMIN).state == "running"
    half = len(marked) // 2
    for m in marked[:half]:  # while an index is built beside the other
        library.remove(LOCAL_ADMIN, m.document.id)
        assert places(data, m.words) == []
    assert library.wait(600)
    for m in marked[half:]:  # while an index is kept for a return
        library.remove(LOCAL_ADMIN, m.document.id)
    assert places(data, words) == []
    assert vectors(data, held) == []
    assert_proved(library, marked)
    still_answers(library, assistant, kept)
    return words, {m.document.id for m in marked}, kept


def test_what_is_left_of_an_answer_says_that_its_source_was_deleted(
    library: Library, assistant: Assistant, tmp_path: Path
):
    (m,), _ = filled(library, assistant, tmp_path, ["txt"])
    library.remove(LOCAL_ADMIN, m.document.id)
    conversation = assistant.conversation(LOCAL_ADMIN, m.conversation)
    first = conversation.turns[0]
    assert first.question == conversation.title == "How many […] is the […] […]?"
    assert [s.text for s in first.answer.sentences][:1] == [DELETED_SENTENCE]
    assert all(s.deleted and not s.supported for s in first.answer.sentences)
    theirs = [c for c in first.answer.citations if c.document_id == m.document.id]
    assert all(c.deleted and c.doc == DELETED and c.text == "" for c in theirs)
    mark = assistant.mark_of(LOCAL_ADMIN, first.id)
    assert mark is not None
    assert mark.note == "[…] is not in […] […]"


def test_bytes_that_another_document_has_stay_with_that_one(
    library: Library, assistant: Assistant, store: Store, tmp_path: Path
):
    (m,), _ = filled(library, assistant, tmp_path, ["pdf"])
    source = tmp_path / f"{m.words[0]} plan.pdf"
    twin = library.add(LOCAL_ADMIN, "other name.pdf", source, "apart")
    assert library.wait(60)
    library.remove(LOCAL_ADMIN, m.document.id)
    counted = {s.store: s.before for s in library.certificate(LOCAL_ADMIN, m.document.id).stores}
    assert counted["catalog: pages"] == counted["files: originals"] == 0
    assert counted["catalog: chunks"] >= 1
    assert places(store.settings.data, m.words[:1]) == []
    answer = assistant.ask(LOCAL_ADMIN, f"How long is the {m.words[1]} bridge?")
    assert {c.document_id for c in answer.citations} == {twin.id}


@pytest.mark.parametrize(
    "steps",
    [("forgotten",), pytest.param(STEPS, marks=[pytest.mark.torture, pytest.mark.timeout(1800)])],
)
def test_a_removal_goes_on_after_a_kill(
    steps: tuple[str, ...], settings: Settings, embedder: Embedder, tmp_path: Path
):
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store)
        assistant = open_assistant(settings, store.catalog, store.indexes, embedder)
        marked, kept = filled(library, assistant, tmp_path, ["md"] * len(steps))
        assistant.close()
        library.close()
    for m, step in zip(marked, steps, strict=True):
        command = [sys.executable, "-c", KILLED, str(settings.data), m.document.id, step]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
        with open_store(settings, embedder=embedder) as store:
            assert not store.clean
            library = open_library(store)
            assert places(settings.data, m.words) == [], step
            assert_proved(library, [m])
            assistant = open_assistant(settings, store.catalog, store.indexes, embedder)
            still_answers(library, assistant, kept)
            assistant.close()
            library.close()


def test_a_repair_removes_again_what_is_here_although_its_deletion_was_proved(
    library: Library, assistant: Assistant, store: Store, tmp_path: Path
):
    (gone, back), kept = filled(library, assistant, tmp_path, ["txt", "md"])
    library.remove(LOCAL_ADMIN, gone.document.id)
    with sqlite3.connect(store.settings.data / "catalog.db") as c:
        c.execute("UPDATE deletions SET document_id = ?", [back.document.id])
    assert not library.verify(LOCAL_ADMIN).ok
    report = library.verify(LOCAL_ADMIN, repair=True)
    assert report.ok
    assert report.repaired == ("Removed 1 documents that had been deleted.",)
    assert places(store.settings.data, back.words) == []
    assert_proved(library, [back])
    still_answers(library, assistant, kept)


def test_an_answer_that_was_being_written_keeps_nothing_of_a_removed_document(
    library: Library, assistant: Assistant, store: Store, tmp_path: Path
):
    (m,), kept = filled(library, assistant, tmp_path, ["txt"])
    word = m.words[1]
    turn_id = store.catalog.add_turn(assistant.new_conversation(LOCAL_ADMIN), "What is there?")
    library.remove(LOCAL_ADMIN, m.document.id)
    spans = (Span(page_id=1, start=0, end=9),)
    cited = {"space": "main", "page": 1, "spans": spans}
    late = Answer(
        question="What is there?",
        sentences=(
            Sentence(text=f"A {word} bridge.", supported=True, citations=(1,)),
            Sentence(text="A crane.", supported=True, citations=(2,)),
            Sentence(text=f"A {word} of both.", supported=True, citations=(1, 2)),
            Sentence(text=f"More of {word}.", supported=False),
            Sentence(text=f"No {word} bridge.", supported=False, citations=(1,), doubted=True),
        ),
        citations=(
            Citation(n=1, document_id=m.document.id, doc=m.document.name, text=word, **cited),
            Citation(n=2, document_id=kept.id, doc=kept.name, text="A crane.", **cited),
        ),
        warnings=(f"{word} was read in part.",),
        rewritten=f"What {word} is there?",
    )
    store.catalog.save_turn(turn_id, late, "done")
    assert places(store.settings.data, m.words) == []
    texts = [s.text for s in store.catalog.turn(turn_id).answer.sentences]
    assert texts == [DELETED_SENTENCE, "A crane.", *[DELETED_SENTENCE] * 3]
    assert not any(s.doubted for s in store.catalog.turn(turn_id).answer.sentences)


def test_the_command_line_prints_the_certificate(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    monkeypatch.setenv("FOOTNOTE_DATA", str(settings.data))
    monkeypatch.setenv("FOOTNOTE_SAMPLES", "false")
    path = files.txt(tmp_path / "a.txt", "The mast is sound.")
    main(["add", "--json", str(path)])
    document_id = json.loads(capsys.readouterr().out)["document_id"]
    assert main(["remove", "--json", "a.txt"]) == 0
    removed = json.loads(capsys.readouterr().out)
    assert removed["removed"] == [document_id]
    assert removed["certificate"]["proved"]
    assert main(["certificate", "--json", document_id]) == 0
    assert json.loads(capsys.readouterr().out) == removed["certificate"]
    assert main(["certificate", document_id]) == 0
    assert "nothing is left" in capsys.readouterr().out
    assert main(["certificate", "d0"]) == 1


def test_a_removal_is_no_error_where_nothing_is(library: Library, store: Store):
    (certificate,) = remove_for_good(store, library.pipeline, ["d0"], "local", begun_at=7.0)
    assert certificate.proved
    assert certificate.begun_at == 7.0
    assert not any(s.before for s in certificate.stores)
    with pytest.raises(NotFound):
        library.certificate(LOCAL_ADMIN, "d1")


def embeddings(store: Store, document_id: str):
    """The vectors that are kept of a document's chunks."""
    hashes = [text_hash(c.searched_text) for c in chunks(store, document_id)]
    return list(store.catalog.embeddings(store.embedder.fingerprint, hashes).values())


def filled(
    library: Library, assistant: Assistant, folder: Path, kinds: list[str]
) -> tuple[list[Marked], Document]:
    """Marked documents that were looked at and asked about, and one that stays."""
    stays = files.txt(
        folder / "stays.txt", "The harbour crane lifts 90 tons. It is checked in May."
    )
    kept = library.add(LOCAL_ADMIN, "stays.txt", stays)
    added = []
    for n, kind in enumerate(kinds):
        words = (marker(2 * n), marker(2 * n + 1))
        path = MAKERS[kind](folder / f"{words[0]} plan.{kind}", words[1], n)
        added.append((library.add(LOCAL_ADMIN, path.name, path), words))
    assert library.wait(120)
    found = []
    for document, words in added:
        assert library.document(LOCAL_ADMIN, document.id).status == "ready"
        for page in library.show(LOCAL_ADMIN, document.id)[1]:
            if page.pictured:
                library.picture(LOCAL_ADMIN, page.id, 400)
        found.append(Marked(document, words, asked_about(assistant, words)))
    return found, kept


def asked_about(assistant: Assistant, words: tuple[str, str]) -> str:
    """A conversation whose title, questions, answers, traces and marks hold the words."""
    name, word = words
    conversation = assistant.new_conversation(LOCAL_ADMIN)
    for question in (
        f"How many metres is the {word} bridge?",
        f"When was it inspected, says {name} plan?",
        f"What do the {word} bridge and the harbour crane have in common?",
    ):
        turn_id = assistant.start(LOCAL_ADMIN, conversation, question)
        *_, turn = assistant.follow(LOCAL_ADMIN, turn_id)
        assert turn.state == "done"
        assistant.mark(LOCAL_ADMIN, turn_id, "wrong", f"{word} is not in {name} plan")
    return conversation


def chunks(store: Store, document_id: str) -> list[Chunk]:
    serving = store.catalog.serving_generation()
    assert serving is not None
    return store.catalog.chunks_of_document(document_id, serving.id)


def assert_proved(library: Library, gone: list[Marked]) -> None:
    for m in gone:
        certificate = library.certificate(LOCAL_ADMIN, m.document.id)
        assert certificate.proved, certificate
        counted = {s.store: s.before for s in certificate.stores}
        assert counted["catalog: document"] == counted["files: originals"] == 1
        assert counted["catalog: pages"] >= 1
        assert counted["catalog: embeddings"] >= 1
        assert counted["conversations: quotes"] >= 1
        said = certificate.model_dump_json()
        assert m.document.name not in said
        assert m.document.content_hash not in said


def still_answers(library: Library, assistant: Assistant, kept: Document) -> None:
    answer = assistant.ask(LOCAL_ADMIN, "How many tons does the harbour crane lift?")
    assert [c.document_id for c in answer.citations] == [kept.id]
    report = library.verify(LOCAL_ADMIN)
    assert report.ok, [c for c in report.checks if not c.ok]
