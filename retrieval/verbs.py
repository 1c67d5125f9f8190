"""Where the verb of a clause stands, told by its form and neighbours: there is no grammar here."""

from __future__ import annotations

from collections.abc import Sequence

from retrieval.numbers import is_number_word
from retrieval.words import STOP

_AUX_WORDS = """
is are was were be been being has have had having do does did may must shall will would can
could should might cannot need needs ist sind war wird wurde darf muss kann
"""
_BE_WORDS = """
is are was were be been being
"""
_HAVE_WORDS = """
has have had
"""
_PAST_WORDS = """
became began bought brought built came chose cost drew drove fell felt found gave got grew
held hit kept knew laid led left lent lost made met paid put ran read rose said sat saw sent
set shook shut sold spent spoke stood struck stuck sued swam taught thought threw told took
understood went won wore wrote withdrew sought bore bound fought dealt
"""
_PARTICIPLES_WORDS = """
begun bitten borne broken chosen come done drawn driven eaten fallen forgiven given grown
known overseen run seen sewn shown spoken stolen taken written withdrawn worn become
"""
_AFTER_A_VERB_WORDS = """
the a an this that these those its his her their our your to for at on in by from with into
of no not all every each any some up down over under about between against as only more less
most least when if and together
"""
_BEFORE_A_NOUN_WORDS = """
the a an this that these those its his her their our your of for to in on at by from with
each every any no some all and or new first last
"""
_PRONOUNS_WORDS = """
he she it they who which that this these er sie es
"""
_SUBJECTS_WORDS = """
we you i he she it they
"""
_BETWEEN_WORDS = """
not never also only first last then now still already always to
"""
_OBJECT_WORDS = "of in on for at and to from with by between if when"
AUX = frozenset(_AUX_WORDS.split())
BE = frozenset(_BE_WORDS.split())
HAVE = frozenset(_HAVE_WORDS.split())
PRONOUNS = frozenset(_PRONOUNS_WORDS.split())
AFTER_A_VERB = frozenset(_AFTER_A_VERB_WORDS.split())
HELPS = AUX | frozenset(_BETWEEN_WORDS.split())
"""What may stand before the verb that says what is done."""
_PAST = frozenset(_PAST_WORDS.split())
_PARTICIPLES = _PAST | frozenset(_PARTICIPLES_WORDS.split())
_BEFORE_A_NOUN = frozenset(_BEFORE_A_NOUN_WORDS.split())
_SUBJECTS = frozenset(_SUBJECTS_WORDS.split())
_OBJECT = AFTER_A_VERB - frozenset(_OBJECT_WORDS.split())


def verb_at(tokens: Sequence[str]) -> int | None:
    """Where the first verb stands that is not in a relative clause; None where none is sure."""
    low = [token.casefold() for token in tokens]
    for sure in (True, False):
        for i, token in enumerate(tokens):
            before, after = low[i - 1] if i else "", low[i + 1] if i + 1 < len(low) else ""
            if low[i] in AUX and before not in ("who", "that", "which"):
                return i
            if i == 1 and before in _SUBJECTS and not is_adverb(token):
                return 1
            if i == 0 and token.islower() and (is_participle(token) or _ends(token, after)):
                return 0  # "and resolved within four hours"
            if i == 0 or not token.islower() or before in _BEFORE_A_NOUN or low[i] in STOP:
                continue
            counted = before[:1].isdigit() or is_number_word(before)
            if not counted and (low[i] in _PAST or (low[i].endswith("ed") and len(low[i]) > 4)):
                return i
            if _present(low, i, before, after, sure, tokens[i - 1][:1].isupper()):
                earlier = (k for k in range(1, i) if _may_be_present(tokens, k) and sure)
                return next(earlier, i)
    return None


def _may_be_present(tokens: Sequence[str], at: int) -> bool:
    token, before = tokens[at], tokens[at - 1].casefold()
    ends = token.endswith("s") and not token.endswith("ss") and len(token) > 3
    return ends and token.islower() and before not in _BEFORE_A_NOUN


def _ends(token: str, after: str) -> bool:
    """Whether a clause goes on with a verb: “and ends on 3 May”."""
    return token.endswith("s") and after in ("on", "in", "at", "to", "the", "a", "an", "from")


def _present(low: Sequence[str], i: int, before: str, after: str, sure: bool, named: bool) -> bool:
    """Whether a word may be a verb in the present: repairs, or repair behind a plural."""
    ends = low[i].endswith("s") and not low[i].endswith("ss") and len(low[i]) > 3
    plural = before.endswith("s") and not before.endswith("ss") and len(before) > 3
    plural = plural and not (
        low[i].endswith("s") and "of" in low[:i]
    )  # "a jury of members decides"
    if not after:
        return False
    opens = (
        after in _OBJECT or after[0].isdigit() or after.endswith(("ing", "ed"))
        or is_number_word(after)
    )  # fmt: skip
    if sure:
        helped = any(w in AUX or w in _PAST for w in low[i + 1 :])
        if ends:
            return opens or (after in AFTER_A_VERB and not plural and not helped)
        return plural and after in _OBJECT and low[i].isalpha() and len(low[i]) > 2
    if ends:
        return named or (i > 1 and low[i - 2] in _BEFORE_A_NOUN) or not plural
    return plural and i < 3 and low[i].isalpha() and not low[i].endswith("ing")


def is_adverb(token: str) -> bool:
    return token.endswith("ly") and len(token) > 4 and token.islower()


def is_participle(token: str) -> bool:
    low = token.casefold()
    return low in _PARTICIPLES or (low.endswith("ed") and len(low) > 3 and low != "need")
