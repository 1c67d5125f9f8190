"""`Catalog`: one object over all queries; SQLAlchemy inside, frozen values outside."""

from __future__ import annotations

from pathlib import Path

from store.catalog.arrivals import ArrivalQueries
from store.catalog.audit import AuditQueries
from store.catalog.chunks import ChunkQueries
from store.catalog.conversations import ConversationQueries
from store.catalog.database import Database
from store.catalog.deletions import DeletionQueries
from store.catalog.documents import DocumentQueries
from store.catalog.generations import GenerationQueries
from store.catalog.jobs import JobQueries
from store.catalog.ledger import LedgerQueries
from store.catalog.marks import MarkQueries
from store.catalog.pages import PageQueries
from store.catalog.reindexes import ReindexQueries
from store.catalog.scanning import ScanQueries
from store.catalog.soundness import SoundQueries


class Catalog(
    ArrivalQueries,
    DocumentQueries,
    JobQueries,
    PageQueries,
    ScanQueries,
    LedgerQueries,
    ChunkQueries,
    GenerationQueries,
    ReindexQueries,
    ConversationQueries,
    MarkQueries,
    SoundQueries,
    AuditQueries,
    DeletionQueries,
):
    """Opens (and migrates) the catalog at `path`; thread-safe."""

    def __init__(self, path: Path):
        self.path = path
        self.db = Database(path)

    def close(self) -> None:
        self.db.close()

    def check(self, thorough: bool = False) -> str:
        """`ok`, or what SQLite found wrong with the file."""
        return self.db.check(thorough)
