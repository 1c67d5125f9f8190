"""Exact search over vectors in memory: what answers while Chroma is damaged."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np


class ExactIndex:
    """The vector index's second implementation: same methods, nothing on disk, no approximation.

    Built whole, then only asked: its writes are for one thread.
    """

    def __init__(self) -> None:
        self._spaces: dict[str, dict[str, np.ndarray]] = {}

    def upsert(self, space_id: str, ids: Sequence[str], vectors: np.ndarray) -> None:
        rows = np.asarray(vectors, dtype=np.float32)
        self._spaces.setdefault(space_id, {}).update(zip(ids, rows, strict=True))

    def delete(self, space_id: str, ids: Collection[str]) -> None:
        for chunk_id in ids:
            self._spaces.get(space_id, {}).pop(chunk_id, None)

    def query(
        self,
        space_ids: Sequence[str],
        vector: np.ndarray,
        k: int,
        only: Collection[str] | None = None,
    ) -> list[tuple[str, float]]:
        """As `VectorIndex.query`."""
        rows = {
            chunk_id: row
            for space_id in space_ids
            for chunk_id, row in self._spaces.get(space_id, {}).items()
            if only is None or chunk_id in only
        }
        if not rows:
            return []
        matrix = np.stack(list(rows.values()))
        lengths = np.linalg.norm(matrix, axis=1) * float(np.linalg.norm(vector))
        similarities = matrix @ vector / np.maximum(lengths, 1e-12)
        ids = list(rows)
        return [(ids[row], float(similarities[row])) for row in np.argsort(-similarities)[:k]]

    def ids(self, space_id: str) -> set[str]:
        return set(self._spaces.get(space_id, {}))

    def spaces(self) -> list[str]:
        return sorted(self._spaces)

    def count(self, space_id: str) -> int:
        return len(self._spaces.get(space_id, {}))

    def vectors(self, space_id: str, ids: Collection[str]) -> dict[str, np.ndarray]:
        rows = self._spaces.get(space_id, {})
        return {chunk_id: rows[chunk_id] for chunk_id in ids if chunk_id in rows}
