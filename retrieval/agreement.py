"""Whether a sentence and the passages that hold its facts say the same of them.

`facts.missing` tells that a number or a name occurs. Here each is looked for among the words it is
said of, in the clause, table row and column; a clause and the one that it repeats must not
contradict each other; and words in quotation marks must have been written so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence

from retrieval.clauses import Clause, actors, clause, clauses
from retrieval.columns import wrong_column
from retrieval.facts import held_in, holds_number, holds_word
from retrieval.numbers import Number, agree, numbers
from retrieval.polarity import contradict, polarity
from retrieval.roles import turned
from retrieval.sources import Source
from retrieval.words import stem
from store.models import Frozen, Page

CLEARLY = 0.34
"""How much more of a clause's words another sentence holds to be the one it is about."""
SLIGHTLY = 0.15
TOGETHER = 0.5
"""Share of a clause's words that one document must hold."""
IN_ONE = 0.7
"""Share of a clause's words that one passage must hold for us to add its footnote."""
SAME_MATTER = 0.3
"""Share of a clause's words in a passage below which the two are not compared."""

_QUOTED = re.compile(r"“([^“”]+)”|\"([^\"]+)\"|„([^„“”]+)[“”]|«([^«»]+)»|”([^”]+)”")
_PRONOUN = re.compile(r"^(?:it|its|they|their|this|these|he|she|his|her|er|sie|es|dies\w*)\b", re.I)


class Passage(Frozen):
    """A sentence or row of a source, cut into its clauses."""

    source: Source
    text: str
    clauses: tuple[Clause, ...]

    @property
    def row(self) -> bool:
        """Whether it is a table's row under its header row."""
        return len(self.source.pieces) == 2

    @property
    def words(self) -> frozenset[str]:
        return frozenset().union(*(c.words for c in self.clauses))


class Anchor(Frozen):
    """A number, name or code of a clause, which must stand where the clause is said."""

    number: Number | None = None
    name: tuple[str, ...] = ()
    code: str = ""

    def is_in(self, text: str) -> bool:
        held = held_in(text)
        if self.number:
            return holds_number(self.number, held)
        if self.code:
            return holds_word(self.code, held)
        return 2 * sum(holds_word(word, held) for word in self.name) > len(self.name)

    def like(self, word: str, of: Clause) -> bool:
        """Whether a word of `of` is of its kind: of a name, or a year."""
        if self.number:
            return word.isdigit()
        return bool(self.name) and word not in of.stems and word not in of.codes

    def rivals(self, of: Clause, claim: str, row: bool = False) -> bool:
        """Whether `of` has another one of its kind, which the claim does not speak of. In a row
        units stand in the heading."""
        said = held_in(claim)
        if self.number:
            kind = self.number.measures
            return any(
                (row or kind & n.measures or kind == n.measures) and not holds_number(n, said)
                for n in of.numbers
            )
        if self.code:
            return any(not holds_word(code, said) for code in of.codes)
        return any(not any(holds_word(w, said) for w in name) for name in of.names)


def disagreements(
    sentence: str,
    options: Sequence[Source],
    pages: Mapping[int, Page],
    cited: bool = True,
    spoken_of: Collection[str] = (),
) -> list[str]:
    """What speaks against the sentence in `options`, the passages of what it cites; of what it
    may have meant where it is not `cited`, which takes more to tell. `spoken_of` are the words of
    all excerpts, folded."""
    found = [f"“{q}” is not written so" for q in _unwritten(sentence, options)]
    outside = _QUOTED.sub(lambda m: f"“{m.group()[1:-1]}”", sentence)
    passages = [
        Passage(source=s, text=s.text, clauses=clauses(s.text.replace("\n", " "))) for s in options
    ]
    for part in clauses(outside):
        found += _scattered(part, passages, cited)
        found += _displaced(part, passages)
        found += _contradicted(part, passages)
        found += _of_another(part, passages, spoken_of)
        found += wrong_column(part, sentence, [p.source for p in passages], pages)
    for part in _titles(outside):
        found += _displaced(part, passages)
        found += _contradicted(part, passages, title=True)
    return found


def _scattered(part: Clause, passages: Sequence[Passage], cited: bool) -> list[str]:
    """The clause where no document has all of its numbers and names and enough of its words; where
    it is not cited, no single passage most of its words."""
    if not cited and part.words and max(_share(part.words, p) for p in passages) < IN_ONE:
        return [f"no passage says “{part.text}”"]
    documents: dict[str, list[Passage]] = {}
    for passage in passages:
        documents.setdefault(passage.source.document_id, []).append(passage)
    for of in documents.values():
        words = frozenset().union(*(p.words for p in of))
        text = "\n".join(p.text for p in of)
        if all(anchor.is_in(text) for anchor in _anchors(part)) and (
            len(part.words) < 2 or len(part.words & words) >= TOGETHER * len(part.words)
        ):
            return []
    return [f"no document says “{part.text}”"]


