"""What a vision model is asked about, and how its words are kept: beside what was read.

Charts, drawings and pages that neither a text layer nor OCR could give are shown to the model, one
picture a request. What it says of a page is stored as a page of a parse of its own, at once, so
that nothing is asked twice: not after a kill, nor for the same bytes in another space.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import queue
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from ingestion.page_lists import page_list
from ingestion.prompts import prompt
from ingestion.sandbox import SandboxedFile
from ingestion.vision_model import BadAnswer, NoAnswer, Seen, VisionModel
from ingestion.vision_pages import Described, page_of
from store.boxes import unpack
from store.catalog import Catalog
from store.catalog.documents import VersionRow
from store.catalog.leases import Lease
from store.errors import Unreadable
from store.models import Box, Flag, Kind, Page, ParsedDocument, ParsedPage

SAYS = "The vision model "
"""How every sentence of this file to a person begins."""
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
_PICTURED: tuple[Kind, ...] = ("pdf", "image")
_POOR: tuple[Flag, ...] = ("low_quality_scan", "handwriting_suspected")
_LEAST_SIDE = 0.03
_LEAST_AREA = 0.004
_MARGIN = 0.01
_BESIDE, _ABOVE = 0.04, 0.025
"""How far from a figure its labels, title and legend are looked for, in page widths and heights."""
_REGION_PX = 1400
_PAGE_PX = 1600
_MOST_PX = 4000
_FORM = 1
"""Of the stored pages; raised when an answer comes to be kept differently."""
_MOST_SLOW = 3
"""Pages that got no answer in time, or no usable one, before the document's others are left."""
_LOOK_S = 2.0
_PICTURE_COVERED = 0.05
"""An image file whose words take less of it is a picture, not a page of text."""
_UNDRAWN = "they could not be drawn"
_UNUSABLE = "its answer could not be used"

Regions = Mapping[int, tuple[Box, ...]]
"""Page number → regions of it."""
Opens = Callable[[], AbstractContextManager[SandboxedFile]]


@dataclass
class _Asked:
    """A page on its way to the model: its pictures, and what it said of each."""

    page: Page
    regions: tuple[Box, ...]
    pictures: list[bytes]
    seen: list[Seen | None] = field(default_factory=list)
    lost: NoAnswer | None = None


def wanted_regions(pages: Iterable[Page], kind: Kind, most: int) -> tuple[Regions, Regions]:
    """(what to ask about, what is beyond `most` regions), in the order of the pages."""
    wanted: dict[int, tuple[Box, ...]] = {}
    beyond: dict[int, tuple[Box, ...]] = {}
    if kind not in _PICTURED:
        return wanted, beyond
    for page in pages:
        regions = _regions(page, kind)
        room = max(0, most - sum(map(len, wanted.values())))
        if regions[:room]:
            wanted[page.number] = regions[:room]
        if regions[room:]:
            beyond[page.number] = regions[room:]
    return wanted, beyond


def read_pictures(
    model: VisionModel,
    catalog: Catalog,
    opens: Opens,
    lease: Lease,
    version: VersionRow,
    pages: Iterable[Page],
) -> list[str]:
    """Stores the model's readings of a read version; sentences on what could not be described.

    A model that is away, slow or talks nonsense is such a sentence, never an error: the document
    stands on what was read. Raises LeaseLost and NotFound as every step of a job does. `pages` are
    walked through twice.
    """
    assert version.kind is not None
    wanted, beyond = wanted_regions(pages, version.kind, model.options.max_regions)
    said = _left_out(model, beyond)
    if not wanted:
        catalog.update_version(lease, version.id, vision_parse_id=None)
        return said
    ours = ParsedDocument(pages=len(wanted))
    fingerprint = _fingerprint(model, wanted)
    parse_id = catalog.begin_parse(lease, version.content_hash, fingerprint, ours)
    catalog.update_version(lease, version.id, vision_parse_id=parse_id, step="describing pictures")
    # Of the same pictures another selection may have been asked about, before a page was mended.
    catalog.copy_readings(lease, parse_id, version.content_hash, _reader(model), wanted)
    known = catalog.page_numbers(parse_id)
    todo = [page for page in pages if page.number in wanted and page.number not in known]
    lost: dict[int, str] = {}
    for asked in _asked(model, opens, todo, wanted, lambda: catalog.hold(lease, version.id)):
        if isinstance(asked, ParsedPage):
            catalog.add_readings(lease, parse_id, [asked])
        else:
            lost.update(asked)
    read = catalog.pages_of_parse(parse_id)
    if len(read) == len(wanted):
        catalog.complete_parse(lease, parse_id)
    catalog.update_version(lease, version.id, step="indexing")
    lost.update({page.number: page.error for page in read if page.error})
    return [*said, *_not_described(model, lost)]


