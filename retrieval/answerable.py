"""Whether a passage that looks like the answer is one: two corrections of its score.

A passage may hold nearly every word of a question and not answer it: it affirms what the question
denies ("Which courts do *not* have this duty?"), or has the opposite of one of its words ("Which
committees are *optional*?"). Words and likeness score such a passage high; points come off.
In a language that the embedder does not read, likeness says little and exact words miss inflected
forms; there the score is made of other parts and has a threshold of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from retrieval.words import stem, stems, words

POINTS_OFF = 0.3
"""Off the score, 0..1, of a passage that says the contrary: as good as a refusal, for that holds
for 1 % of the questions that can be answered. Chosen on half of squad2's articles."""

UNREAD_THRESHOLD = 0.45
"""Least score by `unread_score`, chosen on half of the German articles of xquad."""

_DENIES = re.compile(
    r"\b(?:not|never|no|none|nor|neither|cannot|nobody|nothing|nowhere)\b"
    r"(?! (?:only|later|more|less|fewer|longer|sooner)\b)|n['’]t\b",
    re.IGNORECASE,
)
_EXCLUDES = re.compile(
    r"\b(?:not|never|no|none|nor|neither|cannot|without|nobody|nothing|nowhere|non|only|except\w*"
    r"|exclu\w+|exempt\w*|unless|fail\w*|lack\w*|refus\w+|den(?:y|ies|ied)|absen\w+|prohibit\w*"
    r"|forbid\w*|forbidden|prevent\w*|avoid\w*|reject\w*|instead|rather|un\w+|in(?:eligible|valid"
    r"|sufficient|correct|complete|applicable)|impossible|illegal)\b|n['’]t\b",
    re.IGNORECASE,
)
"""Wide on purpose: any of these may be what a question with "not" is after."""
_PREFIX = re.compile(r"(?:un|in|im|ir|il|dis|non|anti)(?=\w{4})")
# Without what one side says of the other: sold and bought, won and lost, before and after.
_OPPOSITES = """
more | less fewer
most | least fewest
larger largest bigger biggest greater greatest | smaller smallest
higher highest | lower lowest
longer longest | shorter shortest
older oldest | newer newest younger youngest
earlier earliest | later latest
better best | worse worst
stronger strongest | weaker weakest
fastest faster | slowest slower
richest richer wealthiest | poorest poorer
first | second third fourth last final
increase increased increases rise rose rises grew | decrease decreased decreases fall fell declined
open opened | closed close
allow allowed allows permit permitted | forbid forbidden prohibit prohibited prohibits banned
accept accepted accepts approve approved adopted | reject rejected rejects refuse refused
agree agreed agrees | disagree disagreed disagrees
support supported supports favour favor favored | oppose opposed opposes
include included includes | exclude excluded excludes
create created establish established built | destroy destroyed abolished demolished
encourage encouraged encourages | discourage discouraged discourages
add added adds | remove removed removes
join joined | leave left withdrew
arrive arrived | depart departed
import imports imported | export exports exported
unite united unites | divide divided divides
public | private
mandatory compulsory obligatory | optional voluntary
major | minor
majority | minority
maximum | minimum
upper top | lower bottom
internal domestic inner inside | external foreign outer outside
permanent | temporary
common | rare
natural | artificial
positive | negative
rich wealthy | poor
strong | weak
safe | dangerous
easy | difficult
cheap | expensive
hot | cold
wet | dry
urban | rural
northern north | southern south
eastern east | western west
male men man | female women woman
summer | winter
always | never
formal | informal
direct | indirect
ancient | modern
success successful | failure failed
victory | defeat
"""
_OTHER_SIDE: dict[str, set[str]] = {}
for _line in _OPPOSITES.strip().splitlines():
    _one, _other = (set(_side.split()) for _side in _line.split("|"))
    for _side, _against in ((_one, _other), (_other, _one)):
        for _word in _side:
            _OTHER_SIDE.setdefault(_word, set()).update(_against)
_NO_DEGREE = re.compile(
    r"\bhow (?:old|many more|much more|early|late|strong)\b|\b(?:first|last|second|late) (?:names?"
    r"|\d|two|three|four|five|minutes?|years?)\b|\bat (?:most|least)\b|\b(?:more|less) than\b"
)
"""Words of the table that compare nothing where they stand like this."""


def points_off(question: str, passage: str) -> float:
    """What to take off the score, 0..1, of `passage` as the answer: nothing, or `POINTS_OFF`."""
    return POINTS_OFF if contrary(question, passage) else 0.0


def contrary(question: str, passage: str) -> bool:
    """Whether `passage` affirms what the question denies, or has the opposite of its words."""
    if _DENIES.search(question):
        # An opposite in the passage is then what is asked for: "not able" and "unable".
        return _EXCLUDES.search(passage) is None
    return _opposed(question, passage)


def unread_score(
    nearness: float,
    *,
    similarity: float,
    chunk_coverage: float,
    kind: float,
    chunk: float,
    news: float,
) -> float:
    """The score, 0..1, of a passage in a language that the embedder does not read.

    `nearness` of the question's words in the passage (`retrieval.proximity`, which joins inflected
    forms by how they begin); the others as in `retrieval.extractive.Scored`.
    """
    return (
        0.45 * nearness
        + 0.2 * similarity
        + 0.1 * chunk_coverage
        + 0.1 * kind
        + 0.1 * chunk
        + 0.1 * news
    ) / 1.05


def _opposed(question: str, passage: str) -> bool:
    """Whether the passage has the opposite of a word of the question, and not the word itself."""
    asked = words(_NO_DEGREE.sub(" ", question.casefold()))
    held = words(_NO_DEGREE.sub(" ", passage.casefold()))
    asked_stems, held_stems = set(stems(question)), set(stems(passage))
    for word in asked:
        if stem(word) not in held_stems:
            against = _OTHER_SIDE.get(word, set()) & set(held)
            if any(stem(other) not in asked_stems for other in against):
                return True
            if any(stem(bare) in held_stems for bare in _bare(word)):
                return True
    return any(
        stem(bare) in asked_stems and stem(bare) not in held_stems and stem(word) not in asked_stems
        for word in held
        for bare in _bare(word)
    )


def _bare(word: str) -> Iterator[str]:
    """ "reserved" of "unreserved"."""
    match = _PREFIX.match(word)
    if match:
        yield word[match.end() :]
