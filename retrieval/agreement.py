"""Whether a sentence and the passages that hold its facts say the same of them.

`facts.missing` tells that a number or a name occurs. Here each is looked for among the words it is
said of, in the clause, table row and column; a clause and the one that it repeats must not
contradict each other; and words in quotation marks must have been written so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from retrieval.aliases import Aliases
from retrieval.alignment import SAME_MATTER, Passage, aligned, closeness, share
from retrieval.clauses import Clause, actors, clause, clauses, told_words
from retrieval.columns import wrong_column
from retrieval.deeds import GIVING, deed
from retrieval.derived import complement
from retrieval.folding import folded
from retrieval.numbers import Number, agree, numbers
from retrieval.pairings import mispaired
from retrieval.placement import TOGETHER, displaced, scattered, torn
from retrieval.polarity import bound, contradict, one_sided, polarity
from retrieval.presupposed import Likeness
from retrieval.restrictions import loosened
from retrieval.roles import turned
from retrieval.sources import Source
from retrieval.subjects import goes_alike, of_somebody_else
from retrieval.words import stem
from store.models import Page

_CONDITION = re.compile(r"\W*(?:if|when|unless|while|because|since|without|where)\b", re.IGNORECASE)
_ON_A_CONDITION = re.compile(r"\b(?:only|unless|until|must|need\w*|requir\w+)\b", re.IGNORECASE)
_ANSWERED = re.compile(r"\t(?:yes|no|ja|nein)(?:\t|$)", re.IGNORECASE)
_QUOTED = re.compile(r"“([^“”]+)”|\"([^\"]+)\"|„([^„“”]+)[“”]|«([^«»]+)»|”([^”]+)”")


def disagreements(
    sentence: str,
    options: Sequence[Source],
    pages: Mapping[int, Page],
    aliases: Aliases,
    likeness: Likeness,
    cited: bool = True,
    spoken_of: frozenset[str] = frozenset(),
) -> list[str]:
    """What speaks against the sentence in `options`, the passages of what it cites; of what it
    may have meant where it is not `cited`, which takes more to tell. `spoken_of` are the words of
    all excerpts, folded."""
    found: list[str] = []
    outside = aliases.told(_QUOTED.sub(lambda m: f"“{m.group()[1:-1]}”", sentence))
    spoken = told_words(outside)
    passages = [_passage(source, aliases, spoken, likeness) for source in options]
    found += _misnamed(outside, aliases)
    parts = clauses(outside)
    context = frozenset().union(*(part.words for part in parts))
    found += torn(parts, passages)
    found += _mixed_names(parts, passages)
    against = [_contradicted(part, passages, context) for part in parts]
    if not _both_denied(parts, against, passages):
        found += [what for whats in against for what in whats]
    for part in parts:
        found += scattered(part, passages, cited)
        found += displaced(part, passages, parts)
        found += _of_another(part, passages, spoken_of)
        found += _restricted(part, passages)
        found += wrong_column(part, sentence, [p.source for p in passages], pages)
    found += _unpaired(outside, parts, passages)
    for part in _titles(outside):
        found += displaced(part, passages)
        found += _contradicted(part, passages, title=True)
    return found


def _passage(
    source: Source, aliases: Aliases, spoken: Mapping[str, str], likeness: Likeness
) -> Passage:
    text = aliases.told(source.text)
    near = likeness.near(spoken, text)
    return Passage(source=source, text=text, clauses=clauses(text.replace("\n", " ")), near=near)


def _mixed_names(parts: Sequence[Clause], passages: Sequence[Passage]) -> list[str]:
    """A name put together from the names of two others: Lloyd Bank of Gareth Lloyd, Severn Bank."""
    named = {name for p in passages for c in p.clauses for name in c.names}
    found: list[str] = []
    for name in (name for part in parts for name in part.names if len(name) == 2):
        holds = [{w for w in name if w in other} for other in named]
        whole = any(len(h) == 2 for h in holds)
        long = {w for w in name if any(w in o and len(o) > 1 for o in named)}
        alone = any(len(o) == 1 and o[0] in name for o in named)
        if not whole and len(long) == 2 and not alone:
            found.append(f"nobody is called “{' '.join(name)}”")
    return found


def _misnamed(sentence: str, aliases: Aliases) -> list[str]:
    """“Merlin is the Customer” where Merlin was called the Supplier."""
    for match in re.finditer(r"\b(\w+) (?:is|was|acts as|as) (?:the |a )?(\w+)\b", sentence):
        if {match[1], match[2]} <= aliases.terms and match[1] != match[2]:
            return [f"{match[1]} is not {match[2]}"]
    return []


def _nearest(part: Clause, passages: Sequence[Passage]) -> list[int]:
    """The passages that say most of the clause; none where none speaks of the same."""
    shares = [closeness(part, part.words, p) for p in passages]
    best = max(shares, default=0.0)
    return [i for i, s in enumerate(shares) if s >= max(best - 0.05, SAME_MATTER)]


def _restricted(part: Clause, passages: Sequence[Passage]) -> list[str]:
    """What restriction every passage that says the clause says otherwise."""
    if not part.words:
        return []
    near = [passages[i] for i in _nearest(part, passages)]
    found = [loosened(part.text, aligned(part, p, by_value=False).text, p.text) for p in near]
    return found[0] if found and all(found) else []


def _both_denied(
    parts: Sequence[Clause], against: Sequence[list[str]], passages: Sequence[Passage]
) -> bool:
    """“If it is off, it does not work” of “it works only while it is on”."""
    if len(parts) != 2 or not all(against):
        return False
    conditions = [part for part in parts if _CONDITION.match(part.text)]
    near = [p for p in passages if all(share(part.words, p) >= TOGETHER for part in parts)]
    return len(conditions) == 1 and any(_ON_A_CONDITION.search(p.text) for p in near)


def _unpaired(sentence: str, parts: Sequence[Clause], passages: Sequence[Passage]) -> list[str]:
    """What every passage that says the most of the sentence puts together otherwise."""
    words = frozenset().union(*(part.words for part in parts))
    numbers_ = tuple(n for part in parts for n in part.numbers)
    whole = clause(sentence).model_copy(update={"numbers": numbers_})
    if not words:
        return []
    main = next((p for p in parts if p.words and not _CONDITION.match(p.text)), whole)
    near = [passages[i] for i in _nearest(main if len(main.words) > 2 else whole, passages)]
    found = [mispaired(sentence, aligned(whole, p, by_value=False).text, p.text) for p in near]
    return found[0] if found and all(found) else []


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


def _of_another(part: Clause, passages: Sequence[Passage], spoken_of: frozenset[str]) -> list[str]:
    """The clause where it names another actor than the passage that it repeats.

    Without a grammar, the actor is the word that a clause opens with or that follows “by”.
    """
    parts = [p.clauses for p in passages]
    said, nearest = deed(part.text), _nearest(part, passages)
    doer = (said.who | said.by) if said else frozenset()
    meant = frozenset().union(*(passages[i].near for i in nearest))
    by_name = doer & {told for name in part.names for w in name for told in (stem(w), folded(w))}
    same = bool(doer) and not by_name and doer <= meant
    if part.words and not same and of_somebody_else(part, parts, frozenset(nearest)):
        return [f"“{part.text}” is said of somebody else"]
    of = {passages[i].source.document_id for i in nearest}
    known = frozenset().union(*(p.words for p in passages if not of or p.source.document_id in of))
    foreign = {w for w in (doer - known - meant) & spoken_of if w in part.words and w[0] != "⟨"}
    if "people" in part.text.casefold():
        foreign.discard(folded("people"))
    if foreign:
        return [f"“{part.text}” is said in another document"]
    if len(part.words) < 3:
        return []
    unnamed = part.stems or part.words
    best = max(passages, key=lambda p: closeness(part, unnamed, p))
    if deed(part.text) and deed(aligned(part, best).text):
        return []  # it was looked at already
    actor = next(iter(actors(part)), None)
    if actor is None or actor in best.words | best.near or share(part.words, best) < TOGETHER:
        return []
    if not any(actor in p.words for p in passages):
        # Another document's word for who it is, or else a paraphrase.
        return [f"“{part.text}” is said of somebody else"] if actor in spoken_of else []
    others = [a for a in actors(aligned(part, best)) if a not in part.words]
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


def _contradicted(
    part: Clause,
    passages: Sequence[Passage],
    context: frozenset[str] = frozenset(),
    title: bool = False,
) -> list[str]:
    """The clause where what it repeats says the opposite; of a title only its own opposite.
    `context` are the words of its whole sentence."""
    wanted = part.words
    if not wanted or (len(wanted) < 2 and not deed(part.text) and len(context) > 2):
        return []
    matter = frozenset(word for word in wanted if not one_sided(word)) or wanted
    shares = [closeness(part, matter, p) + share(context, p) / 10 for p in passages]
    best = max(shares, default=0.0)
    if best < SAME_MATTER:
        return []
    near = [p for p, share in zip(passages, shares, strict=True) if share >= best - 0.05]
    if all(_against(part, p, title) for p in near):
        return [f"“{part.text}” contradicts “{near[0].text}”"]
    return []


def _against(part: Clause, passage: Passage, title: bool) -> bool:
    said = aligned(part, passage)
    claim, held = polarity(part.text), polarity(said.text)
    held = held.model_copy(update={"stems": held.stems | polarity(passage.text).stems})
    if not held.poles.keys() >= claim.poles.keys():
        values = {bound(n) for n in said.numbers}
        whole = {
            name: poles
            for name, poles in polarity(passage.text).poles.items()
            if name in claim.poles and (name in values or not name.startswith("bound "))
        }
        held = held.model_copy(update={"poles": whole | held.poles})
    if title:
        return any(not poles & held.poles.get(n, poles) for n, poles in claim.poles.items())
    if _ends_turned(part, said):
        return True
    whole = clause(passage.text)
    one, other = deed(part.text), deed(said.text)
    alike = one is not None and other is not None and goes_alike(one, other)
    if one and other and alike:
        poles = {n: p for n, p in claim.poles.items() if n not in GIVING}
        claim = claim.model_copy(update={"poles": poles})
    if _ANSWERED.search(passage.text):  # a column is looked at by itself
        held = held.model_copy(update={"negated": claim.negated})
    # "Seven of the nine had one" says the same as "two of the nine had none".
    rest = any(complement(n, part.text, passage.text) for n in part.numbers)
    around = not alike and (turned(part, said) or turned(part, whole))
    return rest != contradict(claim, held, around)


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


def unwritten(sentence: str, options: Sequence[Source]) -> list[str]:
    """The words that the sentence has in quotation marks and no passage has so."""
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
