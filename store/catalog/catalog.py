"""`Catalog`: one object over all queries; SQLAlchemy inside, frozen values outside."""

from __future__ import annotations

from pathlib import Path

from store.catalog.arrivals import ArrivalQueries
from store.catalog.chunks import ChunkQueries
from store.catalog.conversations import ConversationQueries
from store.catalog.database import Database
from store.catalog.documents import DocumentQueries
from store.catalog.generations import GenerationQueries
from store.catalog.jobs import JobQueries
from store.catalog.ledger import LedgerQueries
from store.catalog.marks import MarkQueries
from store.catalog.pages import PageQueries
from store.catalog.scanning import ScanQueries


class Catalog(
    ArrivalQueries,
    DocumentQueries,
    JobQueries,
    PageQueries,
    ScanQueries,
    LedgerQueries,
    ChunkQueries,
    GenerationQueries,
    ConversationQueries,
    MarkQueries,
):
    """Opens (and migrates) the catalog at `path`; thread-safe."""

    def __init__(self, path: Path):
        self.path = path
        self.db = Database(path)

    def close(self) -> None:
        self.db.close()

    def check(self) -> str:
        """`ok`, or what SQLite found wrong with the file."""
        return self.db.check()
