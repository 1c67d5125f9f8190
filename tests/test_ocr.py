"""What OCR reads on drawn pages, and where."""

from __future__ import annotations

import math
import unicodedata
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ingestion.ocr import OcrPage, rapid, read, tesseract
from ingestion.ocr.fusing import fuse
from ingestion.ocr.layout import arrange
from ingestion.ocr.words import Line, Word
from store.errors import Unreadable
from store.models import Box
from tests.drawing import LETTER, PAGE_PX, page, pixels, shared, write

LETTER_TEXT = "\n".join(LETTER)


def boxes_of(found: OcrPage) -> list[tuple[str, Box]]:
    return [(found.text[start:end], box) for start, end, box in found.words]


def test_words_come_out_where_they_were_drawn() -> None:
    image, placed = page()
    found = read(pixels(image))
    assert found.text == LETTER_TEXT
    assert found.flags == ()
    assert found.quality > 0.9
    for (word, box), (drawn, true) in zip(boxes_of(found), placed, strict=True):
        assert word == drawn
        assert shared(box, true) > 0.6, word


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_page_is_read_and_boxes_lie_on_the_picture_as_given(turns: int) -> None:
    image, placed = page()
    found = read(np.rot90(pixels(image), turns))
    assert found.text == LETTER_TEXT
    assert "rotated" in found.flags
    for (word, box), (drawn, true) in zip(boxes_of(found), placed, strict=True):
        assert word == drawn
        assert shared(box, turned(true, turns)) > 0.6, word


def turned(box: Box, quarter_turns: int) -> Box:
    for _ in range(quarter_turns):
        x0, y0, x1, y1 = box
        box = (y0, 1 - x1, y1, 1 - x0)
    return box


@pytest.mark.parametrize("degrees", [2.0, -5.0])
def test_a_skewed_page_is_read_and_boxes_lie_on_the_skewed_words(degrees: float) -> None:
    image, placed = page()
    tilted = image.rotate(degrees, Image.Resampling.BICUBIC, fillcolor="white")
    found = read(pixels(tilted))
    assert found.text == LETTER_TEXT
    assert "skewed" in found.flags
    width, height = PAGE_PX
    angle = math.radians(degrees)
    for (_, box), (word, true) in zip(boxes_of(found), placed, strict=True):
        x = (true[0] + true[2] - 1) / 2 * width
        y = (true[1] + true[3] - 1) / 2 * height
        middle = (
            0.5 + (x * math.cos(angle) + y * math.sin(angle)) / width,
            0.5 + (-x * math.sin(angle) + y * math.cos(angle)) / height,
        )
        assert box[0] < middle[0] < box[2], word
        assert box[1] < middle[1] < box[3], word


def test_white_on_black_is_read() -> None:
    image, _ = page()
    found = read(255 - pixels(image))
    assert found.text == LETTER_TEXT
    assert found.flags == ("dark",)


def test_small_print_of_a_screenshot_is_read() -> None:
    image, _ = page(size_px=12, at=(10, 10), paper=(420, 140))
    assert read(pixels(image)).text == LETTER_TEXT


def test_prose_columns_are_read_one_after_the_other() -> None:
    image = Image.new("RGB", (1400, 500), "white")
    right = [line.upper() for line in LETTER]
    write(image, LETTER, size_px=22, at=(60, 60))
    write(image, right, size_px=18, at=(760, 62), pitch=1.6 * 22 / 18)
    assert read(pixels(image)).text == LETTER_TEXT + "\n\n" + "\n".join(right)


def test_a_receipt_keeps_each_amount_on_the_line_of_its_item() -> None:
    image = Image.new("RGB", (700, 420), "white")
    items = ["Coffee beans", "Paper filters", "Milk, two bottles", "Sugar", "Total"]
    amounts = ["12.50", "3.20", "2.80", "1.95", "20.45"]
    write(image, items, at=(40, 60))
    write(image, amounts, at=(560, 60))
    rows = [line.split("\t") for line in read(pixels(image)).text.split("\n") if line]
    assert rows == [list(pair) for pair in zip(items, amounts, strict=True)]


