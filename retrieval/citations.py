"""A stream of text becomes checked sentences: what each cites exists and holds what it says.

A sentence is supported where the passages it cites hold every number, date and name of it and
enough of its other words. Its citation is narrowed from the excerpt to those passages.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from retrieval.agreement import disagreements, unwritten
from retrieval.aliases import Aliases
from retrieval.clauses import names_in, told_by, told_words
from retrieval.derived import complement, is_derived, may_be_worked_out
from retrieval.facts import Facts, facts, held_in, holds_number, missing
from retrieval.instructions import instructs, quotable
from retrieval.numbers import Number
from retrieval.periods import periods, spans
from retrieval.presupposed import Likeness
from retrieval.sources import Source, one_line
from retrieval.words import coverage, stem
from store.models import Citation, Page, Sentence, Span
from store.sentences import sentences

if TYPE_CHECKING:
    from retrieval.second_reading import SecondReader

MARKER = re.compile(r"\s*[\[【](\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*)[\]】]")
_BEGUN_MARKER = re.compile(r"[\[【][\d\s,;–-]*")
_TAG = re.compile(r"</?[A-Za-z!][^<>]{0,2000}>")
MIN_COVERAGE = 0.6
"""Share of a sentence's other words that its passages must hold; tables in test_citations.py."""
CLEAR_COVERAGE = 0.8
"""The share at which a missing marker is added by us."""
LEAST_COVERAGE = 0.3
"""The share below which a sentence is not even shown with its passages to compare."""
SAME_MATTER = 0.5
"""The share at which a number may have been worked out from those of a passage."""
MOST_PASSAGES = 3
MOST_NEAREST = 24
"""Passages that a number may have been worked out from."""
MOST_EXCERPTS = 6
OTHER_WORDS = "its facts are there, not its words"
_SOURCE_NAMED = re.compile(
    r"^(?:according to|as (?:stated|set out|described|noted|reported|per|shown) (?:in|by)?|based on"
    r"|in line with|per|under|in) (?:the|this|its|their|your|our) (?:[a-z-]+ ){0,4}?"
    r"(?:agreement|contract|policy|document|report|handbook|manual|guide|sheet|minutes|statement"
    r"|letter|table|plan|leaflet|notice|article|text|excerpt|source|regulations?|rules?|terms"
    r"|release notes|abstract|study|paper|judgment|ruling|order)\b,?\s*"
    r"|\bunder (?:this|the) (?:agreement|contract|policy|plan)\b",
    re.IGNORECASE,
)
"""What a sentence calls its source is not said in it."""

# Marks inside an answer's stream of text. Model output is stripped of control characters before
# it enters the stream, so only our own code can write them.
QUOTE, COMPUTED, NUMBER, END, DISCARD = "\x02", "\x01", "\x03", "\x1e", "\x18"


@dataclass
class Ledger:
    """Citations given out so far: the same spans keep their number."""

    citations: list[Citation] = field(default_factory=list)
    _numbers: dict[tuple[Span, ...], int] = field(default_factory=dict)

    def number(self, source: Source) -> int:
        if source.spans not in self._numbers:
            n = len(self.citations) + 1
            self._numbers[source.spans] = n
            self.citations.append(source.cited(n))
        return self._numbers[source.spans]


def checked(
    tokens: Iterable[str],
    sources: Callable[[], Sequence[Source]],
    pages: Callable[[Collection[int]], Mapping[int, Page]],
    ledger: Ledger,
    likeness: Likeness,
    second: SecondReader | None = None,
    supported_only: bool = False,
) -> Iterator[Sentence]:
    """Sentences of the stream as soon as each is whole, checked against `sources()`.

    `sources` grows while the stream is read; markers count from 1 in its order. `second` has the
    last word on sentences whose facts are in what they cite. Where `supported_only` will be shown,
    the others get no citations, which nobody would see.
    """
    for text, ours in split_stream(tokens):
        known = sources()
        if ours is not None:
            numbers = tuple(dict.fromkeys(ledger.number(known[n - 1]) for n in ours.sources))
            yield Sentence(text=text, supported=True, citations=numbers, computed=ours.computed)
            continue
        found = verify(text, known, pages, likeness)
        if found:
            opinion = None
            if second and found.sources and not instructs(found.text):
                opinion = second(found.text, _excerpts(found, known, pages))
            if opinion:
                doubt = None if opinion.follows else "it does not follow"
                found = found._replace(doubt=doubt)
            shown = found.sources if found.supported or not supported_only else ()
            yield Sentence(
                text=found.text,
                supported=found.supported,
                citations=tuple(dict.fromkeys(ledger.number(source) for source in shown)),
                # Only that, not why: the reason has words of the documents, which may be deleted.
                doubted=found.doubt is not None,
                confirmed_by=opinion.model if opinion and opinion.follows else None,
            )


