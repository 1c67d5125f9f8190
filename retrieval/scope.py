"""What may be asked, and where it is looked for: what the principal may see, narrowed by choice."""

from __future__ import annotations

from store.catalog import Catalog
from store.errors import BadInput, NotFound
from store.models import Frozen, Principal

SAMPLES = "samples"
MAX_QUESTION = 4000
"""Characters; longer texts are documents, not questions."""


class Scope(Frozen):
    """Spaces by id, and documents by id or None for all in them."""

    space_ids: tuple[str, ...]
    document_ids: frozenset[str] | None = None


def scope_of(
    catalog: Catalog, principal: Principal, space: str | None, document: str | None
) -> Scope:
    """Space by name or id, document by id or name; raises NotFound.

    Samples step aside once any other visible space has documents, unless they are named.
    """
    names = {i: name for i, name in catalog.spaces().items() if principal.may_see(i)}
    ids = [i for i, name in names.items() if not space or space in (i, name)]
    if space and not ids:
        raise NotFound(f"There is no space “{space}”.")
    if document:
        found = catalog.find_document(document, ids)
        return Scope(space_ids=(found.space_id,), document_ids=frozenset([found.id]))
    others = [i for i in ids if names[i] != SAMPLES]
    if not space and len(others) < len(ids) and catalog.answering_elsewhere(others):
        ids = others
    return Scope(space_ids=tuple(ids))


def checked_question(text: str) -> str:
    """The question without white space around it. Raises BadInput."""
    text = text.strip()
    if not text:
        raise BadInput("The question is empty.")
    if len(text) > MAX_QUESTION:
        raise BadInput(f"The question is longer than {MAX_QUESTION} characters; shorten it.")
    return text
