"""Whether two clauses say a thing or its opposite: negations, opposites, and what stands where.

Two clauses about the same thing contradict each other where an odd number of these differ:
whether it is negated, a word and its opposite (rose, fell), and the sides of a comparison.
"""

from __future__ import annotations

import re
from functools import lru_cache

from retrieval.numbers import numbers
from retrieval.words import content_stems, stem, words
from store.models import Frozen

_OPPOSITES = """
amount: increase increases increased increasing rise rises rose risen grow grows grew grown up raise raised raises higher high hotter more larger bigger greater gain gained improve improved climbed expanded extended widened dearer longer faster stieg stiegen gestiegen erhöht aumentó aumentaron subió | decrease decreases decreased decreasing fall falls fell fallen drop drops dropped decline declined declines down lower low less fewer smaller reduce reduced reduces shrank shrunk cut narrowed cheaper shorter slower worse sank sanken gesunken disminuyó disminuyeron bajó | unchanged same stable constant fixed
bound: ⟨least⟩ ⟨above⟩ minimum | ⟨most⟩ ⟨below⟩ maximum
order: after afterwards nach nachdem después | before beforehand prior vor bevor antes
open: open opens opened opening abierto geöffnet | close closes closed closing shut geschlossen cerrado
switch: on | off
accept: approve approves approved approval accept accepts accepted agree agreed adopted granted | reject rejects rejected rejection refuse refused refuses declined dismissed
propose: propose proposes proposed support supported supports favour favoured | oppose opposes opposed
include: include includes included including covers covered cover | exclude excludes excluded excluding
advance: advance | arrears
presence: present attend attends attended | absent excused misses missed missing
side: landlord lessor vermieter | tenant lessee mieter
trade: seller vendor supplier provider verkäufer | buyer purchaser customer käufer
work: employer arbeitgeber | employee arbeitnehmer
loan: lender | borrower
lend: lend lends lent | borrow borrows borrowed
deal: sell sells sold sale sales | buy buys bought
lead: precede precedes preceded | succeed succeeds succeeded
supply: supply supplies supplied deliver delivers delivered delivery | gets receives received obtains bought
guilt: guilty | innocent
pass: pass passed won | fail failed lost
rank: ahead | behind
balance: surplus profit profits | deficit deficits loss losses
inner: internal inside | external outside
fixed: permanent | temporary
must: mandatory obligatory compulsory required | optional voluntary
wet: wet | dry
"""  # fmt: skip  # noqa: E501
_POLES: dict[str, tuple[str, int]] = {}
for _line in _OPPOSITES.strip().splitlines():
    _name, _, _rest = _line.partition(":")
    for _pole, _words in enumerate(_rest.split("|")):
        _POLES |= {word: (_name, _pole) for word in _words.split()}

_POLE_STEMS = frozenset(map(stem, _POLES))
_CONVERSE = frozenset({"lend", "deal", "supply", "lead"})
"""What the one does with something, the other does from the other side."""
_DENYING = frozenset({"accept", "include", "pass", "propose"})
"""Whose second pole is a negation where the other clause has neither: rejected, excluded."""
_A_NUMBER = (
    r"(?= (?:[a-z]{1,3} |[€£$] ?)?(?:\d|one\b|two\b|three\b|four\b|five\b|six\b|seven\b|eight\b"
    r"|nine\b"
    r"|ten\b|eleven\b|twelve\b|twenty\b|thirty\b|fifty\b|hundred\b))"
)
_NEGATIONS_WORDS = (
    "not no never none neither nor cannot nobody nothing independent forbidden prohibited "
    "banned unlocked nicht kein keine keinen keiner nie niemals verboten nunca tampoco ni "
    "prohibido"
)
NEGATIONS = frozenset(_NEGATIONS_WORDS.split())
_REWRITTEN = (
    # What is negated only in form, or is a bound and no direction.
    (r"\b(?:no|not) (?:more|later|longer|higher|greater) than\b|\bat (?:the )?most\b"
     r"|\b(?:may|must|shall|should|can|does|do|will)? ?(?:not|never) exceed(?:ing)?\b|\bup to\b"
     r"|\bcapped(?: at)?\b|\blimited to\b|\ba maximum of\b|\bmax\.|\bhöchstens\b|\bcomo máximo\b",
     " ⟨most⟩ "),
    (r"\b(?:no|not) (?:less|fewer|earlier|lower|sooner) than\b|\bat (?:the )?least\b|\bor more\b"
     r"|\ba minimum of\b|\bmin\.|\band older\b|\bmindestens\b|\bal menos\b|\bcomo mínimo\b",
     " ⟨least⟩ "),
    (rf"\b(?:more|higher|greater|hotter|older|longer|later) than"
     rf"{_A_NUMBER}"
     r"|\b(?:over|above|exceeds?|exceeding)\b", " ⟨above⟩ "),
    (r"\b(?:less|lower|fewer|smaller|younger|shorter) than"
     rf"{_A_NUMBER}"
     r"|\b(?:under|below)\b", " ⟨below⟩ "),
    (r"\b(?:(?:did|do|does|has|have|was) not|no) chang(?:e|ed|es)\b", " unchanged "),
    (r"\bnot (?=(?:\w+ ){0,6}until\b)", " "),
    (r"\bnot only\b", " "),
    (r"\bfree (?:of|from)\b", " no "),
    (r"\bout of (?:order|service)\b", " not "),
    (r"\bno (?=nr\b|number\b|\d)", " "),
    (r"\b(\w+)n['’]t\b", r"\1 not "),
    (r"\bcannot\b", " can not "),
    (r"\bno (?=(?:puede|es|debe|se|cubre|está|son|hay|ha)\b)", " nunca "),
)  # fmt: skip
_FREELY = re.compile(r"\b(?:without|ohne|sin|even if)\b")
_ALLOWED = re.compile(r"\b(?:may|can|could|allowed|permitted|free|darf|kann|puede)\b")
_NEEDS = re.compile(
    r"\b(?:requir\w+|needs?|needed|only|subject to|must|unless|provided|nur|solo|requiere)\b"
)
_COMPARED = re.compile(
    r"\b(?:than|ahead of|behind|before|after|bevor|nachdem|antes de|después de)\b"
)


