"""What was lost of a document is said, and reading it again loses and doubles nothing."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

from PIL import Image

from ingestion.library import Library
from ingestion.opening import open_library
from store.embedding import Embedder
from store.models import LOCAL_ADMIN
from store.opening import open_store
from store.settings import Settings
from store.states import losses, sentence
from tests import files


def mail_with(path: Path, *attached: Path) -> Path:
    message = EmailMessage()
    message["Subject"] = "Papers"
    message.set_content("The papers are attached.")
    for file in attached:
        message.add_attachment(file.read_bytes(), "application", "octet-stream", filename=file.name)
    path.write_bytes(message.as_bytes())
    return path


def test_a_mail_that_was_opened_twice_in_different_ways_has_each_page_once(
    library: Library, tmp_path: Path
):
    papers = files.text_pdf(tmp_path / "a.pdf", ["The first mast.", "The second.", "The third."])
    locked = files.encrypted_pdf(tmp_path / "b.pdf")
    normal = library.pipeline.options
    library.pipeline.options = normal.model_copy(update={"only_pages": True})
    document = library.add(LOCAL_ADMIN, "m.eml", mail_with(tmp_path / "m.eml", papers, locked))
    assert library.wait(60)
    assert library.document(LOCAL_ADMIN, document.id).status == "partial"
    library.pipeline.options = normal
    library.retry(LOCAL_ADMIN, document.id)
    assert library.wait(60)
    again, pages = library.show(LOCAL_ADMIN, document.id)
    assert again.status == "partial"
    assert [p.how for p in pages] == ["text", "text", "text", "text", "failed"]
    assert [p.text for p in pages[1:4]] == ["The first mast.", "The second.", "The third."]


def test_a_picture_that_breaks_off_makes_its_document_partly_read(library: Library, tmp_path: Path):
    whole = files.picture(tmp_path / "a.png", "The mast is sound.")
    jpeg = tmp_path / "a.jpg"
    Image.open(whole).convert("RGB").resize((1600, 900)).save(jpeg, quality=90)
    jpeg.write_bytes(jpeg.read_bytes()[: int(jpeg.stat().st_size * 0.7)])
    document = library.add(LOCAL_ADMIN, "a.jpg", jpeg)
    assert library.wait(60)
    document = library.document(LOCAL_ADMIN, document.id)
    assert document.status == "partial"
    assert losses(document) == ("Page 1 breaks off: only a part was read.",)
    assert sentence(document) == "Partly read, page 1 breaks off: only a part was read."


def test_a_language_without_its_data_is_said_before_a_scan_comes(
    settings: Settings, embedder: Embedder
):
    settings = settings.model_copy(update={"ocr_languages": "eng+syr"})
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store, start=False)
        [found] = [c for c in library.health(LOCAL_ADMIN).checks if c.name == "OCR"]
        library.close()
    assert not found.ok
    assert found.detail.startswith("OCR data for syr is not installed: install tesseract-ocr-syr")
