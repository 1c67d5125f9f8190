"""Pictures that would take for ever, engines and language data that are not there."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ingestion import ocr, ocr_languages
from ingestion.ocr import rapid, read
from ingestion.parsers import ParseOptions
from ingestion.parsers.image import open_file
from store.settings import ROOT
from tests.drawing import LETTER, page, pixels

CPU_LIMIT_S = 30


def test_a_hundred_thousand_specks_take_no_longer_than_a_page() -> None:
    rng = np.random.default_rng(0)
    specks = np.where(rng.random((3000, 2200)) < 0.3, 0, 255).astype(np.uint8)
    began = time.process_time()
    found = read(np.repeat(specks[:, :, None], 3, axis=2))
    assert time.process_time() - began < CPU_LIMIT_S
    assert found.quality < 0.8


def test_when_time_is_up_what_was_read_is_kept_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "letter.png"
    page()[0].save(path)
    opened = open_file(path, ParseOptions(page_timeout_s=0.0))
    found = opened.page(1)
    opened.close()
    assert found.error == ocr.TOO_MUCH
    assert found.how == "failed" or "breaks_off" in found.flags


def test_the_confidence_of_the_engine_is_handed_on(tmp_path: Path) -> None:
    path = tmp_path / "letter.png"
    page()[0].save(path)
    opened = open_file(path, ParseOptions())
    found = opened.page(1)
    opened.close()
    assert found.confidence is not None
    assert 0.8 < found.confidence <= 1.0


@pytest.mark.parametrize("absent", ["tesserocr", "rapidocr"])
def test_with_one_engine_missing_the_other_reads(tmp_path: Path, absent: str) -> None:
    """In a process of its own, where the other package cannot be found."""
    picture = tmp_path / "letter.npy"
    np.save(picture, pixels(page()[0]))
    script = (
        "import importlib.util, sys, numpy\n"
        "found = importlib.util.find_spec\n"
        f"importlib.util.find_spec = lambda n, *a: None if n == {absent!r} else found(n, *a)\n"
        f"sys.modules[{absent!r}] = None\n"
        "from ingestion.ocr import read\n"
        "page = read(numpy.load(sys.argv[1]))\n"
        "print(page.engine)\nprint(page.text)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, picture], cwd=ROOT, capture_output=True, text=True
    )
    engine, _, text = run.stdout.partition("\n")
    assert engine == {"tesserocr": "rapidocr", "rapidocr": "tesseract"}[absent], run.stderr
    assert text.split("\n")[: len(LETTER)] == list(LETTER)


def test_a_script_that_rapidocr_cannot_read_is_never_given_to_it() -> None:
    assert rapid.reads("eng+deu")
    for languages in ("rus", "eng+ell", "ara", "deu+ukr"):
        assert not rapid.reads(languages)


@pytest.mark.parametrize(
    ("languages", "advice"),
    [
        ("eng+xyz", "xyz is not installed.*tesseract-ocr-xyz"),
        ("jpn_vert", "tesseract-ocr-jpn-vert"),
        ("eng; rm", "are no languages"),
        ("../../etc", "are no languages"),
        ("", "are no languages"),
    ],
)
def test_languages_that_cannot_be_read_are_named_with_advice(languages: str, advice: str) -> None:
    import re

    said = ocr_languages.problem(languages)
    assert said is not None
    assert re.search(advice, said)


def test_english_needs_nothing_more() -> None:
    assert ocr_languages.problem("eng") is None


def test_the_app_can_ask_for_languages_without_loading_the_engines() -> None:
    script = (
        "import sys, ingestion.ocr_languages as o; o.problem('eng');"
        "print(sorted({'cv2', 'tesserocr', 'rapidocr', 'onnxruntime'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert run.stdout.strip() == "[]", run.stderr


def test_a_file_whose_language_is_missing_says_which_package_has_it(tmp_path: Path) -> None:
    from store.errors import Unreadable

    path = tmp_path / "letter.png"
    page()[0].save(path)
    opened = open_file(path, ParseOptions(ocr_languages="eng+xyz"))
    with pytest.raises(Unreadable, match=r"tesseract-ocr-xyz.*FOOTNOTE_OCR_LANGUAGES"):
        opened.page(1)
    opened.close()


@pytest.mark.skipif(ocr_languages.folder_with(("deu",)) is None, reason="no German data here")
def test_german_is_read_with_its_letters() -> None:
    rows = ("Die Lieferung der Geräte erfolgt spätestens", "am 14. März nach Düsseldorf. Größere")
    assert read(pixels(page(rows)[0]), "eng+deu").text == "\n".join(rows)
