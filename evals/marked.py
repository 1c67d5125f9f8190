"""The questions that people marked, to be asked again."""

from __future__ import annotations

from evals.sets import Question, Right, Then
from store.catalog import Catalog
from store.errors import BadInput

MARKED = "marked"


def marked_questions(catalog: Catalog) -> list[Question]:
    """What was marked right should cite the same again, what was marked wrong should change.

    A question is asked as it was understood then. Raises BadInput where nothing is marked.
    """
    questions = []
    for mark in catalog.marks():
        turn = catalog.turn(mark.turn_id)
        answer = turn.answer
        places = [(c.document_id, c.doc, c.page) for c in answer.citations]
        right = mark.verdict == "right"
        questions.append(
            Question(
                id=f"{mark.turn_id}-{mark.principal_id}",
                text=answer.rewritten or turn.question,
                answerable=not answer.refused if right else None,
                right=tuple(Right(doc=d, page=p) for _, d, p in dict.fromkeys(places))
                if right
                else (),
                then=Then(
                    verdict=mark.verdict,
                    text=answer.text,
                    refused=answer.refused,
                    pages=tuple(dict.fromkeys((i, p) for i, _, p in places)),
                ),
            )
        )
    if not questions:
        raise BadInput("No answer is marked yet: mark some right or wrong under them in the chat.")
    return questions
