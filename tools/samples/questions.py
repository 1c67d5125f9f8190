"""questions.jsonl: ten questions that the samples answer and three that only sound like it."""

import json
from pathlib import Path

HANDBOOK, INVOICE = "Larkspur employee handbook.pdf", "Invoice 2024-0317.pdf"
BOARD, MINUTES = "Station status board.png", "Board minutes May 2024.docx"
PRICES = "Sensor price list.csv"

ANSWERABLE = [
    ("On which day of the week do all teams meet at the office?", HANDBOOK, 2, "Wednesday"),
    ("How much holiday do I get after ten years with the company?", HANDBOOK, 3, "32 days"),
    ("What is the daily food allowance on a trip to Norway?", HANDBOOK, 4, "EUR 72"),
    ("What is the total amount we owe Brackwater?", INVOICE, 1, "EUR 2,923.36"),
    ("What is the deadline for paying the calibration invoice?", INVOICE, 1, "17 April 2024"),
    ("Who is the technician looking after the Harbour Mole station?", BOARD, 1, "Jonas Berg"),
    ("What is the new launch date of the rain gauge?", MINUTES, 1, "2 September 2024"),
    ("Who has to find another source of circuit boards?", MINUTES, 1, "Ines Tavares"),
    ("What is the lead time of a visibility sensor in days?", PRICES, 1, "42"),
    ("What does a soil moisture probe cost?", PRICES, 1, "118.00"),
]
UNANSWERABLE = [
    "How many employees does the Tokyo office have?",
    "How long is the warranty on the ultrasonic wind sensor?",
    "How much does Larkspur pay into the pension fund for its staff?",
]


def make(path: Path) -> None:
    lines = [
        {
            "question": question,
            "document": document,
            "page": page,
            "answerable": True,
            "answer": answer,
        }
        for question, document, page, answer in ANSWERABLE
    ] + [
        {"question": question, "document": None, "page": None, "answerable": False, "answer": None}
        for question in UNANSWERABLE
    ]
    numbered = [{"id": f"s{n:02}"} | line for n, line in enumerate(lines, 1)]
    path.write_bytes("".join(json.dumps(line) + "\n" for line in numbered).encode())
