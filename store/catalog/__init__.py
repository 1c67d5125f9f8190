"""The catalog: the SQL database that is the truth of everything but bytes and vectors' neighbours."""

from store.catalog.catalog import Catalog

__all__ = ["Catalog"]