def test_a_distant_paragraph_is_a_block_of_its_own_and_a_large_line_a_heading() -> None:
    image = Image.new("RGB", (1000, 900), "white")
    write(image, ["Delivery report"], size_px=48, at=(100, 60))
    write(image, LETTER, at=(100, 180))
    write(image, ["Signed by the storekeeper."], at=(100, 600))
    found = read(pixels(image))
    assert found.text.split("\n\n") == [
        "Delivery report", LETTER_TEXT, "Signed by the storekeeper."
    ]  # fmt: skip
    assert [b.kind for b in found.blocks] == ["heading", "paragraph", "paragraph"]
    assert found.text[found.blocks[0].start : found.blocks[0].end] == "Delivery report"
    first_line = found.lines[1]
    assert found.text[first_line[0] : first_line[1]] == LETTER[0]


def test_text_is_canonical_and_words_are_in_order() -> None:
    found = read(pixels(page()[0]))
    assert found.text == unicodedata.normalize("NFC", found.text)
    ends = [0, *(end for _, end, _ in found.words)]
    for (start, end, box), before in zip(found.words, ends, strict=False):
        assert before <= start < end <= len(found.text)
        assert 0 <= box[0] < box[2] <= 1
        assert 0 <= box[1] < box[3] <= 1
    assert len(found.confidences) == len(found.words)


def test_an_empty_page_is_blank() -> None:
    assert read(np.full((800, 600, 3), 250, np.uint8)) == OcrPage(text="", flags=("blank",))


def test_a_noisy_page_says_that_it_was_read_badly() -> None:
    rng = np.random.default_rng(3)
    tiny = page(size_px=9, at=(10, 10), paper=(360, 110))[0].resize((200, 61))
    noisy = pixels(tiny) * 0.5 + 60 + rng.normal(0, 30, (61, 200, 3))
    found = read(noisy.clip(0, 255).astype(np.uint8))
    assert "low_quality_scan" in found.flags or "blank" in found.flags
    assert found.quality < 0.8


def test_missing_language_data_is_said_with_the_package_to_install() -> None:
    with pytest.raises(Unreadable, match=r"xyz.*tesseract-ocr-xyz \(Debian\)"):
        read(pixels(page()[0]), "eng+xyz")


def test_a_picture_larger_than_the_engines_want_is_read() -> None:
    image, placed = page(size_px=150, at=(300, 300), paper=(6000, 2000))
    found = read(pixels(image))
    assert found.text == LETTER_TEXT
    assert shared(found.words[0][2], placed[0][1]) > 0.6


@pytest.mark.skipif(not tesseract.available(), reason="tesserocr has no wheel here")
def test_each_engine_reads_the_page_alone() -> None:
    image, _ = page()
    by_rapid = arrange(rapid.read_lines(pixels(image)).lines)
    by_tesseract = arrange(tesseract.read_lines(np.asarray(image.convert("L")), "eng").lines)
    assert by_rapid.text == by_tesseract.text == LETTER_TEXT


def test_rapidocr_alone_finds_which_way_is_up() -> None:
    upright = pixels(page()[0])
    for turns in range(4):
        lying = np.ascontiguousarray(np.rot90(upright, turns))
        assert rapid.look(lying).turns == -turns % 4


def test_its_word_boxes_are_where_the_words_are() -> None:
    image, placed = page()
    width, height = PAGE_PX
    found = arrange(rapid.read_lines(pixels(image)).lines).words
    for word, (text, (x0, y0, x1, y1)) in zip(found, placed, strict=True):
        assert abs(word.box[0] / width - x0) < 0.012, text
        assert abs(word.box[2] / width - x1) < 0.012, text
        assert word.box[1] / height < y0 + 0.01, text
        assert word.box[3] / height > y1 - 0.01, text


def test_a_lost_decimal_point_and_a_missed_word_come_from_the_other_engine() -> None:
    word = partial(Word, confidence=0.95)
    kept = [Line((word("Total", box=(0, 0, 50, 20)), word("4780", box=(100, 0, 140, 20))))]
    other = [
        Line((word("T0tal", box=(0, 0, 50, 20)), word("47.80", box=(101, 1, 141, 19)))),
        Line((word("Thanks", box=(0, 100, 60, 120)), word("¦", box=(200, 100, 204, 120)))),
    ]
    assert arrange(fuse(kept, other)).text == "Total 47.80\n\nThanks"


def test_nothing_is_written_while_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    read(pixels(page()[0]))
    assert list(tmp_path.iterdir()) == []
