"""How well and how fast scans, photos and screenshots are read.

    python -m benchmarks.ocr                              # nine degradations of a page drawn here
    python -m benchmarks.ocr FOLDER… [--out FILE]         # sets with known text
    python -m benchmarks.ocr FOLDER… --speed              # against the engines alone, and memory
    python -m benchmarks.ocr FOLDER --answers             # are answers readable on screenshots
    python -m benchmarks.ocr_quality [FOLDER…]            # does the quality figure tell

A folder holds `docs/` (images, or PDFs whose pages are images) and `ocr_gt.jsonl`
(`{doc, page?, text}` a line); for --answers `questions.jsonl` (`{answer, evidence: [{doc}]}`).
CER and WER are edits by length of the true text, white space folded; recall is that of words. Each
line is followed by the same of tesseract's defaults (page segmentation 3, the picture as it is).

--speed reads through the sandbox as on ingestion, in one child whose CPU time is counted, and then
has the same engines, in the same sequence a page as it needed, read the same prepared pictures with
nothing around them. Both are warm when the clock starts.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import resource
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rapidfuzz.distance import Levenshtein

from benchmarks.ocr_drawings import Sample
from ingestion.ocr import OcrPage, read, tesseract

PROSE = """Terms of the agreement

The supplier delivers 1,250 units of article 47-B to the warehouse in
Rotterdam before 14 March 2025. Each unit is packed in a box of 30 by
40 centimetres and weighs no more than 12.5 kilograms. The price of
18.90 euros a unit includes packing, but neither insurance nor duty.

The buyer inspects the goods within ten working days of their arrival
and reports visible damage in writing. A report that comes later has
no effect. Hidden defects may be reported within twelve months.

Payment is due thirty days after the date of the invoice. For every
week of delay the supplier may charge interest of 0.75 percent, up to
a total of six percent of the amount that is overdue.

