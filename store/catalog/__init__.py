"""The catalog: the SQL database that is the truth; the indexes are its caches."""

from store.catalog.catalog import Catalog

__all__ = ["Catalog"]
