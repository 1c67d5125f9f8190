"""The administrator builds the index anew, reads what it cost and found, and returns to the old."""

from __future__ import annotations

from pathlib import Path

import pytest
from embeddings_server import EmbeddingsServer
from playwright.sync_api import Browser, expect
from serving import serve
from visiting import PATIENCE_MS, Visit

pytestmark = pytest.mark.browser


def admin(visit: Visit) -> None:
    visit.page.goto(visit.address)
    visit.go("Admin")
    visit.page.get_by_role("heading", name="Search index").wait_for()


def test_an_index_is_built_for_another_model_and_returned_from(browser: Browser, tmp_path: Path):
    data = tmp_path / "store"
    with serve(data, {"FOOTNOTE_SAMPLES": "true"}) as address:
        visit = Visit(browser, address)
        visit.wait_for_samples()
        visit.context.close()
    with EmbeddingsServer() as server:
        remote = {
            "FOOTNOTE_EMBEDDER": "openai",
            "FOOTNOTE_EMBEDDER_BASE_URL": server.base_url,
            "FOOTNOTE_EMBEDDER_MODEL": "bags",
        }
        with serve(data, remote) as address:
            visit = Visit(browser, address)
            page = visit.page
            admin(visit)
            expect(page.get_by_text("another embedding model").first).to_be_visible()
            expect(page.get_by_text("sent to 127.0.0.1").first).to_be_visible()
            visit.shoot("reindex-offered")
            page.get_by_role("button", name="Re-index").click()
            ended = page.get_by_text("The new index is in use")
            held = page.get_by_text("does not serve")
            expect(ended.or_(held).first).to_be_visible(timeout=2 * PATIENCE_MS)
            if held.is_visible():  # that toy model may find less than the real one
                visit.shoot("reindex-held")
                page.get_by_role("button", name="Use it anyway").click()
                expect(ended).to_be_visible(timeout=2 * PATIENCE_MS)
            expect(page.get_by_text("texts sent to 127.0.0.1")).to_be_visible()
            expect(page.get_by_text("made from the documents").first).to_be_visible()
            visit.shoot("reindex-done")
            page.get_by_role("button", name="Return to it").click()
            expect(page.get_by_text("The earlier index is in use again.")).to_be_visible(
                timeout=PATIENCE_MS
            )
            visit.shoot("reindex-returned")
            visit.context.close()
            assert visit.errors == []
            assert visit.elsewhere == []
