"""Backups and the audit trail as an administrator meets them, in a real Chromium."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from serving import serve
from visiting import PATIENCE_MS, Visit

pytestmark = pytest.mark.browser


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Visit]:
    folder = tmp_path / "backups"
    environment = {"FOOTNOTE_BACKUP_FOLDER": str(folder), "FOOTNOTE_SAMPLES": "true"}
    with serve(tmp_path / "store", environment) as address:
        visit = Visit(browser, address)
        yield visit
        visit.context.close()


def test_a_backup_is_made_and_the_audit_trail_comes_as_a_file(visit: Visit, tmp_path: Path):
    visit.wait_for_samples()
    visit.go("Admin")
    page = visit.page
    last = page.locator("p").filter(has_text="Last backup")
    expect(last).to_be_visible(timeout=PATIENCE_MS)  # the first one was due at once
    first = last.inner_text()
    page.get_by_role("button", name="Back up now").click()
    expect(last).not_to_contain_text(first[-28:], timeout=PATIENCE_MS)  # its file's name
    expect(last).to_contain_text("5 documents")
    visit.shoot("backups")
    assert len(list((tmp_path / "backups").glob("backup-*.json"))) == 2
    button = page.get_by_role("button", name="Download all")
    button.scroll_into_view_if_needed()
    visit.shoot("audit")
    with page.expect_download() as started:
        button.click()
    lines = [json.loads(x) for x in started.value.path().read_text().splitlines()]
    assert [e["action"] for e in lines].count("add") == 5
    assert [e["seq"] for e in lines] == list(range(1, len(lines) + 1))
    assert not [e for e in visit.errors if "favicon" not in e]
    assert visit.elsewhere == []
