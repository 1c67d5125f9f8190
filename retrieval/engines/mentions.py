"""Every place where a term occurs, counted: all pages are looked at, none by way of an index."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from llama_index.core.base.response.schema import StreamingResponse
from llama_index.core.schema import NodeWithScore
from llama_index.core.types import TokenGen

from retrieval.asked_term import AskedTerm, asked_term
from retrieval.engines.base import Engine
from retrieval.engines.facts import FactsEngine
from retrieval.llama import Asked, DraftTable, Outcome, computed, node_of, streaming
from retrieval.named import named_by
from retrieval.sources import Piece, Source
from retrieval.tally import Place, Tally, around, count_in, counted, more, some
from store import states
from store.catalog.scanning import PageText, ScannedDocument
from store.errors import Cancelled
from store.models import ANSWERING, Span

AT_ONCE = 1000
"""Pages looked at in one query."""
MOST_NOTES = 8
CITED = 5
"""Places cited by the sentence that counts them all; the table cites each."""

NO_TERM = (
    "The question names no term to look for; put it in quotation marks. This answer is from the"
    " passages that fit best."
)


class MentionsEngine(Engine):
    """Computed from the pages themselves; a model is never asked."""

    def respond(self, asked: Asked) -> StreamingResponse:
        wanted = asked_term(asked.query_str)
        if wanted is None:
            response = FactsEngine(self.tools).respond(asked)
            response.metadata["outcome"].warn(NO_TERM)  # type: ignore[index]
            return response
        outcome = Outcome()
        nodes: list[NodeWithScore] = []
        return streaming("mentions", self._tokens(asked, wanted, nodes, outcome), nodes, outcome)

    def _tokens(
        self, asked: Asked, wanted: AskedTerm, nodes: list[NodeWithScore], outcome: Outcome
    ) -> TokenGen:
        everything = self.tools.catalog.answering_documents(asked.space_ids, asked.document_ids)
        documents = named_by(wanted.within, everything) or everything
        tally = Tally()
        began = time.perf_counter()
        for document, pages in self._pages(asked, documents, tally):
            count_in(wanted.term, document, pages, tally)
        _note(asked, tally, (time.perf_counter() - began) * 1000, len(everything) - len(documents))
        self._note_unread(asked, documents, everything, outcome)
        if tally.timed_out:
            outcome.warn("The time for an answer was over before all pages were looked at.")
        if tally.poor_pages:
            outcome.warn(
                f"{some(tally.poor_pages, 'page')} searched were read poorly: words on them may"
                " have been missed."
            )
        if tally.places:
            outcome.table = _table(tally, nodes)
        lead = counted(wanted.term, tally)
        yield computed(lead, range(1, min(len(nodes), CITED) + 1))
        for sentence in more(wanted.term, tally, documents, narrowed=documents is not everything):
            yield computed(sentence, ())

    def _pages(
        self, asked: Asked, documents: Sequence[ScannedDocument], tally: Tally
    ) -> Iterator[tuple[ScannedDocument, list[PageText]]]:
        """Each document with its pages, in order; documents of the same bytes share them."""
        for batch in _batches(documents):
            pages: dict[int, list[PageText]] = {d.parse_id: [] for d in batch}
            for page in self.tools.catalog.page_texts(list(pages)):
                pages[page.parse_id].append(page)
            for document in batch:
                if asked.stop.is_set():
                    raise Cancelled("The answer was stopped.")
                if not asked.remaining_s():
                    tally.timed_out = True
                    return
                yield document, pages[document.parse_id]

    def _note_unread(
        self,
        asked: Asked,
        documents: Sequence[ScannedDocument],
        everything: Sequence[ScannedDocument],
        outcome: Outcome,
    ) -> None:
        """Name what was not searched: pages that could not be read, documents without a text."""
        searched = {document.document_id for document in documents}
        left_out = {document.document_id for document in everything} - searched
        notes = []
        for document in self.tools.catalog.documents(asked.space_ids):
            named = asked.document_ids is None or document.id in asked.document_ids
            if document.id in left_out or not named:
                continue
            if document.status == "partial":
                lost = " ".join(states.losses(document)) or "Parts of it could not be read."
                notes.append(f"“{document.name}” was not searched wholly. {lost}")
            elif document.status not in ANSWERING and document.id not in searched:
                notes.append(f"“{document.name}” was not searched. {states.sentence(document)}")
        for note in notes[:MOST_NOTES]:
            outcome.warn(note)
        if len(notes) > MOST_NOTES:
            more = some(len(notes) - MOST_NOTES, "further document")
            outcome.warn(f"{more} could not be searched, or not wholly.")


def _note(asked: Asked, tally: Tally, ms: float, passed_over: int) -> None:
    """The look in the question's trace."""
    pages, documents = (
        some(tally.searched_pages, "page"),
        some(tally.searched_documents, "document"),
    )
    places = some(tally.count, "place")
    asked.trace.note("look", ms, f"{pages} of {documents} looked at, {places} found")
    if passed_over:
        asked.trace.dropped(f"{some(passed_over, 'document')} that the question does not name")
    if tally.otherwise:
        forms = some(tally.otherwise.total(), "place")
        asked.trace.dropped(f"{forms} written otherwise than the question quotes the term")
    if tally.count > len(tally.places):
        more_places = some(tally.count - len(tally.places), "place")
        asked.trace.dropped(f"{more_places} beyond the first {len(tally.places)}, counted only")


def _batches(documents: Sequence[ScannedDocument]) -> Iterator[list[ScannedDocument]]:
    batch: list[ScannedDocument] = []
    pages = 0
    for document in documents:
        batch.append(document)
        pages += document.pages
        if pages >= AT_ONCE:
            yield batch
            batch, pages = [], 0
    if batch:
        yield batch


def _table(tally: Tally, nodes: list[NodeWithScore]) -> DraftTable:
    """A row a place; places of one sentence are cited together."""
    table = DraftTable(("Document", "Page", "The words around it"))
    table.left_out = tally.count - len(tally.places)
    numbers: dict[Span, int] = {}
    for place in tally.places:
        source = _source(place)
        span = source.spans[0]
        if span not in numbers:
            nodes.append(node_of(source))
            numbers[span] = len(nodes)
        shown = source.shown
        table.rows.append(
            ((place.document.name, ()), (str(place.page.number), ()), (shown, (numbers[span],)))
        )
    return table


def _source(place: Place) -> Source:
    page, document = place.page, place.document
    start, end = around(page.text, place.found.start, place.found.end)
    piece = Piece(
        span=Span(page_id=page.id, start=start, end=end),
        page=page.number,
        text=page.text[start:end],
    )
    return Source(
        chunk_id="",
        document_id=document.document_id,
        space=document.space,
        doc=document.name,
        header="",
        section="",
        pieces=(piece,),
        how=page.how,
    )
