"""What was found is ranked by a cross-encoder where there is one; any fault keeps the order."""

from __future__ import annotations

import math
import threading
import time

import pytest
from rerank_server import RerankServer, by_word

from retrieval.rerank import COOL_S, SENT, Reranker, open_reranker
from store.errors import Cancelled
from store.models import Chunk, Hit, Span
from store.settings import Settings


def hits(count: int) -> list[Hit]:
    return [
        Hit(
            chunk=Chunk(
                id=f"c{i}",
                document_id="d",
                space_id="s",
                name="a.txt",
                spans=(Span(page_id=1, start=i, end=i + 1),),
                page=1,
                section="",
                header="A title",
                text=f"passage {i}{' wanted' if i % 10 == 7 else ''}",
            ),
            score=1 - i / count,
        )
        for i in range(count)
    ]


def ids(found: tuple[Hit, ...]) -> list[str]:
    return [hit.chunk.id for hit in found]


def in_order(found: tuple[Hit, ...]) -> bool:
    scores = [hit.score for hit in found]
    return scores == sorted(scores, reverse=True) and all(0 <= score <= 1 for score in scores)


def test_the_best_by_the_cross_encoder_comes_first_and_ties_stay_as_they_were():
    with RerankServer(by_word("wanted")) as server:
        found = Reranker(server.base_url, "cross").reranked("which?", hits(20))
        (request,) = server.requests
    assert found.warning is None
    assert ids(found.hits)[:4] == ["c7", "c17", "c0", "c1"]
    assert in_order(found.hits)
    assert (found.hits[0].rerank_score, found.hits[0].fused_score) == (0.9, 1 - 7 / 20)
    assert server.paths == ["/v1/rerank"]
    assert request["query"] == "which?"
    assert (request["model"], request["top_n"], len(request["documents"])) == ("cross", 20, 20)
    assert request["documents"][0] == "A title\npassage 0"


def test_the_first_fifty_are_sent_and_the_others_follow_as_they_were():
    with RerankServer(by_word("wanted")) as server:
        found = Reranker(server.base_url).reranked("which?", hits(60))
        (request,) = server.requests
    assert len(request["documents"]) == SENT == 50
    assert "model" not in request
    assert ids(found.hits)[:5] == ["c7", "c17", "c27", "c37", "c47"]
    assert ids(found.hits)[50:] == [f"c{i}" for i in range(50, 60)]
    assert in_order(found.hits)
    assert found.hits[-1].rerank_score is None


def test_logits_become_scores_between_0_and_1():
    with RerankServer(by_word("wanted", low=-800.5, high=7.74)) as server:
        found = Reranker(server.base_url).reranked("which?", hits(9))
    assert ids(found.hits)[0] == "c7"
    assert found.hits[0].rerank_score == 7.74
    assert found.hits[0].score == pytest.approx(1 / (1 + math.exp(-7.74)))
    assert in_order(found.hits)


def test_a_server_of_text_embeddings_inference_is_asked_in_its_own_form():
    with RerankServer("tei", by_word("wanted")) as server:
        reranker = Reranker(server.base_url)
        for _ in range(2):
            found = reranker.reranked("which?", hits(50))
            assert ids(found.hits)[:5] == ["c7", "c17", "c27", "c37", "c47"]
        sizes = [len(request.get("texts", ())) for request in server.requests]
    assert sizes == [0, 32, 18, 32, 18]


def test_a_server_that_ranks_only_some_leaves_the_others_behind_them():
    body = 'raw {"results": [{"index": 3, "relevance_score": 0.5}, {"index": 1, "score": 0.7}]}'
    with RerankServer(body) as server:
        found = Reranker(server.base_url).reranked("which?", hits(5))
    assert ids(found.hits) == ["c1", "c3", "c0", "c2", "c4"]
    assert in_order(found.hits)


