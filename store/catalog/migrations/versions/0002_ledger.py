"""Ledger of pages, vision readings, synchronised folders, languages of chunks, paused jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("documents", sa.Column("sync_folder", sa.Text(), nullable=True))
    op.add_column("documents", sa.Column("sync_path", sa.Text(), nullable=True))
    op.add_column("pages", sa.Column("confidence", sa.Float(), nullable=True))
    op.add_column("pages", sa.Column("figures", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("chunks", sa.Column("language", sa.String(), nullable=True))
    op.add_column(
        "jobs", sa.Column("paused", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    # SQLite adds a column with its foreign key in one statement, without copying the table.
    op.execute("ALTER TABLE versions ADD COLUMN vision_parse_id INTEGER REFERENCES parses (id)")
    op.create_index(
        op.f("ix_versions_vision_parse_id"), "versions", ["vision_parse_id"], unique=False
    )