Both parties keep prices, drawings and customer names confidential
for five years after the end of this agreement."""
FONT = Path("fonts") / "Vera.ttf"
PDF_DPI = 200


class Score(NamedTuple):
    cer: float
    wer: float
    recall: float
    cpu_s: float
    read: OcrPage


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--limit", type=int, help="pages a folder")
    parser.add_argument("--out", type=Path, help="write {doc, page, text} a line")
    parser.add_argument("--verbose", action="store_true", help="a line a page")
    parser.add_argument("--speed", action="store_true", help="against the engines alone")
    parser.add_argument("--answers", action="store_true", help="share of answers found in the text")
    options = parser.parse_args()
    if options.answers:
        return max(answers_readable(folder) for folder in options.folders)
    sets = {f.name: samples(f) for f in options.folders} or {"drawn": drawn()}
    if options.speed:
        from benchmarks.ocr_speed import compare

        return max(compare(name, list(islice(s, options.limit))) for name, s in sets.items())
    predictions = []
    for name, found in sets.items():
        ours: list[Score] = []
        plain: list[Score] = []
        for sample in islice(found, options.limit):
            score = measure(sample, read_patiently)
            ours.append(score)
            plain.append(measure(sample, tesseract_defaults))
            predictions.append({"doc": sample.doc, "page": sample.page, "text": score.read.text})
            if options.verbose or name == "drawn":
                print_line(f"{sample.doc} {sample.page}", [score], score.read)
        print_line(name, ours)
        print_line(f"{name}, tesseract", plain)
    if options.out:
        lines = (json.dumps(p, ensure_ascii=False) for p in predictions)
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"peak memory {peak_mb} MB, this process with both engines")
    return 0


def print_line(name: str, scores: list[Score], page: OcrPage | None = None) -> None:
    figures = " ".join(
        f"{key} {mean(getattr(s, key) for s in scores):.4f}" for key in ("cer", "wer", "recall")
    )
    cpu_s = mean(s.cpu_s for s in scores)
    tail = f" {page.engine} quality {page.quality:.2f} {','.join(page.flags)}" if page else ""
    print(f"{name:24} n {len(scores):3} {figures} cpu {cpu_s:.2f} s/page{tail}", flush=True)


def read_patiently(image: np.ndarray) -> OcrPage:
    """Without a time limit, so that a busy machine gives the same figures."""
    return read(image, limit_s=math.inf)


def tesseract_defaults(image: np.ndarray) -> OcrPage:
    text = tesseract.defaults(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
    return OcrPage(text=text, engine="tesseract")


def answers_readable(folder: Path) -> int:
    """Of the questions of a set of screenshots, those whose answer stands in the text."""
    questions = [json.loads(line) for line in (folder / "questions.jsonl").open(encoding="utf-8")]
    texts: dict[str, str] = {}
    missing = []
    for question in questions:
        doc = question["evidence"][0]["doc"]
        if doc not in texts:
            image = np.asarray(Image.open(folder / "docs" / doc).convert("RGB"))
            texts[doc] = plain(read(image).text)
        if plain(question["answer"]) not in texts[doc]:
            missing.append(f"{doc}: {question['answer']}")
    print(f"{folder.name}: {len(questions) - len(missing)} of {len(questions)} answers readable")
    for line in missing:
        print(f"  not found: {line}")
    return 0


def plain(text: str) -> str:
    """Words and figures only, in lower case."""
    return " ".join(re.findall(r"[\w%.\-]+", unicodedata.normalize("NFKC", text).lower()))


def measure(sample: Sample, reader: Callable[[np.ndarray], OcrPage]) -> Score:
    start = time.process_time()
    page = reader(sample.image)
    cpu_s = time.process_time() - start
    true, found = folded(sample.text), folded(page.text)
    wanted, words = true.split(), found.split()
    return Score(
        min(1.0, Levenshtein.distance(true, found) / max(1, len(true))),
        min(1.0, Levenshtein.distance(wanted, words) / max(1, len(wanted))),
        recall(true, found),
        cpu_s,
        page,
    )


def folded(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip()


def recall(true: str, found: str) -> float:
    wanted, words = (Counter(re.findall(r"[\w%.,\-]+", t.lower())) for t in (true, found))
    return sum((wanted & words).values()) / max(1, sum(wanted.values()))


def samples(folder: Path) -> Iterator[Sample]:
    import pypdfium2

    for line in (folder / "ocr_gt.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        path, page = folder / "docs" / row["doc"], row.get("page") or 1
        if path.suffix == ".pdf":
            with pypdfium2.PdfDocument(path) as pdf:
                picture = pdf[page - 1].render(scale=PDF_DPI / 72).to_pil().convert("RGB")
        else:
            picture = Image.open(path).convert("RGB")
        yield Sample(row["doc"], page, row["text"], np.asarray(picture))


def drawn() -> Iterator[Sample]:
    """The page of prose in nine degradations, as scanners, phones and screens make them."""
    clean = page_of(PROSE, size_px=24)
    small = page_of(PROSE, size_px=13, margin=20)
    rng = np.random.default_rng(7)
    noise = rng.normal(0, 40, clean.shape) + np.where(rng.random(clean.shape) < 0.01, -160, 0)
    pictures = {
        "clean": clean,
        "skew 2": tilted(clean, 2),
        "skew 5": tilted(clean, -5),
        "rotated 90": np.rot90(clean),
        "rotated 180": np.rot90(clean, 2),
        "noisy": np.clip(cv2.GaussianBlur(clean, (0, 0), 1.0) * 0.8 + 20 + noise, 0, 255),
        "low resolution": cv2.resize(clean, None, fx=0.45, fy=0.45, interpolation=cv2.INTER_AREA),
        "screenshot": small,
        "dark screenshot": 255 - (small * 0.85).astype(np.uint8),
    }
    for name, picture in pictures.items():
        yield Sample(name, 1, PROSE, np.ascontiguousarray(picture.astype(np.uint8)))


def page_of(text: str, size_px: int, margin: int = 100) -> np.ndarray:
    import reportlab

    font = ImageFont.truetype(str(Path(reportlab.__file__).parent / FONT), size_px)
    probe = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    box = probe.multiline_textbbox((margin, margin), text, font=font, spacing=size_px * 0.5)
    image = Image.new("RGB", (round(box[2]) + margin, round(box[3]) + margin), "white")
    ImageDraw.Draw(image).multiline_text(
        (margin, margin), text, font=font, fill="black", spacing=size_px * 0.5
    )
    return np.asarray(image)


def tilted(picture: np.ndarray, degrees: float) -> np.ndarray:
    image = Image.fromarray(picture)
    turned = image.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    return np.asarray(turned)


if __name__ == "__main__":
    sys.exit(main())
