"""Files inside a file: what a mail or a PDF carries along, what Word has embedded.

Their pages follow the outer file's own, under labels that name the file they come from. An
attachment is opened by its own parser, in the same limited process, when one of its pages is asked
for. Names of attachments are text from strangers: shown, never used as paths.
"""

from __future__ import annotations

import hashlib
import importlib
import shutil
import tempfile
import traceback
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from ingestion.parsers import PARSERS, SUFFIXES, OpenedFile, ParseOptions
from ingestion.parsers.flow import FlowedFile, one_line
from ingestion.parsers.kinds import NotADocument, sniff
from ingestion.parsers.one_page import as_one_page
from store.errors import Unreadable
from store.models import Kind, ParsedPage

MAX_DEPTH = 4
"""A mail in a mail in a mail …"""
MAX_FILES = 200
MAX_BYTES = 300_000_000
"""Of all files inside one file, at every depth together."""
KEPT_CHARACTERS = 10_000_000
"""Texts up to this length stay in memory once parsed, so that they are not parsed again."""
_WITHIN = " › "
_WORD = "Attachment "
_MOST_WARNINGS = 20
_NOT_READ = frozenset((".ics", ".vcf", ".p7s", ".p7c", ".asc", ".sig", ".pgp-encrypted"))
_SEALED = frozenset((".p7m", ".pgp", ".gpg"))
_SEALED_MARKS = (b"-----BEGIN PGP MESSAGE", b"-----BEGIN PKCS7")
_DAMAGED = "It is damaged."


class Attachment(NamedTuple):
    """A file inside a file. `label` is for those without a name of their own ("Picture 3")."""

    name: str
    data: bytes
    label: str | None = None


def with_attachments(
    outer: OpenedFile, attachments: Iterable[Attachment], options: ParseOptions
) -> OpenedFile:
    """`outer` with its attachments' pages after its own; `outer` itself where there are none.

    An attachment that should have been read and cannot be (locked, damaged, an old format) is a
    failed page with the reason; one of a kind that holds no document is a warning. With
    `options.only_pages` (a reader has failed on this file before) nothing is opened to count its
    pages: each attachment is then a single page.
    """
    budget = _budget.get() or _Budget()
    file = FileWithAttachments(outer, options, budget)
    for attachment in attachments:
        file.add(attachment)
    return file.finish()


@dataclass(slots=True)
class _Budget:
    """What the files inside one uploaded file may still take together."""

    depth: int = 0
    files: int = MAX_FILES
    bytes: int = MAX_BYTES


_budget: ContextVar[_Budget | None] = ContextVar("budget of attachments", default=None)


@dataclass(slots=True)
class _Inner:
    """One attachment: which pages it gives, and how to open it the same way again."""

    name: str
    label: str
    pages: int
    path: Path | None = None
    kind: Kind = "text"
    options: ParseOptions | None = None
    budget: _Budget | None = None
    fault: str | None = None
    kept: OpenedFile | None = None


