"""The whole story in a real browser: ask, open a footnote, add a file, ask about it, re-index."""

import re
from collections.abc import Iterator
from pathlib import Path

import files
import pytest
from playwright.sync_api import Browser, expect
from serving import serve
from visiting import PATIENCE_MS, Visit

pytestmark = pytest.mark.browser

OWN_TEXT = [
    "Minutes of the harbour council.\nThe ferry to Birka leaves at 06:40 on weekdays.",
    "The new breakwater cost 4.2 million kronor.\nIt was opened on 3 June 2023.",
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data = tmp_path_factory.mktemp("story") / "store"
    with serve(data, {"FOOTNOTE_SAMPLES": "true"}) as address:
        yield address


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    visit = Visit(browser, address)
    yield visit
    visit.context.close()


def test_it_is_readable_in_the_dark_and_on_a_narrow_screen(browser: Browser, address: str):
    visit = Visit(browser, address, "dark")
    visit.wait_for_samples()
    visit.ask("Who was present at the board meeting in May?")
    visit.open_footnote(0)
    expect(visit.frame.locator("header")).to_be_visible()
    visit.shoot("dark")
    visit.page.set_viewport_size({"width": 420, "height": 860})
    visit.page.locator(".st-key-source iframe").scroll_into_view_if_needed()
    visit.shoot("narrow")
    for name in ("Documents", "Admin"):
        visit.page.set_viewport_size({"width": 1280, "height": 860})
        visit.go(name)
        visit.page.get_by_role("heading", name=name).wait_for()
        visit.shoot(f"dark-{name.lower()}")
    visit.context.close()
    assert visit.errors == []


def test_the_whole_story(visit: Visit, tmp_path: Path):
    page = visit.page

    # A question about the samples, and its footnote.
    page.goto(visit.address)
    expect(page.get_by_text("Ask your documents")).to_be_visible(timeout=PATIENCE_MS)
    visit.wait_for_samples()
    example = page.locator("[class*=st-key-try-] button").first
    visit.shoot("1-start")
    example.click()
    expect(page.get_by_text("Quotes from the documents")).to_be_visible(timeout=PATIENCE_MS)
    visit.shoot("2-answer")
    visit.open_footnote(0)
    visit.expect_highlight("Larkspur employee handbook.pdf", "page 2 of 6", "Wednesday")
    visit.shoot("3-footnote")

    # A reload keeps the conversation.
    sentences = page.get_by_test_id("stText").all_inner_texts()
    page.reload()
    expect(page.get_by_text("Quotes from the documents")).to_be_visible(timeout=PATIENCE_MS)
    assert page.get_by_test_id("stText").all_inner_texts() == sentences

    # What the documents do not say.
    page.get_by_test_id("stChatInputTextArea").fill("What is the boiling point of argon?")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The documents do not say.")).to_be_visible(timeout=PATIENCE_MS)
    visit.shoot("4-refused")

    # A file of one's own, beside one that cannot be read.
    visit.go("Documents")
    own = files.text_pdf(tmp_path / "Harbour minutes.pdf", OWN_TEXT)
    cut = tmp_path / "Cut off.pdf"
    cut.write_bytes(own.read_bytes()[:200])
    page.locator("input[type=file]").set_input_files([own, cut])
    expect(visit.row("Harbour minutes.pdf")).to_be_visible()
    visit.shoot("5-reading")
    visit.expect_ready("Harbour minutes.pdf")
    page.get_by_role("button", name="Harbour minutes.pdf").click()
    expect(visit.frame.locator("header")).to_contain_text("page 1 of 2")
    visit.shoot("6-documents")

    # A question about it, in a new conversation, while the index is built anew.
    visit.go("Admin")
    expect(page.get_by_text("vector index")).to_be_visible()
    page.get_by_role("button", name="Re-index").click()
    visit.shoot("7-admin")
    visit.go("Chat")
    page.get_by_role("button", name="New conversation").click()
    visit.ask("How much did the new breakwater cost?")
    visit.open_footnote(0)
    visit.expect_highlight("Harbour minutes.pdf", "page 2 of 2", "4.2 million kronor")
    visit.shoot("8-own")
    visit.go("Admin")
    expect(page.get_by_text("The new index is in use")).to_be_visible(timeout=PATIENCE_MS)
    visit.shoot("9-reindexed")

    # The same question again, from the new index.
    visit.go("Chat")
    page.get_by_role("button", name="New conversation").click()
    visit.ask("When does the ferry to Birka leave?")
    expect(page.get_by_text(re.compile("06:40"))).to_be_visible()

    assert visit.elsewhere == []
    assert visit.errors == []
