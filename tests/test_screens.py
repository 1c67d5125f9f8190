"""The screens as scripts: what they show and which door they call, without a browser."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import files
import pytest
from streamlit.testing.v1 import AppTest

from pages.parts import ledger
from server import doors, principals, words
from server.doors import Doors
from server.opening import SAMPLES_SPACE, open_doors
from server.words import file_size
from store.catalog.ledger import LedgerLine
from store.models import Flag, How
from store.settings import ROOT, Settings

WHO = principals.of_screen()
HOSTILE = "![x](http_evil) :red[a] <b>$x$.txt"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    settings = Settings(data=tmp_path_factory.mktemp("screens") / "store", _env_file=None)
    with open_doors(settings) as held:
        doors.fill(held)
        assert held.library.wait(180)
        yield held
        doors.fill(None)


def screen(name: str, **query: str) -> AppTest:
    test = AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=60)
    for key, value in query.items():
        test.query_params[key] = value
    test.run()
    assert not test.exception
    return test


def until(test: AppTest, true: Callable[[], object], timeout_s: float = 60) -> None:
    """Run the screen again and again, as its timer does."""
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)
        test.run()
        assert not test.exception


def keys(test: AppTest, start: str) -> list[str]:
    return [b.key for b in test.button if b.key and b.key.startswith(start)]


def texts(test: AppTest) -> str:
    shown = (*test.text, *test.markdown, *test.caption, *test.error, *test.info, *test.success)
    return "\n".join(element.value for element in shown)


def asked(question: str) -> AppTest:
    test = screen("chat")
    test.chat_input[0].set_value(question).run()
    until(test, lambda: keys(test, "source-") or keys(test, "near-"))
    return test


def test_screens_stop_while_footnote_is_shut(opened: Doors):
    doors.fill(None)
    try:
        test = AppTest.from_file(str(ROOT / "pages" / "shell.py"), default_timeout=60).run()
    finally:
        doors.fill(opened)
    assert "not open" in test.error[0].value


def test_a_new_folder_has_the_samples_and_offers_questions(opened: Doors):
    test = screen("chat")
    assert test.title[0].value == "Ask your documents"
    assert len(keys(test, "try-")) == 3


def test_an_example_is_answered_with_footnotes_that_open_the_page(opened: Doors):
    test = screen("chat")
    test.button(key=keys(test, "try-")[0]).click().run()
    until(test, lambda: keys(test, "source-"))
    assert test.query_params["c"]
    assert "Wednesday" in texts(test)
    assert "Quotes from the documents" in texts(test)
    footnotes = keys(test, "foot-")
    assert footnotes
    test.button(key=footnotes[0]).click().run()
    frame = test.get("iframe")[0].proto
    assert frame.src.startswith("/view/")
    assert frame.src.endswith("#mark")
    test.button(key="close-source").click().run()
    assert not test.get("iframe")


def test_a_reload_keeps_the_conversation(opened: Doors):
    first = asked("On which day of the week do all teams meet at the office?")
    again = screen("chat", c=first.query_params["c"])
    assert [t.value for t in again.text] == [t.value for t in first.text]
    assert keys(again, "foot-")


def test_what_the_documents_do_not_say_is_refused_with_the_nearest_pages(opened: Doors):
    test = asked("What is the boiling point of tungsten hexafluoride?")
    assert "The documents do not say." in texts(test)
    near = keys(test, "near-")
    assert near
    test.button(key=near[0]).click().run()
    assert test.get("iframe")[0].proto.src.startswith("/view/")


def test_a_conversation_is_left_and_deleted(opened: Doors):
    test = asked("What is the daily food allowance on a trip to Norway?")
    conversation_id = test.query_params["c"]
    next(b for b in test.button if b.label == "New conversation").click().run()
    assert "c" not in test.query_params
    test.button(key=f"conversation-{conversation_id}").click().run()
    assert test.query_params["c"] == conversation_id
    test.button(key=f"delete-{conversation_id}").click().run()
    assert "c" not in test.query_params
    assert conversation_id not in {c.id for c in opened.assistant.conversations(WHO)}


def test_an_address_of_no_conversation_starts_a_new_one(opened: Doors):
    test = screen("chat", c="nothing")
    assert "not there any more" in test.warning[0].value
    assert test.title[0].value == "Ask your documents"


def test_the_documents_are_listed_with_their_state(opened: Doors):
    test = screen("documents")
    documents = opened.library.list(WHO)
    assert len(keys(test, "open-")) == len(documents)
    assert f"{len(documents)} documents" in test.caption[0].value
    document = next(d for d in documents if d.name.endswith("handbook.pdf"))
    test.button(key=f"open-{document.id}").click().run()
    assert "text of the file" in test.selectbox(key=f"page-{document.id}").options[0]
    assert test.get("iframe")[0].proto.src.startswith("/view/")


def test_a_file_that_failed_says_why_and_is_removed(opened: Doors, tmp_path: Path):
    locked = files.text_pdf(tmp_path / "locked.pdf", ["Hidden."])
    locked.write_bytes(locked.read_bytes()[:300])
    document = opened.library.add(WHO, "locked.pdf", locked)
    assert opened.library.wait(60)
    test = screen("documents")
    assert document.id in "".join(keys(test, "retry-"))
    assert test.error[0].value
    test.button(key=f"remove-{document.id}").click().run()
    assert not [k for k in keys(test, "open-") if document.id in k]
    assert document.id not in {d.id for d in opened.library.list(WHO)}


def test_lost_pages_are_said_in_the_list_and_shown_in_the_ledger(opened: Doors, tmp_path: Path):
    path = files.pdf_with_broken_pages(tmp_path / "torn.pdf", list("ABCDEFGH"), [3, 7])
    document = opened.library.add(WHO, path.name, path)
    try:
        assert opened.library.wait(60)
        test = screen("documents")
        assert "pages 3 and 7 failed" in test.warning[0].value
        test.button(key=f"open-{document.id}").click().run()
        assert "8 pages: :blue[■] 6 text of the file, :red[■] 2 failed" in texts(test)
        table = test.dataframe[0].value
        assert list(table["Page"]) == list(range(1, 9))
        assert table["Remarks"][2] == "This page is damaged."
        test.toggle(key=f"ledger-{document.id}-only").set_value(True).run()
        assert list(test.dataframe[0].value["Page"]) == [3, 7]
        test.selectbox(key=f"page-{document.id}").set_value(7).run()
        page_id = opened.library.ledger(WHO, document.id)[6].page_id
        assert test.get("iframe")[0].proto.src == f"/view/{page_id}"
    finally:
        opened.library.remove(WHO, document.id)


def test_what_an_older_footnote_read_is_offered_to_be_read_again(opened: Doors):
    library = opened.library
    added = [library.add(WHO, f"{n}.csv", f"place,{n}\nharbour,{n}".encode()) for n in (1, 2)]
    try:
        assert library.wait(60)
        assert "Read them all again" not in [b.label for b in screen("admin").button]
        for document in added:
            older = "UPDATE parses SET fingerprint = 'csv-0' WHERE content_hash = ?"
            with library.catalog.db.write() as c:
                c.exec_driver_sql(older, (library.document(WHO, document.id).content_hash,))
        test = screen("documents")
        test.button(key=f"open-{added[0].id}").click().run()
        assert "Read by an older Footnote" in texts(test)
        test.button(key=f"read-again-{added[0].id}").click().run()
        assert library.wait(60)
        test.run()
        assert not keys(test, "read-again-")
        test = screen("admin")
        assert "1 document was read by an older Footnote" in texts(test)
        test.button(key="read-all-again").click().run()
        assert library.wait(60)
        assert library.outdated(WHO) == []
        assert not keys(test.run(), "read-all-again")
    finally:
        for document in added:
            library.remove(WHO, document.id)


def test_the_queue_is_paused_and_resumed_on_the_screen(opened: Doors):
    opened.library.pause(WHO)
    document = opened.library.add(WHO, "later.txt", b"To be read later.")
    try:
        test = screen("documents")
        assert "Reading is paused; 1 file waits" in texts(test)
        assert not keys(test, f"pause-{document.id}")
        test.button(key="resume-all").click().run()
        assert opened.library.wait(30)
        test.run()
        assert "Reading is paused" not in texts(test)
        assert opened.library.document(WHO, document.id).status == "ready"
    finally:
        opened.library.resume(WHO)
        opened.library.remove(WHO, document.id)


def test_one_file_is_paused_and_resumed_on_the_screen(opened: Doors):
    opened.library.pause(WHO)
    document = opened.library.add(WHO, "later.txt", b"To be read later.")
    opened.library.pause(WHO, document.id)
    opened.library.resume(WHO)
    try:
        test = screen("documents")
        assert test.button(key=f"pause-{document.id}").label == "Resume"
        test.button(key=f"pause-{document.id}").click().run()
        assert opened.library.wait(30)
        assert opened.library.document(WHO, document.id).status == "ready"
    finally:
        opened.library.remove(WHO, document.id)


def test_a_known_name_waits_for_a_choice_and_the_other_files_go_in(opened: Doors):
    opened.library.add(WHO, "rules.txt", b"The old rule.", "main")
    try:
        test = screen("documents")
        dropped = [("rules.txt", b"The new rule.", "text/plain"), ("b.txt", b"B.", "text/plain")]
        test.file_uploader[0].set_value(dropped).run()
        assert "A file of this name is already here" in texts(test)
        assert {d.name for d in opened.library.list(WHO, "main")} == {"rules.txt", "b.txt"}
        assert test.button(key="same-name-go").disabled
        test.run()
        test.segmented_control(key="same-name-1").set_value("keep_both").run()
        test.button(key="same-name-go").click().run()
        assert "A file of this name" not in texts(test)
        assert opened.library.wait(30)
        assert opened.library.show(WHO, "rules (2).txt")[1][0].text == "The new rule."
        test.file_uploader[0].set_value([("rules.txt", b"Another rule.", "text/plain")]).run()
        test.button(key="same-name-none").click().run()
        assert "A file of this name" not in texts(test)
        assert len(opened.library.list(WHO, "main")) == 3
    finally:
        for document in opened.library.list(WHO, "main"):
            opened.library.remove(WHO, document.id)


def test_every_flag_has_a_phrase():
    assert set(words.FLAGS) == set(get_args(Flag))
    assert all("_" not in phrase for phrase in words.FLAGS.values())


def test_every_way_of_reading_has_a_phrase_and_a_colour():
    for how in get_args(How):
        line = LedgerLine(page_id=1, page=1, how=how, words=0, quality=0.5)
        assert words.how(how)
        assert words.reading(line) in words.READINGS
        assert ":" in ledger.said([line])


def test_names_of_files_are_shown_inert(opened: Doors):
    document = opened.library.add(WHO, HOSTILE, b"A text like any other.")
    try:
        assert opened.library.wait(60)
        label = screen("documents").button(key=f"open-{document.id}").label
        assert "\\!\\[x\\]\\(" in label
        assert ":red" not in label
        assert "<b>" not in label.replace("\\<b\\>", "")
    finally:
        opened.library.remove(WHO, document.id)


def test_the_administrator_re_indexes(opened: Doors):
    test = screen("admin")
    before = opened.library.health(WHO).generation
    next(b for b in test.button if b.label == "Re-index").click().run()
    until(test, lambda: test.success)
    assert "The new index is in use" in test.success[0].value
    assert opened.library.health(WHO).generation != before


def test_the_administrator_sees_the_health_of_every_part(opened: Doors):
    test = screen("admin")
    shown = texts(test)
    assert "FOOTNOTE_PARSER_RECYCLE_PAGES" in shown
    assert "text of the file" in shown
    for part in ("catalog", "vector index", "lexical index", "sandbox", "model", "streamlit"):
        assert part in shown
    next(b for b in test.button if b.label == "Verify").click().run()
    assert test.success[-1].value == "Everything agrees."


def test_samples_are_not_added_again_once_removed(opened: Doors):
    meta = opened.library.catalog.meta("samples_added")
    assert meta == "yes"
    assert {d.space for d in opened.library.list(WHO)} == {SAMPLES_SPACE}


def test_sizes_are_said_shortly():
    sizes = (12, 999, 1234, 56_789, 3_400_000, 2_000_000_000)
    assert [file_size(s) for s in sizes] == [
        "12 bytes", "999 bytes", "1.2 kB", "57 kB", "3.4 MB", "2.0 GB",
    ]  # fmt: skip
