"""What happens to a file between acknowledged and ready, and how an index is built anew.

Every step is idempotent and keyed by content; every result is written in a short transaction that
checks the lease, so that a kill, a cancellation or a removal at any moment loses nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

import numpy as np

from ingestion.chunking import CHUNKER, MOST_TOKENS, each_chunk
from ingestion.page_lists import ranges
from ingestion.parsers import ONLY_PAGES, ParseOptions, parser_fingerprint
from ingestion.running_heads import edges_of, find_running_heads
from ingestion.sandbox import Sandbox
from ingestion.sandbox_many import by_many
from ingestion.vision import SAYS, read_pictures, to_chunk
from ingestion.vision_model import VisionModel
from store.catalog import Catalog
from store.catalog.chunks import NewChunk, text_hash
from store.catalog.documents import VersionRow
from store.catalog.jobs import Job
from store.catalog.leases import Lease
from store.catalog.pages import Outcome
from store.crashpoints import reached
from store.embedders import EmbedderGone, Embedders, describe
from store.embedding import Embedder
from store.errors import BadInput, NotFound, NotYet, Transient, Unreadable
from store.files import Files
from store.indexes.generations import Indexes, IndexPair
from store.indexes.lexical import LexicalEntry
from store.models import ENDED_WITHOUT, Generation, Page, ParsedPage
from store.room import Room

_PAGES_A_WRITE = 32
_SECONDS_A_WRITE = 1.0
_CHUNKS_A_STEP = 256
T = TypeVar("T")


@dataclass
class Work:
    """What indexing did: vectors of texts taken from the catalog, and computed.

    `step` is called between two pieces of work; a re-index makes room for questions there.
    """

    reused: int = 0
    computed: int = 0
    texts_at_once: int = _CHUNKS_A_STEP
    step: Callable[[], None] = lambda: None


@dataclass
class Pipeline:
    """The parts that reading and indexing need; one an open library."""

    catalog: Catalog
    files: Files
    indexes: Indexes
    embedder: Embedder
    """Today's: that of every generation begun from now on."""
    embedders: Embedders
    sandbox: Sandbox
    options: ParseOptions
    vision: VisionModel | None = None
    clock: Callable[[], float] = time.time
    index_lock: threading.RLock = field(default_factory=threading.RLock)
    """Held while an index changes, so that a removal never meets a half-written upsert."""
    room: Room | None = None
    """What is kept free on the disk; None where nobody looks after it."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when the doors close: what takes long stops at its next step."""
    content_lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while the catalog and the stored files must agree on who needs which bytes; taken
    after `index_lock` where both are."""

    def ingest(self, job: Job) -> None:
        """Parse → chunk → embed → index → ready."""
        began = self.clock()
        version = self.catalog.version(job.version_id or "")
        parse_id = self._read(job.lease, version)
        pages = self.catalog.outcomes(parse_id)
        info = self.catalog.parse_info(parse_id)
        if len(pages) != info.pages:  # the same bytes are being read again elsewhere
            raise Transient(
                "Another copy of this file was being read at the same time; retry this one."
            )
        own = [w for w in version.warnings if not w.startswith(SAYS)]  # of an earlier reading
        warnings = [*own, *info.warnings, *lost_pages(pages, info.unread)]
        warnings += self._described(job.lease, version, parse_id)
        status = reading_status(pages, info.unread, self.catalog.readings(version.id))
        count = 0
        if status in ("ready", "partial"):
            for generation in self._live():
                count = self.index_version(job.lease, generation, version.id)
            if count == 0:
                status = "no_text"
        reached("before-ready")
        while not self.catalog.make_ready(
            job.lease,
            version.id,
            status=status,
            warnings=list(dict.fromkeys(warnings)),
            chunks=count,
            seconds=round(self.clock() - began, 3),
        ):
            # A re-index began meanwhile: the document must be right in its indexes too.
            for generation in self._live():
                if version.id not in self.catalog.indexed_in(generation.id):
                    self.index_version(job.lease, generation, version.id)
        reached("ready")
        if status == "no_text":
            self.unindex(version.id)  # an earlier reading may have found some

    def embedder_of(self, generation: Generation) -> Embedder:
        """A generation's own: vectors of two never mix. Raises NotYet where it is gone."""
        try:
            return self.embedders.of(generation)
        except EmbedderGone as gone:
            raise NotYet(f"{gone} Re-index, and this file is read.") from gone

    def index_version(
        self,
        lease: Lease,
        generation: Generation,
        version_id: str,
        *,
        like: Generation | None = None,
        work: Work | None = None,
    ) -> int:
        """Chunks of a read version into the catalog, Chroma and the lexical index; their number.

        They are cut by today's rules, or copied from a generation that was cut by them (`like`).
        `work` counts, and says when to make room for others.
        """
        embedder, work = self.embedder_of(generation), work or Work()
        version = self.catalog.version(version_id)
        if version.parse_id is None:
            raise NotFound("This version has not been read yet.")
        pair = self.indexes.open(generation.id, generation.dimension)
        cut = self._cut_before(like, version, generation, embedder) if like else None
        count = 0
        for chunks in _in_steps(cut or self._chunks(version, version.parse_id, embedder)):
            self._index(lease, generation, embedder, pair, version, chunks, count, work)
            count += len(chunks)
            work.step()
        with self.index_lock:
            # Chunks that an earlier cutting had more: out of the indexes before they are forgotten.
            if more := self.catalog.chunks_beyond(generation.id, version_id, count):
                self.catalog.hold(lease, version_id)
                pair.vectors.delete(version.space_id, more)
                pair.lexical.delete(more)
                self.catalog.forget_chunks_beyond(lease, generation.id, version_id, count)
            reached("words-written")
            self.catalog.mark_indexed(lease, generation.id, version_id)
        reached("indexed")
        return count

    def _cut_before(
        self, like: Generation, version: VersionRow, generation: Generation, embedder: Embedder
    ) -> Iterator[NewChunk] | None:
        """A version's chunks as another generation has them; None where they must be cut anew."""
        if like.chunker != generation.chunker or version.id not in self.catalog.indexed_in(like.id):
            return None
        # A model on this machine counts exactly what a server's tokens were only guessed for.
        if like.embedder != generation.embedder and embedder.host is None:
            for some in _in_lists(self.catalog.each_chunk_of(like.id, version.id)):
                if max(embedder.count_tokens([c.searched_text for c in some])) > MOST_TOKENS:
                    return None
        return (
            NewChunk(c.spans, c.page, c.section, c.header, c.text, c.language)
            for c in self.catalog.each_chunk_of(like.id, version.id)
        )

    def _chunks(self, version: VersionRow, parse_id: int, embedder: Embedder) -> Iterator[NewChunk]:
        """A version's chunks as they are cut, page after page."""
        info = self.catalog.parse_info(parse_id)
        heads = find_running_heads([edges_of(p) for p in self.catalog.each_page(parse_id)])
        # Apart, so that no chunk, heading or header holds both what was read and a model's words.
        for part, left_out in (
            (self.catalog.each_page(parse_id), heads),
            (to_chunk(self.catalog.readings(version.id)), {}),
        ):
            for draft in each_chunk(
                part,
                heads=left_out,
                title=info.title,
                name=version.name,
                date=info.date,
                count_tokens=embedder.count_tokens,
            ):
                yield NewChunk(
                    draft.spans,
                    draft.page,
                    draft.section,
                    draft.header,
                    draft.text,
                    draft.language,
                )

    def _index(
        self,
        lease: Lease,
        generation: Generation,
        embedder: Embedder,
        pair: IndexPair,
        version: VersionRow,
        chunks: Sequence[NewChunk],
        first: int,
        work: Work,
    ) -> None:
        """Some chunks of a version, its `first` and those after it, wherever they belong."""
        with self.index_lock:
            ids = self.catalog.put_chunks(lease, generation.id, version.id, chunks, first)
        reached("chunks-stored")
        vectors = self.embed(lease, generation, embedder, [c.searched_text for c in chunks], work)
        work.step()
        with self.index_lock:
            self.catalog.hold(lease, version.id)
            pair.vectors.upsert(version.space_id, ids, vectors)
            reached("vectors-written")
            pair.lexical.upsert(
                [
                    LexicalEntry(
                        id=id_,
                        space_id=version.space_id,
                        document_id=version.document_id,
                        header=chunk.header,
                        text=chunk.text,
                        language=chunk.language,
                    )
                    for id_, chunk in zip(ids, chunks, strict=True)
                ]
            )

    def embed(
        self,
        lease: Lease,
        generation: Generation,
        embedder: Embedder,
        texts: Sequence[str],
        work: Work,
    ) -> np.ndarray:
        """Vectors float32 [n, d] of texts; each different text is embedded once, ever."""
        hashes = [text_hash(t) for t in texts]
        known = self.catalog.embeddings(embedder.fingerprint, set(hashes))
        new = {h: t for h, t in zip(hashes, texts, strict=True) if h not in known}
        work.reused += len(known)
        for some in _in_lists(iter(new), work.texts_at_once):
            vectors = embedder.embed([new[h] for h in some])
            if vectors.shape[1] != generation.dimension:
                raise BadInput(
                    f"The embedding model answers with {vectors.shape[1]} numbers a text instead of"
                    f" {generation.dimension}: it is another one now. Re-index."
                )
            fresh = dict(zip(some, vectors, strict=True))
            self.catalog.put_embeddings(lease, embedder.fingerprint, fresh.items())
            known.update(fresh)
            work.computed += len(fresh)
            work.step()
        return np.stack([known[h] for h in hashes]).astype(np.float32)

    def leave(self, version_ids: Sequence[str]) -> None:
        """Take versions out of every index and the catalog; their bytes go when nobody has them."""
        with self.index_lock:
            for generation in self.catalog.generations():
                pair = self.indexes.open(generation.id, generation.dimension)
                for version_id in version_ids:
                    for space_id, ids in self.catalog.chunk_ids(generation.id, version_id).items():
                        pair.vectors.delete(space_id, sorted(ids))
                        pair.lexical.delete(sorted(ids))
            # Under both locks: a repair must not find rows whose chunks are out, nor lost bytes.
            with self.content_lock:
                for digest in self.catalog.forget_versions(version_ids):
                    self.files.remove(digest)

    def unindex(self, version_id: str) -> None:
        """Take the chunks of a version that ended without an answer out of every index."""
        with self.index_lock:
            # A retry may have come before us; its chunks cannot come while we hold the lock.
            if self.catalog.version(version_id).status not in ENDED_WITHOUT:
                return
            for generation in self.catalog.generations():
                pair = self.indexes.open(generation.id, generation.dimension)
                for space_id, ids in self.catalog.chunk_ids(generation.id, version_id).items():
                    pair.vectors.delete(space_id, sorted(ids))
                    pair.lexical.delete(sorted(ids))
            self.catalog.forget_chunks(version_id)

    def _read(self, lease: Lease, version: VersionRow) -> int:
        """All pages of the version in the catalog; those already there are not read again."""
        if version.kind is None:
            raise Unreadable("The kind of this file is not known.")
        fingerprint = parser_fingerprint(version.kind, self.options)
        found = self.catalog.find_parse(version.content_hash, fingerprint)
        if found and found[1]:
            total = self.catalog.parse_info(found[0]).pages
            self.catalog.update_version(
                lease, version.id, parse_id=found[0], pages=total, pages_done=total,
                status="processing", step="indexing",
            )  # fmt: skip
            return found[0]
        self.catalog.update_version(lease, version.id, status="processing", step="reading")
        path = self.files.path(version.content_hash)
        with self.sandbox.open(
            path, version.kind, self.options, space_id=version.space_id
        ) as opened:
            info = opened.info
            # Opened without looking into its pages, a file's attachments are numbered otherwise.
            fingerprint += ONLY_PAGES if opened.only_pages else ""
            parse_id = self.catalog.begin_parse(lease, version.content_hash, fingerprint, info)
            self.catalog.update_version(lease, version.id, parse_id=parse_id, pages=info.pages)
            while not self.catalog.complete_parse(lease, parse_id):
                done = self.catalog.page_numbers(parse_id)
                wanted = [n for n in range(1, info.pages + 1) if n not in done]
                if not wanted:
                    raise Transient("This file now has fewer pages than when it was read first.")
                with by_many(opened, wanted) as pages:
                    for batch in _in_batches(pages):
                        self.catalog.add_pages(lease, version.id, parse_id, batch)
                        reached("pages-stored")
        self.catalog.update_version(lease, version.id, step="indexing")
        return parse_id

    def _described(self, lease: Lease, version: VersionRow, parse_id: int) -> list[str]:
        """A vision model's readings in the catalog, where one is configured; what it lacks."""
        if self.vision is None or version.kind is None:
            return []
        path, kind, space_id = self.files.path(version.content_hash), version.kind, version.space_id
        return read_pictures(
            self.vision,
            self.catalog,
            lambda: self.sandbox.open(path, kind, self.options, space_id=space_id),
            lease,
            version,
            self.catalog.each_page(parse_id),
        )

    def _live(self) -> list[Generation]:
        """Generations to keep right; the first is made here. Raises Transient between models."""
        live = [g for g in self.catalog.generations() if g.state in ("serving", "building")]
        if not any(g.state == "serving" for g in live):
            live.append(self.first_generation())
        return live

    def first_generation(self) -> Generation:
        """The serving generation, made empty if there is none."""
        return self.catalog.serving_generation() or self.catalog.first_generation(
            CHUNKER,
            self.embedder.fingerprint,
            self.embedder.dimension,
            self.clock(),
            describe(self.embedder),
        )

    def drop(self, generation_id: str) -> None:
        """Forget a generation that does not serve, and delete its files."""
        with self.index_lock:
            self.catalog.drop_generation(generation_id)
            self.indexes.drop(generation_id)


