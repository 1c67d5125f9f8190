"""A parser may crash, hang, eat memory or attack: its page fails, and the next is read."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.parsers import ParseOptions, ParserEntry
from ingestion.sandbox import Limits, Sandbox
from ingestion.sandbox_answers import believed_info
from store.errors import Transient, Unreadable
from store.models import ParsedPage

ROGUES = {"text": ParserEntry(module="tests.rogue_parser", family="office", version=1)}
OPTIONS = ParseOptions()
linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's protections are Linux's")


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    limits = Limits(memory_mb=400, page_timeout_s=1.5, idle_s=1.0, recycle_pages=5)
    sandbox = Sandbox(limits, 2, tmp_path / "scratch", ROGUES)
    yield sandbox
    sandbox.close()


def read(sandbox: Sandbox, tmp_path: Path, *lines: str, space: str = "a") -> list[ParsedPage]:
    path = tmp_path / "rogue.txt"
    path.write_text("\n".join(lines))
    with sandbox.open(path, "text", OPTIONS, space_id=space) as file:
        return list(file.pages(range(1, file.info.pages + 1)))


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        ("crash", "This page could not be read: it is damaged, or needs more memory than"),
        ("hang", "This page could not be read: it took longer than 1.5 seconds."),
        ("spin", "This page could not be read: it took longer than 1.5 seconds."),
        ("eat", "This page could not be read: it needs more memory than"),
        ("trip", "This page could not be read: it is damaged."),
        ("lie number", "This page could not be read: it made the reader fail."),
        ("lie offsets", "This page could not be read: it made the reader fail."),
        ("lie text", "This page could not be read: it made the reader fail."),
        ("refuse This page is only a drawing.", "This page is only a drawing."),
    ],
)
def test_a_bad_page_fails_with_a_sentence_and_the_others_are_read(
    sandbox: Sandbox, tmp_path: Path, act: str, sentence: str
) -> None:
    pages = read(sandbox, tmp_path, "say before", act, "say after", "say last")
    assert [p.number for p in pages] == [1, 2, 3, 4]
    assert [p.how for p in pages] == ["text", "failed", "text", "text"]
    assert pages[1].error is not None
    assert pages[1].error.startswith(sentence)
    assert [p.text for p in pages] == ["before", "", "after", "last"]


@pytest.mark.parametrize("act", ["open crash", "open hang"])
def test_a_fault_in_looking_for_a_title_does_not_cost_the_other_pages(
    sandbox: Sandbox, tmp_path: Path, act: str
) -> None:
    pages = read(sandbox, tmp_path, act, "say after")
    assert [p.how for p in pages] == ["failed", "text"]


def test_a_file_that_gets_nowhere_is_given_up_and_its_pages_say_so(tmp_path: Path) -> None:
    limits = Limits(memory_mb=400, page_timeout_s=1.0, stuck_s=1.5)
    stuck = Sandbox(limits, 1, tmp_path / "scratch", ROGUES)
    pages = read(stuck, tmp_path, "say before", *["hang"] * 30)
    stuck.close()
    assert [p.number for p in pages] == list(range(1, 32))
    assert [p.how for p in pages] == ["text", *["failed"] * 30]
    assert (pages[1].error or "").endswith("it took longer than 1 seconds.")
    assert (pages[-1].error or "").startswith("This page was not tried")


def test_what_a_file_says_of_itself_is_made_plain_and_its_pages_are_counted() -> None:
    told = {"pages": 2, "title": "Two\nlines \ud800 \x00 and <b>", "warnings": ["a\u202eb"]}
    info = believed_info({"info": told}, 10)
    assert (info.title, info.warnings) == ("Two lines and <b>", ("a b",))
    with pytest.raises(Unreadable):
        believed_info({"info": {"pages": 11}}, 10)


def test_a_file_that_was_removed_meanwhile_is_a_sentence(sandbox: Sandbox, tmp_path: Path) -> None:
    with (
        pytest.raises(Unreadable, match="gone"),
        sandbox.open(tmp_path / "removed.txt", "text", OPTIONS, space_id="a"),
    ):
        pass


def test_a_file_refused_by_its_parser_says_why(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"^No words in it\.$"):
        read(sandbox, tmp_path, "open refuse No words in it.")
    assert read(sandbox, tmp_path, "say next file")[0].text == "next file"


@linux
@pytest.mark.parametrize(
    "act", ["fork", "run", "write {tmp}/escaped", "write {tmp}/rogue.txt", "read {tmp}/secret",
            "list {tmp}", "read /etc/passwd", "kill {parent}", "connect 127.0.0.1:{port}"],
)  # fmt: skip
def test_a_parser_is_denied_what_it_does_not_need(
    sandbox: Sandbox, tmp_path: Path, act: str
) -> None:
    active = {p.name for p in sandbox.protection() if p.active}
    if not {"files", "system calls"} <= active:
        pytest.skip("this kernel offers no Landlock or no seccomp")
    (tmp_path / "secret").write_text("salaries")
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = act.format(tmp=tmp_path, parent=os.getpid(), port=server.getsockname()[1])
        page, after = read(sandbox, tmp_path, line, "say after")
    assert page.text == f"{act.partition(' ')[0]} was denied"
    assert after.text == "after"
    assert not (tmp_path / "escaped").exists()


def test_threads_and_printing_work_and_the_environment_is_bare(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    pages = read(sandbox, tmp_path, "threads", "print", "environment")
    assert pages[0].text == "threads work"
    assert pages[1].text == "print was possible"
    assert "OPENAI_API_KEY" not in pages[2].text
    assert "DO_NOT_TRACK" in pages[2].text


@linux
def test_protection_is_reported_as_it_is(sandbox: Sandbox) -> None:
    names = [p.name for p in sandbox.protection()]
    assert names == ["limits", "no network", "no privileges", "files", "system calls"]
    assert all(p.detail for p in sandbox.protection())


def test_children_killed_from_outside_lose_no_page(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "rogue.txt"
    path.write_text("pid\n" * 12)
    with sandbox.open(path, "text", OPTIONS, space_id="a") as file:
        pages = []
        for page in file.pages(range(1, 13)):
            pages.append(page)
            if page.number in (2, 6):
                os.kill(int(page.text), signal.SIGKILL)
                time.sleep(0.2)
    assert [p.how for p in pages] == ["text"] * 12
    assert len({p.text for p in pages}) >= 3


def test_a_child_is_recycled_after_its_pages_and_kept_before(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    pids = [p.text for p in read(sandbox, tmp_path, *["pid"] * 12)]
    assert [len(set(pids[i : i + 5])) for i in (0, 5, 10)] == [1, 1, 1]
    assert len(set(pids)) == 3


def test_a_child_reads_for_one_space_only(sandbox: Sandbox, tmp_path: Path) -> None:
    first = read(sandbox, tmp_path, "pid", space="a")[0].text
    again = read(sandbox, tmp_path, "pid", space="a")[0].text
    other = read(sandbox, tmp_path, "pid", space="b")[0].text
    assert first == again != other


def test_what_a_file_left_behind_is_gone_for_the_next(sandbox: Sandbox, tmp_path: Path) -> None:
    first, second = (read(sandbox, tmp_path, *a) for a in (["pid", "scratch"], ["pid", "list ."]))
    assert first[0].text == second[0].text
    assert second[1].text == "list was possible"  # an empty listing


def test_no_more_children_than_allowed_and_all_files_are_read(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "rogue.txt"
    path.write_text("pid\nsay hello")
    said: list[str] = []
    most = 0

    def work(space: str) -> None:
        with sandbox.open(path, "text", OPTIONS, space_id=space) as file:
            said.extend(p.text for p in file.pages([2]))

    threads = [threading.Thread(target=work, args=(f"space {i}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    while any(t.is_alive() for t in threads):
        most = max(most, len(list((tmp_path / "scratch").glob("child-*"))))
        time.sleep(0.01)
    assert said == ["hello"] * 6
    assert most <= 2


def test_idle_children_end_and_leave_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    pid = int(read(sandbox, tmp_path, "pid")[0].text)
    assert _lives(pid)
    _wait_until(lambda: not _lives(pid))
    _wait_until(lambda: not list((tmp_path / "scratch").iterdir()))


def test_closing_ends_all_children_and_opens_no_more(sandbox: Sandbox, tmp_path: Path) -> None:
    pid = int(read(sandbox, tmp_path, "pid")[0].text)
    sandbox.close()
    assert not _lives(pid)
    with pytest.raises(Transient):
        read(sandbox, tmp_path, "say too late")


def test_a_picture_must_be_a_picture(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "rogue.txt"
    path.write_text("say hello")
    with (
        sandbox.open(path, "text", OPTIONS, space_id="a") as file,
        pytest.raises(Unreadable, match="could not be drawn"),
    ):
        file.picture(1, 100)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_until(fact) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + 10
    while not fact():
        assert time.monotonic() < end
        time.sleep(0.05)
