"""Chroma and tantivy: caches of the catalog that hold ids, vectors and terms, never texts."""