def is_described(model: VisionModel, catalog: Catalog, version: VersionRow) -> bool:
    """Whether this model has been asked all that there is to ask of a version."""
    if version.parse_id is None or version.kind is None:
        return True
    pages = catalog.each_page(version.parse_id)
    wanted, _ = wanted_regions(pages, version.kind, model.options.max_regions)
    if not wanted:
        return True
    found = catalog.find_parse(version.content_hash, _fingerprint(model, wanted))
    return found is not None and catalog.page_numbers(found[0]) >= wanted.keys()


def to_chunk(readings: Sequence[Page]) -> list[Page]:
    """The readings under a heading that says in every search what they are."""
    return [
        page.model_copy(update={"label": f"Model's reading of page {page.number}"})
        for page in readings
    ]


def _regions(page: Page, kind: Kind) -> tuple[Box, ...]:
    """Regions of a page that its text says nothing of: all of it, its figures, or none."""
    if "attachment" in page.flags:  # a page of another file, which has no picture here
        return ()
    unread = page.how == "nothing" and "blank" not in page.flags
    poor = page.how == "failed" or unread or any(flag in page.flags for flag in _POOR)
    if poor or (kind == "image" and not page.figures and _covered(page) < _PICTURE_COVERED):
        return (WHOLE,)
    words = [box for _, _, box in unpack(page.boxes or b"")] if page.figures else []
    return tuple(_with_labels(box, words) for box in page.figures if _is_worth_it(box))


def _with_labels(figure: Box, words: Sequence[Box]) -> Box:
    """A figure with the words close around it: a chart's bars say nothing without their names."""
    x0, y0, x1, y1 = figure
    near = [
        box
        for box in words
        if box[2] > x0 - _BESIDE and box[0] < x1 + _BESIDE
        and box[3] > y0 - _ABOVE and box[1] < y1 + _ABOVE
    ]  # fmt: skip
    left, top, right, bottom = zip(figure, *near, strict=True)
    return min(left), min(top), max(right), max(bottom)


def _covered(page: Page) -> float:
    """The share of the page that its words take."""
    return sum((x1 - x0) * (y1 - y0) for _, _, (x0, y0, x1, y1) in unpack(page.boxes or b""))


def _is_worth_it(box: Box) -> bool:
    width, height = box[2] - box[0], box[3] - box[1]
    return min(width, height) >= _LEAST_SIDE and width * height >= _LEAST_AREA


def _asked(
    model: VisionModel,
    opens: Opens,
    todo: Sequence[Page],
    wanted: Regions,
    still_ours: Callable[[], None],
) -> Iterator[ParsedPage | dict[int, str]]:
    """Pages as they are described; or, for some, why they were not."""
    slow = 0
    step = 2 * max(1, model.options.parallel)
    for at in range(0, len(todo), step):
        still_ours()
        # Drawn first and the file closed again: a slow model must not keep a reader from others.
        drawn, undrawn = _drawn(opens, todo[at : at + step], wanted)
        if undrawn:
            yield undrawn
        gone: str | None = None
        for asked in _answered(model, drawn, still_ours):
            if asked.lost is None:
                yield _page(model, asked)
                continue
            slow += asked.lost.slow
            yield {asked.page.number: str(asked.lost)}
            if not asked.lost.slow or slow >= _MOST_SLOW:
                gone = str(asked.lost)
        if gone is not None:
            yield {page.number: gone for page in todo[at + step :]}
            return


def _drawn(
    opens: Opens, pages: Sequence[Page], wanted: Regions
) -> tuple[list[_Asked], dict[int, str]]:
    """Pages with the pictures of their regions; and those that could not be drawn."""
    drawn: list[_Asked] = []
    try:
        with opens() as file:
            for page in pages:
                regions = wanted[page.number]
                with contextlib.suppress(Unreadable):
                    pictures = [_picture(file, page.number, region) for region in regions]
                    drawn.append(_Asked(page, regions, pictures))
    except Unreadable:  # the file itself, which could be opened when it was read
        drawn = []
    done = {asked.page.number for asked in drawn}
    # That a page failed is said already, and why.
    return drawn, {p.number: _UNDRAWN for p in pages if p.number not in done and p.how != "failed"}


