"""Passages that look like the answer and say the contrary."""

from __future__ import annotations

import pytest

from retrieval.answerable import (
    POINTS_OFF,
    UNREAD_THRESHOLD,
    contrary,
    points_off,
    unread_score,
)
from retrieval.proximity import nearness


def test_what_a_question_denies_is_not_answered_by_what_is_affirmed():
    asked = "Which courts do not have a duty to interpret domestic law?"
    assert contrary(asked, "National courts have a duty to interpret domestic law.")
    assert contrary("What can't be returned?", "Shoes can be returned.")


@pytest.mark.parametrize(
    "passage",
    [
        "Sale items cannot be returned.",
        "Everything except gift cards can be returned.",
        "Gift cards are excluded from returns.",
        "Opened software is ineligible.",
        "Return is impossible for gift cards.",
    ],
)
def test_a_denial_in_other_words_answers_a_question_with_not(passage: str):
    assert not contrary("Which items can not be returned?", passage)


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("Which committees are optional?", "The mandatory committees are set by the rules."),
        ("Who disagrees with the timetable?", "The bureau agrees the timetable."),
        ("What treatment was necessary?", "They regarded the treatment as unnecessary."),
        ("What are unreserved matters?", "Reserved matters are outside its competence."),
        ("Which is the smallest party?", "The largest party sits in the middle."),
    ],
)
def test_the_opposite_of_a_word_of_the_question_is_noticed(question: str, passage: str):
    assert contrary(question, passage)


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("Which committees are optional?", "Some are mandatory, the others optional."),
        ("How old is the newest bridge?", "The newest bridge is five years old."),
        ("Who is not able to vote?", "Prisoners are unable to vote."),
        ("What is her last name?", "Her first name is Ada and her family's is Byron."),
        ("Who bought the mill?", "The mill was sold to the council."),
        ("How many more rooms are there?", "There are less than ten rooms."),
        ("What does the invoice total?", "Total: 2,923.36"),
    ],
)
def test_both_sides_and_mere_forms_of_speech_raise_no_doubt(question: str, passage: str):
    assert not contrary(question, passage)


def test_points_come_off_for_the_contrary_only():
    assert points_off("Which debates are closed?", "Debates are open.") == POINTS_OFF
    assert points_off("Which debates are closed?", "Some debates are closed.") == 0.0


def test_a_german_passage_with_the_words_passes_and_another_does_not():
    asked = "Welche Kündigungsfristen gelten für die Wohnungen?"
    texts = {
        "right": "Die Kündigungsfrist für jede Wohnung beträgt drei Monate; sie gilt ab Juli.",
        "other": "Der Jahresbericht wurde am Dienstag der Versammlung vorgelegt.",
    }
    near = nearness(asked, texts)
    rest = {"chunk_coverage": 0.1, "kind": 1.0, "chunk": 1.0, "news": 1.0}
    assert unread_score(near["right"], similarity=0.5, **rest) >= UNREAD_THRESHOLD
    assert unread_score(near["other"], similarity=0.4, **rest) < UNREAD_THRESHOLD
    assert unread_score(1, similarity=1, **{k: 1.0 for k in rest}) == pytest.approx(1)
