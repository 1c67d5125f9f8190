"""What most tests need: a data folder of their own, and one embedding model for all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.library import Library
from ingestion.opening import open_library
from store.embedding import Embedder, open_embedder
from store.opening import Store, open_store
from store.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "store", samples=False, _env_file=None)


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return open_embedder(Settings(_env_file=None))


@pytest.fixture
def store(settings: Settings, embedder: Embedder) -> Iterator[Store]:
    with open_store(settings, embedder=embedder) as opened:
        yield opened


@pytest.fixture
def library(store: Store) -> Iterator[Library]:
    opened = open_library(store)
    yield opened
    opened.close()