def compare(catalog: Catalog, indexes: Indexes, generation: Generation) -> list[str]:
    """Differences between the catalog's chunks of a generation and both indexes, as sentences.

    Versions that are being indexed at this moment may be in one and not yet in the other.
    """
    finished = catalog.chunk_ids(generation.id, finished=True)
    begun = catalog.chunk_ids(generation.id)
    pair = indexes.open(generation.id, generation.dimension)
    faults = []
    for name, have in (
        ("vector", {s: pair.vectors.ids(s) for s in {*pair.vectors.spaces(), *begun}}),
        ("lexical", {s: pair.lexical.ids(s) for s in begun} | {"": pair.lexical.ids()}),
    ):
        everywhere = set().union(*begun.values())
        missing = sum(len(ids - have.get(s, set())) for s, ids in finished.items())
        extra = sum(
            len(ids - (begun.get(s, set()) if s else everywhere)) for s, ids in have.items()
        )
        if missing:
            faults.append(f"the {name} index lacks {missing} chunks")
        if extra:
            faults.append(f"the {name} index has {extra} chunks too many")
    return faults


def reading_status(
    pages: Sequence[Outcome | Page], unread: int, readings: Sequence[Page] = ()
) -> str:
    """ready, partial (some pages lost), no_text (nothing readable), from how pages were read.

    `readings` are a vision model's: they can answer where nothing was read.
    """
    if not any(p.text.strip() for p in (*pages, *readings)):
        if any(p.how == "failed" for p in pages):
            raise Unreadable(lost_pages(pages, unread)[0])
        return "no_text"
    lost = unread or any(p.how == "failed" or p.breaks_off for p in pages)
    return "partial" if lost else "ready"


