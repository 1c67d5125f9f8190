"""The data folder of a set: read once, kept by what was read and what read it."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from evals.sets import QuestionSet
from ingestion.chunking import CHUNKER
from ingestion.opening import open_library
from ingestion.parsers import ParseOptions, parser_fingerprint
from retrieval.assistant import Assistant, open_assistant
from store.embedding import Embedder, open_embedder
from store.errors import BadInput
from store.indexes.words import WORDS_VERSION
from store.models import ANSWERING, LOCAL_ADMIN, Kind
from store.opening import Store, open_store
from store.settings import Settings

log = logging.getLogger("footnote.evals")

READING = ("ocr_languages", "max_pixels", "max_pages", "max_file_mb", "vision_model")
"""Settings that decide what is read of a file."""


@dataclass(frozen=True)
class Opened:
    """What is asked. `names` are the documents' names there by the names the set uses.

    `unread` are sentences on documents that do not answer, `seconds` how long reading took.
    """

    store: Store
    assistant: Assistant
    names: Mapping[str, str]
    unread: tuple[str, ...] = ()
    seconds: float = 0.0


@contextmanager
def opened_set(
    asked: QuestionSet, settings: Settings, kept_in: Path, embedder: Embedder | None = None
) -> Iterator[Opened]:
    """The set's documents, read into a folder of their own under `kept_in` unless they are there.

    Raises FolderInUse while another run uses the same folder, OSError where a file is gone.
    """
    embedder = embedder or open_embedder(settings)
    digests = {name: _digest(document) for name, document in asked.documents.items()}
    folder = kept_in / _key(digests, fingerprints(settings, embedder))
    own = settings.model_copy(update={"data": folder, "samples": False})
    began = time.perf_counter()
    with open_store(own, embedder=embedder) as store:
        unread = _read(store, asked.documents, digests)
        seconds = time.perf_counter() - began
        there = {d.content_hash: d for d in store.catalog.documents()}
        names = {name: there[d].name for name, d in digests.items() if d in there}
        with opened_folder(store) as assistant:
            yield Opened(
                store=store,
                assistant=assistant,
                names=names,
                unread=tuple(unread),
                seconds=round(seconds, 1),
            )


@contextmanager
def opened_folder(store: Store) -> Iterator[Assistant]:
    """The assistant over an open folder, warm, so that no question pays for the first."""
    assistant = open_assistant(store.settings, store.catalog, store.indexes, store.embedder)
    try:
        assistant.warm()
        assistant.find(LOCAL_ADMIN, "warm", k=1)  # opens the indexes
        yield assistant
    finally:
        assistant.close()


def fingerprints(settings: Settings, embedder: Embedder) -> dict[str, str]:
    """What decides how documents are read, cut and found, by name."""
    options = ParseOptions(ocr_languages=settings.ocr_languages, max_pixels=settings.max_pixels)
    parsers = [parser_fingerprint(kind, options) for kind in get_args(Kind)]
    return {
        "parsers": _short("\n".join(parsers)),
        "chunker": CHUNKER,
        "words": WORDS_VERSION,
        "embedder": embedder.fingerprint,
        "reading": _short(settings.model_dump_json(include=set(READING))),
    }


def _read(store: Store, documents: Mapping[str, Path | str], digests: Mapping[str, str]) -> list:
    """Add what is not there and wait until it is read; sentences on what does not answer."""
    library = open_library(store)
    try:
        refused = {}
        here = {d.content_hash for d in library.list(LOCAL_ADMIN)}
        for name, document in documents.items():
            if digests[name] in here:
                continue
            source = document.encode() if isinstance(document, str) else document
            try:
                library.add(LOCAL_ADMIN, name, source, same_name="keep_both")
            except BadInput as e:
                refused[name] = f"{name}: {e}"
            here.add(digests[name])
        library.retry_outdated(LOCAL_ADMIN)
        library.wait()
        ended = [d for d in library.list(LOCAL_ADMIN) if d.status not in ANSWERING]
        return [*refused.values(), *(f"{d.name}: {d.error or d.status}" for d in ended)]
    finally:
        library.close()


def _digest(document: Path | str) -> str:
    """As `store.files` names contents."""
    if isinstance(document, str):
        return hashlib.sha256(document.encode()).hexdigest()
    with document.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _key(digests: Mapping[str, str], read_by: Mapping[str, str]) -> str:
    lines = [*(f"{n}={d}" for n, d in sorted(digests.items())), *read_by.values()]
    return _short("\n".join(lines))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
