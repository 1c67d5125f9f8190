"""Each limit of a reading process holds, ends as a sentence on its page, and costs no other page;
and what is denied to a parser would have been possible without the protection."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.parsers import ParseOptions, ParserEntry
from ingestion.sandbox import Limits, Sandbox
from store.models import ParsedPage

ROOT = Path(__file__).resolve().parent.parent
ROGUES = {"text": ParserEntry(module="tests.rogue_parser", family="office", version=1)}
LIMITS = Limits(
    memory_mb=400, page_timeout_s=5.0, open_files=64, file_mb=8, scratch_mb=24, answer_mb=2
)
linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's limits are Linux's")


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    sandbox = Sandbox(LIMITS, 1, tmp_path / "scratch", ROGUES)
    yield sandbox
    sandbox.close()


def read(sandbox: Sandbox, tmp_path: Path, *lines: str) -> list[ParsedPage]:
    path = tmp_path / "rogue.txt"
    path.write_text("\n".join([*lines, "say after"]))
    with sandbox.open(path, "text", ParseOptions(), space_id="a") as file:
        *pages, after = file.pages(range(1, file.info.pages + 1))
    assert after.text == "after"
    return pages


@linux
@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        ("eat", "it needs more memory than reading a file may take"),
        ("map", "it is damaged"),
        ("fill 9", "it is damaged"),
        ("litter 1", "it needs more room on the disk than reading a file may take"),
        ("flood 3", "it holds more than a page can"),
        ("babble", "it made the reader fail"),
    ],
)
def test_what_outgrows_its_limit_ends_as_a_sentence(
    sandbox: Sandbox, tmp_path: Path, act: str, sentence: str
):
    within, page = read(sandbox, tmp_path, "fill 7", act)
    assert within.text == "fill was possible"
    assert (page.how, page.error) == ("failed", f"This page could not be read: {sentence}.")


@linux
def test_no_more_files_are_open_than_allowed(sandbox: Sandbox, tmp_path: Path):
    [page] = read(sandbox, tmp_path, "open_files")
    count, _, reason = page.text.partition(" were open: ")
    assert reason == "Too many open files"
    assert 30 < int(count) < LIMITS.open_files


@linux
def test_threads_without_end_meet_the_limit_of_memory(sandbox: Sandbox, tmp_path: Path):
    [page] = read(sandbox, tmp_path, "swarm")
    assert page.how == "failed" or int(page.text.removesuffix(" threads")) < 5000


@linux
def test_the_kernel_ends_a_page_whose_processor_time_is_over(sandbox: Sandbox, tmp_path: Path):
    """Where the app is stopped too long to watch the clock itself; each page has it anew."""
    left = [float(page.text) for page in read(sandbox, tmp_path, *["seconds_left"] * 4)]
    assert all(0 < seconds <= 4 * LIMITS.page_timeout_s + 11 for seconds in left)
    assert min(left) > 4 * LIMITS.page_timeout_s


@linux
def test_an_answer_of_the_largest_size_is_taken(sandbox: Sandbox, tmp_path: Path):
    [page] = read(sandbox, tmp_path, "flood 1")
    assert len(page.text) == 1 << 20


@linux
def test_without_protection_all_that_is_denied_would_be_possible(tmp_path: Path):
    """Else the tests of the sandbox could not fail."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        acts = [
            "fork", f"write {tmp_path}/escaped", f"list {tmp_path}", "read /etc/passwd",
            f"connect 127.0.0.1:{server.getsockname()[1]}", "map", "fill 9", "kill {sleeper}",
            "open_files", "run",
        ]  # fmt: skip
        program = (
            "import json, subprocess, sys\n"
            "from tests.rogue_parser import _act\n"
            "sleeper = subprocess.Popen(['sleep', '60'])\n"
            "for act in json.loads(sys.argv[1]):\n"
            "    print(repr(_act(act.replace('{sleeper}', str(sleeper.pid))))[:200], flush=True)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, json.dumps(acts)],
            cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
            check=True, timeout=60,
        )  # fmt: skip
    said = done.stdout.splitlines()
    assert len(said) == len(acts) - 1  # the last one became another program
    assert not [line for line in said if "denied" in line]
    assert (tmp_path / "escaped").exists()
    assert (tmp_path / "filled").stat().st_size == 9 << 20
