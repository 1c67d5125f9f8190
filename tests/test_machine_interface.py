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


SUMMARY = {"added", "replaced", "moved", "removed", "unchanged", "failed"}


def test_a_folder_is_synchronised(cli: Cli, tmp_path: Path):
    folder = tmp_path / "reports"
    (folder / "2022").mkdir(parents=True)
    (folder / "2023").mkdir()
    for year, million in (("2022", "four"), ("2023", "nine")):
        files.txt(folder / year / "summary.txt", f"Revenue was {million} million in {year}.")
    files.txt(folder / "~$lock.txt")
    cut = files.truncated_pdf(folder / "cut.pdf")
    sync = ("ingestion", "add", str(folder), "--sync", "--wait")

    *planned, dry = cli.run(*sync, "--dry-run", expect=0)
    assert (planned[0]["path"], planned[0]["action"]) == ("2022/summary.txt", "added")
    assert dry["summary"]["dry_run"]
    assert cli.run("ingestion", "list") == []

    *lines, last = cli.run(*sync, expect=1)
    assert all(line.keys() >= DOCUMENT | {"path", "action"} for line in lines)
    assert {(line["path"], line["file"], line["status"]) for line in lines} == {
        ("2022/summary.txt", "summary.txt", "ready"),
        ("2023/summary.txt", "summary (2).txt", "ready"),
        ("cut.pdf", "cut.pdf", "failed"),
    }
    assert last["summary"].keys() >= SUMMARY
    assert [last["summary"][k] for k in ("added", "failed", "left_out")] == [3, 1, 1]

    cut.unlink()
    files.txt(folder / "2022" / "summary.txt", "Revenue was five million in 2022, corrected.")
    (folder / "2023" / "summary.txt").rename(folder / "2023" / "results.txt")
    *lines, last = cli.run(*sync)
    assert {(line["action"], line["path"]) for line in lines} == {
        ("moved", "2023/results.txt"), ("replaced", "2022/summary.txt"),
    }  # fmt: skip
    assert last["summary"]["removed_paths"] == ["cut.pdf"]
    [again] = cli.run("ingestion", "show", "results.txt")
    assert "nine million" in again["pages"][0]["text"]
    *_, last = cli.run(*sync)
    assert [last["summary"][k] for k in sorted(SUMMARY)] == [0, 0, 0, 0, 0, 2]

    folder.rename(tmp_path / "unplugged")
    [refused] = cli.run(*sync, expect=1)
    assert "nothing was changed" in refused["error"]
    folder.mkdir()
    [refused] = cli.run(*sync, expect=1)
    assert "--allow-empty" in refused["error"]
    [gone] = cli.run(*sync, "--allow-empty")
    assert gone["summary"]["removed"] == 2
    assert cli.run("ingestion", "list") == []


def test_the_person_decides_about_a_known_name_and_about_the_queue(cli: Cli, tmp_path: Path):
    texts = {"old": "The old rule is four days.", "new": "The new rule is nine days."}
    for folder, text in texts.items():
        (tmp_path / folder).mkdir()
        files.txt(tmp_path / folder / "rules.txt", text)
    old, new = (str(tmp_path / folder / "rules.txt") for folder in texts)
    both = cli.run("ingestion", "add", old, new, "--wait")  # two of one run are both wanted
    assert [line["file"] for line in both] == ["rules.txt", "rules (2).txt"]
    cli.run("ingestion", "remove", "rules (2).txt")
    [skipped] = cli.run("ingestion", "add", new, "--same-name", "skip", "--wait")
    assert skipped["status"] == "duplicate"
    assert "skipped" in skipped["warnings"][0]
    [kept] = cli.run("ingestion", "add", new, "--same-name", "keep-both", "--wait")
    assert (kept["file"], kept["status"]) == ("rules (2).txt", "ready")

    [queue] = cli.run("ingestion", "pause")
    assert queue["paused"]
    later = str(files.txt(tmp_path / "later.txt", "To be read later."))
    [waiting] = cli.run("ingestion", "add", later, "--wait")
    assert (waiting["status"], waiting["paused"]) == ("queued", True)
    assert "resume" in waiting["warnings"][-1]
    [cancelled] = cli.run("ingestion", "cancel", "later.txt")
    assert cancelled["status"] == "cancelled"
    cli.run("ingestion", "retry", "later.txt")
    [queue] = cli.run("ingestion", "resume")
    assert not queue["paused"]
    [done] = cli.run("ingestion", "add", later, "--wait")
    assert done["status"] == "duplicate"
    [older] = cli.run("ingestion", "retry", "--outdated")
    assert older["queued"] == []
    assert not any(line["outdated"] for line in cli.run("ingestion", "list"))
    [refused] = cli.run("ingestion", "pause", "later.txt", expect=1)
    assert refused["error"]


def test_wrong_usage_exits_with_two(tmp_path: Path):
    Cli(tmp_path).run("ingestion", "fly", expect=2)
    Cli(tmp_path).run("ingestion", "add", str(tmp_path), "--dry-run", expect=2)
    Cli(tmp_path).run("ingestion", "retry", expect=2)
    Cli(tmp_path).run("ingestion", "retry", "a.txt", "--outdated", expect=2)
    Cli(tmp_path).run("retrieval", "ask", expect=2)


def test_health_is_told_to_anybody_on_this_machine(tmp_path: Path):
    with serve(tmp_path / "store") as address:
        health = httpx.get(f"{address}/api/health", trust_env=False).json()
    assert health["ok"] is True
