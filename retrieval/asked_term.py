"""The term whose mentions a question asks for, told by rules, and where it is to be looked for."""

from __future__ import annotations

import re

from retrieval.occurrences import Term
from store.models import Frozen

LONGEST = 200
"""Characters of a term; more is a passage, not a term."""
MOST_WORDS = 6
"""Of a term that stands alone."""

_QUOTED = re.compile(
    r"“([^“”]+)”|\"([^\"]+)\"|„([^„“”]+)[“”]|«([^«»]+)»|»([^«»]+)«|(?<!\w)['‘]([^'‘’]{2,})['’](?!\w)"
)
_SAYS = r"mention+e?d|named|referenced|referred to|cited|used|found|written|said|erwähnt|genannt"
_STANDS = (
    r"occurr?s?|app?ears?|comes? up|shows? up|turns? up|crops? up|stands?|exists?|vor(?:kommt)?"
)
_BY_WORDS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:mentions?|occurr?[ae]nces?|instances?|appearances?|references?|allusions?|hits"
        r"|matches|uses) (?:of|to|for) (?P<term>.+)",
        rf"\b(?:where|wher|wo) (?:is|are|was|were) (?P<term>.+?) (?:{_SAYS})\b(?P<rest>.*)",
        r"\bwhere (?:can|do|could|will) (?:i|we|one) (?:find|see|read) (?P<term>.+)",
        rf"\b(?:is|are|was|were|wird|werden) (?P<term>.+?) (?:{_SAYS})\b(?P<rest>.*)",
        rf"\b(?:does|do|did|kommt|kommen) (?P<term>.+?) (?:{_STANDS})\b(?P<rest>.*)",
        rf"\b(?:where|wher|in which|wo) (?P<term>.+?) (?:(?:is|are|was|were) (?:{_SAYS})|{_STANDS})"
        r"\b(?P<rest>.*)",
        r"\b(?:mentions?|contains?|refers? to|talks? about|speaks? of|discuss(?:es)?|cites?"
        r"|names?|includes?|erwähnen) (?P<term>.+)",
        r"\b(?:search|look|looking|scan)\b.*?\bfor (?P<term>.+)",
        r"\b(?:find|list|show|count)(?: me)?(?: (?:all|every|each|any))? (?P<term>.+)",
        r"\b(?:how often|how many times|wie oft) (?P<term>.+)",
    )
)
"""How the term stands in a question without quotation marks; the first that fits."""

_WITHIN = re.compile(
    r"\s(?:in|within|across|throughout|inside|from|im)\s+(?P<within>(?:(?:the|this|that|these|those|all"
    r"|any|every|each|our|my|its|der|den|dem|diesem|allen)\s.+|\S+\.\w{2,5}))$",
    re.IGNORECASE,
)
_KIND = re.compile(
    r"^(?:(?:the|das|der|die|den|dem) )?(?:exact )?(?:(?:word|term|phrase|expression|name|string"
    r"|keyword|wort|begriff|ausdruck|namen?|nummer|zahl)s?|(?:\w+ )?number) (?!of\b)(?=\S)",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"(?:wh\w+|how|is|are|do|does|did|can|could|please|give|tell|wer|was|wo|wie|kommt)\b",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"^(?:the|a|an|any|das|der|die|den|dem|eine?) (?=\S)")
_TAIL = re.compile(
    r"[\s,;]+(?:anywhere|somewhere|at all|please|irgendwo|and where|and how often|bitte|exactly)$",
    re.IGNORECASE,
)


class AskedTerm(Frozen):
    """`within` is how the question says where to look (“the minutes”), empty where it does not."""

    term: Term
    within: str = ""


def asked_term(question: str) -> AskedTerm | None:
    """The term asked for: what is in quotation marks exactly, else by how the question is put;
    None where it names none."""
    # What condensing adds of earlier questions stands in brackets behind.
    text = re.sub(r"(?<=\S) \([^()]*\)$", "", " ".join(question.split()))
    quoted = _QUOTED.search(text)
    if quoted:
        said = next(group for group in quoted.groups() if group)
        _, within = _cut(text[quoted.end() :])
        return _asked(said.strip(), within, exact=True)
    text = _bare(text)
    for pattern in _BY_WORDS:
        found = pattern.search(text)
        if found:
            _, after = _cut(found.groupdict().get("rest") or "")
            said, within = _cut(found["term"])
            return _asked(_without_kind(said), after or within, exact=False)
    # Words without a question around them are the term: “force majeure”.
    if len(text.split()) <= MOST_WORDS and not _ASKS.match(text):
        return _asked(_without_kind(text), "", exact=False)
    return None


def _asked(said: str, within: str, exact: bool) -> AskedTerm | None:
    if not re.search(r"\w", said) or len(said) > LONGEST:
        return None
    return AskedTerm(term=Term(text=said, exact=exact), within=within)


def _cut(text: str) -> tuple[str, str]:
    """A term and the words behind it that say where."""
    text = _bare(text)
    found = _WITHIN.search(text)
    return (_bare(text[: found.start()]), found["within"]) if found else (text, "")


def _bare(text: str) -> str:
    before = None
    while before != text:
        before = text
        text = _TAIL.sub("", text.rstrip(" ?!.,;:"))
    return text


def _without_kind(text: str) -> str:
    shorter = _KIND.sub("", text)
    return _ARTICLE.sub("", shorter if shorter != text else text)
