"""Tables, columns and handwriting on drawn pages; how the words of two engines are joined."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from PIL import Image, ImageDraw

from ingestion.ocr import OcrPage, read
from ingestion.ocr.fusing import fuse
from ingestion.ocr.layout import arrange
from ingestion.ocr.words import Line, Word
from tests.drawing import LETTER, handwritten, page, pixels, write

sure = partial(Word, confidence=0.95)
NOTE = (
    "Dear Martha, thank you for the",
    "parcel which came on Tuesday. The",
    "children were very happy and ask",
    "when you will visit us again. Give",
    "my love to everyone at the farm.",
)
HEADS = ("Depot", "Boxes", "Pallets", "Weight")
ROWS = (
    ("Rotterdam", "1,250", "42", "18.5"),
    ("Antwerp", "310", "11", "4.25"),
    ("Hamburg", "2,004", "67", "29.8"),
    ("Gdansk", "95", "3", "1.4"),
)


def drawn_table(*, ruled: bool = False) -> np.ndarray:
    image = Image.new("RGB", (1000, 620), "white")
    write(image, ["Stock by depot at the end of the year"], at=(80, 50))
    for n, row in enumerate((HEADS, *ROWS)):
        for column, text in enumerate(row):
            write(image, [text], at=(90 + 220 * column, 140 + 56 * n))
    if ruled:
        lines = ImageDraw.Draw(image)
        for n in range(6):
            lines.line((80, 130 + 56 * n, 940, 130 + 56 * n), fill="black", width=2)
        for column in range(5):
            x = min(940, 80 + 220 * column)
            lines.line((x, 130, x, 410), fill="black", width=2)
    write(image, ["Counted by the storekeeper on 31 December."], at=(80, 500))
    return pixels(image)


def cells_of(found: OcrPage) -> dict[tuple[int, int], str]:
    return {(c.row, c.column): found.text[c.start : c.end] for b in found.blocks for c in b.cells}


@pytest.mark.parametrize("ruled", [False, True])
def test_a_table_comes_out_with_rows_columns_and_its_heads(ruled: bool) -> None:
    found = read(drawn_table(ruled=ruled))
    assert [b.kind for b in found.blocks] == ["paragraph", "table", "paragraph"]
    assert cells_of(found) == {
        (r, c): text for r, row in enumerate((HEADS, *ROWS)) for c, text in enumerate(row)
    }
    [table] = [b for b in found.blocks if b.kind == "table"]
    assert {c.row for c in table.cells if c.header} == {0}


def test_an_empty_cell_leaves_the_others_in_their_columns() -> None:
    def row(y: float, *cells: tuple[float, str]) -> Line:
        return Line(tuple(sure(t, box=(x, y, x + 12 * len(t), y + 20)) for x, t in cells))

    found = arrange(
        [
            row(0, (0, "Name"), (200, "March"), (400, "April")),
            row(30, (0, "Rent"), (200, "900"), (400, "950")),
            row(60, (0, "Power"), (400, "75")),
            row(90, (0, "Water"), (200, "20"), (400, "21")),
        ]
    )
    [table] = found.blocks
    placed = {(c.row, c.column): found.text[c.start : c.end] for c in table.cells}
    assert placed[2, 2] == "75"
    assert (2, 1) not in placed


def test_a_form_of_labels_and_words_is_no_table() -> None:
    image = Image.new("RGB", (1000, 420), "white")
    write(image, ["Name:", "Street:", "Town:", "Country:"], at=(60, 60))
    write(image, ["Martha Jansen", "Harbour Road", "Rotterdam", "Netherlands"], at=(420, 60))
    found = read(pixels(image))
    assert {b.kind for b in found.blocks} == {"paragraph"}
    assert found.text.split("\n")[1] == "Street:\tHarbour Road"


def test_a_letter_is_no_table_and_has_one_column() -> None:
    found = read(pixels(page()[0]))
    assert {b.kind for b in found.blocks} == {"paragraph"}
    assert "two_columns" not in found.flags


def test_columns_of_prose_are_said() -> None:
    image = Image.new("RGB", (1400, 400), "white")
    write(image, LETTER, size_px=22, at=(60, 60))
    write(image, LETTER, size_px=22, at=(760, 60))
    found = read(pixels(image))
    assert "two_columns" in found.flags
    assert found.text == "\n".join(LETTER) + "\n\n" + "\n".join(LETTER)


@pytest.mark.parametrize("seed", [1, 2])
def test_uneven_letters_off_their_line_are_suspected_to_be_handwriting(seed: int) -> None:
    assert "handwriting_suspected" in read(handwritten(NOTE, seed)).flags


def test_print_is_not_suspected_however_poor() -> None:
    rng = np.random.default_rng(4)
    letter = pixels(page()[0])
    noisy = (letter * 0.8 + 20 + rng.normal(0, 45, letter.shape)).clip(0, 255).astype(np.uint8)
    slanted = pixels(page()[0].rotate(4, Image.Resampling.BICUBIC, fillcolor="white"))
    for picture in (letter, noisy, slanted):
        assert "handwriting_suspected" not in read(picture).flags


@pytest.mark.parametrize(
    ("kept", "others", "text"),
    [
        ("taxinvoice", ("tax", "invoice"), "tax invoice"),
        ("Te1", ("Tel",), "Tel"),
        ("no.0012", ("no.", "0012"), "no. 0012"),
        ("12.50", ("12.", "50"), "12.50"),
        ("26-05-2018", ("26-05-", "2018"), "26-05-2018"),
        ("A100", ("A1OO",), "A100"),
        ("walrus", ("tax", "invoice"), "walrus"),
    ],
)
def test_the_other_engine_gives_spaces_and_letters_but_parts_no_amount(
    kept: str, others: tuple[str, ...], text: str
) -> None:
    step = 200 / len(others)
    other = Line(tuple(sure(t, box=(i * step, 0, i * step + step - 12, 20))
                       for i, t in enumerate(others)))  # fmt: skip
    found = fuse([Line((sure(kept, box=(0, 0, 200, 20)),))], [other])
    assert arrange(found).text == text


def test_a_word_that_fell_apart_is_joined_as_the_other_engine_read_it() -> None:
    pieces = Line((sure("descript", box=(0, 0, 80, 20)), sure("ion", box=(84, 0, 110, 20))))
    whole = Line((sure("description", box=(0, 0, 110, 20)),))
    assert arrange(fuse([pieces], [whole])).text == "description"


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ((("159.", 0, 80), ("97", 92, 130)), "159.97"),
        ((("RM15.", 0, 100), ("90", 110, 150)), "RM15.90"),
        ((("1,250.", 0, 110), ("5", 116, 130)), "1,250. 5"),
        ((("32.1", 0, 80), ("0", 90, 104)), "32.10"),
        ((("3.", 0, 30), ("12", 40, 70), ("apples", 80, 170)), "3. 12 apples"),
        ((("1914.", 0, 90), ("28", 100, 130)), "1914. 28"),
        ((("7.", 0, 30), ("12", 130, 160)), "7.\t12"),
    ],
)
def test_amounts_read_in_two_are_whole(pieces: tuple, text: str) -> None:
    lines = [Line((sure(said, box=(x0, 0, x1, 26)),)) for said, x0, x1 in pieces]
    assert arrange(lines).text == text