def _picture(file: SandboxedFile, number: int, region: Box) -> bytes:
    if region == WHOLE:
        return file.picture(number, _PAGE_PX, WHOLE)
    x0, y0, x1, y1 = region
    around = (
        max(0.0, x0 - _MARGIN), max(0.0, y0 - _MARGIN),
        min(1.0, x1 + _MARGIN), min(1.0, y1 + _MARGIN),
    )  # fmt: skip
    return file.picture(number, min(_MOST_PX, round(_REGION_PX / (x1 - x0))), around)


def _answered(
    model: VisionModel, drawn: Sequence[_Asked], still_ours: Callable[[], None]
) -> Iterator[_Asked]:
    """The pages as they are answered. `still_ours` raises where the job was cancelled meanwhile."""
    todo = deque(drawn)
    done: queue.Queue[_Asked | Exception] = queue.Queue()

    def work() -> None:
        while True:
            try:
                asked = todo.popleft()
            except IndexError:
                return
            try:
                _look(model, asked)
                done.put(asked)
            except Exception as fault:  # noqa: BLE001  # raised again where it is waited for
                done.put(fault)

    for n in range(min(len(drawn), max(1, model.options.parallel))):
        # Daemons: a server that never answers must not keep the program from ending.
        threading.Thread(target=work, name=f"vision-{n}", daemon=True).start()
    try:
        for _ in drawn:
            while True:
                try:
                    answer = done.get(timeout=_LOOK_S)
                    break
                except queue.Empty:
                    still_ours()
            if isinstance(answer, Exception):
                raise answer
            yield answer
    finally:
        todo.clear()


def _look(model: VisionModel, asked: _Asked) -> None:
    try:
        for png in asked.pictures:
            try:
                asked.seen.append(model.look(png))
            except BadAnswer:
                asked.seen.append(None)
    except NoAnswer as fault:
        asked.lost = fault
    else:
        if not any(asked.seen):
            asked.lost = NoAnswer(_UNUSABLE, slow=True)


def _page(model: VisionModel, asked: _Asked) -> ParsedPage:
    """What was understood of a page; its `error` says that some of its pictures were not."""
    described = [
        Described(region, seen)
        for region, seen in zip(asked.regions, asked.seen, strict=True)
        if seen is not None
    ]
    page = asked.page
    size = (page.width, page.height) if page.width and page.height else _size(asked.pictures[0])
    error = _UNUSABLE if len(described) < len(asked.regions) else None
    return page_of(page.number, described, model=model.name, size=size, error=error)


def _size(png: bytes) -> tuple[float, float]:
    """Width and height as the PNG's head says, which is all that the app reads of it."""
    width, height = struct.unpack(">II", png[16:24])
    return max(1.0, width), max(1.0, height)


def _reader(model: VisionModel) -> str:
    """Begins the fingerprint of all that this model has read by today's prompt."""
    asked = prompt("describe")
    # In quotes, so that no name begins another's: gpt-4o is not the reader of gpt-4o-mini's.
    return f"vision-{_FORM}-{asked.id}-{asked.version}-{json.dumps(model.name)}-"


def _fingerprint(model: VisionModel, wanted: Regions) -> str:
    listed = json.dumps(sorted(wanted.items()))
    return _reader(model) + hashlib.sha256(listed.encode()).hexdigest()[:12]


def _left_out(model: VisionModel, beyond: Regions) -> list[str]:
    if not beyond:
        return []
    count = sum(map(len, beyond.values()))
    pictures = "1 picture" if count == 1 else f"{count} pictures"
    return [
        f"{SAYS}{model.name} was not asked about {pictures} on {page_list(beyond)}: the limit is "
        f"{model.options.max_regions} a document (FOOTNOTE_VISION_MAX_REGIONS)."
    ]


def _not_described(model: VisionModel, lost: Mapping[int, str]) -> list[str]:
    reasons: dict[str, list[int]] = {}
    for number, reason in lost.items():
        reasons.setdefault(reason, []).append(number)
    return [
        f"{SAYS}{model.name} did not describe all pictures on {page_list(numbers)}: {reason}."
        for reason, numbers in reasons.items()
    ]