def _excerpts(
    found: Verdict,
    known: Sequence[Source],
    pages: Callable[[Collection[int]], Mapping[int, Page]],
) -> list[tuple[str, str]]:
    """Name and text of the excerpts that a sentence cites or that hold it, but for what speaks to
    the assistant; the cells of a table's rows are parted by bars."""
    chunks = {source.chunk_id for source in found.sources} | set(found.cited)
    excerpts = []
    for source in [source for source in known if source.chunk_id in chunks][:MOST_EXCERPTS]:
        lines: list[str] = []
        for part in _options([source], pages)[0]:
            *heading, own = part.quoted.split("\n")
            lines += [line for line in heading if line not in lines]
            lines.append(own)
        excerpts.append((f"{source.doc}, page {source.pieces[0].page}", "\n".join(lines)))
    return excerpts


def _options(
    among: Sequence[Source], pages: Callable[[Collection[int]], Mapping[int, Page]]
) -> tuple[list[Source], Mapping[int, Page]]:
    """What may be quoted of the excerpts, and their pages; a document that was removed meanwhile
    is left out."""
    known = pages({span.page_id for source in among for span in source.spans})
    whole = [source for source in among if all(s.page_id in known for s in source.spans)]
    return [passage for source in whole for passage in quotable(source, known)], known


class Verdict(NamedTuple):
    """A sentence without its markers, the passages that hold its facts and words, why it is not
    supported by them all the same, and the ids of the chunks that it cites."""

    text: str
    sources: list[Source]
    doubt: str | None = None
    cited: tuple[str, ...] = ()

    @property
    def supported(self) -> bool:
        return bool(self.sources) and self.doubt is None


def verify(
    text: str,
    sources: Sequence[Source],
    pages: Callable[[Collection[int]], Mapping[int, Page]],
    likeness: Likeness,
) -> Verdict | None:
    """What the excerpts say to a sentence; None where there are no words in it.

    Where each half of a sentence has its own marker, each may be held by what it cites.
    """
    halves = _halves(text)
    if halves:
        each = [_verify(half, sources, pages, likeness) for half in halves]
        if all(found and found.supported for found in each):
            kept = [source for found in each if found for source in found.sources]
            cited = tuple(id_ for found in each if found for id_ in found.cited)
            return Verdict(inert(MARKER.sub("", text)), list(dict.fromkeys(kept)), None, cited)
    return _verify(text, sources, pages, likeness)


def _halves(text: str) -> list[str]:
    """The parts of a sentence that end with markers of their own, where all of it is in such."""
    ends = [m.end() for m in re.finditer(rf"(?:{MARKER.pattern})+", text)]
    parts = [text[a:b] for a, b in pairwise([0, *ends])]
    rest = text[ends[-1] :] if ends else text
    if len(parts) < 2 or re.search(r"\w", rest):
        return []
    parts = [
        re.sub(r"^\W*(?:(?:and|but|while|whereas|und|y|pero|aber)\b)?\W*", "", p) for p in parts
    ]
    return parts if all(len(MARKER.sub("", p).split()) > 3 for p in parts) else []


