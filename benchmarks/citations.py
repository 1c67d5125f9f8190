"""Do the quoted words stand on the page that is cited, where the highlight says?

    python -m benchmarks.citations [--data FOLDER]… [--answers 200] [--crops 50] [--keep FOLDER]

FOLDER holds documents (in `docs/` or itself) and `questions.jsonl` with a `question` a line, and
`document` or `evidence: [{doc}]` where it is about one document. Everything is ingested into a new
data folder (--keep names one to use again) and asked without a language model until so many answers
have come. Their citations are then checked with the original files alone:

- words: other libraries (pypdf, else pdfminer.six) read the page, and every line or cell of each
  quote must occur in it with its words in order. Letters and digits are compared after NFKC,
  without case, white space, hyphens and signs. As a control, how many quotes occur on a
  neighbouring page as well.
- crops: the page is drawn at 300 dpi, what lies outside the citation's boxes is painted white, and
  tesseract reads what is left: the share of the quote's words that it finds.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import re
import sys
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.measure import chosen_folders, documents_folder

if TYPE_CHECKING:
    from pypdf import PdfReader

RECALL_TARGET = 0.95
DPI = 300
_WORD = re.compile(r"\w+(?:(?<=\d)[.,](?=\d)\w+)*")


class Quote(NamedTuple):
    """One span of a citation: what is said to stand where."""

    file: Path
    page: int
    text: str
    boxes: list[tuple[float, float, float, float]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, action="append", default=[], metavar="FOLDER")
    parser.add_argument("--answers", type=int, default=200)
    parser.add_argument("--crops", type=int, default=50)
    parser.add_argument("--documents", type=int, help="only this many a folder, the smallest")
    parser.add_argument("--keep", type=Path, help="data folder to use, and to use again")
    parser.add_argument("--verbose", action="store_true", help="print what was not found")
    args = parser.parse_args()
    folders = chosen_folders(args.data)
    scratch = nullcontext(args.keep) if args.keep else tempfile.TemporaryDirectory()
    with scratch as data:
        answers = asked(Path(data) / "store", folders, args.answers, args.documents)
    print(f"answers      {len(answers)} with citations, of {', '.join(f.name for f in folders)}")
    found = _words(answers, args.verbose)
    read = _crops(answers, args.crops, args.verbose)
    return int(not (answers and found and read))


def asked(
    data: Path, folders: Sequence[Path], most: int, documents: int | None = None
) -> list[list[Quote]]:
    """The quotes of each answer, refusals left out; a space for each folder."""
    from ingestion.opening import open_library
    from retrieval.assistant import open_assistant
    from store.models import LOCAL_ADMIN
    from store.opening import open_store
    from store.settings import Settings
    from store.wire import answer_json

    settings = Settings(data=data, samples=False, openai_api_key=None, openai_base_url=None)
    found: list[list[Quote]] = []
    refused = 0
    with open_store(settings) as store:
        library = open_library(store)
        try:
            taken = {f.name: _documents(f, documents) for f in folders}
            for space, files in taken.items():
                for file in files.values():
                    library.add(LOCAL_ADMIN, file.name, file, space)
            library.wait()
            assistant = open_assistant(settings, store.catalog, store.indexes, store.embedder)
            for space, question, name in _questions(folders, taken):
                answer = assistant.ask(LOCAL_ADMIN, question, space, name)
                refused += answer.refused
                quotes = [
                    Quote(taken[space][c["doc"]], s["page"], s["text"], s["boxes"] or [])
                    for c in answer_json(answer, store.catalog)["citations"]
                    for s in c["spans"]
                ]
                if quotes:
                    found.append(quotes)
                if len(found) == most:
                    break
            assistant.close()
        finally:
            library.close()
    print(f"refused      {refused} questions")
    return found


def _documents(folder: Path, most: int | None) -> dict[str, Path]:
    """Those whose pages another library can read: PDF files."""
    files = sorted(documents_folder(folder).glob("*.pdf"), key=lambda f: f.stat().st_size)
    return {f.name: f for f in files[:most]}


def _questions(
    folders: Sequence[Path], taken: Mapping[str, Mapping[str, Path]]
) -> Iterator[tuple[str, str, str | None]]:
    """(space, question, document or None), in an order that is mixed and the same each time."""
    found = []
    for folder in folders:
        for line in (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            names = {e["doc"] for e in row.get("evidence", ())} or {row.get("document")}
            name = names.pop() if len(names) == 1 else None
            if name is None or name in taken[folder.name]:
                found.append((folder.name, row["question"], name))
    random.Random(7).shuffle(found)
    yield from found


def _words(answers: Sequence[Sequence[Quote]], verbose: bool) -> bool:
    """Prints how many answers' words were all found; True when those are all."""
    right, quotes_right, total, unread, scanned, elsewhere = 0, 0, 0, 0, 0, 0
    for quotes in answers:
        all_found = True
        for quote in quotes:
            page = page_text(quote.file, quote.page)
            if page == "":
                scanned += 1  # no text layer: for the crops to judge
                continue
            total += 1
            if page is None:
                unread += 1
            held = page is not None and (
                stands_on(quote.text, page)
                or stands_on(quote.text, pdfminer_text(quote.file, quote.page) or "")
            )
            quotes_right += held
            other = page_text(quote.file, quote.page + 1) or page_text(quote.file, quote.page - 1)
            elsewhere += stands_on(quote.text, other or "")
            all_found &= held
            if verbose and not held:
                print(f"  not found: {quote.file.name}, page {quote.page}: {quote.text!r}")
        right += all_found
    print(
        f"words        {right} of {len(answers)} answers, {quotes_right} of {total} quotes found by"
        f" pypdf or pdfminer.six ({unread} on pages that neither can read,"
        f" {scanned} scanned ones left to the crops)\n"
        f"{'':12} control: {elsewhere} quotes occur on the next page too"
    )
    return right == len(answers)


