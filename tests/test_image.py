"""Picture files: frames, orientation, transparency, limits, damage."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from ingestion.parsers import ParseOptions
from ingestion.parsers.image import BREAKS_OFF, MOVES, open_file
from ingestion.parsers.kinds import sniff
from store.boxes import unpack
from store.errors import Unreadable
from tests import files
from tests.drawing import LETTER, page, shared, write

OPTIONS = ParseOptions()
SMALL = {"size_px": 24, "at": (40, 40), "paper": (520, 120)}
ROWS = ("The meeting starts at 10:30", "in room 4 on the third floor")
TEXT = "\n".join(ROWS)


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.png", {}), ("a.jpg", {"quality": 92}), ("a.webp", {"lossless": True}), ("a.tif", {}),
     ("a.bmp", {}), ("a.gif", {})],
)  # fmt: skip
def test_every_format_is_read_with_boxes(tmp_path: Path, name: str, options: dict) -> None:
    image, placed = page(ROWS, **SMALL)
    opened = open_file(saved(tmp_path / name, image, **options), OPTIONS)
    read = opened.page(1)
    opened.close()
    assert opened.info.pages == 1
    assert (read.text, read.how, read.error) == (TEXT, "ocr", None)
    assert (read.width, read.height) == image.size
    assert read.quality is not None
    assert read.quality > 0.9
    assert read.boxes is not None
    words = unpack(read.boxes)
    assert [read.text[start:end] for start, end, _ in words] == [word for word, _ in placed]
    assert all(shared(w[2], true) > 0.5 for w, (_, true) in zip(words, placed, strict=True))


def test_of_a_moving_picture_the_first_frame_is_read_and_that_is_said(tmp_path: Path) -> None:
    first, second = page(ROWS, **SMALL)[0], page(("Something else",), **SMALL)[0]
    path = saved(tmp_path / "a.gif", first, save_all=True, append_images=[second])
    assert sniff(path, "a.gif") == "image"
    opened = open_file(path, OPTIONS)
    assert (opened.info.pages, opened.info.warnings) == (1, (MOVES,))
    assert opened.page(1).text == TEXT
    opened.close()


@pytest.mark.parametrize(
    ("orientation", "stored_as"),
    [
        (1, None),
        (3, Image.Transpose.ROTATE_180),
        (6, Image.Transpose.ROTATE_90),
        (8, Image.Transpose.ROTATE_270),
        (2, Image.Transpose.FLIP_LEFT_RIGHT),
    ],
)
@pytest.mark.parametrize("name", ["a.jpg", "a.tif"])
def test_exif_orientation_is_obeyed(
    tmp_path: Path, name: str, orientation: int, stored_as: Image.Transpose | None
) -> None:
    image, placed = page(ROWS, **SMALL)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = image if stored_as is None else image.transpose(stored_as)
    opened = open_file(saved(tmp_path / name, stored, exif=exif), OPTIONS)
    read = opened.page(1)
    shown = Image.open(io.BytesIO(opened.picture(1, 5000)))
    opened.close()
    assert read.text == TEXT
    assert read.flags == ()
    assert (read.width, read.height) == shown.size == image.size
    assert read.boxes is not None
    assert shared(unpack(read.boxes)[0][2], placed[0][1]) > 0.5


def test_each_frame_of_a_tiff_is_a_page(tmp_path: Path) -> None:
    path = files.picture(tmp_path / "fax.tiff", ["First sheet", "Second sheet", "Third"], "tiff")
    opened = open_file(path, OPTIONS)
    assert opened.info.pages == 3
    assert [opened.page(n).text for n in (3, 1, 2)] == ["Third", "First sheet", "Second sheet"]
    with pytest.raises(Unreadable, match="no frame 4"):
        opened.picture(4, 100)
    opened.close()


def test_frames_past_the_limit_are_left_out_and_that_is_said(tmp_path: Path) -> None:
    path = files.picture(tmp_path / "fax.tiff", ["One", "Two", "Three"], "tiff")
    opened = open_file(path, ParseOptions(max_pages=2))
    opened.close()
    assert (opened.info.pages, opened.info.unread) == (2, 1)
    assert opened.info.warnings == ("Only the first 2 frames were read.",)


def test_black_on_transparent_is_read_on_white(tmp_path: Path) -> None:
    image = Image.new("RGBA", (520, 120), (0, 0, 0, 0))
    write(image, ROWS, size_px=24, at=(40, 40))  # type: ignore[arg-type]
    opened = open_file(saved(tmp_path / "a.png", image), OPTIONS)
    assert opened.page(1).text == TEXT
    shown = Image.open(io.BytesIO(opened.picture(1, 520)))
    opened.close()
    assert shown.getpixel((2, 2)) == (255, 255, 255)


def test_a_dark_picture_is_shown_dark(tmp_path: Path) -> None:
    image = Image.new("RGB", (520, 120), "#101820")
    write(image, ROWS, size_px=24, at=(40, 40), ink="#e8e8e8")
    opened = open_file(saved(tmp_path / "a.png", image), OPTIONS)
    read = opened.page(1)
    shown = Image.open(io.BytesIO(opened.picture(1, 520)))
    opened.close()
    assert (read.text, read.flags) == (TEXT, ("dark",))
    assert shown.getpixel((2, 2)) == (16, 24, 32)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "I;16", "CMYK"])
def test_every_colour_mode_is_read(tmp_path: Path, mode: str) -> None:
    image = page(ROWS, **SMALL)[0]
    if mode == "I;16":
        image = Image.frombytes("I;16", image.size, _doubled(image.convert("L").tobytes()))
    else:
        image = image.convert(mode)
    name = "a.tif" if mode == "CMYK" else "a.png"
    opened = open_file(saved(tmp_path / name, image), OPTIONS)
    assert opened.page(1).text == TEXT
    opened.close()


def _doubled(eight_bits: bytes) -> bytes:
    return bytes(value for each in eight_bits for value in (each, each))


def test_pictures_are_bounded_by_what_was_asked_and_by_the_frame(tmp_path: Path) -> None:
    opened = open_file(saved(tmp_path / "a.png", page(ROWS, **SMALL)[0]), OPTIONS)
    widths = [Image.open(io.BytesIO(opened.picture(1, w))).width for w in (260, 9999, 0)]
    opened.close()
    assert widths == [260, 520, 16]


def test_an_empty_picture_has_nothing_on_it(tmp_path: Path) -> None:
    opened = open_file(saved(tmp_path / "a.png", Image.new("RGB", (300, 200), "white")), OPTIONS)
    read = opened.page(1)
    opened.close()
    assert (read.text, read.how, read.quality, read.boxes) == ("", "nothing", None, b"")


def test_a_picture_of_20000_by_20000_pixels_is_refused_naming_the_limit(tmp_path: Path) -> None:
    path = files.huge_png(tmp_path / "huge.png")
    with pytest.raises(Unreadable, match=r"20,000 × 20,000 pixels.*120 million.*MAX_PIXELS"):
        open_file(path, OPTIONS)


def test_a_picture_over_the_limit_of_ocr_is_read_smaller(tmp_path: Path) -> None:
    image, placed = page(LETTER, size_px=80, at=(200, 200), paper=(3000, 1200))
    opened = open_file(saved(tmp_path / "a.png", image), ParseOptions(ocr_pixels=500_000))
    read = opened.page(1)
    opened.close()
    assert read.text == "\n".join(LETTER)
    assert (read.width, read.height) == (3000, 1200)
    assert read.boxes is not None
    assert shared(unpack(read.boxes)[0][2], placed[0][1]) > 0.5


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_of_a_truncated_picture_what_is_there_is_read(tmp_path: Path, name: str) -> None:
    image = page([*ROWS, *LETTER], size_px=24, at=(40, 40), paper=(800, 400))[0]
    path = saved(tmp_path / name, image)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    opened = open_file(path, OPTIONS)
    read = opened.page(1)
    opened.close()
    assert opened.info.warnings == (BREAKS_OFF,)
    assert "breaks_off" in read.flags
    assert read.text.startswith(ROWS[0])


@pytest.mark.parametrize("kept", [40, 100])
def test_a_picture_of_which_nothing_is_left_is_refused(tmp_path: Path, kept: int) -> None:
    path = saved(tmp_path / "a.png", page(ROWS, **SMALL)[0])
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(Unreadable, match="damaged"):
        open_file(path, OPTIONS)


def test_when_it_was_taken_is_its_date(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0132] = "2024:03:05 14:30:00"
    opened = open_file(saved(tmp_path / "a.jpg", page(ROWS, **SMALL)[0], exif=exif), OPTIONS)
    opened.close()
    assert opened.info.date == "2024-03-05T14:30:00"
