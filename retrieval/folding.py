"""Words that are compared as one: forms of a verb, a word and its opposite; and words that count
for nothing, because paraphrases put them in and leave them out.
"""

from __future__ import annotations

import re
from functools import lru_cache

from retrieval.polarity import neutral
from retrieval.words import stem

_LIGHT_VERBS = """
allow use put come go take make decide need require apply run stand stay become happen exist
occur serve act concern certain
"""
_LIGHT_WORDS = """
without unlike instead due
came went gone took taken made ran stood became possible various total amount per other
others previous first former respective ahead everywhere anywhere between via during among
upon share figure today currently now nowadays presently already anyone everyone someone whoever
also too altogether overall respectively namely accordingly furthermore moreover additionally
however way course fact case extra whereas wherea while specifically notably
"""
LIGHT = frozenset(_LIGHT_WORDS.split()) | frozenset(
    form
    for verb in _LIGHT_VERBS.split()
    for stem_ in (verb, verb.removesuffix("e"))
    for form in (stem_, f"{stem_}s", f"{stem_}es", f"{stem_}d", f"{stem_}ed", f"{stem_}ing")
)
_SAME = """
bring brought;
class classed classified classify; give gave given; delete erase erased deleted;
begin began begun start started; take took taken; pay paid payable; hold held;
lead led leads head heads headed dirige dirigido; run ran; buy bought; get got receive; leave left;
say said; tell told; write wrote written; keep kept; make made; find found; show showed shown;
cost costs price priced premium; staff employee employees people; year annual yearly annually;
month monthly monatlich monatliche; quarter quarterly; day daily;
analyse analyzed analysed analysis;
withdraw withdrew withdrawn; choose chose chosen; speak spoke spoken; know knew known;
see saw seen; eat ate eaten; fly flew flown; wear wore worn; steal stole stolen; draw drew drawn;
break broke broken; forget forgot forgotten; think thought; teach taught; catch caught; win won;
spend spent; lose lost loss; build built; stand stood; understand understood; seek sought;
bear bore borne; fight fought; deal dealt; feel felt; become became; freeze froze frozen;
arise arose arisen; oversee oversaw overseen; undertake undertook undertaken; shake shook;
repay repaid repayment; decide decided decision; apply applied application applicant;
permit permitted permission; choice chosen; grow growth; prove proof proved; succeed success;
lend loan loaned; analyse analysis; respond response; describe description;
receive receipt received; explain explanation; divide division; reduce reduction;
extend extension extended; suspend suspension suspended; expand expansion; retain retention;
produce production; destroy destruction; invest investment investor; resign resignation;
warrant warranty guarantee guaranteed; require requirement; renew renewal; propose proposal;
arrive arrival; survive survival; dispose disposal; notify notification; oblige obligation;
chair chaired; weigh weighs weight; noise noisy loud; send sent; meet met; drive drove driven
"""
_FOLDED = {
    stem(word): line.split()[0] for line in _SAME.replace("\n", " ").split(";") if line.strip()
    for word in line.split()
}  # fmt: skip


@lru_cache(maxsize=16384)
def folded(word: str) -> str:
    """A word's stem, irregular forms and opposites being one."""
    alone = neutral(word)
    root = stem(word)
    root = re.sub(r"(?<=[a-z]{3})er$", "", root) if word.endswith(("ered", "ering")) else root
    root = re.sub(r"(?<=[a-z]{2})([ai])bility$", r"\1bl", root)
    return alone if alone != word else _FOLDED.get(root, root)