class FileWithAttachments:
    """An opened file and those inside it; of these, one that needs its file is open at a time."""

    def __init__(self, outer: OpenedFile, options: ParseOptions, budget: _Budget):
        self._outer, self._options, self._budget = outer, options, budget
        self.info = outer.info
        self.characters = outer.characters if isinstance(outer, FlowedFile) else 0
        self._room = KEPT_CHARACTERS
        self._inner: list[_Inner] = []
        self._open: tuple[_Inner, OpenedFile] | None = None
        self._seen: set[bytes] = set()
        self._folder: Path | None = None
        self._warnings: list[str] = []
        self._unread = self._left_out = 0

    def add(self, attachment: Attachment) -> None:
        """Takes note of an attachment; its bytes are kept in the scratch folder."""
        name = _plain_name(attachment.name) or "without a name"
        digest = hashlib.sha256(attachment.data).digest()
        if digest in self._seen:
            return
        self._seen.add(digest)
        label = attachment.label or _WORD + name
        if why := _why_not(name, attachment.data):
            self._warnings.append(f"{label} was not read. {why}")
            return
        if self._budget.depth >= MAX_DEPTH or self._budget.files <= 0:
            self._left_out += 1
            return
        if len(attachment.data) > self._budget.bytes:
            self._left_out += 1
            return
        self._budget.files -= 1
        self._budget.bytes -= len(attachment.data)
        self._take_in(name, label, attachment.data)

    def finish(self) -> OpenedFile:
        """The whole, once every attachment is added."""
        if self._left_out:
            self._inner.append(_Inner("", "Attachments", 1, fault=_left_out(self._left_out)))
        if not (self._inner or self._warnings or self._unread):
            return self._outer
        said = self._warnings[:_MOST_WARNINGS]
        if len(self._warnings) > len(said):
            said.append(f"The same goes for {len(self._warnings) - len(said)} more.")
        outer = self._outer.info
        self.info = outer.model_copy(
            update={
                "pages": outer.pages + sum(inner.pages for inner in self._inner),
                "unread": outer.unread + self._unread,
                "warnings": (*outer.warnings, *said),
            }
        )
        return self

    def page(self, number: int) -> ParsedPage:
        """A page of the outer file, or of an attachment under its label."""
        if number <= self._outer.info.pages:
            return self._outer.page(number)
        inner, at = self._find(number)
        page = self._read(inner, at)
        label = inner.label
        if page.label:
            label += _WITHIN + page.label.removeprefix(_WORD)
        elif inner.pages > 1:
            label += f"{_WITHIN}page {at}"
        flags = page.flags if "attachment" in page.flags else (*page.flags, "attachment")
        return page.model_copy(update={"number": number, "label": label, "flags": flags})

    def picture(self, number: int, width_px: int) -> bytes:
        """A PNG of the page, where its file has pictures."""
        if number <= self._outer.info.pages:
            return self._outer.picture(number, width_px)
        inner, at = self._find(number)
        if inner.fault:
            raise Unreadable(inner.fault)
        return self._opened(inner).picture(at, width_px)

    def close(self) -> None:
        self._shut()
        for inner in self._inner:
            if inner.kept is not None:
                inner.kept.close()
                inner.kept = None
        self._outer.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _take_in(self, name: str, label: str, data: bytes) -> None:
        path = self._scratch() / f"{len(self._seen)}"
        path.write_bytes(data)
        try:
            kind = sniff(path, name)
        except NotADocument as fault:
            self._warnings.append(f"{label} was not read. {fault}")
            path.unlink()
            return
        except Unreadable as fault:
            self._inner.append(_Inner(name, label, 1, fault=_not_read(label, fault)))
            path.unlink()
            return
        path = path.rename(path.with_suffix(SUFFIXES[kind]))
        room = self._options.max_pages - self._outer.info.pages
        room -= sum(inner.pages for inner in self._inner)
        if room <= 0:
            self._unread += 1
            path.unlink()
            return
        options = self._options.model_copy(update={"max_pages": room})
        budget = replace(self._budget, depth=self._budget.depth + 1)
        inner = _Inner(name, label, 1, path, kind, options, budget)
        self._inner.append(inner)
        if not self._options.only_pages and not _is_one_page(kind, data):
            self._count(inner)

    def _count(self, inner: _Inner) -> None:
        """Opens the attachment to know its pages; what is only text stays open."""
        assert inner.budget is not None
        before = replace(inner.budget)
        try:
            with _inside(inner.budget):
                file = _parsed(inner)
        except Unreadable as fault:
            inner.fault = _not_read(inner.label, fault)
            return
        finally:
            self._budget.files, self._budget.bytes = inner.budget.files, inner.budget.bytes
            inner.budget = before
        inner.pages = file.info.pages
        self._unread += file.info.unread
        self._warnings += [f"In {inner.label}: {said}" for said in file.info.warnings]
        length = file.characters if isinstance(file, FlowedFile | FileWithAttachments) else None
        if length is not None and length <= self._room:
            inner.kept = file
            self._room -= length
            self.characters += length
        else:
            file.close()

    def _find(self, number: int) -> tuple[_Inner, int]:
        at = number - self._outer.info.pages
        for inner in self._inner:
            if 1 <= at <= inner.pages:
                return inner, at
            at -= inner.pages
        raise Unreadable(f"There is no page {number}.")

    def _read(self, inner: _Inner, at: int) -> ParsedPage:
        if inner.fault:
            return ParsedPage(number=at, text="", how="failed", error=inner.fault)
        try:
            file = self._opened(inner)
            if self._options.only_pages and file.info.pages != 1:
                return as_one_page(file)
            return file.page(at)
        except Unreadable as fault:
            fault_said = _not_read(inner.label, fault)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - the border to the parsers' libraries
            traceback.print_exc()
            fault_said = f"{inner.label} was not read. {_DAMAGED}"
        return ParsedPage(number=at, text="", how="failed", error=fault_said)

    def _opened(self, inner: _Inner) -> OpenedFile:
        if inner.kept is not None:
            return inner.kept
        if self._open is None or self._open[0] is not inner:
            self._shut()
            assert inner.budget is not None
            with _inside(replace(inner.budget)):
                self._open = inner, _parsed(inner)
        return self._open[1]

    def _shut(self) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open = None

    def _scratch(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="inside-"))
            weakref.finalize(self, shutil.rmtree, self._folder, True)
        return self._folder


@contextmanager
def _inside(budget: _Budget) -> Iterator[None]:
    token = _budget.set(budget)
    try:
        yield
    finally:
        _budget.reset(token)


def _parsed(inner: _Inner) -> OpenedFile:
    """Raises Unreadable, whatever the parser's library raises."""
    assert inner.path is not None
    try:
        return importlib.import_module(PARSERS[inner.kind].module).open_file(
            inner.path, inner.options
        )
    except (Unreadable, MemoryError):
        raise
    except Exception as error:
        traceback.print_exc()
        raise Unreadable(_DAMAGED) from error


def _is_one_page(kind: Kind, data: bytes) -> bool:
    """Known without decoding it: of pictures only TIFF and WebP have frames."""
    return kind == "image" and data.startswith((b"\x89PNG", b"\xff\xd8\xff"))


def _plain_name(name: str) -> str:
    """The last part of a name, without what could pass for another."""
    base = one_line(name.replace("\\", "/").rsplit("/", 1)[-1])
    return "".join(c for c in base if c.isprintable())[-120:]


def _why_not(name: str, data: bytes) -> str | None:
    """Why there is nothing in it to read, None where there may be."""
    suffix = Path(name.lower()).suffix
    if not data:
        return "It is empty."
    if suffix in _SEALED or data[:100].lstrip().startswith(_SEALED_MARKS):
        return "It is encrypted."
    return "It holds no text of its own." if suffix in _NOT_READ else None


def _not_read(label: str, fault: Exception) -> str:
    said = str(fault)
    return said if said.startswith((_WORD, "Attachments")) else f"{label} was not read. {said}"


def _left_out(count: int) -> str:
    files = "1 attachment was" if count == 1 else f"{count} attachments were"
    return (
        f"{files} not read: files inside files are followed {MAX_DEPTH} deep, {MAX_FILES} of them "
        f"and {MAX_BYTES // 1_000_000} MB together. Upload the others by themselves."
    )