def lost_pages(pages: Sequence[Outcome | Page], unread: int) -> list[str]:
    """A sentence for each reason why pages were lost, naming the pages."""
    reasons: dict[str, list[int]] = {}
    for page in pages:
        if page.how == "failed":
            reasons.setdefault(page.error or "it could not be read.", []).append(page.number)
    sentences = [
        f"{'Page' if len(numbers) == 1 else 'Pages'} {ranges(numbers)} failed: {reason}"
        for reason, numbers in reasons.items()
    ]
    if cut := [page.number for page in pages if page.breaks_off]:
        many = len(cut) > 1
        sentences.append(
            f"{'Pages' if many else 'Page'} {ranges(cut)} {'break' if many else 'breaks'} off: "
            "only a part was read."
        )
    if unread:
        sentences.append(f"{unread:,} pages beyond the limit were not read.")
    return sentences


def _in_steps(chunks: Iterator[NewChunk]) -> Iterator[list[NewChunk]]:
    """Steps of chunks; the next is cut while one is embedded."""
    with ThreadPoolExecutor(1, "cutting") as aside:
        coming = aside.submit(_step, chunks)
        while step := coming.result():
            coming = aside.submit(_step, chunks)
            yield step


def _step(chunks: Iterator[NewChunk]) -> list[NewChunk]:
    return list(islice(chunks, _CHUNKS_A_STEP))


def _in_lists(items: Iterator[T], size: int = _CHUNKS_A_STEP) -> Iterator[list[T]]:
    while some := list(islice(items, size)):
        yield some


def _in_batches(pages: Iterator[ParsedPage | None]) -> Iterator[list[ParsedPage]]:
    """Batches small enough that a kill loses little, large enough that a disk keeps up.

    None says that no page came for a while: what is there need not wait for a slow one.
    """
    batch: list[ParsedPage] = []
    last = time.monotonic()
    for page in pages:
        if page is not None:
            batch.append(page)
        if len(batch) >= _PAGES_A_WRITE or time.monotonic() - last > _SECONDS_A_WRITE:
            if batch:
                yield batch
            batch, last = [], time.monotonic()
    if batch:
        yield batch
