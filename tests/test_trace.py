"""How an answer came about is kept with it, and told to a collector where one is configured."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path

import files
import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as messages
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as services

from ingestion.opening import open_library
from retrieval.assistant import Assistant, open_assistant
from store.models import LOCAL_ADMIN
from store.opening import open_store
from store.settings import Settings
from store.wire import answer_json

SECRET = "The lighthouse keeper earns 3,120 kroner a month."


class Collector(services.TraceServiceServicer):
    """A real OTLP server that keeps what it is sent."""

    def __init__(self) -> None:
        self.received: list[messages.ExportTraceServiceRequest] = []
        self.came = threading.Event()

    def Export(self, request, context):
        self.received.append(request)
        self.came.set()
        return messages.ExportTraceServiceResponse()


@pytest.fixture
def collector() -> Iterator[tuple[Collector, str]]:
    mine = Collector()
    server = grpc.server(futures.ThreadPoolExecutor(2))
    services.add_TraceServiceServicer_to_server(mine, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield mine, f"http://127.0.0.1:{port}"
    server.stop(None)


def opened(tmp_path: Path, **settings: str) -> Iterator[Assistant]:
    chosen = Settings(data=tmp_path / "store", samples=False, **settings)  # type: ignore[arg-type]
    with open_store(chosen) as store:
        library = open_library(store)
        file = files.txt(tmp_path / "Pay.txt", f"{SECRET}\n\nThe mast is forty feet high.\n")
        library.add(LOCAL_ADMIN, file.name, file)
        library.wait()
        assistant = open_assistant(chosen, store.catalog, store.indexes, store.embedder)
        yield assistant
        assistant.close()
        library.close()


def test_an_answer_keeps_its_steps_and_what_was_found(tmp_path: Path):
    for assistant in opened(tmp_path):
        answer = assistant.ask(LOCAL_ADMIN, "What does the lighthouse keeper earn?")
        trace = answer.trace
        assert trace is not None
        names = [step.name for step in trace.steps]
        assert names == ["condense", "search", "read", "extract"]
        assert all(0 <= step.ms <= answer.ms + 1 for step in trace.steps)
        assert [(c.doc, c.page, c.vector_rank, c.lexical_rank) for c in trace.candidates] == [
            ("Pay.txt", 1, 1, 1)
        ]
        assert trace.prompt is None
        # Ids, places and scores only: what is removed later must not be left here.
        assert "3,120" not in trace.model_dump_json()
        assert answer_json(answer, assistant.catalog)["trace"]["steps"][1]["name"] == "search"


def test_a_collector_gets_times_and_counts_and_no_words(
    tmp_path: Path, collector: tuple[Collector, str]
):
    server, endpoint = collector
    for assistant in opened(tmp_path, otlp_endpoint=endpoint):
        assistant.ask(LOCAL_ADMIN, "What does the lighthouse keeper earn?")
    assert server.came.wait(10)
    spans = [
        span
        for request in server.received
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert sorted(s.name for s in spans) == ["answer", "condense", "extract", "read", "search"]
    (whole,) = [s for s in spans if s.name == "answer"]
    assert all(s.parent_span_id == whole.span_id for s in spans if s is not whole)
    said = str(server.received)
    assert "footnote.route" in said
    assert "lighthouse" not in said
    assert "Pay.txt" not in said


def test_a_collector_that_is_not_there_costs_no_answer(tmp_path: Path):
    for assistant in opened(tmp_path, otlp_endpoint="http://127.0.0.1:9"):
        answer = assistant.ask(LOCAL_ADMIN, "What does the lighthouse keeper earn?")
        assert not answer.refused
        assert answer.ms < 5000
