"""Backups: consistent copies of the data folder, and what they must be told of deletions."""

from __future__ import annotations

from store.opening import Store


def tell_deletion(store: Store, document_id: str, at: float) -> list[str]:
    """Tell every backup that is known that a document was removed for good; where it was told."""
    return []
