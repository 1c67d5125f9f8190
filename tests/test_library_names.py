"""The same file again: already here, replaced, kept beside, skipped, or asked about."""

from __future__ import annotations

import threading
from pathlib import Path

import files
import pytest

from ingestion.library import Library
from ingestion.names import MAX_NAME
from ingestion.opening import LIMITS, limits, open_library
from ingestion.sandbox import Limits
from store import states
from store.catalog.arrivals import numbered
from store.embedding import Embedder
from store.errors import NameTaken
from store.models import LOCAL_ADMIN, Document, SameName
from store.opening import Store, open_store
from store.settings import Settings

OLD, NEW = b"The old rule is four days of holiday.", b"The new rule is nine days of holiday."


def add(library: Library, name: str, text: bytes, same_name: SameName | None = None) -> Document:
    return library.add(LOCAL_ADMIN, name, text, same_name=same_name)


def texts(store: Store) -> list[str]:
    """What answers now."""
    serving = store.catalog.serving_generation()
    assert serving is not None
    ids = [i for found in store.catalog.chunk_ids(serving.id).values() for i in found]
    return [c.text for c in store.catalog.chunks(sorted(ids)).values()]


def named(library: Library) -> dict[str, str]:
    return {d.name: d.status for d in library.list(LOCAL_ADMIN)}


def test_the_old_version_answers_until_the_new_one_is_ready_and_it_is_said(store: Store):
    library = open_library(store)
    add(library, "a.txt", OLD)
    assert library.wait(30)
    library.pause(LOCAL_ADMIN)
    replacing = add(library, "a.txt", NEW)
    assert replacing.status == "queued"
    assert replacing.earlier_answers
    assert states.earlier(replacing) == states.EARLIER_ANSWERS
    assert texts(store) == [OLD.decode()]
    library.resume(LOCAL_ADMIN)
    assert library.wait(30)
    assert texts(store) == [NEW.decode()]
    assert not library.document(LOCAL_ADMIN, "a.txt").earlier_answers
    library.close()


def test_a_new_version_that_cannot_be_read_leaves_the_old_one_answering(
    library: Library, store: Store, tmp_path: Path
):
    library.add(LOCAL_ADMIN, "a.pdf", files.text_pdf(tmp_path / "a.pdf", [OLD.decode()]))
    assert library.wait(30)
    library.add(LOCAL_ADMIN, "a.pdf", files.encrypted_pdf(tmp_path / "locked.pdf"))
    assert library.wait(30)
    document = library.document(LOCAL_ADMIN, "a.pdf")
    assert document.status == "failed"
    assert states.earlier(document) == states.EARLIER_STAYS
    assert texts(store) == [OLD.decode()]


def test_both_are_kept_under_the_next_free_number(library: Library):
    add(library, "a.txt", OLD)
    second = add(library, "a.txt", NEW, "keep_both")
    third = add(library, "a.txt", b"A third text.", "keep_both")
    again = add(library, "a (2).txt", b"A fourth text.", "keep_both")
    assert (second.name, third.name, again.name) == ("a (2).txt", "a (3).txt", "a (4).txt")
    assert "kept as “a (2).txt”" in second.warnings[-1]
    assert add(library, "a.txt", NEW, "keep_both").status == "duplicate"
    assert library.wait(30)
    assert set(named(library).values()) == {"ready"}
    assert len(named(library)) == 4


def test_a_skipped_file_says_so_and_nothing_of_it_is_kept(library: Library, store: Store):
    first = add(library, "a.txt", OLD)
    skipped = add(library, "a.txt", NEW, "skip")
    assert (skipped.status, skipped.id) == ("duplicate", first.id)
    assert "skipped" in skipped.warnings[0]
    assert len(store.files.contents()) == 1


def test_who_wants_to_be_asked_is_asked_and_nothing_has_happened_yet(
    library: Library, store: Store
):
    add(library, "a.txt", OLD)
    with pytest.raises(NameTaken, match="replace it, to keep both, or to skip"):
        add(library, "a.txt", NEW, "ask")
    assert len(store.files.contents()) == 1
    assert add(library, "a.txt", OLD, "ask").status == "duplicate"
    assert add(library, "b.txt", NEW, "ask").name == "b.txt"


def test_a_file_that_never_could_be_read_makes_room_without_a_question(
    library: Library, tmp_path: Path
):
    library.add(LOCAL_ADMIN, "a.pdf", files.truncated_pdf(tmp_path / "cut.pdf"))
    assert library.wait(30)
    assert named(library)["a.pdf"] == "failed"
    whole = files.text_pdf(tmp_path / "whole.pdf", ["All of it."])
    library.add(LOCAL_ADMIN, "a.pdf", whole, same_name="ask")
    assert library.wait(30)
    assert named(library) == {"a.pdf": "ready"}


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        ("ask", {"a.txt"}),
        ("replace", {"a.txt"}),
        ("keep_both", {"a.txt", "a (2).txt"}),
        ("skip", {"a.txt"}),
    ],
)
def test_the_setting_decides_where_nobody_says(
    settings: Settings, embedder: Embedder, setting: SameName, names: set[str]
):
    chosen = settings.model_copy(update={"same_name": setting})
    with open_store(chosen, embedder=embedder) as store:
        library = open_library(store)
        add(library, "a.txt", OLD)
        assert library.wait(30)
        add(library, "a.txt", NEW)
        assert library.wait(30)
        assert set(named(library)) == names
        assert (NEW.decode() in texts(store)) == (setting != "skip")
        library.close()


def test_many_at_once_get_names_of_their_own(library: Library):
    def one(i: int) -> None:
        add(library, "a.txt", f"Text number {i}.".encode(), "keep_both")

    threads = [threading.Thread(target=one, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(named(library)) == {"a.txt", *(f"a ({i}).txt" for i in range(2, 9))}


@pytest.mark.parametrize(
    ("name", "number", "expected"),
    [
        ("a.txt", 2, "a (2).txt"),
        ("a (2).txt", 3, "a (3).txt"),
        ("no suffix", 2, "no suffix (2)"),
        ("x.tar.gz", 2, "x.tar (2).gz"),
        ("Report (final).pdf", 2, "Report (final) (2).pdf"),
        ("b" * 176 + ".txt", 12, "b" * 171 + " (12).txt"),
    ],
)
def test_a_number_goes_before_the_suffix(name: str, number: int, expected: str):
    assert numbered(name, number) == expected
    assert len(expected) <= MAX_NAME


def test_every_limit_of_a_reading_process_is_a_setting(settings: Settings):
    assert set(LIMITS) == set(Limits.model_fields)
    assert limits(settings) == Limits()
