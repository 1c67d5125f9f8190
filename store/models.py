"""The words of the project as frozen values; they cross every module's border.

Offsets are Python code points of a page's canonical text. Boxes are fractions of the page as
displayed, origin top left.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

SCHEMA_VERSION = 1

Box = tuple[float, float, float, float]
Kind = Literal[
    "pdf", "image", "docx", "pptx", "xlsx", "odf", "csv", "html", "markdown", "text", "email",
]  # fmt: skip
How = Literal["text", "ocr", "both", "vision", "nothing", "failed"]
Status = Literal[
    "queued", "processing", "ready", "partial", "no_text", "failed", "cancelled", "duplicate"
]
SameName = Literal["replace", "keep_both", "skip", "ask"]
"""What becomes of a file whose name another document of the space has, with other content."""
ANSWERING: tuple[Status, ...] = ("ready", "partial")
ENDED_WITHOUT: tuple[Status, ...] = ("failed", "cancelled", "no_text")
BlockKind = Literal[
    "heading", "paragraph", "list", "table", "code", "caption", "header", "footer", "note"
]
Flag = Literal[
    "garbled_text_layer",
    "low_quality_scan",
    "handwriting_suspected",
    "hidden",
    "hidden_text",
    "two_columns",
    "rotated",
    "skewed",
    "dark",
    "blank",
    "breaks_off",
    "attachment",
]
"""What a page's ledger may say besides how it was read; `server.words` has each as a phrase."""


POOR_QUALITY = 0.8
"""Of a page read below this share of right words, the screens say that it was read poorly."""


class Frozen(BaseModel):
    """Base of all values."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Principal(Frozen):
    """Who asks. `spaces` None means every space."""

    id: str
    spaces: frozenset[str] | None = None
    admin: bool = False

    def may_see(self, space_id: str) -> bool:
        return self.spaces is None or space_id in self.spaces


LOCAL_ADMIN = Principal(id="local", spaces=None, admin=True)


class Span(Frozen):
    """Characters [start, end) of one page's canonical text; `page_id` is the catalog's key."""

    page_id: int
    start: int
    end: int


class Cell(Frozen):
    """One cell of a table block: characters [start, end), row and column from 0."""

    start: int
    end: int
    row: int
    column: int
    header: bool = False


class Block(Frozen):
    """A piece of structure: characters [start, end) of its page. `level` 1.. for headings."""

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    cells: tuple[Cell, ...] = ()


class ParsedPage(Frozen):
    """One page as a parser hands it over, before the catalog gives it an id.

    `boxes` is `store.boxes.pack` of the words, None on flowed pages. `width`, `height` are points
    (PDF) or pixels (image) as displayed. `quality` is the share of words to expect right, 0..1,
    None where nothing was read; `confidence` the OCR engine's own mean over words, None without
    OCR. `figures` are regions with a picture or drawing that the text says nothing of.
    """

    number: int
    text: str
    how: How
    quality: float | None = None
    confidence: float | None = None
    flags: tuple[Flag, ...] = ()
    label: str | None = None
    width: float | None = None
    height: float | None = None
    boxes: bytes | None = None
    blocks: tuple[Block, ...] = ()
    figures: tuple[Box, ...] = ()
    error: str | None = None

    @property
    def words(self) -> int:
        """Words of the text, as white space separates them."""
        return len(self.text.split())

    @property
    def breaks_off(self) -> bool:
        """Whether the page goes on where reading it did not."""
        return "breaks_off" in self.flags


class ParsedDocument(Frozen):
    """What a parser knows of the whole file before its pages; `date` is ISO 8601 or None.

    `unread` counts pages (sheets, frames) beyond the limits, which will not be read.
    """

    pages: int
    unread: int = 0
    title: str | None = None
    date: str | None = None
    author: str | None = None
    language: str | None = None
    warnings: tuple[str, ...] = ()


class Page(ParsedPage):
    """A stored, immutable page."""

    id: int
    parse_id: int

    @property
    def pictured(self) -> bool:
        return self.boxes is not None

    @property
    def described_by(self) -> str | None:
        """The vision model whose words the text is; its name is such a page's label."""
        return self.label if self.how == "vision" else None


class Chunk(Frozen):
    """Spans of one document that are embedded and searched together.

    `header` (title, section, date) goes before the text for embedding and search and is never
    part of it. `text` is the spans' text joined by newlines.
    """

    id: str
    document_id: str
    space_id: str
    name: str
    spans: tuple[Span, ...]
    page: int
    section: str
    header: str
    text: str
    language: str | None = None

    @property
    def searched_text(self) -> str:
        return f"{self.header}\n{self.text}" if self.header else self.text


class Hit(Frozen):
    """A chunk found, with how: ranks count from 1, None where that side did not find it.

    `rerank_score` is what a cross-encoder said of it, on whatever scale it has; `fused_score` is
    then the search's own, before `score` came to follow the cross-encoder's order.
    """

    chunk: Chunk
    score: float
    vector_score: float | None = None
    vector_rank: int | None = None
    lexical_score: float | None = None
    lexical_rank: int | None = None
    fused_score: float | None = None
    rerank_score: float | None = None


class Citation(Frozen):
    """A numbered quote. `text` is the exact text of `spans` joined by newlines.

    `deleted`: its document was removed for good; of it only ids and places are left. `how` is how
    its first page was read (None in answers kept from before this was noted); where that is
    `vision`, `text` is the words of the model `described_by`, not of the document.
    """

    n: int
    document_id: str
    space: str
    doc: str
    page: int
    spans: tuple[Span, ...]
    text: str
    how: How | None = None
    described_by: str | None = None
    deleted: bool = False