def _verify(
    text: str,
    sources: Sequence[Source],
    pages: Callable[[Collection[int]], Mapping[int, Page]],
    likeness: Likeness,
) -> Verdict | None:
    marked = [n for group in MARKER.findall(text) for n in _marked(group)]
    plain = inert(MARKER.sub("", text))
    if not re.search(r"\w", plain):
        return None
    aliases = Aliases(source.text for source in sources)
    said = aliases.told(plain)
    common = frozenset().union(*(_small(source.text) for source in sources))
    claimed, spoken = facts(said, common), told_words(_SOURCE_NAMED.sub("", said))
    wanted = frozenset(spoken)
    spoken_of = frozenset().union(*(told_by(aliases.told(source.text)) for source in sources))

    def holding(among: Sequence[Source], least: float, near: float) -> Verdict:
        """`least` of the words are held or, for passages to compare with, `near`."""
        options, known = _options(among, pages)
        texts = [aliases.told(option.text) for option in options]
        looked_up = _looked_up(claimed, wanted, said, texts)
        held = [told_by(text) | likeness.near(spoken, text) for text in texts]
        kept = _narrow(looked_up, wanted, options, texts, held, least)
        if unwritten(plain, options):
            return Verdict(plain, [])
        if not kept:
            nearest = sorted(zip(held, texts, strict=True), key=lambda t: -coverage(wanted, t[0]))
            written = _written(looked_up, said, [text for _, text in nearest], texts)
            some = _narrow(written, wanted, options, texts, held, near)
            return Verdict(plain, some, OTHER_WORDS if some else None)
        as_cited = least < CLEAR_COVERAGE
        against = disagreements(plain, options, known, aliases, likeness, as_cited, spoken_of)
        return Verdict(plain, kept, against[0] if against else None)

    cited = [sources[n - 1] for n in dict.fromkeys(marked) if 0 < n <= len(sources)]
    as_said = holding(cited, MIN_COVERAGE, LEAST_COVERAGE) if cited else Verdict(plain, [])
    if as_said.supported:
        return as_said._replace(cited=tuple(source.chunk_id for source in cited))
    anywhere = holding(sources, CLEAR_COVERAGE, MIN_COVERAGE)
    better = anywhere.supported or (anywhere.sources and as_said.doubt == OTHER_WORDS)
    found = as_said if as_said.sources and not better else anywhere
    return found._replace(cited=tuple(source.chunk_id for source in cited))


class Ours(NamedTuple):
    """What our own code says of a sentence: numbers of its sources, and that it is no quote."""

    sources: tuple[int, ...]
    computed: bool


def split_stream(tokens: Iterable[str]) -> Iterator[tuple[str, Ours | None]]:
    """(sentence, None) for a model's; exact quotes and computed sentences with their sources."""
    buffer = ""
    for token in tokens:
        buffer += token
        while True:
            control = re.search(f"[{QUOTE}{COMPUTED}{END}{DISCARD}]", buffer)
            if control is None:
                break
            before, mark = buffer[: control.start()], control.group()
            if mark in (QUOTE, COMPUTED):
                quote, ended, rest = buffer[control.end() :].partition(END)
                if not ended:
                    break
                yield from ((s, None) for s in _sentences(before))
                text, _, numbers = quote.partition(NUMBER)
                yield text, Ours(tuple(map(int, numbers.split())), mark == COMPUTED)
                buffer = rest
                continue
            if mark == END:
                yield from ((s, None) for s in _sentences(before))
            buffer = buffer[control.end() :]
        if QUOTE not in buffer and COMPUTED not in buffer:
            whole = _sentences(buffer)
            if len(whole) > 1 and not _BEGUN_MARKER.fullmatch(whole[-1]):
                yield from ((s, None) for s in whole[:-1])
                buffer = whole[-1] + (" " if buffer[-1:].isspace() else "")
    yield from ((s, None) for s in _sentences(buffer))


def complete_sentences(text: str) -> list[str]:
    """The sentences of a growing text that will not grow any more."""
    return _sentences(text)[:-1]


def inert(text: str) -> str:
    """Model output as plain words: no links, images, HTML, emphasis or control characters."""
    text = html.unescape(_TAG.sub(" ", text))
    text = _TAG.sub(" ", text)
    text = re.sub(r"!?\[([^\[\]]*)\]\((?:[^()]|\([^()]*\))*\)", r"\1", text)
    text = re.sub(r"!?\[([^\[\]]*)\]\[[^\[\]]*\]", r"\1", text)
    text = re.sub(r"\b(?:https?|ftp|file|data|javascript):\S+", "", text, flags=re.IGNORECASE)
    text = re.sub(r"^\s*(?:#{1,6}|>|[-*+•])\s+", "", text)
    text = re.sub(r"\*\*|__|`+|~~", "", text)
    text = "".join(c for c in text if c.isprintable() or c.isspace())
    return re.sub(r"\s+([.,;:!?])", r"\1", one_line(text))


