"""PowerPoint decks: a slide a page, with its speaker's notes, tables, charts and comments.

unstructured reads the slides in reading order; what it leaves out (charts, diagrams, comments,
hidden slides) is read from the file's own parts.
"""

from __future__ import annotations

import logging
import os
import zipfile
from collections import defaultdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.parsers.attached import with_attachments
from ingestion.parsers.charts import chart_table
from ingestion.parsers.embedded import Embedded
from ingestion.parsers.flow import Flow, FlowedFile, comment, one_line
from ingestion.parsers.html import parse
from ingestion.parsers.html_table import read_table
from ingestion.parsers.ooxml import Package, drawing_paragraphs, elements, local
from store.errors import Unreadable

if TYPE_CHECKING:
    from ingestion.parsers import OpenedFile, ParseOptions

_DAMAGED = (
    KeyError, ValueError, TypeError, AttributeError, IndexError, AssertionError, SyntaxError,
    zipfile.BadZipFile, OSError, NotImplementedError,
)  # fmt: skip


def open_file(path: Path, options: ParseOptions) -> OpenedFile:
    package = Package(path)
    try:
        inside = Embedded(package)
        return with_attachments(
            _written(path, package, inside, options.max_pages), inside.attachments(), options
        )
    finally:
        package.close()


def _written(path: Path, package: Package, inside: Embedded, max_pages: int) -> FlowedFile:
    said: dict[int, list[Any]] = defaultdict(list)
    for element in _partitioned(path):
        said[element.metadata.page_number or 1].append(element)
    flow = Flow(max_pages)
    for number, part in enumerate(_slides(package), start=1):
        root = package.optional_xml(part)
        hidden = root is not None and root.get("show") in ("0", "false")
        titles = [e.text for e in said[number] if e.category == "Title"]
        flow.page(one_line(titles[0]) if titles else None, ("hidden",) if hidden else ())
        for element in said[number]:
            _write(flow, element)
        _beside(flow, package, part)
        inside.look(part, place=f"Slide {number}")
    flow.warnings += inside.warnings()
    return flow.finish(**package.properties())


def _partitioned(path: Path) -> list[Any]:
    """unstructured's elements of the deck; it touches no network and runs no language model."""
    # Read on import: without them it phones home.
    os.environ["DO_NOT_TRACK"] = "1"
    os.environ["UNSTRUCTURED_DISABLE_NOTICE"] = "1"
    _without_language_model()
    from unstructured.partition.pptx import partition_pptx

    try:
        return partition_pptx(
            str(path), include_page_breaks=False, include_slide_notes=False, languages=[""]
        )
    except _DAMAGED as error:
        raise Unreadable("This presentation is damaged and cannot be opened.") from error


@lru_cache(maxsize=1)
def _without_language_model() -> None:
    """Points unstructured's tokenizer at an empty spaCy pipeline.

    It asks for parts of speech to tell prose from titles, which is not used here, and would
    download a model for it.
    """
    import spacy
    from unstructured.nlp import tokenize

    logging.getLogger("unstructured").setLevel(logging.ERROR)
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    setattr(tokenize, "_get_nlp", lambda: nlp)  # noqa: B010 - typed as its cached original


def _write(flow: Flow, element: Any) -> None:
    if element.category == "Table":
        root = parse(element.metadata.text_as_html or "")
        table = next(iter(root.iter("table")), None) if root is not None else None
        read = read_table(table) if table is not None else None
        if read is not None:
            flow.table(read.rows, read.header_rows)
        else:
            flow.paragraph(element.text)
    elif element.category == "Title" and element.metadata.category_depth == 0:
        flow.heading(element.text, 1)
    elif element.category == "ListItem":
        flow.list_item(element.text, element.metadata.category_depth or 0)
    else:
        flow.paragraph(element.text)


def _slides(package: Package) -> list[str]:
    """Part names of the slides in the order they are shown."""
    main = package.main()
    targets = {identity: target for identity, _, target in package.relations(main)}
    found = []
    for listed in elements(package.xml(main)):
        if local(listed) == "sldIdLst":
            for slide in elements(listed):
                identity = next((v for k, v in slide.attrib.items() if k.endswith("}id")), "")
                if identity in targets:
                    found.append(targets[identity])
    return found


def _beside(flow: Flow, package: Package, part: str) -> None:
    """Charts, diagrams, speaker's notes and comments of one slide."""
    authors = _authors(package)
    for kind, target in package.related(part):
        root = package.optional_xml(target)
        if root is None:
            continue
        if kind == "chart":
            chart = chart_table(root)
            for title in chart.titles:
                flow.caption(title)
            flow.table(chart.rows, 1)
        elif kind == "diagramData":
            flow.paragraph("\n".join(drawing_paragraphs(root)))
        elif kind == "notesSlide":
            if notes := _notes(root):
                flow.note(f"Notes: {notes}")
        elif kind == "comments":
            for remark in root.iter():
                if isinstance(remark.tag, str) and local(remark) in ("cm", "reply"):
                    author = authors.get(remark.get("authorId") or "", "")
                    date = remark.get("dt") or remark.get("created") or ""
                    if text := _comment(remark):
                        flow.note(comment(text, author, date=date))


def _notes(root: Any) -> str:
    """The speaker's notes; the picture of the slide, its number and its date are left out."""
    texts = []
    for shape in root.iter():
        if isinstance(shape.tag, str) and local(shape) == "sp":
            place = next((e for e in shape.iter() if _is(e, "ph")), None)
            if place is not None and place.get("type", "body") == "body":
                texts.extend(drawing_paragraphs(shape))
    return "\n".join(texts)


def _comment(remark: Any) -> str:
    old = next((e.text for e in elements(remark) if local(e) == "text"), None)
    body = [e for e in elements(remark) if local(e) == "txBody"]
    return one_line(old or " ".join(t for e in body for t in drawing_paragraphs(e)))


def _authors(package: Package) -> dict[str, str]:
    found = {}
    for kind, target in package.related(package.main()):
        if kind in ("commentAuthors", "authors"):
            root = package.optional_xml(target)
            for author in elements(root) if root is not None else ():
                found[author.get("id") or ""] = author.get("name") or ""
    return found


def _is(element: Any, name: str) -> bool:
    return isinstance(element.tag, str) and local(element) == name
