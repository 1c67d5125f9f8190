"""How questions are read: their route, what they lean on, what they take for granted."""

from __future__ import annotations

import subprocess
import sys

import pytest
from llama_index.core.schema import MetadataMode

from retrieval.condense import follows_on
from retrieval.llama import node_of, source_in
from retrieval.presupposed import Likeness
from retrieval.router import route_of
from retrieval.sources import Piece, Source
from store.models import Span
from store.settings import ROOT


@pytest.mark.parametrize(
    ("question", "route"),
    [
        ("Summarise the handbook", "summary"),
        ("Can you give me a summary?", "summary"),
        ("What is this document about?", "summary"),
        ("What are the minutes about?", "summary"),
        ("Key points of the contract", "summary"),
        ("Give me an overview of the leave rules", "summary"),
        ("tl;dr", "summary"),
        ("What does the handbook cover?", "summary"),
        ("What does the insurance cover cost?", "facts"),
        ("What is the daily allowance?", "facts"),
        ("What did the board say about the roof on 14 May?", "facts"),
        ("Who wrote about the harbour?", "facts"),
    ],
)
def test_questions_go_to_their_engine(question: str, route: str):
    assert route_of(question)[0] == route
    assert route_of(question, "facts")[0] == "facts"


@pytest.mark.parametrize(
    ("question", "follows"),
    [
        ("And in Denmark?", True),
        ("How much does it cost?", True),
        ("Why?", True),
        ("Who is he?", True),
        ("What about overtime?", True),
        ("How many days of leave are there?", False),
        ("What is this document about?", False),
        ("Which suppliers deliver circuit boards?", False),
    ],
)
def test_questions_that_lean_on_earlier_ones_are_known(question: str, follows: bool):
    assert follows_on(question) is follows


def test_importing_the_door_imports_no_llamaindex_and_no_network_is_needed():
    code = (
        "import socket, sys\n"
        "def no(*a, **k): raise RuntimeError('network')\n"
        "socket.getaddrinfo = socket.create_connection = no\n"
        "import retrieval.assistant\n"
        "assert not [m for m in sys.modules if m.startswith('llama_index')]\n"
        "from retrieval.llama import quiet_settings\n"
        "from llama_index.core import Settings\n"
        "quiet_settings()\n"
        "assert type(Settings.llm).__name__ == 'MockLLM'\n"
        "assert type(Settings.embed_model).__name__ == 'MockEmbedding'\n"
        "assert 'tiktoken' not in sys.modules and 'openai' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, cwd=ROOT)


def test_a_node_hides_spans_from_a_model_and_gives_them_back():
    source = Source(
        chunk_id="c1", document_id="d1", space="main", doc="a.txt", header="A", section="",
        pieces=(Piece(span=Span(page_id=7, start=3, end=9), page=2, text="words\n"),),
    )  # fmt: skip
    node = node_of(source)
    seen = node.node.get_content(metadata_mode=MetadataMode.LLM)
    assert "words" in seen
    assert "a.txt" in seen
    assert "page_id" not in seen
    assert source_in(node) == source


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        ("How long is the warranty on the ultrasonic wind sensor?", True),
        ("How much does Larkspur pay into the pension fund?", True),
        ("How much is the allowance for Norway?", False),
        ("What is the deadline for the invoice?", False),
        ("How many sensors are there?", False),
    ],
)
def test_a_thing_taken_for_granted_must_be_mentioned(question: str, missing: bool):
    text = (
        "Ultrasonic wind sensor, EUR 890, lead time 21 days. The invoice is paid by 17 April. "
        "Meal allowances by country: Norway EUR 72. Larkspur pays salaries on the 25th."
    )
    assert Likeness().mentioned(question, text) is not missing
