"""Upgrades: every released schema comes to today's with all its rows, a copy kept beside."""

from __future__ import annotations

import hashlib
import importlib.resources
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from store.catalog import Catalog
from store.catalog.copies import forget_before_upgrades, look_into, revision_of
from store.catalog.database import CatalogTooNew
from store.catalog.tables import metadata
from store.errors import FootnoteError

RELEASED = ("0001", "0002", "0003")
ROWS: dict[str, dict[str, Any]] = {
    "spaces": {"id": "s1", "name": "main"},
    "documents": {"id": "d1", "space_id": "s1", "name": "a.txt", "removing": 0, "added_at": 1.5},
    "parses": {
        "id": 1, "content_hash": "ab", "fingerprint": "text-1", "pages": 1, "unread": 0,
        "title": "Tides", "date": None, "author": None, "language": "en", "warnings": "[]",
        "complete": 1,
    },
    "pages": {
        "id": 7, "parse_id": 1, "number": 1, "text": "The tide is high.", "how": "text",
        "quality": 1.0, "flags": "[]", "label": None, "width": None, "height": None,
        "boxes": b"\x00\x01", "blocks": "[]", "error": None,
    },
    "versions": {
        "id": "v1", "document_id": "d1", "seq": 1, "content_hash": "ab", "size": 17, "kind": "text",
        "status": "ready", "step": None, "error": None, "warnings": "[]", "pages": 1,
        "pages_done": 1, "chunks": 1, "parse_id": 1, "added_at": 1.5, "seconds": 0.5,
    },
    "generations": {
        "id": "g1", "chunker": "structure-1", "embedder": "e", "dimension": 2, "state": "serving",
        "created_at": 1.0,
    },
    "chunks": {
        "id": "c1", "generation_id": "g1", "version_id": "v1", "seq": 0, "spans": "[[7,0,17]]",
        "page": 1, "section": "", "header": "Tides", "text_hash": "cd",
    },
    "indexed": {"generation_id": "g1", "version_id": "v1"},
    "embeddings": {"embedder": "e", "text_hash": "cd", "vector": b"\x00\x00\x80?\x00\x00\x00\x00"},
    "jobs": {
        "id": 3, "kind": "ingest", "version_id": "v1", "generation_id": None, "state": "done",
        "epoch": 1, "attempts": 1, "not_before": 0.0, "cancelling": 0, "error": None,
        "created_at": 1.5, "seconds": 0.5,
    },
    "conversations": {"id": "q1", "principal_id": "local", "title": "Tides", "created_at": 2.0},
    "turns": {
        "id": "t1", "conversation_id": "q1", "seq": 1, "question": "How is the tide?",
        "answer": "{}", "state": "done", "created_at": 2.0,
    },
    "meta": {"key": "samples_added", "value": "yes"},
}  # fmt: skip
"""A row of each table as the first release wrote it."""
LATER: dict[str, dict[str, dict[str, Any]]] = {
    "0002": {
        "documents": {"sync_folder": "/reports", "sync_path": "a.txt"},
        "pages": {"confidence": 0.9, "figures": "[[0,0,1,1]]"},
        "chunks": {"language": "en"},
        "jobs": {"paused": 0},
        "versions": {"vision_parse_id": 1},
    },
    "0003": {
        "marks": {
            "turn_id": "t1", "principal_id": "local", "verdict": "right", "note": "",
            "marked_at": 3.0,
        }
    },
}  # fmt: skip


def migrated(path: Path, revision: str) -> dict[str, dict[str, Any]]:
    """A catalog as the release with this schema left it; its rows by table."""
    config = Config()
    config.set_main_option(
        "script_location", str(importlib.resources.files("store.catalog") / "migrations")
    )
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
    rows = {table: dict(row) for table, row in ROWS.items()}
    for added in (more for r, more in LATER.items() if r <= revision):
        for table, columns in added.items():
            rows.setdefault(table, {}).update(columns)
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode=WAL")
    with db:
        for table, row in rows.items():
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))
    db.close()
    return rows


def row_of(path: Path, table: str, columns: list[str]) -> list[dict[str, Any]]:
    db = sqlite3.connect(path)
    found = db.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
    db.close()
    return [dict(zip(columns, r, strict=True)) for r in found]