def _titles(sentence: str) -> list[Clause]:
    """Names with the title before or behind them, each pair by itself."""
    found: list[Clause] = []
    names = r"([A-Z][\w’'-]+(?: & [A-Z][\w’'-]+| [A-Z][\w’'-]+)+)"
    for pattern in (rf"\b((?:[a-zA-Z]+ ){{1,3}}){names}", rf"(\b){names}, (?=(the [a-z][^,]+),)"):
        for match in re.finditer(pattern, sentence):
            title = match[1] or (match[3] if match.lastindex == 3 else "")
            title = _NO_TITLE.split(title)[-1].strip()
            if _TITLE.search(title):
                found.append(clause(f"{title} {match[2]}"))
    for match in re.finditer(rf"[Tt]he ([a-z]+), {names},", sentence):
        found.append(clause(f"{match[1]} {match[2]}"))
    return found


_NO_TITLE = re.compile(r"\b(?:of|by|to|for|from|with|and|is|was|are|were|at|in|on|as)\b")
_TITLE = re.compile(
    r"\b(?:officer|executive|director|manager|president|chair\w*|head|secretary|minister|founder"
    r"|landlord|tenant|owner|sponsor|deputy|leader|engineer|treasurer)\b",
    re.IGNORECASE,
)


def _displaced(part: Clause, passages: Sequence[Passage]) -> list[str]:
    """Numbers, names and codes that the passages say of something else."""
    found: list[str] = []
    for anchor in _anchors(part):
        own = [p for p in passages if anchor.is_in(p.text)]
        spoken = {stem(w) for w in anchor.name} | {anchor.code}
        if anchor.number and anchor.number.is_year:
            spoken.add(anchor.number.digits)
        wanted = part.words - spoken
        if not own or not wanted:
            continue
        best = max(_share(wanted, p) for p in own)
        near = [p for p in own if _share(wanted, p) >= best - 0.05]
        if all(_misplaced(anchor, part, wanted, p) for p in near) or any(
            _elsewhere(anchor, wanted, best, near[0], other, part.text)
            for other in passages
            if other not in own and other.source.document_id == near[0].source.document_id
        ):
            found.append(f"“{_told(anchor)}” is said of something else")
    return found


def _of_another(part: Clause, passages: Sequence[Passage], spoken_of: Collection[str]) -> list[str]:
    """The clause where it names another actor than the passage that it repeats.

    Without a grammar, the actor is the word that a clause opens with or that follows “by”.
    """
    if len(part.words) < 3:
        return []
    unnamed = part.stems or part.words
    best = max(passages, key=lambda p: _likeness(part, unnamed, p))
    actor = next(iter(actors(part)), None)
    if actor is None or actor in best.words or _share(part.words, best) < TOGETHER:
        return []
    if not any(actor in p.words for p in passages):
        # Another document's word for who it is, or else a paraphrase.
        return [f"“{part.text}” is said of somebody else"] if actor in spoken_of else []
    others = [a for a in actors(_aligned(part, best)) if a not in part.words]
    if others and not any(_is_one(actor, other, passages) for other in others):
        return [f"“{part.text}” is said of somebody else"]
    return []


def _is_one(actor: str, other: str, passages: Sequence[Passage]) -> bool:
    """Whether a short clause calls the one the other, as “Merlin plc (the supplier)” does."""
    return any(
        len(c.words) <= 5 and {actor, other} <= c.words and len(c.names) < 2
        for p in passages
        for c in p.clauses
    )


def _anchors(part: Clause) -> list[Anchor]:
    return [
        *(Anchor(number=number) for number in part.numbers),
        *(Anchor(name=name) for name in part.names),
        *(Anchor(code=code) for code in part.codes),
    ]


def _misplaced(anchor: Anchor, part: Clause, wanted: frozenset[str], passage: Passage) -> bool:
    """Whether the passage says it in another clause than the one that the claim repeats."""
    if _share(wanted, passage) < SAME_MATTER:
        return False
    said = _aligned(part, passage, anchor)
    others = [n for n in part.numbers if n != anchor.number]
    if anchor.number and others:
        for c in passage.clauses:
            held = held_in(c.text)
            if anchor.is_in(c.text) and all(holds_number(n, held) for n in others):
                return False
    return not anchor.is_in(said.text) and anchor.rivals(said, part.text)


