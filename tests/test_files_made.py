"""The bad files the tests rely on are bad in the way their names say."""

from pathlib import Path

import files
import pypdfium2
import pytest
from PIL import Image
from pypdf import PdfReader


def _page_texts(path: Path) -> list[str]:
    with pypdfium2.PdfDocument(path) as pdf:
        return [page.get_textpage().get_text_bounded() for page in pdf]


def test_text_is_text_and_scans_are_pictures(tmp_path: Path):
    assert _page_texts(files.text_pdf(tmp_path / "t.pdf", ["One.", "Two."])) == ["One.", "Two."]
    assert _page_texts(files.scanned_pdf(tmp_path / "s.pdf", ["One.", "Two."])) == ["", ""]
    assert _page_texts(files.mixed_pdf(tmp_path / "m.pdf", "One.", "Two.")) == ["One.", ""]


def test_the_locked_pdf_opens_with_its_password_only(tmp_path: Path):
    path = files.encrypted_pdf(tmp_path / "locked.pdf", "open sesame")
    with pytest.raises(pypdfium2.PdfiumError, match="assword"):
        pypdfium2.PdfDocument(path)
    with pypdfium2.PdfDocument(path, password="open sesame") as pdf:
        assert len(pdf) == 1


def test_the_zero_page_pdf_is_valid_and_the_truncated_one_is_not(tmp_path: Path):
    zero = PdfReader(files.zero_page_pdf(tmp_path / "zero.pdf"), strict=True)
    assert len(zero.pages) == 0
    with pytest.raises(pypdfium2.PdfiumError):
        pypdfium2.PdfDocument(files.truncated_pdf(tmp_path / "cut.pdf"))


def test_the_huge_picture_is_small_on_disk(tmp_path: Path):
    path = files.huge_png(tmp_path / "huge.png", 20_000, 4_000)
    assert path.stat().st_size < 100_000
    with Image.open(path) as image:
        assert image.size == (20_000, 4_000)
        assert image.getextrema() == (255, 255)


@pytest.mark.parametrize("fmt", ["png", "jpeg", "webp", "tiff"])
def test_pictures_are_of_their_format(tmp_path: Path, fmt: str):
    with Image.open(files.picture(tmp_path / "picture", "Some words", fmt)) as image:
        assert image.format == fmt.upper()


def test_a_tiff_has_a_frame_for_each_text(tmp_path: Path):
    with Image.open(files.picture(tmp_path / "fax.tif", ["One", "Two", "Three"], "tiff")) as image:
        assert image.n_frames == 3