class Sentence(Frozen):
    """One sentence of an answer; `citations` are numbers of the answer's citations.

    `computed`: our own code counted or calculated it from the words cited; nobody wrote it.
    `deleted`: only a document that was removed for good supported it; its words are gone.
    `doubted`: what it cites has its facts (of its numbers perhaps those that it was worked out
    from), and may say otherwise; it is not supported.
    `confirmed_by`: the model that was asked whether it follows from what it cites, and agreed.
    """

    text: str
    supported: bool
    citations: tuple[int, ...] = ()
    computed: bool = False
    deleted: bool = False
    doubted: bool = False
    confirmed_by: str | None = None


CELLS_APART = " | "
"""What parts the cells of a quoted heading and row in a sentence of two lines."""


class AnswerCell(Frozen):
    """A cell of an answer's table; `citations` as of a sentence, none where it is a label."""

    text: str
    citations: tuple[int, ...] = ()


class AnswerTable(Frozen):
    """Rows that an answer was computed from or compares; every row is as long as `headings`.

    `left_out`: how many further rows there are, which are not shown.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[AnswerCell, ...], ...]
    left_out: int = 0


class NearPage(Frozen):
    """A page near the question, shown with a refusal; `described_by` as of a citation."""

    document_id: str
    doc: str
    page: int
    page_id: int
    text: str
    described_by: str | None = None


class TraceStep(Frozen):
    """Something that was done for an answer. `at` in seconds since 1970."""

    name: str
    at: float
    ms: float
    detail: str = ""


class TraceCandidate(Frozen):
    """A chunk that a search brought, with its places on both sides (from 1) and its scores.

    It names its chunk and holds no text, so that a removed document leaves none behind.
    """

    chunk_id: str
    document_id: str
    doc: str
    page: int
    score: float
    vector_score: float | None = None
    vector_rank: int | None = None
    lexical_score: float | None = None
    lexical_rank: int | None = None
    fused_score: float | None = None
    rerank_score: float | None = None


class ModelCall(Frozen):
    """One request to a language model. `at` in seconds since 1970, `prompt` its id and version.

    Tokens are the server's own count, or `estimated` from above by us; of a request without any
    answer they are 0. `cost` is in the currency of the configured prices, None where the model
    has none. `error` says how it failed.
    """

    model: str
    prompt: str | None
    at: float
    ms: float
    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False
    cost: float | None = None
    error: str | None = None


class Usage(Frozen):
    """What all requests of an answer took together.

    `estimated` where one was; `cost` None where a request that took tokens has no price.
    """

    input_tokens: int
    output_tokens: int
    estimated: bool
    cost: float | None


class Trace(Frozen):
    """How an answer came about. `dropped` are sentences on what was left out and why.

    `usage` is None where no model was asked.
    """

    began_at: float = 0.0
    steps: tuple[TraceStep, ...] = ()
    candidates: tuple[TraceCandidate, ...] = ()
    dropped: tuple[str, ...] = ()
    prompt: str | None = None
    calls: tuple[ModelCall, ...] = ()
    usage: Usage | None = None


class Answer(Frozen):
    """What a question came back with. `model` is None for an extractive answer.

    `route`: the engine that answered, why it was chosen (a clause) and how surely, 0..1; None
    where a person or a model chose.
    """

    question: str
    sentences: tuple[Sentence, ...] = ()
    table: AnswerTable | None = None
    citations: tuple[Citation, ...] = ()
    refused: bool = False
    route: str = "facts"
    route_reason: str = ""
    route_confidence: float | None = None
    warnings: tuple[str, ...] = ()
    nearest: tuple[NearPage, ...] = ()
    rewritten: str | None = None
    model: str | None = None
    ms: int = 0
    trace: Trace | None = None

    @property
    def text(self) -> str:
        return " ".join(s.text for s in self.sentences)


class Document(Frozen):
    """A document with the state of its newest version. `pages_done` counts while it is read.

    `earlier_answers`: the newest version does not answer, one before it does. `sync_folder` and
    `sync_path`: the synchronised folder it came from, and where in it.
    """

    id: str
    space_id: str
    space: str
    name: str
    status: Status
    kind: Kind | None = None
    size: int = 0
    content_hash: str = ""
    pages: int = 0
    pages_done: int = 0
    chunks: int = 0
    step: str | None = None
    error: str | None = None
    warnings: tuple[str, ...] = ()
    title: str | None = None
    date: str | None = None
    added_at: float = 0.0
    seconds: float | None = None
    paused: bool = False
    earlier_answers: bool = False
    sync_folder: str | None = None
    sync_path: str | None = None


class Generation(Frozen):
    """One chunker and embedder with their indexes. `state`: building, serving, retired.

    `opened_by`, JSON: which embedder made it. `retired_at`: since when it is kept for a return.
    `gate`, JSON: how it did in comparison before it was to serve.
    """

    id: str
    chunker: str
    embedder: str
    dimension: int
    state: str
    created_at: float = 0.0
    opened_by: str | None = None
    retired_at: float | None = None
    gate: str | None = None


TurnState = Literal["running", "done", "cancelled", "failed"]


class Turn(Frozen):
    """A question of a conversation with its answer as far as it has come."""

    id: str
    conversation_id: str
    question: str
    answer: Answer
    state: TurnState
    created_at: float


class Conversation(Frozen):
    """A conversation of one principal, turns in order."""

    id: str
    principal_id: str
    title: str
    created_at: float
    turns: tuple[Turn, ...] = ()


class Check(Frozen):
    """One thing looked at and how it was found; `detail` is a sentence."""

    name: str
    ok: bool
    detail: str
