"""The machine interface of the command lines, with and without a running server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import files
import httpx
import pytest
from serving import serve

ROOT = Path(__file__).resolve().parent.parent

RESULT = {"schema_version", "warnings"}
DOCUMENT = RESULT | {
    "file", "document_id", "space", "status", "pages", "chunks", "error", "seconds",
}  # fmt: skip
HIT = {"rank", "document_id", "space", "doc", "page", "score", "text", "start", "end", "spans"}
ANSWER = RESULT | {"answer", "refused", "route", "sentences", "citations", "model", "ms"}
CITATION = {"n", "document_id", "space", "doc", "page", "start", "end", "text", "spans", "boxes"}
SPAN = {"page", "start", "end", "text", "boxes"}


class Cli:
    """Runs a verb in a process of its own on one data folder."""

    def __init__(self, data: Path):
        self.data = data

    def run(self, module: str, *args: str, expect: int = 0) -> list[Any]:
        done = subprocess.run(
            [sys.executable, "-m", module, *args, "--json"],
            cwd=ROOT,
            env={**os.environ, "FOOTNOTE_DATA": str(self.data), "FOOTNOTE_SAMPLES": "false"},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == expect, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(params=["alone", "with a server"])
def cli(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cli]:
    data = tmp_path / "store"
    if request.param == "alone":
        yield Cli(data)
        return
    with serve(data):
        yield Cli(data)


def test_the_machine_interface_holds(cli: Cli, tmp_path: Path):
    pdf = files.text_pdf(
        tmp_path / "harbour.pdf",
        ["The harbour master is Maria Lind.", "The crane lifts 40 tonnes."],
    )
    empty = files.empty_file(tmp_path / "empty.txt")
    lines = cli.run("ingestion", "add", str(pdf), str(empty), "--wait", expect=1)
    assert [line["status"] for line in lines] == ["ready", "failed"]
    assert all(line.keys() >= DOCUMENT for line in lines)
    assert (lines[0]["pages"], lines[0]["error"]) == (2, None)
    assert "empty" in lines[1]["error"]
    again = cli.run("ingestion", "add", str(pdf), "--wait")
    assert again[0]["status"] == "duplicate"
    assert again[0]["document_id"] == lines[0]["document_id"]

    [listed] = cli.run("ingestion", "list")
    assert listed.keys() >= DOCUMENT
    [shown] = cli.run("ingestion", "show", "harbour.pdf")
    assert [p["page"] for p in shown["pages"]] == [1, 2]
    assert shown["pages"][0].keys() >= {"page", "how", "quality", "flags", "text"}
    assert shown["pages"][1]["how"] == "text"

    [found] = cli.run("retrieval", "search", "crane", "-k", "3")
    assert found["hits"][0].keys() >= HIT
    assert (found["hits"][0]["doc"], found["hits"][0]["page"]) == ("harbour.pdf", 2)
    [span, *_] = found["hits"][0]["spans"]
    assert span.keys() >= SPAN
    assert all(0 <= v <= 1 for box in span["boxes"] for v in box)

    [answer] = cli.run("retrieval", "ask", "Who is the harbour master?")
    assert answer.keys() >= ANSWER
    assert not answer["refused"]
    assert "Maria Lind" in answer["answer"]
    [citation, *_] = answer["citations"]
    assert citation.keys() >= CITATION
    assert (citation["doc"], citation["page"]) == ("harbour.pdf", 1)
    page_text = shown["pages"][0]["text"]
    assert page_text[citation["start"] : citation["end"]] in citation["text"]
    [refusal] = cli.run("retrieval", "ask", "What is the boiling point of tungsten?")
    assert refusal["refused"]

    questions = tmp_path / "questions.jsonl"
    questions.write_text(
        '{"id": "a", "question": "How much does the crane lift?"}\n'
        '{"id": "b"}\nnot json\n{"id": "d", "question": "Who?", "document": "nowhere.pdf"}\n'
    )
    out = tmp_path / "answers.jsonl"
    cli.run("retrieval", "ask", "--batch", str(questions), "--out", str(out), expect=1)
    answers = [json.loads(line) for line in out.read_text().splitlines()]
    assert [a["id"] for a in answers] == ["a", "b", 3, "d"]
    assert "40 tonnes" in answers[0]["answer"]
    assert all(a["error"] for a in answers[1:])

    [reindexed] = cli.run("ingestion", "reindex")
    assert reindexed["swapped"]
    assert (reindexed["documents"], reindexed["chunks"]) == (1, listed["chunks"])
    [verified] = cli.run("ingestion", "verify")
    assert verified["ok"]
    assert all(c.keys() == {"name", "ok", "detail"} for c in verified["checks"])
    [removed] = cli.run("ingestion", "remove", "harbour.pdf")
    assert removed["removed"] == [listed["document_id"]]
    assert cli.run("ingestion", "list") == []
    [nothing] = cli.run("retrieval", "search", "crane")
    assert nothing["hits"] == []
    [missing] = cli.run("ingestion", "show", "harbour.pdf", expect=1)
    assert "no document" in missing["error"]


def test_wrong_usage_exits_with_two(tmp_path: Path):
    Cli(tmp_path).run("ingestion", "fly", expect=2)
    Cli(tmp_path).run("retrieval", "ask", expect=2)


def test_health_is_told_to_anybody_on_this_machine(tmp_path: Path):
    with serve(tmp_path / "store") as address:
        health = httpx.get(f"{address}/api/health", trust_env=False).json()
    assert health["ok"] is True