def _crops(answers: Sequence[Sequence[Quote]], most: int, verbose: bool) -> bool:
    """Prints how well OCR reads the highlights; True when it is well enough, or not asked for."""
    if not most:
        return True
    boxed = [[q for q in quotes if q.boxes and _words_of(q.text)] for quotes in answers]
    boxed = [quotes for quotes in boxed if quotes]
    step = max(1.0, len(boxed) / most)
    chosen = [boxed[int(i * step)] for i in range(min(most, len(boxed)))]
    hit, wanted, low = 0, 0, 0
    for quotes in chosen:
        answer_hit, answer_wanted = 0, 0
        for quote in quotes:
            words, read = Counter(_words_of(quote.text)), crop_text(quote)
            missed = words - Counter(_words_of(read))
            # A word that the page cuts at a line's end, or that OCR joins, is there all the same.
            there = squashed(read)
            missed = Counter({w: n for w, n in missed.items() if len(w) < 4 or w not in there})
            answer_wanted += words.total()
            answer_hit += words.total() - missed.total()
            if verbose and missed:
                print(
                    f"  {quote.file.name}, page {quote.page}: missed {sorted(missed)} in {read!r}"
                )
        hit, wanted = hit + answer_hit, wanted + answer_wanted
        low += answer_hit < RECALL_TARGET * answer_wanted
    recall = hit / max(1, wanted)
    print(
        f"crops        word recall {recall:.3f} over {len(chosen)} answers (target"
        f" {RECALL_TARGET}); {low} answers below it"
    )
    return recall >= RECALL_TARGET


def stands_on(quote: str, page: str) -> bool:
    """Whether every line or cell of the quote occurs in the page's text, its words in order."""
    whole = squashed(page)
    if squashed(quote) in whole:
        return True
    return all(squashed(part) in whole for part in re.split(r"\n|\t|\s{2,}", quote))


def squashed(text: str) -> str:
    """The words' letters and digits in a row."""
    return "".join(_words_of(text))


def _words_of(text: str) -> list[str]:
    joined = re.sub(r"[\u00ad\u200b]|[-\u2010\u2011]\s*\n\s*", "", text)
    return _WORD.findall(unicodedata.normalize("NFKC", joined).casefold().replace("_", " "))


def page_text(file: Path, number: int) -> str | None:
    """The page as pypdf reads it, else as pdfminer.six does; None where neither can."""
    if number < 1:
        return None
    return pypdf_text(file, number) or pdfminer_text(file, number)


@cache
def pypdf_text(file: Path, number: int) -> str | None:
    from pypdf.errors import PyPdfError

    try:
        return _reader(file).pages[number - 1].extract_text().strip()
    except (
        PyPdfError,
        IndexError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ):
        return None


@cache
def pdfminer_text(file: Path, number: int) -> str | None:
    from pdfminer.high_level import extract_text
    from pdfminer.pdfexceptions import PDFException

    logging.getLogger("pdfminer").setLevel(logging.CRITICAL)
    try:
        return extract_text(file, page_numbers=[number - 1]).strip()
    except (PDFException, ValueError, KeyError, TypeError, AttributeError):
        return None


@cache
def _reader(file: Path) -> PdfReader:
    from pypdf import PdfReader

    # It warns, page after page, of fonts that it reads well enough.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    return PdfReader(file)


def crop_text(quote: Quote) -> str:
    """What tesseract reads of the highlighted boxes and nothing else."""
    import pypdfium2
    from PIL import Image
    from tesserocr import OEM, PSM, PyTessBaseAPI

    with pypdfium2.PdfDocument(quote.file) as pdf:
        page = pdf[quote.page - 1].render(scale=DPI / 72).to_pil().convert("L")
    wide, high = page.size
    sheet = Image.new("L", page.size, 255)
    edges = []
    for x0, y0, x1, y1 in quote.boxes:
        margin = (y1 - y0) * high * 0.15
        edge = (
            max(0, round(x0 * wide - margin)), max(0, round(y0 * high - margin)),
            min(wide, round(x1 * wide + margin)), min(high, round(y1 * high + margin)),
        )  # fmt: skip
        sheet.paste(page.crop(edge), edge[:2])
        edges.append(edge)
    around = (
        min(e[0] for e in edges) - 30, min(e[1] for e in edges) - 30,
        max(e[2] for e in edges) + 30, max(e[3] for e in edges) + 30,
    )  # fmt: skip
    picture = Image.new("L", (around[2] - around[0], around[3] - around[1]), 255)
    picture.paste(sheet, (-around[0], -around[1]))
    folder = str(Path(sys.prefix) / "share" / "tessdata")
    with PyTessBaseAPI(path=folder, lang="eng", oem=OEM.LSTM_ONLY, psm=PSM.SINGLE_BLOCK) as api:
        api.SetImage(picture)
        api.SetSourceResolution(DPI)
        return api.GetUTF8Text()


if __name__ == "__main__":
    sys.exit(main())
