"""What happens to a person's files, in a real browser: choices, pauses, lost pages, the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import files
import pytest
from playwright.sync_api import Browser, expect
from serving import serve
from visiting import PATIENCE_MS, Visit

pytestmark = pytest.mark.browser
WORDS = [
    "tide",
    "mast",
    "rope",
    "keel",
    "oar",
    "sail",
    "bell",
    "chart",
    "buoy",
    "pier",
    "crane",
    "light",
]
REPORT = [
    f"The {WORDS[i % 12]} and the {WORDS[i // 12]} of ship {chr(65 + i // 2)}{chr(97 + i % 26)}."
    for i in range(60)
]
SCAN = [f"Of a {word} by the lighthouse much may be said, and was. " * 4 for word in WORDS]


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Visit]:
    with serve(tmp_path / "store") as address:
        visit = Visit(browser, address)
        visit.page.goto(address)
        visit.go("Documents")
        yield visit
        visit.context.close()
        assert visit.elsewhere == []
        assert visit.errors == []


def drop(visit: Visit, *paths: Path) -> None:
    visit.page.locator("input[type=file]").set_input_files(list(paths))


def test_a_file_of_a_known_name_waits_until_the_person_has_chosen(visit: Visit, tmp_path: Path):
    page = visit.page
    names = ("Rules.txt", "Prices.txt", "Notes.txt")
    for folder in ("old", "new"):
        (tmp_path / folder).mkdir()
    drop(visit, *(files.txt(tmp_path / "old" / n, f"The old text of {n}.") for n in names))
    for name in names:
        visit.expect_ready(name)

    new = [files.txt(tmp_path / "new" / n, f"The new text of {n}.") for n in names]
    drop(visit, *new, files.txt(tmp_path / "new" / "Other.txt", "A text that nobody has."))
    expect(page.get_by_text("3 files have names that are already here")).to_be_visible()
    visit.expect_ready("Other.txt")
    expect(page.get_by_role("button", name="Go on")).to_be_disabled()
    visit.shoot("documents-1-choice")

    # The choice waits while the person looks elsewhere.
    visit.go("Admin")
    expect(page.get_by_text("What one of them may use")).to_be_visible()
    visit.go("Documents")
    page.locator(".st-key-same-name-all").get_by_text("Keep both").click()
    expect(page.get_by_role("button", name="Go on")).to_be_enabled()
    single = page.locator("[class*=st-key-same-name-]:not(.st-key-same-name-all)")
    single.get_by_text("Skip").nth(2).click()
    single.get_by_text("Replace").nth(0).click()
    visit.shoot("documents-2-chosen")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("already here, with other content")).to_have_count(0)
    expect(page.get_by_text("Notes.txt: It was skipped")).to_be_visible()
    visit.expect_ready("Prices (2).txt")
    visit.expect_ready("Rules.txt")
    visit.row("Rules.txt").get_by_role("button", name="Rules.txt").click()
    expect(visit.frame.get_by_text("The new text of Rules.txt.")).to_be_visible()
    visit.shoot("documents-3-done")


def test_reading_is_paused_and_goes_on(visit: Visit, tmp_path: Path):
    page = visit.page
    drop(visit, files.scanned_pdf(tmp_path / "Scans.pdf", SCAN))
    scans = visit.row("Scans.pdf")
    expect(scans.get_by_text("of 12 pages")).to_be_visible(timeout=PATIENCE_MS)
    scans.get_by_role("button", name="Pause").click()
    expect(scans.get_by_role("button", name="Resume")).to_be_visible()
    visit.shoot("documents-4-paused")
    scans.get_by_role("button", name="Resume").click()
    page.get_by_role("button", name="Pause all").click()
    expect(page.get_by_text("Reading is paused; 1 file waits")).to_be_visible()
    page.goto(visit.address)
    visit.go("Documents")
    expect(page.get_by_text("Reading is paused; 1 file waits")).to_be_visible()
    visit.shoot("documents-5-all-paused")
    page.get_by_role("button", name="Resume all").click()
    visit.expect_ready("Scans.pdf")


def test_the_ledger_shows_every_page_and_opens_the_one_that_is_clicked(
    visit: Visit, tmp_path: Path
):
    page = visit.page
    drop(visit, files.pdf_with_broken_pages(tmp_path / "Report.pdf", REPORT, [3, 41]))
    report = visit.row("Report.pdf")
    said = report.get_by_text("Partly read, pages 3 and 41 failed: This page is damaged.")
    expect(said).to_be_visible(timeout=PATIENCE_MS)
    report.get_by_role("button", name="Report.pdf").click()
    expect(page.get_by_text("58 text of the file")).to_be_visible()
    strip = page.get_by_test_id("stVegaLiteChart").locator("svg")
    squares = strip.locator("path[aria-roledescription]")
    expect(squares).to_have_count(60)
    squares.nth(42).click()
    expect(visit.frame.locator("header")).to_contain_text("page 43 of 60")
    visit.shoot("documents-6-strip")

    page.get_by_text("All pages as a table").click()
    page.get_by_text("Only pages with problems (2)").click()
    table = page.get_by_test_id("stDataFrame")
    expect(table).to_be_visible()
    page.wait_for_timeout(800)
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 16, box["y"] + 88)  # the box of the second row
    expect(visit.frame.locator("header")).to_contain_text("page 41 of 60")
    visit.shoot("documents-7-table")
