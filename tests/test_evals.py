"""Evaluation: the measures against tables made by hand, and the samples against their floors."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from evals import results
from evals.__main__ import main
from evals.asking import Asked, Cited
from evals.comparing import compared, comparison_lines
from evals.correct import is_correct, is_quoted
from evals.figures import FIGURES, KINDS, scores, total
from evals.gating import FLOORS, failures, read_floors
from evals.metrics import distinct, hit, ndcg, of_rows, precision, recall
from evals.reading import opened_set
from evals.results import Run
from evals.running import run_set
from evals.sets import Place, Question, Right, read_set
from evals.significance import MCNEMAR, PERMUTED, mcnemar_p, paired_test, randomised_p
from store.embedding import Embedder
from store.errors import BadInput
from store.settings import Settings

FOUND = ["b", "a", "x", "c", "y"]


@pytest.fixture(scope="module")
def kept_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evals")


@pytest.fixture(scope="module")
def bare() -> Settings:
    return Settings(samples=False, _env_file=None)


@pytest.fixture(scope="module")
def run(kept_in: Path, bare: Settings, embedder: Embedder) -> Run:
    """The sample questions, asked of the sample documents."""
    return run_set(read_set("samples"), bare, kept_in, embedder=embedder)


def spoilt(run: Run, *ids: str) -> Run:
    """The run as if these questions had been answered with nonsense."""
    outcomes = []
    for outcome in run.outcomes:
        if outcome.question.id in ids:
            asked = outcome.asked.model_copy(update={"answer": "Bananas.", "refused": False})
            scored = scores(outcome.question, asked)
            outcome = outcome.model_copy(update={"asked": asked, "scores": scored})
        outcomes.append(outcome)
    figures = total([o.scores for o in outcomes])
    return run.model_copy(update={"outcomes": tuple(outcomes), "figures": figures})


# The measures


@pytest.mark.parametrize(
    ("right", "k", "recalled", "was_hit"),
    [
        ({"a", "c"}, 1, 0.0, 0.0),
        ({"a", "c"}, 2, 0.5, 1.0),
        ({"a", "c"}, 4, 1.0, 1.0),
        ({"a", "z"}, 5, 0.5, 1.0),
        ({"z"}, 5, 0.0, 0.0),
    ],
)
def test_recall_and_hit_of_a_ranking_are_those_counted_by_hand(
    right: set[str], k: int, recalled: float, was_hit: float
):
    assert recall(FOUND, right, k) == recalled
    assert hit(FOUND, right, k) == was_hit


def test_ndcg_is_the_one_computed_by_hand():
    # b, a, x, c, y with a = 3, c = 1: 3 / log2(3) + 1 / log2(5) of 3 + 1 / log2(3).
    assert ndcg(FOUND, {"a": 3.0, "c": 1.0}, 10) == pytest.approx(2.323466 / 3.630930, abs=1e-6)
    assert ndcg(FOUND, {"a": 3.0, "c": 1.0}, 1) == 0.0
    assert ndcg(["a", "c"], {"a": 3.0, "c": 1.0}, 10) == 1.0
    assert ndcg([], {"a": 1.0}, 10) == 0.0


def test_a_page_counts_once_where_its_best_chunk_stands():
    assert distinct(["p2", "p1", "p2", "p3", "p1"]) == ["p2", "p1", "p3"]


def test_precision_counts_citations_not_places():
    assert precision(["a", "a", "z", "b"], {"a", "b", "c"}) == 0.75


@pytest.mark.parametrize(
    ("share", "expected"), [(None, 25.0), (0.5, 20.0), (0.95, 40.0), (0.25, 10.0)]
)
def test_means_and_percentiles_leave_out_what_has_no_score(share: float | None, expected: float):
    table = np.array([[40.0, 10.0, np.nan, 30.0, 20.0], [np.nan] * 5])
    found = of_rows(table, share)
    assert found[0] == expected
    assert np.isnan(found[1])


@pytest.mark.parametrize(
    ("said", "expected", "agrees"),
    [
        ("The teams meet on Wednesday.", "wednesday", True),
        ("The teams meet on Wednesdays.", "Wednesday", False),
        ("We owe EUR 2,923.36 in total.", "EUR 2923.36", True),
        ("Sales were 4,980 thousand dollars.", "$5 M", True),
        ("Sales were 4.9 dollars.", "$5 M", False),
        ("The share is 0.12 of all.", "12 %", True),
        ("It fell by 7.", "-7", False),
        ("42 days", "42 sensors", False),
        ("Yes, it does.", "yes", True),
        ("Yesterday it did.", "yes", False),
        ("Berg, Jonas", "Jonas Berg", True),
        ("Jonas", "Jonas Berg", False),
        ("the boat and the lamp are painted red by hand", "red hand painted boat, a lamp", True),
        ("挪威的首都是奥斯陆", "奥斯陆", True),
        ("", "Wednesday", False),
    ],
)
def test_an_answer_agrees_with_the_expected_one_as_a_person_would_say(
    said: str, expected: str, agrees: bool
):
    assert is_correct(said, [expected]) is agrees


def test_one_of_several_expected_answers_is_enough():
    assert is_correct("It was 1979.", ["by 1980", "1979"])
    assert is_quoted("It was in 1979.", ["1980", "IN 1979"])
    assert not is_quoted("It was 1979.", ["in 1979"])


def test_a_question_scores_only_in_what_can_be_said_of_it():
    asked = Asked(
        pages=(Place(doc="a", page=2), Place(doc="a", page=1)),
        documents=("a",),
        answer="The sky is green. It is wide.",
        cited=(
            Cited(doc="a", page=1, document_id="1", verbatim=True),
            Cited(doc="a", page=3, document_id="1", verbatim=False),
        ),
    )
    question = Question(
        id="1", text="?", answers=("green",), right=(Right(doc="a", page=1), Right(doc="b"))
    )
    scored = scores(question, asked)
    assert (scored["page_hit@1"], scored["page_recall@3"]) == (0.0, 1.0)
    assert (scored["document_hit@1"], scored["document_recall@10"]) == (1.0, 0.5)
    assert (scored["cited_page_precision"], scored["cited_page_recall"]) == (0.5, 1.0)
    assert (scored["cited_document_precision"], scored["cited_document_recall"]) == (1.0, 0.5)
    assert (scored["correct"], scored["refused_wrongly"], scored["verbatim"]) == (1.0, 0.0, 0.5)
    assert not scored.keys() & {"refusal_recall", "refusal_precision", "changed"}

    refused = scores(question, Asked(answer="Green? The documents do not say.", refused=True))
    assert (refused["correct"], refused["refused_wrongly"]) == (0.0, 1.0)
    assert (refused["refusal_precision"], refused["cited_page_recall"]) == (0.0, 0.0)
    assert not refused.keys() & {"cited_page_precision", "verbatim"}

    strange = Question(id="2", text="?", answerable=False)
    scored = scores(strange, Asked(refused=True))
    assert (scored["refusal_recall"], scored["refusal_precision"]) == (1.0, 1.0)
    assert not scored.keys() & {"correct", "refused_wrongly", "page_hit@1", "cited_page_hit"}
    assert "ask_ms" not in scores(question, Asked(searched_only=True))


def test_the_precision_of_refusals_needs_questions_of_both_sorts():
    refused = Asked(refused=True)
    can = scores(Question(id="1", text="?"), refused)
    cannot = scores(Question(id="2", text="?", answerable=False), refused)
    assert total([can, can, cannot])["refusal_precision"].value == pytest.approx(1 / 3, abs=1e-6)
    assert "refusal_precision" not in total([can])
    assert "refusal_precision" not in total([cannot])


# By chance or not


@pytest.mark.parametrize(
    ("lost", "won", "p"),
    [(0, 0, 1.0), (1, 0, 1.0), (0, 5, 0.0625), (9, 1, 22 / 1024), (4, 4, 1.0)],
)
def test_mcnemar_is_the_binomial_of_the_changed_questions(lost: int, won: int, p: float):
    assert mcnemar_p(lost, won) == pytest.approx(p)


def test_randomisation_finds_what_all_arrangements_say():
    # Of the eight ways to give three differences of .5 a side, two are as far apart as observed.
    p = randomised_p([0.0, 0.25, 0.5], [0.5, 0.75, 1.0])
    assert p == pytest.approx(0.25, abs=0.02)
    assert p == randomised_p([0.0, 0.25, 0.5], [0.5, 0.75, 1.0])
    assert randomised_p([0.5] * 9, [0.5] * 9) == 1.0


def test_yes_and_no_goes_to_mcnemar_and_the_rest_to_randomisation():
    assert paired_test([1.0, 0.0], [1.0, 1.0]).name == MCNEMAR
    assert paired_test([1.0, 0.5], [1.0, 1.0]).name == PERMUTED
    # A question that is refused in one run only has no score in the other.
    assert paired_test([1.0, None], [1.0, 0.0]).name == PERMUTED
    assert paired_test([10.0, 20.0], [11.0, 21.0], 0.95).name == PERMUTED


# Sets


def lines(path: Path, *rows: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")


def test_a_folder_of_documents_is_read_with_its_questions(tmp_path: Path):
    lines(
        tmp_path / "questions.jsonl",
        {
            "id": 1,
            "question": "Who\u2028built it?",
            "answer": "Ann",
            "answers": ["Ann", "Ann Lee"],
            "evidence": [{"doc": "a.txt", "page": 1}, {"doc": "b.txt", "page": None}],
        },
        {"id": 2, "question": "Why?", "answerable": False, "evidence": [{"doc": "a.txt"}]},
        {"id": 3, "question": "When?", "answer": "1979", "document": "a.txt", "page": 2},
    )
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("Ann built it.")
    (tmp_path / "docs" / "older").mkdir()
    (tmp_path / "docs" / "older" / "a.txt").write_text("Bob built it.")
    (tmp_path / "docs" / ".hidden").write_text("Nothing of this set.")
    found = read_set(str(tmp_path))
    assert list(found.documents) == ["a.txt", "older/a.txt"]
    who, why, when = found.questions
    assert who.answers == ("Ann", "Ann Lee")
    assert who.right == (Right(doc="a.txt", page=1), Right(doc="b.txt"))
    assert (why.answerable, why.right, why.answers) == (False, (), ())
    assert when.right == (Right(doc="a.txt", page=2),)
    strange = read_set(str(tmp_path), foreign=tmp_path / "questions.jsonl").questions
    assert {(q.answerable, q.right) for q in strange} == {(False, ())}
    assert read_set(str(tmp_path), limit=2) == read_set(str(tmp_path), limit=2)
    assert len(read_set(str(tmp_path), limit=2).questions) == 2


def test_a_folder_without_questions_is_refused_with_a_sentence(tmp_path: Path):
    with pytest.raises(BadInput, match=r"is no set: .*\.$"):
        read_set(str(tmp_path))


def test_a_corpus_is_searched_document_by_document(
    tmp_path: Path, kept_in: Path, bare: Settings, embedder: Embedder
):
    """Names with signs, a document without a text, and the same text under two names."""
    lines(
        tmp_path / "corpus.jsonl",
        {"_id": "sea#0", "title": "The sea", "text": "The lighthouse keepers are paid in herring."},
        {"_id": "sea#1", "title": "The sea", "text": "The harbour freezes over in February."},
        {"_id": "../copy", "title": "The sea", "text": "The harbour freezes over in February."},
        {"_id": "empty", "title": "", "text": ""},
    )
    lines(
        tmp_path / "queries.jsonl",
        {"_id": "q1", "text": "What are the keepers of the lighthouse paid in?"},
        {"_id": "q2", "text": "When does the harbour freeze?"},
        {"_id": "q3", "text": "Of which nobody judged anything"},
    )
    rows = [("query-id", "corpus-id", "score"), ("q1", "sea#0", "3"), ("q1", "sea#1", "0")]
    rows += [("q2", "../copy", "1")]
    (tmp_path / "qrels.tsv").write_text("\n".join("\t".join(row) for row in rows), "utf-8")
    found = run_set(read_set(str(tmp_path)), bare, kept_in, search_only=True, embedder=embedder)
    assert [o.question.id for o in found.outcomes] == ["q1", "q2"]
    assert found.documents == 2
    assert found.figures["document_hit@1"].value == found.figures["document_ndcg@10"].value == 1.0
    assert "page_hit@1" not in found.figures
    assert "ask_ms_p50" not in found.figures


# The samples, as CI asks them


def test_the_sample_questions_keep_their_floors(run: Run):
    assert failures(run, read_floors(None, "samples")) == []
    assert len(run.outcomes) == 13


def test_every_citation_of_a_sample_answer_is_word_for_word(run: Run):
    cited = [c for o in run.outcomes for c in o.asked.cited]
    assert cited
    assert all(c.verbatim for c in cited)


def test_documents_are_read_once(run: Run, kept_in: Path, bare: Settings, embedder: Embedder):
    before = {folder.name for folder in kept_in.iterdir()}
    with opened_set(read_set("samples"), bare, kept_in, embedder) as opened:
        jobs = opened.store.catalog.last_job("ingest")
        assert jobs is not None
        assert jobs["id"] == len(opened.store.catalog.documents()) == 5
    assert {folder.name for folder in kept_in.iterdir()} == before


def test_a_run_is_kept_whole_and_only_its_owner_may_read_it(run: Run, tmp_path: Path):
    path = results.write(run, tmp_path / "out")
    assert results.read(path) == run
    assert path.stat().st_mode & 0o077 == 0
    assert run.prompts["answer"] >= 1
    assert set(run.fingerprints) == {"parsers", "chunker", "words", "embedder", "reading"}
    assert run.code
    with pytest.raises(BadInput, match=r"There is no run in"):
        results.read(tmp_path / "nothing.json")


def test_no_secret_comes_into_a_file():
    given = Settings(
        openai_api_key="sk-one",
        embedder_api_key="sk-two",
        openai_base_url="https://user:sk-three@models.example:8000/v1?key=sk-four",
        _env_file=None,
    )
    shown = json.dumps(results.shown_settings(given))
    assert "sk-" not in shown
    assert "models.example" in shown
    assert "api_key" not in shown
    assert str(given.data) not in shown


def test_a_comparison_names_the_questions_lost_and_won(run: Run):
    lost = [f"s{n:02}" for n in range(1, 8)]
    found = compared(run, spoilt(run, *lost))
    assert [i for i, _ in found.lost] == lost
    assert found.won == ()
    correct = next(c for c in found.changes if c.figure == "correct")
    assert (correct.before, correct.after, correct.n) == (1.0, 0.3, 10)
    assert (correct.test.name, correct.test.p) == (MCNEMAR, 2 / 2**7)
    assert correct.worse
    assert correct.significant
    back = compared(spoilt(run, *lost), run)
    assert [i for i, _ in back.won] == lost
    told = "\n".join(comparison_lines(found))
    assert "significantly worse" in told
    assert "lost: 7" in told


def test_a_run_compared_with_itself_has_changed_nothing(run: Run):
    found = compared(run, run)
    assert not found.lost
    assert not found.won
    assert not found.differing
    assert {c.test.p for c in found.changes} == {1.0}


def test_a_run_that_only_searched_has_not_lost_the_answers(run: Run):
    outcomes = []
    for o in run.outcomes:
        asked = o.asked.model_copy(update={"searched_only": True})
        scored = scores(o.question, asked)
        outcomes.append(o.model_copy(update={"asked": asked, "scores": scored}))
    figures = total([o.scores for o in outcomes])
    searched = run.model_copy(update={"outcomes": tuple(outcomes), "figures": figures})
    found = compared(spoilt(run, "s01"), searched)
    assert found.lost == found.won == ()
    assert "correct" not in {c.figure for c in found.changes}


def test_times_are_never_called_significant(run: Run):
    slow = [
        o.model_copy(update={"scores": o.scores | {"ask_ms": o.scores["ask_ms"] + 60_000}})
        for o in run.outcomes
    ]
    figures = total([o.scores for o in slow])
    found = compared(run, run.model_copy(update={"outcomes": tuple(slow), "figures": figures}))
    ask = next(c for c in found.changes if c.figure == "ask_ms_p50")
    assert ask.worse
    assert ask.test.p < 0.05
    assert not ask.significant


def test_runs_are_compared_over_the_questions_that_both_asked(run: Run):
    part = run.only({"s01", "s11"})
    found = compared(run, part)
    assert (found.asked, found.left_out) == (2, 11)
    with pytest.raises(BadInput, match="no question in common"):
        compared(run.only({"s02"}), part)


def test_the_gate_says_what_is_below_its_floor(run: Run, tmp_path: Path, capsys):
    good = results.write(run, tmp_path / "good")
    bad = results.write(spoilt(run, "s01", "s11"), tmp_path / "bad")
    assert main(["gate", str(good)]) == 0
    capsys.readouterr()
    assert main(["gate", str(bad)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert "correct is 0.9, below its floor of 1 (10 questions)." in told
    assert "refusal_recall is 0.666667, below its floor of 1 (3 questions)." in told
    floors = tmp_path / "floors.json"
    floors.write_text(json.dumps({"samples": {"refused_wrongly": -0.1, "changed": 0.5}}))
    assert main(["gate", str(good), "--floors", str(floors)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "refused_wrongly is 0, above its ceiling of -0.1 (10 questions)."
    assert told[1] == "changed was not measured, and it has a floor of 0.5."


def test_the_gate_fails_against_a_baseline_only_beyond_chance(run: Run, tmp_path: Path, capsys):
    baseline = str(results.write(run, tmp_path / "baseline"))
    two = results.write(spoilt(run, "s01", "s02"), tmp_path / "two")
    seven = results.write(spoilt(run, *[f"s{n:02}" for n in range(1, 8)]), tmp_path / "seven")
    assert main(["gate", str(two), "--baseline", baseline]) == 0
    capsys.readouterr()
    assert main(["gate", str(seven), "--baseline", baseline]) == 1
    told = capsys.readouterr().out
    assert "correct went from 1 to 0.3 over 10 questions, which is not chance (p = 0.0156" in told
    assert "ask_ms" not in told
    assert main(["gate", str(tmp_path / "nothing.json")]) == 1
    assert main(["compare", baseline, str(seven)]) == 0
    assert "lost: 7" in capsys.readouterr().out


def test_floors_name_figures_that_there_are():
    for name in json.loads(FLOORS.read_text("utf-8")):
        assert read_floors(None, name).keys() <= KINDS.keys()
    with pytest.raises(BadInput, match="has no floors"):
        read_floors(None, "elsewhere")
    assert FIGURES["refused_wrongly"].better == -1


# Collections that are not part of this repository


@pytest.fixture
def collections() -> Path:
    folder = Path(os.environ.get("FOOTNOTE_EVAL_DATA", ""))
    if not (folder / "xquad_ir" / "en" / "corpus.jsonl").exists():
        pytest.skip("FOOTNOTE_EVAL_DATA names no folder with xquad_ir")
    return folder


@pytest.mark.data
def test_a_paragraph_of_an_encyclopaedia_is_found_by_its_question(
    collections: Path, kept_in: Path, bare: Settings, embedder: Embedder
):
    given = read_set(str(collections / "xquad_ir" / "en"), limit=100)
    assert given.name == "xquad_ir-en"
    found = run_set(given, bare, kept_in, search_only=True, embedder=embedder)
    assert found.figures["document_hit@1"].value > 0.8
    assert found.figures["document_recall@10"].value > 0.95
