"""A stored answer without the words of a document that was removed for good."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator

from store.models import Answer, AnswerCell, AnswerTable, Citation, Sentence, Trace

DELETED = "deleted source"
DELETED_SENTENCE = "[deleted source]"
DELETED_WORD = "[…]"

Clean = Callable[[str], str]
"""A text without the words that only the removed document had."""

_PIECE = re.compile(r"[^\W_]+(?:[.,&@'’\-/][^\W_]+)*")


def documents_of(answer: Answer) -> set[str]:
    """Ids of the documents that an answer quotes, names or was searched from."""
    candidates = answer.trace.candidates if answer.trace else ()
    return {x.document_id for x in (*answer.citations, *answer.nearest, *candidates)}


def quotes_of(answer: Answer, document_id: str) -> int:
    """How many citations and nearest pages still hold a document's words."""
    cited = [c for c in answer.citations if c.document_id == document_id and not c.deleted]
    return len(cited) + sum(n.document_id == document_id for n in answer.nearest)


def named_in_trace(answer: Answer, document_id: str) -> int:
    """How many candidates of its trace still name a document."""
    candidates = answer.trace.candidates if answer.trace else ()
    return sum(c.document_id == document_id and c.doc != DELETED for c in candidates)


def without_documents(answer: Answer, document_ids: Collection[str], clean: Clean) -> Answer:
    """An answer in which nothing is left of these documents but their ids.

    A citation of one says so and quotes nothing. A sentence or cell that nothing else supports
    loses its text; all other words go through `clean`, save the quotes of other documents.
    """
    gone = {c.n for c in answer.citations if c.document_id in document_ids}
    return answer.model_copy(
        update={
            "question": clean(answer.question),
            "sentences": tuple(_sentence(s, gone, clean) for s in answer.sentences),
            "table": _table(answer.table, gone, clean),
            "citations": tuple(_citation(c) if c.n in gone else c for c in answer.citations),
            "route_reason": clean(answer.route_reason),
            "warnings": tuple(map(clean, answer.warnings)),
            "nearest": tuple(n for n in answer.nearest if n.document_id not in document_ids),
            "rewritten": clean(answer.rewritten) if answer.rewritten else answer.rewritten,
            "trace": _trace(answer.trace, document_ids, clean),
        }
    )


def without_traces_of(answer: Answer, document_ids: Collection[str]) -> Answer:
    """As `without_documents`, where the documents' words are not known any more.

    An answer that was being written while they were removed: only sentences and cells that other
    documents alone support keep their words.
    """
    kept = {c.n for c in answer.citations if c.document_id not in document_ids}
    strict = without_documents(answer, document_ids, lambda _: "")
    sentences = [
        s if s.citations and kept.issuperset(s.citations) else _emptied(s) for s in answer.sentences
    ]
    table = strict.table
    if table is not None and answer.table is not None:
        rows = [
            tuple(c if kept.issuperset(c.citations) and c.citations else _blank(c) for c in row)
            for row in answer.table.rows
        ]
        table = table.model_copy(update={"rows": tuple(rows)})
    return strict.model_copy(
        update={
            "question": answer.question,
            "rewritten": None,
            "warnings": (),
            "sentences": tuple(sentences),
            "table": table,
        }
    )


def pieces(text: str) -> set[str]:
    """The words of a text as they are written."""
    return set(_PIECE.findall(text))


def cleaned(text: str, own: Collection[str], names: Iterable[str] = ()) -> str:
    """A text without these words and names; what was taken out stands as `[…]`."""
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = re.sub(re.escape(name), "\0", text, flags=re.IGNORECASE)
    text = _PIECE.sub(lambda m: DELETED_WORD if m[0] in own else m[0], text)
    return text.replace("\0", DELETED_SENTENCE)


def texts_of(value: object) -> Iterator[str]:
    """All texts inside a value as `model_dump` gives it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts_of(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts_of(each)


def _sentence(sentence: Sentence, gone: set[int], clean: Clean) -> Sentence:
    if sentence.deleted or (sentence.citations and gone.issuperset(sentence.citations)):
        return _emptied(sentence)
    return sentence.model_copy(update={"text": clean(sentence.text)})


def _emptied(sentence: Sentence) -> Sentence:
    return Sentence(
        text=DELETED_SENTENCE, supported=False, citations=sentence.citations, deleted=True
    )


def _table(table: AnswerTable | None, gone: set[int], clean: Clean) -> AnswerTable | None:
    if table is None:
        return None
    rows = tuple(tuple(_cell(cell, gone, clean) for cell in row) for row in table.rows)
    return table.model_copy(update={"headings": tuple(map(clean, table.headings)), "rows": rows})


def _cell(cell: AnswerCell, gone: set[int], clean: Clean) -> AnswerCell:
    if cell.text == DELETED_SENTENCE or (cell.citations and gone.issuperset(cell.citations)):
        return _blank(cell)
    return cell.model_copy(update={"text": clean(cell.text)})


def _blank(cell: AnswerCell) -> AnswerCell:
    return cell.model_copy(update={"text": DELETED_SENTENCE})


def _citation(citation: Citation) -> Citation:
    return citation.model_copy(
        update={"doc": DELETED, "text": "", "described_by": None, "deleted": True}
    )


def _trace(trace: Trace | None, document_ids: Collection[str], clean: Clean) -> Trace | None:
    if trace is None:
        return None
    return trace.model_copy(
        update={
            "steps": tuple(s.model_copy(update={"detail": clean(s.detail)}) for s in trace.steps),
            "candidates": tuple(
                c.model_copy(update={"doc": DELETED}) if c.document_id in document_ids else c
                for c in trace.candidates
            ),
            "dropped": tuple(map(clean, trace.dropped)),
            "calls": tuple(
                c.model_copy(update={"error": clean(c.error) if c.error else c.error})
                for c in trace.calls
            ),
        }
    )
