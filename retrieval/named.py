"""Which documents some words of a question name: by file name, title and date."""

from __future__ import annotations

from collections.abc import Sequence

from retrieval.words import content_stems, stems
from store.catalog.scanning import ScannedDocument

_GENERIC = frozenset(content_stems("document file report copy version text pdf docx page"))


def named_by(words: str, documents: Sequence[ScannedDocument]) -> list[ScannedDocument]:
    """The documents that are called by all of these words; none where they say nothing."""
    wanted = set(content_stems(words)) - _GENERIC
    return [d for d in documents if wanted and wanted <= called(d)]


def called(document: ScannedDocument) -> set[str]:
    """The stems of a document's name and title, and the year of its date."""
    name = document.name.rpartition(".")[0] or document.name
    return set(
        stems(f"{name.replace('_', ' ')} {document.title or ''} {(document.date or '')[:4]}")
    )