@pytest.mark.parametrize(
    ("say", "why"),
    [
        ("500", "it failed (500)"),
        ("401", "it refused the request (401)"),
        ("422", "it refused the request (422)"),
        ("redirect", "it refused the request (307)"),
        ("cut", "the connection failed"),
        ("endless", "its answer is too long"),
        ("raw <html>It works!</html>", "its answer is no ranking"),
        ("raw ", "its answer is no ranking"),
        ("raw null", "its answer is no ranking"),
        ("raw {}", "its answer is no ranking"),
        ('raw {"results": {"0": 1}}', "its answer is no ranking"),
        ('raw {"results": [0.5, 0.4]}', "its answer is no ranking"),
        ('raw {"results": [{"index": 0}]}', "its answer is no ranking"),
        ('raw {"results": [{"index": "0", "score": 1}]}', "its answer is no ranking"),
        ('raw {"results": [{"index": true, "score": 1}]}', "its answer is no ranking"),
        ('raw {"results": [{"index": -1, "score": 1}]}', "its answer is no ranking"),
        ('raw {"results": [{"index": 0, "score": NaN}]}', "its answer is no ranking"),
        ('raw {"results": [{"index": 0, "score": 1e999}]}', "its answer is no ranking"),
        ('raw {"results": [{"index": 0, "score": null}]}', "its answer is no ranking"),
        (f"raw {'[' * 5000}", "its answer is no ranking"),
        ('raw {"results": []}', "its ranking is not of what was sent"),
        ('raw {"results": [{"index": 5, "score": 1}]}', "its ranking is not of what was sent"),
        (
            'raw [{"index": 1, "score": 0.1}, {"index": 1, "score": 0.9}]',
            "its ranking is not of what was sent",
        ),
    ],
)
def test_whatever_goes_wrong_keeps_the_order_and_is_said(say: str, why: str):
    before = hits(5)
    with RerankServer(say) as server:
        found = Reranker(server.base_url).reranked("which?", before)
        host = server.host
    assert list(found.hits) == before
    assert found.warning == (
        f"{host} did not rank what was found ({why}): the search's own order stays."
    )


def test_a_server_that_is_not_there_keeps_the_order():
    before = hits(5)
    found = Reranker("http://127.0.0.1:9").reranked("which?", before)
    assert list(found.hits) == before
    assert "(the connection failed)" in (found.warning or "")


@pytest.mark.parametrize("say", ["silent", "drips"])
def test_a_slow_server_costs_its_time_once_and_is_then_left_alone_for_a_while(say: str):
    now = [100.0]
    with RerankServer(say) as server:
        reranker = Reranker(server.base_url, clock=lambda: now[0])
        began = time.monotonic()
        slow = reranker.reranked("which?", hits(5), within_s=1.0)
        assert 0.9 < time.monotonic() - began < 2.0
        began = time.monotonic()
        again = reranker.reranked("which?", hits(5), within_s=1.0)
        assert time.monotonic() - began < 0.2
        assert len(server.requests) == 1
        server.say = by_word("wanted")
        server.scorer = by_word("passage 4")
        now[0] += COOL_S
        after = reranker.reranked("which?", hits(5), within_s=5.0)
    assert "(it took too long)" in (slow.warning or "")
    assert "(it took too long a moment ago)" in (again.warning or "")
    assert (after.warning, ids(after.hits)[0]) == (None, "c4")


def test_a_person_who_stops_does_not_wait_for_it():
    stop = threading.Event()
    with RerankServer("silent") as server:
        threading.Timer(0.2, stop.set).start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            Reranker(server.base_url).reranked("which?", hits(5), stop=stop)
        assert time.monotonic() - began < 1.5


def test_one_hit_needs_no_ranking():
    with RerankServer("500") as server:
        found = Reranker(server.base_url).reranked("which?", hits(1))
        assert server.requests == []
    assert (len(found.hits), found.warning) == (1, None)


def test_the_key_is_sent_to_its_server_only():
    with RerankServer(by_word("x")) as server:
        settings = Settings(
            rerank_base_url=f"{server.base_url}/rerank/",
            rerank_api_key="sesame",  # type: ignore[arg-type]
            _env_file=None,
        )
        reranker = open_reranker(settings)
        assert reranker is not None
        reranker.reranked("which?", hits(2))
        assert server.headers[0]["authorization"] == "Bearer sesame"
        assert server.paths == ["/v1/rerank"]