_PASSIVE = re.compile(
    r"\b(?:is|are|was|were|be|been|being)\s+(?:\w+ly\s+)?(?:\w+ed|lent|sold|bought|led|got)\b"
)


class Polarity(Frozen):
    """How a clause says what it says. `poles` are the opposites it uses; `left` and `right`
    what it compares."""

    negated: bool
    conditional: bool
    freely: bool
    needs: bool
    allowed: bool
    poles: dict[str, frozenset[int]]
    passive: bool = False
    left: frozenset[str] = frozenset()
    right: frozenset[str] = frozenset()


@lru_cache(maxsize=4096)
def polarity(clause: str) -> Polarity:
    text = _rewritten(clause)
    found = re.findall(r"⟨\w+⟩|[^\W\d_]+", text)
    poles: dict[str, set[int]] = {}
    for word in found:
        if word in _POLES and not word.startswith("⟨"):
            name, pole = _POLES[word]
            poles.setdefault(name, set()).add(pole)
    for match in re.finditer(r"⟨\w+⟩", text):
        of = next(iter(numbers(text[match.end() : match.end() + 30])), None)
        poles.setdefault(f"bound {of.value if of else ''}".strip(), set()).add(
            _POLES[match.group()][1]
        )
    left, right = _sides(text)
    negated = sum(word in NEGATIONS for word in found) % 2 == 1
    freely = _FREELY.search(text) is not None
    return Polarity(
        # "not without consent" forbids nothing: it sets a condition.
        negated=negated and not freely,
        conditional=negated and freely,
        freely=freely and not negated,
        allowed=_ALLOWED.search(text) is not None,
        needs=_NEEDS.search(text) is not None,
        poles={name: frozenset(found) for name, found in poles.items()},
        left=left,
        right=right,
        passive=_PASSIVE.search(text) is not None,
    )


def contradict(claim: Polarity, held: Polarity, turned: bool = False) -> bool:
    """Whether the clauses, which are about the same, say opposite things. `turned`: the names in
    them stand the other way round."""
    if held.conditional and not claim.conditional:
        return not (claim.needs or claim.negated)
    if claim.conditional and not held.conditional:
        return not (held.needs or held.negated)
    compared = bool(claim.left | claim.right) and bool(held.left | held.right)
    odd = claim.negated != held.negated
    if claim.freely != held.freely and not (claim.allowed or held.allowed):
        odd = not odd  # "without a bonus" is "no bonus"
    elif claim.freely != held.freely and not (claim.negated or held.negated):
        odd = not odd
    for name in claim.poles.keys() | held.poles.keys():
        poles, against = claim.poles.get(name), held.poles.get(name)
        if name.startswith("bound ") and (poles is None or against is None):
            # "at least 0.8" and "the minimum is 0.8"
            poles, against = poles or claim.poles.get("bound"), against or held.poles.get("bound")
        if poles and against and not poles & against:
            if 2 in poles or 2 in against:  # neither more nor less
                return not (claim.negated or held.negated)
            odd = not odd
            if name in _CONVERSE and claim.passive != held.passive and not turned:
                odd = not odd
        elif name in _DENYING and (poles or against) == {1} and not (poles and against):
            odd = not odd
    return odd != (_sides_turned(claim, held) if compared else turned)


def turns(claim: Polarity, held: Polarity) -> bool:
    """Whether a word of the one has its opposite in the other, as lent and borrowed."""
    return any(not poles & held.poles.get(n, poles) for n, poles in claim.poles.items())


def without_bounds(text: str) -> str:
    """`text` folded, without words such as “up to” and “no later than”, which are no content."""
    return re.sub(r"⟨\w+⟩|\b(?:against|up|down)\b", " ", _rewritten(text))


def one_sided(stemmed: str) -> bool:
    """Whether a stem is that of a word with an opposite."""
    return stemmed in _POLE_STEMS


def neutral(word: str) -> str:
    """The same word for a word and its opposite."""
    return f"⟨{_POLES[word][0]}⟩" if word in _POLES else word


@lru_cache(maxsize=4096)
def _rewritten(clause: str) -> str:
    text = clause.casefold()
    for pattern, instead in _REWRITTEN:
        text = re.sub(pattern, instead, text)
    return text


def _sides(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Content stems before and after a comparing word; what it opens with goes to its right."""
    match = _COMPARED.search(text)
    if match is None:
        return frozenset(), frozenset()
    before, after = text[: match.start()], text[match.end() :]
    if not words(before) and "," in after:
        after, _, before = after.partition(",")
    left, right = set(content_stems(before)), set(content_stems(after))
    return frozenset(left - right), frozenset(right - left)


def _sides_turned(claim: Polarity, held: Polarity) -> bool:
    straight = len(claim.left & held.left) + len(claim.right & held.right)
    crossed = len(claim.left & held.right) + len(claim.right & held.left)
    return crossed > straight