def _marked(group: str) -> list[int]:
    found: list[int] = []
    for part in re.split(r"[,;]", group):
        ends = [int(n) for n in re.findall(r"\d+", part)]
        found += range(ends[0], ends[-1] + 1) if len(ends) == 2 else ends
    return found[:20]


def _sentences(text: str) -> list[str]:
    """Sentences with the markers that follow their full stop."""
    found: list[str] = []
    for line in text.split("\n"):
        for start, end in sentences(line):
            sentence = line[start:end]
            leading = re.match(rf"(?:{MARKER.pattern})+", sentence)
            if leading and found and sentence is not line:
                found[-1] += " " + leading.group().strip()
                sentence = sentence[leading.end() :].strip()
            if sentence:
                found.append(sentence)
    return found


def _looked_up(claimed: Facts, wanted: Collection[str], said: str, texts: Sequence[str]) -> Facts:
    """`claimed` without the numbers that are worked out from those of one passage that speaks of
    the same."""
    held = [held_in(text) for text in texts]
    near = [text for text in texts if coverage(wanted, told_by(text)) >= SAME_MATTER]
    kept = tuple(
        number
        for number in claimed.numbers
        if any(holds_number(number, h) for h in held)
        or not (
            _counts(number, said)
            or any(
                is_derived(number, said, text)
                or complement(number, said, text)
                or _as_often(number, said, text)
                for text in near
            )
        )
    )
    return claimed.model_copy(update={"numbers": kept})


def _written(claimed: Facts, said: str, nearest: Sequence[str], texts: Sequence[str]) -> Facts:
    """`claimed` without what may have been counted, or worked out from several of the `nearest`
    passages: only a reader can tell."""
    held, all_ = [held_in(text) for text in texts], "\n".join(nearest[:MOST_NEAREST])
    kept = tuple(
        number
        for number in claimed.numbers
        if any(holds_number(number, h) for h in held) or not may_be_worked_out(number, said, all_)
    )
    return claimed.model_copy(update={"numbers": kept})


def _counts(number: Number, said: str) -> bool:
    """Whether it counts the names that the sentence itself lists: “two people: …”."""
    listed = re.search(r"[:–—] ", said[number.end :])
    names = names_in(said[number.end + listed.end() :]) if listed else []
    return not number.digits.isdigit() and number.value == str(len(names))


def _as_often(number: Number, said: str, text: str) -> bool:
    """Whether it tells an interval that the text tells in another way: six months, half a year."""
    return any(
        start <= number.start < end and hours in periods(text) for start, end, hours in spans(said)
    )


def _narrow(
    claimed: Facts,
    wanted: Collection[str],
    options: Sequence[Source],
    told: Sequence[str],
    held: Sequence[frozenset[str]],
    least: float,
) -> list[Source]:
    """The fewest of the passages, which `told` has with aliases resolved and of which each has
    `held` of the words, that together hold the sentence; empty where all do not."""
    if not (wanted or claimed) or missing(claimed, *told):
        return []
    kept: list[int] = []
    together: set[str] = set()
    while len(kept) < MOST_PASSAGES:
        texts = [told[i] for i in kept]
        lacking = missing(claimed, *texts)
        if kept and not lacking and _covered(claimed, wanted, together) >= least:
            break
        best = max(
            (i for i in range(len(options)) if i not in kept),
            key=lambda i: (
                len(lacking) - len(missing(claimed, *texts, told[i])),
                coverage(wanted, together | held[i]),
                -len(options[i].text),
            ),
            default=None,
        )
        if best is None:
            break
        kept.append(best)
        together |= held[best]
    texts = [told[i] for i in kept]
    if not kept or missing(claimed, *texts) or _covered(claimed, wanted, together) < least:
        return []
    return [options[i] for i in sorted(kept)]


def _covered(claimed: Facts, wanted: Collection[str], held: Collection[str]) -> float:
    """The share of what a sentence says that is held, where its numbers, dates and codes are."""
    sure = len(claimed.numbers) + len(claimed.dates) + len(claimed.codes)
    return (coverage(wanted, held) * len(wanted) + sure) / (len(wanted) + sure or 1)


@lru_cache(maxsize=512)
def _small(text: str) -> frozenset[str]:
    """The stems of the words that `text` writes small."""
    return frozenset(stem(word) for word in re.findall(r"\b[a-z]{3,}\b", text))