def _elsewhere(
    anchor: Anchor,
    wanted: frozenset[str],
    best: float,
    own: Passage,
    other: Passage,
    claim: str,
) -> bool:
    """Whether the claim is about what another sentence or row says with another value."""
    share = _share(wanted, other)
    if any(anchor.rivals(c, claim, other.row) for c in other.clauses):
        more = wanted & (own.words - other.words)
        return share - best >= CLEARLY or (share - best >= SLIGHTLY and not more)
    if _PRONOUN.match(own.text) or anchor.name:  # who did it is often not repeated
        return False
    return best == 0 and share >= 0.5 and len(wanted) > 1


def _contradicted(part: Clause, passages: Sequence[Passage], title: bool = False) -> list[str]:
    """The clause where what it repeats says the opposite; of a title only its own opposite."""
    wanted = part.words
    if not wanted:
        return []
    shares = [_likeness(part, wanted, p) for p in passages]
    best = max(shares, default=0.0)
    if best < SAME_MATTER:
        return []
    near = [p for p, share in zip(passages, shares, strict=True) if share >= best - 0.05]
    if all(_against(part, p, title) for p in near):
        return [f"“{part.text}” contradicts “{near[0].text}”"]
    return []


def _against(part: Clause, passage: Passage, title: bool) -> bool:
    said = _aligned(part, passage)
    claim, held = polarity(part.text), polarity(said.text)
    if not held.poles.keys() >= claim.poles.keys():
        whole = polarity(passage.text)
        held = held.model_copy(update={"poles": whole.poles | held.poles})
    if title:
        return any(not poles & held.poles.get(n, poles) for n, poles in claim.poles.items())
    if _ends_turned(part, said):
        return True
    whole = clause(passage.text)
    return contradict(claim, held, turned(part, said) or turned(part, whole))


def _ends_turned(part: Clause, said: Clause) -> bool:
    """Whether “from 14 to 9” has become “from 9 to 14”."""
    for one, other in (("from", "to"), ("to", "from")):
        for number in _behind(one, part):
            there, here = _behind(other, said), _behind(one, said)
            if any(agree(number, n) for n in there) and not any(agree(number, n) for n in here):
                return True
    return False


def _behind(word: str, of: Clause) -> list[Number]:
    text = of.text.casefold()
    return [
        n
        for n in numbers(text)
        if not n.is_year and re.search(rf"\b{word} (?:[a-z]{{3}} ?|[€£$])?$", text[: n.start])
    ]


def _aligned(part: Clause, passage: Passage, anchor: Anchor | None = None) -> Clause:
    """The clause of the passage that a claim is about.

    A later clause leaves out what an earlier one said ("and the filter every 500 hours"), so the
    last one of whose own words the claim has most is it; otherwise the likest. Where it is asked
    about an anchor, things of its kind do not tell: they are what is doubted.
    """
    many, words = passage.clauses, part.words
    for i in range(len(many) - 1, 0, -1):
        others = frozenset().union(*(c.words for j, c in enumerate(many) if j != i))
        own = ((many[i].words & words) | many[i].told) - others
        if anchor is not None:
            own = {w for w in own if not anchor.like(w, many[i])}
        if own and len(own & words) > len(own) / 2:
            return many[i]

    def likeness(c: Clause) -> tuple[int, int, int]:
        told = {w for w in c.told & words if not (anchor and anchor.like(w, c)) and w[0] != "⟨"}
        held = held_in(c.text)
        return len(told), sum(holds_number(n, held) for n in part.numbers), len(c.words & words)

    return max(many, key=likeness)


def _share(wanted: frozenset[str], passage: Passage) -> float:
    return len(wanted & passage.words) / len(wanted)


def _likeness(part: Clause, wanted: frozenset[str], passage: Passage) -> float:
    """The share of the words, and of the numbers, names and codes, that the passage has."""
    anchors = _anchors(part)
    if not anchors:
        return _share(wanted, passage)
    held = sum(anchor.is_in(passage.text) for anchor in anchors) / len(anchors)
    return (_share(wanted, passage) + held) / 2


def _unwritten(sentence: str, options: Sequence[Source]) -> list[str]:
    said = [next(g for g in m.groups() if g) for m in _QUOTED.finditer(sentence)]
    if not said:
        return []
    written = _plain(" ".join(source.text for source in options))
    parts = [part for quote in said for part in re.split(r"\[?(?:…|\.\.\.)\]?", quote)]
    return [part for part in parts if _plain(part) not in written]


def _plain(text: str) -> str:
    """Case, white space and typography folded, marks at the ends left out."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = re.sub(r"[“”„«»\"]", "", text).replace("’", "'").replace("‘", "'")
    return re.sub(r"\s+", " ", re.sub(r"[–—]", "-", text)).strip(" .,;:!?")


def _told(anchor: Anchor) -> str:
    if anchor.number:
        return anchor.number.value
    return anchor.code or " ".join(anchor.name)
