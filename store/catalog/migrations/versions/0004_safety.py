"""What keeps documents safe: the audit chain, proofs of deletion, generations kept for a return."""

import zlib

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("principal_id", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("document_id", sa.String()),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_document_id", "audit", ["document_id"])
    op.create_table(
        "deletions",
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("begun_at", sa.Float(), nullable=False),
        sa.Column("done_at", sa.Float()),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("document_id"),
    )
    for column in (
        sa.Column("opened_by", sa.Text()),
        sa.Column("retired_at", sa.Float()),
        sa.Column("gate", sa.Text()),
    ):
        op.add_column("generations", column)
    op.add_column("pages", sa.Column("text_sum", sa.Integer()))
    op.add_column("pages", sa.Column("layout_sum", sa.Integer()))
    _sum_up_pages(op.get_bind())


def _sum_up_pages(c: sa.Connection) -> None:
    """CRC-32 of every page that is there, as `store.catalog.pages` computes it today."""
    pages = c.exec_driver_sql("SELECT id, text, blocks, boxes FROM pages").yield_per(100)
    for rows in pages.partitions(100):
        for id_, text, blocks, boxes in rows:
            sums = (
                zlib.crc32(text.encode()),
                zlib.crc32(boxes or b"", zlib.crc32(blocks.encode())),
                id_,
            )
            c.exec_driver_sql("UPDATE pages SET text_sum = ?, layout_sum = ? WHERE id = ?", sums)
