"""Invoice 2024-0317.pdf: a scanned invoice, one picture of 200 dpi and no text behind it."""

import io
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from tools.samples.fixed import font, written_on

SCANNED = datetime(2024, 3, 20, 10, 12, tzinfo=UTC)
SIZE_PX = (1654, 2339)  # A4 at 200 dpi
LEFT, RIGHT = 170, 1484
PAPER, INK, SOFT = 248, 28, 95
SKEW_DEGREES = 0.4

SENDER = "Brackwater Calibration"
SENDER_LINES = [
    "Havenkade 14",
    "4381 LB Vlissingen",
    "The Netherlands",
    "accounts@brackwater.example",
]
RECIPIENT = ["Larkspur Instruments", "Purchasing", "Nordre Brygge 8", "5160 Bergen", "Norway"]
FACTS = [
    ("Invoice number", "2024-0317"),
    ("Invoice date", "18 March 2024"),
    ("Your order", "PO-7741"),
    ("Customer number", "10582"),
]
COLUMNS = [
    ("Description", LEFT, "la"),
    ("Qty", 960, "ra"),
    ("Unit price", 1210, "ra"),
    ("Amount", RIGHT, "ra"),
]
LINES = [
    ("Calibration of cup anemometer, with certificate", "12", "96.00", "1,152.00"),
    ("Wind tunnel, per hour", "6", "145.00", "870.00"),
    ("Comparison of barometer at five pressures", "5", "62.00", "310.00"),
    ("Return freight to Bergen, insured", "1", "84.00", "84.00"),
]
SUMS = [("Net amount", "EUR 2,416.00"), ("VAT 21 percent", "EUR 507.36")]
TOTAL = ("Total amount due", "EUR 2,923.36")
NOTES = [
    "Please pay the total amount of EUR 2,923.36 to our bank by 17 April 2024.",
    "Please quote the invoice number.",
    "Payments received later are subject to interest of 1 percent per month.",
    "The certificates were sent with the instruments on 15 March 2024.",
    "Two anemometers (serial numbers 20871 and 20894) were outside tolerance",
    "on arrival and were adjusted before calibration.",
]
BANK = [
    "Bank: Zeeland Handelsbank",
    "IBAN: NL00 ZHBK 0123 4567 89",
    "VAT number: NL0000.12.345.B01",
]
STAMP = ["RECEIVED", "20 MAR 2024"]


def make(path: Path) -> None:
    picture = io.BytesIO()
    _scan(_sheet()).save(picture, "JPEG", quality=50, dpi=(200, 200), optimize=True)
    with written_on(SCANNED):
        canvas = Canvas(str(path), pagesize=A4, invariant=1)
        canvas.setTitle("Scan 20 March 2024")
        canvas.setAuthor("Larkspur Instruments, mail room")
        canvas.drawImage(ImageReader(picture), 0, 0, *A4)
        canvas.save()


def _sheet() -> Image.Image:
    sheet = Image.new("L", SIZE_PX, PAPER)
    draw = ImageDraw.Draw(sheet)
    _letterhead(draw)
    _address(draw)
    y = _positions(draw)
    _closing(draw, y)
    _stamp(sheet)
    return sheet


def _letterhead(draw: ImageDraw.ImageDraw) -> None:
    draw.ellipse((LEFT, 140, LEFT + 84, 224), outline=INK, width=6)
    draw.line([(LEFT + 14, 196), (LEFT + 34, 170), (LEFT + 52, 188), (LEFT + 70, 160)], INK, 6)
    draw.text((LEFT + 108, 148), SENDER, INK, font(50, bold=True))
    draw.text((LEFT + 110, 206), "Accredited laboratory for wind and pressure", SOFT, font(23))
    for row, line in enumerate(SENDER_LINES):
        draw.text((RIGHT, 290 + 34 * row), line, SOFT, font(23), anchor="ra")
    draw.line([(LEFT, 258), (RIGHT, 258)], INK, 3)


def _address(draw: ImageDraw.ImageDraw) -> None:
    for row, line in enumerate(RECIPIENT):
        draw.text((LEFT, 400 + 40 * row), line, INK, font(28))
    draw.text((LEFT, 690), "INVOICE", INK, font(52, bold=True))
    for row, (label, value) in enumerate(FACTS):
        y = 784 + 42 * row
        draw.text((LEFT, y), label, INK, font(27))
        draw.text((LEFT + 330, y), value, INK, font(27, bold=True))


def _positions(draw: ImageDraw.ImageDraw) -> int:
    y = 1020
    for text, x, anchor in COLUMNS:
        draw.text((x, y), text, INK, font(26, bold=True), anchor=anchor)
    draw.line([(LEFT, y + 46), (RIGHT, y + 46)], INK, 3)
    y += 70
    for line in LINES:
        for text, (_, x, anchor) in zip(line, COLUMNS, strict=True):
            draw.text((x, y), text, INK, font(26), anchor=anchor)
        y += 54
    draw.line([(LEFT, y), (RIGHT, y)], INK, 2)
    y += 26
    for label, value in SUMS:
        draw.text((960, y), label, INK, font(26), anchor="la")
        draw.text((RIGHT, y), value, INK, font(26), anchor="ra")
        y += 46
    draw.line([(960, y + 2), (RIGHT, y + 2)], INK, 2)
    y += 20
    draw.text((960, y), TOTAL[0], INK, font(27, bold=True), anchor="la")
    draw.text((RIGHT, y), TOTAL[1], INK, font(27, bold=True), anchor="ra")
    return y + 130


def _closing(draw: ImageDraw.ImageDraw, y: int) -> None:
    for line in NOTES:
        draw.text((LEFT, y), line, INK, font(27))
        y += 44
    draw.text((LEFT, y + 44), "With kind regards", INK, font(27))
    draw.text((LEFT, y + 92), "J. van der Meulen, accounts", INK, font(27))
    draw.line([(LEFT, 2130), (RIGHT, 2130)], SOFT, 2)
    for x, anchor, text in zip(
        (LEFT, SIZE_PX[0] // 2, RIGHT), ("la", "ma", "ra"), BANK, strict=True
    ):
        draw.text((x, 2150), text, SOFT, font(21), anchor=anchor)


def _stamp(sheet: Image.Image) -> None:
    stamp = Image.new("L", (380, 170), 0)
    draw = ImageDraw.Draw(stamp)
    draw.rounded_rectangle((4, 4, 375, 165), 16, outline=150, width=6)
    draw.text((190, 52), STAMP[0], 150, font(42, bold=True), anchor="mm")
    draw.text((190, 116), STAMP[1], 150, font(38, bold=True), anchor="mm")
    stamp = stamp.rotate(7, Image.Resampling.BICUBIC, expand=True)
    sheet.paste(70, (1020, 690), stamp)


def _scan(sheet: Image.Image) -> Image.Image:
    """What a scanner adds: a little skew, blur, uneven light and grain."""
    turned = sheet.rotate(SKEW_DEGREES, Image.Resampling.BICUBIC, fillcolor=PAPER)
    soft = np.asarray(turned.filter(ImageFilter.GaussianBlur(0.6)), dtype=np.float32)
    light = np.linspace(0, -7, SIZE_PX[0], dtype=np.float32)[None, :]
    grain = np.random.RandomState(317).normal(0, 2.2, soft.shape).astype(np.float32)
    return Image.fromarray(np.clip(soft + light + grain, 0, 255).astype(np.uint8))
