"""Station status board.png: a screenshot of the program that watches the stations."""

from pathlib import Path

from PIL import Image, ImageDraw

from tools.samples.fixed import font

SIZE_PX = (1400, 900)
TITLE = "Larkspur Station Monitor"
MENU = ["Overview", "Stations", "Alarms", "Maintenance", "Reports"]
HEADING = "Overview, 12 June 2024, 09:30"
CARDS = [
    ("Stations reporting", "7 of 9"),
    ("Highest gust today", "24.6 m/s"),
    ("Rain since midnight", "11.8 mm"),
    ("Lowest battery", "11.4 V"),
]
COLUMNS = [
    ("Station", 40),
    ("Status", 330),
    ("Wind m/s", 500),
    ("Air °C", 640),
    ("Last report", 760),
]
STATIONS = [
    ("Askoy Bridge", "Online", "14.2", "11.3", "09:29"),
    ("Fjellheim Hut", "Online", "18.7", "4.6", "09:28"),
    ("Harbour Mole", "Offline", "none", "none", "06:42"),
    ("Kvamskogen Road", "Online", "9.8", "7.6", "09:29"),
    ("Lindesnes Pier", "Online", "16.5", "12.0", "09:30"),
    ("Moselle Vineyard", "Online", "3.1", "19.4", "09:29"),
    ("Rosendal Orchard", "Low battery", "5.4", "13.8", "09:15"),
    ("Stavanger Crane 4", "Online", "12.9", "12.6", "09:30"),
    ("Tromso Airfield", "Offline", "none", "none", "02:17"),
]
ALARMS = [
    ("Harbour Mole", ["No data since 06:42.", "Modem does not answer.", "Technician: Jonas Berg"]),
    ("Tromso Airfield", ["No data since 02:17.", "Power cut in the area.", "Back by 14:00"]),
    ("Rosendal Orchard", ["Battery at 11.4 V.", "Solar panel is dirty.", "Visit on 14 June"]),
]
STATUS_LINE = "Signed in as operator   Data service: connected   Next refresh in 30 seconds"

PAPER, INK, SOFT, LINE, BLUE = "#f4f6f9", "#1f2933", "#5f6c7b", "#d5dbe3", "#1f4e79"
COLOURS = {"Online": "#1d7a46", "Offline": "#b3261e", "Low battery": "#9a5b00"}


def make(path: Path) -> None:
    board = Image.new("RGB", SIZE_PX, PAPER)
    draw = ImageDraw.Draw(board)
    _frame(draw)
    _cards(draw)
    _list(draw)
    _alarms(draw)
    board.quantize(64, dither=Image.Dither.NONE).save(path, "PNG", optimize=True)


def _frame(draw: ImageDraw.ImageDraw) -> None:
    width, height = SIZE_PX
    draw.rectangle((0, 0, width, 52), fill=BLUE)
    draw.text((24, 26), TITLE, "white", font(22, bold=True), anchor="lm")
    x, y, side = width - 130, 18, 16
    draw.line([(x, y + 8), (x + side, y + 8)], "white", 2)
    draw.rectangle((x + 42, y, x + 42 + side, y + side), outline="white", width=2)
    draw.line([(x + 84, y), (x + 84 + side, y + side)], "white", 2)
    draw.line([(x + 84, y + side), (x + 84 + side, y)], "white", 2)
    draw.rectangle((0, 52, width, 104), fill="white")
    draw.line([(0, 104), (width, 104)], LINE, 1)
    x = 28
    for position, entry in enumerate(MENU):
        style = font(19, bold=position == 0)
        draw.text((x, 78), entry, BLUE if position == 0 else SOFT, style, anchor="lm")
        length = draw.textlength(entry, style)
        if position == 0:
            draw.rectangle((x, 100, x + length, 104), fill=BLUE)
        x += length + 44
    draw.text((28, 140), HEADING, INK, font(26, bold=True), anchor="lm")
    draw.rectangle((0, height - 42, width, height), fill="#e6eaf0")
    draw.text((28, height - 21), STATUS_LINE, SOFT, font(17), anchor="lm")


def _cards(draw: ImageDraw.ImageDraw) -> None:
    for position, (label, value) in enumerate(CARDS):
        x = 28 + position * 340
        draw.rounded_rectangle((x, 174, x + 324, 284), 8, fill="white", outline=LINE)
        draw.text((x + 20, 206), label, SOFT, font(19), anchor="lm")
        draw.text((x + 20, 249), value, INK, font(34, bold=True), anchor="lm")


def _list(draw: ImageDraw.ImageDraw) -> None:
    draw.rounded_rectangle((28, 306, 932, 836), 8, fill="white", outline=LINE)
    for label, x in COLUMNS:
        draw.text((28 + x - 20, 336), label, SOFT, font(18, bold=True), anchor="lm")
    draw.line([(29, 362), (931, 362)], LINE, 1)
    for row, station in enumerate(STATIONS):
        y = 362 + 52 * row
        if row:
            draw.line([(48, y), (912, y)], "#edf0f4", 1)
        for value, (label, x) in zip(station, COLUMNS, strict=True):
            colour = COLOURS[value] if label == "Status" else INK
            style = font(19, bold=label == "Status")
            draw.text((28 + x - 20, y + 26), value, colour, style, anchor="lm")


def _alarms(draw: ImageDraw.ImageDraw) -> None:
    draw.rounded_rectangle((954, 306, 1372, 836), 8, fill="white", outline=LINE)
    draw.text((978, 336), "Open alarms", SOFT, font(18, bold=True), anchor="lm")
    draw.line([(955, 362), (1371, 362)], LINE, 1)
    for position, (station, lines) in enumerate(ALARMS):
        y = 384 + position * 152
        draw.rectangle((978, y, 983, y + 128), fill="#b3261e" if position < 2 else "#9a5b00")
        draw.text((1000, y + 14), station, INK, font(20, bold=True), anchor="lm")
        for row, line in enumerate(lines):
            draw.text((1000, y + 48 + 34 * row), line, INK, font(19), anchor="lm")
