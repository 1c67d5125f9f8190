"""The audit trail: complete, chained, without a word of a document."""

from __future__ import annotations

import sqlite3
from itertools import pairwise
from pathlib import Path

import files
import pytest

from ingestion.folders import look
from ingestion.library import Library
from store.catalog import Catalog
from store.catalog.arrivals import Origin
from store.errors import NotAllowed
from store.models import LOCAL_ADMIN, Principal


@pytest.fixture
def catalog(tmp_path: Path):
    opened = Catalog(tmp_path / "catalog.db")
    yield opened
    opened.close()


def tampered(catalog: Catalog, sql: str) -> str | None:
    """What the check says after somebody changed the file by other means."""
    connection = sqlite3.connect(catalog.path)
    with connection:
        connection.execute(sql)
    connection.close()
    return catalog.check_audit()


def filled(catalog: Catalog) -> Catalog:
    for i in range(5):
        catalog.record("local", "add", f"d{i}", size=i, kind="pdf")
    return catalog


def test_entries_come_back_in_order_with_what_was_noted(catalog):
    filled(catalog)
    entries = catalog.audit()
    assert [e.seq for e in entries] == [1, 2, 3, 4, 5]
    assert entries[3].document_id == "d3"
    assert entries[3].detail == {"size": 3, "kind": "pdf"}
    assert [e.seq for e in catalog.audit(after_seq=3, limit=1)] == [4]
    assert [e.seq for e in catalog.audit(document_id="d1")] == [2]
    assert all(a.hash == b.previous for a, b in pairwise(entries))
    assert catalog.audit_head().hash == entries[-1].hash


def test_an_untouched_chain_holds_and_so_does_an_empty_one(catalog):
    assert catalog.check_audit() is None
    assert filled(catalog).check_audit() is None


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE audit SET principal_id='somebody' WHERE seq=2", "Entry 2 "),
        ("UPDATE audit SET at=at+1 WHERE seq=4", "Entry 4 "),
        ("UPDATE audit SET document_id=NULL WHERE seq=1", "Entry 1 "),
        ("UPDATE audit SET detail='{}' WHERE seq=3", "Entry 3 "),
        ("UPDATE audit SET hash=previous WHERE seq=3", "Entry 3 "),
        ("DELETE FROM audit WHERE seq=3", "lacks entries 3 to 3"),
        ("DELETE FROM audit WHERE seq=1", "lacks entries 1 to 1"),
        ("DELETE FROM audit WHERE seq>3", "lacks its end: entries 4 to 5"),
        ("DELETE FROM audit", "lacks its end: entries 1 to 5"),
        ("DELETE FROM meta WHERE key='audit_head'", "not the one that was written last"),
        ("UPDATE meta SET value='x' WHERE key='audit_head'", "cannot be read"),
    ],
)
def test_a_change_by_other_means_is_named(catalog, sql, said):
    assert said in (tampered(filled(catalog), sql) or "")


def test_a_text_or_anything_long_is_not_taken(catalog):
    for detail in ({"name": "Annual report.pdf"}, {"ids": ["a"] * 100}, {"x": {"y": 1}}):
        with pytest.raises(ValueError, match="audit entry"):
            catalog.record("local", "add", "d1", **detail)
    assert catalog.audit() == []


def test_an_entry_is_kept_or_undone_with_the_deed(catalog):
    class Stop(Exception):
        pass

    def undone() -> None:
        with catalog.together():
            catalog.set_meta("deed", "done")
            catalog.record("local", "deed")
            assert catalog.meta("deed") == "done"
            raise Stop

    with pytest.raises(Stop):
        undone()
    assert catalog.meta("deed") is None
    assert catalog.audit() == []
    with catalog.together():
        catalog.set_meta("deed", "done")
        catalog.record("local", "deed")
    assert catalog.meta("deed") == "done"
    assert [e.action for e in catalog.audit()] == ["deed"]
    assert catalog.check_audit() is None


def test_what_people_do_is_on_record_without_a_name_or_a_word(library: Library, tmp_path: Path):
    who = Principal(id="keeper@lighthouse.example", admin=True)
    paused = library.add(who, "Secret plan.txt", b"The vault opens at dawn.", space="Board room")
    library.wait(60)
    library.add(who, "Secret plan.txt", b"The vault opens at dusk.", space="Board room")
    library.pause(who)
    library.resume(who)
    library.cancel(who, paused.id)
    library.retry(who, paused.id)
    library.wait(60)
    library.verify(who, repair=True)
    library.backups.make(who.id, str(tmp_path / "a.zip"))
    library.remove(who, paused.id)
    entries = library.audit(who)
    done = [e.action for e in entries if e.principal_id == who.id]
    assert done == [
        "make_space", "add", "replace", "pause", "resume", "cancel", "retry", "repair", "backup",
        "remove", "removed",
    ]  # fmt: skip
    assert {e.document_id for e in entries} == {paused.id, None}
    text = "\n".join(e.model_dump_json() for e in entries).lower()
    assert not [w for w in ("secret", "plan", "vault", "board", "dawn") if w in text]
    state = library.audit_state(who)
    assert (state.entries, state.fault) == (len(entries), None)
    assert [e.seq for e in library.newest_audit(who, 2)] == [len(entries), len(entries) - 1]
    with pytest.raises(NotAllowed):
        library.audit(Principal(id="guest"))


def test_a_folder_that_is_followed_leaves_its_marks(library: Library, tmp_path: Path):
    folder = tmp_path / "reports"
    folder.mkdir()
    files.txt(folder / "old name.txt", "The keel is of oak.")
    files.txt(folder / "gone.txt", "The oar is of ash.")

    def follow() -> None:
        listing, paths = look(folder)
        for step in library.sync(LOCAL_ADMIN, listing).of("add"):
            origin = Origin(listing.folder, step.path)
            library.add(LOCAL_ADMIN, step.path, paths[step.path], origin=origin)
        assert library.wait(60)

    follow()
    (folder / "old name.txt").rename(folder / "new name.txt")
    (folder / "gone.txt").unlink()
    follow()
    done = [e.action for e in library.audit(LOCAL_ADMIN)]
    assert done[:4] == ["add", "add", "move", "remove"]
    assert library.audit_state(LOCAL_ADMIN).fault is None
