"""A long file is read by several children while no other file needs them; faults cost no page."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.parsers import ParseOptions, ParserEntry
from ingestion.sandbox import Limits, Sandbox, SandboxedFile
from ingestion.sandbox_many import by_many
from store.models import ParsedPage

ROGUES = {"text": ParserEntry(module="tests.rogue_parser", family="office", version=1)}
LIMITS = Limits(memory_mb=400, page_timeout_s=2.0, recycle_pages=500)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    sandbox = Sandbox(LIMITS, 2, tmp_path / "scratch", ROGUES)
    yield sandbox
    sandbox.close()


def opened(sandbox: Sandbox, tmp_path: Path, lines: list[str], name: str = "rogue.txt"):
    path = tmp_path / name
    path.write_text("\n".join(lines))
    return sandbox.open(path, "text", ParseOptions(), space_id="a")


def read(sandbox: Sandbox, tmp_path: Path, lines: list[str]) -> list[ParsedPage]:
    with (
        opened(sandbox, tmp_path, lines) as file,
        by_many(file, range(1, file.info.pages + 1)) as pages,
    ):
        return sorted(filter(None, pages), key=lambda page: page.number)


def numbers(pages: list[ParsedPage]) -> list[int]:
    return [page.number for page in pages]


def test_a_long_file_is_read_by_two_children_each_page_once(sandbox: Sandbox, tmp_path: Path):
    pages = read(sandbox, tmp_path, ["slow 0.2"] * 30)
    assert numbers(pages) == list(range(1, 31))
    shares = [sum(p.text == pid for p in pages) for pid in {p.text for p in pages}]
    assert len(shares) == 2
    assert min(shares) >= 8


def test_a_file_that_is_soon_read_keeps_one_child(sandbox: Sandbox, tmp_path: Path):
    assert len({p.text for p in read(sandbox, tmp_path, ["pid"] * 300)}) == 1


def test_bad_pages_fail_by_themselves_whoever_reads_them(sandbox: Sandbox, tmp_path: Path):
    lines = ["slow 0.2"] * 24
    for number, act in ((6, "crash"), (12, "hang"), (13, "trip"), (20, "crash")):
        lines[number - 1] = act
    pages = read(sandbox, tmp_path, lines)
    assert numbers(pages) == list(range(1, 25))
    assert [p.number for p in pages if p.how == "failed"] == [6, 12, 13, 20]
    assert "longer than 2 seconds" in (pages[11].error or "")


def test_children_killed_from_outside_lose_no_page(sandbox: Sandbox, tmp_path: Path):
    with (
        opened(sandbox, tmp_path, ["slow 0.2"] * 30) as file,
        by_many(file, range(1, 31)) as coming,
    ):
        pages = []
        for page in filter(None, coming):
            pages.append(page)
            if len(pages) in (14, 20):
                os.kill(int(page.text), signal.SIGKILL)
    assert sorted(numbers(pages)) == list(range(1, 31))
    assert {p.how for p in pages} == {"text"}


def test_children_are_recycled(tmp_path: Path):
    sandbox = Sandbox(LIMITS.model_copy(update={"recycle_pages": 5}), 2, tmp_path / "s", ROGUES)
    pages = read(sandbox, tmp_path, ["slow 0.15"] * 30)
    sandbox.close()
    assert numbers(pages) == list(range(1, 31))
    pids = [p.text for p in pages]
    assert max(pids.count(pid) for pid in pids) == 5


def test_a_file_that_gets_nowhere_is_given_up_by_all_its_children(tmp_path: Path):
    limits = Limits(memory_mb=400, page_timeout_s=1.0, stuck_s=3.0)
    sandbox = Sandbox(limits, 2, tmp_path / "scratch", ROGUES)
    began = time.monotonic()
    pages = read(sandbox, tmp_path, ["say before", *["hang"] * 40])
    assert time.monotonic() - began < 15
    sandbox.close()
    assert numbers(pages) == list(range(1, 42))
    assert [p.how for p in pages] == ["text", *["failed"] * 40]
    assert (pages[-1].error or "").startswith("This page was not tried")


def test_another_file_gets_the_second_child_at_once(sandbox: Sandbox, tmp_path: Path):
    at: dict[str, float] = {}

    def long_one(file: SandboxedFile, until: threading.Event) -> None:
        with by_many(file, range(1, 200)) as pages:
            for page in filter(None, pages):
                at.setdefault(page.text, time.monotonic())
                if until.is_set():
                    return

    over = threading.Event()
    with opened(sandbox, tmp_path, ["slow 0.2"] * 200) as file:
        thread = threading.Thread(target=long_one, args=(file, over))
        thread.start()
        _wait_until(lambda: len(at) == 2)
        began = time.monotonic()
        with opened(sandbox, tmp_path, ["say short"], "short.txt") as short:
            assert [p.text for p in short.pages([1])] == ["short"]
        waited_s = time.monotonic() - began
        over.set()
        thread.join()
    assert waited_s < 3.0  # not until the long one ends, which takes 20


def test_who_stops_listening_ends_the_reading(sandbox: Sandbox, tmp_path: Path):
    with opened(sandbox, tmp_path, ["slow 0.2"] * 20 + ["slow 1.8"] * 20) as file:
        with by_many(file, range(1, 41)) as pages:
            came = filter(None, pages)
            seen = [next(came).text for _ in range(20)]
            began = time.monotonic()
        assert time.monotonic() - began < 1.0
        assert len(set(seen)) == 2
        with by_many(file, [1, 2]) as pages:
            assert sorted(numbers(list(filter(None, pages)))) == [1, 2]
    assert not [t for t in threading.enumerate() if t.name == "pages"]


def _wait_until(fact) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + 20
    while not fact():
        assert time.monotonic() < end
        time.sleep(0.02)
