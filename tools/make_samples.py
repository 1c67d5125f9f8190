"""Makes data/samples: python -m tools.make_samples [FOLDER]. The same bytes on every run."""

import sys
from pathlib import Path

from tools.samples import handbook, invoice, minutes, price_list, questions, status_board

MAKERS = {
    "Larkspur employee handbook.pdf": handbook.make,
    "Invoice 2024-0317.pdf": invoice.make,
    "Station status board.png": status_board.make,
    "Board minutes May 2024.docx": minutes.make,
    "Sensor price list.csv": price_list.make,
    "questions.jsonl": questions.make,
}
FOLDER = Path(__file__).resolve().parent.parent / "data" / "samples"


def make_samples(folder: Path) -> None:
    """Write every sample into `folder`, over what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in MAKERS.items():
        make(folder / name)


if __name__ == "__main__":
    make_samples(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
