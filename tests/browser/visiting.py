"""A browser's visit to a running Footnote, which notes everything that goes wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
SCREENSHOTS = Path(__file__).resolve().parent.parent / "screenshots"
PATIENCE_MS = 90_000
DRAWN = """() => {
    const shown = document.querySelector(".st-key-source iframe").contentDocument;
    const address = shown.querySelector("image").href.baseVal;
    return shown.defaultView.performance.getEntriesByType("resource")
        .some(entry => entry.name.endsWith(address) && entry.responseStatus === 200);
}"""


class Visit:
    """A browser's page that notes everything that went wrong or went elsewhere."""

    def __init__(self, browser: Browser, address: str, scheme: str = "light"):
        self.address, self.scheme = address, scheme
        size = {"width": 1280, "height": 860}
        self.context = browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.errors: list[str] = []
        self.elsewhere: list[str] = []
        self.page.on("console", self._said)
        self.page.on("request", self._asked_for)

    def _said(self, message) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _asked_for(self, request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.elsewhere.append(request.url)

    def shoot(self, name: str) -> None:
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.wait_for_timeout(600)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")

    def go(self, name: str) -> None:
        self.page.get_by_test_id("stSidebarNavLink").filter(has_text=name).click()

    def wait_for_samples(self) -> None:
        """The folder is new: the samples are being read while the first page is opened."""
        self.page.goto(self.address)
        self.go("Documents")
        line = self.page.get_by_text("5 documents")
        expect(line).to_contain_text("5 ready", timeout=PATIENCE_MS)
        self.go("Chat")

    def ask(self, question: str) -> None:
        """Ask and wait until the answer is complete."""
        answered = self.page.get_by_text("Quotes from the documents").count()
        self.page.get_by_test_id("stChatInputTextArea").fill(question)
        self.page.keyboard.press("Enter")
        made_by = self.page.get_by_text("Quotes from the documents")
        expect(made_by).to_have_count(answered + 1, timeout=PATIENCE_MS)

    def open_footnote(self, which: int) -> None:
        self.page.locator("[class*=st-key-foot-] button:visible").nth(which).click()

    def row(self, name: str) -> Locator:
        """A document's row on the Documents screen."""
        opener = self.page.get_by_role("button", name=name, exact=True)
        return self.page.locator("[class*=st-key-document-]").filter(has=opener)

    def expect_ready(self, name: str) -> None:
        """Its badge, and no sentence about becoming ready, says so."""
        badge = self.row(name).locator(".stMarkdownBadge").filter(has_text="Ready")
        expect(badge).to_be_visible(timeout=PATIENCE_MS)

    @property
    def frame(self):
        return self.page.frame_locator(".st-key-source iframe")

    def expect_highlight(self, name: str, page: str, words: str) -> None:
        expect(self.frame.locator("header")).to_contain_text(name)
        expect(self.frame.locator("header")).to_contain_text(page)
        expect(self.frame.locator("svg > title")).to_contain_text(words)
        assert self.frame.locator("svg rect:not(.anchor)").count() >= 1
        self.page.wait_for_function(DRAWN)
        # The words stand in sight: below the header, above the frame's lower edge.
        mark = self.frame.locator("svg rect:not(.anchor)").first.bounding_box()
        header = self.frame.locator("header").bounding_box()
        frame = self.page.locator(".st-key-source iframe").bounding_box()
        assert mark is not None
        assert header is not None
        assert frame is not None
        assert mark["y"] >= header["y"] + header["height"]
        assert mark["y"] + mark["height"] <= frame["y"] + frame["height"]
