"""The second look at candidates: words of the question that stand together count for more."""

from __future__ import annotations

import pytest

from retrieval.proximity import STRETCH, nearness

FILLER = "nothing of any use is said here at all " * 6


def test_words_in_one_sentence_are_nearer_than_at_two_ends():
    texts = {
        "together": f"{FILLER} The retirement age of judges is seventy. {FILLER}",
        "apart": f"The judges sat. {FILLER} They spoke of retirement. {FILLER} An age went by.",
        "none": FILLER,
    }
    near = nearness("What is the retirement age of judges?", texts)
    assert near["together"] == 1.0
    assert 0 < near["apart"] < 0.6
    assert near["none"] == 0.0


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("studies of the companies", "The company began a study."),
        ("Kündigungsfristen", "Die Kündigungsfrist beträgt drei Monate."),
        ("人口", "東京都の人口は"),
        ("отчёт", "годовой отчет"),
        ("naïve Café", "a naive cafe"),
    ],
)
def test_inflected_and_accented_forms_and_other_scripts_are_recognised(question: str, text: str):
    assert nearness(question, {"a": text, "b": "zzz"}) == {"a": 1.0, "b": 0.0}


def test_a_rare_word_counts_for_more_than_one_that_all_have():
    texts = {"rare": "the turbine", "common": "the report", "more": "a report", "last": "report"}
    near = nearness("turbine report", texts)
    assert near["rare"] > near["common"] == near["more"]


def test_a_question_of_pattern_signs_is_only_text():
    assert nearness("(a+)+$ [x] \\d{9999}", {"a": "aaaa" * STRETCH})["a"] < 1
    assert nearness("...", {"a": "..."}) == {"a": 0.0}
    assert nearness("word", {}) == {}
