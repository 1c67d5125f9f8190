"""The first schema."""

from alembic import op

from store.catalog import tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    # The first release: the schema is the tables as they stand. From the second revision on,
    # this becomes a frozen copy, so that later columns are added by their own revisions.
    tables.metadata.create_all(op.get_bind())


def downgrade() -> None:
    tables.metadata.drop_all(op.get_bind())