def state_of(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


@pytest.mark.parametrize("revision", RELEASED)
def test_every_row_of_a_released_schema_survives_the_upgrade(tmp_path: Path, revision: str):
    path = tmp_path / "catalog.db"
    rows = migrated(path, revision)
    catalog = Catalog(path)
    try:
        assert revision_of(path) == "0004"
        for table, row in rows.items():
            found = row_of(path, table, list(row))
            assert row in found, table
            assert len(found) == 1 or table == "meta"
        assert catalog.check() == "ok"
        assert catalog.find_document("d1").name == "a.txt"
        assert [p.text for p in catalog.document_pages("d1")] == ["The tide is high."]
        assert catalog.record("local", "add", "d1").seq == 1
        assert catalog.check_audit() is None
    finally:
        catalog.close()
    kept = tmp_path / f"before-upgrade-{revision}.db"
    assert revision_of(kept) == revision
    assert {t: row_of(kept, t, list(r)) for t, r in rows.items()} == {
        t: [r] for t, r in rows.items()
    }


@pytest.mark.parametrize("revision", RELEASED)
def test_an_upgraded_schema_is_that_of_a_new_folder(tmp_path: Path, revision: str):
    def columns(path: Path) -> dict[str, list[tuple]]:
        db = sqlite3.connect(path)
        found = {
            t: sorted(
                (name, kind, notnull, pk)
                for _, name, kind, notnull, _, pk in db.execute(f"PRAGMA table_info({t})")
            )
            for t in metadata.tables
        }
        db.close()
        return found

    migrated(tmp_path / "old.db", revision)
    for name in ("old.db", "new.db"):
        Catalog(tmp_path / name).close()
    assert columns(tmp_path / "old.db") == columns(tmp_path / "new.db")


def test_the_released_schemas_are_all_tested():
    config = Config()
    config.set_main_option(
        "script_location", str(importlib.resources.files("store.catalog") / "migrations")
    )
    known = sorted(s.revision for s in ScriptDirectory.from_config(config).walk_revisions())
    assert known == [*RELEASED, "0004"]
    assert set(metadata.tables) - {"audit", "deletions"} == {*ROWS, "marks"}


def test_a_catalog_of_a_newer_footnote_is_refused_and_left_as_it_is(tmp_path: Path):
    folder = tmp_path / "store"
    Catalog(folder / "catalog.db").close()
    db = sqlite3.connect(folder / "catalog.db")
    with db:
        db.execute("UPDATE alembic_version SET version_num = '0099'")
    db.close()
    before = state_of(folder)
    with pytest.raises(CatalogTooNew, match=r"written by a newer Footnote.*0099.*Nothing was"):
        Catalog(folder / "catalog.db")
    assert state_of(folder) == before


def test_the_newest_two_copies_are_kept_for_a_week_at_most(tmp_path: Path):
    for i, revision in enumerate(("0000", "0001", "0002")):
        old = tmp_path / f"before-upgrade-{revision}.db"
        old.write_bytes(b"x")
        os.utime(old, (i + 1e9, i + 1e9))
    path = tmp_path / "catalog.db"
    migrated(path, "0003")
    Catalog(path).close()  # those of long ago go
    assert [p.name for p in tmp_path.glob("before-*")] == ["before-upgrade-0003.db"]
    (tmp_path / "before-upgrade-0002.db").write_bytes(b"x")
    assert forget_before_upgrades(tmp_path) == []
    assert sorted(forget_before_upgrades(tmp_path, 0)) == [
        "before-upgrade-0002.db", "before-upgrade-0003.db",
    ]  # fmt: skip
    Catalog(path).close()  # nothing to upgrade, nothing to copy
    assert list(tmp_path.glob("before-*")) == []


def test_no_room_for_the_copy_means_no_upgrade(tmp_path: Path):
    path = tmp_path / "catalog.db"
    migrated(path, "0002")
    before = look_into(path)
    (tmp_path / "before-upgrade-0002.part").mkdir()  # as good as a folder without room
    with pytest.raises(FootnoteError, match="must be upgraded, and there is no room"):
        Catalog(path)
    assert look_into(path) == before
