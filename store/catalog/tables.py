"""The tables, as SQLAlchemy Core; the alembic revisions together create exactly these."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=False),
)

spaces = Table(
    "spaces",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False, unique=True),
)

documents = Table(
    "documents",
    metadata,
    Column("id", String, primary_key=True),
    Column("space_id", ForeignKey("spaces.id"), nullable=False, index=True),
    Column("name", String, nullable=False, index=True),
    Column("removing", Boolean, nullable=False, default=False),
    Column("added_at", Float, nullable=False),
    # Of a synchronised folder: which one, and where in it. Both None for other documents.
    Column("sync_folder", Text),
    Column("sync_path", Text),
)

# status: queued, processing, ready, partial, no_text, failed, cancelled, replaced
versions = Table(
    "versions",
    metadata,
    Column("id", String, primary_key=True),
    Column("document_id", ForeignKey("documents.id"), nullable=False, index=True),
    Column("seq", Integer, nullable=False),
    Column("content_hash", String, nullable=False, index=True),
    Column("size", Integer, nullable=False),
    Column("kind", String),
    Column("status", String, nullable=False, index=True),
    Column("step", String),
    Column("error", Text),
    Column("warnings", Text, nullable=False, default="[]"),
    Column("pages", Integer, nullable=False, default=0),
    Column("pages_done", Integer, nullable=False, default=0),
    Column("chunks", Integer, nullable=False, default=0),
    Column("parse_id", ForeignKey("parses.id"), index=True),
    # What a vision model said of some pages: a parse of its own, never mixed with what was read.
    Column("vision_parse_id", ForeignKey("parses.id"), index=True),
    Column("added_at", Float, nullable=False),
    Column("seconds", Float),
    UniqueConstraint("document_id", "seq"),
)

# One reading of one content by one parser; shared by all versions with these bytes.
parses = Table(
    "parses",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("content_hash", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("pages", Integer, nullable=False),
    Column("unread", Integer, nullable=False, default=0),
    Column("title", Text),
    Column("date", String),
    Column("author", Text),
    Column("language", String),
    Column("warnings", Text, nullable=False, default="[]"),
    Column("complete", Boolean, nullable=False, default=False),
    UniqueConstraint("content_hash", "fingerprint"),
)

pages = Table(
    "pages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("parse_id", ForeignKey("parses.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("how", String, nullable=False),
    Column("quality", Float),
    Column("flags", Text, nullable=False, default="[]"),
    Column("label", Text),
    Column("width", Float),
    Column("height", Float),
    Column("boxes", LargeBinary),
    Column("blocks", Text, nullable=False, default="[]"),
    Column("error", Text),
    Column("confidence", Float),
    Column("figures", Text, nullable=False, server_default="[]"),  # [[x0, y0, x1, y1], …]
    # CRC-32 of the text, and of blocks and boxes: SQLite notices no change inside of a value.
    Column("text_sum", Integer),
    Column("layout_sum", Integer),
    UniqueConstraint("parse_id", "number"),
    sqlite_autoincrement=True,  # a page id is never used twice: old links must not open new pages
)

generations = Table(
    "generations",
    metadata,
    Column("id", String, primary_key=True),
    Column("chunker", String, nullable=False),
    Column("embedder", String, nullable=False),
    Column("dimension", Integer, nullable=False),
    Column("state", String, nullable=False),  # building, serving, retired
    Column("created_at", Float, nullable=False),
    # JSON: which embedder made it, so that it answers with its own after the settings changed.
    Column("opened_by", Text),
    # Since when it is kept for a return; and, JSON, how it did at the gate before its swap.
    Column("retired_at", Float),
    Column("gate", Text),
)

chunks = Table(
    "chunks",
    metadata,
    Column("id", String, primary_key=True),
    Column("generation_id", ForeignKey("generations.id"), nullable=False),
    Column("version_id", ForeignKey("versions.id"), nullable=False, index=True),
    Column("seq", Integer, nullable=False),
    Column("spans", Text, nullable=False),  # [[page_id, start, end], …]
    Column("page", Integer, nullable=False),
    Column("section", Text, nullable=False),
    Column("header", Text, nullable=False),
    Column("text_hash", String, nullable=False),
    Column("language", String),  # ISO 639-1, None where too short to tell
    Index("chunks_by_generation", "generation_id", "version_id", "seq"),
    Index("chunks_by_text", "text_hash"),
)

# A version is in a generation's indexes: catalog rows, Chroma and lexical index all have it.
indexed = Table(
    "indexed",
    metadata,
    Column("generation_id", ForeignKey("generations.id"), primary_key=True),
    Column("version_id", ForeignKey("versions.id"), primary_key=True),
)

embeddings = Table(
    "embeddings",
    metadata,
    Column("embedder", String, primary_key=True),
    Column("text_hash", String, primary_key=True),
    Column("vector", LargeBinary, nullable=False),  # float32, little-endian
    sqlite_with_rowid=False,
)

# state: queued, running, done, failed, cancelled, held (a re-index, at its gate)
jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String, nullable=False),  # ingest, reindex
    Column("version_id", ForeignKey("versions.id"), index=True),
    Column("generation_id", ForeignKey("generations.id")),
    Column("state", String, nullable=False, index=True),
    Column("epoch", Integer),
    Column("attempts", Integer, nullable=False, default=0),
    Column("not_before", Float, nullable=False, default=0.0),
    Column("cancelling", Boolean, nullable=False, default=False),
    Column("paused", Boolean, nullable=False, server_default=false()),
    Column("error", Text),
    Column("created_at", Float, nullable=False),
    Column("seconds", Float),
    sqlite_autoincrement=True,
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", String, primary_key=True),
    Column("principal_id", String, nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("created_at", Float, nullable=False),
)

turns = Table(
    "turns",
    metadata,
    Column("id", String, primary_key=True),
    Column("conversation_id", ForeignKey("conversations.id"), nullable=False, index=True),
    Column("seq", Integer, nullable=False),
    Column("question", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("created_at", Float, nullable=False),
)

# A principal's word on an answer. verdict: right, wrong
marks = Table(
    "marks",
    metadata,
    # Cascades: whoever deletes a turn, for whatever reason, deletes what was said of it.
    Column("turn_id", ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
    Column("principal_id", String, primary_key=True),
    Column("verdict", String, nullable=False),
    Column("note", Text, nullable=False),
    Column("marked_at", Float, nullable=False),
)

# Who did what to which document, without its name or a word of it; each row's hash covers the one
# before. Rows are only ever added.
audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("principal_id", String, nullable=False),
    Column("action", String, nullable=False),
    Column("document_id", String, index=True),
    Column("detail", Text, nullable=False),
    Column("previous", String, nullable=False),
    Column("hash", String, nullable=False),
    sqlite_autoincrement=True,
)

# Documents removed for good: a restored backup removes them again. `certificate` is JSON.
deletions = Table(
    "deletions",
    metadata,
    Column("document_id", String, primary_key=True),
    Column("begun_at", Float, nullable=False),
    Column("done_at", Float),
    Column("certificate", Text, nullable=False),
)
